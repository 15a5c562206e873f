"""Two decoders that learn one text in step."""

import math
from dataclasses import replace

import pytest
import torch

from charplay.data.text import normalize_target
from charplay.data.vocabulary import ASCII
from charplay.models.networks import CELLS, CharLM, CharLMConfig
from charplay.training.teacher_forcing import DecoderPair, TeacherForcingTask, choose_inputs, make_settings, roll_out
from charplay.ui import controls

CPU = torch.device("cpu")
EXAMPLE = make_settings("hihello", "rnn", 16, 0.003, 2, 0.0)  # the tab's worked example


def decoder(cell="gru", seed=0) -> CharLM:
    torch.manual_seed(seed)
    return CharLM(CharLMConfig(cell, 8, 12, 1))


def weights(model) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def free_running(model: CharLM, target: str) -> str:
    """The predictions of the plain network, each the input of the next step."""
    code, hidden, predictions = ASCII.encode(target[0]), None, ""
    with torch.no_grad():
        for _ in target[1:]:
            logits, hidden = model(code[None], hidden)
            code = logits[0].argmax(1)
            predictions += ASCII.decode(code)
    return predictions


def trained_pair(settings, epochs) -> DecoderPair:
    pair = DecoderPair(settings)
    for _ in range(epochs):
        pair.advance()
    return pair


def test_the_settings_of_the_example_are_those_of_the_tab():
    chosen = (
        controls.TARGET,
        controls.DECODER_CELL,
        controls.DECODER_SIZE,
        controls.DECODER_RATE,
        controls.DECODER_SEED,
    )
    assert make_settings(*(control.default for control in chosen), controls.RATIO.default) == EXAMPLE


@pytest.mark.parametrize("cell", CELLS)
def test_both_decoders_begin_as_the_same_network_and_then_differ(cell):
    pair = DecoderPair(replace(EXAMPLE, cell=cell))
    first, second = (trainer.model for trainer in pair.trainers)
    assert torch.equal(weights(first), weights(second))
    for _ in range(3):
        pair.advance()
    assert not torch.equal(weights(first), weights(second))


def test_two_teacher_forced_decoders_stay_the_same():
    pair = trained_pair(replace(EXAMPLE, ratio=1.0), 5)
    first, second = (trainer.model for trainer in pair.trainers)
    assert torch.equal(weights(first), weights(second))


@pytest.mark.parametrize("cell", CELLS)
def test_teacher_forcing_is_one_plain_call_over_the_text(cell):
    model, task = decoder(cell), TeacherForcingTask("hihello", 1.0)
    [batch] = task.batches(torch.Generator().manual_seed(0))
    loss, count = task.loss(model, batch, CPU)
    codes = ASCII.encode("hihello")
    logits, _ = model(codes[None, :-1])
    assert torch.equal(loss, torch.nn.functional.cross_entropy(logits[0], codes[1:]))
    assert count == 6


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_the_input_of_each_step_is_the_true_character_or_the_last_prediction(cell, ratio):
    target = "the quick brown fox"
    model, task = decoder(cell), TeacherForcingTask(target, ratio)
    [is_forced] = task.batches(torch.Generator().manual_seed(1))
    assert is_forced.any()
    assert not is_forced.all()
    loss, _ = task.loss(model, is_forced, CPU)
    hidden, before, losses = None, None, []
    inputs = choose_inputs(model, ASCII.encode(target)[:-1], is_forced)
    for step, code in enumerate(inputs.split(1)):
        assert code == (ASCII.encode(target[step]) if is_forced[step] else before)
        logits, hidden = model(code[None], hidden)
        before = logits[0].argmax(1)
        losses.append(torch.nn.functional.cross_entropy(logits[0], ASCII.encode(target[step + 1])))
    assert loss.item() == pytest.approx(torch.stack(losses).mean().item(), abs=1e-5)
    measured = task.evaluate(model)
    assert (measured["inputs"], measured["is_forced"]) == (ASCII.decode(inputs), is_forced.tolist())
    assert measured["loss"] == pytest.approx(loss.item(), abs=1e-5)


def test_the_ratio_is_the_share_of_steps_that_are_teacher_forced():
    generator, task = torch.Generator().manual_seed(0), TeacherForcingTask("x" * 200, 0.25)
    share = sum(task.batches(generator)[0].float().mean().item() for _ in range(50)) / 50
    assert share == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("cell", CELLS)
def test_the_free_run_is_scored_as_a_plain_loop_scores_it(cell):
    pair = trained_pair(replace(EXAMPLE, cell=cell, ratio=0.3), 25)
    update = pair.update_since()
    for row, trainer in enumerate(pair.trainers):
        predictions = free_running(trainer.model, "hihello")
        assert update["decoders"][row]["free_running"] == predictions
        assert update["history"][-1][3 * row + 2] == sum(a == b for a, b in zip(predictions, "ihello", strict=True))


def test_the_example_shows_exposure_bias_and_that_teacher_forcing_learns_faster():
    history = trained_pair(EXAMPLE, 200).history
    first, second = (
        next(epoch for epoch, row in enumerate(history, 1) if row[free_running_correct] == 6)
        for free_running_correct in (2, 5)
    )
    assert first < second
    _, correct, free_running_correct, *_ = history[controls.EXAMPLE_EPOCHS - 1]  # where the tab opens
    assert correct > free_running_correct


def test_a_decoder_that_is_all_correct_teacher_forced_is_all_correct_free_running():
    """Its own predictions are the true text then."""
    for seed in range(2):
        for row in trained_pair(replace(EXAMPLE, seed=seed), 60).history:
            assert (row[1] == 6) == (row[2] == 6)


def test_training_another_pair_in_between_changes_nothing():
    settings = replace(EXAMPLE, ratio=0.5)
    whole = trained_pair(settings, 20)
    halves = trained_pair(settings, 8)
    other = trained_pair(replace(settings, seed=9), 5)  # draws random numbers too
    for _ in range(12):
        other.advance()
        halves.advance()
    assert halves.update_since() == whole.update_since()


def test_an_update_holds_the_history_from_an_epoch_on():
    pair = trained_pair(EXAMPLE, 5)
    assert pair.update_since(3)["history"] == pair.update_since()["history"][3:] == pair.history[3:]
    assert not pair.is_over


def test_a_loss_that_is_not_finite_is_an_error_and_the_history_stays(monkeypatch):
    pair = trained_pair(EXAMPLE, 4)
    before = pair.update_since()
    healthy = TeacherForcingTask.loss
    monkeypatch.setattr(TeacherForcingTask, "loss", lambda *given: (healthy(*given)[0] * math.nan, 6))
    with pytest.raises(FloatingPointError, match="learning rate"):
        pair.advance()
    assert pair.update_since() == before


def test_one_call_over_the_inputs_gives_the_predictions_of_single_steps():
    model, codes = decoder("lstm"), ASCII.encode("so we go on")
    rollout = roll_out(model, codes, torch.zeros(len(codes), dtype=torch.bool))
    assert torch.equal(rollout.inputs[1:], rollout.predictions[:-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": ""}, "2 to 200 characters"),
        ({"target": " \n "}, "2 to 200 characters"),
        ({"target": "a"}, "2 to 200 characters"),
        ({"target": "a" * 201}, "at most 200 characters"),
        ({"target": "한국"}, "Latin alphabet"),
        ({"target": "ﷺ" * 100}, "Latin alphabet"),
        ({"target": "ﬃ" * 100}, "at most 200 characters"),
        ({"target": None}, "must be a text"),
        ({"target": ["hi"]}, "must be a text"),
        ({"cell": "cnn"}, "one of rnn, gru, lstm"),
        ({"cell": ["rnn"]}, "one of rnn, gru, lstm"),
        ({"hidden_size": 65}, "from 2 to 64"),
        ({"hidden_size": 2.5}, "whole number"),
        ({"learning_rate": math.nan}, "learning rate must be a number"),
        ({"learning_rate": 1e9}, "from 0.0001 to 1.0"),
        ({"learning_rate": None}, "learning rate must be a number"),
        ({"seed": -1}, "seed must be"),
        ({"seed": "lucky"}, "seed must be"),
        ({"ratio": 1.1}, "from 0.0 to 1.0"),
        ({"ratio": True}, "from 0.0 to 1.0"),
    ],
)
def test_settings_out_of_bounds_are_refused_with_what_is_allowed(changes, message):
    good = vars(EXAMPLE) | changes
    with pytest.raises(ValueError, match=message):
        make_settings(**good)


@pytest.mark.parametrize(
    ("typed", "read"),
    [("hihello", "hihello"), (" hé\r\nllo  you ", "he llo you"), ("“hi”", '"hi"'), ("a\x00b", "ab"), ("<b>", "<b>")],
)
def test_a_target_is_one_line_of_ascii(typed, read):
    assert normalize_target(typed) == read


def test_the_largest_learning_rate_keeps_the_history_finite():
    pair = DecoderPair(replace(EXAMPLE, learning_rate=1.0))
    for _ in range(30):
        pair.advance()
    assert all(math.isfinite(number) for row in pair.history for number in row)

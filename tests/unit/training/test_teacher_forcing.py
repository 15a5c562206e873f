"""Two decoders that learn one text in step."""

import math
from dataclasses import replace

import pytest
import torch

from charplay.data.text import decode, encode, normalize_target
from charplay.models.networks import CELLS, CharLM, CharLMConfig
from charplay.training.teacher_forcing import DecoderPair, TeacherForcingTask, choose_inputs, make_settings, roll_out
from charplay.ui import controls

CPU = torch.device("cpu")
OPENING = make_settings("hihello", "rnn", 16, 0.003, 2, 0.0)  # what the tab opens with


def decoder(cell="gru", seed=0) -> CharLM:
    torch.manual_seed(seed)
    return CharLM(CharLMConfig(cell, 8, 12, 1))


def weights(model) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def alone(model: CharLM, target: str) -> str:
    """A free run by the plain network, one character at a time."""
    code, hidden, written = encode(target[0]), None, ""
    with torch.no_grad():
        for _ in target[1:]:
            logits, hidden = model(code[None], hidden)
            code = logits[0].argmax(1)
            written += decode(code)
    return written


def advanced(settings, epochs) -> DecoderPair:
    lesson = DecoderPair(settings)
    for _ in range(epochs):
        lesson.advance()
    return lesson


def test_the_opening_settings_are_those_of_the_tab():
    chosen = (
        controls.TARGET,
        controls.DECODER_CELL,
        controls.DECODER_SIZE,
        controls.DECODER_RATE,
        controls.DECODER_SEED,
    )
    assert make_settings(*(control.default for control in chosen), controls.RATIO.default) == OPENING


@pytest.mark.parametrize("cell", CELLS)
def test_both_decoders_begin_as_the_same_network_and_then_part(cell):
    lesson = DecoderPair(replace(OPENING, cell=cell))
    first, second = (trainer.model for trainer in lesson.trainers)
    assert torch.equal(weights(first), weights(second))
    for _ in range(3):
        lesson.advance()
    assert not torch.equal(weights(first), weights(second))


def test_two_decoders_that_are_fed_alike_stay_the_same():
    lesson = advanced(replace(OPENING, ratio=1.0), 5)
    first, second = (trainer.model for trainer in lesson.trainers)
    assert torch.equal(weights(first), weights(second))


@pytest.mark.parametrize("cell", CELLS)
def test_teacher_forcing_is_one_plain_call_over_the_text(cell):
    model, task = decoder(cell), TeacherForcingTask("hihello", 1.0)
    [batch] = task.batches(torch.Generator().manual_seed(0))
    loss, count = task.loss(model, batch, CPU)
    codes = encode("hihello")
    logits, _ = model(codes[None, :-1])
    assert torch.equal(loss, torch.nn.functional.cross_entropy(logits[0], codes[1:]))
    assert count == 6


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_each_step_is_fed_the_true_character_or_the_prediction_before_it(cell, ratio):
    target = "the quick brown fox"
    model, task = decoder(cell), TeacherForcingTask(target, ratio)
    [is_forced] = task.batches(torch.Generator().manual_seed(1))
    assert is_forced.any()
    assert not is_forced.all()
    loss, _ = task.loss(model, is_forced, CPU)
    hidden, before, losses = None, None, []
    fed = choose_inputs(model, encode(target)[:-1], is_forced)
    for step, code in enumerate(fed.split(1)):
        assert code == (encode(target[step]) if is_forced[step] else before)
        logits, hidden = model(code[None], hidden)
        before = logits[0].argmax(1)
        losses.append(torch.nn.functional.cross_entropy(logits[0], encode(target[step + 1])))
    assert loss.item() == pytest.approx(torch.stack(losses).mean().item(), abs=1e-5)
    measured = task.evaluate(model)
    assert (measured["fed"], measured["forced"]) == (decode(fed), is_forced.tolist())
    assert measured["loss"] == pytest.approx(loss.item(), abs=1e-5)


def test_the_ratio_is_the_share_of_steps_that_are_fed_the_true_character():
    generator, task = torch.Generator().manual_seed(0), TeacherForcingTask("x" * 200, 0.25)
    share = sum(task.batches(generator)[0].float().mean().item() for _ in range(50)) / 50
    assert share == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("cell", CELLS)
def test_the_free_run_is_scored_as_a_plain_loop_scores_it(cell):
    lesson = advanced(replace(OPENING, cell=cell, ratio=0.3), 25)
    news = lesson.news()
    for row, trainer in enumerate(lesson.trainers):
        written = alone(trainer.model, "hihello")
        assert news["decoders"][row]["alone"] == written
        assert news["history"][-1][3 * row + 2] == sum(a == b for a, b in zip(written, "ihello", strict=True))


def test_the_forced_decoder_learns_hihello_before_the_other_and_derails_alone_on_the_way():
    history = advanced(OPENING, 200).history
    learnt = [next(epoch for epoch, row in enumerate(history, 1) if row[column] == 6) for column in (2, 5)]
    assert learnt[0] <= 70
    assert learnt[1] > 1.5 * learnt[0]
    derailed = [epoch for epoch, row in enumerate(history, 1) if row[1] >= 5 and row[2] <= 2]
    assert len(derailed) >= 10
    assert controls.EXAMPLE_EPOCHS in derailed  # the tab opens where it can be seen


def test_a_decoder_that_is_all_right_on_the_true_text_is_all_right_alone():
    """What it feeds itself is then the true text."""
    for seed in range(2):
        for row in advanced(replace(OPENING, seed=seed), 60).history:
            assert (row[1] == 6) == (row[2] == 6)


def test_a_lesson_that_waits_between_its_epochs_goes_as_one_that_does_not():
    settings = replace(OPENING, ratio=0.5)
    whole = advanced(settings, 20)
    halves = advanced(settings, 8)
    other = advanced(replace(settings, seed=9), 5)  # others learn meanwhile, and draw
    for _ in range(12):
        other.advance()
        halves.advance()
    assert halves.news() == whole.news()


def test_what_is_new_of_a_lesson_is_its_history_from_an_epoch_on():
    lesson = advanced(OPENING, 5)
    assert lesson.news(3)["history"] == lesson.news()["history"][3:] == lesson.history[3:]
    assert not lesson.is_over


def test_a_loss_that_is_no_number_is_said_and_what_was_reached_stays(monkeypatch):
    lesson = advanced(OPENING, 4)
    before = lesson.news()
    healthy = TeacherForcingTask.loss
    monkeypatch.setattr(TeacherForcingTask, "loss", lambda *given: (healthy(*given)[0] * math.nan, 6))
    with pytest.raises(FloatingPointError, match="smaller learning rate"):
        lesson.advance()
    assert lesson.news() == before


def test_one_call_finds_the_characters_that_single_steps_find():
    model, codes = decoder("lstm"), encode("so we go on")
    nobody = torch.zeros(len(codes), dtype=torch.bool)
    once = roll_out(model, codes, nobody)
    assert torch.equal(once.fed[1:], once.predicted[:-1])


@pytest.mark.parametrize(
    ("changes", "says"),
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
def test_settings_that_nothing_can_be_learnt_by_are_refused_with_a_sentence(changes, says):
    good = vars(OPENING) | changes
    with pytest.raises(ValueError, match=says):
        make_settings(**good)


@pytest.mark.parametrize(
    ("typed", "read"),
    [("hihello", "hihello"), (" hé\r\nllo  you ", "he llo you"), ("“hi”", '"hi"'), ("a\x00b", "ab"), ("<b>", "<b>")],
)
def test_a_target_is_one_line_of_ascii(typed, read):
    assert normalize_target(typed) == read


def test_absurd_but_allowed_learning_rates_end_in_numbers_or_a_sentence():
    lesson = DecoderPair(replace(OPENING, learning_rate=1.0))
    for _ in range(30):
        lesson.advance()
    assert all(math.isfinite(number) for row in lesson.history for number in row)

import pytest
import torch

from charplay.data.batches import pad
from charplay.models.networks import CELLS, CharLMConfig, NameClassifierConfig
from tests.conftest import make_classifier, make_language_model

NAMES = ["solan", "x", "ghatmasala", "hard", "san", "O'Brien-Yamamoto", "hard"]
EVERY_CELL_AND_DIRECTION = [(cell, both) for cell in CELLS for both in (False, True)]
EXACT = {"rtol": 0, "atol": 1e-6}


@pytest.mark.parametrize(("cell", "bidirectional"), EVERY_CELL_AND_DIRECTION)
def test_packed_equals_masked(cell, bidirectional):
    model, padded = make_classifier(cell, bidirectional), pad(NAMES)
    packed, packed_final = model.run_packed(padded.codes, padded.lengths)
    masked, masked_final = model.run_masked(padded.codes, padded.lengths)
    torch.testing.assert_close(packed, masked, **EXACT)
    torch.testing.assert_close(packed_final, masked_final, **EXACT)


@pytest.mark.parametrize(("cell", "bidirectional"), EVERY_CELL_AND_DIRECTION)
def test_packed_outputs_are_zero_at_pads_and_padded_ones_are_not(cell, bidirectional):
    model, padded = make_classifier(cell, bidirectional), pad(NAMES)
    packed, packed_final = model.run_packed(padded.codes, padded.lengths)
    padded_outputs, padded_final = model.run_padded(padded.codes)
    is_pad = ~padded.is_real
    assert (packed[is_pad] == 0).all()
    assert (padded_outputs[is_pad] != 0).any(dim=1).all()
    assert (packed_final - padded_final).abs().max() > 1e-3


@pytest.mark.parametrize("pooling", [False, True])
@pytest.mark.parametrize(("cell", "bidirectional"), EVERY_CELL_AND_DIRECTION)
def test_a_name_gets_the_same_logits_in_any_batch_and_order(cell, bidirectional, pooling):
    model, padded = make_classifier(cell, bidirectional, pooling), pad(NAMES)
    together = model(padded.codes, padded.lengths)
    for row, name in enumerate(NAMES):
        single = pad([name])
        torch.testing.assert_close(model(single.codes, single.lengths)[0], together[row], rtol=0, atol=1e-5)
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    torch.testing.assert_close(model(padded.codes[order], padded.lengths[order]), together[order], **EXACT)


def test_codes_beyond_a_rows_length_are_ignored():
    model, padded = make_classifier(), pad(NAMES)
    overwritten = padded.codes.masked_fill(~padded.is_real, 99)
    torch.testing.assert_close(model(overwritten, padded.lengths), model(padded.codes, padded.lengths), rtol=0, atol=0)


def test_the_lectures_names_give_a_row_of_18_logits_each():
    padded = pad(["adylov", "solan", "hard", "san"])
    assert make_classifier()(padded.codes, padded.lengths).shape == (4, 18)


@pytest.mark.parametrize("cell", CELLS)
def test_a_language_model_run_step_by_step_equals_one_forward(cell):
    model = make_language_model(cell)
    codes = torch.randint(32, 127, (3, 20), generator=torch.Generator().manual_seed(0))
    whole, whole_state = model(codes)
    assert whole.shape == (3, 20, 128)
    state, steps = None, []
    for step in range(20):
        logits, state = model(codes[:, step : step + 1], state)
        steps.append(logits)
    torch.testing.assert_close(torch.cat(steps, 1), whole, **EXACT)
    torch.testing.assert_close(state, whole_state, **EXACT)


def test_character_dropout_applies_in_training_only():
    model, padded = make_classifier(), pad(NAMES)
    assert torch.equal(model(padded.codes, padded.lengths), model(padded.codes, padded.lengths))
    dropping = make_classifier()
    dropping.config = NameClassifierConfig("gru", 8, 12, 2, character_dropout=0.5)
    assert torch.equal(dropping(padded.codes, padded.lengths), model(padded.codes, padded.lengths))
    dropping.train()
    assert not torch.allclose(dropping(padded.codes, padded.lengths), dropping(padded.codes, padded.lengths))


@pytest.mark.parametrize(
    "fields",
    [
        {"cell": "transformer"},
        {"hidden_size": 0},
        {"hidden_size": 10**9},
        {"hidden_size": 2.5},
        {"embedding_size": "64"},
        {"layers": 9},
        {"layers": True},
        {"dropout": 1.0},
        {"dropout": float("nan")},
        {"dropout": "no"},
    ],
)
@pytest.mark.parametrize("config", [NameClassifierConfig, CharLMConfig])
def test_a_config_with_an_invalid_field_is_refused(config, fields):
    with pytest.raises(ValueError, match="must be"):
        config(**fields)


@pytest.mark.parametrize(
    "fields", [{"classes": 1}, {"bidirectional": 1}, {"pooling": None}, {"character_dropout": -0.1}]
)
def test_a_classifiers_config_with_an_invalid_field_is_refused(fields):
    with pytest.raises(ValueError, match="must be"):
        NameClassifierConfig(**fields)

import pytest
import torch

from charplay import limits
from charplay.data.vocabulary import ASCII
from charplay.inference.generate import generate
from charplay.inference.generation import Request, make_request
from charplay.inference.held_units import HeldUnit, hold_unit
from charplay.inference.products import UnroundedProduct, available_products
from charplay.inference.quantized import QuantizedStep
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_language_model
from tests.unit.inference.test_quantized import make_model

TEXT = ASCII.encode("My fellow Americans")


@torch.no_grad()
def held_logits(model, layer, unit, value):
    """Logits (time, 128) by PyTorch's own cells, with a unit overwritten after each step."""
    cell_type = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}[model.config.cell]
    size, cells, states, logits = model.config.hidden_size, [], [], []
    for index in range(model.config.layers):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        weights = {name: getattr(model.rnn, f"{name}_l{index}") for name in names}
        cell = cell_type(weights["weight_ih"].shape[1], size)
        cell.load_state_dict(weights)
        cells.append(cell)
        zero = torch.zeros(1, size)
        states.append((zero, zero.clone()) if model.config.cell == "lstm" else zero)
    for code in TEXT:
        x = model.embedding(code[None])
        for index, cell in enumerate(cells):
            states[index] = cell(x, states[index])
            x = states[index][0] if model.config.cell == "lstm" else states[index]
            if index == layer - 1:
                x[0, unit] = value
        logits.append(model.linear(x)[0])
    return torch.stack(logits)


@torch.no_grad()
def stepped(quantized, rows):
    """Logits (time, batch, 128) of `TEXT` read in rows that hold what `rows` say."""
    state, held, logits = quantized.initial_state(len(rows)), quantized.hold(rows), []
    for code in TEXT:
        row, state = quantized.step(code.repeat(len(rows)), state, held)
        logits.append(row)
    return torch.stack(logits)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layer", [1, 2, 3])
@pytest.mark.parametrize("value", [0.3, -8.0])
def test_a_held_unit_is_read_by_all_that_reads_its_layer(cell, layer, value):
    model = make_model(cell, layers=3)
    expected = held_logits(model, layer, 5, value)
    rows = [HeldUnit(layer, 5, value)]
    torch.testing.assert_close(stepped(QuantizedStep(model, UnroundedProduct), rows)[:, 0], expected, rtol=0, atol=1e-4)
    for product in available_products():
        assert (stepped(QuantizedStep(model, product), rows)[:, 0] - expected).abs().max() < 0.05


@pytest.mark.parametrize("cell", CELLS)
def test_rows_beside_a_held_one_do_not_change_by_a_bit(cell):
    quantized = QuantizedStep(make_model(cell))
    rows = [None, HeldUnit(2, 3, 8.0), None, HeldUnit(1, 3, -8.0), HeldUnit(2, 7, 1.0)]
    together, free = stepped(quantized, rows), stepped(quantized, [None])
    for row, each in enumerate(rows):
        assert torch.equal(together[:, row], stepped(quantized, [each])[:, 0])
        assert torch.equal(together[:, row], free[:, 0]) == (each is None)


@pytest.mark.parametrize("cell", CELLS)
def test_every_product_holds_a_unit_to_the_last_bit_alike(cell):
    rows = [HeldUnit(1, 3, 2.7), HeldUnit(2, 5, -8.0)]
    first, *others = (stepped(QuantizedStep(make_model(cell), product), rows) for product in available_products())
    assert all(torch.equal(first, other) for other in others)


@pytest.mark.parametrize("cell", CELLS)
def test_texts_beside_a_held_one_are_the_same_bit_for_bit(cell):
    checkpoint = make_checkpoint("speech", make_language_model(cell))
    held = hold_unit(checkpoint.config, (1, 2, 8.0))
    free = [make_request("yes we ", length=20 + 10 * seed, seed=seed) for seed in range(4)]
    with_held = [free[0], make_request("yes we ", length=35, seed=0, held=held), *free[1:]]
    first, changed, *others = generate(checkpoint, with_held)
    assert [first, *others] == generate(checkpoint, free)
    assert [changed] == generate(checkpoint, [with_held[1]])  # nor does it depend on them
    assert changed[:20] != first


def test_a_unit_and_a_value_out_of_bounds_are_refused():
    config = make_model("gru").config
    assert hold_unit(config, [2, 39, limits.HELD_VALUE.high]) == (2, 39, limits.HELD_VALUE.high)
    for wrong in (
        (3, 0, 1.0),
        (0, 0, 1.0),
        (1, 40, 1.0),
        (1, -1, 1.0),
        (1, 0, 8.1),
        (1, 0, float("nan")),
        (1, 0, "1"),
        (1, 0),
        "123",
        7,
        None,
        {"layer": 1, "unit": 0, "value": 1},
    ):
        with pytest.raises(ValueError, match="must be"):
            hold_unit(config, wrong)


def test_a_request_that_comes_as_json_holds_the_same_unit():
    request = make_request("yes", held=HeldUnit(1, 2, 3.0))
    assert Request(**{**vars(request), "held": [1, 2, 3.0]}) == request
    assert make_request("yes", seed=1).held is None

import numpy as np
import pytest
import torch

from charplay.data.vocabulary import ASCII
from charplay.inference.products import UnroundedProduct, available_products, fastest_product
from charplay.inference.quantized import QuantizedStep
from charplay.models.networks import CELLS, CharLM, CharLMConfig

TEXT = ASCII.encode("My fellow Americans, tonight I want to speak with you about the state of our union.")


def make_model(cell: str, layers: int = 2, hidden_size: int = 40) -> CharLM:
    torch.manual_seed(0)
    return CharLM(CharLMConfig(cell, 8, hidden_size, layers)).eval()


@torch.no_grad()
def step_through(quantized: QuantizedStep, rows: torch.Tensor) -> torch.Tensor:
    """Codes (batch, time) -> logits (batch, time, 128), one `step` per column."""
    state, logits = quantized.initial_state(len(rows)), []
    for codes in rows.t():
        row, state = quantized.step(codes, state)
        logits.append(row)
    return torch.stack(logits, 1)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_steps_equal_the_models_forward(cell, layers):
    model = make_model(cell, layers)
    with torch.no_grad():
        expected, _ = model(TEXT[None])
    torch.testing.assert_close(
        step_through(QuantizedStep(model, UnroundedProduct), TEXT[None]), expected, rtol=0, atol=1e-5
    )
    rounded = step_through(QuantizedStep(model), TEXT[None])
    assert (rounded - expected).abs().max() < 0.03
    assert not torch.equal(rounded, expected)  # it is indeed rounded


@pytest.mark.parametrize("cell", CELLS)
def test_every_product_gives_the_same_logits_to_the_last_bit(cell):
    first, *others = (
        step_through(QuantizedStep(make_model(cell), product), TEXT[None]) for product in available_products()
    )
    assert all(torch.equal(first, other) for other in others)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("product", available_products())
def test_a_row_is_the_same_to_the_last_bit_in_a_batch_of_one_and_of_200(cell, product):
    quantized = QuantizedStep(make_model(cell, hidden_size=96), product)
    rows = torch.randint(32, 127, (200, 12), generator=torch.Generator().manual_seed(1))
    together = step_through(quantized, rows)
    for row in (0, 1, 15, 16, 77, 199):
        assert torch.equal(step_through(quantized, rows[row : row + 1])[0], together[row])


def test_the_fastest_product_is_taken():
    assert QuantizedStep(make_model("gru")).product is fastest_product()


@pytest.mark.parametrize("cell", CELLS)
def test_a_step_leaves_the_state_before_it_as_it_was(cell):
    """It may be taken again: of a beam that several others follow."""
    quantized = QuantizedStep(make_model(cell))
    _, state = quantized.step(TEXT[:1], quantized.initial_state(1))
    copies = [part.copy() for part in state]
    first, after = quantized.step(TEXT[1:2], state)
    second, again = quantized.step(TEXT[1:2], state)
    assert torch.equal(first, second)
    assert all(map(np.array_equal, after, again))
    assert all(map(np.array_equal, copies, state))

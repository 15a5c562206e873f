import pytest
import torch

from charplay.evaluation import calibration


def test_the_calibration_error_equals_one_computed_by_hand():
    # two rows sure to 0.8, one of them right; two sure to 0.55, both right
    probabilities = torch.tensor([[0.8, 0.2], [0.8, 0.2], [0.55, 0.45], [0.45, 0.55]])
    bins = calibration.reliability(probabilities, torch.tensor([0, 1, 0, 1]))
    assert len(bins) == calibration.BINS
    assert sum(each["n"] for each in bins) == 4
    assert calibration.calibration_error(bins) == pytest.approx((2 * abs(0.5 - 0.8) + 2 * abs(1 - 0.55)) / 4)


def test_a_probability_of_one_falls_into_the_last_bin():
    bins = calibration.reliability(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))
    assert bins[-1] == {"n": 1, "confidence": 1.0, "accuracy": 1.0}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_fitted_temperature_undoes_a_scaling_of_the_logits(temperature):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 4, generator=generator) * 2
    truth = torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)
    assert calibration.fit_temperature(logits * temperature, truth) == pytest.approx(temperature, rel=0.05)

import pytest
import torch

from charplay.data.datasets import COUNTRIES
from charplay.inference.classify import BATCH_SIZE, classify, logits_of
from charplay.models.checkpoints import load


def test_a_classification_says_what_was_typed_what_was_read_and_eighteen_shares(classifier):
    (result,) = classify(classifier, ["  Müller"])
    assert (result["name"], result["normalized"]) == ("  Müller", "Muller")
    assert tuple(result["probabilities"]) == COUNTRIES
    assert sum(result["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert result["country"] == max(result["probabilities"], key=result["probabilities"].get)


def test_many_names_come_back_in_their_order(classifier):
    names = [chr(97 + index % 26) * (1 + index % 9) for index in range(BATCH_SIZE + 50)]
    together = logits_of(classifier.model, names)
    for index in (0, 7, BATCH_SIZE - 1, BATCH_SIZE + 49):
        torch.testing.assert_close(logits_of(classifier.model, [names[index]])[0], together[index], rtol=0, atol=1e-5)


def test_a_blank_name_is_refused_and_no_names_are_no_results(classifier):
    with pytest.raises(ValueError, match="at least one letter"):
        classify(classifier, ["Rossi", "  "])
    assert classify(classifier, []) == []


def test_the_shipped_model_knows_names_that_everyone_knows(shipped_names):
    expected = {"Kowalski": "Polish", "Rossi": "Italian", "Nguyen": "Vietnamese", "O'Brien": "Irish"}
    results = classify(shipped_names, list(expected))
    assert {result["name"]: result["country"] for result in results} == expected


@pytest.fixture(scope="module")
def shipped_names():
    from charplay.models.checkpoints import SHIPPED_DIRECTORY

    return load(SHIPPED_DIRECTORY / "names.safetensors", "names")


def test_an_equal_weighting_divides_the_shares_out(classifier):
    from_data, equal = (classify(classifier, ["Rossi"], prior)[0]["probabilities"] for prior in ("data", "uniform"))
    divided = [from_data[country] / share for country, share in zip(COUNTRIES, classifier.shares, strict=True)]
    assert list(equal.values()) == pytest.approx([value / sum(divided) for value in divided], rel=1e-4)


@pytest.mark.parametrize("prior", ["", "equal", None, 1, ["data"]])
def test_an_unknown_prior_is_refused(classifier, prior):
    with pytest.raises(ValueError, match="prior must be one of data, uniform"):
        classify(classifier, ["Rossi"], prior)

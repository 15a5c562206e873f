import dataclasses

import pytest
import torch

from charplay.data.datasets import COUNTRIES
from charplay.inference.classify import BATCH_SIZE, USER_RESULTS, classify, logits_of
from charplay.interpret.prefixes import prefixes_of
from charplay.models.checkpoints import load


def test_a_classification_holds_the_name_as_typed_and_normalized_and_18_probabilities(classifier):
    (result,) = classify(classifier, ["  Müller"])
    assert (result["name"], result["normalized"]) == ("  Müller", "Muller")
    assert tuple(result["probabilities"]) == COUNTRIES
    assert sum(result["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert result["country"] == max(result["probabilities"], key=result["probabilities"].get)


@pytest.mark.parametrize("fast", [False, True])
def test_logits_of_many_names_are_in_the_order_given(classifier, fast, monkeypatch):
    monkeypatch.setattr("charplay.inference.classify.FAST_BATCH_SIZE", BATCH_SIZE // 4)  # several batches of both kinds
    names = [chr(97 + index % 26) * (1 + index % 9) for index in range(BATCH_SIZE + 50)]
    together = logits_of(classifier.model, names, fast)
    for index in (0, 7, BATCH_SIZE - 1, BATCH_SIZE + 49):
        alone = logits_of(classifier.model, [names[index]], fast)[0]
        torch.testing.assert_close(alone, together[index], rtol=0, atol=1e-5)


def test_a_blank_name_is_refused_and_an_empty_list_gives_no_results(classifier):
    with pytest.raises(ValueError, match="at least one letter"):
        classify(classifier, ["Rossi", "  "])
    assert classify(classifier, []) == []


def test_a_model_of_user_rows_reads_texts_as_those_rows_are_read(classifier):
    user_model = dataclasses.replace(classifier, results={USER_RESULTS: {}})
    (result,) = classify(user_model, ["Well  done 🙂, " + "x" * 480])
    assert result["normalized"] == "Well done , " + "x" * 480
    for unreadable in ("x" * 501, "한국", "🙂", " ", None):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            classify(user_model, [unreadable])
    with pytest.raises(ValueError, match="at most 64"):
        classify(classifier, ["x" * 65])


def test_the_shipped_model_classifies_well_known_names_correctly(shipped_names):
    expected = {"Kowalski": "Polish", "Rossi": "Italian", "Nguyen": "Vietnamese", "O'Brien": "Irish"}
    results = classify(shipped_names, list(expected))
    assert {result["name"]: result["country"] for result in results} == expected


@pytest.fixture(scope="module")
def shipped_names():
    from charplay.models.checkpoints import SHIPPED_DIRECTORY

    return load(SHIPPED_DIRECTORY / "names.safetensors", "names")


def test_the_uniform_prior_divides_the_class_shares_out(classifier):
    data_prior, uniform = (classify(classifier, ["Rossi"], prior)[0]["probabilities"] for prior in ("data", "uniform"))
    divided = [data_prior[country] / share for country, share in zip(COUNTRIES, classifier.shares, strict=True)]
    assert list(uniform.values()) == pytest.approx([value / sum(divided) for value in divided], rel=1e-4)


@pytest.mark.parametrize("prior", ["", "equal", None, 1, ["data"]])
def test_an_unknown_prior_is_refused(classifier, prior):
    with pytest.raises(ValueError, match="prior must be one of data, uniform"):
        classify(classifier, ["Rossi"], prior)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("ROSSI", "Rossi"),
        ("rossi", "Rossi"),
        ("o'brien", "O'Brien"),
        ("SMITH-JONES", "Smith-Jones"),
        ("de la cruz", "De la cruz"),
        ("McDonald", "McDonald"),
        ("van Gogh", "van Gogh"),
        ("MÜLLER", "Muller"),
    ],
)
def test_a_name_typed_in_one_case_is_read_as_the_training_names_are_written(shipped_names, typed, read):
    [result] = classify(shipped_names, [typed])
    assert (result["name"], result["normalized"]) == (typed, read)
    [expected] = classify(shipped_names, [read])
    assert result["probabilities"] == expected["probabilities"]


def test_parts_of_a_name_keep_their_case(shipped_names):
    assert prefixes_of(shipped_names, "van Gogh")[:3] == ["v", "va", "van"]
    [part] = classify(shipped_names, ["van"], are_read=True)
    assert part["normalized"] == "van"


def test_a_model_of_other_data_reads_a_name_as_it_is_typed(classifier):
    assert classify(classifier, ["ROSSI"])[0]["normalized"] == "ROSSI"

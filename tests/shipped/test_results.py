"""What the headers of the shipped checkpoints state, measured again on the data."""

import pytest

from charplay.data import datasets
from charplay.evaluation.invented_texts import MIN_FOUND
from charplay.inference.classify import classify
from charplay.models import checkpoints
from charplay.models.text_filter import has_text
from charplay.training.measurements import measure, measure_baselines

SHIPPED = sorted(
    {path.stem for path in checkpoints.SHIPPED_DIRECTORY.glob("*.safetensors")} - {checkpoints.SPEECH_FILTER}
)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_header_of_a_shipped_model_says_what_it_gives(name, data):
    checkpoint = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / f"{name}.safetensors")
    for part, prior in (("test", "data"), ("uniform", "uniform")):
        if part == "uniform" and checkpoint.task != "names":
            continue
        said, measured = checkpoint.results[part], measure(checkpoint, data, prior=prior)
        assert set(measured) == set(said)
        for key in {"n", "unseen_n", "characters"} & set(said):
            assert measured[key] == said[key]
        for key in {"accuracy", "macro_f1", "unseen_accuracy", "calibration_error", "prefix_loss"} & set(said):
            assert measured[key] == pytest.approx(said[key], abs=0.003 if key == "macro_f1" else 0.001)
        assert measured.get("oracle") == said.get("oracle")
        if checkpoint.task != "names":
            assert measured["bits_per_character"] == pytest.approx(said["bits_per_character"], abs=0.001)


def test_the_shipped_classifier_is_good_enough():
    results = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "names.safetensors", "names").results
    assert results["test"]["accuracy"] >= 0.863
    assert results["test"]["macro_f1"] >= 0.60
    assert results["test"]["calibration_error"] <= 0.03
    assert all(results["test"]["accuracy"] > baseline["accuracy"] for baseline in results["baselines"].values())
    assert all(results["test"]["macro_f1"] > baseline["macro_f1"] for baseline in results["baselines"].values())


def test_the_shipped_language_model_is_good_enough():
    results = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "speech.safetensors", "speech").results
    assert results["test"]["bits_per_character"] <= 1.417
    assert all(
        results["test"]["bits_per_character"] < each["bits_per_character"] for each in results["baselines"].values()
    )


def test_the_shipped_inventor_is_good_enough():
    results = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "invent.safetensors", "invent").results["test"]
    assert results["bits_per_character"] <= 0.9 * results["ngram_bits_per_character"]
    assert results["in_training"] <= 0.25
    found = [each for each in results["classes"].values() if each["test"]["taken_for_class"] >= MIN_FOUND]
    assert len(found) >= 4
    assert all(each["taken_for_class"] >= 0.8 for each in found)


def test_the_shipped_inventor_recognizes_every_training_name(data):
    model = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "invent.safetensors", "invent").model
    known = {name for name, _ in datasets.load_names("train", data)}
    assert all(has_text(model.seen, name) for name in known)
    others = {name for name, _ in datasets.load_names("test", data)} - known
    assert sum(has_text(model.seen, name) for name in others) < 0.001 * len(others)


@pytest.mark.parametrize("task", ["names", "speech"])
def test_the_baselines_in_a_header_are_those_of_the_data(task, data):
    said = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / f"{task}.safetensors", task).results["baselines"]
    measured = measure_baselines(task, data)
    assert set(measured) == set(said)
    for label, figures in measured.items():
        for key, value in figures.items():
            assert said[label][key] == pytest.approx(value, abs=0.001)


def test_the_baselines_of_names_reach_what_is_known_of_them():
    """Of the protocol's table: counted apart from this code."""
    baselines = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "names.safetensors", "names").results["baselines"]
    assert baselines["commonest country"]["accuracy"] == pytest.approx(0.468, abs=0.0005)
    assert baselines["look-up"]["accuracy"] == pytest.approx(0.576, abs=0.0005)
    assert 0.83 < baselines["naive Bayes"]["accuracy"] < 0.85


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_names_typed_in_one_case_are_classified_as_well_as_those_written_properly(case, data):
    checkpoint = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "names.safetensors", "names")
    rows = datasets.load_names("test", data)
    results = classify(checkpoint, [case(name) for name, _ in rows])
    correct = sum(result["country"] == country for result, (_, country) in zip(results, rows, strict=True))
    assert correct / len(rows) == pytest.approx(checkpoint.results["test"]["accuracy"], abs=0.005)

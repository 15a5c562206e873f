"""A user's rows as texts that a network writes for their label."""

import pytest
import torch

from charplay import limits
from charplay.data.vocabulary import END_OF_TEXT
from charplay.evaluation.invented_texts import bits_per_character
from charplay.models import checkpoints
from charplay.models.text_filter import has_text
from charplay.training.data_summary import choose_recipe, read_user_data, summarize, training_set_of
from charplay.training.evaluation_example import example_of
from charplay.training.run import run

HOSTILE = "<b>&amp;"  # labels are any text
WORDS = {"A": ("ana", "ada", "alma"), HOSTILE: ("otto", "ono", "\u03bf\u03bc\u03b7\u03c1")}
TEXT = "text,label\n" + "".join(
    f"{word}{number % 7},{label}\n" for label, words in WORDS.items() for word in words for number in range(20)
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data = read_user_data("invent", TEXT, {})
    recipe = choose_recipe("invent", data, "small", {"epochs": 8, "hidden_size": 32})
    training_set = training_set_of("invent", data, recipe)
    out = tmp_path_factory.mktemp("models") / "invent.safetensors"
    results = run("invent", training_set, recipe, out, device=torch.device("cpu"))
    return data, training_set, results, checkpoints.load(out, "invent")


def test_the_vocabulary_has_the_end_and_no_text_is_too_long():
    long = "x" * (limits.MAX_INVENTED_CHARACTERS + 1)
    data = read_user_data("invent", f"{TEXT}{long},A\n", {})
    assert END_OF_TEXT in data.vocabulary
    assert max(len(text) for text, _ in data.rows) == limits.MAX_INVENTED_CHARACTERS
    assert data.cut == 1
    assert END_OF_TEXT not in read_user_data("names", TEXT, {}).vocabulary


def test_the_summary_has_the_ngrams_as_its_baseline():
    data = read_user_data("invent", TEXT, {})
    recipe = choose_recipe("invent", data, "small", {})
    summary = summarize(data, recipe)
    assert summary["task"] == "invent"
    assert 0 < summary["baseline"] < 5
    assert summary["classes"] == {HOSTILE: 60, "A": 60}


def test_a_model_starts_anew():
    with pytest.raises(ValueError, match="start from a model"):
        choose_recipe("invent", read_user_data("invent", TEXT, {}), "small", {}, start=object())


def test_a_trained_model_knows_its_classes_texts_and_figures(trained):
    data, training_set, results, checkpoint = trained
    assert checkpoint.classes == (HOSTILE, "A")
    assert all(has_text(checkpoint.model.seen, text) for text, _ in data.rows)
    measured = bits_per_character(
        checkpoint.model, checkpoint.classes, training_set.task.validation, checkpoint.vocabulary
    )
    assert results["validation"]["bits_per_character"] == pytest.approx(measured, rel=1e-2)


def test_the_example_has_texts_and_figures_of_each_class(trained):
    _, training_set, results, checkpoint = trained
    shown = {each["label"]: each for each in example_of(checkpoint.model, training_set)["invented"]}
    assert set(shown) == set(WORDS)
    assert all(len(each["texts"]) == 5 for each in shown.values())
    assert all(END_OF_TEXT not in text for each in shown.values() for text in each["texts"])
    own = [each["bits_per_character"] for each in shown.values()]
    assert min(own) <= results["validation"]["bits_per_character"] <= max(own) + 0.01
    # An end follows no text at once, and the letters are those of the class.
    assert all(each["ngram_bits_per_character"] > 0 for each in shown.values())

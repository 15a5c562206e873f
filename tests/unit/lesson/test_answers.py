"""Each answer is what the library gives by another road; the models here are untrained."""

import math

import pytest

from charplay.inference.classify import classify
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.interpret.surprisal import surprisal_of
from charplay.interpret.unmasked import compare_unmasked
from charplay.lesson import decoders
from charplay.lesson.answers import COMPUTATIONS, answer
from charplay.training.teacher_forcing import DecoderPair

PAIR = {"target": "abab", "cell": "rnn", "hidden_size": 4, "learning_rate": 0.01, "seed": 1, "epochs": 6}
ARGUMENTS = {
    "code": {"character": "a"},
    "embedding_rows": {"name": "Anna"},
    "outputs": {"name": "Costa"},
    "country": {"name": "Costa"},
    "deciding_prefix": {"name": "Costa"},
    "pads": {"names": ["ab", "c"]},
    "unmasked_country": {"name": "ab", "names": ["ab", "cdefgh"]},
    "untrained_loss": {"labels": 3},
    "next_character": {"prime": "ab"},
    "text_at_temperature": {
        "prime": "ab", "temperature": 1.5, "temperatures": [0.2, 1.5], "length": 20, "seed": 1,
    },
    "free_running_curve": PAIR,
}  # fmt: skip


@pytest.fixture
def found(classifier, language_model):
    checkpoints = {"names": classifier, "speech": language_model, "decoders": None}

    def find(computation, /, **changes):
        return answer(computation, ARGUMENTS[computation] | changes, checkpoints[COMPUTATIONS[computation].task])

    return find


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_an_answer_is_among_its_choices_and_has_every_fact_that_a_step_can_name(found, name):
    result = found(name)
    assert not result.choices or result.value in result.choices
    assert set(result.facts) == set(COMPUTATIONS[name].facts)
    assert all(isinstance(each, str) for each in (result.value, *result.facts.values()))
    assert result.curves == () or len(result.curves) == len(result.choices)


def test_codes_rows_and_outputs(found, classifier):
    assert found("code").value == str(ord("a"))
    assert found("embedding_rows").value == "3"  # A and a are two
    assert found("outputs").value == str(len(classifier.classes))


def test_the_country_is_that_of_the_classifier(found, classifier):
    [result] = classify(classifier, ["Costa"])
    assert found("country").value == result["country"]


def test_from_the_deciding_prefix_on_the_country_stays(found, classifier):
    name = "Wolkenstein"
    prefix = found("deciding_prefix", name=name).value
    countries = [classify(classifier, [name[:end]])[0]["country"] for end in range(1, len(name) + 1)]
    assert set(countries[len(prefix) - 1 :]) == {countries[-1]}
    assert len(prefix) == 1 or countries[len(prefix) - 2] != countries[-1]


def test_pads_are_counted(found):
    assert found("pads", names=["adylov", "solan", "hard", "san"]).value == str(4 * 6 - 18)


def test_the_unmasked_country_is_that_of_the_batch(found, classifier):
    [compared] = compare_unmasked(classifier, ["ab"], 6)
    assert found("unmasked_country").value == compared["naive_country"]
    with pytest.raises(ValueError, match="names"):
        found("unmasked_country", name="xyz")


@pytest.mark.parametrize("labels", [2, 3, 18])
def test_an_untrained_network_costs_about_as_much_as_a_uniform_guess(found, labels):
    result = found("untrained_loss", labels=labels)
    assert float(result.value) == pytest.approx(math.log(labels), abs=0.1)


def test_no_character_is_likelier_than_the_next_one(found, language_model):
    result = found("next_character")
    bits = {each: surprisal_of(language_model, f"ab{each}")["bits"][-1] for each in "abcdefghijklmnopqrstuvwxyz"}
    best = min(bits, key=bits.get)
    assert result.value == best or not result.value.isalpha() or not result.value.islower()


def test_the_text_is_the_one_of_its_temperature_and_seed(found, language_model):
    request = make_request("ab", 1.5, 20, seed=1, vocabulary=language_model.vocabulary)
    [text] = generate(language_model, [request])
    assert found("text_at_temperature").value == f"ab{text}".replace("\n", "↵")
    with pytest.raises(ValueError, match="temperatures"):
        found("text_at_temperature", temperature=1.0)


def test_the_free_running_curve_is_that_of_the_pair(found):
    result, pair = found("free_running_curve"), DecoderPair(decoders.settings(PAIR))
    for _ in range(PAIR["epochs"]):
        pair.advance()
    assert result.curves[result.choices.index(result.value)] == tuple(row[2] for row in pair.history)

"""What a training that goes on from a model keeps of it, and what of it grows."""

import dataclasses
import json

import pytest
import torch
from safetensors import safe_open

from charplay.data.vocabulary import ASCII, UNKNOWN
from charplay.inference.classify import classify
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.models import checkpoints
from charplay.models.networks import MODELS, NameClassifier
from charplay.training import data_summary, run
from charplay.training.fine_tuning import adapt, changes_of, copy_weights, load_start
from charplay.training.recipes import FINE_TUNING
from tests.conftest import make_checkpoint

PROSE = "We shall go on to the end, and we shall fight on the seas and oceans. " * 30
CODE = "def f(x):\n    if x:\n        return '\\\\'\n\n\n" * 30
GREEK = "Μῆνιν ἄειδε θεὰ Πηληϊάδεω Ἀχιλῆος. " * 30


def rows_of(*pairs: tuple[str, str]) -> str:
    return "text,label\n" + "\n".join(f"{text},{label}" for text, label in pairs for _ in range(6))


ITALIAN = rows_of(("Rossi", "Italian"), ("Müller", "German"))
CYRILLIC = rows_of(("Иванов", "Russian"), ("Шевченко", "Ukrainian"))


@pytest.fixture
def start_of(tmp_path):
    """The shipped kind of model of a task, as it is gone on from."""

    def start(task: str, model=None):
        path = tmp_path / f"{task}-start.safetensors"
        checkpoints.save(path, make_checkpoint(task, model))
        return load_start(path, task)

    return start


def prepare(task: str, data: str, start, grows=None):
    adapted = adapt(data_summary.read_user_data(task, data, {}), start, grows)
    recipe = data_summary.choose_recipe(task, adapted, "small", {"epochs": 1}, start)
    return adapted, recipe, data_summary.training_set_of(task, adapted, recipe)


def train(task: str, data: str, start, out, grows=None):
    _, recipe, training_set = prepare(task, data, start, grows)
    run.run(
        task, training_set, recipe, out, device=torch.device("cpu"), name=FINE_TUNING, precision="float32", start=start
    )
    return checkpoints.load(out)


def test_prose_is_brought_to_ascii_for_an_ascii_model_and_what_ascii_would_change_is_not(start_of):
    start = start_of("speech")
    prose, _, _ = prepare("speech", PROSE.replace("go", "gö"), start, grows=False)
    assert prose.vocabulary == ASCII
    assert prose.text == PROSE.strip()
    assert prepare("speech", PROSE, start)[0].vocabulary == ASCII
    for text in (CODE, GREEK):
        adapted, recipe, _ = prepare("speech", text, start)
        assert adapted.text == data_summary.read_user_data("speech", text, {}).text
        assert adapted.vocabulary.characters[:128] == ASCII.characters
        assert set(adapted.text) | {UNKNOWN} <= set(adapted.vocabulary.characters)
        assert recipe.config.vocabulary_size == adapted.vocabulary.size
    assert changes_of(start, adapted)["new_characters"] == sorted(set(GREEK) - set(ASCII.characters))


def test_rows_are_brought_to_ascii_where_all_can_be(start_of):
    start = start_of("names")
    italian, recipe, training_set = prepare("names", ITALIAN, start)
    assert italian.vocabulary == ASCII
    assert ("Muller", "German") in italian.rows
    assert training_set.classes == start.checkpoint.classes == italian.classes
    cyrillic, recipe, training_set = prepare("names", CYRILLIC, start)
    assert not cyrillic.vocabulary.is_ascii
    assert training_set.classes == (*start.checkpoint.classes, "Ukrainian")
    assert recipe.config.classes == 19
    assert changes_of(start, cyrillic)["new_labels"] == ["Ukrainian"]
    with pytest.raises(ValueError, match="vocabulary"):
        prepare("names", CYRILLIC, start, grows=False)
    other, _, _ = prepare("names", rows_of(("ham", "ok"), ("win!", "spam")), start)
    assert other.classes == ("ok", "spam")
    assert changes_of(start, other)["is_new_head"]


@pytest.mark.parametrize(
    ("task", "data"), [("speech", GREEK), ("speech", PROSE), ("names", CYRILLIC), ("names", ITALIAN)]
)
def test_all_weights_are_the_models_and_new_rows_are_near_their_mean(start_of, task, data):
    start = start_of(task)
    _, recipe, training_set = prepare(task, data, start)
    model = MODELS[task][1](recipe.config)
    copy_weights(start, model, training_set)
    before, after = start.network.state_dict(), model.state_dict()
    assert before.keys() == after.keys()
    for name, weights in before.items():
        assert torch.equal(after[name][: len(weights)], weights)
        assert after[name].isfinite().all()
    assert (len(after["embedding.weight"]) > 128) == (data in (GREEK, CYRILLIC))


def test_a_grown_model_answers_as_before_for_what_the_first_one_knew(start_of):
    start = start_of("names")
    _, recipe, training_set = prepare("names", rows_of(("Иванов", "Russian"), ("Rossi", "Italian")), start)
    model = NameClassifier(recipe.config).eval()
    copy_weights(start, model, training_set)
    grown = dataclasses.replace(start.checkpoint, model=model, vocabulary=training_set.vocabulary)
    [before], [after] = classify(start.checkpoint, ["Rossi"]), classify(grown, ["Rossi"])
    assert after["probabilities"] == pytest.approx(before["probabilities"], abs=1e-5)


def test_labels_in_common_by_number_alone_give_a_new_head(start_of):
    start = start_of("names")
    data = rows_of(*((f"ab{'xyzw'[number % 4]}", f"label {number:02}") for number in range(18)))
    _, recipe, training_set = prepare("names", data, start)
    model = NameClassifier(recipe.config)
    before = model.linear.weight.detach().clone()
    copy_weights(start, model, training_set)
    assert torch.equal(model.linear.weight, before)


@pytest.mark.parametrize("data", [PROSE, CODE, GREEK])
def test_a_fine_tuned_language_model_says_where_it_started_and_can_be_used(start_of, tmp_path, data):
    start = start_of("speech")
    made = train("speech", data, start, tmp_path / "made.safetensors")
    assert made.recipe["name"] == FINE_TUNING
    assert made.recipe["started_from"] == start.describe()
    assert len(start.fingerprint) == 16
    assert set(start.checkpoint.alphabet) <= set(made.alphabet)
    request = make_request(data[:40], length=50, seed=1, vocabulary=made.vocabulary)
    [text] = generate(made, [request])
    assert len(text) == 50
    assert set(text) <= set(made.alphabet)
    again = train("speech", GREEK, load_start(made.path, "speech"), tmp_path / "again.safetensors")
    assert again.vocabulary.characters.startswith(made.vocabulary.characters)
    with safe_open(again.path, framework="pt") as file:
        assert json.loads(file.metadata()["recipe"])["started_from"]["fingerprint"] != start.fingerprint


def test_a_fine_tuned_classifier_knows_old_and_new_labels(start_of, tmp_path):
    made = train("names", CYRILLIC, start_of("names"), tmp_path / "made.safetensors")
    [result] = classify(made, ["Иванов"])
    assert set(result["probabilities"]) == {*start_of("names").checkpoint.classes, "Ukrainian"}
    assert result["normalized"] == "Иванов"


def test_what_the_checkpoint_decides_cannot_be_chosen(start_of):
    start = start_of("speech")
    adapted = adapt(data_summary.read_user_data("speech", PROSE, {}), start)
    for changes in ({"hidden_size": 64}, {"cell": "lstm"}, {"layers": 2}, {"embedding_size": 8}):
        with pytest.raises(ValueError, match=next(iter(changes))):
            data_summary.choose_recipe("speech", adapted, "small", changes, start)
    chosen = data_summary.choose_recipe("speech", adapted, "small", {"dropout": 0.3, "epochs": 7}, start)
    assert (chosen.config.dropout, chosen.epochs) == (0.3, 7)


def test_a_model_for_another_task_is_refused(start_of):
    with pytest.raises(checkpoints.CheckpointError, match="names"):
        load_start(start_of("names").checkpoint.path, "speech")

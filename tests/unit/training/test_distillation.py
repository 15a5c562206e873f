"""A pupil of other classifiers: the names made up for it, what its teachers say, a run from them to a checkpoint."""

import random
from dataclasses import replace

import pytest
import torch

from charplay.data import datasets
from charplay.inference.classify import logits_of
from charplay.models import checkpoints
from charplay.models.networks import make_ensemble
from charplay.models.ngrams import NgramClassifier
from charplay.training import distillation, recipes, run, tasks
from charplay.training.distributed import SINGLE_PROCESS
from charplay.training.recipes import RECIPES, adjust
from tests.conftest import make_checkpoint, make_classifier

ROWS = [
    ("".join(chance.choices("abcdef", k=chance.randint(2, 7))) + end, country)
    for chance in [random.Random(1)]
    for end, country in (("ov", "Russian"), ("ini", "Italian"))
    for _ in range(60)
]
SHARES = {"Russian": 0.9, "Italian": 0.1}
TAUGHT = [recipe for recipe in RECIPES["names"].values() if recipe.teachers]


def test_made_up_names_are_new_and_like_those_of_their_countries():
    made = distillation.synthesize_names(ROWS, SHARES, 300, seed=1)
    assert len(set(made)) == 300
    assert not set(made) & {name for name, _ in ROWS}
    assert set("".join(made)) <= set("abcdefovin")
    assert all(2 <= len(name) <= distillation.MAX_NAME_CHARACTERS for name in made)
    endings = [name.endswith("ov") for name in made], [name.endswith("ini") for name in made]
    assert sum(endings[0]) > 3 * sum(endings[1]) > 0
    assert sum(map(sum, endings)) > 270  # the last letters follow from those before them nearly always


def test_a_country_without_a_name_makes_up_none():
    assert len(distillation.synthesize_names(ROWS, {"Greek": 0.9, **SHARES}, 50, seed=1)) == 50


def test_the_same_seed_makes_up_the_same_names_and_another_others():
    assert distillation.synthesize_names(ROWS, SHARES, 50, seed=1) == distillation.synthesize_names(
        ROWS, SHARES, 50, seed=1
    )
    assert distillation.synthesize_names(ROWS, SHARES, 50, seed=1) != distillation.synthesize_names(
        ROWS, SHARES, 50, seed=2
    )


def test_none_are_made_up_where_none_are_wanted():
    assert distillation.synthesize_names(ROWS, SHARES, 0, seed=1) == []


def test_too_few_names_make_up_no_others():
    with pytest.raises(ValueError, match=r"Only 1?[0-9] names .* smaller synthetic than 50"):
        distillation.synthesize_names(
            [("aa", "Greek")], {"Greek": 1.0}, 50, seed=1
        )  # there are a, aa ... of 19 letters at most


def test_teachers_of_different_shapes_are_asked_as_one_average_of_all_their_networks():
    networks = [make_classifier(seed=seed) for seed in range(3)] + [make_classifier("lstm", False, seed=3)]
    skewed = (0.5, *(0.5 / 17,) * 17)
    three, one = make_checkpoint("names", make_ensemble(networks[:3])), make_checkpoint("names", networks[3])
    teachers = [three, replace(one, shares=skewed)]
    names = ["Rossi", "Li", "Kowalski"]
    logits = [logits_of(model, names) for model in networks]
    shares = torch.tensor([three.shares] * 3 + [skewed])[:, None]  # (networks, 1, classes)
    expected = (torch.stack(logits) - shares.log()).mean(0).log_softmax(1)
    torch.testing.assert_close(
        distillation.soft_target_logits(teachers, names, SINGLE_PROCESS).log_softmax(1), expected
    )


def test_a_taught_name_counts_its_country_and_what_was_said_and_a_made_up_one_what_was_said():
    recipe = adjust(RECIPES["names"]["gru"], {"label_share": 0.25, "truncation": 0.0, "batch_size": 3})
    said = torch.tensor([[0.5, 0.5], [1.0, 0.0], [0.2, 0.8]])
    task = tasks.DistilledNamesTask([("Rossi", "b"), ("Li", "a")], [("Li", "a")], ("a", "b"), recipe, ["Lossi"], said)
    torch.testing.assert_close(task.targets, torch.tensor([[0.375, 0.625], [1.0, 0.0], [0.2, 0.8]]))
    [(names, rows)] = task.batches(torch.Generator().manual_seed(0))
    assert sorted(zip(rows, names, strict=True)) == [(0, "Rossi"), (1, "Li"), (2, "Lossi")]
    assert task.counts.tolist() == [1, 1]  # of the training rows
    assert task.weights.tolist() == [1, 1, 1]


def test_no_teacher_has_learnt_what_its_pupil_is_judged_on():
    assert TAUGHT
    for recipe in TAUGHT:
        for name in recipe.teachers.split(","):
            teacher = RECIPES["names"][name]
            assert (teacher.seed, teacher.hold_out, teacher.teachers) == (recipe.seed, recipe.hold_out, "")


@pytest.fixture
def tiny(monkeypatch):
    """A pupil of two teachers in the place of the table's recipes of names, which is not measured when it is done."""
    monkeypatch.setattr(run, "measure_all", lambda *of: {})
    small = adjust(
        RECIPES["names"]["gru"],
        {"hidden_size": 8, "embedding_size": 4, "layers": 1, "epochs": 1, "batch_size": 512, "members": 1},
    )
    table = {
        "best": replace(small, teachers="one,two", synthetic=300),
        "one": small,
        "two": adjust(small, {"cell": "rnn", "members": 2}),
    }
    monkeypatch.setitem(recipes.RECIPES, "names", table)
    return table


def train(recipe, data, out, **how):
    how = {"device": torch.device("cpu"), "precision": "float32"} | how
    return run.train("names", recipe, data, out, **how)


def assert_same_weights(one, other):
    weights, others = (checkpoints.load(path).model.state_dict() for path in (one, other))
    assert weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_a_run_trains_its_teachers_first_and_finds_them_the_next_time(tiny, data, tmp_path):
    out = tmp_path / "names.safetensors"
    started = []
    callbacks = run.Callbacks(on_start=lambda start: started.append(start.task))
    train(tiny["best"], data, out, callbacks=callbacks)
    assert [type(task) for task in started] == [tasks.NamesTask] * 3 + [tasks.DistilledNamesTask]
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["names.one.teacher.safetensors", "names.safetensors", "names.two.teacher.safetensors"]
    assert list(checkpoints.load_all(tmp_path).models["names"]) == ["names"]
    pupil, one = checkpoints.load(out), checkpoints.load(tmp_path / made[0])
    assert (pupil.recipe["name"], pupil.recipe["changed"], one.recipe["name"]) == ("best", {}, "one")
    assert pupil.results["training_rows"] == one.results["training_rows"]

    again = tmp_path / "again"
    for name in made:
        (again / name).parent.mkdir(exist_ok=True)
        (again / name).write_bytes((tmp_path / name).read_bytes())
    train(tiny["best"], data, again / "names.safetensors", callbacks=callbacks)
    assert [type(task) for task in started[4:]] == [tasks.DistilledNamesTask]
    assert_same_weights(again / "names.safetensors", out)


def test_a_teacher_of_another_recipe_is_refused(tiny, data, tmp_path):
    out = tmp_path / "names.safetensors"
    train(tiny["best"], data, out)
    with pytest.raises(ValueError, match=r"names\.one\.teacher\.safetensors was made by another recipe: delete it"):
        train(replace(tiny["best"], hold_out=0.1), data, out)
    with pytest.raises(ValueError, match="teacher must be one of one, two"):
        train(replace(tiny["best"], teachers="one,best"), data, out)


def test_a_finished_run_is_nothing_to_go_on_with(tiny, data, tmp_path):
    out = tmp_path / "names.safetensors"
    train(tiny["best"], data, out)
    with pytest.raises(ValueError, match=r"names\.interrupted\.safetensors"):
        train(tiny["best"], data, out, is_resumed=True)


def test_who_only_counts_letters_has_a_share_in_what_is_said(tiny, data, tmp_path, monkeypatch):
    out, seen = tmp_path / "names.safetensors", []
    train(tiny["best"], data, out)
    monkeypatch.setattr(run, "run", lambda task, training_set, *rest, **how: seen.append(training_set))
    rows, _ = datasets.hold_out(datasets.load_names("train", data), 1, tiny["best"].hold_out)
    counter = NgramClassifier(rows, datasets.COUNTRIES)
    monkeypatch.setattr(run, "NgramClassifier", lambda *of: counter)
    for counting in (0.0, 0.5, 1.0):
        train(replace(tiny["best"], ngram_weight=counting), data, out)
    networks, both, counts = (training_set.task.targets[len(rows) :] for training_set in seen)
    asked = [training_set.task.names[len(rows) :] for training_set in seen]
    assert asked[0] == asked[1] == asked[2]
    shares, as_trained = (tasks.class_shares(rows, datasets.COUNTRIES, power) for power in (0.3, 0.0))
    heard = counter.logits(asked[0]) + (torch.tensor(shares) / torch.tensor(as_trained)).log()
    torch.testing.assert_close(counts, heard.softmax(1))
    torch.testing.assert_close(both, (networks * counts).sqrt() / (networks * counts).sqrt().sum(1, keepdim=True))
    assert seen[0].shares == seen[2].shares == tuple(shares)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("network", range(4))
def test_a_run_that_was_interrupted_anywhere_goes_on_from_there(tiny, data, tmp_path, network):
    table = {name: replace(recipe, epochs=2) for name, recipe in tiny.items()}
    recipes.RECIPES["names"].update(table)
    whole, out, reached = tmp_path / "whole" / "names.safetensors", tmp_path / "names.safetensors", []
    train(table["best"], data, whole)

    def on_step(progress):
        if len(reached) == network + 1 and progress.epoch == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(table["best"], data, out, callbacks=run.Callbacks(reached.append, on_step))
    train(table["best"], data, out, is_resumed=True)
    assert_same_weights(out, whole)

"""Distillation: synthetic names, soft targets, a run from teachers to the checkpoint of their student."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from charplay.data import datasets
from charplay.inference.classify import logits_of
from charplay.models import checkpoints
from charplay.models.ngrams import NgramClassifier
from charplay.training import recipes, run, tasks, training_sets
from charplay.training.distillation import MAX_NAME_CHARACTERS, soft_target_logits, synthesize_names
from charplay.training.distributed import SINGLE_PROCESS
from charplay.training.recipes import RECIPES, adjust, parse_teachers
from tests.conftest import make_checkpoint, make_classifier

ROWS = [
    ("".join(generator.choices("abcdef", k=generator.randint(2, 7))) + end, country)
    for generator in [random.Random(1)]
    for end, country in (("ov", "Russian"), ("ini", "Italian"))
    for _ in range(60)
]
SHARES = {"Russian": 0.9, "Italian": 0.1}
STUDENTS = [recipe for recipe in RECIPES["names"].values() if recipe.teachers]


def test_synthetic_names_are_new_and_like_those_of_their_countries():
    names = synthesize_names(ROWS, SHARES, 300, seed=1)
    assert len(set(names)) == 300
    assert not set(names) & {name for name, _ in ROWS}
    assert set("".join(names)) <= set("abcdefovin")
    assert all(2 <= len(name) <= MAX_NAME_CHARACTERS for name in names)
    russian, italian = (sum(name.endswith(end) for name in names) for end in ("ov", "ini"))
    assert russian > 3 * italian > 0
    assert russian + italian > 270  # the rows end so without exception


def test_a_country_without_names_gives_no_synthetic_ones():
    assert len(synthesize_names(ROWS, {"Greek": 0.9, **SHARES}, 50, seed=1)) == 50


def test_the_same_seed_gives_the_same_synthetic_names_and_another_seed_others():
    first, again, other = (synthesize_names(ROWS, SHARES, 50, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_no_synthetic_names_are_drawn_where_none_are_wanted():
    assert synthesize_names(ROWS, SHARES, 0, seed=1) == []


def test_more_synthetic_names_than_the_rows_allow_are_refused():
    with pytest.raises(ValueError, match="smaller synthetic"):  # from "aa" only "aaa" up to 19 letters can be drawn
        synthesize_names([("aa", "Greek")], {"Greek": 1.0}, 50, seed=1)


def test_soft_targets_are_the_mean_over_all_teachers_without_their_priors():
    networks = [make_classifier(seed=seed) for seed in range(3)] + [make_classifier("lstm", False, seed=3)]
    skewed = (0.5, *(0.5 / 17,) * 17)
    teachers = [make_checkpoint("names", network) for network in networks]
    teachers[3] = replace(teachers[3], shares=skewed)
    names = ["Rossi", "Li", "Kowalski"]
    logits = [logits_of(model, names) for model in networks]
    shares = torch.tensor([teacher.shares for teacher in teachers])[:, None]  # (networks, 1, classes)
    expected = (torch.stack(logits) - shares.log()).mean(0).log_softmax(1)
    torch.testing.assert_close(soft_target_logits(teachers, names, SINGLE_PROCESS).log_softmax(1), expected)


def test_a_training_name_mixes_label_and_soft_target_and_a_synthetic_one_has_the_soft_target_alone():
    recipe = adjust(RECIPES["names"]["gru"], {"label_share": 0.25, "truncation": 0.0, "batch_size": 3})
    task = tasks.NamesTask([("Rossi", "b"), ("Li", "a")], [("Li", "a")], ("a", "b"), recipe)
    task.distill(["Lossi"], torch.tensor([[0.5, 0.5], [1.0, 0.0], [0.2, 0.8]]))
    torch.testing.assert_close(task.targets, torch.tensor([[0.375, 0.625], [1.0, 0.0], [0.2, 0.8]]))
    [(names, rows)] = task.batches(torch.Generator().manual_seed(0))
    assert sorted(zip(rows, names, strict=True)) == [(0, "Rossi"), (1, "Li"), (2, "Lossi")]
    assert task.counts.tolist() == [1, 1]  # of the training rows
    assert task.weights.tolist() == [1, 1, 1]


def test_no_teacher_is_trained_on_its_students_validation_rows():
    assert STUDENTS
    for recipe in STUDENTS:
        for name, _ in parse_teachers(recipe.teachers):
            teacher = RECIPES["names"][name]
            assert (teacher.seed, teacher.hold_out) == (recipe.seed, recipe.hold_out)


@pytest.fixture(scope="module")
def tiny():
    """A small student of a teacher with teachers, and a tenth of the names, without test results.

    The tests that stand after the first use of it see these recipes and names too.
    """
    load_names = datasets.load_names
    small = adjust(
        RECIPES["names"]["gru"],
        {"hidden_size": 8, "embedding_size": 4, "layers": 1, "epochs": 1, "batch_size": 128},
    )
    table = {
        "best": replace(small, teachers="middle", synthetic=300),
        "middle": replace(small, teachers="one,two:2", synthetic=200),
        "one": small,
        "two": adjust(small, {"cell": "rnn"}),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_sets, "measure_all", lambda *of: {})
        patch.setattr(datasets, "load_names", lambda *which: load_names(*which)[::10])
        patch.setitem(recipes.RECIPES, "names", table)
        yield table


@pytest.fixture(scope="module")
def finished_run(tiny, data, tmp_path_factory) -> Path:
    """The directory of a run of the student that has ended."""
    directory = tmp_path_factory.mktemp("finished")
    train(tiny["best"], data, directory / "names.safetensors")
    return directory


@pytest.fixture
def finished(finished_run, tmp_path) -> Path:
    """The student's checkpoint, its teachers beside it, which a test may change."""
    shutil.copytree(finished_run, tmp_path, dirs_exist_ok=True)
    return tmp_path / "names.safetensors"


def train(recipe, data, out, **options):
    options = {"device": torch.device("cpu"), "precision": "float32"} | options
    return run.train("names", recipe, data, out, **options)


def assert_same_weights(one, other):
    first, second = (checkpoints.load(path).model.state_dict() for path in (one, other))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def is_distilled(task: tasks.NamesTask) -> bool:
    """Whether it has synthetic names beside the training rows."""
    return len(task.names) > task.counts.sum()


def test_a_run_trains_its_teachers_first_and_loads_them_the_next_time(tiny, data, tmp_path):
    out = tmp_path / "names.safetensors"
    started = []
    callbacks = run.Callbacks(on_start=lambda start: started.append(start.task))
    train(tiny["best"], data, out, callbacks=callbacks)
    assert [is_distilled(task) for task in started] == [False, False, False, True, True]
    files = sorted(path.name for path in tmp_path.iterdir())
    teachers = [f"names.{each}.teacher.safetensors" for each in ("middle-1", "one-1", "two-1", "two-2")]
    assert files == sorted([out.name, *teachers])
    assert list(checkpoints.load_all(tmp_path).models["names"]) == ["names"]
    student, one, *twins = (checkpoints.load(path) for path in (out, *(tmp_path / name for name in teachers[1:])))
    assert (student.recipe["name"], student.recipe["changed"], one.recipe["name"]) == ("best", {}, "one")
    assert student.results["training_rows"] == one.results["training_rows"]
    assert [twin.recipe["seed"] for twin in twins] == [1, 2]

    again = tmp_path / "again"
    for name in (out.name, teachers[0]):  # the teachers of a teacher that is there are not needed any more
        (again / name).parent.mkdir(exist_ok=True)
        (again / name).write_bytes((tmp_path / name).read_bytes())
    train(tiny["best"], data, again / "names.safetensors", callbacks=callbacks)
    assert [is_distilled(task) for task in started[5:]] == [True]
    assert_same_weights(again / "names.safetensors", out)


def test_a_teacher_of_another_recipe_is_refused(tiny, data, finished):
    with pytest.raises(ValueError, match=r"names\.middle-1\.teacher\.safetensors"):
        train(replace(tiny["best"], hold_out=0.1), data, finished)
    for teachers, message in (("one,three", "teacher must be one of"), ("two:99", "networks of a teacher")):
        with pytest.raises(ValueError, match=message):
            train(replace(tiny["best"], teachers=teachers), data, finished)


def test_teachers_have_teachers_but_those_have_none(tiny, data, tmp_path):
    student = replace(tiny["best"], teachers="best", synthetic=1)
    with pytest.raises(ValueError, match="teacher must be one of one, two"):
        train(student, data, tmp_path / "names.safetensors")


def test_resuming_a_finished_run_is_refused(tiny, data, finished):
    with pytest.raises(ValueError, match=r"names\.interrupted\.safetensors"):
        train(tiny["best"], data, finished, is_resumed=True)


def test_the_ngram_weight_mixes_the_ngram_classifier_into_the_soft_targets(tiny, data, finished, monkeypatch):
    sets = []
    monkeypatch.setattr(run, "run", lambda task, training_set, *rest, **options: sets.append(training_set))
    rows, _ = datasets.hold_out(datasets.load_names("train", data), 1, tiny["best"].hold_out)
    ngrams = NgramClassifier(rows, datasets.COUNTRIES)
    monkeypatch.setattr(training_sets, "NgramClassifier", lambda *of: ngrams)
    for weight in (0.0, 0.5, 1.0):
        train(replace(tiny["best"], ngram_weight=weight), data, finished)
    networks, both, counts = (training_set.task.targets[len(rows) :] for training_set in sets)
    names = sets[0].task.names
    assert all(training_set.task.names == names for training_set in sets)
    shares, as_fitted = (tasks.class_shares(rows, datasets.COUNTRIES, power) for power in (0.3, 0.0))
    logits = ngrams.logits(names[len(rows) :]) + (torch.tensor(shares) / torch.tensor(as_fitted)).log()
    torch.testing.assert_close(counts, logits.softmax(1))
    geometric_mean = (networks * counts).sqrt()
    torch.testing.assert_close(both, geometric_mean / geometric_mean.sum(1, keepdim=True))
    assert {training_set.shares for training_set in sets} == {tuple(shares)}


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def two_epochs(tiny) -> dict:
    """The recipes, with an epoch in which a run can be interrupted after its first checkpoint."""
    return {name: replace(recipe, epochs=2) for name, recipe in tiny.items()}


@pytest.fixture(scope="module")
def whole(two_epochs, data, tmp_path_factory) -> Path:
    """The checkpoint of such a run that nothing has interrupted."""
    out = tmp_path_factory.mktemp("whole") / "names.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(recipes.RECIPES, "names", two_epochs)
        train(two_epochs["best"], data, out)
    return out


@pytest.mark.parametrize("network", range(5))
def test_a_run_interrupted_in_any_network_resumes_there(two_epochs, whole, data, tmp_path, monkeypatch, network):
    monkeypatch.setitem(recipes.RECIPES, "names", two_epochs)
    out, reached = tmp_path / "names.safetensors", []

    def on_step(progress):
        if len(reached) == network + 1 and progress.epoch == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(two_epochs["best"], data, out, callbacks=run.Callbacks(reached.append, on_step))
    train(two_epochs["best"], data, out, is_resumed=True)
    assert_same_weights(out, whole)

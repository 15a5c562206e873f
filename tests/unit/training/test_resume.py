"""A run that was interrupted ends with the weights of one that was not."""

import itertools

import pytest
import torch

from charplay.models import checkpoints
from charplay.models.networks import MODELS
from charplay.training import snapshots, trainer
from charplay.training.run import Callbacks
from charplay.training.snapshots import Snapshot
from charplay.training.trainer import StopTraining, Trainer
from tests.unit.training.shared_run import material_of, recipe_of, train_shortly

CPU = torch.device("cpu")


class Interrupted(Exception):
    """What a power cut is to a run."""


def cut_at(step: int) -> Callbacks:
    """Interrupts a run after so many steps, of all its members."""
    steps = itertools.count(1)

    def on_step(progress):
        if next(steps) == step:
            raise Interrupted

    return Callbacks(on_step=on_step)


def weights_of(path) -> dict[str, torch.Tensor]:
    return checkpoints.load(path).model.state_dict()


@pytest.fixture
def kept_at_every_step(monkeypatch):
    monkeypatch.setattr(trainer, "SNAPSHOT_SECONDS", 0.0)
    monkeypatch.setattr(trainer, "LOSS_EVERY_STEPS", 1)


@pytest.mark.parametrize("cut", [2, 5, 9, 10, 15, 23])  # an epoch of the names has 9 steps
@pytest.mark.parametrize(("task", "members"), [("names", 1), ("names", 2), ("speech", 1)])
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(tmp_path, kept_at_every_step, task, members, cut):
    recipe = recipe_of(task, dropout=0.3, members=members)
    train_shortly(task, tmp_path / "whole.safetensors", recipe)
    total = recipe.epochs * material_of(task, recipe).task.count() * members
    cut = min(cut, total - 1)
    out = tmp_path / "cut.safetensors"
    with pytest.raises(Interrupted):
        train_shortly(task, out, recipe, callbacks=cut_at(cut))
    torch.manual_seed(99)  # whatever else was drawn meanwhile
    again = itertools.count(1)
    train_shortly(task, out, recipe, callbacks=Callbacks(on_step=lambda progress: next(again)), is_resumed=True)
    assert next(again) - 1 == total - cut + 1  # the step that was cut short after it was taken, and those after it
    whole, resumed = weights_of(tmp_path / "whole.safetensors"), weights_of(out)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.safetensors", "whole.safetensors"]


def test_a_run_is_kept_at_every_evaluation_and_interrupted_twice_it_still_ends_the_same(tmp_path):
    recipe = recipe_of("speech", dropout=0.3)
    train_shortly("speech", tmp_path / "whole.safetensors", recipe)
    epoch = material_of("speech", recipe).task.count()
    out = tmp_path / "cut.safetensors"
    with pytest.raises(Interrupted):
        train_shortly("speech", out, recipe, callbacks=cut_at(epoch + 1))
    with pytest.raises(Interrupted):
        train_shortly("speech", out, recipe, callbacks=cut_at(1), is_resumed=True)
    train_shortly("speech", out, recipe, is_resumed=True)
    whole, resumed = weights_of(tmp_path / "whole.safetensors"), weights_of(out)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_what_is_on_disk_when_a_run_is_cut_is_the_best_epoch_and_where_it_stands(tmp_path):
    out = tmp_path / "cut.safetensors"
    with pytest.raises(Interrupted):
        train_shortly("names", out, callbacks=cut_at(12))
    assert checkpoints.load(tmp_path / "cut.unfinished.safetensors").results["validation"]["epoch"] == 1
    facts = snapshots.load(tmp_path / "cut.interrupted.safetensors").facts
    assert facts["done"] == 9
    assert checkpoints.load_all(tmp_path) == checkpoints.Registry({"names": {}, "speech": {}}, {})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "no interrupted run"),
        (lambda path: path.write_bytes(b"\x80\x04."), "no snapshot"),
        (lambda path: snapshots.save(path, Snapshot({}, {})), "another recipe"),
    ],
)
def test_there_must_be_such_a_run_to_go_on_with(tmp_path, make, says):
    make(tmp_path / "cut.interrupted.safetensors")
    with pytest.raises(ValueError, match=says):
        train_shortly("names", tmp_path / "cut.safetensors", is_resumed=True)


def test_a_run_with_another_recipe_is_not_gone_on_with(tmp_path):
    out = tmp_path / "cut.safetensors"
    with pytest.raises(Interrupted):
        train_shortly("names", out, callbacks=cut_at(12))
    with pytest.raises(ValueError, match="another recipe"):
        train_shortly("names", out, recipe_of("names", dropout=0.1), is_resumed=True)
    train_shortly("names", out, is_resumed=True)


@pytest.mark.parametrize(("task", "stop"), [("names", 12), ("names", 3), ("speech", 3)])
def test_a_run_that_is_stopped_keeps_the_best_so_far(tmp_path, task, stop):
    steps, epochs = itertools.count(1), []

    def on_step(progress):
        if next(steps) == stop:
            raise StopTraining

    callbacks = Callbacks(on_step=on_step, on_epoch=lambda epoch, measured, is_best: epochs.append(epoch))
    results = train_shortly(task, tmp_path / "stopped.safetensors", callbacks=callbacks)
    count = material_of(task, recipe_of(task)).task.count()
    assert epochs == [1 if stop > count else stop / count]  # one that had not been measured is measured as it stops
    assert checkpoints.load(tmp_path / "stopped.safetensors").results == results
    assert next(steps) == stop + 1


@pytest.mark.parametrize("evaluations", [1, 2, 3, 9, 100])
def test_it_is_evaluated_as_often_in_an_epoch_as_the_recipe_says_and_at_its_end(evaluations):
    recipe = trainer.Recipe(
        recipe_of("names").config, epochs=2, batch_size=8, learning_rate=0.01, weight_decay=0, evaluations=evaluations
    )
    task = material_of("names", recipe_of("names")).task
    running = Trainer(MODELS["names"][1](recipe.config), task, recipe, device=CPU, precision="float32")
    due = []
    while not running.is_done:
        running.advance()
        if running.is_due:
            due.append(running.evaluate()[0]["epoch"])
    assert len(due) == 2 * min(evaluations, task.count())
    assert due[-1] == 2
    assert 1 in due


def test_a_constant_schedule_keeps_the_learning_rate():
    recipe = recipe_of("names")
    recipe = type(recipe)(**vars(recipe) | {"schedule": "constant"})
    task = material_of("names", recipe).task
    running = Trainer(MODELS["names"][1](recipe.config), task, recipe, device=CPU, precision="float32")
    for _ in range(12):
        assert running._optimizer.param_groups[0]["lr"] == recipe.learning_rate
        running.advance()

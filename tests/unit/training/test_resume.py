"""An interrupted run ends with the weights of one that was not."""

import itertools

import pytest
import torch

from charplay.models import checkpoints
from charplay.models.networks import MODELS
from charplay.training import snapshots
from charplay.training.recipes import Recipe
from charplay.training.run import Callbacks
from charplay.training.snapshots import Snapshot
from charplay.training.trainer import StopTraining, Trainer
from tests.unit.training.shared_run import recipe_of, train_shortly, training_set_of

CPU = torch.device("cpu")


class Interrupted(Exception):
    """Ends a run as a power cut would."""


def interrupt_at(step: int) -> Callbacks:
    """Interrupts a run at its `step`-th step."""
    steps = itertools.count(1)

    def on_step(progress):
        if next(steps) == step:
            raise Interrupted

    return Callbacks(on_step=on_step)


def weights_of(path) -> dict[str, torch.Tensor]:
    return checkpoints.load(path).model.state_dict()


@pytest.fixture
def snapshots_at_every_step(monkeypatch):
    monkeypatch.setattr("charplay.training.trainer.SNAPSHOT_SECONDS", 0.0)
    monkeypatch.setattr("charplay.training.trainer.LOSS_EVERY_STEPS", 1)


@pytest.mark.parametrize("cut", [2, 9, 10, 15])  # an epoch of the names has 9 steps
@pytest.mark.parametrize("task", ["names", "speech"])
def test_a_resumed_run_ends_with_the_weights_of_a_whole_one(tmp_path, snapshots_at_every_step, task, cut):
    recipe = recipe_of(task, dropout=0.3)
    train_shortly(task, tmp_path / "whole.safetensors", recipe)
    total = recipe.epochs * training_set_of(task, recipe).task.count()
    cut = min(cut, total - 1)
    out = tmp_path / "cut.safetensors"
    with pytest.raises(Interrupted):
        train_shortly(task, out, recipe, callbacks=interrupt_at(cut))
    torch.manual_seed(99)  # a new process has another random state
    again = itertools.count(1)
    train_shortly(task, out, recipe, callbacks=Callbacks(on_step=lambda progress: next(again)), is_resumed=True)
    assert next(again) - 1 == total - cut + 1  # the interrupted step was taken, but is in no snapshot
    whole, resumed = weights_of(tmp_path / "whole.safetensors"), weights_of(out)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.safetensors", "whole.safetensors"]


def test_a_run_interrupted_twice_resumes_from_its_last_evaluation(tmp_path):
    recipe = recipe_of("speech", dropout=0.3)
    train_shortly("speech", tmp_path / "whole.safetensors", recipe)
    epoch = training_set_of("speech", recipe).task.count()
    out = tmp_path / "cut.safetensors"
    with pytest.raises(Interrupted):
        train_shortly("speech", out, recipe, callbacks=interrupt_at(epoch + 1))
    with pytest.raises(Interrupted):
        train_shortly("speech", out, recipe, callbacks=interrupt_at(1), is_resumed=True)
    train_shortly("speech", out, recipe, is_resumed=True)
    whole, resumed = weights_of(tmp_path / "whole.safetensors"), weights_of(out)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_an_interrupted_run_leaves_its_best_epoch_and_a_snapshot(tmp_path):
    out = tmp_path / "cut.safetensors"
    with pytest.raises(Interrupted):
        train_shortly("names", out, callbacks=interrupt_at(12))
    assert checkpoints.load(tmp_path / "cut.unfinished.safetensors").results["validation"]["epoch"] == 1
    facts = snapshots.load(tmp_path / "cut.interrupted.safetensors").facts
    assert facts["done"] == 9
    assert checkpoints.load_all(tmp_path) == checkpoints.Registry({task: {} for task in MODELS}, {})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no interrupted run"),
        (lambda path: path.write_bytes(b"\x80\x04."), "no snapshot"),
        (lambda path: snapshots.save(path, Snapshot({}, {})), "another recipe"),
    ],
)
def test_resuming_without_a_snapshot_of_a_run_is_refused(tmp_path, make, message):
    make(tmp_path / "cut.interrupted.safetensors")
    with pytest.raises(ValueError, match=message):
        train_shortly("names", tmp_path / "cut.safetensors", is_resumed=True)


def test_resuming_with_another_recipe_is_refused(tmp_path):
    out = tmp_path / "cut.safetensors"
    with pytest.raises(Interrupted):
        train_shortly("names", out, callbacks=interrupt_at(12))
    with pytest.raises(ValueError, match="another recipe"):
        train_shortly("names", out, recipe_of("names", dropout=0.1), is_resumed=True)
    train_shortly("names", out, is_resumed=True)


@pytest.mark.parametrize(("task", "stop"), [("names", 12), ("names", 3), ("speech", 3)])
def test_a_stopped_run_keeps_the_best_so_far(tmp_path, task, stop):
    steps, epochs = itertools.count(1), []

    def on_step(progress):
        if next(steps) == stop:
            raise StopTraining

    callbacks = Callbacks(on_step=on_step, on_epoch=lambda epoch, measured, is_best: epochs.append(epoch))
    results = train_shortly(task, tmp_path / "stopped.safetensors", callbacks=callbacks)
    count = training_set_of(task, recipe_of(task)).task.count()
    assert epochs == [1 if stop > count else stop / count]  # evaluated as it stops, unless it was before
    assert checkpoints.load(tmp_path / "stopped.safetensors").results == results
    assert next(steps) == stop + 1


@pytest.mark.parametrize("evaluations", [1, 2, 3, 9, 100])
def test_evaluations_per_epoch_are_those_of_the_recipe_and_one_is_at_its_end(evaluations):
    recipe = Recipe(
        recipe_of("names").config, epochs=2, batch_size=8, learning_rate=0.01, weight_decay=0, evaluations=evaluations
    )
    task = training_set_of("names", recipe_of("names")).task
    trainer = Trainer(MODELS["names"][1](recipe.config), task, recipe, device=CPU, precision="float32")
    due = []
    while not trainer.is_done:
        trainer.advance()
        if trainer.is_due:
            due.append(trainer.evaluate()[0]["epoch"])
    assert len(due) == 2 * min(evaluations, task.count())
    assert due[-1] == 2
    assert 1 in due


def test_a_constant_schedule_keeps_the_learning_rate():
    recipe = recipe_of("names")
    recipe = type(recipe)(**vars(recipe) | {"schedule": "constant"})
    task = training_set_of("names", recipe).task
    trainer = Trainer(MODELS["names"][1](recipe.config), task, recipe, device=CPU, precision="float32")
    for _ in range(12):
        assert trainer._optimizers.state()[1][0]["groups"][0]["lr"] == recipe.learning_rate
        trainer.advance()

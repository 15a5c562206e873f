"""One training run from a training set to a checkpoint with its results; teachers are trained first."""

import dataclasses
import datetime
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from charplay import limits, system
from charplay.evaluation.calibration import fit_temperature
from charplay.inference.classify import logits_of
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import (
    MODELS,
    NameClassifier,
    NameClassifierConfig,
    Network,
    RecurrentConfig,
    make_ensemble,
)
from charplay.training import snapshots
from charplay.training.distributed import SINGLE_PROCESS, ProcessGroup
from charplay.training.fine_tuning import StartingModel, copy_weights
from charplay.training.precision import choose_precision
from charplay.training.recipes import RECIPES, InventRecipe, NamesRecipe, Recipe, SpeechRecipe, describe, fields_of
from charplay.training.snapshots import Snapshot
from charplay.training.tasks import NamesTask, Task
from charplay.training.trainer import Progress, Trainer, fit, with_prefix
from charplay.training.training_sets import (
    TrainingSet,
    invent_training_set,
    names_training_set,
    speech_training_set,
)


@dataclasses.dataclass(frozen=True)
class RunStart:
    """A network that is about to be trained."""

    what: str  # "the model", or "member 1 of 4" of an ensemble
    model: Network
    task: Task
    recipe: Recipe
    precision: str  # "float32" or "bfloat16"
    device: torch.device


@dataclasses.dataclass(frozen=True)
class Callbacks:
    """Called as a run proceeds; any of them may raise `StopTraining` to end a network's training with its best."""

    on_start: Callable[[RunStart], None] = lambda started: None
    on_step: Callable[[Progress], None] = lambda progress: None
    on_epoch: Callable[[float, dict[str, Any], bool], None] = lambda epoch, measured, is_best: None


NO_CALLBACKS = Callbacks()


def train(
    task_name: str, recipe: Recipe, directory: Path, out: Path, *, group: ProcessGroup = SINGLE_PROCESS, **options: Any
) -> dict[str, Any] | None:
    """Trains a model on the data in `directory` and measures it on the test part; `options` are those of `run`.

    Teachers that the recipe names are trained first, unless they lie beside `out`, and stay there.

    Raises:
        ValueError: the data is missing, `out` is a directory, there is no such teacher or it is of another recipe, or
            whatever `run` raises.
    """
    if out.is_dir():
        raise ValueError(f"{out} is a directory: name a file for the checkpoint.")
    if isinstance(recipe, SpeechRecipe):
        return run(task_name, speech_training_set(recipe, directory, group), recipe, out, group=group, **options)
    if isinstance(recipe, InventRecipe):
        return run(task_name, invent_training_set(recipe, directory, group), recipe, out, group=group, **options)
    assert isinstance(recipe, NamesRecipe)  # the other kind that there is
    possible = [name for name, candidate in RECIPES["names"].items() if not candidate.teachers]
    names = [limits.check_choice("teacher", name, possible) for name in recipe.teachers.split(",") if name]
    paths = {name: checkpoints.sibling(out, f"{name}.{checkpoints.TEACHER_KIND}") for name in names}
    # A run that was interrupted in a teacher resumes there, and has not begun its student.
    student_options = options if all(path.exists() for path in paths.values()) else options | {"is_resumed": False}
    teachers = [_load_or_train_teacher(name, recipe, directory, path, group, **options) for name, path in paths.items()]
    training_set = names_training_set(recipe, directory, group, teachers)
    return run(task_name, training_set, recipe, out, group=group, **student_options)


def _load_or_train_teacher(
    name: str,
    student: NamesRecipe,
    directory: Path,
    path: Path,
    group: ProcessGroup,
    *,
    is_resumed: bool = False,
    **options: Any,
) -> Checkpoint:
    """The classifier of the recipe `name`, from `path` if an earlier run has left it there, otherwise trained."""
    # The same rows are held out: a teacher must not have learnt those that its student is judged on.
    recipe = dataclasses.replace(RECIPES["names"][name], seed=student.seed, hold_out=student.hold_out)
    if not group.broadcast(path.exists()):
        resumes = group.broadcast(is_resumed and checkpoints.sibling(path, "interrupted").exists())
        training_set = names_training_set(recipe, directory, group)
        training_set = dataclasses.replace(training_set, measure=lambda checkpoint: {})
        run("names", training_set, recipe, path, group=group, **options | {"name": name, "is_resumed": resumes})
        group.broadcast(None)  # wait until rank 0 has written it
    teacher = checkpoints.load(path, "names")
    expected = describe("names", recipe, name)
    if {key: teacher.recipe.get(key) for key in expected} != expected:
        raise ValueError(f"{path.name} was made by another recipe: delete it, and it is made anew.")
    return teacher


def run(
    task_name: str,
    training_set: TrainingSet,
    recipe: Recipe,
    out: Path,
    *,
    device: torch.device,
    name: str = "best",
    precision: str | None = None,
    callbacks: Callbacks = NO_CALLBACKS,
    group: ProcessGroup = SINGLE_PROCESS,
    is_resumed: bool = False,
    start: StartingModel | None = None,
) -> dict[str, Any] | None:
    """Trains a model, keeps the best epoch, measures it and writes the checkpoint.

    An ensemble is trained member by member, each from its own seed.

    Args:
        task_name: "names", "speech" or "invent".
        training_set: its task was made for the same `recipe` and `group`.
        recipe: how to train.
        out: the checkpoint; a file already there is replaced when the run has finished, not before.
        device: where to train.
        name: the table's name of the recipe, or of the one that it was adjusted from.
        precision: "float32" or "bfloat16"; None: the faster one here.
        callbacks: called on rank 0.
        group: the processes that share the run; only rank 0 writes files.
        is_resumed: go on from the snapshot that an interrupted run left beside `out`.
        start: the model to go on from; None: a new network.

    Returns:
        The results as the header holds them: {"validation", "test", "baselines"...}; None on other ranks than 0.

    Raises:
        ValueError: there is no such run to resume.
        FloatingPointError: the loss is not finite any more; the best epoch is in the unfinished file beside `out`.
        OSError: a file cannot be written, as on a full disk; the best epoch before is in the unfinished file.
    """
    this_run = _Run(task_name, training_set, recipe, out, device, name, precision, callbacks, group, is_resumed, start)
    this_run.train_members()
    return this_run.finish() if group.is_rank_0 else None


class _Run:
    """The state of one run; its arguments are those of `run`.

    Whenever it is interrupted, three files are there: the best epoch so far (`unfinished`), where the run stands
    (`interrupted`), and at `out` the last finished checkpoint.
    """

    def __init__(
        self,
        task_name: str,
        training_set: TrainingSet,
        recipe: Recipe,
        out: Path,
        device: torch.device,
        name: str,
        precision: str | None,
        callbacks: Callbacks,
        group: ProcessGroup,
        is_resumed: bool,
        start: StartingModel | None,
    ):
        self.task_name, self.training_set, self.recipe, self.out = task_name, training_set, recipe, out
        self.device, self.callbacks, self.group, self.starting_model = device, callbacks, group, start
        self.count = getattr(recipe.config, "members", 1)
        self.member_recipe = dataclasses.replace(recipe, config=_member_config(recipe.config))
        self.members: list[Network] = []  # trained, in evaluation mode
        self.measured: dict[str, Any] = {}  # of the last member, at its best evaluation

        self.unfinished, self.interrupted = (checkpoints.sibling(out, kind) for kind in checkpoints.PARTIAL_KINDS)
        started_from = {"started_from": start.describe()} if start is not None else {}
        seen = set(training_set.alphabet).union(start.checkpoint.alphabet if start is not None else "")
        self.identity = {"task": task_name, "recipe": fields_of(recipe), "data": training_set.data} | started_from
        self.resumed = _load_snapshot(self.interrupted, self.identity) if is_resumed else None
        self.start = time.perf_counter() - (self.resumed.facts["seconds"] if self.resumed else 0.0)

        if precision is None and self.resumed:
            precision = self.resumed.facts["precision"]
        self.precision = precision or group.broadcast(
            choose_precision(self._initialized(recipe.seed), training_set.task, device)
        )
        described = describe(task_name, recipe, name)
        described |= {"precision": self.precision, "device": device.type, "torch": torch.__version__, **started_from}
        self.header: dict[str, Any] = {
            "task": task_name,
            "date": datetime.date.today().isoformat(),
            "recipe": described,
            "alphabet": "".join(sorted(seen)),
            **{key: getattr(training_set, key) for key in ("vocabulary", "classes", "shares", "data")},
        }

    def train_members(self) -> None:
        """Trains all networks of the model; those before an interruption are read from its snapshot."""
        for number in range(self.count):
            recipe = dataclasses.replace(self.member_recipe, seed=self.recipe.seed + number)
            model = self._initialized(recipe.seed)
            if self.resumed and number < self.resumed.facts["member"]:
                model.load_state_dict(with_prefix(self.resumed.tensors, f"member.{number}."))
            else:
                is_resumed = self.resumed is not None and number == self.resumed.facts["member"]
                self.measured = self._fit(model, recipe, self.resumed if is_resumed else None)
            self.members.append(model.eval())

    def finish(self) -> dict[str, Any]:
        """Measures the model as its file stores it, writes the checkpoint and removes the partial files."""
        self.header["recipe"]["seconds"] = round(time.perf_counter() - self.start)
        model, task = _join(self.members), self.training_set.task
        measured = self.measured if self.count == 1 else {"per_second": self.measured["per_second"]}
        results = {"validation": measured | task.evaluate(model)}
        if isinstance(model, NameClassifier) and isinstance(task, NamesTask):
            results |= _calibrate(model, task)
        # Weights are stored in half precision: the test results are those of the stored ones.
        checkpoints.save(self.unfinished, Checkpoint(model=model, results=results, **self.header), half=True)
        stored = checkpoints.load(self.unfinished)
        results |= self.training_set.measure(stored)
        checkpoints.save(self.out, dataclasses.replace(stored, results=results), half=True)
        system.remove_file(self.unfinished)
        system.remove_file(self.interrupted)
        return results

    def _initialized(self, seed: int) -> Network:
        """One member's network before training."""
        torch.manual_seed(seed)
        model = MODELS[self.task_name][1](self.member_recipe.config)
        if self.starting_model is not None:
            copy_weights(self.starting_model, model, self.training_set)
        self.training_set.prepare(model)
        return model.to(self.device)

    def _fit(self, model: Network, recipe: Recipe, resumed: Snapshot | None) -> dict[str, Any]:
        """Trains the next member; returns what was measured at its best evaluation."""
        task = self.training_set.task
        if self.group.is_rank_0:
            what = f"member {len(self.members) + 1} of {self.count}" if self.count > 1 else "the model"
            self.callbacks.on_start(RunStart(what, model, task, recipe, self.precision, self.device))
        trainer = Trainer(model, task, recipe, device=self.device, precision=self.precision, group=self.group)
        if resumed is not None:
            trainer.restore(resumed)
        if not self.group.is_rank_0:
            return fit(trainer, on_snapshot=lambda snapshot: None)  # the group takes snapshots together

        def on_epoch(epoch: float, measured: dict[str, Any], is_best: bool) -> None:
            if is_best:  # saved before it is reported: on a full disk what was reported as the best is what is kept
                best = _join([*self.members, model])
                checkpoints.save(
                    self.unfinished, Checkpoint(model=best, results={"validation": measured}, **self.header)
                )
            self.callbacks.on_epoch(epoch, measured, is_best)

        return fit(trainer, on_step=self.callbacks.on_step, on_epoch=on_epoch, on_snapshot=self._save_snapshot)

    def _save_snapshot(self, snapshot: Snapshot) -> None:
        """Writes the state of the member in training, and the members before it."""
        facts = {
            "run": self.identity,
            "member": len(self.members),
            "seconds": time.perf_counter() - self.start,
            "precision": self.precision,
        }
        trained = {
            f"member.{number}.{name}": tensor
            for number, member in enumerate(self.members)
            for name, tensor in member.state_dict().items()
        }
        snapshots.save(self.interrupted, Snapshot(snapshot.tensors | trained, snapshot.facts | facts))


def _member_config(config: RecurrentConfig) -> RecurrentConfig:
    """The config of one member of an ensemble."""
    return dataclasses.replace(config, members=1) if isinstance(config, NameClassifierConfig) else config


def _join(members: Sequence[Any]) -> Network:
    return make_ensemble(members) if len(members) > 1 else members[0]


def _load_snapshot(path: Path, identity: dict[str, Any]) -> Snapshot:
    """The snapshot at `path`, if it is one of this very run."""
    snapshot = snapshots.load(path)
    if snapshot.facts.get("run") != json.loads(json.dumps(identity)):
        raise ValueError(f"{path.name} is of a run with another recipe or other data: give the same, or no --resume.")
    return snapshot


def _calibrate(model: NameClassifier, task: NamesTask) -> dict[str, Any]:
    """Divides the last layer by the temperature fitted on the rows held out, so that its softmax is calibrated."""
    truth = torch.tensor([task.classes.index(country) for _, country in task.validation])
    logits = logits_of(model, [name for name, _ in task.validation], vocabulary=task.vocabulary)
    temperature = fit_temperature(logits, truth)
    with torch.no_grad():
        for network in model.ensemble_members:
            for parameter in network.linear.parameters():
                parameter.div_(temperature)
    return {"temperature": temperature, "training_rows": task.counts.int().tolist()}

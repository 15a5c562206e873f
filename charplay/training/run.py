"""One training run from a training set to a checkpoint with its results; teachers are trained first."""

import dataclasses
import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from charplay import limits, system
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import MODELS, Network
from charplay.training import snapshots
from charplay.training.conditional_task import ConditionalTask
from charplay.training.distributed import SINGLE_PROCESS, ProcessGroup
from charplay.training.fine_tuning import StartingModel, copy_weights
from charplay.training.precision import choose_precision
from charplay.training.recipes import (
    RECIPES,
    DistilledRecipe,
    Recipe,
    SpeechRecipe,
    describe,
    fields_of,
    parse_teachers,
)
from charplay.training.snapshots import Snapshot
from charplay.training.tasks import NamesTask, Task
from charplay.training.trainer import Progress, Trainer, fit
from charplay.training.training_sets import DISTILLED_SETS, TrainingSet, speech_training_set


@dataclasses.dataclass(frozen=True)
class RunStart:
    """A network that is about to be trained."""

    name: str  # of the recipe
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

    Teachers that the recipe names, and theirs, are trained first, unless they lie beside `out`, and stay there.

    Raises:
        ValueError: the data is missing, `out` is a directory, there is no such teacher or it is of another recipe, or
            whatever `run` raises.
    """
    if out.is_dir():
        raise ValueError(f"{out} is a directory: name a file for the checkpoint.")
    if isinstance(recipe, SpeechRecipe):
        return run(task_name, speech_training_set(recipe, directory, group), recipe, out, group=group, **options)
    assert isinstance(recipe, DistilledRecipe)  # the other kind that there is
    teachers = _Teachers(task_name, recipe, directory, out, group)
    # A run that was interrupted in a teacher resumes there, and has not begun its student.
    student_options = options if teachers.are_trained else options | {"is_resumed": False}
    training_set = DISTILLED_SETS[task_name](recipe, directory, group, teachers.load_or_train(**options))
    return run(task_name, training_set, recipe, out, group=group, **student_options)


class _Teachers:
    """The networks whose mean another one learns from, each in a file of its own beside it."""

    def __init__(
        self, task_name: str, student: DistilledRecipe, directory: Path, out: Path, group: ProcessGroup, depth: int = 2
    ):
        """`depth`: how many generations of teachers there may be; without a bound a recipe might teach itself.

        Raises:
            ValueError: there is no such recipe, or no such number of networks.
        """
        self._task_name, self._directory, self._group = task_name, directory, group
        self._files: dict[str, list[tuple[DistilledRecipe, Path]]] = {}  # name of a recipe -> its networks
        self._own: dict[str, _Teachers] = {}  # name of a recipe -> the teachers of its networks
        known: dict[str, DistilledRecipe] = RECIPES[task_name]
        possible = [name for name, recipe in known.items() if recipe != student and (depth > 1 or not recipe.teachers)]
        for name, networks in parse_teachers(student.teachers):
            limits.check_choice("teacher", name, possible)
            # The same rows are held out: a teacher must not have learnt those that its student is judged on.
            recipe = dataclasses.replace(known[name], seed=student.seed, hold_out=student.hold_out)
            self._own[name] = _Teachers(task_name, recipe, directory, out, group, depth - 1)
            self._files[name] = [
                (
                    dataclasses.replace(recipe, seed=student.seed + number),
                    checkpoints.sibling(out, f"{name}-{number + 1}.{checkpoints.TEACHER_KIND}"),
                )
                for number in range(networks)
            ]

    @property
    def are_trained(self) -> bool:
        """Whether all of them are there from an earlier run."""
        return all(path.exists() for networks in self._files.values() for _, path in networks)

    def load_or_train(self, *, is_resumed: bool = False, **options: Any) -> list[Checkpoint]:
        """The teachers, from their files if an earlier run has left them there, otherwise trained.

        Raises:
            ValueError: a file was made by another recipe.
        """
        return [
            teacher
            for name, networks in self._files.items()
            for teacher in self._load_or_train(name, networks, is_resumed, options)
        ]

    def _load_or_train(
        self, name: str, networks: list[tuple[DistilledRecipe, Path]], is_resumed: bool, options: dict[str, Any]
    ) -> list[Checkpoint]:
        """The networks of one recipe; they differ in their seeds, and share data and soft targets."""
        first, group = networks[0][0], self._group
        if not group.broadcast(all(path.exists() for _, path in networks)):
            taught_by = self._own[name].load_or_train(is_resumed=is_resumed, **options)
            training_set = DISTILLED_SETS[self._task_name](first, self._directory, group, taught_by)
            training_set = dataclasses.replace(training_set, measure=lambda checkpoint: {})
            for recipe, path in networks:
                if group.broadcast(path.exists()):
                    continue
                resumes = group.broadcast(is_resumed and checkpoints.sibling(path, "interrupted").exists())
                of_teacher = options | {"name": name, "is_resumed": resumes}
                run(self._task_name, training_set, recipe, path, group=group, **of_teacher)
                group.broadcast(None)  # wait until rank 0 has written it
        return [_load_teacher(self._task_name, name, recipe, path) for recipe, path in networks]


def _load_teacher(task_name: str, name: str, recipe: DistilledRecipe, path: Path) -> Checkpoint:
    teacher = checkpoints.load(path, task_name)
    expected = describe(task_name, recipe, name)
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
    this_run.train()
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
        self.name = name
        self.measured: dict[str, Any] = {}  # at the best evaluation

        self.unfinished, self.interrupted = (checkpoints.sibling(out, kind) for kind in checkpoints.PARTIAL_KINDS)
        started_from = {"started_from": start.describe()} if start is not None else {}
        seen = set(training_set.alphabet).union(start.checkpoint.alphabet if start is not None else "")
        self.identity = {"task": task_name, "recipe": fields_of(recipe), "data": training_set.data} | started_from
        self.resumed = _load_snapshot(self.interrupted, self.identity) if is_resumed else None
        self.start = time.perf_counter() - (self.resumed.facts["seconds"] if self.resumed else 0.0)

        if precision is None and self.resumed:
            precision = self.resumed.facts["precision"]
        self.precision = precision or group.broadcast(choose_precision(self._initialized(), training_set.task, device))
        self.model = self._initialized()
        described = describe(task_name, recipe, name)
        described |= {"precision": self.precision, "device": device.type, "torch": torch.__version__, **started_from}
        self.header: dict[str, Any] = {
            "task": task_name,
            "date": datetime.date.today().isoformat(),
            "recipe": described,
            "alphabet": "".join(sorted(seen)),
            **{key: getattr(training_set, key) for key in ("vocabulary", "classes", "shares", "data")},
        }

    def finish(self) -> dict[str, Any]:
        """Measures the model as its file stores it, writes the checkpoint and removes the partial files."""
        self.header["recipe"]["seconds"] = round(time.perf_counter() - self.start)
        model: Any = self.model.eval()  # of the task's kind
        task = self.training_set.task
        results = task.calibrate(model) if isinstance(task, NamesTask | ConditionalTask) else {}
        results["validation"] = self.measured | task.evaluate(model)
        # Weights are stored in half precision: the test results are those of the stored ones.
        checkpoints.save(self.unfinished, Checkpoint(model=model, results=results, **self.header), half=True)
        stored = checkpoints.load(self.unfinished)
        results |= self.training_set.measure(stored)
        checkpoints.save(self.out, dataclasses.replace(stored, results=results), half=True)
        system.remove_file(self.unfinished)
        system.remove_file(self.interrupted)
        return results

    def _initialized(self) -> Network:
        """The network before training."""
        torch.manual_seed(self.recipe.seed)
        model = MODELS[self.task_name][1](self.recipe.config)
        if self.starting_model is not None:
            copy_weights(self.starting_model, model, self.training_set)
        self.training_set.prepare(model)
        return model.to(self.device)

    def train(self) -> None:
        """Trains the network, from its snapshot where the run is resumed; it ends with the weights of its best."""
        task = self.training_set.task
        if self.group.is_rank_0:
            self.callbacks.on_start(RunStart(self.name, self.model, task, self.recipe, self.precision, self.device))
        trainer = Trainer(self.model, task, self.recipe, device=self.device, precision=self.precision, group=self.group)
        if self.resumed is not None:
            trainer.restore(self.resumed)
        if not self.group.is_rank_0:
            fit(trainer, on_snapshot=lambda snapshot: None)  # the group takes snapshots together
            return

        def on_epoch(epoch: float, measured: dict[str, Any], is_best: bool) -> None:
            if is_best:  # saved before it is reported: on a full disk what was reported as the best is what is kept
                best = Checkpoint(model=self.model, results={"validation": measured}, **self.header)
                checkpoints.save(self.unfinished, best)
            self.callbacks.on_epoch(epoch, measured, is_best)

        self.measured = fit(trainer, on_step=self.callbacks.on_step, on_epoch=on_epoch, on_snapshot=self._save_snapshot)

    def _save_snapshot(self, snapshot: Snapshot) -> None:
        """Writes where the run stands."""
        facts = {"run": self.identity, "seconds": time.perf_counter() - self.start, "precision": self.precision}
        snapshots.save(self.interrupted, Snapshot(snapshot.tensors, snapshot.facts | facts))


def _load_snapshot(path: Path, identity: dict[str, Any]) -> Snapshot:
    """The snapshot at `path`, if it is one of this very run."""
    snapshot = snapshots.load(path)
    if snapshot.facts.get("run") != json.loads(json.dumps(identity)):
        raise ValueError(f"{path.name} is of a run with another recipe or other data: give the same, or no --resume.")
    return snapshot

"""One training run from the data to a checkpoint with its measured results, and measuring it again."""

import dataclasses
import datetime
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from charplay import limits
from charplay.data import datasets
from charplay.evaluation.baselines import names_baselines, speech_baselines
from charplay.evaluation.calibration import fit_temperature
from charplay.evaluation.metrics import evaluate_names, evaluate_speech, prefix_loss
from charplay.inference.classify import logits_of, remove_prior
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import MODELS, NameClassifier, RecurrentConfig, make_ensemble
from charplay.models.ngrams import NgramClassifier
from charplay.training import distillation, snapshots
from charplay.training.distributed import SINGLE_PROCESS, ProcessGroup
from charplay.training.recipes import RECIPES, USER_RECIPES, NamesRecipe, Recipe, SpeechRecipe
from charplay.training.snapshots import Snapshot
from charplay.training.tasks import DistilledNamesTask, NamesTask, SpeechTask, Task, class_shares, training_mix
from charplay.training.trainer import Progress, choose_precision, fit, with_prefix


@dataclasses.dataclass(frozen=True)
class RunStart:
    """A network that is about to be trained."""

    what: str  # "the model", or "member 1 of 4" of an average
    model: nn.Module
    task: Task
    recipe: Recipe
    precision: str  # "float32" or "bfloat16"
    device: torch.device


@dataclasses.dataclass(frozen=True)
class Callbacks:
    """Who is told how a run goes; by default nobody."""

    on_start: Callable[[RunStart], None] = lambda started: None
    on_step: Callable[[Progress], None] = lambda progress: None
    on_epoch: Callable[[float, dict[str, Any], bool], None] = lambda epoch, measured, best: None


NO_CALLBACKS = Callbacks()


@dataclasses.dataclass(frozen=True)
class TrainingSet:
    """What a model is trained on, and judged by when it has been."""

    task: Task
    alphabet: str  # the characters in it, in order of code
    data: str  # its fingerprint
    measure: Callable[[Checkpoint], dict[str, Any]]  # what the header says of how good the model is, beside validation
    classes: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()  # of the classes, weights included


def train(
    task_name: str, recipe: Recipe, directory: Path, out: Path, *, group: ProcessGroup = SINGLE_PROCESS, **how: Any
) -> dict[str, Any] | None:
    """Trains a model on the data in `directory` and measures it on the test part; the rest is as `run` has it.

    Teachers that the recipe names are trained first, unless they lie beside `out`, and stay there.

    Raises:
        ValueError: the data is missing, `out` is a directory, there is no such teacher or it is of another recipe, or
            whatever `run` raises.
    """
    if out.is_dir():
        raise ValueError(f"{out} is a directory: name a file for the checkpoint.")
    if task_name == "speech":
        return run(task_name, _speech(recipe, directory, group), recipe, out, group=group, **how)
    untaught = [name for name, made in RECIPES["names"].items() if not made.teachers]
    names = [limits.check_choice("teacher", name, untaught) for name in recipe.teachers.split(",") if name]
    places = {name: checkpoints.sibling(out, f"{name}.{checkpoints.TEACHER_KIND}") for name in names}
    pupil = how if all(path.exists() for path in places.values()) else how | {"is_resumed": False}
    teachers = [_load_or_train_teacher(name, recipe, directory, path, group, **how) for name, path in places.items()]
    return run(task_name, _names(recipe, directory, group, teachers), recipe, out, group=group, **pupil)


def _load_or_train_teacher(
    name: str,
    recipe: NamesRecipe,
    directory: Path,
    path: Path,
    group: ProcessGroup,
    *,
    is_resumed: bool = False,
    **how: Any,
) -> Checkpoint:
    """The classifier of the recipe `name`, from `path` where an earlier run has left it, otherwise trained."""
    # It must not have learnt what its pupil is judged on.
    own = dataclasses.replace(RECIPES["names"][name], seed=recipe.seed, hold_out=recipe.hold_out)
    if not group.broadcast(path.exists()):
        goes_on = group.broadcast(is_resumed and checkpoints.sibling(path, "interrupted").exists())
        training_set = dataclasses.replace(_names(own, directory, group), measure=lambda checkpoint: {})
        run("names", training_set, own, path, group=group, **how | {"name": name, "is_resumed": goes_on})
        group.broadcast(None)  # the lead has written it
    teacher = checkpoints.load(path, "names")
    wanted = describe("names", own, name)
    if {key: teacher.recipe.get(key) for key in wanted} != wanted:
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
) -> dict[str, Any] | None:
    """Trains a model from scratch, keeps the best epoch, measures it and writes the checkpoint.

    A classifier that is an average is trained member by member, each from its own seed.

    Args:
        task_name: "names" or "speech".
        training_set: what on; its task was made for the same `recipe` and `group`.
        recipe: how.
        out: the checkpoint; a file already there is replaced when the run has finished, not before.
        device: where.
        name: what the recipe, or the one that it was adjusted from, is called in the table.
        precision: "float32" or "bfloat16"; None: the faster one here.
        callbacks: is told how it goes; it may raise `training.Stop` to end a network's training with its best so far.
        group: the processes that share the run; the lead alone writes and tells.
        is_resumed: go on from the snapshot that an interrupted run left beside `out`.

    Returns:
        What was measured, as the header holds it: {"validation", "test", "baselines"...}; None but for the lead.

    Raises:
        ValueError: there is no such run to go on with.
        FloatingPointError: the loss is no number any more; the best epoch is in the unfinished file beside `out`.
    """
    # On disk are, whatever happens: the best epoch so far, where the run stands, and the last good checkpoint.
    unfinished, interrupted = (checkpoints.sibling(out, what) for what in checkpoints.PARTIAL_KINDS)
    this_run = {"task": task_name, "recipe": fields_of(recipe), "data": training_set.data}
    resumed = _resume(interrupted, this_run) if is_resumed else None
    start = time.perf_counter() - (resumed.facts["seconds"] if resumed else 0.0)
    alone = dataclasses.replace(
        recipe, config=_single_member_config(recipe.config)
    )  # as each member of an average is trained

    def initialised(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return MODELS[task_name][1](alone.config).to(device)

    if precision is None and resumed:
        precision = resumed.facts["precision"]
    chosen = precision or group.broadcast(choose_precision(initialised(recipe.seed), training_set.task, device))
    written = describe(task_name, recipe, name)
    written |= {"precision": chosen, "device": device.type, "torch": torch.__version__}
    described = {"task": task_name, "date": datetime.date.today().isoformat(), "recipe": written}
    described |= {key: getattr(training_set, key) for key in ("alphabet", "classes", "shares", "data")}
    count = getattr(recipe.config, "members", 1)
    members: list[nn.Module] = []

    def fit_next(model: nn.Module, own: Recipe, goes_on: Snapshot | None) -> dict[str, Any]:
        """Trains the next member; the unfinished file holds its average with those before it."""
        number = len(members)
        if group.is_rank_0:
            what = f"member {number + 1} of {count}" if count > 1 else "the model"
            callbacks.on_start(RunStart(what, model, training_set.task, own, chosen, device))

        def on_epoch(epoch: float, measured: dict[str, Any], is_best: bool) -> None:
            callbacks.on_epoch(epoch, measured, is_best)
            if is_best:
                so_far = Checkpoint(
                    model=_average_members([*members, model]), results={"validation": measured}, **described
                )
                checkpoints.save(unfinished, so_far)

        def keep(snapshot: Snapshot) -> None:
            if group.is_rank_0:
                facts = {"run": this_run, "member": number, "seconds": time.perf_counter() - start, "precision": chosen}
                before = {
                    f"member.{row}.{key}": tensor
                    for row, member in enumerate(members)
                    for key, tensor in member.state_dict().items()
                }
                snapshots.save(interrupted, Snapshot(snapshot.tensors | before, snapshot.facts | facts))

        told = {"on_step": callbacks.on_step, "on_epoch": on_epoch} if group.is_rank_0 else {}
        where = {"device": device, "precision": chosen, "group": group}
        return fit(model, training_set.task, own, **where, **told, keep=keep, resume=goes_on)

    for number in range(count):
        own = dataclasses.replace(alone, seed=recipe.seed + number)
        model, reached = initialised(own.seed), resumed.facts["member"] if resumed else 0
        if number < reached:
            model.load_state_dict(with_prefix(resumed.tensors, f"member.{number}."))
        else:
            measured = fit_next(model, own, resumed if number == reached else None)
        members.append(model.eval())
    if not group.is_rank_0:
        return None
    written["seconds"] = round(time.perf_counter() - start)
    joined = _average_members(members)
    of_the_run = measured if count == 1 else {"per_second": measured["per_second"]}
    results = {"validation": of_the_run | training_set.task.evaluate(joined)}
    if task_name == "names":
        results |= _calibrate(joined, training_set.task)
    # The header says what the file gives, so the figures are taken from the file, rounded weights and all.
    checkpoints.save(unfinished, Checkpoint(model=joined, results=results, **described), half=True)
    stored = checkpoints.load(unfinished)
    results |= training_set.measure(stored)
    checkpoints.save(out, dataclasses.replace(stored, results=results), half=True)
    unfinished.unlink()
    interrupted.unlink(missing_ok=True)
    return results


def _single_member_config(config: RecurrentConfig) -> RecurrentConfig:
    """The config of one member of an average."""
    return dataclasses.replace(config, members=1) if hasattr(config, "members") else config


def _average_members(members: Sequence[nn.Module]) -> nn.Module:
    return make_ensemble(members) if len(members) > 1 else members[0]


def _resume(path: Path, this_run: dict[str, Any]) -> Snapshot:
    """The snapshot at `path`, if it is one of this very run."""
    snapshot = snapshots.load(path)
    if snapshot.facts.get("run") != json.loads(json.dumps(this_run)):
        raise ValueError(f"{path.name} is of a run with another recipe or other data: give the same, or no --resume.")
    return snapshot


def _calibrate(model: NameClassifier, task: NamesTask) -> dict[str, Any]:
    """Bakes into the last layer the temperature that fits the rows held out: softmax of what it gives is calibrated."""
    truth = torch.tensor([task.classes.index(country) for _, country in task.validation])
    temperature = fit_temperature(logits_of(model, [name for name, _ in task.validation]), truth)
    with torch.no_grad():
        for network in model.ensemble_members:
            for parameter in network.linear.parameters():
                parameter /= temperature
    return {"temperature": temperature, "training_rows": task.counts.int().tolist()}


def _names(
    recipe: NamesRecipe, directory: Path, group: ProcessGroup, teachers: Sequence[Checkpoint] = ()
) -> TrainingSet:
    rows, validation = datasets.hold_out(datasets.load_names("train", directory), recipe.seed, recipe.hold_out)
    classes = datasets.COUNTRIES
    shares = class_shares(rows, classes, recipe.class_weight)
    if teachers:
        synthetic = distillation.synthesize_names(
            rows, dict(zip(classes, shares, strict=True)), recipe.synthetic, recipe.seed
        )
        names = [*(name for name, _ in rows), *synthetic]
        # Whatever a class weighed in their own training, they are heard as if it had weighed what it does here.
        said = distillation.soft_target_logits(teachers, names, group)
        if recipe.ngram_weight:
            counted = remove_prior(NgramClassifier(rows, classes).logits(names), class_shares(rows, classes, 0.0))
            said = said.lerp(counted, recipe.ngram_weight)
        said = (said + torch.tensor(shares).log()).softmax(1)
        task = DistilledNamesTask(rows, validation, classes, recipe, synthetic, said, group)
    else:
        task = NamesTask(rows, validation, classes, recipe, group)
    return TrainingSet(
        task,
        alphabet="".join(sorted({character for name, _ in rows for character in name})),
        data=datasets.fingerprint(datasets.NAMES_TRAIN),
        measure=lambda checkpoint: measure_all(checkpoint, directory),
        classes=classes,
        shares=tuple(shares),
    )


def _speech(recipe: SpeechRecipe, directory: Path, group: ProcessGroup) -> TrainingSet:
    splits = datasets.split_speeches(datasets.load_speeches(directory))
    speeches = training_mix(splits, recipe)
    return TrainingSet(
        SpeechTask(speeches, datasets.join_speeches(splits["val"]), recipe, group),
        alphabet="".join(sorted(set(datasets.join_speeches(speeches)))),
        data=datasets.fingerprint(datasets.SPEECHES),
        measure=lambda checkpoint: measure_all(checkpoint, directory),
    )


def describe(task_name: str, recipe: Recipe, name: str) -> dict[str, Any]:
    """What a header says of a recipe, so that the file can be made again: its name, what was changed, all fields."""
    original = fields_of((RECIPES[task_name] | USER_RECIPES[task_name])[name])
    changed = {key: value for key, value in fields_of(recipe).items() if value != original[key]}
    own = {key: value for key, value in dataclasses.asdict(recipe).items() if key != "config"}
    return {"name": name, "changed": changed, **own}


def fields_of(recipe: Recipe) -> dict[str, Any]:
    """Every field of a recipe and of its config that can be chosen."""
    return {
        field.name: getattr(holder, field.name)
        for holder in (recipe, recipe.config)
        for field in dataclasses.fields(holder)
        if field.name not in ("config", "classes")
    }


def measure(
    checkpoint: Checkpoint, directory: Path, split: str | None = None, prior: str = "data", engine: bool = False
) -> dict[str, Any]:
    """The checkpoint on its task's test part; of the speeches on the `split` named, or as `engine` runs it."""
    if checkpoint.task == "names":
        known = {name for name, _ in datasets.load_names("train", directory)}
        rows = datasets.load_names("test", directory)
        measured = evaluate_names(
            checkpoint.model,
            checkpoint.classes,
            rows,
            known,
            checkpoint.shares if prior == "uniform" else None,
            engine,
        )
        if prior == "data":
            measured["prefix_loss"] = prefix_loss(checkpoint.model, checkpoint.classes, rows, engine)
        return measured
    splits = datasets.split_speeches(datasets.load_speeches(directory))
    return evaluate_speech(checkpoint.model, datasets.join_speeches(splits[split or "test"]), engine)


def measure_baselines(task_name: str, directory: Path) -> dict[str, dict[str, Any]]:
    """What counting reaches on the test part, after the training part of the task's best recipe."""
    if task_name == "names":
        return names_baselines(
            datasets.load_names("train", directory), datasets.load_names("test", directory), datasets.COUNTRIES
        )
    splits = datasets.split_speeches(datasets.load_speeches(directory))
    mix = training_mix(splits, RECIPES["speech"]["best"])
    return speech_baselines(datasets.join_speeches(mix), datasets.join_speeches(splits["test"]))


def measure_all(checkpoint: Checkpoint, directory: Path) -> dict[str, Any]:
    """All that a header says of how good a model is, by test, beside the baselines."""
    results = {"test": measure(checkpoint, directory), "baselines": measure_baselines(checkpoint.task, directory)}
    if checkpoint.task == "names":
        results["uniform"] = measure(checkpoint, directory, prior="uniform")
    return results

"""How long a training will take on this machine, measured by a few steps and an evaluation of a throw-away network."""

import dataclasses
import time

import torch

from charplay.cancellation import check_cancelled
from charplay.models.networks import MODELS
from charplay.training.conditional_task import ConditionalTask
from charplay.training.evaluation_example import example_of
from charplay.training.recipes import Recipe
from charplay.training.tasks import NamesTask, SpeechTask, Task
from charplay.training.trainer import Trainer
from charplay.training.training_sets import TrainingSet

EVALUATION_SECONDS = 6.0  # between two evaluations, roughly
MAX_EVALUATIONS = 100  # in an epoch
TRIAL_SECONDS = 0.7  # of trial steps
TRIAL_LEARNING_RATE = 1e-4  # no trial diverges
MIN_TRIAL_STEPS = 3  # even where one takes longer: batches differ in their lengths
CPU = torch.device("cpu")


@dataclasses.dataclass(frozen=True)
class Speed:
    """What the parts of a training take here."""

    per_second: float  # characters or rows trained
    evaluation_seconds: float  # of one evaluation: measured, shown and copied
    trial_seconds: float  # that measuring this took, without the first step: a process is slow at its first one


def units_of(task: Task) -> int:
    """Rows or characters of an epoch."""
    if isinstance(task, NamesTask):
        return len(task.names)
    if isinstance(task, ConditionalTask):
        return sum(map(len, task.texts))
    assert isinstance(task, SpeechTask)  # the third kind that user data makes
    return task.characters


def measure_speed(task_name: str, training_set: TrainingSet, recipe: Recipe) -> Speed:
    """Takes trial steps and evaluations of a throw-away network."""
    torch.manual_seed(recipe.seed)
    model = MODELS[task_name][1](recipe.config)
    tame = dataclasses.replace(recipe, learning_rate=TRIAL_LEARNING_RATE)
    trainer = Trainer(model, training_set.task, tame, device=CPU, precision="float32")
    trainer.advance()  # to warm up
    done, started = trainer.done, time.perf_counter()
    while (
        time.perf_counter() - started < TRIAL_SECONDS or trainer.done - done < MIN_TRIAL_STEPS
    ) and not trainer.is_done:
        check_cancelled()
        trainer.advance()
    units = (trainer.done - done) * units_of(training_set.task) / trainer.steps
    per_second = max(units, 1) / (time.perf_counter() - started)
    evaluations = []  # seconds of each; the shortest counts: the first warms up, and another process may hold one up
    for _ in range(2):
        check_cancelled()
        start = time.perf_counter()
        training_set.task.evaluate(model.eval())
        example_of(model, training_set)
        trainer.snapshot()
        evaluations.append(time.perf_counter() - start)
    return Speed(per_second, min(evaluations), time.perf_counter() - started)


def warm_up() -> None:
    """Takes one step of a tiny network: the first of a process loads parts of torch, for a second or more."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([parameter])
    parameter.sum().backward()
    optimizer.step()


def with_evaluations(recipe: Recipe, training_set: TrainingSet, speed: Speed) -> Recipe:
    """The recipe with an evaluation every few seconds, so that the page can be updated."""
    steps, units = training_set.task.count(), units_of(training_set.task)
    evaluations = round(units / max(speed.per_second, 1e-9) / EVALUATION_SECONDS)
    return dataclasses.replace(recipe, evaluations=int(max(min(evaluations, steps, MAX_EVALUATIONS), 1)))


def estimate_seconds(recipe: Recipe, training_set: TrainingSet, speed: Speed) -> float:
    """The seconds of a whole training: its trial, its steps, its evaluations, and the last one of what is kept."""
    evaluations = recipe.epochs * with_evaluations(recipe, training_set, speed).evaluations
    steps = recipe.epochs * units_of(training_set.task) / speed.per_second
    return speed.trial_seconds + steps + (evaluations + 2) * speed.evaluation_seconds

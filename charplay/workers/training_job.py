"""One training of a visitor's network: what its worker knows of it, and the updates it sends as the steps go by."""

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import torch

from charplay.models import checkpoints
from charplay.models.networks import Network, count_parameters
from charplay.training import run, trainer
from charplay.training.conditional_task import ConditionalTask
from charplay.training.data_summary import UserData, baseline_of, choose_recipe, training_set_of
from charplay.training.evaluation_example import EvaluationExample, example_of, opening_of
from charplay.training.fine_tuning import StartingModel, adapt
from charplay.training.recipes import FINE_TUNING, Recipe
from charplay.training.tasks import NamesTask, SpeechTask
from charplay.training.time_estimate import measure_speed, with_evaluations
from charplay.workers import user_data_source

UNKNOWN_SECONDS = 30.0  # that a training is expected to take whose client does not know
UPDATE_SECONDS = 0.25  # seconds between two updates on the progress
# How a training ended.
DONE, STOPPED, TIMED_OUT, NOT_FINITE, NOT_WRITTEN = "done", "stopped", "time is up", "no finite number", "disk is full"


class TrainingUpdate(EvaluationExample, total=False):
    """What is new of a training; `kind` tells which of the others are there, at an evaluation the example too."""

    kind: str  # "queued", "fetching", "started", "progress" or "evaluation"
    queue_position: int  # queued: how many trainings must end before this one starts
    wait_seconds: float  # queued: an estimate of how long they take
    message: str  # fetching: how the data set is being fetched
    parameters: int  # started
    steps: int  # started: of all epochs; progress: how many are done
    epochs: int  # started
    unit: str  # started: "names" or "characters"
    baseline: float  # started: accuracy of the most common class, or bits per character of unigrams, or of n-grams
    held_out: int  # started: rows or characters of the validation part, on which both are measured
    epoch: float  # progress and evaluation: how many are done
    loss: float  # progress: mean nats in training since the last evaluation
    per_second: float  # progress: of its unit
    seconds: float  # progress: since it started
    seconds_left: float  # progress: an estimate
    training_loss: float  # evaluation: mean nats
    validation_loss: float  # evaluation: mean nats
    measured: dict[str, Any]  # evaluation: bits_per_character, or accuracy and macro_f1
    is_best: bool  # evaluation


class TrainingResult(TypedDict):
    """What came of a training; the checkpoint lies where the request said."""

    ended: str  # DONE, STOPPED, TIMED_OUT, NOT_FINITE or NOT_WRITTEN
    reason: str | None  # the sentence where it was one of the last two
    results: dict[str, Any]  # those in the checkpoint's header
    seconds: float
    kept: EvaluationExample  # of the model in the checkpoint, the best one
    opening: str  # a text of the validation part to try it with


class TrainingCancelled(Exception):
    """The client of a training has disconnected."""


class Job:
    """A training, from its request to its end."""

    def __init__(self, request_id: int, arguments: dict[str, Any]):
        self.request_id, self.arguments = request_id, arguments
        self.task, self.preset, self.changes = (arguments[key] for key in ("task", "preset", "changes"))
        self.source: dict[str, Any] = arguments["data"]
        self.start: StartingModel | None = None  # set with the data
        self.out = Path(arguments["out"])
        self.expected_seconds = arguments.get("expected_seconds") or UNKNOWN_SECONDS  # that it will take
        self.ends_at: float | None = None  # once it runs: when it will end, by `time.monotonic`; an estimate
        self.data: UserData  # set when its turn has come, before the rest is used
        self.queue_position = 0  # that the client knows of
        self.is_stopped = self.is_cancelled = False

    @property
    def recipe(self) -> Recipe:
        """The recipe that the request chose, adjusted to the data.

        Raises:
            ValueError: a field is out of bounds.
        """
        return choose_recipe(self.task, self.data, self.preset, self.changes, self.start)

    @property
    def seconds_left(self) -> float:
        """An estimate, from 0 on, of a job that runs."""
        return max((self.ends_at or 0) - time.monotonic(), 0.0)

    def read(self) -> None:
        """Reads the data, and the model that it goes on from.

        Raises:
            ValueError: one of them cannot be used.
        """
        self.data = user_data_source.read(self.task, self.source)
        self.start = user_data_source.read_start(self.task, self.arguments)
        if self.start is not None:
            self.data = adapt(self.data, self.start)

    def check_cancelled(self) -> None:
        """Raises `TrainingCancelled` if it is."""
        if self.is_cancelled:
            raise TrainingCancelled("The page that this training was for is closed.")


class JobCallbacks:
    """Sends updates on one training, and ends it when it is stopped, cancelled, or out of time."""

    def __init__(
        self,
        send: Callable[[TrainingUpdate], None],
        job: Job,
        recipe: Recipe,
        training_set: run.TrainingSet,
        max_seconds: float,
    ):
        self.ended = DONE
        self._send, self._job, self._recipe, self._training_set = send, job, recipe, training_set
        self._max_seconds = max_seconds
        self._started_at = self._updated_at = time.monotonic()
        self._model: Network  # set on start
        self._steps = recipe.epochs * training_set.task.count()

    @property
    def seconds(self) -> float:
        """Since it started."""
        return time.monotonic() - self._started_at

    def on_start(self, started: run.RunStart) -> None:
        task = self._training_set.task
        assert isinstance(task, NamesTask | SpeechTask | ConditionalTask)
        self._model = started.model
        self._send(
            TrainingUpdate(
                kind="started",
                parameters=count_parameters(started.model),
                steps=self._steps,
                epochs=self._recipe.epochs,
                unit=task.unit,
                baseline=baseline_of(self._job.data, self._recipe),
                held_out=len(task.validation),
            )
        )

    def on_step(self, progress: trainer.Progress) -> None:
        self._job.check_cancelled()
        done = (progress.epoch - 1) * progress.steps + progress.step
        for is_over, ended in ((self._job.is_stopped, STOPPED), (self.seconds >= self._max_seconds, TIMED_OUT)):
            if is_over and done < self._steps:
                self.ended = ended
                raise trainer.StopTraining
        now = time.monotonic()
        if progress.loss is not None and now - self._updated_at >= UPDATE_SECONDS:
            self._updated_at = now
            seconds_left = min(self.seconds / done * (self._steps - done), self._max_seconds - self.seconds)
            self._job.ends_at = now + seconds_left
            self._send(
                TrainingUpdate(
                    kind="progress",
                    steps=done,
                    epoch=done / progress.steps,
                    loss=progress.loss,
                    per_second=progress.per_second,
                    seconds=self.seconds,
                    seconds_left=seconds_left,
                )
            )

    def on_epoch(self, epoch: float, measured: dict[str, Any], is_best: bool) -> None:
        shown: dict[str, Any] = {
            key: measured[key] for key in ("n", "accuracy", "macro_f1", "bits_per_character") if key in measured
        }
        loss = measured["loss"] if "loss" in measured else measured["bits_per_character"] * math.log(2)
        update = TrainingUpdate(
            kind="evaluation",
            epoch=epoch,
            measured=shown,
            is_best=is_best,
            training_loss=measured["training_loss"],
            validation_loss=loss,
        )
        self._send(update | TrainingUpdate(**example_of(self._model, self._training_set)))


def _keep_best(out: Path) -> dict[str, Any] | None:
    """Moves the best model so far of a run that broke off to `out`; its results, None where there is none."""
    best = checkpoints.sibling(out, "unfinished")
    if not best.exists():
        return None
    best.replace(out)
    return checkpoints.load(out).results


def train(job: Job, send: Callable[[TrainingUpdate], None], max_seconds: float) -> TrainingResult:
    """Trains a job's network on its data, and leaves the best checkpoint at `job.out`.

    Raises:
        ValueError: the data or a setting cannot be used, or no model could be written.
        FloatingPointError: the loss was no finite number before an evaluation had come.
        TrainingCancelled: the client has disconnected; no file is left.
    """
    recipe = job.recipe
    training_set = training_set_of(job.task, job.data, recipe)
    speed = measure_speed(job.task, training_set, recipe)
    recipe = with_evaluations(recipe, training_set, speed)
    callbacks, reason = JobCallbacks(send, job, recipe, training_set, max_seconds), None
    try:
        results = run.run(
            job.task,
            training_set,
            recipe,
            job.out,
            device=torch.device("cpu"),
            name=job.preset if job.start is None else FINE_TUNING,
            precision="float32",
            callbacks=run.Callbacks(callbacks.on_start, callbacks.on_step, callbacks.on_epoch),
            start=job.start,
        )
    except OSError as error:
        job.check_cancelled()  # the page that disconnected took the directory along
        logging.exception("A training could not write its files.")
        reason = f"The server cannot store the model: {error.strerror or error}."
        if (kept := _keep_best(job.out)) is None:
            raise ValueError(reason) from None
        results, callbacks.ended = kept, NOT_WRITTEN
    except FloatingPointError as error:
        if (kept := _keep_best(job.out)) is None:
            raise
        results, callbacks.ended, reason = kept, NOT_FINITE, str(error)
    finally:
        for kind in checkpoints.PARTIAL_KINDS:
            checkpoints.sibling(job.out, kind).unlink(missing_ok=True)
        if job.is_cancelled:
            job.out.unlink(missing_ok=True)
    job.check_cancelled()
    assert results is not None  # this process is rank 0
    task = training_set.task
    assert isinstance(task, NamesTask | SpeechTask | ConditionalTask)
    stored = checkpoints.load(job.out)  # what is shown of a model is what its file holds
    return TrainingResult(
        ended=callbacks.ended,
        reason=reason,
        results=results,
        seconds=callbacks.seconds,
        kept=example_of(stored.model.eval(), training_set),
        opening=opening_of(task),
    )

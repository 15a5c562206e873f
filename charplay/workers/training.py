"""The process that visitors' networks are trained in: `python -m charplay.workers.training`.

Training takes a core for minutes. In a process of its own, of the lowest priority and on one thread, it takes what the
page and the networks that write and read leave over. One training runs at a time; whoever comes later waits in line
and is told the place. A page has one process for surveys and one for trainings: the steps that a survey tries would
change the random numbers of a training beside it.

Requests and answers are JSON, one a line; an answer carries the request's `id`, and the last has `is_done`.

    {"id": 1, "survey": {"task", "data", "preset", "changes"}}
        -> {"id": 1, "is_done": true, "result": survey.Survey, "failure"}
    {"id": 2, "train": {"task", "data", "preset", "changes", "out": PATH}}
        -> {"id": 2, "is_done": false, "news": {"kind": ...}} as it goes, see `TrainingUpdate`, and in the end
           {"id": 2, "is_done": true, "result": {"ended", "why", "results", "seconds"}, "failure"}
    {"id": 2, "stop": true}     the best so far is kept, and the training ends
    {"id": 2, "close": true}    the reader has gone: it ends, and nothing is kept

`data` is {"text": what was pasted}, {"file": PATH}, or {"set": true} for the project's own data set of the task, which
is fetched if it is missing; of rows also "delimiter", "has_header", "text_column", "label_column", as `own.read_rows`
has them. `preset` and `changes` are as `survey.choose_recipe` has them. It ends when whoever started it does.
"""

import json
import logging
import math
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import torch

from charplay import limits
from charplay.data import datasets
from charplay.data.user_data import UserRows
from charplay.evaluation.metrics import confusion_matrix
from charplay.inference.classify import logits_of
from charplay.inference.generate import generate, make_request
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import MODELS, count_parameters
from charplay.training import run, trainer
from charplay.training.data_summary import (
    UserData,
    baseline_of,
    choose_recipe,
    measure_speed,
    read_data_set,
    read_user_data,
    summarize,
    training_set_of,
    units_of,
    with_evaluations,
)
from charplay.training.recipes import Recipe

MAX_RUNNING = 1  # trainings that run at the same time: one takes a core
UPDATE_SECONDS = 0.25  # seconds between two messages on how a training goes
SAMPLE_CHARACTERS, SAMPLE_TEMPERATURE, SAMPLE_SEED = (
    200,
    0.7,
    1,
)  # characters that are shown of a language model at an evaluation
TRAINING_FAILED = "The training failed: please try again."
DONE, STOPPED, TIMED_OUT, NOT_FINITE = "done", "stopped", "time is up", "no finite number"


class TrainingUpdate(TypedDict, total=False):
    """What a training says on its way; `kind` tells which of the others are there."""

    kind: str  # "line", "fetching", "started", "progress" or "evaluation"
    place: int  # line: how many are before it, itself included
    says: str  # fetching: how the data set is being fetched
    parameters: int  # started
    steps: int  # started: of all epochs; progress: how many are done
    epochs: int  # started
    unit: str  # started: "names" or "characters"
    baseline: float  # started: what counting reaches in validation
    epoch: float  # progress and evaluation: how many are done
    loss: float  # progress: mean nats in training since the last evaluation
    per_second: float  # progress: characters or rows
    seconds: float  # progress: since it started
    left: float  # progress: seconds until it ends, about
    training_loss: float  # evaluation: mean nats
    validation_loss: float  # evaluation: mean nats
    measured: dict[str, Any]  # evaluation: bits_per_character, or accuracy and macro_f1
    is_best: bool  # evaluation
    prime: str  # evaluation of a language model: the beginning of the part held out
    sample: str  # how the network goes on from it
    confusion: list[list[int]]  # evaluation of a classifier: true classes down, guesses across
    classes: list[str]  # evaluation of a classifier


class ClientDisconnected(Exception):
    """The reader of a training has gone."""


class Job:
    """A training, from the reading of its data to its end."""

    def __init__(self, number: int, asked: dict[str, Any]):
        self.number, self.asked, self.own, self.place = number, asked, None, 0
        self.is_stopped = self.is_closed = False


class TrainingWorker:
    """Takes requests: each is read on a thread of its own; trainings then wait for one of `MAX_RUNNING` slots."""

    def __init__(self, out, seconds: float = limits.MAX_USER_TRAINING_SECONDS):
        self._out, self._writing, self._seconds = out, threading.Lock(), seconds
        self._changed = threading.Condition()
        self._line: deque[Job] = deque()
        self._running: set[Job] = set()
        self._jobs: dict[int, Job] = {}  # all that have not ended
        for number in range(MAX_RUNNING):
            threading.Thread(target=self._train_all, name=f"training {number}", daemon=True).start()

    def handle(self, message: dict[str, Any]) -> None:
        """Takes one request; its answers are written when they are there."""
        number = message["id"]
        if "survey" in message:
            threading.Thread(target=self._survey, args=[number, message["survey"]], daemon=True).start()
        elif "train" in message:
            self._jobs[number] = job = Job(number, message["train"])
            threading.Thread(target=self._queue, args=[job], daemon=True).start()
        elif job := self._jobs.get(number):
            job.is_closed = job.is_closed or "close" in message
            job.is_stopped = True
            with self._changed:
                is_waiting = job in self._line
                if is_waiting:
                    self._line.remove(job)
            if is_waiting:
                self._end(job, None, "The training was stopped before its turn came: nothing was trained.")
                self._tell_places()

    def _queue(self, job: Job) -> None:
        """Reads a training's data, which may have to be fetched, and puts it in the line."""

        def say(says: str) -> None:
            self._check(job)
            self.tell(job, TrainingUpdate(kind="fetching", says=says))

        def read() -> UserData:
            own = _read(job.asked, say)
            choose_recipe(job.asked["task"], own, job.asked["preset"], job.asked["changes"])
            self._check(job)
            return own

        job.own, failure = self._attempt(read)
        if failure is not None:
            self._end(job, None, failure)
            return
        with self._changed:
            self._line.append(job)
            self._changed.notify()
        self._tell_places()

    def _tell_places(self) -> None:
        """Tells each who waits the place in line: how many must end before its own turn."""
        with self._changed:
            free = MAX_RUNNING - len(self._running)
            waiting = [(job, place) for place, job in enumerate(self._line, 1) if place > free]
        for job, place in waiting:
            if place != job.place:
                job.place = place
                self.tell(job, TrainingUpdate(kind="line", place=place))

    def _survey(self, number: int, asked: dict[str, Any]) -> None:
        def make() -> dict[str, Any]:
            own = _read(asked, lambda says: None)
            return dict(summarize(own, choose_recipe(asked["task"], own, asked["preset"], asked["changes"])))

        self._say(number, *self._attempt(make))

    def _attempt(self, make: Callable[[], Any]) -> tuple[Any, str | None]:
        """What `make` gives, or the sentence of whatever went wrong."""
        try:
            return make(), None
        except ClientDisconnected:
            return None, TRAINING_FAILED  # which nobody reads
        except (ValueError, FloatingPointError, trainer.StopTraining) as mistake:
            return None, str(mistake)
        except Exception:
            logging.exception("The workshop failed.")
            return None, TRAINING_FAILED

    def _train_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._line)
                job = self._line.popleft()
                self._running.add(job)
            self._tell_places()
            result = self._attempt(lambda job=job: self._train(job))
            with self._changed:
                self._running.remove(job)
            self._end(job, *result)
            self._tell_places()

    def _train(self, job: Job) -> dict[str, Any]:
        task, own, out = job.asked["task"], job.own, Path(job.asked["out"])
        recipe = choose_recipe(task, own, job.asked["preset"], job.asked["changes"])
        training_set = training_set_of(task, own, recipe)
        speed = measure_speed(task, training_set, recipe)
        recipe = with_evaluations(recipe, training_set.task.count(), speed, units_of(training_set.task))
        watch, why = JobCallbacks(self, job, recipe, training_set, self._seconds), None
        try:
            results = run.run(
                task,
                training_set,
                recipe,
                out,
                device=torch.device("cpu"),
                name=job.asked["preset"],
                precision="float32",
                callbacks=run.Callbacks(watch.on_start, watch.on_step, watch.on_epoch),
            )
        except OSError:
            self._check(job)  # the reader has gone, and took the directory along
            raise
        except FloatingPointError as failure:
            best = checkpoints.sibling(out, "unfinished")
            if not best.exists():
                raise
            best.replace(out)
            results, watch.ended, why = checkpoints.load(out).results, NOT_FINITE, str(failure)
        finally:
            for what in checkpoints.PARTIAL_KINDS:
                checkpoints.sibling(out, what).unlink(missing_ok=True)
            if job.is_closed:
                out.unlink(missing_ok=True)
        self._check(job)
        return {"ended": watch.ended, "why": why, "results": results, "seconds": watch.seconds}

    def _check(self, job: Job) -> None:
        if job.is_closed:
            raise ClientDisconnected

    def tell(self, job: Job, news: TrainingUpdate) -> None:
        """Says how a training goes."""
        self._write({"id": job.number, "is_done": False, "failure": None, "news": news})

    def _end(self, job: Job, result: Any, failure: str | None) -> None:
        self._jobs.pop(job.number, None)
        self._say(job.number, result, failure)

    def _say(self, number: int, result: Any, failure: str | None) -> None:
        self._write({"id": number, "is_done": True, "result": result, "failure": failure})

    def _write(self, answer: dict[str, Any]) -> None:
        line = json.dumps(answer).encode() + b"\n"
        with self._writing:
            self._out.write(line)
            self._out.flush()


def _read(asked: dict[str, Any], say: Callable[[str], None]) -> UserData:
    """The data that a request names; `say` is told how a data set is fetched."""
    task, data = limits.check_choice("task", asked["task"], tuple(MODELS)), dict(asked["data"])
    if data.pop("set", False):
        directory = datasets.data_directory()
        if not all((directory / file.name).exists() for file in datasets.FILES):
            datasets.fetch(directory, on_progress=say)
        return read_data_set(task, directory)
    text, file = data.pop("text", ""), data.pop("file", None)
    if file is None:
        return read_user_data(task, text, data)
    with open(file, "rb") as content:  # a byte more than may be, so that too large a file is refused and not read
        return read_user_data(task, content.read(limits.MAX_USER_DATA_BYTES + 1), data)


class JobCallbacks:
    """Tells how one training goes, and ends it when it is stopped, closed, or out of time."""

    def __init__(
        self, workshop: TrainingWorker, job: Job, recipe: Recipe, training_set: run.TrainingSet, seconds: float
    ):
        self.ended, self._workshop, self._job = DONE, workshop, job
        self._recipe, self._material, self._allowed = recipe, training_set, seconds
        self._start = self._told = time.monotonic()
        self._model: torch.nn.Module | None = None
        self._steps = recipe.epochs * training_set.task.count()

    @property
    def seconds(self) -> float:
        """Since it started."""
        return time.monotonic() - self._start

    def on_start(self, started: run.RunStart) -> None:
        self._model = started.model
        news = TrainingUpdate(
            kind="started",
            parameters=count_parameters(started.model),
            steps=self._steps,
            epochs=self._recipe.epochs,
            unit=self._material.task.unit,
            baseline=baseline_of(self._job.own, self._recipe),
        )
        self._workshop.tell(self._job, news)

    def on_step(self, progress: trainer.Progress) -> None:
        if self._job.is_closed:
            raise ClientDisconnected
        done = (progress.epoch - 1) * progress.steps + progress.step
        for is_over, ended in ((self._job.is_stopped, STOPPED), (self.seconds >= self._allowed, TIMED_OUT)):
            if is_over and done < self._steps:
                self.ended = ended
                raise trainer.StopTraining
        now = time.monotonic()
        if progress.loss is not None and now - self._told >= UPDATE_SECONDS:
            self._told = now
            left = min(self.seconds / done * (self._steps - done), self._allowed - self.seconds)
            news = TrainingUpdate(kind="progress", steps=done, epoch=done / progress.steps, loss=progress.loss)
            news |= {"per_second": progress.per_second, "seconds": self.seconds, "left": left}
            self._workshop.tell(self._job, news)

    def on_epoch(self, epoch: float, measured: dict[str, Any], is_best: bool) -> None:
        shown = {key: measured[key] for key in ("accuracy", "macro_f1", "bits_per_character") if key in measured}
        loss = measured["loss"] if "loss" in measured else measured["bits_per_character"] * math.log(2)
        news = TrainingUpdate(kind="evaluation", epoch=epoch, measured=shown, is_best=is_best, validation_loss=loss)
        news |= {"training_loss": measured["training_loss"]} | self._shown()
        self._workshop.tell(self._job, news)

    def _shown(self) -> dict[str, Any]:
        """What the network can do so far: a text that it writes, or what it takes for what."""
        task = self._material.task
        if isinstance(self._job.own, UserRows):
            guesses = logits_of(self._model, [text for text, _ in task.validation]).argmax(1)
            truth = torch.tensor([task.classes.index(label) for _, label in task.validation])
            return {
                "confusion": confusion_matrix(truth, guesses, len(task.classes)).tolist(),
                "classes": list(task.classes),
            }
        so_far = Checkpoint("speech", self._model, self._material.alphabet, (), (), "", {}, "", {})
        prime = task.validation[:20]
        request = make_request(prime, SAMPLE_TEMPERATURE, SAMPLE_CHARACTERS, seed=SAMPLE_SEED)
        return {"prime": request.prime, "sample": generate(so_far, [request])[0]}


def main() -> None:
    """Answers until the requests end; then nobody is left to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the app's window reaches this process too
    if hasattr(os, "nice"):
        os.nice(19)  # whoever types or reads goes first
    torch.set_num_threads(1)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get among the answers
    workshop = TrainingWorker(out)
    for line in sys.stdin.buffer:
        workshop.handle(json.loads(line))
    os._exit(0)  # in the middle of whatever is being computed


if __name__ == "__main__":
    main()

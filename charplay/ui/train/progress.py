"""One training as a page follows it: what was heard so far, and how it is shown."""

import math
import time
from typing import Any

import gradio as gr
import numpy as np

from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import count_parameters
from charplay.ui.train import plots
from charplay.ui.train import summary as views
from charplay.ui.train.run_table import RunRow
from charplay.ui.training_client import TrainingRequest
from charplay.ui.widgets import figures
from charplay.workers.protocol import Response

REDRAW_SECONDS = 0.5  # seconds between two drawings of the losses
_ENDS = {
    "done": "Finished.",
    "stopped": "Stopped.",
    "time is up": "The time of one training is up: with fewer epochs or a smaller network it comes to its end.",
    "no finite number": "The loss was no finite number any more: choose a smaller learning rate.",
}


class TrainingProgress:
    """What was heard of a training; the losses are in bits per character for a text, in nats for rows."""

    def __init__(self, asked: TrainingRequest):
        self._asked = asked
        self._started: dict[str, Any] = {}
        self._progress: dict[str, Any] = {}
        self._result: dict[str, Any] = {}
        self._says = "Reading …"
        self._trained: list[tuple[float, float]] = []
        self._validated: list[tuple[float, float]] = []
        self._measured: list[tuple[bool, float]] = []  # whether it was the best yet, accuracy or bits per character
        self._shown: dict[str, Any] = {}  # of the last evaluation
        self._drawn, self._is_evaluated = 0.0, False

    @property
    def _unit(self) -> float:
        """Nats in a unit of the chart."""
        return math.log(2) if self._asked.task == "speech" else 1.0

    def receive(self, response: Response) -> None:
        """Takes one response of the training worker."""
        update = response["update"] or {}
        kind = update.get("kind")
        if kind == "queued":
            self._says = views.place(update["queue_position"])
        elif kind == "fetching":
            self._says = views.note(update["message"])
        elif kind == "started":
            self._started = update
        elif kind == "progress":
            self._progress = update
        elif kind == "evaluation":
            self._trained.append((update["epoch"], update["training_loss"] / self._unit))
            self._validated.append((update["epoch"], update["validation_loss"] / self._unit))
            key = "bits_per_character" if self._asked.task == "speech" else "accuracy"
            self._measured.append((update["is_best"], update["measured"][key]))
            self._shown, self._is_evaluated = update, True
        if response["is_done"]:
            self._result, self._is_evaluated = response["result"], True

    @property
    def best(self) -> float | None:
        """What the best evaluation measured: the one that is kept."""
        return next((value for is_best, value in reversed(self._measured) if is_best), None)

    def shown(self) -> tuple:
        """Status, losses, sample and confusion matrix; what has not changed is passed over."""
        if not self._started:
            return self._says, None, "", gr.update(visible=False)
        is_due, self._is_evaluated = self._is_evaluated, False
        picture: Any = gr.skip()
        if is_due or time.monotonic() - self._drawn > REDRAW_SECONDS:
            self._drawn, picture = time.monotonic(), self._losses()
        sample, confusion = (self._sample(), self._confusion()) if is_due else (gr.skip(), gr.skip())
        return self._status(), picture, sample, confusion

    def _status(self) -> str:
        task, now, total = self._asked.task, self._progress, self._started["epochs"]
        counted = f"counting alone: {views.score(task, self._started['baseline'])}"
        best = f"best so far on what is held out: <b>{views.score(task, self.best)}</b> ({counted})"
        if self._result:
            ended = _ENDS.get(self._result["ended"], self._result["ended"])
            best = f"the best is kept: <b>{views.score(task, self.best)}</b> on what was held out ({counted})"
            return views.progress(1.0, f"<b>{ended}</b> {views.duration(self._result['seconds'])}; {best}")
        if not now:
            return views.progress(0.0, f"Started; {counted}")
        speed = f"{now['per_second']:,.0f} {'characters' if task == 'speech' else 'rows'}/s"
        left = f"{views.duration(now['seconds_left'])} left"
        return views.progress(
            now["steps"] / self._started["steps"], f"Epoch {now['epoch']:.1f} of {total}, {left}, {speed}; {best}"
        )

    def _losses(self) -> Any:
        is_speech = self._asked.task == "speech"
        latest = [(self._progress["epoch"], self._progress["loss"] / self._unit)] if self._progress else []
        trained = self._trained + [point for point in latest if not self._trained or point[0] > self._trained[-1][0]]
        return plots.losses(
            trained,
            self._validated,
            self._started["baseline"] if is_speech else self._shares_loss(),
            ngram_weight="counting characters" if is_speech else "counting labels",
            unit="bits per character" if is_speech else "nats per row",
            epochs=self._started["epochs"],
        )

    def _shares_loss(self) -> float | None:
        """The loss, in nats, of who answers with the shares of the labels whatever the text is."""
        if "confusion" not in self._shown:
            return None
        counts = np.array(self._shown["confusion"]).sum(1)
        shares = counts[counts > 0] / counts.sum()
        return float(-(shares * np.log(shares)).sum())

    def _sample(self) -> str:
        if "sample" not in self._shown:
            return ""
        return views.sample(self._shown["prime"], self._shown["sample"])

    def _confusion(self) -> dict:
        if "confusion" not in self._shown:
            return gr.update(visible=False)
        picture = figures.confusion(self._shown["classes"], np.array(self._shown["confusion"]))
        return gr.update(value=picture, visible=True)

    def run(self, name: str, checkpoint: Checkpoint) -> RunRow:
        """What the page's table keeps of it."""
        recipe = checkpoint.recipe
        return RunRow(
            model=name,
            data=self._asked.called,
            network=checkpoint.label,
            parameters=count_parameters(checkpoint.model),
            epochs=round(self._progress.get("epoch", self._started["epochs"]), 2)
            if self._result["ended"] != "done"
            else self._started["epochs"],
            batch_size=recipe["batch_size"],
            learning_rate=recipe["learning_rate"],
            seed=recipe["seed"],
            measure="accuracy" if self._asked.task == "names" else "bits per character",
            result=self.best,
            baseline=self._started["baseline"],
            seconds=round(self._result["seconds"], 1),
            ended=self._result["ended"],
        )

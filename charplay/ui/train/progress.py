"""The progress of one training: what its worker has sent so far, and how a page shows it."""

import math
import time
from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import count_parameters
from charplay.ui import html
from charplay.ui.train import plots
from charplay.ui.train.run_table import RunRow
from charplay.ui.train.summary import duration, score
from charplay.ui.training_client import TrainingRequest
from charplay.ui.widgets import figures
from charplay.workers.protocol import Response

MIN_REDRAW_SECONDS = 0.5  # seconds between two plots of the losses, evaluations apart
# why a training has ended -> what the page says
_ENDS = {
    "done": "Finished.",
    "stopped": "Stopped.",
    "time is up": "The time of one training is up: with fewer epochs or a smaller network it comes to its end.",
    "no finite number": "The loss was no finite number any more: choose a smaller learning rate.",
    "disk is full": "The server has no room to store a better model.",
}


class TrainingProgress:
    """A training so far; losses are in bits per character for a text, in nats for rows."""

    def __init__(self, request: TrainingRequest):
        self._request = request
        self._message = "Reading …"  # until the training starts (HTML)
        self._started: dict[str, Any] = {}
        self._progress: dict[str, Any] = {}  # the latest update of each kind
        self._evaluation: dict[str, Any] = {}
        self._result: dict[str, Any] = {}
        self._training_losses: list[tuple[float, float]] = []  # (epoch, loss)
        self._validation_losses: list[tuple[float, float]] = []
        self._results: list[tuple[bool, float]] = []  # of each evaluation: is it the best yet; accuracy or bits
        self._plotted_at, self._is_new_evaluation = 0.0, False

    @property
    def _nats_per_unit(self) -> float:
        return math.log(2) if self._is_speech else 1.0

    @property
    def _is_speech(self) -> bool:
        return self._request.task == "speech"

    def receive(self, response: Response) -> None:
        """Takes in one response of the training worker."""
        update = response["update"] or {}
        kind = update.get("kind")
        if kind == "queued":
            self._message = _queue_html(update["queue_position"])
        elif kind == "fetching":
            self._message = html.note(escape(update["message"]), is_status=True)
        elif kind == "started":
            self._started = update
        elif kind == "progress":
            self._progress = update
        elif kind == "evaluation":
            self._training_losses.append((update["epoch"], update["training_loss"] / self._nats_per_unit))
            self._validation_losses.append((update["epoch"], update["validation_loss"] / self._nats_per_unit))
            measure = "bits_per_character" if self._is_speech else "accuracy"
            self._results.append((update["is_best"], update["measured"][measure]))
            self._evaluation, self._is_new_evaluation = update, True
        if response["is_done"]:
            self._result, self._is_new_evaluation = response["result"], True

    @property
    def best(self) -> float | None:
        """The result of the best evaluation, whose model is kept."""
        return next((value for is_best, value in reversed(self._results) if is_best), None)

    def render(self) -> tuple:
        """Status, losses, sample and confusion matrix; what has not changed is skipped."""
        if not self._started:
            return self._message, None, "", gr.update(visible=False)
        is_due, self._is_new_evaluation = self._is_new_evaluation, False
        losses: Any = gr.skip()
        if is_due or time.monotonic() - self._plotted_at > MIN_REDRAW_SECONDS:
            self._plotted_at, losses = time.monotonic(), self._losses_plot()
        sample, confusion = (self._sample_html(), self._confusion_plot()) if is_due else (gr.skip(), gr.skip())
        return self._status_html(), losses, sample, confusion

    def _status_html(self) -> str:
        task, best = self._request.task, score(self._request.task, self.best)
        baseline = f"counting alone: {score(task, self._started['baseline'])}"
        if self._result:
            end = _ENDS.get(self._result["ended"], self._result["ended"])
            kept = f"the best is kept: <b>{best}</b> on what was held out ({baseline})"
            return _bar_html(1.0, f"<b>{end}</b> {duration(self._result['seconds'])}; {kept}")
        if not self._progress:
            return _bar_html(0.0, f"Started; {baseline}")
        speed = f"{self._progress['per_second']:,.0f} {'characters' if self._is_speech else 'rows'}/s"
        time_left = f"{duration(self._progress['seconds_left'])} left"
        return _bar_html(
            self._progress["steps"] / self._started["steps"],
            f"Epoch {self._progress['epoch']:.1f} of {self._started['epochs']}, {time_left}, {speed}; "
            f"best so far on what is held out: <b>{best}</b> ({baseline})",
        )

    def _losses_plot(self) -> go.Figure:
        training = self._training_losses
        if self._progress and (not training or self._progress["epoch"] > training[-1][0]):
            training = [*training, (self._progress["epoch"], self._progress["loss"] / self._nats_per_unit)]
        return plots.losses(
            training,
            self._validation_losses,
            self._started["baseline"] if self._is_speech else self._label_entropy(),
            baseline_label="counting characters" if self._is_speech else "counting labels",
            unit="bits per character" if self._is_speech else "nats per row",
            epochs=self._started["epochs"],
        )

    def _label_entropy(self) -> float | None:
        """The loss, in nats, of predicting each label with its share of the rows, whatever the text is."""
        if "confusion" not in self._evaluation:
            return None
        counts = np.array(self._evaluation["confusion"]).sum(1)
        shares = counts[counts > 0] / counts.sum()
        return float(-(shares * np.log(shares)).sum())

    def _sample_html(self) -> str:
        """What a language model generates after the beginning of the validation part."""
        if "sample" not in self._evaluation:
            return ""
        prime = f'<span class="read">{escape(self._evaluation["prime"])}</span>'
        return html.caption(
            'What it writes by now, after <span class="read">words</span> that were held out:'
        ) + html.text_box(prime + escape(self._evaluation["sample"]), label="Sample", classes="sample")

    def _confusion_plot(self) -> dict:
        if "confusion" not in self._evaluation:
            return gr.update(visible=False)
        plot = figures.confusion(self._evaluation["classes"], np.array(self._evaluation["confusion"]))
        return gr.update(value=plot, visible=True)

    def as_row(self, name: str, checkpoint: Checkpoint) -> RunRow:
        """The row of the finished training in the page's table.

        Args:
            name: of the model on the page.
            checkpoint: what was trained.
        """
        recipe, epochs = checkpoint.recipe, self._started["epochs"]
        if self._result["ended"] != "done":
            epochs = round(self._progress.get("epoch", epochs), 2)
        return RunRow(
            model=name,
            data=self._request.called,
            network=checkpoint.label,
            parameters=count_parameters(checkpoint.model),
            epochs=epochs,
            batch_size=recipe["batch_size"],
            learning_rate=recipe["learning_rate"],
            seed=recipe["seed"],
            measure="bits per character" if self._is_speech else "accuracy",
            result=self.best,
            baseline=self._started["baseline"],
            seconds=round(self._result["seconds"], 1),
            ended=self._result["ended"],
        )


def _bar_html(share: float, markup: str) -> str:
    """A progress bar and a sentence."""
    bar = f'<progress max="1" value="{share:.4f}" aria-label="Progress"></progress>'
    return bar + html.caption(markup, is_status=True)


def _queue_html(position: int) -> str:
    """The position in the queue."""
    return html.caption(
        f"Somebody else trains on this machine: you are number <b>{position:,}</b> in line, and yours begins as soon "
        "as it is your turn.",
        is_status=True,
    )

"""The progress of one training: what its worker has sent so far, and how a page shows it."""

import math
import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import count_parameters
from charplay.ui import html
from charplay.ui.results import BASELINES, MEASURES, caution, duration, score
from charplay.ui.run_record import RunRecord
from charplay.ui.train import plots
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
    """A training so far; losses are in bits per character, but those of a classifier in nats."""

    def __init__(self, request: TrainingRequest):
        self._request = request
        self._message = _state_html("waiting", html.caption("Waiting for the training to start …", is_status=True))
        self._started: dict[str, Any] = {}
        self._progress: dict[str, Any] = {}  # the latest update of each kind
        self._best: dict[str, Any] = {}  # the best evaluation so far, whose model is kept
        self._result: dict[str, Any] = {}
        self._training_losses: list[tuple[float, float]] = []  # (epoch, loss)
        self._validation_losses: list[tuple[float, float]] = []
        self._plotted_at, self._is_new_evaluation = 0.0, False

    @property
    def _nats_per_unit(self) -> float:
        return 1.0 if self._is_classifier else math.log(2)

    @property
    def _is_classifier(self) -> bool:
        return self._request.task == "names"

    def receive(self, response: Response) -> None:
        """Takes in one response of the training worker."""
        update = response["update"] or {}
        kind = update.get("kind")
        if kind == "queued":
            self._message = _queue_html(update["queue_position"], update["wait_seconds"])
        elif kind == "fetching":
            sentence = html.note("Fetching the built-in data, once for this machine …", is_status=True)
            self._message = _state_html("fetching", sentence)
        elif kind == "started":
            self._started = update
        elif kind == "progress":
            self._progress = update
        elif kind == "evaluation":
            self._training_losses.append((update["epoch"], update["training_loss"] / self._nats_per_unit))
            self._validation_losses.append((update["epoch"], update["validation_loss"] / self._nats_per_unit))
            self._is_new_evaluation = True
            if update["is_best"]:
                self._best = update
        if response["is_done"]:
            self._result, self._is_new_evaluation = response["result"], True

    def show_all(self) -> None:
        """Has the next `render` skip nothing: another event shows it now."""
        self._plotted_at, self._is_new_evaluation = 0.0, True

    @property
    def _shown(self) -> dict[str, Any]:
        """The sample or confusion matrix of the kept model: as stored, or while it trains of the best evaluation."""
        return self._result["kept"] if self._result else self._best

    @property
    def best(self) -> float | None:
        """The result of the kept model: accuracy, or bits per character."""
        if "confusion" in self._shown:
            counts = np.array(self._shown["confusion"])
            return float(counts.trace() / counts.sum())
        if self._result:
            return self._result["results"]["validation"]["bits_per_character"]
        return self._best["measured"]["bits_per_character"] if self._best else None

    @property
    def seconds_left(self) -> float | None:
        """The worker's latest estimate; None before it has one."""
        return self._progress.get("seconds_left")

    @property
    def opening(self) -> str:
        """A held-out text to try the trained model with."""
        return self._result["opening"]

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
        task, held_out = self._request.task, self._started["held_out"]
        best = score(task, self.best, held_out)
        baseline = f"baseline, {BASELINES[task]}: {score(task, self._started['baseline'], held_out)}"
        if self._result:
            end = _ENDS.get(self._result["ended"], self._result["ended"])
            kept = f"the best network is kept: <b>{best}</b> ({baseline}). {caution(task, self.best, held_out)}"
            return _bar_html("ended", 1.0, f"<b>{end}</b> {duration(self._result['seconds'])}; {kept}")
        if not self._progress:
            return _bar_html("running", 0.0, f"Started; {baseline}")
        speed = f"{self._progress['per_second']:,.0f} {'rows' if self._is_classifier else 'characters'}/s"
        time_left = f"{duration(self._progress['seconds_left'])} left"
        return _bar_html(
            "running",
            self._progress["steps"] / self._started["steps"],
            f"Epoch {self._progress['epoch']:.1f} of {self._started['epochs']}, {time_left}, {speed}; "
            f"best so far: <b>{best}</b> ({baseline})",
        )

    def _losses_plot(self) -> go.Figure:
        training = self._training_losses
        if self._progress and (not training or self._progress["epoch"] > training[-1][0]):
            training = [*training, (self._progress["epoch"], self._progress["loss"] / self._nats_per_unit)]
        return plots.losses(
            training,
            self._validation_losses,
            self._label_entropy() if self._is_classifier else self._started["baseline"],
            baseline_label=f"baseline: {'class shares' if self._is_classifier else BASELINES[self._request.task]}",
            unit="nats per row" if self._is_classifier else "bits per character",
            epochs=self._started["epochs"],
        )

    def _label_entropy(self) -> float | None:
        """The loss, in nats, of predicting each label with its share of the rows, whatever the text is."""
        if "confusion" not in self._shown:
            return None
        counts = np.array(self._shown["confusion"]).sum(1)
        shares = counts[counts > 0] / counts.sum()
        return float(-(shares * np.log(shares)).sum())

    def _sample_html(self) -> str:
        """What a language model writes, plain or of each class; of a classifier the title of its matrix."""
        which = "kept network" if self._result else "best network so far"
        if "confusion" in self._shown:
            return html.caption(f"Confusion matrix of the {which}: each row a class, in percent of its held-out rows.")
        if "invented" in self._shown:
            return invented_html(self._shown["invented"], which)
        if "sample" not in self._shown:
            return ""
        prime = f'<span class="read">{escape(self._shown["prime"])}</span>'
        caption = html.caption(
            f'What the {which} generates after a <span class="read">prime</span> from the held-out text:'
        )
        return caption + html.text_box(prime + escape(self._shown["sample"]), label="Sample", classes="sample")

    def _confusion_plot(self) -> dict:
        if "confusion" not in self._shown:
            return gr.update(visible=False)
        plot = figures.confusion(self._shown["classes"], np.array(self._shown["confusion"]))
        return gr.update(value=plot, visible=True)

    def as_row(self, name: str, checkpoint: Checkpoint) -> RunRecord:
        """The row of the finished training in the page's table.

        Args:
            name: of the model on the page.
            checkpoint: what was trained.
        """
        recipe, epochs = checkpoint.recipe, self._started["epochs"]
        if self._result["ended"] != "done":
            epochs = round(self._progress.get("epoch", epochs), 2)
        return RunRecord(
            model=name,
            data=self._request.called,
            network=checkpoint.label,
            parameters=count_parameters(checkpoint.model),
            epochs=epochs,
            batch_size=recipe["batch_size"],
            learning_rate=recipe["learning_rate"],
            seed=recipe["seed"],
            measure=MEASURES[self._request.task],
            result=self.best,
            baseline=self._started["baseline"],
            held_out=self._started["held_out"],
            seconds=round(self._result["seconds"], 1),
            ended=self._result["ended"],
        )


def invented_html(classes: Sequence[Mapping[str, Any]], which: str) -> str:
    """The texts that a network invents for each class, and its bits per character beside those of n-grams."""
    facts = []
    for each in classes:
        own, counted = (f"{each[key]:.2f}" for key in ("bits_per_character", "ngram_bits_per_character"))
        bits = f'<span class="note">({own} bits per character; n-grams {counted})</span>'
        texts = ", ".join(map(html.as_typed, each["texts"]))
        facts.append((f'<b translate="no">{escape(each["label"])}</b>', f"{texts} {bits}"))
    return html.caption(f"What the {which} invents for each class:") + html.facts(facts)


def _state_html(state: str, markup: str) -> str:
    """What the status shows, marked with the state that the training is in."""
    return f'<div data-state="{state}">{markup}</div>'


def _bar_html(state: str, share: float, markup: str) -> str:
    """A progress bar and a sentence."""
    bar = f'<progress max="1" value="{share:.4f}" aria-label="Progress"></progress>'
    return _state_html(state, bar + html.caption(markup, is_status=True))


def _queue_html(position: int, wait_seconds: float) -> str:
    """The position in the queue, and about how long it lasts."""
    wait = html.caption(
        f'Another training runs on this machine. Yours is number <b id="queue-position">{position:,}</b> in the queue '
        f"and starts in about {duration(wait_seconds)}.",
        is_status=True,
    )
    return _state_html("queued", wait)

"""The Teacher forcing tab: two decoders learn one text side by side, one fed the true characters, one its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import asdict
from html import escape
from typing import Any

import gradio as gr

from charplay.training.teacher_forcing import make_settings
from charplay.ui import controls
from charplay.ui.teacher_forcing import unrolled
from charplay.ui.widgets import curves, diagrams
from charplay.workers.client import WorkerProcess

TEACHER_FORCING = WorkerProcess("charplay.workers.teacher_forcing")

_LEAD = (
    "<b>Teacher forcing.</b> Two decoders begin as the same network and learn the same text. Look at what each is fed: "
    "the first reads the true previous character, the second what it has just predicted."
)
RESTING, RUNNING, PAUSED = "resting", "running", "paused"
# what a button is called -> in which states it can be pressed
BUTTONS = {
    "Start": (RESTING, PAUSED),
    "Pause": (RUNNING,),
    "One epoch": (PAUSED,),
    "Go on": (PAUSED,),
    "Stop": (RUNNING, PAUSED),
}


def _titles(ratio: float) -> tuple[str, str]:
    second = "its own characters"
    if ratio == 1:
        second = "the true text too"
    elif ratio:
        second = f"the true text {100 * ratio:.0f} % of the time"
    return "First: fed the true text", f"Second: fed {second}"


def _problem(sentence: str) -> str:
    return f'<p class="problem" role="status">{escape(sentence)}</p>'


def _buttons(now: str) -> list[dict]:
    return [gr.update(interactive=now in states) for states in BUTTONS.values()]


class _View:
    """A lesson as a page shows it; it hears the news, of which each tells only what is new."""

    def __init__(self) -> None:
        self._history: list[list[float]] = []
        self._news: dict[str, Any] = {}

    def hear(self, news: dict[str, Any]) -> None:
        self._history = self._history[: news["since"]] + news["history"]
        self._news = news

    def show(self) -> tuple:
        """The sentence, the curves, and both decoders."""
        target, now = self._news["target"], self._history[-1]
        steps = len(target) - 1
        decoders = [
            unrolled.decoder_html(f"tip-decoder-{row}", title, target, decoder, loss)
            for row, (title, decoder, loss) in enumerate(
                zip(_titles(self._news["ratio"]), self._news["decoders"], (now[0], now[3]), strict=True)
            )
        ]
        drawn = curves.curves(self._history, steps)
        return unrolled.verdict(self._history, steps), drawn, *decoders


_example: dict[str, Any] = {}  # the news of the lesson that the tab opens with, once it is computed


def _show_example() -> dict[str, Any]:
    """The request for the worked example."""
    chosen = (
        controls.TARGET,
        controls.DECODER_CELL,
        controls.DECODER_SIZE,
        controls.DECODER_RATE,
        controls.DECODER_SEED,
        controls.RATIO,
    )
    settings = make_settings(*(control.default for control in chosen))
    return {"show": asdict(settings), "epochs": controls.EXAMPLE_EPOCHS}


def _hear_example(answer: dict[str, Any]) -> None:
    if answer["failure"] is None:
        _example.update(answer["news"])


def build(tab: gr.Tab) -> None:
    """Lays out the tab inside the current Blocks."""
    TEACHER_FORCING.ask(_show_example(), _hear_example)  # beside the page; and the process is warm for the first lesson
    gr.HTML(diagrams.lead(diagrams.FORCING, _LEAD))
    with gr.Row():
        with gr.Column(scale=1, min_width=300):
            target = gr.Textbox(**controls.TARGET.arguments(), max_lines=2)
            cell = gr.Radio(**controls.DECODER_CELL.arguments())
            size = gr.Slider(**controls.DECODER_SIZE.arguments())
            with gr.Row():
                rate = gr.Number(**controls.DECODER_RATE.arguments(), min_width=120)
                seed = gr.Number(**controls.DECODER_SEED.arguments(), min_width=120)
            ratio = gr.Slider(**controls.RATIO.arguments())
            buttons = {}
            for names in (("Start", "Pause", "Stop"), ("One epoch", "Go on")):
                with gr.Row():
                    for name in names:
                        buttons[name] = gr.Button(
                            name,
                            variant="primary" if name == "Start" else "secondary",
                            interactive=RESTING in BUTTONS[name],
                            elem_id=f"lesson-{name.lower().replace(' ', '-')}",
                            size="md",
                            min_width=80,
                        )
            message = gr.HTML(elem_id="lesson-message")
        with gr.Column(scale=3, min_width=320):
            verdict = gr.HTML(elem_id="verdict")
            gr.HTML(curves.legend())
            plot = gr.HTML(elem_id="curves", min_height=132)
            with gr.Row():
                with gr.Column(min_width=300):
                    first = gr.HTML(elem_id="first-decoder", min_height=262)
                with gr.Column(min_width=300):
                    second = gr.HTML(elem_id="second-decoder", min_height=262)
    lesson = gr.Textbox("", visible="hidden", elem_id="lesson")  # whose it is, only this page knows
    was_opened = gr.Checkbox(False, visible="hidden")  # and has something to show since

    pictures = [verdict, plot, first, second]
    shown = [*pictures, message, lesson, *(buttons[name] for name in BUTTONS)]
    same = [gr.skip()] * len(pictures)

    async def follow(request: dict[str, Any], note: str = "") -> AsyncIterator[tuple]:
        """What the page shows as the answers to `request` come, and `note` beside it."""
        view, before = _View(), None
        async with aclosing(TEACHER_FORCING.answers(request)) as told:
            async for answers in told:
                now, drawn, said, name = before, same, note, ""
                for answer in answers:
                    news, name = answer.get("news"), answer.get("lesson", "")
                    if answer["failure"] is not None:
                        now, said = RESTING, _problem(answer["failure"])
                    elif news is None:
                        return  # another request has taken the lesson over, and shows it
                    else:
                        now = RESTING if news["is_over"] else PAUSED if answer["is_done"] else RUNNING
                    if news is not None:
                        view.hear(news)
                if any(answer.get("news") for answer in answers):
                    drawn = view.show()
                turned = [gr.skip()] * (2 + len(BUTTONS))
                if now != before:
                    turned = [said, "" if now == RESTING else name, *_buttons(now)]
                before = now
                yield *drawn, *turned

    async def start(*chosen: Any) -> AsyncIterator[tuple]:
        *wanted, instead = chosen
        try:
            settings = make_settings(*wanted)
        except ValueError as mistake:  # what is shown, and a lesson that runs, stay
            yield *same, _problem(str(mistake)), *[gr.skip()] * (1 + len(BUTTONS))
            return
        read = f'<p class="note">read as “{escape(settings.target)}”</p>' if settings.target != wanted[0] else ""
        async with aclosing(follow({"start": asdict(settings), "instead": instead}, read)) as views:
            async for view in views:
                yield view

    def asking(question: str) -> Callable[[object], AsyncIterator[tuple]]:
        """What a button does that only names the lesson."""

        async def ask(name: object) -> AsyncIterator[tuple]:
            async with aclosing(follow({question: name})) as views:
                async for view in views:
                    yield view

        return ask

    async def stop(name: object) -> tuple:
        async with aclosing(TEACHER_FORCING.answers({"stop": name})) as told:
            async for _ in told:
                pass
        return *same, "", "", *_buttons(RESTING)

    async def open_tab(was_opened: bool) -> tuple:
        """The worked example, the first time."""
        if was_opened:
            return *same, True
        if not _example:
            async with aclosing(TEACHER_FORCING.answers(_show_example())) as told:
                async for answers in told:
                    for answer in answers:
                        _hear_example(answer)
        if not _example:
            return *same, False
        view = _View()
        view.hear(_example)
        return *view.show(), True

    # The limits judge what arrives: Gradio's own check of an emptied number box fails with a traceback.
    quiet = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}
    gr.on(
        [buttons["Start"].click, target.submit],
        start,
        [target, cell, size, rate, seed, ratio, lesson],
        shown,
        scroll_to_output=True,  # on a phone the pictures lie below the fold
        **quiet,
    )
    for name, question in (("Pause", "pause"), ("One epoch", "step"), ("Go on", "go_on")):
        buttons[name].click(asking(question), lesson, shown, **quiet)
    buttons["Stop"].click(stop, lesson, shown, **quiet)
    tab.select(open_tab, was_opened, [*pictures, was_opened], **quiet)

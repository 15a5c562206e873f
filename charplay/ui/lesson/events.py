"""The lesson on the page: its button, its panel, and the one event that shows a step or its answer.

A closed lesson sends nothing and holds nothing. What is typed, chosen and uploaded in it stays in the browser
(`lesson.js`) and comes with each request, so that the server keeps nothing of it.
"""

import json
from typing import Any

import gradio as gr

from charplay import limits
from charplay.lesson import steps
from charplay.lesson.steps import Lesson
from charplay.models.checkpoints import Registry
from charplay.ui.assets import read_asset
from charplay.ui.errors import USER_ERRORS
from charplay.ui.events import LATEST, QUIET
from charplay.ui.lesson.answers import Answers
from charplay.ui.lesson.check import check
from charplay.ui.lesson.panel import Shown, panel_html
from charplay.ui.link_events import PageLinks

HEAD = f"<script>{read_asset(__file__, 'lesson.js')}</script>"
_MAX_REQUEST_CHARACTERS = 13 * limits.MAX_LESSON_CHARACTERS  # two lessons, each character of which may be escaped


class PageLesson:
    """The lesson of a page, laid out before the tabs and wired after them."""

    def __init__(self, registry: Registry, lesson: Lesson | None):
        """`lesson` is a teacher's, None: the shipped one."""
        self._registry, self._given = registry, lesson
        self._lesson, self._answers = lesson or steps.load(), Answers(registry)

    def lay_out(self) -> None:
        """The panel, which is empty until the lesson is opened."""
        self._panel = gr.HTML("", elem_id="lesson", padding=False)
        self._request = gr.Textbox("", visible="hidden", elem_id="lesson-request")

    def lay_out_button(self) -> None:
        """The button that opens and closes the lesson."""
        gr.Button("Lesson", elem_id="lesson-button", size="sm", min_width=80, scale=0)

    def wire(self, demo: gr.Blocks, page_links: PageLinks) -> None:
        """Adds the event, after all tabs.

        Raises:
            ValueError: the teacher's lesson does not fit the page.
        """
        elements = {str(getattr(block, "elem_id", None)) for block in demo.blocks.values()}

        def read_own(text: object) -> Lesson:
            lesson = steps.read(text)
            check(lesson, self._registry, page_links.choices, elements)
            return lesson

        if self._given is not None:
            check(self._given, self._registry, page_links.choices, elements)

        async def show(request: object) -> Any:
            wanted = _read(request)
            if wanted is None:
                return gr.skip()
            shown = self._choose(wanted, read_own)
            prediction = wanted.get("prediction")  # empty: the answer without one
            is_answered = isinstance(prediction, str)
            try:
                answer = await self._answers.find(shown.step)
            except USER_ERRORS as error:
                return panel_html(shown._replace(problem=str(error)), None, False)
            return panel_html(shown, answer, is_answered, str(prediction)[: limits.MAX_LESSON_TEXT_CHARACTERS])

        shown = self._request.change(show, self._request, self._panel, **LATEST)
        shown.then(None, None, None, js="() => charplayLesson.shown()", **QUIET)
        demo.load(None, None, None, js="() => charplayLesson.start()", **QUIET)

    def _choose(self, wanted: dict[str, Any], read_own: Any) -> Shown:
        """The step that a page requests: of its upload, else of its own lesson, else of the app's."""
        problem = ""
        for source in ("upload", "own"):
            if wanted.get(source) is None:
                continue
            try:
                lesson = read_own(wanted[source])
            except ValueError as error:
                problem = str(error)
                continue
            return Shown(lesson, _number(1 if source == "upload" else wanted.get("step"), lesson), source, problem)
        return Shown(self._lesson, _number(wanted.get("step"), self._lesson), "page", problem)


def _read(request: object) -> dict[str, Any] | None:
    """What the page requests; None where it is nothing that `lesson.js` sends."""
    try:
        wanted = json.loads(limits.check_text("request", request, _MAX_REQUEST_CHARACTERS))
    except (ValueError, RecursionError):
        return None
    return wanted if isinstance(wanted, dict) else None


def _number(step: object, lesson: Lesson) -> int:
    """The number of a step of the lesson that is nearest to the requested one."""
    return min(max(step, 1), len(lesson.steps)) if type(step) is int else 1

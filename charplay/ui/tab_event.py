"""One event of a tab for everything that follows its controls: what is always shown, and what open accordions show.

A key press is one request, however many accordions are open; what is shown already for the same inputs is neither
computed nor sent again.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from charplay.ui.accordions import ON_CHANGE, ON_COLLAPSE, ON_EXPAND, problem_of
from charplay.ui.errors import with_problem
from charplay.ui.events import LATEST, QUIET


@dataclass(frozen=True)
class _Part:
    """What is computed together."""

    compute: Callable[..., Any]  # coroutine function: (page, *values of the inputs) -> the values of the outputs
    inputs: Sequence[Component]
    outputs: Sequence[Component]
    is_open: Component | None  # the box that says whether its accordion is open; None: it is always shown
    has_problem: bool = False  # the last output is the sentence of its user error, or empty


class TabEvent:
    """Parts are added while the tab is laid out; `wire` adds the event that answers for them all."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._version = gr.Number(0, visible="hidden")  # changes when an accordion needs an answer of its own
        self._shown = gr.Textbox(visible="hidden")  # what each part shows: the values of its inputs (JSON)

    def always(self, compute: Callable[..., Any], inputs: Sequence[Component], outputs: Sequence[Component]) -> None:
        """Adds a part that is always shown; `compute` gets the page and the inputs' values, unchecked.

        It has a place for its user errors of its own, and raises none.
        """
        self._parts.append(_Part(compute, inputs, outputs, None))

    def while_open(
        self,
        accordion: gr.Accordion,
        compute: Callable[..., Any],
        inputs: Sequence[Component],
        outputs: Sequence[Component],
        triggers: Sequence[Callable[..., Any]] = (),
    ) -> None:
        """Adds a part that is computed while its accordion is open.

        Args:
            accordion: the part of the page.
            compute: gets the page and the inputs' values; the sentence of its user error is shown in the accordion.
            inputs, outputs: its components.
            triggers: events, besides those of the tab, after which the inputs have changed.
        """
        is_open = gr.Checkbox(False, visible="hidden")
        accordion.expand(None, self._version, [is_open, self._version], js=ON_EXPAND, **QUIET)
        accordion.collapse(None, None, is_open, js=ON_COLLAPSE, **QUIET)
        if triggers:
            gr.on(list(triggers), None, [is_open, self._version], self._version, js=ON_CHANGE, **QUIET)
        problem = problem_of(accordion, outputs)
        compute = with_problem(compute, len(outputs))
        self._parts.append(_Part(compute, inputs, [*outputs, problem], is_open, has_problem=True))

    def wire(self, triggers: Sequence[Callable[..., Any]]) -> None:
        """Adds the event, after all parts; `triggers` are those after which the inputs of every part have changed."""
        boxes = [part.is_open for part in self._parts if part.is_open is not None]
        components = [self._shown, *boxes, *(each for part in self._parts for each in part.inputs)]
        inputs = list({each._id: each for each in components}.values())
        outputs = [self._shown, *(each for part in self._parts for each in part.outputs)]

        async def answer(page: gr.Request, *values: Any) -> list[Any]:
            held = {component._id: value for component, value in zip(inputs, values, strict=True)}
            return await self._answer(page, held)

        gr.on([*triggers, self._version.change], answer, inputs, outputs, **LATEST)

    async def _answer(self, page: gr.Request, held: dict[int, Any]) -> list[Any]:
        """The values of all outputs; `held` has the values of the inputs by the components' ids."""
        shown = _read_shown(held[self._shown._id], len(self._parts))
        requested = [[held[each._id] for each in part.inputs] for part in self._parts]
        due = [
            index
            for index, part in enumerate(self._parts)
            if requested[index] != shown[index] and (part.is_open is None or held[part.is_open._id])
        ]
        computing = (self._parts[index].compute(page, *requested[index]) for index in due)
        results = await asyncio.gather(*computing)
        values: list[Any] = [[gr.skip()] * len(part.outputs) for part in self._parts]
        for index, result in zip(due, results, strict=True):
            values[index] = result if isinstance(result, tuple | list) else [result]
            # A part with a problem shows nothing current: it is computed again, also for the inputs before.
            is_current = not (self._parts[index].has_problem and values[index][-1])
            shown[index] = requested[index] if is_current else None
        return [json.dumps(shown), *(value for of_part in values for value in of_part)]


def _read_shown(field: object, parts: int) -> list[Any]:
    """What each part shows; None for a part of which that is not known."""
    try:
        shown = json.loads(field) if isinstance(field, str) else None
    except ValueError:
        shown = None
    return shown if isinstance(shown, list) and len(shown) == parts else [None] * parts

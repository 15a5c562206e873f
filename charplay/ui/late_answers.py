"""Controls that an answer sets, unless their user has moved one of them since what the answer is about has changed.

Of such an answer only what the controls offer is taken, such as their choices and bounds; what they are set to stays.
Which came later, a move or a change, is the browser's to say: a request may be sent long after the change, when an
earlier one has been answered, and an answer may come in the moment of a move, before Gradio's event of it.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from charplay.ui.events import QUIET

_numbers = itertools.count()  # of answers, so that one like the one before it is an event, too
_groups = itertools.count()  # of answers to one event


def _set(controls: Sequence[str | None], number: int) -> str:
    """JavaScript that sets what an answer says, or less if one of the controls has been moved."""
    return f"""(answer, missed, ...values) => {{
      const nothing = {{__type__: 'update'}};
      if (!answer) return [missed, ...values.map(() => nothing)];
      const {{updates}} = JSON.parse(answer);
      const isMissed = !!window.charplayMoves?.areNewer({json.dumps(controls)}, {number});
      return [missed + isMissed, ...updates.map(update => {{
        const {{value, ...offers}} = update;
        return isMissed ? {{...nothing, ...offers}} : {{...nothing, ...update}};
      }})];
    }}"""


class LateAnswers:
    """Hidden fields beside the controls that an event sets, besides their user."""

    def __init__(
        self,
        controls: Sequence[gr.Slider | gr.Radio],
        changes: Sequence[Callable[..., Any]],
        sources: Sequence[Component],
        setters: Sequence[gr.Radio] = (),
    ):
        """Adds the fields to the current Blocks.

        Args:
            controls: what the event sets.
            changes: events at which what it answers about has changed.
            sources: what that is.
            setters: further controls by which a user sets the same.
        """
        number = next(_groups)
        self.answer = gr.Textbox(visible="hidden")  # `setting` of what they are set to; an output of the event
        self._missed = gr.Number(0, visible="hidden")
        self.missed = self._missed.change  # after an answer that came too late: what else it brought is out of date
        ids = json.dumps([source.elem_id for source in sources if source.elem_id])
        noted = f"(...values) => {{ window.charplayMoves?.noteChange({number}, {ids}, values); }}"
        for changed in changes:
            changed(None, sources, None, js=noted, **QUIET)
        script = _set([control.elem_id for control in (*controls, *setters)], number)
        self.answer.change(None, [self.answer, self._missed, *controls], [self._missed, *controls], js=script, **QUIET)


def setting(updates: Sequence[dict[str, Any]]) -> str:
    """The value of `LateAnswers.answer`.

    Args:
        updates: of the controls, in their order: "value" and what else of them changes.
    """
    return json.dumps({"number": next(_numbers), "updates": updates})

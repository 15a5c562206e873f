"""Controls that an answer sets, unless their user has moved one of them while it was under way.

Of such an answer only what the controls offer is taken, such as their choices and bounds; what they are set to stays.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from charplay.ui.events import QUIET

_numbers = itertools.count()  # of answers, so that one like the one before it is an event, too
_COUNT = "moves => moves + 1"
_SET = """(answer, moves, missed, ...values) => {
  const nothing = {__type__: 'update'};
  if (!answer) return [missed, ...values.map(() => nothing)];
  const {counted, updates} = JSON.parse(answer), isMissed = counted !== moves;
  return [missed + isMissed, ...updates.map(update => {
    const {value, ...offers} = update;
    return isMissed ? {...nothing, ...offers} : {...nothing, ...update};
  })];
}"""


class LateAnswers:
    """Hidden fields beside the controls that an event sets, besides their user."""

    def __init__(self, controls: Sequence[gr.Slider | gr.Radio], moves: Sequence[Callable[..., Any]] = ()):
        """Adds the fields to the current Blocks.

        Args:
            controls: what the event sets.
            moves: events by which a user sets them in another way than by one of them.
        """
        self.moves = gr.Number(0, visible="hidden")  # of the user; an input of the event
        self.answer = gr.Textbox(visible="hidden")  # `setting` of what they are set to; an output of the event
        self._missed = gr.Number(0, visible="hidden")
        self.missed = self._missed.change  # after an answer that came too late: what else it brought is out of date
        for moved in (*(control.input for control in controls), *moves):
            moved(None, self.moves, self.moves, js=_COUNT, **QUIET)
        inputs = [self.answer, self.moves, self._missed, *controls]
        self.answer.change(None, inputs, [self._missed, *controls], js=_SET, **QUIET)


def setting(moves: object, updates: Sequence[dict[str, Any]]) -> str:
    """The value of `LateAnswers.answer`.

    Args:
        moves: value of `LateAnswers.moves` in the request.
        updates: of the controls, in their order: "value" and what else of them changes.
    """
    return json.dumps({"number": next(_numbers), "counted": moves, "updates": updates})

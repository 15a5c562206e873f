"""One control of the page, as the table of all has it. Imports no gradio."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from charplay import limits
from charplay.limits import Limit


@dataclass(frozen=True)
class Control:
    """One control; `name` is also its element id, and its name in a link."""

    name: str
    label: str
    default: Any
    limit: Limit | None = None  # bounds of a number
    step: float | None = None
    choices: tuple[str, ...] = ()
    choice_labels: tuple[str, ...] = ()  # what the page shows of them, where that differs
    info: str | None = None  # a line under the label
    placeholder: str | None = None
    max_characters: int = limits.MAX_NAME_CHARACTERS  # of a text in a link
    check: Callable[[str], object] | None = None  # raises ValueError for a text that a link must not carry
    link_choices: tuple[str, ...] = ()  # what a link calls the choices; if empty, `links.token` of each
    takes_text: bool = False  # besides its choices
    in_link: bool = True  # False: what only this page has, such as a model of its own
    element: str | None = None  # id of what shows it, where that is no component of its name

    def choose(self, value: object) -> str:
        """Returns `value` if it is one of the choices.

        Raises:
            ValueError: it is not; the sentence lists them.
        """
        if not isinstance(value, str) or value not in self.choices:
            raise ValueError(f"{self.label} must be one of {', '.join(self.choice_labels or self.choices)}.")
        return value

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of its component."""
        arguments: dict[str, Any] = {
            "label": self.label,
            "value": self.default,
            "elem_id": self.name,
            "info": self.info,
        }
        if self.limit and not self.choices:
            arguments |= {"minimum": self.limit.low, "maximum": self.limit.high, "buttons": []}  # no reset button
        if self.step:
            arguments["step"] = self.step
        if self.choices:
            arguments["choices"] = list(zip(self.choice_labels or self.choices, self.choices, strict=True))
        if self.placeholder:
            arguments["placeholder"] = self.placeholder
        return arguments

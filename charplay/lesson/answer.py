"""What a computation of a lesson gives."""

from typing import NamedTuple


class Answer(NamedTuple):
    """The answer to a step's question, what can be chosen, and the figures that the explanation names."""

    value: str
    facts: dict[str, str]
    choices: tuple[str, ...] = ()  # the order says nothing of the answer; empty: those of the step, or any number
    curves: tuple[tuple[float, ...], ...] = ()  # of each choice, where a choice is a curve


def percent(share: float) -> str:
    """A share from 0 to 1 as text that is not broken at its space."""
    return f"{100 * share:.1f}\u00a0%"

"""A lesson as a table of steps, read from JSON and checked; no answer stands in it, only how it is computed.

    {"title": "My lesson", "steps": [{
        "title": "Softmax",
        "text": "What the step is about.",
        "link": "tab=names&name=",                      the page's set-up, as after "#" in a link
        "highlight": "bars",                            the id of the element that the step speaks of
        "question": "Which country will be the likeliest for Silva?",
        "choices": ["none of them"],                    optional: beside those that the computation offers
        "answer": {"compute": "country", "name": "Silva"},
        "why": "{answer} gets {probability}. ...",      shown with the answer; {...} is what was computed
        "answer_link": "tab=names&name=Silva"           optional: the page's set-up once the answer is shown
    }]}

`answers.COMPUTATIONS` are what `compute` can name. Whatever is in a lesson may have been written by anyone: all texts
are shown as text, and the view checks links and element ids against the page (`ui.lesson`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charplay import limits
from charplay.lesson.answers import COMPUTATIONS, Computation

SHIPPED = Path(__file__).with_name("lesson.json")
_TEXTS = ("title", "text", "link", "highlight", "question", "why", "answer_link")
_OPTIONAL = ("choices", "answer_link")
_ID = re.compile(r"[a-z][a-z0-9-]{0,63}")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Step:
    """One step, checked."""

    title: str
    text: str
    link: str
    highlight: str
    question: str
    why: str
    answer_link: str  # empty: the page stays as it is
    choices: tuple[str, ...]  # beside those that the computation offers
    computation: Computation
    arguments: Mapping[str, Any]  # of the computation

    def explain(self, facts: Mapping[str, str]) -> str:
        """Why the answer is what it is, with the computed figures in it (text, not escaped)."""
        return _PLACEHOLDER.sub(lambda match: facts[match[1]], self.why)


@dataclass(frozen=True)
class Lesson:
    """A lesson, checked."""

    title: str
    steps: tuple[Step, ...]


def read(text: object) -> Lesson:
    """A lesson from its JSON text.

    Raises:
        ValueError: it is none; the sentence names the step and says what to change.
    """
    content = limits.check_text("lesson", text, limits.MAX_LESSON_CHARACTERS)
    try:
        table = json.loads(content)
    except (ValueError, RecursionError) as error:
        where = f": line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"The lesson is not valid JSON{where}.") from None
    fields = _fields("The lesson", table, ("title", "steps"))
    if not isinstance(fields["steps"], list):
        raise ValueError("The steps must be a list.")
    limits.LESSON_STEPS.check(len(fields["steps"]))
    steps = []
    for number, each in enumerate(fields["steps"], 1):
        try:
            steps.append(_read_step(each))
        except ValueError as error:
            raise ValueError(f"Step {number}: {error}") from None
    return Lesson(_text("title", fields["title"]), tuple(steps))


def load(path: Path = SHIPPED) -> Lesson:
    """A lesson from a file.

    Raises:
        ValueError: it cannot be read, or is no lesson; the sentence says why.
    """
    try:
        with path.open("rb") as file:
            content = file.read(4 * limits.MAX_LESSON_CHARACTERS + 1)  # a character has up to four bytes
        return read(content.decode("utf-8-sig"))
    except OSError as error:
        raise ValueError(f"The lesson {path.name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"The lesson {path.name} is not UTF-8 text.") from None


def _read_step(table: object) -> Step:
    required = tuple(name for name in (*_TEXTS, "answer") if name not in _OPTIONAL)
    fields = {"choices": [], "answer_link": ""} | _fields("It", table, required, _OPTIONAL)
    texts = {name: _text(name, fields[name], is_empty=name == "answer_link") for name in _TEXTS}
    if not _ID.fullmatch(texts["highlight"]):
        raise ValueError("The highlight must be the id of an element of the page, such as bars.")
    computation, arguments = _read_answer(fields["answer"])
    known = (*computation.facts, "answer")
    for name in _PLACEHOLDER.findall(texts["why"]):
        if name not in known:
            raise ValueError(f"The why can hold {', '.join(f'{{{each}}}' for each in known)}, not {{{name}}}.")
    choices = fields["choices"]
    if not isinstance(choices, list) or len(choices) > limits.MAX_LESSON_CHOICES:
        raise ValueError(f"The choices must be a list of at most {limits.MAX_LESSON_CHOICES} texts.")
    return Step(
        **texts,
        choices=tuple(_text("choice", each) for each in choices),
        computation=computation,
        arguments=arguments,
    )


def _read_answer(table: object) -> tuple[Computation, dict[str, Any]]:
    if not isinstance(table, dict) or not isinstance(table.get("compute"), str):
        raise ValueError('The answer must be an object such as {"compute": "country", "name": "Costa"}.')
    name = limits.check_choice("compute of the answer", table["compute"], tuple(COMPUTATIONS))
    computation = COMPUTATIONS[name]
    arguments = {key: value for key, value in table.items() if key != "compute"}
    required = tuple(key for key in computation.parameters if key not in computation.optional)
    _fields(f"The answer by {name}", arguments, required, computation.optional)
    return computation, {key: computation.parameters[key](value) for key, value in arguments.items()}


def _fields(what: str, table: object, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a JSON object that has all the required ones and no unknown one."""
    if not isinstance(table, dict):
        raise ValueError(f"{what} must be an object with {', '.join(required)}.")
    for name in required:
        if name not in table:
            raise ValueError(f"{what} has no {name}.")
    for name in table:
        if name not in (*required, *optional):
            shown = str(name)[: limits.MAX_NAME_CHARACTERS].encode("utf-8", "replace").decode()
            raise ValueError(f"{what} cannot have “{shown}”, only {', '.join((*required, *optional))}.")
    return table


def _text(name: str, value: object, is_empty: bool = False) -> str:
    text = limits.check_text(name, value, limits.MAX_LESSON_TEXT_CHARACTERS)
    if _CONTROL_CHARACTER.search(text):
        raise ValueError(f"The {name} must be one line of text, without control characters.")
    if not text.strip() and not is_empty:
        raise ValueError(f"The {name} is blank.")
    return text

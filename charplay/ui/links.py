"""A set-up of the page as the part of a link after "#", and back: `tab=names&name=Costa&open=prefixes`.

Pure functions over `controls.BY_TAB`. In the hash nothing that is typed reaches a server's log. Whatever is in a link
may have been written by anyone: an unknown name or a bad value is left out and named, all others hold. `links.js`
formats the same in the browser, where nothing has to be sent for it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from charplay import limits
from charplay.ui import controls
from charplay.ui.control import Control

Choices = Mapping[str, Sequence[Any]]  # name of a control -> what it offers on this page, where its table does not say

TABS = tuple(controls.BY_TAB)
CONTROLS = {control.name: control for of_tab in controls.BY_TAB.values() for control in of_tab}
TAB_OF = {control.name: tab for tab, of_tab in controls.BY_TAB.items() for control in of_tab}
ACCORDIONS = {name: element for of_tab in controls.ACCORDIONS.values() for name, element in of_tab.items()}
TEXT_PREFIX = "text:"  # before a text that is typed in place of a choice
TAB_SUFFIX = "-tab"  # a tab in `hide` and `only`: "train-tab"
PARTS = (*(tab + TAB_SUFFIX for tab in TABS), *CONTROLS, *ACCORDIONS)  # what `hide` and `only` can name
SWITCHES = ("present", "embed")
LESSON = "lesson"  # the step of the lesson that is open, which `lesson.js` reads
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,20})?(e-?\d{1,2})?", re.ASCII)
_SHOWN_CHARACTERS = 40  # of a name or a value that is left out
_MAX_SHOWN = 8  # names that are left out


class Link(NamedTuple):
    """What a link says of the page, checked."""

    tab: str | None
    values: dict[str, Any]  # name of a control -> its value
    open: tuple[str, ...]  # names of accordions
    ignored: tuple[str, ...]  # what was left out, and why: not escaped

    @property
    def tabs(self) -> set[str]:
        """The tabs that it speaks of."""
        opened = {tab for tab, names in controls.ACCORDIONS.items() if set(names) & set(self.open)}
        return {TAB_OF[name] for name in self.values} | opened | ({self.tab} if self.tab else set())


def token(choice: object) -> str:
    """What a link calls a choice: "sorted by length" is "sorted-by-length"."""
    return re.sub(r"[^a-z0-9]+", "-", str(choice).lower()).strip("-")


def tokens(control: Control, choices: Sequence[Any]) -> dict[str, Any]:
    """What a link calls the choices of a control -> the choices."""
    named = control.link_choices or tuple(map(token, choices))
    return dict(zip(named, choices, strict=True))


def parse(text: object, choices: Choices | None = None) -> Link:
    """Reads the part of a link after "#".

    Args:
        text: comes from a browser, unchecked.
        choices: of controls whose choices depend on the page, such as its models.
    """
    tab: str | None = None
    values: dict[str, Any] = {}
    opened: list[str] = []
    ignored: list[str] = []
    for name, value in _fields(text, ignored):
        try:
            if name == "tab":
                tab = limits.check_choice("tab", value, TABS)
            elif name in ("open", "hide", "only"):
                known = _known(name, value, ACCORDIONS if name == "open" else PARTS, ignored)
                opened += known if name == "open" else []
            elif name == LESSON:
                limits.LESSON_STEPS.check(float(value) if _NUMBER.fullmatch(value) else None)
            elif name in SWITCHES:
                limits.check_choice(name, value, ("0", "1"))
            elif name in CONTROLS:
                values[name] = read(CONTROLS[name], value, (choices or {}).get(name))
            else:
                ignored.append(f"{_short(name)} (nothing here has that name)")
        except ValueError as error:
            ignored.append(f"{_short(name)}={_short(value)} ({str(error).rstrip('.')})")
    return Link(tab, values, tuple(dict.fromkeys(opened)), tuple(ignored))


def read(control: Control, value: str, choices: Sequence[Any] | None = None) -> Any:
    """The value of a control from its text in a link.

    Raises:
        ValueError: the control takes no such value; the sentence says what it takes.
    """
    if not control.in_link:
        raise ValueError("A link does not carry this.")
    if isinstance(control.default, bool):
        return limits.check_choice(control.label, value, ("0", "1")) == "1"
    offered = control.choices if choices is None else choices
    if offered:
        named = tokens(control, offered)
        if value in named:
            return named[value]
        if control.takes_text and value.startswith(TEXT_PREFIX):
            return _read_text(control, value.removeprefix(TEXT_PREFIX))
        if control.limit is None:
            raise ValueError(f"The link can say {', '.join(map(_short, named))}.")
    if control.limit is not None:
        number = float(value) if _NUMBER.fullmatch(value) else None
        return control.limit.check(number)
    if control.default is None:  # a choice among what only a page knows
        raise ValueError("This page does not offer it.")
    return _read_text(control, value)


def _read_text(control: Control, value: str) -> str:
    limits.check_text(control.label, value, control.max_characters)
    if control.check is not None:
        control.check(value)
    return value


def linked(field: object, control: Control, choices: Sequence[Any] | None = None) -> Any:
    """The value that the page's link has for a control; None: it has none, or no valid one.

    Args:
        field: the page's hidden field with the link, unchecked.
        control: of the table.
        choices: what it offers, where that depends on the page.
    """
    texts = dict(_fields(field, []))
    try:
        return read(control, texts[control.name], choices) if control.name in texts else None
    except ValueError:
        return None


def format_link(tab: str | None, values: Mapping[str, Any], opened: Iterable[str] = (), **view: str) -> str:
    """The part of a link after "#"; `parse` reads it back.

    Args:
        tab: that is opened.
        values: name of a control -> its value; a choice is one of the control's own.
        opened: names of accordions.
        view: `hide`, `only`, `present` and `embed`.
    """
    pairs = [("tab", tab)] if tab else []
    pairs += [(name, _write(CONTROLS[name], value)) for name, value in values.items()]
    if names := ",".join(opened):
        pairs.append(("open", names))
    return urlencode([*pairs, *view.items()]).replace("%2C", ",")


def _write(control: Control, value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str) and (control.choices or control.default is None):
        named = tokens(control, control.choices or (value,))
        return next((name for name, choice in named.items() if choice == value), TEXT_PREFIX + value)
    return str(value)


def _fields(text: object, ignored: list[str]) -> list[tuple[str, str]]:
    """The names and values in a link; the last of a name counts."""
    _, _, fields = text.partition("#") if isinstance(text, str) and "#" in text else ("", "", text)
    try:
        limits.check_text("link", fields, limits.MAX_LINK_CHARACTERS)
        pairs = parse_qsl(str(fields), keep_blank_values=True, max_num_fields=limits.MAX_LINK_FIELDS)
    except ValueError:
        ignored.append(f"all of it (it has more than {limits.MAX_LINK_CHARACTERS:,} characters or too many names)")
        return []
    # A lone surrogate, which no valid text has, cannot be sent back.
    return list({name: value.encode("utf-8", "replace").decode() for name, value in pairs}.items())


def _known(name: str, value: str, names: Iterable[str], ignored: list[str]) -> list[str]:
    """Those of a list that exist; the others are noted."""
    known = set(names)
    given = [each for each in value.split(",") if each]
    ignored += [f"{_short(each)} in {name} (nothing here has that name)" for each in given if each not in known]
    return [each for each in given if each in known]


def _short(text: object) -> str:
    shown = str(text).encode("utf-8", "replace").decode()
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


def ignored_sentence(ignored: Sequence[str]) -> str:
    """What was left out of a link; empty if nothing was. Not escaped."""
    if not ignored:
        return ""
    more = f", and {len(ignored) - _MAX_SHOWN:,} more" if len(ignored) > _MAX_SHOWN else ""
    return f"Left out of this link: {'; '.join(ignored[:_MAX_SHOWN])}{more}."

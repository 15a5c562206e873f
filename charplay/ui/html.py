"""The small pieces of HTML that more than one tab shows. No gradio, no model.

A parameter called `text` is escaped here; one called `markup` is HTML that the caller has escaped. What is no language,
names, generated text, code and cells, carries `translate="no"`, for a browser that translates the page.
"""

import json
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

MAX_UNSEEN = 8  # characters that a note names; the rest is counted
# CSS classes of a component that a browser's translator leaves alone: it would detach a label that changes later.
KEPT_WORDS = ["notranslate"]
DASH = "–"  # stands where there is no number


def as_typed(text: str) -> str:
    """A name or other words of a visitor: in their own direction, and never translated."""
    return f'<bdi translate="no">{escape(text)}</bdi>'


def counted(number: int, noun: str) -> str:
    """A number of things, whose plural has an s: "1 name", "2,000 names"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def code(markup: str) -> str:
    """Characters, numbers or code in the midst of a sentence."""
    return f'<code translate="no">{markup}</code>'


def caption(markup: str, *, is_status: bool = False) -> str:
    """A sentence above what it describes.

    Args:
        markup: the sentence.
        is_status: a screen reader announces it when it changes.
    """
    return f'<p class="caption"{_role(is_status)}>{markup}</p>'


def note(markup: str, *, is_status: bool = False) -> str:
    """A sentence in the quieter colour, for what need not be read first."""
    return f'<p class="caption note"{_role(is_status)}>{markup}</p>'


def problem(text: str) -> str:
    """A sentence that says what is wrong and what to change, announced by a screen reader."""
    return f'<p class="problem" role="status">{escape(text)}</p>'


def headline(markup: str) -> str:
    """The one sentence with the answer, in large type."""
    return f'<p class="headline">{markup}</p>'


def about(markup: str) -> str:
    """The longer explanation of a tab, collapsed under its first sentence."""
    return f'<details class="about"><summary>What is this?</summary><p>{markup}</p></details>'


def screen_reader_text(text: str) -> str:
    """What a plot shows, for people who cannot see it."""
    return f'<p class="screen-reader">{escape(text)}</p>'


def tiles(pairs: Iterable[tuple[str, str]]) -> str:
    """Figures in boxes side by side: (figure, what it measures), both as markup."""
    return f'<div class="tiles">{"".join(f"<div><b>{figure}</b>{label}</div>" for figure, label in pairs)}</div>'


def facts(pairs: Iterable[tuple[str, str]], *, classes: str = "") -> str:
    """A list of (term, description), both as markup."""
    rows = "".join(f"<dt>{term}</dt><dd>{description}</dd>" for term, description in pairs)
    return f'<dl class="{_classes("facts", classes)}">{rows}</dl>'


def text_box(markup: str, *, label: str, classes: str = "", settings: Mapping[str, Any] | None = None) -> str:
    """A text that scrolls in a frame.

    Args:
        markup: the text.
        label: what a screen reader calls it.
        classes: further CSS classes.
        settings: what generates it again, which is saved with it; None: it is saved elsewhere, or not at all.
    """
    box = _classes("text", classes)
    saved = "" if settings is None else f' data-request="{escape(json.dumps(settings))}"'
    frame = f'<div class="{box}"{saved} tabindex="0" role="region" aria-label="{escape(label)}">'
    return f'{frame}<div dir="auto" translate="no">{markup}</div></div>'


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, chosen: Collection[int] = (), scroll_label: str = ""
) -> str:
    """A table, as wide as its column and scrolled sideways where it is wider.

    Args:
        head: the columns' titles, as markup.
        rows: their cells, as markup.
        chosen: numbers of the rows in the accent colour.
        scroll_label: what a screen reader calls a table that scrolls in a box of bounded height; empty: it does not.
    """
    titles = "".join(f"<th>{title}</th>" for title in head)
    body = "".join(
        f'<tr class="{"chosen" if number in chosen else ""}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for number, cells in enumerate(rows)
    )
    box = 'class="table"'
    if scroll_label:
        box = f'class="table bounded" tabindex="0" role="region" aria-label="{escape(scroll_label)}"'
    return f"<div {box}><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"


def rows_attribute(rows: Sequence[Sequence[object]]) -> str:
    """What a drawing shows as a table, for its CSV (exports.js): an attribute of its element."""
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return "data-rows='" + escape(text, quote=False).replace("'", "&#39;") + "'"  # as short as it can be


def percent(share: float | None, decimals: int = 1) -> str:
    """A share from 0 to 1 as text, "93.1 %"; a dash where there is none."""
    return DASH if share is None else f"{100 * share:.{decimals}f} %"


def plain_decimal(value: float) -> str:
    """A small number to one significant digit, without an exponent: "0.0000003"."""
    return format(Decimal(f"{value:.1g}"), "f")


def unseen_note(characters: Sequence[str]) -> str:
    """A sentence on characters that a model never saw in training (HTML)."""
    listed = " ".join(f'<b translate="no">{escape(character)}</b>' for character in characters[:MAX_UNSEEN])
    more = f" and {len(characters) - MAX_UNSEEN} more" if len(characters) > MAX_UNSEEN else ""
    return f"Training never showed {listed}{more}."


def visible_newlines(text: str) -> str:
    """Text in which a newline can be seen; not escaped."""
    return text.replace("\n", "↵")


def visible(text: str) -> str:
    """Text in which spaces, newlines, control characters and a mark that stands alone can be seen; not escaped."""
    if len(text) == 1 and unicodedata.category(text) in ("Mn", "Me"):
        return "\u25cc" + text
    return "".join(_SIGNS.get(character, character) for character in text)


_SIGNS = {chr(code): chr(0x2400 + code) for code in range(32)} | {" ": "␣", "\n": "↵", "\x7f": "␡"}


def _role(is_status: bool) -> str:
    return ' role="status"' if is_status else ""


def _classes(first: str, more: str) -> str:
    return f"{first} {more}" if more else first

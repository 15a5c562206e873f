"""What the Train tab says in words: what it will learn from, and how the training goes. Values in, HTML out."""

from collections.abc import Sequence
from html import escape


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Terms and what is to be said of each (HTML inside a value is the caller's)."""
    return f'<dl class="facts">{"".join(f"<dt>{term}</dt><dd>{says}</dd>" for term, says in rows)}</dl>'


def problem(sentence: str) -> str:
    """A sentence that says what to change."""
    return f'<p class="problem" role="status">{escape(sentence)}</p>'


def duration(seconds: float) -> str:
    """Seconds as one says them."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 1 else "1 s"
    return f"{seconds / 60:.0f} minutes"


def vocabulary(characters: str) -> str:
    """The characters of a text, a newline and a blank so that they can be seen."""
    shown = characters.replace("\n", "↵").replace(" ", "␣")
    return f"<code>{escape(shown)}</code>"


def sample(text: str) -> str:
    """What a language model writes at this point."""
    return (
        '<p class="caption">What it writes now, from nothing:</p>'
        f'<div class="text sample" tabindex="0" aria-label="Sample"><div>{escape(text)}</div></div>'
    )

"""What the Train tab says in words: what it will learn from, and how the training goes. Values in, HTML out."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from charplay import limits
from charplay.ui.controls import DELIMITERS

MAX_NAMED_CLASSES = 12  # of more, the rest is counted


def problem(sentence: str) -> str:
    """A sentence that says what to change (HTML)."""
    return f'<p class="problem" role="status">{escape(sentence)}</p>'


def note(sentence: str) -> str:
    """A sentence by the way (HTML)."""
    return f'<p class="caption note" role="status">{escape(sentence)}</p>'


def duration(seconds: float) -> str:
    """Seconds as one says them."""
    if seconds < 100:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 6_000 else f"{seconds / 3600:.1f} hours"


def percent(share: float) -> str:
    """A share as one says it."""
    return f"{100 * share:.1f} %"


def visible(characters: str) -> str:
    """Characters of a text, a newline and a blank so that they can be seen (HTML)."""
    return f"<code>{escape(characters.replace(chr(10), '↵').replace(' ', '␣'))}</code>"


def score(task: str, value: float | None) -> str:
    """A result in the measure of its task."""
    if value is None:
        return "–"
    return f"{percent(value)} right" if task == "names" else f"{value:.2f} bits per character"


def summary(survey: Mapping[str, Any]) -> str:
    """What the network will learn from, and what counting alone makes of it (HTML)."""
    is_rows, baseline = survey["task"] == "names", survey["baseline"]
    what = "rows" if is_rows else "characters"
    learnt = f"{survey['training']:,} to learn from, {survey['validation']:,} held out"
    tiles = (
        (f"{survey['count']:,}", f"{what}: {learnt}"),
        (f"{percent(baseline)} right", "who always says the commonest label")
        if is_rows
        else (f"{baseline:.2f} bits", "a character, for who only counts characters"),
        (_time(survey["seconds"]), f"to train {survey['parameters']:,} parameters here, evaluations apart"),
    )
    shown = "".join(f"<div><b>{figure}</b>{says}</div>" for figure, says in tiles)
    return f'<div class="tiles">{shown}</div>{_facts(survey)}'


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "…"
    if seconds > limits.MAX_USER_TRAINING_SECONDS:
        return f"cut off after {duration(limits.MAX_USER_TRAINING_SECONDS)} of {duration(seconds)}"
    return f"about {duration(seconds)}"


def _facts(survey: Mapping[str, Any]) -> str:
    rows = [("read as", _read_as(survey["read_as"]))]
    if survey["classes"]:
        named = list(survey["classes"].items())
        listed = ", ".join(f"{escape(label)} {count:,}" for label, count in named[:MAX_NAMED_CLASSES])
        more = f" and {len(named) - MAX_NAMED_CLASSES} more" if len(named) > MAX_NAMED_CLASSES else ""
        rows.append((f"{len(named)} classes", listed + more))
    rows.append((f"{len(survey['vocabulary'])} characters", visible(survey["vocabulary"])))
    if survey["lost"]:
        lost = list(survey["lost"].items())
        listed = ", ".join(f"{escape(each)} ({count:,} times)" for each, count in lost[:MAX_NAMED_CLASSES])
        rows.append(("left out", f"{listed}{' and others' if len(lost) > MAX_NAMED_CLASSES else ''}: no ASCII form"))
    if survey["left_out"]:
        listed = "; ".join(f"line {each['line']}: {escape(each['reason'])}" for each in survey["named"])
        rows.append((f"{survey['left_out']:,} left out", listed + ("; …" if survey["left_out"] > 8 else "")))
    if survey["padding_shuffled"] is not None:
        shares = f"{percent(survey['padding_shuffled'])} of the cells as they come, "
        shares += f"{percent(survey['padding_grouped'])} in batches of similar lengths, as they are trained"
        rows.append((f"padding at {survey['recipe']['batch_size']}", shares))
    return f'<dl class="facts">{"".join(f"<dt>{term}</dt><dd>{says}</dd>" for term, says in rows)}</dl>'


def _read_as(found: Mapping[str, Any]) -> str:
    says = [escape(str(found["encoding"]))]
    if "delimiter" in found:
        delimiters = {character: name for name, character in DELIMITERS.items()}
        text, label = (found["columns"][found[f"{which}_column"]] for which in ("text", "label"))
        says.append(f"columns parted by a {delimiters[found['delimiter']]}")
        says.append("the first line names them" if found["has_header"] else "no header")
        says.append(f"texts in <b>{escape(text)}</b>, labels in <b>{escape(label)}</b>")
    return ", ".join(says)


def sample(prime: str, text: str) -> str:
    """What a language model writes at this point, after the beginning of what was held out (HTML)."""
    return (
        '<p class="caption">What it writes by now, after <span class="read">words</span> that were held out:</p>'
        f'<div class="text sample" tabindex="0" aria-label="Sample"><div><span class="read">{escape(prime)}</span>'
        f"{escape(text)}</div></div>"
    )


def progress(share: float, says: str) -> str:
    """How far a training has come (HTML); `says` is HTML."""
    return (
        f'<progress max="1" value="{share:.4f}" aria-label="Progress"></progress>'
        f'<p class="caption" role="status">{says}</p>'
    )


def place(number: int) -> str:
    """What is said to someone who waits (HTML)."""
    return (
        '<p class="caption" role="status">Somebody else trains on this machine: you are number '
        f"<b>{number:,}</b> in line, and yours begins as soon as it is your turn.</p>"
    )


def columns(found: Mapping[str, Any]) -> Sequence[tuple[str, int]]:
    """What a choice of a column offers: (its name, its number)."""
    return [(name, at) for at, name in enumerate(found.get("columns", ()))]

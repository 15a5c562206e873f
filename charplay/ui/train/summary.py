"""The data summary as HTML: what the network will learn from, and what a baseline reaches on it."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from charplay import limits
from charplay.data.text import quoted
from charplay.data.user_data import MAX_REPORTED_ROWS
from charplay.ui import html
from charplay.ui.controls import DELIMITERS
from charplay.ui.results import MIN_ROWS_FOR_PERCENT, duration

MAX_SHOWN_CHARACTERS = 70  # of a text that is shown as it was read
MAX_LISTED_START = 40  # new characters of a model that is gone on from that are named
MAX_LISTED = 12  # classes or characters that are named; the rest is counted

_BASELINE_MODELS = {"speech": "a unigram model", "invent": "n-grams of the texts of each class"}


def columns(read_as: Mapping[str, Any]) -> Sequence[tuple[str, int]]:
    """The choices of a column: (name, number)."""
    return [(name, number) for number, name in enumerate(read_as.get("columns", ()))]


def summary_html(data_summary: Mapping[str, Any], file_name: str | None = None) -> str:
    """A `DataSummary` as tiles and facts; with the name of the file that the data was in."""
    task, baseline = data_summary["task"], data_summary["baseline"]
    is_rows = task != "speech"
    unit = "rows" if is_rows else "characters"
    split = f"{data_summary['training']:,} to train on, {data_summary['validation']:,} held out"
    tiles = (
        (f"{data_summary['count']:,}", f"{unit}: {split}"),
        _baseline_tile(baseline, data_summary["validation"])
        if task == "names"
        else (f"{baseline:.2f} bits", f"per character: the baseline, {_BASELINE_MODELS[task]}"),
        (_time(data_summary["seconds"]), f"to train {data_summary['parameters']:,} parameters here: an estimate"),
    )
    named = [("data", html.as_typed(file_name))] if file_name else []
    return html.tiles(tiles) + html.facts([*named, *_facts(data_summary)])


def queue_html(ahead: int, wait_seconds: float) -> str:
    """How many trainings a new one waits for, and about how long; empty where it waits for none."""
    if not ahead:
        return ""
    trainings = "training is" if ahead == 1 else "trainings are"
    return html.note(
        f"{ahead} {trainings} ahead of yours: about {duration(wait_seconds)} to wait. With fewer epochs everyone waits "
        "less.",
        is_status=True,
    )


def _baseline_tile(accuracy: float, held_out: int) -> tuple[str, str]:
    label = "held-out rows right: the baseline, which always predicts the most common class"
    if held_out < MIN_ROWS_FOR_PERCENT:
        return f"{round(accuracy * held_out)} of {held_out}", label
    return html.percent(accuracy), f"of the {label}"


def _longest(task: str) -> int:
    """Characters of a row's text that are learnt from."""
    return limits.MAX_INVENTED_CHARACTERS if task == "invent" else limits.MAX_USER_ROW_CHARACTERS


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "…"
    if seconds > limits.MAX_USER_TRAINING_SECONDS:
        return f"cut off after {duration(limits.MAX_USER_TRAINING_SECONDS)} of {duration(seconds)}"
    return f"about {duration(seconds)}"


def _facts(data_summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Terms and descriptions, both as markup."""
    facts = [("read as", _read_as(data_summary["read_as"]))]
    if data_summary["start"]:
        facts.append(("starts from", _start(data_summary["start"])))
    if data_summary["first"]:
        facts.append(("the first", "<br>".join(map(_first_row, data_summary["first"]))))
    if data_summary["classes"]:
        classes = list(data_summary["classes"].items())
        listed = ", ".join(f"{escape(label)} {count:,}" for label, count in classes[:MAX_LISTED])
        more = f" and {len(classes) - MAX_LISTED} more" if len(classes) > MAX_LISTED else ""
        facts.append((f"{len(classes)} classes", listed + more))
    if variants := data_summary["case_variants"]:
        listed = "; ".join(escape(", ".join(labels)) for labels in variants[:MAX_LISTED])
        facts.append(("letter case", f"{listed} differ by case alone: “How the rows are read” can merge them"))
    facts.append((f"{len(data_summary['characters'])} characters", _characters(data_summary["characters"])))
    if unknown := data_summary["unknown"]:
        listed = f"{len(unknown):,} rarer characters, {sum(unknown.values()):,} times: {_characters(unknown)}"
        facts.append(("read as “unknown”", listed))
    if dropped := data_summary["dropped"]:
        listed = ", ".join(f"{quoted(character)} {count:,} times" for character, count in dropped.items())
        facts.append(("left out", f"control and format characters: {listed}"))
    if data_summary["cut"]:
        facts.append(
            (f"{data_summary['cut']:,} cut", f"texts of more than {_longest(data_summary['task'])} characters")
        )
    if data_summary["left_out"]:
        reasons = [f"line {row['line']}: {escape(row['reason'])}" for row in data_summary["named"]]
        more = "; …" if data_summary["left_out"] > MAX_REPORTED_ROWS else ""
        facts.append((f"{data_summary['left_out']:,} left out", "; ".join(reasons) + more))
    if data_summary["task"] == "speech" and data_summary["parameters"] > data_summary["training"]:
        sizes = f"{data_summary['parameters']:,} parameters for {data_summary['training']:,} characters"
        facts.append(("overfitting", f"{sizes}: enough to learn the text by heart"))
    if data_summary["padding_shuffled"] is not None:
        shares = (
            f"{html.percent(data_summary['padding_shuffled'])} of the cells in batches of "
            f"{data_summary['recipe']['batch_size']} rows, {html.percent(data_summary['padding_grouped'])} where each "
            "batch has rows of similar lengths, as in training"
        )
        facts.append(("padding", shares))
    return facts


def _start(start: Mapping[str, Any]) -> str:
    """The model that is gone on from, and what of it grows."""
    parts = [f"<b>{escape(start['model'])}</b>, {escape(start['network'])}, whose sizes stay"]
    if start["is_ascii"]:
        parts.append("texts are brought to ASCII, as it reads them")
    elif new := start["new_characters"]:
        listed = html.visible("".join(new[:MAX_LISTED_START]))
        more = "…" if len(new) > MAX_LISTED_START else ""
        parts.append(f"{len(new):,} new characters: {html.code(escape(listed) + more)}")
    else:
        parts.append("texts are read as they are")
    if start["is_new_head"]:
        parts.append("its last layer is a new one, since the labels are others")
        return "; ".join(parts)
    if new := start["new_labels"]:
        parts.append(f"new labels: {escape(', '.join(new[:MAX_LISTED]))}{'…' if len(new) > MAX_LISTED else ''}")
    if absent := start["labels_without_rows"]:
        parts.append(f"{absent} of its labels have no rows here, and it forgets them")
    return "; ".join(parts)


def _characters(counts: Mapping[str, int]) -> str:
    """The characters with their counts, the commonest first, most of them collapsed."""
    counted = [f"{html.code(escape(html.visible(character)))}&nbsp;{count:,}" for character, count in counts.items()]
    first, rest = ", ".join(counted[:MAX_LISTED]), counted[MAX_LISTED:]
    return first + (f"<details><summary>{len(rest):,} more</summary>{', '.join(rest)}</details>" if rest else "")


def _first_row(row: str | Sequence[str]) -> str:
    """A row or a line as it was read, its beginning alone if it is long."""
    text, *labels = [row] if isinstance(row, str) else row
    shown = text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"
    return html.as_typed(shown) + "".join(f' &rarr; <b translate="no">{escape(label)}</b>' for label in labels)


def _read_as(read_as: Mapping[str, Any]) -> str:
    parts = [escape(str(read_as["encoding"]))]
    if "delimiter" in read_as:
        delimiters = {character: name for name, character in DELIMITERS.items()}
        text, label = (read_as["columns"][read_as[f"{which}_column"]] for which in ("text", "label"))
        if read_as["delimiter"] is None:
            parts.append("JSON Lines")
        else:
            parts.append(f"delimiter: {delimiters[read_as['delimiter']]}")
            parts.append("the first line names the columns" if read_as["has_header"] else "no header")
        parts.append(f"texts in column <b>{escape(text)}</b>, labels in column <b>{escape(label)}</b>")
    return ", ".join(parts)

"""The invented names as a list, each under what the classifier answers; what is written of the next one (HTML)."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape

from charplay import limits
from charplay.inference.classify import Classification
from charplay.models.checkpoints import Checkpoint
from charplay.models.text_filter import has_text
from charplay.ui import controls, html, links

MAX_LISTED_CLASSES = 3  # of the classifier's answer to the chosen name
# Of the hidden field: each name takes its letters, its answers and what JSON puts around them.
MAX_FIELD_CHARACTERS = int(limits.INVENTED.high) * (limits.MAX_INVENTED_CHARACTERS + 200) + 2_000


@dataclass(frozen=True)
class Invented:
    """One name, and what the classifier predicts for it."""

    name: str
    answers: list[tuple[str, float]]  # classes and their probabilities, the likeliest first; empty without a classifier
    is_known: bool  # whether it stands in the training data


@dataclass(frozen=True)
class InventedList:
    """The names of one request, as the page keeps them."""

    model: str  # that wrote them
    mixture: list[float]  # weights of the model's classes
    temperature: float
    seed: int
    names: list[Invented]

    def as_field(self) -> str:
        """The value of the page's hidden field."""
        return json.dumps(asdict(self), ensure_ascii=False)


def judge(inventor: Checkpoint, names: Sequence[str], results: Sequence[Classification] | None) -> list[Invented]:
    """Names with the classifier's results for them; None: no classifier knows the classes."""
    judged = []
    found: Sequence[Classification | None] = [None] * len(names) if results is None else results
    for name, result in zip(names, found, strict=True):
        probabilities = result["probabilities"] if result is not None else {}
        ranked = sorted(probabilities.items(), key=lambda item: -item[1])[:MAX_LISTED_CLASSES]
        answers = [(country, round(share, 4)) for country, share in ranked]
        judged.append(Invented(name, answers, has_text(inventor.model.seen, name)))
    return judged


def parse_field(field: object) -> InventedList:
    """Reads what `as_field` wrote.

    Raises:
        ValueError: it is something else.
    """
    try:
        content = json.loads(limits.check_text("list of names", field, MAX_FIELD_CHARACTERS))
        names = [
            Invented(
                str(each["name"]), [(str(label), float(share)) for label, share in each["answers"]], each["is_known"]
            )
            for each in content.pop("names")
        ]
        mixture = [float(weight) for weight in content["mixture"]]
        model = limits.check_text("model", content["model"], limits.MAX_NAME_CHARACTERS)
        return InventedList(model, mixture, float(content["temperature"]), int(content["seed"]), names)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("The list of names cannot be read: press Invent again.") from None


def _answer(invented: Invented) -> str:
    if not invented.answers:
        return ""
    label, share = invented.answers[0]
    return f'<span class="answer" style="--share: {100 * share:.0f}%">{escape(label)} {html.percent(share, 0)}</span>'


def list_html(names: Sequence[Invented], wanted: Sequence[str], unfinished: str = "") -> str:
    """A button for each name.

    Args:
        names: that are complete.
        wanted: the classes that they were invented for; another answer of the classifier is shown quieter.
        unfinished: the letters of the next one.
    """
    rows = []
    for number, each in enumerate(names):
        classes = ("known " if each.is_known else "") + (
            "other" if each.answers and each.answers[0][0] not in wanted else ""
        )
        note = '<span class="screen-reader"> in the training data, </span>' if each.is_known else ""
        rows.append(
            f'<button type="button" tabindex="{-1 if number else 0}" class="invented {classes}" data-number="{number}">'
            f"<b>{escape(each.name)}</b>{note}{_answer(each)}</button>"
        )
    if unfinished:
        rows.append(f'<span class="invented unfinished"><b>{escape(unfinished)}</b></span>')
    head = ["name", "in the training data", "class", "probability"]
    cells = [
        [each.name, "yes" if each.is_known else "no", *(each.answers[0] if each.answers else ("", ""))]
        for each in names
    ]
    table = html.rows_attribute([head, *cells])
    return f'<div class="invented-list" {table} role="group" aria-label="Invented names">{"".join(rows)}</div>'


def stats_html(names: InventedList, count: int, wanted: Sequence[str], queue_position: int = 0) -> str:
    """How many there are, and what the classifier makes of them."""
    if queue_position:
        return html.caption(f"All slots are taken. Position in the queue: <b>{queue_position:,}</b>.", is_status=True)
    total = len(names.names)
    answers = [each.answers[0][0] for each in names.names if each.answers]
    of_class = sum(answer in wanted for answer in answers)
    known = sum(each.is_known for each in names.names)
    facts = [
        f"<b>{total}</b> of {html.counted(count, 'name')}"
        if total < count
        else f"<b>{html.counted(total, 'name')}</b>",
        *([f"<b>{of_class}</b> taken for {escape(' or '.join(wanted))}"] if answers else []),
        f'<b>{known}</b> <span class="known-sign">in the training data</span>',
        f'seed <b id="invent-seed-used">{names.seed}</b>',
    ]
    return html.caption(" · ".join(facts))


def chosen_html(chosen: Invented, every: Sequence[Invented], has_links: bool = True) -> str:
    """What the classifier answers to the chosen name, and, if it `has_links`, the ways on to the other tabs."""
    answers = ", ".join(f"{escape(label)} {html.percent(share)}" for label, share in chosen.answers)
    where = "in the training data" if chosen.is_known else "not in the training data"
    to_names = links.format_link("names", {controls.NAME.name: chosen.name})
    listed = "\n".join(dict.fromkeys(each.name for each in every))
    to_batches = links.format_link("batches", {controls.NAMES.name: listed})
    ways = f" {_link(to_names, 'Open in Names')} {_link(to_batches, 'All in Batches')}" if has_links else ""
    classified = f"; the classifier: {answers}" if answers else ""
    return (
        f'<p class="headline chosen-name"><b translate="no">{escape(chosen.name)}</b> '
        f"<span>{where}{classified}{ways}</span></p>"
    )


def _link(target: str, label: str) -> str:
    return f'<a class="example" href="#{escape(target)}">{label}</a>'

"""The likeliest characters at one position of a text, at two temperatures: a table whose cells are bars (HTML)."""

from html import escape
from typing import TypedDict

from charplay.ui.html import caption, code, percent, visible_newlines

NAMES = {" ": "space", "\n": "newline"}
CONTEXT_CHARACTERS = 24  # of the text before the position that are shown
MIN_PERCENT = 0.0005  # a smaller probability is shown as odds
MIN_ODDS = 1e-12  # a smaller one as a bound
SMALL_PERCENT = 0.01  # below it a percentage has a second decimal


class Candidates(TypedDict):
    """The likeliest characters at a position, and the actual one; probabilities at temperature 1 and at another."""

    characters: list[str]  # the likeliest first
    probabilities: list[float]
    tempered: list[float]
    true: str | None  # the actual character; None at the end of the text
    rank: int | None  # of the actual character, from 1
    true_probability: float | None
    true_tempered: float | None


def name_of(character: str) -> str:
    """A name for a character that stands alone, also for one that no font shows."""
    if character in NAMES:
        return NAMES[character]
    return character if character.isprintable() else f"code {ord(character)}"


def _quoted(character: str) -> str:
    """The same within a sentence (HTML)."""
    name = name_of(character)
    return escape(f"“{name}”" if name == character else f"a {name}" if character in NAMES else name)


def percent_or_odds(probability: float) -> str:
    """A probability in percent, or as "1 in 10,000" where that would round to zero."""
    if probability >= MIN_PERCENT or probability == 0:
        return percent(probability, 2 if 0 < probability < SMALL_PERCENT else 1)
    return f"1 in {float(f'{1 / probability:.2g}'):,.0f}" if probability > MIN_ODDS else "under 1 in 10^12"


def _bar(probability: float, longest: float) -> str:
    bar = f'<span class="bar" style="width: {100 * probability / longest:.2f}%"></span>'
    return (
        f'<td><div><span class="share">{percent_or_odds(probability)}</span><span class="rail">{bar}</span></div></td>'
    )


def first_character_note() -> str:
    """The sentence for position 0, where there is nothing to predict from (HTML)."""
    return caption("Nothing is read before the first character, so there is no prediction for it: choose a later one.")


def table(text: str, position: int, candidates: Candidates, temperature: float) -> str:
    """The context of a position, and its likeliest characters; the actual one is marked, whatever its rank (HTML).

    Args:
        text: the whole text.
        position: from 1, since nothing predicts the first character; `len(text)` is the end.
        candidates: at that position.
        temperature: of the bars on the right.
    """
    context = visible_newlines(escape(text[max(0, position - CONTEXT_CHARACTERS) : position]))
    ellipsis = "…" if position > CONTEXT_CHARACTERS else ""
    actual = candidates["true"]
    if actual is None:
        sentence = "the text ends; the likeliest next characters:"
    else:
        actual_html = f'<b class="actual">{_quoted(actual)}</b>'
        sentence = f"stands {actual_html}, rank {candidates['rank']:,}:"
    rows = list(zip(candidates["characters"], candidates["probabilities"], candidates["tempered"], strict=True))
    probability, tempered = candidates["true_probability"], candidates["true_tempered"]
    if (
        actual is not None
        and actual not in candidates["characters"]
        and probability is not None
        and tempered is not None
    ):
        rows.append((actual, probability, tempered))
    longest = max(*candidates["probabilities"], *candidates["tempered"])
    body = "".join(
        f'<tr class="{"chosen" if character == actual else ""}"><th scope="row">{escape(name_of(character))}'
        f"{' ← it is' if character == actual else ''}</th>{_bar(plain, longest)}{_bar(tempered, longest)}</tr>"
        for character, plain, tempered in rows
    )
    return (
        caption(f"After {code(ellipsis + context)} {sentence}") + '<table class="candidates" translate="no"><thead><tr>'
        '<th scope="col">character</th><th scope="col">temperature 1</th>'
        f'<th scope="col">temperature {temperature:g}</th></tr></thead><tbody>{body}</tbody></table>'
    )

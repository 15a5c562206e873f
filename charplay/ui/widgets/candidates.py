"""The ten likeliest characters at one place of a text, at two temperatures: a table whose cells are bars."""

from html import escape

from charplay.interpret.surprisal import Candidates

NAMES = {" ": "blank", "\n": "newline"}
CONTEXT = 24  # characters before the place that are shown


def visible(character: str) -> str:
    """How a character is called where it stands alone, also one that no font draws."""
    if character in NAMES:
        return NAMES[character]
    return character if character.isprintable() else f"code {ord(character)}"


def _quoted(character: str) -> str:
    """The same within a sentence (HTML)."""
    name = visible(character)
    return escape(f"“{name}”" if name == character else f"a {name}" if character in NAMES else name)


def percent_or_odds(probability: float) -> str:
    """A probability in percent, or where that would be next to nothing, one in how many."""
    if probability >= 0.0005 or probability == 0:
        return f"{100 * probability:.{2 if 0 < probability < 0.01 else 1}f} %"
    return f"1 in {float(f'{1 / probability:.2g}'):,.0f}" if probability > 1e-12 else "under 1 in 10^12"


def _bar(probability: float, longest: float) -> str:
    bar = f'<span class="bar" style="width: {100 * probability / longest:.2f}%"></span>'
    return (
        f'<td><div><span class="share">{percent_or_odds(probability)}</span><span class="rail">{bar}</span></div></td>'
    )


def first_character_note() -> str:
    """What is said of the first character (HTML)."""
    return (
        '<p class="caption">Nothing was read before the first character, so the network expected nothing there: '
        "choose a later one.</p>"
    )


def table(text: str, at: int, found: Candidates, temperature: float) -> str:
    """The place, and the ten likeliest there (HTML); the character that stands there is marked, wherever it comes.

    Args:
        text: that was read.
        at: the place, from 1.
        found: what `surprise.alternatives` gives there.
        temperature: of the right bars.
    """
    before = escape(text[max(0, at - CONTEXT) : at]).replace("\n", "↵")
    true = found["true"]
    if true is None:
        says = "the text ends, and the network would go on with:"
    else:
        says = f'stands <b class="true">{_quoted(true)}</b>, the network’s guess number {found["rank"]:,}:'
    rows = list(zip(found["characters"], found["probabilities"], found["tempered"], strict=True))
    if true is not None and true not in found["characters"]:
        rows.append((true, found["true_probability"], found["true_tempered"]))
    longest = max(*found["probabilities"], *found["tempered"])
    body = "".join(
        f'<tr class="{"chosen" if character == true else ""}"><th scope="row">{escape(visible(character))}'
        f"{' ← it is' if character == true else ''}</th>{_bar(plain, longest)}{_bar(tempered, longest)}</tr>"
        for character, plain, tempered in rows
    )
    return (
        f'<p class="caption">After <code>{"…" if at > CONTEXT else ""}{before}</code> {says}</p>'
        '<table class="guesses"><thead><tr><th scope="col">character</th><th scope="col">temperature 1</th>'
        f'<th scope="col">temperature {temperature:g}</th></tr></thead><tbody>{body}</tbody></table>'
    )


CSS = """
.guesses { border-collapse: collapse; table-layout: fixed; width: 100%; max-width: 900px; margin: 4px 0;
  border: 0 !important; }
.guesses :is(thead, tbody, tr, th, td) { border: 0 !important; background: transparent !important; font-size: 16px; }
.guesses :is(th, td) { text-align: left; padding: 1px 10px 1px 0; font-weight: 400; white-space: nowrap; }
.guesses thead th { color: var(--body-text-color-subdued); }
.guesses th:first-child { width: 20%; }
.guesses td div { display: flex; align-items: center; gap: 8px; }
.guesses .share { flex: none; min-width: 64px; max-width: 100%; text-align: right; white-space: normal; }
.guesses .rail { flex: 1; }
.guesses .bar { display: block; height: 16px; min-width: 1px; background: var(--quiet-bar); border-radius: 2px; }
.guesses .chosen th, .guesses .chosen td { font-weight: 700; color: var(--accent-text); }
.guesses .chosen .bar { background: var(--accent-text); }
.true { color: var(--accent-text); }
:root { --quiet-bar: #8792a2; }
@media (max-width: 600px) { .guesses :is(th, td) { white-space: normal !important; padding-right: 4px; }
  .guesses th:first-child { width: 28%; } }
"""

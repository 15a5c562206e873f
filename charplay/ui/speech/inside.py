"""Three folds that look inside a text on the Speech tab: surprise, what else it could have been, one neuron.

All three read one text, that on the page or the visitor's own, with the model that is chosen on the tab. A fold asks
for nothing while it is closed.
"""

from collections.abc import Awaitable, Callable, Sequence
from html import escape
from typing import Any, NamedTuple

import gradio as gr
from gradio.events import Dependency

from charplay import limits
from charplay.data.text import count_without_ascii, normalize_document
from charplay.interpret.neurons import FEATURES, MIN_CORRELATION, Tracker
from charplay.interpret.surprisal import Surprisal
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.ui import controls, inference_client, session_store
from charplay.ui.errors import as_gradio_error
from charplay.ui.speech.generated_text import parse_generated_text
from charplay.ui.widgets import candidates, colored_text

# (written, which, own, model) from the page -> the text to read, None if there is none, and the model that reads it
Read = Callable[..., tuple[str | None, Checkpoint]]

MAX_SURPRISING_ROWS = 10  # characters in the table
VISIBLE_CHARACTERS = 240  # characters that stand in the window on a long text, on a phone too

_SURPRISE = (
    '<p class="caption">A character’s colour is how much it surprised the network, -log₂ of the probability it had: '
    "look for the letters at which a word could have gone on otherwise.</p>"
)
_ALTERNATIVES = (
    '<p class="caption">Choose a character, by a click or with the arrow keys, and see which ten the network thought '
    "likeliest in its place: a temperature below 1 sharpens the bars, one above 1 levels them.</p>"
)
_NEURON = (
    '<p class="caption">Of all the numbers that the network remembers, one is shown, as it is after each character: '
    "look whether it is high, or low, at places that you have a name for.</p>"
)
QUIET = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}


def text_of(written: str, which: str, own: str) -> str | None:
    """The text that the views read; None while there is none of the visitor's own that can be read."""
    if controls.LOOK_INSIDE.choose(which) == controls.GENERATED_TEXT:
        given = parse_generated_text(written)
        return given.prime[-given.prime_length :] + given.continuation
    try:
        return normalize_document(own)
    except ValueError:
        return None  # `note` says why


def note(which: str, own: str, alphabet: str) -> str:
    """What was changed of the visitor's own text so that it can be read, or why it cannot (HTML)."""
    if controls.LOOK_INSIDE.choose(which) == controls.GENERATED_TEXT:
        return ""
    if own == "":
        return '<p class="caption note">Paste a text and press “Read this”.</p>'
    try:
        text = normalize_document(own)
    except ValueError as mistake:
        return f'<p class="problem" role="status">{escape(str(mistake))}</p>'
    says = [f"{len(text):,} characters are read."]
    if text != own:
        says.append("The text was brought to ASCII as the speeches were.")
    if lost := count_without_ascii(own):
        says.append(f"{lost:,} {'character has' if lost == 1 else 'characters have'} no ASCII form and are left out.")
    if strange := sorted(set(text) - set(alphabet)):
        listed = " ".join(strange)
        says.append(f"Training never showed {listed}; even these have a probability, if a small one.")
    return f'<p class="caption note" role="status">{escape(" ".join(says))}</p>'


def _on_tests(checkpoint: Checkpoint) -> str:
    """The model's figure on the test speeches, from its header."""
    test = checkpoint.results.get("test")
    bits = test.get("bits_per_character") if isinstance(test, dict) else None
    is_number = isinstance(bits, int | float) and not isinstance(bits, bool)
    return f"on the test speeches {bits:.3f}" if is_number else "not measured on the test speeches"


def _mean(checkpoint: Checkpoint, result: Surprisal) -> str:
    """Bits per character of the text beside those on the test speeches (HTML)."""
    mean, label = result["bits_per_character"], escape(checkpoint.label)
    if mean is None:
        says = "A single character has no bits: nothing was read before it"
    else:
        says = f"<b>{mean:.3f}</b> bits per character over {result['characters']:,}"
    return f'<p class="headline">{says} <span class="note hint">{label}, {_on_tests(checkpoint)}</span></p>'


def _most_surprising(result: Surprisal) -> str:
    """The characters of most bits as a table, which can be read without the colours (HTML)."""
    text, bits = result["text"], result["bits"]
    order = sorted(range(1, len(text)), key=lambda at: -bits[at])[:MAX_SURPRISING_ROWS]
    if not order:
        return ""
    rows = "".join(
        f"<tr><td>{escape(candidates.visible(text[at]))}</td><td>{bits[at]:.2f}</td>"
        f"<td>{candidates.percent_or_odds(2 ** -bits[at])}</td>"
        f"<td>{at + 1:,}</td><td><code>{escape(text[max(0, at - 20) : at].replace(chr(10), '↵'))}</code></td></tr>"
        for at in order
    )
    return (
        "<details><summary>The most surprising characters</summary>"
        '<div class="table"><table><thead><tr><th>character</th><th>bits</th><th>probability</th><th>place</th>'
        f"<th>after</th></tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


class Accordion(NamedTuple):
    """One of the folds: what it is given, what it shows, and how the one comes from the other."""

    accordion: gr.Accordion
    given: list[gr.components.Component]  # besides the text and the model
    shows: list[gr.components.Component]
    look: Callable[..., Awaitable[tuple]]  # (text or None, checkpoint, what is given) -> what it shows


def _peak(result: Surprisal) -> int:
    """The most surprising character near the beginning, which is in view; 0 where there is one alone."""
    bits = result["bits"][:VISIBLE_CHARACTERS]
    return max(range(len(bits)), key=lambda at: bits[at] or 0.0)


def _surprise_fold() -> Accordion:
    with gr.Accordion("Surprise, character by character", open=False, elem_id="surprise-fold") as accordion:
        gr.HTML(_SURPRISE)
        mean = gr.HTML(elem_id="surprise-mean")
        gr.HTML(colored_text.BITS.legend())
        picture = colored_text.component("surprise-text")
        most = gr.HTML(elem_id="most-surprising")

    async def look(text: str | None, checkpoint: Checkpoint) -> tuple:
        if text is None:
            return None, "", ""
        result = await inference_client.query(checkpoint, "surprise", text=text)
        drawn = colored_text.render(colored_text.BITS, text, result["bits"], _peak(result))
        return drawn, _mean(checkpoint, result), _most_surprising(result)

    return Accordion(accordion, [], [picture, mean, most], look)


async def _guess(text: str, checkpoint: Checkpoint, at: object, temperature: object) -> str:
    """What else could stand at `at` (HTML)."""
    temperature = limits.TEMPERATURE.check(temperature)
    if at == 0:
        return candidates.first_character_note()
    found = await inference_client.query(checkpoint, "alternatives", text=text, at=at, temperature=temperature)
    return candidates.table(text, int(at), found, temperature)


def _guesses_fold(temperature: gr.Slider, read: Read, source: list[gr.components.Component]) -> Accordion:
    with gr.Accordion("What else it could have been", open=False, elem_id="guesses-fold") as accordion:
        gr.HTML(_ALTERNATIVES)
        picture = colored_text.component("guesses-text")
        guessed = gr.HTML(elem_id="guesses")
    place = gr.Number(0, visible="hidden")  # where the browser puts the character that is chosen as it asks

    async def look(text: str | None, checkpoint: Checkpoint, temperature: float) -> tuple:
        if text is None:
            return None, ""
        result = await inference_client.query(checkpoint, "surprise", text=text)
        at = _peak(result) or len(text)
        drawn = colored_text.render(colored_text.BITS, text, result["bits"], at, with_end=True)
        return drawn, await _guess(text, checkpoint, at, temperature)

    async def guess(page: gr.Request, at: object, temperature: object, *source: Any) -> str:
        text, checkpoint = read(page, *source)
        return "" if text is None else await _guess(text, checkpoint, at, temperature)

    # Not from the event's own data: of events that come while one is answered, the last is asked with the first's.
    chosen = f"(place, ...rest) => [{colored_text.clicked_index_js(picture)}, ...rest]"
    again = gr.Button(visible="hidden", elem_id="guess-again")
    asking = {"fn": as_gradio_error(guess), "inputs": [place, temperature, *source], "outputs": guessed, "js": chosen}
    picture.pick(trigger_mode="always_last", **asking, **QUIET)
    again.click(trigger_mode="always_last", **asking, **QUIET)
    is_seen = f"document.querySelector('#{picture.elem_id} .at')?.checkVisibility()"
    temperature.input(None, None, None, js=f"() => {{ {is_seen} && document.getElementById('guess-again').click() }}")
    return Accordion(accordion, [temperature], [picture, guessed], look)


def _label(tracker: Tracker) -> str:
    sign = "" if tracker["correlation"] > 0 else "-"
    place = f"layer {tracker['layer']}, unit {tracker['unit']}"
    return f"{tracker['feature']}: {place}, correlation {sign}{abs(tracker['correlation']):.2f}"


def _value(tracker: Tracker) -> str:
    return f"{tracker['layer']} {tracker['unit']} {tracker['feature']}"


def _unfound(trackers: Sequence[Tracker]) -> str:
    """What no unit tracks (HTML)."""
    missing = [feature for feature in FEATURES if feature not in {tracker["feature"] for tracker in trackers}]
    if not missing:
        return ""
    return (
        f'<p class="caption note">On this text no unit reaches a correlation of {MIN_CORRELATION:g} with: '
        f"{', '.join(missing)}.</p>"
    )


def _neuron_fold(read: Read, source: list[gr.components.Component]) -> Accordion:
    with gr.Accordion("One neuron", open=False, elem_id="neuron-fold") as accordion:
        gr.HTML(_NEURON)
        found = gr.Radio(**controls.FOUND_UNITS.arguments())
        unfound = gr.HTML(elem_id="unfound")
        with gr.Row():
            layer = gr.Slider(**controls.LAYER.arguments(), min_width=150)
            unit = gr.Slider(**controls.NEURON.arguments(), min_width=150)
        legend = gr.HTML(elem_id="neuron-legend")
        picture = colored_text.component("neuron-text")

    async def draw(text: str | None, checkpoint: Checkpoint, layer: object, unit: object) -> tuple:
        if text is None:
            return None, ""
        values = await inference_client.query(checkpoint, "activation", text=text, layer=layer, unit=unit)
        scale = colored_text.activations(values)
        return colored_text.render(scale, text, values), scale.legend()

    async def look(text: str | None, checkpoint: Checkpoint, layer: object, unit: object) -> tuple:
        """Shows the unit that is chosen if it tracks something, else the one that does so most, else the first."""
        config = checkpoint.config
        if text is None:
            return None, "", gr.update(choices=[], value=None), "", gr.skip(), gr.skip()
        trackers = await inference_client.query(checkpoint, "trackers", text=text)
        kept = [each for each in trackers if (each["layer"], each["unit"]) == (layer, unit)]
        shown = next(iter(kept or trackers), {"layer": 1, "unit": 0})
        choices = [(_label(tracker), _value(tracker)) for tracker in trackers]
        return (
            *await draw(text, checkpoint, shown["layer"], shown["unit"]),
            gr.update(choices=choices, value=_value(shown) if trackers else None),
            _unfound(trackers),
            gr.update(maximum=max(config.layers, 2), value=shown["layer"], interactive=config.layers > 1),
            gr.update(maximum=config.hidden_size - 1, value=shown["unit"]),
        )

    async def slide(page: gr.Request, layer: object, unit: object, *source: Any) -> tuple:
        text, checkpoint = read(page, *source)
        return *await draw(text, checkpoint, layer, unit), None

    async def choose(page: gr.Request, chosen: object, *source: Any) -> tuple:
        text, checkpoint = read(page, *source)
        try:
            layer, unit, _ = limits.check_text("unit", chosen, limits.MAX_NAME_CHARACTERS).split(" ", 2)
            layer, unit = int(layer), int(unit)
        except ValueError:
            raise ValueError("The unit must be one of those in the list.") from None
        return *await draw(text, checkpoint, layer, unit), layer, unit

    sliding = {"trigger_mode": "always_last", **QUIET}
    gr.on(
        [layer.input, unit.input], as_gradio_error(slide), [layer, unit, *source], [picture, legend, found], **sliding
    )
    found.input(as_gradio_error(choose), [found, *source], [picture, legend, layer, unit], **sliding)
    return Accordion(accordion, [layer, unit], [picture, legend, found, unfound, layer, unit], look)


def build(
    registry: Registry, model: gr.Dropdown, temperature: gr.Slider, written: gr.Textbox
) -> Callable[[Sequence[Dependency]], None]:
    """Lays out the folds; call what it returns with the events after which another text stands on the page."""
    which = gr.Radio(**controls.LOOK_INSIDE.arguments())
    with gr.Column(visible=False) as pasting:
        own = gr.Textbox(**controls.USER_TEXT.arguments(), lines=4, max_lines=8)
        button = gr.Button("Read this", variant="primary", elem_id="read-this", size="md", min_width=90)
    noted = gr.HTML(elem_id="reading-note")
    source = [written, which, own, model]

    def read(
        page: gr.Request, written: object, which: object, own: object, chosen: object
    ) -> tuple[str | None, Checkpoint]:
        return text_of(written, which, own), session_store.find(registry, "speech", chosen, page)

    def tell(which: object, own: object, chosen: object, page: gr.Request) -> tuple:
        alphabet = session_store.find(registry, "speech", chosen, page).alphabet
        return gr.update(visible=which == controls.USER_TEXT_CHOICE), note(which, own, alphabet)

    folds = (_surprise_fold(), _guesses_fold(temperature, read, source), _neuron_fold(read, source))
    changes = [which.input, button.click, own.submit, model.change]
    gr.on(changes, as_gradio_error(tell), [which, own, model], [pasting, noted], trigger_mode="always_last", **QUIET)
    opened, again = [], []
    for fold in folds:
        is_open = gr.Checkbox(False, visible="hidden")  # nothing is computed for what is folded away
        look_again = gr.Button(visible="hidden", elem_id=f"{fold.accordion.elem_id}-again")

        async def fill(page: gr.Request, is_open: bool, *given: Any, fold: Accordion = fold) -> list:
            if not is_open:
                return [gr.skip()] * len(fold.shows)
            return [*await fold.look(*read(page, *given[: len(source)]), *given[len(source) :])]

        event = {"fn": as_gradio_error(fill), "inputs": [is_open, *source, *fold.given], "outputs": fold.shows, **QUIET}
        fold.accordion.expand(lambda: True, None, is_open, **QUIET).then(**event)
        fold.accordion.collapse(lambda: False, None, is_open, **QUIET)
        look_again.click(trigger_mode="always_last", **event)
        opened.append(is_open)
        again.append(look_again.elem_id)

    # In the browser alone: a class that presses Generate with its folds closed asks the server nothing more.
    look = f"(...open) => {again}.forEach((id, at) => open[at] && document.getElementById(id).click())"
    gr.on(changes, None, opened, None, js=look)

    def follow(events: Sequence[Dependency]) -> None:
        for event in events:
            event.then(None, opened, None, js=look)

    return follow

"""The Invent tab: a country goes in, names come out, letter by letter, and the classifier says where they belong."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

import gradio as gr

from charplay import limits
from charplay.data.vocabulary import END_OF_TEXT
from charplay.inference.generation import Request
from charplay.inference.invent import make_invent_request, split_texts
from charplay.interpret.writing import WritingStep
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.ui import controls, html, inference_client, scoreboard, session_store
from charplay.ui.assets import read_asset
from charplay.ui.errors import USER_ERRORS
from charplay.ui.events import CLEAR_PROBLEM, LATEST, QUIET, enable_after, press
from charplay.ui.examples import examples_html
from charplay.ui.initial_examples import InitialExamples, InventedExample
from charplay.ui.invent import code
from charplay.ui.invent.listing import Invented, InventedList, chosen_html, judge, list_html, parse_field, stats_html
from charplay.ui.link_events import TabLink
from charplay.ui.model_controls import ModelControls
from charplay.ui.session_store import STORE
from charplay.ui.text_fields import as_typed
from charplay.ui.widgets import diagrams
from charplay.ui.widgets.figures import short
from charplay.ui.widgets.writing import END_SIGN, writing

_LEAD = "Choose a country and press Invent: names grow letter by letter."
_TERM = "<b>One to many</b>: one input, a sequence out."
_ABOUT = (
    "The only input is the country: its embedding, a row of learnt numbers, is what the network reads first. From the "
    "state a softmax gives a probability to each letter; one is sampled and read in turn, until the end of the name is "
    "sampled. Mixed with a second country, the first input is the weighted mean of both embeddings. "
    "A second network, the classifier of Names, then reads each name and says where it comes from. "
    "Underlined names stand in the training data: the network repeats them."
)
_DRAWING_NOTE = (
    f"Likeliest letters at this temperature, in %; <b class='follows'>framed</b>: the one that was sampled; "
    f"{END_SIGN}: the end. Dashed: read because it was just written."
)
_SEED_USED = "() => document.getElementById('invent-seed-used')?.innerText ?? ''"
_COUNT_LINK = "(field, count) => charplayLinks.isNew('invent', field) ? count + 1 : count"
_CHOSEN = "document.querySelector('#invented .chosen')?.dataset.number"
_NO_EXAMPLE = "The first names could not be invented: press Invent."

_LINKED = (
    controls.INVENT_SEED,
    controls.INVENT_COUNTRY,
    controls.MIXED_WITH,
    controls.MIXED_SHARE,
    controls.INVENT_TEMPERATURE,
    controls.INVENT_COUNT,
)

Steps = AsyncGenerator[tuple, None]
_UNCHANGED = [gr.skip()] * 4  # list, figures, field and drawing


class _Components(NamedTuple):
    """What the tab consists of."""

    model: gr.Dropdown  # shown once the page has a model of its own
    country: gr.Dropdown
    second: gr.Dropdown
    share: gr.Slider
    temperature: gr.Slider
    how_many: gr.Slider
    seed: gr.Textbox
    start: gr.Button
    stop: gr.Button
    keep_seed: gr.Button
    message: gr.HTML
    listing: gr.HTML
    stats: gr.HTML
    drawing: gr.HTML
    field: gr.Textbox  # hidden: a stateless page keeps its own list
    number: gr.Number  # hidden: of the chosen name; the event's JavaScript fills it in

    @property
    def settings(self) -> list[Any]:
        """What a request is read from."""
        return [self.model, self.seed, self.country, self.second, self.share, self.temperature, self.how_many]

    @property
    def outputs(self) -> list[Any]:
        """What inventing changes."""
        return [self.listing, self.stats, self.field, self.drawing, self.start, self.message]


def _read_mixture(classes: Sequence[str], country: object, second: object, share: object) -> dict[str, float]:
    """The weights of the classes that the controls describe, of those that the model has.

    Raises:
        ValueError: one of them is out of bounds.
    """
    country = limits.check_choice("class", country, classes)
    second = limits.check_choice("second class", second, (controls.NOTHING, *classes))
    share = limits.MIXED_SHARE.check(share)
    if second in (controls.NOTHING, country):
        return {country: 1.0}
    return {country: 1 - share, second: share}


def _wanted(checkpoint: Checkpoint, mixture: Sequence[float]) -> list[str]:
    """The classes with a weight."""
    return [name for name, weight in zip(checkpoint.classes, mixture, strict=True) if weight]


def _given(checkpoint: Checkpoint, mixture: Sequence[float]) -> str:
    """The one input, in words."""
    weights = [(name, weight) for name, weight in zip(checkpoint.classes, mixture, strict=True) if weight]
    if len(weights) == 1:
        return short(weights[0][0])
    return "<br>".join(f"{html.percent(weight, 0)} {short(name)}" for name, weight in weights)


def _drawing(
    checkpoint: Checkpoint, names: InventedList, number: int, steps: Sequence[WritingStep], is_shipped: bool = True
) -> str:
    """The chosen name, and the network that wrote it (HTML)."""
    chosen = names.names[number]
    columns = [(step["likeliest"], step["state"]) for step in steps]
    drawn = writing(chosen.name, _given(checkpoint, names.mixture), columns, END_OF_TEXT)
    return chosen_html(chosen, names.names, is_shipped) + drawn + html.note(_DRAWING_NOTE)


async def _draw(registry: Registry, checkpoint: Checkpoint, names: InventedList, number: int) -> str:
    steps = await inference_client.query(
        checkpoint,
        "writing_steps",
        text=names.names[number].name,
        mixture=names.mixture,
        temperature=names.temperature,
    )
    return _drawing(checkpoint, names, number, steps, names.model in registry.models["invent"])


def _classifier(registry: Registry, checkpoint: Checkpoint, page: gr.Request) -> Checkpoint | None:
    """What says of an invented text to which class it belongs: the latest that knows the model's classes, or none."""
    default = registry.models["names"] and registry.default("names")
    own = STORE.models(page.session_hash, "names").values()
    known = [each for each in (default, *own) if each and set(each.classes) == set(checkpoint.classes)]
    return known[-1] if known else None


async def _invent(model: str, checkpoint: Checkpoint, classifier: Checkpoint | None, request: Request) -> Steps:
    """Yields list, figures and field as the names come."""
    wanted = _wanted(checkpoint, request.mixture)
    judged: list[Invented] = []
    async with aclosing(inference_client.stream_text(checkpoint, request)) as stream:
        async for update in stream:
            texts = split_texts(update.text)
            new = texts[len(judged) :]
            if new:
                results = None if classifier is None else await inference_client.classify_names(classifier, new)
                judged += judge(checkpoint, new, results)
            names = InventedList(model, list(request.mixture), request.temperature, request.seed, list(judged))
            unfinished = update.text.rpartition(END_OF_TEXT)[2]
            stats = stats_html(names, request.count, wanted, update.queue_position)
            yield list_html(judged, wanted, unfinished), stats, names.as_field()


def _lay_out(registry: Registry, example: InventedExample | None) -> _Components:
    """Controls left, names right, the drawing of the chosen one under both."""
    models = registry.models["invent"]
    default, checkpoint = next(iter(models.items()))
    shown = ["", html.problem(_NO_EXAMPLE), "", ""]
    if example is not None:
        request = example.request
        judged = judge(checkpoint, example.names, example.results)
        names = InventedList(default, list(request.mixture), request.temperature, request.seed, judged)
        wanted = _wanted(checkpoint, request.mixture)
        stats = stats_html(names, request.count, wanted)
        shown = [list_html(judged, wanted), stats, names.as_field(), _drawing(checkpoint, names, 0, example.steps)]
    listed, stats, field, drawing = shown
    with gr.Row(elem_id="invent"):
        with gr.Column(elem_id="invent-controls", min_width=0):
            choices = controls.INVENT_MODEL.arguments() | {"choices": scoreboard.choices(models), "value": default}
            model = gr.Dropdown(**choices, visible=len(models) > 1)
            with gr.Row(elem_classes="bottom"):
                country = gr.Dropdown(**controls.INVENT_COUNTRY.arguments(), min_width=140)
                second = gr.Dropdown(**controls.MIXED_WITH.arguments(), min_width=140)
            share = gr.Slider(**controls.MIXED_SHARE.arguments(), elem_classes="one-line", interactive=True)
            temperature = gr.Slider(**controls.INVENT_TEMPERATURE.arguments(), elem_classes="one-line")
            how_many = gr.Slider(**controls.INVENT_COUNT.arguments(), elem_classes="one-line")
            with gr.Row(elem_classes="bottom", elem_id="invent-buttons"):
                seed = gr.Textbox(
                    **controls.INVENT_SEED.arguments(), max_lines=1, min_width=120, html_attributes=as_typed()
                )
                keep_seed = gr.Button("Keep seed", elem_id="invent-keep-seed", size="md", min_width=90)
                start = gr.Button("Invent", elem_id="invent-start", variant="primary", size="md", min_width=90)
                stop = gr.Button("Stop", elem_id="invent-stop", size="md", min_width=70)
            message = gr.HTML(elem_id="invent-message")
        with gr.Column(elem_id="invent-list", min_width=0):
            stats_output = gr.HTML(stats, elem_id="invent-stats")
            listing = gr.HTML(listed, elem_id="invented", js_on_load=read_asset(__file__, "listing.js"))
            gr.HTML(examples_html("invent"))
        with gr.Column(elem_id="invent-drawing", min_width=0):
            drawing_output = gr.HTML(drawing, elem_id="writing")
    return _Components(
        model, country, second, share, temperature, how_many, seed, start, stop, keep_seed, message, listing,
        stats_output, drawing_output, gr.Textbox(field, visible="hidden"), gr.Number(0, visible="hidden"),
    )  # fmt: skip


def _running_button() -> dict[str, Any]:
    return gr.update(value="Writing…", interactive=False)


def _class_updates(checkpoint: Checkpoint) -> tuple[dict[str, Any], ...]:
    """What both class controls offer for a model, and what they and their share are called."""
    classes, default = list(checkpoint.classes), controls.INVENT_COUNTRY.default
    kind = "country" if set(classes) <= set(controls.INVENT_COUNTRY.choices) else "class"
    nothing = (controls.MIXED_WITH.choice_labels[0], controls.NOTHING)
    return (
        gr.update(choices=classes, value=default if default in classes else classes[0], label=kind.capitalize()),
        gr.update(choices=[nothing, *((each, each) for each in classes)], value=controls.NOTHING),
        gr.update(label=f"Share of the second {kind}"),
    )


class _Inventions:
    """What Invent, a link and a press on a name do."""

    def __init__(self, registry: Registry):
        self._registry = registry

    async def invent(self, page: gr.Request, model: object, seed: object, *settings: object) -> Steps:
        """A user error stands under the buttons; what was shown stays."""
        country, second, share, temperature, count = settings
        try:
            checkpoint = session_store.find(self._registry, "invent", model, page)
            mixture = _read_mixture(checkpoint.classes, country, second, share)
            request = make_invent_request(checkpoint, mixture, count, temperature, controls.read_seed(seed))
            button, field = _running_button(), ""
            classifier = _classifier(self._registry, checkpoint, page)
            async with aclosing(_invent(str(model), checkpoint, classifier, request)) as steps:
                async for listed, stats, field in steps:
                    yield listed, stats, field, gr.skip(), button, ""
                    button = gr.skip()
            drawing = await _draw(self._registry, checkpoint, parse_field(field), 0)
            yield *[gr.skip()] * 3, drawing, gr.skip(), ""
        except USER_ERRORS as error:
            yield *_UNCHANGED, gr.skip(), html.problem(str(error))

    async def invent_linked(self, page: gr.Request, model: object, *settings: object) -> Steps:
        """A link that sets nothing of this tab leaves what it opens with."""
        if list(settings) == [control.default for control in _LINKED]:
            yield *_UNCHANGED, gr.skip(), ""
            return
        async with aclosing(self.invent(page, model, *settings)) as steps:
            async for step in steps:
                yield step

    def choose_model(self, page: gr.Request, model: object) -> tuple[Any, ...]:
        """The classes of another model."""
        try:
            return *_class_updates(session_store.find(self._registry, "invent", model, page)), ""
        except USER_ERRORS as error:
            return *[gr.skip()] * 3, html.problem(str(error))

    async def choose(self, page: gr.Request, number: object, field: object) -> tuple[str, str]:
        """The drawing of another name."""
        try:
            names = parse_field(field)
            position = limits.Limit("number of the name", 0, len(names.names) - 1).check(number)
            checkpoint = session_store.find(self._registry, "invent", names.model, page)
            return await _draw(self._registry, checkpoint, names, int(position)), ""
        except USER_ERRORS as error:
            return gr.skip(), html.problem(str(error))


def build(initial: InitialExamples, link: TabLink) -> ModelControls:
    """Lays out the tab inside the current Blocks; returns the control of its model."""
    registry = initial.registry
    gr.HTML(diagrams.lead(diagrams.INVENT, f'{_LEAD} <span class="term">{_TERM}</span>', _ABOUT))
    tab, inventions = _lay_out(registry, initial.wait_for_invented()), _Inventions(registry)
    code.build(registry, tab.settings, tab.field, _read_mixture, link)
    running = tab.start.click(inventions.invent, tab.settings, tab.outputs, **QUIET)
    tab.seed.submit(None, None, None, js=press(tab.start), **QUIET)
    count = gr.Number(0, visible="hidden")  # of the links that were followed
    link.applied.change(None, [link.applied, count], count, js=_COUNT_LINK, **QUIET)
    linked = count.change(inventions.invent_linked, tab.settings, tab.outputs, cancels=[running], **LATEST)
    chosen = tab.model.change(
        inventions.choose_model,
        tab.model,
        [tab.country, tab.second, tab.share, tab.message],
        cancels=[running, linked],
        **LATEST,
    )
    renewed = chosen.then(inventions.invent, tab.settings, tab.outputs, **LATEST)
    inventing = [running, linked, renewed]
    for event in inventing:
        enable_after(event, tab.start, "Invent")
    tab.stop.click(None, None, None, cancels=inventing, **QUIET)
    gr.on([control.change for control in tab.settings], None, tab.message, tab.message, js=CLEAR_PROBLEM, **QUIET)
    tab.keep_seed.click(None, None, tab.seed, js=_SEED_USED, **QUIET)
    js = f"(number, field) => [Number({_CHOSEN} ?? 0), field]"
    tab.listing.pick(inventions.choose, [tab.number, tab.field], [tab.drawing, tab.message], js=js, **LATEST)
    return ModelControls(tab.model, None, is_for_user_models=len(registry.models["invent"]) == 1)

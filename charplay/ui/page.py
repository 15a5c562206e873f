"""The whole page: loads the models, lays out the tabs, adds the endpoints."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.middleware import Middleware
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from charplay.lesson.steps import Lesson
from charplay.models import checkpoints
from charplay.models.checkpoints import CheckpointError, Registry
from charplay.models.networks import MODELS
from charplay.training.recipes import FINE_TUNING_RECIPES
from charplay.ui import (
    addresses,
    api,
    browser_sessions,
    controls,
    gradio_patches,
    html,
    joining,
    link_events,
    page_head,
    settings,
    theme,
)
from charplay.ui.assets import read_asset
from charplay.ui.batches import tab as batches_tab
from charplay.ui.blocks import PageBlocks
from charplay.ui.cached_responses import CachedResponses
from charplay.ui.event_admission import BoundedEvents
from charplay.ui.exports import table as exports
from charplay.ui.frontend_patches import PatchedFrontend
from charplay.ui.initial_examples import InitialExamples, compute_examples
from charplay.ui.invent import tab as invent_tab
from charplay.ui.lesson import events as lesson_events
from charplay.ui.lesson.events import PageLesson
from charplay.ui.link_events import PageLinks, TabLink
from charplay.ui.model_controls import ModelControls
from charplay.ui.names import tab as names_tab
from charplay.ui.page_head import PageHead
from charplay.ui.repeated_requests import RepeatedRequests
from charplay.ui.request_limits import BoundedBodies
from charplay.ui.resumable_streams import ResumableStreams
from charplay.ui.speech import tab as speech_tab
from charplay.ui.teacher_forcing import tab as teacher_forcing_tab
from charplay.ui.train import tab as train_tab
from charplay.ui.train.user_models import ModelTab
from charplay.ui.widgets import colored_text

_TITLE = '<h1 id="title"><b>charplay</b> <span>recurrent networks over characters</span></h1>'
# Each in a scope of its own.
_SCRIPT_FILES = ("scroll_areas.js", "keyboard.js", "composition.js", "header.js", "late_answers.js")
_SCRIPTS = (*(read_asset(__file__, name) for name in _SCRIPT_FILES), exports.script())
_PAGE_SCRIPT = "".join(f"{{{each}}}\n" for each in _SCRIPTS)
# Whether Gradio requests the page before anyone does: it would end where a busy machine takes three seconds for that.
_TRY_PAGE = "_frontend"
_RESUME_STREAMS = read_asset(__file__, "resumable_streams.js")
# A plot in a hidden tab does not notice that the window was resized or the phone turned.
_RESIZE_PLOTS = "() => setTimeout(() => window.dispatchEvent(new Event('resize')), 100)"


@dataclass(frozen=True)
class Page:
    """What a tab is built from."""

    examples: InitialExamples
    tabs: gr.Tabs
    model_tabs: dict[str, ModelTab]  # task -> the first of its tabs, in which its models are tried
    links: PageLinks

    @property
    def registry(self) -> Registry:
        """The page's models."""
        return self.examples.registry


@dataclass(frozen=True)
class Tab:
    """One tab: its id in the page, its label, the task whose default model it needs, and how it is laid out."""

    id: str
    label: str
    task: str | None
    build: Callable[[Page, gr.Tab, TabLink], ModelControls | None]  # returns the controls of its model, if it has one


TABS = (
    Tab("names", "Names", "names", lambda page, _, link: names_tab.build(page.examples, link)),
    Tab("invent", "Invent", "invent", lambda page, _, link: invent_tab.build(page.examples, link)),
    Tab("speech", "Speech", "speech", lambda page, tab, link: speech_tab.build(page.examples, tab, link)),
    Tab("batches", "Batches", "names", lambda page, _, link: batches_tab.build(page.registry, link)),
    Tab("teacher-forcing", "Teacher forcing", None, lambda _, tab, link: teacher_forcing_tab.build(tab, link)),
    Tab(
        "train",
        "Train",
        None,
        lambda page, tab, link: train_tab.build(tab, page.registry, page.tabs, page.model_tabs, link),
    ),
)


def build(*directories: Path, opening: InitialExamples | None = None, lesson: Lesson | None = None) -> gr.Blocks:
    """Builds the page; launch it with `launch_arguments()`.

    Args:
        directories: of its checkpoints; none: those that charplay looks in.
        opening: the initial examples, where they are being computed already; then `directories` are ignored.
        lesson: a teacher's, in place of the shipped one.

    Raises:
        ValueError: the teacher's lesson does not fit the page.
    """
    gradio_patches.apply()
    examples = opening or compute_examples(checkpoints.load_all(*(directories or checkpoints.DIRECTORIES)))
    with PageBlocks(title=page_head.TITLE, analytics_enabled=False, **settings.BLOCKS) as demo:
        api.build(examples.registry)  # before the tabs: an event takes the name of its function where that is free
        page_links = PageLinks()
        page_links.lay_out_note()
        page_lesson = PageLesson(examples.registry, lesson)
        page_lesson.lay_out()
        with gr.Row(elem_id="page-header"):
            gr.HTML(_TITLE, elem_id="title-block", js_on_load=_PAGE_SCRIPT)
            gr.HTML(joining.BUTTON, elem_id="join", js_on_load="charplayJoin.start(element)", min_width=80)
            page_lesson.lay_out_button()
            page_links.lay_out()
        with gr.Tabs(overflow_behavior="wrap") as tabs:
            page = Page(examples, tabs, {}, page_links)
            for tab in TABS:
                with gr.Tab(tab.label, id=tab.id) as container:
                    _build_tab(tab, page, container)
        if unusable := _unusable(examples.registry, lambda name: not name.startswith(tuple(MODELS))):
            gr.HTML(html.note(escape(unusable)))
        page_links.lay_out_full_page()
        tabs.select(None, js=_RESIZE_PLOTS)
        _keep_from_translators(demo)
        page_links.wire(
            demo, tabs, {controls.START_FROM.name: [controls.NEW_NETWORK, *_model_names(examples.registry)]}
        )
        page_lesson.wire(demo, page_links)
    return demo.queue(**settings.QUEUE)


def _keep_from_translators(demo: gr.Blocks) -> None:
    """A browser that translates the page would put its elements into the plots' SVG, where they show nothing."""
    for block in demo.blocks.values():
        if isinstance(block, gr.Plot):
            block.elem_classes = [*block.elem_classes, *html.KEPT_WORDS]


def _model_names(registry: Registry) -> list[str]:
    """Of the models that a training can go on from."""
    return [name for task in FINE_TUNING_RECIPES for name in registry.models[task]]


def _build_tab(tab: Tab, page: Page, container: gr.Tab) -> None:
    """Lays out a tab, or says why it has no model; names the unusable files of its task."""
    if tab.task is None:
        tab.build(page, container, page.links.of_tab(tab.id))
        return
    task = tab.task
    try:
        page.registry.default(task)
    except CheckpointError as error:
        gr.HTML(html.problem(f"This tab has no model: {error}"))
        page.model_tabs.setdefault(task, ModelTab(tab.id, tab.label, None, []))
        return
    built = tab.build(page, container, page.links.of_tab(tab.id))
    first = page.model_tabs.setdefault(task, ModelTab(tab.id, tab.label, built, []))
    if built is not None and first.controls is not built:
        first.more_choices.append(built.choice)
    if unusable := _unusable(page.registry, lambda name: name.startswith(task)):
        gr.HTML(html.problem(unusable))


def _unusable(registry: Registry, is_listed: Callable[[str], bool]) -> str:
    """The checkpoints that could not be loaded and why, those whose names are to be listed; empty if there are none."""
    problems = [str(problem) for name, problem in registry.problems.items() if is_listed(name)]
    return f"Left out: {' '.join(problems)}" if problems else ""


def _no_tools(_: Request) -> JSONResponse:
    """The API page requests the tools of an MCP server; there is none here, and so there are none."""
    return JSONResponse([])


_NO_TOOLS_ROUTE = APIRoute("/gradio_api/mcp/schema", _no_tools, include_in_schema=False)


def launch_arguments(
    *, with_tools: bool = False, host: str = addresses.DEFAULT_HOST, for_class: bool = False
) -> dict[str, Any]:
    """Arguments of `launch`, besides where to listen.

    Args:
        with_tools: whether Gradio serves the endpoints as tools of an MCP server, which needs its extra.
        host: where it will listen.
        for_class: whether the dialog for joining opens by itself.
    """
    css = theme.css() + colored_text.LEVEL_CSS
    # Gradio writes into this dict: each launch gets one of its own.
    app_kwargs = {
        "middleware": [
            Middleware(CachedResponses),
            Middleware(BoundedBodies),
            Middleware(PageHead),
            Middleware(PatchedFrontend),
            Middleware(gradio_patches.OrderedRoutes),
            Middleware(RepeatedRequests),
            Middleware(BoundedEvents),
            Middleware(browser_sessions.ExpiringSessions),
            Middleware(ResumableStreams, on_page_closed=browser_sessions.forget),
        ],
        "routes": [joining.route(), page_head.picture_route(), *([] if with_tools else [_NO_TOOLS_ROUTE])],
    }
    appearance = {"theme": theme.theme(), "css": css, "favicon_path": page_head.ICON}
    arguments = {**settings.LAUNCH, **appearance, "app_kwargs": app_kwargs, "mcp_server": with_tools}
    join_script = joining.head(host, for_class)
    links_script = link_events.head({tab.id: tab.label for tab in TABS})
    arguments["head"] = f"<script>{_RESUME_STREAMS}</script>{links_script}{lesson_events.HEAD}{join_script}"
    if _TRY_PAGE in inspect.signature(gr.Blocks.launch).parameters:
        arguments[_TRY_PAGE] = False
    return arguments

"""The events of links: a page opened by one shows what it says, Copy link makes one, the address bar follows.

A page without a link sends nothing; one with a link sends it once, and again when the address is changed by hand. The
address bar and the copied link are made in the browser (`links.js`).
"""

import json
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component

from charplay import limits
from charplay.data.input_text import read_prime
from charplay.ui import controls, html, links
from charplay.ui.assets import read_asset
from charplay.ui.events import LATEST, QUIET
from charplay.ui.example_data import EXAMPLES

_SCRIPT = read_asset(__file__, "links.js")


class TabLink(NamedTuple):
    """What a tab needs of the page's link."""

    # Hidden: the last link that has set controls of this tab, and its number on the page, "2#tab=names"; it changes
    # after they have their values. After "2+" the controls that it does not name stay as they are: those of a fresh
    # page, or beside an example. What follows a link reads it here: another one may have come and not be applied yet.
    applied: gr.Textbox


class PageLinks:
    """The hidden fields exist before the tabs; `wire` adds the events after them."""

    def __init__(self) -> None:
        self._field = gr.Textbox("", visible="hidden", elem_id="link-field")  # the last link that has come
        self._follow = gr.Button(visible="hidden", elem_id="follow-address")  # clicked by the page while it is idle
        self._save = gr.Button(visible="hidden", elem_id="save-tab")  # clicked by the checklist's button
        self._applied = {tab: gr.Textbox("", visible="hidden") for tab in links.TABS}
        self.choices: dict[str, list[Any]] = {}  # what the controls of this page offer, once it is wired

    def lay_out(self) -> None:
        """Copy link, and the checklist of what it hides."""
        self._copy = gr.Button("Copy link", elem_id="copy-link", size="sm", min_width=80, scale=0)
        gr.HTML(_OPTIONS, elem_id="link-options", js_on_load="charplayLinks.listOptions(element)", min_width=80)

    def lay_out_note(self) -> None:
        """The line that says what became of a link."""
        self._note = gr.HTML(_note(""), elem_id="link-note")

    def lay_out_full_page(self) -> None:
        """In a frame of another page: the way to the whole one."""
        gr.HTML('<a href="." target="_blank" rel="noopener">Open the whole page</a>', elem_id="full-page")

    def of_tab(self, tab: str) -> TabLink:
        """What a tab needs of the link."""
        return TabLink(self._applied[tab])

    def wire(self, demo: gr.Blocks, tabs: gr.Tabs, offered_later: dict[str, list[Any]]) -> None:
        """Adds the events, after all tabs.

        Args:
            demo: the page.
            tabs: all of it.
            offered_later: name of a control -> its choices, where its component has them only later.
        """
        by_id: dict[Any, Any] = {
            block.elem_id: block for block in demo.blocks.values() if getattr(block, "elem_id", None)
        }
        shown = {name: by_id[name] for name in links.CONTROLS if name in by_id}
        accordions = {name: by_id[element] for name, element in links.ACCORDIONS.items() if element in by_id}
        choices = {name: _choices(component) for name, component in shown.items() if hasattr(component, "choices")}
        choices |= offered_later
        self.choices = choices
        defaults = {name: component.value for name, component in shown.items()}
        applied = list(self._applied.values())

        async def apply(field: object) -> list[Any]:
            link = links.parse(field, choices)
            is_part = isinstance(field, str) and field.partition("#")[0].endswith("+")
            values = link.values if is_part else _with_defaults(link, defaults)
            updates = _updates(values)
            opened = set(link.open)
            closing = set() if is_part else {n for tab in link.tabs for n in controls.ACCORDIONS[tab]}
            absent = [f"{name} (this page has none)" for name in link.values if _is_absent(name, shown)]
            sentence = links.ignored_sentence((*link.ignored, *absent))
            return [
                _note(html.problem(sentence) if sentence else ""),
                gr.update(selected=link.tab) if link.tab else gr.skip(),
                *(updates.get(name, gr.skip()) for name in shown),
                *(gr.update(open=name in opened) if name in opened | closing else gr.skip() for name in accordions),
                *(field if tab in link.tabs else gr.skip() for tab in self._applied),
            ]

        table = _table(shown, defaults, choices)
        start = f"() => charplayLinks.start({json.dumps(table)})"
        demo.load(None, None, self._field, js=start, **QUIET)
        outputs = [self._note, tabs, *shown.values(), *accordions.values(), *applied]
        opening = self._field.change(apply, self._field, outputs, **LATEST)
        opening.then(None, None, None, js="() => charplayLinks.opened()", **QUIET)
        values = list(shown.values())
        # Not an event of every change: with so many inputs it would delay each key by the time of a frame or more.
        self._follow.click(None, values, None, js="(...values) => charplayLinks.follow(values)", **QUIET)
        self._save.click(None, values, None, js="(...values) => charplayExports.savePage(values)", **QUIET)
        self._copy.click(None, values, None, js="(...values) => charplayLinks.copy(values)", **QUIET)


def _is_absent(name: str, shown: dict[str, Component]) -> bool:
    return name not in shown and links.CONTROLS[name].element is None


def _choices(component: Any) -> list[Any]:
    not_carried = (controls.UPLOAD,) if component.elem_id == controls.SOURCE.name else ()  # a link has no file
    return [value for _, value in component.choices or () if value not in not_carried]


def _with_defaults(link: links.Link, defaults: dict[str, Any]) -> dict[str, Any]:
    """A link that is opened in a page that was used already: what it leaves out of its tabs is as at first."""
    carried = (name for tab in link.tabs for name in (each.name for each in controls.BY_TAB[tab] if each.in_link))
    return {name: defaults[name] for name in carried if name in defaults} | link.values


def _updates(values: dict[str, Any]) -> dict[str, Any]:
    """Name of a control -> the update of its component."""
    updates = {name: gr.update(value=value) for name, value in values.items()}
    prime, length = values.get(controls.PRIME.name), values.get(controls.PRIME_LENGTH.name)
    if prime is not None:  # its slider reaches to the end of these words
        try:
            characters = len(read_prime(prime))
        except ValueError:
            return updates
        updates[controls.PRIME_LENGTH.name] = gr.update(
            maximum=max(characters, 2), value=min(length or characters, characters)
        )
    return updates


def _table(shown: dict[str, Component], defaults: dict[str, Any], choices: dict[str, list[Any]]) -> dict[str, Any]:
    """What `links.js` needs to format a link: the controls in the order of their values."""
    rows = []
    for name in shown:
        control = links.CONTROLS[name]
        named = links.tokens(control, choices[name] or control.choices) if name in choices and control.in_link else {}
        rows.append(
            {
                "name": name,
                "label": control.label,
                "tab": links.TAB_OF[name],
                "default": defaults[name],
                "isCarried": control.in_link,
                "examples": list(EXAMPLES.values()) if control is controls.PASTED_DATA else None,
                "isNumber": control.limit is not None,
                "takesText": control.takes_text,
                "tokens": [[choice, each] for each, choice in named.items()] or None,
                "maxCharacters": control.max_characters,
            }
        )
    return {"controls": rows, "maxCharacters": limits.MAX_LINK_CHARACTERS, "exampleSeed": controls.EXAMPLE_SEED}


def _note(markup: str) -> str:
    return f'<div role="status">{markup}</div>'


_OPTIONS = '<details class="link-options"><summary>Show…</summary><div></div></details>'


def head(tab_labels: dict[str, str]) -> str:
    """The script for the page's head: it runs before anything is drawn, so that what a link hides never shows.

    Args:
        tab_labels: tab -> its label.
    """
    tabs = [
        {
            "name": tab,
            "label": tab_labels[tab],
            "parts": [
                {"name": each.name, "element": each.element or each.name, "label": each.label}
                for each in controls.BY_TAB[tab]
                if each.element is None
            ],
            "accordions": [
                {"name": name, "element": element, "label": name.replace("-", " ")}
                for name, element in controls.ACCORDIONS[tab].items()
            ],
            "characters": [
                {"name": each.name, "element": each.element} for each in controls.BY_TAB[tab] if each.element
            ],
        }
        for tab in links.TABS
    ]
    parts = json.dumps(tabs).replace("<", "\\u003c")
    return f"<script>const charplayTabs = {parts};\n{_SCRIPT}</script>"

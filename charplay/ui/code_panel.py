"""The accordion "The code" of each tab: lines that compute what the tab shows, and a button that copies them."""

from html import escape

import gradio as gr

from charplay.ui import html
from charplay.ui.assets import read_asset
from charplay.ui.events import QUIET

CAPTION = (
    "These lines of PyTorch and charplay compute what is shown. Where charplay is installed, they run as they are."
)
_COPY = read_asset(__file__, "copy_code.js")


def lay_out(name: str, title: str, caption: str = CAPTION) -> tuple[gr.Accordion, gr.HTML]:
    """Adds the accordion to the current Blocks; returns it, and where `code_html` is shown.

    Args:
        name: id of the component with the lines, and the beginning of the other ids.
        title: of the accordion.
        caption: what the lines do.
    """
    with gr.Accordion(title, open=False, elem_id=f"{name}-accordion") as accordion:
        gr.HTML(html.caption(caption))
        copy = gr.Button("Copy", elem_id=f"copy-{name}", elem_classes="copy-code", size="sm")
        code = gr.HTML(elem_id=name)
    copy.click(None, None, None, js=_COPY.replace("CODE", name), **QUIET)
    return accordion, code


def code_html(name: str, code: str) -> str:
    """The lines, and where the button says that they are copied (HTML); `name` is that of the component."""
    box = 'class="code" translate="no" tabindex="0" role="region" aria-label="The code"'
    return f'<pre {box}>{escape(code)}</pre><p id="{name}-copied" role="status"></p>'

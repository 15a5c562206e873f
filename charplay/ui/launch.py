"""Build the page and listen: what `app.py` and `charplay app` share. Importing this does not import Gradio."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from charplay.models import checkpoints
from charplay.ui import inference_client
from charplay.workers.client import INFERENCE

if TYPE_CHECKING:
    import gradio as gr


def build() -> gr.Blocks:
    """The page with the shipped checkpoints; the inference worker computes its examples while Gradio is imported."""
    INFERENCE.start()
    opening = inference_client.compute_examples(checkpoints.load_all(*checkpoints.DIRECTORIES))
    from charplay.ui import page

    return page.build(opening=opening)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to listen; without these Gradio chooses host and port, as a Space requires."""
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 lets others in the room connect")
    parser.add_argument("--port", type=int, help="port to listen on")
    parser.add_argument("--share", action="store_true", help="a public link, through Gradio's relay")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")


def launch(demo: gr.Blocks, arguments: argparse.Namespace) -> None:
    """Serve the page until interrupted.

    Raises:
        ValueError: the port is taken, or there is no such address.
    """
    from charplay.ui import page

    try:
        demo.launch(
            server_name=arguments.host,
            server_port=arguments.port,
            share=arguments.share,
            inbrowser=not arguments.no_browser and "SPACE_ID" not in os.environ,
            **page.launch_arguments(),
        )
    except (OSError, OverflowError) as error:
        raise ValueError(f"charplay cannot listen there: {error}") from None

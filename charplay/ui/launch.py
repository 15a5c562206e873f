"""Build the page and listen: what `app.py` and `charplay app` share. Importing this does not import Gradio."""

from __future__ import annotations

import argparse
import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

from charplay.lesson import steps
from charplay.models import checkpoints
from charplay.ui import environment, initial_examples, mcp
from charplay.workers.client import INFERENCE

if TYPE_CHECKING:
    import gradio as gr


def build(lesson: Path | None = None) -> gr.Blocks:
    """The page with the shipped checkpoints; the inference worker computes its examples while Gradio is imported.

    Args:
        lesson: a teacher's lesson; None: the shipped one.

    Raises:
        ValueError: there is nowhere to put an upload, or the lesson is none that the page can show.
    """
    loaded = None if lesson is None else steps.load(lesson)
    environment.ensure_upload_directory()
    INFERENCE.start()
    opening = initial_examples.compute_examples(checkpoints.load_all(*checkpoints.DIRECTORIES))
    with environment.local_start():
        from charplay.ui import page

    return page.build(opening=opening, lesson=loaded)


def launch(demo: gr.Blocks, address: tuple[str, int], arguments: argparse.Namespace) -> None:
    """Serve the page until interrupted.

    Raises:
        ValueError: it cannot listen there after all.
    """
    from charplay.ui import api, page

    host, port = address
    try:
        with environment.local_start():
            demo.launch(
                server_name=f"[{host}]" if ":" in host else host,  # an IPv6 number, as a URL has it
                server_port=port,
                share=arguments.share,
                inbrowser=not arguments.no_browser and "SPACE_ID" not in os.environ,
                prevent_thread_lock=True,
                **page.launch_arguments(with_tools=arguments.mcp, host=host, for_class=arguments.for_class),
            )
    except (OSError, OverflowError) as error:
        raise ValueError(f"charplay cannot listen there: {error}") from None
    if arguments.mcp:
        mcp.drop_tools(demo, api.SECOND_NAMES)
    gc.freeze()  # a collection would walk through all that start-up made: half a second in which no page is answered
    demo.block_thread()

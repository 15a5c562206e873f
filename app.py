"""The entry of the desktop and of a Hugging Face Space: builds `demo` and, as a program, launches it."""

import argparse
import os
import sys

from charplay.workers.client import INFERENCE

# Started first, it has computed what the page opens with by the time that Gradio is imported here.
INFERENCE.start()

from charplay.models import checkpoints  # noqa: E402
from charplay.ui import inference_client  # noqa: E402

opening = inference_client.compute_examples(checkpoints.load_all(*checkpoints.DIRECTORIES))

from charplay.ui import page  # noqa: E402

demo = page.build(opening=opening)


def main() -> None:
    """Launches the app; where nothing is said, Gradio chooses host and port, and so does a Space."""
    parser = argparse.ArgumentParser(description="charplay: a playground for character-level recurrent networks")
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 lets others in the room connect")
    parser.add_argument("--port", type=int, help="port to listen on")
    parser.add_argument("--share", action="store_true", help="a public link, through Gradio's relay")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    arguments = parser.parse_args()
    try:
        demo.launch(
            server_name=arguments.host,
            server_port=arguments.port,
            share=arguments.share,
            inbrowser=not arguments.no_browser and "SPACE_ID" not in os.environ,
            **page.launch_arguments(),
        )
    except (OSError, OverflowError) as error:  # the port is taken, or there is no such address
        sys.exit(f"charplay cannot listen there: {error}")


if __name__ == "__main__":
    main()

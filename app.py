"""The entry of a Hugging Face Space and of a checkout: builds `demo` and, as a program, launches it."""

import argparse
import sys

from charplay.ui import options, zero_gpu
from charplay.workers.client import INFERENCE

zero_gpu.declare()  # before anything starts a thread


def main() -> None:
    """Launch the app."""
    global demo  # where Gradio's reloader looks for it
    parser = argparse.ArgumentParser(description="charplay: a playground for character-level recurrent networks")
    options.add_arguments(parser)
    arguments = parser.parse_args()
    try:
        address = options.check(arguments)
        INFERENCE.start()  # before this import, so that it loads its models meanwhile
        from charplay.ui import launch

        demo = launch.build(arguments.lesson)
        launch.launch(demo, address, arguments)
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
else:
    INFERENCE.start()
    from charplay.ui import launch

    demo = launch.build()

"""The entry of a Hugging Face Space and of a checkout: builds `demo` and, as a program, launches it."""

import argparse
import sys

from charplay.workers.client import INFERENCE

INFERENCE.start()  # before the imports below, so that it loads its models meanwhile

from charplay.ui import launch  # noqa: E402

demo = launch.build()


def main() -> None:
    """Launch the app."""
    parser = argparse.ArgumentParser(description="charplay: a playground for character-level recurrent networks")
    launch.add_arguments(parser)
    try:
        launch.launch(demo, parser.parse_args())
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

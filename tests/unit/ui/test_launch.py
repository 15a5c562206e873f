"""What `app.py` and `charplay app` share."""

import argparse

import pytest

from charplay.ui import launch


class Demo:
    """A page that keeps how it was launched, or cannot listen."""

    def __init__(self, error: Exception | None = None):
        self.error, self.options = error, {}

    def launch(self, **options):
        if self.error:
            raise self.error
        self.options = options


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    launch.add_arguments(parser)
    return parser.parse_args(arguments)


def test_arguments_reach_gradio_and_without_them_it_chooses(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    chosen, default = Demo(), Demo()
    launch.launch(chosen, parse("--host", "0.0.0.0", "--port", "7000", "--no-browser"))
    launch.launch(default, parse())
    expected = {"server_name": "0.0.0.0", "server_port": 7000, "inbrowser": False, "share": False}
    assert chosen.options | expected == chosen.options
    assert (default.options["server_name"], default.options["server_port"]) == (None, None)
    assert default.options["inbrowser"]


def test_a_space_opens_no_browser(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/charplay")
    demo = Demo()
    launch.launch(demo, parse())
    assert not demo.options["inbrowser"]


@pytest.mark.parametrize("error", [OSError("port 7000 is taken"), OverflowError("port must be 0-65535")])
def test_an_address_that_cannot_be_used_is_a_user_error(error):
    with pytest.raises(ValueError, match=str(error)):
        launch.launch(Demo(error), parse())

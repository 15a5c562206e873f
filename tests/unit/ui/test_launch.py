"""What `app.py` and `charplay app` share."""

import argparse

import pytest

from charplay.ui import launch, options


class Demo:
    """A page that keeps how it was launched, or cannot listen."""

    def __init__(self, error: Exception | None = None):
        self.error, self.options, self.is_blocking = error, {}, False

    def launch(self, **options):
        if self.error:
            raise self.error
        self.options = options

    def block_thread(self):
        self.is_blocking = True


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.add_arguments(parser)
    return parser.parse_args(arguments)


def test_address_and_arguments_reach_gradio(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    chosen, default = Demo(), Demo()
    launch.launch(chosen, ("0.0.0.0", 7000), parse("--no-browser"))
    launch.launch(default, ("127.0.0.1", 7860), parse())
    expected = {"server_name": "0.0.0.0", "server_port": 7000, "inbrowser": False, "share": False}
    assert chosen.options | expected == chosen.options
    assert chosen.is_blocking
    assert default.options["inbrowser"]


def test_an_ipv6_number_is_in_brackets_as_a_url_has_it():
    demo = Demo()
    launch.launch(demo, ("::1", 7000), parse("--no-browser"))
    assert demo.options["server_name"] == "[::1]"


def test_a_space_opens_no_browser(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/charplay")
    demo = Demo()
    launch.launch(demo, ("0.0.0.0", 7860), parse())
    assert not demo.options["inbrowser"]


@pytest.mark.parametrize("error", [OSError("port 7000 is taken"), OverflowError("port must be 0-65535")])
def test_an_address_that_cannot_be_used_is_a_user_error(error):
    with pytest.raises(ValueError, match=str(error)):
        launch.launch(Demo(error), ("127.0.0.1", 7000), parse())

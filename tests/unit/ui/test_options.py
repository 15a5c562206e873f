"""The options that the app is started with."""

import argparse

import pytest

from charplay.ui import addresses, options


def check(*arguments: str) -> tuple[str, int]:
    parser = argparse.ArgumentParser()
    options.add_arguments(parser)
    return options.check(parser.parse_args(arguments))


@pytest.fixture(autouse=True)
def any_address(monkeypatch):
    monkeypatch.setattr(addresses, "choose", lambda host, port: (host or addresses.DEFAULT_HOST, port or 7860))


def test_a_class_is_listened_to():
    assert check() == ("127.0.0.1", 7860)
    assert check("--class") == ("0.0.0.0", 7860)
    assert check("--class", "--host", "192.168.1.5") == ("192.168.1.5", 7860)
    assert check("--class", "--share", "--host", "127.0.0.1") == ("127.0.0.1", 7860)


def test_a_class_is_not_kept_out():
    with pytest.raises(ValueError, match="--host"):
        check("--class", "--host", "localhost")

"""The address by which others reach the page, and its QR code."""

import pytest
import segno

from charplay.ui import addresses, joining

LAN = "192.168.1.5"


@pytest.fixture(autouse=True)
def in_a_network(monkeypatch):
    monkeypatch.setattr(addresses, "in_network", lambda listening: LAN)


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("http://localhost:7860/", f"http://{LAN}:7860"),
        ("http://127.0.0.1:7860/charplay/", f"http://{LAN}:7860/charplay"),
        ("http://[::1]:7860/?__theme=dark#tab=names", f"http://{LAN}:7860"),
        ("http://0.0.0.0/", f"http://{LAN}"),
        ("http://192.168.1.9:7860/", "http://192.168.1.9:7860"),
        ("https://someone-charplay.hf.space/", "https://someone-charplay.hf.space"),
        ("https://school.example/charplay/", "https://school.example/charplay"),
    ],
)
def test_others_get_the_address_that_reaches_them(page, shown):
    assert joining.shared_address(page, None, "0.0.0.0") == shown


def test_a_public_link_is_shown_instead_of_an_address_of_this_machine():
    assert (
        joining.shared_address("http://localhost:7860/", "https://a.gradio.live/", "127.0.0.1")
        == "https://a.gradio.live"
    )


@pytest.mark.parametrize("page", ["", "javascript:alert(1)", "http://", "http://[", "http://a:b@c/", "file:///x"])
def test_what_is_no_address_of_a_page_is_refused(page):
    with pytest.raises(ValueError):  # noqa: PT011  of urllib in part
        joining.shared_address(page, None, "0.0.0.0")


def test_an_app_that_only_this_machine_reaches_has_no_address():
    with pytest.raises(ValueError, match="no network"):
        joining.shared_address("http://localhost:7860/", None, "127.0.0.1")


def test_the_code_is_that_of_the_address():
    address = "http://192.168.1.5:7860"
    assert joining.code(address) == segno.make(address, micro=False).svg_inline(
        light="#fff", dark="#000", omitsize=True
    )
    assert joining.code(address) != joining.code(address + "/charplay")
    assert "viewBox" in joining.code(address)
    assert address not in joining.code(address)


def test_the_button_is_for_an_app_that_others_reach():
    assert "listens: false" in joining.head("127.0.0.1", False)
    assert "listens: true, showsAtOnce: true" in joining.head("0.0.0.0", True)

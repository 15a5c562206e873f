"""Where the app listens: found at once, or refused with the reason."""

import socket
import threading

import pytest

from charplay.ui import addresses
from tests.conftest import missing


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def used_port():
    """A port on which something listens already."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return port


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost", "::1", "::", "[::1]"])
def test_a_host_of_this_machine_is_listened_on(host, free_port):
    number = host.strip("[]")
    if ":" in number and not addresses._is_local((socket.AF_INET6, number)):
        missing("this machine has no IPv6")
    assert addresses.choose(host, free_port) in [(number, free_port), ("127.0.0.1", free_port)]


@pytest.mark.parametrize("host", ["203.0.113.7", "2001:db8::7", "no.such.host.invalid", "a" * 300, "256.1.1.1"])
def test_a_host_that_is_not_this_machines_is_refused_whatever_the_port(host):
    with pytest.raises(ValueError, match=r"not an address of this machine"):
        addresses.choose(host, None)


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(addresses, "MAX_LOOKUP_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: threading.Event().wait())
    with pytest.raises(ValueError, match="school"):
        addresses.choose("school", 7860)


def test_a_port_in_use_is_refused_by_its_number(used_port):
    with pytest.raises(ValueError, match=str(used_port)):
        addresses.choose(None, used_port)


def test_without_a_port_the_first_free_one_is_taken(used_port, monkeypatch):
    monkeypatch.setenv("GRADIO_SERVER_PORT", str(used_port))
    assert used_port < addresses.choose(None, None)[1] < used_port + addresses.PORTS_TRIED


def test_all_ports_in_use_are_named(used_port, monkeypatch):
    monkeypatch.setattr(addresses, "DEFAULT_PORT", used_port)
    monkeypatch.setattr(addresses, "PORTS_TRIED", 1)
    with pytest.raises(ValueError, match=str(used_port)):
        addresses.choose(None, None)


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(ValueError, match="port"):
        addresses.choose(None, port)


def test_port_0_is_any_free_one():
    assert addresses.choose(None, 0)[1] > 0


def test_a_port_of_another_user_is_refused(monkeypatch, free_port):
    def bind(candidates, port):
        if port:
            raise PermissionError(13, "Permission denied")
        return 1

    monkeypatch.setattr(addresses, "_bind", bind)
    with pytest.raises(ValueError, match="80"):
        addresses.choose(None, 80)


def test_the_environment_names_host_and_port_as_a_space_does(monkeypatch, free_port):
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("GRADIO_SERVER_PORT", str(free_port))
    assert addresses.choose(None, None) == ("0.0.0.0", free_port)
    monkeypatch.setenv("GRADIO_SERVER_PORT", "many")
    with pytest.raises(ValueError, match="GRADIO_SERVER_PORT"):
        addresses.choose(None, None)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("[::1]", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("school", False)],
)
def test_a_loopback_address_is_known(host, is_loopback):
    assert addresses.is_loopback(host) is is_loopback


def test_the_address_in_the_network_is_the_one_listened_on_or_one_of_this_machine():
    assert addresses.in_network("192.168.1.5") == "192.168.1.5"
    assert addresses.in_network("[fe80::1]") == "fe80::1"
    found = addresses.in_network("0.0.0.0")
    assert found is None or (addresses._is_local((socket.AF_INET, found)) and not addresses.is_loopback(found))


def test_a_machine_without_a_network_has_no_address_in_it(monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: (_ for _ in ()).throw(OSError))
    monkeypatch.setattr(addresses, "_look_up", lambda _: [(socket.AF_INET, "127.0.1.1")])
    assert addresses.in_network("0.0.0.0") is None

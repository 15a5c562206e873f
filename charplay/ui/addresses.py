"""Where the app listens: an address of this machine and a free port, found before anything is built. Imports no gradio.

Gradio tries a hundred ports for an address that cannot be listened on, and looks at 127.0.0.1 to see which are free.
"""

import contextlib
import errno
import ipaddress
import os
import queue
import socket
import threading

Address = tuple[int, str]  # family and number, such as (AF_INET6, "::1")

DEFAULT_HOST = "127.0.0.1"
EVERY_ADDRESS = "0.0.0.0"  # of this machine, to listen on
# Documentation's own numbers (RFC 5737, RFC 3849): whatever network leads out of this one would carry them.
_OUTSIDE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
_DISCARD_PORT = 9
GRADIO_PROBES: Address = (socket.AF_INET, "127.0.0.1")  # where Gradio tries whether a port is free
DEFAULT_PORT = 7860  # the first that is tried
PORTS_TRIED = 100  # from the first
MAX_LOOKUP_SECONDS = 5.0  # seconds that a name of a host may take to be looked up


def choose(host: str | None, port: int | None) -> tuple[str, int]:
    """The host and port to listen on.

    Args:
        host: a name or number of this machine; None: $GRADIO_SERVER_NAME, else `DEFAULT_HOST`.
        port: 0: any free one; None: the first free one from $GRADIO_SERVER_PORT, else from `DEFAULT_PORT`.

    Raises:
        ValueError: the app cannot listen there; the sentence says why.
    """
    host = (host or os.environ.get("GRADIO_SERVER_NAME") or DEFAULT_HOST).strip("[]")
    looked_up = _look_up(host)
    addresses = [address for address in looked_up if _is_local(address)]
    if not addresses:
        raise ValueError(
            f"{host} is not an address of this machine: give one that is with --host, 127.0.0.1 for this machine "
            "alone, 0.0.0.0 for others in the room too."
        )
    if len(addresses) < len(looked_up):
        host = addresses[0][1]  # a name of addresses that are not all here, such as "localhost" without IPv6
    first = port if port is not None else _default_port()
    if not 0 <= first < 2**16:
        raise ValueError("--port must be 0 to 65535.")
    last = first if port is not None else min(first + PORTS_TRIED - 1, 2**16 - 1)
    for candidate in range(first, last + 1):
        try:
            return host, _bind([*addresses, GRADIO_PROBES], candidate)
        except PermissionError:
            raise ValueError(f"This user may not listen on port {candidate}: choose one from 1024 on.") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ValueError(f"charplay cannot listen on port {candidate} of {host}: {error.strerror}.") from None
    if first == last:
        raise ValueError(f"Port {first} is in use: choose another with --port.")
    raise ValueError(f"The ports {first} to {last} are all in use: choose another with --port.")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an app that listens there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def in_network(listening: str) -> str | None:
    """The number by which others in the network reach an app that listens on a host of this machine; sends nothing.

    Args:
        listening: one address, or all of them; None is returned where that is in no network.
    """
    host = listening.strip("[]")
    if host not in (EVERY_ADDRESS, "::"):
        return host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = []
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((_OUTSIDE[family], _DISCARD_PORT))  # looks up from which address a datagram would be sent
        found.append(probe.getsockname()[0])
    found += [number for kind, number in _look_up(socket.gethostname()) if kind == family]
    return next((number for number in found if not is_loopback(number)), None)


def _default_port() -> int:
    stated = os.environ.get("GRADIO_SERVER_PORT") or str(DEFAULT_PORT)
    if not stated.isdecimal():
        raise ValueError("GRADIO_SERVER_PORT must be a number.")
    return int(stated)


def _look_up(host: str) -> list[Address]:
    """The numbers of a host; a name server that does not answer is not waited for."""
    answers: queue.SimpleQueue[list[Address]] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answers.put([(family, str(number[0])) for family, *_, number in found])
        except (OSError, UnicodeError):  # no such name; the second where it cannot be one
            answers.put([])

    threading.Thread(target=look_up, name="host name", daemon=True).start()
    try:
        return answers.get(timeout=MAX_LOOKUP_SECONDS)
    except queue.Empty:
        return []


def _is_local(address: Address) -> bool:
    try:
        _bind([address], 0)
    except OSError:
        return False
    return True


def _bind(addresses: list[Address], port: int) -> int:
    """Tries to bind a port of each of the addresses, and lets it go again; returns its number."""
    for family, number in addresses:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if os.name == "posix":  # also a port whose last connections are still closing; on Windows: any port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # as asyncio listens
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((number, port))
            port = probe.getsockname()[1]
    return port

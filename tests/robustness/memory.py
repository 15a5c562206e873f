"""Memory after refused requests: python -m tests.robustness.memory prints JSON.

Many sessions send a prime that is far too long, each of them once; the resident memory of the app's processes is
measured before and after.
"""

import argparse
import asyncio
import json
from typing import Any

from charplay.bench.classroom import launched_app
from charplay.bench.page_client import Page, PageConfig, RequestFailed
from charplay.system import resident_mib

PRIME_CHARACTERS = 10_000_000
AT_ONCE = 8  # sessions
MAX_GROWTH_MB = 150.0


async def _send_refused(port: int, config: PageConfig, sessions: int, characters: int) -> int:
    """Sends the requests; how many were refused."""
    refused, prime, slots = 0, "a" * characters, asyncio.Semaphore(AT_ONCE)

    async def send() -> None:
        nonlocal refused
        async with slots:
            page = Page(port, config)
            page.set("prime", prime)
            try:
                async for _ in page.run(page.triggered("generate", "click")):
                    pass
            except (RequestFailed, ConnectionError):
                refused += 1
            finally:
                page.close()

    await asyncio.gather(*(send() for _ in range(sessions)))
    return refused


def measure(sessions: int, characters: int = PRIME_CHARACTERS) -> dict[str, Any]:
    """The growth of an app of its own."""
    with launched_app() as (port, process, config):
        asyncio.run(_send_refused(port, config, AT_ONCE, characters))  # what is allocated once
        before = resident_mib(process.pid)
        refused = asyncio.run(_send_refused(port, config, sessions, characters))
        after = resident_mib(process.pid)
    growth = None if before is None or after is None else after - before
    return {"sessions": sessions, "refused": refused, "before_mb": before, "after_mb": after, "growth_mb": growth}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2_000)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.sessions) | {"target_mb": MAX_GROWTH_MB}))


if __name__ == "__main__":
    main()

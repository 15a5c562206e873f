"""One greedy visitor beside a class: python -m tests.robustness.greedy prints JSON.

The load of `bench load` twice, alone and beside a page that requests hundreds of long texts, trainings and questions
about long texts at once, and again when all have been answered or refused.
"""

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

from charplay import limits
from charplay.bench.classroom import classroom, launched_app
from charplay.bench.page_client import Connection, Event, Page, PageConfig, RequestFailed, read_config

TEXTS, TRAININGS, QUESTIONS = 300, 50, 200  # requests at once
PAUSE_SECONDS = 1.0  # between two rounds
MAX_RATIO = 1.5  # of the class's 95th percentiles
COMPARED = ("typing_p95_s", "first_text_p95_s")


async def _post(port: int, page: Page, event: Event, values: list[Any]) -> bool:
    """Sends one event over a connection of its own; whether it was admitted."""
    connection = Connection(port)
    try:
        await page.post(event, values, connection)
        return True
    except RequestFailed:
        return False
    finally:
        connection.close()


def _is_answer(message: dict[str, Any]) -> bool:
    """Whether an event got what it requested, not a sentence on why it is refused."""
    return message["success"] and 'class="problem"' not in json.dumps(message["output"]).replace('\\"', '"')


async def _be_greedy(port: int, config: PageConfig, counts: Counter[str]) -> None:
    """Requests everything at once, for ever; counts what is answered and what is refused."""
    page = Page(port, config)
    page.set("length", limits.LENGTH.high)
    question = ("We hold these truths. " * limits.MAX_DOCUMENT_CHARACTERS)[: limits.MAX_DOCUMENT_CHARACTERS]
    [generate] = (
        event
        for event in page.triggered("generate", "click")
        if config.components["generated-text"] in event["outputs"]
    )
    events = [generate] * TEXTS + page.triggered("train-start", "click") * TRAININGS
    requests = [(event, [page.values[each] for each in event["inputs"]]) for event in events]
    requests += [(config.endpoints["surprise"], [question])] * QUESTIONS
    random.Random(0).shuffle(requests)
    try:
        while True:
            counts["requested"] += len(requests)
            admitted = sum(await asyncio.gather(*(_post(port, page, *request) for request in requests)))
            counts["refused before the queue"] += len(requests) - admitted
            async for message in page.updates():  # some are always admitted
                if message["msg"] == "process_completed":
                    counts["answered" if _is_answer(message) else "refused"] += 1
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        page.close()


async def _visit(port: int) -> None:
    """The greedy visitor, until this process is told to end; prints its counts as JSON."""
    counts: Counter[str] = Counter()
    config = await read_config(port)
    print("ready", flush=True)
    visitor = asyncio.create_task(_be_greedy(port, config, counts))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, visitor.cancel)
    with suppress(asyncio.CancelledError):
        await visitor
    print(json.dumps(counts))


def measure(students: int, seconds: float) -> dict[str, Any]:
    """The class alone and beside the visitor, on one app.

    The visitor has a process of its own: what it spends on its requests is not to delay the class's clocks.
    """
    with launched_app() as (port, process, _):
        without = asyncio.run(classroom(port, process, students, seconds, is_open=False))
        command = [sys.executable, "-m", "tests.robustness.greedy", "--visit", str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as visitor:
            try:
                visitor.stdout.readline()  # its imports are done
                with_visitor = asyncio.run(classroom(port, process, students, seconds, is_open=False))
            finally:
                visitor.terminate()
                printed, _ = visitor.communicate()
    ratios = {key.removesuffix("_s") + "_ratio": with_visitor[key] / without[key] for key in COMPARED}
    return {
        "without": without,
        "beside": with_visitor,
        "visitor": json.loads(printed),
        **ratios,
        "target_ratio": MAX_RATIO,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--visit", type=int, metavar="PORT", help="be the visitor of a running app, and nothing else")
    arguments = parser.parse_args()
    if arguments.visit:
        asyncio.run(_visit(arguments.visit))
    else:
        print(json.dumps(measure(arguments.students, arguments.seconds)))


if __name__ == "__main__":
    main()

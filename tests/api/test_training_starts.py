"""Train pressed twice by one page."""

import asyncio

import gradio as gr

from charplay.ui import page, training_client
from charplay.ui.train.page_training import TRAININGS


class EndlessTraining:
    """A training of which nothing is heard."""

    def __init__(self, request, out, expected_seconds):
        self.out = out

    async def follow(self):
        while True:
            await asyncio.sleep(0.1)
            yield None

    def stop(self):
        pass


def test_of_two_starts_of_a_page_at_once_the_second_is_refused(monkeypatch, run_async):
    monkeypatch.setattr(training_client, "Training", EndlessTraining)
    demo = page.build()
    [button] = (number for number, block in demo.blocks.items() if getattr(block, "elem_id", "") == "train-start")
    [event] = (event for event in demo.fns.values() if (button, "click") in event.targets and event.inputs)
    values = {component: component.value for component in event.inputs}

    async def press_twice():
        first, second = (event.fn(values, gr.Request(session_hash="page")) for _ in range(2))
        begun, refused = await anext(first), await anext(second)
        await second.aclose()
        await first.aclose()
        TRAININGS.forget("page")  # else it goes on for a while
        third = event.fn(values, gr.Request(session_hash="page"))
        again = await anext(third)
        await third.aclose()
        TRAININGS.forget("page")
        return [shown[0] for shown in (begun, refused, again)]

    begun, refused, again = run_async(press_twice())
    assert 'class="problem"' in refused
    assert 'class="problem"' not in begun
    assert 'class="problem"' not in again

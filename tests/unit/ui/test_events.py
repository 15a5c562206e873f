"""The page's own events, as Gradio holds them."""

import gradio as gr
import pytest
from gradio.queueing import Event

from charplay.ui import page, settings
from charplay.ui.events import LATEST
from charplay.ui.train.request import CHANGES

PRESSES = {"click", "submit"}


@pytest.fixture(scope="module")
def requests():
    """The page's own events that send a request."""
    functions = page.build().fns.values()
    return [each for each in functions if each.api_visibility == "private" and each.fn is not None]


def test_no_component_follows_the_progress_of_an_event_of_the_page(requests):
    assert requests
    assert not [(each.name, each.targets) for each in requests if each.show_progress_on != []]


def test_what_a_page_sends_is_taken_in_that_order():
    with gr.Blocks() as demo:
        box = gr.Textbox()
        for _ in range(20):
            box.change(lambda: "", None, box, **LATEST)
    queue = demo.queue(**settings.QUEUE)._queue
    sent = [Event("a page", function, None, None) for function in demo.fns.values()]
    for event in sent:  # as `Queue.push` does
        queue.create_event_queue_for_fn(event.fn)
        queue.event_queue_per_concurrency_id[event.concurrency_id].queue.append(event)
    taken = [events[0] for events, *_ in iter(queue.get_events, None)]
    assert taken == sent


def test_all_requests_of_the_page_wait_in_one_queue(requests):
    assert {each.concurrency_id for each in requests} == {LATEST["concurrency_id"]}


def test_only_a_press_is_dropped_while_an_answer_to_the_one_before_is_under_way(requests):
    dropped = [each for each in requests if each.trigger_mode != "always_last"]
    assert dropped
    of_values = [each for each in dropped if not {kind for _, kind in each.targets} <= PRESSES or not each.targets]
    assert not [(each.name, each.targets) for each in of_values]


def test_what_follows_a_link_reads_the_one_that_was_applied_and_not_one_that_came_since():
    functions = page.build().fns.values()
    reading = [each for each in functions if "link-field" in {getattr(read, "elem_id", None) for read in each.inputs}]
    assert [each.name for each in reading] == ["apply"]


def test_what_was_changed_by_hand_is_noted_without_requests_but_for_a_link(requests):
    """An answer that comes late would forget what was changed while it was under way."""
    noting = [each for each in requests if CHANGES in {getattr(output, "elem_id", None) for output in each.outputs}]
    assert [{kind for _, kind in each.targets} for each in noting] == [{"change"}]

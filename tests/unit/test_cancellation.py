"""Computations that nobody waits for end between two chunks of their work."""

import numpy as np
import pytest
import torch

from charplay.cancellation import Cancelled, cancellable, check_cancelled
from charplay.data.text import normalize_prose
from charplay.evaluation import metrics
from charplay.inference import long_text
from charplay.interpret import memorization, neurons
from charplay.training import data_summary, time_estimate
from charplay.training.data_summary import choose_recipe, read_user_data, training_set_of
from charplay.workers.summaries import SummaryWorker
from tests.recorded_responses import RecordedResponses

TEXT = normalize_prose("The cat sat on the mat. A dog ran to the door, and out. " * 40)


def after(checks: int):
    """Says that it is cancelled once it has been asked so often."""
    remaining = iter(range(checks))
    return lambda: next(remaining, None) is None


def test_without_a_request_nothing_is_cancelled():
    check_cancelled()
    with pytest.raises(Cancelled), cancellable(lambda: True):
        check_cancelled()
    check_cancelled()


def test_a_long_text_is_given_up_between_two_chunks_and_not_cached(language_model):
    model = language_model.model
    with pytest.raises(Cancelled), cancellable(after(2)):
        long_text.cached_forward_pass(model, TEXT)
    assert (model, TEXT) not in long_text._CACHE._values
    assert len(long_text.cached_forward_pass(model, TEXT).logits) == len(TEXT)


def test_neurons_passages_and_measures_are_given_up(language_model):
    index = memorization.SpeechFilter(np.full(64, 255, np.uint8), 4, 0.0, 1, 1, 1, 0.0, "", "", "")
    long_text.cached_forward_pass(language_model.model, TEXT)
    for compute in (
        lambda: neurons.trackers(language_model, TEXT),
        lambda: memorization.find(index, TEXT),
        lambda: metrics.evaluate_speech(language_model.model, TEXT),
    ):
        compute()
        with pytest.raises(Cancelled), cancellable(lambda: True):
            compute()


def test_trial_steps_are_given_up():
    data = read_user_data("speech", TEXT, {})
    recipe = choose_recipe("speech", data, "small", {})
    with pytest.raises(Cancelled), cancellable(after(1)):
        time_estimate.measure_speed("speech", training_set_of("speech", data, recipe), recipe)


def test_a_cancelled_data_summary_stops_computing_and_the_next_is_made(monkeypatch):
    recorded, state = RecordedResponses(), {}
    worker = SummaryWorker(recorded.responses)
    summarize = data_summary.summarize

    def cancel_in_the_middle(*arguments):
        if "is_cancelled" not in state:
            state["is_cancelled"] = True
            worker.handle({"id": 1, "kind": "cancel", "arguments": {}})
            check_cancelled()
            state["went_on"] = True
        return summarize(*arguments)

    monkeypatch.setattr("charplay.workers.summaries.summarize", cancel_in_the_middle)
    monkeypatch.setattr("charplay.workers.summaries.measure_speed", lambda *_: time_estimate.Speed(1e3, 0.1, 0.1))
    arguments = {"task": "speech", "data": {"text": TEXT}, "preset": "small", "changes": {}}
    for request_id in (1, 2):
        worker.handle({"id": request_id, "kind": "summarize", "arguments": arguments})
    assert recorded.last(2)[0]["failure"] is None
    assert state == {"is_cancelled": True}
    assert not recorded.to(1)


def test_inference_mode_ends_with_what_was_cancelled(language_model):
    with pytest.raises(Cancelled), cancellable(lambda: True):
        long_text.forward_pass(language_model.model, TEXT)
    assert not torch.is_inference_mode_enabled()

"""What a page shows of a training is what is kept of it: the best model, not the last one."""

import pytest

from charplay.ui.train.progress import TrainingProgress
from charplay.ui.training_client import TrainingRequest

GOOD, WORSE = [[5, 0], [1, 4]], [[5, 0], [4, 1]]


def response(update: dict | None, result: dict | None = None) -> dict:
    return {"id": 1, "is_done": result is not None, "update": update, "result": result, "failure": None}


def evaluation(epoch: int, confusion: list, is_best: bool) -> dict:
    return {
        "kind": "evaluation",
        "epoch": epoch,
        "training_loss": 0.5,
        "validation_loss": 0.5,
        "is_best": is_best,
        "measured": {"accuracy": 0.5, "n": 10},
        "confusion": confusion,
        "classes": ["a", "b"],
    }


@pytest.fixture
def progress() -> TrainingProgress:
    progress = TrainingProgress(TrainingRequest("names", "pasted", {"text": ""}, "small", {}))
    started = {"kind": "started", "parameters": 1, "steps": 10, "epochs": 2, "baseline": 0.5, "held_out": 10}
    progress.receive(response(started))
    progress.receive(response(evaluation(1, GOOD, True)))
    return progress


def shown_counts(progress: TrainingProgress) -> list[str]:
    _, _, _, confusion = progress.render()
    return [text for trace in confusion["value"].data for text in (trace.text if trace.text is not None else [])]


def test_a_later_and_worse_evaluation_is_not_shown_in_place_of_the_best(progress):
    before = shown_counts(progress)
    progress.receive(response(evaluation(2, WORSE, False)))
    assert str(shown_counts(progress)) == str(before)
    assert progress.best == pytest.approx(0.9)


def test_at_the_end_the_stored_model_is_shown(progress):
    kept = {"confusion": WORSE, "classes": ["a", "b"]}
    result = {"ended": "done", "reason": None, "results": {}, "seconds": 1.0, "kept": kept, "opening": "abc"}
    progress.receive(response(None, result))
    status, *_ = progress.render()
    assert 'data-state="ended"' in status
    assert progress.best == pytest.approx(0.6)
    assert progress.opening == "abc"


def test_a_place_in_the_queue_is_told_with_about_how_long(progress):
    waiting = TrainingProgress(TrainingRequest("names", "pasted", {"text": ""}, "small", {}))
    waiting.receive(response({"kind": "queued", "queue_position": 3, "wait_seconds": 42.0}))
    status, *_ = waiting.render()
    assert 'data-state="queued"' in status
    assert ">3</b>" in status
    assert "42 s" in status


def test_invented_texts_are_shown_by_class_beside_the_ngrams_and_escaped():
    progress = TrainingProgress(TrainingRequest("invent", "pasted", {"text": ""}, "small", {}))
    started = {"kind": "started", "parameters": 1, "steps": 10, "epochs": 2, "baseline": 4.5, "held_out": 10}
    progress.receive(response(started))
    of_class = {"label": "<b>", "texts": ["<i>ada", "ana"], "bits_per_character": 3.25, "ngram_bits_per_character": 4.5}
    shown = {"measured": {"bits_per_character": 3.25}, "training_loss": 2.0, "validation_loss": 2.25, "is_best": True}
    progress.receive(response({"kind": "evaluation", "epoch": 1, "invented": [of_class], **shown}))
    status, _, sample, confusion = progress.render()
    assert progress.best == 3.25
    assert "n-gram" in status
    assert "<b>" not in sample.replace('<b translate="no">', "")
    assert "<i>" not in sample
    assert all(number in sample for number in ("3.25", "4.50"))
    assert confusion["visible"] is False

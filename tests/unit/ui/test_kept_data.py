"""Every store of what visitors brought or made is empty after its time, whether a request comes or not."""

import time

import pytest

from charplay import limits
from charplay.inference import long_text
from charplay.models import checkpoints
from charplay.ui import uploads
from charplay.workers import inference
from tests.conftest import make_checkpoint


@pytest.fixture
def later(monkeypatch):
    """Moves the clock of each store on by some seconds."""
    stores = (uploads.REMEMBERED, inference.USER_MODELS, long_text._CACHE)
    offset = [0.0]
    for store in stores:
        monkeypatch.setattr(store, "_clock", lambda: time.monotonic() + offset[0])

    def move(seconds: float) -> None:
        offset[0] += seconds
        for store in stores:
            store.sweep()  # what the store's timer does

    yield move
    move(limits.SESSION_SECONDS + 1)


def test_an_upload_is_forgotten_after_a_minute(tmp_path, later):
    path = tmp_path / "a.txt"
    path.write_bytes(b"what somebody wrote")
    assert uploads.take({"path": str(path)})[1] == b"what somebody wrote"
    assert uploads.take({"path": str(path)})[1]  # another page that uploaded the same
    later(uploads.REMEMBERED_SECONDS + 1)
    assert len(uploads.REMEMBERED) == 0
    with pytest.raises(ValueError, match="choose it again"):
        uploads.take({"path": str(path)})


def test_a_user_model_and_the_texts_it_read_are_forgotten_with_the_session(tmp_path, later):
    path = tmp_path / "mine.safetensors"
    checkpoints.save(path, make_checkpoint("speech"))
    model = inference._load(path, "speech").model
    long_text.cached_forward_pass(model, "what somebody wrote")
    assert len(inference.USER_MODELS) > 0
    assert len(long_text._CACHE) > 0
    later(limits.SESSION_SECONDS + 1)
    assert len(inference.USER_MODELS) == 0
    assert len(long_text._CACHE) == 0


@pytest.mark.parametrize("is_shipped", [True, False])
def test_a_model_is_loaded_once_for_whatever_it_is(tmp_path, monkeypatch, later, is_shipped):
    path = tmp_path / f"{is_shipped}.safetensors"
    checkpoints.save(path, make_checkpoint("speech"))
    if is_shipped:
        monkeypatch.setattr(checkpoints, "DIRECTORIES", (tmp_path,))
    assert inference._load(path) is inference._load(path, "speech")
    with pytest.raises(checkpoints.CheckpointError, match="not for names"):
        inference._load(path, "names")

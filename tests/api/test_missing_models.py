"""Without a usable checkpoint the tabs of its task say why, and the others work."""

import pickle
import shutil

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from charplay.models import checkpoints
from charplay.ui import page
from tests.conftest import launched
from tests.safetensors_files import change_metadata

CALLS = {"names": ("/classify", "Rossi"), "speech": ("/generate", "My fellow")}


def break_file(path, how: str) -> None:
    """Breaks the checkpoint at `path`."""
    if how == "missing":
        path.unlink()
    elif how == "cut short":
        path.write_bytes(path.read_bytes()[:100_000])
    elif how == "a pickle renamed":
        path.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    else:
        change_metadata(
            path, lambda header: header.update(config=header["config"].replace('"layers": 2', '"layers": 1'))
        )


@pytest.mark.parametrize("how", ["missing", "cut short", "a pickle renamed", "other shapes"])
@pytest.mark.parametrize(("broken", "whole"), [("names", "speech"), ("speech", "names")])
def test_the_app_starts_without_a_model_and_the_rest_works(tmp_path, broken, whole, how):
    for task in CALLS:
        shutil.copy(checkpoints.SHIPPED_DIRECTORY / f"{task}.safetensors", tmp_path)
    break_file(tmp_path / f"{broken}.safetensors", how)
    with launched(tmp_path) as (demo, url):
        client = Client(url, verbose=False)
        endpoint, text = CALLS[whole]
        assert client.predict(text, api_name=endpoint)
        endpoint, text = CALLS[broken]
        with pytest.raises(AppError, match=rf"{broken}\.safetensors"):
            client.predict(text, api_name=endpoint)
        shown = [str(block.value) for block in demo.blocks.values() if hasattr(block, "value")]
        messages = [text for text in shown if "This tab has no model" in text and f"{broken}.safetensors" in text]
        assert len(messages) == (2 if broken == "names" else 1)
        client.close()


def test_files_that_are_no_checkpoints_are_named_and_left_out(tmp_path):
    for name in ("names", "names-rnn", "speech", "invent"):
        shutil.copy(checkpoints.SHIPPED_DIRECTORY / f"{name}.safetensors", tmp_path)
    (tmp_path / "names-gru.safetensors").write_bytes((tmp_path / "names-rnn.safetensors").read_bytes()[:5000])
    (tmp_path / "speech-mine.safetensors").write_bytes(pickle.dumps([1]))
    (tmp_path / "weather.safetensors").write_bytes(b"cloudy")
    demo = page.build(tmp_path)
    shown = " ".join(str(block.value) for block in demo.blocks.values() if hasattr(block, "value"))
    for name in ("names-gru", "speech-mine", "weather"):
        assert f"{name}.safetensors" in shown
    assert "This tab has no model" not in shown
    (model,) = (block for block in demo.blocks.values() if getattr(block, "elem_id", "") == "model")
    assert [value for _, value in model.choices] == ["names", "names-rnn"]

"""A checkpoint that is missing or broken takes its tab along, and nothing else."""

import shutil

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from charplay import checkpoints
from charplay.ui import page


@pytest.mark.parametrize("broken", ["missing", "cut short", "a text"])
def test_the_app_starts_without_a_model_and_the_others_work(tmp_path, broken):
    shutil.copy(checkpoints.DIRECTORY / "names.safetensors", tmp_path)
    if broken != "missing":
        whole = (checkpoints.DIRECTORY / "speech.safetensors").read_bytes()
        (tmp_path / "speech.safetensors").write_bytes(whole[:100_000] if broken == "cut short" else b"no tensors")
    demo = page.build(tmp_path)
    try:
        _, url, _ = demo.launch(
            prevent_thread_lock=True, server_name="127.0.0.1", quiet=True, **page.launch_arguments()
        )
        client = Client(url, verbose=False)
        assert client.predict("Rossi", api_name="/classify")["country"] == "Italian"
        with pytest.raises(AppError, match=r"speech\.safetensors"):
            client.predict("My fellow", api_name="/generate")
        shown = [str(block.value) for block in demo.blocks.values() if hasattr(block, "value")]
        assert any("This tab has no model" in text and "speech.safetensors" in text for text in shown)
        client.close()
    finally:
        demo.close()

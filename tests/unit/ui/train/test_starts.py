"""What a training can start from, and the files that it takes along."""

import gradio as gr
import pytest

from charplay.models import checkpoints
from charplay.ui import controls
from charplay.ui.train.page_training import with_own_files
from charplay.ui.train.starts import SIZES, Starts
from charplay.ui.training_client import SettingsError, TrainingRequest
from tests.conftest import make_checkpoint

PAGE = gr.Request(session_hash="a page")


@pytest.fixture
def starts(tmp_path):
    for task in ("names", "speech"):
        checkpoints.save(tmp_path / f"{task}.safetensors", make_checkpoint(task))
    return Starts(checkpoints.load_all(tmp_path))


def test_the_models_of_what_is_learnt_are_offered(starts):
    start, preset, *sizes = starts.update(controls.TEXT, controls.CLASSIFY, controls.NEW_NETWORK, PAGE)
    assert [name for _, name in start["choices"]] == [controls.NEW_NETWORK, "speech"]
    assert start["value"] == controls.NEW_NETWORK
    assert all(each["interactive"] for each in (preset, *sizes))
    start, preset, *sizes = starts.update(controls.TEXT, controls.CLASSIFY, "speech", PAGE)
    assert start["value"] == "speech"
    assert len(sizes) == len(SIZES)
    assert not any(each["interactive"] for each in (preset, *sizes))
    start, *_ = starts.update(controls.ROWS, controls.CLASSIFY, "speech", PAGE)
    assert start["value"] == controls.NEW_NETWORK
    start, *_ = starts.update(controls.TEXT, controls.CLASSIFY, ["speech"], PAGE)
    assert start["value"] == controls.NEW_NETWORK


def test_what_invents_begins_as_a_new_network(starts):
    start, preset, *_ = starts.update(controls.ROWS, controls.INVENT, "names", PAGE)
    assert [name for _, name in start["choices"]] == [controls.NEW_NETWORK]
    assert start["value"] == controls.NEW_NETWORK
    assert preset["interactive"]
    with pytest.raises(SettingsError):
        starts.find("invent", "names", PAGE)
    with pytest.raises(ValueError, match="What to train"):
        starts.update(controls.ROWS, "both", controls.NEW_NETWORK, PAGE)


def test_a_model_that_is_not_offered_is_a_user_error(starts, tmp_path):
    assert starts.find("speech", controls.NEW_NETWORK, PAGE) is None
    assert starts.find("speech", "speech", PAGE) == str(tmp_path / "speech.safetensors")
    for chosen in ("names", "yours 7", "../speech", None, ["speech"]):
        with pytest.raises(SettingsError):
            starts.find("speech", chosen, PAGE)


def test_a_training_takes_copies_of_its_files_along(tmp_path):
    for name in ("uploaded", "start.safetensors"):
        (tmp_path / name).write_text(name)
    directory = tmp_path / "training"
    directory.mkdir()
    files = {"data": {"file": str(tmp_path / "uploaded")}, "start": str(tmp_path / "start.safetensors")}
    request = TrainingRequest("speech", "a text", preset="small", changes={}, **files)
    own = with_own_files(request, directory)
    for name in ("uploaded", "start.safetensors"):
        (tmp_path / name).unlink()
    arguments = own.as_arguments()
    with open(arguments["data"]["file"]) as data, open(arguments["start"]) as start:
        assert (data.read(), start.read()) == ("uploaded", "start.safetensors")
    assert arguments["start"].endswith("start.safetensors")

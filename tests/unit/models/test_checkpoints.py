import dataclasses
import errno
import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from charplay.data.batches import pad
from charplay.data.vocabulary import ASCII
from charplay.models import checkpoints
from charplay.models.checkpoints import CheckpointError
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_classifier, make_conditional_model, make_language_model
from tests.safetensors_files import KEPT_BYTES, change_metadata, replace_tensors, truncate


@pytest.fixture(params=["names", "speech", "invent"])
def saved(request, tmp_path):
    path = tmp_path / f"{request.param}.safetensors"
    checkpoints.save(path, make_checkpoint(request.param))
    return path


@pytest.mark.parametrize("cell", CELLS)
def test_a_saved_model_equals_the_loaded_one(cell, tmp_path):
    padded, text = pad(["adylov", "san"]), torch.tensor([[104, 105, 33]])
    for task, model, inputs in (
        ("names", make_classifier(cell), (padded.codes, padded.lengths)),
        ("speech", make_language_model(cell), (text,)),
        ("invent", make_conditional_model(cell), (text, torch.ones(1, 18) / 18)),
    ):
        path = tmp_path / f"{task}.safetensors"
        checkpoints.save(path, make_checkpoint(task, model))
        loaded = checkpoints.load(path)
        assert loaded.config == model.config
        before, after = model(*inputs), loaded.model(*inputs)
        assert torch.equal(before[0], after[0])


def test_a_models_description_is_in_its_header(tmp_path):
    checkpoint = dataclasses.replace(
        make_checkpoint("names"), recipe={"seed": 3, "epochs": 2}, results={"test": {"accuracy": 0.5}}
    )
    path = tmp_path / "x.safetensors"
    checkpoints.save(path, checkpoint)
    loaded = checkpoints.load(path)
    for field in ("task", "alphabet", "classes", "shares", "data", "recipe", "date", "results", "config", "vocabulary"):
        assert getattr(loaded, field) == getattr(checkpoint, field)


def test_a_file_of_the_format_without_a_vocabulary_has_ascii_codes(saved):
    before = checkpoints.load(saved)
    change_metadata(saved, lambda metadata: metadata.update(format_version="2"))
    change_metadata(saved, lambda metadata: metadata.pop("vocabulary"))
    again = checkpoints.load(saved)
    assert again.vocabulary == before.vocabulary == ASCII
    change_metadata(saved, lambda metadata: metadata.update(format_version="3"))
    with pytest.raises(CheckpointError, match="lacks vocabulary"):
        checkpoints.load(saved)


def test_half_precision_halves_the_file_and_rounds_once(tmp_path):
    checkpoint = make_checkpoint("speech")
    checkpoints.save(tmp_path / "whole", checkpoint)
    checkpoints.save(tmp_path / "half", checkpoint, half=True)
    sizes = [(tmp_path / name).stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.65 * sizes[0]
    once = checkpoints.load(tmp_path / "half")
    checkpoints.save(tmp_path / "again", once, half=True)
    for first, second in zip(
        once.model.parameters(), checkpoints.load(tmp_path / "again").model.parameters(), strict=True
    ):
        assert torch.equal(first, second)


@pytest.mark.parametrize("kept", KEPT_BYTES)
def test_a_truncated_file_is_refused(saved, kept):
    truncate(saved, kept)
    with pytest.raises(CheckpointError, match=saved.name):
        checkpoints.load(saved)


def test_a_missing_file_a_directory_and_a_text_are_refused(tmp_path):
    (tmp_path / "text").write_text("no tensors here")
    (tmp_path / "directory").mkdir()
    for name in ("missing", "directory", "text"):
        with pytest.raises(CheckpointError, match=name):
            checkpoints.load(tmp_path / name)


def test_a_renamed_pickle_is_refused_and_not_executed(tmp_path):
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self):
            return (ran.touch, ())

    path = tmp_path / "names.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CheckpointError, match="no readable safetensors file"):
        checkpoints.load(path)
    assert not ran.exists()


@pytest.mark.parametrize(
    ("change", "essential"),
    [
        (lambda m: m.clear(), "lacks format_version"),
        (lambda m: m.pop("results"), "lacks results"),
        (lambda m: m.update(format_version="99"), "format version 99"),
        (lambda m: m.update(format_version='"1"'), "unusable format_version"),
        (lambda m: m.update(config="{"), "no JSON"),
        (lambda m: m.update(config="[" * 100_000), "no JSON"),
        (lambda m: m.update(results='{"a": ' + "1" * 5000 + "}"), "no JSON"),
        (lambda m: m.update(config="[]"), "unusable config"),
        (lambda m: m.update(config='{"unknown": 1}'), "cannot be built"),
        (lambda m: m.update(config=m["config"].replace('"gru"', '"cnn"')), "cannot be built"),
        (lambda m: m.update(config=m["config"].replace('"hidden_size": 12', '"hidden_size": 16')), "other tensors"),
        (lambda m: m.update(config=m["config"].replace('"hidden_size": 12', '"hidden_size": 4096')), "other tensors"),
        (
            lambda m: m.update(config=m["config"].replace('"hidden_size": 12', '"hidden_size": 1000000000')),
            "cannot be built",
        ),
        (lambda m: m.update(task='"weather"'), "unknown task"),
        (lambda m: m.update(alphabet='""'), "alphabet"),
        (lambda m: m.update(alphabet='"é"'), "alphabet"),
        (lambda m: m.update(classes='["A", "B"]'), "2 classes"),
        (lambda m: m.update(classes=json.dumps(list(range(18)))), "class"),
        (lambda m: m.update(shares="[0.5]"), "shares"),
        (lambda m: m.update(shares=json.dumps([0.25, 0.75])), "shares of 2"),
        (lambda m: m.update(shares='["much"]'), "shares"),
    ],
)
def test_an_invalid_header_is_refused(saved, change, essential):
    change_metadata(saved, change)
    with pytest.raises(CheckpointError, match=essential):
        checkpoints.load(saved)


def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(saved, tmp_path):
    checkpoint = make_checkpoint("speech")
    checkpoint.model.linear.bias.data[3] = torch.nan
    with pytest.raises(CheckpointError, match="no finite numbers"):
        checkpoints.save(tmp_path / "new", checkpoint)
    assert not (tmp_path / "new").exists()
    loaded = checkpoints.load(saved)
    tensors = {name: tensor * torch.inf for name, tensor in loaded.model.state_dict().items()}
    replace_tensors(saved, tensors)
    with pytest.raises(CheckpointError, match="no finite numbers"):
        checkpoints.load(saved)


def test_a_model_for_another_task_is_refused(tmp_path):
    checkpoints.save(tmp_path / "x", make_checkpoint("speech"))
    with pytest.raises(CheckpointError, match="for speech, not for names"):
        checkpoints.load(tmp_path / "x", "names")


def test_a_registry_holds_the_usable_checkpoints_and_the_problems_of_the_rest(tmp_path):
    for name in ("names", "names-b", "names-a"):
        checkpoints.save(tmp_path / f"{name}.safetensors", make_checkpoint("names"))
    checkpoints.save(tmp_path / "speech.safetensors", make_checkpoint("names"))  # for the wrong task
    checkpoints.save(tmp_path / "names.unfinished.safetensors", make_checkpoint("names"))
    (tmp_path / "names-a.safetensors").write_bytes((tmp_path / "names-b.safetensors").read_bytes()[:200])
    save_file({"weight": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    (tmp_path / "pickle.safetensors").write_bytes(pickle.dumps([1]))
    registry = checkpoints.load_all(tmp_path)
    assert list(registry.models["names"]) == ["names", "names-b"]
    assert registry.default("names") is registry.models["names"]["names"]
    assert set(registry.problems) == {"names-a", "speech", "foreign", "pickle"}
    assert all(f"{name}.safetensors" in str(problem) for name, problem in registry.problems.items())
    with pytest.raises(CheckpointError, match="for names, not for speech"):
        registry.default("speech")
    (tmp_path / "speech.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"There is no speech\.safetensors"):
        checkpoints.load_all(tmp_path).default("speech")
    (tmp_path / "names.safetensors").unlink()
    assert list(checkpoints.load_all(tmp_path).models["names"]) == ["names-b"]


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 1215\n"


def test_a_git_lfs_pointer_names_the_command_that_fetches_the_file(tmp_path):
    path = tmp_path / "names.safetensors"
    path.write_text(POINTER)
    with pytest.raises(CheckpointError, match=r"names\.safetensors.*`git lfs pull`"):
        checkpoints.load(path)
    with pytest.raises(CheckpointError, match="`git lfs pull`"):
        checkpoints.load_all(tmp_path).default("names")


def test_files_whose_name_begins_with_a_dot_are_ignored(tmp_path):
    checkpoints.save(tmp_path / "names.safetensors", make_checkpoint("names"))
    (tmp_path / "._names.safetensors").write_bytes(b"\0\5\x16\7")  # what macOS leaves beside a copied file
    checkpoints.save(tmp_path / ".hidden.safetensors", make_checkpoint("names"))
    registry = checkpoints.load_all(tmp_path)
    assert list(registry.models["names"]) == ["names"]
    assert registry.problems == {}


@pytest.mark.parametrize("renamed", [False, True])
def test_a_checkpoint_of_a_newer_format_says_so_whatever_else_it_holds(saved, renamed):
    def change(metadata):
        metadata.update(format_version=str(checkpoints.FORMAT_VERSION + 1))
        if renamed:
            metadata["model"] = metadata.pop("config")

    change_metadata(saved, change)
    with pytest.raises(CheckpointError, match=rf"newer.*format version {checkpoints.FORMAT_VERSION + 1}"):
        checkpoints.load(saved)


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    def write_half(path, content):
        path.open("wb").write(content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as raised:
        checkpoints.save(tmp_path / "names.safetensors", make_checkpoint("names"))
    assert raised.value.filename == str(tmp_path / "names.safetensors")
    assert list(tmp_path.iterdir()) == []

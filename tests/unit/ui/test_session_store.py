"""What a session keeps is found by that session alone, and expires."""

import errno
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from charplay import limits
from charplay.models import checkpoints
from charplay.models.checkpoints import CheckpointError, Registry
from charplay.models.networks import CharLM, CharLMConfig
from charplay.models.text_filter import add_texts, has_text
from charplay.ui import session_store
from charplay.ui.session_store import SessionStore
from tests.conftest import make_checkpoint


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(clock) -> SessionStore:
    return SessionStore(clock)


@pytest.fixture
def file(tmp_path):
    """Writes a checkpoint, by default a small language model, and returns its bytes."""

    def write(checkpoint=None) -> bytes:
        path = tmp_path / "some.safetensors"
        checkpoints.save(path, checkpoint or make_checkpoint("speech"))
        return path.read_bytes()

    return write


def test_a_model_is_found_by_its_own_session_and_by_no_other(kept, file):
    name = kept.keep_model("one", file(), "mine.safetensors")
    assert list(kept.models("one")) == [name]
    assert list(kept.models("one", "speech")) == [name]
    for other in ("two", "ONE", "one ", "", None, ["one"], "../one"):
        assert kept.models(other) == {}
    assert kept.models("one", "names") == {}


def test_a_model_that_invents_still_recognizes_its_training_texts(kept, file):
    checkpoint = make_checkpoint("invent")
    add_texts(checkpoint.model.seen, ["rossi"])
    name = kept.keep_model("one", file(checkpoint), "mine.safetensors")
    model = kept.models("one", "invent")[name].model
    assert has_text(model.seen, "rossi")
    assert not has_text(model.seen, "verdi")
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}


def test_the_file_is_kept_as_uploaded_and_its_weights_take_no_memory(kept, file):
    content = file()
    name = kept.keep_model("one", content, "mine.safetensors")
    model = kept.models("one")[name]
    assert {parameter.device.type for parameter in model.model.parameters()} == {"meta"}
    assert model.path.read_bytes() == content
    again = checkpoints.load(model.path, "speech")
    assert again.alphabet == model.alphabet
    assert again.config == model.config


def test_the_directory_is_private_and_a_session_is_not_part_of_a_path(kept, file):
    name = kept.keep_model("../../evil", file(), "../../../mine.safetensors")
    path = kept.models("../../evil")[name].path
    assert path.parent.parent.stat().st_mode & 0o077 == 0
    assert path.name == "charplay-speech-gru-2x12.safetensors"
    assert "evil" not in str(path)
    assert "mine" not in str(path)


def test_a_session_expires_an_hour_after_its_last_use(kept, clock, file):
    name = kept.keep_model("one", file(), "mine.safetensors")
    kept.keep_data("one", "a.txt", b"text")
    path = kept.models("one")[name].path
    clock.now += limits.SESSION_SECONDS - 1
    assert kept.models("one")  # a use
    clock.now += limits.SESSION_SECONDS - 1
    data = kept.data("one")
    assert (data.name, data.path.read_bytes()) == ("a.txt", b"text")
    clock.now += limits.SESSION_SECONDS + 1
    assert kept.models("one") == {}
    assert kept.data("one") is None
    assert not path.exists()
    assert not data.path.exists()


def test_an_expired_session_is_removed_without_any_request(kept, clock, file):
    name = kept.keep_model("one", file(), "mine.safetensors")
    path = kept.models("one")[name].path
    clock.now += limits.SESSION_SECONDS + 1
    kept.sweep()
    assert not path.exists()


def test_of_too_many_models_of_a_session_the_oldest_is_dropped_and_numbers_are_not_reused(kept, file):
    content = file()
    names = [kept.keep_model("one", content, "mine.safetensors") for _ in range(limits.MAX_SESSION_MODELS)]
    first = kept.models("one")[names[0]].path
    names.append(kept.keep_model("one", content, "mine.safetensors"))
    assert list(kept.models("one")) == names[1:]
    assert len(set(names)) == len(names)
    assert not first.exists()


def test_of_too_many_sessions_the_least_recently_used_is_dropped(kept, monkeypatch):
    monkeypatch.setattr(limits, "MAX_SESSIONS", 3)
    for session in ("one", "two", "three"):
        kept.keep_data(session, session, b"x")
    assert kept.data("one")
    kept.keep_data("four", "four", b"x")
    assert kept.data("two") is None
    assert all(kept.data(session) for session in ("one", "three", "four"))


def test_all_sessions_together_take_no_more_than_the_bound(kept, monkeypatch, file):
    kept.keep_model("one", file(), "mine.safetensors")
    kept.keep_data("two", "two", b"x" * 500)
    monkeypatch.setattr(limits, "MAX_SESSION_STORE_BYTES", 1000)
    kept.keep_data("three", "three", b"x" * 500)
    assert kept.models("one") == {}
    assert kept.data("two")
    assert kept.data("three")


def bad_files() -> dict[str, tuple[bytes, str]]:
    return {
        "a pickle": (pickle.dumps({"weights": [1, 2]}), "no readable safetensors"),
        "nothing": (b"", "no readable safetensors"),
        "a text": (b"once upon a time, there was a text", "no readable safetensors"),
    }


@pytest.mark.parametrize("which", bad_files())
def test_an_error_names_the_users_file_and_leaves_nothing(kept, file, which):
    good = kept.keep_model("one", file(), "good.safetensors")
    content, sentence = bad_files()[which]
    with pytest.raises(CheckpointError, match=sentence) as refused:
        kept.keep_model("one", content, "holiday.safetensors")
    assert str(refused.value).startswith("holiday.safetensors ")
    path = kept.models("one")[good].path
    assert list(path.parent.parent.iterdir()) == [path.parent]


def test_a_model_with_too_many_parameters_is_refused(kept, file, monkeypatch):
    content = file()
    monkeypatch.setattr(limits, "MAX_USER_PARAMETERS", 100)
    with pytest.raises(CheckpointError, match="parameters; a model of your own may have 100"):
        kept.keep_model("one", content, "mine.safetensors")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"alphabet": "ab\0"}, "alphabet"),
        ({"classes": ("a", "a")}, "name of its own"),
        ({"classes": ("a", "")}, "empty"),
        ({"classes": ("a", "b" * 100)}, "too long"),
        ({"classes": ("a", "b\n")}, "cannot be shown"),
    ],
)
def test_a_model_that_no_tab_can_show_is_refused(kept, file, changes, sentence):
    if "classes" in changes:
        from charplay.models.networks import NameClassifier, NameClassifierConfig

        model = NameClassifier(NameClassifierConfig("rnn", 4, 4, 1, classes=2))
        checkpoint = replace(make_checkpoint("names", model), shares=(0.5, 0.5), **changes)
    else:
        checkpoint = replace(make_checkpoint("speech", CharLM(CharLMConfig("rnn", 4, 4, 1))), **changes)
    with pytest.raises(CheckpointError, match=sentence):
        kept.keep_model("one", file(checkpoint), "mine.safetensors")


def test_a_request_without_a_session_keeps_nothing(kept, file):
    for session in (None, "", "x" * 1000):
        with pytest.raises(ValueError, match=r"page|session"):
            kept.keep_model(session, file(), "mine.safetensors")


def test_runs_are_kept_in_order_and_the_oldest_of_too_many_is_dropped(kept):
    for number in range(limits.MAX_SESSION_RUNS + 2):
        kept.add_run("one", {"number": number})
    assert [run["number"] for run in kept.runs("one")] == list(range(2, limits.MAX_SESSION_RUNS + 2))
    assert kept.runs("two") == []


class Page:
    def __init__(self, session):
        self.session_hash = session


def test_a_tab_finds_the_registrys_models_and_its_sessions_user_models(kept, file, clock, monkeypatch):
    monkeypatch.setattr(session_store, "STORE", kept)
    shipped = make_checkpoint("speech")
    registry = Registry({"names": {}, "speech": {"speech": shipped}}, {})
    name = kept.keep_model("one", file(), "mine.safetensors")
    assert session_store.find(registry, "speech", "speech", Page("two")) is shipped
    assert session_store.find(registry, "speech", name, Page("one")).path.exists()
    for wrong in ("nothing", None, ["speech"], 7):
        with pytest.raises(ValueError, match="must be one of"):
            session_store.find(registry, "speech", wrong, Page("one"))
    for page in (Page("two"), Page(None)):
        with pytest.raises(ValueError, match="not kept here any more"):
            session_store.find(registry, "speech", name, page)
    clock.now += limits.SESSION_SECONDS + 1
    with pytest.raises(ValueError, match="60 minutes"):
        session_store.find(registry, "speech", name, Page("one"))


def test_the_kept_weights_are_the_trained_ones(kept, file):
    checkpoint = make_checkpoint("speech")
    name = kept.keep_model("one", file(checkpoint), "mine.safetensors")
    loaded = checkpoints.load(kept.models("one")[name].path).model.state_dict()
    assert all(torch.equal(tensor, loaded[key]) for key, tensor in checkpoint.model.state_dict().items())


def test_a_full_disk_leaves_no_half_file_and_what_was_kept_before(kept, file, monkeypatch):
    content = file()
    name = kept.keep_model("one", content, "mine.safetensors")
    kept.keep_data("one", "before.txt", b"before")

    def write_half(path, content):
        with path.open("wb") as out:
            out.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with kept.temporary_directory() as directory:
        checkpoints.save(directory / "trained", make_checkpoint("speech"))
        before = set(kept._folder().rglob("*"))
        monkeypatch.setattr(Path, "write_bytes", write_half)
        for keep in (
            lambda: kept.keep_model("one", content, "another.safetensors"),
            lambda: kept.keep_data("one", "after.txt", b"after"),
        ):
            with pytest.raises(ValueError, match=os.strerror(errno.ENOSPC)):
                keep()
        assert set(kept._folder().rglob("*")) == before
        assert list(kept.models("one")) == [name]
        assert kept.data("one").name == "before.txt"
        # A trained model is moved, which takes no room.
        assert kept.keep_model("one", directory / "trained", "The trained model") in kept.models("one")


def test_a_closed_page_takes_its_files_along(kept, file):
    name = kept.keep_model("one", file(), "mine.safetensors")
    kept.keep_data("one", "mine.txt", b"mine")
    kept.keep_data("two", "theirs.txt", b"theirs")
    paths = [kept.models("one")[name].path, kept.data("one").path]
    kept.forget("one")
    kept.forget("never seen")
    assert not any(path.exists() for path in paths)
    assert kept.models("one") == {}
    assert kept.data("two").path.read_bytes() == b"theirs"

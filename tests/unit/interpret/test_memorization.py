import dataclasses
import pickle
import random
import string

import numpy as np
import pytest
import torch

from charplay.data.datasets import Speech
from charplay.interpret import memorization
from charplay.interpret.memorization import GUARANTEED_CHARACTERS, STRIDE_CHARACTERS
from charplay.models import checkpoints
from charplay.models.checkpoints import CheckpointError
from tests.conftest import make_checkpoint
from tests.safetensors_files import KEPT_BYTES, change_metadata, replace_tensors, truncate


def noise(length: int, seed: int) -> str:
    """Random characters."""
    return "".join(random.Random(seed).choices(string.ascii_lowercase + " .,", k=length))


@pytest.fixture
def small():
    return memorization.build([Speech("2000-01-01", "", noise(5_000, 1))], [Speech("", "", noise(500, 2))], "1930")


@pytest.fixture
def saved(small, tmp_path):
    memorization.save(tmp_path / memorization.FILTER_FILE, small)
    return tmp_path / memorization.FILTER_FILE


def test_a_repeated_speech_is_indexed_once(small):
    speech = Speech("2000-01-01", "", noise(5_000, 1))
    again = memorization.build([speech] * 3, [speech], "1930")
    assert np.array_equal(again.bits, small.bits)
    assert again.test_share == pytest.approx(1, abs=2 * STRIDE_CHARACTERS / 5_000)


def test_passages_that_overlap_or_touch_are_one(small):
    text = noise(5_000, 1)
    assert memorization.find(small, text[800:840]) == [(0, 40)]
    assert memorization.find(small, text[800:824] + text[1600:1624]) == [(0, 48)]
    assert memorization.find(small, text[800:824] + "#" + text[1600:1624]) == [(0, 24), (25, 49)]
    assert memorization.count_covered([(0, 24), (25, 49)]) == 48


def test_speeches_without_24_characters_cannot_be_indexed():
    with pytest.raises(ValueError, match="nothing to index in 3 characters"):
        memorization.build([Speech("", "", "We.")], [], "1930")


def test_a_saved_filter_equals_the_loaded_one(small, saved):
    loaded = memorization.load(saved)
    assert np.array_equal(loaded.bits, small.bits)
    assert dataclasses.replace(loaded, bits=small.bits) == small
    assert memorization.find_by_file(make_checkpoint("speech"), str(saved), noise(5_000, 1)[:GUARANTEED_CHARACTERS])


@pytest.mark.parametrize("kept", KEPT_BYTES)
def test_a_truncated_file_is_refused(saved, kept):
    truncate(saved, kept)
    with pytest.raises(CheckpointError, match=memorization.FILTER_FILE):
        memorization.load(saved)


def test_a_missing_file_a_directory_a_pickle_and_a_model_are_refused(tmp_path):
    (tmp_path / "directory").mkdir()
    (tmp_path / "pickle").write_bytes(pickle.dumps([1]))
    checkpoints.save(tmp_path / "model", make_checkpoint("speech"))
    for name, message in (
        ("missing", "no missing"),
        ("directory", "readable"),
        ("pickle", "readable"),
        ("model", "lacks"),
    ):
        with pytest.raises(CheckpointError, match=message):
            memorization.load(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.clear(), "lacks format_version, gram, stride"),
        (lambda m: m.pop("since"), "lacks since"),
        (lambda m: m.update(format_version="99"), "format version 99; this charplay reads 1"),
        (lambda m: m.update(gram="16"), "gram 16; this charplay reads 24"),
        (lambda m: m.update(stride="1"), "stride 1; this charplay reads 8"),
        (lambda m: m.update(grams="true"), "unusable grams"),
        (lambda m: m.update(grams="-1"), "numbers that no filter has"),
        (lambda m: m.update(grams="1000"), "other tensors"),
        (lambda m: m.update(grams="1000000000"), "other tensors"),
        (lambda m: m.update(grams="1" + "0" * 400), "numbers that no filter has"),
        (lambda m: m.update(hashes="1"), "numbers that no filter has"),
        (lambda m: m.update(test_share="NaN"), "numbers that no filter has"),
        (lambda m: m.update(false_positive_rate="0.5"), "other bits"),
        (lambda m: m.update(false_positive_rate="NaN"), "other bits"),
        (lambda m: m.update(data="{"), "no JSON"),
    ],
)
def test_a_header_that_does_not_describe_the_filter_is_refused(saved, change, message):
    change_metadata(saved, change)
    with pytest.raises(CheckpointError, match=message):
        memorization.load(saved)


@pytest.mark.parametrize("fill", [0, 255])
def test_bits_that_contradict_the_header_are_refused(saved, small, fill):
    replace_tensors(saved, {"bits": torch.full((len(small.bits),), fill, dtype=torch.uint8)})
    with pytest.raises(CheckpointError, match="other bits"):
        memorization.load(saved)
    replace_tensors(saved, {"bits": torch.zeros(len(small.bits), dtype=torch.int16)})
    with pytest.raises(CheckpointError, match="other tensors"):
        memorization.load(saved)


def test_the_registry_does_not_list_the_filter_as_a_model(saved):
    checkpoints.save(saved.with_name("speech.safetensors"), make_checkpoint("speech"))
    registry = checkpoints.load_all(saved.parent)
    assert (list(registry.models["speech"]), registry.problems) == (["speech"], {})

"""The shipped filter of the speeches against the speeches."""

import dataclasses
import json
import random
import string

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from charplay.cli import main
from charplay.data.datasets import Speech, join_speeches
from charplay.interpret import memorization
from charplay.interpret.memorization import GRAM_CHARACTERS, GUARANTEED_CHARACTERS, STRIDE_CHARACTERS
from charplay.models import checkpoints
from charplay.training.recipes import RECIPES
from charplay.training.tasks import training_mix


def noise(length: int, seed: int) -> str:
    """Characters at random, of which nobody has made a speech."""
    return "".join(random.Random(seed).choices(string.ascii_lowercase + " .,", k=length))


@pytest.fixture(scope="module")
def shipped():
    return memorization.load(checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE)


@pytest.fixture(scope="module")
def training_text(speeches) -> str:
    mix = training_mix(speeches, dataclasses.replace(RECIPES["speech"]["best"], copies=1))
    return join_speeches(mix)


@pytest.fixture
def small():
    return memorization.build(
        [Speech("2000-01-01", "Nobody", noise(5_000, 1))], [Speech("", "", noise(500, 2))], "1930"
    )


def test_every_run_of_31_characters_of_the_training_text_is_found(shipped, training_text):
    draw = random.Random(0)
    offsets = [draw.randrange(len(training_text) - GUARANTEED_CHARACTERS + 1) for _ in range(4_000)]
    offsets += [0, len(training_text) - GUARANTEED_CHARACTERS, *range(70_000, 70_000 + 2 * STRIDE_CHARACTERS)]
    for offset in offsets:
        run = training_text[offset : offset + GUARANTEED_CHARACTERS]
        [(start, end)] = memorization.find(shipped, run)
        assert end - start >= GRAM_CHARACTERS


@pytest.mark.parametrize("length", [GUARANTEED_CHARACTERS, 40, 200, 3_000])
def test_a_copied_run_amid_made_up_text_is_marked_but_for_seven_characters_at_either_end(
    shipped, training_text, length
):
    draw = random.Random(length)
    for seed in range(100):
        offset = draw.randrange(len(training_text) - length)
        before, after = noise(60, seed), noise(60, seed + 1)
        marked = memorization.find(shipped, before + training_text[offset : offset + length] + after)
        # its neighbours may happen to go on as the speech does
        [(start, end)] = marked
        assert len(before) - 3 <= start < len(before) + STRIDE_CHARACTERS
        assert len(before) + length - STRIDE_CHARACTERS < end <= len(before) + length + 3


def test_what_is_marked_stands_in_the_training_text_and_nothing_shorter_than_24_is(shipped, speeches, training_text):
    real = join_speeches(speeches["val"])
    stretches = memorization.find(shipped, real)
    assert len(stretches) > 100
    wrong = 0
    for start, end in stretches:
        assert end - start >= GRAM_CHARACTERS
        wrong += real[start : start + GRAM_CHARACTERS] not in training_text
    assert wrong <= 8  # of 87,185 look-ups that may each be wrong once in 100,000
    for length in range(GRAM_CHARACTERS):
        assert memorization.find(shipped, training_text[:length]) == []


def test_the_false_positive_rate_is_as_stated(shipped, small):
    for index in (shipped, small):
        assert 0.8e-5 < index.false_positive_rate < 1.2e-5
    looked_up = 3_000_000
    expected = looked_up * shipped.false_positive_rate
    found = memorization.find(shipped, noise(looked_up + GRAM_CHARACTERS - 1, 5))
    assert expected - 4 * expected**0.5 < len(found) < expected + 4 * expected**0.5


def test_the_share_of_the_test_speeches_is_as_stated(shipped, speeches):
    real = join_speeches(speeches["test"])
    assert memorization.count_covered(memorization.find(shipped, real)) / len(real) == pytest.approx(shipped.test_share)


def test_the_shipped_filter_is_what_the_command_makes_of_the_data(shipped, data, training_text, tmp_path, capsys):
    out = tmp_path / memorization.FILTER_FILE
    assert main(["index", "--data", str(data), "--out", str(out), "--json"]) == 0
    said, made = json.loads(capsys.readouterr().out), memorization.load(out)
    assert (said["filter"], said["bytes"], said["grams"]) == (str(out), out.stat().st_size, shipped.grams)
    assert np.array_equal(made.bits, shipped.bits)
    assert dataclasses.replace(made, bits=shipped.bits, date=shipped.date) == shipped
    assert shipped.characters == len(training_text)
    model = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "speech.safetensors")
    assert (shipped.data, shipped.since) == (model.data, model.recipe["since"])


def test_nothing_of_the_speeches_can_be_read_in_the_file(training_text):
    content = np.frombuffer((checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE).read_bytes(), np.uint8)
    bits = content[8 + int(content[:8].view("<u8")[0]) :]  # what follows the header
    spelt = np.frombuffer(training_text.encode("ascii"), np.uint8)
    in_file, in_text = (np.ascontiguousarray(sliding_window_view(part, 8)).view("<u8") for part in (bits, spelt))
    readable = np.sort(in_file[(in_file & 0x8080808080808080) == 0])  # one in 256; no other is eight ASCII characters
    assert len(readable) > 100
    places = np.searchsorted(readable, in_text).clip(max=len(readable) - 1)
    assert not (readable[places] == in_text).any()


def test_the_header_says_all_that_is_known(shipped):
    from safetensors import safe_open

    with safe_open(checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE, framework="numpy") as file:
        header = {key: json.loads(value) for key, value in file.metadata().items()}
    assert (header["format_version"], header["gram"], header["stride"]) == (1, 24, 8)
    assert all(header[key] == value for key, value in vars(shipped).items() if key != "bits")
    assert header["speeches"] == 508

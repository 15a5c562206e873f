"""Memorization: the verbatim passages of a text that occur in the speeches that a model was trained on.

The speeches are not part of this project. `checkpoints/` holds a Bloom filter (Burton Bloom, 1970) of every eighth
24-gram of them, which tells members from others but does not reveal them. A text is looked up 24-gram by 24-gram. A
passage of 31 characters from the speeches holds at least one indexed 24-gram and is always found; a shorter one, down
to 24, only by chance. A found passage may extend up to 7 characters further at either end. There are no false
negatives among the indexed 24-grams, and few false positives.
"""

import dataclasses
import datetime
import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialize

from charplay.cancellation import check_cancelled
from charplay.data import datasets
from charplay.data.datasets import Speech, join_speeches
from charplay.models import checkpoints
from charplay.models.checkpoints import SPEECH_FILTER, Checkpoint, CheckpointError, read_header, write_atomically

FORMAT_VERSION = 1
FILTER_FILE = f"{SPEECH_FILTER}.safetensors"  # in a directory of checkpoints
GRAM_CHARACTERS = 24  # of one look-up; a multiple of 8, since they are hashed in words of 8
STRIDE_CHARACTERS = 8  # between the starts of two indexed 24-grams
GUARANTEED_CHARACTERS = GRAM_CHARACTERS + STRIDE_CHARACTERS - 1  # 31: a passage of this length is always found
# A text of 600 characters takes 577 look-ups. At a rate of 1e-3 every other text would have a false positive; at 1e-5
# one in 170 has. That costs two thirds more bits.
MAX_FALSE_POSITIVE_RATE = 1e-5

_SALT, _STEP = 0x6368_6172_706C_6179, 0x9E37_79B9_7F4A_7C15
_WORD = 2**64


@dataclass(frozen=True)
class SpeechFilter:
    """The Bloom filter of the speeches and its description."""

    bits: np.ndarray  # uint8 (bytes,), eight bits each
    hashes: int  # bits of a 24-gram
    false_positive_rate: float  # of a look-up: the share of bits that are set, to the power of `hashes`
    grams: int  # distinct 24-grams indexed
    characters: int  # of all speeches
    speeches: int
    test_share: float  # share of the characters of the test speeches, which are not indexed, in found passages
    since: str  # first year of the other presidents' speeches
    data: str  # fingerprint of the data, as in a checkpoint's header
    date: str  # of creation, ISO 8601


_DESCRIPTION = {
    "hashes": int,
    "false_positive_rate": float,
    "grams": int,
    "characters": int,
    "speeches": int,
    "test_share": float,
    "since": str,
    "data": str,
    "date": str,
}  # in the header as JSON, beside format version, gram and stride


def build(speeches: Sequence[Speech], test: Sequence[Speech], since: str) -> SpeechFilter:
    """Indexes the speeches, joined by an empty line as for training, each text once.

    Args:
        speeches: a model's training mix; repeated speeches in it are indexed once.
        test: speeches not among them, on which `test_share` is measured: how much is found in real, unseen text.
        since: first year of the other presidents' speeches in the mix.
    """
    distinct = list({speech.text: speech for speech in speeches}.values())
    text = join_speeches(distinct)
    keys = np.unique(_keys(text, STRIDE_CHARACTERS))
    if not len(keys):
        raise ValueError(f"There is nothing to index in {len(text)} characters of speeches.")
    size, hashes = _dimensions(len(keys))
    is_set = np.zeros(8 * size, bool)
    for number in range(hashes):
        is_set[_bit_positions(keys, number, size)] = True
    bits = np.packbits(is_set)
    index = SpeechFilter(
        bits,
        hashes,
        _rate(bits, hashes),
        grams=len(keys),
        characters=len(text),
        speeches=len(distinct),
        test_share=0.0,
        since=since,
        data=datasets.fingerprint(datasets.SPEECHES),
        date=datetime.date.today().isoformat(),
    )
    real = join_speeches(test)
    return dataclasses.replace(index, test_share=count_covered(find(index, real)) / len(real))


def find(index: SpeechFilter, text: str) -> list[tuple[int, int]]:
    """The passages of `text` made of 24-grams that occur in the speeches.

    Returns:
        (start, end) of each, in order; they neither overlap nor touch, and each has at least 24 characters.
    """
    keys = _keys(text, 1)
    starts = np.arange(len(keys))  # of the 24-grams whose bits so far are all set
    for number in range(index.hashes):
        check_cancelled()
        positions = _bit_positions(keys[starts], number, len(index.bits))
        starts = starts[index.bits[positions >> 3] >> 7 - (positions & 7) & 1 == 1]
    passages: list[tuple[int, int]] = []
    for start in starts.tolist():
        first = passages.pop()[0] if passages and start <= passages[-1][1] else start
        passages.append((first, start + GRAM_CHARACTERS))
    return passages


def count_covered(passages: Sequence[tuple[int, int]]) -> int:
    """How many characters the passages have together."""
    return sum(end - start for start, end in passages)


def filter_path(checkpoint: Checkpoint) -> Path:
    """The filter beside a checkpoint; those in the directories that charplay looks in share the one found there."""
    assert checkpoint.path is not None  # it was loaded from a file
    directory = checkpoint.path.parent
    return checkpoints.find(SPEECH_FILTER) if directory in checkpoints.DIRECTORIES else directory / FILTER_FILE


def find_by_file(checkpoint: Checkpoint, path: str, text: str) -> list[tuple[int, int]]:
    """`find` with the filter at `path`: a query of the page, which needs no model."""
    return find(_load_once(Path(path)), text)


def save(path: Path, index: SpeechFilter) -> None:
    """Writes the filter to `path`, whole or not at all."""
    described = {"format_version": FORMAT_VERSION, "gram": GRAM_CHARACTERS, "stride": STRIDE_CHARACTERS}
    described |= {key: getattr(index, key) for key in _DESCRIPTION}
    write_atomically(
        path, serialize({"bits": index.bits}, {key: json.dumps(value) for key, value in described.items()})
    )


def load(path: Path) -> SpeechFilter:
    """Reads a filter.

    Raises:
        CheckpointError: the file is missing, truncated, not safetensors, or no such filter.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            described = _read_description(path, file.metadata() or {})
            size, _ = _dimensions(described["grams"])
            shapes = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            found = {name: (part.get_shape(), part.get_dtype()) for name, part in shapes.items()}
            if found != {"bits": ([size], "U8")}:
                raise CheckpointError(f"{path.name} holds other tensors than its own header describes.")
            bits = file.get_tensor("bits")
    except FileNotFoundError:
        raise CheckpointError(f"There is no {path.name}.") from None
    except (OSError, SafetensorError) as error:
        raise checkpoints.unreadable(path, error) from None
    if not math.isclose(_rate(bits, described["hashes"]), described["false_positive_rate"], rel_tol=1e-6):
        raise CheckpointError(f"{path.name} holds other bits than those that its header counted.")
    return SpeechFilter(bits, **described)


_load_once = functools.lru_cache(1)(load)


def _read_description(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    fixed = {"format_version": FORMAT_VERSION, "gram": GRAM_CHARACTERS, "stride": STRIDE_CHARACTERS}
    kinds = dict.fromkeys(fixed, int) | _DESCRIPTION
    described = read_header(path, metadata, kinds, "filter of speeches")
    for key, value in fixed.items():
        if described[key] != value:
            name = key.replace("_", " ")
            raise CheckpointError(f"{path.name} has {name} {described[key]}; this charplay reads {value}.")
    counts = [described[key] for key in ("grams", "characters", "speeches")]
    is_possible = all(0 < count < 2**40 for count in counts) and 0 <= described["test_share"] <= 1
    if not is_possible or described["hashes"] != _dimensions(described["grams"])[1]:
        raise CheckpointError(f"{path.name} has a header with numbers that no filter has.")
    return {key: described[key] for key in _DESCRIPTION}


def _dimensions(grams: int) -> tuple[int, int]:
    """The bytes and hashes that a filter of so many 24-grams needs for `MAX_FALSE_POSITIVE_RATE`."""
    bits = -grams * math.log(MAX_FALSE_POSITIVE_RATE) / math.log(2) ** 2
    return math.ceil(bits / 8), round(-math.log2(MAX_FALSE_POSITIVE_RATE))


def _rate(bits: np.ndarray, hashes: int) -> float:
    """The false positive rate: the probability that all bits of a 24-gram that was not indexed are set."""
    return (int(np.count_nonzero(np.unpackbits(bits))) / (8 * len(bits))) ** hashes


def _mix(words: np.ndarray) -> np.ndarray:
    """Scatters 64-bit numbers: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014). Overflow is intended."""
    words = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58_476D_1CE4_E5B9)
    words = (words ^ words >> np.uint64(27)) * np.uint64(0x94D0_49BB_1331_11EB)
    return words ^ words >> np.uint64(31)


def _keys(text: str, stride: int) -> np.ndarray:
    """A 64-bit hash of each 24-gram that starts at a multiple of `stride`, uint64 (grams,)."""
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8)  # what is not ASCII stands in no speech
    if len(codes) < GRAM_CHARACTERS:
        return np.zeros(0, np.uint64)
    words = np.ascontiguousarray(sliding_window_view(codes, GRAM_CHARACTERS)[::stride]).view("<u8")  # (grams, 3)
    keys = np.full(len(words), _SALT, np.uint64)
    for column in words.T:
        keys = _mix(keys ^ column)
    return keys


def _bit_positions(keys: np.ndarray, number: int, size: int) -> np.ndarray:
    """The bit of each key by hash function `number`, among the bits of `size` bytes, uint64 (keys,)."""
    return _mix(keys + np.uint64((number + 1) * _STEP % _WORD)) % np.uint64(8 * size)

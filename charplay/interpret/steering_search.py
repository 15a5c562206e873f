"""Which units of a language model are worth holding: found by holding each, writing, and counting.

Every unit is held at a few values while a short text is written; for each thing that is counted, the units whose texts
have most of it are held again at finer values, in several texts. Those whose texts then have most are held once more,
in other texts: of many tries the best is in part lucky. One is kept for each thing, where those texts have much more of
it than some that are written with no unit held, and are still texts. `python -m charplay steering` writes what is found
into a file beside the checkpoint, which the page shows.
"""

import functools
import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple, TypedDict

from charplay.cancellation import check_cancelled
from charplay.inference.generate import GenerationBatch, run_generations
from charplay.inference.generation import Generation, make_request
from charplay.inference.held_units import HeldUnit
from charplay.interpret.steering import COUNTED, counts, read_bits
from charplay.models.checkpoints import Checkpoint, write_atomically
from charplay.models.networks import CharLM

PRIME, TEMPERATURE = "My fellow Americans, ", 0.8
SCREENED_VALUES = (-8.0, -4.0, -2.0, 2.0, 4.0, 8.0)  # that every unit is held at
SCREENED_CHARACTERS = 300  # that are written for each unit and value
MAX_SCREENED = 6  # units for each thing counted that are held again
MAX_VALUE = 8  # they are held at 1, 2, 3 and so on up to it, or their negatives
SEEDS = (1, 2, 3, 4)  # of the texts that are then written for each unit and value
MAX_CHOSEN = 4  # units, each at a value, for each thing counted that are held once more
CONFIRMING_SEEDS = tuple(range(11, 23))  # of the texts that are then written, and of those with no unit held
TEXT_CHARACTERS = 500  # of each of them
BATCH_TEXTS = 256  # written at once
MIN_TIMES, MIN_MORE = 3.0, 8.0  # as often as in the free texts, and more of them in 1,000 characters: what one sees
MIN_FREE = 1.0  # in 1,000 characters: what is rarer in the free texts counts as this often
# Bits per character that the network, with no unit held, reads the texts with beyond the free ones: above, gibberish.
MAX_BITS_MORE = 0.6
MIN_DIFFERENT_WORDS = 0.8  # of the share of the free texts: below, they repeat themselves
MIN_LETTERS = 0.7  # likewise: below, there is little else than what is counted


class FoundUnit(TypedDict):
    """A unit that is worth holding, at a value."""

    more_of: str  # one of `COUNTED`
    layer: int  # from 1
    unit: int  # from 0
    value: float
    free: float  # of it in 1,000 characters that are written with no unit held
    held: float  # with the unit held
    free_bits: float  # bits per character of the free texts, as the network reads them with no unit held
    held_bits: float  # of the texts written with the unit held, read likewise


class Measured(NamedTuple):
    """Texts that were written with a unit held."""

    counts: dict[str, float]  # of `COUNTED` in 1,000 characters
    bits: float  # bits per character, as the network reads them with no unit held
    different_words: float  # their share of a text's words
    letters: float  # their share of a text's characters


def write_held(
    checkpoint: Checkpoint[CharLM], units: Sequence[HeldUnit | None], characters: int, seeds: Sequence[int]
) -> list[list[str]]:
    """For each unit what is written while it is held: a text of each seed."""
    vocabulary, batch = checkpoint.vocabulary, GenerationBatch(checkpoint)
    requests = [
        make_request(PRIME, TEMPERATURE, characters, seed=seed, vocabulary=vocabulary, held=unit)
        for unit in units
        for seed in seeds
    ]
    texts: list[str] = []
    for start in range(0, len(requests), BATCH_TEXTS):
        check_cancelled()
        part = [Generation(request, vocabulary) for request in requests[start : start + BATCH_TEXTS]]
        texts += run_generations(batch, part)
    return [texts[start : start + len(seeds)] for start in range(0, len(texts), len(seeds))]


def measure(checkpoint: Checkpoint[CharLM], units: Sequence[HeldUnit | None], seeds: Sequence[int]) -> list[Measured]:
    """What is written while each unit is held, in a text of each seed."""
    written = write_held(checkpoint, units, TEXT_CHARACTERS, seeds)
    texts = [text for each in written for text in each]
    bits: list[float] = []
    for start in range(0, len(texts), BATCH_TEXTS):
        part = texts[start : start + BATCH_TEXTS]
        bits += read_bits(checkpoint, part, [None] * len(part))
    measured = []
    for number, each in enumerate(written):
        counted = [counts(text) for text in each]
        measured.append(
            Measured(
                {name: fmean(every[name] for every in counted) for name in COUNTED},
                fmean(bits[number * len(seeds) : (number + 1) * len(seeds)]),
                fmean(map(_different_words, each)),
                fmean(sum(map(str.isalpha, text)) / len(text) for text in each),
            )
        )
    return measured


def _different_words(text: str) -> float:
    words = re.findall(r"\w+", text.lower())
    return len(set(words)) / max(len(words), 1)


def _screen(checkpoint: Checkpoint[CharLM], units: Sequence[tuple[int, int]]) -> list[HeldUnit]:
    """The units, and the values to hold them at, whose short texts have most of something counted."""
    held = [HeldUnit(layer, unit, value) for layer, unit in units for value in SCREENED_VALUES]
    written = write_held(checkpoint, held, SCREENED_CHARACTERS, SEEDS[:1])
    counted = [counts(text) for [text] in written]
    chosen: dict[tuple[int, int, bool], None] = {}  # layer, unit, whether the value is negative
    for name in COUNTED:
        order = sorted(range(len(held)), key=lambda index: -counted[index][name])
        best = dict.fromkeys((held[index].layer, held[index].unit, held[index].value < 0) for index in order)
        chosen |= dict.fromkeys(list(best)[:MAX_SCREENED])
    return [
        HeldUnit(layer, unit, float(-value if is_negative else value))
        for layer, unit, is_negative in chosen
        for value in range(1, MAX_VALUE + 1)
    ]


def find_units(checkpoint: Checkpoint[CharLM], units: Sequence[tuple[int, int]] | None = None) -> list[FoundUnit]:
    """The units that are worth holding, those first that change most; a minute and a half.

    Args:
        checkpoint: a language model that can read `PRIME`.
        units: layer (from 1) and unit (from 0) of those that are tried; None: all.

    Raises:
        ValueError: the model cannot read `PRIME`.
    """
    config = checkpoint.config
    if units is None:
        units = [(layer, unit) for layer in range(1, config.layers + 1) for unit in range(config.hidden_size)]
    free, *measured = measure(checkpoint, [None, *(screened := _screen(checkpoint, units))], SEEDS)
    chosen: dict[HeldUnit, None] = {}
    of_name: Counter[str] = Counter()
    for _, name, unit, _ in _by_times(free, screened, measured):
        if of_name[name] < MAX_CHOSEN:
            of_name[name] += 1
            chosen[unit] = None
    free, *measured = measure(checkpoint, [None, *chosen], CONFIRMING_SEEDS)
    found: dict[str, FoundUnit] = {}
    taken: set[tuple[int, int]] = set()  # a unit is named for what it has most times more of
    for times, name, unit, texts in _by_times(free, list(chosen), measured):
        is_much = times >= MIN_TIMES and texts.counts[name] >= free.counts[name] + MIN_MORE
        if is_much and name not in found and unit[:2] not in taken:
            taken.add(unit[:2])
            found[name] = FoundUnit(
                more_of=name,
                layer=unit.layer,
                unit=unit.unit,
                value=unit.value,
                free=round(free.counts[name], 1),
                held=round(texts.counts[name], 1),
                free_bits=round(free.bits, 3),
                held_bits=round(texts.bits, 3),
            )
    return sorted(found.values(), key=lambda each: each["free"] - each["held"])


def _by_times(
    free: Measured, units: Sequence[HeldUnit], measured: Sequence[Measured]
) -> list[tuple[float, str, HeldUnit, Measured]]:
    """Each unit whose texts can be read, with each thing counted, and how many times as often they have it as `free`.

    Those first that have most times as much.
    """
    return sorted(
        (
            (texts.counts[name] / max(free.counts[name], MIN_FREE), name, unit, texts)
            for unit, texts in zip(units, measured, strict=True)
            if _is_readable(texts, beside=free)
            for name in COUNTED
        ),
        reverse=True,
    )


def _is_readable(texts: Measured, beside: Measured) -> bool:
    """Whether texts are still of words, as the free ones `beside` them are."""
    return (
        texts.bits <= beside.bits + MAX_BITS_MORE
        and texts.different_words >= MIN_DIFFERENT_WORDS * beside.different_words
        and texts.letters >= MIN_LETTERS * beside.letters
    )


def _path(checkpoint: Path) -> Path:
    """The file of the units found, beside the checkpoint."""
    return checkpoint.with_suffix(".steering.json")


def _digest(checkpoint: Path) -> str:
    return _digest_of(checkpoint, checkpoint.stat().st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _digest_of(path: Path, modified: int) -> str:
    """Of a file that was `modified` then, in nanoseconds."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_units(checkpoint: Path, units: Sequence[FoundUnit]) -> Path:
    """Writes the units found in a checkpoint into a file beside it, and returns its path."""
    content = {"checkpoint": _digest(checkpoint), "units": list(units)}
    write_atomically(_path(checkpoint), json.dumps(content, indent=1).encode())
    return _path(checkpoint)


def load_units(checkpoint: Path) -> list[FoundUnit]:
    """The units found in a checkpoint; empty where none were looked for, or another checkpoint stood there then."""
    try:
        content = json.loads(_path(checkpoint).read_text("utf-8"))
        return content["units"] if content["checkpoint"] == _digest(checkpoint) else []
    except (OSError, ValueError, KeyError, TypeError):
        return []

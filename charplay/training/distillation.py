"""Distillation: teachers' soft targets, also of synthetic names, for training a smaller name classifier.

An ensemble of networks of different shapes errs less than each of them, and less still together with a classifier on
letter n-grams; but it costs their sum. Smaller networks can learn from it (Bucila, Caruana and Niculescu-Mizil, "Model
Compression", 2006; Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015): their targets are
its class probabilities instead of one country, and synthetic names beside the training rows, since they need no label.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import torch

from charplay.data.datasets import NameRows
from charplay.inference.classify import logits_of, remove_prior
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import NameClassifier
from charplay.training.distributed import ProcessGroup

SYNTHETIC_ORDER = 5  # letters of the sampler's longest n-gram, the drawn one included
MIN_NAME_CHARACTERS, MAX_NAME_CHARACTERS = 2, 19  # letters of a synthetic name, as in the data
START, END = "^", "$"  # not letters of any name
MAX_DRAWS_PER_NAME = 50  # mean number of draws, duplicates included, after which no more new names are expected


class _NameSampler:
    """Samples names from an n-gram model of one country's names, letter by letter.

    Interpolated after Witten and Bell (1991): if n letters followed a history, t of them distinct, the letter is drawn
    from their counts with probability n / (n + t), and otherwise after the history that is one letter shorter.
    """

    def __init__(self, names: Sequence[str]):
        following: dict[str, Counter] = defaultdict(Counter)
        for name in names:
            letters = START + name + END
            for at in range(1, len(letters)):
                for start in range(max(at - SYNTHETIC_ORDER + 1, 0), at + 1):
                    following[letters[start:at]][letters[at]] += 1
        self._following = {
            history: (list(counts), list(counts.values()), counts.total() / (counts.total() + len(counts)))
            for history, counts in following.items()
        }

    def draw(self, generator: random.Random) -> str:
        """One name, which may be one of those that the model was fitted on."""
        name = START
        while len(name) <= MAX_NAME_CHARACTERS:
            history = name[1 - SYNTHETIC_ORDER :]
            while history not in self._following or (history and generator.random() > self._following[history][2]):
                history = history[1:]
            letters, counts, _ = self._following[history]
            [letter] = generator.choices(letters, counts)
            if letter == END:
                break
            name += letter
        return name.removeprefix(START)


def synthesize_names(rows: NameRows, shares: Mapping[str, float], count: int, seed: int) -> list[str]:
    """`count` distinct names like those of `rows`, none of them in `rows`.

    Args:
        rows: (name, country).
        shares: the probability that a name is drawn from each country's model.
        count: of names.
        seed: of the draws.

    Raises:
        ValueError: the rows are too few or too alike for so many.
    """
    generator, known = random.Random(seed), {name for name, _ in rows}
    by_country: dict[str, list[str]] = {country: [] for country in shares}
    for name, country in rows:
        by_country[country].append(name)
    samplers = {country: _NameSampler(names) for country, names in by_country.items() if names}
    weights = [shares[country] for country in samplers]
    synthetic: dict[str, None] = {}  # a set in the order drawn
    for _ in range(MAX_DRAWS_PER_NAME * count):
        if len(synthetic) == count:
            break
        [sampler] = generator.choices(list(samplers.values()), weights)
        name = sampler.draw(generator)
        if len(name) >= MIN_NAME_CHARACTERS and name not in known:
            synthetic[name] = None
    if len(synthetic) < count:
        raise ValueError(
            f"Only {len(synthetic):,} names could be made up of these: choose a smaller synthetic than {count:,}."
        )
    return list(synthetic)


def soft_target_logits(
    teachers: Sequence[Checkpoint[NameClassifier]], names: Sequence[str], group: ProcessGroup
) -> torch.Tensor:
    """Mean logits (names, classes) of all teachers, each one's class shares divided out.

    The ranks of a group share the work.
    """
    shard = group.shard(names)
    without_prior = [remove_prior(logits_of(teacher.model, shard), teacher.shares) for teacher in teachers]
    of_shard = torch.stack(without_prior).mean(0)
    logits = torch.empty(len(names), of_shard.shape[1])
    for rank, part in enumerate(group.gather(of_shard)):
        logits[rank :: group.size] = part
    return logits

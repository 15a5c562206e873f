"""What teaches a name classifier beside the labels: other classifiers, by what they say of names that nobody has.

An average of networks of different shapes errs less than each, and less still with a classifier beside them that only
counts letters; but it costs their sum. What it knows can be taught to smaller networks (Bucila, Caruana and
Niculescu-Mizil, "Model Compression", 2006; Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network",
2015): they learn its probabilities instead of a country, and of more names than the training rows hold, since a name
made up needs no label.
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

SYNTHETIC_ORDER = 5  # letters of the longest n-gram that names are made up by, the drawn one included
MAX_NAME_CHARACTERS = 19  # letters of a name made up, as of those in the data
MIN_NAME_CHARACTERS = 2
START, END = "^", "$"  # no letters of a name
MAX_DRAWS_PER_NAME = 50  # draws for each name wanted, before there are held to be no more


class _NameSampler:
    """Draws names letter by letter, as often as the letter followed those before it in the names of one country.

    Interpolated as Witten and Bell (1991) do: among n letters seen after a history, t of them different, the history
    itself is asked with probability n / (n + t), and otherwise the one that is a letter shorter.
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

    def draw(self, chance: random.Random) -> str:
        """One name, which may be one of those that it was made from."""
        name = START
        while len(name) <= MAX_NAME_CHARACTERS:
            history = name[1 - SYNTHETIC_ORDER :]
            while history not in self._following or (history and chance.random() > self._following[history][2]):
                history = history[1:]
            letters, counts, _ = self._following[history]
            [letter] = chance.choices(letters, counts)
            if letter == END:
                break
            name += letter
        return name.removeprefix(START)


def synthesize_names(rows: NameRows, shares: Mapping[str, float], count: int, seed: int) -> list[str]:
    """`count` different names like those of `rows`, none of them among these.

    Args:
        rows: (name, country).
        shares: how often a name is drawn like those of each country.
        count: how many.
        seed: of the draws.

    Raises:
        ValueError: the rows are too few and too much alike to make up so many.
    """
    chance, known = random.Random(seed), {name for name, _ in rows}
    by_country: dict[str, list[str]] = {country: [] for country in shares}
    for name, country in rows:
        by_country[country].append(name)
    drawn_from = {country: _NameSampler(names) for country, names in by_country.items() if names}
    makers, chances = list(drawn_from.values()), [shares[country] for country in drawn_from]
    made: dict[str, None] = {}  # in the order drawn
    for _ in range(MAX_DRAWS_PER_NAME * count):
        if len(made) == count:
            break
        [maker] = chance.choices(makers, chances)
        name = maker.draw(chance)
        if len(name) >= MIN_NAME_CHARACTERS and name not in known:
            made[name] = None
    if len(made) < count:
        raise ValueError(
            f"Only {len(made):,} names could be made up of these: choose a smaller synthetic than {count:,}."
        )
    return list(made)


def soft_target_logits(
    teachers: Sequence[Checkpoint[NameClassifier]], names: Sequence[str], group: ProcessGroup
) -> torch.Tensor:
    """Logits (names, classes) of the average of the teachers' networks, their class shares divided out.

    A group shares the work.
    """
    own = group.own(names)
    networks = sum(teacher.config.members for teacher in teachers)
    logits = sum(
        remove_prior(logits_of(teacher.model, own), teacher.shares) * (teacher.config.members / networks)
        for teacher in teachers
    )
    said = torch.empty(len(names), logits.shape[1])
    for rank, part in enumerate(group.gather(logits)):
        said[rank :: group.size] = part
    return said

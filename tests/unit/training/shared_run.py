"""A short run on synthetic data: what `torchrun` starts in the tests, and what a single process is compared with."""

import random
import sys
from pathlib import Path

import torch

from charplay.data.datasets import Speech
from charplay.models.networks import CharLMConfig, NameClassifierConfig
from charplay.training import run
from charplay.training.distributed import SINGLE_PROCESS, ProcessGroup, process_group
from charplay.training.recipes import NamesRecipe, Recipe, SpeechRecipe
from charplay.training.tasks import NamesTask, SpeechTask
from charplay.training.training_sets import TrainingSet


def recipe_of(task: str, dropout: float = 0.0) -> Recipe:
    common = {"batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.01}
    if task == "names":
        config = NameClassifierConfig("gru", 8, 12, 2, dropout=dropout, character_dropout=dropout, classes=2)
        return NamesRecipe(config, epochs=2, **common)
    config = CharLMConfig("lstm", 8, 12, 2, dropout=dropout)
    return SpeechRecipe(config, epochs=2, steps=8, muon_learning_rate=0.02, **common)  # with both optimizers


def training_set_of(task: str, recipe: Recipe, group: ProcessGroup = SINGLE_PROCESS) -> TrainingSet:
    """Names whose class is a function of their last letter, or a repetitive text."""
    letters = random.Random(1)
    if task == "speech":
        text = "".join(letters.choices(("yes we can. ", "no we can't. "), k=60))
        speech = SpeechTask([Speech("", "", text[:300]), Speech("", "", text[300:])], text[:80], recipe, group)
        return TrainingSet(speech, "".join(sorted(set(text))), "synthetic", lambda checkpoint: {})
    rows = [
        ("".join(letters.choices("abcdef", k=letters.randint(1, 6))) + end, kind)
        for end, kind in (("o", "one"), ("v", "two"))
        for _ in range(33)  # so that the last batch is not full
    ][:-1]
    names = NamesTask(rows, rows[:20], ("one", "two"), recipe, group)
    return TrainingSet(names, "abcdefov", "synthetic", lambda checkpoint: {}, ("one", "two"), (0.5, 0.5))


def train_shortly(
    task: str, out: Path, recipe: Recipe | None = None, group: ProcessGroup = SINGLE_PROCESS, **options
) -> dict | None:
    recipe = recipe or recipe_of(task)
    options = {"device": torch.device("cpu"), "precision": "float32"} | options
    return run.run(task, training_set_of(task, recipe, group), recipe, out, group=group, **options)


if __name__ == "__main__":
    with process_group() as (group, device):
        for task in sys.argv[2:]:
            train_shortly(task, Path(sys.argv[1], f"{task}.safetensors"), group=group, device=device)

import itertools
import random
from dataclasses import replace

import pytest
import torch

from charplay.data import datasets
from charplay.data.datasets import Speech
from charplay.models.networks import CELLS, MODELS, CharLMConfig, ConditionalCharLMConfig, NameClassifierConfig
from charplay.training import tasks
from charplay.training.conditional_task import ConditionalTask
from charplay.training.precision import choose_precision
from charplay.training.recipes import RECIPES, InventRecipe, NamesRecipe, SpeechRecipe, adjust
from charplay.training.trainer import Trainer, fit

CPU = torch.device("cpu")


def names_task(cell="gru", **changes):
    """Names whose country is a function of their last letter, and a small model for them."""
    letters = random.Random(0)
    rows = [
        ("".join(letters.choices("abcdef", k=letters.randint(1, 6))) + end, country)
        for end, country in (("o", "Italian"), ("v", "Russian"))
        for _ in range(60)
    ]
    recipe = NamesRecipe(
        NameClassifierConfig(cell, 8, 16, 1, classes=18), epochs=3, batch_size=16, learning_rate=0.02, weight_decay=0.0
    )
    recipe = adjust(recipe, changes)
    return recipe, tasks.NamesTask(rows, rows, datasets.COUNTRIES, recipe)


def speech_task(cell="gru", **changes):
    recipe = SpeechRecipe(
        CharLMConfig(cell, 8, 16, 1), epochs=3, batch_size=4, learning_rate=0.02, weight_decay=0.0, steps=16
    )
    recipe = adjust(recipe, changes)
    speeches = [Speech("2000-01-01", "", text * 30) for text in ("yes we can. ", "no we can't. ")]
    return recipe, tasks.SpeechTask(speeches, "yes we can. no we can't. ", recipe)


def invent_task(cell="gru", **changes):
    """Texts that are a function of their country."""
    rows = [("ababab", "Italian"), ("ccc", "Russian")] * 60
    config = ConditionalCharLMConfig(cell, 8, 16, 1)
    recipe = InventRecipe(config, epochs=3, batch_size=16, learning_rate=0.02, weight_decay=0.0)
    recipe = adjust(recipe, changes)
    return recipe, ConditionalTask(rows, rows, datasets.COUNTRIES, recipe)


TASKS = {"names": names_task, "speech": speech_task, "invent": invent_task}


def train(kind, recipe, task, **callbacks):
    torch.manual_seed(recipe.seed)
    model = MODELS[kind][1](recipe.config)
    return model, fit(Trainer(model, task, recipe, device=CPU, precision="float32"), **callbacks)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", TASKS)
def test_training_learns(kind, cell):
    recipe, task = TASKS[kind](cell)
    untrained = task.score(task.evaluate(MODELS[kind][1](recipe.config).eval()))
    _, measured = train(kind, recipe, task)
    assert task.score(measured) < 0.8 * untrained


@pytest.mark.parametrize("kind", TASKS)
def test_the_same_seed_trains_the_same_weights(kind):
    recipe, task = TASKS[kind](dropout=0.2)
    first, _ = train(kind, recipe, task)
    again, _ = train(kind, recipe, task)
    other, _ = train(kind, replace(recipe, seed=2), task)
    weights = [torch.cat([p.flatten() for p in model.parameters()]) for model in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("kind", TASKS)
def test_the_best_epoch_is_kept_and_callbacks_see_every_step_and_epoch(kind):
    recipe, task = TASKS[kind]()
    scores = iter([3.0, 1.0, 2.0])
    task.evaluate = lambda model: {"score": next(scores)}
    task.score = lambda measured: measured["score"]
    steps, epochs, kept = [], [], {}

    def on_epoch(epoch, measured, is_best):
        epochs.append((epoch, is_best))
        if is_best:
            kept.update({name: value.clone() for name, value in model.state_dict().items()})

    torch.manual_seed(0)
    model = MODELS[kind][1](recipe.config)
    trainer = Trainer(model, task, recipe, device=CPU, precision="float32")
    measured = fit(trainer, on_step=steps.append, on_epoch=on_epoch)
    assert epochs == [(1, True), (2, True), (3, False)]
    assert measured["epoch"] == 2
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    assert len(steps) == 3 * task.count()
    assert all(progress.per_second > 0 for progress in steps)


def test_a_loss_that_is_not_finite_is_an_error_and_the_model_keeps_the_best_weights():
    recipe, task = names_task()
    healthy, best = task.loss, {}

    def loss(model, batch, device):
        value, count = healthy(model, batch, device)
        return (value * torch.nan if best else value), count

    task.loss = loss
    torch.manual_seed(0)
    model = MODELS["names"][1](recipe.config)

    def on_epoch(epoch, measured, is_best):
        best.update({name: value.clone() for name, value in model.state_dict().items()})

    trainer = Trainer(model, task, recipe, device=CPU, precision="float32")
    with pytest.raises(FloatingPointError, match="learning rate"):
        fit(trainer, on_epoch=on_epoch)
    assert all(torch.equal(value, best[name]) for name, value in model.state_dict().items())


def test_each_stream_of_speech_continues_from_batch_to_batch():
    _, task = speech_task(batch_size=2, steps=8)
    batches = list(task.batches(torch.Generator().manual_seed(0)))
    assert len(batches) == task.count()
    for inputs, targets in batches:
        assert inputs.shape == targets.shape == (2, 8)
        assert torch.equal(inputs[:, 1:], targets[:, :-1])
    for (_, targets), (inputs, _) in itertools.pairwise(batches):
        assert torch.equal(targets[:, -1], inputs[:, 0])


def test_the_training_mix_has_recent_speeches_and_several_copies_of_obamas(speeches):
    recipe = RECIPES["speech"]["best"]
    mix = tasks.training_mix(speeches, recipe)
    obamas = [speech for speech in mix if speech.president == datasets.OBAMA]
    assert len(obamas) == 43 * recipe.copies
    assert min(speech.date for speech in mix) >= recipe.since


def test_choosing_the_precision_leaves_weights_and_gradients_as_they_were():
    recipe, task = names_task()
    model = MODELS["names"][1](recipe.config)
    before = [parameter.clone() for parameter in model.parameters()]
    assert choose_precision(model, task, CPU) in ("float32", "bfloat16")
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"batch_size": -1},
        {"learning_rate": float("nan")},
        {"learning_rate": 0.0},
        {"hold_out": 0.0},
        {"warmup": 1.5},
        {"cell": "cnn"},
        {"hidden_size": 0},
    ],
)
def test_a_recipe_out_of_bounds_is_refused(changes):
    with pytest.raises(ValueError, match="must be"):
        adjust(RECIPES["names"]["best"], changes)


def test_a_text_too_short_for_its_batches_is_refused():
    with pytest.raises(ValueError, match="batch size"):
        speech_task(batch_size=64, steps=128)

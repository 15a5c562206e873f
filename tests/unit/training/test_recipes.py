"""The recipes and the shipped checkpoints trained by them."""

import dataclasses

import pytest
import torch

from charplay.data import datasets
from charplay.models import checkpoints
from charplay.models.networks import MODELS, count_parameters
from charplay.training import tasks
from charplay.training.recipes import RECIPES, adjust, describe

SHIPPED = sorted(
    name for models in checkpoints.load_all(checkpoints.SHIPPED_DIRECTORY).models.values() for name in models
)
COMPARED = ("names", "speech")  # tasks for which three cells are shipped
ZOO = [f"{task}-{cell}" for task in COMPARED for cell in ("rnn", "gru", "lstm")]


def test_the_shipped_models_are_the_defaults_and_three_cells_of_two_tasks():
    assert sorted([*RECIPES, *ZOO]) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_checkpoint_names_the_recipe_it_was_trained_by(name):
    checkpoint = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / f"{name}.safetensors")
    recipe = RECIPES[checkpoint.task][checkpoint.recipe["name"]]
    assert checkpoint.recipe["changed"] == {}
    assert checkpoint.config == recipe.config
    # a header may be older than a field, which then had its default
    later = {field.name: field.default for field in dataclasses.fields(recipe)}
    for field, value in describe(checkpoint.task, recipe, checkpoint.recipe["name"]).items():
        assert checkpoint.recipe.get(field, later.get(field)) == value
    assert name.partition("-")[2] in (checkpoint.recipe["name"], "")


def test_the_three_cells_are_small_and_of_equal_hidden_size():
    for task in COMPARED:
        small = [
            checkpoints.load(checkpoints.SHIPPED_DIRECTORY / f"{name}.safetensors") for name in ZOO if task in name
        ]
        assert len({checkpoint.config.hidden_size for checkpoint in small}) == 1
        assert len({checkpoint.recipe["epochs"] for checkpoint in small}) == 1
    for name, most in {**dict.fromkeys(ZOO, 1), "names": 16, "speech": 20, "invent": 3}.items():
        assert (checkpoints.SHIPPED_DIRECTORY / f"{name}.safetensors").stat().st_size <= most * 2**20


def test_the_large_recipe_fits_the_size_limit_of_a_checkpoint():
    model = MODELS["speech"][1](RECIPES["speech"]["large"].config)
    assert 2 * count_parameters(model) <= 20 * 2**20


def test_a_description_holds_the_changed_fields_of_a_recipe():
    changed = adjust(RECIPES["names"]["gru"], {"epochs": 3, "hidden_size": 8})
    described = describe("names", changed, "gru")
    assert (described["name"], described["changed"]) == ("gru", {"epochs": 3, "hidden_size": 8})
    assert described["batch_size"] == changed.batch_size


def test_weights_and_shares_of_the_classes():
    rows = [("a", "Russian")] * 16 + [("b", "Greek")]
    classes = ("Russian", "Greek")
    assert tasks.class_shares(rows, classes, 0.0) == pytest.approx([16 / 17, 1 / 17])
    assert tasks.class_shares(rows, classes, 1.0) == pytest.approx([0.5, 0.5])
    weights = tasks.row_weights(rows, classes, 0.5)
    assert weights[1] / weights[0] == pytest.approx(4)
    assert (16 * weights[0] + weights[1]) / 17 == pytest.approx(1)


def test_truncation_cuts_names_to_prefixes_anew_each_epoch():
    rows = [("abcdefgh", "Greek")] * 200 + [("xy", "Greek")] * 20
    recipe = adjust(RECIPES["names"]["gru"], {"truncation": 0.5})
    task = tasks.NamesTask(rows, rows, datasets.COUNTRIES, recipe)
    generator = torch.Generator().manual_seed(0)
    epochs = []
    for _ in range(2):
        read = {
            index: name for names, batch in task.batches(generator) for name, index in zip(names, batch, strict=True)
        }
        assert len(read) == 220
        assert all("abcdefgh".startswith(name) or name == "xy" for name in read.values())
        assert 60 < sum(2 <= len(name) < 8 for index, name in read.items() if index < 200) < 140
        epochs.append(read)
    assert epochs[0] != epochs[1]
    whole = tasks.NamesTask(rows, rows, datasets.COUNTRIES, adjust(recipe, {"truncation": 0.0}))
    assert {name for names, _ in whole.batches(generator) for name in names} == {"abcdefgh", "xy"}

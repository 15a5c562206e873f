"""The summary of user data against independent counts, and the recipe fitted to it."""

import math
from collections import Counter

import pytest

from charplay import limits
from charplay.models.networks import MODELS, count_parameters
from charplay.training import data_summary
from charplay.training.recipes import USER_RECIPES, describe
from charplay.training.time_estimate import Speed

ROWS = "name,country\n" + "\n".join(f"{'ab' * (row % 4 + 1)}{row % 2},{'it' if row % 2 else 'ru'}" for row in range(48))
TEXT = "The cat sat on the mat, and the dog sat by the door.\n" * 30


def user_data_of(task: str) -> data_summary.UserData:
    return data_summary.read_user_data(task, {"names": ROWS, "speech": TEXT}[task], {})


def test_a_summary_of_rows_counts_them():
    user_data = user_data_of("names")
    recipe = data_summary.choose_recipe("names", user_data, "small", {"batch_size": 4})
    speed = Speed(per_second=100.0, evaluation_seconds=0.5, trial_seconds=1.0)
    summary = data_summary.summarize(user_data, recipe, speed)
    lengths = [len(text) for text, _ in user_data.rows]
    assert (summary["count"], summary["training"], summary["validation"]) == (48, 44, 4)
    assert summary["classes"] == {"it": 24, "ru": 24}
    assert {length: count for length, count in enumerate(summary["lengths"]) if count} == Counter(lengths)
    assert summary["characters"] == dict(Counter("".join(text for text, _ in user_data.rows)).most_common())
    assert set(summary["characters"]) == set("01ab")
    assert summary["first"] == [[text, label] for text, label in user_data.rows[:3]]
    assert 0 <= summary["padding_grouped"] < summary["padding_shuffled"] < 1
    assert summary["baseline"] == 0.5
    assert summary["parameters"] == count_parameters(MODELS["names"][1](recipe.config))
    assert summary["steps"] == recipe.epochs * 11
    assert summary["seconds"] >= recipe.epochs * (44 / summary["per_second"] + speed.evaluation_seconds)
    assert summary["read_as"]["has_header"] is True
    assert recipe.config.classes == 2


def test_the_padding_fraction_is_the_share_of_cells_without_a_character():
    recipe = data_summary.choose_recipe("names", user_data_of("names"), "small", {"batch_size": 2})
    assert data_summary.padding_of([3, 3, 3, 3], recipe) == (0.0, 0.0)
    shuffled, grouped = data_summary.padding_of([1, 5] * 20, recipe)
    assert grouped == 0.0
    assert 0.1 < shuffled < 0.5


def test_a_summary_of_a_text_counts_its_characters():
    user_data = user_data_of("speech")
    summary = data_summary.summarize(user_data, data_summary.choose_recipe("speech", user_data, "small", {}))
    assert summary["training"] + summary["validation"] == summary["count"] == len(TEXT.strip())
    assert summary["characters"] == Counter(TEXT.strip())
    assert summary["first"] == TEXT.splitlines()[:3]
    train, held_out = user_data.split()
    shares = {character: count / len(train) for character, count in Counter(train).items()}
    bits = -sum(math.log2(shares[character]) for character in held_out) / len(held_out)
    assert summary["baseline"] == pytest.approx(bits)
    assert summary["padding_shuffled"] is None


def test_the_unigram_baseline_is_finite_for_characters_unseen_in_training():
    user_data = data_summary.read_user_data("speech", "a" * 450 + "z" * 50, {})
    assert 0 < data_summary.baseline_of(user_data, USER_RECIPES["speech"]["small"]) < 20


@pytest.mark.parametrize("characters", [200, 300, 1_000, 20_000, 400_000])
@pytest.mark.parametrize("preset", USER_RECIPES["speech"])
def test_a_recipe_fits_a_text_of_any_size(characters, preset):
    user_data = data_summary.read_user_data("speech", "x" + "the cat " * (characters // 8), {})
    recipe = data_summary.choose_recipe("speech", user_data, preset, {})
    assert data_summary.training_set_of("speech", user_data, recipe).task.count() >= 1


@pytest.mark.parametrize("rows", [2, 3, 10, 500])
def test_a_recipe_fits_few_rows(rows):
    user_data = data_summary.read_user_data(
        "names", "\n".join(f"n{row},{kind}" for row in range(rows) for kind in ("a", "b")), {}
    )
    recipe = data_summary.choose_recipe("names", user_data, "medium", {})
    assert data_summary.training_set_of("names", user_data, recipe).task.count() >= 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 513}, "hidden size must be"),
        ({"hidden_size": "many"}, "hidden size must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"layers": 4}, "layers must be"),
        ({"learning_rate": math.nan}, "learning rate must be"),
        ({"cell": "cnn"}, "cell must be"),
        ({"batch_size": 10**9}, "batch size must be"),
        ({"magic": 1}, "no magic"),
        ({"dropout_rate": 4}, "no dropout_rate"),
        ({"classes": 4}, "no classes"),
        ({"hidden_size": 512, "layers": 3}, "at most 3,000,000"),
        ({"batch_size": 512, "steps": 256}, "smaller batch size"),
    ],
)
def test_a_recipe_for_user_data_out_of_bounds_is_refused(changes, message):
    user_data = user_data_of("speech")
    with pytest.raises(ValueError, match=message):
        data_summary.training_set_of(
            "speech", user_data, data_summary.choose_recipe("speech", user_data, "small", changes)
        )


def test_an_unknown_size_is_refused():
    with pytest.raises(ValueError, match="size must be one of"):
        data_summary.choose_recipe("speech", user_data_of("speech"), "huge", {})


def test_every_size_is_within_the_limits_for_user_data():
    for task, sizes in USER_RECIPES.items():
        for name, recipe in sizes.items():
            assert count_parameters(MODELS[task][1](recipe.config)) <= limits.MAX_USER_PARAMETERS
            limits.check_fields(limits.USER_RECIPE, recipe)
            limits.check_fields(limits.USER_RECIPE, recipe.config)
            assert describe(task, recipe, name)["changed"] == {}


def test_the_projects_own_data_sets_can_be_chosen(data):
    names, speech = data_summary.read_data_set("names", data), data_summary.read_data_set("speech", data)
    assert (len(names.rows), len(names.classes)) == (13_374, 18)
    assert len(speech.text) == 1_003_696
    assert len(speech.text.encode()) <= limits.MAX_USER_DATA_BYTES

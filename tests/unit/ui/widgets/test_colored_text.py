"""The message from which the browser renders a coloured text, and the colours themselves."""

import base64
import json

import numpy as np
import pytest

from charplay.ui.theme import INK, PAPER
from charplay.ui.widgets import candidates, colored_text

MARKUP = '<script>alert("1")</script>\n&amp;'


def channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def test_every_level_has_enough_contrast_and_is_lighter_than_the_one_before():
    assert colored_text.contrast(channels(INK), channels(PAPER)) == pytest.approx(21)
    assert all(colored_text.contrast(channels(ground), channels(ink)) >= 4.5 for ground, ink in colored_text.LEVELS)
    from_black = [colored_text.contrast(channels(ground), channels(INK)) for ground, _ in colored_text.LEVELS]
    assert from_black == sorted(set(from_black))
    assert len(colored_text.LEVELS) == len(colored_text.BITS.labels) == len(colored_text.BITS.edges) + 1


def test_numbers_are_sent_rounded_to_the_digits_of_their_scale():
    bits = [None, 0.0, 0.004, 12.346, 64.99, 1e9]
    content = json.loads(colored_text.render(colored_text.BITS, "abcdef", bits, selected=3, with_end=True))
    numbers = np.frombuffer(base64.b64decode(content["numbers"]), "<i2")
    assert numbers[0] == colored_text.MISSING
    assert (numbers[1:5] / content["factor"]).tolist() == pytest.approx(bits[1:5], abs=0.005)
    assert numbers[5] == 2**15 - 1  # the largest int16, not wrapped around
    assert (content["text"], content["selected"], content["withEnd"]) == ("abcdef", 3, True)


def test_a_message_holds_no_markup_and_twenty_thousand_characters_in_80_kb():
    message = colored_text.render(colored_text.BITS, MARKUP, [1.0] * len(MARKUP))
    assert "<" not in message
    assert json.loads(message)["text"] == MARKUP
    assert len(colored_text.render(colored_text.BITS, "x" * 20_000, [1.234] * 20_000)) < 80_000


@pytest.mark.parametrize("values", [[0.5], [0.25] * 9, [-1, 1], list(np.linspace(0.9, 0.99, 500))])
def test_a_units_colours_are_spread_over_its_own_values(values):
    scale = colored_text.activations(values)
    levels = np.digitize(values, scale.edges)
    assert list(scale.edges) == sorted(scale.edges)
    if np.ptp(values) > colored_text.MIN_RANGE:
        assert (levels.min(), levels.max()) == (0, 8)
    else:
        assert scale.edges[-1] - scale.edges[0] < colored_text.MIN_RANGE
    shown = [float(label) for label in scale.labels if label]
    assert shown == pytest.approx([min(values), np.mean([min(values), max(values)]), max(values)], abs=0.06)


@pytest.mark.parametrize(
    ("character", "name"), [("a", "a"), (" ", "space"), ("\n", "newline"), ("\0", "code 0"), ("\x7f", "code 127")]
)
def test_every_character_has_a_name(character, name):
    assert candidates.name_of(character) == name


@pytest.mark.parametrize(
    ("probability", "start"),
    [(1, "100.0 %"), (0.1234, "12.3 %"), (0.0013, "0.13 %"), (0.0001, "1 in 10,000"), (0, "0.0 %"), (1e-30, "under")],
)
def test_a_small_probability_is_not_shown_as_zero(probability, start):
    assert candidates.percent_or_odds(probability).startswith(start)

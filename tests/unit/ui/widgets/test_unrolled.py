import re
from xml.etree import ElementTree

import pytest

from charplay.ui.widgets.drawn_steps import MAX_STEPS, drawn_steps
from charplay.ui.widgets.unrolled import Step, unrolled

STATE = [-1.0, -0.5, 0.0, 0.5, 1.0]
SVG = "{http://www.w3.org/2000/svg}"


def steps_of(name: str) -> list[Step]:
    return [
        Step(index, name[index], ord(name[index]), STATE, f"Class {index}", index / 100)
        for index in drawn_steps(len(name))
    ]


def parse(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


@pytest.mark.parametrize("name", ["x", "Costa", "a" * MAX_STEPS, "b" * (MAX_STEPS + 1), "c" * 64])
@pytest.mark.parametrize("is_bidirectional", [True, False])
def test_the_drawing_has_one_height_and_holds_the_first_and_the_last_letters(name, is_bidirectional):
    drawing = parse(unrolled(steps_of(name), is_bidirectional))
    states = [text for text in re.findall(r">h(\d+):", unrolled(steps_of(name), is_bidirectional))]
    assert drawing.get("data-letters") == str(len(name))
    assert drawing.get("height") == parse(unrolled(steps_of("ab"), is_bidirectional)).get("height")
    assert states[0] == "1"
    assert states[-1] == str(len(name))
    assert len(states) == (len(name) if len(name) <= MAX_STEPS else MAX_STEPS - 1)
    lowest = max(float(box.get("y")) + float(box.get("height")) for box in drawing.iter(f"{SVG}rect"))
    assert lowest <= float(drawing.get("height"))


def test_every_step_holds_letter_code_and_answer_and_only_the_last_is_accented():
    drawing = parse(unrolled(steps_of("Li "), False))
    groups = drawing.findall(f"{SVG}g")
    assert [[text.text or text[0].text for text in group.iter(f"{SVG}text")] for group in groups] == [
        ["L", "76", "Class 0"],
        ["i", "105", "Class 1"],
        ["␣", "32", "Class 2"],
    ]
    assert [group.get("class") for group in groups] == ["step", "step", "step last"]


def test_letters_and_classes_are_text_and_all_of_them_are_in_the_text_alternative():
    steps = [Step(0, "<", 60, STATE, "<script>alert(1)</script>", 0.5), *steps_of("a" * 9)[1:]]
    markup = unrolled(steps, True)
    drawing = parse(markup)
    assert "<script" not in markup
    assert "<script>alert(1)</script>" in drawing.get("aria-label")
    assert drawing.get("aria-label").count("%") == len(steps)


def test_every_number_of_a_state_is_a_cell_and_its_colour_has_its_sign():
    drawing = parse(unrolled(steps_of("ab"), False))
    for group in drawing.findall(f"{SVG}g"):
        colours = [cell.get("fill") for cell in group.findall(f"{SVG}g/{SVG}path")]
        assert len(set(colours)) == len(STATE)
        reds = [int(colour[1:3], 16) for colour in (colours[0], colours[-1])]
        assert reds[0] < reds[1]  # blue is negative, orange positive

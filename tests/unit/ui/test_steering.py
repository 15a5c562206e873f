import pytest

from charplay.interpret import steering_search
from charplay.interpret.steering import COUNTED
from charplay.models import checkpoints
from charplay.ui.speech import steering
from tests.conftest import make_checkpoint


def test_the_marks_of_a_text_are_what_is_counted_and_nothing_of_it_is_markup():
    text = 'a <b>"bold"</b>, & so\n'
    for name in COUNTED:
        markup = steering._marked(text, name)
        assert markup.count("<mark>") == markup.count("</mark>") == len(steering.occurrences(text, name))
        assert "<b>" not in markup
        assert "&amp; so" in markup
    assert "<mark>" not in steering._marked(text, None)
    assert steering._marked(text, "quotation marks").count("<mark>&quot;</mark>") == 2
    assert steering._marked(text, "line ends").endswith("<mark>↵</mark>\n")


def test_a_choice_is_the_unit_and_value_that_it_was_made_of(tmp_path):
    checkpoint = checkpoints.find("speech-rnn")
    path = tmp_path / checkpoint.name
    path.write_bytes(checkpoint.read_bytes())
    loaded = checkpoints.load(path)
    assert steering.choices(loaded) == steering.choices(make_checkpoint("speech")) == []
    assert steering.no_list_html([])
    found = {"more_of": "commas", "layer": 1, "unit": 7, "value": -2.5, "free": 1.0, "held": 9.0}
    steering_search.save_units(path, [found | {"free_bits": 1.0, "held_bits": 1.2}])
    [(label, value)] = steering.choices(loaded)
    assert "commas" in label
    assert steering.parse_choice(value) == (1, 7, -2.5)
    assert not steering.no_list_html([(label, value)])


@pytest.mark.parametrize("choice", [None, "", "1 2", "1 2 3 4", "a b c", "1 2 x", 7, ["1 2 3"], "1" * 1_000])
def test_another_choice_is_refused(choice):
    with pytest.raises(ValueError, match="unit must be"):
        steering.parse_choice(choice)

"""The data summary as HTML: each thing said once, and nothing for what the data has not."""

import json

import pytest

from charplay import limits
from charplay.models import checkpoints
from charplay.training.data_summary import choose_recipe, read_user_data, summarize
from charplay.training.fine_tuning import adapt, load_start
from charplay.ui.train import plots
from charplay.ui.train.summary import queue_html, summary_html
from tests.conftest import make_checkpoint

ROWS = [("Müller", "de"), ("Schulz", "de"), ("Rossi", "it"), ("Verdi", "it"), ("Costa", "IT"), ("Sousa", "IT")]
TABLE = "".join(f"{text};{label}\n" for text, label in ROWS)
JSON_LINES = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS)
TEXT = "<b>two</b> and three make five.\n" * 20


def html_of(task: str, data: str, **options) -> str:
    user_data = read_user_data(task, data, options)
    return summary_html(summarize(user_data, choose_recipe(task, user_data, "small", {})))


@pytest.mark.parametrize("data", [TABLE, JSON_LINES])
def test_rows_are_shown_as_they_were_read(data):
    html = html_of("names", data)
    assert html.count("Müller") == 1
    assert ("JSON Lines" in html) == (data == JSON_LINES)


def test_the_file_that_rows_come_from_is_named():
    user_data = read_user_data("names", TABLE, {})
    found = summarize(user_data, choose_recipe("names", user_data, "small", {}))
    assert "my &lt;rows&gt;.csv" in summary_html(found, "my <rows>.csv")
    assert ".csv" not in summary_html(found)


@pytest.mark.parametrize(("shortest", "longest"), [(6, 6), (4, 7), (2, 14), (1, 300), (3, 500)])
def test_the_histogram_of_lengths_has_a_few_ticks_at_whole_numbers(shortest, longest):
    axis = plots.lengths([0] * shortest + [1] * (longest - shortest + 1)).layout.xaxis
    assert axis.dtick == int(axis.dtick)
    assert axis.tick0 == 0
    assert (longest - shortest) / axis.dtick <= plots.MAX_LENGTH_TICKS


def test_labels_that_differ_by_case_are_named_until_they_are_merged():
    assert "by case alone" in html_of("names", TABLE)
    assert "2 classes" in html_of("names", TABLE, merge_case=True)


def test_a_text_is_shown_escaped_and_said_to_be_learnt_by_heart_once():
    html = html_of("speech", TEXT)
    assert html.count("&lt;b&gt;two") == 3
    assert "<b>two" not in html
    assert html.count("by heart") == 1


def test_cut_texts_and_every_character_are_counted():
    html = html_of("names", TABLE + "x" * 501 + ";it\nwell 🙂🙂;it\n")
    assert "1 cut" in html
    assert '<code translate="no">🙂</code>&nbsp;2' in html


def test_characters_too_rare_for_the_vocabulary_and_those_left_out_are_counted(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CHARACTERS", 5)
    html = html_of("speech", "abcde" * 60 + "xyzz\x01")
    assert '3 rarer characters, 4 times: <code translate="no">z</code>&nbsp;2' in html
    assert '<code translate="no">\ufffd</code>&nbsp;4' in html
    assert "U+0001 1 times" in html


def test_a_start_says_what_of_its_model_grows(tmp_path):
    def html_from(task: str, data: str) -> str:
        checkpoints.save(tmp_path / "start.safetensors", make_checkpoint(task))
        start = load_start(tmp_path / "start.safetensors", task)
        user_data = adapt(read_user_data(task, data, {}), start)
        return summary_html(summarize(user_data, choose_recipe(task, user_data, "small", {}, start), start=start))

    assert "<b>start</b>, GRU 2 x 12" in html_from("speech", TEXT)
    assert "ASCII" in html_from("speech", TEXT)
    assert '2 new characters: <code translate="no">πω</code>' in html_from("speech", "πω" * 200)
    assert "other" in html_from("names", TABLE)
    mixed = html_from("names", TABLE.replace("it", "Italian").replace("IT", "Ligurian").replace("de", "German"))
    assert "new labels: Ligurian;" in mixed
    assert "16 of its labels have no rows" in mixed


def test_the_queue_is_named_where_there_is_one():
    assert queue_html(0, 0.0) == ""
    assert "3 " in queue_html(3, 90.0)
    assert "90 s" in queue_html(3, 90.0)

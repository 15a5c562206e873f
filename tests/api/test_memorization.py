"""Copied or made up, as the page shows it: with the filter, without it, and with one that is broken."""

import functools
import json
import shutil

import gradio as gr
import pytest

from charplay.interpret import memorization
from charplay.models import checkpoints
from charplay.ui import inference_client, page
from charplay.ui.speech.generated_text import GeneratedText
from tests.unit.models.test_checkpoints import rewritten

MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>&amp; "


def fold_of(demo: gr.Blocks) -> tuple[str, list]:
    """What the fold shows before it is opened, and the functions that fill it."""
    [fold] = (block for block in demo.blocks.values() if getattr(block, "elem_id", "") == "copied")
    page_of_nobody = gr.Request(session_hash="nobody")
    filling = (event.fn for event in demo.fns.values() if fold in event.outputs and event.fn)
    return fold.value or "", [functools.partial(function, page=page_of_nobody) for function in filling]


@pytest.fixture(scope="module")
def look_up():
    shown, [function] = fold_of(page.build())
    assert not shown
    return function


@pytest.fixture
def directory(tmp_path):
    """The filter and one language model that was trained on the speeches."""
    shutil.copy(checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE, tmp_path)
    shutil.copy(checkpoints.SHIPPED_DIRECTORY / "speech-rnn.safetensors", tmp_path)
    return tmp_path


def written(continuation: str, model: str = "speech") -> str:
    return GeneratedText(model, "We ", 3, 0.8, continuation).as_field()


def test_the_process_looks_up_what_is_looked_up_here(run_async, speeches):
    path = checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE
    model = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "speech-rnn.safetensors")
    text = speeches["train"][0].text[1_000:1_600]
    found = run_async(inference_client.query(model, "copied", path=str(path), text=text))
    assert [tuple(stretch) for stretch in found] == memorization.find(memorization.load(path), text) != []


def test_a_copied_text_is_underlined_and_counted_and_the_prime_is_left_out(look_up, run_async, speeches):
    text = speeches["train"][0].text[1_000:1_400]
    shown = run_async(look_up(written(text)))
    [(start, end)] = memorization.find(
        memorization.load(checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE), text
    )
    assert f"<b>{100 * (end - start) / 400:.1f} %</b> of this text, {end - start} of 400 characters" in shown
    assert "in one stretch" in shown
    assert shown.count("<mark") == 1
    alone = GeneratedText("speech", text, len(text), 0.8, " zxq" * 20).as_field()
    shown = run_async(look_up(alone))
    assert "Nothing is underlined: <b>0 %</b> of the 80 characters" in shown
    assert "<mark" not in shown
    assert text[:20] not in shown


def test_what_an_underline_means_is_said_with_the_figures_of_the_filter(look_up, run_async):
    index = memorization.load(checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE)
    shown = run_async(look_up(written("nothing")))
    for figure in ("0.001 %", "508 speeches", "since 1930", f"{index.test_share:.1%}".replace("%", " %"), "31 or more"):
        assert figure in shown
    assert "speeches that the model read" in shown
    assert "other texts" not in shown


def test_markup_is_shown_as_text(look_up, run_async):
    shown = run_async(look_up(written(MARKUP * 3)))
    assert "&lt;img src=x" in shown
    assert "<img" not in shown
    assert "<script" not in shown


@pytest.mark.parametrize(
    "field",
    [
        "{}",
        "no line",
        "x" * 20_000,
        '{"model": "speech"}\nWe',
        written("a" * 10_001),
        written("한국"),
        written(""),
        "",
        7,
    ],
)
def test_a_field_that_the_page_did_not_write_gets_a_sentence(look_up, run_async, field):
    with pytest.raises(gr.Error) as refusal:
        run_async(look_up(field))
    assert refusal.value.message.endswith(".")


def test_a_model_that_is_not_on_the_page_is_refused(look_up, run_async):
    for model in ("../../etc/passwd", "names", ["speech"], None):
        with pytest.raises(gr.Error, match="model must be one of"):
            run_async(look_up(written("We can do this together.", model)))


def test_a_model_that_read_other_texts_is_told_from_those_that_read_the_speeches(directory, run_async):
    rewritten(directory / "speech-rnn.safetensors", lambda header: header.update(data='"other"'))
    _, [function] = fold_of(page.build(directory))
    shown = run_async(function(written("nothing", "speech-rnn")))
    assert "trained on other texts than these speeches" in shown
    assert "that the model read" not in shown


def test_a_model_that_read_older_speeches_too_is_told_as_well(directory, run_async):
    recipe = checkpoints.load(directory / "speech-rnn.safetensors").recipe | {"since": "1789"}
    rewritten(directory / "speech-rnn.safetensors", lambda header: header.update(recipe=json.dumps(recipe)))
    _, [function] = fold_of(page.build(directory))
    assert "trained on other texts than these speeches" in run_async(function(written("nothing", "speech-rnn")))


def test_the_page_works_without_the_filter_and_says_so(directory):
    (directory / memorization.FILTER_FILE).unlink()
    shown, functions = fold_of(page.build(directory))
    assert f"There is no {memorization.FILTER_FILE}" in shown
    assert "charplay index" in shown
    assert not functions


def test_a_broken_filter_is_named_and_leaves_the_rest_alone(directory):
    (directory / memorization.FILTER_FILE).write_bytes((directory / memorization.FILTER_FILE).read_bytes()[:50_000])
    demo = page.build(directory)
    shown, functions = fold_of(demo)
    assert f"{memorization.FILTER_FILE} is no readable safetensors file" in shown
    assert not functions
    everything = " ".join(str(block.value) for block in demo.blocks.values() if hasattr(block, "value"))
    assert "Left out" not in everything

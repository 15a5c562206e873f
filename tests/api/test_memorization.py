"""The memorization accordion: with the filter, without it, and with one that is broken."""

import json
import shutil

import gradio as gr
import pytest

from charplay.interpret import memorization
from charplay.models import checkpoints
from charplay.ui import inference_client, page
from charplay.ui.speech.generated_text import GeneratedText
from tests.safetensors_files import change_metadata

MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>&amp; "


def accordion_of(demo: gr.Blocks) -> tuple[str, list]:
    """What the accordion shows before it is opened, and the functions that compute its content."""
    [output] = (block for block in demo.blocks.values() if getattr(block, "elem_id", "") == "memorization")
    request = gr.Request(session_hash="no session")
    functions = (event.fn for event in demo.fns.values() if output in event.outputs and event.fn)
    return output.value or "", [_content_of(function, request) for function in functions]


def _content_of(function, request: gr.Request):
    """The accordion's content; a user error is raised with the HTML that the page shows instead of it."""

    async def content(field):
        shown, problem = await function(field, page=request)
        if problem:
            raise ValueError(problem)
        return shown

    return content


@pytest.fixture(scope="module")
def compute():
    shown, [function] = accordion_of(page.build())
    assert not shown
    return function


@pytest.fixture
def directory(tmp_path):
    """The filter and one language model that was trained on the speeches."""
    shutil.copy(checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE, tmp_path)
    shutil.copy(checkpoints.SHIPPED_DIRECTORY / "speech-rnn.safetensors", tmp_path)
    return tmp_path


def field_of(continuation: str, model: str = "speech") -> str:
    return GeneratedText(model, "We ", 3, 0.8, 1, continuation).as_field()


def test_the_inference_worker_finds_the_same_spans_as_the_function(run_async, speeches):
    path = checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE
    model = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "speech-rnn.safetensors")
    text = speeches["train"][0].text[1_000:1_600]
    found = run_async(inference_client.query(model, "memorization", path=str(path), text=text))
    assert [tuple(stretch) for stretch in found] == memorization.find(memorization.load(path), text) != []


def test_a_copied_text_is_underlined_and_counted_and_the_prime_is_left_out(compute, run_async, speeches):
    text = speeches["train"][0].text[1_000:1_400]
    shown = run_async(compute(field_of(text)))
    [(start, end)] = memorization.find(
        memorization.load(checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE), text
    )
    assert f"<b>{100 * (end - start) / 400:.1f} %</b> of this text, {end - start} of 400 characters" in shown
    assert "in one stretch" in shown
    assert shown.count("<mark") == 1
    prime_copied = GeneratedText("speech", text, len(text), 0.8, 1, " zxq" * 20).as_field()
    shown = run_async(compute(prime_copied))
    assert "Nothing is underlined: <b>0 %</b> of the 80 generated characters" in shown
    assert "<mark" not in shown
    assert text[:20] not in shown


def test_the_explanation_has_the_figures_of_the_filter(compute, run_async):
    index = memorization.load(checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE)
    shown = run_async(compute(field_of("nothing")))
    for figure in ("0.001 %", "508 speeches", "since 1930", f"{index.test_share:.1%}".replace("%", " %"), "31 or more"):
        assert figure in shown
    assert "speeches that the model was trained on" in shown
    assert "other texts" not in shown


def test_opening_words_alone_have_nothing_copied(compute, run_async):
    assert "<mark" not in run_async(compute(field_of("")))


def test_markup_is_shown_as_text(compute, run_async):
    shown = run_async(compute(field_of(MARKUP * 3)))
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
        field_of("a" * 10_001),
        "",
        7,
    ],
)
def test_a_field_that_is_no_generated_text_is_a_user_error(compute, run_async, field):
    with pytest.raises(ValueError, match=r'class="problem".*\.<'):
        run_async(compute(field))


def test_a_model_that_is_not_on_the_page_is_refused(compute, run_async):
    for model in ("../../etc/passwd", "names", ["speech"], None):
        with pytest.raises(ValueError, match=r"model must be one of|cannot be read"):
            run_async(compute(field_of("We can do this together.", model)))


def test_a_model_trained_on_other_texts_is_told_from_one_trained_on_the_speeches(directory, run_async):
    change_metadata(directory / "speech-rnn.safetensors", lambda header: header.update(data='"other"'))
    _, [function] = accordion_of(page.build(directory))
    shown = run_async(function(field_of("nothing", "speech-rnn")))
    assert "trained on other texts than these speeches" in shown
    assert "that the model read" not in shown


def test_a_model_trained_on_older_speeches_too_is_told_as_well(directory, run_async):
    recipe = checkpoints.load(directory / "speech-rnn.safetensors").recipe | {"since": "1789"}
    change_metadata(directory / "speech-rnn.safetensors", lambda header: header.update(recipe=json.dumps(recipe)))
    _, [function] = accordion_of(page.build(directory))
    assert "trained on other texts than these speeches" in run_async(function(field_of("nothing", "speech-rnn")))


def test_the_page_works_without_the_filter_and_says_so(directory):
    (directory / memorization.FILTER_FILE).unlink()
    shown, functions = accordion_of(page.build(directory))
    assert f"There is no {memorization.FILTER_FILE}" in shown
    assert "charplay index" in shown
    assert not functions


def test_a_broken_filter_is_named_and_leaves_the_rest_alone(directory):
    (directory / memorization.FILTER_FILE).write_bytes((directory / memorization.FILTER_FILE).read_bytes()[:50_000])
    demo = page.build(directory)
    shown, functions = accordion_of(demo)
    assert f"{memorization.FILTER_FILE} is no readable safetensors file" in shown
    assert not functions
    everything = " ".join(str(block.value) for block in demo.blocks.values() if hasattr(block, "value"))
    assert "Left out" not in everything

"""`import charplay` in a notebook."""

import doctest
import subprocess
import sys

import pytest

import charplay
from charplay import library
from charplay.inference.classify import classify
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.interpret.packing import compare_batches
from charplay.interpret.prefixes import prefixes_of
from charplay.interpret.surprisal import surprisal_of
from charplay.models import checkpoints
from tests.conftest import make_checkpoint


def test_every_example_in_the_documentation_is_true():
    failed, attempted = doctest.testmod(library)
    assert (failed, attempted > 10) == (0, True)


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import charplay", ("torch", "gradio", "plotly")),
        ("from charplay.ui import addresses", ("torch", "gradio", "plotly")),
        (
            "from charplay.ui import launch",
            ("gradio", "plotly", "numba"),
        ),  # which it imports while examples are computed
        ("from charplay import load, pad_and_pack; pad_and_pack(['Rossi'])", ("gradio", "plotly")),
    ],
)
def test_the_library_imports_no_more_than_it_uses(statement, absent):
    checked = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", checked], capture_output=True, text=True, check=True)
    assert not set(absent) & set(done.stdout.split())


def test_all_public_names_are_documented_and_listed():
    for name in charplay.__all__:
        assert getattr(charplay, name).__doc__
        assert name in dir(charplay)
    with pytest.raises(AttributeError, match="unknown_name"):
        _ = charplay.unknown_name


def test_a_classifier_gives_what_the_core_gives(tmp_path):
    checkpoints.save(tmp_path / "mine.safetensors", make_checkpoint("names"))
    model = charplay.load(tmp_path / "mine.safetensors")
    assert isinstance(model, charplay.Classifier)
    names = ["Müller", "O'Brien"]
    assert model.classify(names, prior="uniform") == classify(model.checkpoint, names, "uniform")
    assert model.classify(names[0]) == classify(model.checkpoint, names[:1])[0]
    assert model.classify([]) == []
    table = model.prefix_probabilities(names[0])
    for column, result in enumerate(classify(model.checkpoint, prefixes_of(model.checkpoint, names[0]), are_read=True)):
        assert [row[column] for row in table["probabilities"]] == list(result["probabilities"].values())


def test_a_language_model_gives_what_the_core_gives(tmp_path):
    checkpoints.save(tmp_path / "mine.safetensors", make_checkpoint("speech"))
    model = charplay.load(str(tmp_path / "mine.safetensors"))
    assert isinstance(model, charplay.LanguageModel)
    text = model.generate("we – the people", length=30, temperature=1.5, prime_length=3, top_k=5, seed=7)
    request = make_request("we – the people", 1.5, 30, 3, 5, 7)
    assert text == request.prime + generate(model.checkpoint, [request])[0]
    assert model.surprise("caf\u00e9")["bits"] == surprisal_of(model.checkpoint, "cafe")["bits"]


def test_padding_and_packing_gives_the_numbers_of_a_comparison(classifier):
    names = ["adylov", "solan", "hard", "san"]
    for sort in (True, False):
        batch = charplay.pad_and_pack(names, sort)
        assert batch.items() <= compare_batches(classifier, names, sort).items()


@pytest.mark.parametrize("name", ["nothing-of-this-name", "missing.safetensors"])
def test_a_missing_model_is_named(name):
    with pytest.raises(checkpoints.CheckpointError, match=name):
        charplay.load(name)


def test_bad_input_is_refused_as_everywhere():
    with pytest.raises(ValueError, match="prior"):
        charplay.load("names-rnn").classify("Rossi", prior="mine")
    with pytest.raises(ValueError, match="temperature"):
        charplay.load("speech-rnn").generate("My", temperature=3)
    with pytest.raises(ValueError, match="layer"):
        charplay.load("speech-rnn").generate("My", held=(2, 0, 1.0))
    with pytest.raises(ValueError, match="at least"):
        charplay.pad_and_pack([])

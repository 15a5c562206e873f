"""The code that a visitor copies is run, and must make what the page and /compare_batches show."""

import contextlib
import io
from collections import Counter
from dataclasses import replace

import pytest

from charplay.data.vocabulary import vocabulary_of
from charplay.interpret.code_snippet import MAX_LINE_CHARACTERS, snippet
from charplay.interpret.packing import compare_batches, normalize_names
from charplay.models.networks import NameClassifier, NameClassifierConfig

QUOTES = ["O'Brien", 'd"Arc', "a\\b", "\\", "'\"'", "'''", '"""', "\\n", "x\\'", "{name}", "{{", "%s", "#", "['x']"]
BATCHES = {
    "the lecture's": ["adylov", "solan", "hard", "san"],
    "one": ["x"],
    "equal lengths": ["anna", "otto", "ivan"],
    "quotes and backslashes": QUOTES,
    "accents": ["Müller", "Søren", "  O’Brien ", "van der Berg"],
    "the most": [chr(97 + row % 26) * (1 + row * 7 % 20) for row in range(499)] + ["'\"" * 32],
}


def run(code: str) -> tuple[dict, str]:
    """The names that the lines leave behind, and what they print."""
    printed, left = io.StringIO(), {}
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "copied", "exec"), left)
    return left, printed.getvalue()


@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("names", BATCHES.values(), ids=BATCHES)
def test_the_snippet_computes_what_compare_batches_gives(classifier, names, sort):
    report = compare_batches(classifier, names, sort)
    left, printed = run(snippet(normalize_names(names), sort))
    assert left["padded"].tolist() == report["padded"]
    assert left["lengths"].tolist() == report["lengths"]
    assert left["packed"].data.tolist() == report["packed"]
    assert left["packed"].batch_sizes.tolist() == report["batch_sizes"]
    assert left["names"] == normalize_names(names)
    assert printed.endswith("True\n")


def test_the_codes_of_another_alphabet_are_those_of_the_model(classifier):
    names = ["Иванова", "Петров", "김철수", "'"]
    vocabulary, _ = vocabulary_of(Counter("".join(names)))
    config = NameClassifierConfig("gru", 8, 12, 1, vocabulary_size=vocabulary.size)
    own = replace(classifier, model=NameClassifier(config).eval(), vocabulary=vocabulary)
    report = compare_batches(own, names)
    left, printed = run(snippet(normalize_names(names, vocabulary), True, vocabulary))
    assert left["padded"].tolist() == report["padded"]
    assert vocabulary.decode(left["packed"].data).startswith("ИП김")
    assert printed.endswith("True\n")


def test_lines_of_names_are_wrapped_at_the_limit():
    code = snippet(["abcdefgh"] * 100, sort=True)
    lines = [line for line in code.splitlines() if line.startswith("    '")]
    assert len(lines) == 15
    assert max(map(len, lines)) <= MAX_LINE_CHARACTERS

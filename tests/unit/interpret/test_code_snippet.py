"""The code that a visitor copies is run, and must make what the page and /compare_batches show."""

import contextlib
import io
from collections import Counter
from dataclasses import asdict, replace

import pytest

from charplay.data.vocabulary import vocabulary_of
from charplay.inference.classify import classify
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.inference.invent import invent, make_invent_request
from charplay.interpret.code_snippet import (
    MAX_LINE_CHARACTERS,
    batch_code,
    classify_code,
    decoders_code,
    generate_code,
    invent_code,
    training_code,
)
from charplay.interpret.packing import compare_batches, normalize_names
from charplay.interpret.surprisal import likeliest_next
from charplay.interpret.writing import writing_steps
from charplay.models import checkpoints
from charplay.models.networks import NameClassifier, NameClassifierConfig
from charplay.training.data_summary import choose_recipe, read_user_data, summarize
from charplay.training.teacher_forcing import EMBEDDING_SIZE, DecoderPair, make_settings

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
    left, printed = run(batch_code(normalize_names(names), sort))
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
    left, printed = run(batch_code(normalize_names(names, vocabulary), True, vocabulary))
    assert left["padded"].tolist() == report["padded"]
    assert vocabulary.decode(left["packed"].data).startswith("ИП김")
    assert printed.endswith("True\n")


def test_lines_of_names_are_wrapped_at_the_limit():
    code = batch_code(["abcdefgh"] * 100, sort=True)
    lines = [line for line in code.splitlines() if line.startswith("    '")]
    assert len(lines) == 15
    assert max(map(len, lines)) <= MAX_LINE_CHARACTERS


def test_the_code_of_an_answer_gives_what_the_page_shows():
    checkpoint = checkpoints.load(checkpoints.find("names-gru"))
    for name, prior in (("O'Brien", "data"), ('Müller"""', "uniform")):
        expected = classify(checkpoint, [name], prior)[0]
        left, printed = run(classify_code("names-gru", name, prior))
        assert left["result"] == expected
        assert left["probabilities"].tolist() == pytest.approx(list(expected["probabilities"].values()), abs=0.02)
        assert printed.startswith(expected["country"])
        columns = zip(*left["prefixes"]["probabilities"], strict=True)
        assert list(columns)[-1] == pytest.approx(list(expected["probabilities"].values()), abs=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0, "length": 9, "seed": 1, "prime_length": 20, "top_k": 0, "until": None},
        {"temperature": 1.2, "length": 30, "seed": 2, "prime_length": 5, "top_k": 3, "until": "\n'"},
    ],
)
def test_the_code_of_a_text_generates_it(settings):
    checkpoint = checkpoints.load(checkpoints.find("speech-rnn"))
    prime = "My 'fellow' {prime}\n\\ "
    request = make_request(prime, **settings)
    expected = request.prime + generate(checkpoint, [request])[0]
    left, printed = run(generate_code({"model": "speech-rnn", "prime": request.prime, **settings}))
    assert left["text"] == expected
    assert printed.startswith(expected)
    likeliest = likeliest_next(checkpoint, request.prime[-request.prime_length :], 1)[0]["likeliest"]
    assert left["probabilities"].topk(3).values.tolist() == pytest.approx([share for _, share in likeliest], abs=1e-3)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_the_code_of_two_decoders_trains_both_as_the_page_does(cell):
    settings, epochs = make_settings("it's", cell, 12, 0.02, 3, 0.5), 12
    pair = DecoderPair(settings)
    for _ in range(epochs):
        pair.advance()
    expected = pair.update_since()["decoders"]
    code = decoders_code(asdict(settings), epochs, embedding_size=EMBEDDING_SIZE, clip=settings.recipe.clip)
    left, printed = run(code)
    assert left["pair"].update_since()["decoders"] == expected
    assert left["teacher_forced"] == expected[0]["predictions"]
    assert left["free_running"] == expected[0]["free_running"]
    assert float(printed.split()[0]) == pytest.approx(expected[0]["loss"], abs=1e-3)


ROWS = "text,label\n" + "".join(f"{letter * 3}'\\,{label}\n" for letter in "abcdefgh" for label in ("one", "two"))


def test_the_code_of_a_training_reads_and_trains_what_the_page_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    changes, options = {"epochs": 1, "hidden_size": 8}, {"delimiter": ",", "has_header": None, "merge_case": True}
    data = read_user_data("names", ROWS, {"delimiter": ",", "merge_case": True})
    expected = summarize(data, choose_recipe("names", data, "small", changes))
    for source in ({"text": ROWS}, {"file": "rows.csv", "encoding": None}):
        left, _ = run(training_code("names", source | options, "small", changes))
        assert left["summary"] | {"read_as": {}} == expected | {"read_as": {}}
        assert (tmp_path / "my-network.safetensors").exists()
        assert left["results"]["validation"]["n"] == expected["validation"]
    started = training_code("names", {"text": ROWS}, "small", {"epochs": 1}, start="my-network.safetensors")
    assert run(started)[0]["summary"]["parameters"] == expected["parameters"]
    text = "it was one and the same " * 40
    left, _ = run(training_code("speech", {"text": text}, "small", {"epochs": 1, "hidden_size": 8}))
    assert left["summary"]["count"] == len(text.strip())


def test_the_code_of_invented_names_invents_them():
    checkpoint, mixture = checkpoints.load(checkpoints.find("invent")), {"Irish": 0.25, "Greek": 0.75}
    request = make_invent_request(checkpoint, mixture, 4, 1.1, 5)
    left, printed = run(invent_code(mixture, 4, 1.1, 5))
    assert left["names"] == invent(checkpoint, [request])[0]
    assert printed.startswith(left["names"][0])
    steps = writing_steps(checkpoint, left["names"][0], request.mixture, 1)
    likeliest = [step["likeliest"][0][1] for step in steps[1:]]
    assert left["logits"][0, 1:].softmax(1).amax(1).tolist() == pytest.approx(likeliest, abs=0.02)

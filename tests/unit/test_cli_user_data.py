"""A user's own files on the command line: summarized as they would be trained on, and trained on."""

import io
import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from charplay.cli import main
from charplay.models import checkpoints
from tests.conftest import make_checkpoint

KEYS = {
    "encoding", "delimiter", "has_header", "text_column", "label_column", "rows", "classes", "characters", "first",
    "left_out", "left_out_count",
}  # fmt: skip


def run(capsys, *arguments):
    """Exit status, what stdout holds as JSON, and stderr."""
    status = main([*map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


def test_rows_are_summarized_as_they_are_read(capsys, tmp_path):
    file = tmp_path / "people.csv"
    file.write_bytes(",name,country\n0,Müller,de\n1,Schröder,de\n2,Muñoz,es\n3,García,es\n4,,es\n".encode("cp1252"))
    status, found, _ = run(capsys, "data", "summary", "rows", file)
    assert status == 0
    assert set(found) == KEYS
    assert found["first"] == [["Müller", "de"], ["Schröder", "de"], ["Muñoz", "es"]]
    assert (found["encoding"], found["delimiter"], found["has_header"]) == ("Windows-1252", ",", True)
    assert (found["text_column"], found["label_column"]) == ("name", "country")
    assert (found["rows"], found["classes"]) == (4, {"de": 2, "es": 2})
    assert [row["line"] for row in found["left_out"]] == [6]
    assert found["left_out_count"] == 1
    assert found["characters"]["r"] == len(["Mulle", " Sch", "ode", " Munoz Ga", "cia"]) - 1


def test_columns_are_numbered_from_1_where_they_have_no_names(capsys, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("it;a;Rossi\nit;b;Verdi\nru;a;Ivanov\nru;b;Petrov\n")
    _, found, _ = run(capsys, "data", "summary", "rows", file, "--text-column", 3, "--label-column", "2")
    assert (found["text_column"], found["label_column"], found["classes"]) == (3, 2, {"a": 2, "b": 2})
    status, _, err = run(capsys, "data", "summary", "rows", file, "--text-column", 9)
    assert (status, err.count("\n")) == (2, 1)


def test_several_files_are_one_table(capsys, tmp_path):
    one, two = tmp_path / "one.csv", tmp_path / "two.tsv"
    one.write_text("name,country\nRossi,it\nIvanov,ru\n")
    two.write_text("land\tname\nit\tVerdi\nru\tPetrov\nde\tLone\n".replace("land", "country"), encoding="utf-16")
    _, found, _ = run(capsys, "data", "summary", "rows", one, two)
    assert (found["rows"], found["classes"], found["left_out_count"]) == (4, {"it": 2, "ru": 2}, 1)
    assert found["left_out"][0]["line"] == 4
    assert "two.tsv" in found["left_out"][0]["reason"]


def test_a_text_is_summarized_and_read_from_standard_input(capsys, monkeypatch):
    text = "„Straße“ 한 한\n" * 30
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    status, found, _ = run(capsys, "data", "summary", "text", "-")
    assert status == 0
    assert set(found) == KEYS
    assert (found["encoding"], found["rows"], found["first"]) == ("UTF-8", None, ["„Straße“ 한 한"] * 3)
    assert (found["characters"]["ß"], found["characters"]["한"], found["left_out_count"]) == (30, 60, 0)
    assert sum(found["characters"].values()) == len(text.strip())


@pytest.mark.parametrize(
    ("content", "arguments", "named"),
    [
        (b"Rossi\nVerdi\n", (), "one column"),
        (b"\0\1\2", (), "binary"),
        (b"a,x\nb,x\nc,y\nd,y\n", ("--delimiter", "dot"), "delimiter"),
        (b"a,x\nb,x\nc,y\nd,y\n", ("--encoding", "klingon"), "encoding"),
        (b"a,x\nb,x\nc,y\nd,y\n", ("--label-column", "age"), "age"),
        (b"a,x\nb,x\nc,y\nd,y\n", ("--label-column", "0"), "from 1"),
        (b"x" * 5_000_001, (), "5,000,000"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(capsys, tmp_path, content, arguments, named):
    (tmp_path / "file").write_bytes(content)
    status, found, err = run(capsys, "data", "summary", "rows", tmp_path / "file", *arguments)
    assert (status, found, err.count("\n")) == (2, None, 1)
    assert named in err


SMALL = ("--epochs", 2, "--hidden-size", 8)
PEOPLE = "".join(f"{name},{label}\n" for label, name in (("it", "Rossi"), ("ru", "Ivanov")) for _ in range(6))
TEXT = "to be or not to be, that is the question. " * 12


def numbers_in(value):
    """All numbers in a result."""
    if isinstance(value, dict | list):
        return [n for part in (value.values() if isinstance(value, dict) else value) for n in numbers_in(part)]
    return [value] if isinstance(value, int | float) else []


def test_a_model_trained_on_rows_lies_where_the_app_looks_for_models(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "DIRECTORIES", (tmp_path / "checkpoints",))
    (tmp_path / "my.people.csv").write_text(PEOPLE)
    (tmp_path / "more.csv").write_text("name;country\nNowak;pl\nKot;pl\n")
    status, found, err = run(capsys, "train", "rows", tmp_path / "my.people.csv", tmp_path / "more.csv", *SMALL)
    assert status == 0, err
    assert "epoch 2/2" in err
    registry = checkpoints.load_all(*checkpoints.DIRECTORIES)
    assert not registry.problems
    [(name, checkpoint)] = registry.models["names"].items()
    assert (name, checkpoint.classes) == ("my-people-rows", ("it", "pl", "ru"))
    assert found["checkpoint"] == str(checkpoint.path)
    assert (checkpoint.results["own"]["count"], checkpoint.recipe["name"]) == (14, "small")
    assert all(map(math.isfinite, numbers_in(found)))
    assert run(capsys, "classify", "--checkpoint", checkpoint.path, "Rossi")[1]["results"][0]["country"] in ("it", "ru")


def test_rows_train_a_model_that_invents_texts_of_their_labels(capsys, tmp_path):
    file, out = tmp_path / "words.csv", tmp_path / "words.safetensors"
    file.write_text("".join(f"{letter * times},<{letter}>\n" for letter in "ao" for times in range(1, 13)))
    status, results, _ = run(capsys, "train", "rows", file, "--invent", "--out", out, "--epochs", 1)
    assert status == 0
    assert results["own"]["baseline"] > 0
    assert checkpoints.load(out, "invent").classes == ("<a>", "<o>")
    status, invented, _ = run(capsys, "invent", "--checkpoint", out, "--country", "<a>", "--count", 3, "--seed", 1)
    assert status == 0
    assert len(invented["names"]) == 3
    for option in (("--truncation", 0.2), ("--from", "names")):
        status, _, err = run(capsys, "train", "rows", file, "--invent", *option)
        assert (status, err.count("\n")) == (2, 1)
        assert option[0] in err


def test_a_model_trained_on_a_text_shows_samples(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(TEXT.encode("utf-16"))))
    out = tmp_path / "mine.safetensors"
    status, found, err = run(capsys, "train", "text", "-", *SMALL, "--sample", "--out", out)
    assert status == 0, err
    checkpoint = checkpoints.load(out, "speech")
    assert set(checkpoint.alphabet) == set(TEXT)
    assert all(map(math.isfinite, numbers_in(found)))
    samples = [line for line in err.splitlines() if len(line) > 100 and set(line) <= set(TEXT)]
    assert len(samples) == 2


@pytest.mark.parametrize(
    ("kind", "content", "options", "named"),
    [
        ("text", "to be or not " * 20, ("--batch-size", 512), "batch size"),
        ("text", "to be or not " * 20, ("--batch-size", 513), "batch size"),
        ("text", "a" * 500, (), "one character"),
        ("text", "to be", (), "200 to"),
        ("text", TEXT, ("--recipe", "huge"), "invalid choice"),
        ("text", TEXT, ("--out", "."), "directory"),
        ("rows", "a,x\nb,y\n", (), "two at least"),
        ("rows", PEOPLE, ("--hidden-size", 5000), "hidden size"),
    ],
)
def test_too_little_data_or_impossible_settings_are_one_sentence(capsys, tmp_path, kind, content, options, named):
    (tmp_path / "data").write_text(content)
    status, found, err = run(capsys, "train", kind, tmp_path / "data", "--out", tmp_path / "o.safetensors", *options)
    assert (status, found, err.count("\n")) == (2, None, 1)
    assert named in err


@pytest.mark.parametrize(
    ("kind", "content"),
    [("rows", "a,x\nb,x\nc,y\nd,y\n"), ("text", "ab" * 100), ("text", "a" * 450 + "z" * 50)],
)
def test_as_little_data_as_can_be_used_gives_finite_figures(capsys, tmp_path, kind, content):
    (tmp_path / "data").write_text(content)
    status, found, _ = run(capsys, "train", kind, tmp_path / "data", "--out", tmp_path / "o.safetensors", *SMALL)
    assert status == 0
    assert all(map(math.isfinite, numbers_in(found)))


def test_training_goes_on_from_a_checkpoint(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "DIRECTORIES", (tmp_path,))
    checkpoints.save(tmp_path / "start.safetensors", make_checkpoint("speech"))
    file = tmp_path / "greek.txt"
    file.write_text("Μῆνιν ἄειδε θεὰ Πηληϊάδεω Ἀχιλῆος. " * 20)
    status, found, _ = run(capsys, "train", "text", file, "--from", "start", "--epochs", 1)
    assert status == 0
    made = checkpoints.load(Path(found["checkpoint"]))
    assert made.recipe["started_from"]["model"] == "start"
    assert "ῆ" in made.vocabulary
    options = ["--from", made.path, "--epochs", "1", "--no-grow-vocabulary", "--out", tmp_path / "again.safetensors"]
    assert run(capsys, "train", "text", file, *options)[0] == 0
    for wrong in (["--hidden-size", "8"], ["--recipe", "small"]):
        status, _, err = run(capsys, "train", "text", file, "--from", "start", *wrong)
        assert (status, err.count("\n")) == (2, 1)
    for wrong in (["--from", "absent"], ["--from", tmp_path / "absent.safetensors"], ["--grow-vocabulary"]):
        status, _, err = run(capsys, "train", "text", file, *wrong)
        assert (status, err.count("\n")) == (2, 1)
    assert run(capsys, "train", "rows", file, "--from", "start")[0] == 2


def test_a_name_that_cannot_be_read_is_named_and_the_others_are_classified(capsys):
    status, found, err = run(capsys, "classify", "Rossi", "한국", "Əliyev", " ")
    assert status == 0
    assert [result["normalized"] for result in found["results"]] == ["Rossi", "Aliyev"]
    assert err.count("\n") == 2
    assert "한국" in err
    status, found, err = run(capsys, "classify", "한국", "北京")
    assert (status, found, err.count("\n")) == (2, None, 3)

import json
import subprocess
import sys

import pytest

from charplay.cli import main
from charplay.data.datasets import COUNTRIES
from charplay.interpret import steering_search
from charplay.models import checkpoints
from tests.conftest import make_checkpoint

PROGRAM = [sys.executable, "-m", "charplay"]


def run(capsys, *arguments):
    """Exit status, what stdout holds as JSON, and stderr."""
    status = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


def test_classify_gives_one_result_a_name(capsys):
    status, result, _ = run(capsys, "classify", "O'Brien", "Müller")
    assert status == 0
    assert [(r["name"], r["normalized"]) for r in result["results"]] == [("O'Brien", "O'Brien"), ("Müller", "Muller")]
    assert all(set(r["probabilities"]) == set(COUNTRIES) for r in result["results"])
    assert main(["classify", "Rossi"]) == 0
    assert capsys.readouterr().out.startswith("Rossi: Italian (")


def test_generate_ends_with_the_stop_mark(capsys):
    prime = "Thank you very much."  # a paragraph ends soon after it
    arguments = ("generate", "--prime", prime, "--length", "1000", "--seed", "7")
    whole = run(capsys, *arguments)[1]["text"]
    for typed, mark in (("e", "e"), (r"\n", "\n")):
        stopped = run(capsys, *arguments, "--until", typed)[1]["text"]
        assert mark in whole[len(prime) :]
        assert stopped == whole[: whole.index(mark, len(prime)) + 1]


def test_generate_gives_the_same_text_twice(capsys):
    arguments = ("generate", "--prime", "My fellow", "--length", "200", "--seed", "7")
    status, first, _ = run(capsys, *arguments)
    assert status == 0
    assert (first["seed"], len(first["text"])) == (7, len("My fellow") + 200)
    assert first["text"].startswith("My fellow")
    assert first["characters_per_second"] > 0
    assert run(capsys, *arguments)[1]["text"] == first["text"]
    assert main(list(arguments)) == 0
    assert capsys.readouterr().out == first["text"] + "\n"


def test_generate_holds_a_unit(capsys, comma_unit):
    arguments = ("generate", "--prime", "My fellow", "--length", "100", "--seed", "7")
    hold = ("--hold", ",".join(map(str, comma_unit)))
    free, held = (run(capsys, *arguments, *more)[1]["text"] for more in ((), hold))
    assert held.count(",") > free.count(",") + 2
    for wrong in ("3,0,1", "1,512,1", "1,0,9", "1,0", "comma"):
        status, _, err = run(capsys, *arguments, "--hold", wrong)
        assert (status, len(err.splitlines())) == (2, 1)


def test_steering_writes_what_it_finds_beside_the_checkpoint(capsys, tmp_path, monkeypatch):
    short = {
        "SCREENED_CHARACTERS": 30,
        "TEXT_CHARACTERS": 50,
        "SEEDS": (1,),
        "CONFIRMING_SEEDS": (2,),
        "MAX_SCREENED": 1,
    }
    for name, value in short.items():
        monkeypatch.setattr(steering_search, name, value)
    path = tmp_path / "mine.safetensors"
    checkpoints.save(path, make_checkpoint("speech"))
    status, result, _ = run(capsys, "steering", "--checkpoint", str(path))
    assert status == 0
    assert result["units"] == steering_search.load_units(path)
    assert json.loads((tmp_path / "mine.steering.json").read_text())["units"] == result["units"]
    assert run(capsys, "steering", "--checkpoint", str(checkpoints.find("names")))[0] == 2


def test_invent_gives_the_same_names_twice_and_takes_mixtures(capsys):
    arguments = ("invent", "--country", "Italian", "--count", "10", "--seed", "1", "--temperature", "0.8")
    status, first, _ = run(capsys, *arguments)
    assert (status, len(first["names"]), first["seed"]) == (0, 10, 1)
    assert main(list(arguments)) == 0
    assert capsys.readouterr().out.splitlines() == first["names"]
    mixture = ("invent", "--country", "Italian=1", "--country", "Czech=0.5", "--count", "3")
    assert len(run(capsys, *mixture)[1]["names"]) == 3
    for wrong in ("Martian", "Italian=much", "Italian=-1"):
        status, _, err = run(capsys, "invent", "--country", wrong)
        assert (status, len(err.splitlines())) == (2, 1)


def test_a_uniform_prior_lowers_the_probability_of_the_commonest_country(capsys):
    (from_data,), (equal,) = (
        run(capsys, "classify", "Aziza", "--prior", prior)[1]["results"] for prior in ("data", "uniform")
    )
    assert equal["probabilities"]["Russian"] < from_data["probabilities"]["Russian"]


def test_a_users_file_is_measured_without_the_data_too(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("CHARPLAY_DATA", str(tmp_path))
    (tmp_path / "my.csv").write_text("Rossi,Italian\nKowalski,Polish\n")
    status, result, _ = run(capsys, "evaluate", "names", "--file", str(tmp_path / "my.csv"))
    assert (status, result["n"], result["accuracy"], result["unseen_accuracy"]) == (0, 2, 1.0, None)
    (tmp_path / "my.txt").write_text("My fellow Americans, we can do this together.")
    status, result, _ = run(capsys, "evaluate", "speech", "--file", str(tmp_path / "my.txt"))
    assert (status, result["characters"], result["split"]) == (0, 45, None)
    assert 0 < result["bits_per_character"] < 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["sing"], "invalid choice"),
        (["classify"], "required"),
        (["classify", " "], "at least one letter"),
        (["classify", "한국"], "romanised"),
        (["classify", "x" * 65], "at most 64"),
        (["classify", "--checkpoint", "missing.safetensors", "Rossi"], "no checkpoint at missing.safetensors"),
        (["classify", "--prior", "mine", "Rossi"], "invalid choice"),
        (["train", "names", "--recipe", "secret"], "invalid choice"),
        (["evaluate", "names", "--file", "x.csv", "--baselines"], "give one of them"),
        (["generate"], "required"),
        (["generate", "--prime", ""], "at least one character"),
        (["generate", "--prime", "x", "--temperature", "nan"], "temperature must be"),
        (["generate", "--prime", "x", "--temperature", "hot"], "invalid float value"),
        (["generate", "--prime", "x", "--length", "1000000"], "length must be"),
        (["generate", "--prime", "x", "--seed", "-1"], "seed must be"),
        (["evaluate", "names", "--file", "missing.csv"], "cannot be read"),
        (["evaluate", "speech", "--split", "train"], "invalid choice"),
        (["evaluate", "names", "--data", "nowhere"], "data fetch"),
        (["train", "names", "--cell", "cnn"], "cell must be"),
        (["train", "names", "--epochs", "0"], "epochs must be"),
        (["train", "weather"], "invalid choice"),
        (["data", "fetch", "--from", "nowhere", "--data", "TMP"], "Could not fetch"),
        (["bench", "everything"], "invalid choice"),
        (["train", "names", "--out", "TMP"], "is a directory"),
        (["train", "names", "--seed", "99999999999999999999999"], "seed must be"),
        (["train", "names", "--weight-decay", "nan"], "weight decay must be"),
        (["train", "names", "--synthetic", "-1"], "synthetic must be"),
        (["train", "names", "--recipe", "gru", "--synthetic", "9"], "synthetic is for a network with teachers"),
        (["train", "names", "--recipe", "gru", "--ngram-weight", "0.5"], "ngram_weight is for a network with teachers"),
        (["train", "names", "--teachers", "wide,best", "--out", "TMP/x"], "teacher must be one of narrow"),
        (["data", "fetch", "--data", "/dev/null"], "cannot be used"),
        (["evaluate", "speech", "--file", "x.txt", "--split", "val"], "give one of them"),
        (["index", "--data", "nowhere"], "data fetch"),
        (["bench", "load", "--students", "0"], "number of students must be"),
        (["bench", "load", "--seconds", "nan"], "number of seconds must be"),
    ],
)
def test_a_user_error_is_one_sentence_on_stderr_and_exit_status_2(capsys, tmp_path, arguments, message):
    status = main([argument.replace("TMP", str(tmp_path)) for argument in arguments])
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


def test_a_checkpoint_of_another_task_is_a_user_error(capsys, tmp_path):
    path = tmp_path / "speech.safetensors"
    checkpoints.save(path, make_checkpoint("speech"))
    assert main(["classify", "Rossi", "--checkpoint", str(path)]) == 2
    assert "for speech, not for names" in capsys.readouterr().err


@pytest.mark.parametrize(("recipe", "name"), [("best", "names"), ("gru", "names-gru")])
def test_a_recipe_is_trained_to_a_file_where_the_app_looks_for_models(capsys, monkeypatch, tmp_path, recipe, name):
    monkeypatch.setattr(checkpoints, "DIRECTORIES", (tmp_path / "shipped", tmp_path / "own"))
    outs = []
    monkeypatch.setattr("charplay.cli.train.run.train", lambda task, recipe, data, out, **_: outs.append(out))
    assert main(["train", "names", "--recipe", recipe]) == 0
    assert outs == [tmp_path / "own" / f"{name}.safetensors"]


def test_the_module_runs_as_a_program():
    done = subprocess.run([*PROGRAM, "classify", "Rossi", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["results"][0]["country"] == "Italian"
    refused = subprocess.run([*PROGRAM, "classify", "한국"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert len(refused.stderr.splitlines()) == 1


def test_a_text_is_measured_by_a_copy_that_learns_too(capsys, tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("four and six make ten. " * 20)
    arguments = ("evaluate", "speech", "--checkpoint", str(checkpoints.find("speech-rnn")), "--file", str(file))
    status, static, _ = run(capsys, *arguments)
    _, learning, _ = run(capsys, *arguments, "--dynamic")
    assert status == 0
    assert set(learning) - set(static) == {"dynamic_bits_per_character"}
    assert learning["dynamic_bits_per_character"] < learning["bits_per_character"] == static["bits_per_character"]
    status, _, err = run(capsys, *arguments, "--dynamic", "--engine")
    assert (status, err.count("\n")) == (2, 1)

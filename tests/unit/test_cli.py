import json
import subprocess
import sys

import pytest

from charplay import limits
from charplay.__main__ import main
from charplay.data.datasets import COUNTRIES
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


def test_equally_weighted_countries_change_what_an_unusual_name_is_taken_for(capsys):
    (from_data,), (equal,) = (
        run(capsys, "classify", "Aziza", "--prior", prior)[1]["results"] for prior in ("data", "uniform")
    )
    assert equal["probabilities"]["Russian"] < from_data["probabilities"]["Russian"]


def test_evaluate_gives_both_weightings_and_the_baselines(capsys, data):
    shipped = str(checkpoints.DIRECTORY / "names-rnn.safetensors")
    status, result, _ = run(
        capsys, "evaluate", "names", "--checkpoint", shipped, "--prior", "uniform", "--baselines", "--data", str(data)
    )
    assert (status, result["n"], result["prior"], result["recipe"]) == (0, 6700, "uniform", "rnn")
    assert result["baselines"]["naive Bayes"]["accuracy"] > 0.8
    assert sum(map(sum, result["confusion"])) == 6700


def test_a_file_of_ones_own_is_measured_also_without_the_data(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("CHARPLAY_DATA", str(tmp_path))
    (tmp_path / "my.csv").write_text("Rossi,Italian\nKowalski,Polish\n")
    status, result, _ = run(capsys, "evaluate", "names", "--file", str(tmp_path / "my.csv"))
    assert (status, result["n"], result["accuracy"], result["unseen_accuracy"]) == (0, 2, 1.0, None)
    (tmp_path / "my.txt").write_text("My fellow Americans, we can do this together.")
    status, result, _ = run(capsys, "evaluate", "speech", "--file", str(tmp_path / "my.txt"))
    assert (status, result["characters"], result["split"]) == (0, 45, None)
    assert 0 < result["bits_per_character"] < 5


def test_training_writes_a_checkpoint_whose_header_evaluate_confirms(capsys, tmp_path, data):
    out = tmp_path / "names.safetensors"
    small = "--recipe gru --epochs 1 --hidden-size 8 --embedding-size 4 --layers 1 --no-bidirectional --batch-size 512"
    small += " --members 2"
    status, trained, err = run(
        capsys, "train", "names", *small.split(), "--precision", "float32", "--data", str(data), "--out", str(out)
    )
    assert status == 0
    assert "epoch 1/1" in err
    status, measured, _ = run(capsys, "evaluate", "names", "--checkpoint", str(out), "--data", str(data))
    assert status == 0
    assert [path.name for path in tmp_path.iterdir()] == ["names.safetensors"]
    checkpoint = checkpoints.load(out)
    for key, value in checkpoint.results["test"].items():
        assert measured[key] == value == trained["test"][key]
    assert checkpoint.recipe["name"] == "gru"
    assert checkpoint.recipe["changed"]["hidden_size"] == 8
    assert checkpoint.config.members == 2
    assert set(checkpoint.results) >= {"validation", "test", "uniform", "baselines", "temperature", "training_rows"}
    assert checkpoint.recipe["seed"] == 1
    assert checkpoint.recipe["epochs"] == 1


def test_a_training_that_breaks_off_leaves_the_last_checkpoint_and_the_best_so_far(capsys, tmp_path, data, monkeypatch):
    out = tmp_path / "names.safetensors"
    out.write_bytes(b"what was there")
    monkeypatch.setattr("charplay.training.run.measure", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    small = "--recipe gru --epochs 1 --hidden-size 8 --embedding-size 4 --layers 1 --no-bidirectional --batch-size 512"
    status, _, err = run(capsys, "train", "names", *small.split(), "--data", str(data), "--out", str(out))
    assert (status, err.splitlines()[-1]) == (130, "Stopped.")
    assert out.read_bytes() == b"what was there"
    assert checkpoints.load(tmp_path / "names.unfinished.safetensors").results["validation"]["n"] > 0


def test_training_on_speeches_writes_a_checkpoint_too(capsys, tmp_path, data):
    out = tmp_path / "speech.safetensors"
    small = "--epochs 1 --hidden-size 8 --embedding-size 4 --layers 1 --since 2018 --copies 1 --batch-size 256"
    status, trained, _ = run(
        capsys, "train", "speech", *small.split(), "--precision", "float32", "--data", str(data), "--out", str(out)
    )
    assert status == 0
    assert trained["test"]["characters"] == 86_677
    assert trained["test"]["bits_per_character"] < 7  # 128 equally likely characters
    assert checkpoints.load(out).results["test"] == trained["test"]


@pytest.mark.parametrize(
    ("arguments", "says"),
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
        (["train", "names", "--weight-decay", "nan"], "weight_decay must be"),
        (["train", "names", "--synthetic", "-1"], "synthetic must be"),
        (["train", "names", "--recipe", "gru", "--synthetic", "9"], "name some, or make both 0"),
        (["train", "names", "--teachers", "wide,best", "--out", "TMP/x"], "teacher must be one of narrow"),
        (["data", "fetch", "--data", "/dev/null"], "cannot be used"),
        (["evaluate", "speech", "--file", "x.txt", "--split", "val"], "give one of them"),
        (["index", "--data", "nowhere"], "data fetch"),
        (["bench", "load", "--students", "0"], "number of students must be"),
        (["bench", "load", "--seconds", "nan"], "number of seconds must be"),
    ],
)
def test_a_mistake_is_one_sentence_on_stderr_and_exit_status_two(capsys, tmp_path, arguments, says):
    status = main([argument.replace("TMP", str(tmp_path)) for argument in arguments])
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert says in err.splitlines()[-1]
    assert "Traceback" not in err


def test_bench_measures_the_shipped_models(capsys, monkeypatch):
    monkeypatch.setattr("charplay.bench.throughput.SECONDS_PER_FIGURE", 0.05)
    status, result, _ = run(capsys, "bench", "generate")
    assert status == 0
    assert result["one_stream_ratio"] == pytest.approx(result["one_stream"] / result["lecture_loop"])
    assert (result["cell"], result["hidden_size"], result["layers"]) == ("gru", 512, 2)
    status, result, _ = run(capsys, "bench", "classify")
    assert status == 0
    assert result["names_per_second"] > result["one_at_a_time"] > 0
    names = str(checkpoints.DIRECTORY / "names-rnn.safetensors")
    status, result, _ = run(capsys, "bench", "batches", "--checkpoint", names)
    assert status == 0
    assert result["ratio"] == pytest.approx(result["grouped_packed"] / result["shuffled_padded"])
    assert result["grouped_padding_fraction"] < result["shuffled_padding_fraction"] < 1
    assert result["count"] == 2048
    small = str(checkpoints.DIRECTORY / "speech-rnn.safetensors")
    status, result, _ = run(capsys, "bench", "read", "--checkpoint", small)
    assert status == 0
    assert result["characters"] == limits.MAX_DOCUMENT_CHARACTERS
    assert result["ratio"] == pytest.approx(result["forward_seconds"] / result["seconds"])
    status, result, _ = run(capsys, "bench", "train", "--checkpoint", small)
    assert status == 0
    assert result["ratio"] == pytest.approx(result["training"] / result["lecture_loop"])
    assert result["ratio"] > 1


def test_bench_load_lets_a_small_class_loose_on_the_app():
    arguments = ["bench", "load", "--students", "4", "--seconds", "2", "--json"]
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert (result["students"], result["errors"]) == (4, 0)
    assert result["streams"] >= 4
    assert result["slowest_stream_cps"] > 0
    assert result["first_text_p95_s"] > 0
    assert result["typing_p95_s"] > 0


def test_bench_load_measures_the_same_class_beside_a_training():
    arguments = ["bench", "load", "--students", "2", "--seconds", "2", "--training", "--json"]
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["without"]["errors"] == result["beside"]["errors"] == 0
    assert result["training_characters_per_second"] > 0
    for what in ("typing", "first_text"):
        without, beside = (result[which][f"{what}_p95_s"] for which in ("without", "beside"))
        assert result[f"{what}_p95_ratio"] == pytest.approx(beside / without)


def test_a_foreign_checkpoint_is_one_sentence(capsys, tmp_path):
    path = tmp_path / "speech.safetensors"
    checkpoints.save(path, make_checkpoint("speech"))
    assert main(["classify", "Rossi", "--checkpoint", str(path)]) == 2
    assert "for speech, not for names" in capsys.readouterr().err


def test_the_module_runs_as_a_program():
    done = subprocess.run([*PROGRAM, "classify", "Rossi", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["results"][0]["country"] == "Italian"
    mistake = subprocess.run([*PROGRAM, "classify", "한국"], capture_output=True, text=True, check=False)
    assert (mistake.returncode, mistake.stdout) == (2, "")
    assert len(mistake.stderr.splitlines()) == 1

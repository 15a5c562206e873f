"""Commands that train, evaluate and measure on the real data."""

import json
from unittest import mock

import pytest

from charplay import limits
from charplay.cli import main
from charplay.data.datasets import COUNTRIES
from charplay.models import checkpoints


@pytest.fixture(autouse=True)
def known_baselines(monkeypatch):
    """The baselines are those in the headers, which `test_results` measures again: fitting them takes a minute."""

    def of_header(task: str, _) -> dict:
        return checkpoints.load(checkpoints.SHIPPED_DIRECTORY / f"{task}.safetensors", task).results["baselines"]

    for module in ("charplay.training.measurements", "charplay.cli.evaluate"):
        monkeypatch.setattr(f"{module}.measure_baselines", of_header)


def run(capsys, *arguments):
    """Exit status, what stdout holds as JSON, and stderr."""
    status = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


def test_evaluate_gives_results_with_a_uniform_prior_and_baselines(capsys, data):
    shipped = str(checkpoints.SHIPPED_DIRECTORY / "names-rnn.safetensors")
    status, result, _ = run(
        capsys, "evaluate", "names", "--checkpoint", shipped, "--prior", "uniform", "--baselines", "--data", str(data)
    )
    assert (status, result["n"], result["prior"], result["recipe"]) == (0, 6700, "uniform", "rnn")
    assert result["baselines"]["naive Bayes"]["accuracy"] > 0.8
    assert sum(map(sum, result["confusion"])) == 6700


def test_training_writes_a_checkpoint_whose_header_evaluate_confirms(capsys, tmp_path, data):
    out = tmp_path / "names.safetensors"
    small = "--recipe gru --epochs 1 --hidden-size 8 --embedding-size 4 --layers 1 --no-bidirectional --batch-size 512"
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
    assert set(checkpoint.results) >= {"validation", "test", "uniform", "baselines", "temperature", "training_rows"}
    assert checkpoint.recipe["seed"] == 1
    assert checkpoint.recipe["epochs"] == 1


def test_an_interrupted_training_leaves_the_last_checkpoint_and_the_best_epoch(capsys, tmp_path, data, monkeypatch):
    out = tmp_path / "names.safetensors"
    out.write_bytes(b"what was there")
    interrupt = mock.Mock(side_effect=KeyboardInterrupt)
    monkeypatch.setattr("charplay.training.measurements.measure", interrupt)
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


def test_the_names_that_are_invented_are_measured(capsys, tmp_path, data, monkeypatch):
    monkeypatch.setattr("charplay.training.measurements.INVENTED_NAMES", 100)
    out = tmp_path / "invent.safetensors"
    small = "--recipe broad --epochs 1 --hidden-size 8 --embedding-size 4 --batch-size 512 --precision float32"
    status, trained, _ = run(capsys, "train", "invent", *small.split(), "--data", str(data), "--out", str(out))
    assert status == 0
    status, measured, _ = run(capsys, "evaluate", "invent", "--checkpoint", str(out), "--data", str(data))
    figures = {"bits_per_character", "ngram_bits_per_character", "taken_for_class", "in_training", "doubles"}
    assert status == 0
    assert figures | {"classes", "test"} <= set(measured)
    assert set(measured["classes"]) == set(COUNTRIES)
    assert all(figures | {"test"} == set(each) for each in measured["classes"].values())
    assert measured["bits_per_character"] == pytest.approx(trained["test"]["bits_per_character"])
    assert measured["test"]["taken_for_class"] > 0.85


def figures_of(checkpoint, name, threads, seconds):
    """In place of a contender's process."""
    if checkpoint.task == "names":
        return {"many": 1.0, "divergence": 0.0, "batch_size": 64}
    return {"one": 1.0, "streams_64": 1.0, "divergence": 0.0, "batch_difference": 0.0}


def test_bench_measures_the_shipped_models(capsys, monkeypatch):
    monkeypatch.setattr("charplay.bench.timing.SECONDS_PER_FIGURE", 0.05)
    monkeypatch.setattr("charplay.bench.peers._run", figures_of)  # a process for each takes a minute
    status, result, _ = run(capsys, "bench", "generate")
    assert status == 0
    assert result["one_stream_ratio"] == pytest.approx(result["one_stream"] / result["lecture_loop"])
    assert result["best_peer_ratio_64"] == result["best_peer_ratio_one_thread_one"] == 1
    assert (result["cell"], result["hidden_size"], result["layers"]) == ("gru", 512, 2)
    status, result, _ = run(capsys, "bench", "classify")
    assert status == 0
    assert result["names_per_second"] > result["one_at_a_time"] > 0
    assert result["batched_packed"] > 0
    names = str(checkpoints.SHIPPED_DIRECTORY / "names-rnn.safetensors")
    status, result, _ = run(capsys, "bench", "batches", "--checkpoint", names)
    assert status == 0
    assert result["ratio"] == pytest.approx(result["grouped_packed"] / result["shuffled_padded"])
    assert result["grouped_padding_fraction"] < result["shuffled_padding_fraction"] < 1
    assert result["count"] == 2048
    small = str(checkpoints.SHIPPED_DIRECTORY / "speech-rnn.safetensors")
    status, result, _ = run(capsys, "bench", "read", "--checkpoint", small)
    assert status == 0
    assert result["characters"] == limits.MAX_DOCUMENT_CHARACTERS
    assert result["ratio"] == pytest.approx(result["forward_seconds"] / result["seconds"])
    status, result, _ = run(capsys, "bench", "train", "--checkpoint", small)
    assert status == 0
    assert result["ratio"] == pytest.approx(result["training"] / result["lecture_loop"])
    assert result["ratio"] > 1
    assert result["plain_ratio"] == pytest.approx(result["training"] / result["plain_loop"])

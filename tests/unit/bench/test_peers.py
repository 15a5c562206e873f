"""The contenders of a comparison compute the network's probabilities, and those that cannot run are named."""

import importlib.util

import pytest
import torch

from charplay.bench import contenders, generators, peers
from charplay.data import datasets
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM, CharLMConfig, NameClassifier, NameClassifierConfig

LANGUAGE_MODEL = CharLMConfig("gru", 8, 32, 2)


def made(task, model, **described):
    header = {"alphabet": "Tabc", "classes": (), "shares": (), "data": "", "recipe": {}, "date": "", "results": {}}
    return Checkpoint(task=task, model=model.eval().requires_grad_(False), **header | described)


@pytest.fixture
def speech(tmp_path):
    torch.manual_seed(1)
    checkpoints.save(tmp_path / "speech.safetensors", made("speech", CharLM(LANGUAGE_MODEL)))
    return checkpoints.load(tmp_path / "speech.safetensors")


def is_installed(name):
    modules = peers.GENERATORS[name].modules if name in peers.GENERATORS else ()
    return all(importlib.util.find_spec(module) for module in modules)


@pytest.mark.parametrize("name", [name for name in generators.GENERATORS if is_installed(name)])
@pytest.mark.parametrize("batch", [1, 5])
def test_every_contender_computes_the_networks_probabilities(name, batch, speech):
    step = generators.GENERATORS[name](speech.model, 1)
    assert generators.divergence_of_step(speech.model, step, batch) < contenders.MAX_DIVERGENCE


def test_the_other_texts_change_nothing_in_the_engine(speech):
    step = generators.GENERATORS["engine"](speech.model, 1)
    assert generators.batch_difference(speech.model, step, 64) == 0


def test_the_peers_compared_are_those_that_can_be_run():
    assert {peers.ENGINE, *peers.GENERATORS} == set(generators.GENERATORS)


def test_a_contender_that_computes_something_else_has_no_figures(speech, monkeypatch):
    other = CharLM(LANGUAGE_MODEL).eval()
    monkeypatch.setattr(other.linear.weight, "data", other.linear.weight * 20)
    monkeypatch.setitem(generators.GENERATORS, "pytorch", lambda model, threads: generators.TorchStep(other))
    with pytest.raises(ValueError, match="bits"):
        contenders.measure_generator("pytorch", speech, 1, 0.01)


def test_a_process_measures_one_contender(speech):
    answer = peers._run(speech, "pytorch", 1, 0.01)
    assert answer["one"] > 0
    assert answer["streams_64"] > 0
    assert answer["divergence"] < 1e-6


@pytest.mark.parametrize("name", ["charplay", "batched_packed"])
def test_both_classifiers_are_measured(name, monkeypatch):
    torch.manual_seed(1)
    model = NameClassifier(NameClassifierConfig("gru", 8, 16, 1))
    shares = (1 / 18,) * 18
    monkeypatch.setattr(contenders, "NAMES", 200)
    monkeypatch.setattr(contenders, "BATCH_SIZES", (16, 64))
    checkpoint = made("names", model, classes=datasets.COUNTRIES, shares=shares)
    measured = contenders.measure_classifier(name, checkpoint, 1, 0.01)
    assert measured["many"] > 0
    assert measured["divergence"] < contenders.MAX_DIVERGENCE


def figures_of(checkpoint, name, threads, seconds):
    """In place of processes: speeds that follow from the contender's place in the list."""
    if name == "pytorch_int8":
        return {"left_out": "no such instruction"}
    if checkpoint.task == "names":
        return {"many": 30.0 * threads, "divergence": 0.0} | ({"batch_size": 64} if name == "batched_packed" else {})
    place = list(generators.GENERATORS).index(name)
    checks = {"divergence": 0.001, "batch_difference": 0.0}
    return checks | {"one": 12.0 * threads / (1 + place), "streams_64": 240.0 * threads / (1 + place)}


def test_the_ratios_are_to_the_best_peer_that_ran(speech, monkeypatch):
    monkeypatch.setattr(peers, "_run", figures_of)
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    result = peers.compare_generators(speech)
    assert set(result["peers_left_out"]) == {"pytorch_int8", "onnxruntime_int8", "openvino_bfloat16"}
    assert "onnxruntime" in result["peers_left_out"]["onnxruntime_int8"]
    assert result["peers"] == {"pytorch": {"one": 12.0, "streams_64": 240.0}}
    assert result["peers_one_thread"]["pytorch"]["one"] == 6.0
    assert result["engine"]["streams_64"] == 480.0
    assert {key for key in result if key.startswith("best_peer_ratio")} == {
        "best_peer_ratio_one",
        "best_peer_ratio_64",
        "best_peer_ratio_one_thread_one",
        "best_peer_ratio_one_thread_64",
    }
    assert result["best_peer_ratio_64"] == pytest.approx(2)
    assert result["best_peer_ratio_one_thread_one"] == pytest.approx(2)


def test_names_in_bulk_are_compared_on_two_threads_and_on_one(speech, monkeypatch):
    monkeypatch.setattr(peers, "_run", figures_of)
    result = peers.compare_classifiers(made("names", speech.model))
    assert (result["batched_packed"], result["batched_packed_one_thread"]) == (60.0, 30.0)
    assert result["best_batch_size"] == 64
    assert result["best_peer_ratio"] == result["best_peer_ratio_one_thread"] == 1.0


def test_a_failure_of_the_engine_itself_is_an_error(speech, monkeypatch):
    monkeypatch.setattr(peers, "_run", lambda *rest: {"left_out": "broken"})
    with pytest.raises(RuntimeError, match="engine: broken"):
        peers.compare_generators(speech)

"""Texts of a class, written one after another in one row."""

import dataclasses

import pytest
import torch

from charplay import limits
from charplay.data.vocabulary import ASCII, END_OF_TEXT
from charplay.inference.engine import Engine
from charplay.inference.generate import generate, run_generations
from charplay.inference.generation import Generation, make_request
from charplay.inference.invent import ConditionalBatch, invent, make_invent_request, split_texts
from charplay.inference.products import UnroundedProduct
from charplay.inference.quantized import QuantizedStep
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_conditional_model


@pytest.fixture
def inventor():
    return make_checkpoint("invent")


@pytest.mark.parametrize("cell", CELLS)
def test_the_steps_of_a_mixture_are_those_of_the_network(cell):
    model = make_conditional_model(cell)
    mixture = torch.rand(3, model.config.classes)
    mixture /= mixture.sum(1, keepdim=True)
    codes = torch.stack([ASCII.encode(text) for text in ("adylov", "solanx", "hardyx")])
    with torch.no_grad():
        expected, _ = model(codes, mixture)  # (batch, 1 + time, vocabulary)
        step = QuantizedStep(model, UnroundedProduct)
        logits, state = step.start(mixture)
        for time in range(codes.shape[1]):
            assert torch.allclose(torch.as_tensor(logits), expected[:, time], atol=1e-4)
            logits, state = step.step(codes[:, time], state)
    assert torch.allclose(logits, expected[:, -1], atol=1e-4)


def test_a_request_gives_the_same_texts_alone_and_beside_others(inventor):
    requests = [
        make_invent_request(inventor, "Italian", 20, 0.8, seed=1),
        make_invent_request(inventor, {"Italian": 1, "Czech": 2.5}, 5, 2.0, seed=2),
        make_invent_request(inventor, "Czech", 1, 0, seed=3),
    ]
    together = invent(inventor, requests)
    assert [len(texts) for texts in together] == [20, 5, 1]
    assert [invent(inventor, [request])[0] for request in requests] == together


def test_every_text_starts_anew_and_none_is_blank_or_endless(inventor):
    assert len(set(invent(inventor, [make_invent_request(inventor, "Greek", 6, 0, seed=1)])[0])) == 1  # argmax
    [texts] = invent(inventor, [make_invent_request(inventor, "Greek", int(limits.INVENTED.high), 2.0, seed=1)])
    assert all(text.strip() and len(text) <= limits.MAX_INVENTED_CHARACTERS for text in texts)
    assert set("".join(texts)) <= set(inventor.alphabet) - {END_OF_TEXT}


def test_a_mixture_with_one_weight_is_its_class(inventor):
    of_class, of_mixture = (
        make_invent_request(inventor, classes, 3, 0.8, seed=4) for classes in ("Irish", {"Irish": 0.2, "Polish": 0})
    )
    assert of_class == of_mixture
    halves = make_invent_request(inventor, {"Irish": 3, "Polish": 3})
    assert sorted(halves.mixture)[-2:] == [0.5, 0.5]


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": "Martian"},
        {"classes": 3},
        {"classes": {}},
        {"classes": {"Irish": 0}},
        {"classes": {"Irish": float("nan")}},
        {"classes": {"Irish": -1}},
        {"classes": {"Irish": "much"}},
        {"classes": {7: 1}},
        {"count": 0},
        {"count": limits.INVENTED.high + 1},
        {"count": "ten"},
        {"temperature": 2.1},
        {"seed": -1},
    ],
)
def test_what_is_out_of_bounds_is_refused(inventor, changes):
    with pytest.raises(ValueError, match=r".+\.$"):
        make_invent_request(inventor, **{"classes": "Irish", **changes})


def test_names_stream_beside_speeches(inventor, language_model):
    engine = Engine()
    request = make_invent_request(inventor, "Greek", 30, 0.8, seed=1)
    prime = make_request("my ", length=60, seed=1)
    names, text = engine.submit(inventor, request), engine.submit(language_model, prime)
    while not (names.is_done and text.is_done):
        assert names.text.count(END_OF_TEXT) <= 30
    assert names.failure is text.failure is None
    assert split_texts(names.text) == invent(inventor, [request])[0]
    assert text.text == generate(language_model, [prime])[0]


def test_a_plain_request_of_a_conditional_model_fails_alone(inventor):
    batch = ConditionalBatch(inventor)
    bad = dataclasses.replace(make_invent_request(inventor, "Greek", 2, 0.8, seed=1), mixture=[1.0])
    with pytest.raises(RuntimeError):
        run_generations(batch, [Generation(bad)])
    assert not batch.generations

import base64
import json

import numpy as np
import pytest
import torch

from charplay.data.batches import pad
from charplay.inference.classify import classify
from charplay.interpret.activations import MAX_VALUES, activations_of, activations_of_all, hidden_states
from charplay.models.networks import CELLS, NameClassifier, NameClassifierConfig
from tests.conftest import make_checkpoint, make_classifier


def array(numbers) -> np.ndarray:
    return np.frombuffer(base64.b64decode(numbers["float32"]), dtype="<f4").reshape(numbers["shape"])


def seen_by_hooks(model: NameClassifier, name: str) -> dict[str, torch.Tensor]:
    """What the modules of `model` give in an ordinary run, and what the linear layer is given."""
    seen, padded = {}, pad([name])

    def keep(what: str):
        def hook(module, inputs, output):
            if what == "rnn":
                seen["outputs"] = torch.nn.utils.rnn.pad_packed_sequence(output[0], batch_first=True)[0][0]
            else:
                seen[what], seen[f"{what} given"] = output[0], inputs[0][0]

        return hook

    hooks = [getattr(model, what).register_forward_hook(keep(what)) for what in ("embedding", "rnn", "linear")]
    with torch.no_grad():
        seen["all"] = model(padded.codes, padded.lengths)[0]
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("name", ["Nguyen", "O'Brien-Yamamoto", "x", "y" * 64])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_activations_are_what_forward_hooks_see(cell, bidirectional, name):
    checkpoint = make_checkpoint("names", make_classifier(cell, bidirectional))
    way, seen = activations_of(checkpoint, name), seen_by_hooks(checkpoint.model, name)
    near = {"rtol": 0, "atol": 1e-6}
    np.testing.assert_allclose(array(way["embedding"]), seen["embedding"], **near)
    last = np.concatenate([array(states) for states in way["hidden"][-1]], 1)
    np.testing.assert_allclose(last, seen["outputs"], **near)
    features = np.concatenate([array(part)[0] for part in way["features"]])
    np.testing.assert_allclose(features, seen["linear given"], **near)
    np.testing.assert_allclose(way["logits"], seen["linear"], **near)
    np.testing.assert_allclose(way["adjusted"], seen["all"], **near)
    assert way["codes"] == [ord(letter) for letter in name]
    json.dumps(way)


@pytest.mark.parametrize("cell", CELLS)
def test_the_first_layers_states_are_those_of_a_network_of_one_layer(cell):
    model, padded = make_classifier(cell), pad(["Rossi"])
    first_layer = type(model.rnn)(8, 12, 1, batch_first=True, bidirectional=True)
    first_layer.load_state_dict({key: value for key, value in model.rnn.state_dict().items() if "_l0" in key})
    with torch.no_grad():
        expected = first_layer(model.embedding(padded.codes))[0][0]
        forward, backward = hidden_states(model, padded.codes, padded.lengths)[0]
    torch.testing.assert_close(torch.cat([forward[0], backward[0]], 1), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("prior", ["data", "uniform"])
def test_the_last_activations_are_the_probabilities_of_classify(classifier, prior):
    way, [bars] = activations_of(classifier, "Rossi", prior), classify(classifier, ["Rossi"], prior)
    assert way["probabilities"] == pytest.approx(list(bars["probabilities"].values()), abs=1e-3)
    assert sum(way["probabilities"]) == pytest.approx(1)


def test_of_the_longest_vectors_the_first_values_and_the_size_are_returned():
    torch.manual_seed(0)
    config = NameClassifierConfig("rnn", 6, MAX_VALUES + 1, 1, classes=3, bidirectional=False, pooling=False)
    model = NameClassifier(config).eval()
    checkpoint = make_checkpoint("names", model)
    checkpoint = type(checkpoint)(**vars(checkpoint) | {"classes": ("a", "b", "c"), "shares": (0.2, 0.3, 0.5)})
    [[states]] = activations_of(checkpoint, "Tom")["hidden"]
    assert (states["shape"], states["size"]) == ([3, MAX_VALUES], MAX_VALUES + 1)


@pytest.mark.parametrize("name", ["", "한국", "x" * 65, None])
def test_activations_of_an_unacceptable_name_are_refused(classifier, name):
    with pytest.raises(ValueError, match=r"."):
        activations_of(classifier, name)


def test_several_names_in_one_batch_get_what_each_gets_alone(classifier):
    requests = [{"name": name, "prior": prior} for name in ("Rossi", "x", "Yamamoto") for prior in ("data", "uniform")]
    for found, request in zip(activations_of_all(classifier, requests), requests, strict=True):
        expected = activations_of(classifier, **request)
        assert (found["codes"], found["normalized"]) == (expected["codes"], expected["normalized"])
        assert found["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-6)
        for states, alone in zip(found["hidden"][-1], expected["hidden"][-1], strict=True):
            np.testing.assert_allclose(array(states), array(alone), atol=1e-6)

"""Correlations against numpy's, features by hand, activations against a run step by step."""

import numpy as np
import pytest
import torch

from charplay.data.vocabulary import ASCII
from charplay.inference import long_text
from charplay.interpret import neurons
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_language_model

TEXT = 'He said: "Yes, we can."  It was 2008.\n\nA new "line that ends\nopen. Ha!'


def test_features_mark_what_their_names_say():
    features = {name: "".join("x" if mark else "." for mark in marks) for name, marks in neurons.features(TEXT).items()}
    shown = TEXT.replace("\n", "/")
    assert shown == 'He said: "Yes, we can."  It was 2008.//A new "line that ends/open. Ha!'
    assert features["inside quotes"] == "." * 9 + "x" * 13 + "." * 23 + "x" * 15 + "." * 10
    assert [at for at, mark in enumerate(features["after a full stop"]) if mark == "x"] == [23, 24, 37, 38, 66]
    assert [shown[at] for at, mark in enumerate(features["capitals"]) if mark == "x"] == ["H", "Y", "I", "A", "H"]
    assert "".join(shown[at] for at, mark in enumerate(features["digits"]) if mark == "x") == "2008"
    assert "".join(shown[at] for at, mark in enumerate(features["vowels"]) if mark == "x") == "eaieeaIaAeieaeoea"
    line = neurons.features(TEXT)["position in the line"]
    assert line[:3].tolist() == [0, 1, 2]
    assert line[TEXT.index("A new") :][:3].tolist() == [1, 2, 3]
    word = neurons.features(TEXT)["position in the word"]
    assert word[TEXT.index("said") :][:5].tolist() == [1, 2, 3, 4, 0]


def test_correlations_equal_numpys_over_the_text_and_its_halves():
    generator = np.random.default_rng(0)
    features = np.stack([generator.integers(0, 2, 301), np.arange(301), np.full(301, 7)]).astype(float)
    noise = generator.normal(size=(301, 5))
    noise[:, 0] += 3 * features[0]  # planted
    noise[:, 1] -= features[1] / 50
    noise[:, 2] = 0.25  # a unit that never changes
    noise[:, 3] = 0.999 + noise[:, 3] * 1e-4  # one that hardly does
    hidden = torch.from_numpy(noise).float()
    found = neurons.correlations(features, hidden)
    assert np.isfinite(found).all()
    for row, part in zip(found, (slice(None), slice(150), slice(150, None)), strict=True):
        for feature in (0, 1):
            for unit in (0, 1, 3, 4):
                expected = np.corrcoef(features[feature, part], hidden[part, unit].double().numpy())[0, 1]
                assert row[feature, unit] == pytest.approx(expected, abs=1e-3)
        assert not row[2].any()
        assert not row[:, 2].any()
    assert found[0, 0, 0] > 0.8
    assert found[0, 1, 1] < -0.8


def plant(monkeypatch, checkpoint, text, hidden):
    """Makes the forward pass over `text` return the given hidden states, (layers, time, hidden)."""
    planted = long_text.ForwardPass(torch.zeros(len(text), 128), hidden)
    monkeypatch.setattr(neurons, "cached_forward_pass", lambda *asked: planted)


def test_a_planted_tracker_is_found_among_noise(monkeypatch, language_model):
    text = "the Cat and the Dog said Hello to a Mouse, and the Mouse ran. " * 5
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(2, len(text), 12, generator=generator) / 10
    capitals = torch.tensor([float(character.isupper()) for character in text])
    hidden[1, :, 7] -= capitals
    hidden[0, :, 3] += capitals / 10  # tracks it too, less
    plant(monkeypatch, language_model, text, hidden.half())
    [tracker] = neurons.trackers(language_model, text)
    assert (tracker["feature"], tracker["layer"], tracker["unit"]) == ("capitals", 2, 7)
    expected = np.corrcoef(capitals.numpy(), hidden[1, :, 7].numpy())[0, 1]
    assert tracker["correlation"] == pytest.approx(expected, abs=1e-3)
    assert tracker["correlation"] < -neurons.MIN_CORRELATION


def test_a_correlation_in_one_half_of_the_text_only_does_not_count(monkeypatch, language_model):
    text = "one, two, three, four, five, six. " * 10
    hidden = torch.randn(2, len(text), 12, generator=torch.Generator().manual_seed(1)) / 10
    commas = torch.tensor([float(character == ",") for character in text])
    hidden[0, :, 5] += 3 * commas * (torch.arange(len(text)) < len(text) // 2)
    assert np.corrcoef(commas.numpy(), hidden[0, :, 5].numpy())[0, 1] > neurons.MIN_CORRELATION
    plant(monkeypatch, language_model, text, hidden.half())
    assert neurons.trackers(language_model, text) == []


def test_a_drifting_unit_does_not_track_the_position_in_an_endless_line(monkeypatch, language_model):
    text = "one long line, and on and on it goes " * 10
    hidden = torch.linspace(-1, 1, len(text))[None, :, None].expand(2, -1, 12)
    plant(monkeypatch, language_model, text, hidden.half())
    assert neurons.trackers(language_model, text) == []
    lines = text.replace(",", "\n")
    counts = torch.from_numpy(neurons.features(lines)["position in the line"])
    plant(monkeypatch, language_model, lines, (counts / counts.max())[None, :, None].expand(2, -1, 12).half())
    assert neurons.trackers(language_model, lines)[0]["feature"] == "position in the line"


@pytest.mark.parametrize("text", ["x", "xy", "xxxxxxxx", "\n\n", '"'])
def test_a_text_without_recurring_features_has_no_trackers(language_model, text):
    assert all(abs(tracker["correlation"]) >= 0.5 for tracker in neurons.trackers(language_model, text))
    assert neurons.trackers(language_model, text[:1]) == []


@pytest.mark.parametrize("cell", CELLS)
def test_an_activation_is_the_hidden_state_of_single_steps(cell):
    checkpoint = make_checkpoint("speech", make_language_model(cell))
    state, hidden = None, []
    with torch.no_grad():
        for code in ASCII.encode(TEXT):
            _, state = checkpoint.model(code.view(1, 1), state)
            hidden.append((state[0] if cell == "lstm" else state)[:, 0])
    hidden = torch.stack(hidden, 1)  # (layers, time, hidden)
    for layer, unit in ((1, 0), (1, 11), (2, 5)):
        expected = hidden[layer - 1, :, unit].tolist()
        assert neurons.activation(checkpoint, TEXT, layer, unit) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(
    ("layer", "unit"), [(0, 0), (3, 0), (1, 12), (1, -1), ("1", 0), (1, 0.5), (None, 0), (True, 0)]
)
def test_a_unit_that_does_not_exist_is_refused(language_model, layer, unit):
    with pytest.raises(ValueError, match="must be a whole number"):
        neurons.activation(language_model, TEXT, layer, unit)

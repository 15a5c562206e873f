"""A model of user data in any alphabet: trained, saved, loaded, and used."""

import dataclasses

import pytest
import torch

from charplay.data.user_data import read_rows, read_text
from charplay.data.vocabulary import UNKNOWN
from charplay.inference.classify import classify, logits_of
from charplay.inference.generate import GenerationBatch, generate, next_character
from charplay.inference.generation import make_request
from charplay.inference.quantized import QuantizedStep
from charplay.interpret.activations import activations_of
from charplay.interpret.attribution import attribute
from charplay.interpret.neurons import activation, trackers
from charplay.interpret.prefixes import prefixes_of
from charplay.interpret.surprisal import candidates_at, likeliest_next, surprisal_of
from charplay.models import checkpoints
from charplay.models.checkpoints import CheckpointError
from charplay.training import run
from charplay.training.data_summary import choose_recipe, training_set_of
from charplay.training.evaluation_example import opening_of

TEXTS = {
    "Greek": "Σε γνωρίζω από την κόψη του σπαθιού την τρομερή,\nσε γνωρίζω από την όψη.\n",
    "Cyrillic": "Все счастливые семьи похожи друг на друга,\nкаждая несчастливая — по-своему.\n",
    "Korean": "나 보기가 역겨워 가실 때에는\n말없이 고이 보내 드리우리다.\n",
    "Japanese": "吾輩は猫である。名前はまだ無い。\nどこで生れたか頓と見当がつかぬ。\n",
    "Arabic": "قِفا نَبكِ مِن ذِكرى حَبيبٍ وَمَنزِلِ\nبِسِقطِ اللِوى بَينَ الدَخولِ\n",
    "French": "Le garçon très ému revoyait sa mère à l’hôtel, où naïveté et cœur…\n",
    "emoji": "well done 🙂🙂 👩\u200d🌾 fine ♥️ bad ☹ 🇬🇷\n",
    "Python": 'def name(path):\n\tif not path:\n        return "\\n\\\\"  # {}\n\n\n',
}
ROWS = {
    "Cyrillic": [("Иванов", "м"), ("Петров", "м"), ("Иванова", "ж"), ("Петрова", "ж")],
    "Greek": [("Παπαδόπουλος", "α"), ("Γεωργίου", "α"), ("Ιωάννου", "β"), ("Κωνσταντίνου", "β")],
    "Korean": [("김철수", "남"), ("이영호", "남"), ("박영희", "여"), ("최순자", "여")],
    "Japanese": [("山田", "姓"), ("佐藤", "姓"), ("はなこ", "名"), ("たろう", "名")],
    "Arabic": [("مُحَمَّد", "م"), ("أحمد", "م"), ("فاطمة", "ن"), ("عائشة", "ن")],
    "emoji": [("well done 🙂", "good"), ("fine ♥️", "good"), ("bad ☹", "bad"), ("👩\u200d🌾 no", "bad")],
}
QUICK = {"epochs": 1, "embedding_size": 8, "hidden_size": 12}
CPU = torch.device("cpu")


def train(task, data, out):
    recipe = choose_recipe(task, data, "small", QUICK)
    run.run(task, training_set_of(task, data, recipe), recipe, out, device=CPU, name="small", precision="float32")
    return checkpoints.load(out, task)


@pytest.mark.parametrize("alphabet", TEXTS)
def test_a_language_model_learns_saves_and_generates_any_alphabet(alphabet, tmp_path):
    data = read_text(TEXTS[alphabet] * 12)
    assert data.text in TEXTS[alphabet] * 12
    checkpoint = train("speech", data, tmp_path / "own.safetensors")
    assert checkpoint.vocabulary == data.vocabulary
    assert set(checkpoint.vocabulary.characters) == set(data.text) | {"\0", UNKNOWN}
    assert checkpoint.model.linear.out_features == checkpoint.vocabulary.size
    prime = TEXTS[alphabet][:9]
    request = make_request(prime, 1.5, 80, seed=3, vocabulary=checkpoint.vocabulary)
    [text] = generate(checkpoint, [request])
    assert request.prime == prime
    assert len(text) == 80
    assert set(text) <= set(data.split()[0])
    read = prime + text
    assert next_character(checkpoint, prime, 3, 0, 1.5) == text[0]
    assert surprisal_of(checkpoint, read)["characters"] == len(read)
    candidates = candidates_at(checkpoint, read, 5, 0.7)
    assert candidates["true"] == read[5]
    assert set(candidates["characters"]) <= set(checkpoint.vocabulary.characters)
    assert len(likeliest_next(checkpoint, read, 4)) == 4
    assert len(activation(checkpoint, read, 1, 3)) == len(read)
    trackers(checkpoint, read)


@pytest.mark.parametrize("alphabet", ROWS)
def test_a_classifier_learns_saves_and_classifies_any_alphabet(alphabet, tmp_path):
    rows = ROWS[alphabet]
    data = read_rows("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows * 3))
    assert data.rows == rows * 3
    checkpoint = train("names", data, tmp_path / "own.safetensors")
    assert checkpoint.vocabulary == data.vocabulary
    text = rows[0][0]
    [found] = classify(checkpoint, [text])
    assert found["normalized"] == text
    assert set(found["probabilities"]) == {label for _, label in rows}
    for fast in (False, True):
        logits = logits_of(checkpoint.model, [text], fast, checkpoint.vocabulary)
        probabilities = torch.tensor([*found["probabilities"].values()])
        torch.testing.assert_close(logits.softmax(1)[0], probabilities, atol=0.05, rtol=0)
    activations = activations_of(checkpoint, text)
    assert activations["codes"] == checkpoint.vocabulary.encode(text).tolist()
    assert len(attribute(checkpoint, text)["gradients"]) == len(text)
    assert prefixes_of(checkpoint, text)[-1] == text


def test_the_quantized_step_has_the_vocabulary_of_its_model(tmp_path):
    checkpoint = train("speech", read_text(TEXTS["Greek"] * 12), tmp_path / "own.safetensors")
    step = QuantizedStep(checkpoint.model)
    codes = checkpoint.vocabulary.encode("γη ")
    logits, _ = step.step(codes, step.initial_state(len(codes)))
    expected = checkpoint.model(codes[:, None])[0][:, 0]
    assert logits.shape == (3, checkpoint.vocabulary.size)
    torch.testing.assert_close(logits, expected, atol=0.1, rtol=0)


def test_the_unknown_is_read_and_never_sampled(tmp_path):
    checkpoint = train("speech", read_text(TEXTS["Korean"] * 12), tmp_path / "own.safetensors")
    request = make_request("나 zzz漢", 2.0, 500, seed=1, vocabulary=checkpoint.vocabulary)
    assert request.prime == f"나 {UNKNOWN * 4}"
    assert UNKNOWN not in generate(checkpoint, [request])[0]


def test_a_network_is_not_run_with_another_vocabulary(tmp_path):
    checkpoint = train("speech", read_text(TEXTS["Greek"] * 12), tmp_path / "own.safetensors")
    wrong = dataclasses.replace(checkpoint, vocabulary=checkpoint.vocabulary.extended("x"))
    with pytest.raises(ValueError, match="codes"):
        GenerationBatch(wrong)
    checkpoints.save(tmp_path / "wrong.safetensors", wrong)
    with pytest.raises(CheckpointError, match="vocabulary of another size"):
        checkpoints.load(tmp_path / "wrong.safetensors")


def test_a_model_is_tried_with_a_text_as_it_stands_in_the_data():
    for text in TEXTS.values():
        data = read_text(text * 12)
        recipe = choose_recipe("speech", data, "small", QUICK)
        training_set = training_set_of("speech", data, recipe)
        opening = opening_of(training_set.task)
        assert opening in data.text
        assert 0 < len(opening) <= 40
        assert make_request(opening, vocabulary=data.vocabulary).prime == opening

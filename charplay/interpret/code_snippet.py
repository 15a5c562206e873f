"""The lines of PyTorch and charplay that compute what a tab shows, to copy and run; nothing is run here.

Whatever a visitor typed is quoted with `repr`, so that none of it can become code.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from charplay.data.vocabulary import ASCII, Vocabulary

MAX_LINE_CHARACTERS = 88  # of a line of names; more would not fit a projector

_LINES = """\
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

names = [
{names}
]

{codes}
lengths = torch.tensor([len(row) for row in rows])
{order}
padded = pad_sequence(rows, batch_first=True)  # (batch, time): {shape}
packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted={is_sorted})
unpacked, _ = pad_packed_sequence(packed, batch_first=True)

print(padded)
print(lengths)
print(packed.data)  # {cells} codes, one step of time after another
print(packed.batch_sizes)  # names that still have a character at each step
print(torch.equal(unpacked, padded))  # nothing is lost
"""
_ASCII_CODES = """\
# a character is its ASCII code; 0 is no character, and pads
rows = [torch.tensor([ord(character) for character in name]) for name in names]"""
_OWN_CODES = """\
# a character's code is its place in the model's vocabulary; 0 is no character, and pads
codes = {{
{codes}
}}
rows = [torch.tensor([codes[character] for character in name]) for name in names]"""
_SORTED = """\
order = lengths.argsort(descending=True, stable=True)  # the longest first
rows, lengths = [rows[index] for index in order], lengths[order]
"""


def batch_code(names: Sequence[str], sort: bool, vocabulary: Vocabulary = ASCII) -> str:
    """The code for a batch of `names` as a model reads them, sorted by length or in the order given."""
    lengths = [len(name) for name in names]
    return _LINES.format(
        codes=_ASCII_CODES if vocabulary.is_ascii else _own_codes(names, vocabulary),
        names=_wrapped([repr(name) for name in names]),
        order=_SORTED if sort else "",
        shape=(len(names), max(lengths)),
        is_sorted=sort,
        cells=sum(lengths),
    )


def _own_codes(names: Sequence[str], vocabulary: Vocabulary) -> str:
    """The lines that look up the codes of the names' characters."""
    codes = [f"{character!r}: {vocabulary.code_of(character)}" for character in sorted(set("".join(names)))]
    return _OWN_CODES.format(codes=_wrapped(codes))


def _wrapped(quoted: Sequence[str]) -> str:
    """Items of a list or a dict, wrapped into lines."""
    lines = [""]
    for item in quoted:
        if lines[-1] and len(lines[-1]) + len(item) + 2 > MAX_LINE_CHARACTERS:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else '    '}{item},"
    return "\n".join(lines)


_CLASSIFY = """\
import torch

import charplay

classifier = charplay.load({model}){note}
result = classifier.classify({name}, prior={prior})
print(result["country"], result["probabilities"][result["country"]])

# the same in PyTorch
checkpoint = classifier.checkpoint
codes = checkpoint.vocabulary.encode(result["normalized"])[None]  # (1, letters)
lengths = torch.tensor([codes.shape[1]])
with torch.no_grad():
    logits = checkpoint.model(codes, lengths)  # (1, classes)
{remove_prior}probabilities = logits.softmax(1)[0]
for share, index in zip(*probabilities.topk(3)):
    print(f"{{checkpoint.classes[index]}} {{share:.1%}}")

# the answer after each letter: a row for each class, a column for each letter
prefixes = classifier.prefix_probabilities({name}, prior={prior})
print(torch.tensor(prefixes["probabilities"]))
"""
_REMOVE_PRIOR = """\
logits = logits - torch.tensor(checkpoint.shares).log()  # all classes equally common (Bayes)
"""
_OWN_MODEL = "  # your model: download it on the Train tab"


def classify_code(model: str, name: str, prior: str, *, is_shipped: bool = True) -> str:
    """The code that classifies a name.

    Args:
        model: its name in the registry, or in the page of a user model.
        name: as typed.
        prior: one of `limits.PRIORS`.
        is_shipped: the model lies in `checkpoints/`.
    """
    return _CLASSIFY.format(
        **_model(model, is_shipped),
        name=repr(name),
        prior=repr(prior),
        remove_prior=_REMOVE_PRIOR if prior == "uniform" else "",
    )


_GENERATE = """\
import torch

import charplay

model = charplay.load({model}){note}
prime = {prime}
text = model.generate(prime, {arguments})
print(text)

# one step in PyTorch: what may come after the opening words
checkpoint = model.checkpoint
codes = checkpoint.vocabulary.encode({read})[None]  # (1, time)
with torch.no_grad():
    logits, state = checkpoint.model(codes)  # (1, time, characters)
probabilities = logits[0, -1].softmax(0)  # at temperature 1
for share, code in zip(*probabilities.topk(3)):
    print(repr(checkpoint.vocabulary.characters[code]), f"{{share:.1%}}")
"""


def generate_code(request: Mapping[str, Any], *, is_shipped: bool = True) -> str:
    """The code that generates a text.

    Args:
        request: "model", and the arguments of `LanguageModel.generate`, the prime as the model reads it.
        is_shipped: as for `classify_code`.
    """
    prime, prime_length = request["prime"], request["prime_length"]
    defaults = {"prime_length": len(prime), "top_k": 0, "until": None}
    arguments = {key: value for key, value in request.items() if key not in ("model", "prime")}
    named = [f"{key}={value!r}" for key, value in arguments.items() if (key, value) not in defaults.items()]
    return _GENERATE.format(
        **_model(request["model"], is_shipped),
        prime=repr(prime),
        arguments=", ".join(named),
        read="prime" if prime_length >= len(prime) else f"prime[-{prime_length}:]",
    )


_INVENT = """\
import torch

import charplay

inventor = charplay.load({model}){note}
mixture = {mixture}  # the weight of each class
names = inventor.invent(mixture, {count}, temperature={temperature}, seed={seed})
{judged}
# the first name in PyTorch: the embedding of its class, then each letter
checkpoint = inventor.checkpoint
weights = torch.tensor([[float(mixture.get(each, 0)) for each in checkpoint.classes]])
codes = checkpoint.vocabulary.encode(names[0])[None]  # (1, letters)
with torch.no_grad():
    logits, state = checkpoint.model(codes, weights)  # (1, 1 + letters, characters)
for step in logits[0].softmax(1):  # at temperature 1
    print([(checkpoint.vocabulary.characters[code], f"{{share:.0%}}") for share, code in zip(*step.topk(3))])
"""


_JUDGED = """\
for each in charplay.load("names").classify(names):
    print(each["name"], each["country"])
"""


def invent_code(
    mixture: Mapping[str, float], count: int, temperature: float, seed: int, user_model: str | None = None
) -> str:
    """The code that invents names.

    Args:
        mixture, count, temperature, seed: as for `make_invent_request`; the mixture has the weights of the classes.
        user_model: the name of a visitor's model, whose classes the shipped classifier does not know.
    """
    is_shipped = user_model is None
    judged = _JUDGED if is_shipped else "print(names)\n"
    values = {"mixture": repr(dict(mixture)), "count": count, "temperature": temperature, "seed": seed}
    return _INVENT.format(**_model(user_model or "invent", is_shipped), judged=judged, **values)


def _model(name: str, is_shipped: bool) -> dict[str, str]:
    file = name if is_shipped else f"{name}.safetensors"
    return {"model": repr(file), "note": "" if is_shipped else _OWN_MODEL}


_DECODERS = """\
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from charplay.models.networks import CharLM, CharLMConfig
from charplay.training.teacher_forcing import DecoderPair, make_settings

codes = torch.tensor([ord(character) for character in {target}])
inputs, targets = codes[:-1], codes[1:]  # (time,) each, shifted by one

# the first decoder, teacher-forced: its inputs are the true characters
torch.manual_seed({seed})
decoder = CharLM(CharLMConfig({cell}, {embedding_size}, {hidden_size}, layers=1))
optimizer = torch.optim.AdamW(decoder.parameters(), lr={learning_rate}, weight_decay=0)
for epoch in range({epochs}):
    logits, _ = decoder(inputs[None])  # (1, time, 128)
    loss = cross_entropy(logits[0], targets)
    optimizer.zero_grad()
    loss.backward()
    clip_grad_norm_(decoder.parameters(), {clip})
    optimizer.step()
with torch.no_grad():
    logits, _ = decoder(inputs[None])
    teacher_forced = "".join(map(chr, logits[0].argmax(1)))
    print(cross_entropy(logits[0], targets).item(), teacher_forced)

    # free-running: each input is what it has just predicted
    code, state, free_running = codes[:1], None, ""
    for _ in targets:
        logits, state = decoder(code[None], state)  # (1, 1, 128)
        code = logits[0].argmax(1)
        free_running += chr(code)
    print(free_running)

# both decoders, as the page trains them
pair = DecoderPair(make_settings({target}, {cell}, {hidden_size}, {learning_rate}, {seed}, {ratio}))
for epoch in range({epochs}):
    pair.advance()
for shown in pair.update_since()["decoders"]:
    print(shown["loss"], shown["predictions"], shown["free_running"])
"""


def decoders_code(settings: Mapping[str, Any], epochs: int, *, embedding_size: int, clip: float) -> str:
    """The code that trains two decoders.

    Args:
        settings: the fields of `DecoderSettings`.
        epochs: to train, those that are shown.
        embedding_size, clip: of every decoder's network, and of its training.
    """
    quoted = {key: repr(value) for key, value in settings.items()}
    return _DECODERS.format(**quoted, epochs=epochs, embedding_size=embedding_size, clip=clip)


_TRAIN = """\
from pathlib import Path

import torch

from charplay.data import datasets
from charplay.training.data_summary import choose_recipe, read_data_set, read_user_data, summarize, training_set_of
from charplay.training.fine_tuning import adapt, load_start
from charplay.training.run import run

{data}
{start}
recipe = choose_recipe({task}, data, {preset}, {changes}, start)
summary = summarize(data, recipe)
print(summary["count"], summary["training"], summary["validation"], summary["baseline"], summary["parameters"])

# the training, and the checkpoint that it writes
training_set = training_set_of({task}, data, recipe)
out = Path("my-network.safetensors")
results = run({task}, training_set, recipe, out, device=torch.device("cpu"), start=start)
print(results)
"""
_MAX_QUOTED_CHARACTERS = 4_000  # of data that stand in the code; longer ones are read from a file


def training_code(
    task: str, data: Mapping[str, Any], preset: str, changes: Mapping[str, Any], start: str | None = None
) -> str:
    """The code that reads a user's data, and trains a network on it.

    Args:
        task: "names" or "speech".
        data: {"text"}, {"file"} (its name) or {"built_in"}, and how rows are read, as `read_user_data` takes it.
        preset: the size of the network.
        changes: fields of the recipe that were chosen otherwise.
        start: the name of the checkpoint to go on from; None: a new network.
    """
    options = {key: value for key, value in data.items() if key not in ("text", "file", "built_in") and value}
    if "built_in" in data:
        read = f"data = read_data_set({task!r}, datasets.data_directory())"
    elif "text" in data and len(data["text"]) <= _MAX_QUOTED_CHARACTERS:
        lines = "\n".join(f"    {line!r}" for line in data["text"].splitlines(keepends=True))
        read = f"text = (\n{lines}\n)\ndata = read_user_data({task!r}, text, {options!r})"
    else:
        file = data.get("file", "my-data.txt")
        read = f"data = read_user_data({task!r}, Path({file!r}).read_bytes(), {options!r})  # your data, in this file"
    begins = "start = None  # a new network"
    if start is not None:
        begins = f"start = load_start(Path({start!r}), {task!r})\ndata = adapt(data, start)"
    return _TRAIN.format(data=read, start=begins, task=repr(task), preset=repr(preset), changes=repr(dict(changes)))

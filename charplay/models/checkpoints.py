"""Save and load trained models: safetensors files, each with its whole description in its header.

The header's metadata holds, as JSON: format version, task, config, alphabet, classes and their shares, data
fingerprint, training recipe with its seed, date, and the measured results. A file that lacks one of them, has other
shapes, or is cut short is refused with one sentence. Pickles are never read.
"""

import dataclasses
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import nn

from charplay.models.networks import MODELS, CharLM, NameClassifier, RecurrentConfig, build_without_weights

FORMAT_VERSION = 2
# What a training run keeps beside the checkpoint that it will be: the best so far, where it stands, and its teachers.
PARTIAL_KINDS = ("unfinished", "interrupted")
TEACHER_KIND = "teacher"

_PACKAGE = Path(__file__).resolve().parents[1]
_IS_INSTALLED = (_PACKAGE / "checkpoints").is_dir()  # a wheel has them inside the package, a checkout beside it
SHIPPED_DIRECTORY = (_PACKAGE if _IS_INSTALLED else _PACKAGE.parent) / "checkpoints"
# Where checkpoints are looked for; of two with the same name the later directory's is used, and new ones go to the
# last. An installed package is never written to: what a user trains goes to the user's own data directory.
DIRECTORIES = (SHIPPED_DIRECTORY,)
if _IS_INSTALLED:
    DIRECTORIES += (Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "charplay/checkpoints",)
SPEECH_FILTER = "speeches.filter"  # its name without the ending; `interpret.memorization` reads it


class CheckpointError(ValueError):
    """The file is not a checkpoint that this version can use; the sentence names it and says why."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained model and everything that is known of it."""

    task: str  # "names" or "speech"
    model: NameClassifier | CharLM
    alphabet: str  # the characters seen in training, in order of code
    classes: tuple[str, ...]  # what the logits stand for; empty for a language model
    shares: tuple[float, ...]  # how common each class was in training, weights included; they sum to 1
    data: str  # fingerprint of the data it was trained on
    recipe: dict[str, Any]  # how it was trained, seed included
    date: str  # day of the training, ISO 8601
    results: dict[str, Any]  # what was measured
    path: Path | None = None  # the file it was loaded from

    @property
    def config(self) -> RecurrentConfig:
        """The model's own config."""
        return self.model.config

    @property
    def label(self) -> str:
        """What kind of network it is, in a few words: "GRU 2 x 512"."""
        members = getattr(self.config, "members", 1)
        one = f"{self.config.cell.upper()} {self.config.layers} x {self.config.hidden_size}"
        return one if members == 1 else f"{members} averaged, {one}"


# Fields of a recipe that older files name otherwise.
_RENAMED_RECIPE_FIELDS = {"counting": "ngram_weight", "made_up": "synthetic"}
_HEADER_FIELDS = ("task", "alphabet", "classes", "shares", "data", "recipe", "date", "results")


def save(path: Path, checkpoint: Checkpoint, half: bool = False) -> None:
    """Writes `checkpoint` to `path`, whole or not at all.

    Args:
        path: the final name; a file already there is replaced.
        checkpoint: what to write.
        half: store the weights in half precision (float16).
    """
    described = {"format_version": FORMAT_VERSION, "config": dataclasses.asdict(checkpoint.config)}
    described |= {key: getattr(checkpoint, key) for key in _HEADER_FIELDS}
    tensors = {
        name: tensor.detach().cpu().to(torch.float16 if half else torch.float32).contiguous()
        for name, tensor in checkpoint.model.state_dict().items()
    }
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise CheckpointError(f"{path.name} was not written: the model holds values that are no finite numbers.")
    write_atomically(path, serialize(tensors, {key: json.dumps(value) for key, value in described.items()}))


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all; one already there is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arriving = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        arriving.write_bytes(content)
        arriving.replace(path)
    finally:
        arriving.unlink(missing_ok=True)


def sibling(path: Path, what: str) -> Path:
    """Where a run that makes `path` keeps one of the `PARTIAL_KINDS`, or a teacher."""
    return path.with_name(f"{path.stem}.{what}.safetensors")


def find(name: str) -> Path:
    """The file of the checkpoint `name`, given without its ending; where there is none, where it would be written."""
    paths = [directory / f"{name}.safetensors" for directory in reversed(DIRECTORIES)]
    return next((path for path in paths if path.exists()), paths[0])


def load(path: Path, task: str | None = None) -> Checkpoint:
    """Reads a checkpoint, in evaluation mode, weights in float32.

    The header is checked against the config before anything of the model's size is allocated.

    Args:
        path: the file.
        task: the task it must be for; None for either.

    Raises:
        CheckpointError: the file is missing, not safetensors, cut short, or does not hold what a checkpoint must.
    """
    try:
        with safe_open(path, framework="pt") as file:
            described = _read_own_header(path, file.metadata() or {})
            if task and described["task"] != task:
                raise CheckpointError(f"{path.name} holds a model for {described['task']}, not for {task}.")
            model = _build(path, described)
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 (no mapping)
            expected = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
            if shapes != expected:
                raise CheckpointError(f"{path.name} holds other tensors than its own config describes.")
            # Copied, because a product over numbers that lie unaligned in the file may round otherwise.
            weights = {name: file.get_tensor(name).to(torch.float32, copy=True) for name in shapes}
    except FileNotFoundError:
        raise CheckpointError(f"There is no checkpoint at {path}.") from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path.name} is no readable safetensors file ({error}).") from None
    if not all(tensor.isfinite().all() for tensor in weights.values()):
        raise CheckpointError(f"{path.name} holds values that are no finite numbers.")
    model.load_state_dict(weights, assign=True)
    model.requires_grad_(False).eval()
    return Checkpoint(model=model, path=path.resolve(), **{key: described[key] for key in _HEADER_FIELDS})


@dataclass(frozen=True)
class Registry:
    """The checkpoints of one or more directories: those that can be used, and what is wrong with the others."""

    models: dict[str, dict[str, Checkpoint]]  # task -> name of the file without its ending -> checkpoint
    problems: dict[str, CheckpointError]  # name of the file without its ending -> why it cannot be used

    def default(self, task: str) -> Checkpoint:
        """The model that a task uses unless another is chosen: `<task>.safetensors`, else the first there is.

        Raises:
            CheckpointError: there is none; says why the task's own cannot be used.
        """
        if self.models[task]:
            return next(iter(self.models[task].values()))
        raise self.problems.get(task, CheckpointError(f"There is no {task}.safetensors."))


def load_all(*directories: Path) -> Registry:
    """Loads every checkpoint in `directories`; a file that cannot be used leaves the others alone."""
    models: dict[str, dict[str, Checkpoint]] = {task: {} for task in MODELS}
    problems = {}
    making = (*PARTIAL_KINDS, TEACHER_KIND)
    paths = {path.stem: path for directory in directories for path in sorted(directory.glob("*.safetensors"))}
    names = {name for name in paths if name.rpartition(".")[2] not in making and name != SPEECH_FILTER}
    # a task's own file first, the others in order of their names
    for name in sorted(names, key=lambda name: (name not in MODELS, name)):
        try:
            checkpoint = load(paths[name], name if name in MODELS else None)
            models[checkpoint.task][name] = checkpoint
        except CheckpointError as problem:
            problems[name] = problem
    return Registry(models, problems)


def read_header(path: Path, metadata: dict[str, str], kinds: dict[str, type], what: str) -> dict[str, Any]:
    """What a safetensors file's metadata holds as JSON, each entry of the kind it must be; `what` names the file's own.

    Raises:
        CheckpointError: an entry is missing, no JSON, or of another kind.
    """
    missing = [key for key in kinds if key not in metadata]
    if missing:
        raise CheckpointError(f"{path.name} is no {what}: its header lacks {', '.join(missing)}.")
    try:
        described = {key: json.loads(metadata[key]) for key in kinds}
    except (ValueError, RecursionError):  # no JSON, nested too deep, or a number of too many digits
        raise CheckpointError(f"{path.name} has a header that is no JSON.") from None
    wrong = [key for key, kind in kinds.items() if type(described[key]) is not kind]
    if wrong:
        raise CheckpointError(f"{path.name} has a header with unusable {', '.join(wrong)}.")
    return described


def _read_own_header(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """The header's metadata as Python values, each of the kind it must be."""
    kinds = {"format_version": int, "task": str, "config": dict, "alphabet": str, "classes": list}
    kinds |= {"shares": list}
    kinds |= {"data": str, "recipe": dict, "date": str, "results": dict}
    described = read_header(path, metadata, kinds, "charplay checkpoint")
    if described["format_version"] != FORMAT_VERSION:
        raise CheckpointError(
            f"{path.name} has format version {described['format_version']}; this charplay reads {FORMAT_VERSION}."
        )
    if described["task"] not in MODELS:
        raise CheckpointError(f"{path.name} is for an unknown task.")
    if not described["alphabet"].isascii() or not described["alphabet"]:
        raise CheckpointError(f"{path.name} has an alphabet that is empty or not ASCII.")
    if not all(isinstance(name, str) for name in described["classes"]):
        raise CheckpointError(f"{path.name} has classes that are no names.")
    shares, named = described["shares"], len(described["classes"])
    if not all(type(share) is float and 0 < share <= 1 for share in shares) or (
        shares and not math.isclose(sum(shares), 1, abs_tol=1e-3)
    ):
        raise CheckpointError(f"{path.name} has shares of its classes that are no shares of a whole.")
    if len(shares) != named:
        raise CheckpointError(f"{path.name} names {named} classes and the shares of {len(shares)}.")
    described |= {"classes": tuple(described["classes"]), "shares": tuple(shares)}
    described["recipe"] = {_RENAMED_RECIPE_FIELDS.get(key, key): value for key, value in described["recipe"].items()}
    return described


def _build(path: Path, described: dict[str, Any]) -> nn.Module:
    """The model that the config describes, with shapes but no memory behind them yet."""
    config_class, _ = MODELS[described["task"]]
    try:
        config = config_class(**described["config"])
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path.name} describes a model that cannot be built: {error}") from None
    if len(described["classes"]) != getattr(config, "classes", 0):
        raise CheckpointError(f"{path.name} names {len(described['classes'])} classes, its config does not.")
    return build_without_weights(described["task"], config)

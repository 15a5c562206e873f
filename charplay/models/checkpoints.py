"""Save and load trained models: safetensors files with a self-describing header.

The header's metadata holds, as JSON: format version, task, config, vocabulary, alphabet, classes and their shares, data
fingerprint, training recipe with its seed, date, and measured results. A file that lacks one of them, has other
tensor shapes, or is truncated raises `CheckpointError`. Pickles are never read. Files of format version 2 have no
vocabulary in their header: theirs is ASCII.
"""

import dataclasses
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize

from charplay.data.vocabulary import ASCII, ASCII_CHARACTERS, Vocabulary
from charplay.models.networks import MODELS, Network, RecurrentConfig, build_without_weights

Model = TypeVar("Model", bound=Network)

FORMAT_VERSION = 3
ASCII_FORMAT_VERSION = 2  # of files whose vocabulary is ASCII
# Files that a training run keeps beside its checkpoint, named by `sibling`: the best model so far, the state to resume
# from, and its teachers. They are not listed as models.
PARTIAL_KINDS = ("unfinished", "interrupted")
TEACHER_KIND = "teacher"

_PACKAGE = Path(__file__).resolve().parents[1]
_IS_INSTALLED = (_PACKAGE / "checkpoints").is_dir()  # a wheel has them inside the package, a checkout beside it
SHIPPED_DIRECTORY = (_PACKAGE if _IS_INSTALLED else _PACKAGE.parent) / "checkpoints"
# Where checkpoints are looked for; of two with the same name the later directory's is used, and new ones go to the
# last. An installed package is never written to: what a user trains goes to the user's own data directory.
DIRECTORIES: tuple[Path, ...] = (SHIPPED_DIRECTORY,)
if _IS_INSTALLED:
    DIRECTORIES += (Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "charplay/checkpoints",)
# How a file begins that Git wrote in place of a large one: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS_POINTER_START = b"version https://git-lfs"
SPEECH_FILTER = "speeches.filter"  # stem of a file that is no checkpoint; `interpret.memorization` reads it


class CheckpointError(ValueError):
    """The file is not a checkpoint that this version can use; the message names it and the reason."""


@dataclass(frozen=True)
class Checkpoint(Generic[Model]):
    """A trained model and its description."""

    task: str  # one of those in `networks.MODELS`
    model: Model
    alphabet: str  # characters of the vocabulary seen in training, sorted; the others are never sampled
    classes: tuple[str, ...]  # of the logits, in order; empty for a plain language model
    shares: tuple[float, ...]  # of each class in the weighted training data; they sum to 1
    data: str  # fingerprint of the training data
    recipe: dict[str, Any]  # training recipe, including the seed
    date: str  # of the training, ISO 8601
    results: dict[str, Any]  # measured
    vocabulary: Vocabulary = ASCII  # the character of each code
    path: Path | None = None  # the file it was loaded from

    @property
    def config(self) -> RecurrentConfig:
        """The model's config."""
        return self.model.config

    def sampling_mask(self) -> torch.Tensor:
        """A number to add to the logits, float32 (vocabulary,): 0, or -inf for characters not seen in training."""
        mask = torch.full((self.vocabulary.size,), -torch.inf)
        mask[self.vocabulary.encode(self.alphabet)] = 0.0
        return mask

    @property
    def label(self) -> str:
        """The kind of network, for a list: "GRU 2 x 512"."""
        return f"{self.config.cell.upper()} {self.config.layers} x {self.config.hidden_size}"


# Recipe fields that older checkpoints have under another name.
_RENAMED_RECIPE_FIELDS = {"counting": "ngram_weight", "made_up": "synthetic"}
# A field of older configs: how many networks the file held, whose logits were averaged.
_NETWORKS_FIELD = "members"
_HEADER_TYPES = {
    "format_version": int, "task": str, "config": dict, "vocabulary": str, "alphabet": str, "classes": list,
    "shares": list, "data": str, "recipe": dict, "date": str, "results": dict,
}  # fmt: skip
_HEADER_FIELDS = ("task", "alphabet", "classes", "shares", "data", "recipe", "date", "results")


def save(path: Path, checkpoint: Checkpoint, half: bool = False) -> None:
    """Writes `checkpoint` to `path` atomically.

    Args:
        path: the file; an existing one is replaced.
        checkpoint: what to write.
        half: store the weights in half precision (float16).

    Raises:
        CheckpointError: the model holds NaN or infinite values.
    """
    header = {"format_version": FORMAT_VERSION, "config": dataclasses.asdict(checkpoint.config)}
    header |= {key: getattr(checkpoint, key) for key in _HEADER_FIELDS}
    header["vocabulary"] = checkpoint.vocabulary.characters
    tensors = {
        name: tensor.detach().cpu().to(torch.float16 if half else torch.float32).contiguous()
        for name, tensor in checkpoint.model.state_dict().items()
    }
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise CheckpointError(f"{path.name} was not written: the model holds values that are no finite numbers.")
    write_atomically(path, serialize(tensors, {key: json.dumps(value) for key, value in header.items()}))


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file by renaming a temporary one, so it is never partial; an existing file is replaced.

    Raises:
        OSError: it cannot be written, as on a full disk; the error names `path`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)


def sibling(path: Path, kind: str) -> Path:
    """The file of one of the `PARTIAL_KINDS`, or of a teacher, that a training run keeps beside `path`."""
    return path.with_name(f"{path.stem}.{kind}.safetensors")


def find(name: str) -> Path:
    """The path of the checkpoint with the stem `name`; if there is none, the path to write it to."""
    paths = [directory / f"{name}.safetensors" for directory in reversed(DIRECTORIES)]
    return next((path for path in paths if path.exists()), paths[0])


def load(path: Path, task: str | None = None) -> Checkpoint:
    """Loads a checkpoint in evaluation mode, with weights in float32.

    The tensors' shapes are checked against the config before memory for the model is allocated.

    Args:
        path: the file.
        task: the task it must be for; None: any.

    Raises:
        CheckpointError: the file is missing, not safetensors, truncated, or lacks what a checkpoint must hold.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = _read_checkpoint_header(path, file.metadata() or {})
            if task and header["task"] != task:
                raise CheckpointError(f"{path.name} holds a model for {header['task']}, not for {task}.")
            model = _build(path, header)
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 (no mapping)
            expected = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
            if shapes != expected:
                raise CheckpointError(f"{path.name} holds other tensors than its own config describes.")
            # Copied, because products over weights that are unaligned in the file may round differently.
            weights = {name: file.get_tensor(name).to(torch.float32, copy=True) for name in shapes}
    except FileNotFoundError:
        raise CheckpointError(f"There is no checkpoint at {path}.") from None
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from None
    if not all(tensor.isfinite().all() for tensor in weights.values()):
        raise CheckpointError(f"{path.name} holds values that are no finite numbers.")
    model.load_state_dict(weights, assign=True)
    model.requires_grad_(False).eval()
    return Checkpoint(model=model, path=path.resolve(), **{key: header[key] for key in (*_HEADER_FIELDS, "vocabulary")})


def unreadable(path: Path, error: Exception) -> CheckpointError:
    """Why `path` could not be read as a safetensors file: `error`, or that it is only a Git LFS pointer to one."""
    try:
        with open(path, "rb") as file:
            is_pointer = file.read(len(_LFS_POINTER_START)) == _LFS_POINTER_START
    except OSError:
        is_pointer = False
    if is_pointer:
        return CheckpointError(f"{path.name} is only a Git LFS pointer to the file: fetch that with `git lfs pull`.")
    return CheckpointError(f"{path.name} is no readable safetensors file ({error}).")


@dataclass(frozen=True)
class Registry:
    """The checkpoints of one or more directories: the usable ones, and the problems of the rest."""

    models: dict[str, dict[str, Checkpoint]]  # task -> file stem -> checkpoint
    problems: dict[str, CheckpointError]  # file stem -> why it cannot be used

    def default(self, task: str) -> Checkpoint:
        """The default model of a task: `<task>.safetensors`, else the first one.

        Raises:
            CheckpointError: there is none; the message says why `<task>.safetensors` cannot be used.
        """
        if self.models[task]:
            return next(iter(self.models[task].values()))
        raise self.problems.get(task, CheckpointError(f"There is no {task}.safetensors."))


def load_all(*directories: Path) -> Registry:
    """Loads every checkpoint in `directories`; of files with the same name, that of the last directory.

    Files whose name begins with a dot are none: macOS leaves `._names.safetensors` beside a file that it has copied.
    """
    models: dict[str, dict[str, Checkpoint]] = {task: {} for task in MODELS}
    problems = {}
    skipped = (*PARTIAL_KINDS, TEACHER_KIND)
    paths = {path.stem: path for directory in directories for path in sorted(directory.glob("*.safetensors"))}
    names = {
        name
        for name in paths
        if not name.startswith(".") and name.rpartition(".")[2] not in skipped and name != SPEECH_FILTER
    }
    # default models first, then by name
    for name in sorted(names, key=lambda name: (name not in MODELS, name)):
        try:
            checkpoint = load(paths[name], name if name in MODELS else None)
            models[checkpoint.task][name] = checkpoint
        except CheckpointError as problem:
            problems[name] = problem
    return Registry(models, problems)


def read_header(path: Path, metadata: dict[str, str], kinds: dict[str, type], what: str) -> dict[str, Any]:
    """Parses a safetensors file's metadata: the JSON of each entry, of the required type.

    Args:
        path: of the file, for error messages.
        metadata: of the file.
        kinds: the type that each entry must have.
        what: the kind of file, for error messages.

    Raises:
        CheckpointError: an entry is missing, not JSON, or of another type.
    """
    missing = [key for key in kinds if key not in metadata]
    if missing:
        raise CheckpointError(f"{path.name} is no {what}: its header lacks {', '.join(missing)}.")
    try:
        header = {key: json.loads(metadata[key]) for key in kinds}
    except (ValueError, RecursionError):  # not JSON, nested too deep, or a number with too many digits
        raise CheckpointError(f"{path.name} has a header that is no JSON.") from None
    wrong = [key for key, kind in kinds.items() if type(header[key]) is not kind]
    if wrong:
        raise CheckpointError(f"{path.name} has a header with unusable {', '.join(wrong)}.")
    return header


def _read_checkpoint_header(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """Parses and validates a checkpoint's metadata."""
    version = metadata.get("format_version", "")
    is_number = version.isdecimal() and len(version) < 10
    if is_number and int(version) > FORMAT_VERSION:  # first: its other entries may be of another format too
        raise CheckpointError(
            f"{path.name} was written by a newer charplay (format version {version}, this one reads "
            f"{FORMAT_VERSION}): update charplay."
        )
    if is_number and int(version) == ASCII_FORMAT_VERSION:
        metadata = metadata | {"vocabulary": json.dumps(ASCII_CHARACTERS)}
    header = read_header(path, metadata, _HEADER_TYPES, "charplay checkpoint")
    if header["format_version"] not in (ASCII_FORMAT_VERSION, FORMAT_VERSION):
        raise CheckpointError(
            f"{path.name} has format version {header['format_version']}; this charplay reads {FORMAT_VERSION}."
        )
    if header["task"] not in MODELS:
        raise CheckpointError(f"{path.name} is for an unknown task.")
    try:
        vocabulary = header["vocabulary"] = Vocabulary(header["vocabulary"])
    except ValueError as error:
        raise CheckpointError(f"{path.name} has an unusable vocabulary: {error}") from None
    if not set(header["alphabet"]) <= set(vocabulary.characters) or not header["alphabet"]:
        raise CheckpointError(f"{path.name} has an alphabet that is empty or not part of its vocabulary.")
    if not all(isinstance(name, str) for name in header["classes"]):
        raise CheckpointError(f"{path.name} has classes that are no names.")
    shares, classes = header["shares"], len(header["classes"])
    if not all(type(share) is float and 0 < share <= 1 for share in shares) or (
        shares and not math.isclose(sum(shares), 1, abs_tol=1e-3)
    ):
        raise CheckpointError(f"{path.name} has shares of its classes that are no shares of a whole.")
    if len(shares) != classes:
        raise CheckpointError(f"{path.name} names {classes} classes and the shares of {len(shares)}.")
    header |= {"classes": tuple(header["classes"]), "shares": tuple(shares)}
    header["recipe"] = {_RENAMED_RECIPE_FIELDS.get(key, key): value for key, value in header["recipe"].items()}
    return header


def _build(path: Path, header: dict[str, Any]) -> Network:
    """The model that the config describes, without memory for its weights."""
    config_class, _ = MODELS[header["task"]]
    described = dict(header["config"])
    if (networks := described.pop(_NETWORKS_FIELD, 1)) != 1:
        raise CheckpointError(f"{path.name} holds {networks} networks; this charplay reads one.")
    try:
        config = config_class(**described)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path.name} describes a model that cannot be built: {error}") from None
    if header["vocabulary"].size != config.vocabulary_size:
        raise CheckpointError(f"{path.name} has a vocabulary of another size than its config says.")
    if len(header["classes"]) != getattr(config, "classes", 0):
        raise CheckpointError(f"{path.name} names {len(header['classes'])} classes, its config does not.")
    return build_without_weights(header["task"], config)

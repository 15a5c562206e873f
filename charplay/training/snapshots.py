"""The state of an unfinished run in one safetensors file, from which it resumes to the same weights.

The file holds weights, optimiser state, step and random state (see `Trainer.snapshot`); its header holds, as JSON, the
identity of the run, so that a snapshot of another run is refused.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize

from charplay.models.checkpoints import write_atomically

_HEADER = "snapshot"


@dataclass(frozen=True)
class Snapshot:
    """What a run needs to resume."""

    tensors: dict[str, torch.Tensor]
    facts: dict[str, Any]  # JSON values


def save(path: Path, snapshot: Snapshot) -> None:
    """Writes `snapshot` to `path`, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in snapshot.tensors.items()}
    write_atomically(path, serialize(tensors, {_HEADER: json.dumps(snapshot.facts)}))


def load(path: Path) -> Snapshot:
    """Reads a snapshot.

    Raises:
        ValueError: the file is missing, or no snapshot; the sentence says what to do.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})[_HEADER])
            return Snapshot({name: file.get_tensor(name) for name in file.keys()}, facts)  # noqa: SIM118 (no mapping)
    except FileNotFoundError:
        raise ValueError(f"There is no interrupted run at {path}: start without --resume.") from None
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"{path.name} is no snapshot of a run ({error}): start without --resume.") from None

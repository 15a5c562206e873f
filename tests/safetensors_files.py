"""Damages safetensors files, to test that they are refused."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

KEPT_BYTES = [0, 4, 100, 0.5, 0.99]  # of a truncated file: a number of bytes, or a fraction


def truncate(path: Path, kept: float) -> None:
    """Cuts the file to one of `KEPT_BYTES`."""
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept >= 1 or kept == 0 else kept * len(content))])


def change_metadata(path: Path, change: Callable[[dict[str, str]], object]) -> None:
    """Applies `change` to the metadata; the tensors stay."""
    metadata, tensors = _read(path)
    change(metadata)
    save_file(tensors, path, metadata)


def replace_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Writes other tensors; the metadata stay."""
    metadata, _ = _read(path)
    save_file(tensors, path, metadata)


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    with safe_open(path, framework="pt") as file:
        return file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)

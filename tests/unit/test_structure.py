"""Rules of the map that no other test would see broken."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted(path for path in (ROOT / "charplay").glob("*.py"))


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_the_core_knows_no_view(path):
    assert not [name for name in imports_of(path) if name.split(".")[0] in ("gradio", "plotly")]
    assert not [name for name in imports_of(path) if name.startswith("charplay.ui")]


@pytest.mark.parametrize(
    ("file", "unknown"),
    [
        ("text.py", ("models", "batches", "training")),
        ("batches.py", ("models", "training", "checkpoints")),
        ("models.py", ("training", "evaluate", "checkpoints")),
        ("reading.py", ("training", "evaluate", "checkpoints")),
        ("ui/coloured.py", ("models", "checkpoints", "reading", "generate")),
        ("ui/figures.py", ("models", "checkpoints", "classify", "generate")),
        ("ui/state.py", ("models", "checkpoints")),
    ],
)
def test_arrows_point_one_way(file, unknown):
    names = imports_of(ROOT / "charplay" / file)
    assert not [name for name in names for module in unknown if name.startswith(f"charplay.{module}")]


def test_the_requirements_are_what_runs_the_app_and_nothing_more():
    lines = (ROOT / "requirements.txt").read_text().split()
    assert {line.split(">")[0] for line in lines} == {"torch", "gradio", "plotly", "safetensors"}

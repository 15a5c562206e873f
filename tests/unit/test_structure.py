"""Rules of the map that no other test would see broken."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "charplay"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES, MAX_FUNCTION_LINES = 320, 60  # of a file, of a function
SOURCES = sorted(
    path for folder in (PACKAGE, ROOT / "tests") for end in ("py", "js", "css") for path in folder.rglob(f"*.{end}")
)

# From the bottom: a module imports its own folder and those of lower levels, and nothing else of charplay.
LEVELS = (
    ("limits", "system", "cancellation"),
    ("data",),
    ("models",),
    ("inference",),
    ("evaluation", "interpret"),
    ("training",),
    ("lesson",),
    ("workers",),
    ("bench",),
    ("ui",),
    ("cli", "library"),
    ("__init__", "__main__"),
)
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}
# Within the view: a widget knows no tab and no model, only numbers.
TABS = ("names", "invent", "speech", "batches", "teacher_forcing", "train")
WIDGETS_KNOW = ("ui.theme", "ui.html", "ui.assets", "ui.widgets", "limits")


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports, anywhere in it, and what it takes from them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own_imports(path: Path) -> set[str]:
    """What a file imports of charplay, without the leading `charplay.`."""
    return {name.removeprefix("charplay.") for name in imports_of(path) if name.startswith("charplay.")}


def part_of(path: Path) -> str:
    """The folder of the package that a file lies in, or the name of a file that lies in none."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_the_levels(path):
    part = part_of(path)
    for name in own_imports(path):
        imported = name.split(".")[0]
        assert imported == part or LEVEL[imported] < LEVEL[part], f"{part} imports {name}"


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path) != "ui"], ids=lambda path: path.name)
def test_nothing_outside_the_view_imports_a_view_library(path):
    assert not [name for name in imports_of(path) if name.split(".")[0] in ("gradio", "plotly")]


@pytest.mark.parametrize("path", sorted((PACKAGE / "ui" / "widgets").glob("*.py")), ids=lambda path: path.name)
def test_widgets_take_numbers_and_know_no_tab(path):
    assert not [name for name in own_imports(path) if not name.startswith(WIDGETS_KNOW)]


def test_the_compiler_is_imported_where_networks_run_alone():
    """Numba takes 50 MB of each process that imports it, and the page runs in one that runs no network."""
    at_once = [
        path.name
        for path in FILES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module.startswith("charplay.inference")
        if {"compiled", "kernels"} & {*node.module.split("."), *(alias.name for alias in node.names)}
    ]
    assert at_once == ["kernels.py"]


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_knows_no_other_tab(tab):
    for path in sorted((PACKAGE / "ui" / tab).glob("*.py")):
        others = tuple(f"ui.{other}." for other in TABS if other != tab)
        assert not [name for name in own_imports(path) if name.startswith(others)], path.name


@pytest.mark.parametrize(("file", "unknown"), [("data/text.py", "data.batches"), ("data/batches.py", "data.datasets")])
def test_text_and_batches_know_no_data_set(file, unknown):
    assert not [name for name in own_imports(PACKAGE / file) if name.startswith(unknown)]


def test_every_folder_of_the_map_is_there():
    assert {part for parts in LEVELS for part in parts} >= {part_of(path) for path in FILES}


def test_the_requirements_are_the_third_party_imports_and_nothing_more():
    imported = {name.split(".")[0] for path in [*FILES, ROOT / "app.py"] for name in imports_of(path)}
    lines = (ROOT / "requirements.txt").read_text().split()
    not_required = sys.stdlib_module_names | {"charplay", "spaces"}  # the last: only on ZeroGPU, which installs it
    not_required |= {"onnx", "onnxruntime", "openvino"}  # of the extra `[bench]`
    assert {re.match("[a-z-]+", line)[0].replace("-", "_") for line in lines} == imported - not_required


def test_no_file_is_longer_than_a_reader_can_hold_and_no_function():
    too_long = []
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        if len(source.splitlines()) > MAX_LINES:
            too_long.append(path.name)
        nodes = ast.walk(ast.parse(source)) if path.suffix == ".py" else ()
        functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        too_long += [each.name for each in functions if each.end_lineno - each.lineno >= MAX_FUNCTION_LINES]
    assert not too_long

"""The documents are true to the tree: maps, links, commands, and the figures of the shipped models."""

import ast
import json
import re
import shlex
from pathlib import Path

import pytest
from safetensors import safe_open

from charplay.cli import COMMANDS
from charplay.cli.parser import Parser
from charplay.training.recipes import RECIPES

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "charplay"
DOCUMENTS = [
    ROOT / "README.md",
    PACKAGE / "README.md",
    PACKAGE / "bench" / "README.md",
    PACKAGE / "training" / "README.md",
    ROOT / "checkpoints" / "README.md",
    ROOT / "tests" / "README.md",
]
MAX_README_LINES = 120  # after the front matter, which a Space reads
CHECKPOINTS = sorted(path for path in (ROOT / "checkpoints").glob("*.safetensors") if path.stem.count(".") == 0)

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def mapped_paths() -> list[str]:
    """The first word of each line of the map in charplay/README.md: a file of the package."""
    [block] = re.findall(r"^## The map\n.*?^```text\n(.*?)^```", read(PACKAGE / "README.md"), re.DOTALL | re.MULTILINE)
    return [line.split()[0] for line in block.splitlines() if line.strip() and not line.startswith(" ")]


def has_code(path: Path) -> bool:
    """Whether a module holds more than a docstring."""
    return any(not isinstance(node, ast.Expr) for node in ast.parse(read(path)).body)


def headings(document: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", read(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def header(path: Path) -> dict:
    with safe_open(path, framework="pt") as file:
        return {key: json.loads(value) for key, value in file.metadata().items()}


def table_row(document: Path, name: str) -> str:
    """The row of a results table, which names its checkpoint `name` in code."""
    [row] = [line for line in read(document).splitlines() if line.startswith("|") and f", `{name}` |" in line]
    return row


def test_the_map_names_each_module_once():
    modules = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py" or path.parent == PACKAGE or has_code(path)
    }
    mapped = [path for path in mapped_paths() if path.endswith(".py")]
    assert (modules - set(mapped), set(mapped) - modules) == (set(), set())
    assert len(mapped) == len(modules)


def test_the_map_names_only_files_that_exist():
    assert not [path for path in mapped_paths() if not (PACKAGE / path).exists()]


@every_document
def test_files_named_in_code_exist(document):
    outside_blocks = re.sub(r"^```.*?^```", "", read(document), flags=re.DOTALL | re.MULTILINE)
    named = re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|md|js|css|png|toml))`", outside_blocks)
    places = (document.parent, ROOT, PACKAGE)
    assert not [name for name in named if not any((place / name).exists() for place in places)]


@every_document
def test_links_to_files_resolve(document):
    for link in re.findall(r"\]\(([^)\s]+)\)", read(document)):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@every_document
def test_modules_run_as_commands_exist(document):
    for module in set(re.findall(r"python -m ((?:charplay|tests)[\w.]*)", read(document))):
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


@every_document
def test_commands_have_arguments_that_the_command_line_takes(document):
    parser = Parser()
    commands = parser.add_subparsers(required=True)
    for module in COMMANDS:
        module.add_to(commands)
    written = re.findall(
        r"(?:^ {4}|`|&& )(?:python|torchrun \S+ \d+) ?-m charplay (.+?)(?:`|$)", read(document), re.MULTILINE
    )
    for line in written:
        if "--help" not in line and "..." not in line:
            parser.parse_args(shlex.split(line))


def test_the_table_of_recipes_names_each_of_every_task_once():
    [table] = re.findall(
        r"^## Recipes\n.*?^\| --- .*?\n(.*?)\n\n", read(PACKAGE / "training" / "README.md"), re.DOTALL | re.MULTILINE
    )
    named = []  # (task, recipe)
    for row in table.splitlines():
        recipes, tasks, _ = row.strip("| ").split(" | ")
        named += [(task, recipe) for task in tasks.split(", ") for recipe in re.findall(r"`(\w+)`", recipes)]
    assert sorted(named) == sorted((task, recipe) for task, recipes in RECIPES.items() for recipe in recipes)


def test_the_library_example_of_the_readme_runs(capsys):
    blocks = re.findall(r"^```python\n(.*?)^```", read(ROOT / "README.md"), re.DOTALL | re.MULTILINE)
    [example] = [block for block in blocks if "import charplay" in block]
    exec(example, {})
    assert len(capsys.readouterr().out.splitlines()) >= example.count("print(")


def test_the_readme_is_short_and_keeps_its_two_commands():
    _, _, text = read(ROOT / "README.md").split("---\n", 2)
    assert len(text.strip().splitlines()) <= MAX_README_LINES
    assert "pip install -r requirements.txt && python app.py" in text
    assert 'pip install -e ".[test]" && python -m pytest' in text


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.stem)
def test_the_model_card_gives_the_figures_of_the_header(path):
    described, card = header(path), ROOT / "checkpoints" / "README.md"
    test, cells = described["results"]["test"], [cell.strip() for cell in table_row(card, path.stem).split("|")]
    if described["task"] == "speech":
        figures = [test["bits_per_character"], described["results"]["validation"]["bits_per_character"]]
        assert cells[2:4] == [f"{figure:.3f}" for figure in figures]
        return
    if described["task"] == "invent":
        shares = [f"{test[key]:.1%}".replace("%", " %") for key in ("taken_for_class", "in_training", "doubles")]
        assert cells[2:6] == [f"{test['bits_per_character']:.3f}", *shares]
        return
    uniform = described["results"]["uniform"]
    assert cells[2:8] == [
        f"{test['accuracy']:.1%}".replace("%", " %"),
        f"{test['macro_f1']:.3f}",
        f"{test['unseen_accuracy']:.1%}".replace("%", " %"),
        f"{uniform['accuracy']:.1%}, {uniform['macro_f1']:.3f}".replace("%", " %"),
        f"{test['calibration_error']:.3f}",
        f"{test['prefix_loss']:.3f}",
    ]


def test_the_model_card_gives_each_label_of_the_default():
    described, card = header(ROOT / "checkpoints" / "names.safetensors"), read(ROOT / "checkpoints" / "README.md")
    counts = described["results"]["test"]["confusion"]
    for row, label in enumerate(described["classes"]):
        rows, found = sum(counts[row]), counts[row][row]
        trained = described["results"]["training_rows"][row]
        assert f"| {label} | {trained:,} | {rows:,} | {100 * found / rows:.0f} % |" in card

"""The package as `pip install .` leaves it, used from another directory."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from charplay.models.checkpoints import PARTIAL_KINDS, SHIPPED_DIRECTORY, TEACHER_KIND

UNSHIPPED_KINDS = tuple(f".{kind}" for kind in (*PARTIAL_KINDS, TEACHER_KIND))
ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("charplay", "checkpoints", "pyproject.toml", "requirements.txt", "README.md", "LICENSE")

# The user's checkpoint is the one found under that name; the page reads every style sheet.
USE = """
import charplay
from charplay.ui import page_head, page
assert page_head.ICON.exists() and page_head.PICTURE.exists()
print(charplay.load("names-gru").checkpoint.config.hidden_size)
page.launch_arguments()
"""


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory) -> Path:
    """Where the package is installed, from a copy: pip leaves build files beside the sources."""
    copy, target = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("site-packages")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    for kind in UNSHIPPED_KINDS:
        (copy / "checkpoints" / f"names{kind}.safetensors").touch()
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-compile", "--no-index", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(copy)], check=True)
    return target


@pytest.fixture
def run(site_packages, tmp_path):
    """Runs the installed package in an empty directory, as a user whose home is empty too."""

    def run(*command: str | Path) -> str:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        environment = {"PYTHONPATH": str(site_packages), "HOME": str(tmp_path / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
        (tmp_path / "cwd").mkdir(exist_ok=True)
        program = [sys.executable, *map(str, command)]
        done = subprocess.run(
            program, cwd=tmp_path / "cwd", env=kept | environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    return run


def files_of(directory: Path) -> dict[Path, tuple[int, int]]:
    """Every file with its size in bytes and when it was last written."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in directory.rglob("*") if path.is_file()}


def test_the_wheel_holds_all_that_is_needed_and_no_unfinished_run(site_packages):
    installed = {path.relative_to(site_packages) for path in files_of(site_packages)}
    for suffix in ("py", "css", "js", "typed"):
        assert installed >= {path.relative_to(ROOT) for path in (ROOT / "charplay").rglob(f"*.{suffix}")}
    shipped = {path for path in installed if path.suffix == ".safetensors"}
    kept = {path.name for path in SHIPPED_DIRECTORY.glob("*.safetensors") if not path.stem.endswith(UNSHIPPED_KINDS)}
    assert shipped == {Path("charplay/checkpoints", name) for name in kept}


def test_it_runs_from_any_directory_and_writes_nothing_beside_itself(site_packages, run, tmp_path):
    before = files_of(site_packages)
    script = site_packages / "bin" / "charplay"
    assert run(script, "classify", "Rossi") == run("-m", "charplay", "classify", "Rossi")
    (tmp_path / "people.csv").write_text("Rossi,it\nVerdi,it\nIvanov,ru\nPetrov,ru\n" * 2)
    small = ("--epochs", "1", "--hidden-size", "8", "--json")
    trained = Path(json.loads(run("-m", "charplay", "train", "rows", tmp_path / "people.csv", *small))["checkpoint"])
    assert trained == tmp_path / "home/.local/share/charplay/checkpoints/people-rows.safetensors"
    trained.rename(trained.with_name("names-gru.safetensors"))
    assert run("-c", USE) == "8\n"
    assert files_of(site_packages) == before
    assert not list((tmp_path / "cwd").iterdir())

"""The two data sets: download, verify, cache, split. The one file of the core that touches the network.

Names: 20,074 surnames of 18 countries from the lecture series PyTorch Zero To All (Sung Kim).
Speeches: 1,010 speeches of US presidents, 1789-2018, in the public domain (texts: Miller Center).
Neither is part of this project: the user's machine downloads them, verified, into a cache.
"""

import csv
import functools
import gzip
import hashlib
import os
import random
import socket
import tarfile
import urllib.error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch.hub import download_url_to_file

from charplay import system
from charplay.data.text import normalize_prose

COUNTRIES = (
    "Arabic", "Chinese", "Czech", "Dutch", "English", "French", "German", "Greek", "Irish",
    "Italian", "Japanese", "Korean", "Polish", "Portuguese", "Russian", "Scottish", "Spanish", "Vietnamese",
)  # fmt: skip

_NAMES_URL = "https://raw.githubusercontent.com/hunkim/PyTorchZeroToAll/e5a260fac0b4ff1e2ec434fc6f0d962ac97fc289/data/"
_SPEECHES_URL = (
    "https://github.com/kfogel/presidential-speeches/archive/a4c8b38eeba49703f515a701db03e60417e042e6.tar.gz"
)

# Dates of the Barack Obama speeches held out from training; his other 43 are in the training text.
VALIDATION_DATES = ("2009-12-10", "2011-05-25", "2013-12-04")
TEST_DATES = ("2010-06-15", "2012-09-06", "2015-03-07", "2016-03-22")
OBAMA = "Barack Obama"

MAX_DOWNLOAD_ATTEMPTS = 3  # for each file
DOWNLOAD_TIMEOUT_SECONDS = 60  # without a byte received, after which an attempt fails


def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _archive_digest(path: Path) -> str:
    """SHA-256 over the sorted names and contents: downloads of one commit may differ in their compression."""
    digest = hashlib.sha256()
    for name, content in _archived_speeches(path):
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()


def _archived_speeches(path: Path) -> list[tuple[str, bytes]]:
    """The speeches of the archive as (file name, bytes), sorted by file name, which begins with the date."""
    with tarfile.open(path) as archive:
        members = [m for m in archive if m.isfile() and "/data/" in m.name]
        speeches = [(Path(m.name).name, archive.extractfile(m)) for m in members]
        return sorted((name, file.read()) for name, file in speeches if file is not None)


@dataclass(frozen=True)
class DataFile:
    """A file of a data set: its source and its expected digest."""

    name: str
    url: str
    digest: str
    compute_digest: Callable[[Path], str]  # of the file at a path, comparable with `digest`

    def is_intact(self, path: Path) -> bool:
        """Whether the file at `path` has the content of the pinned commit."""
        try:
            return self.compute_digest(path) == self.digest
        except (OSError, EOFError, tarfile.TarError):  # unreadable or truncated
            return False


NAMES_TRAIN = DataFile(
    "names_train.csv.gz",
    _NAMES_URL + "names_train.csv.gz",
    "49b4bf41dce5bfeac989b46ca37cf7baccd9a0d2a855df82f86de67a9376268f",
    _file_digest,
)
NAMES_TEST = DataFile(
    "names_test.csv.gz",
    _NAMES_URL + "names_test.csv.gz",
    "57d7758db533a42c99d513b2341a7e7b0f55c1e0e7d233b1ef6a4fa2f1adf753",
    _file_digest,
)
SPEECHES = DataFile(
    "presidential-speeches.tar.gz",
    _SPEECHES_URL,
    "4575dfff15312e9bd463feaa540b1d3d02b3472ba46d54d078d506c4eb3f831e",
    _archive_digest,
)
FILES = (NAMES_TRAIN, NAMES_TEST, SPEECHES)


class DataError(ValueError):
    """A data file is missing or has other content; the message says what to do."""


def data_directory(chosen: str | Path | None = None) -> Path:
    """The directory of the data: `chosen` (--data), else $CHARPLAY_DATA, else the user's cache."""
    if chosen or os.environ.get("CHARPLAY_DATA"):
        return Path(chosen or os.environ["CHARPLAY_DATA"]).expanduser()
    return system.cache_directory()


def fetch(
    directory: Path, source: Path | None = None, on_progress: Callable[[str], None] = lambda line: None
) -> list[Path]:
    """Downloads all files into `directory` and verifies them; intact ones are kept.

    A download gets its final name only after it was verified, so a broken one leaves nothing behind and the next call
    starts that file again.

    Args:
        directory: created if missing.
        source: a directory that holds the files (a mirror); None: their public URLs.
        on_progress: called with one line of text per event.

    Returns:
        The paths of the files.

    Raises:
        DataError: a file cannot be downloaded, or has other content than the pinned one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    socket_timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
    try:
        return [_fetch_one(file, directory, source, on_progress) for file in FILES]
    finally:
        socket.setdefaulttimeout(socket_timeout)


def _fetch_one(file: DataFile, directory: Path, source: Path | None, on_progress: Callable[[str], None]) -> Path:
    final = directory / file.name
    if file.is_intact(final):
        on_progress(f"{file.name}: already there, verified")
        return final
    url = (source / file.name).resolve().as_uri() if source else file.url
    temporary = directory / f".{file.name}.{os.getpid()}"
    for attempt in range(1, MAX_DOWNLOAD_ATTEMPTS + 1):
        try:
            on_progress(f"{file.name}: fetching from {url}")
            download_url_to_file(url, str(temporary))
            if file.is_intact(temporary):
                temporary.replace(final)
                return final
            problem = "what arrived is not the expected file"
        except (OSError, urllib.error.URLError) as error:
            problem = str(error)
        finally:
            temporary.unlink(missing_ok=True)
        on_progress(f"{file.name}: {problem} (attempt {attempt} of {MAX_DOWNLOAD_ATTEMPTS})")
    raise DataError(
        f"Could not fetch {file.name} from {url}: {problem}. Try again, or name a directory that holds the files "
        "with --from DIR."
    )


def _verified(file: DataFile, directory: Path) -> Path:
    path = directory / file.name
    if not path.exists():
        raise DataError(
            f"{file.name} is not in {directory}: run `python -m charplay data fetch`, or name the directory that "
            "holds the data with --data DIR or $CHARPLAY_DATA."
        )
    if not file.is_intact(path):
        raise DataError(f"{path} is not the expected file: delete it and run `python -m charplay data fetch`.")
    return path


NameRows = list[tuple[str, str]]  # (name, country)


def load_names(split: str, directory: Path) -> NameRows:
    """The rows of "train" (13,374) or "test" (6,700) in the file's order, as (name, country)."""
    file = {"train": NAMES_TRAIN, "test": NAMES_TEST}[split]
    with gzip.open(_verified(file, directory), "rt", encoding="ascii", newline="") as rows:
        return [(name, country) for name, country in csv.reader(rows)]


def hold_out(rows: NameRows, seed: int, share: float = 0.1) -> tuple[NameRows, NameRows]:
    """Splits `rows` by a seeded shuffle into (the rest, a `share` held out to choose hyperparameters on)."""
    shuffled = rows.copy()
    random.Random(seed).shuffle(shuffled)
    held_out = round(len(rows) * share)
    return shuffled[held_out:], shuffled[:held_out]


@dataclass(frozen=True)
class Speech:
    """One speech, normalised as `text.normalize_prose` does."""

    date: str  # YYYY-MM-DD
    president: str
    text: str


def load_speeches(directory: Path) -> list[Speech]:
    """All 1,010 speeches in order of date."""
    speeches = []
    for name, content in _archived_speeches(_verified(SPEECHES, directory)):
        heading, _, body = content.decode("utf-8").partition("\n")
        president = heading.removeprefix("President:").strip()
        body = body.replace("\u2011", "")  # four hyphens that the shipped models were trained without
        speeches.append(Speech(name[:10], president, normalize_prose(body).strip()))
    return speeches


def join_speeches(speeches: Sequence[Speech]) -> str:
    """One text, with an empty line between speeches."""
    return "\n\n".join(speech.text for speech in speeches)


def split_speeches(speeches: list[Speech]) -> dict[str, list[Speech]]:
    """Barack Obama's speeches as "train" (43), "val" (3) and "test" (4), and the other presidents' as "others".

    Joined, the three have 1,003,696, 87,208 and 86,677 characters.
    """
    splits: dict[str, list[Speech]] = {"train": [], "val": [], "test": [], "others": []}
    for speech in speeches:
        if speech.president != OBAMA:
            splits["others"].append(speech)
        elif speech.date in VALIDATION_DATES:
            splits["val"].append(speech)
        elif speech.date in TEST_DATES:
            splits["test"].append(speech)
        else:
            splits["train"].append(speech)
    return splits


@functools.cache
def fingerprint(file: DataFile) -> str:
    """Identifies a training file in a checkpoint's header."""
    return hashlib.sha256(file.digest.encode()).hexdigest()[:16]

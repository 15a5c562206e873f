"""What a visitor's page made or brought along, kept for that page alone: models, a file of data, the runs so far.

Everything is found by the session of the page (`gr.Request.session_hash`), which is a key of a dictionary and never
part of a path; another page has another session and sees nothing of it. Nothing is kept longer than an hour after its
last use: models and data lie in a private directory of this process, which goes when the process does.
"""

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import gradio as gr

from charplay import limits
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint, CheckpointError, Registry
from charplay.models.networks import count_parameters
from charplay.ui.train.run_table import RunRow

USER_PREFIX = (
    "yours "  # an own model is called by this and its number; a registry's file of such a name is looked up after it
)
MODEL_EXPIRED = (
    "This model of yours is not kept here any more: train it again, or load the file that you downloaded. "
    f"A model is kept for {limits.SESSION_SECONDS // 60:.0f} minutes after its last use."
)


@dataclass(frozen=True)
class UploadedData:
    """A text or table that a page brought along, as it came."""

    name: str  # as the visitor calls the file; shown, never opened
    path: Path
    size: int  # bytes


@dataclass
class _Session:
    """What is kept for one page."""

    used: float  # when it was last asked for
    made: int = 0  # models so far, those that went included: their numbers
    models: dict[str, Checkpoint] = field(default_factory=dict)
    data: UploadedData | None = None
    runs: list[RunRow] = field(default_factory=list)


class SessionStore:
    """The models, data and runs of every page that is open now, each behind its session."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._directory: tempfile.TemporaryDirectory | None = None  # made when it is needed, removed at exit
        self._sessions: dict[str, _Session] = {}  # the one that was used last stands last
        self._alarm: threading.Timer | None = None

    def keep_model(self, session: str | None, file: bytes | Path, called: str) -> str:
        """Keeps a trained model and returns the name by which the session finds it.

        Args:
            session: of the page.
            file: a checkpoint, or where one lies (it is copied).
            called: what a sentence about it calls the file.

        Raises:
            CheckpointError: it is none, or none that the page can use; what was kept before stays.
            ValueError: the request belongs to no page.
        """
        session = _checked(session)
        # A path of its own for ever: the process that computes knows models by their path.
        arrived = self._home() / f"{secrets.token_hex(16)}.safetensors"
        try:
            arrived.write_bytes(file if isinstance(file, bytes) else file.read_bytes())
            checkpoint = _usable(checkpoints.load(arrived))
        except CheckpointError as error:
            arrived.unlink(missing_ok=True)
            raise CheckpointError(str(error).replace(arrived.name, called)) from None
        path = arrived.with_suffix("") / file_name(checkpoint)
        path.parent.mkdir()
        arrived.rename(path)
        with self._lock:
            kept = self._touch(session)
            kept.made += 1
            name = f"{USER_PREFIX}{kept.made}"
            # Nothing is computed with it in this process: its shapes are enough, its weights stay on disk.
            kept.models[name] = replace(checkpoint, model=checkpoint.model.to("meta"), path=path)
            while len(kept.models) > limits.MAX_SESSION_MODELS:
                self._drop_model(kept, next(iter(kept.models)))
            self._make_room()
        return name

    def models(self, session: str | None, task: str | None = None) -> dict[str, Checkpoint]:
        """The session's own models of a task (None: of all), the newest last."""
        kept = self._find(session)
        return {} if kept is None else {n: c for n, c in kept.models.items() if task in (None, c.task)}

    def keep_data(self, session: str | None, name: str, content: bytes) -> None:
        """Keeps what the page brought along, in place of what it brought before.

        Raises:
            ValueError: it is larger than what can be used, or the request belongs to no page.
        """
        session = _checked(session)
        if len(content) > limits.MAX_USER_DATA_BYTES:
            raise ValueError(
                f"“{name}” has {len(content):,} bytes, and at most {limits.MAX_USER_DATA_BYTES:,} can be "
                "learnt from here: take a part of it."
            )
        path = self._home() / f"{secrets.token_hex(16)}.data"
        path.write_bytes(content)
        with self._lock:
            kept = self._touch(session)
            if kept.data is not None:
                kept.data.path.unlink(missing_ok=True)
            kept.data = UploadedData(name, path, len(content))
            self._make_room()

    def data(self, session: str | None) -> UploadedData | None:
        """What the page brought along; None if nothing, or nothing any more."""
        kept = self._find(session)
        return None if kept is None else kept.data

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A directory for one training: what lies in it goes in the end."""
        path = Path(tempfile.mkdtemp(dir=self._home()))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def note_run(self, session: str | None, run: RunRow) -> None:
        """Adds a run to the page's table; of too many the oldest goes."""
        session = _checked(session)
        with self._lock:
            kept = self._touch(session)
            kept.runs = [*kept.runs, run][-limits.MAX_SESSION_RUNS :]

    def runs(self, session: str | None) -> list[RunRow]:
        """The runs of the page, in order."""
        kept = self._find(session)
        return [] if kept is None else list(kept.runs)

    def sweep(self) -> None:
        """Removes what was not used for an hour. It happens by itself, also when nobody comes any more."""
        with self._lock:
            self._alarm = None
            self._expire()
            self._set_alarm()

    def _set_alarm(self) -> None:
        """Has somebody look when the hour of the page that was used longest ago is over."""
        if self._alarm is None and self._sessions:
            oldest = next(iter(self._sessions.values()))
            seconds = oldest.used + limits.SESSION_SECONDS - self._clock() + 1
            self._alarm = threading.Timer(seconds, self.sweep)
            self._alarm.daemon = True
            self._alarm.start()

    def _find(self, session: str | None) -> _Session | None:
        with self._lock:
            self._expire()
            if not isinstance(session, str) or session not in self._sessions:
                return None
            return self._touch(session)

    def _touch(self, session: str) -> _Session:
        """The session, from now on the last one used; a new one is begun if need be."""
        self._expire()
        kept = self._sessions.pop(session, None) or _Session(0.0)
        kept.used = self._clock()
        self._sessions[session] = kept
        self._set_alarm()
        return kept

    def _expire(self) -> None:
        while self._sessions:
            oldest = next(iter(self._sessions))
            if self._clock() - self._sessions[oldest].used <= limits.SESSION_SECONDS:
                return
            self._drop(oldest)

    def _make_room(self) -> None:
        """Those who have not been seen for longest go, until the rest fits; who has just come stays."""
        while len(self._sessions) > 1 and (
            len(self._sessions) > limits.MAX_SESSIONS
            or sum(map(_bytes, self._sessions.values())) > limits.MAX_SESSION_STORE_BYTES
        ):
            self._drop(next(iter(self._sessions)))

    def _drop(self, session: str) -> None:
        kept = self._sessions.pop(session)
        for name in list(kept.models):
            self._drop_model(kept, name)
        if kept.data is not None:
            kept.data.path.unlink(missing_ok=True)

    def _drop_model(self, kept: _Session, name: str) -> None:
        path = kept.models.pop(name).path
        path.unlink(missing_ok=True)
        path.parent.rmdir()

    def _home(self) -> Path:
        with self._lock:
            if self._directory is None:
                self._directory = tempfile.TemporaryDirectory(prefix="charplay-")  # readable for this user alone
            return Path(self._directory.name)


def file_name(checkpoint: Checkpoint) -> str:
    """What the file of an own model is called, when it is saved too: "charplay-speech-gru-1x64.safetensors"."""
    config = checkpoint.config
    return f"charplay-{checkpoint.task}-{config.cell}-{config.layers}x{config.hidden_size}.safetensors"


def _checked(session: str | None) -> str:
    if not session:
        raise ValueError("Models and data are kept for a page: open one in a browser.")
    return limits.check_text("session", session, limits.MAX_NAME_CHARACTERS)


def _bytes(kept: _Session) -> int:
    """What a session takes of the disk."""
    weights = sum(4 * count_parameters(checkpoint.model) for checkpoint in kept.models.values())
    return weights + (kept.data.size if kept.data else 0)


def _usable(checkpoint: Checkpoint) -> Checkpoint:
    """A checkpoint from anywhere, if a tab of this page can show it.

    Raises:
        CheckpointError: it is too large, or has classes or characters that no page can show.
    """
    name, parameters = checkpoint.path.name, count_parameters(checkpoint.model)
    if parameters > limits.MAX_USER_PARAMETERS:
        raise CheckpointError(
            f"{name} has {parameters:,} parameters; a model of your own may have {limits.MAX_USER_PARAMETERS:,} here."
        )
    if not all(character == "\n" or " " <= character <= "~" for character in checkpoint.alphabet):
        raise CheckpointError(f"{name} has an alphabet with characters that cannot be shown.")
    classes = checkpoint.classes
    if len(classes) > limits.MAX_USER_CLASSES or len(set(classes)) < len(classes):
        raise CheckpointError(
            f"{name} must have at most {limits.MAX_USER_CLASSES} classes, each with a name of its own."
        )
    if not all(0 < len(label) <= limits.MAX_NAME_CHARACTERS and label.isprintable() for label in classes):
        raise CheckpointError(f"{name} has a class whose name is empty, too long, or cannot be shown.")
    return checkpoint


STORE = SessionStore()  # of this process


def models(registry: Registry, task: str, request: gr.Request) -> dict[str, Checkpoint]:
    """The models of a task that a page may choose from: the registry's, then its own."""
    return registry.models[task] | STORE.models(request.session_hash, task)


def find(registry: Registry, task: str, chosen: object, request: gr.Request) -> Checkpoint:
    """The model that a page chose.

    Raises:
        ValueError: there is none of that name, or it was the page's own and is not kept any more.
    """
    offered = models(registry, task, request)
    if isinstance(chosen, str) and chosen.startswith(USER_PREFIX) and chosen not in offered:
        raise ValueError(MODEL_EXPIRED)
    return offered[limits.check_choice("model", chosen, tuple(offered))]

"""What a page trained or uploaded, kept for that page alone: user models, a file of data, the table of runs.

The key is the page's session (`gr.Request.session_hash`), which is never part of a path; another page has another
session. A session expires an hour after its last use. Models and data are files in a private directory, which is
removed when the process ends.
"""

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import gradio as gr

from charplay import limits, system
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint, CheckpointError, Registry
from charplay.models.networks import ConditionalCharLM, Network, count_parameters
from charplay.ui.run_record import RunRecord
from charplay.ui.uploaded_models import check_usable, opening_in

USER_PREFIX = "yours "  # of the name of a user model, before its number
MODEL_EXPIRED = (
    "This model of yours is not kept here any more: train it again, or load the file that you downloaded. "
    f"A model is kept for {limits.SESSION_SECONDS // 60:.0f} minutes after its last use."
)


@dataclass(frozen=True)
class UploadedData:
    """A text or table, as uploaded."""

    name: str  # of the user's file; shown, never part of a path
    path: Path
    size: int  # bytes


@dataclass
class _Session:
    """What is kept for one page."""

    used: float  # time of its last use, in seconds of the store's clock
    numbered: int = 0  # models kept so far, removed ones included; the number of the last one
    models: dict[str, Checkpoint] = field(default_factory=dict)
    openings: dict[str, str] = field(default_factory=dict)  # name of a model -> a text of its data to try it with
    unsaved: set[str] = field(default_factory=set)  # names of the models that were trained and not downloaded
    data: UploadedData | None = None
    runs: list[RunRecord] = field(default_factory=list)


class SessionStore:
    """The models, data and runs of all sessions."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._directory: tempfile.TemporaryDirectory | None = None  # created when first needed, removed at exit
        self._sessions: dict[str, _Session] = {}  # the most recently used one last
        self._timer: threading.Timer | None = None

    def keep_model(
        self, session: str | None, file: bytes | Path, file_name: str, *, opening: str = "", is_saved: bool = True
    ) -> str:
        """Keeps a model and returns its name in the session.

        Args:
            session: of the page.
            file: the content of a checkpoint, or the path of one in a `temporary_directory`, which is moved from there:
                on a full disk there is no room for a copy.
            file_name: how error messages call the file.
            opening: a text of its data to try it with; "": the one in its header, if there is one.
            is_saved: whether the user has the file.

        Raises:
            CheckpointError: it is not a checkpoint, or the page cannot use it; what was kept before stays.
            ValueError: the request has no valid session, or the disk is full.
        """
        session = _check_session(session)
        # A new path for every model: the inference worker caches models by their path.
        arrived = self._folder() / f"{secrets.token_hex(16)}.safetensors"
        try:
            if isinstance(file, bytes):
                _write(arrived, file)
            else:
                file.replace(arrived)
            checkpoint = check_usable(checkpoints.load(arrived), arrived.name)
        except CheckpointError as error:
            system.remove_file(arrived)
            raise CheckpointError(str(error).replace(arrived.name, file_name)) from None
        path = arrived.with_suffix("") / download_name(checkpoint)
        path.parent.mkdir()
        arrived.rename(path)
        with self._lock:
            kept = self._touch(session)
            kept.numbered += 1
            name = f"{USER_PREFIX}{kept.numbered}"
            kept.models[name] = replace(checkpoint, model=_without_weights(checkpoint.model), path=path)
            kept.openings[name] = opening or opening_in(checkpoint)
            if not is_saved:
                kept.unsaved.add(name)
            while len(kept.models) > limits.MAX_SESSION_MODELS:
                self._drop_model(kept, next(iter(kept.models)))
            self._evict()
        return name

    def models(self, session: str | None, task: str | None = None) -> dict[str, Checkpoint]:
        """The session's user models of a task (None: of all tasks), the newest last."""
        kept = self._find(session)
        if kept is None:
            return {}
        return {name: checkpoint for name, checkpoint in kept.models.items() if task in (None, checkpoint.task)}

    def opening(self, session: str | None, name: str) -> str:
        """A text of the data of a user model to try it with; empty if there is none."""
        kept = self._find(session)
        return "" if kept is None else kept.openings.get(name, "")

    def mark_saved(self, session: str | None, name: str) -> None:
        """Notes that the user has the file of a model."""
        if kept := self._find(session):
            kept.unsaved.discard(name)

    def count_unsaved(self, session: str | None) -> int:
        """How many models were trained here and not downloaded."""
        kept = self._find(session)
        return 0 if kept is None else len(kept.unsaved)

    def keep_data(self, session: str | None, name: str, content: bytes) -> None:
        """Keeps uploaded data, in place of the session's earlier data.

        Raises:
            ValueError: it is too large, the request has no valid session, or the disk is full.
        """
        session = _check_session(session)
        if len(content) > limits.MAX_USER_DATA_BYTES:
            raise ValueError(
                f"“{name}” has {len(content):,} bytes, and at most {limits.MAX_USER_DATA_BYTES:,} can be "
                "learnt from here: take a part of it."
            )
        path = self._folder() / f"{secrets.token_hex(16)}.data"
        _write(path, content)
        with self._lock:
            kept = self._touch(session)
            if kept.data is not None:
                system.remove_file(kept.data.path)
            kept.data = UploadedData(name, path, len(content))
            self._evict()

    def data(self, session: str | None) -> UploadedData | None:
        """The session's uploaded data; None if there is none, or it has expired."""
        kept = self._find(session)
        return None if kept is None else kept.data

    @contextmanager
    def temporary_directory(self) -> Iterator[Path]:
        """A directory for one training, removed afterwards."""
        path = Path(tempfile.mkdtemp(dir=self._folder()))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def add_run(self, session: str | None, run: RunRecord) -> None:
        """Adds a run to the session's table; beyond the bound the oldest is dropped."""
        session = _check_session(session)
        with self._lock:
            kept = self._touch(session)
            kept.runs = [*kept.runs, run][-limits.MAX_SESSION_RUNS :]

    def runs(self, session: str | None) -> list[RunRecord]:
        """The runs of the session, in order."""
        kept = self._find(session)
        return [] if kept is None else list(kept.runs)

    def forget(self, session: str) -> None:
        """Removes what is kept for a page that has been closed."""
        with self._lock:
            if session in self._sessions:
                self._drop(session)

    def sweep(self) -> None:
        """Removes expired sessions; a timer calls it, so that it happens without any request too."""
        with self._lock:
            self._timer = None
            self._expire()
            self._set_timer()

    def _set_timer(self) -> None:
        """Sets the timer for when the least recently used session expires, unless it is set."""
        if self._timer is None and self._sessions:
            oldest = next(iter(self._sessions.values()))
            seconds = oldest.used + limits.SESSION_SECONDS - self._clock() + 1
            self._timer = threading.Timer(seconds, self.sweep)
            self._timer.daemon = True
            self._timer.start()

    def _find(self, session: str | None) -> _Session | None:
        with self._lock:
            self._expire()
            if not isinstance(session, str) or session not in self._sessions:
                return None
            return self._touch(session)

    def _touch(self, session: str) -> _Session:
        """The session, marked as just used; created if there is none."""
        self._expire()
        kept = self._sessions.pop(session, None) or _Session(0.0)
        kept.used = self._clock()
        self._sessions[session] = kept
        self._set_timer()
        return kept

    def _expire(self) -> None:
        while self._sessions:
            oldest = next(iter(self._sessions))
            if self._clock() - self._sessions[oldest].used <= limits.SESSION_SECONDS:
                return
            self._drop(oldest)

    def _evict(self) -> None:
        """Drops the least recently used sessions until the rest fits; the current one stays."""
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
            system.remove_file(kept.data.path)

    def _drop_model(self, kept: _Session, name: str) -> None:
        path = kept.models.pop(name).path
        kept.openings.pop(name, None)
        kept.unsaved.discard(name)
        assert path is not None  # a model that is kept has a file
        system.remove_file(path)
        with suppress(OSError):  # where the file is still being sent it stays until later
            path.parent.rmdir()

    def _folder(self) -> Path:
        with self._lock:
            if self._directory is None:
                self._directory = tempfile.TemporaryDirectory(prefix="charplay-")  # readable for this user alone
            return Path(self._directory.name)


def _without_weights(model: Network) -> Network:
    """The model as this process keeps it, which computes nothing with it: its shapes; the weights stay on disk.

    A conditional model keeps its filter, by which the page marks texts of the training data.
    """
    seen = model.seen if isinstance(model, ConditionalCharLM) else None
    model.to("meta")
    if isinstance(model, ConditionalCharLM) and seen is not None:
        model.seen = seen
    return model


def download_name(checkpoint: Checkpoint) -> str:
    """The file name of a user model, such as "charplay-speech-gru-1x64.safetensors"."""
    config = checkpoint.config
    return f"charplay-{checkpoint.task}-{config.cell}-{config.layers}x{config.hidden_size}.safetensors"


def _write(path: Path, content: bytes) -> None:
    """Writes a whole file or none.

    Raises:
        ValueError: the disk is full, or cannot be written to.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        system.remove_file(path)
        raise ValueError(f"The server cannot store this: {error.strerror or error}.") from None


def _check_session(session: str | None) -> str:
    if not session:
        raise ValueError("Models and data are kept for a page: open one in a browser.")
    return limits.check_text("session", session, limits.MAX_NAME_CHARACTERS)


def _bytes(kept: _Session) -> int:
    """The size of a session's files."""
    weights = sum(4 * count_parameters(checkpoint.model) for checkpoint in kept.models.values())
    return weights + (kept.data.size if kept.data else 0)


STORE = SessionStore()  # of this process


def models(registry: Registry, task: str, request: gr.Request) -> dict[str, Checkpoint]:
    """The models of a task that a page can choose: the registry's, then its user models."""
    return registry.models[task] | STORE.models(request.session_hash, task)


def find(registry: Registry, task: str, chosen: object, request: gr.Request) -> Checkpoint:
    """The model that a page chose.

    Raises:
        ValueError: there is none of that name, or it was a user model and has expired.
    """
    offered = models(registry, task, request)
    if isinstance(chosen, str) and chosen.startswith(USER_PREFIX) and chosen not in offered:
        raise ValueError(MODEL_EXPIRED)
    return offered[limits.check_choice("model", chosen, tuple(offered))]

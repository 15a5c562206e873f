"""What not every operating system has, each with what is done without it. Imports nothing of charplay."""

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_lock = threading.Lock()
_kept_files: set[Path] = set()  # that could not be removed yet


def lower_priority(niceness: int, pid: int) -> bool:
    """Lets others go before a process by `niceness`, 0 to 19; False: this system has no such thing (Windows)."""
    if not niceness or not hasattr(os, "setpriority"):
        return False
    with suppress(OSError):  # it has ended, or this system does not allow it
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid) + niceness)
    return True


def lower_thread_priority(niceness: int) -> bool:
    """Lets all other threads go before this one, those of this process too; False: only Linux has that."""
    return sys.platform == "linux" and lower_priority(niceness, threading.get_native_id())


def ignore_interrupts() -> None:
    """Ctrl-C in a terminal reaches every process of it; this one is not to end by it."""
    if hasattr(signal, "SIGINT") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def take_standard_output() -> BinaryIO:
    """Standard output for the caller alone: what libraries print goes to standard error.

    Without descriptors only what Python prints does.
    """
    try:
        descriptor = os.dup(1)
        os.dup2(2, 1)
        return os.fdopen(descriptor, "wb")
    except (AttributeError, OSError):
        out = sys.stdout.buffer
        sys.stdout = sys.stderr
        return out


def cache_directory() -> Path:
    """The user's directory for what can be made again: data that were downloaded, and functions that were compiled.

    Raises:
        RuntimeError: this user has no home directory.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "charplay"


def load_average() -> float | None:
    """Processes that ran or waited to, on the average of the last minute; None: not known here (Windows)."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def resident_mib(pid: int) -> float | None:
    """Resident memory of a process and its children, in MiB; None without /proc, or if they have ended."""
    status = Path(f"/proc/{pid}/status")
    try:
        lines = status.read_text().splitlines()
        listed = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return None
    resident = next((int(line.split()[1]) / 1024 for line in lines if "VmRSS:" in line), 0.0)
    return resident + sum(resident_mib(int(child)) or 0.0 for child in " ".join(listed).split())


def is_own(path: Path) -> bool:
    """Whether a file or directory is this user's; True where files have no owners (Windows)."""
    return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()


def remove_file(path: Path) -> None:
    """Removes a file, if it is there. One that cannot be removed while it is open (Windows) is removed later."""
    with _lock:
        waiting = {path, *_kept_files}
        _kept_files.clear()
        for each in waiting:
            try:
                each.unlink(missing_ok=True)
            except PermissionError:
                _kept_files.add(each)


@atexit.register
def _remove_kept_files() -> None:
    for path in _kept_files.copy():
        remove_file(path)

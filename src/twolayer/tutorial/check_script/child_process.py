"""The parent's side: the script is examined in a process of its own, which never outlives the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from twolayer.errors import FileError
from twolayer.tutorial.check_script.verdict import UNCHECKED, ScriptVerdict

PROCESS_SECONDS = 100.0  # after which the process is ended from outside
LATE_SECONDS = 5.0  # after which it ends itself, should nobody have done so
MAX_SCRIPT = 5_000_000  # bytes
CHILD = "twolayer.tutorial.check_script.child"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def check_script(path: Path, seconds: float = PROCESS_SECONDS) -> ScriptVerdict:
    """Return the verdict on a script, examined in a child process.

    Parameters
    ----------
    path : Path
    seconds : float
        The most that it may take.

    Raises
    ------
    FileError
        If the script cannot be read.
    """
    readable_script(path)
    with tempfile.TemporaryDirectory(prefix="twolayer-check-") as folder:
        process = started(path, folder, seconds)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return ScriptVerdict(UNCHECKED, "slow")
        finally:
            end_group(process)
        return read_verdict(Path(folder), process.returncode)


def readable_script(path: Path) -> None:
    """Raise FileError if there is no such script."""
    try:
        if path.is_dir():
            raise FileError(
                f"{path} is a folder: give the script itself, such as {path / 'train.py'}"
            )
        with path.open("rb") as file:
            size = len(file.read(MAX_SCRIPT + 1))
    except FileNotFoundError:
        raise FileError(f"there is no file {path}: give the path of a Python script") from None
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from None
    if size > MAX_SCRIPT:
        raise FileError(f"{path} is larger than 5 MB: this is no script of a training loop")


def started(path: Path, folder: str, seconds: float) -> subprocess.Popen[bytes]:
    """Start the child, in a group of its own, with one thread, no screen and no GPU."""
    environment: dict[str, Any] = dict(os.environ)
    environment |= dict.fromkeys(THREADS, "1") | {"MPLBACKEND": "Agg", "CUDA_VISIBLE_DEVICES": ""}
    environment["PYTHONSAFEPATH"] = "1"  # a numpy.py beside the script is not ours to import
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(name, None)
    group: dict[str, Any] = (
        {"start_new_session": True}
        if os.name == "posix"
        else {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
    )
    return subprocess.Popen(
        [sys.executable, "-m", CHILD, str(path), folder, str(seconds + LATE_SECONDS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        **group,
    )


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End the child and all that it started."""
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def read_verdict(folder: Path, code: int) -> ScriptVerdict:
    """Return what the child has written; if nothing, how it ended."""
    try:
        found = json.loads((folder / "verdict.json").read_text())
    except (OSError, ValueError):
        return ScriptVerdict(UNCHECKED, "ended", values={"code": code})
    return ScriptVerdict(**found)

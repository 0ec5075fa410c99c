"""The child process: one script examined, the verdict written to a file; it ends when its parent does."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

MEMORY = 6 << 30  # bytes
PR_SET_PDEATHSIG = 1


def main(path: str, folder: str, seconds: str) -> None:
    """Examine the script; write `verdict.json` into the folder. After so many seconds the process ends, whatever it does."""
    faulthandler.dump_traceback_later(float(seconds), exit=True, file=open(os.devnull, "w"))  # noqa: SIM115
    end_on_parents_death()
    parent = os.fdopen(os.dup(0), "rb")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)  # the script has no input
    threading.Thread(target=end_with_parent, args=(parent,), daemon=True).start()
    limit_memory()
    sys.dont_write_bytecode = True
    from twolayer.tutorial.check_script.examination import examine_script
    from twolayer.tutorial.check_script.verdict import UNCHECKED, ScriptVerdict

    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))  # as Python does for a script

    files = Path(folder) / "files"
    files.mkdir()
    try:
        verdict = examine_script(path, files)
    except MemoryError:
        verdict = ScriptVerdict(UNCHECKED, "memory")
    except BaseException as error:  # a defect of ours is no fault of the script
        (Path(folder) / "traceback.txt").write_text(traceback.format_exc())
        verdict = ScriptVerdict(
            UNCHECKED, "defect", values={"error": f"{type(error).__name__}: {error}"}
        )
    (Path(folder) / "verdict.json").write_text(json.dumps(verdict.as_json()))
    os._exit(0)  # whatever threads the script has left


def end_on_parents_death() -> None:
    """Ask Linux to end this process with its parent: a thread cannot, while a long call holds the interpreter."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_with_parent(parent: BinaryIO) -> None:
    """Wait until the parent, which holds the other end, has gone; then end all processes of this group."""
    with suppress(OSError, ValueError):
        parent.read()
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def limit_memory() -> None:
    """Let the script have a few gigabytes and no more, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(*sys.argv[1:4])

"""Ctrl-C in a command that writes files at its end: it ends there and then, and nothing is written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class StoppedError(Exception):
    """Ctrl-C has ended a command; the message says with what left behind."""


class CtrlCState:
    """Whether Ctrl-C was pressed, and whether it still counts."""

    def __init__(self) -> None:
        self.pressed = self.late = False

    def heard(self, number: int, frame: Any) -> None:
        """The handler of the signal."""
        if not self.late:
            self.pressed = True
            raise KeyboardInterrupt

    def is_too_late(self) -> None:
        """From here on files are written, and Ctrl-C is not heard; a press that some library has swallowed ends it here."""
        self.late = True
        if self.pressed:
            raise KeyboardInterrupt


@contextmanager
def ctrl_c_stops(checkpoint: Path | None = None) -> Iterator[CtrlCState]:
    """Within it Ctrl-C ends the command, which raises StoppedError.

    One that comes during a training is heard there first, which ends it, and then handed on to this one.
    """
    stop = CtrlCState()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGINT, stop.heard)
    try:
        yield stop
    except KeyboardInterrupt:
        stop.late = True  # a second press does not disturb what is said
        kept = checkpoint is not None and checkpoint.exists()
        rest = f"with --resume it goes on from {checkpoint}" if kept else "nothing was written"
        raise StoppedError(f"stopped; {rest}") from None
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)

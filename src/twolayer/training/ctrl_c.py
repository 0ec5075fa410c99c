"""Ctrl-C: one training ends with what it has, many that give one result all end, and a command ends without its files."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Handler = Callable[[int, Any], Any]


class StoppedError(Exception):
    """Ctrl-C has ended a command; the message says what it left behind."""


def in_main_thread() -> bool:
    """Return whether this is the thread to which signals come."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def ctrl_c_handler(handler: Handler) -> Iterator[Any]:
    """Set the handler of Ctrl-C within it, if this is the main thread; yield the one from before."""
    if not in_main_thread():
        yield None
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield before
    finally:
        if before is not None:  # None: it was not set from Python, and cannot be set again
            signal.signal(signal.SIGINT, before)


@contextmanager
def deferred_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Defer the first Ctrl-C within it: it sets a flag, which the yielded function returns; the second raises as usual.

    At the end a press is passed on to the handler from before, if it is not Python's own: one that was set on purpose, such
    as by a command of many trainings, needs it too.
    """
    pressed = False

    def on_press(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            signal.default_int_handler(number, frame)
        pressed = True

    before: Any = None
    try:
        with ctrl_c_handler(on_press) as before:
            yield lambda: pressed
    finally:
        if pressed and callable(before) and before is not signal.default_int_handler:
            before(signal.SIGINT, None)


@contextmanager
def ctrl_c_raises() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt within it, though each training defers it: for many trainings with one result.

    A search in which some trainings ended early, or never began, would choose by what did not happen.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # another handler, to which each training passes a press on
        return
    with ctrl_c_handler(lambda number, frame: signal.default_int_handler(number, frame)):
        yield


class CtrlCState:
    """Whether Ctrl-C was pressed, and whether it still counts."""

    def __init__(self) -> None:
        self.pressed = self.late = False

    def on_press(self, number: int, frame: Any) -> None:
        """Handle the signal."""
        if not self.late:
            self.pressed = True
            raise KeyboardInterrupt

    def is_too_late(self) -> None:
        """Ignore Ctrl-C from here on, as files are written; a press that some library has swallowed counts here."""
        self.late = True
        if self.pressed:
            raise KeyboardInterrupt


@contextmanager
def ctrl_c_stops(checkpoint: Path | None = None) -> Iterator[CtrlCState]:
    """Let Ctrl-C end a command within it before its files are written, and raise StoppedError.

    A press during a training ends that first, and is then passed on to this handler.
    """
    state = CtrlCState()
    if not in_main_thread():
        yield state
        return
    with ctrl_c_handler(state.on_press):
        try:
            yield state
        except KeyboardInterrupt:
            state.late = True  # a second press does not disturb the message
            resumable = checkpoint is not None and checkpoint.exists()
            rest = (
                f"with --resume it goes on from {checkpoint}"
                if resumable
                else "nothing was written"
            )
            raise StoppedError(f"stopped; {rest}") from None

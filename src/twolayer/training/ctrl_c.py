"""Ctrl-C in trainings: one by itself ends with what it has, one of many ends them all."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def deferred_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Within it, the first Ctrl-C only sets a flag, which the yielded function reads; the second raises as usual.

    At the end a press is handed on to the handler that stood before, if it is not Python's own: who set one, such as a
    command of many trainings, is to hear of it too.
    """
    pressed = False

    def on_press(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            signal.default_int_handler(number, frame)
        pressed = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, on_press)
    try:
        yield lambda: pressed
    finally:
        if before is not None:  # None: it was not set from Python, and cannot be set again
            signal.signal(signal.SIGINT, before)
        if pressed and callable(before) and before is not signal.default_int_handler:
            before(signal.SIGINT, None)


@contextmanager
def ctrl_c_raises() -> Iterator[None]:
    """Within it Ctrl-C raises KeyboardInterrupt, though every training hears it first: for many that make one answer.

    A search of which some trainings ended early, or never began, would choose by what did not happen.
    """
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not main or before is not signal.default_int_handler:  # who set another is handed it on
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: signal.default_int_handler(number, frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

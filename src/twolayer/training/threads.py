"""BLAS threads: on small products many threads cost more than they bring, so they are limited around them, and restored."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

SMALL_MULTIPLICATIONS = 20_000_000  # multiplications in a product, below which one thread is at least as fast as several


@cache
def _threadpool_controller(loaded: frozenset[str]) -> Any:
    """What limits the BLAS libraries that these packages have loaded; finding them takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _ThreadLimit:
    """One thread for as long as anybody wants it: the first to come limits, the last to go restores."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.wanted = 0
        self.undo = ExitStack()

    def enter(self) -> None:
        import scipy.linalg  # noqa: F401 - Numba's products and the span's factors run in its BLAS, which must be there

        loaded = frozenset(name for name in ("torch", "sklearn", "jax") if name in sys.modules)
        with self.lock:
            if not self.wanted:
                self.controller = _threadpool_controller(loaded)
                self.take_over()
                self.undo.enter_context(self.controller.limit(limits=1, user_api="blas"))
            self.wanted += 1

    def leave(self) -> None:
        with self.lock:
            self.wanted -= 1
            if not self.wanted:
                self.take_over()
                self.undo.close()

    def take_over(self) -> None:
        """Be the one who sets the limits: from 3.8 on threadpoolctl heeds only one thread, the first that asked."""
        for library in self.controller.lib_controllers:
            let_go = getattr(library, "clear_controlling_thread", None)
            if let_go:
                let_go(force=True)


_THREAD_LIMIT = _ThreadLimit()


@contextmanager
def limited_threads(multiplications: int) -> Iterator[None]:
    """Within it, BLAS uses one thread if its largest product has no more than SMALL multiplications."""
    if multiplications > SMALL_MULTIPLICATIONS:
        yield
        return
    _THREAD_LIMIT.enter()
    try:
        yield
    finally:
        _THREAD_LIMIT.leave()

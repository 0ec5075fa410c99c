"""BLAS threads: on small products many threads are slower than one, so they are limited around them, and restored."""

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
    """Return the controller of the BLAS libraries that these packages have loaded; the search takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _ThreadLimit:
    """One thread for as long as some training needs it: the first to enter limits, the last to leave restores."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.undo = ExitStack()

    def enter(self) -> None:
        import scipy.linalg  # noqa: F401 - Numba's products and the span's factors run in its BLAS

        loaded = frozenset(name for name in ("torch", "sklearn", "jax") if name in sys.modules)
        with self.lock:
            if not self.users:
                self.controller = _threadpool_controller(loaded)
                self.take_over()
                self.undo.enter_context(self.controller.limit(limits=1, user_api="blas"))
            self.users += 1

    def leave(self) -> None:
        with self.lock:
            self.users -= 1
            if not self.users:
                self.take_over()
                self.undo.close()

    def take_over(self) -> None:
        """Make this thread the one that sets the limits: from 3.8 on threadpoolctl obeys only the first that did."""
        for library in self.controller.lib_controllers:
            release = getattr(library, "clear_controlling_thread", None)
            if release:
                release(force=True)


_THREAD_LIMIT = _ThreadLimit()


@contextmanager
def limited_threads(multiplications: int) -> Iterator[None]:
    """Limit BLAS to one thread within it, if its largest product has at most SMALL_MULTIPLICATIONS."""
    if multiplications > SMALL_MULTIPLICATIONS:
        yield
        return
    _THREAD_LIMIT.enter()
    try:
        yield
    finally:
        _THREAD_LIMIT.leave()

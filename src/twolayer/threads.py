"""BLAS threads: on small products many threads cost more than they bring, so they are limited around them, and restored."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

SMALL = 20_000_000  # multiplications in a product, below which one thread is at least as fast as several


@cache
def _controller(loaded: frozenset[str]) -> Any:
    """What limits the BLAS libraries that these packages have loaded; finding them takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def limited(multiplications: int) -> Iterator[None]:
    """Within it, BLAS uses one thread if its largest product has no more than SMALL multiplications."""
    if multiplications > SMALL:
        yield
        return
    loaded = frozenset(
        name for name in ("scipy.linalg", "torch", "sklearn", "jax") if name in sys.modules
    )
    with _controller(loaded).limit(limits=1, user_api="blas"):
        yield

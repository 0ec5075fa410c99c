"""Two fits of one object at a time would mix what they learn: the second is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from twolayer.errors import ConcurrentFitError

_LOCK = threading.Lock()
_BEING_FITTED: set[int] = set()  # the identities of estimators


@contextmanager
def one_fit_at_a_time(model: object) -> Iterator[None]:
    """Raise ConcurrentFitError if the model is inside another such block, in this thread or another."""
    with _LOCK:
        if id(model) in _BEING_FITTED:
            raise ConcurrentFitError(
                f"this {type(model).__name__} is being fitted already: fit one object at a time, or give each thread its "
                "own, such as sklearn.base.clone(model)"
            )
        _BEING_FITTED.add(id(model))
    try:
        yield
    finally:
        with _LOCK:
            _BEING_FITTED.discard(id(model))

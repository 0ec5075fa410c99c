"""A fit works on a draft of its model: the model takes over all that it learned at its end, or nothing.

Two fits of one object at a time are refused.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twolayer.errors import ConcurrentFitError
from twolayer.estimators.fitted_networks import WITH_WEIGHTS

_LOCK = threading.Lock()
_BEING_FITTED: set[int] = set()  # the identities of estimators


@contextmanager
def fit_draft(model: Any) -> Iterator[Any]:
    """Yield a copy of the model to fit; at the end the model takes over what has changed, unless an error ended it.

    Raise ConcurrentFitError if the model is inside another such block, in this thread or another.
    """
    with _one_fit_at_a_time(model):
        before = dict(vars(model))
        draft = object.__new__(
            type(model)
        )  # not as pickle copies, where a subclass may leave things out
        vars(draft).update(before)
        yield draft
        after = vars(draft)
        changed = {
            name: value
            for name, value in after.items()
            if name not in before or value is not before[name]
        }
        # one assignment, which no Ctrl-C interrupts; what a callback has set on the model stays
        kept = {k: v for k, v in vars(model).items() if k in after or k not in before}
        if "w1_" in changed:  # what goes with the weights of before goes with them
            kept = {k: v for k, v in kept.items() if k not in WITH_WEIGHTS}
        model.__dict__ = kept | changed


@contextmanager
def _one_fit_at_a_time(model: object) -> Iterator[None]:
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

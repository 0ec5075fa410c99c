"""The rows of a table in an order of their own, each once, with its weight.

Sums of floats depend on the order of their terms in the last digits, and training makes last digits into first ones: after a
few hundred steps on the same rows in another order it may be at another minimum. With the rows put in order, a fit does not
depend on theirs; and with repeats merged, a row of weight 3 is the same as three such rows, to the last bit.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.errors import InputError


def distinct_rows(
    x: Any, y: np.ndarray, s: np.ndarray | None
) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Rows of x and y in an order that follows from what they hold, and repeats merged; see `merged`."""
    return merge_repeats(x, y, s)[:3]


def merge_repeats(
    x: Any, y: np.ndarray, s: np.ndarray | None
) -> tuple[Any, np.ndarray, np.ndarray | None, np.ndarray]:
    """The same, and which rows these are.

    Parameters
    ----------
    x : array or SciPy sparse array, shape (n_rows, n_inputs)
    y : array, shape (n_rows,) or (n_rows, n_outputs)
    s : array, shape (n_rows,), or None
        Row weights.

    Returns
    -------
    x, y : as given, with fewer rows
    s : array, or None if every row has weight 1
    first : ndarray of int, shape (fewer rows,)
        The number of each row that stayed.
    """
    prints = np.frombuffer(b"".join(row_fingerprints(x, y)), dtype="V16")
    _, first, which = np.unique(prints, return_index=True, return_inverse=True)
    weights = np.bincount(which, weights=s, minlength=len(first)).astype(np.float64)
    return x[first], y[first], None if (weights == 1).all() else weights, first


def row_fingerprints(x: Any, y: np.ndarray) -> list[bytes]:
    """16 bytes for each row: the same for the same numbers, and for others not the same."""
    y = np.ascontiguousarray(y)
    if is_sparse(x):
        x.sort_indices()
        ends = zip(x.indptr[:-1], x.indptr[1:], strict=True)
        rows = (x.indices[a:b].tobytes() + x.data[a:b].tobytes() for a, b in ends)
    else:
        rows = (row.tobytes() for row in x)
    return [
        blake2b(row + target.tobytes(), digest_size=16).digest()
        for row, target in zip(rows, y, strict=True)
    ]


def group_numbers(groups: Any, n_rows: int) -> np.ndarray:
    """The group of each row as a number, (n_rows,)."""
    groups = np.asarray(groups)
    if groups.shape != (n_rows,):
        raise InputError(
            f"groups must name one group for each of {n_rows} rows; its shape is {groups.shape}"
        )
    try:
        return np.unique(groups, return_inverse=True)[1]
    except TypeError:
        raise InputError("groups must be numbers or text, and of one kind") from None

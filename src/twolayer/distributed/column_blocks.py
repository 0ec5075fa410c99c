"""A wide table in blocks of columns: one pass over the blocks gives the span all that training needs, another one `w1`.

`k = x @ x.T` and `x @ w1_start` are sums over blocks of columns, and no block needs another one. A block of `w1`,
`c · w1_start + x.T @ a`, needs that block alone. A worker holds one block and a matrix of n_rows².
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.distributed.block_sum import Workers
from twolayer.distributed.collections import is_dask
from twolayer.errors import InputError
from twolayer.maths import span
from twolayer.training.fingerprint import array_digest


@dataclass(frozen=True, eq=False)
class ColumnBlocks:
    """A table in blocks of columns.

    Attributes
    ----------
    blocks : list
        Of (array of shape (n_rows, columns), number of the first column), as the workers take them.
    slices : list of slice
        The columns of each.
    workers : Workers
    shape : (int, int)
    dtype : dtype
        Of training.
    merged : str
        Of the BlockedTable.
    """

    blocks: list[Any]
    slices: list[slice]
    workers: Workers
    shape: tuple[int, int]
    dtype: Any
    merged: str = ""

    @cached_property
    def digest(self) -> str:
        """The digest of all numbers and of the blocks' bounds, on which rounding depends."""
        return " ".join(self.workers.each(column_digest, self.blocks))

    def gram_and_products(
        self, weights: list[Any], dtype: Any
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return `x @ x.T` and `x @ w` for each of the weights, reading every block once."""
        blocks = [
            (*block, [weight_block(w, columns) for w in weights])
            for block, columns in zip(self.blocks, self.slices, strict=True)
        ]
        k, products = self.workers.sum(block_gram_and_products, blocks, dtype, self.dtype)
        return k, list(products)

    def recovered_weights(self, a: np.ndarray, c: np.ndarray, start: Any) -> Any:
        """Return `c · start + x.T @ a`, (..., n_inputs, n_columns): of the kind that `start` is, NumPy's or Dask's."""
        blocks = [
            (*block, weight_block(start, columns))
            for block, columns in zip(self.blocks, self.slices, strict=True)
        ]
        if not is_dask(start):
            parts = self.workers.each(recovered_block, blocks, a, c, self.dtype)
            return np.concatenate(parts, axis=-2)
        front = tuple((size,) for size in start.shape[:-2])
        shapes = [
            (*start.shape[:-2], columns.stop - columns.start, start.shape[-1])
            for columns in self.slices
        ]
        return lazy_rows(recovered_block, blocks, (a, c, self.dtype), shapes, front, start.dtype)


def lazy_rows(
    function: Callable[..., Any],
    blocks: Sequence[Any],
    arguments: Sequence[Any],
    shapes: Sequence[tuple[int, ...]],
    front: tuple[tuple[int, ...], ...],
    dtype: Any,
) -> Any:
    """Return a Dask array whose blocks, one below the other, are `function(block, *arguments)`; nothing is computed yet."""
    import dask.array as da
    from dask import delayed

    run, shared = delayed(function, pure=False), [delayed(one, traverse=False) for one in arguments]
    parts = [
        da.from_delayed(run(block, *shared), shape, dtype)
        for block, shape in zip(blocks, shapes, strict=True)
    ]
    return da.concatenate(parts, axis=len(front))


def weight_block(w: Any, columns: slice) -> Any:
    """Return the rows of weights that belong to these columns: a view, or of Dask's a delayed array."""
    part = w[..., columns, :]
    if not is_dask(part):
        return part
    return part.rechunk(part.shape).to_delayed(optimize_graph=False).ravel()[0]


def checked_columns(x: Any, first: int, dtype: Any, name: str = "x") -> np.ndarray:
    """Return a block of columns, checked, in that dtype; an error names the column of the whole table."""
    array = checks.floats(np.asarray(x), name)
    position, count = checks.find_not_finite(array)
    if position is not None:
        row, column = position
        raise InputError(
            f"{name} has {count} values that are not finite in columns {first} to {first + array.shape[1] - 1}; "
            f"the first is {array[position]} in row {row}, column {first + column} (counted from 0): fill it in or drop "
            "that row"
        )
    return checks.finite_array(array, name, dtype)


def block_gram_and_products(
    block: Any, dtype: Any, own_dtype: Any
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Return the block's share of `x @ x.T`, and of `x @ w` for each of its weights."""
    x, first, weights = block
    weights = [np.asarray(w) for w in weights]
    k, products = span.gram_and_products(checked_columns(x, first, own_dtype), weights, dtype)
    return k, tuple(products)


def recovered_block(block: Any, a: np.ndarray, c: np.ndarray, dtype: Any) -> np.ndarray:
    """Return the block's rows of `c · start + x.T @ a`."""
    x, first, start = block
    return span.recovered_weights(checked_columns(x, first, dtype), a, c, np.asarray(start))


def column_digest(block: Any) -> str:
    """Return the digest of the block's numbers."""
    return str(array_digest(np.asarray(block[0])))

"""Weights of the inputs of a table in blocks of columns, and the products of its rows with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.distributed.column_blocks import checked_columns, weight_block
from twolayer.distributed.column_requests import ONE
from twolayer.maths.smooth_clip import InputClip


@dataclass(frozen=True, eq=False)
class InputWeights:
    """Weights of the inputs, side by side.

    Attributes
    ----------
    arrays : list of arrays, each of shape (n_inputs, width)
        NumPy's or Dask's.
    clipped : list of bool
        Whether each of them acts on clipped columns.
    """

    arrays: list[Any]
    clipped: list[bool]

    @property
    def ends(self) -> np.ndarray:
        """Where each begins among all columns of the products, and where the last one ends."""
        return np.cumsum([0, *(array.shape[1] for array in self.arrays)])

    def picks(self, number: int) -> np.ndarray:
        """Return the weights that pick the products of one of them, shape (n_products, width)."""
        ends = self.ends
        return np.eye(ends[-1])[:, ends[number] : ends[number + 1]]

    def blocks(self, columns: slice) -> list[Any]:
        """Return the rows of each that belong to these columns."""
        return [weight_block(array, columns) for array in self.arrays]


def clip_block(clip: InputClip, columns: slice) -> Any:
    """Return center and scale of the clip of these columns, (2, n_columns): an array, or of Dask's a delayed one."""
    if isinstance(clip.center, np.ndarray):
        return np.stack([clip.center[columns], clip.scale[columns]])
    import dask.array as da

    both = da.stack([clip.center[columns], clip.scale[columns]])
    return both.rechunk(both.shape).to_delayed(optimize_graph=False).ravel()[0]


def block_products(block: Any, clipped: Sequence[bool]) -> np.ndarray:
    """Return a block's share of the products of the rows with all weights."""
    x, first, clip, weights = block
    x = checked_columns(x, first, np.float64, "X")
    own = None
    if clip is not None:
        center, scale = np.asarray(clip)
        own = InputClip(center, scale, ONE).columns(x)
    pairs = zip(weights, clipped, strict=True)
    return np.concatenate([(own if sees else x) @ np.asarray(w) for w, sees in pairs], axis=1)

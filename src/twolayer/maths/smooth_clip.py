"""Columns scaled by their median and quartiles, and clipped smoothly, so that no far value rules its column.

    u = (x − median) / (interquartile range),    clipped = u / sqrt(1 + (u/3)²)

which is near u around 0 and never beyond ±3 (Holzmüller, Grinsztajn & Steinwart, *Better by default: strong pre-tuned MLPs
and boosted trees on tabular data*, NeurIPS 2024). Where the interquartile range is 0, half of the range takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.checks import is_sparse

STANDARD, SMOOTH_CLIP = "standard", "smooth_clip"
SCALINGS = ("auto", STANDARD, SMOOTH_CLIP)  # of an estimator's columns
CLIP_BOUND = 3.0  # no clipped value is beyond it
LARGEST_UNCLIPPED = 1e15  # to rounding, larger values are clipped to the bound; their squares are finite in float32 too


@dataclass(frozen=True, eq=False)
class InputClip:
    """The smooth clip of columns, and the networks that see clipped columns.

    Attributes
    ----------
    center, scale : ndarray, shape (n_inputs,)
        The median that is subtracted from each column, and the interquartile range that it is then divided by.
    networks : ndarray of bool, shape (n_networks,)
        Which networks see clipped columns: the last ones.
    """

    center: np.ndarray
    scale: np.ndarray
    networks: np.ndarray

    def columns(self, x: Any) -> Any:
        """Return rows with clipped columns, shape (n_rows, n_inputs)."""
        if hasattr(x, "clipped"):  # a table that is not here
            return x.clipped(self)
        u = self._unclipped(x)
        return u / np.sqrt(1 + (u / CLIP_BOUND) ** 2)

    def slopes(self, x: Any) -> np.ndarray:
        """Return the derivative of each clipped column by the user's own column, shape (n_rows, n_inputs)."""
        return (1 + (self._unclipped(x) / CLIP_BOUND) ** 2) ** -1.5 / self.scale

    def of_networks(self, networks: np.ndarray) -> InputClip | None:
        """Return the same clip for these networks; None if none of them sees clipped columns."""
        return replace(self, networks=networks) if networks.any() else None

    def _unclipped(self, x: Any) -> np.ndarray:
        x = x.toarray() if is_sparse(x) else x
        with np.errstate(over="ignore"):
            u = (x - self.center) / self.scale
        return np.clip(u, -LARGEST_UNCLIPPED, LARGEST_UNCLIPPED)

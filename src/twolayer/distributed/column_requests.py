"""What can be asked of a table in blocks of columns in one pass: each answer is a sum over the columns.

A request sees a few columns at a time, all rows of them, and nothing of the others: what the columns take of each other (the
s₀ of their statistic, the quantiles of it) comes with the request, from a pass before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from twolayer.distributed.block_sum import add_up
from twolayer.distributed.column_blocks import checked_columns
from twolayer.distributed.worker_memory import reused_memory
from twolayer.errors import InputError
from twolayer.estimators.column_quartiles import fit_clip
from twolayer.estimators.column_weights import (
    WEIGHINGS,
    WeightBounds,
    column_statistic,
    statistic_terms,
    weighed_scaling,
)
from twolayer.estimators.row_digests import digest_sums
from twolayer.estimators.selection.weighing_choice import weighed_products
from twolayer.estimators.standardise import Scaling, apply_scaling, standardise
from twolayer.maths.smooth_clip import InputClip

NUMBERS_AT_A_TIME = 1 << 19  # of a block, so that what is made of them takes little memory
ONE = np.ones(1, dtype=bool)


class Pieces:
    """Arrays of the columns, side by side: their sum is the one after the other."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self.arrays = list(arrays)

    def __add__(self, other: Pieces) -> Pieces:
        return Pieces([*self.arrays, *other.arrays])

    def joined(self) -> np.ndarray:
        """Return all as one array, along the last axis."""
        return np.concatenate(self.arrays, axis=-1)


@dataclass(eq=False)
class Columns:
    """Some columns of a block.

    Attributes
    ----------
    x : ndarray of float64, shape (n_rows, n_columns)
        All rows.
    first : int
        The number of the first of them in the table.
    clip : InputClip or None
        Of these columns.
    """

    x: np.ndarray
    first: int
    clip: InputClip | None
    scaled: dict[int, Any] = field(
        default_factory=dict
    )  # what several requests look at, by the id of `ScaledColumns`

    @cached_property
    def clipped(self) -> np.ndarray:
        assert self.clip is not None
        return self.clip.columns(self.x)


class Request(Protocol):
    """A question to the columns."""

    def of(self, columns: Columns) -> Any:
        """Return the share of these columns in the answer: arrays, or Pieces, or tuples of them."""


@dataclass(frozen=True, eq=False)
class ScalingStep:
    """Columns standardised on some of the rows, and weighed by the targets of these.

    Attributes
    ----------
    rows : ndarray of int
        Their numbers.
    s, y : ndarray or None
        Their weights, and targets where the columns are weighed.
    weighing : str
        A name in WEIGHINGS.
    middles, bounds
        What the weights take of all columns; None for no weighing.
    """

    rows: np.ndarray
    s: np.ndarray | None
    y: np.ndarray | None = None
    weighing: str | None = None
    middles: np.ndarray | None = None
    bounds: WeightBounds | None = None

    def scaled(self, z: np.ndarray, first: int) -> tuple[np.ndarray, Scaling]:
        """Return all rows of these columns, scaled, and their scaling."""
        if self.weighing is None and len(self.rows) == len(z) == len(np.unique(self.rows)):
            s = None if self.s is None else self.s[np.argsort(self.rows)]
            return standardise(z, s, "X", first)  # no row is looked at twice
        own, inputs = standardise(z[self.rows], self.s, "X", first)
        if self.weighing is not None and self.y is not None:
            t = column_statistic(own, self.y, self.s, inputs.constant, self.middles)
            v = WEIGHINGS[self.weighing].weights(t, self.bounds)
            inputs = weighed_scaling(inputs, v)
        return apply_scaling(inputs, z), inputs


@dataclass(frozen=True, eq=False)
class ScaledColumns:
    """The columns as some networks see them.

    Attributes
    ----------
    clipped : bool
    steps : tuple of ScalingStep
        What scales them, one after the other.
    """

    clipped: bool
    steps: tuple[ScalingStep, ...] = ()

    def of(self, columns: Columns) -> tuple[np.ndarray, Scaling]:
        """Return all rows, scaled, and the one scaling that all steps together are."""
        if id(self) not in columns.scaled:
            columns.scaled[id(self)] = self._of(columns)
        z, whole = columns.scaled[id(self)]
        return z, whole

    def _of(self, columns: Columns) -> tuple[np.ndarray, Scaling]:
        z = columns.clipped if self.clipped else columns.x
        count = z.shape[1]
        whole = Scaling(np.zeros(count), np.ones(count), np.zeros(count, dtype=bool))
        for step in self.steps:
            z, own = step.scaled(z, columns.first)
            mean = whole.mean + whole.scale * own.mean
            whole = Scaling(mean, whole.scale * own.scale, whole.constant | own.constant)
        return z, whole


@dataclass(frozen=True, eq=False)
class DigestRequest:
    """The digest of every row; that the numbers are finite is seen on the way."""

    name: str = "X"

    def of(self, columns: Columns) -> np.ndarray:
        checked_columns(columns.x, columns.first, np.float64, self.name)
        return digest_sums(columns.x, columns.first)


@dataclass(frozen=True, eq=False)
class WholeRequest:
    """The columns themselves, of a table of few."""

    name: str = "X"

    def of(self, columns: Columns) -> Pieces:
        return Pieces([checked_columns(columns.x, columns.first, np.float64, self.name)])


@dataclass(frozen=True, eq=False)
class GramRequest:
    """`z @ z.T` of all rows, and `z @ (mean / scale)`, which shifts a bias to the user's own columns."""

    scaled: ScaledColumns

    def of(self, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
        z, whole = self.scaled.of(columns)
        return z @ z.T, z @ (whole.mean / whole.scale)


@dataclass(frozen=True, eq=False)
class StartRequest:
    """`z @ w` for random weights w that nobody sends: each block draws the rows of its own columns.

    Attributes
    ----------
    scaled : ScaledColumns
    draw : UniformDraw
    """

    scaled: ScaledColumns
    draw: UniformDraw

    def of(self, columns: Columns) -> np.ndarray:
        z, _ = self.scaled.of(columns)
        return z @ self.draw.rows(columns.first, z.shape[1])


@dataclass(frozen=True, eq=False)
class StatisticRequest:
    """The terms of the statistic of each column: sizes, spreads, and 1 where it is constant, below each other."""

    scaled: ScaledColumns
    step: ScalingStep

    def of(self, columns: Columns) -> Pieces:
        z, _ = self.scaled.of(columns)
        own, inputs = standardise(z[self.step.rows], self.step.s, "X", columns.first)
        assert self.step.y is not None
        sizes, spreads = statistic_terms(own, self.step.y, self.step.s)
        return Pieces([np.concatenate([sizes, spreads, inputs.constant[None]])])


@dataclass(frozen=True, eq=False)
class WeighingsRequest:
    """`weighing_choice.weighed_products` of one fold, at several weighings.

    Attributes
    ----------
    scaled : ScaledColumns
    step : ScalingStep
        Of the rows outside the fold; its weighing is that of none of the names.
    test : ndarray of int
        The rows of the fold.
    names : tuple of str
    bounds : tuple of WeightBounds
        Of each of the names.
    """

    scaled: ScaledColumns
    step: ScalingStep
    test: np.ndarray
    names: tuple[str, ...]
    bounds: tuple[WeightBounds, ...]

    def of(self, columns: Columns) -> Any:
        z, _ = self.scaled.of(columns)
        step = self.step
        own, inputs = standardise(z[step.rows], step.s, "X", columns.first)
        assert step.y is not None
        t = column_statistic(own, step.y, step.s, inputs.constant, step.middles)
        pairs = zip(self.names, self.bounds, strict=True)
        squares = np.square([WEIGHINGS[name].weights(t, bounds) for name, bounds in pairs])
        return tuple(weighed_products(own, apply_scaling(inputs, z[self.test]), squares))


@dataclass(frozen=True, eq=False)
class UniformDraw:
    """Weights of (n_networks, n_inputs, n_hidden) as `Generator.uniform(-limit, limit)` draws them.

    Attributes
    ----------
    state : dict
        Of PCG64, whose numbers take one step each, so that any part can be drawn by itself.
    shape : (int, int, int)
    limit : float
    """

    state: Any
    shape: tuple[int, int, int]
    limit: float

    @classmethod
    def of(cls, rng: np.random.Generator, shape: tuple[int, int, int], limit: float) -> UniformDraw:
        """Return the draw of the next numbers of a generator, which then is where it would be after it.

        Raises
        ------
        InputError
            If the generator is not of PCG64, as NumPy's own are: others have no parts.
        """
        bits = rng.bit_generator
        if not isinstance(bits, np.random.PCG64):
            raise InputError(
                "random_state must be a whole number, or a generator of numpy.random.default_rng, for a table in blocks of "
                f"columns, each of which draws its own random numbers; got one of {type(bits).__name__}"
            )
        state, after = bits.state, bits.advance(math.prod(shape)).state
        # it forgot the half of a number that smaller ones are drawn from
        after["has_uint32"], after["uinteger"] = state["has_uint32"], state["uinteger"]
        bits.state = after
        return cls(state, shape, limit)

    def rows(self, first: int, count: int) -> np.ndarray:
        """Return the weights of these columns, shape (n_networks, count, n_hidden)."""
        networks, n_inputs, n_hidden = self.shape
        parts = []
        for k in range(networks):
            bits = np.random.PCG64()
            bits.state = self.state
            bits.advance((k * n_inputs + first) * n_hidden)
            rng = np.random.Generator(bits)
            parts.append(rng.uniform(-self.limit, self.limit, (count, n_hidden)))
        return np.stack(parts)


def column_parts(block: Any) -> Iterator[Columns]:
    """Yield the columns of a block, (array, number of its first column, center and scale of its clip), a few at a time."""
    x, first, clip = block
    x = np.asarray(x)
    width = max(1, NUMBERS_AT_A_TIME // max(len(x), 1))
    for start in range(0, x.shape[1], width):
        some = slice(start, start + width)
        own = None
        if clip is not None:
            center, scale = np.asarray(clip)[:, some]
            own = InputClip(center, scale, ONE)
        yield Columns(np.asarray(x[:, some], dtype=np.float64), first + start, own)


def block_answers(block: Any, requests: Sequence[Request]) -> Any:
    """Return the block's share in the answer to each of the requests."""
    total = None
    with reused_memory():  # the sums are small, and what they are made of is not
        for columns in column_parts(block):
            own = tuple(request.of(columns) for request in requests)
            total = own if total is None else add_up([total, own])
    return total


def block_clip(block: Any, rows: np.ndarray, s: np.ndarray | None) -> np.ndarray:
    """Return center and scale of the clip of a block's columns, shape (2, n_columns)."""
    parts = []
    for columns in column_parts(block):
        clip, _ = fit_clip(columns.x[rows], s, columns.first)
        parts.append(np.stack([clip.center, clip.scale]))
    return np.concatenate(parts, axis=1)


def column_moments_of_block(block: Any, scaled: ScaledColumns) -> np.ndarray:
    """Return mean and scale of a block's columns, and 1 where they are constant, shape (3, n_columns)."""
    parts = []
    for columns in column_parts(block):
        _, whole = scaled.of(columns)
        parts.append(np.stack([whole.mean, whole.scale, whole.constant]))
    return np.concatenate(parts, axis=1)


def first_layer_block(block: Any, scaled: ScaledColumns, a: np.ndarray) -> np.ndarray:
    """Return a block's rows of the weights for the user's own columns, shape (..., n_columns, n_hidden).

    Parameters
    ----------
    scaled : ScaledColumns
    a : ndarray, shape (..., n_rows, n_hidden)
        The weights on scaled columns are `z.T @ a`, of all rows.
    """
    parts = []
    for columns in column_parts(block):
        z, whole = scaled.of(columns)
        parts.append((z.T @ a) / whole.scale[:, None])
    return np.concatenate(parts, axis=-2)

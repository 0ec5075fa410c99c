"""A table in blocks of columns, and what is known of it from the passes so far.

What a fit takes of the columns is the products of the rows with each other, seen in one way or another: clipped or not,
standardised on some rows, weighed by some targets. Each way is a `RowProducts`. Those that are known to be needed are
announced (`expect`), and all that are announced are computed together when the first of them is needed: so a fit makes as
many passes over the blocks as it has answers that depend on each other, and not one for each fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from twolayer.distributed.block_sum import on_one_thread
from twolayer.distributed.column_blocks import lazy_rows
from twolayer.distributed.column_requests import (
    DigestRequest,
    GramRequest,
    Request,
    ScaledColumns,
    ScalingStep,
    StartRequest,
    StatisticRequest,
    UniformDraw,
    WholeRequest,
    block_answers,
    block_clip,
    column_moments_of_block,
    first_layer_block,
)
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.distributed.input_weights import InputWeights, block_products, clip_block
from twolayer.estimators.column_weights import (
    NO_WEIGHING,
    WEIGHINGS,
    WeightBounds,
    enlarged_statistic,
    middle_spreads,
)
from twolayer.estimators.standardise import Scaling
from twolayer.maths.smooth_clip import InputClip

NUMBERS_PER_PASS = 30_000_000  # of the answers of a pass, which a worker adds up
STATISTICS_PER_PASS = (
    80_000_000  # of the statistics of columns, which the caller alone has together
)


@dataclass(frozen=True, eq=False)
class WayOfSeeing:
    """Rows that are seen standardised on themselves, and weighed by their targets.

    Attributes
    ----------
    before : ScaledColumns
        What scales the columns before.
    rows : ndarray of int
        Their numbers in the source.
    s, y : ndarray or None
    weighing : str
    """

    before: ScaledColumns
    rows: np.ndarray
    s: np.ndarray | None
    y: np.ndarray | None = None
    weighing: str = NO_WEIGHING

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from others."""
        weighed = self.weighing != NO_WEIGHING
        return (self.statistic_key if weighed else self.plain_key), self.weighing

    @property
    def plain_key(self) -> tuple[Any, ...]:
        steps = [
            (step.rows.tobytes(), content(step.s), content(step.y), step.weighing)
            for step in self.before.steps
        ]
        order = self.order
        own = self.rows[order].tobytes(), content(None if self.s is None else self.s[order])
        return self.before.clipped, tuple(steps), *own

    @property
    def statistic_key(self) -> tuple[Any, ...]:
        return (*self.plain_key, content(None if self.y is None else self.y[self.order]))

    @property
    def order(self) -> np.ndarray:
        """An order that is the same in whatever order the rows come."""
        return np.argsort(self.rows, kind="stable")


def content(array: np.ndarray | None) -> bytes | None:
    """Return the bytes of an array."""
    return None if array is None else np.ascontiguousarray(array).tobytes()


@dataclass(eq=False)
class RowProducts:
    """What is known of rows seen in one way.

    Attributes
    ----------
    way : WayOfSeeing
    scaled : ScaledColumns or None
        What the columns are then; None until their statistic is known.
    draws : list of UniformDraw
        Random weights whose products with the columns are needed too.
    k : ndarray, shape (n_rows, n_rows), or None
        z @ z.T of all rows of the source.
    shift : ndarray, shape (n_rows,), or None
        z @ (mean / scale).
    products : dict
        By the number of the draw, z @ w, (n_networks, n_rows, n_hidden).
    """

    way: WayOfSeeing
    scaled: ScaledColumns | None = None
    draws: list[UniformDraw] = field(default_factory=list)
    k: np.ndarray | None = None
    shift: np.ndarray | None = None
    products: dict[int, np.ndarray] = field(default_factory=dict)

    def requests(self) -> list[tuple[str, int, Request]]:
        """Return what is still to be asked: its kind, the number of the draw, and the request."""
        assert self.scaled is not None
        asked: list[tuple[str, int, Request]] = []
        if self.k is None:
            asked.append(("gram", 0, GramRequest(self.scaled)))
        for number, draw in enumerate(self.draws):
            if number not in self.products:
                asked.append(("start", number, StartRequest(self.scaled, draw)))
        return asked

    def take(self, kind: str, number: int, answer: Any) -> None:
        """Keep an answer."""
        if kind == "gram":
            self.k, self.shift = answer
        else:
            self.products[number] = answer


class ColumnSource:
    """The blocks, and the answers so far.

    Parameters
    ----------
    blocks : list of (delayed array, int)
        All rows of some columns, and the number of the first of these.
    slices : list of slice
        The columns of each block.
    workers : DaskWorkers
    shape : (int, int)
    """

    def __init__(
        self,
        blocks: Sequence[tuple[Any, int]],
        slices: list[slice],
        workers: DaskWorkers,
        shape: tuple[int, int],
    ) -> None:
        self.slices, self.workers, self.shape = slices, workers, shape
        self.blocks: list[tuple[Any, ...]] = [(*block, None) for block in blocks]
        self.n_passes = 0  # over the blocks
        self._known: dict[Any, RowProducts] = {}
        self._bounds: dict[Any, tuple[np.ndarray, dict[str, WeightBounds]]] = {}
        self._expected: list[RowProducts] = []
        self._expected_statistics: list[WayOfSeeing] = []

    def sums(self, requests: Sequence[Request]) -> tuple[Any, ...]:
        """Return the answers to the requests, from one pass."""
        self.n_passes += 1
        answers: tuple[Any, ...] = self.workers.sum(block_answers, self.blocks, tuple(requests))
        return answers

    def row_bytes(self, whole: bool) -> np.ndarray:
        """Return the digest of each row, or its numbers; raise InputError if some are not finite."""
        if whole:
            return np.ascontiguousarray(self.sums([WholeRequest()])[0].joined())
        digests: np.ndarray = self.sums([DigestRequest()])[0]
        return digests

    def fit_clip(self, rows: np.ndarray, s: np.ndarray | None) -> InputClip:
        """Return the clip of the columns on these rows, as Dask arrays, and let the blocks have theirs."""
        import dask.array as da

        self.n_passes += 1
        pieces = self.workers.keep(block_clip, self.blocks, rows, s)
        arrays = [
            da.from_delayed(piece, (2, columns.stop - columns.start), np.float64)
            for piece, columns in zip(pieces, self.slices, strict=True)
        ]
        both = da.concatenate(arrays, axis=1)
        self._set_pieces(pieces)
        return InputClip(both[0], both[1], np.ones(1, dtype=bool))

    def take_clip(self, clip: InputClip) -> None:
        """Let the blocks have their parts of a clip that was fitted before."""
        if self.blocks[0][2] is not None:
            return
        self._set_pieces([clip_block(clip, columns) for columns in self.slices])

    def _set_pieces(self, pieces: Sequence[Any]) -> None:
        blocks = zip(self.blocks, pieces, strict=True)
        self.blocks = [(x, first, piece) for (x, first, _), piece in blocks]

    def expect(self, way: WayOfSeeing, draw: UniformDraw | None = None) -> RowProducts:
        """Return the products of rows seen so, to be computed with the next ones that are needed."""
        own = self._known.setdefault(way.key, RowProducts(way))
        if draw is not None:
            own.draws.append(draw)
        if own not in self._expected:
            self._expected.append(own)
        return own

    def expect_statistics(self, ways: Sequence[WayOfSeeing]) -> None:
        """Announce that weights may be computed of the rows of these ways."""
        self._expected_statistics = list(ways)

    def forget_expected(self) -> None:
        """Compute nothing that was announced, unless it is needed after all."""
        self._expected = []

    def complete(self, own: RowProducts) -> RowProducts:
        """Return these products computed, and with them all that are expected."""
        if own.scaled is not None and not own.requests():
            return own
        together = [*self._expected, *([] if own in self._expected else [own])]
        self._expected = []
        self._scale([one for one in together if one.scaled is None])
        asked = [(one, *request) for one in together for request in one.requests()]
        size = max(self.shape[0] ** 2, 1)
        at_once = max(1, NUMBERS_PER_PASS // size)
        for start in range(0, len(asked), at_once):
            some = asked[start : start + at_once]
            answers = self.sums([request for *_, request in some])
            for (one, kind, number, _), answer in zip(some, answers, strict=True):
                one.take(kind, number, answer)
        return own

    def _scale(self, products: Sequence[RowProducts]) -> None:
        """Set what the columns are scaled by, after a pass for the statistics that weigh them."""
        self.know_statistics([one.way for one in products if one.way.weighing != NO_WEIGHING])
        for one in products:
            way = one.way
            step = ScalingStep(way.rows, way.s)
            if way.weighing != NO_WEIGHING:
                middles, bounds = self._bounds[way.statistic_key]
                own = bounds[way.weighing]
                step = replace(step, y=way.y, weighing=way.weighing, middles=middles, bounds=own)
            one.scaled = ScaledColumns(way.before.clipped, (*way.before.steps, step))

    def know_statistics(self, ways: Sequence[WayOfSeeing]) -> None:
        """Compute what weights take of all columns, for the rows of these ways, and with them of those expected."""
        if all(way.statistic_key in self._bounds for way in ways):
            return
        unknown = {way.statistic_key: way for way in (*ways, *self._expected_statistics)}
        unknown = {key: way for key, way in unknown.items() if key not in self._bounds}
        self._expected_statistics = []
        at_once = max(1, STATISTICS_PER_PASS // (3 * self.shape[1]))
        todo = list(unknown.items())
        for start in range(0, len(todo), at_once):
            some = todo[start : start + at_once]
            requests = [
                StatisticRequest(way.before, ScalingStep(way.rows, way.s, way.y)) for _, way in some
            ]
            self.n_passes += 1
            parts = self.workers.each(block_answers, self.blocks, tuple(requests))
            for number, (key, _) in enumerate(some):
                own = [array for part in parts for array in part[number].arrays]
                self._bounds[key] = weight_bounds(np.concatenate(own, axis=1))

    def bounds(self, way: WayOfSeeing) -> tuple[np.ndarray, dict[str, WeightBounds]]:
        """Return s₀, and for each weighing its bounds, of rows of which the statistics are known."""
        return self._bounds[way.statistic_key]

    def moments(self, scaled: ScaledColumns) -> Scaling:
        """Return the scaling of all columns as Dask arrays, not computed yet."""
        shapes = [(3, part.stop - part.start) for part in self.slices]
        function = partial(on_one_thread, column_moments_of_block)
        whole = lazy_rows(function, self.blocks, (scaled,), shapes, ((3,),), np.float64)
        return Scaling(whole[0], whole[1], whole[2] > 0)

    def products(self, weights: InputWeights) -> np.ndarray:
        """Return the products of all rows with weights for the user's own columns, (n_rows, n_products), from one pass."""
        self.n_passes += 1
        blocks = [
            (*block, weights.blocks(columns))
            for block, columns in zip(self.blocks, self.slices, strict=True)
        ]
        total: np.ndarray = self.workers.sum(block_products, blocks, weights.clipped)
        return total

    def weights(self, scaled: ScaledColumns, rows: np.ndarray, a: np.ndarray) -> Any:
        """Return weights for the user's own columns as a Dask array, (..., n_inputs, n_hidden), not computed yet."""
        front, n_hidden = a.shape[:-2], a.shape[-1]
        of_all = np.zeros((*front, self.shape[0], n_hidden))
        for place, row in enumerate(rows):  # a row may be there several times
            of_all[..., row, :] += a[..., place, :]
        shapes = [(*front, part.stop - part.start, n_hidden) for part in self.slices]
        chunks = tuple((size,) for size in front)
        function = partial(on_one_thread, first_layer_block)
        return lazy_rows(function, self.blocks, (scaled, of_all), shapes, chunks, np.float64)


def weight_bounds(terms: np.ndarray) -> tuple[np.ndarray, dict[str, WeightBounds]]:
    """Return s₀ of each term, and the bounds of each weighing, from sizes, spreads and constants of all columns."""
    sizes, spreads = np.split(terms[:-1], 2)
    constant = terms[-1] > 0
    middles = middle_spreads(spreads, constant)
    t = enlarged_statistic(sizes, spreads, constant, middles)
    return middles, {name: each.bounds(t) for name, each in WEIGHINGS.items()}

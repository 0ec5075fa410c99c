"""A view of the columns of a table in blocks of columns: networks are trained along the axes of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from twolayer.distributed.column_requests import ScaledColumns, ScalingStep, UniformDraw
from twolayer.distributed.column_source import ColumnSource, RowProducts
from twolayer.distributed.input_weights import InputWeights
from twolayer.errors import InputError
from twolayer.estimators.column_views import ColumnView
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.selection.row_axes import RowAxes
from twolayer.estimators.standardise import Scaling, rescale_targets, unscale_targets
from twolayer.estimators.training_rows import TrainingRows
from twolayer.estimators.uncertainty.fitted_tangents import ColumnAxes
from twolayer.maths import span
from twolayer.maths.network import Params, glorot_limit, init_params
from twolayer.maths.smooth_clip import InputClip


class ColumnRows(Protocol):
    """Rows of a table in blocks of columns: what a `ColumnTable` is to its views."""

    @property
    def source(self) -> ColumnSource: ...

    @property
    def numbers(self) -> np.ndarray: ...

    @property
    def scaled(self) -> ScaledColumns: ...

    @property
    def shape(self) -> tuple[int, int]: ...

    def __getitem__(self, rows: Any) -> Any: ...

    def seen(
        self, s: np.ndarray | None, y: np.ndarray | None = None, weighing: str = NO_WEIGHING
    ) -> RowProducts: ...

    def row_axes(self, s: np.ndarray | None) -> ColumnTableAxes: ...


@dataclass(frozen=True, eq=False)
class ColumnTableAxes(RowAxes):
    """Rows of a table in blocks of columns, in axes of their own.

    Attributes
    ----------
    table : ColumnRows
    known : RowProducts
        Of its rows.
    coordinates : RowCoordinates
    """

    table: ColumnRows
    known: RowProducts
    coordinates: span.RowCoordinates

    @classmethod
    def of(cls, table: ColumnRows, products: RowProducts) -> ColumnTableAxes:
        """Return the axes of the rows of the table."""
        known = table.source.complete(products)
        assert known.k is not None
        own = table.numbers
        coordinates = span.coordinates_of_gram(None, known.k[np.ix_(own, own)].copy())
        z = coordinates.z

        def new(other: ColumnRows) -> np.ndarray:
            assert known.k is not None
            across = known.k[np.ix_(own, other.numbers)]
            return np.ascontiguousarray(coordinates.along(across).T)

        none = Scaling(np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool))
        constant = np.zeros(z.shape[1], dtype=bool)
        return cls(z, none, constant, new, coordinates.combination, table, known, coordinates)

    @property
    def n_columns(self) -> int:
        return self.table.shape[1]

    def in_column_units(self, params: Params, targets: Scaling | None) -> Params:
        """Return networks on the axes as they act on the user's own columns; `w1` is a Dask array, not computed yet."""
        source, scaled, rows = self.table.source, self.known.scaled, self.table.numbers
        assert scaled is not None
        assert self.known.shift is not None
        shift = self.known.shift[rows]
        a = self.back(params.w1)
        w1, b1 = source.weights(scaled, rows, a), params.b1 - shift @ a
        b2, w_skip = params.b2, None
        if params.w_skip is not None:
            a = self.back(params.w_skip)
            w_skip, b2 = source.weights(scaled, rows, a), b2 - shift @ a
        return unscale_targets(Params(w1, b1, params.w2, b2, w_skip), targets)

    def start(self, number: int) -> np.ndarray:
        """Return random weights of a draw that was asked for, along the axes: (n_networks, n_axes, n_hidden)."""
        products = self.table.source.complete(self.known).products[number]
        return self.coordinates.along(products[:, self.table.numbers])


class ColumnTableView(ColumnView):
    """The columns as some of the networks see them; nothing is read before it is needed.

    Parameters
    ----------
    table : ColumnRows
        The rows of training, clipped if they are.
    clip : InputClip or None
    s : ndarray, shape (n_rows,), or None
    n_networks : int
    y : ndarray or None
        Targets that weigh the columns.
    weighing : str
    """

    def __init__(
        self,
        table: ColumnRows,
        clip: InputClip | None,
        s: np.ndarray | None,
        n_networks: int,
        y: np.ndarray | None = None,
        weighing: str = NO_WEIGHING,
    ) -> None:
        self.table, self.clip, self.s, self.n_networks = table, clip, s, n_networks
        self.products = table.seen(s, y, weighing)
        self.draw: int | None = None  # the number of the random start
        self._start: Params | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.table.shape

    @cached_property
    def axes(self) -> ColumnTableAxes:
        """The axes of the rows."""
        return ColumnTableAxes.of(self.table, self.products)

    @property
    def x(self) -> Any:
        """The rows along their axes, (n_rows, n_axes)."""
        return self.axes.z

    @property
    def start(self) -> Any:
        """Weights to start from, along the axes."""
        params = self._start
        assert params is not None
        if self.draw is not None:
            w1 = self.axes.start(self.draw)
            w1 = w1 if params.n_networks is not None else w1[0]
            skip = params.w_skip
            if skip is not None:
                skip = np.zeros((*w1.shape[:-1], skip.shape[-1]))
            params = self._start = replace(params, w1=w1, w_skip=skip)
            self.draw = None
        return params

    @start.setter
    def start(self, params: Params | None) -> None:
        self._start = params

    @property
    def moments(self) -> Scaling:
        """The means and spreads of the columns, as Dask arrays."""
        scaled = self.table.scaled
        steps = (*scaled.steps, ScalingStep(self.table.numbers, self.s))
        return self.table.source.moments(replace(scaled, steps=steps))

    def random_params(
        self, n_hidden: int, n_outputs: int, skip: bool, rng: np.random.Generator
    ) -> Params:
        """Return random weights, the same as on the table in memory; those of the columns stay to be drawn by the blocks."""
        n_inputs, count = self.shape[1], None if self.n_networks == 1 else self.n_networks
        size = self.n_networks, n_inputs, n_hidden
        draw = UniformDraw.of(rng, size, glorot_limit(n_inputs, n_hidden))
        self.products = self.table.source.expect(self.products.way, draw)
        self.draw = len(self.products.draws) - 1
        own: Any = {"skip": skip, "scheme": "glorot", "n_networks": count}
        return init_params(0, n_hidden, n_outputs, random_state=rng, **own)

    def weighed(self, rows: TrainingRows, n_networks: int, weighing: str) -> ColumnView:
        """Return this view of the rows for so many networks, with its columns weighed."""
        return ColumnTableView(self.table, self.clip, rows.s, n_networks, rows.y, weighing)

    def rows(self, numbers: np.ndarray) -> Any:
        """Return some rows of training, with the columns as the networks see them."""
        scaled = self.axes.known.scaled
        assert scaled is not None
        return replace(self.table[numbers], scaled=scaled)

    def own_network(self, axes: RowAxes, params: Params) -> Params:
        return axes.in_column_units(params, None)

    def own_params(self, params: Params, targets: Scaling | None) -> Params:
        """Return weights along the axes as weights for the user's own, or clipped, columns: not computed yet."""
        return self.axes.in_column_units(params, targets)

    def scaled_params(self, params: Params, targets: Scaling | None) -> Params:
        raise InputError("a table in blocks of columns is not trained on from other weights")

    def columns(self, x: Any) -> Any:
        raise InputError("a table in blocks of columns has no rows for validation")


@dataclass(frozen=True, eq=False)
class TableColumnAxes(ColumnAxes):
    """The columns as networks saw them in training: along the axes of the rows.

    Attributes
    ----------
    table : ColumnRows
    own : ColumnTableAxes
    s : ndarray, shape (n_rows,), or None
    """

    table: ColumnRows
    own: ColumnTableAxes
    s: np.ndarray | None

    @classmethod
    def of_table(
        cls, table: ColumnRows, clip: InputClip | None, s: np.ndarray | None
    ) -> TableColumnAxes:
        """Return those of the rows of a table, which is clipped if there is a clip."""
        axes = table.row_axes(s)
        return cls(clip, axes.inputs, None, axes.z, table, axes, s)

    def training_params(
        self, networks: Sequence[Params], targets: Scaling | None
    ) -> Iterable[Params]:
        """Return networks for the user's own, or clipped, columns as they were in training: from one pass for all.

        The product of standardised columns with their weights is that of the user's columns with theirs, less its mean.
        """
        scaled = [rescale_targets(one, targets) for one in networks]
        arrays = [w for one in scaled for w in (one.w1, one.w_skip) if w is not None]
        weights = InputWeights(arrays, [self.clip is not None] * len(arrays))
        products = self.table.source.products(weights)[self.table.numbers]
        mean = np.average(products, axis=0, weights=self.s)
        v = self.own.coordinates.along(products - mean)
        parts = list(
            zip(
                np.split(v, weights.ends[1:-1], axis=1),
                np.split(mean, weights.ends[1:-1]),
                strict=True,
            )
        )
        for one in scaled:
            w1, shift = parts.pop(0)
            own = replace(one, w1=w1, b1=one.b1 + shift)
            if one.w_skip is not None:
                w_skip, shift = parts.pop(0)
                own = replace(own, w_skip=w_skip, b2=own.b2 + shift)
            yield own

    def columns(self, x: Any) -> Any:
        raise InputError(
            "what rows left out change for new rows is told of tables in memory only: X is in blocks of columns"
        )

"""Rows of a table in blocks of columns, for the estimators: what they do to an array in memory, they ask of it here.

    table[rows]                       some of the rows
    table.row_bytes()                 what tells each row from others
    table.fit_clip(s), clipped(clip)  columns clipped smoothly
    table.row_axes(s, y, weighing)    standardised and weighed columns, in axes of the rows
    table.column_view(clip, s, n)     a view of the columns to train on
    table.fold_products(...)          the products of the rows at each weighing, for each fold

No number of the table comes here; `k` and what follows from it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import check_X_y

from twolayer.distributed.column_requests import ScaledColumns, ScalingStep, WeighingsRequest
from twolayer.distributed.column_source import (
    NUMBERS_PER_PASS,
    ColumnSource,
    RowProducts,
    WayOfSeeing,
)
from twolayer.errors import InputError
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.fit_plan import FitPlan, LearningTask
from twolayer.estimators.selection.row_axes import RowAxes
from twolayer.estimators.standardise import Scaling, unscale_targets
from twolayer.estimators.training_rows import MOST_WHOLE_COLUMNS, TrainingRows
from twolayer.maths import span
from twolayer.maths.network import Params
from twolayer.maths.smooth_clip import InputClip
from twolayer.solvers import get_solver, solvers_that
from twolayer.text import plural

AS_THEY_ARE = ScaledColumns(False)


@dataclass(frozen=True, eq=False)
class ColumnTable:
    """Rows of a table in blocks of columns.

    Attributes
    ----------
    source : ColumnSource
    numbers : ndarray of int
        The source's rows that these are.
    scaled : ScaledColumns
        How the columns are seen.
    names : list or None
        Of the columns.
    """

    source: ColumnSource
    numbers: np.ndarray
    scaled: ScaledColumns = AS_THEY_ARE
    names: Any = None
    ndim = 2
    dtype = np.dtype(np.float64)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.numbers), self.source.shape[1]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Any) -> ColumnTable:
        return replace(self, numbers=self.numbers[rows])

    def checked_with(
        self, model: Any, y: Any, reset: bool, **settings: Any
    ) -> tuple[ColumnTable, np.ndarray]:
        """Return the table and the targets checked; raise InputError, or scikit-learn's ValueError, if they do not fit."""
        names = None if self.names is None else np.array(self.names, dtype=object)
        if reset:
            model.n_features_in_ = self.shape[1]
            model.__dict__.pop("feature_names_in_", None)
            if names is not None and all(isinstance(name, str) for name in names):
                model.feature_names_in_ = names
        elif self.shape[1] != model.n_features_in_:
            raise InputError(
                f"X has {self.shape[1]} columns, and the model was fitted to {model.n_features_in_}"
            )
        stand_in = np.zeros((self.shape[0], 1))
        _, y = check_X_y(stand_in, y, dtype=np.float64, multi_output=True, **settings)
        return self, y

    def check_plan(self, plan: FitPlan, task: LearningTask) -> None:
        """Raise InputError if a fit cannot be made in the span of the rows."""
        table = "a table in blocks of columns"
        solver = get_solver(plan.solver)
        if plan.early_stopping:
            raise InputError(
                f"{table} has no early stopping: leave early_stopping, X_val and y_val out; alpha='auto' guards against "
                "overfitting"
            )
        if task.l1:
            raise InputError(
                f"{table} is trained in the span of its rows, and l1 weighs every column by itself: use alpha, or give "
                "blocks of rows"
            )
        if solver.not_in_span:
            others = solvers_that(lambda other: not other.not_in_span)
            raise InputError(
                f"{table} is trained in the span of its rows, which is not exact for {solver.label}: {solver.not_in_span}; "
                f"use solver={others}{', and dropout=0 with it' if task.dropout else ''}"
            )

    def report(self, task: LearningTask, plan: FitPlan) -> str:
        """Return what a fit will take, in words."""
        n_rows, n_inputs = self.shape
        return (
            f"{n_rows} rows, {n_inputs} inputs in {plural(len(self.source.blocks), 'block')} of columns, {task.n_hidden} "
            f"hidden units: {plural(plan.n_networks, 'network')} in the span of the rows"
        )

    def row_bytes(self) -> Iterable[bytes]:
        """Return bytes that tell each row from others, the same as of the table in memory."""
        rows = self.source.row_bytes(self.shape[1] <= MOST_WHOLE_COLUMNS)
        return (rows[number].tobytes() for number in self.numbers)

    def fit_clip(self, s: np.ndarray | None) -> tuple[InputClip, ColumnTable]:
        """Return the clip of the columns, and the columns clipped."""
        clip = self.source.fit_clip(self.numbers, s)
        return clip, self.clipped(clip)

    def clipped(self, clip: InputClip) -> ColumnTable:
        """Return the rows with clipped columns."""
        self.source.take_clip(clip)
        return replace(self, scaled=ScaledColumns(True))

    def seen(
        self, s: np.ndarray | None, y: np.ndarray | None = None, weighing: str = NO_WEIGHING
    ) -> RowProducts:
        """Return the products of these rows, standardised and weighed, to be computed when they are needed."""
        s = None if s is None or (s == 1).all() else s
        return self.source.expect(WayOfSeeing(self.scaled, self.numbers, s, y, weighing))

    def expect_axes(self, parts: Sequence[TrainingRows], weighing: str) -> None:
        """Announce that the axes of all of these rows will be needed; what was announced before is not needed first."""
        self.source.forget_expected()
        for part in parts:
            part.x.seen(part.s, part.y, weighing)

    def row_axes(
        self, s: np.ndarray | None, y: np.ndarray | None = None, weighing: str = NO_WEIGHING
    ) -> ColumnTableAxes:
        """Return the rows standardised and weighed, in as few columns as they need."""
        return ColumnTableAxes.of(self, self.seen(s, y, weighing))

    def column_view(self, clip: InputClip | None, s: np.ndarray | None, n_networks: int) -> Any:
        """Return the view of these columns for so many networks."""
        from twolayer.distributed.column_table_view import ColumnTableView

        return ColumnTableView(self, clip, s, n_networks)

    def fold_products(
        self,
        y: np.ndarray,
        s: np.ndarray | None,
        folds: Sequence[np.ndarray],
        names: Sequence[str],
    ) -> list[list[tuple[np.ndarray, np.ndarray]]]:
        """Return `weighing_choice.weighed_products` of the rows outside each fold and of the fold's: in two passes."""
        source, ways = self.source, []
        s = None if s is None or (s == 1).all() else s
        for test in folds:
            kept = np.setdiff1d(np.arange(len(self)), test)
            own = None if s is None else s[kept]
            ways.append(WayOfSeeing(self.scaled, self.numbers[kept], own, y[kept]))
        source.know_statistics(ways)
        requests = []
        for way, test in zip(ways, folds, strict=True):
            middles, bounds = source.bounds(way)
            step = ScalingStep(way.rows, way.s, way.y, middles=middles)
            own_bounds = tuple(bounds[name] for name in names)
            test = self.numbers[test]
            requests.append(WeighingsRequest(self.scaled, step, test, tuple(names), own_bounds))
        at_once = max(1, NUMBERS_PER_PASS // (len(names) * len(self) ** 2))
        products: list[Any] = []
        for start in range(0, len(requests), at_once):
            products += source.sums(requests[start : start + at_once])
        return products


@dataclass(frozen=True, eq=False)
class ColumnTableAxes(RowAxes):
    """Rows of a table in blocks of columns, in axes of their own.

    Attributes
    ----------
    table : ColumnTable
    known : RowProducts
        Of its rows.
    coordinates : RowCoordinates
    """

    table: ColumnTable
    known: RowProducts
    coordinates: span.RowCoordinates

    @classmethod
    def of(cls, table: ColumnTable, products: RowProducts) -> ColumnTableAxes:
        """Return the axes of the rows of the table."""
        known = table.source.complete(products)
        assert known.k is not None
        own = table.numbers
        coordinates = span.coordinates_of_gram(None, known.k[np.ix_(own, own)].copy())
        z = coordinates.z

        def new(other: ColumnTable) -> np.ndarray:
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

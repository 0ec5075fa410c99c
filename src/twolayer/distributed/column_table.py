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
from twolayer.distributed.column_table_view import (
    ColumnTableAxes,
    ColumnTableView,
    TableColumnAxes,
)
from twolayer.errors import InputError
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.fit_plan import FitPlan, LearningTask
from twolayer.estimators.training_rows import MOST_WHOLE_COLUMNS, TrainingRows
from twolayer.maths.smooth_clip import InputClip
from twolayer.solvers import get_solver, solvers_that
from twolayer.text import plural

UNSCALED = ScaledColumns(False)


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
    scaled: ScaledColumns = UNSCALED
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
                f"use solver={others}{' (L-BFGS has no dropout)' if task.dropout else ''}"
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
        return self.source.expect(self.way(s, y, weighing))

    def way(
        self, s: np.ndarray | None, y: np.ndarray | None = None, weighing: str = NO_WEIGHING
    ) -> WayOfSeeing:
        """Return the way in which these rows are seen, standardised and weighed."""
        s = None if s is None or (s == 1).all() else s
        way = WayOfSeeing(self.scaled, self.numbers, s, y, weighing)
        if weighing != NO_WEIGHING or not self.scaled.steps:
            return way
        *before, last = self.scaled.steps
        again = WayOfSeeing(replace(self.scaled, steps=tuple(before)), last.rows, last.s)
        same = (
            last.weighing is None and again.plain_key == replace(way, before=again.before).plain_key
        )
        return again if same else way  # standardised columns stay as they are

    def expect_statistics(self, parts: Sequence[TrainingRows]) -> None:
        """Announce that columns may be weighed by the targets of each of these rows."""
        self.source.expect_statistics([part.x.way(part.s, part.y) for part in parts])

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

    def column_view(
        self, clip: InputClip | None, s: np.ndarray | None, n_networks: int
    ) -> ColumnTableView:
        """Return the view of these columns for so many networks."""
        return ColumnTableView(self, clip, s, n_networks)

    def column_axes(self, clip: InputClip | None, s: np.ndarray | None) -> TableColumnAxes:
        """Return the columns as the networks of a model with this clip saw them in training."""
        table = self if clip is None else self.clipped(clip)
        return TableColumnAxes.of_table(table, clip, s)

    def fold_products(
        self,
        y: np.ndarray,
        s: np.ndarray | None,
        folds: Sequence[np.ndarray],
        names: Sequence[str],
    ) -> list[list[tuple[np.ndarray, np.ndarray]]]:
        """Return `weighing_choice.weighed_products` of the rows outside each fold and of the fold's: in two passes."""
        source, ways = self.source, []
        for test in folds:
            kept = np.setdiff1d(np.arange(len(self)), test)
            ways.append(self[kept].way(None if s is None else s[kept], y[kept]))
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

"""A view of the columns of a table in blocks of columns: networks are trained along the axes of its rows."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from twolayer.distributed.column_requests import UniformDraw
from twolayer.distributed.column_table import ColumnTable, ColumnTableAxes
from twolayer.errors import InputError
from twolayer.estimators.column_views import ColumnView
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.selection.row_axes import RowAxes
from twolayer.estimators.standardise import Scaling
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths.network import Params, glorot_limit, init_params
from twolayer.maths.smooth_clip import InputClip


class ColumnTableView(ColumnView):
    """The columns as some of the networks see them; nothing is read before it is needed.

    Parameters
    ----------
    table : ColumnTable
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
        table: ColumnTable,
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
    def moments(self) -> Scaling | None:
        return None  # set at the end of the fit, where the columns are not too many

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

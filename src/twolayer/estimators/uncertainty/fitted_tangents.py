"""The linear view of each network of a fitted model (`twolayer.maths.tangent`), from the rows that it was fitted to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.estimators.fit_plan import LearningTask
from twolayer.estimators.initial_weights import penalty_unit
from twolayer.estimators.standardise import Scaling, apply_scaling, rescale_params, standardise
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths import span
from twolayer.maths.network import Params, forward, squared_norm
from twolayer.maths.problem import checked_targets
from twolayer.maths.smooth_clip import InputClip
from twolayer.maths.tangent import Tangent

SAME_LOSS = 1e-5  # share by which the loss of the same rows may differ from that of training


@dataclass(frozen=True, eq=False)
class ColumnAxes:
    """The columns as a network saw them in training: clipped or not, standardised, and on wide tables along the rows.

    Attributes
    ----------
    clip : InputClip or None
    inputs : Scaling
    axes : RowCoordinates or None
    z : array, shape (n_rows, n_inputs)
        The standardised columns of the rows of training.
    """

    clip: InputClip | None
    inputs: Scaling
    axes: span.RowCoordinates | None
    z: Any

    @classmethod
    def of(cls, rows: TrainingRows, clip: InputClip | None) -> ColumnAxes:
        """Return those of these rows of training."""
        if hasattr(rows.x, "column_axes"):  # a table that is not here
            own: ColumnAxes = rows.x.column_axes(clip, rows.s)
            return own
        z, inputs = standardise(rows.x if clip is None else clip.columns(rows.x), rows.s, "X")
        wide = z.shape[0] < z.shape[1]
        return cls(clip, inputs, span.row_coordinates(z) if wide else None, z)

    def training_params(
        self, networks: Sequence[Params], targets: Scaling | None
    ) -> Iterable[Params]:
        """Return networks for the user's own, or clipped, columns as they were in training: for `z`."""
        return (rescale_params(one, self.inputs, targets) for one in networks)

    def columns(self, x: Any) -> Any:
        """Return other rows in the same units and axes."""
        z = apply_scaling(self.inputs, x if self.clip is None else self.clip.columns(x))
        return z if self.axes is None else self.axes.of(z)


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """One network at the end of its training, in the units of training.

    Attributes
    ----------
    columns : ColumnAxes
    params : Params
        For the standardised columns.
    """

    columns: ColumnAxes
    params: Params
    y: np.ndarray
    s: np.ndarray | None
    task: LearningTask
    decay: float

    def check_rows(self, expected: float) -> None:
        """Raise InputError if the objective is not the one at the end of training: then these are other rows."""
        task, y, s = self.task, self.y, self.s
        total = float(len(y) if s is None else s.sum())
        penalty = self.decay if task.loss.is_sum else self.decay / total
        value = task.loss.value(forward(self.columns.z, self.params, task.activation), y, s, total)
        value = float(value + 0.5 * penalty * squared_norm(self.params))
        if not abs(value - expected) <= SAME_LOSS * max(abs(expected), abs(value), 1e-3):
            raise InputError(
                "these are not the rows that the model was fitted to, with their weights, or a setting has changed since: "
                f"the loss of training was {expected:.6g} at its end, and of these rows it is {value:.6g}"
            )

    @property
    def params_in_axes(self) -> Params:
        """The weights for what `columns.columns` returns."""
        axes = self.columns.axes
        return self.params if axes is None else in_axes(axes, self.columns.z, self.params)

    def tangent(self) -> Tangent:
        """Return the linear view."""
        axes, task = self.columns.axes, self.task
        z = self.columns.z if axes is None else axes.z
        params = self.params_in_axes
        return Tangent(z, self.y, self.s, params, task.loss, task.activation, self.decay)

    def changes(
        self, tangent: Tangent, x: Any, blocks: Sequence[np.ndarray], settled: bool
    ) -> np.ndarray:
        """Return what leaving out each block does to the outputs of other rows, (n_blocks, n_new, n_outputs)."""
        z, params = self.columns.columns(x), self.params_in_axes
        return tangent.changes_of(z, params, self.task.activation, blocks, settled)


def trained_networks(model: Any, rows: TrainingRows) -> Iterator[TrainedNetwork]:
    """Yield each network of the model; raise InputError if these are not the rows that it was fitted to."""
    task = model._task(rows.counted().distinct().x.shape, model.params_)
    targets, y = None, task.smoothed(rows.y)
    if task.standardise_y:
        y, targets = standardise(rows.y, rows.s, "y")
    y = checked_targets(y, rows.n_rows, task.n_outputs, task.loss, np.float64)
    clip = model.input_clip_
    decay = model.alpha_ * penalty_unit(rows.y, rows.s, task.loss)
    losses = np.broadcast_to(model.loss_, model.n_networks_)
    clipped = np.zeros(model.n_networks_, dtype=bool) if clip is None else clip.networks
    for sees in np.unique(clipped):  # the clipped ones are the last
        columns = ColumnAxes.of(rows, clip if sees else None)
        numbers = np.flatnonzero(clipped == sees)
        each = columns.training_params([model.networks_[k] for k in numbers], targets)
        for k, params in zip(numbers, each, strict=True):
            network = TrainedNetwork(columns, params, y, rows.s, task, decay)
            network.check_rows(float(losses[k]))
            yield network


def fitted_tangents(model: Any, rows: TrainingRows) -> list[Tangent]:
    """Return the linear view of each network at the end of its training."""
    return [network.tangent() for network in trained_networks(model, rows)]


def in_axes(axes: span.RowCoordinates, z: Any, params: Params) -> Params:
    """Return the weights along the axes of the rows."""
    skip = params.w_skip
    return replace(
        params,
        w1=axes.along(z @ params.w1),
        w_skip=None if skip is None else axes.along(z @ skip),
    )


def in_own_units(model: Any, rows: TrainingRows, outputs: np.ndarray) -> np.ndarray:
    """Return outputs of training in the units of the targets."""
    if not model._standardises_y():
        return outputs
    _, targets = standardise(rows.y, rows.s, "y")
    return outputs * targets.scale + targets.mean

"""What networks just trained say of rows left out, in closed form: where that costs little and can be relied on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.estimators.column_views import ColumnView
from twolayer.estimators.fit_plan import LearningTask
from twolayer.estimators.selection.left_out_rows import UNSETTLED_SHARE
from twolayer.estimators.uncertainty.closed_form_check import checked_outputs
from twolayer.estimators.uncertainty.fitted_tangents import in_axes
from twolayer.estimators.uncertainty.leave_out import leave_out_refusal
from twolayer.maths import span
from twolayer.maths.network import Params
from twolayer.maths.tangent import Tangent
from twolayer.training.loop import steps_ran_out

LARGEST_SIDE = 1000  # rows·outputs or weights, whichever are fewer
LARGEST_FEATURES = 10_000_000  # rows·outputs times weights
MOST_LEVERAGE = 0.6  # in the mean; above, the linear view says too little of rows left out
MOST_ROW_LEVERAGE = 0.9  # of a network; above, it says nothing of the row left out
Parts = Sequence[tuple[ColumnView, list[Params]]]  # the networks of each view of the columns


@dataclass(eq=False)
class LeftOutFit:
    """The rows of a training, and the networks without them.

    Parameters
    ----------
    y : ndarray, shape (n_rows, n_outputs)
        Targets of training.
    s : ndarray, shape (n_rows,), or None
    blocks : sequence of arrays of row numbers, or None
        Rows that are left out together; None for each row alone.
    task : LearningTask
    decay : float
        The weight decay of training.
    converged : bool
        Whether the training ended by itself.
    """

    y: np.ndarray
    s: np.ndarray | None
    blocks: Sequence[np.ndarray] | None
    task: LearningTask
    decay: float
    converged: bool

    def outputs(self, parts: Parts) -> np.ndarray | None:
        """Return the outputs of each network for the rows left out, (n_networks, n_rows, n_outputs), or None.

        They are not a number where nothing can be said; None where the linear view says too little.
        """
        outputs, tangents = [], []
        for _, _, tangent in self.tangents(parts):
            left_out = self.left_out(tangent)
            if left_out is None:
                return None
            outputs.append(left_out)
            tangents.append(tangent)
        return self.checked(tangents, outputs) if outputs else None

    def checked(self, tangents: list[Tangent], outputs: list[np.ndarray]) -> np.ndarray | None:
        """Return the outputs of each network, corrected where they had to be; None where the closed form is far off."""
        settled = not self.converged
        checked = checked_outputs(tangents, np.stack(outputs), self.blocks, settled, at_fit=True)
        return checked.outputs if checked.refusal is None else None

    def left_out(self, tangent: Tangent) -> np.ndarray | None:
        """Return a network's outputs for the rows left out; None where its linear view cannot be relied on."""
        outputs = tangent.left_out(self.blocks, settled=not self.converged)
        if not self.holds(tangent, outputs):
            return None
        outputs[tangent.leverage > MOST_ROW_LEVERAGE * self.task.n_outputs] = np.nan
        return outputs

    def holds(self, tangent: Tangent, left_out: np.ndarray) -> bool:
        """Return whether the linear view of a network can be relied on: near a minimum, and with rows left over."""
        moved = np.square(left_out - tangent.outputs)
        rest = 0.0 if self.converged else np.square(tangent.unsettled).mean()
        return bool(
            tangent.degrees_of_freedom <= MOST_LEVERAGE * self.y.size
            and rest <= UNSETTLED_SHARE**2 * moved[np.isfinite(moved)].sum() / moved.size
        )

    def is_small(self, shape: tuple[int, int]) -> bool:
        """Return whether the linear view of such a table costs little beside a training."""
        task, axes = self.task, min(shape)
        size = shape[0] * task.n_outputs
        weights = task.n_hidden * (axes + task.n_outputs) + task.skip * axes * task.n_outputs
        return min(size, weights) <= LARGEST_SIDE and (
            size <= weights or size * weights <= LARGEST_FEATURES
        )

    def tangents(self, parts: Parts) -> Iterator[tuple[ColumnView, int, Tangent]]:
        """Yield each view, the number of the network in it, and its linear view; nothing where these are too large.

        They are in axes of the rows where these are fewer than the columns.
        """
        if not all(self.is_small(view.shape) for view, _ in parts):
            return
        task = self.task
        for view, networks in parts:
            x = view.x
            axes = span.row_coordinates(x) if x.shape[0] < x.shape[1] else None
            z = x if axes is None else axes.z
            for k, params in enumerate(networks):
                own = params if axes is None else in_axes(axes, x, params)
                loss, activation = task.loss, task.activation
                yield view, k, Tangent(z, self.y, self.s, own, loss, activation, self.decay)


def left_out_settings(fit: Any, y: np.ndarray) -> dict[str, Any] | None:
    """Return the settings of `LeftOutFit` for a fit that has ended; None where there is no closed form.

    Parameters
    ----------
    fit : NetworkFit
    y : ndarray, shape (n_rows, n_outputs)
        Its targets of training.
    """
    rows = fit.rows
    if not fit.has_all_rows or fit.was_cut or leave_out_refusal(fit.model, rows, None) is not None:
        return None
    blocks = None
    if rows.groups is not None:
        blocks = [np.flatnonzero(rows.groups == k) for k in np.unique(rows.groups)]
    converged = not steps_ran_out(fit.result.stopped)
    own = {"y": y, "s": fit.s, "blocks": blocks, "task": fit.task}
    return own | {"decay": fit.alpha * fit.unit, "converged": converged}

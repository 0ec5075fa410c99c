"""What a fit learns and how it is trained: the settings, and for "auto" a choice by the table's shape alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.maths.activations import Activation
from twolayer.maths.losses import Loss
from twolayer.maths.network import Objective
from twolayer.solvers import SOLVERS, Solver

TALL_ROWS = 5000  # from so many rows on, batches pay
LARGE_STEP_SIZE = 1e8  # if a step on all rows takes more multiplications than this
SMALL_STEP_SIZE = 1e7  # up to so many multiplications a few more networks cost little
DEFAULT_NETWORKS = 5
DEFAULT_BATCH = 200
DEFAULT_SMOOTHING = 0.1  # share of a label that goes to all classes alike, the customary one


@dataclass(frozen=True, eq=False)
class LearningTask:
    """What is learned, and by what network."""

    loss: Loss
    activation: Activation
    n_hidden: int
    n_outputs: int
    skip: bool
    standardise_y: bool
    l1: float = 0.0
    dropout: float = 0.0
    smoothing: float = 0.0  # of labels

    @property
    def objective(self) -> Objective:
        """What training makes small, without the weight decay."""
        return Objective(self.loss, self.activation, 0.0, self.l1, self.dropout)

    def smoothed(self, y: np.ndarray) -> np.ndarray:
        """Return targets as they are trained on: labels smoothed."""
        return smooth_labels(y, self.n_outputs, self.smoothing)


@dataclass(frozen=True)
class FitPlan:
    """How a fit is trained.

    Attributes
    ----------
    solver : str or Solver
    batch_size : int or None
    early_stopping : bool
    n_networks : int
    views : tuple of str
        How they see the columns: "standard", "smooth_clip", or some each way.
    weighings : tuple of str
        The weighings of the columns to choose from, beside alpha.
    widths : tuple of int
        The numbers of hidden units to choose from, from few to many; empty for that of the task.
    """

    solver: Any
    batch_size: int | None
    early_stopping: bool
    n_networks: int
    views: tuple[str, ...] = ("standard",)
    weighings: tuple[str, ...] = (NO_WEIGHING,)
    widths: tuple[int, ...] = ()


def hidden_sizes(n_hidden: Any) -> list[int]:
    """Return the numbers of hidden units, from few to many."""
    if isinstance(n_hidden, (str, bytes)) or not np.iterable(n_hidden):
        return [checks.whole_number(n_hidden, "n_hidden")]
    if isinstance(n_hidden, (Mapping, Set, Iterator)):
        raise InputError(
            f"n_hidden must be a whole number, or a list of several; got {checks.short_repr(n_hidden)}"
        )
    widths = [checks.whole_number(each, "each of n_hidden") for each in n_hidden]
    if not widths:
        raise InputError("n_hidden is empty: give at least one number")
    return sorted(set(widths))


def plan_fit(settings: Any, n_rows: int, n_inputs: int, n_hidden: int) -> FitPlan:
    """Return the plan of the user's settings, with a choice for each "auto".

    "auto" is L-BFGS, and for tall tables Adam on batches with early stopping; Adam also for l1 and dropout, which L-BFGS
    does not have; five networks where they cost little, else one.
    """
    # multiplications of a step, in the span if that is shorter
    step = float(n_rows) * min(n_rows, n_inputs) * n_hidden
    solver, batch_size = settings.solver, settings.batch_size
    early_stopping = checks.flag(settings.early_stopping, "early_stopping")
    if batch_size is not None:
        batch_size = checks.whole_number(batch_size, "batch_size")
    if isinstance(solver, str) and solver == "auto":
        tall = n_rows > TALL_ROWS and step > LARGE_STEP_SIZE
        beyond_lbfgs = batch_size is not None or settings.l1 or settings.dropout
        solver = "adam" if tall or beyond_lbfgs else "lbfgs"
        if tall:
            early_stopping, batch_size = True, batch_size or DEFAULT_BATCH
    elif not isinstance(solver, Solver):
        checks.one_of(solver, dict.fromkeys(("auto", *SOLVERS)), "solver")
    n_networks = settings.n_networks
    if isinstance(n_networks, str) and n_networks == "auto":
        n_networks = DEFAULT_NETWORKS if step <= SMALL_STEP_SIZE else 1
    elif isinstance(n_networks, str):
        raise InputError(
            f"n_networks must be a whole number, at least 1, or 'auto'; got {checks.short_repr(n_networks)}"
        )
    return FitPlan(
        solver, batch_size, early_stopping, checks.whole_number(n_networks, "n_networks")
    )


def largest_fit_product(shape: tuple[int, ...], n_hidden: int) -> int:
    """Return about how many multiplications the largest matrix product of a whole fit has, for the limit on threads.

    The products are those of a step, of the rows with each other on a wide table, and of the eigenvectors of the rows for
    the noise, of up to a thousand rows or so: threads that wait for each other made those of 300 rows 2 to 20 times slower.
    """
    n_rows, n_inputs = shape
    return max(n_rows * n_inputs * max(n_hidden, min(n_rows, n_inputs)), n_rows**3 // 64)


def uses_skip_layer(given: Any, n_rows: int, n_inputs: int, classifies: bool) -> bool:
    """Return whether inputs also reach the outputs directly: for "auto" in a classifier with more columns than rows.

    There a linear model is the bar. With the direct path it is a special case, to which weight decay brings the network,
    because it shrinks the units of the hidden layer first. For numbers that would cost more than it gains: without the
    direct path the network is as good where the truth is linear, and far better where it is not.
    """
    given = checks.flag(given, "skip", ("auto",))
    return classifies and n_rows < n_inputs if given == "auto" else given


def label_smoothing_share(given: Any, n_rows: int, n_inputs: int) -> float:
    """Return the share of a label that goes to all classes alike: for "auto" one tenth with more columns than rows.

    There the classes can be separated, and the few rows between them would make the log loss ever smaller. With smoothed
    labels each row has logits to reach, and all rows count for the position of the border, as in ridge regression.
    """
    if isinstance(given, str) and given == "auto":
        return DEFAULT_SMOOTHING if n_rows < n_inputs else 0.0
    if isinstance(given, str):
        raise InputError(
            f"label_smoothing must be a number from 0 to below 1, or 'auto'; got {checks.short_repr(given)}"
        )
    share = checks.finite_number(given, "label_smoothing", at_least=0)
    if share >= 1:
        raise InputError(
            f"label_smoothing is a share of each label, from 0 to below 1, such as 0.1; got {share:g}"
        )
    return share


def uses_calibration(given: Any, share: float) -> bool:
    """Return whether probabilities are calibrated: for "auto" where labels were smoothed.

    Networks that learned smoothed labels are less sure than they should be: on a table that they classify without a mistake,
    the log loss is that of the smoothing.
    """
    given = checks.flag(given, "calibrate", ("auto",))
    return share > 0 if given == "auto" else given


def smooth_labels(y: np.ndarray, n_outputs: int, share: float) -> np.ndarray:
    """Return labels of which a share goes to all classes alike.

    Parameters
    ----------
    y : ndarray
        Class numbers, (n_rows,); or with several labels per row 0 and 1, (n_rows, n_outputs).
    n_outputs : int
        1 for two classes.
    share : float
        With 0, `y` is returned as it is.
    """
    if not share:
        return y
    if y.ndim == 2:
        return (1 - share) * y + share / 2
    if n_outputs == 1:
        return ((1 - share) * y + share / 2)[:, None]
    return (1 - share) * np.eye(n_outputs)[y] + share / n_outputs


def alpha_or_none(alpha: Any) -> float | None:
    """Return the weight decay of the setting `alpha`; None for "auto"."""
    if isinstance(alpha, str) and alpha == "auto":
        return None
    if isinstance(alpha, str):
        raise InputError(
            f"alpha must be a finite number, at least 0, or 'auto'; got {checks.short_repr(alpha)}"
        )
    return checks.finite_number(alpha, "alpha", at_least=0)

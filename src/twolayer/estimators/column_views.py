"""How the networks of a fit see the columns: standardised as they are, or clipped smoothly first, or some networks each way.

In an average of several networks, "auto" shares them between both views: where a far value rules its column, the networks
of the clipped view still see the others, and where far values carry information, those of the standard view do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.column_quartiles import fit_clip
from twolayer.estimators.column_weights import NO_WEIGHING, WEIGHINGS, weighed_columns
from twolayer.estimators.fit_plan import FitPlan, LearningTask
from twolayer.estimators.initial_weights import initial_params
from twolayer.estimators.selection.row_axes import RowAxes
from twolayer.estimators.standardise import (
    Scaling,
    apply_scaling,
    rescale_params,
    standardise,
    unscale_params,
)
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths.network import Params
from twolayer.maths.smooth_clip import SCALINGS, SMOOTH_CLIP, STANDARD, InputClip
from twolayer.solvers import get_solver


def fit_views(setting: Any, sparse: bool, plan: FitPlan, task: LearningTask) -> tuple[str, ...]:
    """Return the views of the columns that a fit trains networks on, for the setting `scaling`.

    "auto" is both for several networks that L-BFGS trains on a dense table until they converge, else the standard one.

    Raises
    ------
    InputError
        If there is no such scaling, or the table is sparse and would be clipped.
    """
    check_scaling(setting, sparse)
    if setting != "auto":
        return (setting,)
    converges = get_solver(plan.solver).stops_itself and not plan.early_stopping
    both = plan.n_networks > 1 and not sparse and converges and not (task.l1 or task.dropout)
    return (STANDARD, SMOOTH_CLIP) if both else (STANDARD,)


def fit_weighings(x: Any, task: LearningTask) -> tuple[str, ...]:
    """Return the weighings of the columns that a fit chooses from: only the plain one unless the table is wide and dense.

    With an l1 penalty the columns are chosen by that.
    """
    wide = not checks.is_sparse(x) and x.shape[0] < x.shape[1]
    return tuple(WEIGHINGS) if wide and not (task.l1 or task.dropout) else (NO_WEIGHING,)


def check_scaling(setting: Any, sparse: bool) -> None:
    """Raise InputError if there is no such scaling, or the table is sparse and would be clipped."""
    checks.one_of(setting, dict.fromkeys(SCALINGS), "scaling")
    if sparse and setting == SMOOTH_CLIP:
        raise InputError(
            "scaling='smooth_clip' subtracts the median of each column, and X is a sparse table, which is not centred: fit "
            "with scaling='standard', or give X.toarray()"
        )


@dataclass(eq=False)
class ColumnView:
    """The columns as some of the networks see them.

    Attributes
    ----------
    x : array or SciPy sparse array, shape (n_rows, n_inputs)
        The rows of training: clipped if they are, standardised, and weighed if they are.
    inputs : Scaling
        What standardised and weighed them.
    clip : InputClip or None
    n_networks : int
    unweighed : Scaling
        What standardised them.
    start : Params or None
        Weights to start from, for `x`.
    x_validation : array, sparse array, or None
        The validation rows, likewise.
    """

    x: Any
    inputs: Scaling
    clip: InputClip | None
    n_networks: int
    unweighed: Scaling
    start: Params | None = None
    x_validation: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows of training, and of columns of the table."""
        shape: tuple[int, int] = self.x.shape
        return shape

    @property
    def moments(self) -> Scaling:
        """The means and spreads of the columns."""
        return self.unweighed

    def random_params(
        self, n_hidden: int, n_outputs: int, skip: bool, rng: np.random.Generator
    ) -> Params:
        """Return random weights of the networks to start from."""
        count = None if self.n_networks == 1 else self.n_networks
        own: Any = {"n_networks": count, "skip": skip}
        return initial_params(self.x, self.inputs.constant, n_hidden, n_outputs, rng, **own)

    def weighed(self, rows: TrainingRows, n_networks: int, weighing: str) -> ColumnView:
        """Return this view of the rows for so many networks, with its columns weighed; its `x` is overwritten."""
        z, inputs = weighed_columns(self.x, self.unweighed, rows.y, rows.s, weighing)
        return ColumnView(z, inputs, self.clip, n_networks, self.unweighed)

    def rows(self, numbers: np.ndarray) -> Any:
        """Return some rows of training, with the columns as the networks see them."""
        everything = len(numbers) == self.shape[0] and (numbers == np.arange(self.shape[0])).all()
        return self.x if everything else self.x[numbers]

    def own_network(self, axes: RowAxes, params: Params) -> Params:
        """Return a network on axes of such rows as it acts on the user's own columns, or clipped ones."""
        return self.own_params(axes.in_column_units(params, None), None)

    def columns(self, x: Any) -> Any:
        """Return the user's rows as these networks see them."""
        return apply_scaling(self.inputs, x if self.clip is None else self.clip.columns(x))

    def own_params(self, params: Params, targets: Scaling | None) -> Params:
        """Return weights for standardised columns as weights for the user's own, or clipped, columns."""
        return unscale_params(params, self.inputs, targets)

    def scaled_params(self, params: Params, targets: Scaling | None) -> Params:
        """Return the inverse of `own_params`."""
        return rescale_params(params, self.inputs, targets)

    def clip_of(self, params: Params) -> InputClip | None:
        """Return the clip of networks of this view with these weights."""
        count = params.n_networks or 1
        return None if self.clip is None else self.clip.of_networks(np.ones(count, dtype=bool))


def standardised_view(
    columns: Any, clip: InputClip | None, rows: TrainingRows, n_networks: int
) -> ColumnView:
    """Return the view of these columns of the rows, which are clipped if there is a clip."""
    if hasattr(columns, "column_view"):  # a table that is not here
        own: ColumnView = columns.column_view(clip, rows.s, n_networks)
        return own
    z, inputs = standardise(columns, rows.s, "X")
    return ColumnView(z, inputs, clip, n_networks, inputs)


def column_views(names: Sequence[str], rows: TrainingRows, n_networks: int) -> list[ColumnView]:
    """Return the views of these names, among which the networks are shared: the first ones have one more at most."""
    views = []
    for name, count in zip(names, shared_networks(n_networks, len(names)), strict=True):
        clip, columns = fitted_clip(rows) if name == SMOOTH_CLIP else (None, rows.x)
        views.append(standardised_view(columns, clip, rows, count))
    return views


def fitted_clip(rows: TrainingRows) -> tuple[InputClip, Any]:
    """Return the clip of the columns of these rows, and the columns clipped."""
    own: tuple[InputClip, Any]
    if hasattr(rows.x, "fit_clip"):  # a table that is not here
        own = rows.x.fit_clip(rows.s)
        return own
    return fit_clip(rows.x, rows.s)


def shared_networks(n_networks: int, n_views: int) -> list[int]:
    """Return the number of networks of each view."""
    return [-(-(n_networks - k) // n_views) for k in range(n_views)]


def chosen_views(
    views: Sequence[ColumnView], n_networks: int, rows: TrainingRows, weighing: str
) -> list[ColumnView]:
    """Return these views of the rows with their columns weighed, and all networks shared; their `x` is overwritten."""
    counts = shared_networks(n_networks, len(views))
    return [view.weighed(rows, count, weighing) for view, count in zip(views, counts, strict=True)]


def views_of_before(
    clip: InputClip | None, setting: Any, rows: TrainingRows, n_networks: int, weighing: str
) -> list[ColumnView]:
    """Return the views of a fit before, with its clip and its weighing of the columns.

    Raises
    ------
    InputError
        If the setting `scaling` asks for others, or the table is sparse and would be clipped.
    """
    views = []
    for own, count in clips_of_before(clip, setting, checks.is_sparse(rows.x), n_networks):
        columns = rows.x if own is None else own.columns(rows.x)
        view = standardised_view(columns, own, rows, count)
        views += chosen_views([view], count, rows, weighing)
    return views


def clips_of_before(
    clip: InputClip | None, setting: Any, sparse: bool, n_networks: int
) -> list[tuple[InputClip | None, int]]:
    """Return the clip and the number of networks of each view of a fit before.

    Raises
    ------
    InputError
        If the setting `scaling` asks for other views, or the table is sparse and would be clipped.
    """
    clipped = 0 if clip is None else int(clip.networks.sum())
    counts = {STANDARD: n_networks - clipped, SMOOTH_CLIP: clipped}
    if clipped and sparse:
        raise InputError(
            "warm_start goes on with networks that see clipped columns, and X is a sparse table now: give X.toarray(), or "
            "set warm_start=False to start anew"
        )
    if setting != "auto" and counts[setting] != n_networks:
        raise InputError(
            f"warm_start goes on with the same networks, of which {clipped} of {n_networks} see clipped columns, and "
            f"scaling={setting!r} asks for others. Set scaling='auto' to go on, or warm_start=False to start anew"
        )
    clips = {STANDARD: None, SMOOTH_CLIP: clip}
    return [(clips[name], count) for name, count in counts.items() if count]


def networks_by_view(
    params: Params, views: Sequence[ColumnView]
) -> list[tuple[ColumnView, Params]]:
    """Return each view with the weights of its networks; views whose networks were not trained are left out."""
    if len(views) == 1 or params.n_networks is None:
        return [(views[0], params)]
    parts, first = [], 0
    for view in views:
        some = slice(first, first + view.n_networks)
        first += view.n_networks
        if some.start < params.n_networks:
            parts.append((view, params.map(lambda w, some=some: w[some])))  # type: ignore[misc]
    return parts


def joined_networks(parts: Sequence[Params]) -> Params:
    """Return the networks of all parts together."""
    if len(parts) == 1:
        return parts[0]
    several = [part if part.n_networks else part.map(lambda w: w[None]) for part in parts]
    return several[0].map(lambda *arrays: np.concatenate(arrays), *several[1:])


def params_for_user(
    params: Params, views: Sequence[ColumnView], targets: Scaling | None
) -> tuple[Params, InputClip | None]:
    """Return weights of all networks for the user's own, or clipped, columns; and the clip, if there is one."""
    parts = networks_by_view(params, views)
    own = joined_networks([view.own_params(part, targets) for view, part in parts])
    clips = [view.clip for view, _ in parts if view.clip is not None]
    networks = [np.full(part.n_networks or 1, view.clip is not None) for view, part in parts]
    return own, clips[0].of_networks(np.concatenate(networks)) if clips else None

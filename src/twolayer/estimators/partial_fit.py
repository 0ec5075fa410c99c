"""`partial_fit`: one pass over some rows that goes on from the weights that are there, with Adam's memory."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.engines import get_engine
from twolayer.errors import InputError, warn_user
from twolayer.estimators.callbacks import CallbackList, progress_in_own_units, user_callbacks
from twolayer.estimators.column_views import (
    ColumnView,
    joined_networks,
    networks_by_view,
    params_for_user,
)
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.ensemble import loss_curves, stack_runs
from twolayer.estimators.fit_plan import (
    DEFAULT_BATCH,
    DEFAULT_NETWORKS,
    LearningTask,
    alpha_or_none,
    hidden_sizes,
)
from twolayer.estimators.initial_weights import initial_params, start_at_mean
from twolayer.estimators.selection.alpha_choice import FALLBACK_ALPHA
from twolayer.estimators.standardise import Scaling
from twolayer.estimators.stream_state import ColumnMoments, StreamState
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths.network import Params
from twolayer.maths.smooth_clip import SCALINGS, SMOOTH_CLIP, InputClip
from twolayer.solvers import SolverMemory
from twolayer.solvers.adam import Adam, ResumedAdam
from twolayer.training.loop import was_interrupted
from twolayer.training.train import Run, train

YOUNG_ROWS = 100  # that tell a spread to a factor of 2, twice as many to 3
LEAST_COMPILED = 100_000  # rows times columns times hidden units
TYPICAL_ROWS = 1000  # of a stream, where a setting "auto" follows from the shape of the table


def has_partial_fit(model: Any) -> bool:
    """Return whether the model has `partial_fit`: with Adam, and where no rows have to be left out of training."""
    if model.calibrate is True:
        raise AttributeError(
            "calibrate=True needs rows left out of training, and partial_fit leaves none out: set calibrate=False, or "
            "call fit"
        )
    if getattr(model, "spread", False) is True:
        raise AttributeError(
            "spread=True needs rows left out of training, and partial_fit leaves none out: set spread='auto', or call fit"
        )
    return model.solver in ("auto", Adam.name)


def train_one_pass(model: Any, rows: TrainingRows, numbers: bool) -> None:
    """Train the model on these rows, once, and set its fitted attributes; `numbers` says what the targets are."""
    if model.engine != "auto":
        get_engine(model.engine)  # else there is none of that name
    before = model.params_ if hasattr(model, "w1_") else None
    task = model._task((TYPICAL_ROWS, rows.x.shape[1]), before)
    check_same_network(before, task, hidden_sizes(model.n_hidden))
    clip = check_stream_scaling(model, before)
    told = getattr(model, "stream_", StreamState())
    state = told.joined(rows.x, rows.y, rows.s, numbers, clip)
    targets = state.targets.scaling() if task.standardise_y and state.targets else None
    rng = model.__dict__.get("_stream_rng") or model._rng()
    views = stream_views(state, rows.x, clip, 1 if before is None else before.n_networks or 1)
    if before is None:
        views[0].start = first_params(model, rows, task, views[0], rng)
    else:
        for view, part in networks_by_view(before, views):
            moments = None  # what a fit has learned stays as it is
            if not told.rows.least:
                moments = told.inputs if view.clip is None else told.clipped
            young = with_young_spreads(part, moments, view)
            view.start = view.scaled_params(young, targets).copy()
            draw_first_rows(view, moments, rng)
    alpha = alpha_or_none(model.alpha)
    if alpha is None:
        alpha = getattr(model, "alpha_", FALLBACK_ALPHA)
    run = train_views(model, rows, task, alpha, state, views, targets, rng)
    if was_interrupted(run.stopped):
        text = (
            "partial_fit interrupted by the user (Ctrl-C): not all of these rows were learned from"
        )
        warn_user(text)
    model.__dict__.pop("temperature_", None)  # of a fit before
    model._stream_rng, model.stream_ = rng, state
    model._set_networks_and_clip(*params_for_user(run.params, views, targets))
    model.column_weighing_ = NO_WEIGHING  # from here on
    model.alpha_, model.solver_ = alpha, Adam.name
    curves = loss_curves(run.losses, len(run.losses))
    if before is not None and model.network_loss_curves_.shape[1:] == curves.shape[1:]:
        curves = np.concatenate([model.network_loss_curves_, curves])
    model.network_loss_curves_, model.loss_ = curves, run.final_loss
    model.n_iter_, model.stopped_ = len(curves), run.stopped
    model.device_ = run.device


def with_young_spreads(params: Params, told: ColumnMoments | None, view: ColumnView) -> Params:
    """Return weights for the user's own columns, smaller where a column spreads far wider than a few rows told before.

    Weights are learned on columns of spread 1. Where the spread that they were learned at was that of a few rows by chance
    close together, they would be enormous at the one of all rows: they keep their size on columns of spread 1 then, and what
    they said at the mean before.

    Parameters
    ----------
    params : Params
    told : ColumnMoments or None
        Of the rows before.
    view : ColumnView
        The columns with the spread of all rows so far.
    """
    if told is None:
        return params
    known = (told.spread > 0) & ~view.inputs.constant
    growth = np.where(known, view.inputs.scale / np.where(known, told.spread, 1), 1)
    shrink = np.minimum(1, (1 + told.total / YOUNG_ROWS) / growth)[:, None]
    if (shrink == 1).all():
        return params
    w1, w_skip = params.w1 * shrink, None if params.w_skip is None else params.w_skip * shrink
    b1 = params.b1 if params.b1 is None else params.b1 + told.mean @ (params.w1 - w1)
    b2 = params.b2 if w_skip is None else params.b2 + told.mean @ (params.w_skip - w_skip)
    return Params(w1, b1, params.w2, b2, w_skip)


def draw_first_rows(view: ColumnView, told: ColumnMoments | None, rng: np.random.Generator) -> None:
    """Give columns that were the same in a few rows before, and are not now, the random weights that others began with."""
    if told is None or told.total >= YOUNG_ROWS or view.start is None:
        return
    fresh = (told.spread == 0) & ~view.inputs.constant
    if fresh.any():
        start, x = view.start, spanned_rows(view)
        drawn = initial_params(
            x, ~fresh, start.n_hidden, start.n_outputs, rng, n_networks=start.n_networks
        )
        start.w1[..., fresh, :] = drawn.w1[..., fresh, :]


def check_stream_scaling(model: Any, before: Params | None) -> InputClip | None:
    """Return the clip of the columns; raise InputError if the first pass is to find one."""
    checks.one_of(model.scaling, dict.fromkeys(SCALINGS), "scaling")
    if before is None and model.scaling == SMOOTH_CLIP:
        raise InputError(
            "scaling='smooth_clip' needs the quartiles of all rows, and partial_fit sees some at a time: call fit first, "
            "whose clip partial_fit keeps, or set scaling='standard'"
        )
    return None if before is None else model.input_clip_


def stream_views(
    state: StreamState, x: Any, clip: InputClip | None, n_networks: int
) -> list[ColumnView]:
    """Return the views of these rows, standardised as all rows so far."""
    clipped = 0 if clip is None else int(clip.networks.sum())
    views = []
    for moments, own, count in (
        (state.inputs, None, n_networks - clipped),
        (state.clipped, clip, clipped),
    ):
        if count:
            assert moments is not None
            scaling = moments.scaling()
            view = ColumnView(x, scaling, own, count, scaling)
            view.x = view.columns(x)
            views.append(view)
    return views


def train_views(
    model: Any,
    rows: TrainingRows,
    task: LearningTask,
    alpha: float,
    state: StreamState,
    views: list[ColumnView],
    targets: Scaling | None,
    rng: np.random.Generator,
) -> Run:
    """Return the run of one pass: the penalties are those that `fit` has, of which a chunk takes its share."""
    y = task.smoothed(rows.y) if targets is None else (rows.y - targets.mean) / targets.scale
    given = model.batch_size
    batch = DEFAULT_BATCH if given is None else checks.whole_number(given, "batch_size")
    batch = min(batch, rows.n_rows)
    rate = checks.finite_number(model.learning_rate_init, "learning_rate_init", above=0)
    unit = chunk_unit(rows, task, state)
    callbacks = user_callbacks(model.callback)
    memories = memory_by_view(state.memory, views)
    runs, first, total = [], 0, sum(view.n_networks for view in views)
    for view, memory in zip(views, memories, strict=True):
        own_units = partial(progress_in_own_units, model=model, view=view, targets=targets)
        called = CallbackList(callbacks, own_units) if callbacks else None
        if called is not None and len(views) > 1:
            called.part = first, view.n_networks, total
        first += view.n_networks
        assert view.start is not None
        run = train(
            view.x,
            y,
            view.start,
            loss=task.loss,
            activation=task.activation,
            solver=ResumedAdam(rate, memory=memory),
            alpha=alpha * unit,
            l1=task.l1 * unit,
            dropout=task.dropout,
            batch_size=batch,
            steps=-(-rows.n_rows // batch),
            sample_weight=rows.s,
            engine=pass_engine(model.engine, rows.x.shape, task.n_hidden),
            span=False,
            random_state=rng,
            callback=called,
        )
        runs.append(run)
    if len(runs) == 1:
        return runs[0]
    state.memory.update(joined_memory(memories))
    return stack_runs(runs)


def pass_engine(given: str, shape: tuple[int, int], n_hidden: int) -> str:
    """Return the engine of a pass over rows of this shape: not the compiled one where its call costs more than it saves."""
    large = shape[0] * shape[1] * n_hidden >= LEAST_COMPILED
    return "auto" if large and given in ("auto", "compiled") else "numpy"


def chunk_unit(rows: TrainingRows, task: LearningTask, state: StreamState) -> float:
    """Return a factor for the penalties, the share of these rows in them."""
    unit = rows.n_rows / state.rows.value()
    if task.loss.has_link and state.targets is not None:
        unit *= max(1.0, float(state.targets.mean.mean()))
    return unit if rows.s is None else unit * float(rows.s.mean())


def memory_by_view(memory: SolverMemory, views: list[ColumnView]) -> list[SolverMemory]:
    """Return Adam's memory of the networks of each view."""
    if len(views) == 1:
        return [memory]
    parts: list[SolverMemory] = [{} for _ in views]
    for name, one in memory.items():
        own = (
            [part for _, part in networks_by_view(one, views)] if isinstance(one, Params) else None
        )
        for k, part in enumerate(parts):
            part[name] = one if own is None else own[k].copy()
    return parts


def joined_memory(memories: list[SolverMemory]) -> SolverMemory:
    """Return Adam's memory of all networks: the inverse of `memory_by_view`."""
    return {
        name: joined_networks([memory[name] for memory in memories])
        if isinstance(one, Params)
        else max(memory[name] for memory in memories)
        for name, one in memories[0].items()
    }


def check_same_network(before: Params | None, task: LearningTask, widths: list[int]) -> None:
    """Raise InputError if the settings ask for another network than the one that is there, or for one of several."""
    if before is None:
        if len(widths) > 1:
            raise InputError(
                f"n_hidden={widths}: to choose one, rows have to be left out, and partial_fit sees some at a time. Call fit "
                "first, whose choice partial_fit keeps, or give one number"
            )
        return
    there = (before.n_hidden, before.w_skip is not None)
    if there != (task.n_hidden, task.skip):
        raise InputError(
            "partial_fit goes on with the same network: n_hidden and whether there is a skip layer were "
            f"{there}, and the settings ask for {(task.n_hidden, task.skip)}. Set them back, or call fit"
        )


def first_params(
    model: Any, rows: TrainingRows, task: LearningTask, view: ColumnView, rng: np.random.Generator
) -> Params:
    """Return random weights, before the first pass."""
    given = model.n_networks
    n_networks = checks.whole_number(
        DEFAULT_NETWORKS if isinstance(given, str) else given, "n_networks"
    )
    if checks.is_sparse(rows.x):
        n_networks = 1  # no engine takes a sparse table for many at once
    params = initial_params(
        spanned_rows(view),
        view.inputs.constant,
        task.n_hidden,
        task.n_outputs,
        rng,
        n_networks=None if n_networks == 1 else n_networks,
        skip=task.skip,
    )
    return start_at_mean(params, rows.y, rows.s, task.loss)


def spanned_rows(view: ColumnView) -> Any:
    """Return rows in whose span first weights are: later rows are as many as the columns, unless these are many."""
    n_columns = view.shape[1]
    return view.x if n_columns > TYPICAL_ROWS else np.zeros((n_columns, n_columns))

"""Training as users call it: check the arguments, choose an engine, run the loop, return the run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem, checked_objective
from twolayer.solvers import Solver, get_solver, solver_refusal
from twolayer.training import checkpoints, threads
from twolayer.training.batches import Batches
from twolayer.training.ctrl_c import deferred_ctrl_c
from twolayer.training.engine_choice import EngineChoice
from twolayer.training.fingerprint import training_fingerprint
from twolayer.training.loop import LoopResult, Progress, TrainingLoop, train_one_by_one
from twolayer.training.table_home import table_home


@dataclass(frozen=True, eq=False)
class Run:
    """A training run that has ended.

    Attributes
    ----------
    params : Params
        The trained weights (NumPy arrays).
    losses : ndarray of float64, shape (steps taken,) or (steps taken, n_networks)
        `losses[t]` is the objective before update t, on that step's batch.
    final_loss : float, or ndarray of shape (n_networks,)
        The objective on all rows after the last update.
    seconds : float
        Wall time of the call.
    engine, device : str
        Who computed the gradients, and where.
    span : bool
        Whether the exact shortcut for wide tables was used.
    why : str
        Why this engine and this form, in one sentence.
    stopped : str
        Why it ended: "all steps taken", "tol reached", "interrupted", "stopped by the callback", or the solver's reason.
    settings : dict
        The names and numbers of the call.
    """

    params: Params
    losses: np.ndarray
    final_loss: Any
    seconds: float
    engine: str
    device: str
    span: bool
    why: str
    stopped: str
    settings: dict[str, Any] = field(default_factory=dict)


def train(
    x: Any,
    y: Any,
    params: Params,
    *,
    loss: Any = "sum_of_squares",
    activation: Any = "relu",
    solver: Any = "gd",
    learning_rate: float = 1e-6,
    momentum: float = 0.0,
    nesterov: bool = False,
    alpha: float = 0.0,
    l1: float = 0.0,
    dropout: float = 0.0,
    steps: int = 500,
    batch_size: int | None = None,
    sample_weight: Any = None,
    tol: float = 0.0,
    engine: str = "auto",
    device: str = "cpu",
    span: Any = "auto",
    random_state: int | np.random.Generator | None = None,
    callback: Callable[[Progress], Any] | None = None,
    callback_every: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: float = checkpoints.DEFAULT_INTERVAL,
    resume: bool = False,
    client: Any = None,
) -> Run:
    """Train a two-layer network, starting from `params`, which are not changed.

    Parameters
    ----------
    x : array-like, SciPy sparse array, or Dask array or data frame, shape (n_rows, n_inputs)
        Dask's tables are trained on where they are; see Notes.
    y : array-like, shape (n_rows, n_outputs)
        For class losses also class numbers of shape (n_rows,); with one output always also (n_rows,).
    params : Params
        Where to start; their dtype is the dtype of the run. With one more axis in front, that many networks are trained
        at once.
    loss : str or Loss
        "sum_of_squares", "squared_error", "log_loss" (one class per row), "absolute_error", "huber", "quantile", "poisson"
        (counts, y at least 0), "gaussian_nll" (y holds squares of residuals, and the output is the logarithm of their
        standard deviation), or "binary_log_loss" (several yes-or-no labels, one logit each); `twolayer.Huber(delta)`
        and `twolayer.Quantile(level)`, which by name are Huber(1.0) and Quantile(0.5); or a `twolayer.OwnLoss`.
    activation : str or Activation
        "relu", "identity", "tanh", "logistic", "leaky_relu" (slope 0.01 below 0), "softplus", or "gelu"; or a
        `twolayer.OwnActivation`.
    solver : {"gd", "adam", "lbfgs"} or Solver
        Gradient descent (on batches: SGD), Adam, or L-BFGS, which takes all rows at once and needs no learning rate.
    learning_rate : float
        Above 0.
    momentum : float
        From 0 to below 1, for "gd".
    nesterov : bool
        Nesterov's form of momentum, for "gd".
    alpha : float
        Weight decay: adds ½·alpha·(‖w1‖² + ‖w2‖² + ‖w_skip‖²) to a loss that is a sum, ½·alpha/S of it to a mean, with S
        the total row weight.
    l1 : float
        Adds l1·(Σ|w1| + Σ|w_skip|) to a loss that is a sum, l1/S of it to a mean: weights of inputs of little use become
        exactly 0. For "gd" (without nesterov) and "adam", which shrink the weights after each step. With alpha=0 and a
        rectifier, small w1 can hide behind large w2: give both.
    dropout : float
        From 0 to below 1: the share of hidden units left out for each row, drawn anew at every step; the others count
        1/(1 − dropout). For "gd" and "adam". `losses` are those of the thinned networks; `final_loss` and `twolayer.forward`
        take all units. `tol` would compare losses that jump from step to step: leave it at 0.
    steps : int
        Updates to make.
    batch_size : int or None
        Rows per step, drawn anew in random order in each pass over the table; None for all rows.
    sample_weight : array-like, shape (n_rows,), or None
        Row weights.
    tol : float
        Stop when the mean objective of the last 10 steps (with batches: of as many whole passes as have 10 steps) is less
        than `tol`, relatively, below that of as many steps before; 0 never stops early. L-BFGS stops where the gradient's
        length is at most `tol`, or a step lowers the objective by less than `tol`/10,000 of it.
    engine : str
        One of `twolayer.engines()`, which then runs the program as written; or "auto", which chooses from the shapes and
        settings.
    device : str
        "cpu", "cuda", "cuda:1", ..., or "auto".
    span : bool or "auto"
        The exact shortcut for wide tables.
    random_state : int, numpy.random.Generator or None
        For the order of the batches, and for dropout.
    callback : callable or None
        Called between chunks of steps with a `Progress`, and after the last step, whatever ended the training; training
        ends when it returns True; networks that would be trained after the one at hand then stay as they are.
    callback_every : int or None
        Call back exactly every so many steps, and after the last; None for about ten times a second.
    checkpoint : str, Path or None
        A file to which the training is written while it runs, so that it can go on if the process is killed; see Notes.
    checkpoint_every : float
        Seconds from one writing of it to the next.
    resume : bool
        Go on from the checkpoint, if it exists.
    client : distributed.Client or None
        Of Dask, where `x` is Dask's: the cluster that trains; None for the active one.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If an array or setting cannot be used, or the checkpoint is that of another training.
    FileError
        If the checkpoint is damaged or cannot be written, or exists without `resume`.
    EngineError
        If the engine or device is unknown, missing, or cannot do this.
    DivergedError
        If the loss or a weight stops being finite; it carries the last finite parameters.

    Notes
    -----
    Ctrl-C ends the training after the current chunk and returns the run so far; a second Ctrl-C raises as usual.

    A training that was killed, and is called again with the same arguments and `resume=True`, ends with the weights and
    losses it would have had, on one thread to the last bit. The checkpoint stays when the training has ended, and the same
    call then returns at once. Ctrl-C leaves one too. A callback with a state of its own, to be stored too, has two methods:
    `state_dict()`, which returns it as dicts, lists, NumPy arrays, numbers and text, and `load_state_dict(state)`.

    A Dask table in blocks of rows is trained by "gd" or "lbfgs" on all its rows, each block's gradients being computed where
    the block is. One in blocks of columns is trained in the span: one pass over it, steps on a small matrix here, and a
    second pass for `w1`, which is of the kind that it had in `params`, NumPy's or Dask's. `y` and `sample_weight` may be
    either. Two runs on blocks of the same sizes are equal bit for bit, whatever the workers do.

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
    >>> run = tl.train(x, y, tl.init_params(1000, 100, 10, bias=False), steps=500)
    >>> bool(run.final_loss < 1e-3 * run.losses[0])
    True
    """
    started = time.perf_counter()
    tol = checks.finite_number(tol, "tol", at_least=0)
    rule = get_solver(solver, learning_rate, momentum, nesterov, tol)
    steps = checks.whole_number(steps, "steps", at_least=0)
    if callback_every is not None:
        callback_every = checks.whole_number(callback_every, "callback_every")
    if callback is not None and not callable(callback):
        raise InputError(f"callback must be a function or None; got {checks.short_repr(callback)}")
    objective = checked_objective(loss, activation, alpha, l1, dropout)
    if refusal := solver_refusal(rule, objective):
        raise InputError(str(refusal))
    home = table_home(x, client)
    with home.at_work():
        params = home.checked_params(params)
        problem = home.checked_problem(x, y, params, objective, sample_weight)
        batch_size = checked_batch_size(batch_size, problem, rule)
        choice = home.choose_engine(
            problem,
            params,
            rule,
            engine=engine,
            device=device,
            span=span,
            steps=steps,
            batch_size=batch_size,
        )
        batches = Batches(problem, batch_size, random_state, params)
        settings = {"steps": steps, "batch_size": batch_size, "tol": tol}
        with (
            checkpoints.open_checkpoint(checkpoint, checkpoint_every, resume) as file,
            threads.limited_threads(largest_product_size(problem, params, batch_size)),
        ):
            fingerprint = None
            if file is not None:
                form = choice.span and choice.span.__name__
                rng = None if random_state is None else batches.rng
                fingerprint = training_fingerprint(
                    problem,
                    params,
                    rule,
                    choice.engine,
                    rng,
                    {**settings, "device": choice.device, "span": form},
                )
            with checkpoints.recorded_call(file, fingerprint, batches, callback, params) as record:
                chosen = choice.enter(problem, params)
                watch = {"started": started, "callback": callback, "callback_every": callback_every}
                ended = run_loops(
                    choice, chosen, rule, batches, record, steps=steps, tol=tol, **watch
                )
                trained = chosen.recover(ended.params)
    return Run(
        params=trained,
        losses=ended.losses,
        final_loss=ended.final_loss,
        seconds=time.perf_counter() - started,
        engine=choice.engine.name,
        device=choice.device,
        span=choice.span is not None,
        why=choice.why,
        stopped=ended.stopped,
        settings={
            "loss": str(objective.loss),
            "activation": objective.activation.name,
            "alpha": objective.alpha,
            "l1": objective.l1,
            "dropout": objective.dropout,
            "solver": rule.name,
            "learning_rate": learning_rate,
            "momentum": momentum,
            "nesterov": nesterov,
            **settings,
        },
    )


def run_loops(
    choice: EngineChoice,
    form: Any,
    solver: Solver,
    batches: Batches,
    record: checkpoints.CallRecord | None,
    **settings: Any,
) -> LoopResult:
    """Train in the chosen form, all networks at once or one after another; return how it ended."""

    def loop_from(
        start: Params,
        recover: Callable[[Params], Params],
        network: tuple[int, int] | None = None,
    ) -> TrainingLoop:
        state = choice.engine.prepare(form.problem, start, solver, choice.device)
        return TrainingLoop(
            choice.engine, state, recover, batches, record=record, network=network, **settings
        )

    multiplications = largest_product_size(form.problem, form.params, batches.batch_size)
    with threads.limited_threads(multiplications), deferred_ctrl_c() as interrupted:
        if solver.one_network and form.params.n_networks is not None:
            ended = train_one_by_one(form, loop_from, interrupted)
        else:
            ended = loop_from(form.params, form.recover).run_to_end(interrupted)
        if record is not None and interrupted():
            record.stop()
    return ended


def checked_batch_size(batch_size: Any, problem: Problem, solver: Solver) -> int | None:
    """Return the rows per step; None for all of them."""
    if batch_size is None or checks.whole_number(batch_size, "batch_size") >= problem.n_rows:
        return None
    if solver.full_batch:
        raise InputError(f"{solver.label} works on all rows at once: leave batch_size out")
    return int(batch_size)


def largest_product_size(problem: Problem, params: Params, batch_size: int | None) -> int:
    """Return the number of multiplications in the largest matrix product of a step."""
    rows = batch_size or problem.n_rows
    return rows * params.n_hidden * max(params.n_inputs, params.n_outputs)

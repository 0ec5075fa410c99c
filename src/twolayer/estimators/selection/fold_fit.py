"""A fold's pass over the table, made once for every fit on it.

A fit needs of a table only its rows, standardised. Where there are more columns than rows, the rows stand in few columns:
with x = z @ q (`span.coordinates`) a network of z that starts from v is the network of x that starts from v seen along the
rows of q, and what a new row has beside those directions meets no weight, as the estimators start inside the span. So a
fold costs one pass over its columns, and after that neither alpha nor the number of hidden units, nor another start, nor
another target, costs anything per column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from twolayer import checks
from twolayer.estimators.ensemble import stack_runs
from twolayer.estimators.fit_plan import uses_skip_layer
from twolayer.estimators.initial_weights import initial_params, penalty_unit
from twolayer.estimators.standardise import Scaling, apply_scaling, standardise, unscale_params
from twolayer.maths import network, span
from twolayer.maths.activations import ACTIVATIONS, Activation
from twolayer.maths.network import Params
from twolayer.maths.problem import dropout_rate
from twolayer.solvers import get_solver
from twolayer.training.engine_choice import check_device
from twolayer.training.train import Run, train

DEAD_SHARE = 1e-3  # share of its starting strength, below which a unit is woken for a weaker alpha


@dataclass(frozen=True, eq=False)
class RowAxes:
    """Standardised rows in as few columns as they need.

    Attributes
    ----------
    z : array, shape (n_rows, n_axes)
    inputs : Scaling
        Of the table's own columns.
    constant : ndarray of bool, shape (n_axes,)
        Axes that say nothing.
    new : callable
        `new(x)`: other rows of the table in these axes, (n_new, n_axes).
    back : callable
        `back(v)`: first-layer weights on the table's standardised columns, from those on the axes.
    """

    z: Any
    inputs: Scaling
    constant: np.ndarray
    new: Callable[[Any], Any]
    back: Callable[[np.ndarray], np.ndarray]


def row_axes(x: Any, s: np.ndarray | None, turned: bool) -> RowAxes:
    """The rows of `x` for training; `turned` says whether the solver does not notice a turn of the axes."""
    rows, inputs = standardise(x, s, "X")

    def scaled(x_new: Any) -> Any:
        return apply_scaling(inputs, x_new)

    if not turned or x.shape[0] >= x.shape[1]:
        return RowAxes(rows, inputs, inputs.constant, scaled, lambda v: v)
    turn = span.row_coordinates(rows)
    none = np.zeros(turn.z.shape[1], dtype=bool)
    return RowAxes(turn.z, inputs, none, lambda x_new: turn.of(scaled(x_new)), turn.back)


@dataclass(frozen=True)
class SearchFit:
    """How the networks of a search are trained: an estimator's settings, checked."""

    loss: Any
    activation: Any
    solver: Any
    learning_rate: float
    steps: int
    tol: float
    engine: str
    device: str
    n_networks: int
    skip: bool
    l1: float = 0.0
    dropout: float = 0.0

    @classmethod
    def of(cls, estimator: Any, shape: tuple[int, int]) -> SearchFit:
        """The settings of an estimator, for a table of so many rows and columns."""
        settings = estimator.get_params(deep=False)
        check_device(settings["engine"], settings["device"])
        networks = settings["n_networks"]
        l1 = checks.finite_number(settings.get("l1", 0.0), "l1", at_least=0)
        dropout = dropout_rate(settings.get("dropout", 0.0))
        usual = "adam" if l1 or dropout else "lbfgs"
        return cls(
            estimator._task_loss(),
            checks.one_of(settings["activation"], ACTIVATIONS, "activation", Activation),  # type: ignore[type-abstract]
            usual if settings["solver"] == "auto" else settings["solver"],
            settings["learning_rate_init"],
            checks.whole_number(settings["max_iter"], "max_iter"),
            search_tolerance(estimator) if settings["tol"] is None else settings["tol"],
            settings["engine"],
            settings["device"],
            1 if networks == "auto" else checks.whole_number(networks, "n_networks"),
            uses_skip_layer(settings["skip"], *shape, is_classifier(estimator)),
            l1,
            dropout,
        )

    @property
    def turned(self) -> bool:
        """Whether the solver's steps are the same in turned axes: those of l1 are not."""
        rule = get_solver(self.solver, self.learning_rate)
        return rule.not_in_span is None and not self.l1

    def starts(
        self, axes: RowAxes, n_hidden: int, n_outputs: int, rng: np.random.Generator
    ) -> Params:
        """Where the networks start."""
        return initial_params(
            axes.z,
            axes.constant,
            n_hidden,
            n_outputs,
            rng,
            n_networks=self.n_networks,
            skip=self.skip,
            n_columns=len(axes.inputs.scale),
        )

    def run(self, z: Any, y: np.ndarray, s: Any, start: Params, alpha: float) -> Run:
        """Train all networks at one alpha; on a sparse table one after another."""
        if not checks.is_sparse(z):
            return self.train(z, y, s, start, alpha)
        runs = [self.train(z, y, s, start.network(k), alpha) for k in range(self.n_networks)]
        return stack_runs(runs)

    def train(self, z: Any, y: np.ndarray, s: Any, start: Params, alpha: float) -> Run:
        return train(
            z,
            y,
            start,
            loss=self.loss,
            activation=self.activation,
            solver=self.solver,
            learning_rate=self.learning_rate,
            alpha=alpha,
            l1=self.l1 * penalty_unit(y, s, self.loss),
            dropout=self.dropout,
            random_state=0,
            steps=self.steps,
            tol=0.0 if self.dropout else self.tol,
            sample_weight=s,
            engine=self.engine,
            device=self.device,
            span=False,
        )

    def walk(
        self, z: Any, y: np.ndarray, s: Any, starts: Params, alphas: Iterable[float]
    ) -> Iterator[Run]:
        """The path of alphas, from strong to weak as given, each from where the one before it ended."""
        here = starts
        for alpha in alphas:
            run = self.run(z, y, s, here, alpha)
            yield run
            here = restart_dead_units(run.params, starts)

    def outputs(self, z: Any, params: Params) -> np.ndarray:
        """The output of each network, shape (n_networks, n_rows, n_outputs)."""
        if checks.is_sparse(z):
            networks = [params.network(k) for k in range(len(params.w1))]
            return np.stack([network.forward(z, each, self.activation) for each in networks])
        return network.forward(z, params, self.activation)


def search_tolerance(estimator: Any) -> float:
    """When a fit of a search stops: classes are told apart well before the log loss is at its least."""
    return 1e-2 if is_classifier(estimator) else 1e-3


def restart_dead_units(params: Params, starts: Params) -> Params:
    """The networks with the units that decay has put to sleep set back to where they started.

    Strong decay takes units out: both their layers go to 0, where no gradient ever moves them again. A weaker alpha has a
    use for them.
    """
    asleep = unit_strength(params) <= DEAD_SHARE * unit_strength(starts)  # (n_networks, n_hidden)
    return replace(
        params,
        w1=np.where(asleep[:, None, :], starts.w1, params.w1),
        b1=np.where(asleep, starts.b1, params.b1),
        w2=np.where(asleep[:, :, None], starts.w2, params.w2),
    )


def unit_strength(params: Params) -> np.ndarray:
    """‖w1 of a unit‖²·‖w2 of it‖², shape (n_networks, n_hidden)."""
    return np.square(params.w1).sum(axis=-2) * np.square(params.w2).sum(axis=-1)


def in_column_units(axes: RowAxes, params: Params, targets: Scaling | None) -> Params:
    """The networks as they act on the user's own columns."""
    w_skip = None if params.w_skip is None else axes.back(params.w_skip)
    on_columns = replace(params, w1=axes.back(params.w1), w_skip=w_skip)
    return unscale_params(on_columns, axes.inputs, targets)

"""How the networks of a search are trained: an estimator's settings, for all networks of one fold at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from twolayer import checks
from twolayer.estimators.ensemble import single_networks, stack_runs
from twolayer.estimators.fit_plan import uses_skip_layer
from twolayer.estimators.initial_weights import initial_params, penalty_unit
from twolayer.estimators.selection.dead_units import restart_dead_units
from twolayer.estimators.selection.row_axes import RowAxes
from twolayer.maths import network
from twolayer.maths.activations import ACTIVATIONS, Activation
from twolayer.maths.network import Params
from twolayer.maths.problem import dropout_rate
from twolayer.solvers import get_solver
from twolayer.training.engine_choice import check_device
from twolayer.training.train import Run, train


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
    def from_estimator(cls, estimator: Any, shape: tuple[int, int]) -> SearchFit:
        """Return the settings of an estimator, for a table of so many rows and columns."""
        settings = estimator.get_params(deep=False)
        check_device(settings["engine"], settings["device"])
        networks = settings["n_networks"]
        l1 = checks.finite_number(settings.get("l1", 0.0), "l1", at_least=0)
        dropout = dropout_rate(settings.get("dropout", 0.0))
        default = "adam" if l1 or dropout else "lbfgs"
        return cls(
            estimator._task_loss(),
            checks.one_of(settings["activation"], ACTIVATIONS, "activation", Activation),  # type: ignore[type-abstract]
            default if settings["solver"] == "auto" else settings["solver"],
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
    def invariant(self) -> bool:
        """Whether the solver's steps are the same in other axes of the rows: those of l1 are not."""
        solver = get_solver(self.solver, self.learning_rate)
        return solver.not_in_span is None and not self.l1

    @property
    def can_converge(self) -> bool:
        """Whether a training can end before its steps run out."""
        return get_solver(self.solver, self.learning_rate).stops_itself or bool(
            self.tol and not self.dropout
        )

    def start(
        self, axes: RowAxes, n_hidden: int, n_outputs: int, rng: np.random.Generator
    ) -> Params:
        """Return the weights from which the networks start."""
        return initial_params(
            axes.z,
            axes.constant,
            n_hidden,
            n_outputs,
            rng,
            n_networks=self.n_networks,
            skip=self.skip,
            n_columns=axes.n_columns,
        )

    def path(
        self, z: Any, y: np.ndarray, s: Any, start: Params, alphas: Iterable[float]
    ) -> Iterator[Run]:
        """Yield the run at each alpha, from strong to weak as given, each from the weights of the one before it."""
        params = start
        for alpha in alphas:
            run = self.run(z, y, s, params, alpha)
            yield run
            params = restart_dead_units(run.params, start)

    def run(self, z: Any, y: np.ndarray, s: Any, start: Params, alpha: float) -> Run:
        """Train all networks at one alpha; on a sparse table one after another."""
        if not checks.is_sparse(z):
            return self.train(z, y, s, start, alpha)
        return stack_runs([self.train(z, y, s, one, alpha) for one in single_networks(start)])

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

    def outputs(self, z: Any, params: Params) -> np.ndarray:
        """Return the outputs of each network, shape (n_networks, n_rows, n_outputs)."""
        if checks.is_sparse(z):
            each = single_networks(params)
            return np.stack([network.forward(z, one, self.activation) for one in each])
        return network.forward(z, params, self.activation)


def search_tolerance(estimator: Any) -> float:
    """Return when a fit of a search stops: classes are separated well before the log loss is at its least."""
    return 1e-2 if is_classifier(estimator) else 1e-3

"""What the estimators share: their settings, the way from users' arrays to trained networks, and their weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted, validate_data

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.distinct_rows import group_numbers, merge_repeats
from twolayer.estimators.fit import NetworkFit
from twolayer.estimators.fit_plan import (
    FitPlan,
    alpha_or_none,
    label_smoothing_share,
    plan_fit,
    uses_skip_layer,
)
from twolayer.estimators.input_checks import (
    check_columns,
    check_missing_values,
    check_names,
    check_target,
    missing_as_nan,
)
from twolayer.estimators.partial_fit import has_partial_fit, train_one_pass
from twolayer.estimators.preflight import Preflight, check_memory, memory_error, preflight_report
from twolayer.estimators.selection.alpha_path import LearningTask
from twolayer.estimators.selection.permutation_test import PermutationTestMixin
from twolayer.evaluation.splits import validation_rows
from twolayer.maths import network
from twolayer.maths.activations import ACTIVATIONS, Activation
from twolayer.maths.losses import LOSSES, Loss
from twolayer.maths.network import Params
from twolayer.maths.problem import dropout_rate
from twolayer.solvers import get_solver, solver_refusal
from twolayer.training.engine_choice import check_device

VALIDATION_PAIR_MESSAGE = "early_stopping needs both X_val and y_val, or neither"


class TwoLayerEstimator(PermutationTestMixin, BaseEstimator):
    """Networks with one hidden layer that learn from a table. Subclasses say what they learn."""

    calibrate: bool | str = False  # what a classifier lets the user choose
    _loss: str  # the one that is made small if nothing else is asked for

    def __init__(
        self,
        n_hidden: int = 50,
        *,
        activation: Any = "relu",
        alpha: float | str = "auto",
        l1: float = 0.0,
        dropout: float = 0.0,
        skip: bool | str = "auto",
        n_networks: int | str = "auto",
        solver: str = "auto",
        learning_rate_init: float = 0.01,
        batch_size: int | None = None,
        max_iter: int = 1000,
        tol: float = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        scoring: Any = None,
        callback: Any = None,
        warm_start: bool = False,
        engine: str = "auto",
        device: str = "cpu",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.n_hidden = n_hidden
        self.activation = activation
        self.alpha = alpha
        self.l1 = l1
        self.dropout = dropout
        self.skip = skip
        self.n_networks: Any = n_networks
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.scoring = scoring
        self.callback = callback
        self.warm_start = warm_start
        self.engine = engine
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def params_(self) -> Params:
        """All weights together, as `twolayer.forward` takes them."""
        check_is_fitted(self)
        return Params(self.w1_, self.b1_, self.w2_, self.b2_, getattr(self, "w_skip_", None))

    # ---- learning

    def fit(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,  # noqa: N803
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Any:
        """Learn from rows.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)
            A sparse table is scaled without centring.
        y : array-like, shape (n_rows,) or, where several outputs can be learned, (n_rows, n_outputs)
            Numbers; of a classifier the class of each row: text, whole numbers or booleans.
        sample_weight : array-like, shape (n_rows,), or None
        X_val, y_val, sample_weight_val : as X, y, sample_weight
            Rows to stop by. Giving them turns early stopping on, and no rows are kept from X.
        groups : array-like, shape (n_rows,), or None
            Such as the patient a row is from: rows of one group are kept together wherever rows are left out, to choose
            alpha, to calibrate, to stop early.

        Returns
        -------
        self

        Raises
        ------
        InputError, ValueError
            If an array or setting cannot be used.
        DivergedError
            If the loss stops being finite, and with half the learning rate again.
        KeyboardInterrupt
            After Ctrl-C while alpha is looked for. In the training that follows, Ctrl-C ends it, and what was learned until
            then is kept: `stopped_` says "interrupted".
        """
        goes_on = checks.flag(self.warm_start, "warm_start") and hasattr(self, "w1_")
        before, classes = (self.params_, self._class_names()) if goes_on else (None, ())
        self._groups = None if groups is None else group_numbers(groups, _num_samples(X))
        try:
            X, y, s, n_outputs = self._read(X, y, sample_weight)  # noqa: N806
        finally:
            groups = self.__dict__.pop("_groups")
        if goes_on and not np.array_equal(classes, self._class_names()):
            raise InputError(
                f"warm_start goes on with the same classes: they were {checks.short_repr(list(classes))} and are "
                f"{checks.short_repr(list(self._class_names()))} now. Set warm_start=False to start anew"
            )
        if (X_val is None) != (y_val is None):
            raise InputError(VALIDATION_PAIR_MESSAGE)
        validation = (
            None if X_val is None else self._read_validation(X_val, y_val, sample_weight_val)
        )
        self._train(X, y, n_outputs, s, validation, before, groups)
        return self

    def _read(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any, int]:  # noqa: N803
        """Checked rows, targets in the form of training, weights, and how many outputs there are."""
        raise NotImplementedError

    def _read_validation(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any]:  # noqa: N803
        """The same for the rows to stop by."""
        raise NotImplementedError

    def _task_loss(self) -> Loss:
        """What is made small."""
        raise NotImplementedError

    def _standardises_y(self) -> bool:
        """Whether the targets are standardised for training."""
        return False

    def _own_targets(self, y: np.ndarray) -> np.ndarray:
        """Targets in the form of training as the user gave them."""
        raise NotImplementedError

    def _class_names(self) -> Any:
        """The classes, if there are any."""
        return getattr(self, "classes_", ())

    def _read_rows(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any,
        reset: bool = True,
        **how: Any,
    ) -> tuple[Any, Any, Any]:
        """The users' arrays checked, without the rows whose weight is 0."""
        check_target(y, numbers=not is_classifier(self))
        X, y = validate_data(  # noqa: N806
            self,
            self._columns(X, reset),
            y,
            accept_sparse="csr",
            dtype=np.float64,
            ensure_all_finite=False,
            reset=reset,
            **how,
        )
        self._refuse_gaps(X)
        s = checks.row_weights(sample_weight, X.shape[0], np.float64)
        if s is not None and not s.all():
            self._keep_groups(s > 0)
            X, y, s = X[s > 0], y[s > 0], s[s > 0]  # noqa: N806
        return X, y, s

    _groups: np.ndarray | None  # of the rows, while a fit reads them

    def _keep_groups(self, kept: np.ndarray) -> None:
        """Leave the groups of other rows out, while a fit reads its rows."""
        groups = getattr(self, "_groups", None)
        if groups is not None:
            self._groups = groups[kept]

    def _columns(self, X: Any, reset: bool) -> Any:  # noqa: N803
        """The user's table if its columns can be numbers, and are those of the fit unless they are new."""
        check_columns(X)
        if not reset:
            check_names(X, getattr(self, "feature_names_in_", None))
        return missing_as_nan(X)

    def _refuse_gaps(self, X: Any) -> None:  # noqa: N803
        """Raise if a value is missing or infinite, and say in which columns."""
        check_missing_values(X, getattr(self, "feature_names_in_", None))

    def _train(
        self,
        X: Any,  # noqa: N803
        y: np.ndarray,
        n_outputs: int,
        s: np.ndarray | None,
        validation: tuple[Any, np.ndarray, Any] | None = None,
        before: Params | None = None,
        groups: np.ndarray | None = None,
    ) -> None:
        """Train on standardised columns and keep the weights that act on the columns as they are."""
        X, y, s, rows = merge_repeats(X, y, s)  # noqa: N806
        groups = None if groups is None else groups[rows]
        rng = self._rng()
        task = self._task(X, n_outputs, before)
        how = self._way(X, task)
        if how.early_stopping and validation is None:
            kept = validation_rows(y, self.validation_fraction, rng, self._class_names(), groups)
            validation = X[kept], y[kept], None if s is None else s[kept]
            X, y, s = X[~kept], y[~kept], None if s is None else s[~kept]  # noqa: N806
            groups = None if groups is None else groups[~kept]
        if self.verbose:
            print(self._report(X, y, task, how))
        try:
            alpha = alpha_or_none(self.alpha)
            fitting = NetworkFit(self, X, y, s, task, how, rng, before, alpha, groups)
            fitting.run(validation)
        except MemoryError:
            raise memory_error(task.n_hidden, how.n_networks, X) from None
        fitting.keep()
        self.__dict__.pop("_continued", None)

    def _task(self, X: Any, n_outputs: int, before: Params | None = None) -> LearningTask:  # noqa: N803
        """What is learned, from the settings, checked, and the table's shape; `before` is the network to go on with."""
        n_rows, n_inputs = X.shape
        skip = uses_skip_layer(self.skip, n_rows, n_inputs, is_classifier(self))
        if before is not None and self.skip == "auto":
            skip = before.w_skip is not None
        checks.flag(self.calibrate, "calibrate", ("auto",))
        return LearningTask(
            self._task_loss(),
            self._activation(),
            checks.whole_number(self.n_hidden, "n_hidden"),
            n_outputs,
            skip,
            self._standardises_y(),
            checks.finite_number(self.l1, "l1", at_least=0),
            dropout_rate(self.dropout),
            label_smoothing_share(getattr(self, "label_smoothing", 0.0), *X.shape),
        )

    def _way(self, X: Any, task: LearningTask) -> FitPlan:  # noqa: N803
        """How to train on these rows, if there is room for it."""
        check_device(self.engine, self.device)
        checks.whole_number(self.max_iter, "max_iter")
        how = plan_fit(self, X.shape[0], X.shape[1], task.n_hidden)
        refusal = solver_refusal(get_solver(how.solver), task.objective)
        if refusal:
            raise InputError(str(refusal))
        check_memory(X, task.n_hidden, task.n_outputs, how, task.skip)
        return how

    def _rng(self) -> np.random.Generator:
        if isinstance(self.random_state, np.random.Generator):
            return self.random_state
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        return np.random.default_rng(seed)

    def _activation(self) -> Activation:
        return checks.one_of(self.activation, ACTIVATIONS, "activation", Activation)  # type: ignore[type-abstract]

    def _named_loss(self, name: Any) -> Loss:
        return checks.one_of(name, LOSSES, "loss", Loss)  # type: ignore[type-abstract]

    # ---- before and beside

    def preflight(self, X: Any, y: Any, sample_weight: Any = None) -> Preflight:  # noqa: N803
        """What `fit` will take: weights, memory, seconds, the way it goes, and likely trouble. Nothing is trained.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`

        Returns
        -------
        report : Preflight
            `print(report)` tells it in words; its attributes hold the numbers.
        """
        asked = copy.copy(self)
        X, y, _, n_outputs = asked._read(X, y, sample_weight)  # noqa: N806
        task = asked._task(X, n_outputs)
        return asked._report(X, y, task, asked._way(X, task))

    def _report(self, X: Any, y: np.ndarray, task: LearningTask, how: FitPlan) -> Preflight:  # noqa: N803
        return preflight_report(
            X,
            y if y.ndim == 1 else None,
            task.n_outputs,
            task.n_hidden,
            how,
            replace(task.objective, alpha=1.0),
            checks.whole_number(self.max_iter, "max_iter"),
            alpha_or_none(self.alpha) is None,
            task.skip,
        )

    # ---- going on

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: N803
        """Learn a little more from some rows: one pass over them by Adam, in batches.

        The first call settles the scaling of the columns and, where "auto" is asked, the weight decay, the skip layer and
        the smoothing of labels: give it rows that look like the rest, and of a wide table all. Called again and again with
        all rows, it reaches what `fit` reaches.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`
        """
        train_one_pass(self, *self._read_more(X, y, sample_weight))
        return self

    def _read_more(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any, int]:  # noqa: N803
        """Checked rows for `partial_fit`: the first call's settle the columns."""
        if not hasattr(self, "_continued"):
            return self._read(X, y, sample_weight)
        X, y, s = self._read_validation(X, y, sample_weight)  # noqa: N806
        return X, y, s, self.w2_.shape[-1]

    # ---- predicting

    def _outputs(self, X: Any) -> list[np.ndarray]:  # noqa: N803
        """Each network's output for new rows, shape (n_rows, n_outputs)."""
        check_is_fitted(self)
        X = validate_data(  # noqa: N806
            self,
            self._columns(X, reset=False),
            accept_sparse="csr",
            dtype=np.float64,
            ensure_all_finite=False,
            reset=False,
        )
        self._refuse_gaps(X)
        activation = self._activation()
        return [network.forward(X, one, activation) for one in self._each_network()]

    def _each_network(self) -> Iterator[Params]:
        """One network after another."""
        params = self.params_
        if params.n_networks is None:
            yield params
        else:
            yield from (params.network(k) for k in range(params.n_networks))

    def _set_params_of_networks(self, params: Params) -> None:
        """Keep these weights, which act on the user's own units."""
        self.w1_, self.b1_, self.w2_, self.b2_ = params.w1, params.b1, params.w2, params.b2
        self.w_skip_ = params.w_skip
        self.n_networks_ = params.n_networks or 1

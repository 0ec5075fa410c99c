"""What the estimators share: their settings, and the path from users' arrays to trained networks."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, validate_data

from twolayer import checks
from twolayer.checks import is_sparse
from twolayer.errors import InputError
from twolayer.estimators.column_views import fit_views, fit_weighings
from twolayer.estimators.fit import NetworkFit
from twolayer.estimators.fit_draft import fit_draft
from twolayer.estimators.fit_plan import (
    FitPlan,
    LearningTask,
    alpha_or_none,
    hidden_sizes,
    label_smoothing_share,
    largest_fit_product,
    plan_fit,
    uses_skip_layer,
)
from twolayer.estimators.fitted_networks import FittedNetworks
from twolayer.estimators.input_checks import check_target
from twolayer.estimators.partial_fit import has_partial_fit, train_one_pass
from twolayer.estimators.preflight import Preflight, check_memory, memory_error, preflight_report
from twolayer.estimators.selection.permutation_test import PermutationTestMixin
from twolayer.estimators.setting_checks import check_settings
from twolayer.estimators.training_rows import TrainingRows, group_numbers, relative_weights
from twolayer.estimators.uncertainty.influence import InfluenceMixin
from twolayer.estimators.uncertainty.leave_out import LeaveOutMixin
from twolayer.evaluation.splits import validation_rows
from twolayer.maths.losses import LOSSES, Loss
from twolayer.maths.network import Params
from twolayer.maths.problem import dropout_rate
from twolayer.solvers import get_solver, solver_refusal
from twolayer.training import threads
from twolayer.training.engine_choice import check_device
from twolayer.training.loop import BY_CALLBACK, INTERRUPTED
from twolayer.training.table_home import check_client, check_in_memory, is_elsewhere

# loaded when a table is in blocks elsewhere
BLOCK_FITS = "twolayer.distributed.estimator_fit"
BLOCK_STREAMS = "twolayer.distributed.row_stream"


class TwoLayerEstimator(PermutationTestMixin, LeaveOutMixin, InfluenceMixin, FittedNetworks):
    """Networks with one hidden layer that learn from a table. Subclasses define what they learn."""

    calibrate: bool | str = False  # a classifier lets the user choose
    _loss: str  # the name of the default loss
    _keeps_weightless_rows = False
    # with scikit-learn's metadata routing, `groups` are the splitter's alone, as without it, unless the user asks for them
    __metadata_request__fit: ClassVar = {"groups": False, "client": False}

    n_hidden: Any
    alpha: Any
    l1: Any
    dropout: Any
    skip: Any
    scaling: Any
    n_networks: Any
    solver: Any
    learning_rate_init: float
    batch_size: int | None
    max_iter: int
    tol: Any
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    scoring: Any
    callback: Any
    warm_start: bool
    engine: str
    device: str
    random_state: Any
    verbose: int

    def _set_settings(self, settings: Mapping[str, Any]) -> None:
        """Set the arguments of `__init__`, its locals, as attributes, unchanged: `fit` checks them."""
        for name, value in settings.items():
            if name != "self":
                setattr(self, name, value)

    def __sklearn_clone__(self) -> Any:
        """Return an unfitted copy with the same callback, not a copy of it: what it records is where the user looks."""
        bare = copy.copy(self)
        bare.callback = None
        same = super(TwoLayerEstimator, bare).__sklearn_clone__()
        same.callback = self.callback
        return same

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _read(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any,
        groups: np.ndarray | None = None,
        relative: bool = True,
    ) -> TrainingRows:
        """Return checked rows that count, with targets in the form of training; set the attributes that follow from y."""
        raise NotImplementedError

    def _read_more(self, X: Any, y: Any, sample_weight: Any) -> TrainingRows:  # noqa: N803
        """Return more checked rows of the table that `_read` has seen: for validation, or for `partial_fit`."""
        raise NotImplementedError

    def _read_table(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any,
        groups: np.ndarray | None = None,
        reset: bool = True,
        relative: bool = False,
        **settings: Any,
    ) -> TrainingRows:
        """Return the users' arrays checked; `settings` are those of `validate_data`.

        Where only the ratios of the weights are to matter, `relative` is True.
        """
        check_in_memory(X, "X", f"{type(self).__name__} reads it in memory here")
        check_target(y, numbers=not is_classifier(self))
        if hasattr(X, "checked_with"):  # a table that is not here
            X, y = X.checked_with(self, y, reset, **settings)  # noqa: N806
        else:
            X, y = validate_data(  # noqa: N806
                self,
                self._check_columns(X, reset),
                y,
                accept_sparse="csr",
                dtype=np.float64,
                ensure_all_finite=False,
                reset=reset,
                multi_output=True,
                **settings,
            )
            self._check_missing_values(X)
        s = checks.row_weights(sample_weight, X.shape[0], np.float64)
        if s is not None and relative:
            s = relative_weights(s)
        return TrainingRows(X, y, s, groups)

    def _counted(self, rows: TrainingRows) -> TrainingRows:
        """Return the rows that count: without those of weight 0, unless a splitter may count on them."""
        return rows if self._keeps_weightless_rows else rows.counted()

    def _original_targets(self, y: np.ndarray) -> np.ndarray:
        """Return targets in the form of training as the user gave them."""
        raise NotImplementedError

    def _class_names(self) -> Any:
        """Return the classes, if there are any."""
        return getattr(self, "classes_", ())

    def fit(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,  # noqa: N803
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
        client: Any = None,
    ) -> Any:
        """Learn from rows.

        Parameters
        ----------
        X : array-like, data frame, SciPy sparse array, or Dask array or data frame, shape (n_rows, n_inputs)
            A sparse table is scaled without centring. Dask's tables are learned from where they are, block by block; in
            blocks of columns more than 50 million weights stay there, and `w1_` is a Dask array.
        y : array-like, shape (n_rows,) or, where several outputs can be learned, (n_rows, n_outputs)
            Numbers; of a classifier the class of each row: text, whole numbers or booleans. A single column is taken as
            (n_rows,), with scikit-learn's DataConversionWarning.
        sample_weight : array-like, shape (n_rows,), or None
        X_val, y_val, sample_weight_val : as X, y, sample_weight
            Rows for early stopping. Giving them turns early stopping on, and no rows are held out from X.
        groups : array-like, shape (n_rows,), or None
            Such as the patient a row is from: rows of one group stay together wherever rows are left out, to choose
            alpha, to calibrate, to stop early. In `cross_validate` and the like `set_fit_request(groups=True)` passes them
            on to here, with scikit-learn's metadata routing; by default the splitter alone has them.
        client : distributed.Client or None
            Of Dask, where `X` is Dask's: the cluster that works; None for the active one.

        Returns
        -------
        self

        Raises
        ------
        InputError, ValueError
            If an array or setting cannot be used.
        DivergedError
            If the loss stops being finite, and with half the learning rate again.
        ConcurrentFitError
            If another thread is fitting this object.
        KeyboardInterrupt
            After Ctrl-C while alpha is searched for. In the training that follows, Ctrl-C ends it, and what was learned
            until then stays: `stopped_` says "interrupted", and a TwoLayerWarning.

        Notes
        -----
        Of a Dask table in blocks of rows, "auto" means one network, standardised columns and L-BFGS on all rows at each
        step; what other settings mean there stands in docs/scaling.md.
        """
        with fit_draft(self) as model:
            check_settings(model.get_params(deep=False))
            if is_elsewhere(X):
                blocks, given = import_module(BLOCK_FITS), (X_val, y_val, sample_weight_val)
                blocks.fit_blocks(model, X, y, sample_weight, groups, given, client)
                return self
            check_client(client)
            warm = model.warm_start and hasattr(model, "w1_")
            before, classes = (model.params_, model._class_names()) if warm else (None, ())
            numbers = None if groups is None else group_numbers(groups, _num_samples(X))
            rows = model._read(X, y, sample_weight, numbers)
            if warm:
                model._check_same_classes(classes)
            if (X_val is None) != (y_val is None):
                raise InputError("early_stopping needs both X_val and y_val, or neither")
            validation = None
            if X_val is not None:
                validation = model._read_validation(X_val, y_val, sample_weight_val)
            model._train(rows, validation, before)
        return self

    def _check_same_classes(self, classes: Any) -> None:
        """Raise InputError if the classes are not those of the fit before."""
        if not np.array_equal(classes, self._class_names()):
            were, are = (
                checks.short_repr(np.asarray(one).tolist())
                for one in (classes, self._class_names())
            )
            raise InputError(
                f"warm_start goes on with the same classes: they were {were} and are {are} now. "
                "Set warm_start=False to start anew"
            )

    def _read_validation(self, X_val: Any, y_val: Any, sample_weight: Any) -> TrainingRows:  # noqa: N803
        """Return the checked rows for early stopping; an error says that it is about them."""
        try:
            return self._read_more(X_val, y_val, sample_weight)
        except (ValueError, TypeError) as error:
            raise InputError(
                f"in the rows for validation, X_val as X, y_val as y, sample_weight_val as sample_weight: {error}"
            ) from error

    def _train(
        self, rows: TrainingRows, validation: TrainingRows | None, before: Params | None
    ) -> None:
        """Train on standardised columns and keep the weights that act on the columns as they are."""
        rows = rows.distinct()
        rng = self._rng()
        task = self._task(rows.x.shape, before)
        plan = self._plan(rows.x, task, early_stopping=validation is not None)
        stopped = getattr(self, "stopped_", "")
        if before is not None and (stopped.startswith(BY_CALLBACK) or INTERRUPTED in stopped):
            kept = min(before.n_networks or 1, plan.n_networks)  # the others were not trained
            plan = replace(plan, n_networks=kept)
        if plan.early_stopping and validation is None:
            names, fraction = self._class_names(), self.validation_fraction
            held_out = validation_rows(rows.y, fraction, rng, names, rows.groups)
            validation, rows = rows.subset(held_out), rows.subset(~held_out)
        if self.verbose:
            print(self._report(rows, task, plan))
        with threads.limited_threads(largest_fit_product(rows.x.shape, task.n_hidden)):
            try:
                fit = NetworkFit(self, rows, task, plan, rng, before)
                fit.run(validation)
            except MemoryError:
                raise memory_error(task.n_hidden, plan.n_networks, rows.x) from None
            fit.set_attributes()
        self.__dict__.pop("_stream_rng", None)

    def _task(self, shape: tuple[int, int], before: Params | None = None) -> LearningTask:
        """Return the task of the checked settings and the table's shape; a warm start goes on with `before`.

        Of several numbers of hidden units it has the most, or those of `before`.
        """
        widths = hidden_sizes(self.n_hidden)
        n_hidden = widths[-1]
        if before is not None and before.n_hidden in widths:
            n_hidden = before.n_hidden
        skip = uses_skip_layer(self.skip, *shape, is_classifier(self))
        if before is not None and self.skip == "auto":
            skip = before.w_skip is not None
        checks.flag(self.calibrate, "calibrate", ("auto",))
        return LearningTask(
            self._task_loss(),
            self._activation(),
            n_hidden,
            self._n_outputs(),
            skip,
            self._standardises_y(),
            checks.finite_number(self.l1, "l1", at_least=0),
            dropout_rate(self.dropout),
            label_smoothing_share(getattr(self, "label_smoothing", 0.0), *shape),
        )

    def _plan(self, X: Any, task: LearningTask, early_stopping: bool = False) -> FitPlan:  # noqa: N803
        """Return how to train on these rows; raise InputError if the settings or the memory do not allow it.

        With `early_stopping` there are rows for it, whatever the settings.
        """
        check_device(self.engine, self.device)
        checks.whole_number(self.max_iter, "max_iter")
        plan = plan_fit(self, X.shape[0], X.shape[1], task.n_hidden)
        plan = replace(plan, early_stopping=plan.early_stopping or early_stopping)
        views = fit_views(self.scaling, is_sparse(X), plan, task)
        weighed = self.scaling == "auto" and alpha_or_none(self.alpha) is None
        weighings = fit_weighings(X, task) if weighed else plan.weighings
        widths = tuple(hidden_sizes(self.n_hidden))
        plan = replace(plan, views=views, weighings=weighings, widths=widths)
        refusal = solver_refusal(get_solver(plan.solver), task.objective)
        if refusal:
            raise InputError(str(refusal))
        if hasattr(X, "check_plan"):  # a table that is not here
            X.check_plan(plan, task)
        else:
            check_memory(X, task.n_hidden, task.n_outputs, plan, task.skip)
        return plan

    def _rng(self) -> np.random.Generator:
        if isinstance(self.random_state, np.random.Generator):
            return self.random_state
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        return np.random.default_rng(seed)

    def _named_loss(self, name: Any) -> Loss:
        return checks.one_of(name, LOSSES, "loss", Loss)  # type: ignore[type-abstract]

    def _standardises_y(self) -> bool:
        """Return whether the targets are standardised for training."""
        return False

    def _n_outputs(self) -> int:
        """Return how many outputs a network has, after `_read`."""
        raise NotImplementedError

    def preflight(self, X: Any, y: Any, sample_weight: Any = None) -> Preflight:  # noqa: N803
        """Return what `fit` will take: weights, memory, seconds, solver, and likely trouble. Nothing is trained.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`

        Returns
        -------
        report : Preflight
            `print(report)` shows it in words; its attributes hold the numbers.
        """
        model = copy.copy(self)
        check_settings(model.get_params(deep=False))
        rows = model._read(X, y, sample_weight)
        task = model._task(rows.x.shape)
        report: Preflight = model._report(rows, task, model._plan(rows.x, task))
        return report

    def _report(self, rows: TrainingRows, task: LearningTask, plan: FitPlan) -> Any:
        if hasattr(rows.x, "report"):  # a table that is not here
            return rows.x.report(task, plan)
        return preflight_report(
            rows.x,
            rows.y if rows.y.ndim == 1 else None,
            task.n_outputs,
            task.n_hidden,
            plan,
            replace(task.objective, alpha=1.0),
            checks.whole_number(self.max_iter, "max_iter"),
            alpha_or_none(self.alpha) is None or len(plan.widths) > 1,
            task.skip,
        )

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: N803
        """Learn a little more from some rows: one pass over them by Adam, in batches.

        It goes on from the weights that are there: of an earlier call, of `fit`, `twolayer.load` or
        `twolayer.from_sklearn`. The means and spreads of the columns follow all rows so far, and alpha counts them as in
        `fit`, each once, so that neither depends on the size of the chunks; an alpha of "auto" is that of the fit before,
        or 1. The clip of columns stays that of the fit before; without one, none is clipped. Called again and again with
        all rows, it reaches what `fit` reaches.

        Parameters
        ----------
        X, y : as in `fit`
            Of a Dask table in blocks of rows, one pass is made over its blocks in order, each in memory here for its turn.
        sample_weight : array-like, shape (n_rows,), or None
            How much each row counts beside the others, those of other calls too.

        Returns
        -------
        self

        Raises
        ------
        InputError, ValueError
            If an array or setting cannot be used, or the settings are those of another network.
        """
        if is_elsewhere(X):
            return self._partial_fit_blocks(X, y, sample_weight)
        with fit_draft(self) as model:
            check_settings(model.get_params(deep=False))
            if hasattr(model, "w1_"):
                rows = model._read_more(X, y, sample_weight)
            else:
                rows = model._read(X, y, sample_weight, relative=False)
            train_one_pass(model, rows, numbers=not is_classifier(model))
        return self

    def _partial_fit_blocks(self, X: Any, y: Any, sample_weight: Any, **more: Any) -> Any:  # noqa: N803
        """Learn from the blocks of a table that is elsewhere, one after another; return self."""
        with fit_draft(self) as model:
            check_settings(model.get_params(deep=False))
            import_module(BLOCK_STREAMS).partial_fit_blocks(model, X, y, sample_weight, **more)
        return self

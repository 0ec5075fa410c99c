"""The estimators that choose alpha, and the number of hidden units, by cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if

from twolayer.errors import warn_user
from twolayer.estimators.base import TwoLayerEstimator
from twolayer.estimators.class_weights import class_weights
from twolayer.estimators.classifier import TwoLayerClassifier
from twolayer.estimators.column_views import standardised_view
from twolayer.estimators.fit_draft import fit_draft
from twolayer.estimators.fit_plan import uses_calibration
from twolayer.estimators.fit_warnings import CONSTANT_SPREAD, convergence_warning
from twolayer.estimators.fitted_networks import WEIGHT_ATTRIBUTES
from twolayer.estimators.regressor import TwoLayerRegressor
from twolayer.estimators.selection.nested_score import NestedScoreMixin
from twolayer.estimators.selection.search import (
    AlphaSearch,
    FoldScores,
    SearchScores,
    distinct_shape,
    integer_seed,
    split_classes,
)
from twolayer.estimators.setting_checks import check_settings
from twolayer.estimators.training_rows import TrainingRows, group_numbers
from twolayer.estimators.uncertainty.class_sets import class_losses
from twolayer.estimators.uncertainty.predictive_spread import PredictiveSpread
from twolayer.estimators.uncertainty.spread import fit_spread
from twolayer.estimators.uncertainty.spread_networks import SpreadNetworksFit, spread_refusal
from twolayer.estimators.uncertainty.temperature import best_temperature
from twolayer.evaluation.splits import FoldRows, fold_splits, weighted_splits
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_targets
from twolayer.training.ctrl_c import ctrl_c_raises
from twolayer.training.loop import steps_ran_out
from twolayer.training.train import Run

SEARCH_PARAMETERS_DOC = """n_hidden : int or list of int
        Units in the hidden layer; from a list the best is chosen.
    {own}
    alphas : list of float or None
        Weight decays to choose from, as `alpha` of the plain estimator, each at least 0; None for ten from 0.01 to 100. They
        are tried from strong to weak, each fit starting from the one before. Row weights have the same unit in all folds.
    cv : int, splitter, or iterable of (train, test)
        A whole number means that many folds in random order{stratified}; with `groups` those of GroupKFold.
    scoring : str, callable or None
        The score of held-out rows, as in scikit-learn: a name, or a function of (model, X, y); None for {default}.
    refit : bool
        Whether to fit all rows at the best; without it there are scores only.
    n_networks : int
        Networks from different first weights, whose {averaged} are averaged.
    activation : str or Activation
        One of those of `twolayer.train`.
    skip : bool or "auto"
        Whether inputs also reach the outputs directly, so that a linear model is a special case; "auto": in a
        classifier with more columns than rows.
    solver : {{"lbfgs", "adam", "gd"}}
    learning_rate_init : float
        For "adam" and "gd"; above 0.
    max_iter : int
        The largest number of steps of each fit.
    tol : float or None
        When a fit stops, as in `twolayer.train`; None for {tol}.
    callback : callable or None
        Called after each training as `callback(done, total)`: the number of trainings so far, and at most in all. What it
        returns does not count; to stop, raise an exception. (The estimators without CV call theirs between the steps of a
        training, with a `twolayer.Progress`.) `sklearn.base.clone` keeps the same object.
    engine : str
        One of `twolayer.engines()`, or "auto".
    device : str
        Where `fit` trains the networks: "cpu"; "cuda", "cuda:1", ... with the torch engines, of which "auto" uses "torch";
        or "auto", a GPU if there is one and the training is long enough. The folds are trained there too.
    random_state : int, RandomState, Generator or None
        The seed of the folds and of the first weights.
    verbose : int
        Above 0, prints the mean score of each n_hidden and alpha."""

LOSS_DOC = """loss : str or Loss
        What training makes small, as in `TwoLayerRegressor`.
    spread : bool or "auto"
        Whether small networks of their own learn how far targets scatter, from the held-out rows; as in
        `TwoLayerRegressor`."""

CLASS_WEIGHT_DOC = """class_weight : dict, "balanced" or None
        How much a row of each class counts, times its sample weight, in training and in the scores; "balanced" gives every
        class the same total weight in the training part of each fold.
    label_smoothing : float or "auto"
        As in `TwoLayerClassifier`."""

SEARCH_ATTRIBUTES_DOC = """alpha_, n_hidden_, best_score_
        The best, and its mean score over the folds.
    cv_results_ : dict of ndarrays
        "param_n_hidden", "param_alpha", "mean_test_score", "std_test_score", "rank_test_score" and "split0_test_score", ...
        with an entry for each n_hidden and alpha.
    n_splits_ : int
    w1_, b1_, w2_, b2_, w_skip_ : ndarrays
        The weights of the networks fitted to all rows, on the user's own units; with n_networks above 1 they have one more
        axis in front. w_skip_ is None without a skip layer.
    loss_, loss_curve_, network_loss_curves_, n_iter_, stopped_, device_
        Of that last fit, at the best alpha.
    n_features_in_, feature_names_in_"""


class AlphaSearchCV(NestedScoreMixin, TwoLayerEstimator):
    """The common part of both estimators: the search, and the fit of all rows at the best."""

    _keeps_weightless_rows = True

    alphas: Any
    cv: Any
    refit: bool

    @available_if(lambda self: False)
    def partial_fit(self) -> None:
        """Not available: a search needs all rows."""

    @available_if(lambda self: False)
    def preflight(self) -> None:
        """Not available: it is about one fit."""

    @ctrl_c_raises()
    def fit(  # type: ignore[override]
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Any:
        """Choose alpha and n_hidden by cross-validation, and fit all rows at the best.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)
        y : array-like, as for the plain estimator
        sample_weight : array-like, shape (n_rows,), or None
            Counts in training and in the scores.
        groups : array-like, shape (n_rows,), or None
            Rows of one group stay together; for `cv`. With scikit-learn's metadata routing as in the plain estimator.

        Returns
        -------
        self

        Raises
        ------
        InputError, ValueError
            If an array or setting cannot be used.
        ConcurrentFitError
            If another thread is fitting this object.
        KeyboardInterrupt
            After Ctrl-C: an unfinished search has no result.
        """
        with fit_draft(self) as model:
            check_settings(model.get_params(deep=False))
            for name in WEIGHT_ATTRIBUTES:  # of a fit before, where this one has no `refit`
                model.__dict__.pop(name, None)
            rows = model._read(X, y, sample_weight)
            seed = integer_seed(model.random_state)
            shape = distinct_shape(rows)
            search = AlphaSearch.from_estimator(model, model.scoring, None, seed, shape)
            splits = fold_splits(
                model.cv, rows.x, rows.y, groups, seed, split_classes(model, rows.y)
            )
            search = search.with_callback(model.callback, len(splits), model.refit)
            folds = [search.fold_scores(fold) for fold in search.folds(rows, splits)]
            scores = np.stack([fold.scores for fold in folds], axis=-1)
            model._set_scores(SearchScores(search.n_hidden, search.alphas, scores))
            if model.verbose:
                model._print_scores()
            if model.refit:
                everything = np.arange(rows.n_rows)
                (fold,) = search.folds(rows, [(everything, everything[:0])])
                run = search.run_at(fold, model.n_hidden_, model.alpha_)
                if search.fitting.can_converge and steps_ran_out(run.stopped):
                    text = convergence_warning(model.max_iter)
                    warn_user(text, ConvergenceWarning)
                _, targets = search.targets(fold)
                model._set_networks(fold.axes.in_column_units(run.params, targets), run)
            model._set_uncertainty(search, folds, rows, splits, groups)
        return self

    def set_fitted_state(self, state: Mapping[str, Any]) -> Any:
        super().set_fitted_state(state)
        if "cv_results_" in state:
            self._set_scores(SearchScores.of(self.cv_results_))
        return self

    def _print_scores(self) -> None:
        """Print the mean scores."""
        names = ("param_n_hidden", "param_alpha", "mean_test_score")
        rows = zip(*(self.cv_results_[name] for name in names), strict=True)
        for n_hidden, alpha, score in rows:
            print(f"n_hidden {n_hidden}, alpha {alpha:.4g}: mean score {score:.5g}")

    def _set_uncertainty(
        self,
        search: AlphaSearch,
        folds: list[FoldScores],
        rows: TrainingRows,
        splits: list[FoldRows],
        groups: Any,
    ) -> None:
        """Set what follows from the held-out rows at the best: the noise of numbers, or the temperature of classes."""
        raise NotImplementedError

    def _set_scores(self, scores: SearchScores) -> None:
        """Set the scores, and the best alpha and n_hidden."""
        self.n_hidden_, self.alpha_ = scores.best()
        self.n_splits_ = scores.values.shape[-1]
        self.cv_results_ = scores.results()
        self.best_score_ = float(self.cv_results_["mean_test_score"].max())

    _keep = _set_scores

    def _set_networks(self, networks: Params, run: Run) -> None:
        """Set the networks, a single one without its axis, and how the run ended."""
        several = len(networks.w1) > 1
        self._set_networks_and_clip(networks if several else networks.network(0))  # type: ignore[attr-defined]
        self.network_loss_curves_ = run.losses
        self.loss_ = run.final_loss if several else float(run.final_loss[0])
        self.n_iter_, self.stopped_ = max(len(run.losses), 1), run.stopped
        self.device_ = run.device


class TwoLayerRegressorCV(AlphaSearchCV, TwoLayerRegressor):  # type: ignore[misc]  # noqa: D101
    __doc__ = f"""Networks that predict numbers, with alpha and the number of hidden units chosen by cross-validation.

    Each fold standardises the columns and the targets on its own rows of training, so that the held-out rows have no
    influence before they are predicted, and makes one pass over its columns for all fits on it. Columns are not weighed.

    Parameters
    ----------
    {
        SEARCH_PARAMETERS_DOC.format(
            own=LOSS_DOC,
            stratified="",
            default="minus the mean squared error (with another loss, minus that loss in the units of training)",
            averaged="predictions",
            tol="0.001",
        )
    }

    Attributes
    ----------
    {SEARCH_ATTRIBUTES_DOC}
    noise_std_, spread_factor_ : ndarray, shape (n_outputs,)
        The predictive variance is noise_std_² + spread_factor_²·(variance between the networks): the two numbers under which
        the errors on the held-out rows are most likely.
    spread_ : PredictiveSpread or None
        With networks for the spread it tells the width row by row, and of intervals; else None.
    n_outputs_ : int

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = tl.TwoLayerRegressorCV(n_hidden=[2, 20], alphas=[0.01, 1], n_networks=2, random_state=0)
    >>> model.fit(X, np.abs(X[:, 0])).alpha_
    0.01
    """

    def __init__(
        self,
        n_hidden: Any = 50,
        *,
        loss: Any = "squared_error",
        spread: bool | str = "auto",
        alphas: Any = None,
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = True,
        n_networks: int = 5,
        activation: Any = "relu",
        skip: bool | str = "auto",
        solver: str = "lbfgs",
        learning_rate_init: float = 0.01,
        max_iter: int = 1000,
        tol: float | None = None,
        callback: Any = None,
        engine: str = "auto",
        device: str = "cpu",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self._set_settings(locals())

    def _set_uncertainty(
        self,
        search: AlphaSearch,
        folds: list[FoldScores],
        rows: TrainingRows,
        splits: list[FoldRows],
        groups: Any,
    ) -> None:
        for name in ("noise_std_", "spread_"):  # of a fit before
            self.__dict__.pop(name, None)
        if not search.standardises_y:
            return
        best = search.n_hidden.index(self.n_hidden_), search.alphas.index(self.alpha_)
        residuals = np.concatenate([fold.y - fold.predictions[best].mean for fold in folds])
        between = np.concatenate([fold.predictions[best].variance for fold in folds])
        s = None if folds[0].s is None else np.concatenate([fold.s for fold in folds])
        self.noise_std_, self.spread_factor_ = fit_spread(residuals, between, s)
        if not self.refit or not self.spread or spread_refusal(search.fitting.loss):
            return
        view = standardised_view(rows.x, None, rows, 1)
        numbers = np.arange(rows.n_rows) if groups is None else group_numbers(groups, rows.n_rows)
        held_out = np.concatenate([test for _, test in weighted_splits(splits, rows.s)])
        together = groups is not None or len(np.unique(held_out)) < len(held_out)
        fit = SpreadNetworksFit([view], numbers if together else None, self.spread is True)
        known = self.noise_std_, self.spread_factor_, residuals, between, held_out, s
        found = PredictiveSpread.of_constant(*known, fit)
        if found is not None:
            self.spread_ = found
        elif self.spread is True:
            warn_user(CONSTANT_SPREAD)

    def _variance(self, X: Any, y_pred: np.ndarray, between: np.ndarray) -> np.ndarray:  # noqa: N803
        if not self._standardises_y():
            return super()._variance(X, y_pred, between)
        if self.spread_ is not None:
            return super()._variance(X, y_pred, between)
        return self.noise_std_**2 + self.spread_factor_**2 * between


class TwoLayerClassifierCV(AlphaSearchCV, TwoLayerClassifier):  # type: ignore[misc]  # noqa: D101
    __doc__ = f"""Networks that predict classes, with alpha and the number of hidden units chosen by cross-validation.

    Each fold standardises the columns on its own rows of training, so that the held-out rows have no influence before they
    are predicted, and makes one pass over its columns for all fits on it. Columns are not weighed.

    Parameters
    ----------
    {
        SEARCH_PARAMETERS_DOC.format(
            own=CLASS_WEIGHT_DOC,
            stratified=", of the classes in equal parts",
            default="the mean log probability of the right class (of several labels: of all together)",
            averaged="probabilities",
            tol="0.01",
        )
    }

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    {SEARCH_ATTRIBUTES_DOC}
    left_out_losses_ : dict of ndarrays, or None
        As in `TwoLayerClassifier`, of the held-out rows at the best.
    temperature_ : float
        Only where labels are smoothed: `predict_proba` divides the logits by it. From the held-out rows at the best.

    Examples
    --------
    >>> import twolayer as tl
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = tl.TwoLayerClassifierCV(alphas=[0.1, 1, 10], n_networks=2, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    def __init__(
        self,
        n_hidden: Any = 50,
        *,
        class_weight: Any = None,
        label_smoothing: float | str = "auto",
        alphas: Any = None,
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = True,
        n_networks: int = 5,
        activation: Any = "relu",
        skip: bool | str = "auto",
        solver: str = "lbfgs",
        learning_rate_init: float = 0.01,
        max_iter: int = 1000,
        tol: float | None = None,
        callback: Any = None,
        engine: str = "auto",
        device: str = "cpu",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self._set_settings(locals())

    def _class_weighted(
        self, rows: TrainingRows, weights: np.ndarray | None = None
    ) -> TrainingRows:
        if self.class_weight is not None:  # refused here, not in a fold, which computes its own
            class_weights(self.class_weight, self.classes_, rows.y, rows.s)
        return rows

    def _set_uncertainty(
        self,
        search: AlphaSearch,
        folds: list[FoldScores],
        rows: TrainingRows,
        splits: list[FoldRows],
        groups: Any,
    ) -> None:
        self.__dict__.pop("temperature_", None)  # of a fit before
        best = search.n_hidden.index(self.n_hidden_), search.alphas.index(self.alpha_)
        logits = np.concatenate([fold.predictions[best].mean for fold in folds])
        y = np.concatenate([fold.y for fold in folds])
        s = None if folds[0].s is None else np.concatenate([fold.s for fold in folds])
        loss = search.fitting.loss
        if uses_calibration("auto", search.smoothing):
            targets = checked_targets(y, len(y), search.n_outputs, loss, np.float64)
            self.temperature_ = best_temperature(logits, targets, s, loss)
        if loss.takes_labels:
            counted = np.ones(len(y), dtype=bool) if s is None else s > 0
            weights = None if s is None else s[counted]
            self.left_out_losses_ = class_losses(logits[counted], y[counted], weights, self)

"""The estimators that choose alpha, and the number of hidden units, by cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.base import TwoLayerEstimator
from twolayer.estimators.class_weights import class_weights
from twolayer.estimators.classifier import TwoLayerClassifier
from twolayer.estimators.fit_plan import uses_calibration
from twolayer.estimators.regressor import TwoLayerRegressor
from twolayer.estimators.selection.fold_fit import in_column_units
from twolayer.estimators.selection.permutation_test import NestedScoreMixin
from twolayer.estimators.selection.search import (
    AlphaSearch,
    FoldScores,
    SearchScores,
    counted_shape,
    integer_seed,
    n_network_outputs,
    split_classes,
)
from twolayer.estimators.uncertainty.spread import fit_spread
from twolayer.estimators.uncertainty.temperature import best_temperature
from twolayer.evaluation.splits import fold_splits
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_targets
from twolayer.training.ctrl_c import ctrl_c_raises
from twolayer.training.train import Run

SEARCH_PARAMETERS_DOC = """n_hidden : int or list of int
        Units in the hidden layer; from a list the best is chosen.
    {own}
    alphas : list of float or None
        Weight decays to choose from, each at least 0; None for ten from 0.01 to 100. They are walked from strong to weak,
        each fit starting from the last.
    cv : int, splitter, or iterable of (train, test)
        A whole number means that many folds in random order{stratified}; with `groups` those of GroupKFold.
    scoring : str, callable or None
        What is to be high on held-out rows, as in scikit-learn: a name, or a function of (model, X, y); None for {default}.
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
        Steps at most of each fit.
    tol : float or None
        When a fit stops, as in `twolayer.train`; None for {tol}.
    callback : callable or None
        Called after each training as `callback(done, total)`: how many there were, and how many there will be at most.
    engine : str
        One of `twolayer.engines()`, or "auto".
    device : str
        Where `fit` trains the networks: "cpu"; "cuda", "cuda:1", ... with the torch engines, of which "auto" takes "torch";
        or "auto", a GPU if there is one and the training is worth it. The folds too are trained there.
    random_state : int, RandomState, Generator or None
        The seed of the folds and of the first weights.
    verbose : int
        Above 0, tells the scores of each fold."""

LOSS_DOC = """loss : str or Loss
        What is made small, as in `TwoLayerRegressor`."""

CLASS_WEIGHT_DOC = """class_weight : dict, "balanced" or None
        What a row of each class counts, times its sample weight, in training and in the scores; "balanced" lets every class
        count alike in the training part of each fold.
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
    loss_, loss_curve_, n_iter_, stopped_, device_
        Of that last fit, at the best alpha.
    n_features_in_, feature_names_in_"""


class AlphaSearchCV(NestedScoreMixin, TwoLayerEstimator):
    """What both estimators share: the search, and the fit of all rows at the best."""

    def __init__(
        self,
        n_hidden: Any = 50,
        *,
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
        self.n_hidden = n_hidden
        self.alphas = alphas
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.n_networks = n_networks
        self.activation = activation
        self.skip = skip
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.tol: Any = tol
        self.callback = callback
        self.engine = engine
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @available_if(lambda self: False)
    def partial_fit(self) -> None:
        """Not there: a search needs all rows."""

    @available_if(lambda self: False)
    def preflight(self) -> None:
        """Not there: it tells of one fit."""

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "w1_")

    @ctrl_c_raises()
    def fit(  # type: ignore[override]
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Any:
        """Choose by cross-validation, and fit all rows at the best.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)
        y : array-like, as for the plain estimator
        sample_weight : array-like, shape (n_rows,), or None
            Counts in training and in the scores.
        groups : array-like, shape (n_rows,), or None
            Rows of one group stay together; for `cv`.

        Returns
        -------
        self

        Raises
        ------
        InputError, ValueError
            If an array or setting cannot be used.
        KeyboardInterrupt
            After Ctrl-C: a search that was not done says nothing.
        """
        x, y, s, _ = self._read(X, y, sample_weight)
        seed = integer_seed(self.random_state)
        search = AlphaSearch.of(self, self.scoring, None, seed, counted_shape(x, y, s))
        splits = fold_splits(self.cv, x, y, groups, seed, split_classes(self, y))
        search = search.telling(self.callback, len(splits), self.refit)
        looks = search.looks(x, y, s, splits)
        scores = np.stack([look.scores for look in looks], axis=-1)
        self._keep(SearchScores(search.n_hidden, search.alphas, scores))
        self._keep_noise(search, looks)
        if self.verbose:
            self._tell()
        if checks.flag(self.refit, "refit"):
            everything = np.arange(len(y))
            (fold,) = search.folds(x, y, s, [(everything, everything[:0])])
            run = search.last_of_path(fold, self.n_hidden_, self.alpha_)
            _, targets = search.targets(fold)
            self._take(in_column_units(fold.axes, run.params, targets), run)
        return self

    def _tell(self) -> None:
        """Print the mean scores."""
        names = ("param_n_hidden", "param_alpha", "mean_test_score")
        rows = zip(*(self.cv_results_[name] for name in names), strict=True)
        for n_hidden, alpha, score in rows:
            print(f"n_hidden {n_hidden}, alpha {alpha:.4g}: mean score {score:.5g}")

    def _keep_noise(self, search: AlphaSearch, looks: list[FoldScores]) -> None:
        """Keep what the held-out rows say of the noise, where the targets are numbers."""

    def _keep(self, scores: SearchScores) -> None:
        """Keep the scores, and what is best."""
        self.n_hidden_, self.alpha_ = scores.best()
        self.n_splits_ = scores.values.shape[-1]
        self.cv_results_ = scores.results()
        self.best_score_ = float(self.cv_results_["mean_test_score"].max())

    def _take(self, networks: Params, run: Run) -> None:
        """Keep the networks; a single one without its axis."""
        several = len(networks.w1) > 1
        self._set_params_of_networks(networks if several else networks.network(0))  # type: ignore[attr-defined]
        self.loss_curve_ = run.losses if several else run.losses[:, 0]
        self.loss_ = run.final_loss if several else float(run.final_loss[0])
        self.n_iter_, self.stopped_ = max(len(run.losses), 1), run.stopped
        self.device_ = run.device


class TwoLayerRegressorCV(AlphaSearchCV, TwoLayerRegressor):  # type: ignore[misc]  # noqa: D101
    __doc__ = f"""Predicts numbers, with alpha and the number of hidden units chosen by cross-validation.

    Each fold standardises the columns and the targets on its own rows of training, so that nothing of the held-out rows
    is seen before they are predicted, and makes one pass over its columns for all fits on it.

    Parameters
    ----------
    {
        SEARCH_PARAMETERS_DOC.format(
            own=LOSS_DOC,
            stratified="",
            default="minus the mean squared error (with another loss, minus that loss as it is made small)",
            averaged="predictions",
            tol="0.001",
        )
    }

    Attributes
    ----------
    {SEARCH_ATTRIBUTES_DOC}
    noise_std_, spread_factor_ : ndarray, shape (n_outputs,)
        The predictive variance is noise_std_² + spread_factor_²·(variance between the networks): what the errors on the
        held-out rows were most likely to come from.
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
        super().__init__(
            n_hidden,
            alphas=alphas,
            cv=cv,
            scoring=scoring,
            refit=refit,
            n_networks=n_networks,
            activation=activation,
            skip=skip,
            solver=solver,
            learning_rate_init=learning_rate_init,
            max_iter=max_iter,
            tol=tol,
            callback=callback,
            engine=engine,
            device=device,
            random_state=random_state,
            verbose=verbose,
        )
        self.loss = loss

    def _read(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any, int]:  # noqa: N803
        # rows of weight 0 are still there, as `cv` may count on them
        X, y, _, n_outputs = super()._read(X, y, None)  # noqa: N806
        return X, y, checks.row_weights(sample_weight, X.shape[0], np.float64), n_outputs

    def _keep_noise(self, search: AlphaSearch, looks: list[FoldScores]) -> None:
        self.__dict__.pop("noise_std_", None)  # of a fit before
        if not search.standardises_y:
            return
        at = search.n_hidden.index(self.n_hidden_), search.alphas.index(self.alpha_)
        residuals = np.concatenate([look.y - look.answers[at].mean for look in looks])
        between = np.concatenate([look.answers[at].variance for look in looks])
        s = None if looks[0].s is None else np.concatenate([look.s for look in looks])
        self.noise_std_, self.spread_factor_ = fit_spread(residuals, between, s)

    def _variance(self, y_pred: np.ndarray, between: np.ndarray) -> np.ndarray:
        if not self._standardises_y():
            return super()._variance(y_pred, between)
        return self.noise_std_**2 + self.spread_factor_**2 * between


class TwoLayerClassifierCV(AlphaSearchCV, TwoLayerClassifier):  # type: ignore[misc]  # noqa: D101
    __doc__ = f"""Predicts classes, with alpha and the number of hidden units chosen by cross-validation.

    Each fold standardises the columns on its own rows of training, so that nothing of the held-out rows is seen before
    they are predicted, and makes one pass over its columns for all fits on it.

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
    temperature_ : float
        Only where labels are smoothed: what `predict_proba` divides logits by, from the held-out rows at the best.

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
        super().__init__(
            n_hidden,
            alphas=alphas,
            cv=cv,
            scoring=scoring,
            refit=refit,
            n_networks=n_networks,
            activation=activation,
            skip=skip,
            solver=solver,
            learning_rate_init=learning_rate_init,
            max_iter=max_iter,
            tol=tol,
            callback=callback,
            engine=engine,
            device=device,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing

    def _read(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any, int]:  # noqa: N803
        # rows of weight 0 are still there, as `cv` may count on them
        X, y, _ = self._read_rows(X, y, None, multi_output=True)  # noqa: N806
        s = checks.row_weights(sample_weight, X.shape[0], np.float64)
        self._several_labels = type_of_target(y) == "multilabel-indicator"
        if self._several_labels:
            y = self._labels(y)
            self.classes_ = np.arange(y.shape[1])
            return X, y, s, y.shape[1]
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_ = np.unique(y if s is None else y[s > 0])
        if len(self.classes_) < 2:
            raise InputError(
                f"y holds one class only, {str(self.classes_[0])!r}, in every row of weight above 0: "
                "two classes are needed"
            )
        # a class of which no row counts gets a number, too; no fold will meet it
        labels = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        if self.class_weight is not None:
            class_weights(
                self.class_weight, self.classes_, labels, s
            )  # refused here, not in a fold
        return X, labels, s, n_network_outputs(self)

    def _keep_noise(self, search: AlphaSearch, looks: list[FoldScores]) -> None:
        """Where labels were smoothed, the temperature that the held-out rows ask for."""
        self.__dict__.pop("temperature_", None)  # of a fit before
        if not uses_calibration("auto", search.smoothing):
            return
        at = search.n_hidden.index(self.n_hidden_), search.alphas.index(self.alpha_)
        logits = np.concatenate([look.answers[at].mean for look in looks])
        y = np.concatenate([look.y for look in looks])
        s = None if looks[0].s is None else np.concatenate([look.s for look in looks])
        loss = search.fitting.loss
        y = checked_targets(y, len(y), search.n_outputs, loss, np.float64)
        self.temperature_ = best_temperature(logits, y, s, loss)

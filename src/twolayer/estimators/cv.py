"""The estimators that choose alpha, and the number of hidden units, by cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.averaging import disagreement
from twolayer.estimators.classifier import TwoLayerClassifier
from twolayer.estimators.folds import on_own_units
from twolayer.estimators.heldout import splits_of
from twolayer.estimators.permuting import NestedScored, PermutationTested
from twolayer.estimators.regressor import TwoLayerRegressor
from twolayer.estimators.searching import Look, Scores, Search, outputs_of, seed_of
from twolayer.estimators.spreading import spread_of
from twolayer.maths.network import Params
from twolayer.training import Run

SETTINGS = """n_hidden : int or list of int
        Units in the hidden layer; from a list the best is chosen.
    alphas : list of float or None
        Weight decays to choose from, each at least 0; None for ten from 0.01 to 100. They are walked from strong to weak,
        each fit starting from the last.
    cv : int, splitter, or iterable of (train, test)
        A whole number means that many folds in random order{stratified}.
    scoring : str, callable or None
        What is to be high on held-out rows, as in scikit-learn; None for {default}.
    refit : bool
        Whether to fit all rows at the best; without it there are scores only.
    n_networks : int
        Networks from different first weights, whose {averaged} are averaged.
    activation : {{"relu", "identity", "tanh", "logistic"}}
    solver : {{"lbfgs", "adam", "gd"}}
    learning_rate_init : float
        For "adam" and "gd"; above 0.
    max_iter : int
        Steps at most of each fit.
    tol : float or None
        When a fit stops, as in `twolayer.train`; None for {tol}.
    engine : str
        One of `twolayer.engines()`, or "auto".
    random_state : int, RandomState, Generator or None
        The seed of the folds and of the first weights.
    verbose : int
        Above 0, tells the scores of each fold."""

FOUND = """alpha_, n_hidden_, best_score_
        The best, and its mean score over the folds.
    cv_results_ : dict of ndarrays
        "param_n_hidden", "param_alpha", "mean_test_score", "std_test_score", "rank_test_score" and "split0_test_score", ...
        with an entry for each n_hidden and alpha.
    n_splits_ : int
    w1_, b1_, w2_, b2_ : ndarrays
        The weights of the networks fitted to all rows, on the user's own units; with n_networks above 1 they have one more
        axis in front.
    loss_, loss_curve_, n_iter_, stopped_
        Of that last fit, at the best alpha.
    n_features_in_, feature_names_in_"""


class ChoosesAlpha(PermutationTested, NestedScored):
    """What both estimators share: the search, and the fit of all rows at the best."""

    loss = "squared_error"  # what the plain estimators let the user choose
    class_weight = None

    def __init__(
        self,
        n_hidden: Any = 50,
        *,
        alphas: Any = None,
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = True,
        n_networks: int = 5,
        activation: str = "relu",
        solver: str = "lbfgs",
        learning_rate_init: float = 0.01,
        max_iter: int = 1000,
        tol: float | None = None,
        engine: str = "auto",
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
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.tol = tol
        self.engine = engine
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = False
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:  # noqa: N803
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
        """
        x, y, s, _ = self._read(X, y, sample_weight)
        seed = seed_of(self.random_state)
        search = Search.of(self, self.scoring, None, seed)
        splits = splits_of(self, self.cv, x, y, groups, seed)
        looks = search.looks(x, y, s, splits)
        scores = np.stack([look.scores for look in looks], axis=-1)
        self._keep(Scores(search.n_hidden, search.alphas, scores))
        self._keep_noise(search, looks)
        if self.verbose:
            self._tell()
        if checks.flag(self.refit, "refit"):
            everything = np.arange(len(y))
            (fold,) = search.folds(x, y, s, [(everything, everything[:0])])
            run = search.last_of_path(fold, self.n_hidden_, self.alpha_)
            _, targets = search.targets(fold)
            self._take(on_own_units(fold.axes, run.params, targets), run)
        return self

    def _read(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any, int]:  # noqa: N803
        """The user's rows, targets as they are trained on, and weights, checked, and how many outputs there are."""
        raise NotImplementedError

    def _tell(self) -> None:
        """Print the mean scores."""
        names = ("param_n_hidden", "param_alpha", "mean_test_score")
        rows = zip(*(self.cv_results_[name] for name in names), strict=True)
        for n_hidden, alpha, score in rows:
            print(f"n_hidden {n_hidden}, alpha {alpha:.4g}: mean score {score:.5g}")

    def _keep_noise(self, search: Search, looks: list[Look]) -> None:
        """Keep what the held-out rows say of the noise, where the targets are numbers."""

    def _keep(self, scores: Scores) -> None:
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


class TwoLayerRegressorCV(ChoosesAlpha, TwoLayerRegressor):  # type: ignore[misc]  # noqa: D101
    __doc__ = f"""Predicts numbers, with alpha and the number of hidden units chosen by cross-validation.

    Each fold standardises the columns and the targets on its own rows of training, so that nothing of the held-out rows
    is seen before they are predicted, and makes one pass over its columns for all fits on it.

    Parameters
    ----------
    {SETTINGS.format(stratified="", default="minus the mean squared error", averaged="predictions", tol="0.001")}

    Attributes
    ----------
    {FOUND}
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

    def _read(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any, int]:  # noqa: N803
        X, y, s = read(self, X, y, sample_weight, multi_output=True, y_numeric=True)  # noqa: N806
        y = np.asarray(y, dtype=np.float64)
        self._one_target = y.ndim == 1
        y = y.reshape(len(y), -1)
        self.n_outputs_ = y.shape[1]
        return X, y, s, self.n_outputs_

    def _keep_noise(self, search: Search, looks: list[Look]) -> None:
        at = search.n_hidden.index(self.n_hidden_), search.alphas.index(self.alpha_)
        residuals = np.concatenate([look.y - look.answers[at].mean for look in looks])
        between = np.concatenate([look.answers[at].variance for look in looks])
        s = None if looks[0].s is None else np.concatenate([look.s for look in looks])
        self.noise_std_, self.spread_factor_ = spread_of(residuals, between, s)

    def predict(self, X: Any, return_std: bool = False) -> Any:  # noqa: N803
        """Predict the targets of rows: the mean of the networks.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)
        return_std : bool
            Whether to tell the predictive standard deviation too, as the held-out rows have it: of the noise and of the
            disagreement of the networks.

        Returns
        -------
        y_pred : ndarray, shape (n_rows,) or (n_rows, n_outputs), as `y` was
        y_std : ndarray of the same shape
            Only with `return_std`.
        """
        outputs = np.stack(self._outputs(X))
        answers = [outputs.mean(axis=0)]
        if checks.flag(return_std, "return_std"):
            variance = self.noise_std_**2 + self.spread_factor_**2 * disagreement(outputs)
            answers.append(np.sqrt(variance))
        answers = [answer[:, 0] if self._one_target else answer for answer in answers]
        return tuple(answers) if return_std else answers[0]


class TwoLayerClassifierCV(ChoosesAlpha, TwoLayerClassifier):  # type: ignore[misc]  # noqa: D101
    __doc__ = f"""Predicts classes, with alpha and the number of hidden units chosen by cross-validation.

    Each fold standardises the columns on its own rows of training, so that nothing of the held-out rows is seen before
    they are predicted, and makes one pass over its columns for all fits on it.

    Parameters
    ----------
    {
        SETTINGS.format(
            stratified=", of the classes in equal parts",
            default="the mean log probability of the right class",
            averaged="probabilities",
            tol="0.01",
        )
    }

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    {FOUND}

    Examples
    --------
    >>> import twolayer as tl
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = tl.TwoLayerClassifierCV(alphas=[0.1, 1, 10], n_networks=2, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    def _read(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any, int]:  # noqa: N803
        X, y, s = read(self, X, y, sample_weight, multi_output=True)  # noqa: N806
        self._several_labels = False
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
        return X, labels, s, outputs_of(self)


def read(model: Any, X: Any, y: Any, sample_weight: Any, **how: Any) -> tuple[Any, Any, Any]:  # noqa: N803
    """The users' arrays checked; rows of weight 0 are still there, as `cv` may count on them."""
    X, y, _ = model._read_rows(X, y, None, **how)  # noqa: N806
    return X, y, checks.row_weights(sample_weight, X.shape[0], np.float64)

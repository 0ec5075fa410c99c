"""The estimator of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from twolayer import checks
from twolayer.checks import is_sparse
from twolayer.errors import InputError
from twolayer.estimators.base import TwoLayerEstimator
from twolayer.estimators.class_weights import check_two_classes, class_weights
from twolayer.estimators.ensemble import class_probabilities, mean_logits, most_likely_class
from twolayer.estimators.fit_draft import fit_draft
from twolayer.estimators.input_checks import prediction_dtype
from twolayer.estimators.partial_fit import has_partial_fit, train_one_pass
from twolayer.estimators.setting_checks import check_settings
from twolayer.estimators.training_rows import TrainingRows
from twolayer.estimators.uncertainty.predicted_sets import PredictedSets
from twolayer.maths.losses import LOSSES, Loss
from twolayer.text import first_names
from twolayer.training.table_home import is_elsewhere


class TwoLayerClassifier(ClassifierMixin, PredictedSets, TwoLayerEstimator):
    """Networks that predict one class per row, or which of several labels a row has, with probabilities.

    Inputs are standardised inside, on the rows given to `fit`, and the weights are folded back: `w1_`, `b1_`, `w2_`, `b2_`
    act on the user's own units (or on clipped columns: see `scaling`). Training makes the log loss small, with weight decay:
    of one logit for two classes, of one
    logit per class (softmax) for more. With a column of 0 and 1 for each label in `y`, each label has a logit of its own.

    Parameters
    ----------
    n_hidden : int or list of int
        Units in the hidden layer. Of several numbers `fit` takes the one with the least loss on rows left out, each at the
        alpha that is best for it; of those as good, the fewest.
    activation : str or Activation
        One of those of `twolayer.train`.
    alpha : float or "auto"
        Weight decay, at least 0: adds ½·alpha/S·(‖w1‖² + ‖w2‖² + ‖w_skip‖²) to the mean loss. S is the number of rows, those
        of weight 0 left out, whatever the sum of the weights. Only where they count repeats, as whole multiples of the least
        with a mean of at most 10 do, S is the sum of these multiples; where they nearly do, S lies between the two.
        "auto" tries values from where the network leaves the constant downwards, and takes the one with the least loss on
        rows left out.
    l1 : float
        At least 0: adds l1/S·(Σ|w1| + Σ|w_skip|) to the mean loss, which makes the weights of uninformative inputs
        exactly 0: `w1_.any(axis=-1)` shows which inputs are left. For "adam" and "gd".
    dropout : float
        From 0 to below 1: the share of hidden units that each row misses, drawn anew at every step of training; predictions
        use all units. For "adam" and "gd". "auto" chooses alpha without it, and without l1.
    skip : bool or "auto"
        Whether inputs also reach the outputs directly, so that a linear model is a special case; "auto": with more columns
        than rows.
    label_smoothing : float or "auto"
        From 0 to below 1: the share of each label that goes to all classes alike in training; "auto" is 0.1 with more
        columns than rows, where it lets every row count for the position of the border, else 0.
    scaling : {"auto", "standard", "smooth_clip"}
        How columns are scaled before training. "standard": to mean 0 and spread 1. "smooth_clip": first by median and
        interquartile range, and clipped smoothly at ±3, u / sqrt(1 + (u/3)²), so that no far value rules its column; for
        dense tables. "auto" is "standard", and for several networks that L-BFGS trains on a dense table, without early
        stopping, both: the first half of the networks (three of five) see standardised columns, the others clipped ones. On
        a dense table with more columns than rows "auto" also weighs the columns, where alpha is "auto" too: see
        `column_weighing_`.
    n_networks : int or "auto"
        Networks trained from different first weights, whose predictions are averaged; "auto" is 5 where they cost little,
        else 1.
    solver : {"auto", "lbfgs", "adam", "gd"}
        "auto" is "lbfgs", and for tall tables "adam" on batches of 200 rows with early stopping; with l1 or dropout "adam".
    learning_rate_init : float
        For "adam" and "gd"; above 0. If training diverges it is halved, once.
    batch_size : int or None
        Rows per step, for "adam" and "gd"; None for all.
    max_iter : int
        The largest number of passes over the rows; without batches a pass is one step.
    tol : float
        When to stop, as in `twolayer.train`: for "lbfgs" at a gradient no longer than this, for the others when 10 steps
        lower the loss by less than this share of it (not with early stopping, nor with dropout).
    early_stopping : bool
        Whether rows are held out, training ends when the score on them no longer rises, and the best weights are kept.
    validation_fraction : float
        The share of rows held out; of every class its own.
    n_iter_no_change : int
        So many scores without a better one end the training. Rows are scored after every pass (on wide tables every fifth).
    scoring : str, callable or None
        The score on the rows held out: a name of scikit-learn's, or a function of (model, X, y); None is minus the loss.
    callback : callable, list of callables, or None
        Called between steps with a `twolayer.Progress`, whose weights act on the columns of `network_inputs`, and after
        the last step. Training ends when one returns True: also that of networks which would come after the one at hand;
        `n_networks_` says how many were trained. `sklearn.base.clone` keeps the same object; in another process its copy is
        called.
    warm_start : bool
        Whether `fit` starts from the weights (and the alpha, and the clip of the columns) of the fit before.
    engine : str
        One of `twolayer.engines()`, or "auto".
    device : str
        Where `fit` trains the networks: "cpu"; "cuda", "cuda:1", ... with the torch engines, of which "auto" uses "torch";
        or "auto", a GPU if there is one and the training is long enough. The search for alpha always runs on the processor.
    random_state : int, RandomState, Generator or None
        The seed of the first weights and of all other random numbers; None for different ones each time.
    verbose : int
        Above 0, prints what the fit will take, and its progress.
    calibrate : bool or "auto"
        Whether probabilities are calibrated: all logits are divided by one temperature, that with the least log loss on the
        rows held out by early stopping, else on those left out while alpha is chosen (with alpha given, on folds made for
        this). Predicted classes stay as they are. "auto" does it where labels are smoothed, which makes probabilities too
        close to each other; elsewhere it helps where the given alpha is too small.
    class_weight : dict, "balanced" or None
        How much a row of each class counts, times its sample weight, in training and validation; "balanced" gives every
        class the same total weight. Unlike equal sample weights, which may count repeats, class weights leave S, and with
        it the strength of alpha, as it is without them.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    w1_ : ndarray, shape (n_inputs, n_hidden), or (n_networks, n_inputs, n_hidden) for several networks; likewise
    b1_ : ndarray, shape (n_hidden,)
    w2_ : ndarray, shape (n_hidden, n_outputs)
    b2_ : ndarray, shape (n_outputs,)
    w_skip_ : ndarray, shape (n_inputs, n_outputs), or None without a skip layer
    n_hidden_ : int
        The units in the hidden layer.
    alpha_ : float
        The weight decay used.
    alphas_tried_ : ndarray, shape (n_alphas, 2), or None
        Each alpha tried, and the loss of the rows left out.
    alpha_search_ : str or None
        How rows were left out to choose alpha: "5 folds left out in closed form", from one training for each alpha; or "5
        folds, each trained without" where that does not hold or costs more.
    n_networks_ : int
    input_clip_ : InputClip or None
        None if all networks see the columns as they are. Else `center` and `scale`, each of shape (n_inputs,), and
        `networks`, bool of shape (n_networks,): the weights of these act on clipped columns, which `network_inputs` returns.
    column_weighing_ : str
        How the standardised columns were weighed before training: "none", "|t|", "t²", or "|t| above its quantile 0.9" (0.5,
        0.98, 0.995), which leaves nine columns in ten out. t is the largest statistic of nearest shrunken centroids
        (Tibshirani et al. 2002), on the rows of training. The weights are part of `w1_`.
    solver_ : str
    loss_curve_ : ndarray, shape (n_iter_,)
        The objective in each pass over the rows, for standardised columns: the mean of the networks. Without batches it is
        the objective before each step; with batches the mean of the pass.
    network_loss_curves_ : ndarray, shape (n_iter_, n_networks)
        The same of each network; one that ended earlier repeats its last.
    loss_ : float, or ndarray of shape (n_networks,)
        The objective after the last step.
    validation_scores_ : ndarray, shape (n_scores,) or (n_scores, n_networks), or None
        The scores on the rows held out.
    best_iter_ : int, ndarray or None
        The pass after which the weights were kept, of each network.
    n_iter_ : int
        Passes over the rows, as `max_iter` counts them, of the network that took most.
    stopped_ : str
        Why it ended there: "all steps taken" (`fit` then gives scikit-learn's ConvergenceWarning, where tol or the solver
        could have ended it), "tol reached", the solver's reason, "early stopping: ...", "stopped by the callback", or
        "interrupted" (Ctrl-C); of several networks each reason once.
    device_ : str
        Where the networks were trained.
    temperature_ : float
        Only if they are calibrated: what `predict_proba` divides the logits of `decision_function` by.
    rows_ : KeptRows or None
        The rows of training, if `keep_rows` was called.
    left_out_losses_ : dict of ndarrays, or None
        For each class the log losses of its rows left out of training, from small to large: what `predict_set` tells sets
        from. They are worked out when they are first asked for, or the model is saved or pickled; until then it holds on to
        the rows of training. In closed form of the networks; where that does not hold, of the rows left out while alpha was
        chosen, or held out by early stopping. None with several labels per row, after `partial_fit`, and where alpha was
        given and there is no closed form.
    stream_ : StreamState
        What `partial_fit` goes on from besides the weights; it is in the model's file too.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of X had names.

    Examples
    --------
    >>> import twolayer as tl
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = tl.TwoLayerClassifier(random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    _loss = "log_loss"
    _flag = "several_labels_"

    def __init__(
        self,
        n_hidden: int | Sequence[int] = 50,
        *,
        activation: Any = "relu",
        alpha: float | str = "auto",
        l1: float = 0.0,
        dropout: float = 0.0,
        class_weight: Any = None,
        calibrate: bool | str = "auto",
        skip: bool | str = "auto",
        label_smoothing: float | str = "auto",
        scaling: str = "auto",
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
        self._set_settings(locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _task_loss(self) -> Loss:
        return LOSSES["binary_log_loss" if self._several_labels else self._loss]

    def _n_outputs(self) -> int:
        n_classes = len(self.classes_)
        return 1 if n_classes == 2 and not self._several_labels else n_classes

    def _read(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any,
        groups: np.ndarray | None = None,
        relative: bool = True,
    ) -> TrainingRows:
        rows = self._read_table(X, y, sample_weight, groups, relative=relative)
        self._several_labels = type_of_target(rows.y) == "multilabel-indicator"
        if self._several_labels:
            labels = self._labels(rows.y)
            self.classes_ = np.arange(labels.shape[1])
            return self._counted(replace(rows, y=labels))
        y = column_or_1d(rows.y, warn=True)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)  # those without weight too
        check_two_classes(self.classes_, labels, rows.s)
        rows = self._class_weighted(self._counted(replace(rows, y=labels)))
        check_two_classes(self.classes_, rows.y, rows.s)
        return rows

    def _labels(self, y: Any) -> np.ndarray:
        """Return a column of 0 and 1 for each label."""
        if self.class_weight is not None:
            raise InputError("class_weight is for one class per row; y has a column for each label")
        labels = np.asarray(y.toarray() if is_sparse(y) else y, dtype=np.float64)
        if len(others := np.setdiff1d(labels, (0, 1))):
            raise InputError(
                f"y has {labels.shape[1]} columns, and so each must hold 0 and 1 for a label of its own; it holds "
                f"{first_names([f'{one:g}' for one in others], quote='')} too. For one class per row give one column"
            )
        return labels

    def _class_weighted(
        self, rows: TrainingRows, weights: np.ndarray | None = None
    ) -> TrainingRows:
        """Return the rows with the weights of their classes in theirs; without `weights`, they follow from these rows."""
        if self.class_weight is None:
            return rows
        if weights is None:
            weights = class_weights(self.class_weight, self.classes_, rows.y, rows.s)
            self._class_weights = weights
        s = weights[rows.y] * (1.0 if rows.s is None else rows.s)
        return self._counted(replace(rows, s=s))

    def _read_more(self, X: Any, y: Any, sample_weight: Any) -> TrainingRows:  # noqa: N803
        return self._read_known(self._read_table(X, y, sample_weight, reset=False).counted())

    def _read_known(self, rows: TrainingRows) -> TrainingRows:
        """Return the rows with targets in the form of training; the classes are known."""
        if self._several_labels:
            labels = self._labels(rows.y)
            if labels.shape != (rows.n_rows, len(self.classes_)):
                raise InputError(
                    f"y must have {len(self.classes_)} columns, one for each label; its shape is {labels.shape}"
                )
            return replace(rows, y=labels)
        y = column_or_1d(rows.y, warn=True)
        if len(self.classes_) < 2:
            raise InputError("classes must name all classes of y, two at least")
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise InputError(f"y holds classes that were not there before: {first_names(unknown)}")
        rows = replace(rows, y=np.searchsorted(self.classes_, y))
        return self._class_weighted(rows, getattr(self, "_class_weights", None))

    def _original_targets(self, y: np.ndarray) -> np.ndarray:
        return y.astype(int) if self._several_labels else self.classes_[y]

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:  # noqa: N803
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
        classes : array-like, shape (n_classes,), or None
            All classes there will be: needed in the first call, if its rows do not have them all. With a column of y for
            each label, the numbers of the labels.
        sample_weight : array-like, shape (n_rows,), or None
            How much each row counts beside the others, those of other calls too.

        Returns
        -------
        self

        Raises
        ------
        InputError, ValueError
            If an array or setting cannot be used, the settings are those of another network, or `classes` are others.
        """
        if is_elsewhere(X):
            return self._partial_fit_blocks(X, y, sample_weight, classes=classes)
        if classes is not None and hasattr(self, "w1_"):
            if not np.array_equal(np.unique(classes), self.classes_):
                raise InputError(
                    f"classes were {checks.short_repr(self.classes_.tolist())} before, and are "
                    f"{checks.short_repr(np.unique(classes).tolist())} now"
                )
        elif classes is not None:
            with fit_draft(self) as model:
                check_settings(model.get_params(deep=False))
                model.__dict__.pop("_class_weights", None)
                rows = model._read_table(X, y, sample_weight).counted()
                model.classes_ = np.unique(classes)
                model._several_labels = np.ndim(rows.y) == 2 and rows.y.shape[1] > 1
                train_one_pass(model, model._read_known(rows), numbers=False)
            return self
        return super().partial_fit(X, y, sample_weight)

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the logits of rows, before any temperature; of several networks those of their mean probability.

        Parameters
        ----------
        X : array-like, data frame, SciPy sparse array, or Dask array or data frame, shape (n_rows, n_inputs)
            Of Dask's rows the answer is a Dask array, computed when it is asked for.

        Returns
        -------
        logits : ndarray, shape (n_rows,) for two classes, else (n_rows, n_classes)
            float32 for X of float32, else float64.
        """
        return self._of_rows(X, "decision_function")

    def _of_rows(self, X: Any, method: str) -> Any:  # noqa: N803
        if self._is_elsewhere(X):
            return self._of_blocks(X, method)
        return self._predictions(self.network_outputs(X), method).astype(
            prediction_dtype(X), copy=False
        )

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        """Return the accuracy, as scikit-learn's classifiers do; of Dask's tables summed over their blocks."""
        if self._is_elsewhere(X):
            return self._of_blocks(X, "score", y=y, sample_weight=sample_weight)
        return super().score(X, y, sample_weight)

    def _predictions(self, outputs: np.ndarray, method: str) -> np.ndarray:
        """Return what the method returns, from the outputs of each network."""
        several = self._several_labels
        logits = outputs[0] if len(outputs) == 1 else mean_logits(outputs, several)
        if method == "decision_function":
            return logits[:, 0] if logits.shape[1] == 1 and not several else logits
        if method == "predict_proba":
            return class_probabilities(logits / getattr(self, "temperature_", 1.0), several)
        best = most_likely_class(logits, several)
        return best if several else self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the probability of each class, in the order of `classes_`: the mean of the networks.

        Parameters
        ----------
        X : array-like, data frame, SciPy sparse array, or Dask array or data frame, shape (n_rows, n_inputs)
            Of Dask's rows the answer is a Dask array, computed when it is asked for.

        Returns
        -------
        probabilities : ndarray, shape (n_rows, n_classes)
            With several labels per row: of each label by itself. float32 for X of float32, else float64.
        """
        return self._of_rows(X, "predict_proba")

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Predict the class of rows.

        Parameters
        ----------
        X : array-like, data frame, SciPy sparse array, or Dask array or data frame, shape (n_rows, n_inputs)
            Of Dask's rows the answer is a Dask array, computed when it is asked for.

        Returns
        -------
        classes : ndarray, shape (n_rows,), or 0 and 1 of shape (n_rows, n_labels)
        """
        if self._is_elsewhere(X):
            return self._of_blocks(X, "predict")
        return self._predictions(self.network_outputs(X), "predict")

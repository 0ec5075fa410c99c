"""Classes from a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from twolayer.checks import is_sparse
from twolayer.errors import InputError
from twolayer.estimators.base import TwoLayerEstimator
from twolayer.estimators.class_weights import class_weights
from twolayer.estimators.ensemble import class_probabilities, mean_logits, most_likely_class
from twolayer.estimators.input_checks import name_list
from twolayer.estimators.partial_fit import has_partial_fit, train_one_pass
from twolayer.maths.losses import LOSSES, Loss


class TwoLayerClassifier(ClassifierMixin, TwoLayerEstimator):
    """Predicts one class a row, or which of several labels a row has, with probabilities.

    Inputs are standardised inside, on the rows given to `fit`, and the weights folded back: `w1_`, `b1_`, `w2_`, `b2_` act
    on the user's own units. The log loss is made small, with weight decay: of one logit for two classes, of as many as there
    are classes (softmax) for more. With a column of 0 and 1 for each label in `y`, each label has a logit of its own.

    Parameters
    ----------
    n_hidden : int
        Units in the hidden layer.
    activation : str or Activation
        One of those of `twolayer.train`.
    alpha : float or "auto"
        Weight decay, at least 0: adds ½·alpha/S·(‖w1‖² + ‖w2‖² + ‖w_skip‖²) to the mean loss, S the total row weight.
        "auto" tries values from 300 down to 0.03 on folds of the rows given to `fit`, and takes the best.
    l1 : float
        At least 0: adds l1/S·(Σ|w1| + Σ|w_skip|) to the mean loss, which makes weights of inputs that say little exactly 0:
        `w1_.any(axis=-1)` tells whose are left. For "adam" and "gd".
    dropout : float
        From 0 to below 1: the share of hidden units that each row misses, drawn anew at every step of training; predictions
        take all. For "adam" and "gd". "auto" finds alpha without it, and without l1.
    skip : bool or "auto"
        Whether inputs also reach the outputs directly, so that a linear model is a special case; "auto": with more columns
        than rows.
    label_smoothing : float or "auto"
        From 0 to below 1: the share of each label that goes to all classes alike in training; "auto" is 0.1 with more
        columns than rows, where it lets every row count for where the border runs, else 0.
    n_networks : int or "auto"
        Networks trained from different first weights, whose predictions are averaged; "auto" is 5 where they cost little,
        else 1.
    solver : {"auto", "lbfgs", "adam", "gd"}
        "auto" is "lbfgs", and for tall tables "adam" on batches of 200 rows with early stopping; with l1 or dropout "adam".
    learning_rate_init : float
        For "adam" and "gd"; above 0. If training diverges it is halved, once.
    batch_size : int or None
        Rows a step, for "adam" and "gd"; None for all.
    max_iter : int
        Passes over the rows at most; without batches each is one step.
    tol : float
        When to stop, as in `twolayer.train`: for "lbfgs" at a gradient no longer than this, for the others when 10 steps
        lower the loss by less than this share of it (not asked where rows are held out, nor with dropout).
    early_stopping : bool
        Whether rows are held out, training ends when the score on them no longer rises, and the best weights are kept.
    validation_fraction : float
        The share of rows held out; of every class its own.
    n_iter_no_change : int
        So many looks without a better score end the training. A look comes after every pass (on wide tables every fifth).
    scoring : str, callable or None
        The score on the rows held out, as scikit-learn names it, or a function of (model, X, y); None is minus the loss.
    callback : callable, list of callables, or None
        Called between steps with a `twolayer.Progress`, and after the last; training ends when one returns True.
    warm_start : bool
        Whether `fit` starts from the weights (and the alpha) of the fit before.
    engine : str
        One of `twolayer.engines()`, or "auto".
    device : str
        Where `fit` trains the networks: "cpu"; "cuda", "cuda:1", ... with the torch engines, of which "auto" takes "torch";
        or "auto", a GPU if there is one and the training is worth it. "auto" in `alpha` looks for it on the processor.
    random_state : int, RandomState, Generator or None
        The seed of the first weights and of all that is drawn; None for different ones each time.
    verbose : int
        Above 0, tells what the fit will take, and how it goes.
    calibrate : bool or "auto"
        Whether probabilities are made as sure as they should be: all logits are divided by one temperature, that with the
        least log loss on the rows held out by early stopping, else on those left out while alpha is chosen (with alpha
        given, on folds made for this). Predicted classes stay as they are. "auto" does it where labels are smoothed, which
        makes networks less sure than they should be; elsewhere it helps where alpha was given too small.
    class_weight : dict, "balanced" or None
        What a row of each class counts, times its sample weight, in training and validation; "balanced" lets every class
        count alike.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    w1_ : ndarray, shape (n_inputs, n_hidden), or (n_networks, n_inputs, n_hidden) for several networks; likewise
    b1_ : ndarray, shape (n_hidden,)
    w2_ : ndarray, shape (n_hidden, n_outputs)
    b2_ : ndarray, shape (n_outputs,)
    w_skip_ : ndarray, shape (n_inputs, n_outputs), or None without a skip layer
    alpha_ : float
        The weight decay used.
    alphas_tried_ : ndarray, shape (n_alphas, 2), or None
        Each alpha tried, and the loss of the rows left out.
    n_networks_ : int
    solver_ : str
    loss_curve_ : ndarray, shape (n_iter_,) or (n_iter_, n_networks)
        The objective before each step, for standardised columns.
    loss_ : float, or ndarray of shape (n_networks,)
        The objective after the last step.
    validation_scores_ : ndarray, shape (n_looks,) or (n_looks, n_networks), or None
        The scores on the rows held out.
    best_step_ : int, ndarray or None
        The step whose weights were kept.
    n_iter_ : int
        Steps taken.
    stopped_ : str
        Why it ended there.
    device_ : str
        Where the networks were trained.
    temperature_ : float
        Only if they are calibrated: what `predict_proba` divides the logits of `decision_function` by.
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
    _several_labels = False  # True once it has seen y with a column for each label

    def __init__(
        self,
        n_hidden: int = 50,
        *,
        activation: Any = "relu",
        alpha: float | str = "auto",
        l1: float = 0.0,
        dropout: float = 0.0,
        class_weight: Any = None,
        calibrate: bool | str = "auto",
        skip: bool | str = "auto",
        label_smoothing: float | str = "auto",
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
        super().__init__(
            n_hidden,
            activation=activation,
            alpha=alpha,
            l1=l1,
            dropout=dropout,
            skip=skip,
            n_networks=n_networks,
            solver=solver,
            learning_rate_init=learning_rate_init,
            batch_size=batch_size,
            max_iter=max_iter,
            tol=tol,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            scoring=scoring,
            callback=callback,
            warm_start=warm_start,
            engine=engine,
            device=device,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.calibrate = calibrate

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _task_loss(self) -> Loss:
        return LOSSES["binary_log_loss" if self._several_labels else self._loss]

    def _read(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any, int]:  # noqa: N803
        X, y, s = self._read_rows(X, y, sample_weight, multi_output=True)  # noqa: N806
        self._several_labels = type_of_target(y) == "multilabel-indicator"
        if self._several_labels:
            y = self._labels(y)
            self.classes_ = np.arange(y.shape[1])
            return X, y, s, y.shape[1]
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"y holds one class only, {str(self.classes_[0])!r}, in every row of weight above 0: "
                "two classes are needed"
            )
        return self._weighed(X, labels, s, None)

    def _labels(self, y: Any) -> np.ndarray:
        """A column of 0 and 1 for each label."""
        if self.class_weight is not None:
            raise InputError("class_weight is for one class a row; y has a column for each label")
        return np.asarray(y.toarray() if is_sparse(y) else y, dtype=np.float64)

    def _weighed(
        self,
        X: Any,  # noqa: N803
        labels: np.ndarray,
        s: Any,
        counted: Any,
    ) -> tuple[Any, np.ndarray, Any, int]:
        """Rows with the weights of their classes in theirs."""
        n_outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        if self.class_weight is None:
            return X, labels, s, n_outputs
        if counted is None:
            counted = class_weights(self.class_weight, self.classes_, labels, s)
            self._class_weights = counted
        s = counted[labels] * (1.0 if s is None else s)
        if not s.all():
            self._keep_groups(s > 0)
            X, labels, s = X[s > 0], labels[s > 0], s[s > 0]  # noqa: N806
        return X, labels, s, n_outputs

    def _read_validation(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any]:  # noqa: N803
        X, y, s = self._read_rows(X, y, sample_weight, reset=False, multi_output=True)  # noqa: N806
        if self._several_labels:
            y = self._labels(y)
            if y.shape != (X.shape[0], len(self.classes_)):
                raise InputError(
                    f"y must have {len(self.classes_)} columns, one for each label; its shape is {y.shape}"
                )
            return X, y, s
        y = column_or_1d(y, warn=True)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            names = name_list([repr(str(one)) for one in unknown])
            raise InputError(f"y holds classes that were not there before: {names}")
        labels = np.searchsorted(self.classes_, y)
        return self._weighed(X, labels, s, getattr(self, "_class_weights", None))[:3]

    def _own_targets(self, y: np.ndarray) -> np.ndarray:
        return y.astype(int) if self._several_labels else self.classes_[y]

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:  # noqa: N803
        """Learn a little more from some rows: one pass over them by Adam, in batches.

        The first call settles the scaling of the columns and, where "auto" is asked, the weight decay, the skip layer and
        the smoothing of labels: give it rows that look like the rest, and of a wide table all. Called again and again with
        all rows, it reaches what `fit` reaches.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`
        classes : array-like, shape (n_classes,), or None
            All classes there will be: needed in the first call, if its rows do not show them all.
        """
        if hasattr(self, "_continued"):
            X, y, s = self._read_validation(X, y, sample_weight)  # noqa: N806
            train_one_pass(self, X, y, s, self.w2_.shape[-1])
            return self
        if classes is None:
            train_one_pass(self, *self._read(X, y, sample_weight))
            return self
        self.classes_, self._several_labels = np.unique(classes), False
        self.__dict__.pop("_class_weights", None)
        X, y, s = self._read_rows(X, y, sample_weight, multi_output=True)  # noqa: N806
        y = column_or_1d(y, warn=True)
        if len(np.setdiff1d(y, self.classes_)) or len(self.classes_) < 2:
            raise InputError("classes must name all classes of y, two at least")
        train_one_pass(self, *self._weighed(X, np.searchsorted(self.classes_, y), s, None))
        return self

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        """The logits of rows, before any temperature; of several networks those of their mean probability.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)

        Returns
        -------
        logits : ndarray, shape (n_rows,) for two classes, else (n_rows, n_classes)
        """
        logits = self._logits(X)
        return logits[:, 0] if logits.shape[1] == 1 and not self._several_labels else logits

    def _logits(self, X: Any) -> np.ndarray:  # noqa: N803
        """The same, always of shape (n_rows, n_outputs)."""
        outputs = np.stack(self._outputs(X))
        return outputs[0] if len(outputs) == 1 else mean_logits(outputs, self._several_labels)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """The probability of each class, in the order of `classes_`: the mean of the networks.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)

        Returns
        -------
        probabilities : ndarray, shape (n_rows, n_classes)
            Of several labels a row: of each label by itself.
        """
        logits = self._logits(X) / getattr(self, "temperature_", 1.0)
        return class_probabilities(logits, self._several_labels)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Predict the class of rows.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)

        Returns
        -------
        classes : ndarray, shape (n_rows,), or 0 and 1 of shape (n_rows, n_labels)
        """
        best = most_likely_class(self._logits(X), self._several_labels)
        return best if self._several_labels else self.classes_[best]

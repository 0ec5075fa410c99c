"""Classes from a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from twolayer.errors import InputError
from twolayer.estimators.network import TwoLayerEstimator


class TwoLayerClassifier(ClassifierMixin, TwoLayerEstimator):
    """Predicts one class a row, with probabilities.

    Inputs are standardised inside, on the rows given to `fit`, and the weights folded back: `w1_`, `b1_`, `w2_`, `b2_` act
    on the user's own units. The log loss is made small, with weight decay: of one logit for two classes, of as many as there
    are classes (softmax) for more.

    Parameters
    ----------
    n_hidden : int
        Units in the hidden layer.
    activation : {"relu", "identity", "tanh", "logistic"}
    alpha : float
        Weight decay, at least 0: adds ½·alpha/S·(‖w1‖² + ‖w2‖²) to the mean loss, S the total row weight.
    solver : {"lbfgs", "adam", "gd"}
    learning_rate_init : float
        For "adam" and "gd"; above 0.
    max_iter : int
        Steps at most, each on all rows.
    tol : float
        When to stop, as in `twolayer.train`: for "lbfgs" at a gradient no longer than this, for the others when 10 steps
        lower the loss by less than this share of it.
    engine : str
        One of `twolayer.engines()`, or "auto".
    random_state : int, RandomState, Generator or None
        The seed of the first weights; None for different ones each time.
    verbose : int
        Above 0, tells the loss now and then.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    w1_ : ndarray, shape (n_inputs, n_hidden)
    b1_ : ndarray, shape (n_hidden,)
    w2_ : ndarray, shape (n_hidden, n_outputs)
    b2_ : ndarray, shape (n_outputs,)
    loss_curve_ : ndarray, shape (n_iter_,)
        The objective before each step.
    loss_ : float
        The objective after the last step.
    n_iter_ : int
        Steps taken.
    stopped_ : str
        Why it ended there.
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TwoLayerClassifier:  # noqa: N803
        """Learn from rows.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)
            A sparse table is scaled without centring.
        y : array-like, shape (n_rows,)
            The class of each row: text, whole numbers or booleans.
        sample_weight : array-like, shape (n_rows,), or None

        Returns
        -------
        self

        Raises
        ------
        InputError, ValueError
            If an array or setting cannot be used.
        DivergedError
            If the loss stops being finite.
        """
        X, y, s = self._read_rows(X, y, sample_weight, multi_output=True)  # noqa: N806
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"y holds one class only, {str(self.classes_[0])!r}, in every row of weight above 0: "
                "two classes are needed"
            )
        n_outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        self._train(X, labels, n_outputs, s, standardise_y=False)
        return self

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        """The logits of rows.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)

        Returns
        -------
        logits : ndarray, shape (n_rows,) for two classes, else (n_rows, n_classes)
        """
        logits = self._forward(X)
        return logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """The probability of each class, in the order of `classes_`.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)

        Returns
        -------
        probabilities : ndarray, shape (n_rows, n_classes)
        """
        logits = self.decision_function(X)
        if logits.ndim == 1:
            return np.column_stack([expit(-logits), expit(logits)])
        return softmax(logits, axis=1)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Predict the class of rows.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)

        Returns
        -------
        classes : ndarray, shape (n_rows,)
        """
        logits = self.decision_function(X)
        best = (logits > 0).astype(int) if logits.ndim == 1 else logits.argmax(axis=1)
        return self.classes_[best]

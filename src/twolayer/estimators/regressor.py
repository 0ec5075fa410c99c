"""Numbers from a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from twolayer.estimators.network import TwoLayerEstimator


class TwoLayerRegressor(RegressorMixin, TwoLayerEstimator):
    """Predicts one number a row, or several.

    Inputs and targets are standardised inside, on the rows given to `fit`, and the weights folded back: `w1_`, `b1_`,
    `w2_`, `b2_` act on the user's own units. The squared error of the standardised targets is made small, with weight decay.

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
    w1_ : ndarray, shape (n_inputs, n_hidden)
    b1_ : ndarray, shape (n_hidden,)
    w2_ : ndarray, shape (n_hidden, n_outputs)
    b2_ : ndarray, shape (n_outputs,)
    loss_curve_ : ndarray, shape (n_iter_,)
        The objective before each step, for standardised columns.
    loss_ : float
        The objective after the last step.
    n_iter_ : int
        Steps taken.
    stopped_ : str
        Why it ended there.
    n_outputs_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of X had names.

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = tl.TwoLayerRegressor(alpha=0.01, random_state=0).fit(X, np.abs(X[:, 0]))
    >>> model.score(X, np.abs(X[:, 0])) > 0.99
    True
    """

    _loss = "squared_error"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TwoLayerRegressor:  # noqa: N803
        """Learn from rows.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)
            A sparse table is scaled without centring.
        y : array-like, shape (n_rows,) or (n_rows, n_outputs)
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
        X, y, s = self._read_rows(X, y, sample_weight, multi_output=True, y_numeric=True)  # noqa: N806
        y = np.asarray(y, dtype=np.float64)
        self._one_target = y.ndim == 1
        y = y.reshape(len(y), -1)
        self.n_outputs_ = y.shape[1]
        self._train(X, y, self.n_outputs_, s, standardise_y=True)
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Predict the targets of rows.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)

        Returns
        -------
        y_pred : ndarray, shape (n_rows,) or (n_rows, n_outputs), as `y` was
        """
        y_pred = self._forward(X)
        return y_pred[:, 0] if self._one_target else y_pred

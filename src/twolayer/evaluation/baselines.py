"""The baselines of a network: a linear model of the same columns, and a constant guess."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.evaluation.predictions import Predictions
from twolayer.evaluation.splits import TrainTestSplit

NETWORK, LINEAR, CONSTANT = "two-layer network", "linear model", "constant guess"


def fit_linear_model(
    x: Any,
    y: np.ndarray,
    parts: TrainTestSplit,
    *,
    classifies: bool,
    weights: np.ndarray | None = None,
) -> Any:
    """Return ridge or logistic regression, fitted to standardised columns of the rows of training.

    Its penalty is chosen on rows left out of training: one at a time (ridge), or a fifth at a time.

    Parameters
    ----------
    x : array or SciPy sparse array, shape (n_rows, n_inputs)
    y : ndarray, shape (n_rows,) or (n_rows, n_outputs)
    parts : TrainTestSplit
    classifies : bool
    weights : ndarray, shape (n_rows,), or None
    """
    from scipy.linalg import LinAlgWarning
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from twolayer.evaluation.tuned_logistic import LabelwiseLogistic, TunedLogistic

    kind: Any = RidgeCV(np.logspace(-3, 5, 17))
    if classifies:
        kind = LabelwiseLogistic() if np.ndim(y) == 2 else TunedLogistic()
    model = make_pipeline(StandardScaler(with_mean=not is_sparse(x)), kind)
    given: dict[str, Any] = {"sample_weight": None if weights is None else weights[parts.train]}
    if classifies and parts.groups is not None:
        given["groups"] = parts.groups[parts.train]
    last = model.steps[-1][0]
    with warnings.catch_warnings():
        # a baseline need not be solved to the last digit
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", LinAlgWarning)
        return model.fit(
            x[parts.train],
            y[parts.train],
            **{f"{last}__{name}": value for name, value in given.items()},
        )


def best_constant(y: np.ndarray, classes: Any, s: Any) -> Predictions:
    """Return the best prediction without inputs for these rows, with probabilities for classes.

    The best one for the rows of training would be too easy to beat where the classes have other shares here.
    """
    if classes is None:
        return Predictions(np.zeros(y.shape) + np.average(y, axis=0, weights=s))
    if y.ndim == 2:
        shares = np.average(y, axis=0, weights=s)
        return Predictions(
            np.tile((shares > 0.5).astype(int), (len(y), 1)), np.tile(shares, (len(y), 1))
        )
    shares = np.array([np.average(y == one, weights=s) for one in classes])
    return Predictions(np.repeat(classes[shares.argmax()], len(y)), np.tile(shares, (len(y), 1)))

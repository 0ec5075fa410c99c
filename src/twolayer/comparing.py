"""Is the network any good? Its scores on rows it has not seen, beside those of a linear model and of a constant guess.

All three learn from the same training rows; the linear model's columns are standardised on them too.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.tables import Target

NETWORK, LINEAR, CONSTANT = "two-layer network", "linear model", "constant guess"
HIGHER_IS_BETTER = {
    "accuracy": True,
    "balanced accuracy": True,
    "log loss": False,
    "R²": True,
    "RMSE": False,
}
Scores = dict[str, dict[str, float]]  # model -> score -> value


@dataclass(frozen=True, eq=False)
class Split:
    """Which rows are trained on, and which are kept for the test."""

    train: np.ndarray
    test: np.ndarray


def split(target: Target, test_size: float, seed: int) -> Split:
    """Random rows for the test; of every class its share.

    Parameters
    ----------
    target : Target
    test_size : float
        The share of the rows, above 0 and below 1.
    seed : int

    Raises
    ------
    InputError
        If a part would be too small to train on, or to score.
    """
    from sklearn.model_selection import train_test_split

    classify = target.task == "classification"
    n_rows = len(target.values)
    n_test = math.ceil(test_size * n_rows)
    needed = 2
    if classify:
        classes, counts = np.unique(target.values, return_counts=True)
        needed = len(classes)
        if counts.min() < 2:
            alone = classes[counts.argmin()]
            raise InputError(
                f"class {str(alone)!r} of '{target.name}' has one row only: it cannot be both in the training "
                "part and in the test part. Leave it out, or choose --task regression for numbers"
            )
    if n_test < needed or n_rows - n_test < needed:
        raise InputError(
            f"of {n_rows} rows, {n_test} would be for the test and {n_rows - n_test} for training; each part needs "
            f"at least {needed}{', one for each class' if classify else ''}: change --test-size, or add rows"
        )
    stratify = target.values if classify else None
    train, test = train_test_split(
        np.arange(n_rows), test_size=n_test, random_state=seed, stratify=stratify
    )
    missing = set(target.values.tolist()) - set(target.values[train].tolist()) if classify else ()
    if missing:
        raise InputError(
            f"no row of class {str(min(missing))!r} would be left for training: choose a smaller --test-size"
        )
    return Split(np.sort(train), np.sort(test))


def compare(model: Any, x: np.ndarray, target: Target, parts: Split) -> Scores:
    """Scores of the fitted model on the test rows, and of its two rivals, which are fitted here."""
    from scipy.linalg import LinAlgWarning
    from sklearn.exceptions import ConvergenceWarning

    x_train, y_train = x[parts.train], target.values[parts.train]
    x_test, y_test = x[parts.test], target.values[parts.test]
    rivals = {LINEAR: linear_model(target.task), CONSTANT: constant_guess(target.task)}
    with warnings.catch_warnings():
        # a rival that is not solved to the last digit can still be compared with
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", LinAlgWarning)
        fitted = {name: rival.fit(x_train, y_train) for name, rival in rivals.items()}
    return {
        name: scores(one, x_test, y_test, target.task)
        for name, one in {NETWORK: model, **fitted}.items()
    }


def linear_model(task: str) -> Any:
    """Ridge regression with its penalty chosen by leave-one-out, or logistic regression."""
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if task == "classification":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 5, 17)))


def constant_guess(task: str) -> Any:
    """The mean; or the shares of the classes, and the most frequent class."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor()


def scores(model: Any, x: np.ndarray, y: np.ndarray, task: str) -> dict[str, float]:
    """How well a model predicts these rows."""
    from sklearn import metrics

    y_pred = model.predict(x)
    if task == "regression":
        return {
            "R²": float(metrics.r2_score(y, y_pred)),
            "RMSE": float(metrics.root_mean_squared_error(y, y_pred)),
        }
    present = np.unique(y)
    recalls = [np.mean(y_pred[y == one] == one) for one in present]
    return {
        "accuracy": float(np.mean(y_pred == y)),
        "balanced accuracy": float(np.mean(recalls)),
        "log loss": float(metrics.log_loss(y, model.predict_proba(x), labels=model.classes_)),
    }


def verdict(compared: Scores) -> str:
    """In plain words: is the network better than the linear model, and than a constant guess?"""
    better, worse = _sides(compared, NETWORK, LINEAR)
    if worse:
        said = f"The network is worse than the linear model in {_with_values(compared, worse)}"
        said += f", and better in {together(better)}." if better else "."
    elif better:
        said = f"The network is better than the linear model in {together(better)}."
    else:
        said = "The network is exactly as good as the linear model."
    useless = {name: _sides(compared, name, CONSTANT)[1] for name in (NETWORK, LINEAR)}
    if useless[NETWORK]:
        said += f" It is worse than a constant guess in {together(useless[NETWORK])}: do not rely on it."
    if useless[LINEAR]:
        said += f" The linear model is worse than a constant guess in {together(useless[LINEAR])}."
    if useless[NETWORK] and useless[LINEAR]:
        return f"{said} These columns may say nothing about the target."
    return f"{said} Prefer the linear model, or try a larger --alpha." if worse else said


def _sides(compared: Scores, ours: str, rival: str) -> tuple[list[str], list[str]]:
    """The scores in which ours is better than the rival, and in which it is worse."""
    better: list[str] = []
    worse: list[str] = []
    for name, value in compared[ours].items():
        difference = value - compared[rival][name]
        if difference:
            (better if (difference > 0) == HIGHER_IS_BETTER[name] else worse).append(name)
    return better, worse


def _with_values(compared: Scores, names: list[str]) -> str:
    return together(
        [
            f"{name} ({rounded(name, compared[NETWORK][name])} against {rounded(name, compared[LINEAR][name])})"
            for name in names
        ]
    )


def rounded(name: str, value: float) -> str:
    """A score as text."""
    return f"{value:.4g}" if name == "RMSE" else f"{value:.4f}"


def together(words: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1])] * (len(words) > 1) + words[-1:])

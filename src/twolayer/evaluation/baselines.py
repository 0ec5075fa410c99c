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
    "rows all right": True,
    "balanced accuracy": True,
    "log loss": False,
    "R²": True,
    "RMSE": False,
}
FEW_TEST_ROWS = 30  # test rows: one more or less that is right is a difference of 3%
ScoresByModel = dict[str, dict[str, float]]  # model -> score -> value


@dataclass(frozen=True, eq=False)
class TrainTestSplit:
    """Which rows are trained on, and which are kept for the test; and of all rows the group, if groups stay together."""

    train: np.ndarray
    test: np.ndarray
    groups: np.ndarray | None = None


def train_test_rows(
    target: Target,
    test_size: float,
    seed: int,
    groups: np.ndarray | None = None,
    order: np.ndarray | None = None,
) -> TrainTestSplit:
    """Rows for the test: at random, of every class its share; of whole groups; or the latest.

    Parameters
    ----------
    target : Target
    test_size : float
        The share of the rows, above 0 and below 1.
    seed : int
    groups : ndarray, shape (n_rows,), or None
        Rows of one group stay together.
    order : ndarray, shape (n_rows,), or None
        The rank of each row in time: the latest are for the test.

    Raises
    ------
    InputError
        If a part would be too small to train on, or to score.
    """
    n_rows = len(target.values)
    n_test = math.ceil(test_size * n_rows)
    if groups is not None:
        parts = _group_split(groups, test_size, seed)
    elif order is not None:
        parts = _time_split(order, n_test)
    else:
        parts = _random_split(target, n_test, seed)
    _check_split(target, parts)
    return parts


def _random_split(target: Target, n_test: int, seed: int) -> TrainTestSplit:
    from sklearn.model_selection import train_test_split

    n_rows = len(target.values)
    classify = target.task == "classification"
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
    return TrainTestSplit(np.sort(train), np.sort(test))


def _group_split(groups: np.ndarray, test_size: float, seed: int) -> TrainTestSplit:
    from sklearn.model_selection import GroupShuffleSplit

    if len(np.unique(groups)) < 2:
        raise InputError("all rows are of one group: a split by --groups needs two at least")
    splitter = GroupShuffleSplit(1, test_size=test_size, random_state=seed)
    train, test = next(splitter.split(groups, groups=groups))
    return TrainTestSplit(train, test, groups)


def _time_split(order: np.ndarray, n_test: int) -> TrainTestSplit:
    """The latest rows for the test; rows of the same time stay together."""
    latest = order >= np.sort(order)[-n_test]
    return TrainTestSplit(np.flatnonzero(~latest), np.flatnonzero(latest))


def _check_split(target: Target, parts: TrainTestSplit) -> None:
    """Raise if a part is too small, or lacks a class."""
    if min(len(parts.train), len(parts.test)) < 2:
        raise InputError(
            f"{len(parts.train)} rows would be for training and {len(parts.test)} for the test; each part needs at "
            "least 2: change --test-size, or add rows"
        )
    if target.task != "classification":
        return
    missing = set(target.values.tolist()) - set(target.values[parts.train].tolist())
    if missing:
        raise InputError(
            f"no row of class {str(min(missing))!r} would be left for training: choose a smaller --test-size"
            ", another --seed, or merge classes"
        )


def compare_with_baselines(
    model: Any, x: Any, target: Target, parts: TrainTestSplit, weights: np.ndarray | None = None
) -> ScoresByModel:
    """Scores of the fitted model on the test rows, and of its two rivals, which are fitted here."""
    x_test, y_test = x[parts.test], target.values[parts.test]
    s_test = None if weights is None else weights[parts.test]
    models = {NETWORK: model, **fitted_baselines(x, target, parts, weights)}
    return {
        name: model_scores(one, x_test, y_test, target.task, s_test) for name, one in models.items()
    }


def fitted_baselines(
    x: Any, target: Target, parts: TrainTestSplit, weights: np.ndarray | None = None
) -> dict[str, Any]:
    """The linear model and the constant guess, fitted to the rows of training."""
    from scipy.linalg import LinAlgWarning
    from sklearn.exceptions import ConvergenceWarning

    from twolayer.checks import is_sparse

    x_train, y_train = x[parts.train], target.values[parts.train]
    linear = linear_model(target.task, is_sparse(x))
    s_train = None if weights is None else weights[parts.train]
    with warnings.catch_warnings():
        # a rival that is not solved to the last digit can still be compared with
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", LinAlgWarning)
        given: dict[str, Any] = {"sample_weight": s_train}
        if target.task == "classification" and parts.groups is not None:
            given["groups"] = parts.groups[parts.train]
        last = linear.steps[-1][0]
        linear.fit(x_train, y_train, **{f"{last}__{name}": value for name, value in given.items()})
    constant = constant_model(target.task).fit(x_train, y_train, sample_weight=s_train)
    return {LINEAR: linear, CONSTANT: constant}


def linear_model(task: str, sparse: bool = False) -> Any:
    """Ridge or logistic regression, the penalty chosen on rows left out: one at a time, or a fifth."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from twolayer.evaluation.tuned_logistic import TunedLogistic

    scaler = StandardScaler(with_mean=not sparse)
    if task == "classification":
        return make_pipeline(scaler, TunedLogistic())
    return make_pipeline(scaler, RidgeCV(np.logspace(-3, 5, 17)))


def constant_model(task: str) -> Any:
    """The mean; or the shares of the classes, and the most frequent class."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor()


def model_scores(
    model: Any, x: Any, y: np.ndarray, task: str, weights: np.ndarray | None = None
) -> dict[str, float]:
    """How well a model predicts these rows."""
    probabilities = model.predict_proba(x) if task == "classification" else None
    classes = getattr(model, "classes_", None)
    return prediction_scores(y, model.predict(x), probabilities, classes, weights)


def prediction_scores(
    y: np.ndarray,
    y_pred: np.ndarray,
    probabilities: np.ndarray | None = None,
    classes: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> dict[str, float]:
    """The scores of predictions; with probabilities those of classes. Of several outputs, each in its own unit, the mean R².

    Of several labels a row, `y` with a column of 0 and 1 for each, accuracy is the share of single answers that are right;
    "rows all right" the share of rows with no label wrong; the others are means over labels.
    """
    s = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    if probabilities is None:
        return _regression_scores(y, y_pred, s)
    if np.ndim(y) == 2:
        return _label_scores(y, y_pred, probabilities, s)
    right = y_pred == y
    assert classes is not None
    places = np.searchsorted(classes, y)
    rows = np.bincount(places, s, len(classes))
    found = np.bincount(places, s * right, len(rows))[rows > 0]
    return {
        "accuracy": float(np.average(right, weights=s)),
        "balanced accuracy": float(np.mean(found / rows[rows > 0])),
        "log loss": float(
            np.average(log_loss_per_row(probabilities[np.arange(len(y)), places]), weights=s)
        ),
    }


def _regression_scores(y: np.ndarray, y_pred: np.ndarray, s: np.ndarray) -> dict[str, float]:
    """R², 0 where all targets are the same (1 if they are hit), and of one output the root of the mean squared error."""
    y, y_pred = (np.asarray(part, dtype=float).reshape(len(y), -1) for part in (y, y_pred))
    missed = np.average(np.square(y - y_pred), axis=0, weights=s)
    around = np.average(np.square(y - np.average(y, axis=0, weights=s)), axis=0, weights=s)
    explained = 1 - missed / np.where(around > 0, around, 1)
    explained = np.where(around > 0, explained, np.where(missed > 0, 0.0, 1.0))
    if y.shape[1] > 1:  # each has a unit of its own: the mean of their errors has none
        return {"R²": float(explained.mean())}
    return {"R²": float(explained[0]), "RMSE": float(np.sqrt(missed[0]))}


def _label_scores(
    y: np.ndarray, y_pred: np.ndarray, p: np.ndarray, s: np.ndarray
) -> dict[str, float]:
    right = y_pred == y
    recalls = []
    for label, hit in zip(y.T, right.T, strict=True):
        sides = [label == side for side in (0, 1)]
        recalls.append(
            np.mean([np.average(hit[side], weights=s[side]) for side in sides if s[side].any()])
        )
    return {
        "accuracy": float(np.average(right.mean(axis=1), weights=s)),
        "rows all right": float(np.average(right.all(axis=1), weights=s)),
        "balanced accuracy": float(np.mean(recalls)),
        "log loss": float(
            np.average(log_loss_per_row(np.where(y == 1, p, 1 - p)).mean(axis=1), weights=s)
        ),
    }


def log_loss_per_row(p: np.ndarray) -> np.ndarray:
    """Minus the logarithm of probabilities, finite for 0 too."""
    tiny = np.finfo(p.dtype).eps
    return -np.log(np.clip(p, tiny, 1 - tiny))


def score_table(compared: ScoresByModel, heading: str) -> list[str]:
    """The scores as a table, a line for each model."""
    columns = list(next(iter(compared.values())))
    widths = [max(len(column), 9) for column in columns]
    header = "  ".join(f"{column:>{width}}" for column, width in zip(columns, widths, strict=True))
    lines = [f"{heading:20}{header}"]
    for name, row in compared.items():
        values = "  ".join(
            f"{format_score(column, row[column]):>{width}}"
            for column, width in zip(columns, widths, strict=True)
        )
        lines.append(f"{name:20}{values}")
    return lines


def fit_verdict(compared: ScoresByModel, n_test: int | None = None) -> str:
    """In plain words: is the network better than a constant guess, and than the linear model?

    Scores are compared as they are printed. Of numbers R² decides whether a model is of use, of classes the log loss.

    Parameters
    ----------
    compared : dict
    n_test : int or None
        The rows they were scored on; of few, it is said that they are.
    """
    said = _against_constant(compared)
    if _is_of_use(compared, NETWORK) or _is_of_use(compared, LINEAR):
        said.append(_against_linear(compared, "It" if said else "The network"))
    else:  # which of the two is better does not matter
        said.append(
            "Nor can the linear model be relied on: these columns may say nothing about the target."
        )
    if n_test is not None and n_test < FEW_TEST_ROWS:
        said.append(f"{n_test} test rows are too few to be sure of that.")
    return " ".join(said)


def _is_of_use(compared: ScoresByModel, model: str) -> bool:
    """Whether it is better than a constant guess in the score that decides."""
    decides = "R²" if "R²" in compared[model] else "log loss"
    better, _ = _sides(compared, model, CONSTANT)
    return decides in better and (decides != "R²" or _as_printed("R²", compared[model]["R²"]) > 0)


def _against_constant(compared: ScoresByModel) -> list[str]:
    """What is to be said first, if the network is not better than a constant guess in every score."""
    better, _ = _sides(compared, NETWORK, CONSTANT)
    others = [name for name in compared[NETWORK] if name not in better]
    if not better:
        return ["The network is no better than a constant guess: do not rely on it."]
    if "R²" in better and not _is_of_use(compared, NETWORK):
        return [
            "The network explains nothing of the target (R² is not above 0): do not rely on it."
        ]
    if not others:
        return []
    said = f"The network is better than a constant guess in {join_words(better)}, but no better in {join_words(others)}"
    luck = ": that may be luck, as `twolayer test` would show."
    return [said + ("." if _is_of_use(compared, NETWORK) else luck)]


def _against_linear(compared: ScoresByModel, it: str) -> str:
    better, worse = _sides(compared, NETWORK, LINEAR)
    advice = "Prefer the linear model, or try a larger --alpha."
    if not better and not worse:
        return f"{it} is as good as the linear model, which is easier to explain."
    if not worse:
        said = f"{it} is better than the linear model in {join_words(better)}"
        return said + (
            "." if _is_of_use(compared, LINEAR) else ", which is no better than a constant guess."
        )
    said = f"{it} is worse than the linear model in {_with_values(compared, worse)}"
    if not better:
        return f"{said}. {advice}"
    if not _is_of_use(compared, NETWORK):
        return f"{said}, and better in {join_words(better)}. {advice}"
    return f"{said}, and better in {join_words(better)}: the linear model is easier to explain."


def _sides(compared: ScoresByModel, ours: str, rival: str) -> tuple[list[str], list[str]]:
    """The scores in which ours is better than the rival, and in which it is worse, as they are printed."""
    better: list[str] = []
    worse: list[str] = []
    for name, value in compared[ours].items():
        difference = _as_printed(name, value) - _as_printed(name, compared[rival][name])
        if difference:
            (better if (difference > 0) == HIGHER_IS_BETTER[name] else worse).append(name)
    return better, worse


def _as_printed(name: str, value: float) -> float:
    return float(format_score(name, value))


def _with_values(compared: ScoresByModel, names: list[str]) -> str:
    return join_words(
        [
            f"{name} ({format_score(name, compared[NETWORK][name])} against {format_score(name, compared[LINEAR][name])})"
            for name in names
        ]
    )


def format_score(name: str, value: float) -> str:
    """A score as text."""
    return f"{value:.4g}" if name == "RMSE" else f"{value:z.4f}"


def join_words(words: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1])] * (len(words) > 1) + words[-1:])

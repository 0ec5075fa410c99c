"""Scores of predictions: of classes, of labels, of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

HIGHER_IS_BETTER = {
    "accuracy": True,
    "rows all right": True,
    "balanced accuracy": True,
    "log loss": False,
    "R²": True,
    "RMSE": False,
}
ScoresByModel = dict[str, dict[str, float]]  # model -> score -> value


def model_scores(
    model: Any, x: Any, y: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, float]:
    """Return how well a model predicts these rows."""
    classes = getattr(model, "classes_", None)
    probabilities = None if classes is None else model.predict_proba(x)
    return prediction_scores(y, model.predict(x), probabilities, classes, weights)


def prediction_scores(
    y: np.ndarray,
    y_pred: np.ndarray,
    probabilities: np.ndarray | None = None,
    classes: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> dict[str, float]:
    """Return the scores of predictions.

    Parameters
    ----------
    y, y_pred : ndarray, shape (n_rows,) or (n_rows, n_outputs)
        With several labels per row, a column of 0 and 1 for each.
    probabilities : ndarray, shape (n_rows, n_classes) or (n_rows, n_labels), or None for numbers
    classes : ndarray, shape (n_classes,), or None
        In the order of the probabilities, with one class per row.
    weights : ndarray, shape (n_rows,), or None

    Returns
    -------
    scores : dict of str: float
        For numbers "R²" and, of one output, "RMSE"; several outputs have units of their own, so that there is the mean
        R² only. For classes "accuracy", "balanced accuracy" and "log loss". For several labels "accuracy" is the share
        of single labels that are right, "rows all right" the share of rows with no label wrong, and the others are means
        over labels.
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
    hits = np.bincount(places, s * right, len(rows))[rows > 0]
    return {
        "accuracy": float(np.average(right, weights=s)),
        "balanced accuracy": float(np.mean(hits / rows[rows > 0])),
        "log loss": float(
            np.average(log_loss_per_row(probabilities[np.arange(len(y)), places]), weights=s)
        ),
    }


def _regression_scores(y: np.ndarray, y_pred: np.ndarray, s: np.ndarray) -> dict[str, float]:
    """Return R² (with equal targets 0, or 1 if all are predicted right) and, of one output, the RMSE."""
    y, y_pred = (np.asarray(part, dtype=float).reshape(len(y), -1) for part in (y, y_pred))
    error = np.average(np.square(y - y_pred), axis=0, weights=s)
    variance = np.average(np.square(y - np.average(y, axis=0, weights=s)), axis=0, weights=s)
    r2 = 1 - error / np.where(variance > 0, variance, 1)
    r2 = np.where(variance > 0, r2, np.where(error > 0, 0.0, 1.0))
    if y.shape[1] > 1:
        return {"R²": float(r2.mean())}
    return {"R²": float(r2[0]), "RMSE": float(np.sqrt(error[0]))}


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
    """Return minus the logarithm of probabilities, finite for 0 too."""
    tiny = np.finfo(p.dtype).eps
    return -np.log(np.clip(p, tiny, 1 - tiny))


def score_table(compared: ScoresByModel, heading: str) -> list[str]:
    """Return the scores as a table, a line for each model."""
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


def format_score(name: str, value: float) -> str:
    """Return a score as text."""
    return f"{value:.4g}" if name == "RMSE" else f"{value:z.4f}"

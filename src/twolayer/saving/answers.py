"""What a saved model answers for rows, in columns with names: predictions, probabilities, intervals, sets of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.saving.saved_model import SavedModel

SET_NAME, SET_SEPARATOR = "set", "|"


def answer_names(model: SavedModel, proba: bool, interval: float | None) -> list[str]:
    """The names of the answers."""
    estimator = model.estimator
    n_outputs = 1 if model.classifies else getattr(estimator, "n_outputs_", 1)
    names = ["prediction"]
    if n_outputs > 1:
        named = model.targets if len(model.targets) == n_outputs else range(1, n_outputs + 1)
        names = [f"prediction_{name}" for name in named]
    known = estimator.classes_ if model.classifies else []
    if model.several_labels:
        known = model.targets if len(model.targets) == len(known) else known
        names = [f"prediction_{name}" for name in known]
    if proba:
        names += [f"probability_{name}" for name in known]
    if interval is not None and model.classifies:
        names.append(SET_NAME)
    elif interval is not None:
        ends = [name.removeprefix("prediction") for name in names]
        names += [side + end for side in ("low", "high") for end in ends]
    return names


def answers_by_column(
    model: SavedModel, x: Any, proba: bool, interval: float | None
) -> list[np.ndarray]:
    """Return the answers for the rows of x, a column of shape (n_rows,) for each of `answer_names`."""
    parts = [model.asked("predict", x).reshape(x.shape[0], -1)]
    if proba:
        parts.append(model.asked("predict_proba", x))
    if interval is not None and model.classifies:
        parts.append(set_words(model, x, interval))
    elif interval is not None:
        ends = model.asked("predict_interval", x, level=interval)
        parts += [end.reshape(x.shape[0], -1) for end in ends]
    return [column for part in parts for column in part.T]


def set_words(model: SavedModel, x: Any, level: float) -> np.ndarray:
    """The classes in the set of each row, in one text, shape (n_rows, 1)."""
    names = [str(name) for name in model.estimator.classes_]
    sets = model.asked("predict_set", x, level=level)
    words = [
        SET_SEPARATOR.join(name for name, there in zip(names, row, strict=True) if there)
        for row in sets
    ]
    return np.array(words, dtype=object)[:, None]

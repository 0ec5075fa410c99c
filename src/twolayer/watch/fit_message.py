"""A saved model and rows of a table, as the page draws them: which rows light which unit, and each row's path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twolayer.saving.saved_model import SavedModel

MOST_FIT_ROWS = 200
MOST_FIT_NETWORKS = 3
MOST_FIT_ENTRIES = 40_000  # of the hidden layer of one network
FEW_INPUTS = 40  # whose products with the weights are shown for every row
STRONGEST_INPUTS = 6  # that are named for each unit


def rows_drawn(model: SavedModel) -> int:
    """Return how many rows of a table the page shows for this model."""
    n_hidden = model.estimator.networks_[0].n_hidden
    return max(1, min(MOST_FIT_ROWS, MOST_FIT_ENTRIES // n_hidden))


def fit_message(model: SavedModel, x: Any, row_names: Sequence[str]) -> dict[str, Any]:
    """Return a fit for the page.

    Parameters
    ----------
    model : SavedModel
    x : array or SciPy sparse array, shape (rows that are shown, n_inputs)
        The model's inputs.
    row_names : sequence of str
    """
    estimator = model.estimator.without_feature_names()
    networks = list(zip(estimator.networks_, estimator.network_inputs(x), strict=True))
    classes = [str(name) for name in getattr(estimator, "classes_", [])]
    n_outputs = networks[0][0].n_outputs
    if classes and n_outputs == 1:  # of two classes the output speaks for the second
        classes = classes[1:]
    names = classes or model.targets
    return {
        "file": model.path.name,
        "rows": list(row_names),
        "outputs": names if len(names) == n_outputs else [f"y{k + 1}" for k in range(n_outputs)],
        "isClasses": bool(classes),
        "activation": estimator.activation_.name,
        "allNetworks": len(networks),
        "networks": [
            network_message(params, inputs, model.input_names(), estimator.activation_)
            for params, inputs in networks[:MOST_FIT_NETWORKS]
        ],
    }


def network_message(params: Any, x: Any, names: Sequence[str], activation: Any) -> dict[str, Any]:
    """Return one network: its hidden layer on the rows, its outputs, and the strongest inputs of each unit."""
    b1 = 0 if params.b1 is None else params.b1
    b2 = np.zeros(params.n_outputs) if params.b2 is None else params.b2
    h = x @ params.w1 + b1
    h_relu = activation.value(h)
    skip = np.zeros((len(h), params.n_outputs)) if params.w_skip is None else x @ params.w_skip
    squares = x.multiply(x) if hasattr(x, "multiply") else np.square(x)
    size = np.sqrt(np.asarray(squares.mean(axis=0)).ravel())  # root mean square of each input
    strength = np.abs(params.w1) * size[:, None]
    strongest = np.argsort(-strength, axis=0)[:STRONGEST_INPUTS]  # (inputs, n_hidden)
    few = len(names) <= FEW_INPUTS
    wide = x.shape[1] > x.shape[0]
    return {
        "h": rounded(h),
        "h_relu": rounded(h_relu),
        "w2": rounded(params.w2),
        "b2": rounded(b2),
        "skip": rounded(skip) if params.w_skip is not None else None,
        "y_pred": rounded(h_relu @ params.w2 + b2 + skip),
        "strongest": [
            [[names[j], rounded(params.w1[j, unit])] for j in strongest[:, unit]]
            for unit in range(params.n_hidden)
        ],
        "x": rounded(dense(x)) if few else None,
        "w1": rounded(params.w1) if few else None,
        "inputs": list(names) if few else None,
        "span": rounded(dense(x @ x.T)) if wide else None,
    }


def dense(values: Any) -> Any:
    """Return an array, of a sparse one too."""
    return values.toarray() if hasattr(values, "toarray") else values


def rounded(values: Any) -> Any:
    """Return numbers with five digits, as nested lists."""
    return np.vectorize(lambda value: float(f"{value:.5g}"), otypes=[float])(values).tolist()

"""A plot of what a model predicts in the plane of two inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.errors import InputError
from twolayer.plots.axes import (
    check_same_length,
    distinct_colours,
    even_sample,
    new_axes,
    number_array,
    place_legend,
    set_title,
    short_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_REGION_DOTS = 1000  # of more rows an even sample is drawn
GRID_POINTS = 150  # along each axis


def decision_regions(
    model: Any,
    x: Any,
    y: Any,
    ax: Axes | None = None,
    *,
    inputs: tuple[int, int] = (0, 1),
    at: Any = None,
    names: Sequence[Any] | None = None,
    title: str | None = None,
) -> Axes:
    """Draw what a model predicts over two inputs, with the others held constant and the rows as dots.

    Classes have colours, paler where the probability is lower; numbers have filled contours.

    Parameters
    ----------
    model : fitted estimator
        It has `predict`, and `predict_proba` if it has classes.
    x : array-like, shape (n_rows, n_inputs)
    y : array-like, shape (n_rows,)
        Classes, or numbers.
    ax : matplotlib Axes or None
    inputs : (int, int)
        The columns of the horizontal and of the vertical axis.
    at : array-like, shape (n_inputs,), or None
        Where the others are held; None for their medians.
    names : names of all inputs, or None
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        If `inputs` are not two different columns of x, or the model predicts several numbers.

    Examples
    --------
    >>> import twolayer as tl, twolayer.plots
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = tl.TwoLayerClassifier(n_hidden=3, alpha=1, n_networks=1, random_state=0).fit(X[:, 2:], y)
    >>> twolayer.plots.decision_regions(model, X[:, 2:], y, names=["length", "width"]).get_ylabel()
    'width'
    """
    x = number_array(x, "x", (2,))
    y = np.asarray(y)
    check_same_length(x, y, "x and y")
    if x.shape[1] < 2 or len(set(inputs)) != 2:
        raise InputError(
            f"inputs must be two different columns; x has {x.shape[1]}, and inputs={inputs}"
        )
    ax = new_axes(6.0, 4.6) if ax is None else ax
    first, second = inputs
    sides = [_axis_values(x[:, j]) for j in inputs]
    across, up = np.meshgrid(*sides)
    rows = np.tile(np.median(x, axis=0) if at is None else np.asarray(at, float), (across.size, 1))
    rows[:, first], rows[:, second] = across.ravel(), up.ravel()
    classes = getattr(model, "classes_", None)
    drawn = even_sample(len(x), MAX_REGION_DOTS)
    dots, y = x[drawn][:, [first, second]], y[drawn]
    if classes is None:
        _draw_number_regions(ax, across, up, model.predict(rows), dots, y)
    else:
        _draw_class_regions(ax, sides, model.predict_proba(rows), dots, y, classes)
    labels = [f"x{j + 1}" if names is None else short_label(names[j], 40) for j in inputs]
    ax.set(xlabel=labels[0], ylabel=labels[1], xlim=sides[0][[0, -1]], ylim=sides[1][[0, -1]])
    set_title(ax, title)
    return ax


def _axis_values(values: np.ndarray) -> np.ndarray:
    margin = 0.06 * np.ptp(values) or 1.0
    return np.linspace(values.min() - margin, values.max() + margin, GRID_POINTS)


def _draw_class_regions(
    ax: Axes, sides: list[np.ndarray], p: np.ndarray, dots: np.ndarray, y: np.ndarray, classes: Any
) -> None:
    """Draw the plane in the colour of the most likely class, paler where its probability is lower."""
    tints = np.array([colour[:3] for colour in distinct_colours(len(classes))])
    confidence = (p.max(axis=1) - 1 / len(classes)) / (1 - 1 / len(classes))
    strength = 0.12 + 0.4 * np.clip(confidence, 0, 1)[:, None]
    picture = 1 - strength * (1 - tints[p.argmax(axis=1)])
    ends = (*sides[0][[0, -1]], *sides[1][[0, -1]])
    ax.imshow(
        picture.reshape(GRID_POINTS, GRID_POINTS, 3), origin="lower", extent=ends, aspect="auto"
    )
    for k, name in enumerate(classes):
        members = y == name
        ax.plot(
            *dots[members].T, "o", color=tints[k], markersize=4, markeredgecolor="white",
            markeredgewidth=0.5, label=short_label(name),
        )  # fmt: skip
    place_legend(ax, 99 if len(classes) > 16 else max(5, len(classes)))


def _draw_number_regions(
    ax: Axes, across: np.ndarray, up: np.ndarray, z: Any, dots: np.ndarray, y: np.ndarray
) -> None:
    """Draw the plane in the colours of the predicted number, and the dots in those of the true one."""
    from matplotlib.ticker import MaxNLocator

    z = np.asarray(z)
    if z.ndim != 1:
        raise InputError(f"the model must have one output; it has {z.shape[1]}")
    low, high = min(z.min(), y.min()), max(z.max(), y.max())
    if low == high:
        high = low + 1
    levels = MaxNLocator(16).tick_values(low, high)
    shades = ax.contourf(across, up, z.reshape(across.shape), levels, cmap="viridis", alpha=0.75)
    ax.figure.colorbar(shades, ax=ax, label="predicted (plane), true (dots)")
    ax.scatter(
        dots[:, 0],
        dots[:, 1],
        c=y,
        cmap="viridis",
        vmin=levels[0],
        vmax=levels[-1],
        s=18,
        edgecolors="white",
        linewidths=0.6,
    )

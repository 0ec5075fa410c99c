"""A picture of what a model says anywhere in the plane of two inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.errors import InputError
from twolayer.plots.axes import (
    check_same_length,
    distinct_colours,
    new_axes,
    number_array,
    place_legend,
    sample_rows,
    set_title,
    short_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_REGION_DOTS = 1000  # of more rows an even choice is drawn
GRID_POINTS = 150  # points along each side


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
    """Draw what the model says over two inputs, the others held still, with the rows as dots.

    Classes are tinted, paler where the model is less sure; numbers are shades with contour lines.

    Parameters
    ----------
    model : fitted estimator
        With `predict`; with `predict_proba` too if it has classes.
    x : array-like, shape (n_rows, n_inputs)
    y : array-like, shape (n_rows,)
        Classes, or numbers.
    ax : matplotlib Axes or None
    inputs : (int, int)
        Which two inputs go across and up.
    at : array-like, shape (n_inputs,), or None
        Where the others are held; None is their median.
    names : names of all inputs, or None
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        If x has fewer than two columns, or the model predicts several numbers.

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
        raise InputError(f"two different inputs are drawn; x has {x.shape[1]}, and inputs={inputs}")
    ax = new_axes(6.0, 4.6) if ax is None else ax
    first, second = inputs
    sides = [_axis_values(x[:, j]) for j in inputs]
    across, up = np.meshgrid(*sides)
    rows = np.tile(np.median(x, axis=0) if at is None else np.asarray(at, float), (across.size, 1))
    rows[:, first], rows[:, second] = across.ravel(), up.ravel()
    classes = getattr(model, "classes_", None)
    drawn = sample_rows(len(x), MAX_REGION_DOTS)
    dots, y = x[drawn][:, [first, second]], y[drawn]
    if classes is None:
        _draw_number_regions(ax, across, up, model.predict(rows), dots, y)
    else:
        _draw_class_regions(ax, sides, model.predict_proba(rows), dots, y, classes)
    words = [f"x{j + 1}" if names is None else short_label(names[j], 40) for j in inputs]
    ax.set(xlabel=words[0], ylabel=words[1], xlim=sides[0][[0, -1]], ylim=sides[1][[0, -1]])
    set_title(ax, title)
    return ax


def _axis_values(values: np.ndarray) -> np.ndarray:
    margin = 0.06 * np.ptp(values) or 1.0
    return np.linspace(values.min() - margin, values.max() + margin, GRID_POINTS)


def _draw_class_regions(
    ax: Axes, sides: list[np.ndarray], p: np.ndarray, dots: np.ndarray, y: np.ndarray, classes: Any
) -> None:
    """The plane in the colour of the likeliest class, whiter where it is less sure."""
    tints = np.array([colour[:3] for colour in distinct_colours(len(classes))])
    sure = (p.max(axis=1) - 1 / len(classes)) / (1 - 1 / len(classes))
    strength = 0.12 + 0.4 * np.clip(sure, 0, 1)[:, None]
    picture = 1 - strength * (1 - tints[p.argmax(axis=1)])
    ends = (*sides[0][[0, -1]], *sides[1][[0, -1]])
    ax.imshow(
        picture.reshape(GRID_POINTS, GRID_POINTS, 3), origin="lower", extent=ends, aspect="auto"
    )
    for k, name in enumerate(classes):
        mine = y == name
        ax.plot(
            *dots[mine].T, "o", color=tints[k], markersize=4, markeredgecolor="white",
            markeredgewidth=0.5, label=short_label(name),
        )  # fmt: skip
    place_legend(ax, 99 if len(classes) > 16 else max(5, len(classes)))


def _draw_number_regions(
    ax: Axes, across: np.ndarray, up: np.ndarray, z: Any, dots: np.ndarray, y: np.ndarray
) -> None:
    """The plane in shades of the predicted number; the dots in shades of the true one."""
    from matplotlib.ticker import MaxNLocator

    z = np.asarray(z)
    if z.ndim != 1:
        raise InputError(f"a model with one output is drawn; this one has {z.shape[1]}")
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

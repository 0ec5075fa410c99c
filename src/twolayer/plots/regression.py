"""Plots of predicted numbers beside the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.plots.axes import (
    LINE_COLOUR,
    SECOND_COLOUR,
    check_same_length,
    even_sample,
    literal_text,
    new_axes,
    number_array,
    set_title,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_SCATTER_DOTS = 4000  # of more rows an even sample is drawn
RESIDUAL_BINS = 12  # of equally many rows, for the running median
FEWEST_PER_MEDIAN = 15  # rows per bin: the median of fewer varies too much
LEAST_RANGE = (
    0.01  # range of predictions over that of the targets: below it they are drawn as a constant
)


def predicted_against_actual(
    y: Any,
    y_pred: Any,
    ax: Axes | None = None,
    *,
    y_std: Any = None,
    name: str = "target",
    title: str | None = None,
) -> Axes:
    """Draw the true value of each row against the predicted one; on the line both are equal.

    Parameters
    ----------
    y, y_pred : array-like, shape (n_rows,)
    ax : matplotlib Axes or None
    y_std : array-like, shape (n_rows,), or None
        The predictive standard deviation, as a thin line to each side of a dot.
    name : str
        The name of the target.
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.predicted_against_actual([1.0, 2.0], [1.5, 1.5], name="height")
    >>> ax.get_xlabel()
    'height, predicted'
    """
    y, y_pred = _checked_pair(y, y_pred)
    ax = new_axes(5.0, 4.6) if ax is None else ax
    if y_std is not None:
        ax.errorbar(y_pred, y, xerr=np.asarray(y_std), fmt="none", ecolor="0.8", elinewidth=0.7)
    drawn = even_sample(len(y), MAX_SCATTER_DOTS)
    ax.plot(y_pred[drawn], y[drawn], "o", color=LINE_COLOUR, zorder=3, **_dot_style(len(drawn)))
    low, high = min(y.min(), y_pred.min()), max(y.max(), y_pred.max())
    margin = 0.04 * (high - low) or 1.0
    ends = (low - margin, high + margin)
    ax.plot(ends, ends, color=SECOND_COLOUR, linewidth=1, zorder=4)
    ax.set(xlim=ends, ylim=ends)
    ax.set(xlabel=f"{literal_text(name)}, predicted", ylabel=f"{literal_text(name)}, true")
    style_axes(ax)
    set_title(ax, title)
    return ax


def residuals(
    y: Any, y_pred: Any, ax: Axes | None = None, *, name: str = "target", title: str | None = None
) -> Axes:
    """Draw the residuals, true minus predicted, against the predictions, with their running median.

    A median away from 0 is a systematic error. A cloud that widens means that errors depend on the prediction.

    Parameters
    ----------
    y, y_pred : array-like, shape (n_rows,)
    ax : matplotlib Axes or None
    name : str
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.residuals([1.0, 2.0], [1.5, 1.5])
    >>> ax.get_lines()[0].get_ydata().tolist()
    [-0.5, 0.5]
    """
    y, y_pred = _checked_pair(y, y_pred)
    ax = new_axes(5.0, 4.0) if ax is None else ax
    residual = y - y_pred
    drawn = even_sample(len(y), MAX_SCATTER_DOTS)
    ax.plot(y_pred[drawn], residual[drawn], "o", color=LINE_COLOUR, **_dot_style(len(drawn)))
    ax.axhline(0, color="0.3", linewidth=0.8)
    if np.ptp(y_pred) <= LEAST_RANGE * np.ptp(y):
        middle = (y_pred.min() + y_pred.max()) / 2
        reach = np.ptp(y) / 2 or 1.0
        ax.set_xlim(middle - reach, middle + reach)
    elif has_median_line(len(y)):
        parts = np.array_split(
            np.argsort(y_pred, kind="stable"), min(RESIDUAL_BINS, len(y) // FEWEST_PER_MEDIAN)
        )
        medians = [np.median(y_pred[rows]) for rows in parts], [np.median(residual[rows]) for rows in parts]  # fmt: skip
        ax.plot(*medians, color=SECOND_COLOUR, linewidth=1.6, label="running median")
        ax.legend(frameon=False, fontsize=8)
    ax.set(xlabel=f"{literal_text(name)}, predicted", ylabel="residual (true minus predicted)")
    style_axes(ax)
    set_title(ax, title)
    return ax


def has_median_line(n_rows: int) -> bool:
    """Return whether there are enough rows for three medians."""
    return n_rows >= 3 * FEWEST_PER_MEDIAN


def _checked_pair(y: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    y, y_pred = number_array(y, "y"), number_array(y_pred, "y_pred")
    check_same_length(y, y_pred, "y and y_pred")
    return y, y_pred


def _dot_style(count: int) -> dict[str, Any]:
    """Return the size and opacity of `count` dots."""
    few = count <= 300
    return {"markersize": 4.5 if few else 3.0, "alpha": 0.7 if few else 0.4}

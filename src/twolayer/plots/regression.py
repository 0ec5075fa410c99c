"""Pictures of predicted numbers beside the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.plots.axes import (
    LINE_COLOUR,
    SECOND_COLOUR,
    check_same_length,
    literal_text,
    new_axes,
    sample_rows,
    set_title,
    style_axes,
)
from twolayer.plots.axes import number_array as checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_SCATTER_DOTS = 4000  # of more rows an even choice is drawn
RESIDUAL_BINS = 12  # of equally many rows, for the running median
FEWEST_PER_MEDIAN = 15  # rows in each: the median of fewer goes up and down by luck
LEAST_RANGE = 0.01  # of predictions, as a share of that of the truth: less is drawn as no spread


def predicted_against_actual(
    y: Any,
    y_pred: Any,
    ax: Axes | None = None,
    *,
    y_std: Any = None,
    name: str = "target",
    title: str | None = None,
) -> Axes:
    """Draw a dot for each row: across what was predicted, up what was true; on the line both are equal.

    Parameters
    ----------
    y, y_pred : array-like, shape (n_rows,)
    ax : matplotlib Axes or None
    y_std : array-like, shape (n_rows,), or None
        The predictive standard deviation: a thin line to each side of a dot.
    name : str
        What the numbers are.
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
    drawn = sample_rows(len(y), MAX_SCATTER_DOTS)
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
    """Draw true minus predicted against predicted, with the median of rows that were predicted alike.

    A median that leaves 0 is an error that the model makes again and again; a cloud that widens, rows it knows less about.

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
    left = y - y_pred
    drawn = sample_rows(len(y), MAX_SCATTER_DOTS)
    ax.plot(y_pred[drawn], left[drawn], "o", color=LINE_COLOUR, **_dot_style(len(drawn)))
    ax.axhline(0, color="0.3", linewidth=0.8)
    if np.ptp(y_pred) <= LEAST_RANGE * np.ptp(y):
        middle = (y_pred.min() + y_pred.max()) / 2
        reach = np.ptp(y) / 2 or 1.0
        ax.set_xlim(middle - reach, middle + reach)
    elif has_median_line(len(y)):
        parts = np.array_split(
            np.argsort(y_pred, kind="stable"), min(RESIDUAL_BINS, len(y) // FEWEST_PER_MEDIAN)
        )
        medians = [np.median(y_pred[rows]) for rows in parts], [np.median(left[rows]) for rows in parts]  # fmt: skip
        ax.plot(
            *medians, color=SECOND_COLOUR, linewidth=1.6, label="median of rows predicted alike"
        )
        ax.legend(frameon=False, fontsize=8)
    ax.set(xlabel=f"{literal_text(name)}, predicted", ylabel="true minus predicted")
    style_axes(ax)
    set_title(ax, title)
    return ax


def has_median_line(n_rows: int) -> bool:
    """Whether there are rows enough for three medians."""
    return n_rows >= 3 * FEWEST_PER_MEDIAN


def _checked_pair(y: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    y, y_pred = checked(y, "y"), checked(y_pred, "y_pred")
    check_same_length(y, y_pred, "y and y_pred")
    return y, y_pred


def _dot_style(count: int) -> dict[str, Any]:
    """Size and density of dots where so many are drawn."""
    few = count <= 300
    return {"markersize": 4.5 if few else 3.0, "alpha": 0.7 if few else 0.4}

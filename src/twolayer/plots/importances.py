"""Plots of which inputs matter, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.plots.axes import (
    LINE_COLOUR,
    SECOND_COLOUR,
    check_same_length,
    distinct_colours,
    few_ticks,
    literal_text,
    new_axes,
    number_array,
    place_legend,
    set_title,
    shades,
    short_label,
    style_axes,
)
from twolayer.plots.weights import largest_places

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def importance_bars(
    values: Any,
    names: Sequence[Any],
    ax: Axes | None = None,
    *,
    low: Any = None,
    high: Any = None,
    notes: Sequence[str] | None = None,
    max_bars: int = 15,
    signed: bool = False,
    xlabel: str = "importance",
    title: str | None = None,
) -> Axes:
    """Draw the importances of inputs as bars, the largest on top, with their ranges if they are given.

    Parameters
    ----------
    values : array-like, shape (n,)
    names : names
    ax : matplotlib Axes or None
    low, high : array-like, shape (n,), or None
        The ends of each range.
    notes : n texts, or None
        A text at the right of each bar.
    max_bars : int
    signed : bool
        Whether bars are ordered by |value|; positive ones are red then and negative ones blue, as in `weight_map`.
    xlabel, title : str

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.importance_bars([0.1, 0.7], ["age", "dose"])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['dose', 'age']
    """
    values = number_array(values, "values")
    check_same_length(values, names, "values and names")
    top = largest_places(np.abs(values) if signed else values, max_bars)
    ax = new_axes(6.4, float(np.clip(0.27 * len(top) + 1.0, 2.0, 9.0))) if ax is None else ax
    shown = values[top]
    at = np.arange(len(top))
    ax.barh(
        at,
        shown,
        color=np.where(shown > 0, SECOND_COLOUR, LINE_COLOUR) if signed else LINE_COLOUR,
        height=0.72,
    )
    ends = shown
    if low is not None and high is not None:
        ends = np.asarray(high, dtype=float)[top]
        reach = np.abs(np.stack([shown - np.asarray(low, dtype=float)[top], ends - shown]))
        ax.errorbar(shown, at, xerr=reach, fmt="none", ecolor="0.35", elinewidth=1, capsize=2)
    ax.axvline(0, color="0.3", linewidth=0.8)
    ax.set_yticks(at, [short_label(names[j], 34) for j in top], fontsize=8)
    ax.set_ylim(len(top) - 0.4, -0.6)
    if notes is not None:
        _bar_notes(ax, at, np.maximum(ends, 0), [notes[j] for j in top])
    ax.set_xlabel(literal_text(xlabel))
    few_ticks(ax.xaxis)
    style_axes(ax, "x")
    set_title(ax, title)
    return ax


def _bar_notes(ax: Axes, at: np.ndarray, ends: np.ndarray, notes: list[str]) -> None:
    """Write a note after each bar, and widen the plot for it."""
    left, right = ax.get_xlim()
    ax.set_xlim(left, right + 0.28 * (right - left) * (max(map(len, notes)) > 0))
    gap = 0.015 * (right - left)
    for y, end, note in zip(at, ends, notes, strict=True):
        ax.text(end + gap, y, literal_text(note), va="center", fontsize=7, color="0.35")


def lek_profile(
    values: Any,
    predictions: Any,
    labels: Sequence[Any],
    ax: Axes | None = None,
    *,
    observed: Any = None,
    ordered: bool = False,
    xlabel: str = "input",
    ylabel: str = "prediction",
    title: str | None = None,
) -> Axes:
    """Draw how the prediction changes while one input goes over its range and the others are held constant.

    Parameters
    ----------
    values : array-like, shape (n_points,)
        The values of the input.
    predictions : array-like, shape (n_lines, n_points)
        A line for each level at which the others are held, or for each class.
    labels : n_lines names
    ax : matplotlib Axes or None
    observed : array-like or None
        The values of the input in the data, drawn as ticks: where there are none, the line is an extrapolation.
    ordered : bool
        Whether the lines have an order, which colours from dark to light show.
    xlabel, ylabel, title : str

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.lek_profile([0, 1], [[2, 3], [2, 5]], ["others low", "others high"])
    >>> len(ax.get_lines())
    2
    """
    values = number_array(values, "values")
    predictions = number_array(predictions, "predictions", (2,))
    check_same_length(predictions, labels, "predictions and labels")
    ax = new_axes(5.4, 3.4) if ax is None else ax
    tints = (shades if ordered else distinct_colours)(len(predictions))
    for line, label, tint in zip(predictions, labels, tints, strict=True):
        ax.plot(values, line, color=tint, linewidth=1.5, label=short_label(label))
    if observed is not None:
        ticks = np.asarray(observed, dtype=float)
        transform = ax.get_xaxis_transform()
        ax.plot(
            ticks, np.full(len(ticks), 0.015), "|", color="0.4", alpha=0.4, markersize=5,
            transform=transform,
        )  # fmt: skip
    ax.set(xlabel=short_label(xlabel, 40), ylabel=short_label(ylabel, 40))
    few_ticks(ax.xaxis)
    style_axes(ax)
    if len(predictions) > 1:
        place_legend(ax, max(5, len(predictions)))
    set_title(ax, title)
    return ax

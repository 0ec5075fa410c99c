"""Pictures of which inputs matter, and how."""

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
from twolayer.plots.weights import strongest_places

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
    most: int = 15,
    signed: bool = False,
    xlabel: str = "importance",
    title: str | None = None,
) -> Axes:
    """Draw the importance of inputs as bars, the largest on top, with their ranges if these are given.

    Parameters
    ----------
    values : array-like, shape (n,)
    names : names
    ax : matplotlib Axes or None
    low, high : array-like, shape (n,), or None
        The ends of the range of each.
    notes : n texts, or None
        A word at the right of each bar.
    most : int
        So many bars are drawn.
    signed : bool
        Whether the largest are those far from 0 on either side; below 0 they are drawn in another colour.
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
    top = strongest_places(np.abs(values) if signed else values, most)
    ax = new_axes(6.4, float(np.clip(0.27 * len(top) + 1.0, 2.0, 9.0))) if ax is None else ax
    shown = values[top]
    at = np.arange(len(top))
    ax.barh(
        at,
        shown,
        color=np.where(shown < 0, SECOND_COLOUR, LINE_COLOUR) if signed else LINE_COLOUR,
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


def _bar_notes(ax: Axes, at: np.ndarray, ends: np.ndarray, words: list[str]) -> None:
    """A word after each bar, with room for it at the right."""
    left, right = ax.get_xlim()
    ax.set_xlim(left, right + 0.28 * (right - left) * (max(map(len, words)) > 0))
    gap = 0.015 * (right - left)
    for y, end, word in zip(at, ends, words, strict=True):
        ax.text(end + gap, y, literal_text(word), va="center", fontsize=7, color="0.35")


def lek_profile(
    values: Any,
    answers: Any,
    labels: Sequence[Any],
    ax: Axes | None = None,
    *,
    seen: Any = None,
    ordered: bool = False,
    xlabel: str = "input",
    ylabel: str = "prediction",
    title: str | None = None,
) -> Axes:
    """Draw how the prediction moves while one input goes over its range and the others are held still.

    Parameters
    ----------
    values : array-like, shape (n_points,)
        Of the input.
    answers : array-like, shape (n_lines, n_points)
        A line for each level at which the others are held, or for each class.
    labels : n_lines names
    ax : matplotlib Axes or None
    seen : array-like or None
        The rows' own values, drawn as ticks below: where there are none, the line is a guess.
    ordered : bool
        Whether the lines are steps of one thing: they are shades from dark to light then.
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
    values, answers = number_array(values, "values"), number_array(answers, "answers", (2,))
    check_same_length(answers, labels, "answers and labels")
    ax = new_axes(5.4, 3.4) if ax is None else ax
    tints = shades(len(answers)) if ordered else distinct_colours(len(answers))
    for line, label, tint in zip(answers, labels, tints, strict=True):
        ax.plot(values, line, color=tint, linewidth=1.5, label=short_label(label))
    if seen is not None:
        ticks = np.asarray(seen, dtype=float)
        transform = ax.get_xaxis_transform()
        ax.plot(
            ticks, np.full(len(ticks), 0.015), "|", color="0.4", alpha=0.4, markersize=5,
            transform=transform,
        )  # fmt: skip
    ax.set(xlabel=short_label(xlabel, 40), ylabel=short_label(ylabel, 40))
    few_ticks(ax.xaxis)
    style_axes(ax)
    if len(answers) > 1:
        place_legend(ax, max(5, len(answers)))
    set_title(ax, title)
    return ax

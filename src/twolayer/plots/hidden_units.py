"""Plots of the hidden units: how often each is active, and which are dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.plots.axes import (
    GREY,
    LINE_COLOUR,
    SECOND_COLOUR,
    new_axes,
    number_array,
    set_title,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def unit_activity(h_relu: Any, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Draw the share of rows on which each hidden unit is above 0, the most active first, and count the dead units.

    A dead unit has the same value on every row, so that it cannot depend on the inputs.

    Parameters
    ----------
    h_relu : array-like, shape (n_rows, n_hidden)
        The hidden layer after its activation.
    ax : matplotlib Axes or None
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.unit_activity([[0.0, 1.0, 2.0], [0.0, 0.0, 3.0]])
    >>> ax.get_title(loc="right")
    '1 of 3 units dead'
    """
    h = number_array(h_relu, "h_relu", (2,))
    dead = np.ptp(h, axis=0) == 0
    active = (h > 0).mean(axis=0)
    order = np.lexsort((-active, dead))
    ax = new_axes(6.4, 3.2) if ax is None else ax
    shares, dead = active[order], dead[order]
    ax.bar(np.arange(len(shares)) + 1, shares, width=0.85, color=np.where(dead, GREY, LINE_COLOUR))
    places = np.flatnonzero(dead) + 1
    ax.plot(
        places, np.full(len(places), 0.02), "x", color=SECOND_COLOUR, markersize=6, clip_on=False
    )
    ax.set(
        xlabel="hidden units, the most active first", ylabel="share of rows above 0", ylim=(0, 1.03)
    )
    ax.set_xlim(0.3, len(shares) + 0.7)
    ax.set_title(f"{int(dead.sum())} of {len(shares)} units dead", loc="right", fontsize=9)
    style_axes(ax, "y")
    set_title(ax, title)
    return ax

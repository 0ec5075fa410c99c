"""Plots of the weights: heat maps, and the network drawn as nodes and lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.errors import InputError
from twolayer.plots.axes import new_axes, number_array, set_title, short_label
from twolayer.text import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twolayer.maths.network import Params

MAX_LABELS = 40  # on one side of a heat map; more would overlap
COLOUR_QUANTILE = 0.99  # of |weight|, at which the colours of a heat map end
WIDTH_QUANTILE = 0.98  # of |weight|, from which lines have the same width
MAX_LINE_WIDTH = 3.0  # points
LEAST_LINE_WIDTH = 0.12  # of MAX_LINE_WIDTH: thinner lines are not drawn


def largest_places(values: Any, count: int) -> np.ndarray:
    """Return the places of the `count` largest values, the largest first; equal ones in their own order."""
    return np.argsort(-np.asarray(values), kind="stable")[:count]


def weight_map(
    w: Any,
    ax: Axes | None = None,
    *,
    rows: Sequence[Any] | None = None,
    columns: Sequence[Any] | None = None,
    max_rows: int = 40,
    xlabel: str = "hidden unit",
    ylabel: str = "input",
    title: str | None = None,
) -> Axes:
    """Draw a weight matrix as a heat map: blue below 0, white at 0, red above 0.

    Colours end at the 99th percentile of |w|, so that one large weight does not make the others look white.

    Parameters
    ----------
    w : array-like, shape (n_rows, n_columns)
        For example `w1` (inputs × hidden units).
    ax : matplotlib Axes or None
    rows, columns : names, or None for numbers
    max_rows : int
        Of more rows only those with the longest weights are drawn, the longest first.
    xlabel, ylabel, title : str

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.weight_map([[1.0, -2.0], [0.0, 0.5]], rows=["age", "dose"])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['age', 'dose']
    """
    w = number_array(w, "w", (2,))
    drawn = np.arange(len(w))
    if len(w) > max_rows:
        drawn = largest_places(np.linalg.norm(w, axis=1), max_rows)
        ylabel = f"{ylabel} (top {max_rows} of {len(w):,} by weight)"
    w = w[drawn]
    if ax is None:
        ax = new_axes(6.4, float(np.clip(1.2 + 0.18 * len(w), 2.4, 8.0)))
    cap = float(np.nanquantile(np.abs(w), COLOUR_QUANTILE)) or float(np.abs(w).max()) or 1.0
    image = ax.imshow(w, cmap="RdBu_r", vmin=-cap, vmax=cap, aspect="auto", interpolation="nearest")
    beyond = bool((np.abs(w) > cap).any())
    ax.figure.colorbar(image, ax=ax, extend="both" if beyond else "neither", label="weight")
    _label_axis(ax.yaxis, rows, drawn)
    _label_axis(ax.xaxis, columns, np.arange(w.shape[1]))
    if columns is not None and max(len(str(name)) for name in columns) > 3:
        ax.tick_params(axis="x", rotation=45 if len(columns) <= 12 else 90)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    set_title(ax, title)
    return ax


def _label_axis(axis: Any, names: Sequence[Any] | None, drawn: np.ndarray) -> None:
    """Write names beside the cells, or numbers from 1; only every few cells where all would overlap."""
    count = len(drawn)
    if names is None and count > 12:
        every = -(-count // 10)
        places = np.arange(0, count, every)
    else:
        places = np.arange(0, count, -(-count // MAX_LABELS))
    labels = [str(j + 1) if names is None else short_label(names[j]) for j in drawn[places]]
    axis.set_ticks(places, labels, fontsize=8 if count <= 25 else 6.5)


def network_drawing(
    params: Params,
    ax: Axes | None = None,
    *,
    inputs: Sequence[Any] | None = None,
    outputs: Sequence[Any] | None = None,
    spread: Any = None,
    max_inputs: int = 10,
    max_hidden: int = 12,
    max_outputs: int = 14,
    title: str | None = None,
) -> Axes:
    """Draw the network: black lines are positive weights, grey lines negative ones, wider lines larger ones.

    Widths end at the 98th percentile of |weight| in each layer, so that one large weight does not make the others thin; the
    thinnest are not drawn. The skip layer (`w_skip`) is dashed.

    Parameters
    ----------
    params : Params
        Of one network.
    ax : matplotlib Axes or None
    inputs, outputs : names, or None for numbers
    spread : array-like, shape (n_inputs,), or None
        The standard deviation of each input, which multiplies its weights: then the unit of an input does not matter.
    max_inputs, max_hidden, max_outputs : int
        Of more, only those whose paths have most weight are drawn, and the axis says how many there are.
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        If `params` holds several networks: give `params.network(0)`.

    Examples
    --------
    >>> import twolayer as tl, twolayer.plots
    >>> ax = twolayer.plots.network_drawing(tl.init_params(3, 4, 1, random_state=0))
    >>> [text.get_text() for text in ax.texts][:3]
    ['x1', 'x2', 'x3']
    """
    if params.n_networks is not None:
        raise InputError(
            f"params holds {params.n_networks} networks, and one can be drawn: give params.network(0)"
        )
    scale = 1.0 if spread is None else np.asarray(spread, dtype=float)[:, None]
    w1, w2 = params.w1 * scale, params.w2
    skip = None if params.w_skip is None else params.w_skip * scale
    unit_weight = np.linalg.norm(w2, axis=1)
    input_weight = np.abs(w1) @ unit_weight
    if skip is not None:
        input_weight = input_weight + np.linalg.norm(skip, axis=1)
    i = np.sort(largest_places(input_weight, max_inputs))
    h = np.sort(largest_places(np.linalg.norm(w1, axis=0) * unit_weight, max_hidden))
    o = np.arange(min(w2.shape[1], max_outputs))
    tallest = max(len(i), len(h), len(o))
    ax = new_axes(7.2, float(np.clip(0.34 * tallest + 1.0, 3.0, 7.0))) if ax is None else ax
    left, middle, right = (_node_heights(len(part), tallest) for part in (i, h, o))
    if skip is not None:
        _draw_lines(ax, (0.0, left), (2.0, right), skip[np.ix_(i, o)], dashed=True)
    _draw_lines(ax, (0.0, left), (1.0, middle), w1[np.ix_(i, h)])
    _draw_lines(ax, (1.0, middle), (2.0, right), w2[np.ix_(h, o)])
    _draw_nodes(ax, left, middle, right)
    for y, j in zip(left, i, strict=True):
        name = f"x{j + 1}" if inputs is None else short_label(inputs[j])
        ax.text(-0.06, y, name, ha="right", va="center", fontsize=8)
    for y, j in zip(right, o, strict=True):
        name = f"y{j + 1}" if outputs is None else short_label(outputs[j])
        ax.text(2.06, y, name, ha="left", va="center", fontsize=8)
    bottom = -tallest / 2 - 0.55
    counts = (("input", i, len(w1)), ("hidden unit", h, w1.shape[1]), ("output", o, w2.shape[1]))
    for x, (noun, drawn, count) in enumerate(counts):
        text = _node_count(noun, len(drawn), count)
        ax.text(x, bottom, text, ha="center", va="top", fontsize=8)
    ax.set(xlim=(-0.75, 2.75), ylim=(bottom - 0.9, tallest / 2 + 0.1))
    ax.axis("off")
    set_title(ax, title)
    return ax


def _node_count(noun: str, drawn: int, count: int) -> str:
    """Return `4 inputs`, or `top 12 of 5,748 inputs` in two lines."""
    if drawn == count:
        return plural(count, noun)
    return f"{'first' if noun == 'output' else 'top'} {drawn}\nof {plural(count, noun)}"


def _node_heights(count: int, tallest: int) -> np.ndarray:
    """Return the heights of `count` nodes, from the top, over the height of `tallest` nodes."""
    if count == 1:
        return np.zeros(1)
    reach = (tallest - 1) / 2 * (1 if count > tallest / 2 else 0.75)
    return np.linspace(reach, -reach, count)


def _draw_nodes(ax: Axes, *columns: np.ndarray) -> None:
    for x, heights in enumerate(columns):
        ax.scatter(
            np.full(len(heights), x), heights, s=70, c="white", edgecolors="black", zorder=3, linewidths=1
        )  # fmt: skip


def _draw_lines(
    ax: Axes,
    start: tuple[float, np.ndarray],
    end: tuple[float, np.ndarray],
    w: np.ndarray,
    dashed: bool = False,
) -> None:
    """Draw a line for every weight of w, (n_starts, n_ends), the largest on top."""
    from matplotlib.collections import LineCollection

    cap = float(np.quantile(np.abs(w), WIDTH_QUANTILE)) or float(np.abs(w).max())
    if not cap:
        return
    share = np.minimum(np.abs(w) / cap, 1)
    order = np.argsort(share, axis=None, kind="stable")
    order = order[share.ravel()[order] >= LEAST_LINE_WIDTH]
    from_, to = np.unravel_index(order, w.shape)
    segments = [
        [(start[0], start[1][a]), (end[0], end[1][b])] for a, b in zip(from_, to, strict=True)
    ]
    widths = MAX_LINE_WIDTH * share.ravel()[order]
    colours = np.where(w.ravel()[order] > 0, "black", "0.65")
    style = "dashed" if dashed else "solid"
    ax.add_collection(
        LineCollection(
            segments, linewidths=widths, colors=list(colours), linestyles=style, zorder=1
        )
    )

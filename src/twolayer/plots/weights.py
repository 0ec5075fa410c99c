"""Pictures of the weights: heat maps, and the network drawn as nodes and lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.errors import InputError
from twolayer.plots.axes import literal_text, new_axes, number_array, set_title, short_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twolayer.maths.network import Params

MAX_LABELS = 40  # of a heat map's side; more would overlap
MAX_LINE_WIDTH = 3.0  # points: the line of a weight at the cap, or beyond it
MAX_DRAWN_NODES = 0.98  # quantile of |weight| from which lines grow no wider
MIN_OPACITY = 0.12  # of the cap: lines below it are not drawn


def strongest_places(strengths: Any, most: int) -> np.ndarray:
    """The places of the `most` largest, the largest first; equals in their own order."""
    return np.argsort(-np.asarray(strengths), kind="stable")[:most]


def weight_map(
    w: Any,
    ax: Axes | None = None,
    *,
    rows: Sequence[Any] | None = None,
    columns: Sequence[Any] | None = None,
    most_rows: int = 40,
    xlabel: str = "hidden unit",
    ylabel: str = "input",
    title: str | None = None,
) -> Axes:
    """Draw a weight matrix as a heat map: blue below 0, white at 0, red above.

    Colours end at the 99th percentile of |w|, so that one large weight does not whiten the others.

    Parameters
    ----------
    w : array-like, shape (n_rows, n_columns)
        Such as `w1` (inputs × hidden units).
    ax : matplotlib Axes or None
    rows, columns : names, or None for numbers
    most_rows : int
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
    kept = np.arange(len(w))
    if len(w) > most_rows:
        kept = strongest_places(np.linalg.norm(w, axis=1), most_rows)
        ylabel = f"{ylabel} (the strongest {most_rows} of {len(w):,})"
    w = w[kept]
    if ax is None:
        ax = new_axes(6.4, float(np.clip(1.2 + 0.18 * len(w), 2.4, 8.0)))
    cap = float(np.nanquantile(np.abs(w), 0.99)) or float(np.abs(w).max()) or 1.0
    image = ax.imshow(w, cmap="RdBu_r", vmin=-cap, vmax=cap, aspect="auto", interpolation="nearest")
    beyond = bool((np.abs(w) > cap).any())
    ax.figure.colorbar(image, ax=ax, extend="both" if beyond else "neither", label="weight")
    _name_side(ax.yaxis, rows, kept)
    _name_side(ax.xaxis, columns, np.arange(w.shape[1]))
    if columns is not None and max(len(str(name)) for name in columns) > 3:
        ax.tick_params(axis="x", rotation=45 if len(columns) <= 12 else 90)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    set_title(ax, title)
    return ax


def _name_side(axis: Any, names: Sequence[Any] | None, kept: np.ndarray) -> None:
    """Names beside the cells, or numbers from 1; every so many of them where all would overlap."""
    count = len(kept)
    if names is None and count > 12:
        every = -(-count // 10)
        places = np.arange(0, count, every)
    else:
        places = np.arange(0, count, -(-count // MAX_LABELS))
    words = [str(kept[k] + 1) if names is None else short_label(names[kept[k]]) for k in places]
    axis.set_ticks(places, words, fontsize=8 if count <= 25 else 6.5)


def network_drawing(
    params: Params,
    ax: Axes | None = None,
    *,
    inputs: Sequence[Any] | None = None,
    outputs: Sequence[Any] | None = None,
    spread: Any = None,
    most_inputs: int = 10,
    most_hidden: int = 12,
    most_outputs: int = 14,
    title: str | None = None,
) -> Axes:
    """Draw the network: black lines are positive weights, grey ones negative, wider ones larger.

    Lines grow no wider beyond the 98th percentile of each layer, so that one weight does not thin the others out; the
    faintest are left out. A direct path (`w_skip`) is dashed.

    Parameters
    ----------
    params : Params
        Of one network.
    ax : matplotlib Axes or None
    inputs, outputs : names, or None for numbers
    spread : array-like, shape (n_inputs,), or None
        The standard deviation of each input: its weights are drawn in units of it: metres or millimetres alike.
    most_inputs, most_hidden, most_outputs : int
        Of more, only those with the strongest paths are drawn, and the axis says how many there are.
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
            f"params holds {params.n_networks} networks, and one is drawn: give params.network(0)"
        )
    w1 = params.w1 * (1.0 if spread is None else np.asarray(spread, dtype=float)[:, None])
    w2, skip = params.w2, params.w_skip
    if skip is not None and spread is not None:
        skip = skip * np.asarray(spread, dtype=float)[:, None]
    loud = np.linalg.norm(w2, axis=1)
    heard = np.abs(w1) @ loud + (0 if skip is None else np.linalg.norm(skip, axis=1))
    i = np.sort(strongest_places(heard, most_inputs))
    h = np.sort(strongest_places(np.linalg.norm(w1, axis=0) * loud, most_hidden))
    o = np.arange(min(w2.shape[1], most_outputs))
    tallest = max(len(i), len(h), len(o))
    ax = new_axes(7.2, float(np.clip(0.34 * tallest + 1.0, 3.0, 7.0))) if ax is None else ax
    left, middle, right = (_node_heights(len(part), tallest) for part in (i, h, o))
    if skip is not None:
        _draw_lines(ax, (0.0, left), (2.0, right), skip[np.ix_(i, o)], dashed=True)
    _draw_lines(ax, (0.0, left), (1.0, middle), w1[np.ix_(i, h)])
    _draw_lines(ax, (1.0, middle), (2.0, right), w2[np.ix_(h, o)])
    _draw_nodes(ax, left, middle, right)
    names = [f"x{j + 1}" if inputs is None else inputs[j] for j in i]
    for y, name in zip(left, names, strict=True):
        ax.text(-0.06, y, short_label(name), ha="right", va="center", fontsize=8)
    names = [f"y{j + 1}" if outputs is None else outputs[j] for j in o]
    for y, name in zip(right, names, strict=True):
        ax.text(2.06, y, short_label(name), ha="left", va="center", fontsize=8)
    bottom = -tallest / 2 - 0.55
    heads = (("input", len(i), len(w1)), ("hidden unit", len(h), w1.shape[1]))
    for x, (word, shown, count) in enumerate((*heads, ("output", len(o), w2.shape[1]))):
        ax.text(x, bottom, _node_count(word, shown, count), ha="center", va="top", fontsize=8)
    ax.set(xlim=(-0.75, 2.75), ylim=(bottom - 0.9, tallest / 2 + 0.1))
    ax.axis("off")
    set_title(ax, title)
    return ax


def _node_count(word: str, shown: int, count: int) -> str:
    """`4 inputs`, or `the strongest 12 of 5,748 inputs`."""
    words = f"{word}{'s' * (count != 1)}"
    if shown == count:
        return f"{count:,} {words}"
    return f"{'the first' if word == 'output' else 'the strongest'} {shown}\nof {count:,} {words}"


def _node_heights(count: int, tallest: int) -> np.ndarray:
    """Where so many nodes stand, from the top, spread over the height of the tallest column."""
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
    """A line for every weight, (n_starts, n_ends), the largest on top."""
    from matplotlib.collections import LineCollection

    cap = float(np.quantile(np.abs(w), MAX_DRAWN_NODES)) or float(np.abs(w).max())
    if not cap:
        return
    share = np.minimum(np.abs(w) / cap, 1)
    order = np.argsort(share, axis=None, kind="stable")
    order = order[share.ravel()[order] >= MIN_OPACITY]
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


def write_cell_counts(ax: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    """The count in every cell of a heat map, white on dark."""
    size = 9 if len(counts) <= 6 else 8 if len(counts) <= 15 else 5.5
    for (a, b), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[a, b] > 0.55 else "black"
            word = literal_text(f"{count:g}")
            ax.text(b, a, word, ha="center", va="center", fontsize=size, color=colour)

"""Pictures of a training: each function draws on an `Axes` of matplotlib, and makes one if it is given none.

No global state of pyplot is touched, so they work on a machine without a screen, in a notebook and in a server alike.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE = "#1f4e79"
MOST_POINTS = 5000  # more than a picture has dots across


def new_axes(width: float = 6.4, height: float = 4.0) -> Axes:
    """An empty picture of that many inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def loss_curve(
    losses: Any,
    ax: Axes | None = None,
    *,
    title: str | None = None,
    ylabel: str = "loss",
    label: str | None = None,
) -> Axes:
    """Draw the loss of every step; on a logarithmic scale if all are above 0.

    Parameters
    ----------
    losses : array-like, shape (steps,) or (steps, n_networks)
        Several networks are thin lines, and their median a thick one.
    ax : matplotlib Axes or None
        None makes a new picture.
    title, ylabel : str
    label : str or None
        For a legend, which the caller draws.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        If there is nothing to draw.

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.loss_curve([4.0, 2.0, 1.0])
    >>> ax.get_yscale()
    'log'
    """
    curves = np.asarray(losses, dtype=float)
    if curves.ndim not in (1, 2) or not np.isfinite(curves).any():
        raise InputError(
            "losses must have one number a step, shape (steps,) or (steps, n_networks); "
            f"the shape is {curves.shape}{'' if curves.size == 0 else ', and none is finite'}"
        )
    ax = new_axes() if ax is None else ax
    steps = _steps_to_draw(len(curves))
    curves = curves[steps].reshape(len(steps), -1)
    if curves.shape[1] > 1:
        ax.plot(steps, curves, color=LINE, linewidth=0.6, alpha=0.35)
        label = label or f"median of {curves.shape[1]} networks"
    marker = "o" if len(steps) == 1 else None
    ax.plot(steps, np.median(curves, axis=1), color=LINE, linewidth=1.8, marker=marker, label=label)
    _dress(ax, curves)
    ax.set(xlabel="step", ylabel=ylabel)
    if title:
        ax.set_title(title, loc="left")
    return ax


def _steps_to_draw(count: int) -> np.ndarray:
    """All steps, or of very many an even choice with the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).astype(int))


def _dress(ax: Axes, curves: np.ndarray) -> None:
    """Scale, ticks and grid."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    finite = curves[np.isfinite(curves)]
    if (finite > 0).all():
        ax.set_yscale("log")
        decades = np.log10(finite.max() / finite.min())
        if decades < 2:  # powers of ten alone would leave the axis nearly bare
            few = decades < 0.5
            ax.yaxis.set_major_locator(MaxNLocator(6) if few else LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
            ax.yaxis.set_minor_formatter(NullFormatter())
    if len(curves) == 1:
        ax.set_xticks([0])
    else:
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    ax.grid(which="major", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def png(figure: Figure | Any, dots_an_inch: int = 150) -> bytes:
    """The picture as the contents of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_an_inch)
    return buffer.getvalue()

"""Plots of a training: its loss, the loss on held-out rows, and the lengths of gradient and update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.errors import InputError
from twolayer.plots.axes import (
    LINE_COLOUR,
    SECOND_COLOUR,
    even_sample,
    new_axes,
    number_array,
    set_title,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PASS_LABEL = "pass over the rows"  # of an estimator's losses
MAX_POINTS = 5000  # more than a plot has pixels across


def loss_curve(
    losses: Any,
    ax: Axes | None = None,
    *,
    validation: Any = None,
    best_step: Any = None,
    xlabel: str = "step",
    title: str | None = None,
    ylabel: str = "loss",
    label: str | None = None,
) -> Axes:
    """Draw the loss of every step, on a logarithmic scale if all losses are above 0.

    Parameters
    ----------
    losses : array-like, shape (steps,) or (steps, n_networks)
        Several networks are thin lines, and their median is a thick one.
    ax : matplotlib Axes or None
        None for a new plot.
    validation : array-like, shape (n_records,) or (n_records, n_networks), or None
        The loss on held-out rows, recorded at even intervals. It adds a legend.
    best_step : int, array-like or None
        The step (or that of each network) whose weights were kept, as a dotted line.
    title, xlabel, ylabel : str
    label : str or None
        For a legend that the caller draws.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        If an array has another number of axes, or no finite number.

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.loss_curve([4.0, 2.0, 1.0])
    >>> ax.get_yscale()
    'log'
    """
    curves = number_array(losses, "losses", (1, 2))
    steps = even_sample(len(curves), MAX_POINTS)
    ax = new_axes() if ax is None else ax
    if validation is not None and label is None:
        label = "training rows"
    shown = curves[steps].reshape(len(steps), -1)
    _draw_curve(ax, steps, shown, LINE_COLOUR, label)
    if validation is not None:
        shown = np.append(shown, _draw_validation(ax, validation, len(curves)))
    for step in np.unique(np.atleast_1d([] if best_step is None else best_step)):
        ax.axvline(step, color=SECOND_COLOUR, linewidth=0.8, linestyle=":")
    _scale_axis(ax, shown, len(steps))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if validation is not None:
        ax.legend(frameon=False, fontsize=8)
    set_title(ax, title)
    return ax


def step_sizes(
    gradient_norms: Any,
    update_sizes: Any = None,
    ax: Axes | None = None,
    *,
    at: Any = None,
    title: str | None = None,
) -> Axes:
    """Draw the length of the gradient and of the update, step by step.

    Parameters
    ----------
    gradient_norms : array-like, shape (n_records,) or (n_records, n_networks)
        ‖gradient‖ of all weights together. NaN is not drawn.
    update_sizes : array-like of the same shape, or None
        ‖weights after − weights before‖ of a step.
    ax : matplotlib Axes or None
    at : array-like, shape (n_records,), or None
        The step of each record; None if there is one for every step.
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.step_sizes([8.0, 1.0], [0.8, 0.1])
    >>> [line.get_label() for line in ax.get_lines()]
    ['length of the gradient', 'length of the update']
    """
    norms = number_array(gradient_norms, "gradient_norms", (1, 2))
    steps = np.arange(len(norms)) if at is None else np.asarray(at)
    if steps.shape != norms.shape[:1]:
        raise InputError(
            f"at must have one step for each of {len(norms)} records; its shape is {steps.shape}"
        )
    drawn = even_sample(len(norms), MAX_POINTS)
    steps = steps[drawn]
    ax = new_axes() if ax is None else ax
    shown = norms[drawn].reshape(len(steps), -1)
    _draw_curve(ax, steps, shown, LINE_COLOUR, "length of the gradient")
    if update_sizes is not None:
        sizes = number_array(update_sizes, "update_sizes", (1, 2))
        if sizes.shape != norms.shape:
            raise InputError(
                f"update_sizes must have the shape of gradient_norms, {norms.shape}; it is {sizes.shape}"
            )
        sizes = sizes[drawn].reshape(len(steps), -1)
        _draw_curve(ax, steps, sizes, SECOND_COLOUR, "length of the update")
        shown = np.append(shown, sizes)
    _scale_axis(ax, shown, len(steps))
    ax.set(xlabel="step", ylabel="length")
    ax.legend(frameon=False, fontsize=8)
    set_title(ax, title)
    return ax


def _draw_curve(
    ax: Axes, steps: np.ndarray, curves: np.ndarray, colour: str, label: str | None
) -> None:
    """Draw one line, or for several networks a thin line each and their median."""
    if curves.shape[1] > 1:
        ax.plot(steps, curves, color=colour, linewidth=0.6, alpha=0.35)
        median = f"median of {curves.shape[1]} networks"
        label = median if label is None else f"{label}, {median}"
    marker = "o" if len(steps) == 1 else None
    finite = np.isfinite(curves).any(1)
    medians = np.full(len(curves), np.nan)
    medians[finite] = np.nanmedian(curves[finite], axis=1)
    ax.plot(steps, medians, color=colour, linewidth=1.8, marker=marker, label=label)


def _draw_validation(ax: Axes, validation: Any, n_steps: int) -> np.ndarray:
    """Draw the loss on held-out rows at the steps of its records, and return what was drawn."""
    losses = number_array(validation, "validation", (1, 2))
    drawn = even_sample(len(losses), MAX_POINTS)
    shown = losses[drawn].reshape(len(drawn), -1)
    _draw_curve(ax, (drawn + 1) * n_steps / len(losses), shown, SECOND_COLOUR, "held-out rows")
    return shown


def _scale_axis(ax: Axes, values: np.ndarray, n_steps: int) -> None:
    """Set scale, ticks and grid."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    finite = values[np.isfinite(values)]
    if (finite > 0).all():
        ax.set_yscale("log")
        decades = np.log10(finite.max() / finite.min())
        if decades < 2:  # powers of ten alone would leave the axis nearly bare
            few = decades < 0.5
            ax.yaxis.set_major_locator(MaxNLocator(6) if few else LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
            ax.yaxis.set_minor_formatter(NullFormatter())
    if n_steps == 1:
        ax.set_xticks([0])
    else:
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    style_axes(ax)

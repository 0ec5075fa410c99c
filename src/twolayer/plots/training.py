"""Pictures of a training: its loss, the loss on rows held out, and how long gradient and update were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.errors import InputError
from twolayer.plots.axes import LINE_COLOUR, SECOND_COLOUR, new_axes, set_title, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_POINTS = 5000  # more than a picture has dots across


def loss_curve(
    losses: Any,
    ax: Axes | None = None,
    *,
    validation: Any = None,
    best_step: Any = None,
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
    validation : array-like, shape (looks,) or (looks, n_networks), or None
        The loss on rows held out, looked at every so many steps, evenly; it adds a legend.
    best_step : int, array-like or None
        The step (or that of each network) whose weights were kept: a dotted line.
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
    curves = _draw_curves(losses, "losses", "(steps,) or (steps, n_networks)")
    steps = _steps_to_draw(len(curves))
    ax = new_axes() if ax is None else ax
    if validation is not None and label is None:
        label = "rows of training"
    shown = curves[steps].reshape(len(steps), -1)
    _draw_curve(ax, steps, shown, LINE_COLOUR, label)
    if validation is not None:
        shown = np.append(shown, _draw_validation(ax, validation, len(curves)))
    for step in np.unique(np.atleast_1d([] if best_step is None else best_step)):
        ax.axvline(step, color=SECOND_COLOUR, linewidth=0.8, linestyle=":")
    _scale_axis(ax, shown, len(steps))
    ax.set(xlabel="step", ylabel=ylabel)
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
    """Draw how long the gradient was, and how far the weights moved a step.

    Parameters
    ----------
    gradient_norms : array-like, shape (looks,) or (looks, n_networks)
        ‖gradient‖ of all weights together. NaN is left out.
    update_sizes : array-like of the same shape, or None
        ‖weights after − weights before‖ of a step.
    ax : matplotlib Axes or None
    at : array-like, shape (looks,), or None
        The steps of these looks; None if there was one at every step.
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
    sizes = _draw_curves(gradient_norms, "gradient_norms", "(looks,) or (looks, n_networks)")
    steps = np.arange(len(sizes)) if at is None else np.asarray(at)
    if steps.shape != sizes.shape[:1]:
        raise InputError(
            f"at must have one step for each of {len(sizes)} looks; its shape is {steps.shape}"
        )
    looks = _steps_to_draw(len(sizes))
    steps = steps[looks]
    ax = new_axes() if ax is None else ax
    shown = sizes[looks].reshape(len(steps), -1)
    _draw_curve(ax, steps, shown, LINE_COLOUR, "length of the gradient")
    if update_sizes is not None:
        moved = _draw_curves(update_sizes, "update_sizes", f"{sizes.shape}, as gradient_norms")
        if moved.shape != sizes.shape:
            raise InputError(
                f"update_sizes must have the shape of gradient_norms, {sizes.shape}; it is {moved.shape}"
            )
        moved = moved[looks].reshape(len(steps), -1)
        _draw_curve(ax, steps, moved, SECOND_COLOUR, "length of the update")
        shown = np.append(shown, moved)
    _scale_axis(ax, shown, len(steps))
    ax.set(xlabel="step", ylabel="length")
    ax.legend(frameon=False, fontsize=8)
    set_title(ax, title)
    return ax


def _draw_curves(values: Any, name: str, shape: str) -> np.ndarray:
    curves = np.asarray(values, dtype=float)
    if curves.ndim not in (1, 2) or not np.isfinite(curves).any():
        raise InputError(
            f"{name} must have one number a step, shape {shape}; "
            f"the shape is {curves.shape}{'' if curves.size == 0 else ', and none is finite'}"
        )
    return curves


def _draw_curve(
    ax: Axes, steps: np.ndarray, curves: np.ndarray, colour: str, label: str | None
) -> None:
    """One line; of several networks a thin line each, and the median."""
    if curves.shape[1] > 1:
        ax.plot(steps, curves, color=colour, linewidth=0.6, alpha=0.35)
        median = f"median of {curves.shape[1]} networks"
        label = median if label is None else f"{label}, {median}"
    marker = "o" if len(steps) == 1 else None
    seen = np.isfinite(curves).any(1)
    middle = np.full(len(curves), np.nan)
    middle[seen] = np.nanmedian(curves[seen], axis=1)
    ax.plot(steps, middle, color=colour, linewidth=1.8, marker=marker, label=label)


def _draw_validation(ax: Axes, validation: Any, n_steps: int) -> np.ndarray:
    """The loss on rows held out, at steps as far apart as the looks were."""
    looks = _draw_curves(validation, "validation", "(looks,) or (looks, n_networks)")
    at = _steps_to_draw(len(looks))
    shown = looks[at].reshape(len(at), -1)
    _draw_curve(ax, (at + 1) * n_steps / len(looks), shown, SECOND_COLOUR, "rows held out")
    return shown


def _steps_to_draw(count: int) -> np.ndarray:
    """All steps, or of very many an even choice with the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(count, MAX_POINTS)).astype(int))


def _scale_axis(ax: Axes, values: np.ndarray, n_steps: int) -> None:
    """Scale, ticks and grid."""
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

"""What all plots share: an empty `Axes`, colours, grids, labels short enough to print, and the PNG at the end."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.checks import require
from twolayer.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    require("matplotlib", "a plot", "cli")
    from matplotlib.figure import Figure

LINE_COLOUR = "#1f4e79"
SECOND_COLOUR = "#c8553d"
GREY = "0.55"
MAX_LABEL_LENGTH = 28  # characters; longer names lose their middle


def new_axes(width: float = 6.4, height: float = 4.0) -> Axes:
    """Return an empty plot of this size in inches."""
    require("matplotlib", "a plot", "cli")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def style_axes(ax: Axes, grid: str = "both") -> None:
    """Draw a pale grid behind the data, and remove the frame at the top and the right."""
    ax.grid(axis=grid, which="major", color="0.9", linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def set_title(ax: Axes, title: str | None) -> None:
    """Write the title at the left, if there is one."""
    if title:
        ax.set_title(literal_text(title), loc="left", fontsize=11)


def literal_text(text: Any) -> str:
    """Return text that matplotlib prints unchanged: a dollar sign would begin a formula."""
    return str(text).replace("$", r"\$")


def short_label(name: Any, longest: int = MAX_LABEL_LENGTH) -> str:
    """Return a name as a label, without its middle if it is long."""
    text = " ".join(str(name).split())
    if len(text) > longest:
        tail = (longest - 1) // 3
        text = f"{text[: longest - 1 - tail]}…{text[-tail:]}"
    return literal_text(text)


def distinct_colours(count: int) -> list[Any]:
    """Return colours as distinct as possible: from a palette of 10, of 20, or a rainbow."""
    from matplotlib import colormaps

    if count <= 20:
        table = colormaps["tab10" if count <= 10 else "tab20"]
        return [table(k) for k in range(count)]
    return [colormaps["turbo"](k) for k in np.linspace(0.03, 0.97, count)]


def shades(count: int) -> list[Any]:
    """Return colours from dark to light, for ordered lines."""
    from matplotlib import colormaps

    return [colormaps["viridis"](k) for k in np.linspace(0, 0.88, count)]


def few_ticks(axis: Any) -> None:
    """Put few numbers on an axis, so that long ones do not overlap."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


def place_legend(ax: Axes, count: int) -> None:
    """Draw the legend inside if it is small, else outside at the right, where it hides no data."""
    if count <= 4:
        ax.legend(frameon=False, fontsize=8)
    else:
        columns = 1 if count <= 16 else 2
        ax.legend(
            frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1), ncols=columns
        )


def number_array(values: Any, name: str, dimensions: Sequence[int] = (1,)) -> np.ndarray:
    """Return the values as an array of floats.

    Raises
    ------
    InputError
        If the number of axes is none of `dimensions`, or no value is finite.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim not in dimensions or not np.isfinite(array).any():
        axes = " or ".join(str(one) for one in dimensions)
        raise InputError(
            f"{name} must be an array of numbers with {axes} ax{'i' if axes == '1' else 'e'}s; its shape is "
            f"{array.shape}{', and none is finite' if array.size and not np.isfinite(array).any() else ''}"
        )
    return array


def check_same_length(first: Any, second: Any, names: str) -> None:
    """Raise InputError if the lengths differ."""
    if len(first) != len(second):
        raise InputError(
            f"{names} must have the same length; they have {len(first)} and {len(second)}"
        )


def even_sample(count: int, most: int) -> np.ndarray:
    """Return all of `count` places, or `most` evenly spaced ones with the first and the last: more would overlap."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))


def png(figure: Figure | Any, dots_per_inch: int = 150) -> bytes:
    """Return the figure as the contents of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_per_inch)
    return buffer.getvalue()

"""What all pictures share: an empty `Axes`, colours, grids, names short enough to print, and the PNG at the end."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.checks import require
from twolayer.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE_COLOUR = "#1f4e79"
SECOND_COLOUR = "#c8553d"
GREY = "0.55"
LONGEST_LABEL = 28  # characters of a label; longer names lose their middle


def new_axes(width: float = 6.4, height: float = 4.0) -> Axes:
    """An empty picture of that many inches."""
    require("matplotlib", "a picture", "cli")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def style_axes(ax: Axes, grid: str = "both") -> None:
    """A quiet grid behind, and no frame above and right."""
    ax.grid(axis=grid, which="major", color="0.9", linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def set_title(ax: Axes, title: str | None) -> None:
    """A title at the left, if there is one."""
    if title:
        ax.set_title(literal_text(title), loc="left", fontsize=11)


def literal_text(text: Any) -> str:
    """Text that matplotlib prints as it stands: a dollar sign would begin a formula."""
    return str(text).replace("$", r"\$")


def short_label(name: Any, longest: int = LONGEST_LABEL) -> str:
    """A name as a label; of a long one the beginning and the end."""
    text = " ".join(str(name).split())
    if len(text) > longest:
        tail = (longest - 1) // 3
        text = f"{text[: longest - 1 - tail]}…{text[-tail:]}"
    return literal_text(text)


def distinct_colours(count: int) -> list[Any]:
    """So many colours that can be told apart, as far as that can be: 10, then 20, then a rainbow."""
    from matplotlib import colormaps

    if count <= 20:
        table = colormaps["tab10" if count <= 10 else "tab20"]
        return [table(k) for k in range(count)]
    return [colormaps["turbo"](k) for k in np.linspace(0.03, 0.97, count)]


def shades(count: int) -> list[Any]:
    """So many colours from dark to light, for steps of one thing."""
    from matplotlib import colormaps

    return [colormaps["viridis"](k) for k in np.linspace(0, 0.88, count)]


def few_ticks(axis: Any) -> None:
    """Few enough numbers on an axis that long ones do not run into each other."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


def place_legend(ax: Axes, count: int) -> None:
    """The legend inside where there is room, at the right outside where it would hide the picture."""
    if count <= 4:
        ax.legend(frameon=False, fontsize=8)
    else:
        columns = 1 if count <= 16 else 2
        ax.legend(
            frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1), ncols=columns
        )


def number_array(values: Any, name: str, dimensions: Sequence[int] = (1,)) -> np.ndarray:
    """The values as an array with so many axes that holds a finite number at least; else raise InputError."""
    array = np.asarray(values, dtype=float)
    if array.ndim not in dimensions or not np.isfinite(array).any():
        axes = " or ".join(str(one) for one in dimensions)
        raise InputError(
            f"{name} must be an array of numbers with {axes} ax{'i' if axes == '1' else 'e'}s; the shape is "
            f"{array.shape}{'' if array.size == 0 else ', and none is finite' * (not np.isfinite(array).any())}"
        )
    return array


def check_same_length(first: Any, second: Any, names: str) -> None:
    """Raise if there are not as many of both."""
    if len(first) != len(second):
        raise InputError(
            f"{names} must have as many rows as each other; they have {len(first)} and {len(second)}"
        )


def sample_rows(count: int, most: int) -> np.ndarray:
    """All rows, or of very many an even choice: more dots would only cover each other."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))


def png(figure: Figure | Any, dots_an_inch: int = 150) -> bytes:
    """The picture as the contents of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_an_inch)
    return buffer.getvalue()

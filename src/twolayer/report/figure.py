"""One picture of a report, and several drawings beside each other in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twolayer import plots

DOTS_PER_INCH = 110
MAX_DRAWN_OUTPUTS = 6  # that have a picture each


@dataclass(frozen=True)
class ReportFigure:
    """A picture.

    Attributes
    ----------
    name : str
        Of its file, without the ending.
    title, reading : str
        What it is, and how to read it.
    png : bytes
    """

    name: str
    title: str
    reading: str
    png: bytes


def figure_with_text(name: str, title: str, reading: str, drawing: Any) -> ReportFigure:
    """The figure, or the axes, as a picture with its words."""
    figure = drawing if hasattr(drawing, "savefig") else drawing.figure
    return ReportFigure(name, title, reading, plots.png(figure, DOTS_PER_INCH))


def axes_grid(
    count: int, width: float, height: float, most_across: int = 2
) -> tuple[Any, list[Any]]:
    """A figure with so many axes of that size in inches, and those axes."""
    from matplotlib.figure import Figure as Canvas

    across = min(most_across, count)
    down = -(-count // across)
    canvas = Canvas(figsize=(width * across, height * down), layout="constrained")
    axes = canvas.subplots(down, across, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.axis("off")
    return canvas, list(axes[:count])

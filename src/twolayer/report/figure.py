"""One figure of a report, and several plots side by side in one figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twolayer import plots

DOTS_PER_INCH = 110
MAX_DRAWN_OUTPUTS = 6


@dataclass(frozen=True)
class ReportFigure:
    """A figure with its title and caption.

    Attributes
    ----------
    name : str
        The name of its file, without the suffix.
    title, caption : str
        What it shows, and how to read it.
    png : bytes
    """

    name: str
    title: str
    caption: str
    png: bytes


def report_figure(name: str, title: str, caption: str, drawing: Any) -> ReportFigure:
    """Return a matplotlib figure, or the figure of axes, with its title and caption."""
    figure = drawing if hasattr(drawing, "savefig") else drawing.figure
    return ReportFigure(name, title, caption, plots.png(figure, DOTS_PER_INCH))


def axes_grid(
    count: int, width: float, height: float, max_columns: int = 2
) -> tuple[Any, list[Any]]:
    """Return a figure with `count` axes of this size in inches, and the axes."""
    from matplotlib.figure import Figure

    n_columns = min(max_columns, count)
    n_rows = -(-count // n_columns)
    figure = Figure(figsize=(width * n_columns, height * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.axis("off")
    return figure, list(axes[:count])


def drawn_part(drawn: int, count: int, noun: str) -> str:
    """Return a sentence that only the first few outputs are drawn, if that is so."""
    return f" Only the first {drawn} of {count} {noun} are drawn." if count > drawn else ""

"""Pictures of predicted classes: which are mixed up, how well each is found, and whether probabilities are honest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.errors import InputError
from twolayer.plots.axes import (
    GREY,
    LINE_COLOUR,
    SECOND_COLOUR,
    check_same_length,
    distinct_colours,
    new_axes,
    number_array,
    place_legend,
    set_title,
    short_label,
    style_axes,
)
from twolayer.plots.weights import write_cell_counts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CALIBRATION_BINS = 10  # of the calibration curve
Z_95 = 1.96  # standard deviations on each side that hold 95% of a normal distribution
LETTER_WIDTH = 0.062  # inches of a letter in a legend
FEWEST_PER_BIN = 5  # rows in a bin of it: fewer say nothing


def confusion_matrix(
    counts: Any, classes: Sequence[Any], ax: Axes | None = None, *, title: str | None = None
) -> Axes:
    """Draw how many rows of each class (line) were taken for which (column); shaded by the share of the line.

    Parameters
    ----------
    counts : array-like, shape (n_classes, n_classes)
    classes : names
    ax : matplotlib Axes or None
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.confusion_matrix([[8, 2], [1, 9]], ["no", "yes"])
    >>> [text.get_text() for text in ax.texts]
    ['8', '2', '1', '9']
    """
    counts = number_array(counts, "counts", (2,))
    if counts.shape != (len(classes), len(classes)):
        raise InputError(
            f"counts must have a line and a column for each of {len(classes)} classes; the shape is {counts.shape}"
        )
    side = float(np.clip(0.42 * len(counts) + 2.2, 3.6, 8.0))
    ax = new_axes(side + 0.6, side) if ax is None else ax
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    write_cell_counts(ax, counts, shares)
    names = [short_label(name) for name in classes]
    size = 9 if len(names) <= 6 else 7.5
    long = max(len(name) for name in names) > 4 and len(names) > 2
    ax.set_xticks(range(len(names)), names, fontsize=size, rotation=90 if long else 0)
    ax.set_yticks(range(len(names)), names, fontsize=size)
    ax.set(xlabel="predicted class", ylabel="true class")
    set_title(ax, title)
    return ax


def per_class_scores(
    counts: Any, classes: Sequence[Any], ax: Axes | None = None, *, title: str | None = None
) -> Axes:
    """Draw for each class how much of it was found (recall), and how much of what was called so is so (precision).

    Parameters
    ----------
    counts : array-like, shape (n_classes, n_classes)
        Rows of each class (line) by what was predicted (column).
    classes : names
    ax : matplotlib Axes or None
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.per_class_scores([[8, 2], [0, 10]], ["no", "yes"])
    >>> [round(float(bar.get_width()), 3) for bar in ax.patches]
    [0.8, 1.0, 1.0, 0.833]
    """
    counts = number_array(counts, "counts", (2,))
    ax = new_axes(6.4, float(np.clip(0.36 * len(counts) + 1.3, 2.4, 9))) if ax is None else ax
    rows, called, right = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    names = [f"{short_label(name)} ({count:g})" for name, count in zip(classes, rows, strict=True)]
    _recall_precision_bars(ax, rows, called, right, names, "class")
    ax.set_ylabel("class (rows)")
    set_title(ax, title)
    return ax


def per_label_scores(
    y: Any, y_pred: Any, labels: Sequence[Any], ax: Axes | None = None, *, title: str | None = None
) -> Axes:
    """Draw for each label how many of its rows were found (recall), and how many of those given it have it (precision).

    Parameters
    ----------
    y, y_pred : array-like of 0 and 1, shape (n_rows, n_labels)
    labels : names
    ax : matplotlib Axes or None
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> ax = twolayer.plots.per_label_scores([[1, 0], [1, 1]], [[1, 1], [0, 1]], ["core", "wall"])
    >>> [float(bar.get_width()) for bar in ax.patches]
    [0.5, 1.0, 1.0, 0.5]
    """
    y, y_pred = (number_array(part, name, (2,)) for part, name in ((y, "y"), (y_pred, "y_pred")))
    if not y.shape == y_pred.shape == (len(y), len(labels)):
        raise InputError(
            f"y and y_pred must have a column for each of {len(labels)} labels; the shapes are {y.shape} and {y_pred.shape}"
        )
    ax = new_axes(6.4, float(np.clip(0.36 * len(labels) + 1.3, 2.4, 9))) if ax is None else ax
    rows = y.sum(axis=0)
    names = [f"{short_label(name)} ({count:g})" for name, count in zip(labels, rows, strict=True)]
    _recall_precision_bars(ax, rows, y_pred.sum(axis=0), (y * y_pred).sum(axis=0), names, "label")
    ax.set_ylabel("label (rows)")
    set_title(ax, title)
    return ax


def _recall_precision_bars(
    ax: Axes, rows: np.ndarray, called: np.ndarray, right: np.ndarray, names: list[str], what: str
) -> None:
    """Two bars each: of the rows that are so the share that was called so; of those called so the share that are."""
    recall = np.divide(right, rows, out=np.zeros(len(rows)), where=rows > 0)
    precision = np.divide(right, called, out=np.zeros(len(rows)), where=called > 0)
    at = np.arange(len(names))
    ax.barh(at - 0.2, recall, 0.38, color=LINE_COLOUR, label=f"found, of the rows of this {what}")
    ax.barh(
        at + 0.2, precision, 0.38, color="#9db8d2", label=f"right, of the rows called this {what}"
    )
    ax.set_yticks(at, names, fontsize=9 if len(names) <= 8 else 7.5)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="share")
    style_axes(ax, "x")
    ax.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def roc_curve(
    y: Any,
    probabilities: Any,
    classes: Sequence[Any],
    ax: Axes | None = None,
    *,
    title: str | None = None,
) -> Axes:
    """Draw how many rows of a class are found (up) at the price of how many others called so too (across).

    Of two classes, one curve, for the second; of more, a curve for each class against all others. The legend gives the
    area under each: 0.5 is chance, 1 perfect. A class without rows, or without others, has no curve.

    Parameters
    ----------
    y : array-like of classes, shape (n_rows,)
    probabilities : array-like, shape (n_rows, n_classes)
    classes : names, in the order of the columns
    ax : matplotlib Axes or None
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> p = [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]
    >>> ax = twolayer.plots.roc_curve(["no", "no", "yes"], p, ["no", "yes"])
    >>> ax.get_legend_handles_labels()[1]
    ['yes: area 1.000']
    """
    from sklearn import metrics

    p = number_array(probabilities, "probabilities", (2,))
    y = np.asarray(y)
    check_same_length(y, p, "y and probabilities")
    wanted = [1] if len(classes) == 2 else list(range(len(classes)))
    tints = [LINE_COLOUR] if len(wanted) == 1 else distinct_colours(len(classes))
    longest = max(len(short_label(classes[k])) for k in wanted)
    beside = (
        0.9 + LETTER_WIDTH * longest if len(wanted) > 4 else 0.0
    )  # inches for the legend, with the areas
    ax = new_axes(5.0 + beside, 4.4) if ax is None else ax
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
    drawn = 0
    for k, tint in zip(wanted, tints, strict=True):
        is_it = y == classes[k]
        if is_it.all() or not is_it.any():
            continue
        wrong, found, _ = metrics.roc_curve(is_it, p[:, k])
        label = f"{short_label(classes[k])}: area {metrics.auc(wrong, found):.3f}"
        # of few curves the later ones are thinner, so that one that lies on another does not hide it
        width = 1.6 + (0.9 * (len(wanted) - 1 - drawn) if len(wanted) <= 4 else 0)
        ax.plot(wrong, found, color=tint, linewidth=width, label=label)
        drawn += 1
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.set(xlabel="share of other rows called so", ylabel="share of its rows found")
    ax.set_aspect("equal")
    style_axes(ax)
    if drawn:
        place_legend(ax, drawn)
    set_title(ax, title)
    return ax


def calibration_curve(
    y: Any,
    probabilities: Any,
    classes: Sequence[Any],
    ax: Axes | None = None,
    *,
    title: str | None = None,
) -> Axes:
    """Draw how often rows came true (up) that were given a probability (across): on the line, as often as was said.

    Of two classes the probability of the second; of more, that of the predicted class. Bins hold equally many rows; the
    bars are 95% ranges, and the dots below show where the rows are.

    Parameters
    ----------
    y : array-like of classes, shape (n_rows,)
    probabilities : array-like, shape (n_rows, n_classes)
    classes : names, in the order of the columns
    ax : matplotlib Axes or None
    title : str or None

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> import twolayer.plots
    >>> p = [[0.5, 0.5]] * 10
    >>> ax = twolayer.plots.calibration_curve(["no", "yes"] * 5, p, ["no", "yes"])
    >>> ax.get_xlabel()
    "probability said for 'yes'"
    """
    p = number_array(probabilities, "probabilities", (2,))
    y = np.asarray(y)
    check_same_length(y, p, "y and probabilities")
    if len(classes) == 2:
        said, true = p[:, 1], y == classes[1]
        words = (
            f"probability said for '{short_label(classes[1])}'",
            "share of rows where it was true",
        )
    else:
        said, true = p.max(axis=1), y == np.asarray(classes)[p.argmax(axis=1)]
        words = "probability said for the predicted class", "share of rows where it was right"
    ax = new_axes(5.0, 4.4) if ax is None else ax
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
    means, shares, reach = _calibration_bins(said, true)
    ax.errorbar(
        means, shares, yerr=reach, color=LINE_COLOUR, marker="o", markersize=5, linewidth=1.4,
        ecolor="#9db8d2", capsize=2,
    )  # fmt: skip
    ax.plot(said, np.full(len(said), -0.045), "|", color=SECOND_COLOUR, alpha=0.35, markersize=6)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.08, 1.04), xlabel=words[0], ylabel=words[1])
    ax.set_aspect("equal")
    style_axes(ax)
    set_title(ax, title)
    return ax


def _calibration_bins(
    said: np.ndarray, true: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean probability, share that came true and how far its 95% range reaches down and up, in bins of equally many rows.

    The range is Wilson's: it stays between 0 and 1, and has a width where all came true too.
    """
    count = int(np.clip(len(said) // FEWEST_PER_BIN, 1, CALIBRATION_BINS))
    order = np.argsort(said, kind="stable")
    ends = np.cumsum([len(part) for part in np.array_split(order, count)])
    # rows given the same probability stay in one bin: nothing tells them apart
    last = np.searchsorted(said[order], said[order][ends - 1], side="right")
    parts = np.split(order, np.unique(last)[:-1])
    means = np.array([said[rows].mean() for rows in parts])
    shares = np.array([true[rows].mean() for rows in parts])
    sizes = np.array([len(rows) for rows in parts])
    middle = (shares + Z_95**2 / (2 * sizes)) / (1 + Z_95**2 / sizes)
    half = (
        Z_95
        * np.sqrt(shares * (1 - shares) / sizes + (Z_95 / (2 * sizes)) ** 2)
        / (1 + Z_95**2 / sizes)
    )
    reach = np.stack([shares - (middle - half), (middle + half) - shares])
    return means, shares, np.maximum(reach, 0)

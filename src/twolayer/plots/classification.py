"""Plots of predicted classes: confusion matrix, recall and precision, ROC curve, calibration."""

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
    literal_text,
    new_axes,
    number_array,
    place_legend,
    set_title,
    short_label,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALE_COLOUR = "#9db8d2"
CALIBRATION_BINS = 10
FEWEST_PER_BIN = 5  # rows in a bin of the calibration curve
Z_95 = 1.96  # standard deviations to each side that hold 95% of a normal distribution
LETTER_WIDTH = 0.062  # inches, in a legend
DARK_CELL = 0.55  # share from which the number in a cell is white


def confusion_matrix(
    counts: Any, classes: Sequence[Any], ax: Axes | None = None, *, title: str | None = None
) -> Axes:
    """Draw how many rows of each true class (row) were predicted as each class (column), shaded by the share of the row.

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
            f"counts must have one row and one column per class ({len(classes)}); its shape is {counts.shape}"
        )
    side = float(np.clip(0.42 * len(counts) + 2.2, 3.6, 8.0))
    ax = new_axes(side + 0.6, side) if ax is None else ax
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    _write_counts(ax, counts, shares)
    names = [short_label(name) for name in classes]
    size = 9 if len(names) <= 6 else 7.5
    long = max(len(name) for name in names) > 4 and len(names) > 2
    ax.set_xticks(range(len(names)), names, fontsize=size, rotation=90 if long else 0)
    ax.set_yticks(range(len(names)), names, fontsize=size)
    ax.set(xlabel="predicted class", ylabel="true class")
    set_title(ax, title)
    return ax


def _write_counts(ax: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    """Write the count into every cell that is not 0, white on dark."""
    size = 9 if len(counts) <= 6 else 8 if len(counts) <= 15 else 5.5
    for (a, b), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[a, b] > DARK_CELL else "black"
            text = literal_text(f"{count:g}")
            ax.text(b, a, text, ha="center", va="center", fontsize=size, color=colour)


def per_class_scores(
    counts: Any, classes: Sequence[Any], ax: Axes | None = None, *, title: str | None = None
) -> Axes:
    """Draw the recall and the precision of each class.

    Parameters
    ----------
    counts : array-like, shape (n_classes, n_classes)
        Rows of each true class (row) by predicted class (column).
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
    rows, predicted, right = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    return _recall_precision_bars(ax, rows, predicted, right, classes, "class", title)


def per_label_scores(
    y: Any, y_pred: Any, labels: Sequence[Any], ax: Axes | None = None, *, title: str | None = None
) -> Axes:
    """Draw the recall and the precision of each label.

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
            f"y and y_pred must have one column per label ({len(labels)}); their shapes are {y.shape} and {y_pred.shape}"
        )
    rows, predicted, right = (part.sum(axis=0) for part in (y, y_pred, y * y_pred))
    return _recall_precision_bars(ax, rows, predicted, right, labels, "label", title)


def _recall_precision_bars(
    ax: Axes | None,
    rows: np.ndarray,
    predicted: np.ndarray,
    right: np.ndarray,
    names: Sequence[Any],
    what: str,
    title: str | None,
) -> Axes:
    """Draw two bars for each class or label: right / rows is its recall, right / predicted its precision."""
    recall = np.divide(right, rows, out=np.zeros(len(rows)), where=rows > 0)
    precision = np.divide(right, predicted, out=np.zeros(len(rows)), where=predicted > 0)
    labels = [f"{short_label(name)} ({count:g})" for name, count in zip(names, rows, strict=True)]
    ax = new_axes(6.4, float(np.clip(0.36 * len(rows) + 1.3, 2.4, 9))) if ax is None else ax
    at = np.arange(len(rows))
    ax.barh(at - 0.2, recall, 0.38, color=LINE_COLOUR, label="recall")
    ax.barh(at + 0.2, precision, 0.38, color=PALE_COLOUR, label="precision")
    ax.set_yticks(at, labels, fontsize=9 if len(labels) <= 8 else 7.5)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="share", ylabel=f"{what} (rows)")
    style_axes(ax, "x")
    ax.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    set_title(ax, title)
    return ax


def roc_curve(
    y: Any,
    probabilities: Any,
    classes: Sequence[Any],
    ax: Axes | None = None,
    *,
    title: str | None = None,
) -> Axes:
    """Draw the ROC curve: the true positive rate of a class against its false positive rate.

    With two classes there is one curve, for the second; with more, one for each class against all others. The legend gives
    the area under each curve: 0.5 is chance, 1 is perfect. A class without rows, or without other rows, has no curve.

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
    legend_width = 0.9 + LETTER_WIDTH * longest if len(wanted) > 4 else 0.0  # inches
    ax = new_axes(5.0 + legend_width, 4.4) if ax is None else ax
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
    drawn = 0
    for k, tint in zip(wanted, tints, strict=True):
        positive = y == classes[k]
        if positive.all() or not positive.any():
            continue
        false_positives, true_positives, _ = metrics.roc_curve(positive, p[:, k])
        area = metrics.auc(false_positives, true_positives)
        # of few curves the later ones are thinner, so that a curve does not hide an equal one
        width = 1.6 + (0.9 * (len(wanted) - 1 - drawn) if len(wanted) <= 4 else 0)
        label = f"{short_label(classes[k])}: area {area:.3f}"
        ax.plot(false_positives, true_positives, color=tint, linewidth=width, label=label)
        drawn += 1
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.set(xlabel="false positive rate", ylabel="true positive rate")
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
    """Draw the calibration curve: the share of rows whose class was right against the predicted probability.

    With two classes the probability is that of the second; with more, that of the predicted class. Bins hold equally many
    rows; bars are 95% ranges, and ticks below the curve show the probabilities of the rows.

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
    "predicted probability of 'yes'"
    """
    p = number_array(probabilities, "probabilities", (2,))
    y = np.asarray(y)
    check_same_length(y, p, "y and probabilities")
    if len(classes) == 2:
        probability, positive = p[:, 1], y == classes[1]
        name = f"'{short_label(classes[1])}'"
        xlabel, ylabel = f"predicted probability of {name}", f"share of rows that are {name}"
    else:
        probability, positive = p.max(axis=1), y == np.asarray(classes)[p.argmax(axis=1)]
        xlabel, ylabel = "probability of the predicted class", "share of rows predicted right"
    ax = new_axes(5.0, 4.4) if ax is None else ax
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
    means, shares, reach = _calibration_bins(probability, positive)
    ax.errorbar(
        means, shares, yerr=reach, color=LINE_COLOUR, marker="o", markersize=5, linewidth=1.4,
        ecolor=PALE_COLOUR, capsize=2,
    )  # fmt: skip
    ticks = np.full(len(probability), -0.045)
    ax.plot(probability, ticks, "|", color=SECOND_COLOUR, alpha=0.35, markersize=6)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.08, 1.04), xlabel=xlabel, ylabel=ylabel)
    ax.set_aspect("equal")
    style_axes(ax)
    set_title(ax, title)
    return ax


def _calibration_bins(
    probability: np.ndarray, positive: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean probability and the share of positives of each bin, and how far its 95% range goes down and up.

    Bins have equally many rows. The range is Wilson's: it stays between 0 and 1, and is not empty where all are positive.
    """
    count = int(np.clip(len(probability) // FEWEST_PER_BIN, 1, CALIBRATION_BINS))
    order = np.argsort(probability, kind="stable")
    ends = np.cumsum([len(part) for part in np.array_split(order, count)])
    # rows with equal probabilities stay in one bin
    last = np.searchsorted(probability[order], probability[order][ends - 1], side="right")
    bins = np.split(order, np.unique(last)[:-1])
    means = np.array([probability[rows].mean() for rows in bins])
    shares = np.array([positive[rows].mean() for rows in bins])
    sizes = np.array([len(rows) for rows in bins])
    scale = 1 + Z_95**2 / sizes
    middle = (shares + Z_95**2 / (2 * sizes)) / scale
    half = Z_95 * np.sqrt(shares * (1 - shares) / sizes + (Z_95 / (2 * sizes)) ** 2) / scale
    reach = np.stack([shares - (middle - half), (middle + half) - shares])
    return means, shares, np.maximum(reach, 0)

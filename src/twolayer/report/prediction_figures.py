"""The pictures of what was predicted: classes, labels or numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twolayer import plots
from twolayer.evaluation.assessment import Assessment
from twolayer.plots.axes import short_label
from twolayer.plots.regression import has_median_line
from twolayer.report.figure import MAX_DRAWN_OUTPUTS, ReportFigure, axes_grid, figure_with_text

MAX_BARS = 400  # more rows would hide each other
ROC_CAPTION = "Found against falsely called (ROC curve)"
ROC_EXPLANATION = (
    "As the model is asked to call more rows by a class, it finds more of them (up) and calls more others so too (across). "
    "A curve near the upper left corner is good; on the dashed line the model guesses."
)
CALIBRATION_CAPTION = "Are its probabilities honest? (calibration)"
CALIBRATION_EXPLANATION = (
    "Of rows given the same probability (across), the share for which it came true (up). On the dashed line the model is as "
    "sure as it should be; below it is too sure. Bars are 95% ranges; ticks below are the rows."
)


def prediction_figures(subject: Assessment) -> Iterator[ReportFigure]:
    """What was predicted beside what is true."""
    if not subject.classifies:
        return _number_figures(subject)
    return _label_figures(subject) if subject.several else _class_figures(subject)


def _class_figures(subject: Assessment) -> Iterator[ReportFigure]:
    names, counts = [str(name) for name in subject.classes], subject.confusion()
    yield figure_with_text(
        "confusion",
        "Which classes are mixed up (confusion matrix)",
        "Each line is a true class, each column what the model said; the diagonal is right. A dark cell off the diagonal is "
        "a mistake it makes often.",
        plots.confusion_matrix(counts, names),
    )
    yield figure_with_text(
        "per_class",
        "How well each class is found",
        "Dark: of the rows of this class, the share that was found. Pale: of the rows that were called this class, the "
        "share that is. A class with a short dark bar is missed; with a short pale bar it is called too often.",
        plots.per_class_scores(counts, names),
    )
    p = subject.network.probabilities
    places = np.searchsorted(subject.classes, subject.y)
    labels = np.array(names, dtype=object)[places]
    if len(np.unique(places)) > 1:
        yield figure_with_text(
            "roc", ROC_CAPTION, ROC_EXPLANATION, plots.roc_curve(labels, p, names)
        )
    yield figure_with_text(
        "calibration",
        CALIBRATION_CAPTION,
        CALIBRATION_EXPLANATION,
        plots.calibration_curve(labels, p, names),
    )


def _label_figures(subject: Assessment) -> Iterator[ReportFigure]:
    """Of several labels a row: one drawing for each, beside each other."""
    parts = subject.parts()
    yield figure_with_text(
        "per_label",
        "How well each label is found",
        "Dark: of the rows with this label, the share that was found. Pale: of the rows that were given it, the share that "
        "have it. In brackets how many rows have it.",
        plots.per_label_scores(subject.y, subject.network.y_pred, subject.names),
    )
    shown = parts[:MAX_DRAWN_OUTPUTS]
    more = (
        f" The first {len(shown)} of {len(parts)} labels are drawn."
        if len(parts) > len(shown)
        else ""
    )
    canvas, axes = axes_grid(len(shown), 3.3, 2.9, 3)
    for ax, part in zip(axes, shown, strict=True):
        plots.confusion_matrix(part.confusion(), part.classes, ax, title=short_label(part.target))
        ax.set(xlabel="said", ylabel="true")
    yield figure_with_text(
        "confusion",
        "Which labels are missed, and which given wrongly (confusion matrices)",
        f"For each label, lines are the truth and columns what the model said; the diagonal is right.{more}",
        canvas,
    )
    known = [part for part in shown if len(np.unique(part.y)) > 1]
    for name, title, reading, draw in (
        ("roc", ROC_CAPTION, ROC_EXPLANATION, plots.roc_curve),
        ("calibration", CALIBRATION_CAPTION, CALIBRATION_EXPLANATION, plots.calibration_curve),
    ):
        drawn = known if name == "roc" else shown
        if not drawn:
            continue
        canvas, axes = axes_grid(len(drawn), 3.3, 3.3, 3)
        for ax, part in zip(axes, drawn, strict=True):
            draw(
                part.y, part.network.probabilities, part.classes, ax, title=short_label(part.target)
            )
            ax.set(xlabel="", ylabel="")
        yield figure_with_text(name, title, f"{reading}{more}", canvas)


def _number_figures(subject: Assessment) -> Iterator[ReportFigure]:
    std = None
    if hasattr(subject.model, "noise_std_"):
        std = subject.model.predict(subject.x, return_std=True)[1].reshape(len(subject.y), -1)
    parts = subject.parts()
    more = ""
    if len(parts) > MAX_DRAWN_OUTPUTS:
        more = f" The first {MAX_DRAWN_OUTPUTS} of {len(parts)} targets are drawn."
    for k, part in enumerate(parts[:MAX_DRAWN_OUTPUTS]):
        name, y, y_pred = part.target, part.y, part.network.y_pred
        mark, of = (f"_{k + 1}", f": {name}") if subject.several else ("", "")
        bars = std[:, k] if std is not None and len(y) <= MAX_BARS else None
        line = " The red line should stay near 0: where it leaves it, the model errs to one side."
        line = line if has_median_line(len(y)) and not part.says_the_same else ""
        pale = " Pale bars reach one predicted standard deviation to each side."
        yield figure_with_text(
            f"predicted{mark}",
            f"Predicted and true{of}",
            f"Each dot is a row; on the line, the prediction was right.{pale if bars is not None else ''}{more}",
            plots.predicted_against_actual(y, y_pred, y_std=bars, name=name),
        )
        yield figure_with_text(
            f"residuals{mark}",
            f"What is left over{of}",
            f"True minus predicted.{line} A cloud that widens means that errors grow with the prediction.{more}",
            plots.residuals(y, y_pred, name=name),
        )

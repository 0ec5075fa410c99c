"""The figures of the predictions: of classes, labels or numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from twolayer import plots
from twolayer.evaluation.assessment import Assessment
from twolayer.inspection.model_facts import spread_depends_on_row
from twolayer.plots.axes import short_label
from twolayer.plots.regression import has_median_line
from twolayer.report.figure import (
    MAX_DRAWN_OUTPUTS,
    ReportFigure,
    axes_grid,
    drawn_part,
    report_figure,
)

MAX_BARS = 400  # bars of more rows would hide each other
RECALL_CAPTION = (
    "Dark: recall, the share of the rows of a {what} that the network finds. Pale: precision, the share of its predictions "
    "of the {what} that are right. With a low recall the {what} is often missed, with a low precision it is predicted too "
    "often. The numbers in brackets are rows."
)
ROC_TITLE, CALIBRATION_TITLE = "ROC curve", "Calibration: are the probabilities right?"
ROC_CAPTION = (
    "When the network is made to predict a class for more rows, the true positive rate rises, and so does the false "
    "positive rate. A curve near the upper left corner is good; the dashed line is guessing."
)
CALIBRATION_CAPTION = (
    "The share of rows for which the class is true, against its predicted probability. On the dashed line probabilities are "
    "right; below it they are too high. Bars are 95% intervals; ticks at the bottom are rows."
)


def prediction_figures(assessment: Assessment) -> Iterator[ReportFigure]:
    """Yield the figures of predictions beside the truth."""
    if not assessment.classifies:
        return _number_figures(assessment)
    own = _label_figures(assessment) if assessment.several else _class_figures(assessment)
    note = " Each row counts once here, whatever its weight." * assessment.is_weighted
    return (replace(figure, caption=figure.caption + note) for figure in own)


def _class_figures(assessment: Assessment) -> Iterator[ReportFigure]:
    names, counts = [str(name) for name in assessment.classes], assessment.confusion()
    yield report_figure(
        "confusion",
        "Confusion matrix",
        "Rows are true classes, columns are predicted classes; the diagonal is right. A dark cell off the diagonal is a "
        "frequent mistake.",
        plots.confusion_matrix(counts, names),
    )
    yield report_figure(
        "per_class",
        "Recall and precision of each class",
        RECALL_CAPTION.format(what="class"),
        plots.per_class_scores(counts, names),
    )
    p = assessment.network.probabilities
    places = np.searchsorted(assessment.classes, assessment.y)
    y = np.array(names, dtype=object)[places]
    if len(np.unique(places)) > 1:
        yield report_figure("roc", ROC_TITLE, ROC_CAPTION, plots.roc_curve(y, p, names))
    drawing = plots.calibration_curve(y, p, names)
    yield report_figure("calibration", CALIBRATION_TITLE, CALIBRATION_CAPTION, drawing)


def _label_figures(assessment: Assessment) -> Iterator[ReportFigure]:
    """Yield the figures of several labels per row: one plot for each, side by side."""
    yield report_figure(
        "per_label",
        "Recall and precision of each label",
        RECALL_CAPTION.format(what="label"),
        plots.per_label_scores(assessment.y, assessment.network.y_pred, assessment.names),
    )
    parts = assessment.parts()
    drawn = parts[:MAX_DRAWN_OUTPUTS]
    more = drawn_part(len(drawn), len(parts), "labels")
    figure, axes = axes_grid(len(drawn), 3.3, 2.9, 3)
    for ax, part in zip(axes, drawn, strict=True):
        plots.confusion_matrix(part.confusion(), part.classes, ax, title=short_label(part.target))
        ax.set(xlabel="predicted", ylabel="true")
    yield report_figure(
        "confusion",
        "Confusion matrices",
        "For each label, rows are true values and columns are predicted values; the diagonal is right." + more,
        figure,
    )  # fmt: skip
    mixed = [part for part in drawn if len(np.unique(part.y)) > 1]
    for name, title, caption, plot, shown in (
        ("roc", ROC_TITLE, ROC_CAPTION, plots.roc_curve, mixed),
        ("calibration", CALIBRATION_TITLE, CALIBRATION_CAPTION, plots.calibration_curve, drawn),
    ):
        if not shown:
            continue
        figure, axes = axes_grid(len(shown), 3.3, 3.3, 3)
        for ax, part in zip(axes, shown, strict=True):
            p = part.network.probabilities
            plot(part.y, p, part.classes, ax, title=short_label(part.target))
            ax.set(xlabel="", ylabel="")
        yield report_figure(name, title, caption + more, figure)


def _number_figures(assessment: Assessment) -> Iterator[ReportFigure]:
    std = None
    if hasattr(assessment.model, "noise_std_") and len(assessment.y) <= MAX_BARS:
        std = assessment.model.predict(assessment.x, return_std=True)[1]
        std = std.reshape(len(assessment.y), -1)
    bars = "" if std is None else " Pale bars show one predicted standard deviation to each side."
    if std is not None and spread_depends_on_row(assessment.model):
        bars += " It depends on the row: some targets can be told better than others."
    parts = assessment.parts()
    more = drawn_part(MAX_DRAWN_OUTPUTS, len(parts), "targets")
    for k, part in enumerate(parts[:MAX_DRAWN_OUTPUTS]):
        name, y, y_pred = part.target, part.y, part.network.y_pred
        number, of = (f"_{k + 1}", f": {name}") if assessment.several else ("", "")
        line = ""
        if has_median_line(len(y)) and not part.says_the_same:
            line = " Where the red line is far from 0, the network has a systematic error."
        y_std = None if std is None else std[:, k]
        yield report_figure(
            f"predicted{number}",
            f"Predicted and true values{of}",
            f"Each dot is a row; on the line the prediction is right.{bars}{more}",
            plots.predicted_against_actual(y, y_pred, y_std=y_std, name=name),
        )
        yield report_figure(
            f"residuals{number}",
            f"Residuals{of}",
            f"True minus predicted.{line} If the cloud widens, errors grow with the prediction.{more}",
            plots.residuals(y, y_pred, name=name),
        )

"""The report of a fitted model: one page with the verdict, warnings, and figures with captions."""

from twolayer.report.figures import ReportFigure, report_figures
from twolayer.report.influential_rows import influence_table
from twolayer.report.page import html_page
from twolayer.report.subject import (
    assess_model,
    input_spreads,
    linear_sentences,
    shuffled_importances,
)

__all__ = [
    "ReportFigure",
    "assess_model",
    "html_page",
    "influence_table",
    "input_spreads",
    "linear_sentences",
    "report_figures",
    "shuffled_importances",
]

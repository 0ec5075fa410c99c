"""The report of a fitted model: a verdict in plain words, its worries, pictures with how to read them, one page."""

from twolayer.evaluation.assessment import Assessment, Predictions
from twolayer.evaluation.score_intervals import ScoreIntervals, score_intervals
from twolayer.evaluation.verdict import Verdict, verdict
from twolayer.evaluation.warnings import score_warnings
from twolayer.report.figures import ReportFigure, report_figures
from twolayer.report.page import html_page

__all__ = [
    "Assessment",
    "Predictions",
    "ReportFigure",
    "ScoreIntervals",
    "Verdict",
    "html_page",
    "report_figures",
    "score_intervals",
    "score_warnings",
    "verdict",
]

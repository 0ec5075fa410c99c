"""The report of a fitted model: one page with the verdict, warnings, and figures with captions."""

from twolayer.report.figures import ReportFigure, report_figures
from twolayer.report.page import html_page

__all__ = ["ReportFigure", "html_page", "report_figures"]

"""The report of a fitted model: one page with the verdict, the warnings, and pictures with how to read them."""

from twolayer.report.figures import ReportFigure, report_figures
from twolayer.report.page import html_page

__all__ = ["ReportFigure", "html_page", "report_figures"]

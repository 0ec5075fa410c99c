"""The report of a fitted model: a verdict in plain words, its worries, pictures with how to read them, one page."""

from twolayer.report.certainty import Certainty, certainty
from twolayer.report.figures import Figure, figures
from twolayer.report.page import page
from twolayer.report.subject import Answers, Subject
from twolayer.report.verdict import Verdict, verdict
from twolayer.report.worries import worries

__all__ = [
    "Answers",
    "Certainty",
    "Figure",
    "Subject",
    "Verdict",
    "certainty",
    "figures",
    "page",
    "verdict",
    "worries",
]

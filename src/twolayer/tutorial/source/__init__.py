"""The program's source, line by line: the code that is shown and executed, and what it does in one sentence."""

from __future__ import annotations

from typing import NamedTuple

from twolayer.tutorial.bilingual import Bilingual


class SourceLine(NamedTuple):
    """One line of the program.

    Attributes
    ----------
    part : str
        "setup", "forward", "loss", "backward" or "update".
    code : str
        The line itself.
    meaning : Both
    equation : str
        For a gradient, the chain rule that it follows.
    beside : str
        The variable to compare the written one with; by default its own value before.
    """

    part: str
    code: str
    meaning: Bilingual
    equation: str = ""
    beside: str = ""

"""The program's source, line by line: the code that is shown and executed, and what it does in one sentence."""

from __future__ import annotations

from typing import NamedTuple


class SourceLine(NamedTuple):
    """One line of the program.

    Attributes
    ----------
    part : str
        "setup", "forward", "loss", "backward" or "update".
    code : str
        The line itself.
    en, zh : str
        What the line does in one sentence, in English and in Chinese.
    equation : str
        For a gradient, the chain rule that it follows.
    origin : str
        The variable that the written one is compared with; by default the same one before the line.
    """

    part: str
    code: str
    en: str
    zh: str
    equation: str = ""
    origin: str = ""

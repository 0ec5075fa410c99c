"""Run a piece of source for a page, and keep everything it said: what it printed, its warnings, its error."""

from __future__ import annotations

import io
import traceback
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ExecutionResult:
    """What came of a piece of source.

    Attributes
    ----------
    printed : str
    warnings : list of str
        `UserWarning: ...`, each once, in full.
    error : str
        `TypeError: ...` in full; "" if it ran to its end.
    stopped_at : str
        The line of the source that raised the error.
    """

    printed: str
    warnings: list[str]
    error: str
    stopped_at: str

    @property
    def said(self) -> str:
        """Everything, in the order in which a terminal shows it."""
        return "\n".join(part for part in (self.printed, *self.warnings, self.error) if part)


def run_source(source: str, names: dict[str, Any]) -> ExecutionResult:
    """Execute the source in the namespace `names`; errors and warnings of the library under it are its result."""
    error, stopped_at = "", ""
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            exec(compile(source, "<what is shown>", "exec"), names)
        except Exception as raised:  # whatever it is, it is what the reader is to see
            error = "".join(traceback.format_exception_only(raised)).strip()
            stopped_at = source_line(source, raised)
    texts = [f"{warning.category.__name__}: {warning.message}" for warning in caught]
    return ExecutionResult(
        printed.getvalue().rstrip("\n"), list(dict.fromkeys(texts)), error, stopped_at
    )


def source_line(source: str, raised: Exception) -> str:
    """The line of the source in which the error came up."""
    frames = traceback.extract_tb(raised.__traceback__)
    numbers = [frame.lineno for frame in frames if frame.filename == "<what is shown>"]
    return source.splitlines()[numbers[0] - 1].strip() if numbers and numbers[0] else ""

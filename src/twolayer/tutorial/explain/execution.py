"""Run source for a page, and keep its output, its warnings and its error."""

from __future__ import annotations

import io
import traceback
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ExecutionResult:
    """The result of running source.

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
    def text(self) -> str:
        """The output, the warnings and the error, in the order of a terminal."""
        return "\n".join(part for part in (self.printed, *self.warnings, self.error) if part)


def run_source(source: str, names: dict[str, Any]) -> ExecutionResult:
    """Execute the source in the namespace `names`; an error or a warning is part of the result."""
    error, stopped_at = "", ""
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            exec(compile(source, "<what is shown>", "exec"), names)
        except Exception as raised:  # the reader sees whatever error it is
            error = "".join(traceback.format_exception_only(raised)).strip()
            stopped_at = source_line(source, raised)
    texts = [f"{warning.category.__name__}: {warning.message}" for warning in caught]
    return ExecutionResult(
        printed.getvalue().rstrip("\n"), list(dict.fromkeys(texts)), error, stopped_at
    )


def source_line(source: str, raised: Exception) -> str:
    """Return the line of the source that raised the error."""
    frames = traceback.extract_tb(raised.__traceback__)
    numbers = [frame.lineno for frame in frames if frame.filename == "<what is shown>"]
    return source.splitlines()[numbers[0] - 1].strip() if numbers and numbers[0] else ""

"""What a command says: lines for people, one JSON object for programs, progress on a terminal or in a log."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from twolayer.engines.compiled.silence import SILENT
from twolayer.files import as_json_value
from twolayer.text import printable

BAR_DELAY = 1.0
LINE_INTERVAL = 10.0


class Output:
    """Where a command's words go.

    Parameters
    ----------
    quiet : bool
        Say nothing but errors.
    as_json : bool
        Print the results as one JSON object at the end, and nothing else on standard output.
    """

    def __init__(self, quiet: bool = False, as_json: bool = False) -> None:
        self.quiet, self.as_json = quiet, as_json

    def say(self, text: str = "") -> None:
        """A line for a person."""
        if not self.quiet and not self.as_json:
            print(printable(text))

    def aside(self, text: str) -> None:
        """A line beside the results, on standard error."""
        if not self.quiet:
            print(printable(text), file=sys.stderr)

    def result(self, value: dict[str, Any]) -> None:
        """The results, if they were asked for as JSON."""
        if self.as_json:
            text = json.dumps(as_json_value(value), ensure_ascii=False, indent=2)
            print(printable(text, lambda letter: json.dumps(letter)[1:-1]))

    @contextmanager
    def progress(self, what: str, total: float | None = None) -> Iterator[ProgressDisplay]:
        """Progress of a long work: a bar on a terminal, now and then a line in a log."""
        progress = ProgressDisplay(what, total, silent=self.quiet)
        try:
            with silent_compilation() if self.quiet else nullcontext():
                yield progress
        finally:
            progress.close()


@contextmanager
def silent_compilation() -> Iterator[None]:
    """Within it the compiled engine does not say that it compiles."""
    token = SILENT.set(True)
    try:
        yield
    finally:
        SILENT.reset(token)


class ProgressDisplay:
    """A bar on a terminal from the second second on; elsewhere a line every ten seconds."""

    def __init__(self, what: str, total: float | None, silent: bool = False) -> None:
        self.what, self.total, self.silent = what, total, silent
        self.start = self.last = time.perf_counter()
        self.bar: Any = None
        self.terminal = sys.stderr.isatty()

    def to(self, done: float, total: float | None = None) -> None:
        """So much is done."""
        now = time.perf_counter()
        if self.silent or now - self.start < BAR_DELAY:
            return
        self.total = total if total is not None else self.total
        if self.terminal:
            self._draw(done)
        elif now - self.last >= LINE_INTERVAL:
            self.last = now
            share = "" if not self.total else f" of {self.total:,.0f} ({done / self.total:.0%})"
            print(f"{self.what}: {done:,.0f}{share}, {now - self.start:.0f} s", file=sys.stderr)

    def _draw(self, done: float) -> None:
        if self.bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = [
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
            ]
            self.bar = Bar(
                *columns,
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self.task = self.bar.add_task(self.what, total=self.total)
            self.bar.start()
        self.bar.update(self.task, completed=done, total=self.total)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.stop()


class SteadyStream:
    """Standard output or error whose loss ends no command: after the first failure nothing more is written to it.

    Attributes
    ----------
    failure : OSError or None
        Why it was lost.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.failure: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write the text, if the stream is still there."""
        if self.failure is None:
            with self.losses():
                self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Bring what was written on its way."""
        if self.failure is None:
            with self.losses():
                self.stream.flush()

    @contextmanager
    def losses(self) -> Iterator[None]:
        """Note a failure within it, and let what is still in the buffer go nowhere."""
        try:
            yield
        except OSError as error:
            self.failure = error
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.stream.fileno())
                os.close(nowhere)

    @property
    def is_full(self) -> bool:
        """Whether it was lost, and not because its reader left, as `head` does."""
        return self.failure is not None and self.failure.errno not in (errno.EPIPE, errno.EINVAL)


class LostOutputError(Exception):
    """Nobody reads what a command writes on standard output alone."""


@contextmanager
def steady_streams() -> Iterator[None]:
    """Within it no command ends because standard output or error is closed, full, or no longer read.

    A full output ends in one line on standard error and exit code 2; a reader that left changes nothing.
    """
    before = sys.stdout, sys.stderr
    out, err = (SteadyStream(stream or open(os.devnull, "w")) for stream in before)  # noqa: SIM115
    sys.stdout, sys.stderr = out, err  # type: ignore[assignment]
    code: Any = None
    try:
        yield
    except LostOutputError:
        pass
    except SystemExit as left:
        code = left.code
    finally:
        out.flush()
        if out.is_full:
            assert out.failure is not None
            print(f"twolayer: the output cannot be written: {out.failure.strerror}", file=err)
        err.flush()
        sys.stdout, sys.stderr = before
    raise SystemExit(2 if out.is_full and not code else code or 0)


def stop_if_lost() -> None:
    """Raise LostOutputError if standard output is lost, for a command that writes nowhere else."""
    if isinstance(sys.stdout, SteadyStream):
        sys.stdout.flush()
        if sys.stdout.failure is not None:
            raise LostOutputError


def open_standard_files() -> None:
    """Open standard input, output and error where they are closed: the next file would take their place, and their text."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def aligned_lines(rows: list[tuple[str, str]], indent: str = "") -> list[str]:
    """Name and value beside each other, a line each."""
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{indent}{name:{width}}  {value}".rstrip() for name, value in rows]

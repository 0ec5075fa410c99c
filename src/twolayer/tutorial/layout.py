"""Plain text for a terminal: wrapped in both languages, numbers in columns, small windows of large arrays.

A Chinese character takes two columns; everything here measures text in columns, not in characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from rich.cells import cell_len

from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.trace import ArrayWindow, VariableChange

WINDOW_ROWS, WINDOW_COLUMNS = 4, 5  # of a window of values
WHOLE_SIDE = 8  # rows and columns up to which an array is shown whole
LARGEST_WHOLE = 1e6  # up to which whole numbers are written out
TEXT_CELL = 12  # characters of a text in a table of texts
INDENT = 5

# Chinese wraps anywhere, but a line never starts with one of the first nor ends with one of the second.
_CLOSING = set("，。、；：？！）》」』”’…,.;:?!)")
_OPENING = set("（《「『“‘(")
_PIECES = re.compile(
    r"\s+|[\u2e80-\u9fff\uff00-\uffef\u3000-\u303f]|[^\s\u2e80-\u9fff\uff00-\uffef\u3000-\u303f]+"
)

ROWS_AND_COLUMNS = Bilingual(
    en="rows {r0} to {r1} of {rows}, columns {c0} to {c1} of {columns}",
    zh="第 {r0} 到 {r1} 行（共 {rows} 行），第 {c0} 到 {c1} 列（共 {columns} 列）",
)
ENTRY_WORDS = Bilingual(
    en="entries {c0} to {c1} of {columns}", zh="第 {c0} 到 {c1} 个（共 {columns} 个）"
)

Write = Callable[[str, str], Any]  # (style, one line of text)


class Page:
    """One page of text in one language; every line goes to `write` at once.

    Attributes
    ----------
    lang : str
        "en" or "zh".
    width : int
        Columns of the terminal that are used.
    """

    def __init__(self, lang: str, width: int, write: Write) -> None:
        self.lang, self.width, self._write = lang, width, write
        self._after_empty = True

    def text(self, both: Bilingual, **values: Any) -> str:
        """Return the text in the page's language, with its values."""
        return both.said(self.lang, **values)

    def line(self, text: str = "", style: str = "") -> None:
        """Write one line unchanged; of several empty lines only the first."""
        text = text.rstrip()
        if text or not self._after_empty:
            self._write(style, text)
        self._after_empty = not text

    def title(self, both: Bilingual, **values: Any) -> None:
        """Write the page's first line."""
        text = self.text(both, **values)
        self.line(text, "bold")
        self.line("=" * cell_len(text), "bold")
        self.line()

    def heading(self, both: Bilingual, **values: Any) -> None:
        """Write the heading of a part of the page, between empty lines."""
        text = self.text(both, **values)
        self.line()
        self.line(text, "bold")
        self.line("-" * cell_len(text), "bold")
        self.line()

    def paragraph(self, both: Bilingual, indent: int = 0, **values: Any) -> None:
        """Write a paragraph."""
        self.block(self.text(both, **values), " " * indent)

    def note(self, both: Bilingual, **values: Any) -> None:
        """Write a paragraph with a mark, below a line of code."""
        self.block(self.text(both, **values), " " * INDENT + "* ", " " * (INDENT + 2))

    def item(self, both: Bilingual, **values: Any) -> None:
        """Write a paragraph with a mark, after an empty line."""
        self.line()
        self.block(self.text(both, **values), "  * ", "    ")

    def block(self, text: str, first: str = "", others: str | None = None) -> None:
        """Write wrapped text, its first line after `first`, the others after `others`."""
        others = first if others is None else others
        for number, line in enumerate(wrap_text(text, self.width - cell_len(others))):
            self.line((others if number else first) + line)

    def entry(self, label: Bilingual, text: str) -> None:
        """Write `label  text`, with the text wrapped."""
        head = " " * INDENT + pad_text(self.text(label), 12)
        self.block(text, head, " " * cell_len(head))

    def code(self, source: str, number: int | None = None) -> None:
        """Write source, each line after its number or an indent."""
        for row, line in enumerate(source.splitlines()):
            head = f"{number:>3}  " if number is not None and not row else " " * INDENT
            self.line(head + line, "bold cyan" if line.strip() else "")

    def output(self, text: str) -> None:
        """Write the output of a program unchanged, after a bar; long lines are wrapped."""
        for line in text.splitlines():
            for part in wrap_text(line, self.width - INDENT - 2) or [""]:
                self.line(" " * INDENT + "| " + part)

    def values(self, name: str, array: np.ndarray, indent: int = INDENT) -> None:
        """Write an array, or a window of a large one, below its name and place."""
        array = np.asarray(array)
        table = np.atleast_2d(array)
        rows, columns = window_size(table.shape)
        part = table[:rows, :columns]
        fitting = (self.width - indent) // (column_width(part) + 2)
        part = part[:, : max(1, fitting)]
        self._wrapped_place(f"{name}", array.shape, 0, 0, part.shape, indent)
        for row in table_columns(part):
            self.line(" " * (indent + 2) + row)

    def change(self, change: VariableChange, before: str, after: str) -> None:
        """Write the same window before and after: side by side, or one below the other if an array is whole only so."""
        rows, columns = window_size(np.atleast_2d(change.after).shape)
        fitting = self._columns_side_by_side(change)
        whole = np.atleast_2d(change.after).shape == (rows, columns)
        below = whole and fitting < columns <= self._columns_alone(change)
        window = change.window(rows, columns if below else min(columns, fitting))
        place = (window.first_row, window.first_column, window.after.shape)
        self._wrapped_place("", change.after.shape, *place, INDENT)
        if below:
            texts = table_columns(np.concatenate([window.before, window.after]))
            lines = [before, *texts[:rows], after, *texts[rows:]]
        else:
            lines = windows_side_by_side(window, before, after)
        for line in lines:
            self.line(" " * (INDENT + 2) + line)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], indent: int = 2) -> None:
        """Write cells in columns as wide as needed, numbers to the right; the last column has the remaining width."""
        cells = [list(head), *[list(row) for row in rows]]
        widths = [max(cell_len(row[column]) for row in cells) for column in range(len(head))]
        widths[-1] = min(
            widths[-1], max(10, self.width - indent - sum(widths[:-1]) - 2 * len(head) + 2)
        )
        figures = [
            bool(rows) and all(is_number_cell(row[c]) for row in rows) for c in range(len(head))
        ]
        for number, row in enumerate(cells):
            for last, first in zip_longest(wrap_text(row[-1], widths[-1]), [row[:-1]]):
                parts = [*(first or [""] * (len(row) - 1)), last or ""]
                aligned = map(pad_text, parts, widths, figures)
                self.line(" " * indent + "  ".join(aligned), "" if number else "bold")
            if not number:
                self.line(" " * indent + "  ".join("-" * wide for wide in widths))

    def _wrapped_place(
        self,
        name: str,
        shape: tuple[int, ...],
        row: int,
        column: int,
        part: tuple[int, ...],
        indent: int,
    ) -> None:
        """Write `name (64, 100), rows 0 to 3 of 64, ...`, or only name and shape if the window is the whole array."""
        pieces = [f"{name} {shape}"] if name else []
        if part[-1] * (part[0] if len(shape) > 1 else 1) < np.prod(shape):
            where = ROWS_AND_COLUMNS if len(shape) > 1 else ENTRY_WORDS
            rows = shape[0] if len(shape) > 1 else 1
            pieces.append(
                self.text(
                    where,
                    r0=row,
                    r1=row + part[0] - 1,
                    rows=rows,
                    c0=column,
                    c1=column + part[1] - 1,
                    columns=shape[-1],
                )
            )
        if pieces:
            self.block(("，" if self.lang == "zh" else ", ").join(pieces), " " * indent)

    def _columns_side_by_side(self, change: VariableChange) -> int:
        """Return how many columns of two windows fit side by side."""
        room = (self.width - INDENT - 2 - 5) // 2 + 2
        return max(1, room // (change_width(change) + 2))

    def _columns_alone(self, change: VariableChange) -> int:
        """Return how many columns of one window fit."""
        return (self.width - INDENT) // (change_width(change) + 2)


def window_size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many rows and columns of an array are shown: all of a small one."""
    if max(shape) <= WHOLE_SIDE:
        return shape[0], shape[1]
    return min(shape[0], WINDOW_ROWS), min(shape[1], WINDOW_COLUMNS)


def column_width(part: np.ndarray) -> int:
    """Return the width of the widest column."""
    if part.dtype.kind == "U":
        return min(TEXT_CELL, max(map(cell_len, part.ravel().tolist())))
    return max(map(len, map(entry_format(part), part.ravel())))


def change_width(change: VariableChange) -> int:
    """Return the width of a column of an array before and after."""
    whole = np.concatenate([np.ravel(change.before), np.ravel(change.after)])
    return max(len(text) for text in table_columns(whole[None, :4000])[0].split())


def wrap_text(text: str, width: int) -> list[str]:
    """Return lines of at most `width` columns, broken between words and between Chinese characters."""
    pieces: list[str] = []
    for piece in _PIECES.findall(text):
        sticks = (
            pieces
            and (piece[0] in _CLOSING or pieces[-1][-1] in _OPENING)
            and not pieces[-1].isspace()
        )
        if sticks:
            pieces[-1] += piece
        else:
            pieces.append(piece)
    lines, line = [], ""
    for piece in pieces:
        if line and cell_len((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = "" if piece.isspace() else piece
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def pad_text(text: str, width: int, right: bool = False) -> str:
    """Return the text with spaces up to `width` columns."""
    spaces = " " * (width - cell_len(text))
    return spaces + text if right else text + spaces


def is_number_cell(text: str) -> bool:
    """Return whether a cell is a number or empty."""
    return not text.strip("0123456789.,+-−e× ") or text in ("inf", "nan")


def table_columns(table: np.ndarray) -> list[str]:
    """Return the rows of a table as text, about four digits per number, in columns of one width."""
    if table.dtype.kind == "U":
        texts = [[text[:TEXT_CELL] for text in row] for row in table.tolist()]
        widths = [max(map(cell_len, column)) for column in zip(*texts, strict=True)]
        return ["  ".join(map(pad_text, row, widths)).rstrip() for row in texts]
    texts = [list(map(entry_format(table), row)) for row in table]
    wide = max(len(text) for row in texts for text in row)
    return ["  ".join(f"{text:>{wide}}" for text in row) for row in texts]


def entry_format(table: np.ndarray) -> Callable[[float], str]:
    """Return how the entries of a table are written: all alike, and whole numbers without decimals."""
    largest = largest_magnitude(table)
    if largest < LARGEST_WHOLE and (table == np.round(table)).all():
        return lambda value: f"{int(value)}"
    return lambda value: format_entry(value, largest)


def largest_magnitude(table: np.ndarray) -> float:
    """Return the largest finite |number|, which decides how many decimals are shown."""
    sizes = np.abs(table[np.isfinite(table)]) if np.size(table) else np.zeros(0)
    return float(sizes.max()) if sizes.size else 0.0


def format_entry(value: float, largest: float | None = None) -> str:
    """Return a number beside others up to `largest`, rounded to four decimals or about five digits."""
    largest = abs(value) if largest is None else largest
    if value == 0:
        return "0"
    if largest >= 1e6 or largest < 1e-2:
        return f"{value:.3e}"
    decimals = max(0, min(4, 4 - int(np.floor(np.log10(max(largest, 1))))))
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def format_figure(value: float) -> str:
    """Return a number in a sentence: with up to ten digits if it is large, six if it is small."""
    return f"{value:.10g}" if abs(value) >= 1000 else f"{value:.6g}"


def format_short(value: float) -> str:
    """Return a number in a sentence, with six digits."""
    return f"{value:.6g}"


def windows_side_by_side(window: ArrayWindow, before: str, after: str) -> list[str]:
    """Return two windows side by side below their names, with an arrow between them."""
    rows = table_columns(np.concatenate([window.before, window.after]))
    left, right = rows[: len(window.before)], rows[len(window.before) :]
    wide = max(cell_len(left[0]), cell_len(before))
    middle = (len(left) - 1) // 2
    arrows = ["  →  " if row == middle else " " * 5 for row in range(len(left))]
    body = [pad_text(a, wide) + arrow + b for a, arrow, b in zip(left, arrows, right, strict=True)]
    return [pad_text(before, wide) + " " * 5 + after, *body]

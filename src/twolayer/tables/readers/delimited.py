"""Tables of text: fields separated by commas, semicolons, tabs or what else, with a header line.

The file is taken in blocks of lines. A block that holds nothing but numbers, missing values and columns already known to
hold text goes through `numpy.loadtxt`: of the readers tried on 187 rows of 20,000 numbers it alone stays under three times
the file's size in memory. Any other block goes through the standard library's `csv`, which knows the line of everything.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from typing import Any

import numpy as np

from twolayer.errors import FileError
from twolayer.tables.table import (
    MISSING_WORDS,
    Table,
    check_columns,
    check_unique,
    column_name,
    concatenate_texts,
    is_missing,
    parse_number,
)

DELIMITERS = ",;\t|"
QUOTE_PATTERN: dict[str, Any] = {"skipinitialspace": True, "strict": True}
CHARACTERS_PER_BLOCK = (
    1 << 20
)  # at the least; of a wide table as many as some rows have, up to twice as many
ROW_NAME_COLUMN = "id"  # what a first column without a name is called


@dataclass(frozen=True, eq=False)
class TextBlock:
    """Some rows: their numbers (NaN where there is none), the fields of columns with text, and their lines."""

    numbers: np.ndarray
    texts: dict[str, list[str]]
    lines: np.ndarray


class DelimitedFile:
    """A file of separated fields, open, its header read.

    Parameters
    ----------
    path : str
        What to call it.
    file : iterable of lines, with `readlines`
    text : names
        Columns to keep as text too.
    delimiter : str or None
        None looks at the header.
    must_be_there : bool
        Whether a column of `text` that is not there is an error.
    """

    def __init__(
        self,
        path: str,
        file: Any,
        text: Sequence[str] = (),
        delimiter: str | None = None,
        must_be_there: bool = True,
    ) -> None:
        self.path, self.file = path, file
        head: list[str] = []
        for line in file:
            head.append(line)
            if line.strip():
                break
        self.delimiter = delimiter or likely_delimiter("".join(head[-1:]))
        records = csv.reader(chain(head, file), delimiter=self.delimiter, **QUOTE_PATTERN)
        names = next((record for record in records if any(map(str.strip, record))), [])
        self.line = records.line_num + 1
        wide = 16 * len("".join(head[-1:]))
        self.at_once = max(CHARACTERS_PER_BLOCK, min(wide, 2 * CHARACTERS_PER_BLOCK))
        self.waiting = file.readlines(self.at_once)
        self.names, self.id = parse_header(path, names, self._row_names())
        self.index = {name: j for j, name in enumerate(self.names)}
        if must_be_there:
            check_columns(path, text, self.names, self._row_names() > 0)
        self.tracked = [name for name in dict.fromkeys(text) if name in self.index]

    def __enter__(self) -> DelimitedFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def _row_names(self) -> int:
        """How many fields the first row has, if the first of them is a name; else 0."""
        line = next((line for line in self.waiting if line.strip()), "")
        if (
            not line.lstrip().startswith('"')
            and parse_number(line.split(self.delimiter)[0]) is not None
        ):
            return 0
        try:
            return len(next(csv.reader([line], delimiter=self.delimiter, **QUOTE_PATTERN), []))
        except csv.Error:
            return 0

    def blocks(self) -> Iterator[TextBlock]:
        """The rows, some at a time."""
        while self.waiting:
            lines, self.waiting = self.waiting, []
            block = self._fast(lines) or self._any(lines)
            if len(block.lines):
                yield block
            self.waiting = self.file.readlines(self.at_once)

    def _fast(self, lines: list[str]) -> TextBlock | None:
        """The lines the fast way; None if they need the other."""
        quoted = any('"' in line for line in lines)
        if quoted and any(has_unusual_quotes(line, self.delimiter) for line in lines):
            return None
        if not any(line.strip() for line in lines):
            return None
        block = self._loaded(lines, quoted)
        if block is None:
            mark, empty = self.delimiter, missing_pattern(self.delimiter)
            filled = [empty.sub(f"{mark}nan", mark + line)[1:] for line in lines]
            if filled != lines:
                block = self._loaded(filled, quoted)
        return block

    def _loaded(self, lines: list[str], quoted: bool) -> TextBlock | None:
        texts: dict[str, list[str]] = {name: [] for name in self.tracked}
        keep: dict[int | str, Callable[[str], float]] = {
            self.index[name]: partial(field_cache, fields) for name, fields in texts.items()
        }
        try:
            numbers = np.loadtxt(
                lines,
                delimiter=self.delimiter,
                comments=None,
                converters=keep,
                ndmin=2,
                quotechar='"' if quoted else None,
            )
        except ValueError:
            return None
        if numbers.shape != (len(lines), len(self.names)):
            return None
        for name, fields in texts.items():
            values = {field: parse_number(field) for field in set(fields)}
            numbers[:, self.index[name]] = [values[field] for field in fields]  # None is NaN
        start, self.line = self.line, self.line + len(lines)
        return TextBlock(numbers, texts, np.arange(start, self.line))

    def _any(self, lines: list[str]) -> TextBlock:
        """The lines, and as many more as the last record of them needs, record by record."""
        records = csv.reader(chain(lines, self.file), delimiter=self.delimiter, **QUOTE_PATTERN)
        rows: list[list[str]] = []
        starts: list[int] = []
        start = self.line
        for record in records:
            if len(record) > 1 or "".join(record).strip():  # not a blank line
                self._refuse_ragged(record, start)
                rows.append(record)
                starts.append(start)
            start = self.line + records.line_num
            if records.line_num >= len(lines):
                break
        self.line = start
        return self._block(rows, starts)

    def _refuse_ragged(self, record: list[str], line: int) -> None:
        if len(record) != len(self.names):
            raise FileError(
                f"{self.path}: line {line} has {len(record)} field{'s' * (len(record) != 1)}, but the header names "
                f"{len(self.names)} columns: look there for a comma too many or too few, "
                "or a text with commas that needs quotes"
            )

    def _block(self, rows: list[list[str]], starts: list[int]) -> TextBlock:
        numbers = np.empty((len(rows), len(self.names)))
        texts: dict[str, list[str]] = {}
        for j, (name, fields) in enumerate(zip(self.names, zip(*rows, strict=True), strict=False)):
            numbers[:, j], text = parse_column(fields)
            if text and name not in self.tracked:
                self.tracked.append(name)
            if text or name in self.tracked:
                texts[name] = list(map(str.strip, fields))
        return TextBlock(numbers, texts, np.array(starts, dtype=np.int64))


def likely_delimiter(line: str) -> str:
    """What separates the names of the header: the most frequent mark outside quotes; a comma if there is none."""
    bare = re.sub(r'"[^"]*"', "", line)
    best = max(DELIMITERS, key=bare.count)
    if best not in bare and " " in bare.strip():
        return " "
    return best


def has_unusual_quotes(line: str, delimiter: str) -> bool:
    """Whether a quote stands where only `csv` knows what it means: beside a blank, or inside a field."""
    if line.count('"') % 2:
        return True
    mark = re.escape(delimiter)
    return re.search(rf'[^{mark}\r\n]"[^{mark}\r\n]|[^{mark}"]"[ ]|[ ]"', line) is not None


@cache
def missing_pattern(delimiter: str) -> re.Pattern[str]:
    """A field that stands for no value, and the mark before it: a pattern that begins with a character is found fast."""
    words = "|".join(re.escape(word) for word in sorted(MISSING_WORDS, key=len)[::-1])
    mark = re.escape(delimiter)
    return re.compile(rf"{mark}(?:{words})(?=[\r\n]|{mark}|$)", re.IGNORECASE)


def field_cache(fields: list[str], text: str) -> float:
    """Keep a field of a column of text; what number it is, if any, is asked once for each different one."""
    fields.append(text.strip())
    return np.nan


def parse_column(fields: Sequence[str]) -> tuple[list[float], bool]:
    """The numbers of a column, NaN where there is none, and whether it holds text."""
    try:
        if not any("_" in field for field in fields):
            return list(map(float, fields)), False
    except ValueError:
        pass
    values = [parse_number(field) for field in fields]
    text = any(
        value is None and not is_missing(field) for value, field in zip(values, fields, strict=True)
    )
    return [np.nan if value is None else value for value in values], text


def parse_header(path: str, record: Sequence[str], n_named: int) -> tuple[list[str], str | None]:
    """The columns' names, and which of them names the rows, if the header shows it.

    A first column without a name is how pandas and R write row names, or one name fewer than a row that begins with a name
    has fields.
    """
    names = [column_name(name) for name in record]
    if not names:
        raise FileError(f"{path} is empty: the first line must name the columns")
    short = len(names) == n_named - 1
    if short:
        names = ["", *names]
    unnamed = not names[0] and len(names) > 1
    if unnamed:
        names[0] = next(
            name for name in (ROW_NAME_COLUMN, "row", "row name", "") if name not in names[1:]
        )
    for j, name in enumerate(names):
        if not name:
            raise FileError(
                f"{path}: column {j + 1} has no name in the header: give it one, or leave it out"
            )
    check_unique(path, names, start=1 - short)
    return names, names[0] if unnamed else None


def gather_blocks(opened: Callable[[], DelimitedFile]) -> Table:
    """The whole table. If a column turns out to hold text after blocks in which it did not, the file is read again."""
    values, lines = array("d"), array("q")
    texts: list[dict[str, list[str]]] = []
    with opened() as source:
        for block in source.blocks():
            values.frombytes(np.ascontiguousarray(block.numbers).data.cast("B"))
            lines.frombytes(block.lines.data.cast("B"))
            texts.append(block.texts)
    if not lines:
        raise FileError(f"{source.path} has a header but no rows")
    if set(texts[0]) != set(source.tracked):
        del values, lines, texts, block
        return gather_blocks(partial(reopen_with_text, opened, source.tracked))
    numbers = np.frombuffer(values).reshape(len(lines), len(source.names))
    return Table(
        source.path,
        source.names,
        numbers,
        concatenate_texts(texts),
        np.array(lines),
        source.id,
        delimiter=source.delimiter,
    )


def reopen_with_text(opened: Callable[[], DelimitedFile], text: Iterable[str]) -> DelimitedFile:
    """The file from its beginning, with these columns kept as text."""
    source = opened()
    source.tracked = list(dict.fromkeys([*source.tracked, *text]))
    return source

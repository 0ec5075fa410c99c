"""Tables of text: fields separated by commas, semicolons, tabs or other marks, with a header line.

The file is taken in blocks of lines. A block that holds nothing but numbers, missing values and columns already known to
hold text goes through `numpy.loadtxt`: of the readers tried on 187 rows of 20,000 numbers it alone stays under three times
the file's size in memory. Any other block goes through the standard library's `csv`, which knows the line of every record.
"""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import chain
from typing import Any

import numpy as np

from twolayer.errors import FileError
from twolayer.tables.readers.file_format import FileFormat, ReadOptions
from twolayer.tables.readers.text_files import open_bytes, text_encoding
from twolayer.tables.table import (
    MISSING_WORDS,
    Table,
    check_column_names,
    check_unique,
    column_name,
    concatenate_texts,
    inexact_whole,
    is_missing,
    parse_number,
)
from twolayer.text import plural

DELIMITERS = ",;\t|"
CHARACTERS_PER_BLOCK = 1 << 20  # at least; a block of a wide table has up to twice as many
ROW_NAME_COLUMN = "id"  # the name given to a first column without one


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
        For messages.
    file : stream of text
    options : ReadOptions
    """

    def __init__(self, path: str, file: Any, options: ReadOptions) -> None:
        self.path, self.file = path, file
        head: list[str] = []
        for line in file:
            head.append(line)
            if line.strip():
                break
        header = "".join(head[-1:])
        self.delimiter = options.delimiter or likely_delimiter(header)
        records = self._records(chain(head, file))
        names: list[str] = next((record for record in records if any(map(str.strip, record))), [])
        self.line = records.line_num + 1
        self.block_size = max(CHARACTERS_PER_BLOCK, min(16 * len(header), 2 * CHARACTERS_PER_BLOCK))
        self.pending = file.readlines(self.block_size)
        self.names, self.id = parse_header(path, names, self._named_fields())
        self.index = {name: j for j, name in enumerate(self.names)}
        if options.must_be_there:
            check_column_names(path, options.text or (), self.names, self._named_fields() > 0)
        self.text_columns = options.text_columns(self.names)

    def __enter__(self) -> DelimitedFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def _records(self, lines: Iterable[str]) -> Any:
        return csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True, strict=True)

    def _named_fields(self) -> int:
        """Return how many fields the first row has, if the first of them is a name; else 0."""
        line = next((line for line in self.pending if line.strip()), "")
        quoted = line.lstrip().startswith('"')
        if not quoted and parse_number(line.split(self.delimiter)[0]) is not None:
            return 0
        try:
            return len(next(self._records([line]), []))
        except csv.Error:
            return 0

    def blocks(self) -> Iterator[TextBlock]:
        """Yield the rows, some at a time."""
        while self.pending:
            lines, self.pending = self.pending, []
            block = self._numeric_block(lines) or self._parsed_block(lines)
            if len(block.lines):
                yield block
            self.pending = self.file.readlines(self.block_size)

    def _numeric_block(self, lines: list[str]) -> TextBlock | None:
        """Return the lines by way of NumPy; None if they hold more than numbers and known columns of text."""
        quoted = any('"' in line for line in lines)
        if quoted and any(has_unusual_quotes(line, self.delimiter) for line in lines):
            return None
        if not any(line.strip() for line in lines):
            return None
        block = self._loaded_block(lines, quoted)
        if block is None:
            mark, empty = self.delimiter, missing_pattern(self.delimiter)
            filled = [empty.sub(f"{mark}nan", mark + line)[1:] for line in lines]
            if filled != lines:
                block = self._loaded_block(filled, quoted)
        return block

    def _loaded_block(self, lines: list[str], quoted: bool) -> TextBlock | None:
        """Return what `numpy.loadtxt` reads; None if it cannot."""
        texts: dict[str, list[str]] = {name: [] for name in self.text_columns}
        converters: dict[int | str, Callable[[str], float]] = {
            self.index[name]: partial(add_field, fields) for name, fields in texts.items()
        }
        try:
            numbers = np.loadtxt(
                lines,
                delimiter=self.delimiter,
                comments=None,
                converters=converters,
                ndmin=2,
                quotechar='"' if quoted else None,
            )
        except ValueError:
            return None
        if numbers.shape != (len(lines), len(self.names)):
            return None
        if inexact_whole(numbers).any():
            return None  # whole numbers are kept as text too
        for name, fields in texts.items():
            values = {field: parse_number(field) for field in set(fields)}
            numbers[:, self.index[name]] = [values[field] for field in fields]  # None is NaN
        start, self.line = self.line, self.line + len(lines)
        return TextBlock(numbers, texts, np.arange(start, self.line))

    def _parsed_block(self, lines: list[str]) -> TextBlock:
        """Return the lines, and as many more as the last record of them needs, record by record."""
        records = self._records(chain(lines, self.file))
        rows: list[list[str]] = []
        starts: list[int] = []
        start = self.line
        for record in records:
            if len(record) > 1 or "".join(record).strip():  # not a blank line
                self._check_width(record, start)
                rows.append(record)
                starts.append(start)
            start = self.line + records.line_num
            if records.line_num >= len(lines):
                break
        self.line = start
        numbers = np.empty((len(rows), len(self.names)))
        texts: dict[str, list[str]] = {}
        for j, (name, fields) in enumerate(zip(self.names, zip(*rows, strict=True), strict=False)):
            numbers[:, j], text = parse_column(fields)
            if text and name not in self.text_columns:
                self.text_columns.append(name)
            if name in self.text_columns:
                texts[name] = list(map(str.strip, fields))
        return TextBlock(numbers, texts, np.array(starts, dtype=np.int64))

    def _check_width(self, record: list[str], line: int) -> None:
        """Raise FileError if a row has more or fewer fields than the header."""
        if len(record) != len(self.names):
            raise FileError(
                f"{self.path}: line {line} has {plural(len(record), 'field')}, but the header names "
                f"{len(self.names)} columns: look there for a comma too many or too few, "
                "or a text with commas that needs quotes"
            )


def likely_delimiter(line: str) -> str:
    """Return what separates the names of a header: the most frequent mark outside quotes; a comma if there is none."""
    bare = re.sub(r'"[^"]*"', "", line)
    best = max(DELIMITERS, key=bare.count)
    if best not in bare and " " in bare.strip():
        return " "
    return best


def has_unusual_quotes(line: str, delimiter: str) -> bool:
    """Return whether a quote stands where only `csv` knows what it means: beside a blank, or inside a field."""
    if line.count('"') % 2:
        return True
    mark = re.escape(delimiter)
    return re.search(rf'[^{mark}\r\n]"[^{mark}\r\n]|[^{mark}"]"[ ]|[ ]"', line) is not None


@cache
def missing_pattern(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of a field without a value and the mark before it, as patterns that begin with a mark are fast."""
    words = "|".join(re.escape(word) for word in sorted(MISSING_WORDS, key=len)[::-1])
    mark = re.escape(delimiter)
    return re.compile(rf"{mark}(?:{words})(?=[\r\n]|{mark}|$)", re.IGNORECASE)


def add_field(fields: list[str], text: str) -> float:
    """Add a field to a column of text; its number is parsed later, once for equal fields."""
    fields.append(text.strip())
    return np.nan


def parse_column(fields: Sequence[str]) -> tuple[list[float], bool]:
    """Return the numbers of a column, NaN where there is none, and whether it holds text."""
    try:
        if not any("_" in field for field in fields):
            numbers = list(map(float, fields))
            return numbers, has_large_whole(numbers, fields)
    except ValueError:
        pass
    values = [parse_number(field) for field in fields]
    text = any(
        value is None and not is_missing(field) for value, field in zip(values, fields, strict=True)
    )
    numbers = [np.nan if value is None else value for value in values]
    return numbers, text or has_large_whole(numbers, fields)


def has_large_whole(numbers: Sequence[float], fields: Sequence[str]) -> bool:
    """Return whether some fields are whole numbers that a float cannot tell from their neighbours."""
    large = np.flatnonzero(inexact_whole(np.array(numbers))).tolist()
    return any(fields[row].strip().lstrip("+-").isdigit() for row in large)


def parse_header(path: str, record: Sequence[str], n_named: int) -> tuple[list[str], str | None]:
    """Return the names of the columns, and which of them names the rows, if the header shows it.

    pandas and R write row names as a first column without a name, or with one name fewer than the fields of a row that
    begins with a name (`n_named` fields).
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


def read_delimited(path: str, source: Any, options: ReadOptions) -> Table:
    """Return the whole table. If a column holds text after blocks in which it held none, the file is read again."""
    source = source if isinstance(source, str | bytes) else source.read()
    values, lines = array("d"), array("q")
    texts: list[dict[str, list[str]]] = []
    with open_delimited(path, source, options) as file:
        for block in file.blocks():
            values.frombytes(np.ascontiguousarray(block.numbers).data.cast("B"))
            lines.frombytes(block.lines.data.cast("B"))
            texts.append(block.texts)
    if not lines:
        raise FileError(f"{path} has a header but no rows")
    if set(texts[0]) != set(file.text_columns):
        del values, lines, texts, block
        return read_delimited(path, source, replace(options, text=tuple(file.text_columns)))
    numbers = np.frombuffer(values).reshape(len(lines), len(file.names))
    return block_table(file, TextBlock(numbers, concatenate_texts(texts), np.array(lines)))


def delimited_blocks(path: str, source: Any, options: ReadOptions) -> Iterator[Table]:
    """Yield the table some rows at a time."""
    empty = True
    with open_delimited(path, source, options) as file:
        for block in file.blocks():
            empty = False
            yield block_table(file, block)
    if empty:
        raise FileError(f"{path} has a header but no rows")


def open_delimited(path: str, source: Any, options: ReadOptions) -> DelimitedFile:
    """Return a file, open; closed again if its header cannot be read."""
    file = open_bytes(source)
    try:
        lines = io.TextIOWrapper(file, encoding=text_encoding(file), newline="")
        return DelimitedFile(path, lines, options)
    except BaseException:
        file.close()
        raise


def block_table(file: DelimitedFile, block: TextBlock) -> Table:
    """Return the table of a block of a file's rows."""
    return Table(
        file.path,
        file.names,
        block.numbers,
        block.texts,
        block.lines,
        file.id,
        delimiter=file.delimiter,
    )


DELIMITED = FileFormat((), read_delimited, delimited_blocks)

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
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import chain, islice
from typing import Any

import numpy as np

from twolayer.errors import FileError
from twolayer.tables.readers.file_format import FileFormat, ReadOptions
from twolayer.tables.readers.foreign import check_is_table
from twolayer.tables.readers.header import (
    PREVIEW_ROWS,
    REMARK_MARK,
    likely_delimiter,
    read_header,
    read_opening,
    single_blanks,
)
from twolayer.tables.readers.read_errors import undecodable_position
from twolayer.tables.readers.text_files import (
    NOT_FOUND,
    Lines,
    open_bytes,
    start_of,
    text_encoding,
)
from twolayer.tables.table import (
    MISSING_WORDS,
    Table,
    check_column_names,
    concatenate_texts,
    inexact_whole,
    is_missing,
    numbered_names,
    parse_number,
)
from twolayer.text import plural

CHARACTERS_PREVIEWED = 1 << 20  # a row or a few of a wide table
CHARACTERS_PER_BLOCK = 1 << 20  # at least; a block of a wide table has up to twice as many


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
        self.path, self.file, self.layout = path, Lines(path, file), options.layout
        mark = self.layout.comment
        if mark is not None:
            self.file.clean = lambda line: "\n" if line.startswith(mark) else line
        first = self._opening_lines()
        opening = read_opening(first, self.layout, options.delimiter)
        self.notes = opening.notes
        rest = [line for line in first[opening.n_before + 1 :] if line.strip()][:10]
        self.delimiter = (
            options.delimiter or opening.delimiter or likely_delimiter(opening.header, rest)
        )
        lines = [opening.header, *first[opening.n_before + 1 :]] if opening.header else []
        if self.delimiter == " ":
            before = self.file.clean or str
            self.file.clean = lambda line: single_blanks(before(line))
            lines = [single_blanks(line) for line in lines]
        self.block_size = max(
            CHARACTERS_PER_BLOCK, min(16 * len(opening.header), 2 * CHARACTERS_PER_BLOCK)
        )
        self.line = opening.n_before + 1
        self._read_header(lines, options)
        self.index = {name: j for j, name in enumerate(self.names)}
        if options.must_be_there:
            check_column_names(path, options.text or (), self.names, self.header.named_rows)
        self.text_columns = options.text_columns(self.names)
        self.empty_rows: list[tuple[list[str], int]] = []

    def _opening_lines(self) -> list[str]:
        """Return the first lines: those before the header, the header, and some rows."""
        first = list(islice(self.file, self.layout.skip_lines))
        for line in self.file:
            first.append(line)
            if line.strip() and not line.startswith(REMARK_MARK):
                break
        for _ in range(PREVIEW_ROWS):
            first += self.file.readlines(1)
            if sum(map(len, first[-PREVIEW_ROWS:])) > CHARACTERS_PREVIEWED:
                break
        return first

    def _read_header(self, lines: list[str], options: ReadOptions) -> None:
        """Take the names of the columns from the first line, and leave the others to be read."""
        records = self._records(chain(lines, self.file))
        record: list[str] = next(records, [])
        width = len(record)
        if options.layout.has_header:
            used = records.line_num
            self.line += used
        else:
            record, used = numbered_names(width), 0
        self.file.push(lines[used:])
        rows = self._first_rows(lines[used:])
        self.header = read_header(self.path, record, rows, options.layout)
        self.names, self.id = self.header.names, self.header.id
        self.pending = self.file.readlines(self.block_size)

    def _first_rows(self, lines: list[str]) -> list[list[str]]:
        """Return the fields of the first rows."""
        rows: list[list[str]] = []
        with suppress(csv.Error):  # a text that goes on after the lines looked at
            rows.extend(record for record in self._records(lines) if any(map(str.strip, record)))
        return rows

    def __enter__(self) -> DelimitedFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def _records(self, lines: Iterable[str]) -> Any:
        return csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True, strict=True)

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
        blanks = f" \r\n{self.delimiter}"
        if self.empty_rows or not all(line.strip(blanks) for line in lines):
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
        n_empty = numbers.shape[-1] - len(self.names)
        if numbers.shape[0] != len(lines) or n_empty not in (0, self.header.n_empty):
            return None
        if n_empty:
            if not np.isnan(numbers[:, -n_empty:]).all():
                return None
            numbers = np.ascontiguousarray(numbers[:, :-n_empty])
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
            record = self._checked_row(record, start)
            if record and not any(map(str.strip, record)):
                self.empty_rows.append((record, start))  # left out at the end of the file
            elif record:
                for row, line in [*self.empty_rows, (record, start)]:
                    rows.append(row)
                    starts.append(line)
                self.empty_rows.clear()
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

    def _checked_row(self, record: list[str], line: int) -> list[str]:
        """Return the fields of a row, none for a blank line; raise FileError if there are more or fewer than columns."""
        count = len(self.names)
        if len(record) == count:
            return record if count > 1 or record[0].strip() else []
        if len(record) < 2 and not "".join(record).strip():
            return []
        if len(record) == count + self.header.n_empty and not any(map(str.strip, record[count:])):
            return record[:count]
        if not any(map(str.strip, record)):
            return [""] * count
        raise FileError(
            f"{self.path}: line {line} has {plural(len(record), 'field')}, but the header names {count} columns: "
            f"{self._width_advice(record)}"
        )

    def _width_advice(self, record: list[str]) -> str:
        """Return what to do about a row of another length."""
        mark = re.match(r"[#%!*]+|//|--", record[0])
        if mark:
            return f"if such lines are remarks, read past them with --comment '{mark[0]}'"
        advice = (
            "look there for a comma too many or too few, or a text with commas that needs quotes"
        )
        if len(record) > len(self.names):
            advice += "; if lines before the header are remarks, read past them with --skip-lines N or --comment MARK"
        return advice


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
    file = open_bytes(source, path)
    try:
        start = start_of(source, file)
        check_is_table(path, start, options)
        encoding = options.layout.encoding or text_encoding(start)
        if encoding == NOT_FOUND:
            raise FileError(
                f"{path}{undecodable_position(path)} is not text in UTF-8: save it as CSV in UTF-8, or name its encoding "
                "with --encoding (such as cp1252, cp1251, shift_jis, gb18030)"
            )
        lines = io.TextIOWrapper(file, encoding=encoding, newline="")
        opened = DelimitedFile(path, lines, options)
        if not options.layout.encoding and not encoding.startswith("utf"):
            opened.notes.append(
                f"{path} is not in UTF-8: read as {encoding}; --encoding names another"
            )
        return opened
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
        note="\n".join(file.notes),
        delimiter=file.delimiter,
    )


DELIMITED = FileFormat((), read_delimited, delimited_blocks, is_text=True)

"""The opening of a text file: remarks before the header, what separates the fields, and the names of the columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from twolayer.errors import FileError
from twolayer.tables.readers.file_format import TextLayout
from twolayer.tables.table import check_unique, column_name, parse_number, renamed_duplicates
from twolayer.text import plural

DELIMITERS = ",;\t|"
ROW_NAME_COLUMN = "id"  # the name given to a first column without one
REMARK_MARK = "#"
SEPARATOR_LINE = re.compile(
    r'"?sep=(.)"?\s*', re.IGNORECASE
)  # spreadsheets' own, before the header
PREVIEW_ROWS = 100


@dataclass(eq=False)
class Opening:
    """The lines of a file up to its header.

    Attributes
    ----------
    header : str
    n_before : int
        Lines before it.
    delimiter : str or None
        As a line `sep=;` says.
    notes : list of str
    """

    header: str = ""
    n_before: int = 0
    delimiter: str | None = None
    notes: list[str] = field(default_factory=list)


def read_opening(lines: Sequence[str], layout: TextLayout, delimiter: str | None) -> Opening:
    """Return the opening of a file whose first lines these are (a header, and some rows, among them).

    Lines that begin with # before the header are remarks, unless the last of them has a name for each field of the line
    after it, which holds numbers: then it is the header.
    """
    opening = Opening()
    remarks: list[str] = []
    for k, line in enumerate(lines):
        separator = SEPARATOR_LINE.fullmatch(line)
        if k < layout.skip_lines or not line.strip(f' "\r\n{DELIMITERS}'):
            continue
        if separator and opening.delimiter is None:
            opening.delimiter = separator[1]
        elif line.startswith(REMARK_MARK) and layout.comment is None:
            remarks.append(line)
            header, opening.n_before = line, k
        else:
            if not remarks or not names_fields(remarks[-1], line, opening.delimiter or delimiter):
                header, opening.n_before = line, k
            else:
                remarks.pop()
            opening.header = header
            break
    else:
        opening.header = remarks.pop() if remarks else ""
    if remarks:
        opening.notes.append(f"{plural(len(remarks), 'line')} of remarks (#) before the header")
    return opening


def names_fields(remark: str, line: str, delimiter: str | None) -> bool:
    """Return whether a line that begins with # is the header of the line after it."""
    mark = delimiter or likely_delimiter(remark, [line])
    names, values = split_fields(remark, mark), split_fields(line, mark)
    return len(names) == len(values) > 1 and any(parse_number(v) is not None for v in values)


def split_fields(line: str, delimiter: str) -> list[str]:
    """Return the fields of one line; none if it is not a whole record."""
    line = single_blanks(line) if delimiter == " " else line
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True), [])
    except csv.Error:
        return []


def single_blanks(line: str) -> str:
    """Return a line with one blank between its fields, and none around them."""
    end = line[len(line.rstrip("\r\n")) :]
    parts = line.split('"')
    parts[::2] = [re.sub(r"[ \t]+", " ", part) for part in parts[::2]]
    return '"'.join(parts).strip() + end


def likely_delimiter(header: str, rows: Sequence[str] = ()) -> str:
    """Return what separates the fields: of the marks in the header the one that gives the rows as many fields.

    Rows may have a field more, for their names. If no mark does, it is the most frequent one in the header.
    """
    bare = re.sub(r'"[^"]*"', "Q", header)
    marks = sorted((mark for mark in DELIMITERS if mark in bare), key=bare.count, reverse=True)
    blank = " " in bare.strip()
    for mark in [*marks, *([" "] if blank else [])]:
        count = len(split_fields(header, mark))
        if rows and all(len(split_fields(row, mark)) - count in (0, 1) for row in rows):
            return mark
    if marks:
        return marks[0]
    return " " if blank and (not rows or " " in rows[0].strip()) else ","


@dataclass(frozen=True)
class Header:
    """The columns of a text file.

    Attributes
    ----------
    names : list of str
    id : str or None
        The column that names the rows.
    n_empty : int
        Fields without a name or a value at the end of the lines.
    named_rows : bool
        Whether the first column holds names.
    """

    names: list[str]
    id: str | None
    n_empty: int
    named_rows: bool


def read_header(
    path: str, record: Sequence[str], rows: Sequence[Sequence[str]], layout: TextLayout
) -> Header:
    """Return the columns that a header, and the first rows after it, show."""
    record = list(record)
    n_fields = len(record)
    while len(record) > 1 and not record[-1].strip():
        record.pop()
    n_empty = n_fields - len(record)
    if n_empty and all(not any(map(str.strip, row[-n_empty:])) for row in rows):
        rows, n_fields = [row[:-n_empty] for row in rows], len(record)
    surplus = n_fields - len(record)  # fields under no name, some of them with a value
    if rows and all(len(row) == n_fields + 1 and not row[-1].strip() for row in rows):
        n_empty += 1  # a comma at the end of each line but the header
        named = 0
    else:
        named = count_named_fields(rows, n_fields)
    if named - surplus == len(record) + 1 and looks_like_header(rows):
        raise FileError(
            f"{path}: the first line has {plural(len(record), 'name')}, and the lines after it have {named} fields: if "
            "lines before the header are remarks, read past them with --skip-lines N or --comment MARK"
        )
    names, ids = parse_header(path, record, named - surplus, layout.rename_duplicates)
    if n_empty:
        check_unnamed_fields(path, len(names), rows)
    return Header(names, ids, n_empty, named > 0)


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row holds no number, and every other row begins with one."""
    first, *rest = rows
    if any(parse_number(word) is not None for word in first) or not rest:
        return False
    return all(row and parse_number(row[0]) is not None for row in rest)


def check_unnamed_fields(path: str, count: int, rows: Sequence[Sequence[str]]) -> None:
    """Raise FileError if a row has a value in a column without a name."""
    for row in rows:
        for j, word in enumerate(row[count:], start=count + 1):
            if word.strip():
                raise FileError(
                    f"{path}: column {j} has no name in the header: give it one, or leave it out"
                )


def count_named_fields(rows: Sequence[Sequence[str]], n_names: int) -> int:
    """Return how many fields the first row has, if the first of them is a name; else 0.

    Numbers are names where the header is one name short, and they count the rows, as R's do.
    """
    if not rows:
        return 0
    if parse_number(rows[0][0]) is None:
        return len(rows[0])
    if not all(len(row) == n_names + 1 for row in rows):
        return 0
    numbers = [int(row[0]) if row[0].strip().isdecimal() else -1 for row in rows]
    counting = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return n_names + 1 if numbers[0] >= 0 and counting else 0


def parse_header(
    path: str, record: Sequence[str], n_named: int, rename: bool = False
) -> tuple[list[str], str | None]:
    """Return the names of the columns, and which of them names the rows, if the header shows it.

    pandas and R write row names as a first column without a name, or with one name fewer than the fields of a row that
    begins with a name (`n_named` fields). `rename`: equal names are numbered.
    """
    names = [column_name(name) for name in record]
    if not any(names):
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
    if rename:
        names = renamed_duplicates(names)
    check_unique(path, names, start=1 - short)
    return names, names[0] if unnamed else None

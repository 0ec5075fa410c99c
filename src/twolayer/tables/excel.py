"""Excel's .xlsx: a zip of XML files, read with the standard library alone, so that nothing has to be installed for it.

    xl/workbook.xml             the sheets by name, each with the id of a relation
    xl/_rels/workbook.xml.rels  the file of each relation
    xl/sharedStrings.xml        the texts, which cells point to by number
    xl/styles.xml               the formats, which alone tell a date from a number
    xl/worksheets/sheet1.xml    the cells: <c r="B3" s="4" t="s"><v>17</v></c>

(ECMA-376, Office Open XML, part 1, chapter 18.) Only cells that are there take memory, wherever they claim to stand. What
they hold is then judged as the fields of separated text are.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from posixpath import join, normpath
from typing import Any
from xml.parsers import expat

import numpy as np

from twolayer import checks
from twolayer.errors import FileError, InputError
from twolayer.tables.delimited import header, parsed
from twolayer.tables.table import Table, as_text, listed, number

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # how .xlsx and the older .xls begin
WORKBOOK = "xl/workbook.xml"
MOST_COLUMNS = 1 << 14  # of a sheet
COLUMN = re.compile("[A-Z]{1,3}")
DIGITS = "0123456789"
MOST_PACKED = 200  # times: tables are packed to a tenth or a fiftieth
LARGE = 1 << 28  # bytes that may be packed as they will
STREWN = 50  # fields for each cell that holds something
DATES = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)}  # formats that have no code
BESIDE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')  # what in a format's code is no date's letter
ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)

Cells = dict[int, str]  # column, counted from 0 -> what stands there


def read(path: str, source: Any, sheet: str | None = None) -> Table:
    """A sheet: the one of this name or number (counted from 1), or the first.

    Parameters
    ----------
    path : str
        What to call the file.
    source : path or file of bytes
    sheet : str or None

    Raises
    ------
    FileError
        If the file is no .xlsx, or the sheet is not a table with a header.
    InputError
        If there is no such sheet.
    """
    refuse_other_files(path, source)
    with closing(zipfile.ZipFile(source)) as book:
        if WORKBOOK not in book.namelist():
            raise FileError(f"{path} is not an .xlsx file: save it as .xlsx, or as CSV in UTF-8")
        refuse_bombs(path, book)
        sheets, from_1904 = sheets_of(book)
        name = chosen(path, list(sheets), sheet)
        others = [one for one in sheets if one != name]
        reader = Reader(path, texts_of(book), date_formats(book), from_1904)
        rows = reader.rows(book, sheets[name])
    choice = f"--sheet chooses another: {listed(others)}" if others else ""
    if not rows:
        raise FileError(f"{path}: sheet '{name}' is empty{choice and f'; {choice}'}")
    note = f"sheet '{name}' was read, the first of {len(sheets)}; {choice}"
    return table(path, rows, note if others and sheet is None else "")


def refuse_other_files(path: str, source: Any) -> None:
    """Raise if it does not begin as an .xlsx does."""
    if isinstance(source, str):
        with open(source, "rb") as file:
            start = file.read(4)
    else:
        start = source.read(4)
        source.seek(0)
    if not start:
        raise FileError(f"{path} is empty")
    if start == OLE:
        raise FileError(
            f"{path} is an Excel file of the older kind, .xls, or has a password: save it as .xlsx without a password, or "
            "as CSV in UTF-8"
        )
    if start != ZIP:
        raise FileError(
            f"{path} is not an Excel file, though its name says so: if it is text, end its name in .csv or .tsv"
        )


def refuse_bombs(path: str, book: zipfile.ZipFile) -> None:
    """Raise if a part would unpack to far more than any table does."""
    for part in book.infolist():
        if part.file_size > max(LARGE, MOST_PACKED * part.compress_size):
            raise FileError(
                f"{path} cannot be read as an Excel file: its part {part.filename} claims {part.file_size:,} bytes, packed "
                f"into {part.compress_size:,}"
            )


def chosen(path: str, sheets: list[str], sheet: str | None) -> str:
    """The name of the sheet asked for."""
    if not sheets:
        raise FileError(f"{path} has no sheets")
    if sheet is None:
        return sheets[0]
    if sheet in sheets:
        return sheet
    if sheet.isdigit() and 1 <= int(sheet) <= len(sheets):
        return sheets[int(sheet) - 1]
    hint = checks.nearest(sheet, sheets) or f": the sheets are {listed(sheets)}"
    raise InputError(f"{path} has no sheet '{sheet}'{hint}")


# ---- the parts of the file


class Local(dict[str, str]):
    """The names of elements without their prefixes."""

    def __missing__(self, name: str) -> str:
        self[name] = name.rpartition(":")[2]
        return self[name]


def parse(book: zipfile.ZipFile, part: str, begin: Any, end: Any, text: Any) -> None:
    """Hand a part's elements to `begin(name, attributes)`, `text(characters)` and `end(name)`."""

    def refused(*declared: Any) -> None:
        raise ValueError("it declares a document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refused  # entities that unfold without end begin there
    with book.open(part) as file:
        parser.ParseFile(file)


def walk(
    book: zipfile.ZipFile,
    part: str,
    begin: Callable[[str, dict[str, str]], Any],
    end: Callable[[str, str], Any] | None = None,
) -> None:
    """Call `begin(name, attributes)` and `end(name, text)` for each element, its name without a prefix."""
    local, text = Local(), list[str]()

    def opened(name: str, attributes: dict[str, str]) -> None:
        text.clear()
        begin(local[name], attributes)

    def closed(name: str) -> None:
        if end is not None:
            end(local[name], "".join(text))
        text.clear()

    parse(book, part, opened, closed, text.append)


def sheets_of(book: zipfile.ZipFile) -> tuple[dict[str, str], bool]:
    """The file of each sheet by the sheet's name, and whether days are counted from 1904."""
    files: dict[str, str] = {}
    sheets: dict[str, str] = {}
    from_1904 = False

    def relation(name: str, given: dict[str, str]) -> None:
        if name == "Relationship" and given.get("Type", "").endswith("/worksheet"):
            target = given["Target"]
            files[given["Id"]] = normpath(join("/xl", target)).lstrip("/")

    def element(name: str, given: dict[str, str]) -> None:
        nonlocal from_1904
        if name == "workbookPr":
            from_1904 = given.get("date1904", "0") in ("1", "true")
        elif name == "sheet":
            key = next(value for known, value in given.items() if known.endswith(":id"))
            if key in files:  # a sheet of cells, not of a picture
                sheets[given["name"]] = files[key]

    walk(book, "xl/_rels/workbook.xml.rels", relation)
    walk(book, WORKBOOK, element)
    return sheets, from_1904


def texts_of(book: zipfile.ZipFile) -> list[str]:
    """The shared texts; one with parts in bold and the like is put together, without how it is pronounced."""
    part, texts = "xl/sharedStrings.xml", list[str]()
    spoken = False

    def begin(name: str, given: dict[str, str]) -> None:
        nonlocal spoken
        if name == "si":
            texts.append("")
        spoken = spoken or name == "rPh"

    def end(name: str, text: str) -> None:
        nonlocal spoken
        if name == "t" and not spoken:
            texts[-1] += text
        spoken = spoken and name != "rPh"

    if part in book.namelist():
        walk(book, part, begin, end)
    return texts


def date_formats(book: zipfile.ZipFile) -> set[str]:
    """The numbers of the styles in which a number is shown as a date."""
    part, styles = "xl/styles.xml", set[str]()
    codes: dict[int, str] = {}
    count, inside = 0, False

    def begin(name: str, given: dict[str, str]) -> None:
        nonlocal count, inside
        if name == "numFmt":
            codes[int(given["numFmtId"])] = given.get("formatCode", "")
        elif name == "cellXfs":
            inside = True
        elif name == "xf" and inside:
            if shows_a_date(int(given.get("numFmtId", 0)), codes):
                styles.add(str(count))
            count += 1

    def end(name: str, text: str) -> None:
        nonlocal inside
        inside = inside and name != "cellXfs"

    if part in book.namelist():
        walk(book, part, begin, end)
    return styles


def shows_a_date(code: int, codes: dict[int, str]) -> bool:
    """Whether a format shows a number as a date or a time of day; hours that have passed are a number."""
    if code not in codes:
        return code in DATES
    text = codes[code].split(";")[0]
    return not ELAPSED.search(text) and re.search("[ymdhs]", BESIDE.sub("", text), re.I) is not None


# ---- cells


class Reader:
    """What the cells of a sheet hold, as text."""

    def __init__(self, path: str, texts: list[str], dates: set[str], from_1904: bool) -> None:
        self.path, self.texts, self.dates = path, texts, dates
        # the first two months of 1900 aside, which have a day too few: 1900 is taken for a leap year
        self.day_0 = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)

    def rows(self, book: zipfile.ZipFile, part: str) -> list[tuple[int, Cells]]:
        """The rows in which anything stands: each one's number in the sheet, counted from 1, and its cells."""
        rows: list[tuple[int, Cells]] = []
        cells: Cells = {}
        text: list[str] = []
        local, columns = Local(), Columns()
        row = column = 0
        kind, style, formula = "n", "0", False

        def begin(name: str, given: dict[str, str]) -> None:
            nonlocal cells, row, column, kind, style, formula
            name = local[name]
            if name == "c":
                if "r" in given:
                    column = columns[given["r"].rstrip(DIGITS)]
                kind, style, formula = given.get("t", "n"), given.get("s", "0"), False
                text.clear()
            elif name == "row":
                row, column, cells = int(given.get("r", row + 1)), 0, {}
                rows.append((row, cells))
            elif name == "f":
                formula = True

        def end(name: str) -> None:
            nonlocal column
            name = local[name]
            if name == "c":
                if value := self.said(kind, style, "".join(text).strip()):
                    cells[column] = value
                elif formula and kind != "str":  # a text may be empty
                    self.refuse_formula(row, column)
                column += 1
            elif name in ("f", "rPh"):  # what is calculated, and how it is pronounced
                text.clear()

        parse(book, part, begin, end, text.append)
        return [(number, cells) for number, cells in rows if cells]

    def refuse_formula(self, row: int, column: int) -> None:
        """Raise about a formula that nobody has calculated."""
        raise FileError(
            f"{self.path}: cell {letters(column)}{row} holds a formula without its value: open the file in a spreadsheet "
            "program and save it"
        )

    def said(self, kind: str, style: str, value: str) -> str:
        """What a cell shows, in full."""
        if not value:
            return ""
        if kind == "s":
            return self.texts[int(value)].strip()
        if kind == "b":
            return "true" if value == "1" else "false"
        if kind != "n":
            return value
        if style in self.dates:
            return self.date(float(value))
        # 0.1 stands there as 0.10000000000000001
        return as_text(float(value)) if len(value) > 15 and number(value) is not None else value

    def date(self, days: float) -> str:
        """A date, or a time of day, or both."""
        moment = self.day_0 + timedelta(seconds=round(days * 86400))
        if 0 <= days < 1:
            return f"{moment:%H:%M:%S}"
        return f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00")


class Columns(dict[str, int]):
    """Columns by their letters, counted from 0; each is worked out once."""

    def __missing__(self, name: str) -> int:
        if not COLUMN.fullmatch(name):
            raise ValueError(f"there is no column '{name[:20]}'")
        column = 0
        for letter in name:
            column = 26 * column + ord(letter) - ord("A") + 1
        if column > MOST_COLUMNS:
            raise ValueError(f"there is no column '{name}'")
        self[name] = column - 1
        return column - 1


def letters(column: int) -> str:
    """The name of a column, counted from 0."""
    name = ""
    while column >= 0:
        column, letter = divmod(column, 26)
        name, column = chr(ord("A") + letter) + name, column - 1
    return name


# ---- the table


def table(path: str, rows: list[tuple[int, Cells]], note: str) -> Table:
    """The first row as the header, the others as the table's rows, in the columns where anything stands."""
    columns = sorted(set[int]().union(*(cells for _, cells in rows)))
    (_, head), *rest = rows
    record = [head.get(column, "") for column in columns]
    if len(head) == 1 and len(columns) > 2:
        raise FileError(
            f"{path}: the first row of the sheet holds {checks.shown(*head.values())} only, and it must name the columns: "
            "leave out what stands above their names"
        )
    first = rest[0][1] if rest else {}
    named = columns[0] in first and number(first[columns[0]]) is None
    if named and all(record[:-1]) and not record[-1]:  # R leaves the name of the row names out
        record.pop()
    names, ids = header(path, record, len(columns) if named else 0)
    if not rest:
        raise FileError(f"{path} has a header but no rows")
    if len(rest) * len(columns) > max(LARGE // 8, STREWN * sum(len(cells) for _, cells in rest)):
        raise FileError(
            f"{path}: the sheet's cells are strewn over {len(rest)} rows and {len(columns)} columns, most of them empty: "
            "leave the far ones out"
        )
    numbers = np.empty((len(rest), len(columns)))
    texts: dict[str, list[str]] = {}
    for j, (name, fields) in enumerate(zip(names, fields_of(rest, columns), strict=True)):
        numbers[:, j], text = parsed(fields)
        if text:
            texts[name] = fields
    lines = np.array([line for line, _ in rest], dtype=np.int64)
    return Table(path, names, numbers, texts, lines, ids, note=note)


def fields_of(rows: list[tuple[int, Cells]], columns: list[int]) -> Iterator[list[str]]:
    """Each column's fields, one for each row."""
    for column in columns:
        yield [cells.get(column, "") for _, cells in rows]

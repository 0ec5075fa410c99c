"""Excel's .xlsx: the cells of a sheet, read by openpyxl, as a table.

Only cells that are there take memory, whatever their row and column. Their content becomes text, and is then read as the
fields of separated text are.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import FileError, InputError
from twolayer.tables.readers.delimited import parse_column
from twolayer.tables.readers.file_format import FileFormat, ReadOptions
from twolayer.tables.readers.header import parse_header
from twolayer.tables.readers.read_errors import parsing_errors
from twolayer.tables.readers.text_files import MAX_COMPRESSION
from twolayer.tables.table import Table, number_text, numbered_names, parse_number
from twolayer.text import first_names

ZIP_START, OLE_START = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # how .xlsx and the older .xls begin
CSV_ADVICE = "; if a spreadsheet program opens it, save it there as CSV in UTF-8"
MAX_SHEET_ROWS = 1 << 20
LARGE_PART = 1 << 28  # bytes of a part read in blocks that may be compressed to any size
LARGE_WHOLE_PART = 1 << 25  # the same of a part that is read at once
SPARSE_CELLS = 50  # most fields of a table per cell that holds something,
FEW_CELLS = 1 << 25  # unless there are no more fields than this
DATE_TYPES = {*range(27, 37), *range(50, 59)}  # date formats of East Asia, known by number only
FORMULA = re.compile(rb"<(\w+:)?f[\s/>]")

Cells = dict[int, str]  # column, counted from 0 -> content
Rows = list[tuple[int, Cells]]  # row of the sheet, counted from 1, and its cells


def read_excel(path: str, source: Any, options: ReadOptions) -> Table:
    """Return a sheet: the one of the name or number (counted from 1) in the options, or the first.

    Parameters
    ----------
    path : str
        For messages.
    source : path or stream of bytes
    options : ReadOptions

    Raises
    ------
    FileError
        If the file is no .xlsx, or the sheet is not a table with a header, or openpyxl is not installed.
    InputError
        If there is no such sheet.
    """
    with (
        open(source, "rb") if isinstance(source, str) else nullcontext(source) as file,
        parsing_errors(path, "an Excel file", CSV_ADVICE),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # openpyxl's are about what no table needs
        check_workbook_start(path, file)
        check_unpacked_size(path, zipfile.ZipFile(file))
        sheets = workbook_sheets(path, file)
        name = sheet_name(path, list(sheets), options.sheet)
        rows, empty = sheet_rows(path, sheets[name])
        if empty and has_formulas(zipfile.ZipFile(file)):
            check_formulas(path, sheets[name], workbook_sheets(path, file, formulas=True)[name])
    others = [other for other in sheets if other != name]
    choice = f"--sheet chooses another: {first_names(others)}" if others else ""
    if not rows:
        raise FileError(f"{path}: sheet '{name}' is empty{choice and f'; {choice}'}")
    note = f"sheet '{name}' was read, the first of {len(sheets)}; {choice}"
    return sheet_table(path, rows, options, note if others and options.sheet is None else "")


def check_workbook_start(path: str, file: Any) -> None:
    """Raise FileError if the file does not begin as an .xlsx does."""
    start = file.read(4)
    if not start:
        raise FileError(f"{path} is empty")
    if start == OLE_START:
        raise FileError(
            f"{path} is an Excel file of the older kind, .xls, or has a password: save it as .xlsx without a password, or "
            "as CSV in UTF-8"
        )
    if start != ZIP_START:
        raise FileError(
            f"{path} is not an Excel file, though its name says so: if it is text, end its name in .csv or .tsv"
        )


def check_unpacked_size(path: str, book: zipfile.ZipFile) -> None:
    """Raise FileError if it is no workbook, or a part would unpack to far more than any table does."""
    if not any(re.match(r"xl/workbook\w*\.xml", part) for part in book.namelist()):
        raise FileError(f"{path} is not an .xlsx file: save it as .xlsx, or as CSV in UTF-8")
    for part in book.infolist():
        in_blocks = part.filename.startswith(("xl/worksheets/", "xl/sharedStrings"))
        large = LARGE_PART if in_blocks else LARGE_WHOLE_PART
        if part.file_size > max(large, MAX_COMPRESSION * part.compress_size):
            raise FileError(
                f"{path} cannot be read as an Excel file: its part {part.filename} claims {part.file_size:,} bytes, packed "
                f"into {part.compress_size:,}"
            )


def workbook_sheets(path: str, file: Any, formulas: bool = False) -> dict[str, Any]:
    """Return the sheets of cells by their names; the cells hold values, or formulas where there are any."""
    try:
        import openpyxl
    except ImportError:
        raise FileError(
            f"{path} is an Excel file, and openpyxl, which reads them, is not installed: pip install openpyxl, or save the "
            "file as CSV in UTF-8"
        ) from None
    book = openpyxl.load_workbook(file, read_only=True, data_only=not formulas, keep_links=False)
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # as the file claims them: rows would be filled up to them
    return {sheet.title: sheet for sheet in book.worksheets}


def sheet_name(path: str, sheets: list[str], sheet: str | None) -> str:
    """Return the name of the sheet of this name or number; of the first for None."""
    if not sheets:
        raise FileError(
            f"{path} has no sheet of cells that can be read: save it as an ordinary .xlsx (in Excel: 'Excel Workbook', "
            "not 'Strict Open XML'), or as CSV in UTF-8"
        )
    if sheet is None:
        return sheets[0]
    if sheet in sheets:
        return sheet
    if sheet.isdecimal() and 1 <= int(sheet) <= len(sheets):
        return sheets[int(sheet) - 1]
    hint = checks.closest_name(sheet, sheets) or f": the sheets are {first_names(sheets)}"
    raise InputError(f"{path} has no sheet '{sheet}'{hint}")


def sheet_rows(path: str, sheet: Any) -> tuple[Rows, bool]:
    """Return the rows with content, and whether there are cells without."""
    rows: Rows = []
    empty, n_fields, n_cells = False, 0, 0
    for line, row in enumerate(sheet.iter_rows(), start=1):
        if line > MAX_SHEET_ROWS:
            raise ValueError(f"it has a row beyond {MAX_SHEET_ROWS}")
        cells = {}
        for column, cell in enumerate(row):
            if cell.value is not None:
                if text := cell_text(cell):
                    cells[column] = text
            elif not empty:
                empty = hasattr(cell, "row")
        if cells:
            rows.append((line, cells))
        n_fields, n_cells = n_fields + len(row), n_cells + len(cells)
        check_cell_density(path, n_fields, n_cells, line, len(row))
    return rows, empty


def cell_text(cell: Any) -> str:
    """Return the content of a cell, numbers in full."""
    value = cell.value
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):  # a duration
        return number_text(value / timedelta(days=1))
    if isinstance(value, int | float):
        if not (cell.has_style and cell.style_array.numFmtId in DATE_TYPES):
            return str(value) if isinstance(value, int) else number_text(value)
        from openpyxl.utils.datetime import from_excel

        value = from_excel(value, cell.parent.parent.epoch)
    return str(value).removesuffix(" 00:00:00")


def has_formulas(book: zipfile.ZipFile) -> bool:
    """Return whether there may be a formula in the workbook."""
    parts = (part for part in book.namelist() if part.endswith(".xml"))
    return any(FORMULA.search(book.read(part)) for part in parts)


def check_formulas(path: str, values: Any, formulas: Any) -> None:
    """Raise FileError if a formula was never calculated."""
    for row, same in zip(values.iter_rows(), formulas.iter_rows(), strict=True):
        for cell, formula in zip(row, same, strict=True):
            # a calculated text may be empty
            if cell.value is None and formula.data_type == "f" and cell.data_type != "str":
                raise FileError(
                    f"{path}: cell {formula.coordinate} holds a formula without its value: open the file in a spreadsheet "
                    "program and save it"
                )


def sheet_table(path: str, rows: Rows, options: ReadOptions, note: str) -> Table:
    """Return the table of a sheet: the first row is the header; empty columns are left out."""
    layout = options.layout
    rows = [
        (line, cells)
        for line, cells in rows
        if line > layout.skip_lines
        and not (layout.comment and cells.get(min(cells), "").startswith(layout.comment))
    ]
    if not rows:
        raise FileError(f"{path}: no rows are left of the sheet")
    columns = sorted(set[int]().union(*(cells for _, cells in rows)))
    if not layout.has_header:
        head = dict(zip(columns, numbered_names(len(columns)), strict=True))
        rows = [(0, head), *rows]
    (_, head), *rest = rows
    record = [head.get(column, "") for column in columns]
    if len(head) == 1 and len(columns) > 2:
        raise FileError(
            f"{path}: the first row of the sheet holds {checks.short_repr(*head.values())} only, and it must name the "
            "columns: leave out the rows above the names, or read past them with --skip-lines N"
        )
    first = rest[0][1] if rest else {}
    named = columns[0] in first and parse_number(first[columns[0]]) is None
    if named and all(record[:-1]) and not record[-1]:  # R leaves the name of the row names out
        record.pop()
    names, ids = parse_header(path, record, len(columns) if named else 0, layout.rename_duplicates)
    if not rest:
        raise FileError(f"{path} has a header but no rows")
    n_cells = sum(len(cells) for _, cells in rest)
    check_cell_density(path, len(rest) * len(columns), n_cells, len(rest), len(columns))
    numbers = np.empty((len(rest), len(columns)))
    texts: dict[str, list[str]] = {}
    as_text = set(options.text_columns(names))  # a cell of text may hold 01
    for j, (name, column) in enumerate(zip(names, columns, strict=True)):
        fields = [cells.get(column, "") for _, cells in rest]
        numbers[:, j], text = parse_column(fields)
        if text or name in as_text:
            texts[name] = fields
    lines = np.array([line for line, _ in rest], dtype=np.int64)
    return Table(path, names, numbers, texts, lines, ids, note=note)


def check_cell_density(path: str, n_fields: int, n_cells: int, n_rows: int, n_columns: int) -> None:
    """Raise FileError if a table of the cells would be nearly empty, and large."""
    if n_fields > max(FEW_CELLS, SPARSE_CELLS * n_cells):
        raise FileError(
            f"{path}: the sheet's cells are spread over {n_rows} rows and {n_columns} columns, most of them empty: "
            "leave the far cells out"
        )


# .xls, .xlsb and .ods are refused with advice
EXCEL = FileFormat((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"), read_excel, has_sheets=True)

"""The table of file formats, and the reading of any of them.

Separated text and Matrix Market are read by code of this folder, the other formats by libraries: polars (Parquet, Arrow,
Feather), openpyxl (Excel), NumPy and scikit-learn (svmlight).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from twolayer.errors import FileError, InputError
from twolayer.tables.readers import arrays, delimited, excel, frames, sparse
from twolayer.tables.readers.file_format import PLAIN, FileFormat, ReadOptions, TextLayout
from twolayer.tables.readers.read_errors import translated_error
from twolayer.tables.table import (
    Table,
    check_column_names,
    check_unique,
    parse_number,
    with_gaps,
)
from twolayer.text import first_names

STDIN = "-"
FEW_NUMBERS = 5  # so many names that are numbers in order, such as wavelengths, are no accident
# A new format is one file beside this one, which declares a FileFormat, and one line here. (For people, the help of the
# argument TABLE in cli/options.py names the formats.)
FORMATS = (
    frames.PARQUET,
    frames.ARROW,
    excel.EXCEL,
    arrays.NPY,
    arrays.NPZ,
    sparse.SVMLIGHT,
    sparse.MATRIX_MARKET,
    delimited.DELIMITED,  # the last: whatever is none of the others
)


def read_table(
    path: str | Path,
    text: Iterable[str] | None = (),
    delimiter: str | None = None,
    sheet: str | None = None,
    must_be_there: bool = True,
    layout: TextLayout = PLAIN,
) -> Table:
    """Return the table in a file of one of the FORMATS.

    Parameters
    ----------
    path : str or Path
        "-" is standard input.
    text : names, or None
        Columns to keep as text too; None for all.
    delimiter : str or None
        Of separated text; None looks at the header.
    sheet : str or None
        Of an Excel file: the name of a sheet, or its number, counted from 1; None for the first.
    must_be_there : bool
        Whether a column of `text` that is not there is an error.
    layout : TextLayout
        How the table stands in its file.

    Returns
    -------
    Table

    Raises
    ------
    FileError
        If the file cannot be read, or is not a table with a header and rows of one length.
    InputError
        If a column of `text`, or the sheet, is not there.
    """
    path, text = str(path), None if text is None else tuple(text)
    options = ReadOptions(text, delimiter, sheet, must_be_there, layout)
    with translated_error(path):
        file_format, source = open_table(path, options)
        table = file_format.read(path, source, options)
        check_table(table)
        table = read_with_text(table, options)
        return with_gaps(with_header_warning(table, options), layout.missing)


def stream_table(
    path: str | Path,
    text: Iterable[str] | None = (),
    delimiter: str | None = None,
    must_be_there: bool = True,
    sheet: str | None = None,
    layout: TextLayout = PLAIN,
    first_as_text: bool = False,
) -> Iterator[Table]:
    """Yield the same table block by block of rows, so that it need not fit into memory; what is not stored in rows, whole.

    Parameters
    ----------
    path, text, delimiter, must_be_there, sheet, layout : as in `read_table`
    first_as_text : bool
        Keep the first column as text too where the file has its fields: it may name the rows.
    """
    path, text = str(path), None if text is None else tuple(text)
    options = ReadOptions(text, delimiter, sheet, must_be_there, layout, first_as_text)
    with translated_error(path):
        file_format, source = open_table(path, options)
        blocks: Iterable[Table]
        if file_format.blocks is None or isinstance(source, io.BytesIO):
            blocks = [file_format.read(path, source, options)]
        else:
            blocks = file_format.blocks(path, source, options)
        start = 0
        for block in blocks:
            if not start:
                check_table(block)
            elif block.lines is None:
                block = replace(block, places=np.arange(start, start + block.n_rows))
            block = with_gaps(read_with_text(block, options), layout.missing)
            yield block if start else with_header_warning(block, options)
            start += block.n_rows


def open_table(path: str, options: ReadOptions) -> tuple[FileFormat, Any]:
    """Return the format of a file, and where to read it from: its path, or the bytes of standard input."""
    if path != STDIN:
        check_regular(path)
        ending = Path(Path(path).name.lower().removesuffix(".gz")).suffix
        file_format = next((one for one in FORMATS if ending in one.endings), FORMATS[-1])
        source: Any = path
    else:
        if sys.stdin is None or getattr(sys.stdin, "closed", False):
            raise FileError("standard input is closed: name a file, or send the table with |")
        source = sys.stdin.buffer
        start = source.peek(16)[:16] if hasattr(source, "peek") else b""
        file_format = next(
            (one for one in FORMATS if one.start and start.startswith(one.start)), FORMATS[-1]
        )
        if file_format is not FORMATS[-1]:
            source = io.BytesIO(source.read())
    if options.sheet is not None and not file_format.has_sheets:
        raise InputError(f"--sheet is for Excel files, and {path} is none: leave it out")
    check_layout(path, file_format, options.layout)
    return file_format, source


def check_regular(path: str) -> None:
    """Raise FileError if the path leads to a folder, a pipe or a device."""
    if Path(path).is_dir():
        raise FileError(f"{path} is a folder, not a table")
    if Path(path).exists() and not Path(path).is_file():
        raise FileError(
            f"{path} is a pipe or a device, not a file: send the table with | and name it -"
        )


def check_layout(path: str, file_format: FileFormat, layout: TextLayout) -> None:
    """Raise InputError if the options say how lines of text are read, and the file has none."""
    for option, given in (
        ("--comment", layout.comment),
        ("--skip-lines", layout.skip_lines),
        ("--no-header", not layout.has_header),
        ("--duplicates", layout.rename_duplicates),
    ):
        if given and not (file_format.is_text or file_format.has_sheets):
            raise InputError(
                f"{option} is for text and Excel files, and {path} is none: leave it out"
            )
    if layout.encoding and not file_format.is_text:
        raise InputError(f"--encoding is for text files, and {path} is none: leave it out")


def with_header_warning(table: Table, options: ReadOptions) -> Table:
    """Return the table, with a note if its names look like the fields of a row."""
    if table.lines is None or not options.layout.has_header or not names_look_like_data(table):
        return table
    line = (
        f"warning: the first line of {table.path} looks like data, not like names ({first_names(table.names, 3)}): if the "
        "file has no header, say --no-header"
    )
    return replace(table, note="\n".join(filter(None, [table.note, line])))


def names_look_like_data(table: Table) -> bool:
    """Return whether the names of the columns are numbers in no order, or fields of their columns."""
    numbers = [parse_number(name) for name in table.names]
    known = [number for number in numbers if number is not None]
    repeated = sum(name in fields for name, fields in table.texts.items())
    if repeated > 1 or (repeated and known):
        return True
    steps = np.diff(np.array(known))
    ordered = len(known) >= FEW_NUMBERS and (bool((steps > 0).all()) or bool((steps < 0).all()))
    counts = (
        numbers[0] is None and len(set(known)) == len(known) and (np.array(known) % 1 == 0).all()
    )
    return 2 * len(known) >= len(table.names) and not (ordered or counts)


def check_table(table: Table) -> None:
    """Raise FileError if the table has no rows or columns, or two columns have the same name."""
    if not table.n_rows or not table.names:
        raise FileError(f"{table.path} has no {'rows' if table.names else 'columns'}")
    check_unique(table.path, table.names)


def read_with_text(table: Table, options: ReadOptions) -> Table:
    """Return the table with the fields of these columns as text too."""
    for name in replace(options, first_as_text=False).text_columns(table.names):
        table.texts[name] = table.words(name)
    if options.must_be_there:
        check_column_names(
            table.path, options.text or (), table.names, table.names[0] in table.texts
        )
    return table

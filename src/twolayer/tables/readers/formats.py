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
from twolayer.tables.readers.file_format import FileFormat, ReadOptions
from twolayer.tables.readers.read_errors import translated_error
from twolayer.tables.table import Table, check_column_names, check_unique

STDIN = "-"
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
    path, options = (
        str(path),
        ReadOptions(None if text is None else tuple(text), delimiter, sheet, must_be_there),
    )
    with translated_error(path):
        file_format, source = open_table(path, options)
        table = file_format.read(path, source, options)
        check_table(table)
        return read_with_text(table, options)


def stream_table(
    path: str | Path,
    text: Iterable[str] | None = (),
    delimiter: str | None = None,
    must_be_there: bool = True,
    sheet: str | None = None,
) -> Iterator[Table]:
    """Yield the same table block by block of rows, so that it need not fit into memory; what is not stored in rows, whole.

    Parameters
    ----------
    path, text, delimiter, must_be_there, sheet : as in `read_table`
    """
    path, options = (
        str(path),
        ReadOptions(None if text is None else tuple(text), delimiter, sheet, must_be_there),
    )
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
            yield read_with_text(block, options)
            start += block.n_rows


def open_table(path: str, options: ReadOptions) -> tuple[FileFormat, Any]:
    """Return the format of a file, and where to read it from: its path, or the bytes of standard input."""
    if path != STDIN:
        if Path(path).is_dir():
            raise FileError(f"{path} is a folder, not a table")
        ending = Path(Path(path).name.lower().removesuffix(".gz")).suffix
        file_format = next((one for one in FORMATS if ending in one.endings), FORMATS[-1])
        source: Any = path
    else:
        source = sys.stdin.buffer
        start = source.peek(16)[:16] if hasattr(source, "peek") else b""
        file_format = next(
            (one for one in FORMATS if one.start and start.startswith(one.start)), FORMATS[-1]
        )
        if file_format is not FORMATS[-1]:
            source = io.BytesIO(source.read())
    if options.sheet is not None and not file_format.has_sheets:
        raise InputError(f"--sheet is for Excel files, and {path} is none: leave it out")
    return file_format, source


def check_table(table: Table) -> None:
    """Raise FileError if the table has no rows or columns, or two columns have the same name."""
    if not table.n_rows or not table.names:
        raise FileError(f"{table.path} has no {'rows' if table.names else 'columns'}")
    check_unique(table.path, table.names)


def read_with_text(table: Table, options: ReadOptions) -> Table:
    """Return the table with the fields of these columns as text too."""
    for name in options.text_columns(table.names):
        table.texts[name] = table.words(name)
    if options.must_be_there:
        check_column_names(
            table.path, options.text or (), table.names, table.names[0] in table.texts
        )
    return table

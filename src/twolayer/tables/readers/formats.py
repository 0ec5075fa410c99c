"""Which reader a file needs, told by its name (or, for standard input, by its first bytes), and the readers themselves.

Every reader gives a `Table`. Separated text and Matrix Market are read here beside, in `delimited` and `matrix_market`, the
rest by well-kept libraries: polars (Parquet, Arrow, Feather), openpyxl (Excel), NumPy and scikit-learn (svmlight).
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import FileError, InputError
from twolayer.tables.readers import excel, frames, matrix_market
from twolayer.tables.readers.delimited import DelimitedFile, gather_blocks
from twolayer.tables.readers.library_errors import error_line, parsing_errors
from twolayer.tables.table import (
    NUMBERS_PER_SLICE,
    Table,
    check_columns,
    check_unique,
    number_text,
)

STDIN = "-"
ENDINGS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".xlsb": "excel",
    ".ods": "excel",
    ".npy": "npy",
    ".npz": "npz",
    ".svm": "svmlight",
    ".svmlight": "svmlight",
    ".libsvm": "svmlight",
    ".mtx": "matrix market",
}
FILE_STARTS = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\x93NUMPY": "npy",
    b"%%MatrixMarket": "matrix market",
}


def read_table(
    path: str | Path,
    text: Iterable[str] = (),
    delimiter: str | None = None,
    sheet: str | None = None,
    must_be_there: bool = True,
) -> Table:
    """Read a table: CSV, TSV and the like (gzip too), Excel, Parquet, Arrow, Feather, .npy, .npz, svmlight, Matrix Market.

    Parameters
    ----------
    path : str or Path
        "-" is standard input.
    text : names
        Columns to keep as text too.
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
    path, text = str(path), list(text)
    with translated_error(path):
        kind, source = open_table(path)
        check_sheet_option(path, kind, sheet)
        if kind == "text":
            if path == STDIN:
                source = source.read()
            return gather_blocks(
                partial(_read_delimited, path, source, text, delimiter, must_be_there)
            )
        return read_with_text(_read_whole(path, kind, source, sheet), text, must_be_there)


def check_sheet_option(path: str, kind: str, sheet: str | None) -> None:
    """Raise if a sheet is asked for of a file that has none."""
    if sheet is not None and kind != "excel":
        raise InputError(f"--sheet is for Excel files, and {path} is none: leave it out")


def _read_whole(path: str, kind: str, source: Any, sheet: str | None = None) -> Table:
    """A table that is no separated text, all of it."""
    with translated_error(path):
        if kind == "excel":
            with parsing_errors(path, "an Excel file"):
                table = excel.read_excel(path, source, sheet)
        else:
            table = READERS[kind](path, source)
    if not table.n_rows or not table.names:
        raise FileError(f"{path} has no rows" if table.names else f"{path} has no columns")
    check_unique(path, table.names)
    return table


def stream_table(
    path: str | Path,
    text: Iterable[str] = (),
    delimiter: str | None = None,
    must_be_there: bool = True,
    sheet: str | None = None,
) -> Iterator[Table]:
    """The same table block by block of rows, so that it need not fit into memory. What is not stored in rows comes whole.

    Parameters
    ----------
    path, text, delimiter, sheet : as in `read`
    must_be_there : bool
        Whether a column of `text` that is not there is an error.
    """
    path, text = str(path), list(text)
    with translated_error(path):
        kind, source = open_table(path)
    check_sheet_option(path, kind, sheet)
    if kind == "text":
        yield from _delimited_blocks(path, source, text, delimiter, must_be_there)
        return
    tables: Iterator[Table]
    if kind in ("parquet", "arrow") and path != STDIN:
        tables = frames.frame_blocks(kind, path)
    elif kind == "npy" and path != STDIN:
        tables = _array_slices(path)
    else:
        tables = iter([_read_whole(path, kind, source, sheet)])
    start = 0
    for table in tables:
        if start:
            table = replace(table, places=np.arange(start, start + table.n_rows))
        yield read_with_text(table, text, must_be_there)
        start += table.n_rows


def read_with_text(table: Table, text: Sequence[str], must_be_there: bool = True) -> Table:
    """The table with these columns' fields as text too."""
    for name in text:
        if name in table.names:
            table.texts[name] = table.words(name)
        elif must_be_there:
            check_columns(table.path, [name], table.names, table.names[0] in table.texts)
    return table


def open_table(path: str) -> tuple[str, Any]:
    """The kind of the file, and where to read it from: its path, or the bytes of standard input."""
    if path != STDIN:
        beside = Path(path)
        if beside.is_dir():
            raise FileError(f"{path} is a folder, not a table")
        name = beside.name.lower().removesuffix(".gz")
        return ENDINGS.get(Path(name).suffix, "text"), path
    stream: Any = sys.stdin.buffer
    start = stream.peek(16)[:16] if hasattr(stream, "peek") else b""
    kind = next((kind for mark, kind in FILE_STARTS.items() if start.startswith(mark)), "text")
    return kind, stream if kind == "text" else io.BytesIO(stream.read())


@contextmanager
def translated_error(path: str) -> Iterator[None]:
    """Whatever goes wrong in reading the file, in the user's words."""
    try:
        yield
    except UnicodeDecodeError:
        raise FileError(
            f"{path}{undecodable_position(path)} is not text in UTF-8: save it as CSV in UTF-8"
        ) from None
    except csv.Error as error:
        raise FileError(f"{path} is not a CSV file that can be read: {error}") from None
    except FileNotFoundError:
        beside = [p.name for p in Path(path).parent.glob("*") if p.is_file()]
        raise FileError(
            f"there is no file {path}{checks.closest_name(Path(path).name, beside)}"
        ) from None
    except IsADirectoryError:
        raise FileError(f"{path} is a folder, not a table") from None
    except (FileError, InputError):
        raise
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileError(f"{path} is not a gzip file, or a damaged one: {error}") from None
    except EOFError:
        raise FileError(f"{path} was cut off: its end is missing") from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error_line(error)}") from None


def undecodable_position(path: str) -> str:
    """`: line 3 (field 2, byte 0xe9)`, the first place that is not UTF-8."""
    if path == STDIN:
        return ""
    with suppress(EOFError, OSError, zlib.error), _bytes_of(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                before = line[: error.start].decode("utf-8")
                marks = max(before.count(mark) for mark in ",;\t|")
                return f": line {number} (field {marks + 1}, byte 0x{line[error.start]:02x})"
    return ""


# ---- separated text


GZIP = b"\x1f\x8b"


def _bytes_of(source: Any) -> Any:
    """The bytes of a text file, unpacked: of a path, of bytes at hand, or of a stream."""
    if isinstance(source, bytes):
        return gzip.open(io.BytesIO(source)) if source.startswith(GZIP) else io.BytesIO(source)
    if not isinstance(source, str):
        return gzip.open(source) if source.peek(2)[:2] == GZIP else source
    file = open(source, "rb")  # noqa: SIM115  the caller closes it
    if file.peek(2)[:2] != GZIP:
        return file
    file.close()
    return gzip.open(source)


def _encoding(file: Any) -> str:
    """UTF-8, or UTF-16 if the file begins with its mark, as spreadsheets' "Unicode text" does."""
    start = file.getvalue()[:2] if isinstance(file, io.BytesIO) else file.peek(2)[:2]
    return "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _read_delimited(
    path: str,
    source: Any,
    text: Sequence[str],
    delimiter: str | None,
    must_be_there: bool = True,
) -> DelimitedFile:
    file = _bytes_of(source)
    try:
        lines = io.TextIOWrapper(file, encoding=_encoding(file), newline="")
        return DelimitedFile(path, lines, text, delimiter, must_be_there)
    except BaseException:
        file.close()
        raise


def _delimited_blocks(
    path: str, source: Any, text: Sequence[str], delimiter: str | None, must_be_there: bool
) -> Iterator[Table]:
    with translated_error(path):
        empty = True
        with _read_delimited(path, source, text, delimiter, must_be_there) as rows:
            for block in rows.blocks():
                empty = False
                yield Table(
                    path,
                    rows.names,
                    block.numbers,
                    block.texts,
                    block.lines,
                    rows.id,
                    delimiter=rows.delimiter,
                )
    if empty:
        raise FileError(f"{path} has a header but no rows")


# ---- arrays


def _read_npy(path: str, source: Any) -> Table:
    return array_table(path, _stored_array(path, source))


def _stored_array(path: str, source: Any) -> np.ndarray:
    """A stored array; that of a file stays on the disk until it is used."""
    with parsing_errors(path, "an array"):
        if not isinstance(source, str):
            return np.load(source, allow_pickle=False)
        with open(source, "rb") as file:  # NumPy leaves open what begins as a zip file and is none
            np.lib.format.read_magic(file)
        return np.load(source, mmap_mode="r", allow_pickle=False)


def array_table(path: str, array: np.ndarray, stem: str = "x") -> Table:
    """An array as a table, its columns named x1, x2, ..., or as the array names them."""
    if array.dtype.names:
        parts = [array_table(path, array[name].reshape(-1, 1), name) for name in array.dtype.names]
        return join_columns(path, [Table(path, [name], part.numbers, dict(zip([name], part.texts.values(), strict=False)))
                             for name, part in zip(array.dtype.names, parts, strict=True)])  # fmt: skip
    if array.ndim not in (1, 2):
        raise FileError(
            f"{path} holds an array of shape {array.shape}: a table has rows and columns"
        )
    if not len(array):
        raise FileError(f"{path} has no rows")
    array = array.reshape(len(array), -1)
    names = [f"{stem}{j + 1}" for j in range(array.shape[1])]
    if array.dtype.kind in "US":
        texts = {
            name: [str(field).strip() for field in array[:, j]] for j, name in enumerate(names)
        }
        return Table(path, names, np.full(array.shape, np.nan), texts)
    if array.dtype.kind not in "biuf":
        raise FileError(f"{path} holds {array.dtype}, neither numbers nor text")
    return Table(path, names, array.astype(np.float64))


def _array_slices(path: str) -> Iterator[Table]:
    """A stored array, some rows at a time; opened anew for each: what was looked at stays in memory until it is closed."""
    with translated_error(path):
        array = _stored_array(path, path)
    if array.ndim == 0 or not len(array):
        raise FileError(f"{path} has no rows")
    count, step = len(array), max(1, NUMBERS_PER_SLICE // max(1, array[:1].size))
    del array
    for start in range(0, count, step):
        with translated_error(path):
            yield array_table(path, np.array(_stored_array(path, path)[start : start + step]))


def _read_npz(path: str, source: Any) -> Table:
    """Arrays of one length side by side; one of a single column keeps its name, others count: x1, x2, ..."""
    with parsing_errors(path, "arrays"), ExitStack() as stack:
        opened = stack.enter_context(open(source, "rb")) if isinstance(source, str) else source
        file = np.load(opened, allow_pickle=False)
        arrays = {name: file[name] for name in file.files}
    lengths = {name: array.shape[:1] for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told_lengths = ", ".join(f"'{name}' {array.shape}" for name, array in arrays.items())
        raise FileError(f"{path} holds arrays of different lengths: {told_lengths}")
    tables = []
    for name, array in arrays.items():
        table = array_table(path, array, name)
        if len(table.names) == 1:
            table = Table(
                path,
                [name],
                table.numbers,
                dict.fromkeys([name] * len(table.texts), *table.texts.values()),
            )
        tables.append(table)
    if not tables:
        raise FileError(f"{path} holds no arrays")
    return join_columns(path, tables)


def join_columns(path: str, tables: Sequence[Table]) -> Table:
    """Tables of the same rows, side by side."""
    texts = {name: words for table in tables for name, words in table.texts.items()}
    numbers = np.concatenate([table.numbers for table in tables], axis=1)
    return Table(path, [name for table in tables for name in table.names], numbers, texts)


# ---- sparse


def _read_svmlight(path: str, source: Any) -> Table:
    """Inputs x1, x2, ... and a last column `target`."""
    import scipy.sparse
    from sklearn.datasets import load_svmlight_file

    with parsing_errors(path, "svmlight"):
        x, y = load_svmlight_file(source)
    if max(x.shape) > matrix_market.MOST:
        raise FileError(f"{path} claims {x.shape[1]} columns, more than {matrix_market.MOST}")
    names = [f"x{j + 1}" for j in range(x.shape[1])]
    numbers = scipy.sparse.csr_array(scipy.sparse.hstack([x, y[:, None]]))
    return Table(path, [*names, "target"], numbers, {"target": [number_text(value) for value in y]})


def _read_matrix_market(path: str, source: Any) -> Table:
    """A matrix whose columns are named x1, x2, ..."""
    file = _bytes_of(source if isinstance(source, str) else source.getvalue())
    with io.TextIOWrapper(file, encoding="utf-8") as lines:
        matrix = matrix_market.read(path, lines)
    if not checks.is_sparse(matrix):
        return array_table(path, matrix)
    names = [f"x{j + 1}" for j in range(matrix.shape[1])]
    return Table(path, names, matrix)


READERS: dict[str, Callable[[str, Any], Table]] = {
    "parquet": partial(frames.read_frame, "parquet"),
    "arrow": partial(frames.read_frame, "arrow"),
    "npy": _read_npy,
    "npz": _read_npz,
    "svmlight": _read_svmlight,
    "matrix market": _read_matrix_market,
}

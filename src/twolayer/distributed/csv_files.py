"""Many CSV files as one table in blocks: large ones are cut at ends of lines, and each part is read by a worker.

A cut looks for the end of a line alone, so a text in quotes must not go on in another line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from twolayer import checks
from twolayer.distributed.blocks import (
    NUMERIC,
    UNKNOWN,
    FileTable,
    Piece,
    check_file_columns,
    check_same_columns,
    empty_file_notes,
    merged_blocks,
)
from twolayer.distributed.parquet_files import missing_message
from twolayer.errors import FileError, InputError
from twolayer.tables.readers.header import likely_delimiter
from twolayer.tables.table import MISSING_WORDS, column_name, number_advice
from twolayer.text import single_line

HEADER_BYTES = 1 << 16  # read at first, and doubled until the first line ends
PIECE_BYTES = 1 << 24  # of a large file
LARGE_PACKED = 1 << 26  # for a packed file, which is a block of its own
BYTES_PER_BYTE = 1.5  # of numbers in memory, per byte of text
NOT_NUMBER = re.compile(r"In CSV column #(\d+): .*invalid value '(.*)'", re.DOTALL)


def open_csv_files(pattern: str, paths: Sequence[str], delimiter: str | None) -> FileTable:
    """Return the table in these files, whose first lines name the columns.

    Raises
    ------
    FileError
        If a file cannot be read, they differ in their columns, or no file has rows.
    """
    files: dict[str, dict[str, str]] = {}
    pieces: list[Piece] = []
    empty = []
    mark = delimiter or read_header_line(paths[0], None)[-1]
    for path in paths:
        names, start, size, _ = read_header_line(path, mark)
        files[path] = dict.fromkeys(names, UNKNOWN)
        own = list(cut_pieces(path, start, size))
        empty += [] if own else [path]
        pieces += own
    kinds = check_same_columns(files)
    if not pieces:
        raise FileError(f"{pattern} has a header but no rows")
    return FileTable(
        pattern,
        kinds,
        "float64",
        merged_blocks(pieces),
        partial(read_lines, delimiter=mark),
        len(paths),
        ".csv",
        empty_file_notes(empty),
        partial(first_line, delimiter=mark),
    )


@contextmanager
def opened_text(path: str) -> Iterator[Any]:
    """Yield the bytes of a file, unpacked if it is packed; raise FileError for what goes wrong in reading it."""
    import fsspec

    try:
        with fsspec.open(path, "rb", compression="infer") as stream:
            yield stream
    except FileError:
        raise
    except FileNotFoundError:
        raise FileError(missing_message(path)) from None
    except (OSError, EOFError) as error:
        raise FileError(f"{path} cannot be read: {single_line(str(error))}") from None


def read_header_line(path: str, delimiter: str | None) -> tuple[list[str], int, int | None, str]:
    """Return the names of the columns, the byte at which the rows begin, the size of the file, and what separates fields.

    The size is None for a packed file, which is read whole.
    """
    count = HEADER_BYTES
    with opened_text(path) as stream:
        start = stream.read(count)
        while b"\n" not in start and len(more := stream.read(count)):
            start, count = start + more, 2 * count
        size = None if path.lower().endswith(".gz") else stream.seek(0, io.SEEK_END)
    line, end, rest = start.partition(b"\n")
    try:
        header = line.decode("utf-8-sig")
        rows = rest.decode("utf-8", errors="replace").splitlines()[:10]
    except UnicodeDecodeError:
        raise FileError(f"{path} is not text in UTF-8: save it as CSV in UTF-8") from None
    mark = delimiter or likely_delimiter(header, rows)
    fields = next(csv.reader([header], delimiter=mark, skipinitialspace=True), [])
    names = [column_name(name) for name in fields]
    check_file_columns(path, names)
    return names, len(line) + len(end), size, mark


def cut_pieces(path: str, start: int, size: int | None) -> Iterator[Piece]:
    """Yield the parts of a file after its header; none if there are no bytes there."""
    if size is None:
        yield Piece(path, start, -1, None, LARGE_PACKED)
        return
    for begin in range(start, size, PIECE_BYTES):
        end = min(begin + PIECE_BYTES, size)
        yield Piece(path, begin, end, None, int((end - begin) * BYTES_PER_BYTE))


def read_lines(piece: Piece, columns: Mapping[str, str], *, delimiter: str) -> Any:
    """Return these columns of the lines that begin in a part of a file as an Arrow table."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names, start, *_ = read_header_line(piece.path, delimiter)
    data = piece_bytes(piece, start)
    kinds = {
        name: pa.float64() if kind == NUMERIC else pa.string() for name, kind in columns.items()
    }
    if not data.strip():
        return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})
    words = [word for one in sorted(MISSING_WORDS) for word in {one, one.upper(), one.title()}]
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(data),
            arrow_csv.ReadOptions(
                use_threads=False, column_names=names, block_size=max(len(data), 1)
            ),
            arrow_csv.ParseOptions(delimiter=delimiter),
            arrow_csv.ConvertOptions(
                column_types=kinds,
                include_columns=list(columns),
                null_values=[*words, "NaN"],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise reading_error(piece, names, str(error)) from None


def piece_bytes(piece: Piece, first: int) -> bytes:
    """Return the lines that begin in a part of a file; `first`: the byte after the header."""
    with opened_text(piece.path) as stream:
        if piece.stop < 0:
            stream.seek(piece.start)
            return stream.read()
        begin = max(piece.start - 1, first)
        stream.seek(begin)
        data = stream.read(piece.stop - begin)
        if piece.start > first:  # the line that begins before it belongs to the part before
            data = data[data.find(b"\n") + 1 :] if b"\n" in data else b""
        if not data or data.endswith(b"\n"):
            return data
        return data + stream.readline()


def first_line(piece: Piece, *, delimiter: str) -> int:
    """Return the line of the file in which the first row of a piece begins, counted from 1; blank lines count."""
    _, first, *_ = read_header_line(piece.path, delimiter)
    with opened_text(piece.path) as stream:
        if piece.start <= first:
            return 2
        before = stream.read(piece.start)
    return 1 + before.count(b"\n") + (not before.endswith(b"\n"))


def reading_error(piece: Piece, names: Sequence[str], message: str) -> Exception:
    """Return the error for a part of a file that Arrow cannot read, in the user's words."""
    found = NOT_NUMBER.search(message)
    if found:
        name, text = names[int(found[1])], found[2]
        return InputError(
            f"{piece.path}: column '{name}' holds text, for example {checks.short_repr(text)}, and on a cluster all inputs "
            f"must be numbers: {number_advice(text)}"
        )
    wide = re.search(r"Expected (\d+) columns, got (\d+): (.*)", message, re.DOTALL)
    if wide:
        row = checks.short_repr(wide[3].strip())
        return FileError(
            f"{piece.path}: a row has {wide[2]} fields, but the header names {wide[1]} columns: {row}"
        )
    return FileError(f"{piece.path} cannot be read: {single_line(message)}")

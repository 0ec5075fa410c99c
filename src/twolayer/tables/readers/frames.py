"""Data frames in files, Parquet, Arrow and Feather: read by polars, whole or in pieces of bounded size."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from twolayer.errors import FileError
from twolayer.tables.readers import parquet
from twolayer.tables.readers.file_format import FileFormat
from twolayer.tables.readers.read_errors import parsing_errors
from twolayer.tables.table import NUMBERS_PER_SLICE, Table, column_name, inexact_whole

NUMBERS_PER_READ = 1 << 22  # large: to read some rows, polars may unpack them all
UNPACKED_BYTES = 1 << 25  # of the columns that are unpacked together
FRAME_FORMATS = {"parquet": "a Parquet file", "arrow": "an Arrow or Feather file"}


def read_frame(kind: str, path: str, source: Any) -> Table:
    """Return the table in a file, which is a path or a stream in memory."""
    import polars

    read_frame: Callable[..., Any] = polars.read_parquet if kind == "parquet" else polars.read_ipc
    with parsing_errors(path, FRAME_FORMATS[kind]):
        if kind == "parquet":
            parquet.refuse_wild_pages(path, source)
        frame = read_frame(polars_path(source) if isinstance(source, str) else source)
    return frame_table(path, frame)


def polars_path(path: str) -> str:
    """Return the path of a file for polars, which would take it as a pattern, or as an address if it looks like one."""
    return glob.escape(str(Path(path).absolute()))


def frame_blocks(kind: str, path: str) -> Iterator[Table]:
    """Yield the same table, some rows at a time."""
    import polars

    start = n_rows = 0
    with parsing_errors(path, FRAME_FORMATS[kind]):
        lazy, width = _scan_frame(path, kind)
        together = width
        if kind == "parquet":  # its columns stand apart in the file
            together = max(1, UNPACKED_BYTES * width // max(1, Path(path).stat().st_size))
        parts = [polars.nth(*range(j, min(j + together, width))) for j in range(0, width, together)]
        step = max(1, NUMBERS_PER_READ // max(1, width))
        while n_rows == start:
            some = lazy.slice(start, step)
            frame = polars.concat([some.select(part).collect() for part in parts], how="horizontal")
            for rows in frame.iter_slices(max(1, NUMBERS_PER_SLICE // max(1, width))):
                yield frame_table(path, rows)
            start, n_rows = start + step, n_rows + len(frame)
    if not n_rows:
        raise FileError(f"{path} has no rows")


def _scan_frame(path: str, kind: str) -> tuple[Any, int]:
    """Return the data frame, not read yet, and its number of columns."""
    import polars

    where = polars_path(path)
    lazy = polars.scan_ipc(where)
    if kind == "parquet":
        parquet.refuse_wild_pages(path, path)
        lazy = polars.scan_parquet(where, parallel="none", low_memory=True)
    return lazy, len(lazy.collect_schema())


def frame_table(path: str, frame: Any) -> Table:
    """Return a polars data frame as a table; raise FileError for a column that holds neither numbers nor text."""
    import polars

    numbers = np.full((len(frame), frame.width), np.nan)
    texts: dict[str, list[str]] = {}
    numeric = [j for j, dtype in enumerate(frame.dtypes) if dtype.is_numeric()]
    if numeric:
        plain = frame.select(polars.nth(*numeric).cast(polars.Float64))
        numbers[:, numeric] = plain.to_numpy()
    names = [column_name(name) for name in frame.columns]
    for j, (name, dtype) in enumerate(zip(names, frame.dtypes, strict=True)):
        if dtype.is_float() or dtype == polars.Null:
            continue
        if dtype.is_numeric():
            if inexact_whole(numbers[:, j]).any():
                texts[name] = frame.to_series(j).cast(polars.String).fill_null("").to_list()
            continue
        if dtype.is_nested() or dtype in (polars.Binary, polars.Object):
            raise FileError(
                f"{path}: column '{name}' holds {dtype}, neither numbers nor text: leave it out of the file"
            )
        column = frame.to_series(j).cast(polars.String)
        texts[name] = [word.strip() for word in column.fill_null("").to_list()]
        values = column.cast(polars.Float64, strict=False)
        numbers[:, j] = values.fill_null(np.nan).to_numpy()
    return Table(path, names, numbers, texts)


PARQUET = FileFormat(
    (".parquet", ".pq"),
    lambda path, source, _: read_frame("parquet", path, source),
    lambda path, _source, _options: frame_blocks("parquet", path),
    start=b"PAR1",
)
ARROW = FileFormat(
    (".arrow", ".feather", ".ipc"),
    lambda path, source, _: read_frame("arrow", path, source),
    lambda path, _source, _options: frame_blocks("arrow", path),
    start=b"ARROW1",
)

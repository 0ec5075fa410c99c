"""A table in many files, in blocks of rows: pieces of files, read one block at a time wherever the work is done.

The blocks follow from the files alone, not from the number of workers, so that sums over them are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer.errors import FileError, InputError
from twolayer.tables.table import check_column_names, check_unique
from twolayer.text import first_names, plural

NUMERIC, BOOLEAN, TEXT, UNKNOWN = "numbers", "yes or no", "text", "not known before it is read"
MOST_BYTES, FEWEST_BYTES, FEW_BLOCKS = 1 << 26, 1 << 22, 16  # bytes in memory; blocks


@dataclass(frozen=True)
class Piece:
    """A part of a file: row groups of a Parquet file, or lines of a CSV file.

    Attributes
    ----------
    path : str
    start, stop : int
        The first row group, or byte, and the first that follows.
    n_rows : int or None
        None where that is not known before it is read.
    n_bytes : int
        About so many in memory.
    first_row : int
        In the file, counted from 0, where rows are counted.
    """

    path: str
    start: int
    stop: int
    n_rows: int | None
    n_bytes: int
    first_row: int = 0


Block = tuple[Piece, ...]


@dataclass(frozen=True)
class FileTable:
    """A table whose blocks are read where they are needed.

    Attributes
    ----------
    pattern : str
        As the user named it.
    kinds : dict
        Column -> numbers, yes or no, text, not known, or the type of a column that cannot be read.
    dtype : str
        float32 if all numbers of the files are, else float64.
    blocks : tuple of tuples of Piece
    read : function of a piece and {column: kind}
        Returns a pyarrow table of these columns, in this order.
    n_files : int
    ending : str
        Of the names of such files.
    notes : list of str
        What the user should know of the files.
    first_line : function of a piece, or None
        Returns the line of a text file in which the first row of a piece begins, counted from 1.
    """

    pattern: str
    kinds: dict[str, str]
    dtype: str
    blocks: tuple[Block, ...]
    read: Callable[[Piece, Mapping[str, str]], Any]
    n_files: int
    ending: str
    notes: list[str] = field(default_factory=list)
    first_line: Callable[[Piece], int] | None = None

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.kinds)

    def input_names(self, targets: Sequence[str], drop: Sequence[str] = ()) -> list[str]:
        """Return the columns to learn from, all but the targets and those to drop: numbers first, then yes or no.

        Raises
        ------
        InputError
            If a target or a column to drop is not there, no column is left, or one cannot be learned from.
        """
        check_column_names(self.pattern, [*targets, *drop], self.names)
        taken = {*targets, *drop}
        names = [name for name in self.names if name not in taken]
        if not names:
            raise InputError(
                f"{self.pattern} has no column but the target {first_names(targets)} to learn from"
            )
        bad = [name for name in names if self.kinds[name] not in (NUMERIC, BOOLEAN, UNKNOWN)]
        if bad:
            others = f" (and {first_names(bad[1:])})" if len(bad) > 1 else ""
            raise InputError(
                f"{self.pattern}: column '{bad[0]}'{others} holds {self.kinds[bad[0]]}, and on a cluster all inputs must be "
                "numbers: encode it as numbers in the files, or leave it out with --drop"
            )
        return sorted(names, key=lambda name: self.kinds[name] == BOOLEAN)


def merged_blocks(pieces: Sequence[Piece]) -> tuple[Block, ...]:
    """Return the pieces in blocks of neighbours, of about equal size in memory where pieces are small."""
    total = sum(piece.n_bytes for piece in pieces)
    size = min(MOST_BYTES, max(FEWEST_BYTES, total // FEW_BLOCKS))
    blocks: list[Block] = []
    current: list[Piece] = []
    for piece in pieces:
        if current and sum(one.n_bytes for one in current) + piece.n_bytes > size:
            blocks.append(tuple(current))
            current = []
        current.append(piece)
    return (*blocks, tuple(current)) if current else tuple(blocks)


def check_same_columns(files: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the columns that all files have, and the kind of each; in the order of the first file.

    Raises
    ------
    FileError
        If a name is there twice, a file has other columns than the first, or holds something else in one.
    """
    first, *_ = files
    kinds = dict(files[first])
    for path, own in files.items():
        lacking = [name for name in kinds if name not in own]
        extra = [name for name in own if name not in kinds]
        if lacking or extra:
            what = f"lacks the column {first_names(lacking)}, which {first} has" if lacking else ""
            what = what or f"has the column {first_names(extra)}, which {first} lacks"
            raise FileError(f"{path} {what}: all files of a table have the same columns")
        for name, kind in own.items():
            if kind != kinds[name]:
                raise FileError(
                    f"column '{name}' holds {kind} in {path}, and {kinds[name]} in {first}: write it alike in all files"
                )
    return kinds


def check_file_columns(path: str, names: Sequence[str]) -> None:
    """Raise FileError if a file has no columns, or two of one name."""
    if not names:
        raise FileError(f"{path} has no columns")
    check_unique(path, names, renames=False)


def empty_file_notes(empty: Sequence[str]) -> list[str]:
    """Return a line about files without rows."""
    if not empty:
        return []
    return [
        f"{plural(len(empty), 'file has', 'files have')} no rows: {first_names(empty, 3, quote='')}"
    ]


def number_columns(table: Any, names: Sequence[str], dtype: str) -> np.ndarray:
    """Return columns of an Arrow table as numbers, shape (n_rows, n_columns), NaN where there is no value."""
    import pyarrow as pa

    values = np.empty((table.num_rows, len(names)), dtype=dtype, order="F")
    for j, name in enumerate(names):
        column = table.column(name)
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        if column.null_count or not pa.types.is_floating(column.type):
            column = column.cast(pa.float64(), safe=False)
        values[:, j] = column.to_numpy()
    return np.ascontiguousarray(values)


def text_column(table: Any, name: str) -> np.ndarray:
    """Return a column of an Arrow table as texts without blanks at their ends, empty where there is no value."""
    import pyarrow as pa

    words = table.column(name).cast(pa.string()).to_pylist()
    return np.array(["" if word is None else word.strip() for word in words], dtype=object)

"""Dask's arrays and data frames as blocks: what a table is, whether it is cut into blocks of rows or of columns, and by whom
it is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.errors import InputError
from twolayer.text import plural

# neighbours are merged as long as so many are left, and until there are as few as this;
LEAST_BLOCKS, MOST_BLOCKS = 16, 256
# smaller ones are merged, and no merged one is larger
SMALL_BYTES, LARGE_BYTES = 8_000_000, 64_000_000


def is_dask(value: Any) -> bool:
    """Return whether this is a collection of Dask; Dask is not imported for that."""
    return hasattr(value, "__dask_graph__") and hasattr(value, "__dask_keys__")


@dataclass(frozen=True, eq=False)
class BlockedTable:
    """A table as a Dask array of known chunks, with whole rows or whole columns in each block.

    Attributes
    ----------
    array : dask.array.Array, shape (n_rows, n_inputs)
    names : list or None
        Of the columns, of a data frame.
    by_rows : bool
        Whether a block has some rows of all columns; else it has all rows of some columns.
    merged : str
        In words, if small blocks were merged or the table was cut anew; else empty.
    """

    array: Any
    names: list[Any] | None
    by_rows: bool
    merged: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape

    @property
    def sizes(self) -> tuple[int, ...]:
        """The rows, or columns, of each block."""
        return self.array.chunks[0 if self.by_rows else 1]

    @property
    def slices(self) -> list[slice]:
        """The rows, or columns, of each block."""
        ends = np.cumsum((0, *self.sizes)).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def blocks(self) -> list[Any]:
        """Return the blocks as delayed arrays, in order."""
        return list(self.array.to_delayed().ravel())


def blocked_table(x: Any, name: str = "x") -> BlockedTable:
    """Return a Dask array or data frame in blocks of whole rows, or of whole columns where it has more columns than rows.

    Raises
    ------
    InputError
        If it is no table of numbers, or is empty.
    """
    check_collection(x, name)
    names = list(x.columns) if hasattr(x, "columns") and x.ndim == 2 else None
    array = known_array(x, name)
    checks.check_table_shape(array.shape, name)
    down, across = array.numblocks
    wide = array.shape[1] > array.shape[0]
    by_rows = down > 1 if (down == 1) != (across == 1) else not wide
    merged = ""
    if down > 1 and across > 1:
        array = array.rechunk({1: -1} if by_rows else {0: -1})
        merged = f"cut anew into blocks of whole {'rows' if by_rows else 'columns'}"
    axis = 0 if by_rows else 1
    sizes = merged_sizes(array.chunks[axis], array.nbytes)
    if sizes != array.chunks[axis]:
        before = plural(len(array.chunks[axis]), "block")
        merged = f"{before} merged into {len(sizes)}, as they are small"
        array = array.rechunk({axis: sizes})
    return BlockedTable(array, names, by_rows, merged)


def check_collection(value: Any, name: str) -> None:
    """Raise InputError if it is one of Dask's delayed values, which say nothing of what they are."""
    from dask.delayed import Delayed

    if isinstance(value, Delayed):
        raise InputError(
            f"{name} must be a Dask array or data frame; got a delayed value: use dask.array.from_delayed, which is told "
            "its shape"
        )


def known_array(value: Any, name: str) -> Any:
    """Return a Dask collection as an array of numbers whose chunks have known sizes, none empty; data frames are counted.

    Raises
    ------
    InputError
        If a column is no number.
    """
    if hasattr(value, "to_dask_array"):
        check_number_columns(value, name)
    array = counted_array(value, name)
    check_number_dtype(array.dtype, name)
    return array


def check_number_dtype(dtype: np.dtype, name: str) -> None:
    """Raise InputError if an array of that dtype may hold anything but numbers."""
    if dtype.kind not in "biuf":
        advice = "encode or drop what is text"
        if dtype.kind == "O":
            advice = f"give {name}.astype(float) if all of it is numbers, else {advice}"
        raise InputError(f"{name} must hold numbers; its dtype is {dtype}: {advice}")


def counted_array(value: Any, name: str) -> Any:
    """Return a Dask collection as an array whose chunks have known sizes, none empty; data frames are counted."""
    array = frame_array(value) if hasattr(value, "to_dask_array") else value
    if not hasattr(array, "chunks"):
        raise InputError(
            f"{name} must be a Dask array or data frame; got {type(value).__name__}: use its to_dataframe() first"
        )
    if any(math.isnan(size) for sizes in array.chunks for size in sizes):
        array = measured_array(array)
    empty = [axis for axis, sizes in enumerate(array.chunks) if 0 in sizes and sum(sizes)]
    for axis in empty:
        array = array.rechunk({axis: tuple(size for size in array.chunks[axis] if size)})
    return array


def frame_array(frame: Any) -> Any:
    """Return a data frame, or series, as an array of its partitions, which are counted.

    Reading may join small partitions, so that those that are counted have to be those that are read.
    """
    import dask.array as da
    from dask import delayed

    parts, across = frame.to_delayed(), frame.shape[1:]
    dtype = frame_dtype(frame)
    count, convert = delayed(len, pure=False), delayed(part_array, pure=False)
    lengths = DaskWorkers().value([count(part) for part in parts])
    blocks = [
        da.from_delayed(convert(part, dtype), (int(n), *across), dtype)
        for part, n in zip(parts, lengths, strict=True)
    ]
    return da.concatenate(blocks, axis=0)


def frame_dtype(frame: Any) -> np.dtype:
    """Return the dtype of a data frame, or series, as an array: that of all its columns, or object if one is no number."""
    dtypes = list(frame.dtypes) if frame.ndim == 2 else [frame.dtype]
    if not all(getattr(one, "kind", "O") in "biuf" for one in dtypes):
        return np.dtype(object)
    plain = [one if isinstance(one, np.dtype) else np.dtype(float) for one in dtypes]
    several = (
        len(set(plain)) > 1 and np.dtype(bool) in plain
    )  # NumPy has no common one with numbers but object
    return np.dtype(float) if several else np.result_type(*plain)


def part_array(part: Any, dtype: np.dtype) -> np.ndarray:
    """Return a partition as an array; what is missing in columns of whole numbers is NaN."""
    if dtype.kind == "f":
        return part.to_numpy(dtype=dtype, na_value=np.nan)
    return part.to_numpy(dtype=dtype)


def measured_array(array: Any) -> Any:
    """Return an array whose chunks have unknown sizes as one of which they are known: every block is computed."""
    import dask.array as da
    from dask import delayed

    blocks = array.to_delayed()
    shape_of = delayed(np.shape, pure=False)
    shapes = DaskWorkers().value([shape_of(block) for block in blocks.ravel()])
    sizes = np.reshape(shapes, (*blocks.shape, array.ndim))
    chunks = []
    for axis in range(array.ndim):
        along = sizes[(0,) * axis + (slice(None),) + (0,) * (array.ndim - axis - 1)]
        chunks.append(tuple(along[:, axis].tolist()))
    return da.Array(array.dask, array.name, tuple(chunks), dtype=array.dtype)


def check_number_columns(frame: Any, name: str) -> None:
    """Raise InputError if a column of a Dask data frame, or series, holds text or dates."""
    dtypes = frame.dtypes.items() if frame.ndim == 2 else [(frame.name, frame.dtype)]
    for column, dtype in dtypes:
        if getattr(dtype, "kind", "O") not in "biuf":
            raise InputError(
                f"{name} must hold numbers, but column {column!r} has the type {dtype}: encode or drop that column"
            )


def merged_sizes(sizes: Sequence[int], n_bytes: int) -> tuple[int, ...]:
    """Return the sizes with small neighbours merged: a task costs a millisecond, and a step has one for each block."""
    per_unit = n_bytes / sum(sizes)
    target = min(max(n_bytes / MOST_BLOCKS, min(SMALL_BYTES, n_bytes / LEAST_BLOCKS)), LARGE_BYTES)
    merged = [sizes[0]]
    for size in sizes[1:]:
        if (merged[-1] + size) * per_unit <= target * 1.0001:
            merged[-1] += size
        else:
            merged.append(size)
    return tuple(merged)


def along_rows(value: Any, name: str, table: BlockedTable, numbers: bool = True) -> list[Any]:
    """Return targets, or row weights, in the blocks of the table's rows: delayed parts of Dask's, slices of NumPy's.

    They may be text unless `numbers`.

    Raises
    ------
    InputError
        If they have another number of rows than the table.
    """
    n_rows = table.shape[0]
    if not is_dask(value):
        array = checks.plain_array(value, name)
        check_rows(array.shape, name, n_rows)
        return [array[rows] for rows in table.slices]
    check_collection(value, name)
    array = known_array(value, name) if numbers else counted_array(value, name)
    check_rows(array.shape, name, n_rows)
    array = array.rechunk({0: table.sizes, **({1: -1} if array.ndim == 2 else {})})
    return list(array.to_delayed().ravel())


def check_rows(shape: tuple[int, ...], name: str, n_rows: int) -> None:
    """Raise InputError if there are not as many rows as x has."""
    if shape[0] != n_rows:
        raise InputError(
            f"x has {n_rows} rows and {name} has {shape[0]}: they must be the same rows"
        )

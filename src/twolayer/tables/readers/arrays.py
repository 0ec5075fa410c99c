"""Arrays that NumPy stored: .npy, whole or in blocks of rows, and .npz."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from twolayer.errors import FileError
from twolayer.tables.readers.file_format import FileFormat, ReadOptions
from twolayer.tables.readers.read_errors import parsing_errors
from twolayer.tables.readers.text_files import LARGE_UNPACKED, MAX_COMPRESSION
from twolayer.tables.table import NUMBERS_PER_SLICE, Table, inexact_whole, numbered_names


def read_npy(path: str, source: Any, _options: ReadOptions) -> Table:
    """Return the table in a .npy file."""
    return array_table(path, stored_array(path, source))


def npy_blocks(path: str, _source: str, _options: ReadOptions) -> Iterator[Table]:
    """Yield the table in a .npy file, some rows at a time.

    The file is opened anew for each block: what was read of a mapped file stays in memory until it is closed.
    """
    array = stored_array(path, path)
    if array.ndim == 0 or not len(array):
        raise FileError(f"{path} has no rows")
    count, step = len(array), max(1, NUMBERS_PER_SLICE // max(1, array[:1].size))
    del array
    for start in range(0, count, step):
        yield array_table(path, np.array(stored_array(path, path)[start : start + step]))


def stored_array(path: str, source: Any) -> np.ndarray:
    """Return the array in a .npy file; that of a file on disk stays there until it is used."""
    with parsing_errors(path, "an array"):
        if not isinstance(source, str):
            check_array_header(path, source)
            source.seek(0)
            return np.load(source, allow_pickle=False)
        with open(source, "rb") as file:  # NumPy leaves open what begins as a zip file and is none
            check_array_header(path, file)
        return np.load(source, mmap_mode="r", allow_pickle=False)


def read_npz(path: str, source: str, _options: ReadOptions) -> Table:
    """Return the arrays of a .npz file side by side, a single column under its name."""
    with parsing_errors(path, "arrays"), open(source, "rb") as opened:  # NumPy might not close it
        check_parts(path, zipfile.ZipFile(opened))
        file = np.load(opened, allow_pickle=False)
        arrays = {name: file[name] for name in file.files}
    if len({array.shape[:1] for array in arrays.values()}) > 1:
        shapes = ", ".join(f"'{name}' {array.shape}" for name, array in arrays.items())
        raise FileError(f"{path} holds arrays of different lengths: {shapes}")
    if not arrays:
        raise FileError(f"{path} holds no arrays")
    return join_columns(path, [array_table(path, array, name) for name, array in arrays.items()])


def check_array_header(path: str, file: Any) -> None:
    """Raise FileError if the fields of the array have no length: then no number of them is too many for the file."""
    version = np.lib.format.read_magic(file)
    if version < (3, 0):
        first = version == (1, 0)
        read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        dtype = read(file)[2]
        if dtype.itemsize == 0:
            raise FileError(f"{path} holds {dtype}, fields of no length")


def check_parts(path: str, archive: zipfile.ZipFile) -> None:
    """Raise FileError if a part of the archive unpacks to far more than any table does."""
    for part in archive.infolist():
        if part.file_size > max(LARGE_UNPACKED, MAX_COMPRESSION * part.compress_size):
            raise FileError(
                f"{path}: its part {part.filename} claims {part.file_size:,} bytes, packed into {part.compress_size:,}: no "
                "table is packed so small"
            )


def array_table(path: str, array: np.ndarray, name: str | None = None) -> Table:
    """Return an array as a table; its columns are called as its fields are, else by the name (if one), else x1, x2, ..."""
    if array.dtype.names is not None:
        if not array.dtype.names:
            raise FileError(f"{path} holds an array of no fields")
        return join_columns(
            path, [array_table(path, array[field], field) for field in array.dtype.names]
        )
    if array.dtype.itemsize == 0:
        raise FileError(f"{path} holds {array.dtype}, fields of no length")
    if array.ndim not in (1, 2):
        raise FileError(
            f"{path} holds an array of shape {array.shape}: a table has rows and columns"
        )
    if not array.size:
        raise FileError(f"{path} has no {'columns' if len(array) else 'rows'}")
    array = array.reshape(len(array), -1)
    names = numbered_names(array.shape[1], "x" if name is None else name)
    if name is not None and len(names) == 1:
        names = [name]
    if array.dtype.kind in "SU":
        with parsing_errors(path, "text"):
            if array.dtype.kind == "S":
                array = np.char.decode(array, "utf-8")
            letters = np.dtype("u4").newbyteorder(array.dtype.byteorder)
            if np.ascontiguousarray(array).view(letters).max() > sys.maxunicode:
                raise FileError(
                    f"{path} holds text with characters that do not exist: it is damaged"
                )
            texts = {
                name: [str(field).strip() for field in array[:, j]] for j, name in enumerate(names)
            }
        return Table(path, names, np.full(array.shape, np.nan), texts)
    if array.dtype.kind not in "biuf":
        raise FileError(f"{path} holds {array.dtype}, neither numbers nor text")
    numbers = array.astype(np.float64)
    texts = {}
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        large = np.flatnonzero(inexact_whole(numbers).any(axis=0)).tolist()
        texts = {names[j]: list(map(str, array[:, j].tolist())) for j in large}
    return Table(path, names, numbers, texts)


def join_columns(path: str, tables: Sequence[Table]) -> Table:
    """Return tables of the same rows side by side."""
    texts = {name: words for table in tables for name, words in table.texts.items()}
    numbers = np.concatenate([table.numbers for table in tables], axis=1)
    return Table(path, [name for table in tables for name in table.names], numbers, texts)


NPY = FileFormat((".npy",), read_npy, npy_blocks, start=b"\x93NUMPY")
NPZ = FileFormat((".npz",), read_npz)

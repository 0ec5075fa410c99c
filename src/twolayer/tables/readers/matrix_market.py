"""Matrix Market files, read so that a damaged one can do no harm: SciPy's reader ends the process on some.

The format: a first line `%%MatrixMarket matrix coordinate|array real|integer|pattern general|symmetric|skew-symmetric`,
comments that begin with %, a line of sizes, then `row column value` for each entry, counted from 1, or every value, column
by column.
Source: Boisvert, Pozo & Remington, *The Matrix Market exchange formats*, NISTIR 5935 (1996).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from twolayer.errors import FileError

BANNER = "%%matrixmarket"
LAYOUTS, FIELDS = ("coordinate", "array"), ("real", "double", "integer", "pattern")
SYMMETRIES = {"general": 0, "symmetric": 1, "skew-symmetric": -1}


def read(path: str, lines: Iterable[str], check_claim: Callable[[int, str], None]) -> Any:
    """A CSR array, or an array if the file holds every entry; `check_claim` is asked about the rows and columns claimed.

    Raises
    ------
    FileError
        If it is not what the format says.
    """
    lines = iter(lines)
    layout, kind, symmetry = banner(path, next(lines, ""))
    sizes = next((line for line in lines if line.strip() and not line.startswith("%")), "").split()
    if len(sizes) != 2 + (layout == "coordinate") or not all(size.isdecimal() for size in sizes):
        raise FileError(
            f"{path} cannot be read as Matrix Market: its sizes are {' '.join(sizes)!r}"
        )
    n_rows, n_columns, *entries = (int(size) for size in sizes)
    check_claim(n_rows, "rows")
    check_claim(n_columns, "columns")
    if symmetry and n_rows != n_columns:
        raise FileError(f"{path} claims to be symmetric with {n_rows} rows and {n_columns} columns")
    if layout == "array":
        return every(path, lines, (n_rows, n_columns), symmetry)
    return some(path, lines, (n_rows, n_columns), entries[0], kind == "pattern", symmetry)


def banner(path: str, line: str) -> tuple[str, str, int]:
    """Layout, kind of numbers and symmetry, from the first line."""
    words = line.lower().split()
    if len(words) != 5 or words[:2] != [BANNER, "matrix"]:
        raise FileError(
            f"{path} cannot be read as Matrix Market: its first line is {line.strip()[:60]!r}"
        )
    layout, kind, symmetry = words[2:]
    if layout not in LAYOUTS or kind not in FIELDS or symmetry not in SYMMETRIES:
        raise FileError(
            f"{path} is a Matrix Market file of a kind that is no table: {' '.join(words[2:])}"
        )
    if layout == "array" and kind == "pattern":
        raise FileError(
            f"{path} is a Matrix Market file of a kind that is no table: {' '.join(words[2:])}"
        )
    return layout, kind, SYMMETRIES[symmetry]


def numbers(path: str, lines: Iterator[str], width: int, count: int) -> np.ndarray:
    """The lines that follow as numbers, (count, width)."""
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        found = np.zeros((0, width))
    else:
        try:
            found = np.loadtxt((line for line in (first, *lines)), comments="%", ndmin=2)
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise FileError(f"{path} cannot be read as Matrix Market: {reason}") from None
    if found.shape != (count, width):
        raise FileError(
            f"{path} claims {count} entries of {width} numbers, and has {found.shape[0]} of {found.shape[1]}: "
            "was it cut off?"
        )
    return found


def some(
    path: str,
    lines: Iterator[str],
    shape: tuple[int, int],
    count: int,
    pattern: bool,
    symmetry: int,
) -> Any:
    """The entries that are there."""
    import scipy.sparse

    found = numbers(path, lines, 2 if pattern else 3, count)
    places = found[:, :2]
    wrong = (places != np.floor(places)) | (places < 1) | (places > shape)
    if wrong.any():
        entry = int(np.argmax(wrong.any(axis=1)))
        row, column = places[entry]
        raise FileError(
            f"{path}: entry {entry + 1} stands in row {row:g}, column {column:g} of {shape[0]} rows and {shape[1]} columns"
        )
    i, j = (places.T - 1).astype(np.int64)
    values = np.ones(count) if pattern else found[:, 2]
    if symmetry:
        other = i != j
        i, j = np.concatenate([i, j[other]]), np.concatenate([j, i[other]])
        values = np.concatenate([values, symmetry * values[other]])
    return scipy.sparse.csr_array(scipy.sparse.coo_array((values, (i, j)), shape=shape))


def every(path: str, lines: Iterator[str], shape: tuple[int, int], symmetry: int) -> np.ndarray:
    """All entries, column by column; of a symmetric matrix those on and below the diagonal."""
    n_rows, n_columns = shape
    if not symmetry:
        return numbers(path, lines, 1, n_rows * n_columns).reshape(n_columns, n_rows).T.copy()
    strict = symmetry < 0
    count = n_rows * (n_rows - 1) // 2 if strict else n_rows * (n_rows + 1) // 2
    values = numbers(path, lines, 1, count)[:, 0]
    matrix = np.zeros(shape)
    j, i = np.triu_indices(n_rows, k=1 if strict else 0)
    matrix[i, j] = values
    matrix[j, i] = np.where(i == j, values, symmetry * values)
    return matrix

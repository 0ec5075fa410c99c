"""Arrays in a Zarr store as Dask arrays, in the store's own chunks: of rows, of columns, or of both.

A store is one array, whose columns are called x1, x2, ...; or a group of arrays, of which the one with two axes holds the
inputs, and another, named as the target, a value or a few per row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from twolayer.distributed.ordered_results import results_in_order
from twolayer.errors import EngineError, FileError, InputError
from twolayer.text import first_names

NUMBERED = re.compile(r"x([1-9]\d*)")


def open_zarr(path: str, targets: Sequence[str]) -> tuple[Any, Any, np.ndarray]:
    """Return the inputs, shape (n_rows, n_inputs), and the targets, (n_rows,) or (n_rows, n_targets), as Dask arrays.

    The third is the places of the inputs among the columns of their array, shape (n_inputs,). Without targets the second
    is None.

    Raises
    ------
    EngineError
        If zarr is not installed.
    FileError, InputError
        If the store cannot be read, has no such target, or its arrays do not fit each other.
    """
    if find_spec("zarr") is None:
        raise EngineError(f"{path} is a Zarr store, and zarr is not installed: pip install zarr")
    import dask.array as da
    import zarr

    try:
        store = zarr.open(path, mode="r")
    except (OSError, ValueError, KeyError) as error:
        raise FileError(f"{path} cannot be read as a Zarr store: {error}") from None
    if not hasattr(store, "arrays"):
        return split_columns(path, da.from_zarr(store), targets)
    arrays = dict(store.arrays())
    inputs = inputs_array(path, arrays, targets)
    x = da.from_zarr(arrays[inputs])
    parts = [da.from_zarr(arrays[name]) for name in targets]
    for name, part in zip(targets, parts, strict=True):
        if part.shape[0] != x.shape[0] or part.ndim > 2 or (part.ndim > 1 and len(parts) > 1):
            raise InputError(
                f"{path}: the array '{name}', the target, has the shape {part.shape}, and the inputs '{inputs}' {x.shape}: "
                "the target needs a value for each row"
            )
    check_dtypes(path, {inputs: x.dtype})
    if not parts:
        return x, None, np.arange(x.shape[1])
    y = parts[0] if len(parts) == 1 else da.stack(parts, axis=1)
    return x, y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y, np.arange(x.shape[1])


def inputs_array(path: str, arrays: dict[str, Any], targets: Sequence[str]) -> str:
    """Return the name of the array with the inputs: the only one with two axes that is not a target."""
    lacking = [name for name in targets if name not in arrays]
    if lacking:
        raise InputError(
            f"{path} has no array '{lacking[0]}': it holds {first_names(arrays) or 'none'}; name the target with --target"
        )
    found = [
        name for name, array in arrays.items() if name not in targets and len(array.shape) == 2
    ]
    if len(found) != 1:
        what = first_names(found) if found else "none"
        raise InputError(
            f"{path} must hold one array with two axes beside the target, the inputs (rows, columns); it holds {what}"
        )
    return found[0]


def split_columns(path: str, array: Any, targets: Sequence[str]) -> tuple[Any, Any, np.ndarray]:
    """Return inputs and targets of an array whose columns are called x1, x2, ..., and the places of the inputs."""
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(
            f"{path} must be an array of rows and columns, or a group of arrays; its shape is {array.shape}"
        )
    check_dtypes(path, {"": array.dtype})
    places = []
    for name in targets:
        found = NUMBERED.fullmatch(name)
        if not found or int(found[1]) > array.shape[1]:
            raise InputError(
                f"{path} has no column '{name}': the columns of an array are x1 to x{array.shape[1]}"
            )
        places.append(int(found[1]) - 1)
    rest = np.setdiff1d(np.arange(array.shape[1]), places)
    if not len(rest):
        raise InputError(f"{path} has no column but the target to learn from")
    if not places:
        return array, None, rest
    return array[:, rest], array[:, places[0]] if len(places) == 1 else array[:, places], rest


def check_dtypes(path: str, dtypes: dict[str, np.dtype]) -> None:
    """Raise InputError if an array holds other than real numbers."""
    for name, dtype in dtypes.items():
        if dtype.kind not in "fiub":
            which = f": the array '{name}'" if name else ""
            raise InputError(f"{path}{which} holds {dtype}, and must hold numbers")


def check_chunks(
    client: Any, path: str, x: Any, progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Raise InputError if some number of a Dask array is missing or infinite; the message names the first, and its chunk.

    The workers of the client read every chunk once.
    """
    if x.dtype.kind != "f":
        return
    chunks = x.to_delayed()
    offsets = [np.concatenate([[0], np.cumsum(sizes)]) for sizes in x.chunks]
    places = list(np.ndindex(chunks.shape))
    import dask

    check = dask.delayed(first_not_finite)
    found_in = results_in_order(client, [check(chunks[place]) for place in places], progress)
    for place, found in zip(places, found_in, strict=True):
        if found is None:
            continue
        row, column, value, count = found
        row, column = int(offsets[0][place[0]]) + row, int(offsets[1][place[1]]) + column
        content = "no value (NaN)" if np.isnan(value) else f"{value:g}"
        raise InputError(
            f"{path}: row {row:,}, column {column:,} (counted from 0) has {content}, the first of {count:,} such in chunk "
            f"{'.'.join(map(str, place))}: fill it in, or leave out that row or column"
        )


def first_not_finite(block: np.ndarray) -> tuple[int, int, float, int] | None:
    """Return row, column and value of the first number of a block that is not finite, and how many there are."""
    bad = ~np.isfinite(block)
    if not bad.any():
        return None
    row, column = np.argwhere(bad)[0].tolist()
    return row, column, float(block[row, column]), int(bad.sum())

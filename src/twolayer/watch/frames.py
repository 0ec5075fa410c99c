"""Frames: what a page needs for one picture of a run, and messages in bytes.

A message is the length of a header (four bytes, little-endian), the header in JSON, spaces up to a multiple of eight, and
the numbers of all arrays. In the header an array is `{"$array": [dtype, place, count]}`, and a number that JSON does not
have is `{"$number": "NaN"}`.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np

from twolayer.watch.engine_run import EngineRun, predictions

MOST_DRAWN = (128, 200)  # rows and columns of a picture; larger matrices are pooled
MOST_ROWS_DRAWN = 400  # of the map of units
MOST_TIMES = 300  # in the picture of the units over time
PLANE_CELLS = 61
MESSAGE_DTYPES = {
    np.dtype(name): name for name in ("float64", "float32", "uint8", "uint16", "int32")
}


def matrix_of(array: np.ndarray) -> np.ndarray:
    """Return an array as it is drawn: one-dimensional arrays are one row, a single number is one cell."""
    return np.atleast_2d(array)


def pooled(array: np.ndarray) -> dict[str, Any]:
    """Return a matrix in at most MOST_DRAWN cells: of each block, the entry with the largest magnitude."""
    table = matrix_of(array)
    rows, columns = table.shape
    tall, wide = (
        max(1, math.ceil(n / most)) for n, most in zip(table.shape, MOST_DRAWN, strict=True)
    )
    if tall == wide == 1:
        largest = table
    else:
        padded = np.zeros((math.ceil(rows / tall) * tall, math.ceil(columns / wide) * wide))
        padded[:rows, :columns] = table
        blocks = padded.reshape(len(padded) // tall, tall, -1, wide)
        high, low = blocks.max((1, 3)), blocks.min((1, 3))
        largest = np.where(high >= -low, high, low)
    bad = table.size - int(np.isfinite(table).sum())
    numbers = table[~np.isnan(table)] if bad else table
    return {
        "shape": list(array.shape),
        "rows": largest.shape[0],
        "columns": largest.shape[1],
        "tall": tall,
        "wide": wide,
        "values": largest.astype(np.float32).ravel(),
        "low": float(numbers.min()) if numbers.size else math.inf,
        "high": float(numbers.max()) if numbers.size else -math.inf,
        "bad": bad,
    }


def exact_window(
    array: np.ndarray, row: int, column: int, rows: int, columns: int
) -> dict[str, Any]:
    """Return exact values of a part of a variable."""
    table = matrix_of(array)
    first_row = max(0, min(row, len(table) - rows))
    first_column = max(0, min(column, table.shape[1] - columns))
    part = table[first_row : first_row + rows, first_column : first_column + columns]
    return {
        "shape": list(array.shape),
        "drawn": list(table.shape),
        "firstRow": first_row,
        "firstColumn": first_column,
        "values": [[float(value) for value in line] for line in part],
    }


def unit_map(run: EngineRun) -> dict[str, Any] | None:
    """Return on which of the first rows each unit is on, and on how many of all; None before the first forward line."""
    h = run.array("h")
    if h is None:
        return None
    part = h[:MOST_ROWS_DRAWN]
    on = (part > 0).astype(np.uint8).ravel()
    counts = (h > 0).sum(axis=0).astype(np.uint16)
    return {"rows": len(h), "drawn": len(part), "units": h.shape[1], "counts": counts, "on": on}


def thinned(history: list[np.ndarray]) -> list[np.ndarray]:
    """Return at most MOST_TIMES of the steps of a history, the last among them."""
    every = max(1, -(-len(history) // MOST_TIMES))
    last = len(history) - 1
    return [one for step, one in enumerate(history) if step % every == 0 or step == last]


def plane_map(run: EngineRun, is_classes: bool, reach: dict[str, float]) -> dict[str, Any] | None:
    """Return the network's answer on a grid of the plane, and on the rows; None unless there are two inputs."""
    x, y = run.array("x"), run.array("y")
    if x is None or y is None or x.shape[1] != 2 or y.ndim != 2 or not reach:
        return None
    across = np.linspace(reach["left"], reach["right"], PLANE_CELLS)
    down = np.linspace(reach["top"], reach["bottom"], PLANE_CELLS)
    grid = np.column_stack([part.ravel() for part in np.meshgrid(across, down)])
    outputs = predictions(grid, run)
    values = outputs.argmax(1) if is_classes else outputs[:, 0]
    new_x, new_y = run.tables.new_x, run.tables.new_y
    known = new_x is not None and new_y is not None
    return {
        "values": values.astype(np.float32),
        "reach": reach,
        "isClasses": is_classes,
        "points": plane_points(x, y, run, is_classes),
        "fresh": plane_points(new_x, new_y, run, is_classes) if known else [],
    }


def plane_points(x: Any, y: Any, run: EngineRun, is_classes: bool) -> list[dict[str, Any]]:
    """Return the rows of a table as points, each with its target and the network's answer."""
    tables = y, predictions(x, run)
    targets, answers = (
        (table.argmax(1) if is_classes else table[:, 0]).tolist() for table in tables
    )
    return [
        {"place": place, "target": target, "answer": answer}
        for place, target, answer in zip(x.tolist(), targets, answers, strict=True)
    ]


def rows_right(run: EngineRun) -> dict[str, int]:
    """Return how many rows have their own class as the largest output."""
    x, y = run.array("x"), run.array("y")
    assert x is not None
    assert y is not None
    right = predictions(x, run).argmax(1) == matrix_of(y).argmax(1)
    return {"right": int(right.sum()), "rows": len(x)}


def encode_message(content: Any) -> bytes:
    """Return a message with arrays and numbers of any kind, as bytes."""
    arrays: list[np.ndarray] = []
    place = 0

    def plain(value: Any) -> Any:
        nonlocal place
        if isinstance(value, np.ndarray):
            value = np.ascontiguousarray(value).ravel()
            entry = {"$array": [MESSAGE_DTYPES[value.dtype], place, value.size]}
            arrays.append(value)
            place += 8 * math.ceil(value.nbytes / 8)
            return entry
        if isinstance(value, dict):
            return {name: plain(part) for name, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(part) for part in value]
        if isinstance(value, float) and not math.isfinite(value):
            return {
                "$number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            }
        return value

    header = json.dumps(plain(content), ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-(4 + len(header)) % 8)
    padded = [array.tobytes() + bytes(-array.nbytes % 8) for array in arrays]
    return struct.pack("<I", len(header)) + header + b"".join(padded)


def decode_message(data: bytes) -> Any:
    """Return the content of a message.

    Raises
    ------
    ValueError
        If the bytes are not a message.
    """
    if len(data) < 4:
        raise ValueError("a message of fewer than four bytes")
    (length,) = struct.unpack_from("<I", data)
    numbers = data[4 + length :]
    names = {name: dtype for dtype, name in MESSAGE_DTYPES.items()}

    def known(value: dict[str, Any]) -> Any:
        if set(value) == {"$array"}:
            name, place, count = value["$array"]
            return np.frombuffer(numbers, names[name], count, place)
        if set(value) == {"$number"}:
            return float(value["$number"])
        return value

    try:
        return json.loads(data[4 : 4 + length], object_hook=known)
    except (KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"not a message: {error}") from error

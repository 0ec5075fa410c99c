"""The exact quartiles of the columns of a table in blocks of rows: counts of the blocks narrow down where they are.

Floats in order are whole numbers in order, read by their bits. A pass counts, in every block, the weight of the rows between
some of these numbers; the next one looks between the two around a quartile, which lie 64 times closer to each other. Once
few rows are left there, they go to the caller, and `estimators.column_quartiles` finds the quartile among them.
"""

from __future__ import annotations

import numpy as np

from twolayer.distributed.table_rows import TableRows
from twolayer.estimators.column_quartiles import LEVELS, values_at
from twolayer.estimators.training_rows import TrainingRows

PARTS_PER_PASS = 64  # into which a pass cuts the range around a quartile
ROWS_TO_CALLER = 2000  # at one place of a column, that may go to the caller
MOST_PASSES = 11  # 64¹¹ is above 2⁶⁴


def table_quartiles(table: TableRows, total: float) -> np.ndarray:
    """Return the quartiles of each column, shape (3, n_columns): those of `column_quartiles`.

    Parameters
    ----------
    table : TableRows
    total : float
        The weight of all rows.
    """
    margin = 1.0 + max(table.workers.each(block_largest_weight, table.blocks))
    places = np.array(LEVELS)[:, None] * (total - 1) * np.ones(table.n_inputs)  # (3, n_columns)
    low = np.full(places.shape, order_number(np.array(-np.inf)))
    high = np.full(places.shape, order_number(np.array(np.inf)))
    below, inside = np.zeros(places.shape), np.full(places.shape, total)
    for _ in range(MOST_PASSES):
        if (inside <= ROWS_TO_CALLER + 2 * margin).all() or table.n_rows <= ROWS_TO_CALLER:
            break
        edges = part_edges(low, high)
        weights = table.workers.sum(block_range_weights, table.blocks, edges)
        low, high, below, inside = narrowed(edges, below, weights, places, margin)
    blocks = table.workers.each(block_rows_between, table.blocks, low, high)
    return np.array(
        [
            [
                quartile([block[k][j] for block in blocks], below[k, j], places[k, j])
                for j in range(table.n_inputs)
            ]
            for k in range(len(LEVELS))
        ]
    )


def order_number(x: np.ndarray) -> np.ndarray:
    """Return whole numbers in the order of floats: their bits, of those below 0 turned round; 0 and -0 are one."""
    bits = (np.asarray(x, dtype=np.float64) + 0.0).view(np.int64)
    with np.errstate(over="ignore"):  # of those that are not taken
        return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def part_edges(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return PARTS_PER_PASS + 1 whole numbers from low to high, shape (PARTS_PER_PASS + 1, *low.shape)."""
    width = high.astype(np.uint64) - low.astype(np.uint64)  # wraps round to the right number
    step, rest = width // np.uint64(PARTS_PER_PASS), width % np.uint64(PARTS_PER_PASS)
    k = np.arange(PARTS_PER_PASS + 1, dtype=np.uint64).reshape(-1, *[1] * low.ndim)
    return (low.astype(np.uint64) + k * step + k * rest // np.uint64(PARTS_PER_PASS)).astype(
        np.int64
    )


def narrowed(
    edges: np.ndarray, below: np.ndarray, weights: np.ndarray, places: np.ndarray, margin: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return low, high, and the weight below and inside of the parts that hold the places, a margin to each side included.

    Parameters
    ----------
    edges : ndarray of int, shape (PARTS_PER_PASS + 1, 3, n_columns)
    below : ndarray, shape (3, n_columns)
        The weight of the rows below the first edge.
    weights : ndarray, shape (PARTS_PER_PASS, 3, n_columns)
        Of the rows in each part: above its lower edge, or on the first one, and up to its upper edge.
    """
    before = below + np.concatenate([np.zeros((1, *below.shape)), np.cumsum(weights, axis=0)])
    first = np.maximum((before <= places - margin).sum(axis=0) - 1, 0)
    last = np.minimum((before < places + margin).sum(axis=0), PARTS_PER_PASS)
    last = np.maximum(last, first + 1)

    def at(array: np.ndarray, k: np.ndarray) -> np.ndarray:
        return np.take_along_axis(array, k[None], axis=0)[0]

    # rows on a lower edge belong to the part before it
    low = np.where(first > 0, at(edges, first) + 1, at(edges, first))
    low, high = np.minimum(low, at(edges, last)), at(edges, last)
    return low, high, at(before, first), at(before, last) - at(before, first)


def quartile(blocks: list[np.ndarray], below: float, place: float) -> float:
    """Return the value at a place of a column.

    Parameters
    ----------
    blocks : list of ndarray, shape (4, n_values)
        Of each block values in order, the weight of their rows, and of the first and the last of these rows.
    below : float
        The weight of the rows below all values.
    """
    values, weights, first, last = np.concatenate(blocks, axis=1)
    order = np.argsort(values, kind="stable")
    values, weights, first, last = (one[order] for one in (values, weights, first, last))
    starts = np.flatnonzero(np.concatenate([[True], values[1:] > values[:-1]]))
    ends = np.append(starts[1:], len(values)) - 1
    total = np.add.reduceat(weights, starts)
    before = below + np.cumsum(total) - total
    # a row of weight below 1 has the middle of its share as its place
    low = before - np.maximum(1 - first[starts], 0) / 2
    high = before + total - 1 + np.maximum(1 - last[ends], 0) / 2
    places = np.stack([low, np.maximum(low, high)], axis=-1).reshape(1, -1)
    return float(values_at(np.array([[place]]), places, values[starts].repeat(2)[None])[0])


def block_largest_weight(rows: TrainingRows) -> float:
    """Return the largest row weight."""
    return 1.0 if rows.s is None else float(rows.s.max())


def block_range_weights(rows: TrainingRows, edges: np.ndarray) -> np.ndarray:
    """Return the weight of the rows in each part, shape (PARTS_PER_PASS, 3, n_columns), as `narrowed` takes them."""
    weights = np.zeros((len(edges) - 1, *edges.shape[1:]))
    for j in range(edges.shape[2]):
        numbers = order_number(rows.x[:, j])
        for k in range(edges.shape[1]):
            own = edges[:, k, j]
            inside = (numbers >= own[0]) & (numbers <= own[-1])
            part = np.maximum(np.searchsorted(own, numbers[inside], side="left") - 1, 0)
            s = None if rows.s is None else rows.s[inside]
            weights[:, k, j] = np.bincount(part, weights=s, minlength=len(own) - 1)
    return weights


def block_rows_between(
    rows: TrainingRows, low: np.ndarray, high: np.ndarray
) -> list[list[np.ndarray]]:
    """Return for each quartile and column what `quartile` takes of a block: the values from low to high."""
    found = []
    for k in range(len(low)):
        own = []
        for j in range(low.shape[1]):
            x = rows.x[:, j].astype(np.float64)
            numbers = order_number(x)
            inside = (numbers >= low[k, j]) & (numbers <= high[k, j])
            s = np.ones(inside.sum()) if rows.s is None else rows.s[inside]
            own.append(equal_values(x[inside], s))
        found.append(own)
    return found


def equal_values(x: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Return the values in order, the weight of their rows, and that of the first and last row; (4, n_values)."""
    order = np.argsort(x, kind="stable")
    x, s = x[order], s[order]
    starts = np.flatnonzero(np.concatenate([[True], x[1:] > x[:-1]])) if len(x) else order
    ends = np.append(starts[1:], len(x)) - 1 if len(x) else order
    total = np.add.reduceat(s, starts) if len(x) else s
    return np.stack([x[starts], total, s[starts], s[ends]])

"""Row digests that are sums over columns, so that a table in blocks of columns has those of the table in one piece.

The bits of each number are mixed with a key of the number's column, and the mixtures are added up modulo 2⁶⁴. The mixture is
that of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), in which each bit of the number changes half of the bits.
"""

from __future__ import annotations

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
NUMBERS_AT_ONCE = 1 << 16  # so that they stay in the processor's cache


def digest_sums(x: np.ndarray, first: int = 0) -> np.ndarray:
    """Return the digest of each row, shape (n_rows,), of uint64; two that differ by a column are different rows.

    Parameters
    ----------
    x : ndarray of float64, shape (n_rows, n_columns)
    first : int
        The number of its first column in the whole table.
    """
    n_rows, n_columns = x.shape
    total = np.zeros(n_rows, dtype=np.uint64)
    width = max(1, NUMBERS_AT_ONCE // max(n_rows, 1))
    for start in range(0, n_columns, width):
        part = np.ascontiguousarray(x[:, start : start + width])
        numbers = np.arange(first + start + 1, first + start + 1 + part.shape[1], dtype=np.uint64)
        total += mixed(part.view(np.uint64) ^ mixed(numbers * GOLDEN)).sum(axis=1)
    return total


def mixed(bits: np.ndarray) -> np.ndarray:
    """Return numbers of uint64 with their bits mixed; they are overwritten."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        bits ^= bits >> np.uint64(shift)
        bits *= np.uint64(factor)
    return bits

"""A wide table in as few columns as it has rows, for the L-BFGS of any library: the span, in plain NumPy.

With k = x @ x.T = z @ z.T there are orthonormal rows q with x = z @ q. Training `z` from `q @ w1_start` is training `x` from
`w1_start` seen in other axes, step by step. The part of `w1_start` outside the span has no gradient but decays: it is one
more row of weights, as long as that part, under a column of zeros.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twolayer.maths.network import Params


@dataclass(frozen=True, eq=False)
class Rotation:
    """The table and the first weights in those axes, and the way back.

    Attributes
    ----------
    z : ndarray, shape (n_rows, rank + 1)
    params : Params
        `w1` of shape (rank + 1, n_hidden); the other weights as they were.
    basis : ndarray, shape (n_rows, rank)
        `q = basis.T @ x`.
    """

    x: np.ndarray
    z: np.ndarray
    start: Params
    params: Params
    basis: np.ndarray

    def recovered(self, end: Params) -> Params:
        """Return the network on the table's columns, `w1` of shape (n_inputs, n_hidden), from that on the axes."""
        shrunk = end.w1[-1, 0] / self.params.w1[-1, 0]
        moved = end.w1[:-1] - shrunk * self.params.w1[:-1]
        return replace(end, w1=shrunk * self.start.w1 + self.x.T @ (self.basis @ moved))


def rotate(x: np.ndarray, params: Params) -> Rotation:
    """Return the table in the axes of its own rows."""
    squares, u = np.linalg.eigh(x @ x.T)
    kept = squares > len(x) * np.finfo(x.dtype).eps * squares[-1]
    lengths, u = np.sqrt(squares[kept]), u[:, kept]
    basis = u / lengths
    inside = basis.T @ (x @ params.w1)  # (rank, n_hidden)
    outside = np.zeros_like(inside[:1])
    outside[0, 0] = np.sqrt(np.square(params.w1).sum() - np.square(inside).sum())
    z = np.hstack([u * lengths, np.zeros((len(x), 1))])
    return Rotation(x, z, params, replace(params, w1=np.vstack([inside, outside])), basis)

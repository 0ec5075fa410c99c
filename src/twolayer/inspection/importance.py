"""What the weights themselves say: which inputs carry most, and which units do nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.maths.network import Params

IDLE = 1e-3  # share of the busiest unit's part in the output, below which a unit does nothing
ROWS = 2000  # more tell no more about a unit


def spreads(x: Any) -> np.ndarray:
    """The standard deviation of each column, shape (n_inputs,); of a sparse table its root mean square."""
    if is_sparse(x):
        return np.sqrt(np.asarray(x.multiply(x).mean(axis=0)).ravel())
    return x.std(axis=0)


def by_weights(networks: list[Params], spread: np.ndarray) -> np.ndarray:
    """Each input's share of the paths through the network, shape (n_inputs,), adding up to 1.

    |w1|·spread of an input, split over the hidden units and carried on by ‖w2‖ of each, as in Garson's method (Garson,
    *Interpreting neural-network connection weights*, AI Expert 6 (1991) 46-51), without its division by unit: a unit that
    the outputs hardly hear does not count as much as another. Inputs that move together share what one alone would have.
    """
    total = np.zeros(len(spread))
    for params in networks:
        paths = np.abs(params.w1) @ np.linalg.norm(params.w2, axis=1)
        if params.w_skip is not None:
            paths = paths + np.linalg.norm(params.w_skip, axis=1)
        total += paths * spread
    return total / total.sum() if total.sum() else total


def directions(networks: list[Params], spread: np.ndarray) -> np.ndarray:
    """The sum of w1·w2 over the paths from each input to a single output, shape (n_inputs,): its sign is a tendency.

    The connection weights of Olden & Jackson, *Illuminating the "black box"*, Ecological Modelling 154 (2002) 135-150.
    """
    total = np.zeros(len(spread))
    for params in networks:
        total += (params.w1 @ params.w2)[:, 0] * spread
        if params.w_skip is not None:
            total += params.w_skip[:, 0] * spread
    return total


def idle_units(model: Any, x: Any) -> list[int]:
    """How many units of each network move no output on these rows.

    A unit's part is the spread of its activation over the rows times ‖w2‖ of it.
    """
    x = x[:ROWS]
    activation = model._activation()
    counts = []
    for params in model._each_network():
        h = x @ params.w1 + (0 if params.b1 is None else params.b1)  # (n_rows, n_hidden)
        part = activation.value(h).std(axis=0) * np.linalg.norm(params.w2, axis=1)
        counts.append(int((part <= IDLE * part.max()).sum()))
    return counts

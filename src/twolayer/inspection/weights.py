"""What the weights alone say: which inputs carry most, and which units do nothing.

Shares and products of weights are quick, and need no targets; a weight on an input that hardly varies, or that another
input repeats, fools them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.maths.network import Params

IDLE_THRESHOLD = (
    1e-3  # share of the busiest unit's part in the output, below which a unit does nothing
)
ROWS_PER_BLOCK = 2000  # more tell no more about a unit
MANY_INPUTS_COUNT = 100  # of fewer, it means little how weight is spread over them
CHANCE_SHARE = 0.2  # half of the weight of a linear model whose weights are drawn by chance is in 24% of its inputs


def column_spreads(x: Any) -> np.ndarray:
    """The standard deviation of each column, shape (n_inputs,); of a sparse table its root mean square."""
    if is_sparse(x):
        return np.sqrt(np.asarray(x.multiply(x).mean(axis=0)).ravel())
    return x.std(axis=0)


def weight_shares(networks: list[Params], spread: np.ndarray) -> np.ndarray:
    """Each input's share of the paths through the network, shape (n_inputs,), adding up to 1.

    |w1|·spread of an input, split over the hidden units and carried on by ‖w2‖ of each, as in Garson's method (Garson,
    *Interpreting neural-network connection weights*, AI Expert 6 (1991) 46-51), without its division by unit: a unit that
    the outputs hardly hear does not count as much as another. Inputs that move together share what one alone would have.
    """
    total = np.zeros(len(spread))
    for params in networks:
        hidden, direct = _paths(params)
        total += (hidden + direct) * spread
    return total / total.sum() if total.sum() else total


def _paths(params: Params) -> tuple[np.ndarray, np.ndarray]:
    """The weight of the paths from each input, (n_inputs,) each: those through the hidden layer, and the direct ones."""
    hidden = np.abs(params.w1) @ np.linalg.norm(params.w2, axis=1)
    if params.w_skip is None:
        return hidden, np.zeros_like(hidden)
    return hidden, np.linalg.norm(params.w_skip, axis=1)


def skip_share(networks: list[Params], spread: np.ndarray) -> float:
    """The share of the weight of all paths that runs straight from inputs to outputs: near 1 the network is nearly linear.

    Examples
    --------
    >>> import numpy as np, twolayer as tl
    >>> from twolayer.inspection.weights import direct_share
    >>> params = tl.Params(np.array([[2.0]]), None, np.array([[3.0]]), None, np.array([[-2.0]]))
    >>> direct_share([params], np.ones(1))
    0.25
    """
    both = np.array([[part @ spread for part in _paths(params)] for params in networks]).sum(axis=0)
    return float(both[1] / both.sum()) if both.sum() else 0.0


def fewest_inputs(share: np.ndarray, part: float = 0.5) -> int:
    """The fewest inputs that together have this part of all shares.

    Examples
    --------
    >>> import numpy as np
    >>> from twolayer.inspection.weights import fewest
    >>> fewest(np.array([0.1, 0.3, 0.2, 0.4]))
    2
    """
    total = np.cumsum(np.sort(share)[::-1])
    return int(np.searchsorted(total, part * total[-1] * (1 - 1e-12)) + 1)


def looks_like_chance(share: np.ndarray) -> bool:
    """Whether many inputs share the weight as evenly as if weights were drawn by chance.

    Examples
    --------
    >>> import numpy as np
    >>> from twolayer.inspection.weights import as_by_chance
    >>> as_by_chance(np.ones(1000)), as_by_chance(np.ones(10)), as_by_chance(0.9 ** np.arange(1000))
    (True, False, False)
    """
    return len(share) >= MANY_INPUTS_COUNT and fewest_inputs(share) > CHANCE_SHARE * len(share)


def signed_effects(model: Any, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Olden's products of each input with each output, and the share of the networks that agree with their sign.

    Of more than two classes the mean over classes is taken off: what all logits have in common moves no probability.

    Returns
    -------
    products, agree : ndarray, shape (n_inputs, n_outputs)
        The mean over networks.
    """
    each = np.stack([olden_products(params, spread) for params in model._each_network()])
    if each.shape[-1] > 1 and hasattr(model, "classes_") and not model._several_labels:
        each = each - each.mean(axis=-1, keepdims=True)
    mean = each.mean(axis=0)
    return mean, (np.sign(each) == np.sign(mean)).mean(axis=0)


def garson_shares(params: Params, spread: Any = None) -> np.ndarray:
    """Garson's shares: how much of each output's hidden units comes from each input, by |weights|.

    Of every hidden unit, each input has its share of Σ|w1|; the shares are added up with |w2| for weights. A direct path
    (`w_skip`) has no place in the method, and is left out: what is told is the hidden layer.

    Parameters
    ----------
    params : Params
        Of one network.
    spread : array-like, shape (n_inputs,), or None
        The standard deviation of each input: weights count in units of it.

    Returns
    -------
    shares : ndarray, shape (n_inputs, n_outputs)
        Each column adds up to 1 (or is 0 where all weights are).

    Source: Garson, *Interpreting neural-network connection weights*, AI Expert 6 (1991) 46-51.

    Examples
    --------
    >>> import numpy as np, twolayer as tl
    >>> from twolayer.inspection.weights import garson
    >>> params = tl.Params(np.array([[3.0, 1.0], [1.0, 1.0]]), None, np.array([[1.0], [-1.0]]), None)
    >>> garson(params).ravel().tolist()
    [0.625, 0.375]
    """
    w1 = np.abs(_in_spreads(params.w1, spread))
    total = w1.sum(axis=0)
    shares = (w1 / np.where(total > 0, total, 1)) @ np.abs(params.w2)
    total = shares.sum(axis=0)
    return shares / np.where(total > 0, total, 1)


def olden_products(params: Params, spread: Any = None) -> np.ndarray:
    """Olden's products: Σ over hidden units of w1·w2, plus the direct path; its sign is a tendency.

    Parameters
    ----------
    params : Params
        Of one network.
    spread : array-like, shape (n_inputs,), or None
        As in `garson`.

    Returns
    -------
    products : ndarray, shape (n_inputs, n_outputs)

    Source: Olden & Jackson, *Illuminating the "black box"*, Ecological Modelling 154 (2002) 135-150.

    Examples
    --------
    >>> import numpy as np, twolayer as tl
    >>> from twolayer.inspection.weights import olden
    >>> params = tl.Params(np.array([[3.0, 1.0], [1.0, 1.0]]), None, np.array([[1.0], [-1.0]]), None)
    >>> olden(params).ravel().tolist()
    [2.0, 0.0]
    """
    products = params.w1 @ params.w2
    if params.w_skip is not None:
        products = products + params.w_skip
    return _in_spreads(products, spread)


def _in_spreads(w: np.ndarray, spread: Any) -> np.ndarray:
    return w if spread is None else w * np.asarray(spread, dtype=float)[:, None]


def network_mean(method: Callable[..., np.ndarray], model: Any, spread: Any) -> np.ndarray:
    """The mean of `garson` or `olden` over the networks of a fitted estimator, (n_inputs, n_outputs)."""
    return np.mean([method(one, spread) for one in model._each_network()], axis=0)


def idle_unit_counts(model: Any, x: Any) -> list[int]:
    """How many units of each network move no output on these rows.

    A unit's part is the spread of its activation over the rows times ‖w2‖ of it.
    """
    x = x[:ROWS_PER_BLOCK]
    activation = model._activation()
    counts = []
    for params in model._each_network():
        h = x @ params.w1 + (0 if params.b1 is None else params.b1)  # (n_rows, n_hidden)
        part = activation.value(h).std(axis=0) * np.linalg.norm(params.w2, axis=1)
        counts.append(int((part <= IDLE_THRESHOLD * part.max()).sum()))
    return counts

"""What the weights alone show: which inputs carry most weight, and which hidden units do nothing.

Shares and products of weights are quick to compute and need no targets. They mislead where an input hardly varies, or
where inputs are correlated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.maths.activations import Activation
from twolayer.maths.network import Params

IDLE_THRESHOLD = 1e-3  # of the largest contribution of a unit: a unit with less is idle
MAX_UNIT_ROWS = 2000  # rows on which hidden units are observed: more change little
FEWEST_DIFFUSE_INPUTS = 100
OPPOSED_SHARE = (
    0.1  # of the hidden layer's product: a smaller one of the skip layer decides no sign
)
# Of a linear model with random weights, 24% of the inputs hold half of the weight
DIFFUSE_SHARE = 0.2


def column_spreads(x: Any) -> np.ndarray:
    """Return the standard deviation of each column, shape (n_inputs,); of a sparse table its root mean square."""
    if is_sparse(x):
        return np.sqrt(np.asarray(x.multiply(x).mean(axis=0)).ravel())
    return x.std(axis=0)


def network_spreads(model: Any, x: Any) -> np.ndarray:
    """Return the standard deviation of each column as each network sees it, shape (n_networks, n_inputs)."""
    if model.input_clip_ is None:
        return np.repeat(column_spreads(x)[None], model.n_networks_, axis=0)
    unclipped, clipped = column_spreads(x), column_spreads(model.input_clip_.columns(x))
    return np.where(model.input_clip_.networks[:, None], clipped, unclipped)


def weight_shares(networks: list[Params], spread: np.ndarray) -> np.ndarray:
    """Return each input's share of the weight of all paths through the networks, shape (n_inputs,), with sum 1.

    |w1|·spread of an input, split over the hidden units and multiplied by ‖w2‖ of each, as in Garson's method (Garson,
    *Interpreting neural-network connection weights*, AI Expert 6 (1991) 46-51), without its division by unit: a unit with
    small weights to the outputs counts less than another. Correlated inputs share what one of them alone would have.
    `spread` is the same for all networks, shape (n_inputs,), or has a row for each.
    """
    total = np.zeros(spread.shape[-1])
    for params, own in zip(networks, _spread_rows(spread, networks), strict=True):
        hidden, direct = _path_weights(params)
        total += (hidden + direct) * own
    return total / total.sum() if total.sum() else total


def _spread_rows(spread: Any, networks: list[Params]) -> Any:
    """Return a row of spreads, or None, for each network."""
    if spread is None or np.ndim(spread) == 1:
        return [spread] * len(networks)
    return spread


def _path_weights(params: Params) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of the paths from each input, (n_inputs,): through the hidden layer, and through the skip layer."""
    hidden = np.abs(params.w1) @ np.linalg.norm(params.w2, axis=1)
    if params.w_skip is None:
        return hidden, np.zeros_like(hidden)
    return hidden, np.linalg.norm(params.w_skip, axis=1)


def skip_share(networks: list[Params], spread: np.ndarray) -> float:
    """Return the share of the weight of all paths that is in the skip layer: near 1 the network is nearly linear.

    Examples
    --------
    >>> import numpy as np, twolayer as tl
    >>> from twolayer.inspection.weights import skip_share
    >>> params = tl.Params(np.array([[2.0]]), None, np.array([[3.0]]), None, np.array([[-2.0]]))
    >>> skip_share([params], np.ones(1))
    0.25
    """
    pairs = zip(networks, _spread_rows(spread, networks), strict=True)
    paths = [[weights @ own for weights in _path_weights(params)] for params, own in pairs]
    total = np.array(paths).sum(axis=0)
    return float(total[1] / total.sum()) if total.sum() else 0.0


def fewest_inputs(share: np.ndarray, part: float = 0.5) -> int:
    """Return the smallest number of inputs whose shares add up to this part of the total.

    Examples
    --------
    >>> import numpy as np
    >>> from twolayer.inspection.weights import fewest_inputs
    >>> fewest_inputs(np.array([0.1, 0.3, 0.2, 0.4]))
    2
    """
    total = np.cumsum(np.sort(share)[::-1])
    return int(np.searchsorted(total, part * total[-1] * (1 - 1e-12)) + 1)


def is_diffuse(share: np.ndarray) -> bool:
    """Return whether many inputs share the weight as evenly as random weights would.

    Examples
    --------
    >>> import numpy as np
    >>> from twolayer.inspection.weights import is_diffuse
    >>> is_diffuse(np.ones(1000)), is_diffuse(np.ones(10)), is_diffuse(0.9 ** np.arange(1000))
    (True, False, False)
    """
    return len(share) >= FEWEST_DIFFUSE_INPUTS and fewest_inputs(share) > DIFFUSE_SHARE * len(share)


def signed_effects(model: Any, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Olden's products of each input with each output, and the share of the networks that have the same sign.

    With more than two classes, the mean over classes is subtracted: what all logits have in common changes no probability.

    Returns
    -------
    products, agreement : ndarray, shape (n_inputs, n_outputs)
        The products are means over the networks. A network whose hidden layer works against its skip layer, and has the
        larger weights, agrees with no sign: which of the two prevails depends on how many of its units are on.
    """
    pairs = list(zip(model.networks_, _spread_rows(spread, model.networks_), strict=True))
    each = np.stack([olden_products(params, own) for params, own in pairs])
    hidden = np.stack([olden_products(replace(one, w_skip=None), own) for one, own in pairs])
    if each.shape[-1] > 1 and hasattr(model, "classes_") and not model.several_labels_:
        each, hidden = (one - one.mean(axis=-1, keepdims=True) for one in (each, hidden))
    mean, skip = each.mean(axis=0), each - hidden
    opposed = (skip * each < 0) & (np.abs(skip) > OPPOSED_SHARE * np.abs(hidden))
    return mean, ((np.sign(each) == np.sign(mean)) & ~opposed).mean(axis=0)


def garson_shares(params: Params, spread: Any = None) -> np.ndarray:
    """Return Garson's shares: how much of each output's hidden units comes from each input, by |weights|.

    Each input has its share of Σ|w1| of every hidden unit; these shares are averaged with weights |w2|. The method has no
    place for a skip layer (`w_skip`): the shares are those of the hidden layer alone.

    Parameters
    ----------
    params : Params
        Of one network.
    spread : array-like, shape (n_inputs,), or None
        The standard deviation of each input, which multiplies its weights.

    Returns
    -------
    shares : ndarray, shape (n_inputs, n_outputs)
        Each column has sum 1 (or 0 where all weights are 0).

    Source: Garson, *Interpreting neural-network connection weights*, AI Expert 6 (1991) 46-51.

    Examples
    --------
    >>> import numpy as np, twolayer as tl
    >>> from twolayer.inspection.weights import garson_shares
    >>> params = tl.Params(np.array([[3.0, 1.0], [1.0, 1.0]]), None, np.array([[1.0], [-1.0]]), None)
    >>> garson_shares(params).ravel().tolist()
    [0.625, 0.375]
    """
    w1 = np.abs(_scale_inputs(params.w1, spread))
    total = w1.sum(axis=0)
    shares = (w1 / np.where(total > 0, total, 1)) @ np.abs(params.w2)
    total = shares.sum(axis=0)
    return shares / np.where(total > 0, total, 1)


def olden_products(params: Params, spread: Any = None) -> np.ndarray:
    """Return Olden's products: Σ over hidden units of w1·w2, plus the skip layer; the sign shows a tendency.

    Parameters
    ----------
    params : Params
        Of one network.
    spread : array-like, shape (n_inputs,), or None
        As in `garson_shares`.

    Returns
    -------
    products : ndarray, shape (n_inputs, n_outputs)

    Source: Olden & Jackson, *Illuminating the "black box"*, Ecological Modelling 154 (2002) 135-150.

    Examples
    --------
    >>> import numpy as np, twolayer as tl
    >>> from twolayer.inspection.weights import olden_products
    >>> params = tl.Params(np.array([[3.0, 1.0], [1.0, 1.0]]), None, np.array([[1.0], [-1.0]]), None)
    >>> olden_products(params).ravel().tolist()
    [2.0, 0.0]
    """
    products = params.w1 @ params.w2
    if params.w_skip is not None:
        products = products + params.w_skip
    return _scale_inputs(products, spread)


def _scale_inputs(w: np.ndarray, spread: Any) -> np.ndarray:
    return w if spread is None else w * np.asarray(spread, dtype=float)[:, None]


def network_mean(method: Callable[..., np.ndarray], model: Any, spread: Any) -> np.ndarray:
    """Return the mean of `garson_shares` or `olden_products` over the networks of a fitted estimator."""
    pairs = zip(model.networks_, _spread_rows(spread, model.networks_), strict=True)
    return np.mean([method(params, own) for params, own in pairs], axis=0)


def hidden_layer(params: Params, activation: Activation, x: Any) -> np.ndarray:
    """Return the hidden layer `h_relu` of one network, shape (n_rows, n_hidden), for at most MAX_UNIT_ROWS rows.

    `x` holds the columns as this network sees them: one of the model's `network_inputs`.
    """
    h = x[:MAX_UNIT_ROWS] @ params.w1 + (0 if params.b1 is None else params.b1)
    return activation.value(h)


def idle_unit_counts(model: Any, x: Any) -> list[int]:
    """Return how many hidden units of each network change no output on these rows.

    A unit's contribution is the standard deviation of its activation over the rows, times ‖w2‖ of the unit.
    """
    counts = []
    inputs = model.without_feature_names().network_inputs(x[:MAX_UNIT_ROWS])
    for params, own in zip(model.networks_, inputs, strict=True):
        h_relu = hidden_layer(params, model.activation_, own)
        contribution = h_relu.std(axis=0) * np.linalg.norm(params.w2, axis=1)
        counts.append(int((contribution <= IDLE_THRESHOLD * contribution.max()).sum()))
    return counts

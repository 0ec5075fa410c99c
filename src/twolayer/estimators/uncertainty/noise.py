"""The noise: how far targets scatter around a network's prediction, estimated on the rows of training.

Residuals of training are too small, as the network has fitted each of its rows. How much too small follows from its
gradients. Near its minimum a network is linear in its weights, and its predictions are y_hat = H y with

    H = K (K + alpha·I)⁻¹,    K = J Jᵀ,    J the derivative of each row's prediction by all weights.

As in ridge regression, the residual of a row left out of training is residual / (1 − H_ii), without a new training. For a
two-layer network K needs no J (with D the activation's derivative):

    K = (x xᵀ + 1) ∘ (D diag(w2)² Dᵀ) + h hᵀ + 1  (+ x xᵀ with a skip layer).

Biases are not penalised, but are treated as weights here; row weights s enter as square roots on both sides of K.
The formula is Allen's PRESS (Technometrics 16, 1974); the linear view of a network is Moody's (NIPS 4, 1992).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.maths import network
from twolayer.maths.activations import Activation
from twolayer.maths.network import Params

NOISE_MAX_ROWS = 1500  # for eigenvalues; of a larger table, so many rows are drawn at random
LEAST_RESIDUAL_SHARE = 1e-3  # less is rounding


def noise_std(
    views: list[tuple[Any, list[Params]]],
    y: np.ndarray,
    s: np.ndarray | None,
    activation: Activation,
    alpha: float,
) -> np.ndarray:
    """Return the standard deviation of y around the prediction of a network for new rows, shape (n_outputs,).

    Parameters
    ----------
    views : list of (array, list of Params)
        The columns of the rows of training in its units, with the networks that see them so.
    y, s : arrays
        Targets and weights of those rows; s may be None.
    activation : Activation
    alpha : float
    """
    s = np.ones(len(y)) if s is None else s
    share = 1.0
    if len(y) > NOISE_MAX_ROWS:
        some = np.sort(np.random.default_rng(0).permutation(len(y))[:NOISE_MAX_ROWS])
        share = NOISE_MAX_ROWS / len(y)
        views = [(x[some], each) for x, each in views]
        y, s = y[some], s[some]
    outputs = [network.forward(x, one, activation) for x, each in views for one in each]
    shares = [
        residual_share(x, s, one, activation, alpha * share)
        for x, each in views
        for one in each[:2]
    ]
    without = (y - np.mean(outputs, axis=0)) / np.mean(shares, axis=0)  # (n_rows, n_outputs)
    return np.sqrt(np.average(np.square(without), axis=0, weights=s))


def residual_share(
    x: Any, s: np.ndarray, params: Params, activation: Activation, alpha: float
) -> np.ndarray:
    """Return 1 − H_ii for each row and output, shape (n_rows, n_outputs)."""
    gram = x @ x.T
    gram = gram.toarray() if is_sparse(gram) else gram
    h = x @ params.w1 + params.b1
    h_relu = activation.value(h, np)
    derivative = activation.derivative(h, h_relu, np)
    root = np.sqrt(s)
    shares = []
    for w2 in params.w2.T:
        slope = derivative * w2  # (n_rows, n_hidden)
        k = (gram + 1) * (slope @ slope.T) + h_relu @ h_relu.T + 1
        if params.w_skip is not None:
            k = k + gram
        squares, u = np.linalg.eigh(k * root * root[:, None])
        squares = np.maximum(squares, 0)
        decay = max(alpha, 1e-9 * squares[-1] + 1e-300)
        shares.append(np.square(u) @ (decay / (squares + decay)))
    return np.maximum(np.stack(shares, axis=1), LEAST_RESIDUAL_SHARE)

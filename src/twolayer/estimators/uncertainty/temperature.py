"""One number that makes probabilities as sure as they should be.

Networks that were trained long, or with little weight decay, are surer than they are right. Dividing all logits by a
temperature T leaves every order, and so every predicted class, as it is, and spreads the probabilities out (T > 1) or draws
them together (T < 1): Guo, Pleiss, Sun & Weinberger, *On calibration of modern neural networks*, ICML 2017. T is the one
with the least log loss on held-out rows. A few rows that were all predicted right would ask for T = 0: so a penalty,
½·ROWS·(log T)², holds T near 1 until some tens of rows speak against it.
"""

from __future__ import annotations

import numpy as np

from twolayer.maths.losses import Loss

PRIOR_ROWS = 10.0
LARGEST_LOG_T = 4.0  # of log T from 0


def best_temperature(logits: np.ndarray, y: np.ndarray, s: np.ndarray | None, loss: Loss) -> float:
    """The temperature for held-out rows.

    Parameters
    ----------
    logits, y : ndarray, shape (n_rows, n_outputs)
        y as in training: 0 and 1.
    s : ndarray, shape (n_rows,), or None
        Row weights.
    loss : Loss
        The log loss of such logits.
    """
    from scipy.optimize import minimize_scalar

    def cost(log_t: float) -> float:
        of_rows = loss.value(logits * np.exp(-log_t), y, s, 1.0)  # their sum
        return float(of_rows) + 0.5 * PRIOR_ROWS * log_t**2

    found = minimize_scalar(cost, bounds=(-LARGEST_LOG_T, LARGEST_LOG_T), method="bounded")
    return float(np.exp(found.x))

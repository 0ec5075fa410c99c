"""The temperature: one number that calibrates probabilities.

Networks that were trained long, or with little weight decay, are overconfident. Dividing all logits by a temperature T
leaves every order, and so every predicted class, as it is, and moves the probabilities towards equal ones (T > 1) or
towards 0 and 1 (T < 1): Guo, Pleiss, Sun & Weinberger, *On calibration of modern neural networks*, ICML 2017. T is the
one with the least log loss on held-out rows. A few rows that are all predicted right would make it 0: so a penalty,
½·PRIOR_ROWS·(log T)², keeps T near 1 until some tens of rows speak against it.
"""

from __future__ import annotations

import numpy as np

from twolayer.maths.losses import Loss

PRIOR_ROWS = 10.0
LARGEST_LOG_T = 4.0


def best_temperature(logits: np.ndarray, y: np.ndarray, s: np.ndarray | None, loss: Loss) -> float:
    """Return the temperature for held-out rows.

    Parameters
    ----------
    logits, y : ndarray, shape (n_rows, n_outputs)
        y holds 0 and 1, as in training.
    s : ndarray, shape (n_rows,), or None
        Row weights.
    loss : Loss
        The log loss of such logits.
    """
    from scipy.optimize import minimize_scalar

    def cost(log_t: float) -> float:
        total = loss.value(logits * np.exp(-log_t), y, s, 1.0)
        return float(total) + 0.5 * PRIOR_ROWS * log_t**2

    best = minimize_scalar(cost, bounds=(-LARGEST_LOG_T, LARGEST_LOG_T), method="bounded")
    return float(np.exp(best.x))

"""One number that makes probabilities as sure as they should be.

Networks that were trained long, or with little weight decay, are surer than they are right. Dividing all logits by a
temperature T leaves every order, and so every predicted class, as it is, and spreads the probabilities out (T > 1) or draws
them together (T < 1): Guo, Pleiss, Sun & Weinberger, *On calibration of modern neural networks*, ICML 2017. T is the one
with the least log loss on held-out rows. A few rows that were all predicted right would ask for T = 0: so a penalty,
½·ROWS·(log T)², holds T near 1 until some tens of rows speak against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twolayer.estimators.early_stopping import single_networks
from twolayer.estimators.ensemble import mean_logits
from twolayer.estimators.selection.alpha_path import choose_alpha
from twolayer.maths import network
from twolayer.maths.losses import Loss

if TYPE_CHECKING:
    from twolayer.estimators.fit import NetworkFit

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


def fitted_temperature(fitting: NetworkFit) -> float:
    """The temperature for networks just trained.

    Of their own logits for the rows held out, if there are any. Else for rows left out of training while alpha was chosen,
    of the logits that a network like these gave them; where alpha was given, folds are made for this alone.
    """
    task = fitting.task
    if fitting.validation is not None:
        x, y, s, _ = fitting.validation
        each = single_networks(fitting.params) or [fitting.params]
        outputs = np.stack([network.forward(x, one, task.activation) for one in each])
        several = fitting.model._several_labels
        logits = outputs[0] if len(each) == 1 else mean_logits(outputs, several)
        return best_temperature(logits, y, s, task.loss)
    strength = fitting.strength
    if strength is None:
        strength = choose_alpha(*fitting.rows, task, fitting.rng, (fitting.alpha,), fitting.groups)
    if strength.outputs is None or strength.targets is None:  # too few rows to leave any out
        return 1.0
    return best_temperature(strength.outputs, strength.targets, strength.weights, task.loss)

"""How large a learning rate may be: the curvature of the loss, and rates that were tried.

Along a direction in which the gradient changes by λ per unit of length, a step of gradient descent multiplies the distance
to the lowest point by 1 − learning_rate·λ. Beyond 2/λ the step ends further away than it began (LeCun et al. 1998, Efficient
BackProp, section 5). λ is the curvature where it is measured: it changes as the weights move, so a run may begin beyond the
bound and recover.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.errors import DivergedError
from twolayer.functional import loss_and_gradients
from twolayer.maths.network import Params
from twolayer.training.train import Run, train

POWER_STEPS = 40  # of the power iteration: λ is then right to about a percent
NUDGE_LENGTH = 1e-5  # of the step along which the change of the gradient is measured
ENOUGH_WORSE = 4
LOWEST_POWER = -12  # rates below 1e-12 are not tried


def largest_curvature(
    x: np.ndarray, y: np.ndarray, params: Params, activation: Any = "relu"
) -> float:
    """Return the largest curvature λ of the sum of squares at these weights: by power iteration on changes of the gradient.

    It begins along the gradient. 0 where the gradient is 0.
    """
    direction = loss_and_gradients(x, y, params, activation=activation)[1]
    size = length(direction)
    for _ in range(POWER_STEPS):
        if not (np.isfinite(size) and size > 0):
            return 0.0
        unit = direction.map(lambda part, size=size: part * (NUDGE_LENGTH / size))
        ahead, behind = (
            loss_and_gradients(x, y, params.map(step, unit), activation=activation)[1]
            for step in (np.add, np.subtract)
        )
        direction = ahead.map(lambda a, b: (a - b) / (2 * NUDGE_LENGTH), behind)
        size = length(direction)
    return float(size)


def length(params: Params) -> float:
    """Return the length of all weights taken as one vector."""
    return float(np.sqrt(sum(float(np.vdot(part, part)) for _, part in params.items())))


def dead_units(x: np.ndarray, params: Params) -> int:
    """Return how many hidden units are below 0 for every row: rectified, their gradient is 0, and they stay so."""
    h = x @ params.w1 if params.b1 is None else x @ params.w1 + params.b1
    return int((h < 0).all(axis=0).sum())


def rates_below(rate: float) -> list[float]:
    """Return the rates 5, 2 and 1 times a power of 10 that are smaller, the largest first."""
    found: list[float] = []
    for power in range(int(np.floor(np.log10(rate))), LOWEST_POWER - 1, -1):
        found += [one for digit in (5, 2, 1) if (one := float(f"{digit}e{power}")) < rate]
    return found


def run_at_rate(
    x: np.ndarray, y: np.ndarray, params: Params, activation: str, rate: float, steps: int
) -> Run | None:
    """Return the run of the NumPy program with that rate; None if it diverges."""
    how: dict[str, Any] = {"activation": activation, "learning_rate": rate, "steps": steps}
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return train(x, y, params, engine="numpy", **how)
    except DivergedError:
        return None


def holding_rate(
    x: np.ndarray, y: np.ndarray, params: Params, activation: str, below: float, steps: int
) -> float | None:
    """Return the largest rate of `rates_below` that was tried and holds over as many steps; None if none does.

    It holds if the loss ends lower than it began, and no unit dies.
    """
    for rate in rates_below(below):
        run = run_at_rate(x, y, params, activation, rate, steps)
        if run is None or run.final_loss >= run.losses[0]:
            continue
        if activation != "relu" or dead_units(x, run.params) <= dead_units(x, params):
            return rate
    return None


def best_rate(
    x: np.ndarray, y: np.ndarray, params: Params, activation: str, below: float, steps: int
) -> float | None:
    """Return the rate of `rates_below` whose loss ends lowest of those that never rise above their start; None without one.

    The search ends when `ENOUGH_WORSE` rates in a row were too small to reach the lowest so far.
    """
    best, lowest, worse = None, np.inf, 0
    for rate in rates_below(below):
        run = run_at_rate(x, y, params, activation, rate, steps)
        if run is None or not run.final_loss < run.losses[0] or run.losses.max() > run.losses[0]:
            continue
        if run.final_loss < lowest:
            best, lowest, worse = rate, run.final_loss, 0
        else:
            worse += 1
        if worse == ENOUGH_WORSE:
            break
    return best

"""How far to go along a direction: to a point of the strong Wolfe conditions.

Nocedal & Wright, *Numerical Optimization*, 2nd edition, algorithms 3.5 and 3.6, with cubic interpolation, written as what to
do after each evaluation of a point. All of it works on plain numbers, in Python and as machine code alike.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

ARMIJO = 1e-4  # a step must gain at least this share of what the slope promises
CURVATURE = 0.9  # and leave at most this share of the slope (strong Wolfe)
TRIALS = 25  # points that a search may evaluate

SEARCH_CONTINUES, SEARCH_FOUND, SEARCH_RETURNS, SEARCH_FAILED = range(4)  # after an evaluation


class LineSearch(NamedTuple):
    """The state of a search: step length, value and slope at two points, and the number of points evaluated."""

    low: float  # the best point so far
    low_value: float
    low_rise: float
    high: float  # beyond it lies no better one; infinite if no such point is known
    high_value: float
    high_rise: float
    trials: int


def new_search(loss: float, slope: float) -> LineSearch:
    """Return a search that starts where `loss` and `slope` are."""
    return LineSearch(0.0, loss, slope, math.inf, math.inf, 0.0, 0)


def next_trial(
    search: LineSearch, loss: float, slope: float, t: float, value: float, rise: float
) -> tuple[LineSearch, float, int]:
    """Return the search after the evaluation at step length `t`, the step length to evaluate next, and what to do.

    SEARCH_FOUND: take `t`. SEARCH_RETURNS: the step length returned gains enough, though its slope is not flat enough;
    evaluate it again and take it. SEARCH_FAILED: there is no such point.
    """
    low, low_value, low_rise, high, high_value, high_rise, trials = search
    trials += 1
    narrow = False
    if not math.isfinite(value) or not math.isfinite(rise):
        high, high_value, high_rise = t, math.inf, 0.0
        t = low + 0.1 * (t - low)
    else:
        if value > loss + ARMIJO * t * slope or (low > 0 and value >= low_value):
            high, high_value, high_rise = t, value, rise
        elif abs(rise) <= -CURVATURE * slope:
            return search, t, SEARCH_FOUND
        else:
            if rise * (high - low) >= 0:
                high, high_value, high_rise = low, low_value, low_rise
            low, low_value, low_rise = t, value, rise
        if math.isfinite(high):
            t = bracket_step(low, low_value, low_rise, high, high_value, high_rise)
            narrow = abs(high - low) <= 1e-12 * max(abs(low), 1e-300)
        else:
            farther = cubic_minimum(low, low_value, low_rise, 0.0, loss, slope, 4 * t)
            t = min(10 * t, max(2 * t, farther))
    search = LineSearch(low, low_value, low_rise, high, high_value, high_rise, trials)
    if not narrow and trials < TRIALS:
        return search, t, SEARCH_CONTINUES
    return search, low, SEARCH_RETURNS if low > 0 else SEARCH_FAILED


def bracket_step(
    low: float,
    low_value: float,
    low_rise: float,
    high: float,
    high_value: float,
    high_rise: float,
) -> float:
    """Return a step length inside the bracket: the cubic's minimum, kept away from both ends."""
    width = high - low
    t = low + 0.1 * width
    if math.isfinite(high_value):
        middle = low + 0.5 * width
        t = cubic_minimum(low, low_value, low_rise, high, high_value, high_rise, middle)
    nearest, farthest = low + 0.1 * width, low + 0.9 * width
    return min(max(t, min(nearest, farthest)), max(nearest, farthest))


def cubic_minimum(
    a: float,
    a_value: float,
    a_rise: float,
    b: float,
    b_value: float,
    b_rise: float,
    otherwise: float,
) -> float:
    """Return where the cubic through two points with their slopes has its minimum (Nocedal & Wright, equation 3.59)."""
    if a == b:
        return otherwise
    d1 = a_rise + b_rise - 3 * (a_value - b_value) / (a - b)
    under = d1 * d1 - a_rise * b_rise
    if under < 0:
        return otherwise
    d2 = math.copysign(math.sqrt(under), b - a)
    bottom = b_rise - a_rise + 2 * d2
    if bottom == 0:
        return otherwise
    t = b - (b - a) * (b_rise + d2 - d1) / bottom
    return t if math.isfinite(t) else otherwise


def wolfe_step(at: Any, loss: float, slope: float, length: float) -> tuple[float, float] | None:
    """Return a step length of the strong Wolfe conditions and the loss there, the last point evaluated; or None.

    `at(t)` returns loss and slope at step length t; `loss` and `slope` are those at 0; `length` is tried first.
    """
    search, t, verdict = new_search(loss, slope), length, SEARCH_CONTINUES
    while verdict == SEARCH_CONTINUES:
        value, rise = at(t)
        search, t, verdict = next_trial(search, loss, slope, t, value, rise)
    if verdict == SEARCH_FAILED:
        return None
    if verdict == SEARCH_RETURNS:
        value, _ = at(t)
    return t, value

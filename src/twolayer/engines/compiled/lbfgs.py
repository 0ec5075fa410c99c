"""L-BFGS in machine code: whole chunks of steps. Its parts on plain numbers are compiled from the solver's own files."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from twolayer.engines.compiled.jit import compiled, jit, jit_inner, jit_part
from twolayer.engines.compiled.steps import objective_at
from twolayer.solvers import line_search
from twolayer.solvers.lbfgs import (
    NO_LOWER,
    NOT_FINITE,
    SMALL_GAIN,
    SMALL_GRADIENT,
    TOO_LARGE,
    direction_coefficients,
)
from twolayer.solvers.line_search import SEARCH_CONTINUES, SEARCH_FOUND, SEARCH_RETURNS


class LBFGSMemory(NamedTuple):
    """The memory between steps, in the layout of the solver's own."""

    theta: Any  # (n,)
    basis: Any  # (2m + 1, n): moves, changes, the gradient
    along: Any  # (2m + 1,): basis @ gradient
    pairs: Any  # (m,): places of the remembered pairs, oldest first
    moves_changes: Any  # (m, m)
    changes_changes: Any  # (m, m)
    counts: Any  # (3,): the number of pairs; the reason why it is finished, or 0; whether it has started
    loss: Any  # (1,)


class Tolerances(NamedTuple):
    """When to stop."""

    gradient: float
    decrease: float


cubic_minimum_jit = compiled(line_search.cubic_minimum)
bracket_step_jit = compiled(line_search.bracket_step, cubic_minimum=cubic_minimum_jit)
next_trial_jit = compiled(
    line_search.next_trial, bracket_step=bracket_step_jit, cubic_minimum=cubic_minimum_jit
)
new_search_jit = compiled(line_search.new_search)
direction_coefficients_jit = compiled(direction_coefficients)


@jit_inner
def copy_entries(source, target):
    """Entry by entry: an assignment to a slice takes seconds to compile, for its error message."""
    for i in range(target.size):
        target[i] = source[i]


@jit_part
def evaluate_along(point, memory, d, t):
    """Return the objective at theta + t·d, and the slope along d there."""
    table, y, s, total, penalty, w, g, flat, work, rule = point
    number = d.dtype.type
    for i in range(d.size):
        flat.w[i] = memory.theta[i] + number(t) * d[i]
    value = float(objective_at(table, y, s, total, penalty, w, g, flat, work, rule))
    return value, float(np.dot(flat.gradient, d))


@jit_inner
def store_gradient(memory, gradient):
    """Store the gradient, with its products with all that is remembered."""
    copy_entries(gradient, memory.basis[-1])
    copy_entries(np.dot(memory.basis, gradient), memory.along)


@jit_part
def store_pair(memory, move):
    """Store the pair of the move and the change, which stands in the gradient's place; return its place, or -1."""
    m, count = memory.pairs.size, memory.counts[0]
    change = memory.basis[-1]
    curvature, square = float(np.dot(move, change)), float(np.dot(change, change))
    lengths = math.sqrt(float(np.dot(move, move)) * square)
    if not curvature > 1e-10 * lengths or m == 0:
        return -1
    place = count
    if count == m:
        place, count = memory.pairs[0], m - 1
        for i in range(count):
            memory.pairs[i] = memory.pairs[i + 1]
            for j in range(count):
                memory.moves_changes[i, j] = memory.moves_changes[i + 1, j + 1]
                memory.changes_changes[i, j] = memory.changes_changes[i + 1, j + 1]
    memory.pairs[count] = place
    memory.moves_changes[count, count] = curvature
    memory.changes_changes[count, count] = square
    copy_entries(move, memory.basis[place])
    copy_entries(change, memory.basis[m + place])
    memory.counts[0] = count + 1
    return place


@jit_part
def update_products(memory, before):
    """Fill in the newest pair's products with the older ones, from those of the two gradients."""
    m, last = memory.pairs.size, memory.counts[0] - 1
    for i in range(last):
        place = memory.pairs[i]
        memory.moves_changes[i, last] = memory.along[place] - before[place]
        across = memory.along[m + place] - before[m + place]
        memory.changes_changes[i, last] = across
        memory.changes_changes[last, i] = across


@jit_part
def write_direction(memory, d):
    """Write minus the estimated inverse Hessian times the gradient into `d`, if it leads downhill; return the slope."""
    count = memory.counts[0]
    shares = direction_coefficients_jit(
        memory.along, memory.pairs[:count], memory.moves_changes, memory.changes_changes
    )
    slope = float(np.dot(shares, memory.along))
    if slope < 0:
        np.dot(shares.astype(d.dtype), memory.basis, d)
    return slope


@jit_part
def accept_step(memory, gradient, d, t, value):
    """Move to theta + t·d, where the loss is `value` and the gradient this, and remember the pair."""
    memory.loss[0] = value
    length = d.dtype.type(t)
    change = memory.basis[-1]
    for i in range(d.size):
        d[i] *= length
        memory.theta[i] += d[i]
        change[i] = gradient[i] - change[i]
    before = memory.along.copy()
    place = store_pair(memory, d)
    store_gradient(memory, gradient)
    if place >= 0:
        update_products(memory, before)


@jit_part
def stop_reason(memory, tolerances):
    """Return the number of the reason why no step can be taken, or 0."""
    if not math.isfinite(memory.loss[0]):
        return NOT_FINITE
    length = math.sqrt(max(memory.along[-1], 0.0))
    if not math.isfinite(length):
        return TOO_LARGE
    return SMALL_GRADIENT if length <= tolerances.gradient else 0


AT_START, AT_STEP, AT_DIRECTION, AT_SEARCH, AT_RESTORE, AT_FAILURE = range(6)


@jit
def advance_lbfgs(table, y, s, total, penalty, w, g, flat, work, rule, memory, tolerances, losses):
    """Take steps of L-BFGS, `losses[t]` before step t; return their number. `flat.w` holds the point at the end.

    `doing` says what comes next, so that a point is evaluated in one place of the code only: every other place would be a
    copy of the whole network's passes, and seconds of compilation.
    """
    point = (table, y, s, total, penalty, w, g, flat, work, rule)
    d, t, taken, before, slope, remembered = np.zeros_like(memory.theta), 0.0, 0, 0.0, 0.0, False
    trial = new_search_jit(0.0, 0.0)
    doing = AT_STEP if memory.counts[2] else AT_START
    if doing == AT_START:
        copy_entries(flat.w, memory.theta)
        memory.counts[2] = 1
    while True:
        if doing == AT_STEP:
            if taken == losses.size or memory.counts[1]:
                break
            before, remembered, doing = memory.loss[0], memory.counts[0] > 0, AT_DIRECTION
            losses[taken] = before
            taken += 1
            memory.counts[1] = stop_reason(memory, tolerances)
            if memory.counts[1]:
                break
        if doing == AT_FAILURE:
            if not remembered:
                memory.counts[1] = NO_LOWER
                break
            memory.counts[0] = 0  # a kink: past moves do not predict what lies behind it
            remembered, doing = False, AT_DIRECTION
        if doing == AT_DIRECTION:
            slope = write_direction(memory, d)
            if not slope < 0:
                doing = AT_FAILURE
                continue
            trial, doing = new_search_jit(memory.loss[0], slope), AT_SEARCH
            t = 1.0 if memory.counts[0] else min(1.0, 1.0 / math.sqrt(memory.along[-1]))
        value, rise = evaluate_along(point, memory, d, t)
        if doing == AT_START:
            memory.loss[0] = value
            store_gradient(memory, flat.gradient)
            doing = AT_STEP
            continue
        if doing == AT_SEARCH:
            trial, t, verdict = next_trial_jit(trial, memory.loss[0], slope, t, value, rise)
            if verdict != SEARCH_FOUND:
                doing = (
                    AT_SEARCH
                    if verdict == SEARCH_CONTINUES
                    else AT_RESTORE
                    if verdict == SEARCH_RETURNS
                    else AT_FAILURE
                )
                continue
        accept_step(memory, flat.gradient, d, t, value)
        if not memory.loss[0] < before:
            doing = AT_FAILURE
            continue
        if before - memory.loss[0] <= tolerances.decrease * abs(before):
            memory.counts[1] = SMALL_GAIN
        doing = AT_STEP
    copy_entries(memory.theta, flat.w)
    return taken

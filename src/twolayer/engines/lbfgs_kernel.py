"""L-BFGS in machine code: whole chunks of steps. Its parts that are plain numbers are those of the solver's own pages."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from twolayer.engines.compiling import compiled, inner, jit
from twolayer.engines.kernels import objective_at
from twolayer.solvers import line_search
from twolayer.solvers.lbfgs import (
    NO_LOWER,
    NOT_FINITE,
    SMALL_GAIN,
    SMALL_GRADIENT,
    TOO_LARGE,
    shares_of,
)
from twolayer.solvers.line_search import FOUND, GO_BACK, GO_ON


class Memory(NamedTuple):
    """What is remembered between steps, as the solver's own memory has it."""

    theta: Any  # (n,)
    basis: Any  # (2m + 1, n): moves, changes, the gradient
    along: Any  # (2m + 1,): basis @ gradient
    pairs: Any  # (m,): places of the remembered pairs, oldest first
    moves_changes: Any  # (m, m)
    changes_changes: Any  # (m, m)
    counts: Any  # (3,): how many pairs there are; why it is finished, or 0; whether it has started
    loss: Any  # (1,)


class Tolerances(NamedTuple):
    """When to stop."""

    gradient: float
    decrease: float


minimum_of_cubic = compiled(line_search.minimum_of_cubic)
between = compiled(line_search.between, minimum_of_cubic=minimum_of_cubic)
next_trial = compiled(line_search.next_trial, between=between, minimum_of_cubic=minimum_of_cubic)
new_search = compiled(line_search.new_search)
shares_in_direction = compiled(shares_of)


@inner
def copy(source, target):
    """Entry by entry: an assignment to a slice takes seconds to compile, for its error message."""
    for i in range(target.size):
        target[i] = source[i]


@inner
def look(point, memory, d, t):
    """The objective at theta + t·d, and the slope along d there."""
    table, y, s, total, penalty, w, g, flat, work, rule = point
    number = d.dtype.type
    for i in range(d.size):
        flat.w[i] = memory.theta[i] + number(t) * d[i]
    value = float(objective_at(table, y, s, total, penalty, w, g, flat, work, rule))
    return value, float(np.dot(flat.gradient, d))


@inner
def take_gradient(memory, gradient):
    """The gradient at hand becomes the gradient, with its products with all that is remembered."""
    copy(gradient, memory.basis[-1])
    copy(np.dot(memory.basis, gradient), memory.along)


@inner
def remember(memory, move):
    """Keep the pair of the move and the change, which stands in the gradient's place; returns its place, or -1."""
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
    copy(move, memory.basis[place])
    copy(change, memory.basis[m + place])
    memory.counts[0] = count + 1
    return place


@inner
def relate(memory, before):
    """Fill in the newest pair's products with the older ones, from those of the two gradients."""
    m, last = memory.pairs.size, memory.counts[0] - 1
    for i in range(last):
        place = memory.pairs[i]
        memory.moves_changes[i, last] = memory.along[place] - before[place]
        across = memory.along[m + place] - before[m + place]
        memory.changes_changes[i, last] = across
        memory.changes_changes[last, i] = across


@inner
def take_direction(memory, d):
    """Write minus the guessed inverse Hessian times the gradient into `d`, if it leads downhill; returns the slope."""
    count = memory.counts[0]
    shares = shares_in_direction(
        memory.along, memory.pairs[:count], memory.moves_changes, memory.changes_changes
    )
    slope = float(np.dot(shares, memory.along))
    if slope < 0:
        np.dot(shares.astype(d.dtype), memory.basis, d)
    return slope


@inner
def accept(memory, gradient, d, t, value):
    """Move to theta + t·d, where the loss and the gradient are these, and remember the pair."""
    memory.loss[0] = value
    length = d.dtype.type(t)
    change = memory.basis[-1]
    for i in range(d.size):
        d[i] *= length
        memory.theta[i] += d[i]
        change[i] = gradient[i] - change[i]
    before = memory.along.copy()
    place = remember(memory, d)
    take_gradient(memory, gradient)
    if place >= 0:
        relate(memory, before)


@inner
def nothing_to_do(memory, tolerances):
    """Why no step can be taken, or 0."""
    if not math.isfinite(memory.loss[0]):
        return NOT_FINITE
    length = math.sqrt(max(memory.along[-1], 0.0))
    if not math.isfinite(length):
        return TOO_LARGE
    return SMALL_GRADIENT if length <= tolerances.gradient else 0


START, STEP, DIRECTION, SEARCH, BACK, NOT_LOWER = range(6)


@jit
def advance_lbfgs(table, y, s, total, penalty, w, g, flat, work, rule, memory, tolerances, losses):
    """Steps of L-BFGS, `losses[t]` before step t; returns how many were taken. `flat.w` holds the point at the end.

    What comes next is kept in `doing`, so that a point is looked at in one place only: each more would be a copy of the
    whole network's passes, and seconds of compiling.
    """
    point = (table, y, s, total, penalty, w, g, flat, work, rule)
    d, t, taken, before, slope, remembered = np.zeros_like(memory.theta), 0.0, 0, 0.0, 0.0, False
    trial = new_search(0.0, 0.0)
    doing = STEP if memory.counts[2] else START
    if doing == START:
        copy(flat.w, memory.theta)
        memory.counts[2] = 1
    while True:
        if doing == STEP:
            if taken == losses.size or memory.counts[1]:
                break
            before, remembered, doing = memory.loss[0], memory.counts[0] > 0, DIRECTION
            losses[taken] = before
            taken += 1
            memory.counts[1] = nothing_to_do(memory, tolerances)
            if memory.counts[1]:
                break
        if doing == NOT_LOWER:
            if not remembered:
                memory.counts[1] = NO_LOWER
                break
            memory.counts[0] = 0  # a kink: the past tells nothing of what lies behind it
            remembered, doing = False, DIRECTION
        if doing == DIRECTION:
            slope = take_direction(memory, d)
            if not slope < 0:
                doing = NOT_LOWER
                continue
            trial, doing = new_search(memory.loss[0], slope), SEARCH
            t = 1.0 if memory.counts[0] else min(1.0, 1.0 / math.sqrt(memory.along[-1]))
        value, rise = look(point, memory, d, t)
        if doing == START:
            memory.loss[0] = value
            take_gradient(memory, flat.gradient)
            doing = STEP
            continue
        if doing == SEARCH:
            trial, t, verdict = next_trial(trial, memory.loss[0], slope, t, value, rise)
            if verdict != FOUND:
                doing = SEARCH if verdict == GO_ON else BACK if verdict == GO_BACK else NOT_LOWER
                continue
        accept(memory, flat.gradient, d, t, value)
        if not memory.loss[0] < before:
            doing = NOT_LOWER
            continue
        if before - memory.loss[0] <= tolerances.decrease * abs(before):
            memory.counts[1] = SMALL_GAIN
        doing = STEP
    copy(memory.theta, flat.w)
    return taken

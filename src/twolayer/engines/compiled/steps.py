"""The compiled engine's kernels: whole chunks of steps, with no Python in between.

A missing row weight or velocity is an empty array.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twolayer.engines.compiled.forward_backward import (
    activate,
    activate_sum,
    add_to_rows,
    descend_by_derivative,
    forward_backward,
    scaled_loss,
    sum_of_rows,
    times,
    times_derivative,
    whole_forward_backward,
    workspace_rows,
)
from twolayer.engines.compiled.jit import jit, jit_inline, jit_inner, jit_part
from twolayer.engines.compiled.tiny_networks import transposed_forward_backward


class FlatArrays(NamedTuple):
    """The same numbers end to end, those that decay first: w1, w2, w_skip, b1, b2."""

    w: Any
    gradient: Any
    decaying: int


class BatchRows(NamedTuple):
    """The rows of each step (order empty: all rows), with room for the rows of one step."""

    order: Any
    starts: Any
    totals: Any
    penalties: Any
    x: Any  # (largest batch, n_inputs), or empty
    y: Any
    s: Any


class DescentRates(NamedTuple):
    """The settings of gradient descent."""

    learning_rate: float
    momentum: float
    nesterov: bool


class AdamRates(NamedTuple):
    """The settings of Adam."""

    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float


@jit_inline
def add_decay(flat, penalty):
    """Add the penalty's gradient to that of the weights, the first of the numbers; return its part of the objective."""
    factor = flat.w.dtype.type(penalty)
    squares = 0.0
    if penalty:
        for i in range(flat.decaying):
            squares += flat.w[i] * flat.w[i]
            flat.gradient[i] += factor * flat.w[i]
    return 0.5 * penalty * squares


@jit_inner
def descend(w, gradient, velocity, rates):
    """Take one step of gradient descent, in one pass over the numbers."""
    rate, momentum = w.dtype.type(rates.learning_rate), w.dtype.type(rates.momentum)
    if velocity.size == 0:
        for i in range(w.size):
            w[i] -= rate * gradient[i]
    elif rates.nesterov:
        for i in range(w.size):
            velocity[i] = momentum * velocity[i] + gradient[i]
            w[i] -= rate * (gradient[i] + momentum * velocity[i])
    else:
        for i in range(w.size):
            velocity[i] = momentum * velocity[i] + gradient[i]
            w[i] -= rate * velocity[i]


@jit_inner
def adapt(w, gradient, mean, square, rates, steps):
    """Take one step of Adam, in one pass over the numbers."""
    number = w.dtype.type
    one = number(1)
    beta1, beta2, epsilon = number(rates.beta1), number(rates.beta2), number(rates.epsilon)
    rate = number(rates.learning_rate / (1 - rates.beta1**steps))
    correction = number(1 / np.sqrt(1 - rates.beta2**steps))
    for i in range(w.size):
        mean[i] = beta1 * mean[i] + (one - beta1) * gradient[i]
        square[i] = beta2 * square[i] + (one - beta2) * (gradient[i] * gradient[i])
        w[i] -= rate * mean[i] / (np.sqrt(square[i]) * correction + epsilon)


@jit_inner
def gather_rows(batches, x, y, s, first, n):
    """Copy the rows `order[first : first + n]` into the room for a batch."""
    for i in range(n):  # entry by entry: a slice of a row costs more than the few numbers in it
        row = batches.order[first + i]
        for k in range(x.shape[1]):
            batches.x[i, k] = x[row, k]
        for j in range(y.shape[1]):
            batches.y[i, j] = y[row, j]
        if s.size:
            batches.s[i] = s[row]


@jit_inner
def step_gradients(t, x, y, s, batches, w, g, work, rule):
    """Return the loss of step `t` on its rows, without penalty; write the gradients."""
    if batches.order.size:
        first = batches.starts[t]
        n = batches.starts[t + 1] - first
        gather_rows(batches, x, y, s, first, n)
        x, y, s = batches.x[:n], batches.y[:n], batches.s[: min(n, batches.s.size)]
        work = workspace_rows(work, n)
    if rule.loops:
        return transposed_forward_backward(x, y, s, batches.totals[t], w, g, work, rule)
    return forward_backward(x, y, s, batches.totals[t], w, g, work, rule)


@jit
def advance_descent(x, y, s, batches, w, g, flat, velocity, work, rule, rates, losses):
    """Take steps of gradient descent; `losses[t]` is the objective before step t. `w` and `g` are views of `flat`."""
    for t in range(losses.size):
        loss = step_gradients(t, x, y, s, batches, w, g, work, rule)
        losses[t] = loss + add_decay(flat, batches.penalties[t])
        descend(flat.w, flat.gradient, velocity, rates)


@jit
def advance_adam(x, y, s, batches, w, g, flat, mean, square, work, rule, rates, steps, losses):
    """Take steps of Adam after the first `steps`; `losses[t]` is the objective before step t."""
    for t in range(losses.size):
        loss = step_gradients(t, x, y, s, batches, w, g, work, rule)
        losses[t] = loss + add_decay(flat, batches.penalties[t])
        adapt(flat.w, flat.gradient, mean, square, rates, steps + t + 1)


@jit_part
def objective_at(table, y, s, total, penalty, w, g, flat, work, rule):
    """Return the objective at one point; write all its gradients."""
    return whole_forward_backward(table, y, s, total, w, g, work, rule) + add_decay(flat, penalty)


@jit
def evaluate_objective(table, y, s, total, penalty, w, g, flat, work, rule):
    """Return the objective at one point; write all its gradients."""
    return objective_at(table, y, s, total, penalty, w, g, flat, work, rule)


@jit_inner
def add_multiple(h, factor, more):
    """h += factor · more."""
    for i in range(h.size):
        h[i] += factor * more[i]


@jit_inner
def squared_norm_of_w1(c, squares_start, h_start, h, a):
    """Return ‖w1‖² of w1 = c·w1_start + x.T @ a: as h = c·h_start + k @ a, it is c²·‖w1_start‖² + Σ a·(h + c·h_start)."""
    squares = 0.0
    for i in range(a.size):
        squares += a[i] * (h[i] + c * h_start[i])
    return c * c * squares_start + squares


@jit
def advance_span_descent(
    k,
    h_start,
    squares_start,
    y,
    s,
    total,
    penalty,
    w,
    g,
    flat,
    velocity,
    a,
    velocity_a,
    c,
    work,
    rule,
    rates,
    losses,
):
    """Take steps of gradient descent on all rows in the span: w1 = c[0]·w1_start + x.T @ a, k = x @ x.T.

    `h_start` is x @ w1_start. `w.w1` is empty and `w.w2` transposed, of shape (n_outputs, n_hidden), which BLAS multiplies
    faster here. `c[0]` and `a` move; `c[1]` and `velocity_a` are their velocities (empty without momentum).
    """
    rate, decay_of_a = a.dtype.type(rates.learning_rate), a.dtype.type(penalty)
    flat_a, start = a.ravel(), h_start.ravel()
    h, h_relu, grad_h = work.h.ravel(), work.h_relu.ravel(), work.grad_h.ravel()
    plain = penalty == 0 and velocity.size == 0 and w.b1.size == 0
    for t in range(losses.size):
        np.dot(k, a, work.h)
        squares = 0.0
        if plain:
            activate_sum(rule.activation, h, start, h_relu)
        else:
            add_multiple(h, a.dtype.type(c[0]), start)
            squares = squared_norm_of_w1(c[0], squares_start, start, h, flat_a)
            if w.b1.size:
                add_to_rows(work.h, w.b1)
            activate(rule.activation, h, h_relu)
        times(work.h_relu, w.w2.T, work.y_pred)
        if w.b2.size:
            add_to_rows(work.y_pred, w.b2)
        loss = scaled_loss(y, s, total, work, rule)
        np.dot(work.grad_y_pred.T, work.h_relu, g.w2)
        np.dot(work.grad_y_pred, w.w2, work.grad_h)
        if plain:
            descend_by_derivative(rule.activation, h, h_relu, grad_h, flat_a, rate)
        else:
            times_derivative(rule.activation, h, h_relu, grad_h)
            if w.b1.size:
                sum_of_rows(work.grad_h, g.b1)
            add_multiple(grad_h, decay_of_a, flat_a)
            descend(flat_a, grad_h, velocity_a.ravel(), rates)
            move = penalty * c[0]
            if velocity.size:
                c[1] = rates.momentum * c[1] + move
                move = move + rates.momentum * c[1] if rates.nesterov else c[1]
            c[0] -= rates.learning_rate * move
        if w.b2.size:
            sum_of_rows(work.grad_y_pred, g.b2)
        losses[t] = loss + 0.5 * penalty * squares + add_decay(flat, penalty)
        descend(flat.w, flat.gradient, velocity, rates)

"""The compiled engine's machine code: forward, backward and update with no Python in between.

Products go through BLAS (`np.dot` with an output), everything element-wise runs in as few passes as possible, and
networks too small for BLAS to pay take plain loops. Activations and losses are not written again here: their scalar
forms are compiled from their own pages.

A missing bias, skip layer, row weight or velocity is an empty array.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np

from twolayer.maths import activations, losses
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES

# Sums may be taken in any order and products fused, so that loops vectorise; NaN and infinity keep their meaning.
OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "reassoc"},
}
inner = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)  # type: ignore[call-overload]


def fingerprint() -> str:
    """Changes with every page that is compiled here."""
    pages = (str(each) for each in (__file__, activations.__file__, losses.__file__))
    return hashlib.sha256(b"".join(Path(page).read_bytes() for page in pages)).hexdigest()[:10]


FINGERPRINT = fingerprint()


def jit(function: Callable) -> Any:
    """A kernel, cached on disk if there is a place for it.

    Numba keeps it under its name, and looks only at this page's time and size to see whether it still holds: an activation
    that changed on its own page would be overlooked, so its fingerprint is made part of the name.
    """
    function.__qualname__ += f"_{FINGERPRINT}"
    try:
        return numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(**OPTIONS)(function)


class Weights(NamedTuple):
    """One network's weights, or anything with a number for each; C-contiguous arrays of one dtype."""

    w1: Any  # (n_inputs, n_hidden)
    b1: Any  # (n_hidden,) or empty
    w2: Any  # (n_hidden, n_outputs)
    b2: Any  # (n_outputs,) or empty
    w_skip: Any  # (n_inputs, n_outputs) or empty


class Flat(NamedTuple):
    """The same numbers end to end, those that decay first: w1, w2, w_skip, b1, b2."""

    w: Any
    gradient: Any
    decaying: int


class Work(NamedTuple):
    """Room for what a step computes on the way."""

    h: Any  # (n_rows, n_hidden)
    h_relu: Any  # (n_rows, n_hidden)
    y_pred: Any  # (n_rows, n_outputs)
    grad_y_pred: Any  # (n_rows, n_outputs)
    grad_h: Any  # (n_rows, n_hidden)
    skip: Any  # (n_rows, n_outputs), or empty
    turned: Any  # (n_rows · (n_inputs + n_outputs),), or empty: a small table's columns and outputs


class Rule(NamedTuple):
    """Which functions, by their places in the tables of activations and losses."""

    activation: int
    loss: int
    parameter: float
    is_sum: bool
    elementwise: bool
    turned: bool  # a small table: units along the first axis, rows innermost
    loops: bool  # and so small that plain loops beat BLAS


class Batches(NamedTuple):
    """The rows of each step (order empty: all rows), with room for the rows of one."""

    order: Any
    starts: Any
    totals: Any
    penalties: Any
    x: Any  # (largest batch, n_inputs), or empty
    y: Any
    s: Any


class Rates(NamedTuple):
    """The numbers of gradient descent."""

    learning_rate: float
    momentum: float
    nesterov: bool


class AdamRates(NamedTuple):
    """The numbers of Adam."""

    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float


# ---- the tables as compiled switches


def switch(functions: list[Callable]) -> Any:
    """A compiled `pick(kind, *arguments)` that calls `functions[kind](*arguments)`.

    Four functions a level: each level is a function that Numba has to compile.
    """
    here = [inner(function) for function in functions[:4]]
    first, second, third, fourth = (here * 4)[:4]
    if len(functions) <= 4:

        @inner
        def pick(kind, *arguments):
            if kind == 0:
                return first(*arguments)
            if kind == 1:
                return second(*arguments)
            if kind == 2:
                return third(*arguments)
            return fourth(*arguments)

        return pick
    others = switch(functions[4:])

    @inner
    def pick_or_pass_on(kind, *arguments):
        if kind == 0:
            return first(*arguments)
        if kind == 1:
            return second(*arguments)
        if kind == 2:
            return third(*arguments)
        if kind == 3:
            return fourth(*arguments)
        return others(kind - 4, *arguments)

    return pick_or_pass_on


value = switch([a.scalar_value for a in ACTIVATIONS.values()])
derivative = switch([a.scalar_derivative for a in ACTIVATIONS.values()])
loss_of_row = switch([loss.row for loss in LOSSES.values()])

# In the loops below the first two activations of the table, which cost next to nothing, have branches of their own: with the
# kind known, the loop vectorises.


@inner
def activate(kind, h, a):
    """a = activation(h)."""
    if kind == 0:
        for i in range(h.size):
            a[i] = value(0, h[i])
    elif kind == 1:
        for i in range(h.size):
            a[i] = value(1, h[i])
    else:
        for i in range(h.size):
            a[i] = value(kind, h[i])


@inner
def activate_sum(kind, h, more, a):
    """h += more;  a = activation(h)."""
    if kind == 0:
        for i in range(h.size):
            h[i] += more[i]
            a[i] = value(0, h[i])
    else:
        for i in range(h.size):
            h[i] += more[i]
            a[i] = value(kind, h[i])


@inner
def times_derivative(kind, h, a, grad):
    """grad *= the activation's derivative."""
    number = grad.dtype.type
    if kind == 0:
        for i in range(h.size):
            grad[i] *= number(derivative(0, h[i], a[i]))
    elif kind == 1:
        for i in range(h.size):
            grad[i] *= number(derivative(1, h[i], a[i]))
    else:
        for i in range(h.size):
            grad[i] *= number(derivative(kind, h[i], a[i]))


@inner
def descend_by_derivative(kind, h, a, grad, w, rate):
    """w -= rate · grad · the activation's derivative."""
    number = grad.dtype.type
    if kind == 0:
        for i in range(h.size):
            w[i] -= rate * (grad[i] * number(derivative(0, h[i], a[i])))
    else:
        for i in range(h.size):
            w[i] -= rate * (grad[i] * number(derivative(kind, h[i], a[i])))


@inner
def loss_and_grad_y_pred(rule, parameter, y_pred, y, s, scale, grad):
    """scale · Σ s · loss of row; writes the gradient of that."""
    kind = rule.loss
    if rule.elementwise and s.size == 0:  # then the whole table can be taken as one long row
        flat = grad.ravel()
        loss = scale * loss_of_row(kind, y_pred.ravel(), y.ravel(), flat, parameter)
        if scale != 1:
            for i in range(flat.size):
                flat[i] *= scale
        return loss
    loss = 0.0
    for i in range(y.shape[0]):
        weight = scale if s.size == 0 else scale * s[i]
        loss += weight * loss_of_row(kind, y_pred[i], y[i], grad[i], parameter)
        if weight != 1:
            for j in range(y.shape[1]):
                grad[i, j] *= weight
    return loss


@inner
def add_to_rows(array, b):
    """Add b to every row."""
    for i in range(array.shape[0]):
        for j in range(array.shape[1]):
            array[i, j] += b[j]


@inner
def sum_of_rows(array, out):
    """Write the sum over the rows into out."""
    out[:] = 0
    for i in range(array.shape[0]):
        for j in range(array.shape[1]):
            out[j] += array[i, j]


@inner
def times(a, b, out):
    """out = a @ b; one column by a loop, for which BLAS is slow to start."""
    if b.shape[1] > 1:
        np.dot(a, b, out)
        return
    for i in range(a.shape[0]):
        total = a[i, 0] * b[0, 0]
        for k in range(1, a.shape[1]):
            total += a[i, k] * b[k, 0]
        out[i, 0] = total


@inner
def transposed_times(a, b, out):
    """out = a.T @ b."""
    if b.shape[1] > 1:
        np.dot(a.T, b, out)
        return
    column = out.ravel()
    column[:] = 0
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            column[k] += a[i, k] * b[i, 0]


@inner
def times_transposed(a, b, out):
    """out = a @ b.T."""
    if a.shape[1] > 1:
        np.dot(a, b.T, out)
        return
    column = b.ravel()
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            out[i, j] = a[i, 0] * column[j]


@inner
def scaled_loss(y, s, total, work, rule):
    """The loss of `y_pred`; writes `grad_y_pred`."""
    number = work.y_pred.dtype.type
    scale = number(1) if rule.is_sum else number(1) / number(total)
    parameter = number(rule.parameter)
    return loss_and_grad_y_pred(rule, parameter, work.y_pred, y, s, scale, work.grad_y_pred)


@inner
def output_and_loss(x, y, s, total, w, work, rule):
    """From `h_relu` to the loss and `grad_y_pred`."""
    times(work.h_relu, w.w2, work.y_pred)
    if w.w_skip.size:
        times(x, w.w_skip, work.skip)
        y_pred, skip = work.y_pred.ravel(), work.skip.ravel()
        for i in range(y_pred.size):
            y_pred[i] += skip[i]
    if w.b2.size:
        add_to_rows(work.y_pred, w.b2)
    return scaled_loss(y, s, total, work, rule)


@inner
def forward_backward(x, y, s, total, w, g, work, rule):
    """The loss without penalty; writes the gradients without penalty into `g`. `work` has as many rows as `x`."""
    if rule.turned:
        return turned_forward_backward(x, y, s, total, w, g, work, rule)
    times(x, w.w1, work.h)
    if w.b1.size:
        add_to_rows(work.h, w.b1)
    activate(rule.activation, work.h.ravel(), work.h_relu.ravel())
    loss = output_and_loss(x, y, s, total, w, work, rule)
    transposed_times(work.h_relu, work.grad_y_pred, g.w2)
    times_transposed(work.grad_y_pred, w.w2, work.grad_h)
    times_derivative(rule.activation, work.h.ravel(), work.h_relu.ravel(), work.grad_h.ravel())
    transposed_times(x, work.grad_h, g.w1)
    if w.b1.size:
        sum_of_rows(work.grad_h, g.b1)
    if w.b2.size:
        sum_of_rows(work.grad_y_pred, g.b2)
    if w.w_skip.size:
        transposed_times(x, work.grad_y_pred, g.w_skip)
    return loss


@inner
def turned_forward_backward(x, y, s, total, w, g, work, rule):
    """The same for a small table, with everything turned: units along the first axis, rows innermost.

    Loops over the rows are long where those over a few units or outputs are not, and one output takes no pass of its own.
    `w.w1` has the shape (n_hidden, n_inputs), `w.w2` and `w.w_skip` (n_outputs, ...); so have their gradients.
    """
    n_rows, n_inputs, n_hidden, n_outputs = x.shape[0], x.shape[1], w.w1.shape[0], y.shape[1]
    xs = work.turned[: n_inputs * n_rows].reshape(n_inputs, n_rows)
    ys = work.turned[n_inputs * n_rows : (n_inputs + n_outputs) * n_rows].reshape(n_outputs, n_rows)
    h = work.h.ravel().reshape(n_hidden, n_rows)
    h_relu = work.h_relu.ravel().reshape(n_hidden, n_rows)
    grad_h = work.grad_h.ravel().reshape(n_hidden, n_rows)
    if rule.loops or w.w_skip.size:
        for k in range(n_inputs):
            for i in range(n_rows):
                xs[k, i] = x[i, k]
    if rule.loops:
        product(w.w1, xs, h, True)
    else:
        np.dot(w.w1, x.T, h)
    for j in range(n_outputs):
        start = w.b2[j] if w.b2.size else ys.dtype.type(0)
        for i in range(n_rows):
            ys[j, i] = start
    for u in range(n_hidden):
        start = w.b1[u] if w.b1.size else h.dtype.type(0)
        if rule.activation == 0:
            activate_unit(0, u, start, h, h_relu, w.w2[0, u], ys)
        else:
            activate_unit(rule.activation, u, start, h, h_relu, w.w2[0, u], ys)
        for j in range(1, n_outputs):
            weight = w.w2[j, u]
            for i in range(n_rows):
                ys[j, i] += weight * h_relu[u, i]
    if w.w_skip.size:
        for j in range(n_outputs):
            for k in range(n_inputs):
                weight = w.w_skip[j, k]
                for i in range(n_rows):
                    ys[j, i] += weight * xs[k, i]
    for i in range(n_rows):
        for j in range(n_outputs):
            work.y_pred[i, j] = ys[j, i]
    loss = scaled_loss(y, s, total, work, rule)
    for i in range(n_rows):
        for j in range(n_outputs):
            ys[j, i] = work.grad_y_pred[i, j]
    for u in range(n_hidden):
        for i in range(n_rows):
            grad_h[u, i] = w.w2[0, u] * ys[0, i]
        for j in range(1, n_outputs):
            weight = w.w2[j, u]
            for i in range(n_rows):
                grad_h[u, i] += weight * ys[j, i]
        for j in range(n_outputs):
            gradient = ys.dtype.type(0)
            for i in range(n_rows):
                gradient += h_relu[u, i] * ys[j, i]
            g.w2[j, u] = gradient
        if rule.activation == 0:
            gradient = grad_h_of_unit(0, u, h, h_relu, grad_h)
        else:
            gradient = grad_h_of_unit(rule.activation, u, h, h_relu, grad_h)
        if w.b1.size:
            g.b1[u] = gradient
    product(grad_h, x, g.w1, rule.loops)
    for j in range(g.b2.size):
        gradient = ys.dtype.type(0)
        for i in range(n_rows):
            gradient += ys[j, i]
        g.b2[j] = gradient
    if w.w_skip.size:
        product(ys, x, g.w_skip, rule.loops)
    return loss


@inner
def product(a, b, out, loops):
    """out = a @ b."""
    if not loops:
        np.dot(a, b, out)
        return
    for u in range(a.shape[0]):
        for i in range(b.shape[1]):
            out[u, i] = 0
        for k in range(a.shape[1]):
            factor = a[u, k]
            for i in range(b.shape[1]):
                out[u, i] += factor * b[k, i]


@inner
def activate_unit(kind, u, b, h, h_relu, weight, ys):
    """Over all rows: add the bias to unit u, apply its activation, and weigh it into the first output."""
    for i in range(h.shape[1]):
        before = h[u, i] + b
        after = h.dtype.type(value(kind, before))
        h[u, i] = before
        h_relu[u, i] = after
        ys[0, i] += weight * after


@inner
def grad_h_of_unit(kind, u, h, h_relu, grad_h):
    """Over all rows: unit u's gradient through its activation; returns the sum, the gradient of its bias."""
    number = h.dtype.type
    total = number(0)
    for i in range(h.shape[1]):
        grad = grad_h[u, i] * number(derivative(kind, h[u, i], h_relu[u, i]))
        grad_h[u, i] = grad
        total += grad
    return total


# ---- updates: one pass over a weight and everything that belongs to it


@inner
def decay(flat, penalty):
    """Add the penalty's gradient to the front of a network's numbers, the weights; returns its part of the objective."""
    factor = flat.w.dtype.type(penalty)
    squares = 0.0
    if penalty:
        for i in range(flat.decaying):
            squares += flat.w[i] * flat.w[i]
            flat.gradient[i] += factor * flat.w[i]
    return 0.5 * penalty * squares


@inner
def descend(w, gradient, velocity, rates):
    """Gradient descent."""
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


@inner
def adapt(w, gradient, mean, square, rates, steps):
    """Adam."""
    number = w.dtype.type
    one = number(1)
    beta1, beta2, epsilon = number(rates.beta1), number(rates.beta2), number(rates.epsilon)
    rate = number(rates.learning_rate / (1 - rates.beta1**steps))
    correction = number(1 / np.sqrt(1 - rates.beta2**steps))
    for i in range(w.size):
        mean[i] = beta1 * mean[i] + (one - beta1) * gradient[i]
        square[i] = beta2 * square[i] + (one - beta2) * (gradient[i] * gradient[i])
        w[i] -= rate * mean[i] / (np.sqrt(square[i]) * correction + epsilon)


# ---- whole chunks of steps


@inner
def gather(batches, x, y, s, first, n):
    """Copy the rows `order[first : first + n]` into the batch's room."""
    for i in range(n):  # entry by entry: a slice of a row costs more than the few numbers in it
        row = batches.order[first + i]
        for k in range(x.shape[1]):
            batches.x[i, k] = x[row, k]
        for j in range(y.shape[1]):
            batches.y[i, j] = y[row, j]
        if s.size:
            batches.s[i] = s[row]


@inner
def rows_of(work, n):
    """The first `n` rows of the room."""
    return Work(
        work.h[:n],
        work.h_relu[:n],
        work.y_pred[:n],
        work.grad_y_pred[:n],
        work.grad_h[:n],
        work.skip[:n],
        work.turned,
    )


@inner
def step_gradients(t, x, y, s, batches, w, g, work, rule):
    """Loss (without penalty) and gradients of step `t`, on its rows."""
    if batches.order.size == 0:
        return forward_backward(x, y, s, batches.totals[t], w, g, work, rule)
    first = batches.starts[t]
    n = batches.starts[t + 1] - first
    gather(batches, x, y, s, first, n)
    return forward_backward(
        batches.x[:n],
        batches.y[:n],
        batches.s[: min(n, batches.s.size)],
        batches.totals[t],
        w,
        g,
        rows_of(work, n),
        rule,
    )


@jit
def advance_descent(x, y, s, batches, w, g, flat, velocity, work, rule, rates, losses):
    """Steps of gradient descent; `losses[t]` is the objective before step t. `w` and `g` are views of `flat`."""
    for t in range(losses.size):
        loss = step_gradients(t, x, y, s, batches, w, g, work, rule)
        losses[t] = loss + decay(flat, batches.penalties[t])
        descend(flat.w, flat.gradient, velocity, rates)


@jit
def advance_adam(x, y, s, batches, w, g, flat, mean, square, work, rule, rates, steps, losses):
    """Steps of Adam, `steps` of them already taken; `losses[t]` is the objective before step t."""
    for t in range(losses.size):
        loss = step_gradients(t, x, y, s, batches, w, g, work, rule)
        losses[t] = loss + decay(flat, batches.penalties[t])
        adapt(flat.w, flat.gradient, mean, square, rates, steps + t + 1)


@jit
def evaluate(x, y, s, total, penalty, w, g, flat, work, rule):
    """The objective and all its gradients at one point."""
    return forward_backward(x, y, s, total, w, g, work, rule) + decay(flat, penalty)


@jit
def advance_tiny_descent(xs, ys, w, total, rule, learning_rate, losses):
    """Plain gradient descent of a tiny network on all rows: `xs`, `ys` are `x.T`, `y.T`, the weights are turned too.

    The loss is elementwise, and there is no skip layer, row weight, momentum or penalty. Everything of a step is in one
    place, as here a call costs as much as the work in it.
    """
    n_inputs, n_rows = xs.shape
    n_outputs, n_hidden = ys.shape[0], w.w1.shape[0]
    number = xs.dtype.type
    zero, rate, parameter = number(0), number(learning_rate), number(rule.parameter)
    scale = number(1) if rule.is_sum else number(1) / number(total)
    bias = w.b1.size > 0
    h, h_relu = np.empty((n_hidden, n_rows), xs.dtype), np.empty((n_hidden, n_rows), xs.dtype)
    grad_h = np.empty_like(h)
    y_pred, grad_y_pred = np.empty_like(ys), np.empty_like(ys)
    flat_h, flat_h_relu, flat_grad_h = h.ravel(), h_relu.ravel(), grad_h.ravel()
    flat_y, flat_y_pred, flat_grad = ys.ravel(), y_pred.ravel(), grad_y_pred.ravel()
    for t in range(losses.size):
        for u in range(n_hidden):
            start, weight = (w.b1[u] if bias else zero), w.w1[u, 0]
            for i in range(n_rows):
                h[u, i] = start + weight * xs[0, i]
            for k in range(1, n_inputs):
                weight = w.w1[u, k]
                for i in range(n_rows):
                    h[u, i] += weight * xs[k, i]
        activate(rule.activation, flat_h, flat_h_relu)
        for j in range(n_outputs):
            start, weight = (w.b2[j] if bias else zero), w.w2[j, 0]
            for i in range(n_rows):
                y_pred[j, i] = start + weight * h_relu[0, i]
            for u in range(1, n_hidden):
                weight = w.w2[j, u]
                for i in range(n_rows):
                    y_pred[j, i] += weight * h_relu[u, i]
        losses[t] = scale * loss_of_row(rule.loss, flat_y_pred, flat_y, flat_grad, parameter)
        if scale != 1:
            for i in range(flat_grad.size):
                flat_grad[i] *= scale
        for u in range(n_hidden):
            weight, gradient = w.w2[0, u], zero
            for i in range(n_rows):
                grad_h[u, i] = weight * grad_y_pred[0, i]
                gradient += h_relu[u, i] * grad_y_pred[0, i]
            w.w2[0, u] = weight - rate * gradient
            for j in range(1, n_outputs):
                weight, gradient = w.w2[j, u], zero
                for i in range(n_rows):
                    grad_h[u, i] += weight * grad_y_pred[j, i]
                    gradient += h_relu[u, i] * grad_y_pred[j, i]
                w.w2[j, u] = weight - rate * gradient
        times_derivative(rule.activation, flat_h, flat_h_relu, flat_grad_h)
        for u in range(n_hidden):
            for k in range(n_inputs):
                gradient = zero
                for i in range(n_rows):
                    gradient += grad_h[u, i] * xs[k, i]
                w.w1[u, k] -= rate * gradient
        if bias:
            for u in range(n_hidden):
                gradient = zero
                for i in range(n_rows):
                    gradient += grad_h[u, i]
                w.b1[u] -= rate * gradient
            for j in range(n_outputs):
                gradient = zero
                for i in range(n_rows):
                    gradient += grad_y_pred[j, i]
                w.b2[j] -= rate * gradient


# ---- the span: full-batch gradient descent on k = x @ x.T instead of x


@inner
def add_multiple(h, factor, more):
    """h += factor · more."""
    for i in range(h.size):
        h[i] += factor * more[i]


@inner
def squared_norm_of_w1(c, squares_start, h_start, h, a):
    """‖w1‖² of w1 = c·w1_start + x.T @ a: as h = c·h_start + k @ a, it is c²·‖w1_start‖² + Σ a·(h + c·h_start)."""
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
    """Gradient descent of w1 = c[0]·w1_start + x.T @ a, given k = x @ x.T and h_start = x @ w1_start.

    `w.w1` is empty and `w.w2` turned, of shape (n_outputs, n_hidden), which BLAS multiplies faster here. `c[0]` and `a`
    move; `c[1]` and `velocity_a` are their velocities (empty without momentum).
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
        losses[t] = loss + 0.5 * penalty * squares + decay(flat, penalty)
        descend(flat.w, flat.gradient, velocity, rates)

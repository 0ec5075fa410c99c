"""Networks so small that plain loops beat BLAS: units along the first axis, rows innermost.

Loops over the rows are long where those over a few units or outputs are not, and the shortest loops vectorise.
"""

from __future__ import annotations

from twolayer.engines.compiled.forward_backward import (
    activate,
    derivative_switch,
    room,
    row_loss_switch,
    scaled_loss,
    times_derivative,
    value_switch,
)
from twolayer.engines.compiled.jit import jit, jit_inline, jit_inner


@jit_inner
def transposed_forward_backward(x, y, s, total, w, g, work, rule):
    """Do what `forward_backward` does, with everything transposed.

    `w.w1` has the shape (n_hidden, n_inputs), `w.w2` and `w.w_skip` (n_outputs, ...); so have their gradients.
    """
    n_rows, n_inputs, n_hidden, n_outputs = x.shape[0], x.shape[1], w.w1.shape[0], y.shape[1]
    xs = work.turned[: n_inputs * n_rows].reshape(n_inputs, n_rows)
    ys = work.turned[n_inputs * n_rows : (n_inputs + n_outputs) * n_rows].reshape(n_outputs, n_rows)
    h = work.h.ravel().reshape(n_hidden, n_rows)
    h_relu = work.h_relu.ravel().reshape(n_hidden, n_rows)
    grad_h = work.grad_h.ravel().reshape(n_hidden, n_rows)
    for k in range(n_inputs):
        for i in range(n_rows):
            xs[k, i] = x[i, k]
    product(w.w1, xs, h)
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
    product(grad_h, x, g.w1)
    for j in range(g.b2.size):
        gradient = ys.dtype.type(0)
        for i in range(n_rows):
            gradient += ys[j, i]
        g.b2[j] = gradient
    if w.w_skip.size:
        product(ys, x, g.w_skip)
    return loss


@jit_inline
def product(a, b, out):
    """out = a @ b."""
    for u in range(a.shape[0]):
        for i in range(b.shape[1]):
            out[u, i] = 0
        for k in range(a.shape[1]):
            factor = a[u, k]
            for i in range(b.shape[1]):
                out[u, i] += factor * b[k, i]


@jit_inline
def activate_unit(kind, u, b, h, h_relu, weight, ys):
    """Add the bias to unit u over all rows, apply its activation, and add its part of the first output."""
    for i in range(h.shape[1]):
        before = h[u, i] + b
        after = h.dtype.type(value_switch(kind, before))
        h[u, i] = before
        h_relu[u, i] = after
        ys[0, i] += weight * after


@jit_inline
def grad_h_of_unit(kind, u, h, h_relu, grad_h):
    """Multiply unit u's gradient by its activation's derivative, over all rows; return the sum, its bias's gradient."""
    number = h.dtype.type
    total = number(0)
    for i in range(h.shape[1]):
        grad = grad_h[u, i] * number(derivative_switch(kind, h[u, i], h_relu[u, i]))
        grad_h[u, i] = grad
        total += grad
    return total


@jit
def advance_tiny_descent(xs, ys, w, total, rule, learning_rate, losses):
    """Take steps of plain gradient descent on all rows: `xs`, `ys` are `x.T`, `y.T`, the weights transposed too.

    The loss is elementwise, and there is no skip layer, row weight, momentum or penalty. Everything of a step is in one
    place, as here a call costs as much as the work in it.
    """
    n_inputs, n_rows = xs.shape
    n_outputs, n_hidden = ys.shape[0], w.w1.shape[0]
    number = xs.dtype.type
    zero, rate, parameter = number(0), number(learning_rate), number(rule.parameter)
    scale = number(1) if rule.is_sum else number(1) / number(total)
    bias = w.b1.size > 0
    h, h_relu = room(n_hidden, n_rows, xs.dtype), room(n_hidden, n_rows, xs.dtype)
    grad_h = room(n_hidden, n_rows, xs.dtype)
    y_pred, grad_y_pred = room(n_outputs, n_rows, xs.dtype), room(n_outputs, n_rows, xs.dtype)
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
        losses[t] = scale * row_loss_switch(rule.loss, flat_y_pred, flat_y, flat_grad, parameter)
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

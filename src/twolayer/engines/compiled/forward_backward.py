"""One pass through the network in machine code: forward, loss and backward of a table.

Products go through BLAS (`np.dot` with an output), everything element-wise runs in as few passes as possible, and
networks too small for BLAS to pay take plain loops. Activations and losses are not written again here: their scalar
forms are compiled from their own files.

A missing bias, skip layer or row weight is an empty array.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twolayer.engines.compiled.jit import jit_inner, jit_part, switch
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES


class NetworkArrays(NamedTuple):
    """One network's weights, or anything with a number for each; C-contiguous arrays of one dtype."""

    w1: Any  # (n_inputs, n_hidden)
    b1: Any  # (n_hidden,) or empty
    w2: Any  # (n_hidden, n_outputs)
    b2: Any  # (n_outputs,) or empty
    w_skip: Any  # (n_inputs, n_outputs) or empty


# multiplications in a product, up to which BLAS does not pack its factors: larger products go in parts
SMALL_PRODUCT = 1_000_000
BAND_ROWS = 24  # rows or columns of a triangular table in one product: few, as then BLAS leaves out its packing
SMALLEST_BAND_ROWS = 8  # rows, below which that does not pay


class LowerTriangular(NamedTuple):
    """A table without entries above its diagonal, in bands of rows and again in bands of columns: half the products.

    Columns from `rank` on are zero.
    """

    rows: Any  # the first entries of BAND_ROWS rows, as many as are filled in the last of them; then those of the next
    columns: Any  # the last entries of BAND_ROWS columns, from the first that is filled; then those of the next
    rank: int


def packed_triangular(z: np.ndarray, order: np.ndarray, rank: int) -> LowerTriangular:
    """Return the bands of a table (n_rows, rank or more) that is lower triangular in that order of its rows."""
    n_rows = len(z)
    rows = [
        z[order[i : i + BAND_ROWS], : min(i + BAND_ROWS, rank)].ravel()
        for i in range(0, n_rows, BAND_ROWS)
    ]
    columns = [
        z[order[k:], k : min(k + BAND_ROWS, rank)].ravel() for k in range(0, rank, BAND_ROWS)
    ]
    return LowerTriangular(np.concatenate(rows), np.concatenate(columns), rank)


class Workspace(NamedTuple):
    """Room for the intermediate arrays of a step."""

    h: Any  # (n_rows, n_hidden)
    h_relu: Any  # (n_rows, n_hidden)
    y_pred: Any  # (n_rows, n_outputs)
    grad_y_pred: Any  # (n_rows, n_outputs)
    grad_h: Any  # (n_rows, n_hidden)
    skip: Any  # (n_rows, n_outputs), or empty
    turned: Any  # (n_rows · (n_inputs + n_outputs),), or empty: columns and outputs of a tiny network's table


@jit_inner
def workspace_rows(work, n):
    """Return views of the first `n` rows of the workspace."""
    return Workspace(
        work.h[:n],
        work.h_relu[:n],
        work.y_pred[:n],
        work.grad_y_pred[:n],
        work.grad_h[:n],
        work.skip[:n],
        work.turned,
    )


GAP = 128  # numbers


@jit_inner
def room(n, m, dtype):
    """An empty array (n, m) with GAP numbers of nobody before and after it, for what a loop writes while it sums.

    Such a loop takes several entries at once, and so sums in another order, unless what it writes begins within a few
    entries after what it reads. Where two small arrays lie is chance, and the last bits of a run are not to follow from it.
    """
    return np.empty(n * m + 2 * GAP, dtype)[GAP : GAP + n * m].reshape((n, m))


class FunctionIndices(NamedTuple):
    """Which functions, by their places in the tables of activations and losses."""

    activation: int
    loss: int
    parameter: float
    is_sum: bool
    elementwise: bool
    loops: bool  # a network so small that plain loops beat BLAS: units along the first axis, rows innermost


value_switch = switch([a.scalar_value for a in ACTIVATIONS.values()])
derivative_switch = switch([a.scalar_derivative for a in ACTIVATIONS.values()])
row_loss_switch = switch([loss.row for loss in LOSSES.values()])

# In the loops below the first two activations of the table, which cost next to nothing, have branches of their own: with the
# kind known, the loop vectorises.


@jit_inner
def activate(kind, h, a):
    """a = activation(h)."""
    if kind == 0:
        for i in range(h.size):
            a[i] = value_switch(0, h[i])
    elif kind == 1:
        for i in range(h.size):
            a[i] = value_switch(1, h[i])
    else:
        for i in range(h.size):
            a[i] = value_switch(kind, h[i])


@jit_inner
def activate_sum(kind, h, more, a):
    """h += more;  a = activation(h)."""
    if kind == 0:
        for i in range(h.size):
            h[i] += more[i]
            a[i] = value_switch(0, h[i])
    else:
        for i in range(h.size):
            h[i] += more[i]
            a[i] = value_switch(kind, h[i])


@jit_inner
def times_derivative(kind, h, a, grad):
    """grad *= the activation's derivative."""
    number = grad.dtype.type
    if kind == 0:
        for i in range(h.size):
            grad[i] *= number(derivative_switch(0, h[i], a[i]))
    elif kind == 1:
        for i in range(h.size):
            grad[i] *= number(derivative_switch(1, h[i], a[i]))
    else:
        for i in range(h.size):
            grad[i] *= number(derivative_switch(kind, h[i], a[i]))


@jit_inner
def descend_by_derivative(kind, h, a, grad, w, rate):
    """w -= rate · grad · the activation's derivative."""
    number = grad.dtype.type
    if kind == 0:
        for i in range(h.size):
            w[i] -= rate * (grad[i] * number(derivative_switch(0, h[i], a[i])))
    else:
        for i in range(h.size):
            w[i] -= rate * (grad[i] * number(derivative_switch(kind, h[i], a[i])))


@jit_part
def loss_and_grad_y_pred(rule, parameter, y_pred, y, s, scale, grad):
    """Return scale · Σ s · loss of row; write its gradient into `grad`."""
    kind = rule.loss
    if rule.elementwise and s.size == 0:  # then the whole table can be taken as one long row
        flat = grad.ravel()
        loss = scale * row_loss_switch(kind, y_pred.ravel(), y.ravel(), flat, parameter)
        if scale != 1:
            for i in range(flat.size):
                flat[i] *= scale
        return loss
    loss = 0.0
    for i in range(y.shape[0]):
        weight = scale if s.size == 0 else scale * s[i]
        loss += weight * row_loss_switch(kind, y_pred[i], y[i], grad[i], parameter)
        if weight != 1:
            for j in range(y.shape[1]):
                grad[i, j] *= weight
    return loss


@jit_inner
def add_to_rows(array, b):
    """Add b to every row."""
    for i in range(array.shape[0]):
        for j in range(array.shape[1]):
            array[i, j] += b[j]


@jit_inner
def sum_of_rows(array, out):
    """Write the sum over the rows into out."""
    out[:] = 0
    for i in range(array.shape[0]):
        for j in range(array.shape[1]):
            out[j] += array[i, j]


@jit_inner
def times(a, b, out):
    """out = a @ b, in bands of rows that BLAS need not pack; one column by a loop, for which BLAS is slow to start."""
    if b.shape[1] > 1:
        n_rows = a.shape[0]
        band = SMALL_PRODUCT // (b.shape[0] * b.shape[1])
        if band >= n_rows or band < SMALLEST_BAND_ROWS:
            np.dot(a, b, out)
        else:
            for start in range(0, n_rows, band):
                np.dot(a[start : start + band], b, out[start : start + band])
        return
    for i in range(a.shape[0]):
        total = a[i, 0] * b[0, 0]
        for k in range(1, a.shape[1]):
            total += a[i, k] * b[k, 0]
        out[i, 0] = total


@jit_inner
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


@jit_part
def scaled_loss(y, s, total, work, rule):
    """Return the loss of `y_pred`; write `grad_y_pred`."""
    number = work.y_pred.dtype.type
    scale = number(1) if rule.is_sum else number(1) / number(total)
    parameter = number(rule.parameter)
    return loss_and_grad_y_pred(rule, parameter, work.y_pred, y, s, scale, work.grad_y_pred)


@jit_part
def from_h_to_grad_h(y, s, total, w, g, work, rule):
    """Return the loss, given `work.h` without bias and `work.skip`; write `grad_h`, and the gradients of b1, w2 and b2."""
    one = y.shape[1] == 1
    if one:
        one_output(rule.activation, w, work)
    else:
        if w.b1.size:
            add_to_rows(work.h, w.b1)
        activate(rule.activation, work.h.ravel(), work.h_relu.ravel())
        times(work.h_relu, w.w2, work.y_pred)
    if w.w_skip.size:
        y_pred, skip = work.y_pred.ravel(), work.skip.ravel()
        for i in range(y_pred.size):
            y_pred[i] += skip[i]
    if w.b2.size:
        add_to_rows(work.y_pred, w.b2)
    loss = scaled_loss(y, s, total, work, rule)
    if w.b2.size:
        sum_of_rows(work.grad_y_pred, g.b2)
    if one:
        grad_of_one_output(rule.activation, w, g, work)
        return loss
    transposed_times(work.h_relu, work.grad_y_pred, g.w2)
    np.dot(work.grad_y_pred, w.w2.T, work.grad_h)
    times_derivative(rule.activation, work.h.ravel(), work.h_relu.ravel(), work.grad_h.ravel())
    if w.b1.size:
        sum_of_rows(work.grad_h, g.b1)
    return loss


@jit_part
def one_output(kind, w, work):
    """Add the bias, apply the activation and compute the only output, row by row: in one pass over `h`."""
    if kind == 0:
        one_output_of_kind(0, w, work)
    else:
        one_output_of_kind(kind, w, work)


@jit_inner
def one_output_of_kind(kind, w, work):
    """Do the same, with the kind a constant for the compiler."""
    h, h_relu, y_pred = work.h, work.h_relu, work.y_pred
    b1, w2 = w.b1, w.w2.ravel()
    number = h.dtype.type
    for i in range(h.shape[0]):
        if b1.size:
            for u in range(h.shape[1]):
                h[i, u] += b1[u]
        out = number(0)
        for u in range(h.shape[1]):
            after = number(value_switch(kind, h[i, u]))
            h_relu[i, u] = after
            out += after * w2[u]
        y_pred[i, 0] = out


@jit_part
def grad_of_one_output(kind, w, g, work):
    """Compute `grad_h` and the gradients of b1 and w2 from `grad_y_pred`, row by row."""
    if kind == 0:
        grad_of_one_output_of_kind(0, w, g, work)
    else:
        grad_of_one_output_of_kind(kind, w, g, work)


@jit_inner
def grad_of_one_output_of_kind(kind, w, g, work):
    """Do the same, with the kind a constant for the compiler."""
    h, h_relu, grad_h, grad_y_pred = work.h, work.h_relu, work.grad_h, work.grad_y_pred
    w2, g_w2, g_b1 = w.w2.ravel(), g.w2.ravel(), g.b1
    number = h.dtype.type
    g_w2[:] = 0
    g_b1[:] = 0
    for i in range(h.shape[0]):
        grad = grad_y_pred[i, 0]
        for u in range(h.shape[1]):
            g_w2[u] += grad * h_relu[i, u]
            grad_h[i, u] = grad * w2[u] * number(derivative_switch(kind, h[i, u], h_relu[i, u]))
        if g_b1.size:
            for u in range(h.shape[1]):
                g_b1[u] += grad_h[i, u]


@jit_inner
def forward_backward(x, y, s, total, w, g, work, rule):
    """Return the loss without penalty; write the gradients without penalty into `g`. `work` has as many rows as `x`."""
    times(x, w.w1, work.h)
    if w.w_skip.size:
        times(x, w.w_skip, work.skip)
    loss = from_h_to_grad_h(y, s, total, w, g, work, rule)
    transposed_times(x, work.grad_h, g.w1)
    if w.w_skip.size:
        transposed_times(x, work.grad_y_pred, g.w_skip)
    return loss


@jit_part
def whole_forward_backward(table, y, s, total, w, g, work, rule):
    """Do the same for all rows of a table, dense or LowerTriangular, whichever is not empty; never by plain loops."""
    table_times(table, w.w1, work.h)
    if w.w_skip.size:
        table_times(table, w.w_skip, work.skip)
    loss = from_h_to_grad_h(y, s, total, w, g, work, rule)
    transposed_table_times(table, work.grad_h, g.w1)
    if w.w_skip.size:
        transposed_table_times(table, work.grad_y_pred, g.w_skip)
    return loss


@jit_inner
def table_times(table, b, out):
    """out = table @ b."""
    x, lower = table
    if lower.rank:
        lower_times(lower, b, out)
    else:
        times(x, b, out)


@jit_inner
def transposed_table_times(table, b, out):
    """out = table.T @ b."""
    x, lower = table
    if lower.rank:
        transposed_lower_times(lower, b, out)
    else:
        transposed_times(x, b, out)


@jit_inner
def lower_times(x, b, out):
    """out = x @ b, band by band, without the zeros at the end of its rows."""
    n_rows, at = out.shape[0], 0
    for start in range(0, n_rows, BAND_ROWS):
        stop = min(start + BAND_ROWS, n_rows)
        filled = min(stop, x.rank)
        size = (stop - start) * filled
        times(
            x.rows[at : at + size].reshape(stop - start, filled),
            b[:filled],
            out[start:stop],
        )
        at += size


@jit_inner
def transposed_lower_times(x, b, out):
    """out = x.T @ b, in the same way by bands of columns."""
    n_rows, at = b.shape[0], 0
    for start in range(0, x.rank, BAND_ROWS):
        stop = min(start + BAND_ROWS, x.rank)
        size = (n_rows - start) * (stop - start)
        transposed_times(
            x.columns[at : at + size].reshape(n_rows - start, stop - start),
            b[start:],
            out[start:stop],
        )
        at += size
    out[x.rank :] = 0

"""The tutorial's program as its readers would write it in each library, and with the span. Each returns the last loss.

The span takes the columns out of the steps. The gradient of `w1` is `x.T @ grad_h`, so that `w1` stays `w1_start + x.T @ a`:
with `k = x @ x.T` a step needs `h = x @ w1_start + k @ a` and moves `a` by `-rate * grad_h`. The losses are the same but for
rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twolayer.maths.network import Params


def numpy_program(
    x: Any, y: Any, params: Params, rate: float, steps: int, relu: bool = True
) -> float:
    """The tutorial's program, line for line; with biases if there are any."""
    w1, w2 = params.w1.copy(), params.w2.copy()
    b1 = None if params.b1 is None else params.b1.copy()
    b2 = None if params.b2 is None else params.b2.copy()
    loss = 0.0
    for _ in range(steps):
        h = x.dot(w1)
        if b1 is not None:
            h = h + b1
        h_relu = np.maximum(h, 0) if relu else h
        y_pred = h_relu.dot(w2)
        if b2 is not None:
            y_pred = y_pred + b2
        loss = np.square(y_pred - y).sum()
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h_relu.T.dot(grad_y_pred)
        grad_h_relu = grad_y_pred.dot(w2.T)
        grad_h = grad_h_relu.copy()
        if relu:
            grad_h[h < 0] = 0
        grad_w1 = x.T.dot(grad_h)
        w1 -= rate * grad_w1
        w2 -= rate * grad_w2
        if b1 is not None and b2 is not None:
            b1 -= rate * grad_h.sum(axis=0)
            b2 -= rate * grad_y_pred.sum(axis=0)
    return float(loss)


def numpy_span(x: Any, y: Any, params: Params, rate: float, steps: int) -> float:
    """The NumPy program with the span: relu, without biases."""
    k, h_start = x @ x.T, x @ params.w1
    a, loss = numpy_span_steps(k, h_start, y, params.w2, rate, steps)
    _w1 = params.w1 + x.T @ a  # what the plain program ends with too
    return loss


def numpy_span_steps(
    k: Any, h_start: Any, y: Any, w2: Any, rate: float, steps: int
) -> tuple[Any, float]:
    """Its steps, which know nothing of the columns: `a` of shape (n_rows, n_hidden), and the last loss."""
    a, w2, loss = np.zeros_like(h_start), w2.copy(), 0.0
    for _ in range(steps):
        h = h_start + k @ a
        h_relu = np.maximum(h, 0)
        y_pred = h_relu @ w2
        loss = np.square(y_pred - y).sum()
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h_relu.T @ grad_y_pred
        grad_h = grad_y_pred @ w2.T
        grad_h[h < 0] = 0
        a -= rate * grad_h
        w2 -= rate * grad_w2
    return a, float(loss)


def torch_by_hand(x: Any, y: Any, params: Params, rate: float, steps: int) -> float:
    """The tutorial's second program: torch tensors, gradients by hand."""
    import torch

    x, y = torch.from_numpy(x), torch.from_numpy(y)
    w1, w2 = torch.tensor(params.w1), torch.tensor(params.w2)
    loss = torch.zeros(())
    for _ in range(steps):
        h = x.mm(w1)
        h_relu = h.clamp(min=0)
        y_pred = h_relu.mm(w2)
        loss = (y_pred - y).pow(2).sum()
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h_relu.t().mm(grad_y_pred)
        grad_h = grad_y_pred.mm(w2.t()).clone()
        grad_h[h < 0] = 0
        grad_w1 = x.t().mm(grad_h)
        w1 -= rate * grad_w1
        w2 -= rate * grad_w2
    return loss.item()


def torch_autograd(
    x: Any, y: Any, params: Params, rate: float, steps: int, relu: bool = True
) -> float:
    """The tutorial's third program: `backward()`, update under `no_grad`; with biases if there are any."""
    import torch

    x, y = torch.from_numpy(x), torch.from_numpy(y)
    weights = {name: torch.tensor(w, requires_grad=True) for name, w in params.items()}
    loss = torch.zeros(())
    for _ in range(steps):
        h = x.mm(weights["w1"])
        if "b1" in weights:
            h = h + weights["b1"]
        y_pred = (h.clamp(min=0) if relu else h).mm(weights["w2"])
        if "b2" in weights:
            y_pred = y_pred + weights["b2"]
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            for w in weights.values():
                assert w.grad is not None
                w -= rate * w.grad
                w.grad = None
    return loss.item()


def jax_program(x: Any, y: Any, params: Params, rate: float, steps: int) -> Callable[[], float]:
    """The whole loop as one compiled scan: a function to be timed, compiled already."""
    import jax
    import jax.numpy as jnp

    def program(x: Any, y: Any, w1: Any, w2: Any) -> Any:
        def loss_of(w1: Any, w2: Any) -> Any:
            return jnp.square(jnp.maximum(x @ w1, 0) @ w2 - y).sum()

        def step(weights: Any, _: Any) -> Any:
            loss, grads = jax.value_and_grad(loss_of, (0, 1))(*weights)
            return tuple(w - rate * g for w, g in zip(weights, grads, strict=True)), loss

        (w1, w2), losses = jax.lax.scan(step, (w1, w2), None, length=steps)
        return w1, losses[-1]

    return jax_compiled(program, x, y, params)


def jax_span(x: Any, y: Any, params: Params, rate: float, steps: int) -> Callable[[], float]:
    """The same with the span: the gradient is asked for with respect to `h`."""
    import jax
    import jax.numpy as jnp

    def program(x: Any, y: Any, w1: Any, w2: Any) -> Any:
        k, h_start = x @ x.T, x @ w1

        def loss_of(h: Any, w2: Any) -> Any:
            return jnp.square(jnp.maximum(h, 0) @ w2 - y).sum()

        def step(carry: Any, _: Any) -> Any:
            a, w2 = carry
            loss, (grad_h, grad_w2) = jax.value_and_grad(loss_of, (0, 1))(h_start + k @ a, w2)
            return (a - rate * grad_h, w2 - rate * grad_w2), loss

        (a, _), losses = jax.lax.scan(step, (jnp.zeros_like(h_start), w2), None, length=steps)
        return w1 + x.T @ a, losses[-1]

    return jax_compiled(program, x, y, params)


def jax_compiled(program: Any, x: Any, y: Any, params: Params) -> Callable[[], float]:
    """The program, compiled for these arrays; it ends when `w1` is there."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", x.dtype == np.float64)
    arrays = [jnp.asarray(each) for each in (x, y, params.w1, params.w2)]
    compiled = jax.jit(program)

    def run() -> float:
        w1, loss = compiled(*arrays)
        w1.block_until_ready()
        return float(loss)

    run()
    return run

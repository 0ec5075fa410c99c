"""The peers: the same work as their own users would write it. Each returns the objective it ends at."""

from __future__ import annotations

import contextlib
import warnings
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


def jax_scan(x: Any, y: Any, params: Params, rate: float, steps: int) -> Any:
    """The whole loop as one compiled scan; returns a function to be timed, compiled already."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", x.dtype == np.float64)

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        w1, w2 = weights
        return jnp.square(jnp.maximum(x @ w1, 0) @ w2 - y).sum()

    def step(weights: Any, _: Any, x: Any, y: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(weights, x, y)
        return tuple(w - rate * g for w, g in zip(weights, grads, strict=True)), loss

    @jax.jit
    def program(weights: Any, x: Any, y: Any) -> Any:
        return jax.lax.scan(lambda w, t: step(w, t, x, y), weights, None, length=steps)[1][-1]

    weights = (jnp.asarray(params.w1), jnp.asarray(params.w2))
    x, y = jnp.asarray(x), jnp.asarray(y)
    program(weights, x, y).block_until_ready()
    return lambda: float(program(weights, x, y).block_until_ready())


def sklearn_adam(x: Any, y: Any, n_hidden: int, batch: int, passes: int, classes: bool) -> float:
    """scikit-learn's MLP with Adam for that many passes."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPClassifier if classes else MLPRegressor
    model = kind(
        hidden_layer_sizes=(n_hidden,),
        solver="adam",
        alpha=0.0,
        batch_size=batch,
        max_iter=passes,
        tol=0.0,
        n_iter_no_change=passes + 1,
        random_state=0,
    )
    return fit_quietly(model, x, y)


def fit_quietly(model: Any, x: Any, y: Any) -> float:
    """Fit, without the warning that the iterations asked for were all used; returns the loss."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(model.fit(x, y).loss_)


def torch_adam(
    x: Any, y: Any, params: Params, batch: int, passes: int, classes: bool, fused: bool = True
) -> float:
    """torch.optim's fused Adam on `nn.Sequential`, batch by batch."""
    import torch

    network = torch_network(params)
    loss_of = torch.nn.CrossEntropyLoss() if classes else torch.nn.MSELoss()
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=fused)
    loss = torch.zeros(())
    for _ in range(passes):
        order = torch.randperm(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(network(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
    return loss.item()


def torch_network(params: Params) -> Any:
    """`nn.Sequential` with these weights."""
    import torch

    layers = []
    for w, b in ((params.w1, params.b1), (params.w2, params.b2)):
        layer = torch.nn.Linear(w.shape[0], w.shape[1], dtype=torch.from_numpy(w).dtype)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(w.T))
            layer.bias.copy_(torch.from_numpy(b))
        layers.append(layer)
    return torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1])


def sklearn_lbfgs(x: Any, labels: Any, n_hidden: int, alpha: float) -> float:
    """scikit-learn's MLPClassifier with L-BFGS, to where it stops."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        hidden_layer_sizes=(n_hidden,), solver="lbfgs", alpha=alpha, max_iter=500, random_state=0
    )
    return fit_quietly(model, x, labels)


def torch_lbfgs(x: Any, labels: Any, params: Params, alpha: float, until: float) -> float:
    """torch.optim.LBFGS with strong Wolfe conditions, until the objective is at most `until`."""
    import torch

    network = torch_network(params)
    weights = [w for name, w in network.named_parameters() if name.endswith("weight")]
    x, labels = torch.from_numpy(x), torch.from_numpy(labels)
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.LBFGS(
        network.parameters(),
        lr=1,
        max_iter=2000,
        max_eval=4000,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        history_size=10,
        line_search_fn="strong_wolfe",
    )
    seen = [float("inf")]

    def closure() -> Any:
        optimizer.zero_grad()
        decay = sum(w.square().sum() for w in weights)
        objective = loss_of(network(x), labels) + 0.5 * alpha / len(x) * decay
        objective.backward()
        seen.append(objective.item())
        if seen[-1] <= until:
            raise Reached
        return objective.detach()

    with contextlib.suppress(Reached):
        optimizer.step(closure)
    return seen[-1]


class Reached(Exception):  # noqa: N818
    """The objective that was asked for is reached: it ends the optimiser from inside, with no evaluation lost."""

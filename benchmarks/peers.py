"""The optimisers of other libraries, as their own users would call them. Each returns the objective it ends at."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np

from benchmarks.rotation import rotate
from twolayer.maths.network import Params


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
    return fit_silently(model, x, y)


def fit_silently(model: Any, x: Any, y: Any) -> float:
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
    return fit_silently(model, x, labels)


def torch_lbfgs(
    x: Any, labels: Any, params: Params, alpha: float, until: float
) -> tuple[float, Params]:
    """torch.optim.LBFGS with strong Wolfe conditions, until the objective is at most `until`; and the weights there."""
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
            raise TargetReached
        return objective.detach()

    with contextlib.suppress(TargetReached):
        optimizer.step(closure)
    w1, b1, w2, b2 = (each.detach().numpy() for each in network.parameters())
    return seen[-1], Params(w1=w1.T, b1=b1, w2=w2.T, b2=b2)


def scipy_lbfgs(
    x: Any, labels: Any, params: Params, alpha: float, until: float
) -> tuple[float, Params]:
    """scipy.optimize's L-BFGS on a NumPy program, until the objective is at most `until`; and the weights there."""
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    shapes = [w.shape for _, w in params.items()]
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    one_hot = np.eye(params.w2.shape[1])[labels]
    decay = alpha / len(x)
    last: list[Any] = [float("inf"), params]

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        parts = [part.reshape(s) for part, s in zip(np.split(flat, ends[:-1]), shapes, strict=True)]
        w1, b1, w2, b2 = parts
        h = x @ w1 + b1
        h_relu = np.maximum(h, 0)
        log_p = log_softmax(h_relu @ w2 + b2, axis=1)
        loss = -(one_hot * log_p).sum() / len(x)
        loss += 0.5 * decay * (np.vdot(w1, w1) + np.vdot(w2, w2))
        grad_y_pred = (np.exp(log_p) - one_hot) / len(x)
        grad_h = grad_y_pred @ w2.T
        grad_h[h < 0] = 0
        grads = [
            x.T @ grad_h + decay * w1,
            grad_h.sum(0),
            h_relu.T @ grad_y_pred + decay * w2,
            grad_y_pred.sum(0),
        ]
        last[:] = loss, Params(w1=w1, b1=b1, w2=w2, b2=b2)
        if loss <= until:
            raise TargetReached
        return loss, np.concatenate([g.ravel() for g in grads])

    options = {"maxiter": 2000, "maxfun": 4000, "ftol": 0.0, "gtol": 0.0}
    start = np.concatenate([w.ravel() for _, w in params.items()])
    with contextlib.suppress(TargetReached):
        minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    return float(last[0]), last[1]


def lbfgs_rotated(
    lbfgs: Any, x: Any, labels: Any, params: Params, alpha: float, until: float
) -> tuple[float, Params]:
    """One of these two with our shortcut: on the table in the axes of its rows, from the same start to the same end."""
    rotation = rotate(x, params)
    objective, end = lbfgs(rotation.z, labels, rotation.params, alpha, until)
    return objective, rotation.recovered(end)


class TargetReached(Exception):  # noqa: N818
    """The objective that was asked for is reached: it ends the optimiser from inside, with no evaluation lost."""

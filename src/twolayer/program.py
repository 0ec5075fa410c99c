"""The program's two halves with users' arrays checked: forward, and loss with gradients on any engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer import checks
from twolayer.engines import get_ready
from twolayer.engines.contract import Batch
from twolayer.errors import EngineError
from twolayer.maths import network
from twolayer.maths.activations import ACTIVATIONS, Activation
from twolayer.maths.network import Params
from twolayer.solvers.gd import GradientDescent


def forward(x: Any, params: Params, activation: Any = "relu") -> np.ndarray:
    """The network's output.

    Parameters
    ----------
    x : array-like or SciPy sparse array, shape (n_rows, n_inputs)
    params : Params
    activation : {"relu", "identity", "tanh", "logistic"} or Activation

    Returns
    -------
    y_pred : ndarray, shape (n_rows, n_outputs)
        Before any link: for class losses, logits. With several networks (n_networks, n_rows, n_outputs).

    Raises
    ------
    InputError
        If the arrays do not fit together or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> params = tl.Params(w1=np.array([[1.0, -1.0]]), b1=None, w2=np.array([[1.0], [10.0]]), b2=None)
    >>> tl.forward([[2.0], [-3.0]], params)
    array([[ 2.],
           [30.]])
    """
    params = checks.parameters(params)
    rule = checks.one_of(activation, ACTIVATIONS, "activation", Activation)  # type: ignore[type-abstract]
    return network.forward(checks.inputs(x, params), params, rule)


def loss_and_gradients(
    x: Any,
    y: Any,
    params: Params,
    loss: Any = "sum_of_squares",
    activation: Any = "relu",
    alpha: float = 0.0,
    sample_weight: Any = None,
    engine: str = "numpy",
    device: str = "cpu",
) -> tuple[Any, Params]:
    """The objective and its gradient by every weight.

    Parameters
    ----------
    x, y, params, loss, activation, alpha, sample_weight, device
        As in `train`.
    engine : str
        Who computes the gradient: one of `twolayer.engines()`.

    Returns
    -------
    loss : float, or ndarray of shape (n_networks,)
    gradients : Params
        The gradient of each weight in that weight's place.

    Raises
    ------
    InputError, EngineError
        As in `train`.

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> params = tl.Params(w1=np.array([[2.0]]), b1=None, w2=np.array([[3.0]]), b2=None)
    >>> loss, gradients = tl.loss_and_gradients([[1.0]], [[5.0]], params)
    >>> loss, float(gradients.w2[0, 0]), float(gradients.w1[0, 0])
    (1.0, 4.0, 6.0)
    """
    params = checks.parameters(params)
    problem = checks.problem(x, y, params, checks.objective(loss, activation, alpha), sample_weight)
    worker = get_ready(engine)
    solver = GradientDescent(1.0)
    reason = worker.cannot(problem, params, solver)
    if reason:
        raise EngineError(reason)
    state = worker.prepare(problem, params, solver, worker.check_device(device))
    batch = Batch(None, problem.total, problem.objective.penalty(problem.total, problem.total))
    value, gradients = worker.loss_and_gradients(state, state.params, batch)
    losses = worker.to_numpy([value])[0]
    return (float(losses) if losses.ndim == 0 else losses), gradients.map(worker.host)

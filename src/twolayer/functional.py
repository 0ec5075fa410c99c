"""The program's parts on users' arrays, which are checked: first weights, forward, and loss with gradients on any engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer import checks
from twolayer.engines.contract import Batch
from twolayer.maths import network
from twolayer.maths.network import Params
from twolayer.maths.problem import activation_object, checked_objective
from twolayer.solvers.gd import GradientDescent
from twolayer.training.table_home import table_home


def init_params(
    n_inputs: int,
    n_hidden: int,
    n_outputs: int,
    bias: bool = True,
    skip: bool = False,
    scheme: str = "normal",
    random_state: int | np.random.Generator | None = 0,
    dtype: Any = "float64",
    n_networks: int | None = None,
) -> Params:
    """Return random weights to start from.

    The same seed gives the same `w1` and `w2` with and without biases, and in float32 the rounded float64 numbers.

    Parameters
    ----------
    n_inputs, n_hidden, n_outputs : int
        Columns of `x`; units in the hidden layer (its width: there is one such layer); columns of `y`.
    bias, skip : bool
        Whether there are `b1` and `b2`; whether there is a direct path `w_skip` from input to output.
    scheme : {"normal", "he", "glorot"}
        `normal`: every number standard normal, as in the tutorial. `he`: weights normal with variance 2 / (rows of the
        weight matrix), biases 0 (He et al. 2015). `glorot`: weights uniform within ±sqrt(6 / (rows + columns)), biases 0
        (Glorot & Bengio 2010). `w_skip` starts as the others in `normal`, at 0 in the other two.
    random_state : int, numpy.random.Generator or None
        The seed; None for other weights at every call.
    dtype : {"float64", "float32"}
    n_networks : int or None
        The number of networks, side by side; None for one, without that axis.

    Returns
    -------
    Params

    Raises
    ------
    InputError
        If a size is not a positive whole number, or the scheme, dtype or seed cannot be used.

    Examples
    --------
    >>> import twolayer as tl
    >>> tl.init_params(1000, 100, 10, bias=False)
    Params(n_inputs=1000, n_hidden=100, n_outputs=10, bias=False, skip=False, dtype=float64)
    """
    return network.init_params(
        checks.whole_number(n_inputs, "n_inputs"),
        checks.whole_number(n_hidden, "n_hidden"),
        checks.whole_number(n_outputs, "n_outputs"),
        checks.flag(bias, "bias"),
        checks.flag(skip, "skip"),
        checks.one_of(scheme, {name: name for name in network.INIT_SCHEMES}, "scheme"),
        checks.generator(random_state),
        checks.float_dtype(dtype),
        None if n_networks is None else checks.whole_number(n_networks, "n_networks"),
    )


def forward(x: Any, params: Params, activation: Any = "relu") -> np.ndarray:
    """Return the network's output.

    Parameters
    ----------
    x : array-like, SciPy sparse array, or Dask array or data frame, shape (n_rows, n_inputs)
    params : Params
    activation : str or Activation
        One of those of `twolayer.train`.

    Returns
    -------
    y_pred : ndarray, shape (n_rows, n_outputs)
        Before any link: for class losses, logits. With several networks (n_networks, n_rows, n_outputs). Of Dask's tables
        a Dask array, not computed yet.

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
    home = table_home(x)
    return home.forward(x, home.checked_params(params), activation_object(activation))


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
    """Return the objective and its gradient by every weight.

    Parameters
    ----------
    x, y, params, loss, activation, alpha, sample_weight, device
        As in `train`.
    engine : str
        Who computes the gradient: one of `twolayer.engines()`, or "auto".

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
    home = table_home(x)
    params = home.checked_params(params)
    objective = checked_objective(loss, activation, alpha)
    problem = home.checked_problem(x, y, params, objective, sample_weight)
    solver = GradientDescent(1.0)
    choice = home.choose_engine(problem, params, solver, engine=engine, device=device, span=False)
    worker = choice.engine
    state = worker.prepare(problem, params, solver, choice.device)
    batch = Batch(None, problem.total, problem.objective.penalty(problem.total, problem.total))
    value, gradients = worker.loss_and_gradients(state, state.params, batch)
    losses = worker.to_numpy([value])[0]
    return (float(losses) if losses.ndim == 0 else losses), gradients.map(worker.host)

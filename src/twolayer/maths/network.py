"""The two-layer network: parameters, forward pass, loss, and gradients by the chain rule.

    h      = x @ w1 (+ b1)                    every hidden unit weighs all inputs
    h_relu = activation(h)                    for the rectifier: max(h, 0)
    y_pred = h_relu @ w2 (+ b2) (+ x @ w_skip)

The functions read like the well-known two-layer program, and are that program: given the same arrays they give its
numbers. Shapes stand beside the lines. All of them also work for many networks at once, when the parameters have one more
axis in front: `w1` (n_networks, n_inputs, n_hidden); `.mT` is the transpose of the last two axes, for one network just `.T`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.maths import Array
from twolayer.maths.activations import ACTIVATIONS, Activation
from twolayer.maths.losses import Loss


@dataclass(frozen=True, eq=False)
class Params:
    """The weights of one two-layer network, or of several with one more axis in front.

    Also for anything that has one number per weight, such as gradients.

    Parameters
    ----------
    w1 : array, shape (n_inputs, n_hidden)
    b1 : array, shape (n_hidden,) or (1, n_hidden), or None without bias
    w2 : array, shape (n_hidden, n_outputs)
    b2 : array, shape (n_outputs,) or (1, n_outputs), or None without bias
    w_skip : array, shape (n_inputs, n_outputs), or None
        The direct path from input to output (a skip layer), or None without it.

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> tl.Params(w1=np.ones((3, 2)), b1=None, w2=np.ones((2, 1)), b2=None)
    Params(n_inputs=3, n_hidden=2, n_outputs=1, bias=False, skip=False, dtype=float64)
    """

    w1: Array
    b1: Array | None
    w2: Array
    b2: Array | None
    w_skip: Array | None = None

    def __post_init__(self) -> None:
        for name, array in self.items():
            if isinstance(array, (list, tuple)):
                object.__setattr__(self, name, _nested_array(array, name))
        for name, w in (("b1", self.w1), ("b2", self.w2)):
            b = getattr(self, name)
            if getattr(b, "ndim", 0) == getattr(w, "ndim", 0) >= 2 and b.shape[-2] == 1:
                object.__setattr__(self, name, b.reshape(b.shape[:-2] + b.shape[-1:]))

    @property
    def n_inputs(self) -> int:
        return self.w1.shape[-2]

    @property
    def n_hidden(self) -> int:
        return self.w1.shape[-1]

    @property
    def n_outputs(self) -> int:
        return self.w2.shape[-1]

    @property
    def n_networks(self) -> int | None:
        """The number of networks side by side; None for one network without that axis."""
        return self.w1.shape[0] if self.w1.ndim == 3 else None

    @property
    def dtype(self) -> Any:
        return self.w1.dtype

    def items(self) -> Iterator[tuple[str, Array]]:
        """Yield the arrays that are not None, with their names."""
        for name, array in vars(self).items():
            if array is not None:
                yield name, array

    def map(self, function: Callable[..., Array], *others: Params) -> Params:
        """Return the Params of `function(array, ...)` for each array that is not None, beside those of `others`."""
        return Params(
            **{
                field.name: None
                if (array := getattr(self, field.name)) is None
                else function(array, *(getattr(other, field.name) for other in others))
                for field in fields(self)
            }
        )

    def network(self, k: int) -> Params:
        """Return views of the k-th of several networks."""
        return self.map(lambda array: array[k])

    @staticmethod
    def stack(networks: list[Params]) -> Params:
        """Return the networks side by side, with one more axis in front (NumPy arrays)."""
        return networks[0].map(lambda *arrays: np.stack(arrays), *networks[1:])

    def copy(self) -> Params:
        """Return an independent copy (NumPy arrays)."""
        return self.map(np.copy)

    def __repr__(self) -> str:
        networks = "" if self.n_networks is None else f"n_networks={self.n_networks}, "
        return (
            f"Params({networks}n_inputs={self.n_inputs}, n_hidden={self.n_hidden}, "
            f"n_outputs={self.n_outputs}, bias={self.b1 is not None}, "
            f"skip={self.w_skip is not None}, dtype={self.dtype})"
        )


def _nested_array(rows: list | tuple, name: str) -> np.ndarray:
    """Return a NumPy array of nested lists."""
    try:
        return np.asarray(rows)
    except ValueError:
        raise InputError(f"the rows of {name} are not all of the same length") from None


@dataclass(frozen=True)
class Objective:
    """What training minimises: a loss of the network's output, and penalties of its weights.

    They are ½·penalty·(‖w1‖² + ‖w2‖² + ‖w_skip‖²), where `penalty` follows from `alpha`, and likewise from `l1` a factor of
    Σ|w1| + Σ|w_skip|, the weights of the inputs. A batch of any size has the same objective: for a loss that is a sum over
    rows the batch takes its share of `alpha`, for one that is a mean, `alpha` is divided by all rows. Biases are free.
    With `dropout` each row uses only a part of the network: this share of its hidden units is left out, drawn anew at
    every step.
    """

    loss: Loss
    activation: Activation
    alpha: float = 0.0
    l1: float = 0.0
    dropout: float = 0.0

    def penalty(self, total: Any, total_of_all: float) -> Any:
        """Return the factor for a batch whose row weights add up to `total`, of `total_of_all` in the table."""
        return self._share_of(self.alpha, total, total_of_all)

    def l1_penalty(self, total: Any, total_of_all: float) -> Any:
        """Return the same for the sum of absolute weights."""
        return self._share_of(self.l1, total, total_of_all)

    def _share_of(self, strength: float, total: Any, total_of_all: float) -> Any:
        return strength * (total if self.loss.is_sum else 1.0) / total_of_all if strength else 0.0


INIT_SCHEMES = ("normal", "he", "glorot")


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

    `normal`: every number standard normal, as in the tutorial. `he`: weights normal with variance 2 / (rows of the weight
    matrix), biases 0 (He et al. 2015). `glorot`: weights uniform within ±sqrt(6 / (rows + columns)), biases 0 (Glorot &
    Bengio 2010). `w_skip` starts as the others in `normal`, at 0 in the other two.
    """
    rng = np.random.default_rng(random_state)
    front = () if n_networks is None else (n_networks,)

    def weights(rows: int, columns: int) -> np.ndarray:
        shape = (*front, rows, columns)
        if scheme == "glorot":
            limit = glorot_limit(rows, columns)
            return rng.uniform(-limit, limit, shape)
        drawn = rng.standard_normal(shape)
        return drawn * np.sqrt(2 / rows) if scheme == "he" else drawn

    def biases(columns: int) -> np.ndarray:
        shape = (*front, columns)
        return rng.standard_normal(shape) if scheme == "normal" else np.zeros(shape)

    w1 = weights(n_inputs, n_hidden)
    w2 = weights(n_hidden, n_outputs)
    b1 = biases(n_hidden) if bias else None
    b2 = biases(n_outputs) if bias else None
    w_skip = None
    if skip:
        w_skip = (
            weights(n_inputs, n_outputs)
            if scheme == "normal"
            else np.zeros((*front, n_inputs, n_outputs))
        )
    return Params(w1, b1, w2, b2, w_skip).map(lambda array: array.astype(dtype))


def glorot_limit(rows: int, columns: int) -> float:
    """Return the bound of the uniform weights of a matrix of that shape."""
    return float(np.sqrt(6 / (rows + columns)))


def forward(
    x: Array, params: Params, activation: Activation = ACTIVATIONS["relu"], xp: Any = np
) -> Array:
    """Return the network's output `y_pred`, shape (n_rows, n_outputs)."""
    return _forward(x, params, activation, xp)[-1]


def _forward(
    x: Array, params: Params, activation: Activation, xp: Any, mask: Array | None = None
) -> tuple[Array, Array, Array, Array]:
    h = x @ params.w1  # (n_rows, n_inputs) @ (n_inputs, n_hidden) -> (n_rows, n_hidden)
    if params.b1 is not None:
        h = h + params.b1[..., None, :]  # the same (n_hidden,) added to every row
    h_relu = activation.value(h, xp)  # (n_rows, n_hidden)
    h_used = h_relu if mask is None else h_relu * mask  # dropout: 0 where a row leaves a unit out
    y_pred = h_used @ params.w2  # (n_rows, n_hidden) @ (n_hidden, n_outputs) -> (n_rows, n_outputs)
    if params.b2 is not None:
        y_pred = y_pred + params.b2[..., None, :]
    if params.w_skip is not None:
        y_pred = y_pred + x @ params.w_skip
    return h, h_relu, h_used, y_pred


def objective_value(
    x: Array,
    y: Array,
    params: Params,
    objective: Objective,
    s: Array | None,
    total: float,
    penalty: float,
    xp: Any = np,
    mask: Array | None = None,
) -> Array:
    """Return the smooth part of the objective, which autograd differentiates. Arguments as in `loss_and_gradients`."""
    y_pred = _forward(x, params, objective.activation, xp, mask)[-1]
    loss = objective.loss.value(y_pred, y, s, total, xp)
    return loss + 0.5 * penalty * squared_norm(params) if penalty else loss


def squared_norm(params: Params) -> Array:
    """Return ‖w1‖² + ‖w2‖² + ‖w_skip‖², one number per network: without the biases."""
    weights = [w for name, w in params.items() if name.startswith("w")]
    return sum((w * w).sum((-2, -1)) for w in weights)


L1_WEIGHTS = ("w1", "w_skip")  # those that `l1` penalises


def absolute_sum(params: Params) -> Array:
    """Return Σ|w1| + Σ|w_skip|, one number per network: the weights of the inputs."""
    return sum(abs(w).sum((-2, -1)) for name, w in params.items() if name in L1_WEIGHTS)


def loss_and_gradients(
    x: Array,
    y: Array,
    params: Params,
    objective: Objective,
    s: Array | None,
    total: float,
    penalty: float,
    xp: Any = np,
    l1: float = 0.0,
    mask: Array | None = None,
) -> tuple[Array, Params]:
    """Return the objective and its gradient by every weight, by hand.

    Parameters
    ----------
    x : array, shape (n_rows, n_inputs)
    y : array, shape (n_rows, n_outputs)
    params : Params
    objective : Objective
        Loss and activation.
    s : array, shape (n_rows,), or None
        Row weights.
    total : float
        Σ s over these rows (their number, without weights).
    penalty : float
        The objective holds ½·penalty·(‖w1‖² + ‖w2‖² + ‖w_skip‖²).
    xp : module
        The library the arrays belong to.
    l1 : float
        The objective holds l1·(Σ|w1| + Σ|w_skip|).
    mask : array, shape (n_rows, n_hidden), or None
        Dropout's factor of each entry of `h_relu`.

    Returns
    -------
    loss : number, or one number per network
    gradients : Params
        `grad_w1`, `grad_b1`, ... in the places of `w1`, `b1`, ..., without those of the absolute weights, which have a
        kink at 0: the solver shrinks the weights after its step.
    """
    # Forward pass: compute predicted y
    h, h_relu, h_used, y_pred = _forward(x, params, objective.activation, xp, mask)

    # Compute the loss
    loss = objective.loss.value(y_pred, y, s, total, xp)

    # Backward pass: the chain rule, from the loss back to each weight
    grad_y_pred = objective.loss.grad_y_pred(y_pred, y, s, total, xp)  # (n_rows, n_outputs)
    grad_w2 = h_used.mT @ grad_y_pred  # (n_hidden, n_rows) @ (n_rows, n_outputs)
    grad_h_relu = grad_y_pred @ params.w2.mT  # (n_rows, n_outputs) @ (n_outputs, n_hidden)
    if mask is not None:
        grad_h_relu = grad_h_relu * mask
    grad_h = grad_h_relu * objective.activation.derivative(h, h_relu, xp)  # (n_rows, n_hidden)
    grad_w1 = x.T @ grad_h  # (n_inputs, n_rows) @ (n_rows, n_hidden)

    # A bias is added to every row, so its gradient is the sum over the rows
    grad_b1 = None if params.b1 is None else grad_h.sum(-2)  # (n_hidden,)
    grad_b2 = None if params.b2 is None else grad_y_pred.sum(-2)  # (n_outputs,)
    grad_w_skip = None if params.w_skip is None else x.T @ grad_y_pred  # (n_inputs, n_outputs)

    # Weight decay pulls every weight towards 0
    if penalty:
        loss = loss + 0.5 * penalty * squared_norm(params)
        grad_w1 = grad_w1 + penalty * params.w1
        grad_w2 = grad_w2 + penalty * params.w2
        if grad_w_skip is not None and params.w_skip is not None:
            grad_w_skip = grad_w_skip + penalty * params.w_skip
    if l1:
        loss = loss + l1 * absolute_sum(params)

    return loss, Params(grad_w1, grad_b1, grad_w2, grad_b2, grad_w_skip)

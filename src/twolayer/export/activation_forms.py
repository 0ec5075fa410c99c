"""Every activation as other programs have it: NumPy source, ONNX operations, a module of torch, scikit-learn's name.

To add an activation, write its class in `twolayer.maths.activations` and one row of ACTIVATION_FORMS here. The file imports
neither onnx nor torch: the functions of a row get an ONNX graph, or `torch.nn`, as their argument.

ONNX has Softplus, Gelu and Erf, but onnxruntime computes them in float32 only; and the slope of its LeakyRelu is a float32
for every dtype. So these are written with Max, Exp, Log and products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.export.normal_cdf import cdf_coefficients
from twolayer.export.onnx_graph import OnnxGraph
from twolayer.maths.activations import LEAKY_SLOPE

# Above this threshold torch's softplus is h itself: there the difference is below 1e-17, and exp(h) is still a number in
# float32. The default of torch is 20, where the difference is 2e-9.
SOFTPLUS_THRESHOLD = 40
LEAST_SOFTPLUS_THRESHOLD = 20

GELU_CODE = '''\
"""h times the normal distribution function: ½·erfc(a) below 0, 1 − ½·erfc(a) above.

With a = |h|/√2 and t = 2/(2 + a), erfc(a) is t·exp(p(2t − 1) − a²); ERFC holds the coefficients of p.
"""
a = np.abs(h) / np.sqrt(2).astype(h.dtype)
t = 2 / (2 + a)
u, exponent = 2 * t - 1, np.zeros_like(t)
for coefficient in reversed(ERFC):
    exponent = exponent * u + coefficient
half = 0.5 * t * np.exp(exponent - a * a)
return h * np.where(h > 0, 1 - half, half)'''


def leaky_relu_nodes(graph: OnnxGraph, h: str) -> str:
    """max(h, 0.01·h), as the slope is below 1."""
    return graph("Max", h, graph("Mul", h, LEAKY_SLOPE))


def softplus_nodes(graph: OnnxGraph, h: str) -> str:
    """max(h, 0) + log(1 + exp(−|h|)): nothing overflows."""
    small = graph("Exp", graph("Neg", graph("Abs", h)))
    return graph("Add", graph("Relu", h), graph("Log", graph("Add", small, 1.0)))


def gelu_nodes(graph: OnnxGraph, h: str) -> str:
    """h·Φ(h), with Φ from erfc as in `twolayer.export.normal_cdf`."""
    a = graph("Mul", graph("Abs", h), np.sqrt(0.5))
    t = graph("Div", graph.constant(2.0), graph("Add", a, 2.0))
    u = graph("Sub", graph("Mul", t, 2.0), 1.0)
    first, *rest = cdf_coefficients()[::-1]
    exponent = graph("Add", graph("Mul", u, first), rest[0])
    for coefficient in rest[1:]:
        exponent = graph("Add", graph("Mul", exponent, u), coefficient)
    bell = graph("Exp", graph("Sub", exponent, graph("Mul", a, a)))
    half = graph("Mul", graph("Mul", t, bell), 0.5)
    above = graph("Greater", h, 0.0)
    return graph("Mul", h, graph("Where", above, graph("Sub", graph.constant(1.0), half), half))


def is_same_module(module: Any, ours: Any) -> bool:
    """Return whether a module of torch is of the same class as ours, with the same settings."""
    return type(module) is type(ours) and repr(module) == repr(ours)


def is_softplus(module: Any, ours: Any) -> bool:
    """Return whether a module is torch's softplus, with a threshold that is far enough out."""
    return (
        isinstance(module, type(ours))
        and module.beta == 1
        and module.threshold >= LEAST_SOFTPLUS_THRESHOLD
    )


@dataclass(frozen=True)
class ActivationForm:
    """One activation as other programs have it.

    Attributes
    ----------
    numpy_code : str
        The body of a Python function of the array `h`; it may use `np` and the `numpy_constants`.
    onnx_nodes : callable
        `onnx_nodes(graph, h)` adds operations to an OnnxGraph and returns the name of the result.
    torch_module : callable
        `torch_module(nn)` returns a new module, given `torch.nn`.
    sklearn_name : str or None
        The name in scikit-learn's MLP; None if that has no such activation.
    numpy_constants : callable
        Returns name -> list of numbers.
    is_torch_module : callable
        `is_torch_module(module, ours)`: whether a user's module is this activation; `ours` is that of `torch_module`.
    """

    numpy_code: str
    onnx_nodes: Callable[[OnnxGraph, str], str]
    torch_module: Callable[[Any], Any]
    sklearn_name: str | None = None
    numpy_constants: Callable[[], dict[str, list[float]]] = dict
    is_torch_module: Callable[[Any, Any], bool] = is_same_module


ACTIVATION_FORMS: dict[str, ActivationForm] = {
    "relu": ActivationForm(
        "return np.maximum(h, 0)",
        lambda graph, h: graph("Relu", h),
        lambda nn: nn.ReLU(),
        "relu",
    ),
    "identity": ActivationForm(
        "return h",
        lambda graph, h: h,
        lambda nn: nn.Identity(),
        "identity",
    ),
    "tanh": ActivationForm(
        "return np.tanh(h)",
        lambda graph, h: graph("Tanh", h),
        lambda nn: nn.Tanh(),
        "tanh",
    ),
    "logistic": ActivationForm(
        "return 0.5 * (1 + np.tanh(0.5 * h))",
        lambda graph, h: graph("Sigmoid", h),
        lambda nn: nn.Sigmoid(),
        "logistic",
    ),
    "leaky_relu": ActivationForm(
        f"return np.where(h < 0, {LEAKY_SLOPE} * h, h)",
        leaky_relu_nodes,
        lambda nn: nn.LeakyReLU(LEAKY_SLOPE),
    ),
    "softplus": ActivationForm(
        "return np.logaddexp(0, h)",
        softplus_nodes,
        lambda nn: nn.Softplus(threshold=SOFTPLUS_THRESHOLD),
        is_torch_module=is_softplus,
    ),
    "gelu": ActivationForm(
        GELU_CODE,
        gelu_nodes,
        lambda nn: nn.GELU(),
        numpy_constants=lambda: {"ERFC": cdf_coefficients().tolist()},
    ),
}

"""Activations: what turns `h` into `h_relu`, value and derivative side by side.

Everything about one activation is in its class. `value` and `derivative` work on arrays of any library whose functions have
NumPy's names (`xp` is `numpy` or `torch`); `value` is written so that automatic differentiation of it gives `derivative`, at
the kink too. `scalar_value` and `scalar_derivative` are the same for one number, in the plain Python that a compiler takes.

**At exactly 0** the derivative of the rectifier, and of the leaky one, is 1: the tutorial sets the gradient to 0 where
`h < 0`, and so leaves it at 0. Random numbers are never exactly 0; tables of whole numbers give such `h`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from twolayer.maths import Array

LEAKY_SLOPE = 0.01  # the leaky rectifier's slope below 0
FAR_FROM_ZERO = 40.0  # where the normal density is 0 in float64
SQRT_HALF = math.sqrt(0.5)
DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)


class Activation:
    """One function of one number, applied to every entry of `h`.

    Attributes
    ----------
    name : str
        The name by which users choose it.
    """

    name: str

    def value(self, h: Array, xp: Any = np) -> Array:
        """Return the activation of every entry of `h`, same shape and dtype."""
        raise NotImplementedError

    def derivative(self, h: Array, a: Array, xp: Any = np) -> Array:
        """Return its derivative at every entry of `h`, given also `a = value(h)`."""
        raise NotImplementedError

    @staticmethod
    def scalar_value(h: float) -> float:
        """Return `value` of one number."""
        raise NotImplementedError

    @staticmethod
    def scalar_derivative(h: float, a: float) -> float:
        """Return `derivative` at one number `h`, given also `a = scalar_value(h)`."""
        raise NotImplementedError


class Relu(Activation):
    """The rectifier: a = max(h, 0);  da/dh = 1 where h >= 0, else 0."""

    name = "relu"

    def value(self, h: Array, xp: Any = np) -> Array:
        # At 0 torch's `clip` has the derivative 1 (the tutorial's rule), its `relu` 0, and its `maximum` ½.
        return xp.clip(h, 0, None)

    def derivative(self, h: Array, a: Array, xp: Any = np) -> Array:
        return h >= 0

    @staticmethod
    def scalar_value(h: float) -> float:
        return 0.0 if h < 0 else h

    @staticmethod
    def scalar_derivative(h: float, a: float) -> float:
        return 1.0 if h >= 0 else 0.0


class Identity(Activation):
    """No activation: a = h;  da/dh = 1. The network is then a linear model in two steps."""

    name = "identity"

    def value(self, h: Array, xp: Any = np) -> Array:
        return h

    def derivative(self, h: Array, a: Array, xp: Any = np) -> Array:
        return xp.ones_like(h)

    @staticmethod
    def scalar_value(h: float) -> float:
        return h

    @staticmethod
    def scalar_derivative(h: float, a: float) -> float:
        return 1.0


class Tanh(Activation):
    """The hyperbolic tangent: a = tanh(h);  da/dh = 1 − a²."""

    name = "tanh"

    def value(self, h: Array, xp: Any = np) -> Array:
        return xp.tanh(h)

    def derivative(self, h: Array, a: Array, xp: Any = np) -> Array:
        return 1 - a * a

    @staticmethod
    def scalar_value(h: float) -> float:
        return math.tanh(h)

    @staticmethod
    def scalar_derivative(h: float, a: float) -> float:
        return 1 - a * a


class Logistic(Activation):
    """The logistic function: a = 1 / (1 + exp(−h));  da/dh = a·(1 − a).

    Computed as ½·(1 + tanh(h/2)), which is the same and cannot overflow.
    """

    name = "logistic"

    def value(self, h: Array, xp: Any = np) -> Array:
        return 0.5 * (1 + xp.tanh(0.5 * h))

    def derivative(self, h: Array, a: Array, xp: Any = np) -> Array:
        return a * (1 - a)

    @staticmethod
    def scalar_value(h: float) -> float:
        return 0.5 * (1 + math.tanh(0.5 * h))

    @staticmethod
    def scalar_derivative(h: float, a: float) -> float:
        return a * (1 - a)


class LeakyRelu(Activation):
    """The rectifier that leaks: a = h where h >= 0, else 0.01·h;  da/dh = 1 where h >= 0, else 0.01."""

    name = "leaky_relu"

    def value(self, h: Array, xp: Any = np) -> Array:
        return xp.where(h < 0, LEAKY_SLOPE * h, h)

    def derivative(self, h: Array, a: Array, xp: Any = np) -> Array:
        ones = xp.ones_like(h)  # from a plain number `where` would not take the dtype
        return xp.where(h < 0, LEAKY_SLOPE * ones, ones)

    @staticmethod
    def scalar_value(h: float) -> float:
        return LEAKY_SLOPE * h if h < 0 else h

    @staticmethod
    def scalar_derivative(h: float, a: float) -> float:
        return LEAKY_SLOPE if h < 0 else 1.0


class Softplus(Activation):
    """The smooth rectifier: a = log(1 + exp(h));  da/dh = 1 / (1 + exp(−h)) = 1 − exp(−a).

    Exact everywhere, while torch's `softplus` is h itself from 20 on.
    """

    name = "softplus"

    def value(self, h: Array, xp: Any = np) -> Array:
        return xp.logaddexp(xp.zeros_like(h), h)

    def derivative(self, h: Array, a: Array, xp: Any = np) -> Array:
        return -xp.expm1(-a)

    @staticmethod
    def scalar_value(h: float) -> float:
        return (h if h > 0 else 0.0) + math.log1p(math.exp(-abs(h)))

    @staticmethod
    def scalar_derivative(h: float, a: float) -> float:
        return -math.expm1(-a)


class Gelu(Activation):
    """The Gaussian error linear unit: a = h·Φ(h);  da/dh = Φ(h) + h·φ(h) (Hendrycks & Gimpel 2016).

    Φ is the standard normal distribution function, ½·erfc(−h/√2), and φ its density: the exact form, not the one by tanh.
    """

    name = "gelu"

    def value(self, h: Array, xp: Any = np) -> Array:
        return h * normal_distribution(h, xp)

    def derivative(self, h: Array, a: Array, xp: Any = np) -> Array:
        near = xp.clip(h, -FAR_FROM_ZERO, FAR_FROM_ZERO)  # so that no square overflows
        return normal_distribution(h, xp) + near * (DENSITY_AT_0 * xp.exp(-0.5 * near * near))

    @staticmethod
    def scalar_value(h: float) -> float:
        return h * (0.5 * math.erfc(-SQRT_HALF * h))

    @staticmethod
    def scalar_derivative(h: float, a: float) -> float:
        density = DENSITY_AT_0 * math.exp(-0.5 * h * h)
        return 0.5 * math.erfc(-SQRT_HALF * h) + (h * density if density > 0 else 0.0)


def normal_distribution(h: Array, xp: Any) -> Array:
    """Return Φ of every entry: torch has it, NumPy leaves it to SciPy, which takes long to import."""
    if xp is not np:
        return xp.special.ndtr(h)
    from scipy.special import ndtr

    return ndtr(h)


ACTIVATIONS: dict[str, Activation] = {
    a.name: a for a in (Relu(), Identity(), Tanh(), Logistic(), LeakyRelu(), Softplus(), Gelu())
}

"""The tangent features of a network: what the outputs of some rows do when its weights move (`twolayer.maths.tangent`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.maths.activations import Activation
from twolayer.maths.network import Params


@dataclass(frozen=True, eq=False)
class TangentFeatures:
    """What the outputs of some rows do when the weights move.

    Attributes
    ----------
    x : array, shape (n_rows, n_inputs)
        Any axes in which the penalty of w1 is its squared length.
    h_relu : ndarray, shape (n_rows, n_hidden)
    g : ndarray, shape (n_outputs, n_rows, n_hidden)
        act'(h) · w2, of each output.
    skip : bool
    """

    x: Any
    h_relu: np.ndarray
    g: np.ndarray
    skip: bool

    @classmethod
    def of(cls, x: Any, params: Params, activation: Activation) -> TangentFeatures:
        """Return the features of rows `x` at these weights of one network."""
        h = x @ params.w1 if params.b1 is None else x @ params.w1 + params.b1
        h_relu = activation.value(h, np)
        g = params.w2.T[:, None, :] * activation.derivative(h, h_relu, np)
        return cls(x, h_relu, g, params.w_skip is not None)

    @property
    def n_outputs(self) -> int:
        return len(self.g)

    @property
    def size(self) -> int:
        """Rows times outputs."""
        return len(self.h_relu) * self.n_outputs

    @property
    def n_weights(self) -> int:
        """The number of weights but for the biases."""
        n_hidden, n_inputs = self.h_relu.shape[1], self.x.shape[1]
        return n_hidden * (n_inputs + self.n_outputs) + self.skip * n_inputs * self.n_outputs

    def kernel(self, other: TangentFeatures) -> np.ndarray:
        """Return T between these rows and others, shape (rows, n_outputs, other rows, n_outputs)."""
        k = self.x @ other.x.T
        k = k.toarray() if is_sparse(k) else k
        direct = self.h_relu @ other.h_relu.T
        if self.skip:
            direct += k
        if self.n_outputs == 1:
            t = self.g[0] @ other.g[0].T
            t *= k
            t += direct
            return t[:, None, :, None]
        t = np.empty((len(k), self.n_outputs, k.shape[1], self.n_outputs))
        for a, own in enumerate(self.g):
            for b, others in enumerate(other.g):
                t[:, a, :, b] = (own @ others.T) * k
            t[:, a, :, a] += direct
        return t

    def times(self, x: Any, params: Params) -> np.ndarray:
        """Return J w: what the outputs would be if they were linear in the weights, shape (n_rows, n_outputs)."""
        result = np.einsum("anh,nh->na", self.g, x @ params.w1) + self.h_relu @ params.w2
        return result if params.w_skip is None else result + x @ params.w_skip

    def squares(self) -> np.ndarray:
        """Return T of each row and output with itself, shape (n_rows, n_outputs)."""
        x = self.x.toarray() if is_sparse(self.x) else self.x
        k = np.einsum("ni,ni->n", x, x)
        direct = np.einsum("nh,nh->n", self.h_relu, self.h_relu) + self.skip * k
        return np.einsum("anh,anh->na", self.g, self.g) * k[:, None] + direct[:, None]

    def matrix(self) -> np.ndarray:
        """Return J, shape (rows, n_outputs, n_weights): the derivatives by w1, w2, w_skip in that order."""
        x = self.x.toarray() if is_sparse(self.x) else self.x
        n_rows, n_outputs = len(x), self.n_outputs
        by_w1 = np.einsum("ni,anh->naih", x, self.g).reshape(n_rows, n_outputs, -1)
        direct = [self.h_relu, x] if self.skip else [self.h_relu]
        parts = [by_w1]
        for values in direct:
            part = np.zeros((n_rows, n_outputs, values.shape[1], n_outputs))
            for a in range(n_outputs):
                part[:, a, :, a] = values
            parts.append(part.reshape(n_rows, n_outputs, -1))
        return np.concatenate(parts, axis=-1)

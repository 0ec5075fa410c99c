"""The linear view of a network without its rows of training: the directions of its weights in which it has learned.

With the eigenvectors U and eigenvalues λ of Jᵀ W J (`twolayer.maths.tangent`), the variance of the outputs of a new row
with tangent features j, where the targets' noise has variance 1, is

    j (JᵀWJ + alpha·I)⁻¹ jᵀ = Σ_k (j·u_k)² / (λ_k + alpha) + ‖j − U Uᵀ j‖² / alpha.

Directions of which the rows of training tell next to nothing, λ / (λ + alpha) below 1 per cent, are left out of U: their λ
is taken for 0. The bias of the output, which is not penalised, adds u (Bᵀ W U)⁻¹ uᵀ with
u = 1 − j (JᵀWJ + alpha·I)⁻¹ Jᵀ W B.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.maths.activations import Activation
from twolayer.maths.network import Params
from twolayer.maths.tangent import Tangent
from twolayer.maths.tangent_features import TangentFeatures

LEAST_LEARNED = 0.01  # λ / (λ + alpha): directions with less are left out
LEAST_EIGENVALUE = 1e-9  # share of the largest: smaller ones are rounding
CHUNK_NUMBERS = 2_000_000  # of tangent features at once
LARGEST_STANDARDISED = 1e70  # the squares of its features are finite


@dataclass(frozen=True, eq=False)
class LowRankTangent:
    """What the rows of training leave open of the outputs of new rows.

    Attributes
    ----------
    basis : ndarray of float32, shape (n_weights, rank)
        U.
    precision : ndarray, shape (rank,)
        λ + alpha.
    alpha : float
    pull : ndarray, shape (rank, n_outputs)
        (λ + alpha)⁻¹ Uᵀ Jᵀ W B.
    inverse : ndarray, shape (n_outputs, n_outputs)
        (Bᵀ W U)⁻¹ of the biases.
    """

    basis: np.ndarray
    precision: np.ndarray
    alpha: float
    pull: np.ndarray
    inverse: np.ndarray

    @classmethod
    def of(cls, tangent: Tangent, most_numbers: int) -> LowRankTangent | None:
        """Return the low-rank form; None if its basis takes more numbers, or rounding hides what was learned."""
        features, n_outputs = tangent.features, tangent.outputs.shape[1]
        size, n_weights = features.size, features.n_weights
        j = features.matrix().reshape(size, n_weights)
        rooted = (tangent.root.mT @ j.reshape(-1, n_outputs, n_weights)).reshape(j.shape)
        in_rows = size < n_weights
        values, vectors = np.linalg.eigh(rooted @ rooted.T if in_rows else rooted.T @ rooted)
        learned = values > tangent.decay * LEAST_LEARNED / (1 - LEAST_LEARNED)
        values, vectors = values[learned], vectors[:, learned]
        if not len(values) or n_weights * len(values) > most_numbers:
            return None
        if values[0] < LEAST_EIGENVALUE * values[-1]:
            return None
        basis = rooted.T @ (vectors / np.sqrt(values)) if in_rows else vectors
        precision = values + tangent.decay
        pulled = j.T @ tangent.w.reshape(size, n_outputs)  # Jᵀ W B
        inverse = np.zeros((n_outputs, n_outputs)) if tangent.u is None else tangent.inverse
        pull = basis.T @ pulled / precision[:, None]
        # in memory as a file gives them back: products of both are the same
        rows = basis.astype(np.float32, order="C")
        return cls(rows, precision, tangent.decay, pull, inverse)

    def variance(self, x: Any, params: Params, activation: Activation) -> np.ndarray:
        """Return the variance of the outputs of rows, shape (n_rows, n_outputs): `x` and the weights are as in training."""
        size = max(1, CHUNK_NUMBERS // (len(self.basis) * params.n_outputs))
        basis = self.basis.astype(np.float64)
        parts = [np.zeros((0, params.n_outputs))]
        for first in range(0, x.shape[0], size):
            features = TangentFeatures.of(x[first : first + size], params, activation)
            parts.append(self._variance(features, basis))
        return np.concatenate(parts)

    def _variance(self, features: TangentFeatures, basis: np.ndarray) -> np.ndarray:
        n_outputs = features.n_outputs
        j = features.matrix().reshape(features.size, -1)
        along = j @ basis
        outside = j - along @ basis.T
        variance = np.square(along) @ (1 / self.precision)
        variance += np.einsum("ij,ij->i", outside, outside) / self.alpha
        u = np.tile(np.eye(n_outputs), (len(features.h_relu), 1)) - along @ self.pull
        variance += np.einsum("ma,ab,mb->m", u, self.inverse, u)
        return variance.reshape(-1, n_outputs)

"""What a trained network would say of rows that were left out of its training, without training it again.

Near the weights it has reached, a network is linear in them. The derivatives of each row's outputs by all weights are the
*tangent features* J, one line for each row i and output a; with g = act'(h) · w2 (one for each output),

    J[i, a] = ( x_i ⊗ g_i^a   by w1,   h_relu_i at output a   by w2,   x_i at output a   by w_skip ),

and their products are the *tangent kernel*, which needs k = x @ x.T alone, and so costs nothing per column:

    T[(i, a), (j, b)] = k_ij · Σ_units g_i^a g_j^b  +  [a = b] · (h_relu_i · h_relu_j  +  k_ij with a skip layer).

With W the second derivative of the loss (with the row weights s in it; a matrix of outputs × outputs for each row), the
weights that the loss and ½·alpha·‖w‖² hold in balance answer a small push on the outputs by

    H0 = T (alpha·I + W T)⁻¹ = J (Jᵀ W J + alpha·I)⁻¹ Jᵀ,

and, as b2 (B: one column per output) is not penalised, with U = (I − H0 W) B,

    H = H0 + U (Bᵀ W U)⁻¹ Uᵀ.

b1 is held: with it free, leaving a row out would have no answer where the row alone holds a unit on. Leaving out the rows G
takes their push ∂loss/∂outputs away; one step of Newton's method from the trained weights then gives

    outputs of G, had G been left out = f[G] + (I − H[G,G] W[G])⁻¹ H[G,G] (s·∂loss/∂f)[G],

which for the squared losses is ridge regression's closed form in these features. The outputs of *all* rows move by

    H[:,G] (I − W[G] H[G,G])⁻¹ (s·∂loss/∂f)[G].

A training that was cut short is not at a minimum; the whole step, with c = J·w,

    outputs of G = f[G] + (I − H[G,G] W[G])⁻¹ ( H[G,G] (s·∂loss/∂f)[G] − (c + H (s·∂loss/∂f − W c))[G] ),

goes to the minimum of the linear view as well. Of the two matrices, rows·outputs or
weights on a side, the smaller one is used.

Allen's PRESS (Technometrics 16, 1974); Rad & Maleki, *A scalable estimate of the out-of-sample prediction error via
approximate leave-one-out*, JRSSB 82 (2020), arXiv 1801.10243; Jacot, Gabriel & Hongler,
*Neural tangent kernel*, NeurIPS 2018.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from twolayer.maths.activations import ACTIVATIONS, Activation
from twolayer.maths.losses import Loss
from twolayer.maths.network import Params
from twolayer.maths.tangent_features import TangentFeatures

LEAST_ALPHA = (
    1e-10  # share of the largest entry of the matrix: without any decay it may be singular
)
LEAST_ROOT = 1e-3  # share of the largest root of W, to divide by the others
FLAT_CURVATURE = 1e-3  # share of the largest
FLAT_ROWS = 0.1  # share of the rows
SINGULAR = 1e-9  # 1 − leverage, below which nothing can be said of a row without it


class Tangent:
    """The linear view of a network at the weights that a training has reached.

    Parameters
    ----------
    x : array or SciPy sparse array, shape (n_rows, n_inputs)
        The rows of training, in the units of training; or in other axes, in which the squared length of w1 is the same.
    y : ndarray, shape (n_rows, n_outputs)
        The targets of training.
    s : ndarray, shape (n_rows,), or None
        Row weights.
    params : Params
        One network's weights.
    loss : Loss
        One with a second derivative (`loss.smooth`).
    activation : Activation
    alpha : float
        As in training: the penalty is ½·alpha·‖w‖² beside the *sum* over rows.

    Attributes
    ----------
    y, s, params, loss, activation, alpha
        As given.
    outputs : ndarray, shape (n_rows, n_outputs)
        Of the network as it was trained.
    w : ndarray, shape (n_rows, n_outputs, n_outputs)
        Second derivatives of the loss by the outputs, times the row weights.

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> from twolayer.maths.activations import ACTIVATIONS
    >>> from twolayer.maths.losses import SquaredError
    >>> x = np.linspace(-1, 1, 9)[:, None]
    >>> y = np.abs(x)
    >>> start = tl.init_params(1, 8, 1, scheme="glorot")
    >>> run = tl.train(x, y, start, loss="squared_error", solver="lbfgs", alpha=0.1)
    >>> tangent = Tangent(x, y, None, run.params, SquaredError(), ACTIVATIONS["relu"], 0.1)
    >>> print(tangent.left_out()[:3, 0].shape, 0 < tangent.degrees_of_freedom < 9)
    (3,) True
    """

    def __init__(
        self,
        x: Any,
        y: np.ndarray,
        s: np.ndarray | None,
        params: Params,
        loss: Loss,
        activation: Activation,
        alpha: float,
    ) -> None:
        self.y, self.s, self.params, self.loss, self.activation = y, s, params, loss, activation
        self.features = TangentFeatures.of(x, params, activation)
        self.outputs = self.features.h_relu @ params.w2
        if params.b2 is not None:
            self.outputs = self.outputs + params.b2
        if params.w_skip is not None:
            self.outputs = self.outputs + x @ params.w_skip
        weights = np.ones(len(y)) if s is None else s
        self.push = weights[:, None] * loss.gradient(self.outputs, y)  # s·∂loss/∂f
        self.w = weights[:, None, None] * loss.curvature(self.outputs, y)  # (n_rows, n_out, n_out)
        self.alpha = alpha
        self.own = self.features.times(x, params)  # J w
        self.in_rows = self.features.size <= self.features.n_weights
        self._solve()
        self._free_bias(params.b2 is not None)

    def _solve(self) -> None:
        """Factorise the smaller of the two matrices, for products with H0."""
        from scipy.linalg import cholesky, lapack

        m = self.features.size
        self.root = root_of(self.w)  # W = root @ root.mT, of each row
        if self.in_rows:
            self.t = self.features.kernel(self.features).reshape(m, m)
            a = self._rooted(self._rooted(self.t).T)  # rootᵀ T root
        else:
            self.j = self.features.matrix().reshape(m, -1)
            lj = self._rooted(self.j)
            a = lj.T @ lj
        self.decay = max(self.alpha, LEAST_ALPHA * float(a.diagonal().max()), 1e-300)
        a.flat[:: len(a) + 1] += self.decay
        self.factor = cholesky(a, lower=True, overwrite_a=True, check_finite=False)
        r = self.root.ravel()
        self.direct: np.ndarray | None = None
        if self.in_rows and self.outputs.shape[1] == 1 and r.min() > LEAST_ROOT * r.max():
            half, _ = lapack.dpotri(self.factor, lower=1)  # 0 above its diagonal
            half.flat[:: m + 1] /= 2
            h0 = -self.decay * (half + half.T)
            h0.flat[:: m + 1] += 1
            h0 /= r
            h0 /= r[:, None]
            self.direct = h0  # root⁻¹ (I − alpha·(alpha·I + rootᵀ T root)⁻¹) root⁻¹

    @cached_property
    def v(self) -> np.ndarray:
        """What H0 is made of: in rows H0 = (T − vᵀv) / alpha (Woodbury's formula), in weights H0 = vᵀv."""
        from scipy.linalg import solve_triangular

        right = self._rooted(self.t) if self.in_rows else self.j.T
        return solve_triangular(self.factor, right, lower=True, check_finite=False)

    def _rooted(self, matrix: np.ndarray) -> np.ndarray:
        """Return rootᵀ times a matrix of shape (rows·outputs, anything)."""
        n_rows, n_outputs = self.outputs.shape
        if n_outputs == 1:
            return self.root[:, :, 0] * matrix
        return (self.root.mT @ matrix.reshape(n_rows, n_outputs, -1)).reshape(matrix.shape)

    def _h0_times(self, right: Any) -> np.ndarray:
        """Return H0 times (rows·outputs, anything)."""
        if self.direct is not None:
            return self.direct @ right
        product = self.v.T @ (self.v @ right)
        return (self.t @ right - product) / self.decay if self.in_rows else product

    def _h0_block(self, entries: np.ndarray) -> np.ndarray:
        """Return H0 of these places."""
        if self.direct is not None:
            return self.direct[np.ix_(entries, entries)]
        v = self.v[:, entries]
        h = v.T @ v
        return (self.t[np.ix_(entries, entries)] - h) / self.decay if self.in_rows else h

    def _h_times(self, right: Any) -> np.ndarray:
        """Return H times (rows·outputs, anything)."""
        product = self._h0_times(right)
        return product if self.u is None else product + self.u @ (self.inverse @ (self.u.T @ right))

    def _free_bias(self, free: bool) -> None:
        """Compute U and the inverse of Bᵀ W U, for the output biases, which are not penalised."""
        n_rows, n_outputs = self.outputs.shape
        self.u: np.ndarray | None = None
        if not free:
            return
        wb = self.w.reshape(-1, n_outputs)  # W B: (rows·outputs, outputs)
        self.u = np.tile(np.eye(n_outputs), (n_rows, 1)) - self._h0_times(wb)
        # for the logits of several classes the common shift of b2 does nothing, and has no inverse
        self.inverse = np.linalg.pinv(wb.T @ self.u, rcond=1e-10, hermitian=True)

    @property
    def unsettled(self) -> np.ndarray:
        """How far the outputs are from the minimum of the linear view, shape (n_rows, n_outputs).

        Where training has ended at a minimum it is 0; at a kink of the rectifier it is not: there the minimum has a slope.
        """
        return self.own + self._h_times(self._rest).reshape(self.outputs.shape)

    @property
    def _rest(self) -> np.ndarray:
        """The push of the rows but for what their own outputs, linear in the weights, answer it with: (rows·outputs,)."""
        return (self.push - np.einsum("iab,ib->ia", self.w, self.own)).reshape(-1)

    def block(self, rows: Any) -> np.ndarray:
        """Return H of these rows, shape (rows·outputs, rows·outputs)."""
        n_outputs = self.outputs.shape[1]
        entries = row_entries(rows, n_outputs)
        h = self._h0_block(entries)
        if self.u is not None:
            u = self.u[entries]
            h = h + u @ self.inverse @ u.T
        return h

    def row_blocks(self) -> np.ndarray:
        """Return H of each row with itself, shape (n_rows, n_outputs, n_outputs)."""
        n_rows, n_outputs = self.outputs.shape
        if self.direct is not None:
            h = self.direct.diagonal()[:, None, None]
        else:
            v = self.v.reshape(-1, n_rows, n_outputs)
            h = np.einsum("pia,pib->iab", v, v)
            if self.in_rows:
                i = np.arange(n_rows)
                t = self.t.reshape(n_rows, n_outputs, n_rows, n_outputs)
                h = (t[i, :, i, :] - h) / self.decay
        if self.u is not None:
            u = self.u.reshape(n_rows, n_outputs, n_outputs)
            h = h + u @ self.inverse @ u.mT
        return h

    def left_out(
        self, blocks: Iterable[np.ndarray] | None = None, settled: bool = False
    ) -> np.ndarray:
        """Return each row's outputs had its block been left out of training, shape (n_rows, n_outputs).

        Parameters
        ----------
        blocks : iterable of arrays of row numbers, or None
            The rows that are left out together; None for each row alone. Rows of no block keep their outputs.
        settled : bool
            Whether to go first to the minimum of the linear view: for a training that was cut short. Of one that has
            ended, the weights as they are are the better ones, above all at a kink of the rectifier.

        Returns
        -------
        outputs : ndarray
            Not a number where nothing follows from the other rows: a row that alone decides its output.
        """
        rest = self.unsettled if settled else np.zeros(self.outputs.shape)
        if blocks is None:
            h = self.row_blocks()
            pushed = (h @ self.push[:, :, None])[:, :, 0] - rest
            return (
                self.outputs + solved(np.eye(h.shape[-1]) - h @ self.w, pushed[:, :, None])[:, :, 0]
            )
        outputs = self.outputs.copy()
        n_outputs = outputs.shape[1]
        for rows in blocks:
            h, remainder = self._without(rows)
            pushed = h @ self.push[rows].ravel() - rest[rows].ravel()
            moved = solved(remainder, pushed[:, None])
            outputs[rows] += moved.reshape(len(rows), n_outputs)
        return outputs

    def changes(self, blocks: Sequence[np.ndarray], settled: bool = False) -> np.ndarray:
        """Return what leaving out each block does to the outputs of all rows, shape (n_blocks, n_rows, n_outputs).

        Parameters
        ----------
        blocks : sequence of arrays of row numbers
            The rows that are left out together.
        settled : bool
            Whether to count from the minimum of the linear view: for a training that was cut short.

        Returns
        -------
        changes : ndarray
            Outputs without the block minus outputs with it; of the block's own rows it is what `left_out` adds to
            `outputs`, where that is not settled. Not a number for a block without which nothing follows.
        """
        n_rows, n_outputs = self.outputs.shape
        product = self._h_times(self._pushes(blocks, settled))
        return product.T.reshape(len(blocks), n_rows, n_outputs)

    def _pushes(self, blocks: Sequence[np.ndarray], settled: bool) -> Any:
        """Return what leaving out each block pushes with, a sparse array of shape (rows·outputs, n_blocks)."""
        from scipy.sparse import csc_array

        n_rows, n_outputs = self.outputs.shape
        push = self.push
        if settled:
            push = push - np.einsum("iab,ib->ia", self.w, self.unsettled)
        rows = np.concatenate(blocks)
        if len(rows) == len(blocks):  # each row alone
            h = self.row_blocks()[rows]
            own = solved(np.eye(n_outputs) - self.w[rows] @ h, push[rows][:, :, None]).ravel()
        else:
            own = np.concatenate([self._own_push(block, push) for block in blocks])
        columns = np.repeat(np.arange(len(blocks)), [len(block) * n_outputs for block in blocks])
        entries = row_entries(rows, n_outputs), columns
        return csc_array((own, entries), shape=(n_rows * n_outputs, len(blocks)))

    def _own_push(self, rows: np.ndarray, push: np.ndarray) -> np.ndarray:
        """Return (I − W H)⁻¹ push of a block of rows, shape (rows·outputs,)."""
        h = self.block(rows)
        wh = (self.w[rows] @ h.reshape(len(rows), -1, len(h))).reshape(h.shape)
        return solved(np.eye(len(h)) - wh, push[rows].reshape(-1, 1))[:, 0]

    @property
    def is_flat(self) -> bool:
        """Whether many rows have next to no curvature: then one step of Newton's method leads far from where they lead."""
        curvature, s = np.einsum("iaa->i", self.w), self.s
        if (
            self.loss.y_to < np.inf
        ):  # of classes: a row that is told surely has none, and moves nothing
            return False
        if s is not None:
            curvature = curvature[s > 0] / s[s > 0]
        return bool((curvature < FLAT_CURVATURE * curvature.max()).mean() > FLAT_ROWS)

    @property
    def leverage(self) -> np.ndarray:
        """How much of each row's outputs is its own target's doing, shape (n_rows,): the trace of H W of the row."""
        return np.einsum("iab,iba->i", self.row_blocks(), self.w)

    @property
    def degrees_of_freedom(self) -> float:
        """How many free numbers the network amounts to: the sum of the leverages."""
        return float(self.leverage.sum())

    def left_out_variance(self, blocks: Iterable[np.ndarray] | None = None) -> np.ndarray:
        """Return `variance` of each row, had it, or its block, been left out, shape (n_rows, n_outputs)."""
        if blocks is None:
            h = self.row_blocks()
            return np.einsum("iaa->ia", solved(np.eye(h.shape[-1]) - h @ self.w, h))
        variance = np.zeros(self.outputs.shape)
        n_outputs = self.outputs.shape[1]
        for rows in blocks:
            h, remainder = self._without(rows)
            variance[rows] = solved(remainder, h).diagonal().reshape(len(rows), n_outputs)
        return variance

    def _without(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return H and I − H W of a block of rows, each of shape (rows·outputs, rows·outputs)."""
        h, n_outputs = self.block(rows), self.outputs.shape[1]
        hw = (h.reshape(-1, len(rows), n_outputs)[:, :, None, :] @ self.w[rows])[:, :, 0, :]
        return h, np.eye(len(h)) - hw.reshape(h.shape)

    def variance(self, x: Any, params: Params, activation: Activation) -> np.ndarray:
        """Return what the rows of training leave open of the outputs of other rows, shape (n_new, n_outputs).

        The outputs' variance under the linear view, where the targets' noise has variance 1: J* (JᵀWJ + alpha·I)⁻¹ J*ᵀ, and
        that of b2. It grows with the distance from the rows of training.
        """
        new = TangentFeatures.of(x, params, activation)
        v, cross = self._cross(new)
        variance = np.square(v).sum(0)
        if self.in_rows:
            variance = (new.squares().ravel() - variance) / self.decay
        if self.u is not None:
            u = self._own_bias(cross)
            variance = variance + np.einsum("ma,ab,mb->m", u, self.inverse, u)
        return np.maximum(variance, 0.0).reshape(-1, new.n_outputs)

    def changes_of(
        self,
        x: Any,
        params: Params,
        activation: Activation,
        blocks: Sequence[np.ndarray],
        settled: bool = False,
    ) -> np.ndarray:
        """Return what leaving out each block does to the outputs of other rows, shape (n_blocks, n_new, n_outputs).

        Parameters
        ----------
        x : array, shape (n_new, n_inputs)
            In the axes of the rows of training.
        params, activation : as they were given
        blocks, settled : as in `left_out`

        Returns
        -------
        changes : ndarray
            Outputs without the block minus those of the network: of rows of training it is what `left_out` adds.
        """
        new = TangentFeatures.of(x, params, activation)
        _, h = self._cross(new)
        if self.u is not None:
            h = h + self._own_bias(h) @ (self.inverse @ self.u.T)
        changes = (h @ self._pushes(blocks, settled)).T.reshape(len(blocks), -1, new.n_outputs)
        if settled:
            changes -= new.times(x, params) + (h @ self._rest).reshape(-1, new.n_outputs)
        return np.asarray(changes)

    def _cross(self, new: TangentFeatures) -> tuple[np.ndarray, np.ndarray]:
        """Return the factor's share of the features of other rows, as `v` is, and H0 between these and the rows."""
        from scipy.linalg import solve_triangular

        if self.in_rows:
            t = self.features.kernel(new).reshape(self.features.size, -1)
            v = solve_triangular(self.factor, self._rooted(t), lower=True, check_finite=False)
            return v, (t.T - v.T @ self.v) / self.decay
        j = new.matrix().reshape(new.size, -1)
        v = solve_triangular(self.factor, j.T, lower=True, check_finite=False)
        return v, v.T @ self.v

    def _own_bias(self, cross: np.ndarray) -> np.ndarray:
        """Return U of other rows, (new rows·outputs, outputs), from H0 between these and the rows."""
        n_outputs = self.outputs.shape[1]
        b = np.tile(np.eye(n_outputs), (len(cross) // n_outputs, 1))
        return b - cross @ self.w.reshape(-1, n_outputs)


def left_out_constant(
    constant: np.ndarray,
    y: np.ndarray,
    s: np.ndarray | None,
    loss: Loss,
    blocks: Iterable[np.ndarray] | None = None,
) -> np.ndarray:
    """Return the best constant had each row, or its block, been left out, shape (n_rows, n_outputs).

    Parameters
    ----------
    constant : ndarray, shape (n_outputs,)
        The best one of all rows.
    y, s, loss, blocks : as in `Tangent`; a loss with a second derivative
    """
    nothing = np.zeros((len(y), 1))
    only_bias = Params(np.zeros((1, 1)), None, np.zeros((1, len(constant))), constant)
    outputs = Tangent(nothing, y, s, only_bias, loss, ACTIVATIONS["identity"], 1.0).left_out(blocks)
    return np.where(np.isfinite(outputs), outputs, constant)


def row_entries(rows: Any, n_outputs: int) -> np.ndarray:
    """Return the places of these rows' outputs among those of all rows, shape (rows·outputs,)."""
    return (np.asarray(rows)[:, None] * n_outputs + np.arange(n_outputs)).ravel()


def root_of(w: np.ndarray) -> np.ndarray:
    """Return R with R @ R.mT = w, of each row's positive semidefinite matrix, shape (n_rows, n_outputs, n_outputs)."""
    if w.shape[-1] == 1:
        return np.sqrt(np.maximum(w, 0))
    values, vectors = np.linalg.eigh(w)
    return vectors * np.sqrt(np.maximum(values, 0))[:, None, :]


def solved(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the solutions of `matrices @ v = right`, (..., size, n); not a number where a matrix I − H W is singular.

    The eigenvalues of H W lie between 0 and 1: where one is 1 but for rounding, the inverse is huge.
    """
    exactly = np.linalg.slogdet(matrices).sign == 0
    safe = np.where(exactly[..., None, None], np.eye(matrices.shape[-1]), matrices)
    inverse = np.linalg.inv(safe)
    singular = exactly | (np.abs(inverse).max((-2, -1)) * SINGULAR > 1)
    return np.where(singular[..., None, None], np.nan, inverse @ right)

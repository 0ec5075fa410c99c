"""The span: an exact shortcut for wide tables, whose steps do not depend on the number of columns.

Every gradient of `w1` is `x.T @ grad_h`, a combination of the rows of `x`. So training never leaves

    w1 = c · w1_start + x.T @ a,        a of shape (n_rows, n_hidden), c a number that only weight decay moves,

and all it needs of the table is `k = x @ x.T` and `h_start = x @ w1_start`: one pass over the columns. Two forms of it:

`GramSpan` trains `a` and `c` themselves; an engine has to know the form, and then needs one product with `k` per step.

`RotatedSpan` rotates the axes. With k = z @ z.T (a pivoted Cholesky factor, z of shape (n_rows, rank)) there are orthonormal
rows q with x = z @ q, and training on `z` from `v_start = q @ w1_start` is training on `x` from `w1_start` in other axes:
gradient descent, momentum, weight decay, mini-batches and L-BFGS give the same. Any engine can do it, unchanged. The part
of `w1_start` outside the span has no gradient but decays: it is one more row of weights, whose input is always 0 and whose
length is that part's length.

In both, `w1` is recovered at the end, in a second pass. The skip layer goes the same way as `w1`.

The idea is old and good: Hastie & Tibshirani, *Efficient quadratic regularization for expression arrays*, Biostatistics 5
(2004) 329-340; Hastie, Tibshirani & Friedman, *The Elements of Statistical Learning*, section 18.3.5. Whitening (keeping
only the directions of z, not their lengths) would lose what generalises: Wadia et al., arXiv 2008.07545.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem

NUMBERS_PER_BLOCK = (
    1 << 23
)  # of `x` (and of `w1`), so that a table on disk is never whole in memory


def column_blocks(n_columns: int, numbers_per_column: int) -> Iterator[slice]:
    """Yield slices over all columns, each of at most about NUMBERS_PER_BLOCK numbers."""
    width = max(1, NUMBERS_PER_BLOCK // max(numbers_per_column, 1))
    for start in range(0, n_columns, width):
        yield slice(start, min(start + width, n_columns))


def gram_and_products(
    x: Any, weights: list[np.ndarray], dtype: Any
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return `x @ x.T` and `x @ w` for each of the weights, reading `x` once.

    Parameters
    ----------
    x : array or SciPy sparse array, shape (n_rows, n_inputs)
    weights : list of arrays, each of shape (..., n_inputs, n_columns)
    dtype : dtype
        The dtype of the products.

    Returns
    -------
    k : ndarray, shape (n_rows, n_rows)
    products : list of ndarrays, each of shape (..., n_rows, n_columns)
    """
    if hasattr(x, "gram_and_products"):  # a table that is not here
        return x.gram_and_products(weights, dtype)
    if not isinstance(x, np.ndarray):
        x = x.astype(dtype)
        return (x @ x.T).toarray(), [sparse_times(x, w) for w in weights]
    n_rows, n_columns = x.shape
    k = np.zeros((n_rows, n_rows), dtype)
    products = [np.zeros((*w.shape[:-2], n_rows, w.shape[-1]), dtype) for w in weights]
    widest = max([n_rows, *(w[..., :1, :].size for w in weights)])
    with np.errstate(over="ignore", invalid="ignore"):  # an error follows for what is not finite
        for columns in column_blocks(n_columns, widest):
            block = np.asarray(x[:, columns], dtype)
            k += block @ block.T
            for product, w in zip(products, weights, strict=True):
                product += block @ w[..., columns, :]
    return k, products


def sparse_times(x: Any, w: np.ndarray) -> np.ndarray:
    """Return `x @ w` for sparse `x`, with any axes in front of `w`."""
    if w.ndim == 2:
        return x @ w
    return np.stack([x @ each for each in w])


def recovered_weights(x: Any, a: np.ndarray, c: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return `c · start + x.T @ a` in start's dtype: (..., n_inputs, n_columns); c has one number per network."""
    if hasattr(x, "recovered_weights"):  # a table that is not here
        return x.recovered_weights(a, c, start)
    if not isinstance(x, np.ndarray):
        out = sparse_times(x.T.tocsr(), a).astype(start.dtype, copy=False)
        for rows in column_blocks(x.shape[1], a[..., :1, :].size):
            out[..., rows, :] += c * start[..., rows, :]
        return out
    out = np.empty_like(start)
    for columns in column_blocks(x.shape[1], max(x.shape[0], a[..., :1, :].size)):
        np.matmul(x[:, columns].T, a, out=out[..., columns, :])
        if np.all(c == 1):
            out[..., columns, :] += start[..., columns, :]
        else:
            out[..., columns, :] += c * start[..., columns, :]
    return out


def squared_length(w: np.ndarray) -> np.ndarray:
    """Return Σ w², one number per network, in float64."""
    if not isinstance(w, np.ndarray):  # Dask's
        return np.asarray((w.astype(np.float64) ** 2).sum(axis=(-2, -1)))
    flat = w.reshape(*w.shape[:-2], -1)
    return np.einsum("...i,...i->...", flat, flat, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class GramProblem(Problem):
    """A problem with `x = k` of shape (n_rows, n_rows), for an engine that knows the form `GramSpan`.

    Its parameters hold `a` in the place of `w1`, and below it one more row, whose entries are all c.

    Attributes
    ----------
    h_start : ndarray, shape (..., n_rows, n_hidden)
    squares_start : ndarray, shape (...)
        ‖w1_start‖² of each network.
    """

    h_start: Any = None
    squares_start: Any = None


@dataclass(frozen=True, eq=False)
class RotatedProblem(Problem):
    """A problem with `x = z` of shape (n_rows, rank), or with one more column, of zeros.

    Attributes
    ----------
    order : ndarray of int, shape (n_rows,)
        The order of the rows in which z has no entry above its diagonal.
    rank : int
    """

    order: Any = None
    rank: int = 0


class GramSpan:
    """The span in the coordinates `a` and `c`.

    Attributes
    ----------
    problem : GramProblem
    params : Params
        Where training starts: a = 0, c = 1.
    """

    def __init__(self, problem: Problem, params: Params) -> None:
        self.x, self.start = problem.x, params
        k, (h_start,) = gram_and_products(problem.x, [params.w1], params.dtype)
        self.problem = GramProblem(
            k,
            problem.y,
            problem.s,
            problem.objective,
            problem.total,
            h_start,
            squared_length(params.w1) if problem.objective.alpha else np.zeros(h_start.shape[:-2]),
        )
        a = np.zeros((*h_start.shape[:-2], len(k) + 1, params.n_hidden), params.dtype)
        a[..., -1, :] = 1
        self.params = replace(params, w1=a)

    def recover(self, params: Params) -> Params:
        """Return the parameters of the table itself."""
        c = params.w1[..., -1:, :1]
        return replace(
            params, w1=recovered_weights(self.x, params.w1[..., :-1, :], c, self.start.w1)
        )


class RotatedSpan:
    """The span in axes of its own, for any engine.

    Attributes
    ----------
    problem : RotatedProblem
        The same problem with `z` in the place of `x`.
    params : Params
        Where training starts, in those axes.
    """

    def __init__(self, problem: Problem, params: Params) -> None:
        self.x, self.start = problem.x, params
        self.decays = problem.objective.alpha > 0
        weights = [w for w in (params.w1, params.w_skip) if w is not None]
        # The Cholesky factor of k has only half its digits, so that k has to be in float64 whatever the run's dtype.
        k, products = gram_and_products(problem.x, weights, np.float64)
        z, order, factor = pivoted_cholesky(k, params.dtype, with_zeros=self.decays)
        del k  # overwritten
        rank = len(factor)
        self.pivots = order[:rank]
        # q @ w from x @ w, in float64.
        inside = [solve_lower(factor, product[..., self.pivots, :]) for product in products]
        self.rounded_from = factor if z.dtype != factor.dtype else None
        self.outside = [length_outside(w, v) for w, v in zip(weights, inside, strict=True)]
        starts = [
            self.with_outside(v, length).astype(params.dtype, copy=False)
            for v, length in zip(inside, self.outside, strict=True)
        ]
        self.problem = RotatedProblem(
            z, problem.y, problem.s, problem.objective, problem.total, order, rank
        )
        self.params = replace(params, w1=starts[0], w_skip=starts[1] if len(starts) > 1 else None)

    @property
    def factor(self) -> np.ndarray:
        """z[pivots] in float64: z has the same numbers, unless they were rounded, so that training has more memory."""
        if self.rounded_from is not None:
            return self.rounded_from
        return np.asfortranarray(self.problem.x[self.pivots, : len(self.pivots)])

    def with_outside(self, v: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Return `v` with one more row for what lies outside the span, if that decays."""
        if not self.decays:
            return v
        row = np.zeros((*v.shape[:-2], 1, v.shape[-1]))
        row[..., 0, 0] = length
        return np.concatenate([v, row], axis=-2)

    def recover(self, params: Params) -> Params:
        """Return the parameters of the table itself."""
        names = ["w1"] if params.w_skip is None else ["w1", "w_skip"]
        recovered = {
            name: self.recovered(
                getattr(self.start, name),
                getattr(self.params, name),
                getattr(params, name),
                outside,
            )
            for name, outside in zip(names, self.outside, strict=True)
        }
        return replace(params, **recovered)

    def network(self, k: int) -> RotatedSpan:
        """Return the span of the k-th of several networks alone, to recover its parameters."""
        one = copy.copy(self)
        one.start, one.params = self.start.network(k), self.params.network(k)
        one.outside = [length[k] for length in self.outside]
        return one

    def recovered(
        self, start: np.ndarray, v_start: np.ndarray, v: np.ndarray, outside: np.ndarray
    ) -> np.ndarray:
        """Return what `start` has become when its coordinates `v_start` have become `v`."""
        c = np.ones((*v.shape[:-2], 1, 1), start.dtype)
        if self.decays:
            moved = outside > 0
            c[..., 0, 0] = np.where(moved, v[..., -1, 0] / np.where(moved, outside, 1), 1)
            v, v_start = v[..., :-1, :], v_start[..., :-1, :]
        moved_by = v - c * v_start
        a = np.zeros(
            (*v.shape[:-2], self.x.shape[0], v.shape[-1])
        )  # float64: it may be large and cancel
        a[..., self.pivots, :] = solve_lower(self.factor, moved_by, transposed=True)
        return recovered_weights(self.x, a, c, start)


def rank_tolerance(n_rows: int) -> float:
    """Return the rank rule of every table in axes of its own rows: how short a row may be and still need an axis of its own.

    It is a squared length, of the part of a row outside the axes so far, where each whole row has length 1: n_rows·2⁻⁵²,
    about the rounding of x @ x.T in float64. What is shorter than that is no direction of the table. (So 1 in 7 million
    for 100 rows.)
    """
    return n_rows * np.finfo(np.float64).eps


def pivoted_cholesky(
    k: np.ndarray, dtype: Any = np.float64, with_zeros: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pivoted Cholesky factor of k = x @ x.T, up to its numerical rank.

    Parameters
    ----------
    k : ndarray of float64, shape (n_rows, n_rows)
        Symmetric, C-contiguous; overwritten, as there may be no memory for another like it.
    dtype : dtype
        Of z.
    with_zeros : bool
        Whether z has one more column, of zeros.

    Returns
    -------
    z : ndarray, shape (n_rows, rank) or (n_rows, rank + 1)
        z @ z.T = k.
    order : ndarray of int, shape (n_rows,)
        z[order] has no entry above its diagonal; the first `rank` rows of it span all of them.
    factor : ndarray of float64, shape (rank, rank)
        z[order[:rank]] on and below the diagonal; the numbers above it mean nothing.

    Raises
    ------
    InputError
        If k is not finite.
    """
    from scipy.linalg.lapack import dpstrf

    # Rows are scaled to length 1 for the factor, so that a short one counts as much as a long one.
    lengths = np.sqrt(k.diagonal())
    if not np.isfinite(lengths).all():
        raise InputError(
            "x holds numbers whose squares are too large for the span: rescale its columns, or use span=False"
        )
    lengths[lengths == 0] = 1
    k /= lengths
    k /= lengths[:, None]
    k[np.diag_indices(len(k))] = (
        k.diagonal() > 0.5
    )  # 1 or 0: of rows that are equally long, none is first by rounding
    packed, order, rank, _ = dpstrf(k.T, lower=1, tol=rank_tolerance(len(k)), overwrite_a=1)
    order = order - 1
    if rank == 0 or not packed[0, 0] > 0:  # a table of zeros spans nothing
        return np.zeros((len(k), 1 + with_zeros), dtype), order, np.ones((1, 1))
    packed *= lengths[order][:, None]
    z = np.zeros((len(k), rank + with_zeros), dtype)
    for j, row in enumerate(order):
        filled = min(j + 1, rank)
        z[row, :filled] = packed[j, :filled]
    return z, order, np.asfortranarray(packed[:rank, :rank])


@dataclass(frozen=True, eq=False)
class RowCoordinates:
    """Rows of a table in orthonormal axes of their own: x = z @ q, where q is never computed.

    Attributes
    ----------
    x : array or SciPy sparse array, shape (n_rows, n_inputs), or None
        None where the table is not here: then there is `combination` in the place of `back`, and no `of`.
    z : ndarray of float64, shape (n_rows, rank)
        A table of zeros has one axis.
    pivots, factor
        `pivots` are the first `rank` rows of the order of `pivoted_cholesky`, `factor` is its factor.
    """

    x: Any
    z: np.ndarray
    pivots: np.ndarray
    factor: np.ndarray

    def of(self, x_new: Any) -> np.ndarray:
        """Return `x_new @ q.T`: other rows along the axes, shape (n_new, rank); what lies outside the axes is left out."""
        products = self.x @ x_new.T
        if not isinstance(products, np.ndarray):
            products = products.toarray()
        return np.ascontiguousarray(self.along(products).T)

    def along(self, products: np.ndarray) -> np.ndarray:
        """Return `q @ w`, shape (..., rank, n_columns), from `products = x @ w`."""
        return solve_lower(self.factor, products[..., self.pivots, :])

    def back(self, v: np.ndarray) -> np.ndarray:
        """Return `q.T @ v`: weights of the table's columns, shape (..., n_inputs, n_columns), from those of the axes."""
        a = self.combination(v)
        return self.x.T @ a if isinstance(self.x, np.ndarray) else sparse_times(self.x.T.tocsr(), a)

    def combination(self, v: np.ndarray) -> np.ndarray:
        """Return the a, (..., n_rows, n_columns), with q.T @ v = x.T @ a."""
        a = np.zeros((*v.shape[:-2], len(self.z), v.shape[-1]))
        a[..., self.pivots, :] = solve_lower(self.factor, v, transposed=True)
        return a


def row_coordinates(x: Any) -> RowCoordinates:
    """Return axes for the rows of `x`, in one pass over it: for many fits on the same rows that start inside their span."""
    k, _ = gram_and_products(x, [], np.float64)
    return coordinates_of_gram(x, k)


def project_on_rows(x: Any, w: np.ndarray) -> np.ndarray:
    """Return the part of `w`, (..., n_inputs, n_columns), in the span of the rows of `x`: q.T @ q @ w."""
    k, (products,) = gram_and_products(x, [w], np.float64)
    axes = coordinates_of_gram(x, k)
    return axes.back(axes.along(products))


def coordinates_of_gram(x: Any, k: np.ndarray) -> RowCoordinates:
    """Return axes for the rows of `x` from k = x @ x.T, which is overwritten."""
    z, order, factor = pivoted_cholesky(k)
    rank = len(factor)
    return RowCoordinates(x, z[:, :rank], order[:rank], factor)


def solve_lower(factor: np.ndarray, right: np.ndarray, transposed: bool = False) -> np.ndarray:
    """Return the solution of `factor @ v = right` (or with factor.T), with any axes in front of `right`; float64."""
    from scipy.linalg.lapack import dtrtrs

    flat = np.moveaxis(right, -2, 0).reshape(right.shape[-2], -1)
    solved, _ = dtrtrs(factor, flat, lower=1, trans=int(transposed))
    shape = (right.shape[-2], *right.shape[:-2], right.shape[-1])
    return np.ascontiguousarray(np.moveaxis(solved.reshape(shape), 0, -2))


def length_outside(w: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the length of the part of `w` outside the span, if `v` are its coordinates inside; one number per network."""
    return np.sqrt(np.maximum(squared_length(w) - squared_length(v), 0.0))

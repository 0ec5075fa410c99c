"""The compiled engine's products of matrices, band by band, against NumPy's."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose

from twolayer.engines.compiled import forward_backward
from twolayer.maths import span


def called(kernel):
    """The kernel, so that it can be called from Python."""
    return numba.njit(lambda a, b, out: kernel(a, b, out))


times, lower_times = called(forward_backward.times), called(forward_backward.lower_times)
transposed_lower_times = called(forward_backward.transposed_lower_times)


@pytest.mark.parametrize("n_rows", [1, 23, 24, 25, 48, 71])
@pytest.mark.parametrize("rank", [1, 5, 24, 30, 71])
@pytest.mark.parametrize("zeros", [0, 1])
@pytest.mark.parametrize("n_columns", [1, 6])
def test_products_with_a_triangular_table(n_rows, rank, zeros, n_columns):
    rng = np.random.default_rng(0)
    rank = min(rank, n_rows)
    order = rng.permutation(n_rows)
    z = np.zeros((n_rows, rank + zeros))
    z[order, :rank] = np.tril(rng.standard_normal((n_rows, rank)))
    table = forward_backward.packed_triangular(z, order, rank)
    b, out = rng.standard_normal((rank + zeros, n_columns)), np.full((n_rows, n_columns), np.nan)
    lower_times(table, b, out)
    assert_allclose(out, z[order] @ b, atol=1e-12)
    b, out = rng.standard_normal((n_rows, n_columns)), np.full((rank + zeros, n_columns), np.nan)
    transposed_lower_times(table, b, out)
    assert_allclose(out, z[order].T @ b, atol=1e-12)


def test_the_spans_factor_is_such_a_table():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 30)) @ rng.standard_normal((30, 400))
    z, order, factor = span.pivoted_cholesky(x @ x.T)
    table, b, out = (
        forward_backward.packed_triangular(z, order, len(factor)),
        np.eye(30),
        np.empty((60, 30)),
    )
    lower_times(table, b, out)
    assert_allclose(out @ out.T, (x @ x.T)[np.ix_(order, order)], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(300, 100, 50), (201, 1000, 60), (7, 500, 400), (150, 400, 1)])
def test_large_products_go_in_bands(shape):
    """Up to a million multiplications at once; bands of less than 8 rows are not made; one column is a loop."""
    n, k, m = shape
    rng = np.random.default_rng(0)
    a, b, out = rng.standard_normal((n, k)), rng.standard_normal((k, m)), np.full((n, m), np.nan)
    times(a, b, out)
    assert_allclose(out, a @ b, atol=1e-10)

"""Wide tables in the axes of their own rows: inner products are kept, and no direction is invented or lost."""

import numpy as np
import pytest
import scipy.sparse

from twolayer.maths import span

DENSE_AND_SPARSE = [np.asarray, scipy.sparse.csr_array]


def table(n_rows=8, n_columns=50):
    """A table of rank 5 in 8 rows: repeated, zero and added rows, and one that is ten million times as long."""
    x = np.random.default_rng(0).standard_normal((n_rows, n_columns))
    x[7], x[6], x[5] = x[0], 0, x[1] + x[2]
    x[3] *= 1e7
    return x


@pytest.mark.parametrize("make", DENSE_AND_SPARSE)
def test_inner_products_are_kept(make):
    x, new = table(), np.random.default_rng(1).standard_normal((3, 50))
    axes = span.row_coordinates(make(x))
    assert axes.z.shape == (8, 5)
    lengths = np.linalg.norm(x, axis=1)
    scale = np.outer(lengths, lengths) + 1e-300
    np.testing.assert_allclose(axes.z @ axes.z.T / scale, x @ x.T / scale, atol=1e-12)
    np.testing.assert_allclose(axes.of(make(new)) @ axes.z.T, new @ x.T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", DENSE_AND_SPARSE)
@pytest.mark.parametrize("front", [(), (2,)])
def test_weights_go_there_and_back(make, front):
    """Beside NumPy's pseudo-inverse; with axes in front for several networks."""
    x = table()
    x[3] /= 1e7
    axes = span.row_coordinates(make(x))
    v = np.random.default_rng(2).standard_normal((*front, 5, 4))
    w = axes.back(v)
    assert w.shape == (*front, 50, 4)
    np.testing.assert_allclose(x @ w, axes.z @ v, atol=1e-10)
    np.testing.assert_allclose(axes.along(x @ w), v, atol=1e-10)
    inside = np.linalg.pinv(x) @ x
    np.testing.assert_allclose(inside @ w, w, atol=1e-10)


@pytest.mark.parametrize("make", DENSE_AND_SPARSE)
@pytest.mark.parametrize("front", [(), (3,)])
def test_the_part_of_weights_in_the_span(make, front):
    """Beside NumPy's pseudo-inverse."""
    x = table()
    x[3] /= 1e7
    w = np.random.default_rng(3).standard_normal((*front, 50, 4))
    inside = span.project_on_rows(make(x), w)
    np.testing.assert_allclose(inside, np.linalg.pinv(x) @ x @ w, atol=1e-10)
    np.testing.assert_allclose(x @ inside, x @ w, atol=1e-10)


@pytest.mark.parametrize("make", DENSE_AND_SPARSE)
def test_a_table_of_zeros_has_one_axis_of_zeros(make):
    x = make(np.zeros((3, 9)))
    axes = span.row_coordinates(x)
    assert axes.z.shape == (3, 1)
    assert not axes.z.any()
    assert not axes.of(make(np.zeros((2, 9)))).any()
    assert not axes.back(np.ones((1, 4))).any()
    assert not span.project_on_rows(x, np.ones((9, 4))).any()


def test_centred_rows_span_one_direction_less():
    for n_rows, n_columns in ((5, 100), (40, 3000), (12, 200_000)):
        x = np.random.default_rng(4).standard_normal((n_rows, n_columns))
        x -= x.mean(axis=0)
        assert span.row_coordinates(x).z.shape == (n_rows, n_rows - 1)


def test_the_rank_rule_is_relative_to_each_row():
    """A row is rounding where less than a share sqrt(n·2⁻⁵²) of its own length is new, however long the others are."""
    x = np.eye(4, 6)
    x[3] = x[0]
    limit = np.sqrt(span.rank_tolerance(4))
    for factor in (1e-9, 1.0, 1e9):
        for share, rank in ((0.5 * limit, 3), (2 * limit, 4)):
            changed = x.copy()
            changed[3, 5] = share
            changed[3] *= factor
            assert span.row_coordinates(changed).z.shape[1] == rank

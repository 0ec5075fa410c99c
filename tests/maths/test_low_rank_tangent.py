"""The low-rank form of a network's linear view, beside the full one and Bayesian linear regression."""

import numpy as np
import pytest

import twolayer as tl
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import SquaredError
from twolayer.maths.low_rank_tangent import LowRankTangent
from twolayer.maths.network import Params
from twolayer.maths.tangent import Tangent

TANH = ACTIVATIONS["tanh"]


def trained(n_rows, n_inputs, n_outputs, alpha=0.3, skip=False):
    rng = np.random.default_rng(0)
    x, x_new = rng.standard_normal((n_rows, n_inputs)), rng.standard_normal((9, n_inputs)) * 3
    y = np.tanh(x @ rng.standard_normal((n_inputs, n_outputs)))
    s = rng.uniform(0.5, 2, n_rows)
    params = tl.init_params(n_inputs, 6, n_outputs, skip=skip, scheme="glorot", random_state=0)
    return Tangent(x, y, s, params, SquaredError(), TANH, alpha), x_new, params


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(("n_rows", "n_inputs", "n_outputs"), [(40, 3, 1), (40, 3, 2), (9, 8, 1)])
def test_it_says_what_the_full_view_says(n_rows, n_inputs, n_outputs, skip):
    """Directions that are hardly learned count as not learned: their share of the variance is 1 per cent too large."""
    tangent, x_new, params = trained(n_rows, n_inputs, n_outputs, skip=skip)
    low = LowRankTangent.of(tangent, 10**6)
    full = tangent.variance(x_new, params, TANH)
    ratio = low.variance(x_new, params, TANH) / full
    assert ratio.shape == (9, n_outputs)
    assert (ratio > 0.99).all()
    assert (ratio < 1.02).all()


def test_weak_decay_does_not_drown_in_rounding():
    """1 / alpha is 1e8 here, and float32 has seven digits."""
    tangent, x_new, params = trained(60, 2, 1, alpha=1e-8)
    low = LowRankTangent.of(tangent, 10**6)
    full = tangent.variance(x_new, params, TANH)
    assert np.allclose(low.variance(x_new, params, TANH), full, rtol=0.02)


def test_too_many_numbers():
    tangent, _, _ = trained(40, 3, 1)
    rank = len(LowRankTangent.of(tangent, 10**6).precision)
    n_weights = tangent.features.n_weights
    assert LowRankTangent.of(tangent, rank * n_weights) is not None
    assert LowRankTangent.of(tangent, rank * n_weights - 1) is None


def test_where_the_network_is_linear_it_is_bayesian_linear_regression():
    """One unit at 0 with w2 = 1 and no bend: the outputs are x @ w1 + b2, w1 with a normal prior, b2 with a flat one."""
    rng = np.random.default_rng(1)
    x, x_new = rng.standard_normal((30, 4)), 10 * rng.standard_normal((5, 4))
    identity = ACTIVATIONS["identity"]
    params = Params(np.zeros((4, 1)), np.zeros(1), np.ones((1, 1)), np.zeros(1))
    tangent = Tangent(x, np.zeros((30, 1)), None, params, SquaredError(), identity, 0.5)
    design, new = (np.column_stack([np.ones(len(one)), one]) for one in (x, x_new))
    covariance = np.linalg.inv(design.T @ design + np.diag([0, 0.5, 0.5, 0.5, 0.5]))
    expected = np.einsum("ij,jk,ik->i", new, covariance, new)
    low = LowRankTangent.of(tangent, 10**6)
    assert np.allclose(low.variance(x_new, params, identity)[:, 0], expected, rtol=1e-5)


def test_rows_in_chunks(monkeypatch):
    tangent, x_new, params = trained(40, 3, 2)
    low = LowRankTangent.of(tangent, 10**6)
    whole = low.variance(x_new, params, TANH)
    monkeypatch.setattr("twolayer.maths.low_rank_tangent.CHUNK_NUMBERS", 1)
    assert np.allclose(low.variance(x_new, params, TANH), whole, rtol=1e-12)
    assert low.variance(x_new[:0], params, TANH).shape == (0, 2)


def test_the_variance_of_blocks_left_out():
    """The full view of the other rows alone, at the same weights."""
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((12, 3)), rng.standard_normal((12, 2))
    params = tl.init_params(3, 4, 2, random_state=0)
    tangent = Tangent(x, y, None, params, SquaredError(), TANH, 0.4)
    blocks = [np.arange(5), np.arange(5, 12)]
    found = tangent.left_out_variance(blocks)
    for block in blocks:
        kept = np.setdiff1d(np.arange(12), block)
        others = Tangent(x[kept], y[kept], None, params, SquaredError(), TANH, 0.4)
        assert np.allclose(found[block], others.variance(x[block], params, TANH))
    singles = [np.array([i]) for i in range(12)]
    assert np.allclose(tangent.left_out_variance(singles), tangent.left_out_variance())

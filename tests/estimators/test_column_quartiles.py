"""Medians and quartiles of columns, with row weights: beside NumPy's percentiles of repeated rows."""

import numpy as np
import pytest

from twolayer import InputError
from twolayer.estimators.column_quartiles import column_quartiles, fit_clip

RNG = np.random.default_rng(0)
X = np.c_[RNG.standard_normal((41, 3)), RNG.integers(0, 4, 41), RNG.integers(0, 2, 41)]
LEVELS = [25, 50, 75]


@pytest.mark.parametrize("n_rows", [1, 2, 3, 4, 5, 40, 41])
def test_a_weight_is_that_many_rows(n_rows):
    x, s = X[:n_rows], RNG.integers(1, 5, n_rows)
    wanted = np.percentile(np.repeat(x, s, axis=0), LEVELS, axis=0)
    np.testing.assert_allclose(column_quartiles(x, s.astype(float)), wanted, rtol=0, atol=1e-12)


def test_equal_weights_change_nothing():
    wanted = np.percentile(X, LEVELS, axis=0)
    np.testing.assert_allclose(column_quartiles(X, None), wanted, atol=1e-12)
    np.testing.assert_allclose(column_quartiles(X, np.ones(41)), wanted, atol=1e-12)


def test_fractions_of_weights_lie_between():
    """Quartiles move steadily from those of weight 1 to those of weight 2, in order, and as the columns are mirrored."""
    s = np.ones(41)
    medians = []
    for weight in np.linspace(0.01, 2, 60):
        s[7] = weight
        low, median, high = column_quartiles(X, s)
        assert (low <= median).all()
        assert (median <= high).all()
        mirrored = column_quartiles(-X, s)
        np.testing.assert_allclose(mirrored, [-high, -median, -low], atol=1e-12)
        medians.append(median)
    spread = np.ptp(X, axis=0)
    assert (np.abs(np.diff(medians, axis=0)) <= 0.05 * spread).all()
    np.testing.assert_allclose(
        medians[-1], np.percentile(np.vstack([X, X[7:8]]), 50, axis=0), atol=1e-12
    )


def test_the_transform_on_repeated_rows():
    x, s = np.exp(2 * X[:, :3]), RNG.integers(1, 5, 41)
    repeated = np.repeat(x, s, axis=0)
    low, median, high = np.percentile(repeated, LEVELS, axis=0)
    u = (x - median) / (high - low)
    clip, clipped = fit_clip(x, s.astype(float))
    np.testing.assert_allclose(clipped, u / np.sqrt(1 + (u / 3) ** 2), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(clipped, clip.columns(x))


def test_without_an_interquartile_range_half_the_range_takes_its_place():
    x = np.zeros((40, 2))
    x[0] = 8, -1
    x[1, 1] = 3
    clip, clipped = fit_clip(x, None)
    assert clip.center.tolist() == [0, 0]
    assert clip.scale.tolist() == [4, 2]
    assert clipped[0, 0] == pytest.approx(2 / np.sqrt(1 + (2 / 3) ** 2))


def test_a_binary_column_keeps_two_values():
    for share in (3, 10, 20):
        x = (np.arange(40) < share).astype(float)[:, None]
        _, clipped = fit_clip(x, None)
        assert len(np.unique(clipped)) == 2


@pytest.mark.parametrize("value", [0.0, 5.0, 1e9])
def test_a_constant_column_is_0(value):
    noise = value * 2.0**-52 * np.array([[0], [1], [-1], [0], [1]])  # rounding
    clip, clipped = fit_clip(value + noise, None)
    assert not clipped.any()
    assert clip.scale.tolist() == [1]


@pytest.mark.parametrize(("size", "word"), [(1e308, "large"), (1e-100, "small")])
def test_sizes_that_cannot_be_scaled_are_refused(size, word):
    x = size * np.array([[-1.5], [-1], [0], [1], [1.5]])
    with pytest.raises(InputError, match=f"X has values too {word} .* column 0"):
        fit_clip(x, None)

"""The smooth clip of columns, beside RealMLP's formula written out and finite differences."""

import numpy as np
import pytest
import scipy.sparse

from twolayer.maths.smooth_clip import InputClip

X = np.random.default_rng(0).standard_normal((30, 4)) * [1, 1e3, 1e-3, 5] + [0, -500, 1, 50]
CLIP = InputClip(np.array([0.1, -400, 1, 0]), np.array([1.5, 800, 1e-3, 7]), np.ones(1, bool))


def test_the_clip_is_realmlps_formula():
    # Holzmüller et al. 2024: the robust scaling, then x / sqrt(1 + (x/3)²)
    for j in range(4):
        for i in range(30):
            u = (X[i, j] - CLIP.center[j]) / CLIP.scale[j]
            wanted = u / (1 + (u / 3) ** 2) ** 0.5
            assert CLIP.columns(X)[i, j] == pytest.approx(wanted, rel=1e-12)


def test_a_sparse_table_is_clipped_as_an_array():
    sparse = scipy.sparse.csr_array(X)
    np.testing.assert_array_equal(CLIP.columns(sparse), CLIP.columns(X))


@pytest.mark.parametrize("far", [1e20, 1e308, np.float32(1e38)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_value_far_out_is_clipped_to_the_bound(far, sign):
    x = np.full((1, 4), sign * far)
    assert CLIP.columns(x) == pytest.approx(np.full((1, 4), 3.0 * sign), rel=1e-6)
    assert np.isfinite(CLIP.slopes(x)).all()


def test_slopes_are_finite_differences():
    step = 1e-5 * CLIP.scale
    wanted = (CLIP.columns(X + step) - CLIP.columns(X - step)) / (2 * step)
    np.testing.assert_allclose(CLIP.slopes(X), wanted, rtol=1e-6)

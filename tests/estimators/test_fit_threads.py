"""A fit of a small table keeps BLAS at one thread from its beginning to its end."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import twolayer as tl
from twolayer.estimators import base, fit
from twolayer.estimators.fit_plan import largest_fit_product
from twolayer.estimators.selection import search
from twolayer.estimators.uncertainty import fit_uncertainty
from twolayer.training.threads import SMALL_MULTIPLICATIONS

X = np.random.default_rng(0).normal(size=(30, 3))


def blas_threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.mark.parametrize(
    ("make", "place", "name"),
    [
        (lambda: tl.TwoLayerRegressor(3, alpha=1.0), fit_uncertainty, "noise_std"),
        (lambda: tl.TwoLayerRegressor(3), fit, "choose_alpha"),
        (lambda: tl.TwoLayerRegressor(3, alpha=1.0), fit, "standardise"),
        (lambda: tl.TwoLayerRegressorCV(3, alphas=[1.0], cv=2), search, "row_axes"),
    ],
)
def test_one_thread_within_a_small_fit(monkeypatch, make, place, name):
    original, seen = getattr(place, name), []

    def watched(*given, **more):
        seen.append(blas_threads())
        return original(*given, **more)

    monkeypatch.setattr(place, name, watched)
    with threadpool_limits(limits=2, user_api="blas"):
        make().set_params(max_iter=5, random_state=0).fit(X, X[:, 0])
        assert blas_threads() == {2}  # given back
    assert seen
    assert all(threads == {1} for threads in seen)


def test_large_fits_are_not_limited(monkeypatch):
    monkeypatch.setattr(base, "largest_fit_product", lambda *shape: SMALL_MULTIPLICATIONS + 1)
    seen = []
    model = tl.TwoLayerRegressor(3, alpha=1.0, max_iter=5, random_state=0)
    monkeypatch.setattr(
        fit_uncertainty, "noise_std", lambda *given: seen.append(blas_threads()) or np.ones(1)
    )
    with threadpool_limits(limits=2, user_api="blas"):
        model.fit(X, X[:, 0])
    assert seen == [{2}]


@pytest.mark.parametrize(
    ("shape", "small"),
    [
        ((300, 10, 50), True),
        ((60, 2000, 50), True),
        ((171, 5748, 100), False),
        ((20000, 30, 50), False),
    ],
)
def test_which_fits_are_small(shape, small):
    """A step of 171 × 5748 with 100 units takes 98 million multiplications; of 300 × 10 with 50 it takes 150,000."""
    assert (largest_fit_product(shape[:2], shape[2]) <= SMALL_MULTIPLICATIONS) == small

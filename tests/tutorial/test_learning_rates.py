"""The bound 2/λ on the learning rate, dead units, and rates that were tried."""

import numpy as np
import pytest
from explain_pages import arrays, numpy_run

import twolayer as tl
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.learning_rates import (
    best_rate,
    dead_units,
    holding_rate,
    largest_curvature,
    rates_below,
)

MIDDLE = LadderProgram(n_rows=6, n_inputs=5, n_hidden=4, n_outputs=2)


def test_the_largest_curvature_is_the_largest_eigenvalue_of_the_hessian():
    """The whole matrix, by finite differences of the loss written out here; the kinks are further away than the nudges."""
    x, y, params = arrays(MIDDLE)
    start = np.concatenate([params.w1.ravel(), params.w2.ravel()])

    def gradient(weights):
        w1, w2 = weights[:20].reshape(5, 4), weights[20:].reshape(4, 2)
        h = x @ w1
        residual = 2 * (np.maximum(h, 0) @ w2 - y)
        first = x.T @ (residual @ w2.T * (h > 0))
        return np.concatenate([first.ravel(), (np.maximum(h, 0).T @ residual).ravel()])

    steps = np.eye(len(start)) * 1e-5
    hessian = np.array([(gradient(start + s) - gradient(start - s)) / 2e-5 for s in steps])
    assert largest_curvature(x, y, params) == pytest.approx(
        np.linalg.eigvalsh(hessian).max(), rel=1e-2
    )


def test_where_nothing_changes_there_is_no_curvature():
    x, y, params = arrays(MIDDLE)
    assert largest_curvature(x, y, params.map(np.zeros_like)) == 0


def test_dead_units_are_below_0_for_every_row():
    params = tl.Params(np.array([[1.0, -1.0, -1.0]]), np.array([0.0, 0.0, 5.0]), np.ones((3, 1)), np.zeros(1))  # fmt: skip
    assert dead_units(np.array([[1.0], [2.0]]), params) == 1


def test_rates_below():
    assert rates_below(1e-5)[:4] == [5e-6, 2e-6, 1e-6, 5e-7]
    assert rates_below(3e-5)[:3] == [2e-5, 1e-5, 5e-6]
    assert rates_below(1e-12) == []


def test_the_rate_that_holds_was_tried_and_the_next_larger_does_not():
    x, y, params = arrays(MIDDLE)
    rate = holding_rate(x, y, params, "relu", 10.0, 100)
    losses, w1, *_ = numpy_run(x, y, params, rate, 100)
    assert losses[-1] < losses[0]
    dead = ((x @ w1) < 0).all(0).sum()
    assert dead <= ((x @ params.w1) < 0).all(0).sum()
    larger = min(one for one in rates_below(10.0) if one > rate)
    with np.errstate(all="ignore"):
        losses, w1, *_ = numpy_run(x, y, params, larger, 101)
    died = ((x @ w1) < 0).all(0).sum() > ((x @ params.w1) < 0).all(0).sum()
    assert not losses[-1] < losses[0] or died


def test_where_no_rate_helps_there_is_none():
    x, y, params = arrays(MIDDLE)
    assert holding_rate(x, y, params.map(np.zeros_like), "relu", 1e-3, 3) is None


def test_the_best_rate_ends_lowest_of_those_that_never_rose():
    x, y, params = arrays(MIDDLE)
    with np.errstate(all="ignore"):
        runs = {rate: numpy_run(x, y, params, rate, 31)[0] for rate in rates_below(1.0)}
    ends = {rate: losses[-1] for rate, losses in runs.items() if losses.max() <= losses[0]}
    assert len(ends) < len(runs)
    assert best_rate(x, y, params, "relu", 1.0, 30) == min(ends, key=ends.get)

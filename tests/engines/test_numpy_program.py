"""The NumPy engine is the well-known two-layer program: the same losses, to the last bit, on one BLAS thread."""

import numpy as np
import pytest
from ladder_programs import SETTINGS, program
from threadpoolctl import threadpool_limits

import twolayer as tl


def the_tutorials_program(x, y, w1, b1, w2, b2, rectified, learning_rate, steps):
    """The program as it stands in tutorials, with biases of shape (1, n) if there are any."""
    losses = []
    for _ in range(steps):
        # Forward pass: compute predicted y
        h = x.dot(w1) if b1 is None else x.dot(w1) + b1
        h_relu = np.maximum(h, 0) if rectified else h
        y_pred = h_relu.dot(w2) if b2 is None else h_relu.dot(w2) + b2

        # Compute and keep the loss
        losses.append(np.square(y_pred - y).sum())

        # Backprop to compute the gradients of the weights with respect to the loss
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h_relu.T.dot(grad_y_pred)
        grad_h_relu = grad_y_pred.dot(w2.T)
        grad_h = grad_h_relu.copy()
        if rectified:
            grad_h[h < 0] = 0
        grad_w1 = x.T.dot(grad_h)

        # Update the weights
        w1 -= learning_rate * grad_w1
        w2 -= learning_rate * grad_w2
        if b1 is not None:
            b1 -= learning_rate * grad_h.sum(axis=0, keepdims=True)
            b2 -= learning_rate * grad_y_pred.sum(axis=0, keepdims=True)
    return np.array(losses)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_tutorials_numbers_to_the_last_bit(name):
    x, y, params, settings = program(name)
    w1, w2 = params.w1.copy(), params.w2.copy()
    b1, b2 = (None, None) if params.b1 is None else (params.b1[None].copy(), params.b2[None].copy())
    rectified = settings.get("activation", "relu") == "relu"
    with threadpool_limits(1):
        expected = the_tutorials_program(
            x, y, w1, b1, w2, b2, rectified, settings["learning_rate"], settings["steps"]
        )
        run = tl.train(x, y, params, engine="numpy", **settings)
    np.testing.assert_array_equal(run.losses, expected)
    np.testing.assert_array_equal(run.params.w1, w1)
    np.testing.assert_array_equal(run.params.w2, w2)
    if b1 is not None:
        np.testing.assert_array_equal(run.params.b1, b1[0])
        np.testing.assert_array_equal(run.params.b2, b2[0])


# PROGRAMS.md's figures are of unseeded runs: these bounds are the ranges it gives for step 0, and orders of magnitude after
PRINTED = {
    "P1 no bias": {0: (1.5e7, 4.5e7), 499: (0, 1e-2)},
    "P2 slow": {0: (1.5e7, 4.5e7), 46: (1e6, 1e7)},
    "P3 bias": {0: (1.5e7, 4.5e7), 59: (1e2, 1e6)},
    "P4 quadrants": {0: (1e2, 1e6), 59: (1e1, 1e3)},
}


@pytest.mark.parametrize("name", PRINTED)
def test_the_losses_are_of_the_size_that_the_originals_printed(name):
    x, y, params, settings = program(name)
    losses = tl.train(x, y, params, engine="numpy", **settings).losses
    for step, (low, high) in PRINTED[name].items():
        assert low < losses[step] < high
    if name == "P2 slow":
        assert (np.diff(losses) < 0).all()  # "falls smoothly"

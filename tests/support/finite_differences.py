"""Gradients by central differences: the judge of every gradient that is worked out by hand."""

import numpy as np


def numeric_gradient(value, array, step=1e-5):
    """The derivative of the number `value(array)` by every entry, (f(w + step) - f(w - step)) / 2 step."""
    gradient = np.empty(array.shape)
    for position in np.ndindex(array.shape):
        moved = array.copy()
        moved[position] = array[position] + step
        above = value(moved)
        moved[position] = array[position] - step
        gradient[position] = (above - value(moved)) / (2 * step)
    return gradient


def numeric_gradients(value, params, step=1e-5):
    """The same for every array of a `Params`: name -> gradient."""
    arrays = {"b1": None, "b2": None, **dict(params.items())}

    def along(name):
        return numeric_gradient(
            lambda moved: value(type(params)(**{**arrays, name: moved})), arrays[name], step
        )

    return {name: along(name) for name, _ in params.items()}


def assert_close(found, expected, tolerance, what=""):
    """Every entry within `tolerance` of the largest entry expected."""
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    scale = np.abs(expected).max()
    worst = np.abs(found - expected).max()
    assert worst <= tolerance * scale, f"{what}: off by {worst:.3g}, of at most {scale:.3g}"


def check_gradients(value, gradients, params, tolerance=1e-6):
    """Assert that `gradients` (a Params) are the derivatives of `value(params)`."""
    expected = numeric_gradients(value, params)
    found = dict(gradients.items())
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        assert_close(gradient, expected[name], tolerance, f"gradient of {name}")

"""Runs for the training loop's tests."""

from numpy.testing import assert_array_equal
from slow_cases import slow

import twolayer as tl
from twolayer.engines import ENGINE_NAMES, get_engine

BY_AUTOGRAD = ("torch-autograd", "torch-function")


def numpy_train(x, y, params, **settings):
    return tl.train(
        x, y, params, engine="numpy", **{"learning_rate": 1e-3, "steps": 20, **settings}
    )


def ready(*names):
    return [name for name in names or ENGINE_NAMES if get_engine(name).missing() is None]


def ready_or_slow():
    """All engines; those that differ from "torch" in how they find a gradient only are left to `make test-all`."""
    return [*ready("numpy", "compiled", "torch", "torch-nn"), *slow(*ready(*BY_AUTOGRAD))]


def assert_same_weights(one, other):
    for (name, w), (_, v) in zip(one.items(), other.items(), strict=True):
        assert_array_equal(w, v, err_msg=name)

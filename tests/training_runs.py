"""Runs for the training loop's tests."""

from numpy.testing import assert_array_equal

import twolayer as tl
from twolayer.engines import ENGINE_NAMES, get_engine


def numpy_train(x, y, params, **settings):
    return tl.train(
        x, y, params, engine="numpy", **{"learning_rate": 1e-3, "steps": 20, **settings}
    )


def ready(*names):
    return [name for name in names or ENGINE_NAMES if get_engine(name).missing() is None]


def assert_same_weights(one, other):
    for (name, w), (_, v) in zip(one.items(), other.items(), strict=True):
        assert_array_equal(w, v, err_msg=name)

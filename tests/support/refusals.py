"""A small problem for the door's tests, and what a refusal must look like."""

import re

import numpy as np
import pytest

import twolayer as tl

X = np.array([[1.0, 2], [3, -4], [0, 5], [-6, 7]])
Y = np.array([[1.0], [0], [2], [-1]])
P = tl.init_params(2, 3, 1)
WHOLE = tl.Params(
    np.array([[1.0, -2], [3, 4]]), np.array([1.0, -1]), np.array([[1.0], [2]]), np.array([-3.0])
)


def train(x=X, y=Y, params=P, **options):
    return tl.train(
        x, y, params, **{"engine": "numpy", "steps": 2, "learning_rate": 1e-3, **options}
    )


def refused(call, *said, error=tl.InputError):
    """Assert that the call is refused in one clear sentence that says all this."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    for part in said:
        assert part in message, f"{part!r} is not said in {message!r}"
    assert_one_clear_sentence(caught.value)
    return message


def assert_one_clear_sentence(error):
    """One line, not too long, in the user's words, and with no traceback of another error above it."""
    message = str(error)
    assert "\n" not in message
    assert 15 < len(message) < 300, message
    assert not re.search(
        r"broadcast|ufunc|operand|setting an array|object has no attribute|__\w+__", message
    ), message
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    assert isinstance(
        error, ValueError
    )  # so that code which knows nothing of twolayer catches it too

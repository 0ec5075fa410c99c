"""Cases of a test that `make test` leaves to `make test-all`: those that say little beyond the others."""

import pytest


def slow(*cases):
    """The cases as parameters marked slow."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
        for case in cases
    ]

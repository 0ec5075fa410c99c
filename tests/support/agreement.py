"""When two runs of the same program, by different engines, agree."""

import numpy as np
import pytest

import twolayer as tl
from twolayer.engines import get_engine
from twolayer.maths.problem import checked_objective, checked_params, checked_problem
from twolayer.solvers.adam import Adam
from twolayer.solvers.gd import GradientDescent

# these take every dense problem of one network, on the CPU: no test may pass by skipping them
EVERYTHING = ("numpy", "torch", "torch-autograd", "torch-function", "torch-nn")


def relative(found, expected):
    """The largest difference, in terms of what was expected (of its largest entry, for an array of weights)."""
    return np.abs(found - expected) / np.abs(expected)


def assert_losses_agree(found, expected, first, rest=None):
    """Each of the first 100 losses within `first`, relatively; the others within `rest` (None: not compared)."""
    assert found.shape == expected.shape
    worst = relative(found[:100], expected[:100]).max()
    assert worst <= first, f"of the first 100 losses one is off by {worst:.3g}"
    if rest is not None and len(found) > 100:
        worst = relative(found[100:], expected[100:]).max()
        assert worst <= rest, f"of the later losses one is off by {worst:.3g}"


def assert_weights_agree(found, expected, tolerance):
    """Every weight within `tolerance` of the largest of its array."""
    assert dict(found.items()).keys() == dict(expected.items()).keys()
    for (name, w), (_, other) in zip(found.items(), expected.items(), strict=True):
        assert w.dtype == other.dtype
        assert w.shape == other.shape
        worst = np.abs(w - other).max() / max(np.abs(other).max(), np.finfo(other.dtype).tiny)
        assert worst <= tolerance, f"{name} is off by {worst:.3g}"


def solver_of(solver="gd", learning_rate=1e-6, momentum=0.0, nesterov=False, **_):
    """The solver that `train` makes of these keywords."""
    return (
        Adam(learning_rate)
        if solver == "adam"
        else GradientDescent(learning_rate, momentum, nesterov)
    )


def skip_if_it_cannot(engine, x, y, params, **settings):
    """Skip the test, with the engine's own reason, if it cannot run here or cannot train this."""
    worker = get_engine(engine)
    reason = worker.missing()
    if reason is None:
        solver = solver_of(**settings)
        objective = checked_objective(
            settings.get("loss", "sum_of_squares"),
            settings.get("activation", "relu"),
            settings.get("alpha", 0.0),
        )
        params = checked_params(params)
        problem = checked_problem(x, y, params, objective, settings.get("sample_weight"))
        reason = worker.refusal(problem, params, solver)
        assert engine not in EVERYTHING or params.n_networks is not None or reason is None, reason
    if reason is not None:
        pytest.skip(str(reason))


def run_with(engine, x, y, params, **settings):
    """The run of one engine, which must be that engine's."""
    skip_if_it_cannot(engine, x, y, params, **settings)
    run = tl.train(x, y, params, engine=engine, **settings)
    assert run.engine == engine
    return run

"""One step of each solver: against torch.optim on the same gradients, and against the formulas a number at a time."""

import math

import numpy as np
import pytest
import torch

import twolayer as tl
from twolayer.solvers.adam import Adam, ResumedAdam
from twolayer.solvers.gd import GradientDescent

RULES = {
    "gd": (GradientDescent(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (GradientDescent(0.1, 0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "nesterov": (
        GradientDescent(0.1, 0.9, True),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    ),
    "adam": (Adam(0.1), lambda p: torch.optim.Adam(p, lr=0.1)),
    "adam, other constants": (
        Adam(0.1, 0.8, 0.99, 1e-4),
        lambda p: torch.optim.Adam(p, 0.1, (0.8, 0.99), 1e-4),
    ),
}


def gradients_of(params, size):
    """Gradients that look like noise around a drift, of about that size."""
    rng = np.random.default_rng(6)
    while True:
        yield params.map(lambda w: size * (rng.standard_normal(w.shape) + 0.5))


# gradients as small as Adam's epsilon show where epsilon stands
@pytest.mark.parametrize("size", [1.0, 1e-8, 1e-4])
@pytest.mark.parametrize("rule", RULES)
def test_the_steps_are_torch_optims(rule, size):
    solver, make = RULES[rule]
    params = tl.init_params(3, 2, 2, random_state=0).map(lambda w: size * w)
    tensors = [torch.tensor(w, requires_grad=True) for _, w in params.items()]
    optimizer, memory = make(tensors), solver.start(params)
    for step, gradients in zip(range(20), gradients_of(params, size), strict=False):
        loss = solver.step(lambda _, step=step, g=gradients: (step, g), params, memory)
        assert loss == step
        for tensor, (_, gradient) in zip(tensors, gradients.items(), strict=True):
            tensor.grad = torch.tensor(gradient)
        optimizer.step()
        for tensor, (_, w) in zip(tensors, params.items(), strict=True):
            np.testing.assert_allclose(w, tensor.detach().numpy(), rtol=1e-12, atol=1e-14 * size)


def one_weight(solver, gradients):
    """The path of one weight of a network of one of everything, from 1."""
    params = tl.Params(np.array([[1.0]]), None, np.array([[1.0]]), None)
    memory, path = solver.start(params), []
    for g in gradients:
        given = tl.Params(np.array([[g]]), None, np.array([[g]]), None)
        solver.step(lambda _, given=given: (0.0, given), params, memory)
        path.append(params.w1.item())
    return path


GRADIENTS = [0.5, -1.0, 2.0]


def test_gradient_descent_by_hand():
    assert one_weight(GradientDescent(0.1), GRADIENTS) == pytest.approx([0.95, 1.05, 0.85])


def test_momentum_by_hand():
    # v: 0.5, 0.45 - 1 = -0.55, -0.495 + 2 = 1.505
    assert one_weight(GradientDescent(0.1, 0.9), GRADIENTS) == pytest.approx([0.95, 1.005, 0.8545])


def test_nesterov_by_hand():
    # moves: 0.5 + 0.9·0.5, -1 + 0.9·(-0.55), 2 + 0.9·1.505
    expected = np.cumsum([-0.095, 0.1495, -0.33545]) + 1
    assert one_weight(GradientDescent(0.1, 0.9, True), GRADIENTS) == pytest.approx(expected)


def test_adam_by_hand():
    m = v = 0.0
    w, expected = 1.0, []
    for t, g in enumerate(GRADIENTS, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.1 * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
        expected.append(w)
    assert one_weight(Adam(0.1), GRADIENTS) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_a_solver_works_on_tensors_as_on_arrays(rule):
    solver, _ = RULES[rule]
    params = tl.init_params(3, 2, 2, random_state=0)
    tensors = params.map(torch.tensor)
    memory, other = solver.start(params), solver.start(tensors)
    for _, gradients in zip(range(5), gradients_of(params, 1.0), strict=False):
        solver.step(lambda _, g=gradients: (0.0, g), params, memory)
        solver.step(lambda _, g=gradients: (0.0, g.map(torch.tensor)), tensors, other)
    for (_, w), (_, tensor) in zip(params.items(), tensors.items(), strict=True):
        np.testing.assert_allclose(w, tensor.numpy(), rtol=1e-14)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_weights_move_in_place_and_keep_their_dtype(rule, dtype):
    solver, _ = RULES[rule]
    params = tl.init_params(3, 2, 2, random_state=0, dtype=dtype)
    before, arrays = params.copy(), [w for _, w in params.items()]
    gradients = params.map(np.ones_like)
    solver.step(lambda _: (0.0, gradients), params, solver.start(params))
    for (_, w), array, (_, old) in zip(params.items(), arrays, before.items(), strict=True):
        assert w is array
        assert w.dtype == dtype
        assert (w < old).all()
    assert all((g == 1).all() for _, g in gradients.items())


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_resumed_training_goes_on_with_the_memory_of_the_one_before(engine):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 4)), rng.standard_normal((30, 2))
    start = tl.init_params(4, 5, 2)
    settings = {"engine": engine, "loss": "squared_error", "alpha": 0.1}
    whole = tl.train(x, y, start, solver=Adam(0.01), steps=9, **settings)
    solver = ResumedAdam(0.01)
    first = tl.train(x, y, start, solver=solver, steps=4, **settings)
    then = tl.train(x, y, first.params, solver=solver, steps=5, **settings)
    assert solver.memory["steps"] == 9
    np.testing.assert_array_equal(np.append(first.losses, then.losses), whole.losses)
    np.testing.assert_array_equal(then.params.w1, whole.params.w1)

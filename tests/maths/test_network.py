"""The network: forward against plain loops, gradients against central differences and torch, starts against their moments."""

import math
from statistics import NormalDist

import independent_torch
import numpy as np
import pytest
from finite_differences import assert_close, check_gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from small_problems import COMBINATIONS, LOSSES_AND_OUTPUTS, name_of, nearest_kink, small_problem

import twolayer as tl
from twolayer.maths import network
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.problem import checked_objective, checked_problem

each_combination = pytest.mark.parametrize("combination", COMBINATIONS, ids=name_of)


def options_of(combination, s):
    return {**{k: combination[k] for k in ("loss", "activation", "alpha")}, "sample_weight": s}


@each_combination
def test_gradients_are_central_differences(combination):
    x, y, params, s = small_problem(**combination)
    assert nearest_kink(x, params) > 1e-3
    options = options_of(combination, s)
    value, gradients = tl.loss_and_gradients(x, y, params, **options)
    objective = checked_objective(*(combination[k] for k in ("loss", "activation", "alpha")))
    problem = checked_problem(x, y, params, objective, s)
    penalty = objective.penalty(problem.total, problem.total)

    def value_at(moved):  # the checks at the door would take most of the time
        return network.loss_and_gradients(
            problem.x, problem.y, moved, objective, problem.s, problem.total, penalty
        )[0]

    assert value_at(params) == value
    check_gradients(value_at, gradients, params)


@each_combination
def test_loss_and_gradients_are_torchs(combination):
    x, y, params, s = small_problem(**combination)
    value, gradients = tl.loss_and_gradients(x, y, params, **options_of(combination, s))
    expected, expected_gradients = independent_torch.objective_and_gradients(
        x, y, params, combination["loss"], combination["activation"], combination["alpha"], s
    )
    assert value == pytest.approx(expected, rel=1e-13)
    assert dict(gradients.items()).keys() == expected_gradients.keys()
    for name, gradient in gradients.items():
        assert_close(gradient, expected_gradients[name], 1e-12, name)


@pytest.mark.slow
@each_combination
def test_gradients_by_hand_are_the_autograd_engines(combination):
    x, y, params, s = small_problem(**combination)
    options = options_of(combination, s)
    value, gradients = tl.loss_and_gradients(x, y, params, **options)
    other, other_gradients = tl.loss_and_gradients(x, y, params, engine="torch-autograd", **options)
    assert value == pytest.approx(other, rel=1e-13)
    for (name, gradient), (_, expected) in zip(
        gradients.items(), other_gradients.items(), strict=True
    ):
        assert_close(gradient, expected, 1e-12, name)


def forward_by_loops(x, p, activation):
    """One number at a time, as the sums in a textbook stand."""
    function = {"relu": lambda v: max(v, 0.0), "identity": lambda v: v, "tanh": math.tanh,
                "logistic": lambda v: 1 / (1 + math.exp(-v)),
                "leaky_relu": lambda v: v if v > 0 else v / 100,
                "softplus": lambda v: math.log(1 + math.exp(v)),
                "gelu": lambda v: v * NormalDist().cdf(v)}[activation]  # fmt: skip
    y_pred = np.zeros((x.shape[0], p.w2.shape[1]))
    for n in range(x.shape[0]):
        hidden = []
        for j in range(p.w1.shape[1]):
            h = sum(x[n, i] * p.w1[i, j] for i in range(x.shape[1]))
            hidden.append(function(h + (0 if p.b1 is None else p.b1[j])))
        for k in range(p.w2.shape[1]):
            y_pred[n, k] = sum(hidden[j] * p.w2[j, k] for j in range(len(hidden)))
            y_pred[n, k] += 0 if p.b2 is None else p.b2[k]
            if p.w_skip is not None:
                y_pred[n, k] += sum(x[n, i] * p.w_skip[i, k] for i in range(x.shape[1]))
    return y_pred


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("skip", [False, True])
def test_forward_is_the_textbooks_sums(activation, bias, skip):
    x, _, params, _ = small_problem(bias=bias, skip=skip)
    y_pred = tl.forward(x, params, activation)
    np.testing.assert_allclose(y_pred, forward_by_loops(x, params, activation), rtol=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    n_rows=st.integers(1, 6), n_inputs=st.integers(1, 6), n_hidden=st.integers(1, 6), n_outputs=st.integers(1, 4),
    bias=st.booleans(), skip=st.booleans(), activation=st.sampled_from(list(ACTIVATIONS)), seed=st.integers(0, 9),
)  # fmt: skip
def test_forward_and_gradients_at_any_size(
    n_rows, n_inputs, n_hidden, n_outputs, bias, skip, activation, seed
):
    x, y, params, _ = small_problem(
        n_rows=n_rows,
        n_inputs=n_inputs,
        n_hidden=n_hidden,
        n_outputs=n_outputs,
        bias=bias,
        skip=skip,
        seed=seed,
    )
    y_pred = tl.forward(x, params, activation)
    np.testing.assert_allclose(
        y_pred, forward_by_loops(x, params, activation), rtol=1e-10, atol=1e-12
    )
    value, gradients = tl.loss_and_gradients(x, y, params, activation=activation)
    assert value == pytest.approx(((y_pred - y) ** 2).sum(), rel=1e-12)
    assert {n: g.shape for n, g in gradients.items()} == {n: w.shape for n, w in params.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_of_the_parameters_is_the_dtype_of_everything(dtype):
    x, y, params, s = small_problem(dtype=dtype, skip=True, weights=True)
    assert tl.forward(x.astype("float64"), params).dtype == dtype
    _, gradients = tl.loss_and_gradients(
        x, y, params, alpha=0.1, sample_weight=s, loss="squared_error"
    )
    assert {g.dtype.name for _, g in gradients.items()} == {dtype}


@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
@pytest.mark.parametrize("weights", [False, True])
def test_many_networks_at_once_are_one_at_a_time(loss, n_outputs, weights):
    x, y, many, s = small_problem(
        loss=loss, n_outputs=n_outputs, skip=True, weights=weights, n_networks=3
    )
    options = {"loss": loss, "alpha": 0.3, "sample_weight": s, "activation": "tanh"}
    values, gradients = tl.loss_and_gradients(x, y, many, **options)
    y_pred = tl.forward(x, many, "tanh")
    assert values.shape == (3,)
    assert y_pred.shape == (3, *y.shape)
    for k in range(3):
        one = many.map(lambda w, k=k: w[k])
        value, expected = tl.loss_and_gradients(x, y, one, **options)
        assert values[k] == pytest.approx(value, rel=1e-14)
        np.testing.assert_allclose(y_pred[k], tl.forward(x, one, "tanh"), rtol=1e-13, atol=1e-14)
        for (name, gradient), (_, alone) in zip(gradients.items(), expected.items(), strict=True):
            assert_close(gradient[k], alone, 1e-13, name)


def test_weight_decay_leaves_biases_free():
    x, y, params, _ = small_problem(skip=True)
    plain, without = tl.loss_and_gradients(x, y, params)
    decayed, with_it = tl.loss_and_gradients(x, y, params, alpha=2.0)
    norms = sum(float((w**2).sum()) for w in (params.w1, params.w2, params.w_skip))
    assert decayed - plain == pytest.approx(norms, rel=1e-12)  # ½·2·‖w‖²
    for name, gradient in with_it.items():
        pull = 0 if name.startswith("b") else 2 * getattr(params, name)
        np.testing.assert_allclose(gradient, getattr(without, name) + pull, rtol=1e-12)


@pytest.mark.parametrize("front", [(), (2,)])
def test_biases_with_the_tutorials_shape_are_taken(front):
    rng = np.random.default_rng(0)
    w1, w2 = rng.standard_normal((*front, 3, 4)), rng.standard_normal((*front, 4, 2))
    b1, b2 = rng.standard_normal((*front, 1, 4)), rng.standard_normal((*front, 1, 2))
    params = tl.Params(w1, b1, w2, b2)
    assert params.b1.shape == (*front, 4)
    assert params.b2.shape == (*front, 2)
    x, y = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    expected = np.maximum(x @ w1 + b1, 0) @ w2 + b2
    np.testing.assert_allclose(tl.forward(x, params), expected, rtol=1e-13)
    flat = tl.Params(w1, b1.reshape(*front, 4), w2, b2.reshape(*front, 2))
    for (_, one), (_, other) in zip(
        tl.train(x, y, params, steps=3).params.items(),
        tl.train(x, y, flat, steps=3).params.items(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_one_hidden_unit_with_a_row_shaped_bias():
    """(1, 1) is both a row of one bias and a matrix: it is taken as the bias."""
    params = tl.Params(np.ones((2, 1)), np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1)))
    assert params.b1.shape == params.b2.shape == (1,)
    np.testing.assert_array_equal(tl.forward([[1, 2]], params), [[5.0]])


def test_params_of_lists():
    params = tl.Params([[1, -1]], [0, 0.5], [[1], [10]], [2])
    np.testing.assert_array_equal(tl.forward([[2], [-3]], params), [[4.0], [37.0]])
    assert "n_hidden=2" in repr(params)
    with pytest.raises(tl.InputError, match="rows of w1 are not all of the same length"):
        tl.Params([[1, 2], [3]], None, [[1]], None)


def test_params_copy_is_independent_and_repr_says_the_sizes():
    params = tl.init_params(3, 4, 2, skip=True, n_networks=5, dtype="float32")
    other = params.copy()
    other.w1[:] = 7
    assert not (params.w1 == 7).any()
    assert repr(params) == (
        "Params(n_networks=5, n_inputs=3, n_hidden=4, n_outputs=2, bias=True, skip=True, dtype=float32)"
    )
    assert (params.n_networks, params.n_inputs, params.n_hidden, params.n_outputs) == (5, 3, 4, 2)
    assert [name for name, _ in params.items()] == ["w1", "b1", "w2", "b2", "w_skip"]
    assert [name for name, _ in tl.init_params(3, 4, 2, bias=False).items()] == ["w1", "w2"]


def moments(array):
    """Mean, variance and kurtosis: 3 for the normal distribution, 1.8 for the uniform."""
    centred = array - array.mean()
    return array.mean(), array.var(), (centred**4).mean() / array.var() ** 2


@pytest.mark.parametrize(
    ("scheme", "variance", "kurtosis", "bias"),
    [
        ("normal", lambda rows, columns: 1.0, 3.0, 1.0),
        ("he", lambda rows, columns: 2 / rows, 3.0, 0.0),
        ("glorot", lambda rows, columns: 2 / (rows + columns), 1.8, 0.0),  # (2·limit)² / 12
    ],
)
def test_starts_have_the_moments_of_their_papers(scheme, variance, kurtosis, bias):
    params = tl.init_params(400, 300, 200, skip=True, scheme=scheme, random_state=5)
    for w in (params.w1, params.w2):
        expected = variance(*w.shape)
        mean, var, kurt = moments(w)
        # five standard errors of the mean, of the variance (at most), and of the kurtosis (sqrt(24 / n))
        assert abs(mean) < 5 * math.sqrt(expected / w.size)
        assert abs(var / expected - 1) < 5 * math.sqrt(2 / w.size)
        assert abs(kurt - kurtosis) < 5 * math.sqrt(24 / w.size)
        if scheme == "glorot":
            limit = math.sqrt(6 / sum(w.shape))
            assert 0.999 * limit < np.abs(w).max() <= limit
    for b in (params.b1, params.b2):
        assert abs(b.var() - bias) <= 5 * bias * math.sqrt(2 / b.size)
    assert params.w_skip.any() == (scheme == "normal")


def test_the_two_layers_are_drawn_independently():
    params = tl.init_params(50, 50, 50, random_state=0, n_networks=2)
    for one, other in ((params.w1, params.w2), (params.w1[:1], params.w1[1:])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("scheme", network.INIT_SCHEMES)
def test_the_same_seed_gives_the_same_weights(scheme):
    one = tl.init_params(5, 4, 3, scheme=scheme, random_state=7)
    bare = tl.init_params(5, 4, 3, bias=False, scheme=scheme, random_state=7)
    narrow = tl.init_params(5, 4, 3, scheme=scheme, random_state=7, dtype="float32")
    other = tl.init_params(5, 4, 3, scheme=scheme, random_state=8)
    for name in ("w1", "w2"):
        np.testing.assert_array_equal(getattr(one, name), getattr(bare, name))
        np.testing.assert_array_equal(getattr(one, name).astype("float32"), getattr(narrow, name))
        assert not np.array_equal(getattr(one, name), getattr(other, name))
    assert bare.b1 is bare.b2 is None


def test_the_normal_start_is_the_generators_own_numbers():
    """As in the tutorial: w1, then w2, drawn one after another."""
    rng = np.random.default_rng(3)
    params = tl.init_params(6, 5, 4, random_state=3)
    np.testing.assert_array_equal(params.w1, rng.standard_normal((6, 5)))
    np.testing.assert_array_equal(params.w2, rng.standard_normal((5, 4)))


def test_without_a_seed_every_start_differs():
    assert not np.array_equal(
        tl.init_params(3, 3, 3, random_state=None).w1, tl.init_params(3, 3, 3, random_state=None).w1
    )

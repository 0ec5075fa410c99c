"""The training loop: what it gives, when it stops, and that looking at it changes nothing."""

import numpy as np
import pytest
import torch
from independent_torch import leaves, objective
from numpy.testing import assert_array_equal
from sklearn.neural_network import MLPRegressor
from slow_cases import slow
from small_problems import LOSSES_AND_OUTPUTS, small_problem
from training_runs import assert_same_weights, numpy_train, ready

import twolayer as tl
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.maths.problem import checked_objective, checked_problem
from twolayer.training.batches import Batches

# What a run gives


@pytest.mark.parametrize("engine", ready())
def test_losses_stand_before_each_update_and_the_final_loss_after_the_last(engine):
    x, y, params, _ = small_problem()
    run = tl.train(x, y, params, engine=engine, steps=5, learning_rate=1e-3)
    assert run.losses.shape == (5,)
    assert run.losses.dtype == "float64"
    assert run.losses[0] == pytest.approx(tl.loss_and_gradients(x, y, params)[0], rel=1e-12)
    assert isinstance(run.final_loss, float)
    assert run.final_loss == pytest.approx(tl.loss_and_gradients(x, y, run.params)[0], rel=1e-12)
    longer = tl.train(x, y, params, engine=engine, steps=6, learning_rate=1e-3)
    assert longer.losses[5] == pytest.approx(run.final_loss, rel=1e-12)


def test_a_run_says_what_it_did():
    x, y, params, _ = small_problem()
    run = numpy_train(
        x, y, params, alpha=0.5, batch_size=2, activation="tanh", loss="squared_error", momentum=0.3
    )
    assert (run.engine, run.device, run.span, run.stopped) == (
        "numpy",
        "cpu",
        False,
        "all steps taken",
    )
    assert "numpy" in run.why
    assert run.seconds > 0
    assert run.settings["loss"] == "squared_error"
    assert run.settings["activation"] == "tanh"
    assert {k: run.settings[k] for k in ("alpha", "batch_size", "momentum", "steps", "learning_rate")} == {
        "alpha": 0.5, "batch_size": 2, "momentum": 0.3, "steps": 20, "learning_rate": 1e-3,
    }  # fmt: skip


@pytest.mark.parametrize("engine", ready())
@pytest.mark.parametrize("n_networks", [None, 1, 3])
@pytest.mark.parametrize("steps", [0, 1, 4])
def test_the_shapes_of_the_losses(engine, n_networks, steps):
    if engine == "torch-nn" and n_networks:
        pytest.skip("engine 'torch-nn' trains one network at a time")
    x, y, params, _ = small_problem(n_networks=n_networks)
    run = tl.train(x, y, params, engine=engine, steps=steps, learning_rate=1e-3)
    assert run.losses.shape == ((steps,) if n_networks is None else (steps, n_networks))
    assert np.shape(run.final_loss) == (() if n_networks is None else (n_networks,))
    if steps == 0:
        assert_same_weights(run.params, params)


@pytest.mark.parametrize("engine", ready())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arguments_are_never_changed(engine, dtype):
    x, y, params, s = small_problem(weights=True, skip=True, dtype=dtype)
    given = [x, y, s, *(w for _, w in params.items())]
    before = [array.copy() for array in given]
    for array in given:
        array.flags.writeable = False
    for settings in ({}, {"momentum": 0.9, "alpha": 0.1}, {"solver": "adam", "batch_size": 2}):
        run = tl.train(
            x, y, params, sample_weight=s, engine=engine, steps=3, learning_rate=1e-2, **settings
        )
        for name, w in run.params.items():
            assert not np.array_equal(w, getattr(params, name))
            assert w.flags.writeable
            assert not any(np.shares_memory(w, array) for array in given)
    for array, old in zip(given, before, strict=True):
        assert_array_equal(array, old)


def test_whole_numbers_are_taken_as_float64():
    rng = np.random.default_rng(0)
    x, y = rng.integers(-3, 4, (6, 3)), rng.integers(0, 2, (6, 2))
    whole = tl.Params(rng.integers(-2, 3, (3, 4)), None, rng.integers(-2, 3, (4, 2)), None)
    run = numpy_train(x, y, whole)
    assert run.params.w1.dtype == "float64"
    expected = numpy_train(x.astype(float), y.astype(float), whole.map(lambda w: w.astype(float)))
    assert_array_equal(run.losses, expected.losses)
    assert_array_equal(numpy_train(x.tolist(), y.tolist(), whole).losses, expected.losses)
    assert_array_equal(
        numpy_train(x > 0, y > 0, whole).losses, numpy_train((x > 0) * 1.0, y, whole).losses
    )


def test_one_column_of_y_may_be_flat():
    x, y, params, _ = small_problem(n_outputs=1)
    assert_array_equal(numpy_train(x, y[:, 0], params).losses, numpy_train(x, y, params).losses)


def test_class_numbers_are_one_hot_rows():
    x, y, params, _ = small_problem("log_loss", 3)
    expected = numpy_train(x, y, params, loss="log_loss").losses
    for labels in (
        y.argmax(1),
        y.argmax(1)[:, None],
        y.argmax(1).astype("float32"),
        y.argmax(1).tolist(),
    ):
        assert_array_equal(numpy_train(x, labels, params, loss="log_loss").losses, expected)


# The solvers, against torch.optim's own loop

OPTIMISERS = {
    "gd": ({}, torch.optim.SGD, {}),
    "momentum": ({"momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (
        {"momentum": 0.9, "nesterov": True},
        torch.optim.SGD,
        {"momentum": 0.9, "nesterov": True},
    ),
    "adam": ({"solver": "adam"}, torch.optim.Adam, {}),
}


def torchs_own_losses(x, y, params, s, loss, settings, make, options, decay):
    """The usual torch program: torch's modules' functions, autograd, and an optimiser with weight decay on the weights."""
    tensors = leaves(params)
    weights = [t for name, t in tensors.items() if name.startswith("w")]
    biases = [t for name, t in tensors.items() if name.startswith("b")]
    optimizer = make(
        [{"params": weights, "weight_decay": decay}, {"params": biases}],
        lr=settings["learning_rate"],
        **options,
    )
    given = torch.tensor(x), torch.tensor(y), tensors, loss, "tanh"
    losses = []
    for _ in range(settings["steps"]):
        losses.append(objective(*given, settings["alpha"], torch.tensor(s)).item())
        optimizer.zero_grad()
        objective(*given, 0.0, torch.tensor(s)).backward()
        optimizer.step()
    return losses, tensors


@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
@pytest.mark.parametrize("alpha", [0.8, *slow(0.0)])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_training_is_torch_optims(name, alpha, loss, n_outputs):
    """With weight decay alpha for a loss that is a sum, alpha / S for a mean."""
    ours, make, options = OPTIMISERS[name]
    x, y, params, s = small_problem(loss, n_outputs, skip=True, weights=True)
    settings = {"learning_rate": 3e-3, "steps": 30, "alpha": alpha}
    decay = alpha if loss == "sum_of_squares" else alpha / s.sum()
    expected, tensors = torchs_own_losses(x, y, params, s, loss, settings, make, options, decay)
    run = numpy_train(
        x, y, params, loss=loss, activation="tanh", sample_weight=s, **settings, **ours
    )
    np.testing.assert_allclose(run.losses, expected, rtol=1e-11)
    for name, w in run.params.items():
        np.testing.assert_allclose(w, tensors[name].detach().numpy(), rtol=1e-9, atol=1e-12)


def scikit_learns_step(x, y, alpha, hidden, learning_rate):
    """Weights before, objective, and weights after one full-batch step of MLPRegressor."""
    model = MLPRegressor(
        hidden_layer_sizes=(hidden,), activation="tanh", solver="sgd", alpha=alpha, batch_size=len(x), learning_rate_init=learning_rate,
        momentum=0.0, random_state=0,
    )  # fmt: skip
    model.partial_fit(x, y)
    before = [
        w.copy()
        for w in (model.coefs_[0], model.intercepts_[0], model.coefs_[1], model.intercepts_[1])
    ]
    model.partial_fit(x, y)
    after = [model.coefs_[0], model.intercepts_[0], model.coefs_[1], model.intercepts_[1]]
    return before, model.loss_curve_[-1], after


@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_alpha_means_what_it_means_in_scikit_learn(alpha):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((9, 3)), rng.standard_normal(9)
    before, loss, after = scikit_learns_step(x, y, alpha, hidden=4, learning_rate=0.1)
    run = numpy_train(
        x,
        y,
        tl.Params(*before),
        loss="squared_error",
        activation="tanh",
        alpha=alpha,
        learning_rate=0.1,
        steps=1,
    )
    assert run.losses[0] == pytest.approx(loss, rel=1e-12)
    for (_, w), expected in zip(run.params.items(), after, strict=True):
        np.testing.assert_allclose(w, expected, rtol=1e-10)


@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
def test_a_batch_has_the_same_objective_on_average_as_all_rows(loss, n_outputs):
    """A pass without a move: the batches' losses, weighted as the loss weighs rows, add up to that of all rows."""
    x, y, params, s = small_problem(loss, n_outputs, weights=True, n_rows=11)
    settings = {"loss": loss, "alpha": 2.0, "sample_weight": s, "learning_rate": 1e-300}
    everything = numpy_train(x, y, params, steps=0, **settings).final_loss
    run = numpy_train(x, y, params, steps=4, batch_size=3, random_state=0, **settings)
    if loss == "sum_of_squares":
        assert run.losses.sum() == pytest.approx(everything, rel=1e-12)
        return
    order = np.random.default_rng(0).permutation(11)
    shares = [s[order[k : k + 3]].sum() / s.sum() for k in range(0, 11, 3)]
    assert run.losses @ shares == pytest.approx(everything, rel=1e-12)


def test_every_loss_and_activation_is_named_where_users_look():
    for name in (*LOSSES, *ACTIVATIONS):
        assert f'"{name}"' in tl.train.__doc__, name


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ("huber", "huber(delta=1)"),
        (tl.Huber(2.5), "huber(delta=2.5)"),
        (tl.Quantile(0.9), "quantile(level=0.9)"),
        ("poisson", "poisson"),
    ],
    ids=str,
)
def test_a_run_says_its_loss_with_its_number(loss, said):
    x, y, params, _ = small_problem("poisson")
    assert tl.train(x, y, params, loss=loss, steps=1).settings["loss"] == said


# Row weights


@pytest.mark.parametrize("engine", ready("numpy", "compiled", "torch-nn"))
@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
def test_a_row_of_weight_2_is_two_rows_and_of_weight_0_none(engine, loss, n_outputs):
    x, y, params, _ = small_problem(loss, n_outputs)
    s = np.array([2, 1, 0, 1, 0, 2, 1])
    again = np.repeat(np.arange(7), s)
    settings = {"loss": loss, "alpha": 0.5, "engine": engine, "steps": 20, "learning_rate": 1e-3}
    run = tl.train(x, y, params, sample_weight=s, **settings)
    expected = tl.train(x[again], y[again], params, **settings)
    np.testing.assert_allclose(run.losses, expected.losses, rtol=1e-11)
    np.testing.assert_allclose(run.params.w1, expected.params.w1, rtol=1e-10)
    assert run.final_loss == pytest.approx(expected.final_loss, rel=1e-11)


@pytest.mark.parametrize("engine", ready())
@pytest.mark.parametrize("loss", ["sum_of_squares", "squared_error"])
def test_a_batch_of_rows_of_no_weight_moves_nothing_but_what_decays(engine, loss):
    """With a sum over rows, a batch takes its share of the decay, so one without weight takes none; with a mean, all."""
    x, y, params, _ = small_problem(loss)
    s = np.array([0.0, 0, 0, 0, 1, 1, 1])
    order = np.random.default_rng(3).permutation(7)
    settings = {
        "loss": loss,
        "sample_weight": s,
        "batch_size": 1,
        "random_state": 3,
        "engine": engine,
    }
    run = tl.train(x, y, params, steps=7, learning_rate=1e-300, **settings)
    assert_array_equal(run.losses == 0, s[order] == 0)
    decayed = tl.train(x, y, params, steps=7, learning_rate=1e-300, alpha=2.0, **settings)
    norm = (params.w1**2).sum() + (params.w2**2).sum()
    share = s[order] / 3 if loss == "sum_of_squares" else np.full(7, 1 / 3)
    np.testing.assert_allclose(decayed.losses - run.losses, norm * share, rtol=1e-10, atol=1e-12)


# Mini-batches


def batches_of(n_rows, batch_size, chunks, random_state=0, s=None):
    """The rows of each batch, taken in chunks of these sizes."""
    x, y = np.zeros((n_rows, 1)), np.zeros((n_rows, 1))
    params = tl.init_params(1, 1, 1)
    problem = checked_problem(x, y, params, checked_objective("squared_error", "relu", 0.0), s)
    batches = Batches(problem, batch_size, random_state)
    return [batch for steps in chunks for batch in batches.next_plan(steps)]


def test_a_pass_takes_each_row_once_in_a_new_order():
    batches = batches_of(10, 4, [9])
    assert [len(batch.rows) for batch in batches] == [4, 4, 2] * 3
    assert [batch.total for batch in batches] == [4, 4, 2] * 3
    passes = [np.concatenate([b.rows for b in batches[k : k + 3]]) for k in (0, 3, 6)]
    for rows in passes:
        assert_array_equal(np.sort(rows), np.arange(10))
    assert len({tuple(rows) for rows in passes}) == 3
    for chunks in ([1] * 9, [2, 3, 4], [4, 5]):
        again = batches_of(10, 4, chunks)
        assert_array_equal(np.concatenate([b.rows for b in again]), np.concatenate(passes))


def test_the_total_weight_of_a_batch_is_that_of_its_rows():
    s = np.arange(1.0, 11)
    for batch in batches_of(10, 4, [6], s=s):
        assert batch.total == s[batch.rows].sum()


@pytest.mark.parametrize("engine", ready())
def test_each_row_gives_its_own_loss_once_a_pass(engine):
    """With no move to speak of, the losses of a pass over single rows are the rows' own, each once."""
    x, y, params, _ = small_problem()
    own = np.sort(((tl.forward(x, params) - y) ** 2).sum(1))
    run = tl.train(
        x, y, params, engine=engine, batch_size=1, steps=14, learning_rate=1e-300, random_state=1
    )
    for losses in (run.losses[:7], run.losses[7:]):
        np.testing.assert_allclose(np.sort(losses), own, rtol=1e-12)
    assert not np.array_equal(run.losses[:7], run.losses[7:])


def test_the_seed_decides_the_order():
    x, y, params, _ = small_problem()
    settings = {"batch_size": 2, "steps": 8}
    one = numpy_train(x, y, params, random_state=1, **settings).losses
    assert_array_equal(numpy_train(x, y, params, random_state=1, **settings).losses, one)
    assert_array_equal(
        numpy_train(x, y, params, random_state=np.random.default_rng(1), **settings).losses, one
    )
    assert not np.array_equal(numpy_train(x, y, params, random_state=2, **settings).losses, one)
    assert not np.array_equal(
        numpy_train(x, y, params, **settings).losses, numpy_train(x, y, params, **settings).losses
    )


@pytest.mark.parametrize("batch_size", [7, 8, 10**9])
def test_a_batch_of_all_rows_is_no_batch(batch_size):
    x, y, params, _ = small_problem()
    run = numpy_train(x, y, params, batch_size=batch_size)
    assert_array_equal(run.losses, numpy_train(x, y, params).losses)

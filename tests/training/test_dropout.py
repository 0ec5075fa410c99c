"""Dropout: masks that follow from the seed and the step, the same in every engine, and none at prediction."""

import numpy as np
import pytest

import twolayer as tl
from twolayer.engines.contract import DropoutMasks
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Objective, loss_and_gradients
from twolayer.maths.problem import activation_object, checked_objective, checked_problem
from twolayer.training.batches import Batches

ENGINES = ("numpy", "torch", "torch-autograd", "torch-function", "torch-nn")


def table(n_rows=40, n_inputs=6):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_rows, n_inputs))
    return x, np.sin(x[:, :2]) + 0.1 * rng.standard_normal((n_rows, 2))


SETTINGS = {"loss": "squared_error", "learning_rate": 0.05, "alpha": 0.3, "random_state": 5}


@pytest.mark.parametrize("dropout", [0.1, 0.5, 0.8])
def test_masks_leave_out_their_share_and_keep_the_mean(dropout):
    masks = DropoutMasks(dropout, 300, 40, 2, np.dtype("float64"), 1)
    drawn = np.stack([masks.mask(step, 300) for step in range(10)])
    left_out = drawn == 0
    error = np.sqrt(dropout * (1 - dropout) / drawn.size)  # of a share, one standard deviation
    assert abs(left_out.mean() - dropout) < 4 * error
    np.testing.assert_allclose(drawn[~left_out], 1 / (1 - dropout), rtol=1e-15)
    assert abs(drawn.mean() - 1) < 4 * error / (1 - dropout)
    for axis in range(4):  # steps, networks, rows and units each have their own
        assert (np.diff(left_out, axis=axis)).mean() == pytest.approx(
            2 * dropout * (1 - dropout), abs=10 * error
        )


@pytest.mark.parametrize("solver", ["gd", "adam"])
@pytest.mark.parametrize("batch_size", [None, 16])
def test_engines_agree(solver, batch_size):
    x, y = table()
    params = tl.init_params(6, 10, 2, scheme="he", skip=True, random_state=1)
    runs = [
        tl.train(
            x, y, params, dropout=0.4, solver=solver, batch_size=batch_size, steps=80,
            engine=engine, **SETTINGS,
        )
        for engine in ENGINES
    ]  # fmt: skip
    for run in runs[1:]:
        np.testing.assert_allclose(run.losses, runs[0].losses, rtol=1e-10)
        np.testing.assert_allclose(run.final_loss, runs[0].final_loss, rtol=1e-10)
    np.testing.assert_array_equal(runs[0].losses, tl.train(
        x, y, params, dropout=0.4, solver=solver, batch_size=batch_size, steps=80, **SETTINGS
    ).losses)  # fmt: skip


@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
def test_gradients_under_a_mask_are_central_differences(activation):
    x, y = table(n_rows=7)
    params = tl.init_params(6, 4, 2, skip=True, random_state=2)
    mask = DropoutMasks(0.5, 7, 4, None, np.dtype("float64"), 3).mask(0, 7)
    assert 0 < (mask == 0).mean() < 1
    rule = activation_object(activation)

    def value_and_gradients(at):
        objective = Objective(LOSSES["squared_error"], rule)
        return loss_and_gradients(x, y, at, objective, None, 7.0, 0.0, mask=mask)

    _, gradients = value_and_gradients(params)
    for name, gradient in gradients.items():
        for place in np.ndindex(gradient.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = params.copy()
                getattr(moved, name)[place] += step
                ends.append(value_and_gradients(moved)[0])
            np.testing.assert_allclose(
                gradient[place], (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-9
            )


def test_the_mean_gradient_over_many_masks_of_a_linear_network_is_the_plain_one_of_w2s_output():
    """E[mask] = 1, so on average the thinned output of every row is the whole network's."""
    x, _ = table()
    params = tl.init_params(6, 8, 2, random_state=4)
    masks = DropoutMasks(0.3, 40, 8, None, np.dtype("float64"), 6)
    h_relu = np.maximum(x @ params.w1 + params.b1, 0)
    thinned = [(h_relu * masks.mask(step, 40)) @ params.w2 + params.b2 for step in range(4000)]
    error = np.std(thinned, axis=0) / np.sqrt(4000)
    distance = np.abs(np.mean(thinned, axis=0) - tl.forward(x, params))
    assert (distance <= 5 * error + 1e-12).all()


def test_the_last_loss_and_predictions_take_all_units():
    x, y = table()
    params = tl.init_params(6, 10, 2, random_state=1)
    run = tl.train(x, y, params, dropout=0.5, steps=50, **SETTINGS)
    whole, _ = tl.loss_and_gradients(x, y, run.params, loss="squared_error", alpha=0.3)
    np.testing.assert_allclose(run.final_loss, whole, rtol=1e-12)
    first, _ = tl.loss_and_gradients(x, y, params, loss="squared_error", alpha=0.3)
    assert abs(run.losses[0] - first) > 1e-3 * first  # that one is of a thinned network


@pytest.mark.parametrize("every", [1, 7])
def test_the_size_of_the_chunks_changes_no_number(every):
    x, y = table()
    params = tl.init_params(6, 10, 2, random_state=1)
    settings = {**SETTINGS, "dropout": 0.5, "steps": 60, "batch_size": 9}
    chunks = tl.train(
        x, y, params, callback=lambda progress: None, callback_every=every, **settings
    )
    np.testing.assert_array_equal(chunks.losses, tl.train(x, y, params, **settings).losses)


def test_stopping_inside_a_chunk_goes_back_to_the_same_masks():
    x, y = table()
    params = tl.init_params(6, 10, 2, random_state=1)
    settings = {**SETTINGS, "dropout": 0.2, "tol": 0.02, "steps": 3000}
    whole = tl.train(x, y, params, **settings)
    assert whole.stopped == "tol reached"
    steps = len(whole.losses)
    exact = tl.train(x, y, params, **{**settings, "tol": 0.0, "steps": steps})
    np.testing.assert_array_equal(exact.params.w1, whole.params.w1)


def test_the_seed_decides_and_no_dropout_draws_nothing():
    x, y = table()
    params = tl.init_params(6, 10, 2, random_state=1)
    settings = {**SETTINGS, "steps": 20, "batch_size": 9}

    def losses(**other):
        return tl.train(x, y, params, **{**settings, **other}).losses

    np.testing.assert_array_equal(losses(dropout=0.5), losses(dropout=0.5))
    assert (losses(dropout=0.5) != losses(dropout=0.5, random_state=6)).any()
    problem = checked_problem(x, y, params, checked_objective("squared_error", "relu", 0.3))
    batches = Batches(problem, 9, 5, params)
    assert batches.masks is None
    order = np.random.default_rng(5).permutation(40)
    np.testing.assert_array_equal(batches.next_plan(5).order, order)


def test_many_networks_have_masks_of_their_own():
    x, y = table()
    one = tl.init_params(6, 10, 2, random_state=1)
    both = tl.Params.stack([one, one])
    run = tl.train(x, y, both, dropout=0.5, steps=20, **SETTINGS)
    assert (run.losses[:, 0] != run.losses[:, 1]).all()
    torch = tl.train(x, y, both, dropout=0.5, steps=20, engine="torch", **SETTINGS)
    np.testing.assert_allclose(torch.losses, run.losses, rtol=1e-10)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_span_is_exact_with_it(momentum):
    """Hidden units are left out, not inputs: the gradient of w1 is still a sum of rows."""
    x, y = table(n_rows=12, n_inputs=200)
    params = tl.init_params(200, 10, 2, scheme="he", random_state=1)
    settings = {
        **SETTINGS, "learning_rate": 1e-3, "dropout": 0.5, "momentum": momentum, "steps": 200,
        "batch_size": 5,
    }  # fmt: skip
    short = tl.train(x, y, params, span=True, **settings)
    long = tl.train(x, y, params, span=False, **settings)
    assert short.span
    np.testing.assert_allclose(short.losses, long.losses, rtol=1e-9)
    np.testing.assert_allclose(short.params.w1, long.params.w1, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "lbfgs"}, "'lbfgs' compares the losses.* use solver='gd' or 'adam'"),
        ({"dropout": 1.0}, "from 0 to below 1, such as 0.2; got 1"),
        ({"dropout": -0.1}, "dropout must be a finite number, at least 0"),
        ({"dropout": "half"}, "dropout must be"),
        ({"engine": "compiled"}, "'compiled' has no dropout.* use engine='numpy'"),
    ],
)
def test_what_cannot_be(settings, message):
    x, y = table()
    with pytest.raises(tl.TwoLayerError, match=message):
        tl.train(x, y, tl.init_params(6, 3, 2), **{"dropout": 0.5, **settings})


def test_auto_takes_an_engine_that_can():
    x, y = table()
    run = tl.train(x, y, tl.init_params(6, 3, 2, random_state=0), dropout=0.5, **SETTINGS)
    assert run.engine == "numpy"
    assert "engine 'compiled' has no dropout" in run.why
    assert run.settings["dropout"] == 0.5

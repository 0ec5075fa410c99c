"""Alpha and the views of the columns, chosen together on rows left out."""

import numpy as np
import pytest

import twolayer as tl
from twolayer.estimators.selection import alpha_choice
from twolayer.estimators.selection.left_out_rows import LARGEST_MATRIX, closed_form_refusal


def far_values(n=120):
    """One column in ten has values of a million in a few rows: standardised, it says nothing."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 4))
    y = 3 * x[:, 0] + 0.2 * rng.standard_normal(n)
    x[:3, 0] += 1e6
    return x, y


def test_the_view_that_is_clearly_better_is_taken_alone():
    x, y = far_values()
    settings = {"n_hidden": 10, "n_networks": 2, "random_state": 0}
    model = tl.TwoLayerRegressor(scaling="auto", **settings).fit(x, y)
    assert model.input_clip_.networks.all()
    rng = np.random.default_rng(1)
    x_new = rng.standard_normal((200, 4))
    assert model.score(x_new, 3 * x_new[:, 0]) > 0.9


def test_without_a_clear_difference_both_views_stay():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 3))
    y = np.abs(x[:, 0]) + 0.3 * rng.standard_normal(80)
    model = tl.TwoLayerRegressor(10, n_networks=2, scaling="auto", random_state=0).fit(x, y)
    assert model.input_clip_.networks.tolist() == [False, True]


@pytest.mark.parametrize(
    ("settings", "way"),
    [
        ({}, "5 folds left out in closed form"),
        ({"loss": "absolute_error"}, "5 folds, each trained without"),
        ({"alpha": 1.0}, None),
    ],
)
def test_the_model_says_how_rows_were_left_out(settings, way, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 100))  # wide: near a minimum at every alpha, however rounding goes
    y = x[:, :5].sum(axis=1) + 0.5 * rng.standard_normal(40)
    settings = {"n_networks": 1, "scaling": "standard", "random_state": 0} | settings
    model = tl.TwoLayerRegressor(5, **settings).fit(x, y)
    assert model.alpha_search_ == way
    tl.save(model, tmp_path / "m.safetensors")
    assert tl.load(tmp_path / "m.safetensors").alpha_search_ == way


def test_a_matrix_that_is_too_large_is_left_to_folds():
    x = np.random.default_rng(0).standard_normal((LARGEST_MATRIX + 1, 30))
    y = x[:, 0]
    for n_hidden, fits in ((5, True), (30, False)):  # 155 and 930 weights, beside 701 rows
        model = tl.TwoLayerRegressor(n_hidden, alpha=1.0, n_networks=1, max_iter=500).fit(x, y)
        refusal = closed_form_refusal(model._task(x.shape), *x.shape)
        assert (refusal is None) == fits


def test_a_view_no_better_than_by_chance_is_not_taken_alone():
    rows = alpha_choice.LeftOutAverage.__new__(alpha_choice.LeftOutAverage)
    other = alpha_choice.LeftOutAverage.__new__(alpha_choice.LeftOutAverage)

    class Rows:
        def row_losses(self, outputs):
            return outputs

    rng = np.random.default_rng(0)
    for one, losses in ((rows, rng.uniform(size=50)), (other, rng.uniform(size=50) - 0.01)):
        one.rows, one.averaged, one.losses = Rows(), [losses], [losses.mean()]
    assert rows.unless_better([other]) is rows
    other.averaged, other.losses = [rows.outputs - 0.01], [0.0]
    assert rows.unless_better([other]) is other


@pytest.mark.parametrize(
    ("losses", "chosen"), [([0.5, 0.2005, 0.2], 1), ([0.5, 0.202, 0.2], 2), ([-0.1, -0.7, -0.6], 1)]
)
def test_of_alphas_as_good_as_the_best_the_strongest_is_taken(losses, chosen):
    average = alpha_choice.LeftOutAverage.__new__(alpha_choice.LeftOutAverage)
    average.losses = losses
    assert average.best == chosen

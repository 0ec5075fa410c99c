"""Several numbers of hidden units: `fit` takes the one that does best on the rows left out."""

import numpy as np
import pytest

import twolayer as tl
from twolayer.errors import InputError, TwoLayerWarning
from twolayer.estimators.selection.alpha_choice import AlphaChoice
from twolayer.estimators.selection.width_choice import choose_width

SETTINGS = {"n_networks": 1, "random_state": 0}


def wave(n_rows=80):
    """One column and a curve with a bend to each side, which a single unit cannot follow."""
    x = np.linspace(-1, 1, n_rows)[:, None]
    return x, np.sin(4 * x[:, 0]) + 0.2 * np.random.default_rng(0).standard_normal(n_rows)


@pytest.mark.parametrize(
    ("losses", "chosen"),
    [
        ({2: [0.5, 0.4], 5: [0.3, 0.2], 9: [0.6, 0.3]}, 5),
        ({2: [0.5, 0.2004], 5: [0.3, 0.2], 9: [0.6, 0.3]}, 2),
        ({2: [0.5, 0.2020], 5: [0.3, 0.2], 9: [0.1999]}, 5),
        ({2: [-1.0], 5: [-2.0], 9: [-2.001]}, 5),
        ({2: [], 5: [], 9: []}, 9),
    ],
    ids=["least", "as good", "not as good", "below zero", "too few rows"],
)
def test_the_number_of_the_least_loss_is_taken_and_of_those_as_good_the_fewest(losses, chosen):
    found = {n: AlphaChoice(1.0, np.ones(len(own)), np.array(own)) for n, own in losses.items()}
    told = []
    n_hidden, choice = choose_width(
        [2, 5, 9], lambda n, closed: found[n], lambda n, one: told.append((n, one))
    )
    assert n_hidden == chosen
    assert choice is found[chosen]
    assert told == list(found.items())


def test_losses_in_closed_form_are_not_compared_with_others():
    asked = []

    def search(n_hidden, closed_form):
        asked.append((n_hidden, closed_form))
        holds = closed_form and n_hidden < 9
        way = "5 folds left out in closed form" if holds else "5 folds, each trained without"
        losses = {2: [0.4, 0.9], 5: [0.5, 0.7], 9: [None, 0.8]}[n_hidden]
        return AlphaChoice(1.0, np.ones(1), np.array([losses[not holds]]), way=way)

    assert choose_width([2, 5, 9], search, lambda n, one: None)[0] == 5
    assert asked == [(2, True), (5, True), (9, True), (2, False), (5, False)]


def test_a_curve_that_one_unit_cannot_follow_takes_many():
    x, y = wave()
    model = tl.TwoLayerRegressor([1, 40], **SETTINGS).fit(x, y)
    assert model.n_hidden_ == model.w1_.shape[-1] == 40
    few = tl.TwoLayerRegressor(1, **SETTINGS).fit(x, y)
    assert model.score(x, y) > few.score(x, y) + 0.1


def test_classes_apart_take_few_units_of_those_as_good():
    x = np.linspace(-1, 1, 60)[:, None]
    y = np.where(x[:, 0] > 0, "high", "low")
    model = tl.TwoLayerClassifier([20, 4], alpha=30.0, **SETTINGS).fit(x, y)
    assert model.n_hidden_ == 4  # so strong a decay leaves both the same function
    assert model.alpha_ == 30


def test_with_alpha_given_the_number_alone_is_chosen():
    x, y = wave()
    model = tl.TwoLayerRegressor([1, 40], alpha=0.01, **SETTINGS).fit(x, y)
    assert model.n_hidden_ == 40
    assert model.alphas_tried_[:, 0].tolist() == [0.01]
    assert model.alpha_ == 0.01


def test_one_number_in_a_list_is_that_number():
    x, y = wave(40)
    several = tl.TwoLayerRegressor([7], random_state=0).fit(x, y)
    one = tl.TwoLayerRegressor(7, random_state=0).fit(x, y)
    assert np.array_equal(several.w1_, one.w1_)


def test_what_was_tried_is_printed(capsys):
    x, y = wave(40)
    tl.TwoLayerRegressor([2, 9], verbose=1, **SETTINGS).fit(x, y)
    printed = capsys.readouterr().out
    assert printed.index("2 hidden units:") < printed.index("9 hidden units:")
    assert printed.count("<- chosen") == 2


def test_all_that_follows_a_fit_knows_the_number(tmp_path):
    x, y = wave(60)
    settings = {"alpha": 1.0, "random_state": 0}
    model = tl.TwoLayerRegressor([1, 30], **settings).fit(x, y)
    n_hidden = model.n_hidden_
    assert n_hidden == 30
    left_out = model.left_out_predict(x, y)
    one = tl.TwoLayerRegressor(30, **settings).fit(x, y)
    assert np.abs(left_out - one.left_out_predict(x, y)).max() < 0.1 * y.std()
    path = tmp_path / "model.safetensors"
    tl.save(model, path)
    loaded = tl.load(path)
    assert loaded.n_hidden_ == 30
    assert loaded.n_hidden == [1, 30]
    assert np.array_equal(loaded.predict(x), model.predict(x))
    before = model.w1_.copy()
    model.partial_fit(x, y)
    assert model.w1_.shape == before.shape
    assert not np.array_equal(model.w1_, before)
    model.set_params(warm_start=True).fit(x, y)
    assert model.n_hidden_ == 30


def test_rows_trained_without_have_the_chosen_number():
    x, y = wave(40)
    model = tl.TwoLayerRegressor([1, 30], alpha=0.01, loss="absolute_error", **SETTINGS)
    model.fit(x, y)
    with pytest.warns(TwoLayerWarning, match="4 times networks are trained without some rows"):
        found = model.left_out_predict(x, y, cv=4)
    one = tl.TwoLayerRegressor(30, alpha=0.01, loss="absolute_error", **SETTINGS).fit(x, y)
    with pytest.warns(TwoLayerWarning, match="4 times"):
        assert np.array_equal(found, one.left_out_predict(x, y, cv=4))


def test_a_range_of_numbers_is_saved(tmp_path):
    x, y = wave(30)
    tl.save(tl.TwoLayerRegressor(range(2, 4), **SETTINGS).fit(x, y), tmp_path / "m.safetensors")
    assert tl.load(tmp_path / "m.safetensors").n_hidden == [2, 3]


def test_a_warm_start_with_another_list_is_refused():
    x, y = wave(40)
    model = tl.TwoLayerRegressor([1, 30], warm_start=True, **SETTINGS).fit(x, y)
    model.set_params(n_hidden=[5, 6])
    with pytest.raises(InputError, match="warm_start goes on with the same network"):
        model.fit(x, y)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "n_hidden is empty"),
        ({3, 9}, "or a list of several; got {3, 9}"),
        ({3: 1}, "or a list of several"),
        (iter([3, 9]), "or a list of several"),
        ([3, 0], "each of n_hidden must be a whole number, at least 1"),
        ("many", "n_hidden must be a whole number"),
    ],
)
def test_bad_numbers_are_refused(given, message):
    x, y = wave(20)
    with pytest.raises(InputError, match=message):
        tl.TwoLayerRegressor(given).fit(x, y)


def test_the_first_pass_of_a_stream_cannot_choose():
    x, y = wave(20)
    with pytest.raises(InputError, match="Call fit first"):
        tl.TwoLayerRegressor([1, 30]).partial_fit(x, y)


def test_preflight_counts_each_number():
    x, y = wave()
    one = tl.TwoLayerRegressor(40).preflight(x, y)
    several = tl.TwoLayerRegressor([38, 39, 40]).preflight(x, y)
    assert several.n_hidden == 40
    assert several.seconds > one.seconds

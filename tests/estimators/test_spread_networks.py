"""Networks for the spread: targets that scatter more for some rows than for others."""

import pickle

import numpy as np
import pytest
import safetensors.numpy
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import twolayer as tl
from twolayer.errors import FileError, InputError, TwoLayerWarning
from twolayer.estimators.uncertainty.spread_networks import is_clear, row_blocks
from twolayer.saving import model_file

SETTINGS = {"n_hidden": 10, "alpha": 1.0, "engine": "numpy", "random_state": 0}


def noise(x):
    return 0.1 + x[:, 0]


def fan(n=300, seed=0):
    """A line, around which targets scatter by 0.1 on the left and by 1.1 on the right."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.uniform(0, 1, n), rng.standard_normal(n)])
    return x, 2 * x[:, 0] + noise(x) * rng.standard_normal(n)


def even(n=300, seed=0):
    x, _ = fan(n, seed)
    return x, 2 * x[:, 0] + 0.5 * np.random.default_rng(seed + 100).standard_normal(n)


def nll(model, x, y):
    mean, std = model.predict(x, return_std=True)
    return np.mean(0.5 * np.log(2 * np.pi * std**2) + 0.5 * ((y - mean) / std) ** 2)


@pytest.fixture(scope="module")
def model():
    return tl.TwoLayerRegressor(**SETTINGS).fit(*fan())


@pytest.fixture(scope="module")
def plain():
    return tl.TwoLayerRegressor(**SETTINGS, spread=False).fit(*fan())


ENDS = np.array([[0.1, 0.0], [0.5, 0.0], [0.9, 0.0]])


@pytest.mark.parametrize("spread", ["auto", True])
def test_the_standard_deviation_is_that_of_the_row(spread):
    fitted = tl.TwoLayerRegressor(**SETTINGS, spread=spread).fit(*fan())
    std = fitted.predict(ENDS, return_std=True)[1]
    assert np.allclose(std, noise(ENDS), rtol=0.4)
    assert std[2] > 2.5 * std[0]


def test_without_it_it_is_nearly_constant_and_predictions_are_the_same(model, plain):
    std = plain.predict(ENDS, return_std=True)[1]
    assert std.max() < 1.1 * std.min()
    assert plain.spread_.networks is None
    assert np.array_equal(model.predict(fan()[0]), plain.predict(fan()[0]))
    assert np.array_equal(model.noise_std_, plain.noise_std_)


def test_new_rows_are_more_likely_and_intervals_hold_their_share_in_every_part(model, plain):
    x, y = fan(4000, seed=1)
    assert nll(model, x, y) < nll(plain, x, y) - 0.1
    for part in (x[:, 0] < 0.3, x[:, 0] > 0.7):
        low, high = model.predict_interval(x[part], level=0.9)
        assert 0.82 < np.mean((low <= y[part]) & (y[part] <= high)) < 0.97
        low, high = plain.predict_interval(x[part], level=0.9)
        assert not 0.85 < np.mean((low <= y[part]) & (y[part] <= high)) < 0.95


@pytest.mark.parametrize("seed", range(4))
def test_where_all_rows_scatter_alike_there_is_none(seed):
    assert tl.TwoLayerRegressor(**SETTINGS).fit(*even(seed=seed)).spread_.networks is None


def test_it_is_taken_all_the_same_if_asked_for():
    x, y = even()
    fitted = tl.TwoLayerRegressor(**SETTINGS, spread=True).fit(x, y)
    assert fitted.spread_.networks is not None
    std = fitted.predict(x, return_std=True)[1]
    assert np.allclose(std, 0.5, rtol=0.35)


def test_it_multiplies_the_variance_by_what_the_networks_say(model, plain):
    x, networks = fan()[0], model.spread_.networks
    outputs = [
        tl.forward(columns, networks.networks[name], activation="tanh")
        for name, columns in zip(
            ("standard", "smooth_clip"), (x, model.input_clip_.columns(x)), strict=True
        )
    ]
    z = np.clip(np.mean(outputs, axis=0), networks.low, networks.high)
    factor = networks.scale**2 * (0.9 * np.exp(2 * z) + 0.1)
    before, after = (each.predict(x, return_std=True)[1] ** 2 for each in (plain, model))
    assert np.allclose(after, before * factor[:, 0], rtol=1e-12)


def test_a_far_row_is_no_wider_or_narrower_than_those_of_training(model, plain):
    """Beyond the rows of training the factor ends; the width of what is open grows as before."""
    far = np.array([[-40.0, 0], [40.0, 0], [1e6, -1e6]])
    ratio = model.predict(far, return_std=True)[1] / plain.predict(far, return_std=True)[1]
    at_rows = (
        model.predict(fan()[0], return_std=True)[1] / plain.predict(fan()[0], return_std=True)[1]
    )
    assert (ratio >= at_rows.min() * 0.99).all()
    assert (ratio <= at_rows.max() * 1.01).all()


def test_several_targets_have_their_own():
    x, y = fan()
    rng = np.random.default_rng(5)
    left = x[:, 0] + (1.1 - x[:, 0]) * rng.standard_normal(len(x))
    fitted = tl.TwoLayerRegressor(**SETTINGS).fit(x, np.column_stack([y, 1000 * left]))
    std = fitted.predict(ENDS, return_std=True)[1]
    assert std[2, 0] > 2 * std[0, 0]
    assert std[0, 1] > 2 * std[2, 1]
    assert 300 < std[1, 1] < 1000


def test_a_row_of_weight_2_is_two_rows():
    x, y = fan()
    s = np.where(np.arange(len(y)) % 3, 1.0, 2.0)
    again = np.repeat(np.arange(len(y)), s.astype(int))
    a = tl.TwoLayerRegressor(**SETTINGS).fit(x, y, s)
    b = tl.TwoLayerRegressor(**SETTINGS).fit(x[again], y[again])
    assert a.spread_.networks is not None
    assert np.allclose(
        a.predict(ENDS, return_std=True), b.predict(ENDS, return_std=True), rtol=1e-6
    )


def test_the_scale_of_the_target_does_not_matter(model):
    x, y = fan()
    # other fingerprints put the rows in another order
    large = tl.TwoLayerRegressor(**SETTINGS).fit(x, 1e6 * y + 7e6)
    expected = 1e6 * model.predict(ENDS, return_std=True)[1]
    assert np.allclose(large.predict(ENDS, return_std=True)[1], expected, rtol=0.15)


def test_rows_of_one_group_are_one_witness():
    """Ten rows of each group share their noise: 30 groups say less than 300 rows."""
    gain = np.repeat(np.random.default_rng(0).standard_normal(30) + 0.3, 10)
    groups = np.repeat(np.arange(30), 10)
    assert is_clear(gain, None, None)
    assert not is_clear(gain, None, groups)
    blocks = row_blocks(300, groups, np.random.default_rng(0))
    assert sorted(len(rows) for rows in blocks) == [10] * 30
    assert tl.TwoLayerRegressor(**SETTINGS).fit(*even(), groups=groups).spread_.networks is None


def test_a_gain_is_clear_above_two_standard_errors():
    gain = np.random.default_rng(0).standard_normal(100)
    error = gain.std(ddof=1) / 10
    assert is_clear(gain - gain.mean() + 2.01 * error, None, None)
    assert not is_clear(gain - gain.mean() + 1.99 * error, None, None)
    assert not is_clear(np.ones(1), None, None)


def test_blocks_hold_each_row_once():
    for n in (3, 40, 1234):
        blocks = row_blocks(n, None, np.random.default_rng(0))
        assert np.array_equal(np.sort(np.concatenate(blocks)), np.arange(n))
        assert max(map(len, blocks)) <= 100


def test_a_wide_table_has_it_too():
    rng = np.random.default_rng(0)
    factor = rng.uniform(0, 1, 150)
    x = np.outer(factor, rng.uniform(1, 2, 300)) + 0.05 * rng.standard_normal((150, 300))
    y = factor + (0.05 + factor) * rng.standard_normal(150)
    settings = {**SETTINGS, "alpha": 30.0}
    fitted = tl.TwoLayerRegressor(**settings, spread=True).fit(x, y)
    std = fitted.predict(x, return_std=True)[1]
    assert std[factor > 0.8].mean() > 1.5 * std[factor < 0.2].mean()


# ---- where rows are not left out in closed form


def test_rows_left_out_to_choose_alpha_tell_it():
    x, y = fan()
    fitted = tl.TwoLayerRegressor(10, solver="adam", max_iter=50, random_state=0, n_networks=1).fit(
        x, y
    )
    assert fitted.spread_.views == {}
    std = fitted.predict(ENDS, return_std=True)[1]
    assert std[2] > 2 * std[0]


def test_with_alpha_given_they_are_left_out_for_it_if_asked_for():
    x, y = fan()
    settings = {**SETTINGS, "solver": "adam", "max_iter": 50}
    assert tl.TwoLayerRegressor(**settings).fit(x, y).spread_ is None
    std = tl.TwoLayerRegressor(**settings, spread=True).fit(x, y).predict(ENDS, return_std=True)[1]
    assert std[2] > 2 * std[0]


def test_the_search_by_cross_validation_has_it(tmp_path):
    x, y = fan()
    settings = {"alphas": [1.0], "n_networks": 2, "engine": "numpy", "random_state": 0}
    fitted = tl.TwoLayerRegressorCV(10, **settings).fit(x, y)
    plain = tl.TwoLayerRegressorCV(10, **settings, spread=False).fit(x, y)
    assert np.array_equal(fitted.predict(x), plain.predict(x))
    assert plain.spread_ is None
    std = fitted.predict(ENDS, return_std=True)[1]
    assert np.allclose(std, noise(ENDS), rtol=0.4)
    tl.save(fitted, tmp_path / "m.safetensors")
    same_widths(tl.load(tmp_path / "m.safetensors"), fitted, x)


def test_repeated_folds_leave_out_all_copies_of_a_row():
    from sklearn.model_selection import RepeatedKFold

    x, y = even(100)
    settings = {"alphas": [1.0], "n_networks": 1, "engine": "numpy", "random_state": 0}
    cv = RepeatedKFold(n_splits=3, n_repeats=4, random_state=0)
    assert tl.TwoLayerRegressorCV(10, **settings, cv=cv).fit(x, y).spread_ is None


# ---- kept


def same_widths(a, b, x):
    assert np.array_equal(a.predict(x, return_std=True)[1], b.predict(x, return_std=True)[1])
    assert np.array_equal(a.predict_interval(x), b.predict_interval(x))


def test_it_is_kept_by_files_pickles_clones_and_fitted_state(tmp_path, model):
    x = fan()[0]
    tl.save(model, tmp_path / "m.safetensors")
    back = tl.load(tmp_path / "m.safetensors")
    same_widths(back, model, x)
    assert set(back.spread_.networks.networks) == {"standard", "smooth_clip"}
    same_widths(pickle.loads(pickle.dumps(model)), model, x)
    assert clone(model.set_params(spread=True)).spread is True
    again = tl.TwoLayerRegressor(**SETTINGS).set_fitted_state(
        model.set_params(spread="auto").get_fitted_state()
    )
    same_widths(again, model, x)


def test_a_pipeline_keeps_it(tmp_path):
    x, y = fan()
    pipeline = make_pipeline(StandardScaler(), tl.TwoLayerRegressor(**SETTINGS)).fit(100 * x, y)
    tl.save(pipeline, tmp_path / "m.safetensors")
    back = tl.load(tmp_path / "m.safetensors")
    expected = pipeline.predict(100 * x, return_std=True)[1]
    assert expected.max() > 2 * expected.min()
    assert np.allclose(back.predict(100 * x, return_std=True)[1], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update({"scale": -a["scale"]}), "the scale of its networks for the spread"),
        (lambda a: a.update({"low": a["high"] + 1}), "the range or the scale"),
        (lambda a: a.update({"high": a["high"] + 1e9}), "the range or the scale"),
        (lambda a: a.update({"standard.w1": a["standard.w1"][1:]}), "'spread.networks.standard.w1' is missing, or not"),
        (lambda a: a.update({"smooth_clip.b1": a["smooth_clip.b1"] * np.nan}), "'spread.networks.smooth_clip.b1' holds"),
        (lambda a: a.pop("low"), "'spread.networks.low' is missing"),
        (lambda a: a.pop("scale"), "of its spread are unknown"),
    ],
)  # fmt: skip
def test_a_damaged_file(tmp_path, model, change, message):
    path, prefix = tmp_path / "m.safetensors", "spread.networks."
    path.write_bytes(model_file.model_bytes(model))
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    arrays = safetensors.numpy.load(path.read_bytes())
    own = {n.removeprefix(prefix): arrays.pop(n) for n in [*arrays] if n.startswith(prefix)}
    change(own)
    arrays |= {prefix + name: array for name, array in own.items()}
    path.write_bytes(safetensors.numpy.save(arrays, metadata))
    with pytest.raises(FileError, match=message):
        tl.load(path)


# ---- refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"spread": True, "loss": "poisson"}, "spread=True is not for loss 'poisson': the variance of a count is its mean"),
        ({"spread": True, "loss": "quantile"}, "spread=True is not for loss 'quantile.*': a quantile is not in the middle"),
        ({"spread": "yes"}, "spread must be True, False or 'auto'; got 'yes'"),
        ({"spread": None}, "spread must be True, False or 'auto'; got None"),
        ({"loss": "gaussian_nll"}, "loss 'gaussian_nll' is for the squares of residuals.*with spread=True"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [tl.TwoLayerRegressor, tl.TwoLayerRegressorCV])
def test_what_cannot_be_is_said(kind, settings, message):
    x, y = fan(30)
    with pytest.raises(InputError, match=message):
        kind(5, engine="numpy", **settings).fit(x, np.abs(y))


@pytest.mark.parametrize("loss", ["poisson", "quantile"])
def test_by_itself_it_leaves_such_losses_alone(loss):
    x, y = fan(30)
    settings = {**SETTINGS, "loss": loss, "max_iter": 5}
    with pytest.warns(ConvergenceWarning):
        assert tl.TwoLayerRegressor(**settings).fit(x, np.abs(y)).spread_ is None


def test_partial_fit_leaves_no_rows_out(model):
    x, y = fan(30)
    unfitted = tl.TwoLayerRegressor(5, spread=True)
    with pytest.raises(AttributeError) as error:
        _ = unfitted.partial_fit
    assert "spread=True needs rows left out of training" in str(error.value.__cause__)
    gone_on = pickle.loads(pickle.dumps(model)).partial_fit(x, y)
    assert gone_on.spread_ is None


def test_too_few_rows_are_said():
    x, y = fan(4)
    with pytest.warns(TwoLayerWarning, match="too few rows left out of training to learn a spread"):
        tl.TwoLayerRegressor(**SETTINGS, spread=True).fit(x, y)


def test_targets_without_any_noise_are_no_trouble():
    x, _ = fan(60)
    for y in (np.ones(60), x[:, 0]):
        fitted = tl.TwoLayerRegressor(**SETTINGS, spread=True).fit(x, y)
        assert np.isfinite(fitted.predict(x, return_std=True)[1]).all()

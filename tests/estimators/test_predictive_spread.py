"""The standard deviation of predictions, and their intervals: wider where the rows of training say little."""

import pickle

import numpy as np
import pytest
import safetensors.numpy
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import twolayer as tl
from twolayer.errors import FileError, InputError, TwoLayerWarning
from twolayer.estimators.uncertainty.predictive_spread import PredictiveSpread, sorted_residuals
from twolayer.saving import model_file

SETTINGS = {"n_hidden": 10, "alpha": 0.1, "random_state": 0}


def gap(n=60, seed=0):
    """Rows on both sides of a gap from −0.7 to 0.7; the noise is 0.1."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.uniform(-2, -0.7, n // 2), rng.uniform(0.7, 2, n - n // 2)])[:, None]
    return x, np.abs(x[:, 0]) + 0.1 * rng.standard_normal(n)


def plane(n=60, seed=0, n_inputs=2):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, n_inputs)) * [[3.0, 0.2, 1.0][:n_inputs]] + 5
    return x, 7 * (x[:, 0] - 5) + 2 * rng.standard_normal(n) + 100


@pytest.fixture(scope="module")
def model():
    return tl.TwoLayerRegressor(**SETTINGS).fit(*plane())


@pytest.mark.parametrize("scaling", ["auto", "standard"])
def test_it_grows_in_a_gap_and_without_bound_outside(scaling):
    fitted = tl.TwoLayerRegressor(alpha=0.1, scaling=scaling, random_state=0).fit(*gap())
    on_rows = fitted.predict(gap()[0], return_std=True)[1]
    assert 0.08 < np.median(on_rows) < 0.15
    between = fitted.predict(np.linspace(-0.3, 0.3, 7)[:, None], return_std=True)[1]
    assert between.min() > 1.5 * np.median(on_rows)
    away = fitted.predict(np.array([[2.0], [6.0], [60.0], [600.0], [6000.0]]), return_std=True)[1]
    assert (away[1:] > [2 * away[0], *(5 * away[1:-1])]).all()


def test_one_network_tells_it_too():
    fitted = tl.TwoLayerRegressor(n_networks=1, alpha=0.1, random_state=0).fit(*gap())
    std = fitted.predict(np.array([[1.0], [40.0], [400.0]]), return_std=True)[1]
    assert std[1] > 10 * std[0]
    assert std[2] > 5 * std[1]


def test_the_variance_is_that_of_the_linear_view():
    """Derivatives by finite differences of standardised weights; b1 is held, and b2 has no penalty."""
    x, y = plane(40)
    one = tl.TwoLayerRegressor(
        4, activation="tanh", alpha=0.5, n_networks=1, tol=1e-6, random_state=0
    ).fit(x, y)
    spread, params = one.spread_, one.params_
    scale, unit = x.std(axis=0)[:, None], y.std()
    center = x.mean(axis=0)

    def outputs(rows, w1, w2, b2):  # of standardised weights
        b1 = params.b1 + center @ params.w1
        return np.tanh((rows - center) / scale[:, 0] @ w1 + b1) @ w2 + b2

    start = [params.w1 * scale, params.w2 / unit, np.zeros(1)]

    def derivatives(rows):
        columns = []
        for k, w in enumerate(start):
            for place in np.ndindex(w.shape):
                ends = []
                for step in (1e-5, -1e-5):
                    moved = [one.copy() for one in start]
                    moved[k][place] += step
                    ends.append(outputs(rows, *moved)[:, 0])
                columns.append((ends[0] - ends[1]) / 2e-5)
        return np.column_stack(columns)

    j = derivatives(x)
    penalty = np.diag([*np.full(j.shape[1] - 1, 0.5), 0])
    x_new = np.array([[5.0, 5.0], [9.0, 5.5], [30.0, 5.0]])
    j_new = derivatives(x_new)
    v = np.einsum("ij,jk,ik->i", j_new, np.linalg.inv(j.T @ j + penalty), j_new)
    expected = spread.noise**2 + spread.factor**2 * spread.level * v
    assert np.allclose(one.predict(x_new, return_std=True)[1] ** 2, expected, rtol=0.02)


def collinear(n_inputs=300):
    """300 columns of 4 factors, as spectra are: 60 rows of training, and 500 others."""
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((560, 4))
    x = factors @ rng.standard_normal((4, n_inputs)) + 0.05 * rng.standard_normal((560, n_inputs))
    y = factors[:, 0] + np.sin(factors[:, 1]) + 0.3 * rng.standard_normal(560)
    return x[:60], y[:60], x[60:], y[60:]


@pytest.mark.parametrize("alpha", ["auto", 10.0, 0.3])
@pytest.mark.filterwarnings("ignore:training took all of max_iter")
def test_a_wide_table_has_the_noise_of_new_rows(alpha):
    """With weak decay each row has a leverage near 1, and the linear view would say three times the error."""
    x, y, x_new, y_new = collinear()
    fitted = tl.TwoLayerRegressor(alpha=alpha, random_state=0).fit(x, y)
    error = np.sqrt(np.mean((fitted.predict(x_new) - y_new) ** 2))
    assert 0.65 < fitted.noise_std_[0] / error < 1.5
    std = fitted.predict(x_new, return_std=True)[1]
    assert 0.65 < np.sqrt(np.mean(std**2)) / error < 1.5
    with pytest.warns(TwoLayerWarning, match="the width of the intervals hardly differs"):
        low, high = fitted.predict_interval(x_new, level=0.9)
    assert 0.8 < np.mean((low <= y_new) & (y_new <= high)) < 0.99
    if alpha == 10.0:
        assert fitted.spread_.views == {}


def test_rows_of_one_group_are_left_out_together():
    """Five rows of nearly the same inputs and the same offset: another of them tells the offset, another group does not."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(15), 5)
    x = rng.standard_normal((15, 2))[groups] + 1e-3 * rng.standard_normal((75, 2))
    y = rng.standard_normal(15)[groups] + 0.01 * rng.standard_normal(75)
    settings = {**SETTINGS, "alpha": 1.0}
    alone = tl.TwoLayerRegressor(**settings).fit(x, y)
    together = tl.TwoLayerRegressor(**settings).fit(x, y, groups=groups)
    assert alone.spread_ is not None
    assert together.spread_ is not None
    assert together.noise_std_[0] > 1.2 * alone.noise_std_[0]


def test_several_targets_have_widths_in_their_own_units():
    x, y = plane()
    both = np.column_stack([y, 1000 * y])
    fitted = tl.TwoLayerRegressor(**{**SETTINGS, "alpha": 1.0}).fit(x, both)
    std = fitted.predict(2 * x, return_std=True)[1]
    assert fitted.spread_.residuals.shape == (60, 2)
    assert np.allclose(std[:, 1] / std[:, 0], 1000, rtol=0.3)
    low, high = fitted.predict_interval(x)
    assert low.shape == high.shape == (60, 2)


# ---- intervals


def test_how_many_standard_deviations_hold_a_share():
    """Of 9 left-out residuals the 9th holds 90% of (9 + 1); the 8th holds 80%."""
    none = np.ones(1)
    spread = PredictiveSpread(none, none, none, np.arange(1.0, 10)[:, None], {})
    assert [spread.quantile(level)[0] for level in (0.9, 0.8, 0.75, 0.1)] == [9, 8, 8, 1]
    assert spread.highest_level == 0.9


def test_residuals_in_order():
    residuals = np.array([[3.0, 0.1], [1.0, 0.3], [2.0, 0.2]])
    assert sorted_residuals(residuals, None).tolist() == [[1, 0.1], [2, 0.2], [3, 0.3]]
    assert sorted_residuals(residuals, np.array([1.0, 4.0, 1.0]))[:, 0].tolist() == [1, 1, 3]
    many = sorted_residuals(np.random.default_rng(0).permutation(10000)[:, None] / 10000, None)
    assert len(many) == 2000
    assert np.abs(many[:, 0] - np.linspace(0, 1, 2000)).max() < 0.001


def test_intervals_follow_the_residuals_and_not_a_normal_distribution():
    """Of noise that is 0 for most rows and large for few, half of the targets lie very near."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 1))
    y = x[:, 0] + np.where(rng.random(200) < 0.1, 5 * rng.standard_normal(200), 0)
    fitted = tl.TwoLayerRegressor(**{**SETTINGS, "alpha": 10.0}).fit(x, y)
    low, high = fitted.predict_interval(x, level=0.5)
    std = fitted.predict(x, return_std=True)[1]
    assert np.median(high - low) < 0.5 * 2 * 0.6745 * np.median(std)


def test_more_is_asked_for_than_the_rows_tell(model):
    x = plane()[0]
    with pytest.warns(
        TwoLayerWarning, match=r"60 rows of training tell intervals up to .* 0.984: for 0.999"
    ):
        low, high = model.predict_interval(x, level=0.999)
    std = model.predict(x, return_std=True)[1]
    assert (high - low >= 2 * 3.29 * std).all()


# ---- when there is none


@pytest.mark.parametrize(
    "settings",
    [
        {"max_iter": 3},
        {"solver": "adam", "max_iter": 5},
        {"loss": "absolute_error", "max_iter": 50},
        {"early_stopping": True},
        {"callback": lambda progress: True},
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_where_rows_are_not_left_out_in_closed_form_there_is_none(settings):
    fitted = tl.TwoLayerRegressor(**SETTINGS, **settings).fit(*plane())
    assert fitted.spread_ is None
    assert fitted.predict(plane()[0], return_std=True)[1].shape == (60,)


def test_networks_that_repeat_their_rows_tell_nothing_of_rows_left_out():
    rng = np.random.default_rng(0)
    fitted = tl.TwoLayerRegressor(alpha=0.3, max_iter=20000, random_state=0).fit(
        rng.standard_normal((15, 3)), rng.standard_normal(15)
    )
    assert fitted.spread_ is None


def test_other_weights_have_no_spread(model):
    x, y = plane()
    state = model.get_fitted_state()
    again = tl.TwoLayerRegressor(**SETTINGS).set_fitted_state(dict(reversed(state.items())))
    assert again.spread_ is model.spread_
    again.set_fitted_state({"params_": state["params_"]})
    assert again.spread_ is None
    gone_on = pickle.loads(pickle.dumps(model)).partial_fit(x, y)
    assert gone_on.spread_ is None
    assert np.isfinite(gone_on.predict(x, return_std=True)[1]).all()


def test_a_warm_start_tells_it_anew():
    x, y = plane()
    fitted = tl.TwoLayerRegressor(**SETTINGS, warm_start=True).fit(x, y)
    before = fitted.noise_std_[0]
    fitted.fit(x, 10 * y)
    assert 5 < fitted.noise_std_[0] / before < 20
    assert fitted.spread_.noise[0] <= fitted.noise_std_[0]


# ---- model files


def same_widths(a, b, x):
    assert np.array_equal(a.predict(x, return_std=True)[1], b.predict(x, return_std=True)[1])
    assert np.array_equal(a.predict_interval(x), b.predict_interval(x))


def test_it_is_in_the_model_file(tmp_path, model):
    tl.save(model, tmp_path / "m.safetensors")
    back = tl.load(tmp_path / "m.safetensors")
    x = 3 * plane()[0]
    same_widths(back, model, x)
    same_widths(pickle.loads(pickle.dumps(model)), model, x)
    assert set(back.spread_.views) == {"standard", "smooth_clip"}


def test_a_pipeline_keeps_it(tmp_path):
    x, y = plane()
    pipeline = make_pipeline(StandardScaler(), tl.TwoLayerRegressor(**SETTINGS)).fit(x, y)
    tl.save(pipeline, tmp_path / "m.safetensors")
    back = tl.load(tmp_path / "m.safetensors")
    assert set(back.spread_.views) == {"standard", "smooth_clip"}
    expected = pipeline.predict(3 * x, return_std=True)[1]
    assert np.allclose(back.predict(3 * x, return_std=True)[1], expected, rtol=1e-9)
    assert pipeline[-1].spread_ is not None


def damaged(name, change):
    def forge(arrays):
        arrays[f"spread.{name}"] = change(arrays[f"spread.{name}"])

    return forge


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (damaged("noise", lambda a: -a), "'spread.noise' holds numbers that cannot be"),
        (damaged("factor", lambda a: np.ones((2, 1))), "'spread.factor' is missing"),
        (damaged("level", lambda a: a * np.nan), "'spread.level' holds numbers"),
        (damaged("residuals", lambda a: a[::-1].copy()), "residuals of its spread are not numbers in order"),
        (damaged("residuals", lambda a: a[0]), "'spread.residuals' is missing"),
        (damaged("standard.basis", lambda a: a[1:]), "'spread.standard.basis' is missing, or not of the shape"),
        (damaged("standard.basis", np.float64), "'spread.standard.basis' is missing"),
        (damaged("smooth_clip.precision", np.zeros_like), "'spread.smooth_clip.precision' holds numbers"),
        (damaged("standard.alpha", np.zeros_like), "'spread.standard.alpha' holds numbers"),
        (damaged("standard.target_scale", np.zeros_like), "'spread.standard.target_scale' holds"),
        (lambda arrays: arrays.pop("spread.standard.pull"), "'spread.standard.pull' is missing"),
        (lambda arrays: arrays.update({"spread.more": np.ones(1)}), "arrays more of its spread are unknown"),
        (lambda arrays: arrays.pop("clip.center"), "its clip is not"),
    ],
)  # fmt: skip
def test_a_damaged_spread(tmp_path, model, forge, message):
    data = model_file.model_bytes(model)
    path = tmp_path / "m.safetensors"
    path.write_bytes(data)
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    arrays = safetensors.numpy.load(data)
    forge(arrays)
    path.write_bytes(safetensors.numpy.save(arrays, metadata))
    with pytest.raises(FileError, match=message):
        tl.load(path)


def test_a_file_without_one_is_read(tmp_path, model):
    """As files of earlier versions."""
    data = model_file.model_bytes(model)
    path = tmp_path / "m.safetensors"
    path.write_bytes(data)
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    arrays = {
        name: array
        for name, array in safetensors.numpy.load(data).items()
        if not name.startswith("spread.")
    }
    path.write_bytes(safetensors.numpy.save(arrays, metadata))
    back = tl.load(path)
    assert back.spread_ is None
    assert np.isfinite(back.predict(plane()[0], return_std=True)[1]).all()
    with pytest.raises(InputError, match="level"):
        back.predict_interval(plane()[0], level=2)

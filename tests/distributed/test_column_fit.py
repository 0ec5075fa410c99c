"""An estimator's fit of a Dask table in blocks of columns is that of the same table in memory.

The paths of L-BFGS part by rounding after some dozens of steps, on one machine too; so trainings are short here, and what is
chosen before them is compared exactly.
"""

import warnings

import dask
import dask.array as da
import numpy as np
import pytest
from slow_cases import slow

import twolayer as tl
from twolayer.distributed import column_fit
from twolayer.distributed.column_requests import UniformDraw
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.errors import InputError

N_ROWS, N_COLUMNS = 40, 1300
CUT = (700, 1, 299, 300)
CLOSE = 1e-7


@pytest.fixture(autouse=True)
def small_blocks_stay(monkeypatch):
    """No blocks are merged, and a block's columns are at work in several parts."""
    monkeypatch.setattr("twolayer.distributed.collections.SMALL_BYTES", 0)
    monkeypatch.setattr("twolayer.distributed.collections.MOST_BLOCKS", 10**9)
    monkeypatch.setattr("twolayer.distributed.column_requests.NUMBERS_AT_A_TIME", 5000)


@pytest.fixture(autouse=True)
def short_trainings_are_no_fault():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "max_iter")
        warnings.filterwarnings("ignore", ".*rows left out.*", tl.TwoLayerWarning)
        warnings.filterwarnings("ignore", ".*the width of the intervals.*", tl.TwoLayerWarning)
        yield


def table(n_columns=N_COLUMNS):
    """A wide table with a constant column, columns of other units, and a far value; targets of its first columns."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((N_ROWS, n_columns))
    x[:, 7] = 2.5
    x[:, :20] *= 5
    x[3, 50] = 100
    y = x[:, :15].sum(axis=1) / 20 + 0.3 * rng.standard_normal(N_ROWS)
    return x, y


def in_columns(x, cut=CUT):
    return da.from_array(x, chunks=(len(x), cut))


def targets_of(kind, y):
    return {
        "numbers": y,
        "two outputs": np.stack([y, y**2], axis=1),
        "counts": np.abs(3 * y).round(),
        "two classes": np.where(y > 0, "yes", "no"),
        "three classes": np.digitize(y, [-0.5, 0.5]),
        "labels": np.stack([y > 0, y > 0.5], axis=1).astype(int),
    }[kind]


def estimator(kind, **settings):
    settings = {"random_state": 0, "n_hidden": 6, "max_iter": 25, **settings}
    if kind == "counts":
        settings["loss"] = "poisson"
    classes = kind.endswith("classes") or kind == "labels"
    return (tl.TwoLayerClassifier if classes else tl.TwoLayerRegressor)(**settings)


def close(found, expected, tolerance=CLOSE):
    found, expected = (np.asarray(one, dtype=float) for one in (found, expected))
    assert found.shape == expected.shape
    np.testing.assert_allclose(
        found, expected, atol=tolerance * max(np.abs(expected).max(), 1e-300), rtol=0
    )


def assert_same_model(found, expected, x):
    assert found.alpha_ == expected.alpha_
    assert found.column_weighing_ == expected.column_weighing_
    assert found.alpha_search_ == expected.alpha_search_
    close(found.loss_, expected.loss_)
    close(found.network_outputs(x), expected.network_outputs(x))
    close(found.w1_, expected.w1_, 1e-5)
    assert isinstance(found.w1_, np.ndarray)
    assert found.n_features_in_ == expected.n_features_in_


GIVEN_ALPHA = [
    ("numbers", {}),
    ("numbers", {"scaling": "smooth_clip", "n_networks": 2, "activation": "tanh"}),
    ("two classes", {"n_networks": 1}),
    ("two outputs", {"skip": True, "n_networks": 2}),
    ("numbers", {"solver": "gd", "n_networks": 2, "batch_size": 8, "max_iter": 5}),
]
MORE_ALPHA = [
    ("counts", {}),
    ("labels", {}),
    ("three classes", {"calibrate": False}),
    ("numbers", {"engine": "numpy", "n_networks": 1, "loss": "huber"}),
]


@pytest.mark.parametrize(("kind", "settings"), [*GIVEN_ALPHA, *slow(*MORE_ALPHA)])
def test_it_is_the_fit_in_memory(kind, settings):
    x, y = table()
    model = estimator(kind, alpha=1.0, **settings)
    t = targets_of(kind, y)
    expected = model.fit(x, t)
    found = type(model)(**model.get_params()).fit(in_columns(x), t)
    assert_same_model(found, expected, x)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("numbers", {}),
        ("three classes", {}),
        *slow(("counts", {}), ("two outputs", {"spread": True})),
    ],
)
def test_alpha_view_and_weighing_are_those_chosen_in_memory(kind, settings):
    x, y = table()
    t = targets_of(kind, y)
    expected = estimator(kind, **settings).fit(x, t)
    found = estimator(kind, **settings).fit(in_columns(x), t)
    assert_same_model(found, expected, x)
    close(found.alphas_tried_, expected.alphas_tried_, 1e-9)
    if hasattr(expected, "temperature_"):
        close(found.temperature_, expected.temperature_)
    if getattr(expected, "spread_", None) is not None:
        close(found.predict(x, return_std=True)[1], expected.predict(x, return_std=True)[1], 1e-6)


@pytest.mark.parametrize("n_columns", [300, 1300])  # rows of few columns have another fingerprint
def test_weights_groups_and_repeated_rows_count_as_in_memory(n_columns):
    x, y = table(n_columns)
    x, y = np.concatenate([x, x[:6]]), np.concatenate([y, y[:6]])
    s = np.arange(len(x)) % 3 + 0.5 * (np.arange(len(x)) % 2)
    groups = np.arange(len(x)) // 3
    expected = estimator("numbers").fit(x, y, s, groups=groups)
    dask_x = in_columns(x, (n_columns - 251, 250, 1))
    given = (da.from_array(one, chunks=11) for one in (y, s))
    found = estimator("numbers").fit(dask_x, *given, groups=groups)
    assert_same_model(found, expected, x)


def test_wherever_the_columns_are_cut_the_result_is_the_same():
    x, y = table()
    first, second = (
        estimator("numbers", alpha=1.0).fit(in_columns(x, cut), y) for cut in (CUT, (1024, 276))
    )
    assert_same_model(first, second, x)
    again = estimator("numbers", alpha=1.0).fit(in_columns(x), y)
    assert np.array_equal(first.w1_, again.w1_)  # bit for bit


def test_float32_columns_are_those_of_float64():
    x, y = table()
    x = x.astype(np.float32)
    model = estimator("numbers", alpha=1.0)
    expected = model.fit(x, y).network_outputs(x)
    close(estimator("numbers", alpha=1.0).fit(in_columns(x), y).network_outputs(x), expected)


# ---- what is drawn at random


@pytest.mark.parametrize("first", [0, 3, 17])
def test_a_block_draws_the_weights_of_its_own_columns(first):
    rng, same = (np.random.default_rng(5) for _ in range(2))
    for one in (rng, same):
        one.integers(10, size=3, dtype=np.int32)  # leaves half a number behind
    shape = (2, 20, 3)
    expected = rng.uniform(-0.4, 0.4, shape)
    draw = UniformDraw.of(same, shape, 0.4)
    assert np.array_equal(draw.rows(first, 3), expected[:, first : first + 3])
    assert rng.permutation(50).tolist() == same.permutation(50).tolist()


def test_a_generator_without_parts_is_refused():
    x, y = table()
    model = estimator("numbers", alpha=1.0, random_state=np.random.Generator(np.random.MT19937(0)))
    with pytest.raises(InputError, match=r"numpy\.random\.default_rng.*got one of MT19937"):
        model.fit(in_columns(x), y)


# ---- passes over the blocks


def passes_of(model, monkeypatch):
    """The functions that were run on all blocks in a fit."""
    ran = []
    tasks = DaskWorkers._tasks

    def noted(self, method, blocks, call, *more):
        ran.append(call.name)
        return tasks(self, method, blocks, call, *more)

    monkeypatch.setattr(DaskWorkers, "_tasks", noted)
    x, y = table()
    model.fit(in_columns(x), y)
    return ran


def test_a_fit_of_given_alpha_reads_the_blocks_twice_before_its_weights(monkeypatch):
    model = estimator("numbers", alpha=1.0, n_networks=1)
    assert passes_of(model, monkeypatch) == ["block_answers"] * 2
    both = estimator("numbers", alpha=1.0)
    assert passes_of(both, monkeypatch) == ["block_answers", "block_clip", "block_answers"]


def test_the_default_fit_reads_them_a_few_times(monkeypatch):
    passes = passes_of(estimator("numbers"), monkeypatch)
    # the order of the rows, the clip, statistics, products at each weighing, those of the folds, those of training, and
    # those of the networks for the spread
    assert len(passes) <= 7


# ---- predictions


@pytest.fixture(params=["here", "in blocks"])
def weights_are(request, monkeypatch):
    if request.param == "in blocks":
        monkeypatch.setattr(column_fit, "MOST_NUMBERS_HERE", 10)
    return request.param


METHODS = {
    "numbers": [
        ("predict", {}),
        ("predict", {"return_std": True}),
        ("predict_interval", {"level": 0.8}),
        ("network_outputs", {}),
    ],
    "three classes": [
        ("predict", {}),
        ("predict_proba", {}),
        ("decision_function", {}),
        ("predict_set", {"level": 0.7}),
    ],
}


@pytest.mark.parametrize("kind", METHODS)
def test_predictions_are_those_in_memory_and_of_the_kind_of_the_rows(kind, weights_are):
    x, y = table()
    new = np.random.default_rng(1).standard_normal((9, N_COLUMNS))
    settings = {"alpha": 1.0, "n_networks": 3, "skip": True}
    if kind == "three classes":
        settings.update(alpha=30.0, max_iter=300)  # sets need a training that has converged
    t = targets_of(kind, y)
    expected = estimator(kind, **settings).fit(x, t)
    found = estimator(kind, **settings).fit(in_columns(x), t)
    assert isinstance(found.w1_, da.Array if weights_are == "in blocks" else np.ndarray)
    for method, asked in METHODS[kind]:
        wanted = parts(getattr(expected, method)(new, **asked))
        for rows in (new, in_columns(new, (1, 1299)), in_columns(new)):
            got = parts(getattr(found, method)(rows, **asked))
            for one, other in zip(got, wanted, strict=True):
                assert isinstance(one, type(rows))
                value = np.asarray(one)
                assert one.dtype == other.dtype
                assert one.shape == value.shape == other.shape
                close(value, other, 1e-6)


def parts(found):
    return found if isinstance(found, tuple) else (found,)


def test_rows_in_blocks_of_rows_are_predicted_with_weights_in_blocks(monkeypatch):
    monkeypatch.setattr(column_fit, "MOST_NUMBERS_HERE", 10)
    x, y = table()
    model = estimator("numbers", alpha=1.0).fit(in_columns(x), y)
    rows = da.from_array(x, chunks=(7, 400))
    close(model.predict(rows), model.predict(x), 1e-12)


def test_predictions_of_float32_rows_are_float32():
    x, y = table()
    model = estimator("numbers", alpha=1.0).fit(in_columns(x), y)
    rows = in_columns(x.astype(np.float32))
    assert model.predict(rows).dtype == model.predict(rows).compute().dtype == np.float32
    assert model.network_outputs(rows).dtype == np.float64


def test_a_model_of_few_weights_is_an_ordinary_one(tmp_path):
    x, y = table()
    model = estimator("numbers", alpha=1.0).fit(in_columns(x), y)
    tl.save(model, tmp_path / "model.safetensors")
    same = tl.load(tmp_path / "model.safetensors")
    close(same.predict(x), model.predict(x), 1e-12)
    expected = estimator("numbers", alpha=1.0).fit(x, y)
    for name in ("inputs", "clipped"):
        found, wanted = (getattr(one.stream_, name) for one in (model, expected))
        close(found.mean, wanted.mean, 1e-12)
        close(found.spread, wanted.spread, 1e-12)


def test_a_model_with_weights_in_blocks_is_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(column_fit, "MOST_NUMBERS_HERE", 10)
    x, y = table()
    model = estimator("numbers", alpha=1.0).fit(in_columns(x), y)
    with pytest.raises(InputError, match=r"w1_ of this TwoLayerRegressor is a Dask array.*to_zarr"):
        tl.save(model, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


# ---- rows left out


@pytest.mark.parametrize("kind", ["numbers", "two classes"])
def test_rows_left_out_are_those_of_the_table_in_memory(kind, weights_are):
    x, y = table()
    t = targets_of(kind, y)
    model = estimator(kind, alpha=3.0, max_iter=300).fit(in_columns(x), t)
    method = "predict" if kind == "numbers" else "predict_proba"
    here = estimator(kind, alpha=3.0, max_iter=300).fit(x, t)
    close(
        here.left_out_predict(in_columns(x), t, method=method),
        here.left_out_predict(x, t, method=method),
    )
    if weights_are == "here" and kind == "numbers":
        close(model.left_out_predict(in_columns(x), t), model.left_out_predict(x, t))
    influence = here.influence(in_columns(x), da.from_array(t))
    close(influence.change_of_own, here.influence(x, t).change_of_own)


def test_rows_left_out_in_trainings_are_left_out_of_the_blocks():
    x, y = table()
    settings = {"alpha": 1.0, "loss": "absolute_error", "n_networks": 1, "max_iter": 15}
    model = estimator("numbers", **settings).fit(x, y)
    with pytest.warns(tl.TwoLayerWarning, match="2 times networks are trained"):
        expected = model.left_out_predict(x, y, cv=2)
    with pytest.warns(tl.TwoLayerWarning, match="2 times networks are trained"):
        close(model.left_out_predict(in_columns(x), y, cv=2), expected)


# ---- what is refused


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"solver": "adam"},
            r"in the span of its rows, which is not exact for solver 'adam'.*solver=",
        ),
        ({"l1": 0.1, "solver": "gd"}, r"l1 weighs every column by itself"),
        ({"early_stopping": True}, r"has no early stopping"),
        ({"dropout": 0.5}, r"'gd' or 'lbfgs' \(L-BFGS has no dropout\)"),
    ],
)
def test_what_the_span_cannot_do_is_refused_before_a_block_is_read(settings, sentence):
    x, y = table()
    unread = in_columns(x).map_blocks(not_to_be_read, dtype=x.dtype, meta=np.zeros((0, 0)))
    with pytest.raises(InputError, match=sentence):
        estimator("numbers", **settings).fit(unread, y)


def not_to_be_read(block):
    raise AssertionError("a block was read")


def test_a_value_that_is_missing_is_named():
    x, y = table()
    x[5, 1234] = np.nan
    with pytest.raises(InputError, match=r"the first is nan in row 5, column 1234"):
        estimator("numbers").fit(in_columns(x), y)
    model = estimator("numbers", alpha=1.0, n_networks=1).fit(*table())
    with pytest.raises(InputError, match=r"the first is nan in row 5, column 1234"):
        model.predict(in_columns(x)).compute()


def test_other_rows_or_columns_are_refused():
    x, y = table()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        estimator("numbers").fit(in_columns(x), y[:-1])
    model = estimator("numbers", alpha=1.0, n_networks=1).fit(x, y)
    with pytest.raises(InputError, match=r"X has 700 columns.*fitted to 1300"):
        model.predict(in_columns(x)[:, :700])
    with pytest.raises(InputError, match="must hold numbers"):
        estimator("numbers").fit(in_columns(x.astype(str)), y)


def test_validation_rows_and_a_warm_start_are_refused():
    x, y = table()
    with pytest.raises(InputError, match=r"leave X_val and y_val out"):
        estimator("numbers").fit(in_columns(x), y, X_val=x, y_val=y)
    model = estimator("numbers", alpha=1.0, n_networks=1, warm_start=True).fit(x, y)
    with pytest.raises(InputError, match=r"warm_start goes on with tables in memory only"):
        model.fit(in_columns(x), y)


def test_what_would_gather_the_table_is_refused():
    x, y = table()
    dask_x = in_columns(x)
    for call in (
        lambda: tl.TwoLayerRegressorCV(5).fit(dask_x, y),
        lambda: estimator("numbers").preflight(dask_x, y),
    ):
        with pytest.raises(InputError, match=r"X is Dask's.*X\.compute\(\)"):
            call()
    with pytest.raises(InputError, match=r"blocks of rows, and X is in blocks of columns"):
        estimator("numbers").partial_fit(dask_x, y)
    model = estimator("numbers", alpha=1.0, n_networks=1).fit(x, y)
    with pytest.raises(InputError, match=r"keeps rows in memory only"):
        model.keep_rows(dask_x, y)
    model.keep_rows(x, y)
    with pytest.raises(InputError, match=r"jackknife\+.*in blocks"):
        model.predict_interval(dask_x, kind="jackknife+")


def test_a_client_for_a_table_in_memory_is_refused():
    with pytest.raises(InputError, match="client is for Dask's tables"):
        estimator("numbers").fit(*table(), client=object())


# ---- a cluster of processes


@pytest.mark.slow
def test_on_a_cluster_of_processes_it_is_the_fit_in_memory():
    from distributed import Client, LocalCluster

    x, y = table()
    expected = estimator("numbers").fit(x, y)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        found = estimator("numbers").fit(in_columns(x), y, client=client)
        assert_same_model(found, expected, x)
        again = estimator("numbers").fit(in_columns(x), y)
        assert np.array_equal(again.w1_, found.w1_)
        close(found.predict(in_columns(x)), expected.predict(x))


def test_the_scheduler_of_this_process_may_be_one_thread():
    x, y = table()
    with dask.config.set(scheduler="synchronous"):
        one = estimator("numbers", alpha=1.0).fit(in_columns(x), y)
    many = estimator("numbers", alpha=1.0).fit(in_columns(x), y)
    assert np.array_equal(one.w1_, many.w1_)


def test_a_table_that_is_not_wide_is_fitted_by_its_rows_wherever_it_is_cut():
    x, y = table()
    x = x[:, :20]
    settings = {"alpha": 1.0, "n_networks": 2, "scaling": "standard"}
    whole = estimator("numbers", **settings).fit(da.from_array(x, chunks=(40, 20)), y)
    cut = estimator("numbers", **settings).fit(in_columns(x, (7, 13)), y)
    assert np.array_equal(whole.w1_, cut.w1_)
    expected = estimator("numbers", **settings).fit(x, y)
    close(cut.network_outputs(x), expected.network_outputs(x))
    close(cut.predict(in_columns(x, (7, 13))), expected.predict(x))

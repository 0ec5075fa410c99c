"""Predictions for a table in blocks of rows: of the kind that was given, block by block, the numbers of a table in memory."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from row_tables import SAME, classes_table, in_blocks, numbers_table

import twolayer as tl
from twolayer.errors import InputError, TwoLayerWarning


@pytest.fixture(autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="module")
def regressor():
    return tl.TwoLayerRegressor(**{**SAME, "n_networks": 2}, alpha=1.0).fit(*numbers_table())


@pytest.fixture(scope="module")
def classifier():
    return tl.TwoLayerClassifier(**SAME).fit(*classes_table(n_classes=3))


def assert_lazy_and_equal(found, expected, chunks):
    assert isinstance(found, da.Array)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert chunks in found.chunks
    computed = found.compute()
    assert computed.dtype == expected.dtype
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(
            computed, expected, rtol=1e-6 if expected.itemsize == 4 else 1e-12
        )
    else:
        assert (computed == expected).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, int])
def test_numbers(regressor, dtype):
    x = numbers_table(50, seed=1)[0].astype(dtype)
    blocks, cut = in_blocks(x, 20), (20, 20, 10)
    assert_lazy_and_equal(regressor.predict(blocks), regressor.predict(x), cut)
    assert_lazy_and_equal(regressor.network_outputs(blocks), regressor.network_outputs(x), cut)
    pairs = zip(
        regressor.predict(blocks, return_std=True),
        regressor.predict(x, return_std=True),
        strict=True,
    )
    for found, expected in pairs:
        assert_lazy_and_equal(found, expected, cut)
    low, high = regressor.predict_interval(blocks, 0.8, kind="normal")
    for found, expected in zip(
        (low, high), regressor.predict_interval(x, 0.8, kind="normal"), strict=True
    ):
        assert_lazy_and_equal(found, expected, cut)


def test_several_targets():
    x, y = numbers_table(n_outputs=3)
    model = tl.TwoLayerRegressor(**SAME, alpha=1.0).fit(x, y)
    assert_lazy_and_equal(model.predict(in_blocks(x, 90)), model.predict(x), (90, 90, 90, 90, 40))
    found = model.predict(in_blocks(x, 90), return_std=True)[1]
    assert_lazy_and_equal(found, model.predict(x, return_std=True)[1], (90, 90, 90, 90, 40))
    assert model.score(in_blocks(x, 90), in_blocks(y, 60)) == pytest.approx(model.score(x, y))


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "decision_function", "predict_set", "network_outputs"]
)
def test_classes(classifier, method):
    x = classes_table(50, seed=1)[0]
    predict = getattr(classifier, method)
    assert_lazy_and_equal(predict(in_blocks(x, 20)), predict(x), (20, 20, 10))


def test_several_labels():
    x, y = numbers_table()
    labels = np.stack([y > 0, y > np.median(y)], 1).astype(int)
    model = tl.TwoLayerClassifier(**SAME, alpha=1.0).fit(x, labels)
    for method in ("predict", "predict_proba"):
        predict = getattr(model, method)
        assert_lazy_and_equal(predict(in_blocks(x, 90)), predict(x), (90, 90, 90, 90, 40))
    assert model.score(in_blocks(x, 90), labels) == pytest.approx(model.score(x, labels))


def test_scores_are_those_in_memory(regressor, classifier):
    for model, (x, y) in (
        (regressor, numbers_table(90, seed=1)),
        (classifier, classes_table(90, 3, seed=1)),
    ):
        s = np.random.default_rng(0).uniform(0, 1, len(y))
        assert model.score(in_blocks(x, 40), y) == pytest.approx(model.score(x, y), rel=1e-12)
        found = model.score(in_blocks(x, 40), y, in_blocks(s, 7))
        assert found == pytest.approx(model.score(x, y, s), rel=1e-12)


def test_a_data_frame_is_predicted_partition_by_partition_without_being_counted():
    x, y = classes_table()
    frame = pd.DataFrame(x, columns=list("abcde"))
    model = tl.TwoLayerClassifier(**SAME, alpha=1.0).fit(frame, y)
    counted = []

    def partition(part):
        counted.append(len(part))
        return part

    table = dd.from_pandas(frame, npartitions=4).map_partitions(partition, meta=frame[:0])
    found = model.predict(table)
    p = model.predict_proba(table)
    assert not any(counted)  # Dask tries the function on no rows
    assert found.numblocks == (4,)
    assert p.shape[1] == 2
    assert (found.compute() == model.predict(frame)).all()
    assert (table.assign(kind=found).compute()["kind"] == model.predict(frame)).all()
    with pytest.raises(InputError, match="columns of fit in another order"):
        model.predict(table[list("edcba")])
    assert model.score(table, y) == model.score(frame, y)


def test_empty_blocks_stay_empty(regressor):
    x = numbers_table(40, seed=1)[0]
    frame = dd.from_pandas(pd.DataFrame(x), npartitions=4)
    none = frame[frame[0] > 1e9].to_dask_array()
    assert regressor.predict(none).compute().shape == (0,)
    assert regressor.network_outputs(none).compute().shape == (2, 0, 1)
    assert [one.compute().shape for one in regressor.predict(none, return_std=True)] == [(0,), (0,)]


def test_warnings_are_said_once_and_by_the_caller():
    x, y = numbers_table()
    model = tl.TwoLayerRegressor(**SAME, alpha=1.0, loss="absolute_error").fit(x, y)
    with pytest.warns(TwoLayerWarning, match="width of the intervals") as said:
        low, _ = model.predict_interval(in_blocks(x, 90))
    low.compute()  # pytest turns a warning into an error
    assert len(said) == 1


def test_a_missing_value_is_named_with_its_block(regressor):
    x = numbers_table(50, seed=1)[0]
    x[33, 2] = np.nan
    with pytest.raises(InputError, match=r"in block 1 \(counted from 0\).*column 2"):
        regressor.predict(in_blocks(x, 20)).compute()


def test_other_columns_are_refused_before_anything_is_computed(regressor):
    x = numbers_table(50, seed=1)[0]
    with pytest.raises(InputError, match="X has 4 columns, and the model was fitted to 5"):
        regressor.predict(in_blocks(x[:, :4], 20))
    with pytest.raises(InputError, match="X must hold numbers"):
        regressor.predict(in_blocks(x.astype(str), 20))
    with pytest.raises(InputError, match="two axes"):
        regressor.predict(in_blocks(x[:, 0], 20))


def test_what_needs_rows_in_memory_says_so(regressor):
    x, y = numbers_table()
    for call in (
        lambda: regressor.network_inputs(in_blocks(x, 90)),
        lambda: regressor.preflight(in_blocks(x, 90), y),
        lambda: tl.TwoLayerRegressorCV().fit(in_blocks(x, 90), y),
        lambda: regressor.keep_rows(in_blocks(x, 90), y),
    ):
        with pytest.raises(InputError, match="X is Dask's"):
            call()


@pytest.mark.parametrize("classifies", [False, True])
def test_partial_fit_is_one_pass_over_the_blocks(classifies):
    x, y = classes_table() if classifies else numbers_table()
    kind = tl.TwoLayerClassifier if classifies else tl.TwoLayerRegressor
    settings = {"n_hidden": 4, "random_state": 0, "alpha": 1.0}
    y[:90] = y[0]  # the first block has one class only
    here, there = kind(**settings), kind(**settings)
    there.partial_fit(in_blocks(x, 90), in_blocks(y, 50))
    names = {"classes": np.unique(y)} if classifies else {}
    for start in range(0, 400, 90):
        rows = slice(start, start + 90)
        here.partial_fit(x[rows], y[rows], **(names if start == 0 else {}))
    np.testing.assert_allclose(there.w1_, here.w1_, rtol=1e-10)
    there.partial_fit(in_blocks(x, 90), y)
    assert there.n_iter_ > here.n_iter_

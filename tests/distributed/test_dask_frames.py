"""Dask's data frames as they come from files: columns of several kinds, partitions that Dask joins, series as targets."""

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import twolayer as tl
from twolayer.errors import InputError

SETTINGS = {"alpha": 1.0, "n_hidden": 3, "n_networks": 1, "random_state": 0, "max_iter": 8}
IN_MEMORY = {**SETTINGS, "scaling": "standard", "solver": "lbfgs"}


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.standard_normal((120, 3)), columns=list("abc"))
    table["yes"] = table.a > 0
    table["count"] = pd.array(rng.integers(0, 9, 120), dtype="Int64")
    table["price"] = np.sin(table.a) + table["count"].astype(float) / 4
    table["word"] = np.where(table.b > 0, "high", "low")
    table["w"] = rng.integers(1, 4, 120)
    return table


COLUMNS = ["a", "b", "c", "yes", "count"]


def assert_same_fit(found, expected, frame, table):
    x = table[COLUMNS]
    asked = frame[COLUMNS].astype(float)
    answers = found.predict(x).compute()
    if answers.dtype.kind == "f":
        np.testing.assert_allclose(answers, expected.predict(asked), rtol=1e-8)
    else:
        assert (answers == expected.predict(asked)).all()
    assert found.score(x, table[found_target(found)]) == pytest.approx(
        expected.score(asked, frame[found_target(found)]), rel=1e-8
    )


def found_target(model):
    return "word" if hasattr(model, "classes_") else "price"


@pytest.mark.parametrize(
    ("kind", "target"), [(tl.TwoLayerRegressor, "price"), (tl.TwoLayerClassifier, "word")]
)
def test_series_are_targets_and_weights_and_columns_may_be_of_several_kinds(kind, target, frame):
    table = dd.from_pandas(frame, npartitions=5)
    found = kind(**SETTINGS).fit(table[COLUMNS], table[target], sample_weight=table["w"])
    expected = kind(**IN_MEMORY).fit(
        frame[COLUMNS].astype(float), frame[target], sample_weight=frame["w"]
    )
    assert_same_fit(found, expected, frame, table)


@pytest.mark.parametrize("columns", [["a"], ["a", "b", "c"]])
def test_partitions_that_dask_joins_on_reading(columns, frame, tmp_path):
    """Of few columns of small files Dask makes fewer partitions when it optimises: those are counted that are read."""
    for number in range(6):
        frame[20 * number : 20 * number + 20].to_parquet(tmp_path / f"{number}.parquet")
    table = dd.read_parquet(tmp_path)
    parts = len(table[columns].to_delayed())
    with dask.config.set({"dataframe.parquet.minimum-partition-size": 10**9}):
        assert parts <= table.npartitions
        found = tl.TwoLayerRegressor(**SETTINGS).fit(table[columns], table["price"])
    expected = tl.TwoLayerRegressor(**IN_MEMORY).fit(frame[columns], frame["price"])
    np.testing.assert_allclose(
        found.predict(frame[columns]), expected.predict(frame[columns]), rtol=1e-8
    )


def test_predictions_are_a_column_of_the_frame_also_where_dask_joins_partitions(frame, tmp_path):
    for number in range(6):
        frame[20 * number : 20 * number + 20].to_parquet(tmp_path / f"{number}.parquet")
    table = dd.read_parquet(tmp_path)
    model = tl.TwoLayerRegressor(**IN_MEMORY).fit(frame[["a", "b"]], frame["price"])
    found = table.assign(told=model.predict(table[["a", "b"]])).compute()
    np.testing.assert_allclose(found["told"], model.predict(frame[["a", "b"]]), rtol=1e-12)
    assert (found["word"] == frame["word"]).all()


def test_a_gap_in_rows_to_predict_is_named_with_its_block_and_column(frame):
    model = tl.TwoLayerRegressor(**IN_MEMORY).fit(frame[["a", "b"]], frame["price"])
    frame.loc[70, "b"] = np.nan
    table = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(InputError, match=r"in block 1 \(counted from 0\): .*in column 'b'"):
        model.predict(table[["a", "b"]]).compute()


def test_an_array_of_objects_is_told_to_be_numbers(frame):
    x = dd.from_pandas(frame[["a", "yes"]].astype(object), npartitions=2).to_dask_array(
        lengths=True
    )
    with pytest.raises(InputError, match=r"give X\.astype\(float\)"):
        tl.TwoLayerRegressor(**SETTINGS).fit(x, frame["price"].to_numpy())


def test_a_missing_whole_number_is_named(frame):
    frame.loc[17, "count"] = pd.NA
    table = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(InputError, match="count"):
        tl.TwoLayerRegressor(**SETTINGS).fit(table[COLUMNS], table["price"])


def test_text_as_a_number_is_named(frame):
    table = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(InputError, match="column 'word'"):
        tl.TwoLayerRegressor(**SETTINGS).fit(table[[*COLUMNS, "word"]], table["price"])
    with pytest.raises(InputError, match="word"):
        tl.TwoLayerRegressor(**SETTINGS).fit(table[COLUMNS], table["word"])


def test_a_delayed_value_is_no_table():
    later = dask.delayed(np.ones)((5, 2))
    with pytest.raises(InputError, match=r"use dask\.array\.from_delayed"):
        tl.TwoLayerRegressor().fit(later, np.ones(5))


@pytest.mark.parametrize("client", ["tcp://host:8786", 42])
def test_a_client_is_a_client(client, frame):
    table = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(InputError, match=r"client must be a distributed\.Client"):
        tl.TwoLayerRegressor().fit(table[COLUMNS], table["price"], client=client)

"""What cannot be learned from blocks of rows is one sentence: where it is, what was seen, and what to do."""

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from row_tables import SAME, classes_table, in_blocks, numbers_table

import twolayer as tl
from twolayer.distributed import collections
from twolayer.errors import InputError

X, Y = numbers_table()
NAMES = list(classes_table()[1])
BLOCKS = in_blocks(X, 90)
FRAME = pd.DataFrame(X, columns=list("abcde"))


@pytest.fixture(autouse=True)
def one_thread_and_small_blocks(monkeypatch):
    monkeypatch.setattr(collections, "LEAST_BLOCKS", 10**6)
    with dask.config.set(scheduler="synchronous"):
        yield


def with_value(array, place, value):
    changed = np.array(array)
    changed[place] = value
    return changed


def regress(x=BLOCKS, y=Y, fit=None, **settings):
    tl.TwoLayerRegressor(**{**SAME, "alpha": 1.0, **settings}).fit(x, y, **(fit or {}))


def classify(y, **settings):
    tl.TwoLayerClassifier(**{**SAME, "alpha": 1.0, **settings}).fit(BLOCKS, y)


NAN = in_blocks(with_value(X, (123, 2), np.nan), 90)
NAN_FRAME = dd.from_pandas(pd.DataFrame(NAN.compute(), columns=FRAME.columns), npartitions=4)
PLACE = r"in block 1 \(counted from 0\), whose row 0 is row 90 of the table: "


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regress(NAN), PLACE + ".*nan in row 33, column 2 "),
        (lambda: regress(NAN_FRAME), "nan in row 23, column 2 .'c'."),
        (lambda: regress(in_blocks(with_value(X, (7, 0), np.inf), 90)), "block 0 .*inf in row 7"),
        (lambda: regress(y=with_value(Y, 200, np.nan)), "block 2 .*row 180 .*: y has 1 value"),
        (lambda: regress(y=in_blocks(with_value(Y, 200, np.nan), 50)), "block 2 .*: y has 1 value"),
        (lambda: classify(with_value(np.array(NAMES, object), 95, None)), PLACE + "y contains NaN"),
        (lambda: regress(dd.from_pandas(FRAME.assign(f="t"), npartitions=2)), "column 'f'"),
        (lambda: regress(y=np.array(NAMES)), "y holds text .* TwoLayerClassifier"),
        (lambda: regress(y=Y[:-1]), "x has 400 rows and y has 399"),
        (lambda: regress(fit={"sample_weight": np.ones(3)}), r"one weight per row; its shape is \(3,\)"),
        (lambda: regress(fit={"sample_weight": np.zeros(400)}), "zero in every row"),
        (lambda: regress(fit={"groups": np.zeros(3)}), "one group for each of 400 rows"),
        (lambda: regress(solver="adam"), "solver='lbfgs', or partial_fit over the blocks"),
        (lambda: regress(batch_size=10), "batch_size is for .* partial_fit over the blocks"),
        (lambda: regress(dropout=0.1), "no dropout"),
        (lambda: regress(l1=0.1), "use solver='gd'"),
        (lambda: regress(early_stopping=True, scoring="r2"), "give X_val and y_val in memory"),
        (lambda: regress(fit={"X_val": BLOCKS[:, :3], "y_val": Y}), "X_val must have the columns"),
        (lambda: regress(fit={"X_val": NAN, "y_val": Y}), "in the rows for validation.*in block 1"),
        (lambda: regress(fit={"X_val": BLOCKS}), "both X_val and y_val"),
        (lambda: regress(in_blocks(np.zeros((4, 9)), 2), np.zeros(4)), "blocks of columns: X.rechunk"),
        (lambda: regress(BLOCKS[:, 0]), "two axes"),
        (lambda: regress(BLOCKS[:0]), "X is empty"),
        (lambda: regress(y=None), "a target for each row"),
        (lambda: regress(loss="quantile", spread=True), "spread=True is not for loss"),
        (lambda: regress(y=Y - 5, loss="poisson"), "in block .*must not be negative"),
        (lambda: classify(np.zeros(400, int)), "one class only"),
        (lambda: classify(np.stack([Y, Y], 1)), "each must hold 0 and 1"),
        (lambda: classify(np.array(NAMES), class_weight={"no": 1}), "which is no class of y"),
    ],
)  # fmt: skip
def test_each_is_said_before_training(call, message, monkeypatch):
    monkeypatch.setattr("twolayer.estimators.fit.train", None)  # not reached
    with pytest.raises(InputError, match=message):
        call()


def test_a_continuous_target_is_no_class():
    with pytest.raises(ValueError, match="continuous"):
        classify(Y)


def test_a_refused_fit_leaves_the_model_as_it_was():
    model = tl.TwoLayerRegressor(**SAME, alpha=1.0).fit(BLOCKS, Y)
    before = model.w1_
    with pytest.raises(InputError):
        model.fit(NAN, Y)
    assert model.w1_ is before


def test_a_client_is_for_dasks_tables():
    with pytest.raises(InputError, match="client is for Dask's tables"):
        tl.TwoLayerRegressor().fit(X, Y, client=3)

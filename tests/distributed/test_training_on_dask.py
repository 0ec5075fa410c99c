"""`twolayer.train` on Dask's tables gives the run of the same table in memory."""

from dataclasses import replace

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from agreement import assert_losses_agree, assert_weights_agree
from slow_cases import slow
from small_problems import LOSSES_AND_OUTPUTS, small_problem
from training_runs import assert_same_weights

import twolayer as tl
from twolayer.distributed.collections import merged_sizes
from twolayer.errors import DivergedError, EngineError, InputError
from twolayer.maths.activations import ACTIVATIONS

CUTS = [(10, 20, 7, 3), (40,), (1,) * 40]  # of 40 rows, or columns
GD = {"solver": "gd", "learning_rate": 1e-5, "steps": 30}
LBFGS = {"solver": "lbfgs", "steps": 15}


@pytest.fixture(autouse=True)
def small_blocks_stay(monkeypatch):
    """No blocks are merged, and a block's rows are at work in several parts."""
    monkeypatch.setattr("twolayer.distributed.collections.SMALL_BYTES", 0)
    monkeypatch.setattr("twolayer.distributed.collections.MOST_BLOCKS", 10**9)
    monkeypatch.setattr("twolayer.distributed.row_blocks.NUMBERS_PER_PART", 16)


def rows_of(x, cut):
    return da.from_array(x, chunks=(cut, x.shape[1]))


def columns_of(x, cut):
    return da.from_array(x, chunks=(x.shape[0], cut))


def assert_same_run(found, expected, first=1e-8):
    assert found.stopped == expected.stopped
    assert_losses_agree(found.losses, expected.losses, first)
    assert_weights_agree(found.params, expected.params, first)
    np.testing.assert_allclose(found.final_loss, expected.final_loss, rtol=first)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("settings", [GD, {**GD, "momentum": 0.9, "alpha": 0.5}, LBFGS])
@pytest.mark.parametrize(("n_inputs", "as_blocks"), [(5, rows_of), (40, rows_of), (40, columns_of)])
def test_it_is_the_run_in_memory(cut, settings, n_inputs, as_blocks):
    x, y, params, s = small_problem(n_rows=40, n_inputs=n_inputs, skip=True, weights=True)
    expected = tl.train(x, y, params, sample_weight=s, **settings)
    assert_same_run(tl.train(as_blocks(x, cut), y, params, sample_weight=s, **settings), expected)


@pytest.mark.parametrize("settings", slow({**GD, "steps": 500}, {**LBFGS, "steps": 50}))
@pytest.mark.parametrize(("n_inputs", "as_blocks"), [(5, rows_of), (40, columns_of)])
def test_a_long_run_stays_that_in_memory(settings, n_inputs, as_blocks):
    x, y, params, _ = small_problem(n_rows=40, n_inputs=n_inputs)
    settings = {**settings, "alpha": 0.5}
    expected = tl.train(x, y, params, **settings)
    found = tl.train(as_blocks(x, CUTS[0]), y, params, **settings)
    assert len(expected.losses) == settings["steps"]
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("loss", "n_outputs"), [*LOSSES_AND_OUTPUTS[:3], *slow(*LOSSES_AND_OUTPUTS[3:])]
)
def test_every_loss_and_activation(activation, loss, n_outputs):
    x, y, params, s = small_problem(loss, n_outputs, n_rows=40, n_inputs=5, weights=True)
    settings = {
        "loss": loss,
        "activation": activation,
        "alpha": 0.3,
        "steps": 6,
        "sample_weight": s,
    }
    expected = tl.train(x, y, params, learning_rate=1e-5, **settings)
    found = tl.train(rows_of(x, (10, 30)), y, params, learning_rate=1e-5, **settings)
    assert_same_run(found, expected)


@pytest.mark.parametrize("as_blocks", [rows_of, columns_of])
@pytest.mark.parametrize("settings", [GD, LBFGS])
def test_two_runs_are_equal_bit_for_bit_whatever_the_workers_do(as_blocks, settings):
    x, y, params, _ = small_problem(n_rows=40, n_inputs=40)
    runs = []
    for scheduler in ("threads", "synchronous"):
        with dask.config.set(scheduler=scheduler):
            runs.append(tl.train(as_blocks(x, (7,) * 5 + (5,)), y, params, **settings))
    assert_same_weights(runs[0].params, runs[1].params)
    np.testing.assert_array_equal(runs[0].losses, runs[1].losses)


@pytest.mark.parametrize("as_blocks", [rows_of, columns_of])
def test_targets_and_weights_may_be_dasks(as_blocks):
    x, y, params, s = small_problem(n_rows=40, n_inputs=40, weights=True)
    table = as_blocks(x, (15, 25))
    found = tl.train(
        table,
        da.from_array(y, chunks=(11, 1)),
        params,
        sample_weight=da.from_array(s, chunks=9),
        **GD,
    )
    assert_same_run(found, tl.train(x, y, params, sample_weight=s, **GD))


def test_many_networks_class_numbers_and_float32():
    x, y, params, _ = small_problem(
        "log_loss", 3, n_rows=40, n_inputs=5, n_networks=3, dtype="float32"
    )
    settings = {"loss": "log_loss", **GD}
    found = tl.train(rows_of(x, (20, 20)), y.argmax(1), params, **settings)
    expected = tl.train(x, y.argmax(1), params, **settings)
    assert found.losses.shape == (30, 3)
    assert_same_run(found, expected, 1e-5)


def test_a_data_frame_with_partitions_of_unknown_sizes_one_empty():
    x, y, params, _ = small_problem(n_rows=40, n_inputs=5)
    frame = pd.DataFrame(np.hstack([x, y]), columns=[*"abcde", "y1", "y2"])
    frame["part"] = np.arange(40) % 4
    parts = dd.from_pandas(frame, npartitions=4)
    parts = dd.concat([parts, parts[parts.part > 99]])
    found = tl.train(parts[list("abcde")], parts[["y1", "y2"]], params, **GD)
    assert_same_run(found, tl.train(x, y, params, **GD))


@pytest.mark.parametrize("skip", [False, True])
def test_first_weights_of_dask_come_back_as_dasks(skip):
    x, y, params, _ = small_problem(n_rows=10, n_inputs=40, skip=skip)
    lazy = replace(params, w1=da.from_array(params.w1, chunks=(9, 4)))
    found = tl.train(columns_of(x, (15, 25)), y, lazy, alpha=0.3, **LBFGS)
    expected = tl.train(x, y, params, alpha=0.3, **LBFGS)
    assert isinstance(found.params.w1, da.Array)
    assert_weights_agree(replace(found.params, w1=found.params.w1.compute()), expected.params, 1e-8)


def test_l1_makes_the_same_weights_zero():
    x, y, params, _ = small_problem(n_rows=40, n_inputs=5)
    settings = {**GD, "l1": 5000.0}
    found = tl.train(rows_of(x, (15, 25)), y, params, **settings)
    expected = tl.train(x, y, params, **settings)
    assert_same_run(found, expected)
    assert (expected.params.w1 == 0).any()


@pytest.mark.parametrize("as_blocks", [rows_of, columns_of])
def test_a_checkpoint_goes_on_to_the_same_bits(as_blocks, tmp_path):
    x, y, params, _ = small_problem(n_rows=40, n_inputs=40)
    table, settings = as_blocks(x, (15, 25)), {**LBFGS, "callback_every": 5}
    whole = tl.train(table, y, params, **settings)
    file = {"checkpoint": tmp_path / "run.ckpt", "checkpoint_every": 0.0}

    class EndsError(Exception):
        pass

    def end(progress):
        if progress.step == 10:
            raise EndsError

    with pytest.raises(EndsError):
        tl.train(table, y, params, callback=end, **settings, **file)
    steps = []
    run = tl.train(
        table, y, params, resume=True, callback=lambda at: steps.append(at.step), **settings, **file
    )
    assert steps[0] > 5
    assert_same_weights(run.params, whole.params)
    with pytest.raises(InputError, match="another training: x has other numbers"):
        tl.train(as_blocks(x + 1, (15, 25)), y, params, resume=True, **settings, **file)


def test_small_blocks_are_merged_and_large_ones_are_not(monkeypatch):
    monkeypatch.undo()
    # 10,000 rows of 100 bytes: at least 16 blocks of at most 625 rows
    assert merged_sizes((10,) * 1000, 1_000_000) == (620,) * 16 + (80,)
    assert merged_sizes((10,) * 20, 2_000_000_000) == (10,) * 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[:, None], y), "x must have two axes"),
        (lambda x, y: (x[:0], y), "x is empty"),
        (lambda x, y: (x.astype("U3"), y), "x must hold numbers"),
        (lambda x, y: (x, y[:-1]), "x has 40 rows and y has 39"),
        (lambda x, y: (x[:, :4], y), "x has 4 columns, but w1 has 5 rows"),
    ],
)
def test_tables_that_do_not_fit_are_refused_before_anything_is_computed(change, message):
    x, y, params, _ = small_problem(n_rows=40, n_inputs=5)

    def touched(block):
        raise AssertionError("a block was read")

    table = rows_of(x, (15, 25)).map_blocks(touched, dtype=float, meta=np.zeros((0, 0)))
    with pytest.raises(InputError, match=message):
        tl.train(*change(table, y), params, **GD)


@pytest.mark.parametrize("as_blocks", [rows_of, columns_of])
def test_a_value_that_is_missing_is_found_where_it_is(as_blocks):
    x, y, params, _ = small_problem(n_rows=40, n_inputs=40)
    x[17, 31] = np.nan
    with pytest.raises(
        InputError, match=r"is nan in row (17|2), column 31 \(counted from 0\)"
    ) as error:
        tl.train(as_blocks(x, (15, 15, 10)), y, params, **GD)
    assert ("in block 1 (counted from 0), whose row 0 is row 15" in str(error.value)) == (
        as_blocks is rows_of
    )


@pytest.mark.parametrize(
    ("settings", "as_blocks", "message"),
    [
        ({"solver": "adam"}, rows_of, "not trained by Adam.*use solver='lbfgs'.*or partial_fit"),
        ({"solver": "adam"}, columns_of, "not exact for solver 'adam'"),
        ({"batch_size": 5}, rows_of, "leave batch_size out"),
        ({"dropout": 0.2}, rows_of, "has no dropout"),
        ({"span": True}, rows_of, "span=True needs blocks of columns"),
        ({"span": False}, columns_of, "leave span=False out"),
        ({"l1": 1.0}, columns_of, "l1 weighs every column by itself"),
        ({"engine": "numpyy"}, rows_of, "there is no engine 'numpyy'"),
    ],
)
def test_settings_that_blocks_do_not_have(settings, as_blocks, message):
    x, y, params, _ = small_problem(n_rows=40, n_inputs=40)
    with pytest.raises((InputError, EngineError), match=message):
        tl.train(as_blocks(x, (15, 25)), y, params, **{**GD, **settings})


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "settings",
    [{"learning_rate": 1e30}, {"learning_rate": 1e6, "alpha": 1.0}, {"learning_rate": 1e3}],
)
@pytest.mark.parametrize("as_blocks", [rows_of, columns_of])
def test_a_training_that_diverges_says_that_and_nothing_else(as_blocks, settings, dtype):
    """Of overflowing sums there is no warning, which pytest would raise."""
    x, y, params, _ = small_problem(n_rows=40, n_inputs=40, dtype=dtype)
    with pytest.raises(DivergedError) as found:
        tl.train(as_blocks(100 * x, (15, 25)), y, params, steps=100, **settings)
    with pytest.raises(DivergedError) as expected:
        tl.train(100 * x, y, params, steps=100, **settings)
    assert found.value.step == expected.value.step


def test_columns_of_too_many_rows_are_told_to_be_rows(monkeypatch):
    monkeypatch.setattr("twolayer.distributed.training.MOST_SPAN_ROWS", 39)
    x, y, params, _ = small_problem(n_rows=40, n_inputs=40)
    with pytest.raises(InputError, match=r"at most 39 rows .* give blocks of rows"):
        tl.train(columns_of(x, (15, 25)), y, params, **GD)


def test_a_client_is_for_dasks_tables():
    x, y, params, _ = small_problem()
    with pytest.raises(InputError, match="client is for Dask's tables, and x is in memory"):
        tl.train(x, y, params, client=object())


@pytest.mark.parametrize("n_networks", [None, 3])
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("as_blocks", [rows_of, columns_of])
def test_outputs_of_a_dask_table_are_a_dask_array_of_the_outputs(as_blocks, lazy, n_networks):
    x, _, params, _ = small_problem(n_rows=40, n_inputs=40, skip=True, n_networks=n_networks)
    expected = tl.forward(x, params, "tanh")
    if lazy and as_blocks is columns_of:
        front = () if n_networks is None else (2,)
        params = replace(params, w1=da.from_array(params.w1, chunks=(*front, 9, 4)))
    found = tl.forward(as_blocks(x, (15, 25)), params, "tanh")
    assert isinstance(found, da.Array)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found.compute(), expected, rtol=1e-12)


def test_the_gradient_of_a_dask_table():
    x, y, params, s = small_problem(n_rows=40, n_inputs=5, weights=True)
    settings = {"loss": "squared_error", "alpha": 0.4, "sample_weight": s}
    loss, gradients = tl.loss_and_gradients(rows_of(x, (15, 25)), y, params, **settings)
    expected, own = tl.loss_and_gradients(x, y, params, **settings)
    assert loss == pytest.approx(expected, rel=1e-12)
    assert_weights_agree(gradients, own, 1e-12)
    with pytest.raises(InputError, match=r"leave span=False out|blocks of rows"):
        tl.loss_and_gradients(columns_of(x, (2, 3)), y, params, **settings)


def test_merged_blocks_are_told(monkeypatch):
    x, y, params, _ = small_problem(n_rows=40, n_inputs=5)
    assert "on 40 blocks of rows" in tl.train(rows_of(x, (1,) * 40), y, params, **GD).why
    monkeypatch.setattr("twolayer.distributed.collections.SMALL_BYTES", 10**6)
    monkeypatch.setattr("twolayer.distributed.collections.LEAST_BLOCKS", 2)
    why = tl.train(rows_of(x, (1,) * 40), y, params, **GD).why
    assert "on 2 blocks (40 blocks merged into 2, as they are small) of rows" in why


@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch", *slow("torch-nn")])
def test_parts_of_a_block_go_through_every_engine(engine):
    x, y, params, s = small_problem(n_rows=40, n_inputs=5, weights=True)
    settings = {**GD, "engine": engine, "sample_weight": s}
    found = tl.train(rows_of(x, (30, 10)), y, params, **settings)
    assert_same_run(found, tl.train(x, y, params, **settings))

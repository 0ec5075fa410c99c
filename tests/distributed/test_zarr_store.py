"""Arrays in a Zarr store, beside the same arrays in memory; without zarr, what installs it is said."""

import numpy as np
import pytest
from dask_clusters import in_process_client

from twolayer.distributed import zarr_store
from twolayer.distributed.zarr_store import check_chunks, open_zarr
from twolayer.errors import EngineError, FileError, InputError


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)


@pytest.fixture
def zarr():
    return pytest.importorskip("zarr")


def test_what_installs_zarr_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(zarr_store, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"x\.zarr is a Zarr store, .*: pip install zarr$"):
        open_zarr("x.zarr", ["y"])


def test_a_group_holds_inputs_and_targets(zarr, tmp_path, x):
    group = zarr.open_group(tmp_path / "g.zarr", mode="w")
    group.create_array("genes", data=x, chunks=(20, 7))
    group.create_array("y", data=x[:, 0] * 2, chunks=(20,))
    group.create_array("z", data=x[:, :1], chunks=(20, 1))
    found, y, _ = open_zarr(str(tmp_path / "g.zarr"), ["z"])
    assert found.chunks == ((20,), (7, 7, 7, 7, 2))
    np.testing.assert_array_equal(found.compute(), x)
    np.testing.assert_array_equal(y.compute(), x[:, 0])


def test_columns_of_an_array_are_numbered(zarr, tmp_path, x):
    path = tmp_path / "a.zarr"
    zarr.open_array(path, mode="w", shape=x.shape, chunks=(5, 30), dtype="f4")[:] = x
    found, y, _ = open_zarr(str(path), ["x3"])
    np.testing.assert_array_equal(found.compute(), np.delete(x, 2, axis=1))
    np.testing.assert_array_equal(y.compute(), x[:, 2])
    _, y, places = open_zarr(str(path), ["x30", "x1"])
    np.testing.assert_array_equal(y.compute(), x[:, [29, 0]])
    assert places.tolist() == list(range(1, 29))
    for name in ("x0", "x31", "age"):
        with pytest.raises(InputError, match=f"no column '{name}': .* are x1 to x30"):
            open_zarr(str(path), [name])


def test_the_first_value_that_is_missing_is_named_with_its_chunk(zarr, tmp_path, x):
    x[11, 9], x[12, 3], x[19, 0] = np.nan, np.inf, np.nan
    path = tmp_path / "a.zarr"
    zarr.open_array(path, mode="w", shape=x.shape, chunks=(5, 10), dtype="f4")[:] = x
    found, *_ = open_zarr(str(path), ["x30"])
    with in_process_client() as client:
        check_chunks(client, "a.zarr", found[:10])
        with pytest.raises(InputError) as caught:
            check_chunks(client, "a.zarr", found)
    assert (
        "row 11, column 9 (counted from 0) has no value (NaN), the first of 2 such in chunk 2.0"
        in str(caught.value)
    )


def test_stores_that_do_not_fit_are_one_sentence(zarr, tmp_path, x):
    path = str(tmp_path / "g.zarr")
    with pytest.raises(FileError, match=r"g\.zarr cannot be read as a Zarr store"):
        open_zarr(path, ["y"])
    group = zarr.open_group(path, mode="w")
    group.create_array("y", data=x[:-1, 0])
    with pytest.raises(InputError, match="has no array 't': it holds 'y'"):
        open_zarr(path, ["t"])
    with pytest.raises(InputError, match="one array with two axes beside the target"):
        open_zarr(path, ["y"])
    group.create_array("x", data=x)
    with pytest.raises(InputError, match=r"'y', the target, has the shape \(19,\)"):
        open_zarr(path, ["y"])

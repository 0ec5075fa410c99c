"""`twolayer fit` and `predict` on Zarr stores: tall ones in chunks of rows, wide ones in chunks of columns."""

import re

import numpy as np
import pandas as pd
import pytest
from command_line import assert_refused
from dask_clusters import in_process_client
from sklearn import metrics

import twolayer as tl
from twolayer.distributed import zarr_dataset

zarr = pytest.importorskip("zarr")
pytestmark = pytest.mark.usefixtures("blank_pictures")
QUICK = ("--alpha", 1, "--max-iter", 30, "--n-networks", 1)


@pytest.fixture(scope="module")
def address():
    with in_process_client() as client:
        yield client.scheduler.address


@pytest.fixture
def tall(here):
    """A table whose column x4 follows from the first two."""
    x = np.random.default_rng(0).normal(size=(500, 5))
    x[:, 3] = 2 * x[:, 0] - x[:, 1]
    zarr.open_array("tall.zarr", mode="w", shape=x.shape, chunks=(60, 5), dtype="f8")[:] = x
    return x


@pytest.fixture
def wide(here):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 400))
    x[:, :40] += rng.choice([-1, 1], 60)[:, None]
    group = zarr.open_group("wide.zarr", mode="w")
    group.create_array("genes", data=x, chunks=(60, 90))
    group.create_array("sick", data=(x[:, :40].mean(axis=1) > 0).astype("i4"))
    return x, x[:, :40].mean(axis=1) > 0


def test_a_tall_store_from_fit_to_predictions(here, tall, twolayer, address):
    code, out, err = twolayer("fit", "tall.zarr", "--target", "x4", *QUICK, "--cluster", address)
    assert code == 0, err
    assert "tall.zarr: 500 rows, 4 input columns of float64, in 9 chunks" in out
    model = "tall.twolayer.safetensors"
    assert tl.load(model).feature_names_in_.tolist() == ["x1", "x2", "x3", "x5"]
    code, _, err = twolayer("predict", model, "tall.zarr", "--cluster", address, "--out", "p")
    assert (code, err) == (0, "500 predictions in p, 9 parts in the order of the rows\n")
    found = pd.concat(map(pd.read_parquet, sorted((here / "p").iterdir())))
    assert metrics.r2_score(tall[:, 3], found.prediction) > 0.98
    np.save("tall.npy", tall)
    _, csv, _ = twolayer("predict", model, "tall.npy")
    np.testing.assert_allclose(found.prediction, np.array(csv.split()[1:], float), rtol=1e-9)


@pytest.mark.parametrize("sampled", [True, False])
def test_a_wide_store_from_fit_to_predictions(here, wide, twolayer, address, sampled, monkeypatch):
    if not sampled:  # as where a hundred rows do not fit here
        monkeypatch.setattr(zarr_dataset, "SAMPLE_BYTES", 8 * 400 * 10)
    x, sick = wide
    given = ("fit", "wide.zarr", "--target", "sick", "--alpha", 30, "--n-networks", 1)
    code, out, err = twolayer(*given, "--cluster", address)
    assert code == 0, err
    assert "45 rows to train on, 15 kept for the test" in out
    assert ("linear model" in out) == sampled
    given = ("predict", "wide.twolayer.safetensors", "wide.zarr", "--cluster", address, "--proba")
    code, _, err = twolayer(*given, "--out", "p")
    assert code == 0, err
    found = pd.read_parquet("p/part-00000.parquet")
    assert list(found) == ["prediction", "probability_0", "probability_1"]
    assert (found.prediction == sick).mean() > 0.9
    model = tl.load("wide.twolayer.safetensors")
    p = model.predict_proba(x if not sampled else pd.DataFrame(x, columns=model.feature_names_in_))
    np.testing.assert_allclose(found.iloc[:, 1:], p, rtol=1e-7)
    (said,) = re.findall(r"^two-layer network +(\S+)", out, re.M)
    assert float(said) > 0.7


def test_a_wide_model_that_its_file_would_not_hold_is_refused_before_training(
    here, wide, twolayer, address, monkeypatch
):
    from twolayer.cli import cluster_fit

    monkeypatch.setattr(cluster_fit, "MOST_NUMBERS_HERE", 60_000)
    given = ("fit", "wide.zarr", "--target", "sick", "--cluster", address)
    message = "400 inputs, 50 hidden units and 5 networks make 100,000 weights, and the file of"
    assert_refused(twolayer, here, given, message, at_the_door=True)


def test_a_wide_model_whose_weights_stay_on_the_cluster_comes_into_its_file(
    here, wide, twolayer, address, monkeypatch
):
    from twolayer.distributed import column_fit

    monkeypatch.setattr(column_fit, "MOST_NUMBERS_HERE", 1000)
    given = ("fit", "wide.zarr", "--target", "sick", "--alpha", 30, "--n-networks", 1)
    code, _, err = twolayer(*given, "--cluster", address)
    assert code == 0, err
    assert tl.load("wide.twolayer.safetensors").w1_.shape == (400, 50)


def test_what_a_store_has_not_is_one_sentence(here, tall, twolayer, address):
    def refused(message, *given):
        assert_refused(twolayer, here, (*given, "--cluster", address), message, at_the_door=True)

    refused("has no column 'x6'", "fit", "tall.zarr", "--target", "x6")
    refused("--weights names a column", "fit", "tall.zarr", "--target", "x4", "--weights", "x1")
    tall[77, 1] = np.nan
    zarr.open_array("gap.zarr", mode="w", shape=tall.shape, chunks=(60, 5), dtype="f8")[:] = tall
    refused(
        r"gap.zarr: row 77, column 1 .* has no value \(NaN\)", "fit", "gap.zarr", "--target", "x4"
    )

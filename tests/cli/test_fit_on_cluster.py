"""`twolayer fit --cluster`: the model in the file is what one machine reads; what is said agrees with scikit-learn's scores."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from command_line import assert_refused, contents
from dask_clusters import in_process_client
from sklearn import metrics

import twolayer as tl
from twolayer.distributed import blocks
from twolayer.distributed.folder_dataset import open_blocks, read_folder_dataset

pytestmark = pytest.mark.usefixtures("blank_pictures")
QUICK = ("--alpha", 0.1, "--max-iter", 30, "--n-networks", 1)


@pytest.fixture(scope="module")
def client():
    with in_process_client() as client:
        yield client


@pytest.fixture
def sales(here, monkeypatch):
    """A folder of Parquet files, in some ten blocks, with a column of True and False."""
    monkeypatch.setattr(blocks, "FEWEST_BYTES", 4000)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(900, 3)), columns=["a", "b", "c"])
    frame.insert(1, "old", rng.random(900) > 0.5)
    frame["price"] = 3 * frame.a + frame.old + 0.1 * rng.normal(size=900)
    frame["sold"] = np.where(frame.price + rng.normal(size=900) > 0, "yes", "no")
    (here / "sales").mkdir()
    for k, rows in enumerate(np.array_split(np.arange(900), 12)):
        frame.iloc[rows].to_parquet(here / "sales" / f"{k}.parquet", index=False)
    return frame


def fit_sales(twolayer, client, *more, target="sold", drop="price"):
    given = ("fit", "sales/*.parquet", "--target", target, "--drop", drop, *QUICK, *more)
    code, out, err = twolayer(*given, "--cluster", client.scheduler.address)
    assert code == 0, err
    return out


def split(client, target, drop):
    return read_folder_dataset(client, open_blocks("sales"), [target], drop=[drop])


def test_a_classifier_from_files_to_predictions(here, sales, twolayer, client):
    out = fit_sales(twolayer, client)
    assert "sales/*.parquet: 900 rows in 12 files, 4 input columns of float64, read in" in out
    assert "target 'sold' holds text: classification\nclasses: 'no', 'yes'\n" in out
    files = sorted(path.name for path in here.iterdir() if path.is_file())
    assert files == ["sales.fit.toml", "sales.loss.png", "sales.twolayer.safetensors"]
    test = split(client, "sold", "price").test
    frame = pd.DataFrame(test.x, columns=["a", "b", "c", "old"])
    frame["old"] = frame["old"] > 0.5
    frame.to_csv("test.csv", index=False)
    _, csv, err = twolayer("predict", "sales.twolayer.safetensors", "test.csv")
    assert err == ""
    accuracy = metrics.accuracy_score(test.y, csv.split()[1:])
    (said,) = re.findall(r"^two-layer network +(\S+)", out, re.M)
    assert float(said) == pytest.approx(accuracy, abs=5e-5)
    assert accuracy > 0.75
    sales.to_parquet("whole.parquet")  # True and False, as one machine reads them
    _, csv, _ = twolayer("predict", "sales.twolayer.safetensors", "whole.parquet")
    assert metrics.accuracy_score(sales.sold, csv.split()[1:]) > 0.75


def test_a_regression_is_that_of_one_machine_on_the_same_rows(here, sales, twolayer, client):
    fit_sales(twolayer, client, target="price", drop="sold")
    dataset = split(client, "price", "sold")
    usual = tl.TwoLayerRegressor(50, alpha=0.1, max_iter=30, n_networks=1, random_state=0)
    usual.fit(dataset.train.x, dataset.train.y)
    found = tl.load("sales.twolayer.safetensors")
    named = pd.DataFrame(dataset.test.x, columns=found.feature_names_in_)
    predictions = usual.predict(dataset.test.x), found.predict(named)
    scores = [metrics.r2_score(dataset.test.y, one) for one in predictions]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    assert scores[1] > 0.95


def test_the_settings_repeat_the_fit_to_the_last_bit(here, sales, twolayer, client):
    fit_sales(twolayer, client)
    code, _, err = twolayer("fit", "--config", "sales.fit.toml", "--out", "again")
    assert code == 0, err
    one, two = (tl.load(f"{folder}/sales.twolayer.safetensors") for folder in (".", "again"))
    for name in ("w1_", "b1_", "w2_", "b2_", "loss_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_json_has_the_same_entries_as_on_one_machine(here, sales, twolayer, client):
    import json

    found = json.loads(fit_sales(twolayer, client, "--json"))
    sales.drop(columns="price").to_csv("one.csv", index=False)
    _, out, _ = twolayer("fit", "one.csv", "--target", "sold", *QUICK, "--json")
    assert set(found) == set(json.loads(out))
    assert found["rows"]["train"] + found["rows"]["test"] == 900


def test_what_cannot_be_learned_is_refused_before_the_cluster_is_asked(here, sales, twolayer):
    def refused(message, *more, where="sales", target="sold"):
        given = ("fit", where, "--target", target, "--cluster", "tcp://127.0.0.1:1", *more)
        assert_refused(twolayer, here, given, message, at_the_door=True)

    refused("column 'sold' holds text, and on a cluster all inputs", target="price")
    refused("has no column 'sol'", target="sol")
    refused("no file matches none/", where="none/*.csv")
    for option, value in (
        ("--groups", "a"),
        ("--time", "a"),
        ("--cv", 5),
        ("--labels", "x.csv"),
        ("--id", "a"),
        ("--category", "a"),
        ("--sheet", "1"),
        ("--na", "-9"),
        ("--skip-lines", 1),
    ):
        refused(
            f"{option} cannot go with --cluster, where .*: leave one of them out", option, value
        )
    refused("--drop-missing-target cannot go with", "--drop-missing-target")
    refused("--device cannot go with", "--device", "auto")
    refused("--cluster must be the address", "--cluster", "local")


def test_a_gap_in_one_block_ends_the_fit_before_training(here, sales, twolayer, client):
    part = pd.read_parquet("sales/7.parquet")
    part.loc[3, "b"] = np.nan
    part.to_parquet("sales/7.parquet", index=False)
    given = ("fit", "sales", "--target", "sold", "--cluster", client.scheduler.address)
    assert_refused(twolayer, here, given, "sales/7.parquet: row 4 has no value in column 'b'")


def test_the_model_of_another_folder_is_kept(here, sales, twolayer, client):
    fit_sales(twolayer, client)
    before = contents(here)
    code, _, err = twolayer(
        "fit", "sales", "--target", "price", "--cluster", client.scheduler.address
    )
    assert code == 2
    assert "the model of another target" in err
    assert contents(here) == before


@pytest.mark.slow
def test_ctrl_c_in_training_writes_nothing_and_ends_the_processes(here, sales):
    from test_predict_on_cluster import living

    before = contents(here)
    command = [sys.executable, "-m", "twolayer", "fit", "sales", "--target", "price", "--drop"]
    process = subprocess.Popen(
        [*command, "sold", "--cluster", "local[2]", "--max-iter", "100000", "--alpha", "1e-9"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    while "rows to train on" not in (line := process.stdout.readline()):
        assert line, process.communicate()[1]
    time.sleep(2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers too
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err.splitlines()[-1]) == (
        130,
        "twolayer: stopped; nothing was written",
    )
    assert contents(here) == before
    for _ in range(300):
        if not (left := living(process.pid)):
            break
        time.sleep(0.1)
    assert left == []

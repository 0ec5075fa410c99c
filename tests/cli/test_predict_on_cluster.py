"""`twolayer predict --cluster`: the answers are those of one machine, in parts that are there whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pandas as pd
import psutil
import pytest
from command_line import assert_refused, frame_of
from dask_clusters import in_process_client

from twolayer.cli.commands.fit import fit
from twolayer.distributed import blocks, csv_files

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def address():
    with in_process_client() as client:
        yield client.scheduler.address


@pytest.fixture
def model(here, capsys, monkeypatch):
    """A model of a table with categories, a yes-or-no column and gaps; and blocks of some dozen rows."""
    monkeypatch.setattr(blocks, "FEWEST_BYTES", 2000)
    monkeypatch.setattr(csv_files, "PIECE_BYTES", 1501)
    frame = frame_of("iris").rename(columns=lambda name: name.removesuffix(" (cm)"))
    rng = np.random.default_rng(0)
    frame["site"] = rng.choice(["north", "south"], 150)
    frame["wet"] = rng.choice(["yes", "no"], 150)
    frame.loc[::17, "petal width"] = np.nan
    frame.to_csv("iris.csv", index=False)
    done = fit("iris.csv", ["target"], max_iter=20, n_networks="1", alpha="1")
    capsys.readouterr()
    (here / "in").mkdir()
    for k, rows in enumerate(np.array_split(np.arange(150), 5)):
        frame.iloc[rows].to_parquet(here / "in" / f"part-{k}.parquet", index=False)
        frame.iloc[rows].to_csv(here / "in" / f"part-{k}.csv", index=False)
    return done.model_path


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize("more", [(), ("--proba",)])
def test_the_answers_are_those_of_one_machine(here, twolayer, model, address, ending, more):
    twolayer("predict", model, "iris.csv", "--out", "whole.csv", *more)
    before = ("predict", model, f"in/*.{ending}", "--cluster", address)
    code, out, err = twolayer(*before, "--out", "answers", *more)
    assert (code, out) == (0, "")
    parts = sorted((here / "answers").iterdir())
    assert len(parts) > 3
    assert {part.suffix for part in parts} == {f".{ending}"}
    read = pd.read_parquet if ending == "parquet" else pd.read_csv
    found, whole = pd.concat(map(read, parts)), pd.read_csv("whole.csv")
    assert list(found) == list(whole)
    assert found.prediction.tolist() == whole.prediction.tolist()
    np.testing.assert_allclose(found.iloc[:, 1:], whole.iloc[:, 1:], rtol=1e-9)
    assert err.splitlines() == [
        "9 missing values filled in, in 'petal width'",
        f"150 predictions in answers, {len(parts)} parts in the order of the rows",
    ]


def test_what_goes_wrong_in_one_block_leaves_nothing(here, twolayer, model, address):
    part = pd.read_csv("in/part-4.csv")
    part.assign(wet="perhaps").to_csv("in/part-4.csv", index=False)
    command = ("predict", model, "in/*.csv", "--cluster", address, "--out", "answers")
    assert_refused(twolayer, here, command, "part-4.csv: column 'wet' holds 'perhaps'")
    assert sorted(path.name for path in here.iterdir() if path.is_dir()) == ["in"]


def test_what_cannot_be_predicted_is_refused_before_the_cluster_is_asked(here, twolayer, model):
    def refused(message, *more, where="in/*.parquet", out=("--out", "answers")):
        given = ("predict", model, where, "--cluster", "tcp://127.0.0.1:1", *out, *more)
        assert_refused(twolayer, here, given, message, at_the_door=True)

    refused("--cluster needs --out FOLDER", out=())
    refused("--out in is not empty", out=("--out", "in"))
    refused("iris.csv is a file, and with --cluster", out=("--out", "iris.csv"))
    refused("there is no folder .*none: make it first", out=("--out", "none/answers"))
    refused("no file matches no/", where="no/*.csv")
    refused("--transpose cannot go with --cluster", "--transpose")
    refused("--na cannot go with --cluster", "--na", "-999")
    refused("--delimiter is for text files", "--delimiter", ";")
    refused("--interval is a share", "--interval", "2")
    frame = pd.read_parquet("in/part-0.parquet")
    (here / "in2").mkdir()
    frame.drop(columns="sepal length").to_parquet("in2/a.parquet")
    refused("in2 lacks 1 of the 6 columns", where="in2")
    frame.assign(**{"sepal length": "long"}).to_parquet("in2/a.parquet")
    refused("column 'sepal length' holds text, and iris.* takes numbers there", where="in2")


def test_columns_that_the_files_lack_can_be_filled_in(here, twolayer, model, address):
    (here / "in2").mkdir()
    pd.read_csv("iris.csv").drop(columns="sepal length").to_parquet("in2/a.parquet")
    given = ("predict", model, "in2", "--cluster", address, "--fill-missing-columns")
    code, _, err = twolayer(*given, "--out", "answers")
    assert code == 0, err
    assert "150 predictions in answers" in err


def living(group):
    """The processes of a group that have not ended."""
    found = []
    for one in psutil.process_iter(["status"]):
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(one.pid) == group and one.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(one)
    return found


@pytest.fixture
def long_run(here, model):
    """A command that predicts for some seconds, with processes of its own; once it has written a part."""
    frame = pd.concat([pd.read_csv("iris.csv")] * 4000)
    (here / "in3").mkdir()
    frame.to_parquet(here / "in3" / "a.parquet", row_group_size=2000)
    before = sorted(path.name for path in here.iterdir())
    command = [sys.executable, "-m", "twolayer", "predict", str(model), "in3", "--out", "answers"]
    process = subprocess.Popen(
        [*command, "--cluster", "local[2]"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for _ in range(600):
        folders = [path for path in here.glob(".answers-*") if any(path.iterdir())]
        if folders or process.poll() is not None:
            break
        time.sleep(0.1)
    assert process.poll() is None, process.communicate()[1]
    yield process, before
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_a_killed_worker_costs_no_answers(here, long_run):
    process, _ = long_run
    workers = [one for one in living(process.pid) if one.pid != process.pid]
    for worker in workers[-2:]:  # a nanny starts another one
        with suppress(psutil.NoSuchProcess):
            worker.kill()
            break
    err = process.communicate(timeout=240)[1]
    assert process.returncode == 0, err
    found = pd.read_parquet("answers").prediction
    assert len(found) == 600_000
    assert (found.to_numpy().reshape(4000, 150) == found[:150].to_numpy()).all()


@pytest.mark.slow
def test_ctrl_c_leaves_neither_answers_nor_processes(here, long_run):
    process, before = long_run
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers too
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert err.splitlines()[-1] == "twolayer: stopped; nothing was written"
    assert sorted(path.name for path in here.iterdir()) == before
    for _ in range(300):
        if not (left := living(process.pid)):
            break
        time.sleep(0.1)
    assert left == []

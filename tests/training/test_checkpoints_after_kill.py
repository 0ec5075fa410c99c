"""Trainings that are really killed, in processes of their own, end with the weights of one that never was."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import twolayer as tl
from twolayer.training.checkpoint_file import read_checkpoint

X = np.random.default_rng(0).standard_normal((30, 60))
Y = np.random.default_rng(1).standard_normal((30, 1))

PROGRAM = """
import sys
import numpy as np
import twolayer as tl
path, out, way = sys.argv[1:4]
rng = np.random.default_rng(0)
x, y = rng.standard_normal((100, 400)), rng.standard_normal((100, 3))
ways = {
    "span": {"solver": "gd", "learning_rate": 1e-6, "momentum": 0.9, "alpha": 0.1, "steps": 100000},
    "adam": {"solver": "adam", "learning_rate": 1e-4, "batch_size": 30, "engine": "compiled", "steps": 20000},
    "lbfgs": {"solver": "lbfgs", "engine": "numpy", "steps": 3000},
}
kept = {} if path == "-" else {"checkpoint": path, "checkpoint_every": 0, "resume": True}
print("ready", flush=True)
run = tl.train(x, y, tl.init_params(400, 20, 3), random_state=1, **ways[way], **kept)
np.savez(out, losses=run.losses, **dict(run.params.items()))
print("done", flush=True)
"""


def started(*words):
    """The program as a process of its own, about to train."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process):
    """Wait for the process to end well."""
    assert process.communicate(timeout=250)[0] == "done\n"
    assert process.returncode == 0


def stamp(path):
    return path.stat().st_mtime_ns if path.exists() else None


def wait_for_another(path, before, process):
    """Until the file has been written, or the process has ended."""
    while stamp(path) == before and process.poll() is None:
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("way", ["span", "adam", "lbfgs"])
def test_killed_at_random_moments(tmp_path, way):
    ended(started("-", tmp_path / "whole.npz", way))
    rng = np.random.default_rng()
    checkpoint, steps = tmp_path / "c", [0]
    for _ in range(5):
        before = stamp(checkpoint)
        process = started(checkpoint, tmp_path / "resumed.npz", way)
        wait_for_another(checkpoint, before, process)
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate()
        inside = read_checkpoint(checkpoint)["calls"][0]["inside"]
        if inside is None:  # a fast machine, which was done before
            break
        assert process.returncode == -signal.SIGKILL
        steps.append(len(inside["losses"]))
        assert steps[-1] > steps[-2]  # each goes on where the one before was
    assert len(steps) > 1
    ended(started(checkpoint, tmp_path / "resumed.npz", way))
    whole, resumed = np.load(tmp_path / "whole.npz"), np.load(tmp_path / "resumed.npz")
    assert whole.files == resumed.files
    for name in whole.files:
        assert whole[name].tobytes() == resumed[name].tobytes(), name
    assert {path.name for path in tmp_path.iterdir()} == {"c", "whole.npz", "resumed.npz"}


# ---- the command line


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table to fit, in the folder to work in."""
    rows = np.column_stack([X, Y])
    names = ",".join([*(f"c{k}" for k in range(60)), "y"])
    np.savetxt(tmp_path / "t.csv", np.vstack([rows] * 4), delimiter=",", header=names, comments="")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "t.csv"


FIT = ["fit", "t.csv", "--target", "y", "--n-hidden", "40", "--quiet"]
KEPT = ["--checkpoint", "c", "--every", "0", "--resume"]


def command(*words):
    return [sys.executable, "-c", "from twolayer.cli.main import main; main()", *words]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("more", [[], ["--cv", "3", "--n-networks", "2"]])
def test_fit_killed_ends_as_if_it_never_was(table, more):
    from twolayer.cli.main import main

    words = [*FIT, *more]
    rng, kills = np.random.default_rng(), 0
    for _ in range(3):
        before = stamp(table.with_name("c"))
        process = subprocess.Popen(command(*words, "--out", "b", *KEPT))
        wait_for_another(table.with_name("c"), before, process)
        time.sleep(rng.uniform(0, 0.2))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert kills
    for out, kept in (("a", []), ("b", KEPT)):
        with pytest.raises(SystemExit) as left:
            main([*words, "--out", out, *kept])
        assert not left.value.code
    whole, resumed = (tl.load(f"{out}/t.twolayer.safetensors") for out in "ab")
    assert whole.w1_.tobytes() == resumed.w1_.tobytes()
    assert whole.w2_.tobytes() == resumed.w2_.tobytes()
    settings = [table.with_name(out).joinpath("t.fit.toml").read_text() for out in "ab"]
    assert settings[0] == settings[1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--resume"], "--resume needs --checkpoint FILE"),
        (
            ["--checkpoint", "t.csv"],
            "t.csv cannot be read as a checkpoint: it is not a safetensors",
        ),
        (["--checkpoint", "no/c"], "checkpoint no/c cannot be written: no such folder"),
        (["--checkpoint", "c", "--every", "-1"], "--every must be"),
        (["--checkpoint", "d"], "d holds a checkpoint already: go on from it"),
        (["--checkpoint", "d", "--resume"], "d is the checkpoint of another training: "),
    ],
)
def test_options_that_cannot_be_used(table, capsys, more, said):
    from twolayer.cli.main import main

    tl.train(X, Y, tl.init_params(60, 8, 1), steps=2, checkpoint=table.with_name("d"))
    before = table.with_name("d").read_bytes()
    with pytest.raises(SystemExit) as left:
        main([*FIT, *more])
    assert left.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert table.with_name("d").read_bytes() == before
    assert {path.name for path in table.parent.iterdir()} == {"t.csv", "d"}

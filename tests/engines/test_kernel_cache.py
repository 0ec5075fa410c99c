"""Kernels on disk: compiled once, found again, and the same numbers either way."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import twolayer as tl

FIRST_AND_SECOND = """
import sys
import numpy as np
import twolayer as tl
x, y = np.ones((3, 2)), np.ones((3, 1))
run = tl.train(x, y, tl.init_params(2, 2, 1), engine="compiled", steps=5, momentum=0.5)
from twolayer.engines import kernels
stats = kernels.advance_descent.stats
print(tl.__file__, run.losses.tolist(), sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), sep="|")
"""


def in_a_process_of_its_own(env, code=FIRST_AND_SECOND, **how):
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True,
        check=False, **how,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split("|"), done.stderr


@pytest.mark.slow
def test_a_second_process_compiles_nothing(tmp_path):
    env = {"NUMBA_CACHE_DIR": str(tmp_path)}
    first, said = in_a_process_of_its_own(env)
    assert (
        said
        == "twolayer: compiling, once on this machine (up to a minute; `twolayer warmup` does it ahead)\n"
    )
    assert first[2:] == ["0", "1"]
    assert list(tmp_path.rglob("*.nbc"))
    second, said = in_a_process_of_its_own(env)
    assert said == ""
    assert second[2:] == ["1", "0"]
    assert second[1] == first[1]


def obey_permissions():
    """For a child process of root, which else may write anywhere: let go the right to (prctl's PR_CAPBSET_DROP)."""
    if os.getuid() == 0 and ctypes.CDLL(None).prctl(24, 1, 0, 0, 0) != 0:
        raise PermissionError


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="rights of Linux")
def test_where_the_package_cannot_be_written_the_cache_is_the_users(tmp_path):
    package, home = tmp_path / "lib" / "twolayer", tmp_path / "home"
    shutil.copytree(Path(tl.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    home.mkdir()
    folders = [package, *(path for path in package.rglob("*") if path.is_dir())]
    env = {
        "PYTHONPATH": str(package.parent),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "NUMBA_CACHE_DIR": "",
    }
    for folder in folders:
        folder.chmod(0o555)
    try:
        first, said = in_a_process_of_its_own(env, preexec_fn=obey_permissions)
        second, _ = in_a_process_of_its_own(env, preexec_fn=obey_permissions)
    except subprocess.SubprocessError:
        pytest.skip("root cannot give up its rights here")
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert Path(first[0]).parent == package
    assert "compiling" in said
    assert first[2:] == ["0", "1"]
    assert second[2:] == ["1", "0"]
    assert list(home.rglob("*.nbc"))
    assert not list(package.rglob("*.nbc"))


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="rights of Linux")
def test_where_nothing_can_be_written_it_runs_all_the_same(tmp_path):
    package = tmp_path / "lib" / "twolayer"
    shutil.copytree(Path(tl.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    folders = [tmp_path, package, *(path for path in package.rglob("*") if path.is_dir())]
    env = {
        "PYTHONPATH": str(package.parent),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "NUMBA_CACHE_DIR": "",
    }
    for folder in folders:
        folder.chmod(0o555)
    try:
        said, _ = in_a_process_of_its_own(env, preexec_fn=obey_permissions)
    except subprocess.SubprocessError:
        pytest.skip("root cannot give up its rights here")
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert Path(said[0]).parent == package
    assert said[2:] == ["0", "1"]
    assert not list(tmp_path.rglob("*.nbc"))


SOLVERS = """
import hashlib
from sklearn.datasets import load_breast_cancer
import twolayer as tl
x, y = load_breast_cancer(return_X_y=True)
x, y = (x - x.mean(0)) / x.std(0), y[:, None].astype(float)
params = tl.init_params(30, 50, 1, random_state=0)
for solver in ("lbfgs", "adam", "gd"):
    run = tl.train(x, y, params, loss="binary_log_loss", solver=solver, learning_rate=1e-3, alpha=3, steps=60, engine="compiled")
    print(solver, hashlib.sha256(run.params.w1.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_the_process_that_compiles_gets_the_numbers_of_those_after_it(tmp_path):
    env = {"NUMBA_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    first, said = in_a_process_of_its_own(env, SOLVERS)
    assert "compiling" in said
    second, said = in_a_process_of_its_own(env, SOLVERS)
    assert said == ""
    assert second == first

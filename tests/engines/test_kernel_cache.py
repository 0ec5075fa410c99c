"""Kernels on disk: compiled once, found again, and the same numbers either way."""

import ctypes
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import twolayer as tl

FIRST_AND_SECOND = """
import sys
import numpy as np
import twolayer as tl
x, y = np.ones((3, 2)), np.ones((3, 1))
run = tl.train(x, y, tl.init_params(2, 2, 1), engine="compiled", steps=5, momentum=0.5)
from twolayer.engines.compiled import steps as kernels
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
    gd, evaluation = said.splitlines()  # the objective at the end is an evaluation
    assert gd.startswith("twolayer: compiling the kernels for gd (float64), once on this machine")
    assert "for the loss and its gradients (float64), once" in evaluation
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


class Installed:
    """The package in a folder of its own, which nobody may write in, and a user whose home may be closed too."""

    def __init__(self, place):
        self.package, self.home = place / "lib" / "twolayer", place / "home"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(tl.__file__).parent, self.package, ignore=ignored)
        self.home.mkdir()

    @contextmanager
    def closed(self, *others):
        """Within it nothing can be written in the package, and in these folders."""
        inside = (path for path in self.package.rglob("*") if path.is_dir())
        folders = [self.package, *inside, *others]
        for folder in folders:
            folder.chmod(0o555)
        try:
            yield
        except subprocess.SubprocessError:
            pytest.skip("root cannot give up its rights here")
        finally:
            for folder in folders:
                folder.chmod(0o755)

    def run(self):
        env = {
            "PYTHONPATH": str(self.package.parent),
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "NUMBA_CACHE_DIR": "",
        }
        told, said = in_a_process_of_its_own(env, preexec_fn=obey_permissions)
        assert Path(told[0]).parent == self.package
        return told, said


on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="rights of Linux")


@pytest.mark.slow
@on_linux
def test_where_the_package_cannot_be_written_the_cache_is_the_users(tmp_path):
    installed = Installed(tmp_path)
    with installed.closed():
        first, said = installed.run()
        second, _ = installed.run()
    assert "compiling" in said
    assert first[2:] == ["0", "1"]
    assert second[2:] == ["1", "0"]
    assert list(installed.home.rglob("*.nbc"))
    assert not list(installed.package.rglob("*.nbc"))


@pytest.mark.slow
@on_linux
def test_where_nothing_can_be_written_the_cache_is_temporary(tmp_path, monkeypatch):
    installed = Installed(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    with installed.closed(installed.home, tmp_path):
        first, said = installed.run()
        second, _ = installed.run()
    assert f"are kept in {tmp_path}/tmp/twolayer-kernels-" in said
    assert (first[2:], second[2:]) == (["0", "1"], ["1", "0"])
    (folder,) = (tmp_path / "tmp").iterdir()
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["nbc", "nbi"])
def test_a_damaged_cache_is_made_anew(tmp_path, ending):
    env = {"NUMBA_CACHE_DIR": str(tmp_path)}
    first, _ = in_a_process_of_its_own(env)
    for path in tmp_path.rglob(f"*.{ending}"):
        path.write_bytes(path.read_bytes()[:40])
    second, said = in_a_process_of_its_own(env)
    assert said.count("are damaged (") == 1
    assert second[1:] == first[1:]
    third, said = in_a_process_of_its_own(env)
    assert (third[1:], said) == ([first[1], "1", "0"], "")


@pytest.mark.slow
def test_a_full_disk_costs_the_cache_and_not_the_run(tmp_path):
    full = """
import numba.core.caching as caching
def fail(*words):
    raise OSError(28, "No space left on device")
caching.IndexDataCacheFile._save_data = fail
"""
    told, said = in_a_process_of_its_own(
        {"NUMBA_CACHE_DIR": str(tmp_path)}, full + FIRST_AND_SECOND
    )
    assert told[2:] == ["0", "1"]
    assert said.count("cannot be stored in") == 1


SOLVERS = """
import hashlib
import numpy as np
from sklearn.datasets import load_breast_cancer
import twolayer as tl
from twolayer.maths.losses import LOSSES
x, y = load_breast_cancer(return_X_y=True)
x, y = (x - x.mean(0)) / x.std(0), y[:, None].astype(float)
params = tl.init_params(30, 50, 1, random_state=0)
for solver in ("lbfgs", "adam", "gd"):
    run = tl.train(x, y, params, loss="binary_log_loss", solver=solver, learning_rate=1e-3, alpha=3, steps=60, engine="compiled")
    print(solver, hashlib.sha256(run.params.w1.tobytes()).hexdigest())
rng = np.random.default_rng(0)
for n_rows, n_inputs, n_outputs in ((7, 3, 1), (80, 5, 2), (40, 12, 4), (60, 300, 3)):
    x, labels = rng.standard_normal((n_rows, n_inputs)) / 10, rng.integers(0, max(2, n_outputs), n_rows)
    labels = labels[:, None] * 1.0 if n_outputs == 1 else np.eye(n_outputs)[labels]
    params = tl.init_params(n_inputs, 6, n_outputs, scheme="glorot", random_state=0)
    for loss in LOSSES:
        for activation in ("relu", "tanh", "softplus"):
            for solver, more in (("gd", {}), ("adam", {"batch_size": 5}), ("lbfgs", {})):
                run = tl.train(
                    x, labels, params, loss=loss, activation=activation, solver=solver, learning_rate=1e-4, alpha=0.1,
                    steps=20, random_state=0, engine="compiled", span=False, **more,
                )
                numbers = run.params.w1.tobytes() + run.losses.tobytes()
                print(n_rows, loss, activation, solver, hashlib.sha256(numbers).hexdigest())
"""


@pytest.mark.slow
def test_the_process_that_compiles_gets_the_numbers_of_those_after_it(tmp_path):
    env = {"NUMBA_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    first, said = in_a_process_of_its_own(env, SOLVERS)
    assert "compiling" in said
    second, said = in_a_process_of_its_own(env, SOLVERS)
    assert said == ""
    assert second == first

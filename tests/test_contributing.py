"""The recipes of CONTRIBUTING.md are complete: applied to a copy of the package, they do what it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(
    re.findall(r"^### (.+?)\n[^#]*?^```diff\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
)
COPIED = ("src/twolayer", "tests/support")

LOSS = """
import numpy as np
from finite_differences import check_gradients
import twolayer as tl
from twolayer.maths.losses import LOSSES

rng = np.random.default_rng(0)
x = rng.standard_normal((20, 3))
y = np.sin(x[:, :2])
params = tl.init_params(3, 5, 2, random_state=rng)
settings = {"loss": "log_cosh", "activation": "tanh"}

def value(moved):
    return tl.loss_and_gradients(x, y, moved, **settings)[0]

check_gradients(value, tl.loss_and_gradients(x, y, params, **settings)[1], params)
run = tl.train(x, y, params, engine="numpy", learning_rate=0.1, steps=100, **settings)
assert run.final_loss < 0.5 * run.losses[0], (run.losses[0], run.final_loss)
z, t, grad = rng.standard_normal(4), rng.standard_normal(4), np.empty(4)
np.testing.assert_allclose(LOSSES["log_cosh"].row(z, t, grad, 0.0), np.log(np.cosh(z - t)).sum())
np.testing.assert_allclose(grad, np.tanh(z - t))
np.testing.assert_allclose(LOSSES["log_cosh"].elements(z, t), np.log(np.cosh(z - t)))
"""
ENGINE = """
import numpy as np
import twolayer as tl

rng = np.random.default_rng(0)
x, y, s = rng.standard_normal((100, 3)), rng.standard_normal((100, 2)), rng.uniform(0.5, 2, 100)
assert tl.engines()["numpy-blocks"] is None
for networks, batch_size in ((None, None), (2, 70)):
    params = tl.init_params(3, 5, 2, skip=True, random_state=1, n_networks=networks)
    settings = {"learning_rate": 1e-4, "steps": 30, "batch_size": batch_size, "random_state": 0}
    settings |= {"sample_weight": s, "alpha": 0.5, "l1": 0.1, "dropout": 0.2}
    expected = tl.train(x, y, params, engine="numpy", **settings)
    run = tl.train(x, y, params, engine="numpy-blocks", **settings)
    assert run.engine == "numpy-blocks"
    assert len(np.unique(run.losses)) == run.losses.size
    np.testing.assert_allclose(run.losses, expected.losses, rtol=1e-10)
    np.testing.assert_allclose(run.params.w1, expected.params.w1, rtol=1e-8, atol=1e-10)
"""
COMMAND = """
from contextlib import suppress
from twolayer.cli.main import main

for words in (["--help"], ["rungs"]):
    with suppress(SystemExit):
        main(words)
"""


@pytest.fixture
def copy(tmp_path):
    """The folder of a copy of the package."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def apply_recipe(copy, name):
    """Change the copy as that recipe says."""
    if shutil.which("git") is None:
        pytest.skip("the recipes are applied by git, which is not installed")
    done = subprocess.run(
        ["git", "apply", "--verbose", "-"],
        input=RECIPES[name].encode(),
        cwd=copy,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(copy.parent)},
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "Skipped" not in done.stderr.decode()


def output_of(copy, code):
    """What this program prints with the copy of the package."""
    path = os.pathsep.join(str(copy / folder) for folder in ("src", "tests/support"))
    check = f"import twolayer; assert twolayer.__file__.startswith({str(copy)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", check + code],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_has_the_recipes():
    assert list(RECIPES) == ["A loss", "An engine", "A command"]


def test_the_new_loss_trains_and_its_gradient_is_right(copy):
    apply_recipe(copy, "A loss")
    output_of(copy, LOSS)


def test_the_new_engine_trains_to_the_losses_of_numpy(copy):
    apply_recipe(copy, "An engine")
    output_of(copy, ENGINE)


def test_the_new_command_is_in_the_help_and_runs(copy):
    apply_recipe(copy, "A command")
    printed = output_of(copy, COMMAND)
    assert re.search(r"^ +rungs +List the engines", printed, re.MULTILINE)
    assert re.search(r"^numpy +NumPy, gradients by hand$", printed, re.MULTILINE)


def test_the_hooks_call_the_tools_of_make():
    hooks = re.findall(
        r"entry: \.venv-test/(bin/.*)", (ROOT / ".pre-commit-config.yaml").read_text()
    )
    calls = re.findall(
        r"\t\$\(TEST\)/(bin/(?:ruff|mypy).*)", (ROOT / "Makefile").read_text(encoding="utf-8")
    )
    # make checks the format of all files, a hook mends that of the changed ones
    assert hooks == [re.sub(r"( --check)? \.$", "", call) for call in calls]

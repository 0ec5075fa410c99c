"""A bare install has no libraries for tables, pictures and the command line: Python needs none of them, and what does says so."""

import subprocess
import sys

import pytest

ABSENT = (
    "typer",
    "rich",
    "polars",
    "matplotlib",
    "openpyxl",
    "onnx",
    "onnxruntime",
    "pandas",
    "dask",
    "distributed",
    "pyarrow",
)


def bare(code):
    """Run code in a Python in which these libraries cannot be imported."""
    block = (
        "import importlib.util, sys\n"
        f"absent = {ABSENT}\n"
        "for name in absent: sys.modules[name] = None\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name in absent else found(name, *more)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", block + code],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_fitting_saving_and_tracing_need_none_of_them(tmp_path):
    path = tmp_path / "m.safetensors"
    done = bare(
        "import numpy as np, twolayer as tl\n"
        "x = np.random.default_rng(0).normal(size=(40, 3)); y = x[:, 0] > 0\n"
        "model = tl.TwoLayerClassifier(5, alpha=1.0, n_networks=1, random_state=0).fit(x, y)\n"
        f"tl.save(model, {str(path)!r}); again = tl.load({str(path)!r})\n"
        "assert (again.predict(x) == model.predict(x)).all()\n"
        "print(tl.trace(x, x[:, :1], tl.init_params(3, 2, 1))[0])\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (
            "from twolayer import plots; plots.loss_curve([2.0, 1.0])",
            "a plot needs matplotlib, which is not installed: pip install 'twolayer[cli]'",
        ),
        (
            "import twolayer as tl; tl.to_onnx(tl.init_params(3, 2, 1))",
            "which is not installed: pip install 'twolayer[onnx]'",
        ),
        (
            "from twolayer.distributed.cluster import check_cluster_name as check; check('local[2]')",
            "--cluster needs distributed, which is not installed: pip install 'twolayer[dask]'",
        ),
        (
            "from twolayer.cli import main; main()",
            "the command line is not installed, only the Python package: pip install 'twolayer[cli]'",
        ),
    ],
)
def test_what_is_missing_is_told_with_the_line_that_installs_it(code, line):
    done = bare(code)
    assert done.returncode != 0
    assert line in done.stderr.splitlines()[-1]

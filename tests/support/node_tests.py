"""Tests in JavaScript, run by Node's own runner, which needs no packages."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "src" / "twolayer" / "watch" / "page"
NODE_AGE = 20  # the first version whose runner and modules are those of today


def node():
    """The path of Node; skips the test where there is none that is new enough."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").split(".")[0]) < NODE_AGE:
        pytest.skip(f"node {version.stdout.strip()} is older than {NODE_AGE}")
    return found


def run_node_test(path, numbers):
    """Run the tests of a file; they find what Python computed for them in the folder `numbers`."""
    done = subprocess.run(
        [node(), "--test", str(path)],
        env={**os.environ, "NUMBERS": str(numbers)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# skipped 0" in done.stdout
    return done.stdout

"""A command whose output is closed, full or no longer read still writes its files; what is expected is the same run, read to its end."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from slow_cases import slow

MAIN = [sys.executable, "-c", "from twolayer.cli.main import main; main()"]
FIT = ["fit", "t.csv", "--target", "y", "--n-hidden", "2", "--alpha", "1", "--n-networks", "1", "--max-iter", "5"]  # fmt: skip
MODEL = "t.twolayer.safetensors"
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="shells and descriptors as POSIX has them"
)


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).standard_normal((40, 3))
    np.savetxt("t.csv", rows, delimiter=",", header="a,b,y", comments="", fmt="%.6f")
    return tmp_path


def shell(words, redirection):
    """Run the command with its streams as the shell's text says; exit code of the command, and what was read."""
    script = f'"$@" {redirection}; exit ${{PIPESTATUS[0]}}'
    return subprocess.run(
        ["bash", "-c", script, "bash", *MAIN, *words], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["2>&-", *slow("| head -1", "<&- >&- 2>&-")])
def test_a_stream_that_is_closed_loses_nothing(table, redirection):
    done = shell(FIT, redirection)
    assert done.returncode == 0, done
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr
    names = {p.name for p in table.iterdir()}
    assert names == {"t.csv", MODEL, "t.loss.png", "t.fit.toml"}
    assert shell(["inspect", MODEL], "").returncode == 0


@pytest.mark.slow
@FULL
@pytest.mark.parametrize("also", ["", *slow("2>/dev/full")])
def test_a_full_output_loses_nothing_and_says_so(table, also):
    done = shell(FIT, f">/dev/full {also}")
    assert done.returncode == 2
    said = "twolayer: the output cannot be written: No space left on device\n"
    assert done.stderr.endswith("" if also else said)
    assert "Traceback" not in done.stderr
    assert {p.name for p in table.iterdir()} == {"t.csv", MODEL, "t.loss.png", "t.fit.toml"}


@pytest.mark.slow
@FULL
def test_files_are_whole_though_the_output_is_lost(table):
    shell([*FIT, "-q"], "")
    for words, out in [
        (["predict", MODEL, "t.csv", "--out", "p.csv"], "p.csv"),
        (["export", MODEL, "--to", "numpy", "--out", "e.py"], "e.py"),
    ]:
        assert shell(words, "").returncode == 0
        whole = Path(out).read_bytes()
        for redirection in ("| true", ">/dev/full 2>/dev/full"):
            Path(out).unlink()
            shell(words, redirection)
            assert Path(out).read_bytes() == whole, (words, redirection)


@pytest.mark.slow
def test_predictions_that_nobody_reads_end_quietly(table):
    shell([*FIT, "-q"], "")
    done = shell(["predict", MODEL, "t.csv"], "| true")
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr
    done = shell(["predict", MODEL, "t.csv"], "| head -1")
    assert (done.returncode, done.stdout) == (0, "prediction\n")

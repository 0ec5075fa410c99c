"""Ctrl-C in `twolayer fit`: a real signal to a real process, early and late, in a training and between two."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from twolayer.training import ctrl_c

CODE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from twolayer.cli.commands import fit
from twolayer.cli.main import main
print("here", flush=True)
main(sys.argv[1:])
"""
LINE = "twolayer: stopped; nothing was written\n"


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(300, 40))
    np.savetxt("t.csv", x, delimiter=",", header=",".join(f"c{j}" for j in range(40)), comments="")
    return Path("t.csv")


def pressed(words, marker, seconds):
    """Fit, press Ctrl-C so long after this line was said; exit code, and what was said on standard error."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", CODE, "fit", "t.csv", "--target", "c0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if marker in line:
            break
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    return process.returncode, but_compiling(err)


def but_compiling(err):
    """What was said, but for what a machine says on which nothing is compiled yet."""
    return "".join(line for line in err.splitlines(True) if "compiling" not in line)


LONG = ["--cv", "5", "--n-hidden", "100,200", "--max-iter", "3000"]  # minutes, many trainings


@pytest.mark.slow
@pytest.mark.parametrize(
    ("marker", "seconds", "words"),
    [
        ("here", 0.05, LONG),
        ("here", 0.5, LONG),
        ("rows to train on", 0.0, LONG),
        ("rows to train on", 1.0, LONG),
        ("rows to train on", 2.3, LONG),
        ("rows to train on", 4.1, LONG),
        ("rows to train on", 1.5, ["--n-networks", "300", "--n-hidden", "400", "--alpha", "0"]),
    ],
)
def test_ctrl_c_ends_a_fit_and_nothing_is_written(table, marker, seconds, words):
    code, said = pressed(words, marker, seconds)
    assert code == 130
    assert said in (LINE, "twolayer: stopped\n") if marker == "here" else said == LINE
    assert os.listdir() == ["t.csv"]


def test_ctrl_c_in_one_training_ends_the_fit(table, monkeypatch, capsys):
    """Pressed in the first chunk of the first training of a search: no second one begins."""
    from twolayer.cli.main import main
    from twolayer.engines import get_engine

    worker = type(get_engine("numpy"))
    original, chunks = worker.advance, []

    def press(self, state, plan):
        if not chunks:
            signal.raise_signal(signal.SIGINT)
        chunks.append(plan.steps)
        return original(self, state, plan)

    monkeypatch.setattr(worker, "advance", press)
    before = signal.getsignal(signal.SIGINT)
    for more in ([], ["--cv", "3"], ["--cv", "3", "--checkpoint", "kept"]):
        chunks.clear()
        with pytest.raises(SystemExit) as left:
            main(
                ["fit", "t.csv", "--target", "c0", "--engine", "numpy", "--n-networks", "1", *more]
            )
        kept = "--checkpoint" in more
        expected = LINE.replace("nothing was written", "with --resume it goes on from kept")
        assert (left.value.code, len(chunks)) == (130, 1)
        assert but_compiling(capsys.readouterr().err) == (expected if kept else LINE)
        assert sorted(os.listdir()) == (["kept", "t.csv"] if kept else ["t.csv"])
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_before_a_command_has_begun_is_one_line(monkeypatch, capsys):
    """As typer makes its commands: nothing of ours or of typer's listens yet."""
    from twolayer.cli import main

    def app(*words, **more):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(main, "app", app)
    # a shell that runs the tests in the background has them ignore Ctrl-C
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(SystemExit) as left:
            main.main(["demo"])
    finally:
        signal.signal(signal.SIGINT, before)
    assert (left.value.code, capsys.readouterr().err) == (130, "twolayer: stopped\n")


def test_a_press_that_was_swallowed_counts_and_one_that_comes_too_late_does_not():
    def swallow():
        with ctrl_c.ctrl_c_stops() as stop:
            with contextlib.suppress(KeyboardInterrupt):  # as inside a library's callback
                signal.raise_signal(signal.SIGINT)
            stop.is_too_late()

    with pytest.raises(ctrl_c.StoppedError, match="stopped; nothing was written"):
        swallow()
    with ctrl_c.ctrl_c_stops() as stop:
        stop.is_too_late()
        signal.raise_signal(signal.SIGINT)
    assert not stop.pressed

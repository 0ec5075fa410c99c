"""What a command reads it does not overwrite, and what goes wrong on the way out is one line."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import assert_refused

pytestmark = pytest.mark.usefixtures("blank_pictures")

OPTIONS = ["--n-hidden", 2, "--alpha", 1, "--n-networks", 1, "--max-iter", 5, "-q"]


@pytest.fixture
def table(here):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((40, 3))
    np.savetxt("t.csv", rows, delimiter=",", header="a,b,y", comments="", fmt="%.6f")
    return here


@pytest.mark.parametrize("name", ["t.fit.toml", "t.loss.png", "t.twolayer.safetensors"])
def test_labels_and_checkpoints_are_not_overwritten(table, twolayer, name):
    Path(name).write_text("id,y\n1,2\n")
    for option in ("--labels", "--checkpoint"):
        assert_refused(
            twolayer,
            table,
            ["fit", "t.csv", "--target", "y", option, name, *OPTIONS],
            f"{option} {name} would be overwritten",
        )
    elsewhere = Path("..", table.name, name)  # the same file by another way
    assert_refused(
        twolayer,
        table,
        ["fit", "t.csv", "--target", "y", "--checkpoint", elsewhere, *OPTIONS],
        "would be overwritten",
    )


def test_the_settings_that_were_given_stay_as_they_are(table, twolayer):
    notes = (
        '# my notes\ntable = "t.csv"\ntarget = ["y"]\nalpha = "1"\nn_hidden = "2"\nmax_iter = 5\n'
    )
    Path("t.fit.toml").write_text(notes)
    assert twolayer("fit", "--config", "t.fit.toml", "-q")[0] == 0
    assert Path("t.fit.toml").read_text() == notes
    assert Path("t.twolayer.safetensors").is_file()
    assert_refused(
        twolayer,
        table,
        ["fit", "--config", "t.fit.toml", "--seed", 1, "-q"],
        "would overwrite t.fit.toml",
    )
    assert twolayer("fit", "--config", "t.fit.toml", "--seed", 1, "--out", "other", "-q")[0] == 0
    assert "seed = 1\n" in Path("other/t.fit.toml").read_text()
    assert Path("t.fit.toml").read_text() == notes


def test_a_name_that_breaks_the_line_breaks_no_settings(table, twolayer):
    Path("t.csv").rename("n\nl.csv")
    assert twolayer("fit", "n\nl.csv", "--target", "y", *OPTIONS)[0] == 0
    again = twolayer("fit", "--config", "n\nl.fit.toml", "--out", "again", "-q")
    assert again[0] == 0, again
    first, second = (
        Path(place, "n\nl.twolayer.safetensors").read_bytes() for place in (".", "again")
    )
    assert first == second


@pytest.mark.parametrize("name", ["no\nsuch.csv", "no\x1b[31m.csv"])
def test_an_error_is_one_line_whatever_the_names_hold(table, twolayer, name):
    code, _, err = twolayer("fit", name, "--target", "y")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert err.rstrip("\n").isprintable()


def test_a_part_without_weight_is_told(table, twolayer):
    rows = np.loadtxt("t.csv", delimiter=",", skiprows=1)
    w = (np.arange(40) < 1).astype(int)
    np.savetxt(
        "w.csv", np.column_stack([rows, w]), delimiter=",", header="a,b,y,w", comments="", fmt="%g"
    )
    assert_refused(
        twolayer,
        table,
        ["fit", "w.csv", "--target", "y", "--weights", "w", *OPTIONS],
        "no row kept for",
    )


@pytest.mark.parametrize(("value", "column"), [("1.7e308", "a"), ("-3e120", "a"), ("1e200", "y")])
def test_numbers_too_large_are_told_where_they_stand(table, twolayer, value, column):
    lines = Path("t.csv").read_text().splitlines()
    lines[4] = ",".join(value if name == column else "1" for name in "aby")
    Path("t.csv").write_text("\n".join(lines))
    assert_refused(
        twolayer,
        table,
        ["fit", "t.csv", "--target", "y", *OPTIONS],
        "line 5 has .*, which is too large to compute with, in column '" + column,
    )


@pytest.mark.parametrize("more", [["--drop", "y"], ["--groups", "a", "--drop", "a"]])
def test_a_column_with_a_part_to_play_is_not_left_out(table, twolayer, more):
    words = ["fit", "t.csv", "--target", "y", *more, *OPTIONS]
    assert_refused(twolayer, table, words, f"column '{more[-1]}' has a role ")


def test_more_folds_than_rows_are_refused(table, twolayer):
    assert_refused(
        twolayer,
        table,
        ["fit", "t.csv", "--target", "y", "--cv", 1000, "-q"],
        "cv=1000 folds need a row each at least, and n_samples=30",
    )


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_that_is_full_is_one_line(table, twolayer):
    twolayer("fit", "t.csv", "--target", "y", *OPTIONS)
    code = (
        "from twolayer.cli.main import main; main(['predict', 't.twolayer.safetensors', 't.csv'])"
    )
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        2,
        "twolayer: the output cannot be written: No space left on device\n",
    )


def test_no_memory_is_one_line(monkeypatch, capsys):
    from twolayer.cli import main

    def app(*words, **more):
        raise MemoryError("Unable to allocate 55.9 GiB")

    monkeypatch.setattr(main, "app", app)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with pytest.raises(SystemExit) as left:
        main.main(["demo"])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said == "twolayer: there is not enough memory: Unable to allocate 55.9 GiB\n"


def test_a_folder_made_in_vain_is_taken_away(table, twolayer, monkeypatch):
    from twolayer import saving
    from twolayer.errors import FileError

    def full(contents):
        raise FileError("t.loss.png cannot be written: No space left on device")

    monkeypatch.setattr(saving, "write_files", full)
    code, _, err = twolayer("fit", "t.csv", "--target", "y", "--out", "new", *OPTIONS)
    assert (code, err) == (2, "twolayer: t.loss.png cannot be written: No space left on device\n")
    assert not Path("new").exists()


@pytest.mark.parametrize(
    ("header", "word"), [("a\x1b[2J,b,y", "x"), ("a,b,y", "x\x1b[2J"), ("a,b,y", "x\x07")]
)
def test_what_would_steer_a_terminal_is_refused_before_training(table, twolayer, header, word):
    rows = [f"{k % 7},{('u', word)[k % 2]},{k}" for k in range(40)]
    Path("t.csv").write_text("\n".join([header, *rows]))
    words = ["fit", "t.csv", "--target", "y", *OPTIONS]
    assert_refused(twolayer, table, words, "holds a control character: take it out of the file")
    if header == "a,b,y":
        words = ["fit", "t.csv", "--target", "b", *OPTIONS]
        assert_refused(twolayer, table, words, "holds a control character: take it out of the file")


def test_a_report_and_an_export_leave_what_they_read(table, twolayer):
    """The table stands where the page goes; the model where export's second file goes."""
    twolayer("fit", "t.csv", "--target", "y", *OPTIONS)
    Path("rep").mkdir()
    before = Path("t.csv").read_bytes()
    Path("t.csv").rename("rep/report.html")
    words = ["report", "t.twolayer.safetensors", "rep/report.html", "--out", "rep"]
    assert_refused(twolayer, table, words, "the table rep/report.html would be overwritten")
    Path("rep/report.html").rename("t.csv")
    Path("m.weights.npz").write_bytes(Path("t.twolayer.safetensors").read_bytes())
    words = ["export", "m.weights.npz", "--to", "numpy", "--out", "m.py"]
    assert_refused(twolayer, table, words, "m.weights.npz would overwrite what is read")
    assert Path("t.csv").read_bytes() == before

"""`twolayer demo`: the ladder, then a table written out, fitted and saved. The ladder is cut short here; `make demo` runs it all."""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import polars
import pytest

import twolayer as tl
from twolayer.cli.main import main
from twolayer.engines import ENGINE_NAMES
from twolayer.tutorial import ladder


@pytest.fixture
def short_ladder(monkeypatch):
    monkeypatch.setitem(ladder.PROGRAMS, "P1", replace(ladder.PROGRAMS["P1"], steps=5))


def call(*words):
    with pytest.raises(SystemExit) as left:
        main(["demo", *words])
    return left.value.code or 0


@pytest.mark.slow
@pytest.mark.usefixtures("short_ladder")
def test_from_the_ladder_to_a_saved_model(tmp_path, capsys):
    from sklearn.datasets import load_digits

    out = tmp_path / "new" / "folder"
    assert call("--out", str(out)) == 0
    printed = capsys.readouterr().out
    first_words = [line.split()[0] for line in printed.splitlines() if line.strip()]
    assert [name for name in first_words if name in ENGINE_NAMES] == list(
        ENGINE_NAMES
    )  # every engine here

    with (out / "digits.csv").open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    x, y = load_digits(return_X_y=True)
    assert header[-1] == "digit"
    assert [[float(cell) for cell in row] for row in rows] == [
        [*row, label] for row, label in zip(x, y, strict=True)
    ]

    *_, model_line, picture_line, settings_line = printed.splitlines()
    label, model = model_line.split(maxsplit=1)
    labels = (label, picture_line.split()[0], settings_line.split()[0])
    assert labels == ("model", "picture", "settings")
    table = polars.read_csv(out / "digits.csv").drop("digit")
    fitted = tl.load(model)
    pixels = table.select(
        fitted.feature_names_in_.tolist()
    )  # not those that are the same in every row
    assert (pixels.to_numpy().std(axis=0) > 0).all()
    assert (fitted.predict(pixels) == y).mean() > 0.97
    picture = Path(picture_line.split(maxsplit=1)[1])
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.slow
@pytest.mark.usefixtures("short_ladder")
def test_without_torch_it_runs_on_what_is_there(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert call("--out", str(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert (
        "Not installed: torch, torch-autograd, torch-function, torch-nn; `twolayer ladder` says how"
        in printed
    )
    assert (tmp_path / "digits.twolayer.safetensors").exists()


def test_a_folder_that_is_a_file_is_refused_before_anything_runs(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert call("--out", str(tmp_path / "file")) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "is a file, not a folder" in err

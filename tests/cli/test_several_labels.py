"""Several labels per row, and classes of equal weight, from the command line."""

import csv

import numpy as np
import pytest
from support.command_line import assert_refused, done

QUICK = ("--alpha", "1", "--n-networks", "1")


@pytest.fixture
def twolayer(capsys):
    return lambda *arguments: done(capsys, *arguments)


def labels(folder, third=("0", "1")):
    x = np.random.default_rng(8).normal(size=(150, 3)).round(3)
    rows = [
        f"{a},{b},{c},{int(a > 0)},{'yes' if b > 0 else 'no'},{third[int(c > 0)]}\n"
        for a, b, c in x
    ]
    path = folder / "l.csv"
    path.write_text("a,b,c,u,v,w\n" + "".join(rows))
    return path, (x > 0).astype(int)


def test_several_labels_a_row(twolayer, tmp_path):
    path, truth = labels(tmp_path)
    targets = [word for name in "uvw" for word in ("--target", name)]
    code, out, err = twolayer(
        "fit", path, *targets, "--task", "classification", "--out", tmp_path, *QUICK
    )
    assert code == 0, err
    assert "rows all right" in out
    model, written = tmp_path / "l.twolayer.safetensors", tmp_path / "p.csv"
    assert twolayer("predict", model, path, "--proba", "--out", written)[0] == 0
    names, *rows = csv.reader(written.read_text().splitlines())
    assert names == [f"{what}_{name}" for what in ("prediction", "probability") for name in "uvw"]
    found = np.array(rows, dtype=float)
    assert (found[:, :3] == truth).mean() > 0.9
    assert ((found[:, 3:] > 0.5) == found[:, :3]).all()
    assert twolayer("evaluate", model, path)[0] == 0


@pytest.mark.parametrize(
    ("third", "message"),
    [
        (("low", "high"), "column 'w' holds 'high', 'low': write 0 and 1"),
        (("1", "1"), "both in some rows"),
    ],
)
def test_labels_that_are_none_are_refused(twolayer, tmp_path, third, message):
    path, _ = labels(tmp_path, third)
    arguments = (
        "fit",
        path,
        "--target",
        "u",
        "--target",
        "w",
        "--task",
        "classification",
        "--out",
        tmp_path / "o",
    )
    assert_refused(twolayer, tmp_path, arguments, message, at_the_door=True)


def test_balanced_classes_find_more_of_the_rare_one(twolayer, tmp_path):
    r = np.random.default_rng(3)
    x = r.normal(size=(400, 2)).round(3)
    y = (x[:, 0] + r.normal(size=400) > 2.2).astype(int)
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n" + "".join(f"{a},{b},{k}\n" for (a, b), k in zip(x, y, strict=True)))
    found = {}
    for more in ((), ("--class-weight", "balanced")):
        out = tmp_path / str(len(more))
        assert twolayer("fit", path, "--target", "y", "--out", out, *QUICK, *more)[0] == 0
        _, rows, _ = twolayer("predict", out / "t.twolayer.safetensors", path)
        found[len(more)] = sum(line == "1" for line in rows.splitlines())
    assert found[2] > y.sum() > found[0]
    arguments = (
        "fit",
        path,
        "--target",
        "a",
        "--class-weight",
        "balanced",
        "--out",
        tmp_path / "o",
    )
    assert_refused(twolayer, tmp_path, arguments, "--class-weight is for classes")
    assert "--class-weight is balanced" in twolayer(*arguments[:5], "1")[2]

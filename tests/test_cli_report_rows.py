"""Which rows `report` and `evaluate` score, beside which constant, and what of the fit they know by themselves."""

import json

import numpy as np
import pandas
import pytest
from the_command_line import done

from twolayer.cli.main import main


def patients(seed=0):
    """Late rows have other shares of the classes than early ones; two rows or so for each patient."""
    rng = np.random.default_rng(seed)
    early = rng.permutation(np.repeat(["ALL", "AML", "healthy"], [12, 41, 16]))
    late = rng.permutation(np.repeat(["ALL", "AML", "healthy"], [11, 4, 8]))
    ill = np.r_[early, late]
    x = rng.standard_normal((92, 3))
    x[:, 0] += 0.8 * (ill == "AML")
    frame = pandas.DataFrame(x, columns=["p", "q", "r"])
    return frame.assign(
        day=np.arange(92), patient=[f"{k:03}" for k in rng.integers(46, size=92)], ill=ill
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A table, and models of it by time and by groups."""
    folder = tmp_path_factory.mktemp("patients")
    patients().to_csv(folder / "t.csv", index=False)
    for name, column, other in (("time", "day", "patient"), ("groups", "patient", "day")):
        arguments = ["fit", folder / "t.csv", "--target", "ill", "--out", folder / name, "--quiet"]
        arguments += ["--n-hidden", 3, "--alpha", 1, "--n-networks", 1]
        try:
            main([*map(str, arguments), f"--{name}", column, "--drop", other])
        except SystemExit as left:
            assert not left.code  # noqa: PT017
    return folder


def results(capsys, command, home, name, *more, table="t.csv"):
    arguments = [command, home / name / "t.twolayer.safetensors", home / table, "--json", *more]
    code, out, err = done(capsys, *arguments)
    assert (code, err) == (0, "")
    return json.loads(out)


def test_the_constant_is_the_best_for_the_rows_that_are_scored(home, tmp_path, capsys):
    told = results(capsys, "report", home, "time", "--time", "day", "--out", tmp_path)
    assert (told["rows"], told["held_out"]) == (23, True)
    guess = told["scores"]["constant guess"]
    assert guess["accuracy"] == pytest.approx(
        11 / 23
    )  # most rows of training are AML: 4 of 23 here
    shares = np.array([11, 4, 8]) / 23
    assert guess["log loss"] == pytest.approx(-(shares * np.log(shares)).sum())
    assert "most frequent class of these rows is right on 47.8%" in " ".join(told["verdict"])

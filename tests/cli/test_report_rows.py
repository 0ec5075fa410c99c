"""Which rows `report` and `evaluate` score, beside which constant, and what of the fit they know by themselves."""

import io
import json
import re

import numpy as np
import pandas
import pytest
from command_line import done

from twolayer.cli.commands import report as report_command
from twolayer.cli.main import main

pytestmark = pytest.mark.usefixtures("blank_pictures")


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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["time", "groups"])
def test_the_columns_of_the_fit_are_taken_by_themselves(home, tmp_path, capsys, name):
    column = {"time": "day", "groups": "patient"}[name]
    given = results(capsys, "report", home, name, f"--{name}", column, "--out", tmp_path / "a")
    alone = results(capsys, "report", home, name, "--out", tmp_path / "b")
    assert given["held_out"] is alone["held_out"] is True
    assert alone["scores"] == given["scores"]
    assert ("groups ('patient') that it never saw" in alone["verdict"][0]) is (name == "groups")
    model = home / name / "t.twolayer.safetensors"
    _, out, _ = done(capsys, "inspect", model)
    assert re.search(rf"--{name} +'{column}'", out)


def test_evaluate_warns_on_the_table_of_the_fit(home, capsys):
    _, out, _ = done(capsys, "evaluate", home / "time" / "t.twolayer.safetensors", home / "t.csv")
    assert "the model was trained on 69 of these rows, and every score here flatters it" in out
    patients(1).to_csv(home / "new.csv", index=False)
    told = results(capsys, "evaluate", home, "time", table="new.csv")
    assert not [one for one in told["notes"] if "was trained on" in one]


def test_columns_of_the_fit_that_are_not_there(home, tmp_path, capsys):
    patients().drop(columns="patient").to_csv(home / "less.csv", index=False)
    told = results(capsys, "evaluate", home, "groups", table="less.csv")
    (said,) = [one for one in told["notes"] if "--groups" in one]
    assert said.startswith("the fit used --groups patient, which is not taken here: ")
    told = results(capsys, "report", home, "groups", "--out", tmp_path, table="less.csv")
    assert told["held_out"] is None
    text = " ".join((tmp_path / "report.html").read_text(encoding="utf-8").split())
    assert "they are as many as the fit had" in text


def test_from_standard_input_it_is_asked_for(home, capsys, monkeypatch):
    words = io.TextIOWrapper(io.BytesIO((home / "t.csv").read_bytes()))
    monkeypatch.setattr("sys.stdin", words)
    _, out, err = done(capsys, "evaluate", home / "groups" / "t.twolayer.safetensors", "-")
    assert err == ""
    assert "the fit used --groups patient: give it too" in out


def test_beside_the_bars_it_says_that_no_few_inputs_stand_for_the_model(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x = pandas.DataFrame(rng.standard_normal((40, 150))).add_prefix("g")
    x.assign(y=rng.choice(["a", "b"], 40)).to_csv(tmp_path / "t.csv", index=False)
    how = ["--n-hidden", 2, "--alpha", 10, "--n-networks", 1, "--out", tmp_path / "time"]
    assert done(capsys, "fit", tmp_path / "t.csv", "--target", "y", *how)[0] == 0
    told = results(capsys, "report", tmp_path, "time", "--repeats", 1, "--out", tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    captions = re.findall(r'alt="([^"]+)".*?<figcaption>(.*?)</figcaption>', page, re.S)
    said = [
        title for title, words in captions if "of 150 inputs: as evenly as random weights" in words
    ]
    assert len(said) == (2 if told["importances"] else 1)
    assert said[-1].startswith("What the weights show")


def test_a_far_target_of_training_is_named_by_fit_and_report(tmp_path, capsys):
    """Rows of the test say nothing of it: 'worse than the mean' has its reason in a row of training."""
    x = pandas.DataFrame(np.random.default_rng(0).standard_normal((60, 2))).add_prefix("x")
    y = x["x0"].to_numpy().copy()
    y[3] = 1e4
    who = [f"S{k}" for k in range(60)]
    x.assign(y=y, who=who).to_csv(tmp_path / "t.csv", index=False)
    how = ["--n-hidden", 2, "--alpha", 10, "--n-networks", 1, "--out", tmp_path / "far"]
    code, out, _ = done(capsys, "fit", tmp_path / "t.csv", "--target", "y", *how)
    assert code == 0
    words = "the target 'y' is 10000 in row 'S3', far from all others"
    assert f"  warning: {words}" in out
    told = results(capsys, "report", tmp_path, "far", "--repeats", 1, "--out", tmp_path)
    assert told["warnings"][0].startswith(words)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("far from all others") == 1


def test_the_parts_of_a_long_report_are_announced(home, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(report_command, "MANY_VALUES", 10)
    words = ["report", home / "time/t.twolayer.safetensors", home / "t.csv", "--out", tmp_path]
    _, _, err = done(capsys, *words)
    assert [line.split()[0] for line in err.splitlines()] == [
        "predictions,",
        "importances",
        "pictures",
    ]
    assert done(capsys, *words, "--quiet")[2] == ""

"""`twolayer report`: the page is one file that asks the network for nothing, and its scores are those of scikit-learn."""

import base64
import contextlib
import io
import json
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas
import pytest
from sklearn import metrics
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler

import twolayer as tl
from twolayer.cli.main import main

VOID = {"meta", "img", "br", "hr", "link", "input"}
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Page(HTMLParser):
    """The tags of a page: whether each is closed, what pictures it holds, and what it says."""

    def __init__(self, text):
        super().__init__()
        self.open, self.pictures, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag == "img":
            self.pictures.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Folders with a table and the model fitted to it."""
    home = tmp_path_factory.mktemp("fitted")
    iris = load_iris(as_frame=True)
    frames = {
        "iris": iris.frame.assign(target=iris.target_names[iris.target]),
        "diabetes": load_diabetes(as_frame=True).frame,
    }
    rng = np.random.default_rng(0)
    x = pandas.DataFrame(rng.standard_normal((120, 3)), columns=["a<b>&", "$c$", "d"])
    x["colour"] = rng.choice(["red", "blue"], 120)
    frames["two"] = x.assign(u=x["d"] ** 2, v=x["$c$"] + (x["colour"] == "red"))
    targets = {"iris": ["target"], "diabetes": ["target"], "two": ["u", "v"]}
    for name, frame in frames.items():
        frame.to_csv(home / f"{name}.csv", index=False)
        named = [part for target in targets[name] for part in ("--target", target)]
        main_quietly(
            "fit",
            home / f"{name}.csv",
            *named,
            "--out",
            home,
            "--n-hidden",
            6,
            "--alpha",
            1,
            "--n-networks",
            2,
        )
    return home


def main_quietly(*arguments):
    try:
        main([*map(str, arguments), "--quiet"])
    except SystemExit as left:
        assert not left.code  # noqa: PT017


def page_of(folder):
    return Page((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def iris_report(fitted, tmp_path_factory):
    """The folder of a report on the flowers, and what was printed."""
    out = tmp_path_factory.mktemp("report") / "new" / "iris"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main(["report", str(fitted / "iris.twolayer.safetensors"), str(fitted / "iris.csv"),
              "--out", str(out), "--json"])  # fmt: skip
    return out, json.loads(printed.getvalue())


def test_a_page_of_classes(iris_report):
    out, _ = iris_report
    text = (out / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert "the 38 rows that the fit kept for the test, of 150" in page.text
    assert "http:" not in text
    assert "https:" not in text
    assert not [
        value
        for name, value in page.attributes
        if name in ("href", "onload") or (name == "src" and not value.startswith("data:"))
    ]
    beside = {path.read_bytes() for path in out.glob("*.png")}
    inside = {
        base64.b64decode(one["src"].removeprefix("data:image/png;base64,")) for one in page.pictures
    }
    assert inside == beside
    assert all(content.startswith(SIGNATURE) for content in inside)
    assert all(one["alt"] for one in page.pictures)
    names = {path.stem for path in out.glob("*.png")}
    assert names == {
        "confusion", "per_class", "roc", "calibration", "importances", "profiles", "regions", "by_weights", "loss", "steps",
        "units", "w1", "w2", "network",
    }  # fmt: skip


def test_the_scores_are_those_of_the_rows_kept_for_the_test(fitted, iris_report):
    _, results = iris_report
    frame = pandas.read_csv(fitted / "iris.csv")
    train, test = (
        np.sort(part)
        for part in train_test_split(
            np.arange(150), test_size=38, random_state=0, stratify=frame["target"]
        )
    )
    x, y = frame.drop(columns="target").to_numpy(), frame["target"].to_numpy()
    model = tl.load(fitted / "iris.twolayer.safetensors")
    scaler = StandardScaler().fit(x[train])
    linear = GridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": 10.0 ** np.arange(-4, 3)},
        scoring="neg_log_loss",
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    ).fit(scaler.transform(x[train]), y[train])
    model.__dict__.pop("feature_names_in_")
    for name, p in (
        ("two-layer network", model.predict_proba(x[test])),
        ("linear model", linear.predict_proba(scaler.transform(x[test]))),
    ):
        told = results["scores"][name]
        assert told["accuracy"] == pytest.approx(
            metrics.accuracy_score(y[test], np.unique(y)[p.argmax(axis=1)])
        )
        assert told["log loss"] == pytest.approx(metrics.log_loss(y[test], p), rel=1e-6)
    assert results["held_out"] is True
    assert results["rows"] == 38
    assert {one["unit"] for one in results["importances"]} == {"log loss"}
    assert results["importances"][0]["inputs"][0].startswith("petal")


@pytest.mark.slow
def test_a_page_of_several_numbers_with_names_that_html_and_formulas_would_eat(
    fitted, twolayer, tmp_path
):
    code, _, err = twolayer(
        "report", fitted / "two.twolayer.safetensors", fitted / "two.csv", "--out", tmp_path
    )
    assert (code, err) == (0, "")
    page = page_of(tmp_path)
    assert page.open == []
    assert "a<b>&" in page.text
    assert "$c$" in page.text
    names = {path.stem for path in tmp_path.glob("*.png")}
    assert {"predicted_1", "residuals_1", "predicted_2", "residuals_2"} <= names
    assert (
        "colour=red" not in page.text.split("Importances in numbers")[1]
    )  # one group: the column it is made from


@pytest.mark.slow
def test_other_rows_are_scored_as_they_are(fitted, twolayer, tmp_path):
    table = tmp_path / "some.csv"
    pandas.read_csv(fitted / "diabetes.csv").iloc[:60].to_csv(table, index=False)
    code, out, _ = twolayer(
        "report", fitted / "diabetes.twolayer.safetensors", table, "--out", tmp_path / "r"
    )
    assert code == 0
    assert "all 60 rows, of which the model may know some" in out
    assert "It is not known whether the model was trained on some of these rows" in out
    scores = page_of(tmp_path / "r").text.split("How linear the network is")[0].split("Scores")[1]
    assert "constant guess" in scores
    assert "linear model" not in scores


@pytest.mark.slow
def test_a_table_that_was_changed_is_not_taken_for_the_one_of_the_fit(fitted, twolayer, tmp_path):
    frame = pandas.read_csv(fitted / "diabetes.csv").sample(
        frac=1, random_state=1
    )  # the rows in another order
    frame.to_csv(tmp_path / "diabetes.csv", index=False)
    _, out, _ = twolayer(
        "report",
        fitted / "diabetes.twolayer.safetensors",
        tmp_path / "diabetes.csv",
        "--out",
        tmp_path / "r",
        "--json",
    )
    assert json.loads(out)["held_out"] is None


@pytest.mark.usefixtures("blank_pictures")
def test_a_model_from_python(twolayer, tmp_path):
    x = np.random.default_rng(0).standard_normal((60, 2))
    frame = pandas.DataFrame(x, columns=["p", "q"]).assign(r=x[:, 0] > 0)
    model = tl.TwoLayerClassifier(3, alpha=1, n_networks=1, random_state=0)
    tl.save(model.fit(frame[["p", "q"]], frame["r"]), tmp_path / "m.safetensors")
    frame.to_csv(tmp_path / "t.csv", index=False)
    code, out, err = twolayer(
        "report", tmp_path / "m.safetensors", tmp_path / "t.csv", "--out", tmp_path / "r"
    )
    assert (code, out) == (2, "")
    assert "name the column with --target" in err
    code, _, err = twolayer(
        "report",
        tmp_path / "m.safetensors",
        tmp_path / "t.csv",
        "--target",
        "r",
        "--out",
        tmp_path / "r",
    )
    assert (code, err) == (0, "")
    page = page_of(tmp_path / "r")
    assert "one of 2 classes: 'False', 'True'" in page.text
    # two inputs alone: the plane of both, and no others to hold still
    assert "Predictions over both inputs The plane" in page.text


@pytest.mark.usefixtures("blank_pictures")
def test_with_early_stopping_the_loss_on_rows_held_out_is_drawn(twolayer, tmp_path):
    x = np.random.default_rng(0).standard_normal((90, 2))
    model = tl.TwoLayerRegressor(
        3, alpha=0.1, n_networks=1, solver="adam", early_stopping=True, max_iter=40, random_state=0
    ).fit(pandas.DataFrame(x, columns=["p", "q"]), x[:, 0])
    tl.save(model, tmp_path / "m.safetensors")
    pandas.DataFrame(x, columns=["p", "q"]).assign(r=x[:, 0]).to_csv(
        tmp_path / "t.csv", index=False
    )
    code, _, err = twolayer(
        "report",
        tmp_path / "m.safetensors",
        tmp_path / "t.csv",
        "--target",
        "r",
        "--out",
        tmp_path / "r",
    )
    assert (code, err) == (0, "")
    assert "Red is the loss on held-out rows" in page_of(tmp_path / "r").text


@pytest.mark.usefixtures("blank_pictures")
def test_few_rows_all_alike(fitted, twolayer, tmp_path):
    frame = pandas.read_csv(fitted / "diabetes.csv")
    frame.iloc[[0]].to_csv(tmp_path / "one.csv", index=False)
    frame.iloc[[0, 0, 0]].to_csv(tmp_path / "alike.csv", index=False)
    model = fitted / "diabetes.twolayer.safetensors"
    code, _, err = twolayer("report", model, tmp_path / "one.csv", "--out", tmp_path / "r")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "one row only" in err
    code, out, err = twolayer("report", model, tmp_path / "alike.csv", "--out", tmp_path / "r")
    assert (code, err) == (0, "")
    assert "too few or too similar for an interval" in out
    assert not (tmp_path / "r" / "importances.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.safetensors", "iris.csv"], "nothing.safetensors"),
        (["iris.twolayer.safetensors", "nothing.csv"], "nothing.csv"),
        (["iris.twolayer.safetensors", "diabetes.csv"], "lacks 4 of the 4 columns"),
        (["iris.twolayer.safetensors", "iris.csv", "--repeats", "0"], "--repeats"),
        (
            ["iris.twolayer.safetensors", "iris.csv", "--out", "iris.csv/there"],
            "is a file, not a folder",
        ),
    ],
)
def test_what_goes_wrong_is_one_line_and_nothing_is_written(
    fitted, twolayer, monkeypatch, arguments, words
):
    monkeypatch.chdir(fitted)
    before = sorted(fitted.rglob("*"))
    code, out, err = twolayer("report", *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert words in err
    assert sorted(fitted.rglob("*")) == before


@pytest.mark.usefixtures("blank_pictures")
def test_a_report_that_cannot_be_written_leaves_the_old_one(fitted, twolayer, tmp_path):
    (tmp_path / "report.html").write_text("old")
    (tmp_path / "w2.png").mkdir()  # a folder stands where a picture would go
    code, _, err = twolayer(
        "report",
        fitted / "iris.twolayer.safetensors",
        fitted / "iris.csv",
        "--out",
        tmp_path,
        "--quiet",
    )
    assert code == 2
    assert "w2.png" in err
    assert (tmp_path / "report.html").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "w2.png"]


def test_help_needs_nothing_heavy():
    code = (
        "import sys; from twolayer.cli.commands import report;"
        "assert not {'matplotlib', 'sklearn', 'numba', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

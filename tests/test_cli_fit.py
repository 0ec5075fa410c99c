"""`twolayer fit` and `twolayer predict` on tables that scikit-learn carries; scores are computed again from the predictions."""

import csv
import inspect
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import twolayer as tl
from twolayer import saving
from twolayer.cli.fit import fit
from twolayer.cli.main import main

LOADERS = {"iris": load_iris, "cancer": load_breast_cancer, "diabetes": load_diabetes}


def frame_of(name):
    loaded = LOADERS[name](as_frame=True)
    frame = loaded.frame
    if name == "iris":
        frame["target"] = loaded.target_names[frame["target"]]
    return frame


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, with the tables beside it."""
    for name in LOADERS:
        frame_of(name).to_csv(tmp_path / f"{name}.csv", index=False)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def twolayer(capsys):
    def run(*arguments):
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as left:
            code = left.code or 0
        out, err = capsys.readouterr()
        return code, out, re.sub(r"twolayer: compiling.*\n", "", err)

    return run


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def printed_scores(out):
    """The table of scores as {model: [numbers]}."""
    found = re.findall(r"^(two-layer network|linear model|constant guess)((?: +\S+)+)$", out, re.M)
    return {name: [float(value) for value in values.split()] for name, values in found}


def split_rows(frame, classify, seed=0, test_size=0.25):
    """The rows kept for the test, as scikit-learn splits."""
    n_test = int(np.ceil(test_size * len(frame)))
    stratify = frame["target"] if classify else None
    rows = train_test_split(
        np.arange(len(frame)), test_size=n_test, random_state=seed, stratify=stratify
    )
    return [np.sort(part) for part in rows]


@pytest.mark.parametrize("name", ["iris", "cancer"])
def test_classification_from_table_to_predictions(here, twolayer, name):
    code, out, _ = twolayer("fit", f"../{name}.csv", "--target", "target", "--max-iter", 60)
    assert code == 0
    model_path, picture = f"{name}.twolayer.safetensors", f"{name}.loss.png"
    settings = f"{name}.fit.toml"
    assert sorted(p.name for p in here.iterdir()) == [settings, picture, model_path]
    assert f"model     {model_path}\npicture   {picture}\nsettings  {settings}\n" in out
    assert struct.unpack(">II", (here / picture).read_bytes()[16:24]) == (960, 600)

    frame = frame_of(name)
    train, test = split_rows(frame, classify=True)
    frame.iloc[test].to_csv("test.csv", index=False)
    code, csv_text, err = twolayer("predict", model_path, "test.csv", "--proba")
    assert (code, err) == (0, "left alone: 'target' (the target)\n")
    Path("p.csv").write_text(csv_text)
    predicted = pandas.read_csv("p.csv")
    classes = np.unique(frame["target"])
    assert list(predicted) == ["prediction", *(f"probability_{one}" for one in classes)]

    truth, shares = frame["target"].iloc[test].to_numpy(), predicted.iloc[:, 1:]
    linear = LogisticRegression(max_iter=1000)
    scaler = StandardScaler().fit(frame.drop(columns="target").iloc[train])
    x = scaler.transform(frame.drop(columns="target"))
    linear.fit(x[train], frame["target"].iloc[train])
    counts = frame["target"].iloc[train].value_counts(normalize=True)
    constant = np.full(len(test), counts.sort_index().idxmax())
    expected = {
        "two-layer network": (predicted["prediction"], shares),
        "linear model": (linear.predict(x[test]), linear.predict_proba(x[test])),
        "constant guess": (constant, np.tile(counts[classes], (len(test), 1))),
    }
    printed = printed_scores(out)
    assert printed.keys() == expected.keys()
    for model, (y_pred, probabilities) in expected.items():
        assert printed[model] == pytest.approx(
            [
                metrics.accuracy_score(truth, y_pred),
                metrics.recall_score(truth, y_pred, average="macro", zero_division=0),
                metrics.log_loss(truth, probabilities, labels=classes),
            ],
            abs=6e-5,
        ), model


def test_regression_from_table_to_predictions(here, twolayer):
    code, out, _ = twolayer(
        "fit",
        "../diabetes.csv",
        "--target",
        "target",
        "--alpha",
        30,
        "--seed",
        3,
        "--test-size",
        0.4,
    )
    assert code == 0
    frame = frame_of("diabetes")
    train, test = split_rows(frame, classify=False, seed=3, test_size=0.4)
    frame.drop(columns="target").iloc[test].to_csv("test.csv", index=False)
    code, csv_text, err = twolayer(
        "predict", "diabetes.twolayer.safetensors", "test.csv", "--out", "p.csv"
    )
    assert (code, csv_text, err) == (0, "", f"{len(test)} predictions in p.csv\n")
    predicted = pandas.read_csv("p.csv")
    assert list(predicted) == ["prediction"]
    truth = frame["target"].iloc[test].to_numpy()
    scaler = StandardScaler().fit(frame.drop(columns="target").iloc[train])
    x = scaler.transform(frame.drop(columns="target"))
    linear = RidgeCV(10.0 ** np.arange(-3, 5.5, 0.5)).fit(x[train], frame["target"].iloc[train])
    guesses = {
        "two-layer network": predicted["prediction"].to_numpy(),
        "linear model": linear.predict(x[test]),
        "constant guess": np.full(len(test), frame["target"].iloc[train].mean()),
    }
    printed = printed_scores(out)
    for model, y_pred in guesses.items():
        error = truth - y_pred
        r2 = 1 - (error**2).sum() / ((truth - truth.mean()) ** 2).sum()
        assert printed[model] == pytest.approx([r2, np.sqrt((error**2).mean())], abs=6e-5, rel=5e-4)


def test_the_model_is_the_estimator_fitted_on_the_training_rows_only(here, twolayer):
    """Whatever stands in the test rows: no leak, not even into the standardisation."""
    frame = frame_of("cancer")
    train, test = split_rows(frame, classify=True)
    twolayer("fit", "../cancer.csv", "--target", "target", "--max-iter", 20)
    model = tl.load("cancer.twolayer.safetensors")
    x, y = frame.drop(columns="target"), frame["target"]
    own = tl.TwoLayerClassifier(max_iter=20, random_state=0).fit(x.iloc[train], y.iloc[train])
    assert own.w1_.tobytes() == model.w1_.tobytes()
    assert model.feature_names_in_.tolist() == list(x.columns)

    spoiled = frame.copy()
    spoiled.iloc[test, :-1] *= 1000.0
    spoiled.to_csv("spoiled.csv", index=False)
    twolayer("fit", "spoiled.csv", "--target", "target", "--max-iter", 20)
    assert tl.load("spoiled.twolayer.safetensors").w1_.tobytes() == model.w1_.tobytes()


def test_the_file_says_what_it_was_trained_on(here):
    fit("../iris.csv", "target", "auto", 7, 0.5, "tanh", 20, 0.2, 9, ".", "numpy")
    model, about = saving.read("iris.twolayer.safetensors")
    assert model.w1_.shape == (5, 4, 7)
    assert model.n_iter_ == 20
    expected = {
        "n_hidden": 7,
        "alpha": 0.5,
        "activation": "tanh",
        "max_iter": 20,
        "random_state": 9,
        "engine": "numpy",
    }
    assert expected.items() <= model.get_params().items()
    scores = about.pop("scores")
    assert about.pop("encoder")["numbers"] == list(frame_of("iris").columns[:-1])
    kept = about.pop("training")
    assert len(kept["idle_units"]) == 5
    train, _ = split_rows(frame_of("iris"), classify=True, seed=9, test_size=0.2)
    spreads = frame_of("iris").iloc[train, :-1].std(ddof=0)
    assert kept["spreads"] == pytest.approx(spreads.tolist(), rel=1e-12)
    assert about == {
        "table": "iris.csv",
        "target": "target",
        "task": "classification",
        "rows": {"train": 120, "test": 30},
        "test_size": 0.2,
        "seed": 9,
    }
    assert set(scores) == {"two-layer network", "linear model", "constant guess"}


def test_what_is_said(here, twolayer):
    _, out, _ = twolayer("fit", "../iris.csv", "--target", "target", "--max-iter", 20)
    assert out.startswith(
        "../iris.csv: 150 rows, 4 input columns\n"
        "target 'target' holds text: classification\n"
        "classes (rows): setosa (50), versicolor (50), virginica (50)\n"
        "112 rows to train on, 38 kept for the test, seed 0\n"
        "trained 5 networks of 50 hidden units, alpha 1: 20 steps, loss 0."
    )
    _, out, _ = twolayer("fit", "../cancer.csv", "--target", "target", "--max-iter", 5)
    assert "2 different whole numbers: classification (if not, --task regression)" in out
    _, out, _ = twolayer(
        "fit", "../cancer.csv", "--target", "target", "--max-iter", 5, "--task", "regression"
    )
    assert "target 'target' holds numbers: regression" in out
    assert isinstance(tl.load("cancer.twolayer.safetensors"), tl.TwoLayerRegressor)


def test_a_network_that_is_worse_than_the_linear_model_is_called_so(here, twolayer):
    _, out, _ = twolayer("fit", "../diabetes.csv", "--target", "target", "--alpha", 0.01)
    scores = printed_scores(out)
    assert scores["two-layer network"][0] < scores["linear model"][0]  # or this test tests nothing
    assert "The network is worse than the linear model in R² (" in out
    assert "Prefer the linear model, or try a larger --alpha." in out


def test_out_is_a_folder_that_is_made_if_need_be(here, twolayer):
    code, out, _ = twolayer(
        "fit", "../iris.csv", "--target", "target", "--max-iter", 3, "--out", "new/deep"
    )
    assert code == 0
    assert sorted(p.name for p in Path("new/deep").iterdir()) == [
        "iris.fit.toml",
        "iris.loss.png",
        "iris.twolayer.safetensors",
    ]
    assert "model     new/deep/iris.twolayer.safetensors" in out


def test_from_python_with_plain_arguments(here):
    done = fit("../iris.csv", "target", max_iter=5, out="results")
    assert done.model_path == Path("results/iris.twolayer.safetensors")
    assert done.model_path.is_file()
    assert done.picture_path.is_file()
    assert done.model.n_iter_ == 5
    assert done.scores["two-layer network"]["accuracy"] > 0.5
    for parameter in inspect.signature(fit).parameters.values():
        assert parameter.default is inspect.Parameter.empty or isinstance(
            parameter.default, str | int | float | Path | None
        )


def test_the_same_seed_gives_the_same_file_but_for_nothing(here, twolayer):
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        twolayer(
            "fit",
            "../iris.csv",
            "--target",
            "target",
            "--max-iter",
            5,
            "--seed",
            seed,
            "--out",
            folder,
        )
    a, b, c = (Path(folder, "iris.twolayer.safetensors").read_bytes() for folder in "abc")
    assert a == b
    assert a != c


# ---- predict


@pytest.fixture
def iris_model(here, capsys):
    done = fit("../iris.csv", "target", max_iter=30, out="models")
    capsys.readouterr()
    return done.model_path


def test_columns_are_found_by_name(here, twolayer, iris_model):
    frame = frame_of("iris")
    frame.to_csv("usual.csv", index=False)
    turned = frame[list(frame.columns[::-1])]
    turned.insert(2, "note", "some text, ignored")
    turned.to_csv("turned.csv", index=False)
    _, usual, _ = twolayer("predict", iris_model, "usual.csv")
    _, other, err = twolayer("predict", iris_model, "turned.csv")
    assert usual == other
    assert len(usual.splitlines()) == 151
    assert err == "left alone: 'target', 'note'\n"


def test_predictions_are_the_models_to_the_last_bit(here, twolayer, iris_model):
    frame = frame_of("iris").drop(columns="target")
    frame.to_csv("t.csv", index=False)
    _, out, _ = twolayer("predict", iris_model, "t.csv", "--proba")
    read = list(csv.reader(out.splitlines()))[1:]
    model = tl.load(iris_model)
    probabilities = np.array([row[1:] for row in read], dtype=float)
    assert probabilities.tobytes() == model.predict_proba(frame).tobytes()
    assert [row[0] for row in read] == model.predict(frame).tolist()


def test_a_target_without_values_is_no_trouble_when_predicting(here, twolayer, iris_model):
    frame = frame_of("iris").head(3)
    frame["target"] = ""
    frame.to_csv("t.csv", index=False)
    code, out, _ = twolayer("predict", iris_model, "t.csv")
    assert (code, len(out.splitlines())) == (0, 4)


def test_models_saved_from_python_without_names_or_with_several_targets(here, twolayer):
    x, y = load_diabetes(return_X_y=True)
    model = tl.TwoLayerRegressor(3, max_iter=5).fit(x[:, :2], np.column_stack([y, -y]))
    tl.save(model, "m.safetensors")
    np.savetxt("t.csv", x[:4, :2], delimiter=",", header="a,b", comments="")
    code, out, err = twolayer("predict", "m.safetensors", "t.csv")
    assert code == 0
    assert out.splitlines()[0] == "prediction_1,prediction_2"
    assert len(out.splitlines()) == 5
    assert "knows no column names: taken in the table's order" in err
    np.savetxt("wide.csv", x[:4, :3], delimiter=",", header="a,b,c", comments="")
    code, out, err = twolayer("predict", "m.safetensors", "wide.csv")
    assert (code, out) == (2, "")
    assert "takes 2 columns" in err


# ---- bad input: one line, exit code 2, nothing written


def assert_refused(twolayer, folder, arguments, message):
    before = contents(folder)
    code, _, err = twolayer(*arguments)
    assert code == 2
    assert re.search(message, err), err
    assert err.startswith("twolayer: ")
    assert err.count("\n") == 1
    assert contents(folder) == before


ROWS = "".join(f"{i},{i * i},{'xy'[i % 2]}\n" for i in range(20))


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (f"a,b,kind\n{ROWS}", ["--target", "kin"], "no column 'kin'; did you mean 'kind'"),
        (
            f"a,b,kind\n{ROWS}7,red,x\n",
            ["--target", "kind"],
            "column 'b' holds numbers but for 'red' in line 22",
        ),
        (f"a,b,kind\n{ROWS}inf,1,x\n", ["--target", "kind"], "line 22 has inf.* in column 'a'"),
        (f"a,b,kind\n{ROWS}7,1,\n", ["--target", "kind"], "line 22 has no value in column 'kind'"),
        (f"a,b,kind\n{ROWS}7,1\n", ["--target", "kind"], "line 22 has 2 fields"),
        (f"a,a,kind\n{ROWS}", ["--target", "kind"], "columns 1 and 2 are both named 'a'"),
        (f"a,,kind\n{ROWS}", ["--target", "kind"], "column 2 has no name"),
        ("a,b,kind\n", ["--target", "kind"], "has a header but no rows"),
        ("", ["--target", "kind"], "is empty"),
        (b"a,kind\n1,\xff\n", ["--target", "kind"], "not text in UTF-8"),
        ("1,2,3\n4,5,6\n", ["--target", "kind"], "is the header missing"),
        ("kind\nx\ny\n", ["--target", "kind"], "has no column but the target 'kind'"),
        (
            "a,kind\n1,x\n2,x\n",
            ["--target", "kind"],
            "says 'x' in every row: two classes are needed",
        ),
        (f"a,b,kind\n{ROWS}7,1,z\n", ["--target", "kind"], "class 'z' of 'kind' has one row only"),
        (
            f"a,b,kind\n{ROWS}",
            ["--target", "kind", "--task", "regression"],
            "column 'kind' holds text",
        ),
        (
            f"a,b,kind\n{ROWS}",
            ["--target", "kind", "--task", "regresion"],
            "did you mean 'regression'",
        ),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--test-size", 0.01], "1 would be for the test"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--test-size", 0.99], "0 for training"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--test-size", 1], "share of the rows"),
        (
            f"a,b,kind\n{ROWS}",
            ["--target", "kind", "--test-size", 0],
            "--test-size must be a finite",
        ),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--n-hidden", 0], "--n-hidden must be a whole"),
        (
            f"a,b,kind\n{ROWS}",
            ["--target", "kind", "--n-hidden", 10**13],
            "more memory than there is",
        ),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--alpha", -1], "--alpha must be a finite"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--alpha", "nan"], "--alpha must be a finite"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--max-iter", 0], "--max-iter must be"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--seed", -1], "--seed must be"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--seed", 2**32], "--seed must be below"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--activation", "rleu"], "did you mean 'relu'"),
        (
            f"a,b,kind\n{ROWS}",
            ["--target", "kind", "--engine", "nunpy"],
            "no engine 'nunpy'.*choose one of",
        ),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--out", "t.csv"], "is a file, not a folder"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--out", "t.csv/x"], "is a file, not a folder"),
        ("a,b\n1.5,2.5\n", ["--target", "b"], "of 1 rows, 1 would be for the test"),
    ],
)
def test_fit_refuses(here, twolayer, table, options, message):
    Path("t.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    assert_refused(twolayer, here, ["fit", "t.csv", *options], message)


def test_fit_refuses_what_is_no_file(here, twolayer):
    assert_refused(
        twolayer,
        here,
        ["fit", "../irsi.csv", "--target", "y"],
        r"no file .*did you mean 'iris\.csv'",
    )
    assert_refused(twolayer, here, ["fit", "..", "--target", "y"], "is a folder")


def test_when_writing_fails_neither_file_is_there(here, twolayer):
    Path("iris.loss.png").mkdir()
    assert_refused(
        twolayer,
        here,
        ["fit", "../iris.csv", "--target", "target", "--max-iter", 3],
        r"iris\.loss\.png cannot be written: it is a folder",
    )


def test_predict_refuses(here, twolayer, iris_model):
    usual = frame_of("iris")
    usual.to_csv("usual.csv", index=False)
    usual.drop(columns=["petal width (cm)"]).rename(
        columns={"sepal length (cm)": "sepal lenght (cm)"}
    ).to_csv("lacks.csv", index=False)
    text = usual.astype(object)
    text.iloc[4, 1] = "wide"
    text.to_csv("text.csv", index=False)
    Path("cut.safetensors").write_bytes(iris_model.read_bytes()[:900])
    tl.save(tl.init_params(3, 2, 1), "params.safetensors")
    for arguments, message in [
        (
            [iris_model, "lacks.csv"],
            r"lacks 2 of the 4 columns .*: 'sepal length \(cm\)', 'petal width \(cm\)'; "
            r"did you mean 'sepal lenght \(cm\)'",
        ),
        ([iris_model, "text.csv"], r"column 'sepal width \(cm\)' holds text, .*'wide' in line 6"),
        ([iris_model, "none.csv"], "there is no file none.csv"),
        ([iris_model, "."], "is a folder"),
        (["none.safetensors", "usual.csv"], "none.safetensors cannot be read: No such file"),
        (
            ["usual.csv", "usual.csv"],
            "usual.csv cannot be read as a model: it is not a safetensors",
        ),
        (["cut.safetensors", "usual.csv"], "cut.safetensors cannot be read as a model: "),
        (["params.safetensors", "usual.csv"], "holds Params, which are weights only"),
        ([iris_model, "usual.csv", "--out", "usual.csv"], "would overwrite what is read"),
        ([iris_model, "usual.csv", "--out", iris_model], "would overwrite what is read"),
        ([iris_model, "usual.csv", "--out", "no/p.csv"], "p.csv cannot be written: No such file"),
        ([iris_model, "usual.csv", "--out", "."], "it is a folder"),
    ]:
        assert_refused(twolayer, here, ["predict", *arguments], message)


def test_predict_refuses_a_run(here, twolayer, iris_model):
    rng = np.random.default_rng(0)
    run = tl.train(
        rng.standard_normal((4, 3)),
        np.ones((4, 1)),
        tl.init_params(3, 2, 1),
        steps=2,
        engine="numpy",
    )
    tl.save(run, "run.safetensors")
    assert_refused(twolayer, here, ["predict", "run.safetensors", "../iris.csv"], "holds Run")


def test_the_program_itself_exits_with_2(here):
    code = "from twolayer.cli.main import main; main(['fit', 'none.csv', '--target', 'y'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "twolayer: there is no file none.csv\n"
    assert list(here.iterdir()) == []

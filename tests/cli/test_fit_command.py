"""`twolayer fit` on tables that scikit-learn carries; scores are computed again from the predictions."""

import inspect
import re
import struct
import warnings
from pathlib import Path

import numpy as np
import pandas
import pytest
from command_line import frame_of, write_tables
from sklearn import metrics
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler

import twolayer as tl
from twolayer import saving
from twolayer.cli.commands.fit import fit


@pytest.fixture
def here(here):
    write_tables(here.parent)
    return here


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
    linear = GridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": 10.0 ** np.arange(-4, 3)},
        scoring="neg_log_loss",
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    )
    scaler = StandardScaler().fit(frame.drop(columns="target").iloc[train])
    x = scaler.transform(frame.drop(columns="target"))
    linear.fit(x[train], frame["target"].iloc[train])
    counts = (
        frame["target"].iloc[test].value_counts(normalize=True)
    )  # the best guess for these rows
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
        "constant guess": np.full(len(test), truth.mean()),
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
    small = ["--max-iter", 20, "--n-hidden", 5, "--n-networks", 2]
    twolayer("fit", "../cancer.csv", "--target", "target", *small)
    model = tl.load("cancer.twolayer.safetensors")
    x, y = frame.drop(columns="target"), frame["target"]
    own = tl.TwoLayerClassifier(5, max_iter=20, n_networks=2, random_state=0)
    own.fit(x.iloc[train], y.iloc[train])
    assert own.w1_.tobytes() == model.w1_.tobytes()
    assert model.feature_names_in_.tolist() == list(x.columns)

    spoiled = frame.copy()
    spoiled.iloc[test, :-1] *= 1000.0
    spoiled.to_csv("spoiled.csv", index=False)
    twolayer("fit", "spoiled.csv", "--target", "target", *small)
    assert tl.load("spoiled.twolayer.safetensors").w1_.tobytes() == model.w1_.tobytes()


@pytest.mark.parametrize("written", ["2, 9", '"2,9"', "[2, 9]"])
def test_of_several_numbers_of_units_the_best_is_taken(here, twolayer, written):
    words = ["fit", "../iris.csv", "--target", "target", "--n-networks", 1]
    if written == "2, 9":
        code, out, _ = twolayer(*words, "--n-hidden", written)
    else:
        Path("units.toml").write_text(f"n_hidden = {written}\n")
        code, out, _ = twolayer(*words, "--config", "units.toml")
    model = tl.load("iris.twolayer.safetensors")
    assert code == 0
    assert model.n_hidden == [2, 9]
    assert f"of {model.n_hidden_} hidden units" in out
    assert twolayer(*words, "--config", "iris.fit.toml")[0] == 0


def test_the_file_says_what_it_was_trained_on(here):
    fit("../iris.csv", "target", "auto", 7, 0.5, "tanh", 20, 0.2, 9, ".", "numpy")
    model, about = saving.read_model("iris.twolayer.safetensors")
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
        "groups": None,
        "time": None,
        "weights": None,
    }
    assert set(scores) == {"two-layer network", "linear model", "constant guess"}


@pytest.mark.parametrize("more", [[], ["--cv", 3]])
def test_passes_that_ran_out_are_said_in_the_commands_own_words(here, twolayer, more, recwarn):
    warnings.simplefilter("always")
    _, out, err = twolayer("fit", "../iris.csv", "--target", "target", "--max-iter", 2, *more)
    assert (
        "\nwarning: Training used all its passes over the rows before it converged: try a larger --max-iter.\n"
        in out
    )
    assert "ConvergenceWarning" not in err
    assert not [one for one in recwarn if "max_iter" in str(one.message)]


def test_what_is_said(here, twolayer):
    _, out, _ = twolayer("fit", "../iris.csv", "--target", "target", "--max-iter", 20)
    assert out.startswith(
        "../iris.csv: 150 rows, 4 input columns\n"
        "target 'target' holds text: classification\n"
        "classes (rows): setosa (50), versicolor (50), virginica (50)\n"
        "112 rows to train on, 38 kept for the test, seed 0\n"
    )
    assert re.search(
        r"\ntrained 5 networks of 50 hidden units, alpha [\d.]+: 20 passes, loss 0\.", out
    )
    small = ["--max-iter", 5, "--alpha", 1, "--n-networks", 1]
    _, out, _ = twolayer("fit", "../cancer.csv", "--target", "target", *small)
    assert "2 different whole numbers: classification (if not, --task regression)" in out
    _, out, _ = twolayer(
        "fit", "../cancer.csv", "--target", "target", *small, "--task", "regression"
    )
    assert "target 'target' holds numbers: regression" in out
    assert isinstance(tl.load("cancer.twolayer.safetensors"), tl.TwoLayerRegressor)


def test_a_network_that_is_worse_than_the_linear_model_is_called_so(here, twolayer):
    _, out, _ = twolayer("fit", "../diabetes.csv", "--target", "target", "--alpha", 0.01)
    scores = printed_scores(out)
    assert scores["two-layer network"][0] < scores["linear model"][0]  # or this test tests nothing
    assert "it is significantly better than the network." in out
    assert (
        "Prefer it. alpha was given as 0.01; left to itself it is chosen on rows left out." in out
    )


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


@pytest.mark.slow
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


def test_noise_is_called_noise_in_a_line_of_the_command(here, twolayer):
    """Not as Python warns, with a file of ours and a line of its source."""
    x = np.random.default_rng(2).standard_normal((60, 20))
    frame = pandas.DataFrame(x).assign(y=np.arange(60) % 2)
    frame.to_csv("noise.csv", index=False)
    _, out, err = twolayer("fit", "noise.csv", "--target", "y", "--n-networks", 1)
    assert "\nwarning: on rows left out, no network was better than a constant prediction" in out
    assert "TwoLayerWarning" not in out + err

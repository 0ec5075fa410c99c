"""`evaluate` and `report` of models that predict several numbers, several labels, or counts: each target by itself."""

import json

import numpy as np
import pandas
import pytest
from command_line import assert_refused
from sklearn import metrics
from sklearn.exceptions import DataConversionWarning
from slow_cases import slow

import twolayer as tl

NAMES = ["a", "b", "c"]
LABELS = ["core", "wall"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Models from Python, and a table with what each of them predicts."""
    folder = tmp_path_factory.mktemp("several")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rng.standard_normal((120, 3)), columns=NAMES)
    frame["core"] = (frame["a"] + 0.5 * rng.standard_normal(120) > 0).astype(int)
    frame["wall"] = (frame["b"] * frame["c"] > 0.2).astype(int)
    frame["height"] = 170 + 9 * frame["a"] + rng.standard_normal(120)
    frame["share"] = 0.01 * frame["b"] + 0.005 * rng.standard_normal(120)
    frame["cells"] = rng.poisson(np.exp(1 + 0.5 * frame["a"]))
    how = {"n_hidden": 6, "alpha": 1, "n_networks": 2, "random_state": 0}
    models = {
        "labels": tl.TwoLayerClassifier(**how).fit(frame[NAMES], frame[LABELS]),
        "numbers": tl.TwoLayerRegressor(**how).fit(frame[NAMES], frame[["height", "share"]]),
        "counts": tl.TwoLayerRegressor(loss="poisson", **how).fit(frame[NAMES], frame["cells"]),
    }
    with pytest.warns(DataConversionWarning):
        one = tl.TwoLayerRegressor(**how).fit(frame[NAMES], frame[["height"]])
    models["one_column"] = one
    for name, model in models.items():
        tl.save(model, folder / f"{name}.safetensors")
    frame.to_csv(folder / "t.csv", index=False)
    frame.assign(core=frame["core"].map({0: "no", 1: "YES"}), wall=frame["wall"] == 1).to_csv(
        folder / "words.csv", index=False
    )
    return folder


def targets(*names):
    return [word for name in names for word in ("--target", name)]


def asked(home, name):
    """The truth and the model's answers, without the command line."""
    frame = pandas.read_csv(home / "t.csv")
    model = tl.load(home / f"{name}.safetensors")
    return frame, model, model.predict(frame[NAMES])


@pytest.mark.parametrize("table", ["t.csv", "words.csv"])
def test_evaluate_labels(home, twolayer, table):
    code, out, err = twolayer(
        "evaluate", home / "labels.safetensors", home / table, *targets(*LABELS), "--json"
    )
    assert (code, err) == (0, "")
    told = json.loads(out)
    frame, _, said = asked(home, "labels")
    y = frame[LABELS].to_numpy()
    assert told["scores"]["the model"]["rows all right"] == pytest.approx(
        metrics.accuracy_score(y, said)
    )
    assert told["scores"]["best constant"]["accuracy"] == pytest.approx(
        np.maximum(y.mean(axis=0), 1 - y.mean(axis=0)).mean()
    )
    wall = told["targets"]["wall"]["scores"]["the model"]["balanced accuracy"]
    assert wall == pytest.approx(metrics.balanced_accuracy_score(y[:, 1], said[:, 1]))


def test_evaluate_labels_in_words(home, twolayer):
    _, out, _ = twolayer("evaluate", home / "labels.safetensors", home / "t.csv", *targets(*LABELS))
    frame, _, said = asked(home, "labels")
    counts = metrics.confusion_matrix(frame["core"], said[:, 0])
    core = out.split("\ncore ")[1].split("\nwall ")[0].splitlines()
    assert core[-2].split() == ["no", *map(str, counts[0])]
    assert core[-1].split() == ["yes", *map(str, counts[1])]


def test_evaluate_several_numbers(home, twolayer):
    code, out, err = twolayer(
        "evaluate", home / "numbers.safetensors", home / "t.csv", *targets("height", "share")
    )
    assert (code, err) == (0, "")
    frame, _, said = asked(home, "numbers")
    y = frame[["height", "share"]].to_numpy()
    assert f"R²{metrics.r2_score(y, said):>26.4f}" in out
    height, share = out.split("\nheight ")[1].split("\nshare ")
    for k, text in enumerate((height, share)):
        rmse = metrics.root_mean_squared_error(y[:, k], said[:, k])
        assert f"RMSE{rmse:>24.4g}" in text


@pytest.mark.parametrize(("name", "columns"), [("counts", ["cells"]), ("one_column", ["height"])])
def test_evaluate_one_number_however_it_was_learned(home, twolayer, name, columns):
    _, out, err = twolayer(
        "evaluate", home / f"{name}.safetensors", home / "t.csv", *targets(*columns), "--json"
    )
    assert err == ""
    frame, _, said = asked(home, name)
    told = json.loads(out)["scores"]["the model"]["R²"]
    assert told == pytest.approx(metrics.r2_score(frame[columns[0]], said))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "columns", "pictures"),
    [
        ("labels", LABELS, {"per_label", "confusion", "roc", "calibration", "profiles"}),
        *slow(
            ("numbers", ["height", "share"], {"predicted_2", "residuals_1", "profiles_2"}),
            ("counts", ["cells"], {"predicted", "residuals", "profiles"}),
            ("one_column", ["height"], {"predicted", "residuals", "profiles"}),
        ),
    ],
)
def test_report(home, twolayer, tmp_path, name, columns, pictures):
    code, out, err = twolayer(
        "report", home / f"{name}.safetensors", home / "t.csv", *targets(*columns), "--out", tmp_path,
        "--repeats", "2", "--json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert pictures <= {path.stem for path in tmp_path.glob("*.png")}
    assert set(told.get("targets", columns)) == set(columns)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("Each target by itself" in page) == (len(columns) > 1)


def test_what_several_targets_refuse(home, twolayer, tmp_path):
    labels, table = home / "labels.safetensors", home / "t.csv"
    frame = pandas.read_csv(table)
    frame.assign(wall=frame["wall"].replace(1, 2)).to_csv(tmp_path / "two.csv", index=False)
    for command in ("evaluate", "report"):
        for words, message in (
            ([labels, table, *targets("core")], "predicts 2 labels a row, and 1 columns were named"),
            ([labels, tmp_path / "two.csv", *targets(*LABELS)], "has '2' in column 'wall', where .* needs 0 or 1"),
            ([home / "numbers.safetensors", table, *targets("height")], "predicts 2 numbers a row"),
            ([labels, table], "name the column with --target"),
        ):  # fmt: skip
            assert_refused(twolayer, tmp_path, [command, *words], message)

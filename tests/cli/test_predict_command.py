"""`twolayer predict`: columns are found by name, answers are the model's, and what cannot be predicted is refused."""

import csv
import json
from pathlib import Path

import numpy as np
import polars
import pytest
from command_line import assert_refused, frame_of, write_tables
from sklearn.datasets import load_diabetes

import twolayer as tl
from twolayer.cli.commands.fit import fit

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def here(here):
    write_tables(here.parent)
    return here


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


def test_targets_may_have_any_name(here, twolayer):
    rows = "".join(f"{i % 5},{i},{i * i % 7}\n" for i in range(12))
    Path("t.csv").write_text(f"a,y{{0}},prediction {{b\n{rows}")
    targets = ["--target", "y{0}", "--target", "prediction {b"]
    quick = ["--max-iter", 5, "--n-hidden", 2, "--alpha", 1, "--n-networks", 1]
    assert twolayer("fit", "t.csv", *targets, *quick)[0] == 0
    code, out, _ = twolayer("predict", "t.twolayer.safetensors", "t.csv", "--interval", 0.9)
    assert code == 0
    assert out.splitlines()[0] == (
        "prediction_y{0},prediction_prediction {b,low_y{0},low_prediction {b,high_y{0},high_prediction {b"
    )


def test_too_few_rows_for_the_interval_are_told_once(here, twolayer):
    x = np.random.default_rng(0).standard_normal((30, 2))
    rows = "".join(f"{a},{b},{a + b * b}\n" for a, b in x)
    Path("t.csv").write_text(f"a,b,y\n{rows}")
    assert twolayer("fit", "t.csv", "--target", "y", "--alpha", 1, "--n-hidden", 5, "-q")[0] == 0
    model = tl.load("t.twolayer.safetensors")
    n = len(model.spread_.residuals)
    code, _, err = twolayer("predict", "t.twolayer.safetensors", "t.csv", "--interval", 0.999)
    assert code == 0
    assert err.count(f"warning: {n} rows of training tell intervals up to a level of 0.95") == 1
    _, _, err = twolayer("predict", "t.twolayer.safetensors", "t.csv", "--interval", 0.8)
    assert "rows of training" not in err


def test_sets_of_classes_stand_in_a_column(here, twolayer, iris_model):
    frame = frame_of("iris").drop(columns="target")
    frame.to_csv("iris.csv", index=False)
    code, out, err = twolayer("predict", iris_model, "iris.csv", "--interval", 0.9, "--proba")
    assert code == 0, err
    names, *rows = csv.reader(out.splitlines())
    assert names[-1] == "set"
    assert names[1].startswith("probability_")
    model = tl.load(iris_model)
    sets = model.predict_set(frame, 0.9)
    expected = ["|".join(model.classes_[one]) for one in sets]
    assert [row[-1] for row in rows] == expected
    _, _, err = twolayer("predict", iris_model, "iris.csv", "--interval", 0.999)
    assert err.count("are in every set: of each there are") == 1


def test_inspect_says_that_the_rows_of_training_are_in_the_file(here, twolayer):
    x = np.random.default_rng(0).standard_normal((30, 2))
    model = tl.TwoLayerRegressor(3, alpha=1.0, n_networks=1, random_state=0).fit(x, x[:, 0])
    for keep_rows in (False, True):
        tl.save(model.keep_rows(x, x[:, 0]), "m.safetensors", keep_rows=keep_rows)
        out = twolayer("inspect", "m.safetensors")[1]
        assert ("30 rows of training are in the file, with the targets" in out) == keep_rows


def test_intervals_of_nearly_one_width_are_told_once(here, twolayer):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 50))
    model = tl.TwoLayerRegressor(3, alpha=1.0, n_networks=1, random_state=0).fit(x, x[:, 0])
    tl.save(model, "wide.twolayer.safetensors")
    np.savetxt("w.csv", x, delimiter=",", header=",".join(f"x{j}" for j in range(50)), comments="")
    code, _, err = twolayer("predict", "wide.twolayer.safetensors", "w.csv", "--interval", 0.8)
    assert code == 0, err
    assert err.count("warning: the width of the intervals hardly differs from row to row") == 1


def test_classes_of_text_stay_text_in_parquet(here, twolayer):
    kinds = ["01", "02", "x"]
    rows = "".join(f"{i % 5},{i % 3},{kinds[i % 3]}\n" for i in range(30))
    Path("t.csv").write_text(f"a,b,kind\n{rows}")
    Path("new.csv").write_text("a,b\n1,0\n2,1\n")
    quick = ["--max-iter", 40, "--n-hidden", 3, "--alpha", 0.1, "--n-networks", 1]
    assert twolayer("fit", "t.csv", "--target", "kind", *quick)[0] == 0
    model = "t.twolayer.safetensors"
    assert twolayer("predict", model, "new.csv")[1] == "prediction\n01\n02\n"
    assert twolayer("predict", model, "new.csv", "--out", "p.parquet")[0] == 0
    assert polars.read_parquet("p.parquet")["prediction"].to_list() == ["01", "02"]


def test_a_delimiter_that_is_not_found_by_itself(here, twolayer):
    """A colon separates, though commas are more."""
    rows = "".join(f"{i % 5}:{i % 3}:{'uv'[i % 3 > 0]}\n" for i in range(30))
    Path("t.csv").write_text(f"a,b,c,d:e:kind\n{rows}")
    quick = ["--max-iter", 9, "--n-hidden", 2, "--alpha", 1, "--n-networks", 1, "--quiet"]
    colon = ["--delimiter", ":"]
    assert twolayer("fit", "t.csv", "--target", "kind", *colon, *quick)[0] == 0
    for command in ("predict", "evaluate"):
        assert twolayer(command, "t.twolayer.safetensors", "t.csv", *colon)[0] == 0
        assert twolayer(command, "t.twolayer.safetensors", "t.csv")[0] == 2


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
        ([iris_model, "usual.csv", "--out", "no/p.csv"], "there is no folder no: make it"),
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


def test_rows_far_from_training_are_counted_and_marked(here, twolayer):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 80)).round(3)
    y = np.where(a + b > 0, "p", "q")
    polars.DataFrame({"a": a, "b": b, "y": y}).write_csv("t.csv")
    twolayer("fit", "t.csv", "--target", "y", "--alpha", 1, "--n-networks", 1)
    polars.DataFrame({"a": [1e6, 0.1], "b": [0.0, -0.2], "y": ["p", "q"]}).write_csv("far.csv")
    code, out, err = twolayer("predict", "t.twolayer.safetensors", "far.csv")
    assert code == 0
    assert out.splitlines()[0] == "prediction,outside_training"
    assert [line.split(",")[1] for line in out.splitlines()[1:]] == ["yes", "no"]
    assert "1 of 2 rows lies far outside what the model was trained on (row 1 is the first)" in err
    _, out, _ = twolayer("evaluate", "t.twolayer.safetensors", "far.csv")
    assert "1 of 2 rows lies far outside" in out
    _, out, _ = twolayer("report", "t.twolayer.safetensors", "far.csv", "--out", "r")
    assert "1 of 2 rows lies far outside" in Path("r/report.html").read_text()
    _, out, err = twolayer("predict", "t.twolayer.safetensors", "t.csv")
    assert out.splitlines()[0] == "prediction"
    assert "outside" not in err


@pytest.mark.parametrize("fitted_turned", [True, False])
def test_the_names_of_rows_stand_beside_the_answers_in_every_layout(here, twolayer, fitted_turned):
    """Of a table with samples in rows, or in columns, whichever the model was fitted on."""
    rng = np.random.default_rng(0)
    samples = [f"s{k}" for k in range(40)]
    genes = rng.normal(size=(40, 3)).round(2)
    rows = {"patient": samples, **{f"g{j}": genes[:, j] for j in range(3)}}
    polars.DataFrame(rows).write_csv("rows.csv")
    turned = {"gene": [f"g{j}" for j in range(3)], **dict(zip(samples, genes, strict=True))}
    polars.DataFrame(turned).write_csv("turned.csv")
    polars.DataFrame({"patient": samples, "y": genes[:, 0]}).write_csv("y.csv")
    how = ["turned.csv", "--transpose"] if fitted_turned else ["rows.csv"]
    quick = ["--alpha", 1, "--n-networks", 1, "--n-hidden", 2, "--max-iter", 5]
    more = ["--labels", "y.csv", "--id", "patient", "--target", "y"]
    assert twolayer("fit", *how, *more, *quick)[0] == 0
    model = f"{how[0][:-4]}.twolayer.safetensors"
    for table in (["rows.csv"], ["turned.csv", "--transpose"]):
        code, out, err = twolayer("predict", model, *table)
        assert code == 0
        assert "left alone" not in err
        assert [line.split(",")[0] for line in out.splitlines()[1:]] == samples
    polars.DataFrame({**rows, "patient": ["a"] * 40}).write_csv("same.csv")
    _, out, err = twolayer("predict", model, "same.csv")
    if fitted_turned:  # names nothing
        assert out.startswith("prediction\n")
        assert err == "left alone: 'patient'\n"


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
def test_codes_keep_their_zeros_in_classes_and_row_names(here, twolayer, known):
    """Predictions can be joined with the user's own codes, whether the table of training had the names or not."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=60)
    labels = np.where(a > 0, "01", "02")
    names = [f"{k:03}" for k in rng.permutation(60)]
    table = polars.DataFrame({"id": names, "a": a, "kind": labels})
    table.write_csv("named.csv")
    table.drop([] if known else ["id"]).write_csv("t.csv")
    small = ["--alpha", "1", "--n-networks", "1", "--n-hidden", "2", "--max-iter", "30"]
    code, out, _ = twolayer("fit", "t.csv", "--target", "kind", *small)
    assert code == 0
    assert f"classes (rows): 01 ({sum(a > 0)}), 02 ({sum(a <= 0)})" in out
    model = "t.twolayer.safetensors"
    assert twolayer("predict", model, "named.csv", "--proba", "--out", "p.csv")[0] == 0
    found = polars.read_csv("p.csv", infer_schema_length=0)
    assert found.columns == ["id", "prediction", "probability_01", "probability_02"]
    assert found["id"].to_list() == names
    assert set(found["prediction"]) == {"01", "02"}
    right = found.join(table, on="id").filter(polars.col("prediction") == polars.col("kind"))
    code, out, _ = twolayer("evaluate", model, "named.csv", "--json")
    assert code == 0
    assert json.loads(out)["scores"]["the model"]["accuracy"] == len(right) / 60


def test_a_folder_that_is_not_there_is_refused_at_once(here, twolayer, iris_model):
    words = ["predict", iris_model, "../iris.csv", "--out", "nowhere/a.csv"]
    assert_refused(
        twolayer, here, words, "--out nowhere/a.csv: there is no folder nowhere: make it"
    )

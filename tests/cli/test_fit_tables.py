"""From a table of any kind to an answer: what the commands print and write, checked against polars and scikit-learn."""

import io
import json
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import polars
import pytest
from sklearn import metrics

import twolayer as tl
from twolayer import saving
from twolayer.cli.output import Output
from twolayer.errors import TwoLayerWarning

pytestmark = pytest.mark.usefixtures("blank_pictures")

QUICK = ["--max-iter", "30", "--n-hidden", "8", "--n-networks", "2", "--alpha", "1"]


def patients(n=80):
    rng = np.random.default_rng(0)
    age = rng.integers(20, 80, n)
    smoker = rng.choice(["yes", "no"], n)
    tissue = rng.choice(["liver", "lung", "skin"], n)
    risk = np.round(
        0.05 * age + 2 * (smoker == "yes") + 1.5 * (tissue == "lung") + rng.normal(0, 0.5, n), 3
    )
    return polars.DataFrame(
        {
            "patient": [f"P{i:03}" for i in range(n)],
            "age": [None if i % 9 == 4 else int(a) for i, a in enumerate(age)],
            "smoker": smoker,
            "tissue": tissue,
            "batch": np.full(n, 7),
            "site": [f"s{i % 8}" for i in range(n)],
            "day": [f"2021-03-{1 + i % 28:02}" for i in range(n)],
            "weight": np.where(np.arange(n) % 2, 1.0, 0.5),
            "risk": risk,
            "dose": np.round(risk * 2 + rng.normal(0, 0.1, n), 3),
            "outcome": np.where(risk > 4.5, "case", "control"),
        }
    )


@pytest.fixture
def here(here):
    patients().write_csv("p.csv")
    return here


@pytest.fixture
def twolayer(twolayer):
    """Run a command that ends with this exit code: output, and what went to standard error."""

    def run(*arguments, code=0):
        left, out, err = twolayer(*arguments)
        assert left == code, err
        return out, err

    return run


USUAL = [
    "--target",
    "outcome",
    "--drop",
    "day",
    "--drop",
    "risk",
    "--drop",
    "dose",
    "--drop",
    "weight",
]


def test_a_table_of_many_kinds(here, twolayer):
    out, _ = twolayer("fit", "p.csv", *USUAL, *QUICK)
    assert out.startswith("p.csv: 80 rows, 4 input columns, which make 14 inputs\n")
    for line in (
        "  'patient' names the rows",
        "  nothing is learned from 'batch': the same in every row of training",
        "  yes or no: 'smoker'",
        "  categories: 'tissue' (3), 'site' (8)",
        "  9 missing values filled in, in 'age'",
    ):
        assert line in out.splitlines()
    names = tl.load("p.twolayer.safetensors").feature_names_in_.tolist()
    assert names[:2] == ["age", "smoker"]
    assert names[-1] == "age is missing"
    assert sorted(names[2:5]) == ["tissue=liver", "tissue=lung", "tissue=skin"]

    out, err = twolayer("predict", "p.twolayer.safetensors", "p.csv", "--proba")
    answers = polars.read_csv(io.StringIO(out))
    assert answers.columns == ["patient", "prediction", "probability_case", "probability_control"]
    assert answers["patient"].to_list() == patients()["patient"].to_list()
    shares = answers.select("probability_case", "probability_control").to_numpy()
    assert shares.sum(axis=1) == pytest.approx(1)
    assert answers["prediction"].to_list() == [["case", "control"][k] for k in shares.argmax(1)]
    assert "left alone: 'day', 'weight', 'risk', 'dose', 'outcome'" in err
    assert "9 missing values filled in, in 'age'" in err


def test_predictions_as_parquet_and_categories_never_seen(here, twolayer):
    twolayer("fit", "p.csv", *USUAL, *QUICK)
    new = (
        patients()
        .head(5)
        .with_columns(tissue=polars.Series(["liver", "bone", "bone", "lung", "eye"]))
    )
    new.write_parquet("new.parquet")
    _, err = twolayer(
        "predict", "p.twolayer.safetensors", "new.parquet", "--out", "answers.parquet"
    )
    assert "3 rows have a 'tissue' that training did not have: 'bone', 'eye'" in err
    assert "5 predictions in answers.parquet" in err
    answers = polars.read_parquet("answers.parquet")
    assert answers.schema == {"patient": polars.String, "prediction": polars.String}
    twolayer("predict", "p.twolayer.safetensors", "new.parquet", "--out", "answers.csv", "--quiet")
    assert polars.read_csv("answers.csv").equals(answers)
    assert {p.name for p in here.iterdir() if p.name.startswith(".")} == set()


def test_blocks_make_no_difference(here, twolayer, monkeypatch):
    from twolayer.tables.readers import delimited

    twolayer("fit", "p.csv", *USUAL, *QUICK)
    whole, _ = twolayer("predict", "p.twolayer.safetensors", "p.csv", "--proba")
    monkeypatch.setattr(delimited, "CHARACTERS_PER_BLOCK", 200)
    parts, _ = twolayer("predict", "p.twolayer.safetensors", "p.csv", "--proba")
    read = [polars.read_csv(io.StringIO(text)) for text in (whole, parts)]
    assert read[0].select("patient", "prediction").equals(read[1].select("patient", "prediction"))
    np.testing.assert_allclose(*(one["probability_case"].to_numpy() for one in read), rtol=1e-12)


def test_numbers_with_their_interval(here, twolayer):
    rest = [word for word in USUAL if word not in ("outcome", "risk")]
    words = ["fit", "p.csv", "--target", "risk", "--drop", "outcome", *QUICK]
    twolayer(*words, "--drop", "day", "--drop", "dose", "--drop", "weight")
    assert rest
    out, _ = twolayer("predict", "p.twolayer.safetensors", "p.csv", "--interval", "0.8")
    answers = polars.read_csv(io.StringIO(out))
    assert answers.columns == ["patient", "prediction", "low", "high"]
    table = patients()
    model, about = saving.read_model("p.twolayer.safetensors")
    from twolayer import tables

    encoder = tables.Encoder.from_json(about["encoder"], model.n_features_in_, "m")
    x = encoder.encode(tables.read_table("p.csv"))
    model.feature_names_in_ = None
    del model.feature_names_in_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TwoLayerWarning)  # 30 steps leave the width constant
        low, high = model.predict_interval(x, level=0.8)
    np.testing.assert_array_equal(answers["low"].to_numpy(), low)
    np.testing.assert_array_equal(answers["high"].to_numpy(), high)
    assert ((low < table["risk"].to_numpy()) & (table["risk"].to_numpy() < high)).mean() > 0.5


def test_several_targets(here, twolayer):
    words = ["--target", "risk", "--target", "dose", "--drop", "outcome", "--drop", "day"]
    out, _ = twolayer("fit", "p.csv", *words, *QUICK)
    assert "targets 'risk, dose' hold numbers: regression\n" in out
    out, _ = twolayer("predict", "p.twolayer.safetensors", "p.csv", "--interval", "0.9")
    header = "patient,prediction_risk,prediction_dose,low_risk,low_dose,high_risk,high_dose"
    assert out.splitlines()[0] == header
    out, _ = twolayer("evaluate", "p.twolayer.safetensors", "p.csv", "--json")
    answers = polars.read_csv(
        io.StringIO(twolayer("predict", "p.twolayer.safetensors", "p.csv")[0])
    )
    truth = patients().select("risk", "dose").to_numpy()
    expected = metrics.r2_score(
        truth, answers.select("prediction_risk", "prediction_dose").to_numpy()
    )
    assert json.loads(out)["scores"]["the model"]["R²"] == pytest.approx(expected, rel=1e-12)


def test_groups_stay_together_and_time_goes_on(here, twolayer):
    words = ["fit", "p.csv", *USUAL[:2], "--drop", "risk", "--drop", "dose", *QUICK]
    out, _ = twolayer(*words, "--drop", "day", "--groups", "site")
    assert (
        "60 rows to train on, 20 kept for the test, seed 0, whole groups" in out
    )  # 2 of 8 sites of 10 rows
    out, _ = twolayer(*words, "--time", "day", "--test-size", "0.2")
    latest = sorted(patients()["day"])[-16]
    count = (patients()["day"] >= latest).sum()
    assert f"{80 - count} rows to train on, {count} kept for the test, the latest" in out
    assert "day" not in tl.load("p.twolayer.safetensors").feature_names_in_


def test_weights_count_in_training_and_scores(here, twolayer):
    words = [
        "fit",
        "p.csv",
        *USUAL[:2],
        "--drop",
        "risk",
        "--drop",
        "dose",
        "--drop",
        "day",
        *QUICK,
    ]
    twolayer(*words, "--weights", "weight", "--out", "weighted")
    twolayer(*words, "--drop", "weight", "--out", "plain")
    model, about = saving.read_model("weighted/p.twolayer.safetensors")
    plain, _ = saving.read_model("plain/p.twolayer.safetensors")
    assert "weight" not in model.feature_names_in_
    assert not np.array_equal(model.w1_, plain.w1_)
    out, _ = twolayer(
        "evaluate", "weighted/p.twolayer.safetensors", "p.csv", "--weights", "weight", "--json"
    )
    answers, _ = twolayer("predict", "weighted/p.twolayer.safetensors", "p.csv")
    table = patients()
    right = polars.read_csv(io.StringIO(answers))["prediction"] == table["outcome"]
    expected = np.average(right, weights=table["weight"])
    assert json.loads(out)["scores"]["the model"]["accuracy"] == pytest.approx(expected, rel=1e-12)
    assert about["scores"]["two-layer network"]["accuracy"] > 0.5
    shares = np.array(json.loads(out)["confusion_weights"])
    assert shares.trace() / shares.sum() == pytest.approx(expected, rel=1e-12)
    out, _ = twolayer("evaluate", "weighted/p.twolayer.safetensors", "p.csv")
    assert "  Each row counts by its weight ('weight') in every score: 80 rows of these" in out
    assert "how much of the weight ('weight') is in rows of a class (line) that were taken" in out
    assert "how many rows of a class (line) were taken for which (column), each row once\n" in out


def test_genes_in_rows_and_labels_in_another_file(here, twolayer):
    rng = np.random.default_rng(1)
    genes = polars.DataFrame({"gene": [f"G{j}" for j in range(30)]})
    sick = np.arange(24) % 3 == 0
    for i in range(24):
        genes = genes.with_columns(
            polars.Series(f"s{i}", np.round(rng.normal(size=30) + 2 * sick[i], 3))
        )
    genes.write_csv("expr.tsv", separator="\t")
    labels = polars.DataFrame({"sample": [f"s{i}" for i in range(23, -1, -1)] + ["s99"]})
    labels = labels.with_columns(
        state=polars.Series(["sick" if s else "well" for s in sick[::-1]] + ["well"])
    )
    labels.write_csv("labels.csv")
    words = ["expr.tsv", "--transpose", "--labels", "labels.csv", "--id", "sample"]
    out, _ = twolayer("fit", *words, "--target", "state", *QUICK)
    assert out.startswith("expr.tsv: 24 rows, 30 input columns\n")
    assert "  1 row is in labels.csv but not in expr.tsv, and left out: 's99'\n" in out
    answers, _ = twolayer("predict", "expr.twolayer.safetensors", "expr.tsv", "--transpose")
    read = polars.read_csv(io.StringIO(answers))
    assert read["sample"].to_list() == [f"s{i}" for i in range(24)]
    assert (read["prediction"] == np.where(sick, "sick", "well")).mean() > 0.9
    out, _ = twolayer("evaluate", "expr.twolayer.safetensors", *words)
    assert "expr.tsv: 24 rows" in out


def test_a_sparse_table(here, twolayer):
    import scipy.sparse
    from sklearn.datasets import dump_svmlight_file

    x = scipy.sparse.random_array((60, 40), density=0.2, random_state=0, format="csr")
    y = (np.asarray(x.sum(axis=1)).ravel() > 4).astype(int)
    dump_svmlight_file(x, y, "s.svm", zero_based=False)
    twolayer("fit", "s.svm", "--target", "target", *QUICK)
    out, _ = twolayer("predict", "s.twolayer.safetensors", "s.svm")
    assert len(out.splitlines()) == 61
    out, _ = twolayer("evaluate", "s.twolayer.safetensors", "s.svm", "--json")
    assert json.loads(out)["scores"]["the model"]["accuracy"] > 0.8


def test_standard_input(here, twolayer, monkeypatch):
    class Input:
        def __init__(self):
            self.buffer = io.BufferedReader(io.BytesIO(Path("p.csv").read_bytes()))

    monkeypatch.setattr(sys, "stdin", Input())
    twolayer("fit", "-", *USUAL, *QUICK)
    assert Path("stdin.twolayer.safetensors").is_file()
    expected, _ = twolayer("predict", "stdin.twolayer.safetensors", "p.csv")
    monkeypatch.setattr(sys, "stdin", Input())
    assert twolayer("predict", "stdin.twolayer.safetensors", "-")[0] == expected


def test_the_settings_repeat_the_fit(here, twolayer, monkeypatch):
    twolayer("fit", "p.csv", *USUAL, *QUICK, "--seed", "5", "--out", "first")
    assert "max_iter = 30\n" in Path("first/p.fit.toml").read_text()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    twolayer("fit", "--config", "../first/p.fit.toml", "--out", "again")
    first = Path("../first/p.twolayer.safetensors").read_bytes()
    assert Path("again/p.twolayer.safetensors").read_bytes() == first
    twolayer("fit", "--config", "../first/p.fit.toml", "--out", "other", "--seed", "6")
    assert Path("other/p.twolayer.safetensors").read_bytes() != first
    assert "seed = 6\n" in Path("other/p.fit.toml").read_text()


def test_choosing_by_cross_validation(here, twolayer):
    words = ["fit", "p.csv", *USUAL, "--max-iter", "20", "--n-networks", "1", "--json"]
    out, _ = twolayer(*words, "--cv", "3", "--n-hidden", "3,6", "--alpha", "0.1,10")
    told = json.loads(out)
    assert told["n_hidden"] in (3, 6)
    assert told["alpha"] in (0.1, 10)
    model = tl.load("p.twolayer.safetensors")
    assert type(model).__name__ == "TwoLayerClassifierCV"
    assert set(model.cv_results_["param_n_hidden"]) == {3, 6}
    assert model.cv == 3
    for more in (["--groups", "site"], ["--time", "day"]):
        usual = [word for word in words if word != "day"]
        usual = (
            words
            if more[0] == "--groups"
            else [w for k, w in enumerate(words) if "day" not in words[k : k + 2]]
        )
        twolayer(*usual, "--cv", "3", "--alpha", "1", *more)


def test_json_is_all_that_is_printed_and_quiet_nothing(here, twolayer):
    out, _ = twolayer("fit", "p.csv", *USUAL, *QUICK, "--json")
    told = json.loads(out)
    assert told["rows"] == {"train": 60, "test": 20}
    assert told["files"]["model"] == "p.twolayer.safetensors"
    assert "'patient' names the rows" in told["notes"]
    for words in (["fit", "p.csv", *USUAL, *QUICK], ["evaluate", "p.twolayer.safetensors", "p.csv"],
                  ["inspect", "p.twolayer.safetensors"]):  # fmt: skip
        assert twolayer(*words, "--quiet")[0] == ""
        json.loads(twolayer(*words, "--json")[0])


def test_evaluate(here, twolayer):
    twolayer("fit", "p.csv", *USUAL, *QUICK)
    table = patients()
    answers = polars.read_csv(
        io.StringIO(twolayer("predict", "p.twolayer.safetensors", "p.csv", "--proba")[0])
    )
    out, _ = twolayer("evaluate", "p.twolayer.safetensors", "p.csv")
    truth, said = table["outcome"].to_numpy(), answers["prediction"].to_numpy()
    accuracy = metrics.accuracy_score(truth, said)
    loss = metrics.log_loss(
        truth, answers.select("probability_case", "probability_control").to_numpy()
    )
    often = max(np.mean(truth == "case"), np.mean(truth == "control"))
    rows = {
        line[:19].strip(): line[19:].split() for line in out.splitlines() if "to" in line.split()
    }
    assert rows["accuracy"][0] == f"{accuracy:.4f}"
    assert rows["accuracy"][4] == f"{often:.4f}"
    assert rows["log loss"][0] == f"{loss:.4f}"
    assert float(rows["accuracy"][1]) < accuracy < float(rows["accuracy"][3])
    counts = metrics.confusion_matrix(truth, said)
    assert out.splitlines()[-2].split() == ["case", *map(str, counts[0])]
    assert out.splitlines()[-1].split() == ["control", *map(str, counts[1])]


def test_evaluate_a_model_from_python(here, twolayer):
    table = patients()
    x, y = table.select("risk", "dose").to_numpy(), table["outcome"].to_numpy()
    tl.save(tl.TwoLayerClassifier(4, max_iter=20, random_state=0).fit(x, y), "m.safetensors")
    table.select("risk", "dose", "outcome").write_csv("t.csv")
    _, err = twolayer("evaluate", "m.safetensors", "t.csv", code=2)
    assert "was not told what it predicts: name the column with --target" in err
    model = tl.TwoLayerClassifier(4, max_iter=20, random_state=0).fit(
        table.select("risk", "dose"), y
    )
    tl.save(model, "m.safetensors")
    out, _ = twolayer("evaluate", "m.safetensors", "t.csv", "--target", "outcome", "--json")
    assert json.loads(out)["scores"]["the model"]["accuracy"] == model.score(
        table.select("risk", "dose"), y
    )


def test_inspect(here, twolayer):
    twolayer("fit", "p.csv", *USUAL, *QUICK)
    out, _ = twolayer("inspect", "p.twolayer.safetensors", "--top", "3")
    model = tl.load("p.twolayer.safetensors")
    size = sum(w.size for w in (model.w1_, model.b1_, model.w2_, model.b2_))
    told = dict(re.findall(r"^  (\S.*?)  +(\S.*)$", out, re.MULTILINE))
    assert told["weights"].startswith(f"{size:,} (2 networks of {size // 2:,}); the file has ")
    assert told["network"].startswith("14 inputs, 8 hidden units (relu), 1 output")
    assert told["with gaps"] == "1: 'age'"
    assert "left out" in told
    assert "the 3 of 14 inputs with the largest share" in out
    told = json.loads(twolayer("inspect", "p.twolayer.safetensors", "--json")[0])
    assert told["importances"][0]["input"] in (
        "age",
        "smoker",
        "tissue=lung",
    )  # what the risk was made of
    assert 0 < told["importances"][0]["share"] < 1


def test_is_it_real(here, twolayer):
    table = patients(40)
    rng = np.random.default_rng(3)
    table = table.select("age", "risk", "outcome").with_columns(
        luck=polars.Series(rng.permutation(["u", "v"] * 20))
    )
    table.write_csv("t.csv")
    words = ["--n", "30", "--cv", "3", "--n-hidden", "4"]
    out, _ = twolayer("test", "t.csv", "--target", "outcome", "--drop", "luck", *words)
    assert (
        "p = 0.0323. No shuffle scores as high: the columns probably tell something" in out
    )  # 1 of 31
    assert "95% interval" in out
    out, _ = twolayer("test", "t.csv", "--target", "luck", "--drop", "outcome", *words, "--json")
    told = json.loads(out)
    as_high = sum(
        score >= told["permutation"]["score"] for score in told["permutation"]["null_scores"]
    )
    assert told["permutation"]["p_value"] == (as_high + 1) / 31 > 0.05


def test_progress_in_a_log_and_on_a_terminal(capsys, monkeypatch):
    from twolayer.cli import output

    now = [0.0]
    monkeypatch.setattr(output.time, "perf_counter", lambda: now[0])
    with Output().progress("rows", 100) as progress:
        for seconds, done in ((0.5, 1), (5, 10), (11, 20), (15, 30), (22, 40)):
            now[0] = seconds
            progress.to(done)
    assert capsys.readouterr().err == "rows: 20 of 100 (20%), 11 s\nrows: 40 of 100 (40%), 22 s\n"
    with Output(quiet=True).progress("rows", 100) as progress:
        now[0] = 100
        progress.to(50)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Output().progress("rows", 100) as progress:
        now[0] = 200
        progress.to(50)
        assert progress.bar is not None

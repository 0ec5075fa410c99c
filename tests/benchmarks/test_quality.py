"""The quality benchmark on tables made up in a folder of the test's own: what it computes, skips, writes and refuses."""

import json

import numpy as np
import pytest
from scipy.io import savemat
from scipy.stats import norm

from benchmarks import datasets, published_figures, quality, uci_regression, wide_classification
from benchmarks.__main__ import main
from benchmarks.pls_classifier import PLSClassifier
from benchmarks.scores import mean_and_error
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


def test_mean_and_standard_error():
    assert mean_and_error([1.0, 2.0, 3.0]) == pytest.approx((2, 1 / np.sqrt(3)))
    assert np.isnan(mean_and_error([1.0])[1])


def test_every_contender_meets_the_same_folds(data):
    names = wide_classification.matching_classifiers(["nearest"])
    table = wide_classification.wide_table("colon", 1, lambda text: None, names)
    assert len(table["folds"]) == 5
    ours, other = table["models"]
    assert (ours["name"], other["name"]) == (wide_classification.OURS, "NearestCentroid")
    above = [
        fold[wide_classification.OURS]["score"] - fold["NearestCentroid"]["score"]
        for fold in table["folds"]
    ]
    assert other["ours_above"] == pytest.approx(mean_and_error(above))
    assert ours["score"][0] > 90


def test_models_to_compare_with_are_named_by_their_beginnings():
    assert wide_classification.matching_classifiers(["ridge", "PLS"]) == [
        wide_classification.OURS,
        "RidgeClassifierCV",
        "PLS-DA (5 components)",
    ]
    assert wide_classification.matching_classifiers([]) == list(wide_classification.classifiers(0))
    with pytest.raises(ValueError, match="there is no model 'rigde' to compare with: choose from"):
        wide_classification.matching_classifiers(["rigde"])


def test_pls_tells_classes_apart():
    rng = np.random.default_rng(0)
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    x = rng.standard_normal((60, 20)) + 3 * np.eye(20)[np.arange(60) % 3]
    assert PLSClassifier(3).fit(x[:30], y[:30]).score(x[30:], y[30:]) > 0.8


def test_the_published_tables_are_about_the_same_tables():
    assert published_figures.RMSE.keys() == published_figures.NLL.keys() == set(uci_regression.UCI)
    for table in (*published_figures.RMSE.values(), *published_figures.NLL.values()):
        assert len(table) == len(published_figures.COLUMNS)


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


def test_a_damaged_table_is_told(data):
    (data / "uci" / "yacht" / "index_train_1.txt").write_text("no number")
    with pytest.raises(FileError, match="cannot be read"):
        uci_regression.uci_split(data / "uci" / "yacht", 1)
    (data / "wide" / "colon.mat").write_bytes(b"nothing")
    with pytest.raises(FileError, match="cannot be read"):
        datasets.read_wide_table(data / "wide" / "colon.mat")


def test_a_table_or_model_that_is_not_there_is_refused(capsys):
    for words, message in [
        (["colum"], "invalid choice: 'colum'"),
        (["colon", "--against", "rigde"], "there is no model 'rigde' to compare with"),
    ]:
        with pytest.raises(SystemExit) as left:
            main(["quality", *words])
        assert left.value.code == 2
        assert message in capsys.readouterr().err

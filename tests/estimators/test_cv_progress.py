"""How far a search is: each training is told, in Python to a callback, by the commands as a bar or as lines in a log."""

import re
import sys

import numpy as np
import pytest
from sklearn.base import clone

import twolayer as tl
from twolayer.cli import output

KINDS = [tl.TwoLayerRegressorCV, tl.TwoLayerClassifierCV]
X = np.random.default_rng(0).standard_normal((24, 4))
QUICK = {
    "n_hidden": [2, 3],
    "alphas": [1.0, 0.1],
    "n_networks": 1,
    "max_iter": 3,
    "random_state": 0,
}


def target(kind):
    return X[:, 0] > 0 if kind is tl.TwoLayerClassifierCV else X[:, 0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("refit", [True, False])
def test_every_training_is_told(kind, refit):
    told = []
    search = kind(**QUICK, cv=3, refit=refit, callback=lambda *now: told.append(now))
    search.fit(X, target(kind))
    last = (
        QUICK["alphas"].index(search.alpha_) + 1 if refit else 0
    )  # the path to the best, on all rows
    assert [done for done, _ in told] == [*range(1, 3 * 2 * 2 + last + 1)]
    assert {total for _, total in told} == {3 * 2 * 2 + 2 * refit}


def test_telling_changes_nothing(tmp_path):
    kind = tl.TwoLayerRegressorCV
    told = kind(**QUICK, cv=3, callback=lambda done, total: True).fit(X, target(kind))
    silent = kind(**QUICK, cv=3).fit(X, target(kind))
    assert np.array_equal(told.w1_, silent.w1_)
    assert callable(clone(told).callback)
    tl.save(told, tmp_path / "m")
    assert tl.load(tmp_path / "m").callback is None


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_function_is_refused(kind):
    with pytest.raises(tl.InputError, match="callback must be a function or None; got 'bar'"):
        kind(**QUICK, callback="bar").fit(X, target(kind))


@pytest.fixture
def table(here, monkeypatch):
    lines = [",".join(f"{value:.4f}" for value in row) for row in X]
    (here / "t.csv").write_text("\n".join(["a,b,c,y", *lines]))
    monkeypatch.setattr(output, "BAR_DELAY", 0.0)
    monkeypatch.setattr(output, "LINE_INTERVAL", 0.0)
    return ["t.csv", "--target", "y", "--n-hidden", "2"]


SEARCH = ["--cv", "3", "--alpha", "1,0.1", "--n-networks", "1", "--max-iter", "3"]


def test_fit_tells_a_log(table, twolayer):
    code, _, err = twolayer("fit", *table, *SEARCH)
    assert code == 0
    done = [
        int(k) for k in re.findall(r"^training: (\d+) of 8 \(\d+%\), \d+ s$", err, re.MULTILINE)
    ]
    assert done[:6] == [1, 2, 3, 4, 5, 6]
    assert done[6:] in ([7], [7, 8])
    assert twolayer("fit", *table, *SEARCH, "-q")[2] == ""


def test_fit_draws_a_bar_on_a_terminal(table, twolayer, monkeypatch):
    drawn = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(
        output.ProgressDisplay, "_draw", lambda self, done: drawn.append((done, self.total))
    )
    assert twolayer("fit", *table, *SEARCH)[0] == 0
    assert drawn[:6] == [(k, 8) for k in range(1, 7)]


def test_test_tells_of_the_nested_score_too(table, twolayer):
    code, _, err = twolayer("test", *table, "--n", "2", "--cv", "3")
    assert code == 0
    done = re.findall(r"^nested score: (\d+) of 36 \(", err, re.MULTILINE)
    assert [int(k) for k in done] == [*range(1, len(done) + 1)]
    assert 3 * 3 * 3 + 3 <= len(done) <= 36  # three searches, and the paths to their best

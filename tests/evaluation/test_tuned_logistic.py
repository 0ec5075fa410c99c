"""The tuned logistic regression, beside scikit-learn's own search."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold
from slow_cases import slow

from twolayer.evaluation import tuned_logistic
from twolayer.evaluation.tuned_logistic import C_GRID, TunedLogistic


def table(n_rows, n_columns, n_classes=2, seed=0, strength=1.0):
    """A table whose truth is linear."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_rows, n_columns))
    w = strength * rng.standard_normal((n_columns, n_classes)) / np.sqrt(n_columns)
    return x, (x @ w + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1)


def searched(x, y, cv=None, groups=None):
    """By scikit-learn, on the same folds."""
    grid = GridSearchCV(
        LogisticRegression(max_iter=5000),
        {"C": C_GRID},
        scoring="neg_log_loss",
        cv=cv or StratifiedKFold(5, shuffle=True, random_state=0),
    )
    return grid.fit(x, y, groups=groups)


@pytest.mark.parametrize("shape", [(300, 20, 2), (60, 150, 3), *slow([200, 12, 3], [60, 150, 2])])
def test_it_is_as_good_as_a_search_of_scikit_learn(shape):
    x, y = table(2 * shape[0], *shape[1:])
    train, test = slice(None, shape[0]), slice(shape[0], None)
    ours = TunedLogistic().fit(x[train], y[train])
    theirs = searched(x[train], y[train])
    assert pytest.approx(theirs.best_params_["C"]) == ours.C_
    p = ours.predict_proba(x[test])
    np.testing.assert_allclose(p, theirs.predict_proba(x[test]), atol=2e-3)
    plain = LogisticRegression(max_iter=5000).fit(x[train], y[train])
    assert log_loss(y[test], p) < log_loss(y[test], plain.predict_proba(x[test])) - 0.002
    np.testing.assert_array_equal(ours.predict(x[test]), p.argmax(axis=1))


def test_only_wide_tables_of_some_rows_are_put_in_axes_of_their_rows(monkeypatch):
    assert tuned_logistic.coordinates_if_wide(np.ones((5, 5))) is None
    axes = tuned_logistic.coordinates_if_wide(np.ones((5, 6)))
    assert axes.z.shape == (5, 1)
    monkeypatch.setattr(tuned_logistic, "MAX_ROTATED_ROWS", 4)
    assert tuned_logistic.coordinates_if_wide(np.ones((5, 6))) is None


def test_weights_are_rows_said_more_than_once():
    """Beside scikit-learn on a table in which each row stands as often as its weight says."""
    x, y = table(80, 6, 3, seed=1, strength=0.5)
    s = np.random.default_rng(2).integers(0, 4, 80)
    ours = TunedLogistic().fit(x, y, sample_weight=s)
    often = np.repeat(np.arange(80), s)
    same = LogisticRegression(C=ours.C_, max_iter=5000).fit(x[often], y[often])
    np.testing.assert_allclose(ours.predict_proba(x), same.predict_proba(x), atol=2e-3)
    used = np.flatnonzero(s)
    losses = np.zeros(len(C_GRID))
    for a, b in StratifiedKFold(5, shuffle=True, random_state=0).split(x[used], y[used]):
        train, test = used[a], used[b]
        for i, c in enumerate(C_GRID):
            one = LogisticRegression(C=c, max_iter=5000).fit(x[train], y[train], s[train])
            p = one.predict_proba(x[test])
            losses[i] += log_loss(y[test], p, normalize=False, sample_weight=s[test])
    assert C_GRID[losses.argmin()] == ours.C_


def test_rows_of_a_group_are_left_out_together():
    """Rows written down five times, of targets that are chance: only whole groups left out show that nothing is learned."""
    rng = np.random.default_rng(0)
    x, y = np.repeat(rng.standard_normal((40, 30)), 5, axis=0), np.repeat(np.arange(40) % 2, 5)
    groups = np.repeat([f"g{i}" for i in range(40)], 5)
    ours = TunedLogistic().fit(x, y, groups=groups)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    assert pytest.approx(searched(x, y, folds, groups).best_params_["C"]) == ours.C_
    assert TunedLogistic().fit(x, y).C_ > 100 * ours.C_


@pytest.mark.parametrize("counts", [(1, 1), (2, 2), (30, 1), (3, 30, 1)])
def test_rare_classes(counts):
    y = np.repeat([f"c{i}" for i in range(len(counts))], counts)
    x = np.random.default_rng(0).standard_normal((len(y), 3))
    model = TunedLogistic().fit(x, y)
    assert model.classes_.tolist() == sorted(set(y))
    np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1)
    assert model.C_ in C_GRID
    one_group = TunedLogistic().fit(x, y, groups=np.zeros(len(y)))
    assert one_group.C_ == 1  # nothing can be left out


def test_of_many_rows_a_part_is_tried(monkeypatch):
    x, y = table(400, 5)
    monkeypatch.setattr(tuned_logistic, "MAX_SEARCH_ROWS", 100)
    tried = []
    monkeypatch.setattr(
        tuned_logistic, "_held_out_losses", lambda x, y, *_: tried.append(len(y)) or C_GRID
    )
    model = TunedLogistic().fit(x, y)
    assert tried == [100] * 5
    same = LogisticRegression(C=C_GRID[0], max_iter=1000).fit(x, y)
    np.testing.assert_allclose(model.predict_proba(x), same.predict_proba(x), atol=1e-6)

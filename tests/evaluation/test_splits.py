"""Every deal of rows; the folds of the CV forms are tested beside scikit-learn's in tests of theirs."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold

from twolayer import InputError
from twolayer.evaluation.splits import (
    alpha_folds,
    fold_splits,
    time_folds,
    time_slices,
    train_test_rows,
)


def test_every_class_has_its_share_of_both_parts():
    values = np.array(["a"] * 80 + ["b"] * 16 + ["c"] * 4)
    parts = train_test_rows(values, 0.25, 0, classifies=True)
    counts = [
        np.unique(values[part], return_counts=True)[1].tolist()
        for part in (parts.train, parts.test)
    ]
    assert counts == [[60, 12, 3], [20, 4, 1]]
    assert sorted([*parts.train, *parts.test]) == list(range(100))
    other = train_test_rows(values, 0.25, 1, classifies=True)
    assert other.test.tolist() != parts.test.tolist()


def test_a_class_that_would_be_missing_in_training():
    values = np.array(["a"] * 17 + ["b"] * 2)
    with pytest.raises(InputError, match="no row of class 'b' would be left"):
        train_test_rows(values, 0.85, 0, classifies=True)


@pytest.mark.parametrize("count", [1, 2])
def test_a_class_of_one_row_is_refused_and_of_two_is_split(count):
    values = np.array(["a"] * 10 + ["b"] * count)
    if count == 1:
        with pytest.raises(InputError, match="class 'b' of 'kind' has one row only"):
            train_test_rows(values, 0.5, 0, classifies=True, name="kind")
    else:
        parts = train_test_rows(values, 0.5, 0, classifies=True)
        assert (values[parts.train] == "b").sum() == (values[parts.test] == "b").sum() == 1


def test_the_latest_rows_are_the_test_and_equal_times_stay_together():
    order = np.array([3, 0, 1, 2, 3, 4, 4, 0])
    parts = train_test_rows(np.zeros(8), 0.25, 0, classifies=False, order=order)
    assert sorted(order[parts.test]) == [4, 4]
    parts = train_test_rows(
        np.zeros(8), 0.3, 0, classifies=False, order=order
    )  # three rows, or all of time 3
    assert sorted(order[parts.test]) == [3, 3, 4, 4]


def test_whole_groups_are_for_the_test():
    groups = np.repeat(np.arange(10), 3)
    parts = train_test_rows(np.zeros(30), 0.3, 0, classifies=False, groups=groups)
    assert not set(groups[parts.train]) & set(groups[parts.test])
    assert parts.groups is groups
    with pytest.raises(InputError, match="all rows are of one group"):
        train_test_rows(np.zeros(30), 0.3, 0, classifies=False, groups=np.zeros(30))


def test_folds_for_alpha_hold_every_row_out_once():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [15, 5])
    folds = alpha_folds(y, rng)
    assert sorted(np.concatenate(folds)) == list(range(20))
    assert [int(y[fold].sum()) for fold in folds] == [1] * 5
    assert alpha_folds(y[:5], rng) == []
    assert alpha_folds(y, rng, np.zeros(20)) == []


def test_held_out_rows_come_later_in_every_fold_in_time():
    order = np.random.default_rng(0).integers(0, 12, 60)
    folds = time_folds(order, 4)
    assert len(folds) == 4
    for train, test in folds:
        assert order[train].max() < order[test].min()
    with pytest.raises(InputError, match="more than 12 different times"):
        time_folds(order, 12)
    slices = time_slices(order)
    assert set(slices) == set(range(5))
    assert all(order[slices == k].max() < order[slices == k + 1].min() for k in range(4))


FORMS = "cv must be a whole number of folds.*a splitter.*list of at least one pair"
PAIR = "each fold of cv must be a pair"
NUMBERS = "each part of a fold of cv must hold numbers of rows, from 0 to 11; got"


@pytest.mark.parametrize(
    ("cv", "said"),
    [
        ([], FORMS + r".*got \[\] without a fold"),
        (iter([]), FORMS),
        (True, FORMS + ".*got True"),
        ("loo", FORMS + ".*got 'loo'"),
        (3.5, FORMS + ".*got 3.5"),
        (KFold, FORMS),
        ([1, 2], PAIR),
        ([(range(6),)], PAIR),
    ],
)
def test_what_is_no_cv_is_refused_in_one_sentence(cv, said):
    with pytest.raises(InputError, match=said):
        fold_splits(cv, np.zeros((12, 1)), np.zeros(12), None, 0)


@pytest.mark.parametrize(
    ("cv", "said"),
    [
        ([([-1, 0, 1], [2, 3])], NUMBERS + r" array\(\[-1"),
        ([([0, 1], [-12])], NUMBERS),
        ([([0, 1], [12])], NUMBERS),
        ([([], range(12))], "no rows to train on"),
        (GroupKFold(3), "cv cannot split these rows: The 'groups' parameter should not be None"),
        (KFold(20), "cv cannot split these rows: .*n_splits=20"),
    ],
)
def test_folds_that_these_rows_do_not_have_are_refused(cv, said):
    with pytest.raises(InputError, match=said):
        fold_splits(cv, np.zeros((12, 1)), np.zeros(12), None, 0)

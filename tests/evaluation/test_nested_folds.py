"""Folds inside folds: what is too scarce for them, and how many there can be. Counts are by hand."""

import ast
from pathlib import Path

import numpy as np
import pytest

import twolayer as tl
from twolayer import InputError
from twolayer.evaluation.nested_folds import (
    Shortage,
    most_inner_folds,
    nested_shortage,
    other_fold_count,
    training_parts,
)

SIX_GROUPS = np.repeat(np.arange(6), 4)
ONE_IN_FOUR = np.tile([0, 0, 0, 1], 6)


def test_the_number_of_inner_folds():
    parts = training_parts(ONE_IN_FOUR, 5, SIX_GROUPS, classifies=False)
    # six groups in five folds: the largest fold holds two of them out
    assert most_inner_folds(ONE_IN_FOUR, parts, SIX_GROUPS, classifies=False) == 4
    # four rows of class 1 are left beside two groups of the six
    assert most_inner_folds(ONE_IN_FOUR, parts, SIX_GROUPS, classifies=True) == 4
    parts = training_parts(ONE_IN_FOUR, 3, None, classifies=True)
    assert most_inner_folds(ONE_IN_FOUR, parts, None, classifies=True) == 4  # 6 - 2 of class 1
    assert most_inner_folds(ONE_IN_FOUR, parts, None, classifies=False) == 16  # 24 - 8 rows


@pytest.mark.parametrize(("n_rows", "n_folds", "enough"), [(4, 2, True), (3, 2, False), (6, 5, False), (7, 5, True)])  # fmt: skip
def test_rows_beside_the_largest_fold(n_rows, n_folds, enough):
    """Of 6 rows in 5 folds the largest holds 2: 4 rows for 5 folds are left."""
    shortage = nested_shortage(np.arange(float(n_rows)), n_folds)
    assert shortage == (None if enough else Shortage(f"there are {n_rows} rows"))


def test_the_shortage_of_a_class_says_what_helps():
    y = np.array(["a"] * 20 + ["b"] * 4)
    leave_out = "leave out the rows of that class"
    assert nested_shortage(y, 3, classifies=True, target="column 'kind'") is not None
    found = nested_shortage(y, 5, classifies=True, target="column 'kind'")
    assert found == Shortage("the class 'b' of column 'kind' has 4 rows", (leave_out,))
    assert other_fold_count(y, 5, classifies=True) == 2
    groups = np.repeat([0, 1, 2], 8)
    found = nested_shortage(y, 3, groups=groups, classifies=True)
    another = "give that class another group"
    assert found == Shortage("the class 'b' of y has 4 rows in 1 group", (another, leave_out))


def test_groups():
    y = np.zeros(9)
    groups = np.repeat([0, 1, 2], 3)
    assert nested_shortage(y, 5, groups=groups) == Shortage("there are 3 groups")
    assert nested_shortage(y, 3, groups=groups) is None
    assert other_fold_count(y, 5, groups=groups) == 3
    assert other_fold_count(y, 2, groups=groups) == 3  # the fold of two groups leaves one
    assert other_fold_count(y[:6], 2, groups=groups[:6]) is None


SETTINGS = {"n_hidden": 2, "alphas": [1.0], "n_networks": 1, "max_iter": 2, "random_state": 0}
NESTED = [
    (
        ["a"] * 12 + ["b"] * 5,
        None,
        5,
        "the class 'b' of y has 5 rows, too few .* each of the 5 outer folds are split into the 5 inner folds .* "
        "To have enough, set cv=4 in the estimator, or leave out the rows of that class$",
    ),
    (
        np.arange(17) % 2,
        np.arange(17) % 4,
        4,
        "^there are 4 groups, too few .* set cv=3 in the estimator, or add groups$",
    ),
    (
        np.arange(17) % 2,
        np.arange(17) % 2,
        2,
        "^there are 2 groups, too few .* To have enough, add groups$",
    ),
]


@pytest.mark.parametrize(("y", "groups", "cv", "message"), NESTED)
def test_a_nested_score_refuses_before_it_trains(y, groups, cv, message, monkeypatch):
    x = np.random.default_rng(0).standard_normal((17, 3))
    model = tl.TwoLayerClassifierCV(cv=5, **SETTINGS)

    def never(*arguments, **settings):
        raise AssertionError("training had begun")

    monkeypatch.setattr(tl.TwoLayerClassifierCV, "fit", never)
    with pytest.raises(InputError, match=message):
        model.nested_score(x, y, cv=cv, groups=groups)


def test_a_nested_score_takes_as_many_inner_folds_as_it_advises():
    x = np.random.default_rng(0).standard_normal((17, 3))
    for y, groups, cv, inner in (
        (["a"] * 12 + ["b"] * 5, None, 5, 4),
        (np.arange(17) % 2, list(np.arange(17) % 4), 4, 3),
    ):
        model = tl.TwoLayerClassifierCV(cv=inner, **SETTINGS)
        assert len(model.nested_score(x, y, cv=cv, groups=groups).scores) == cv
    few = tl.TwoLayerRegressorCV(cv=3, **SETTINGS)
    with pytest.raises(InputError, match=r"^there are 4 rows, too few .* set cv=2 in the"):
        few.nested_score(x[:4], x[:4, 0], cv=2)
    assert np.isfinite(few.set_params(cv=2).nested_score(x[:4], x[:4, 0], cv=2).mean)


def test_evaluation_needs_neither_estimators_nor_tables():
    """It gets models and plain arrays."""
    folder = Path(tl.__file__).parent / "evaluation"
    imported = {
        node.module.split(".")[1]
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("twolayer.")
    }
    assert imported <= {"checks", "errors", "evaluation", "maths", "text"}

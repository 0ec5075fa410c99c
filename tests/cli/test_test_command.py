"""`twolayer test`: what is said of a p value is no more than it bears out."""

import json

import numpy as np
import pandas
import pytest

from twolayer.cli.commands.test import permutation_lines
from twolayer.estimators.selection.permutation_test import PermutationTest


@pytest.mark.parametrize(
    ("score", "null", "words"),
    [
        (0.9, np.linspace(0.4, 0.6, 200), "do tell something"),  # p 1/201
        (0.9, np.linspace(0.4, 0.6, 50), "No shuffle scores as high: the columns probably tell"),  # 1/51
        (0.9, np.linspace(0.4, 0.6, 5), "No shuffle scores as high: the columns may tell"),  # 1/6
        (0.9, np.r_[np.full(97, 0.5), 0.95, 0.96], "The columns probably tell"),  # 3/100
        (0.5, np.linspace(0.4, 0.6, 200), "could be luck"),
    ],
)  # fmt: skip
def test_the_words_of_a_permutation_test(score, null, words):
    p = (1 + (null >= score).sum()) / (1 + len(null))
    permuted = PermutationTest(score, null, p, "these", n_orders=1e9)
    assert words in permuted.interpretation
    assert str(permuted).endswith(f"; p = {p:.3g}. {permuted.interpretation}")
    (*_, what, last) = permutation_lines(permuted, "accuracy", 5)
    assert what == "shuffled: these"
    assert last == f"p = {p:.3g}. {permuted.interpretation}"
    few = PermutationTest(score, null, p, "these", n_orders=6.0).interpretation
    if p <= 0.01:
        assert few == permuted.interpretation
    else:
        assert "p cannot be much below 1/6: a table with more" in few


def cohort(here, n_groups=6, per_group=2, told=4.0):
    """Samples of patients that are alike, the patient's state told by both columns; batches of all patients."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(n_groups), per_group)
    x = rng.standard_normal((n_groups, 2))[patient] + told * (patient % 2)[:, None]
    x += 0.1 * rng.standard_normal(x.shape)
    frame = pandas.DataFrame({"a": x[:, 0], "b": x[:, 1]})
    frame["state"] = np.array(["ill", "well"])[patient % 2]
    frame["patient"] = [f"p{k}" for k in patient]
    frame["batch"] = np.array(["u", "v", "w"])[np.arange(len(frame)) % 3]
    frame.to_csv("t.csv", index=False)


FEW = ("--n", "9", "--n-hidden", "3", "--cv", "3")


def test_patients_with_a_state_each(here, twolayer):
    """20 orders of three ill and three well patients."""
    cohort(here)
    words = ("test", "t.csv", "--target", "state", "--groups", "patient", "--drop", "batch", *FEW)
    code, out, err = twolayer(*words)
    assert (code, err) == (0, "")
    assert (
        "shuffled: the targets of whole groups: each of the 6 gets those of another group\n" in out
    )
    assert "Alpha was chosen in 2 folds" not in out
    code, out, _ = twolayer(*words, "--json")
    assert "whole groups" in json.loads(out)["permutation"]["shuffled"]


def test_three_batches_are_enough(here, twolayer):
    """Each is held out once, and alpha chosen on the two others."""
    cohort(here, n_groups=12)
    words = ("test", "t.csv", "--target", "state", "--groups", "batch", "--drop", "patient")
    for cv in ("5", "2"):
        code, _, err = twolayer(*words, "--cv", cv)
        assert code == 2
        assert f"there are 3 groups, too few for --cv {cv}" in err
        assert err.endswith(": take --cv 3\n")
    code, out, err = twolayer(*words, *FEW)
    assert (code, err) == (0, "")
    assert "shuffled: the targets of single rows, within each group\n" in out
    assert "Alpha was chosen in 2 folds of what is beside each of the 3.\n" in out


def test_two_groups_are_too_few(here, twolayer):
    cohort(here, n_groups=2, per_group=10)
    words = ("test", "t.csv", "--target", "a", "--groups", "patient", "--cv", "2")
    code, _, err = twolayer(*words, "--drop", "batch", "--drop", "state")
    assert code == 2
    assert "there are 2 groups, too few for --cv 2" in err
    assert err.endswith(": at least 3 groups are needed\n")


def test_a_class_in_one_group_alone_is_told(here, twolayer):
    cohort(here, n_groups=3, per_group=8)
    words = ("test", "t.csv", "--target", "state", "--groups", "patient", "--drop", "batch")
    code, _, err = twolayer(*words, "--cv", "3")
    assert code == 2
    assert "the class 'well' of column 'state' has 8 rows in 1 group, too few for --cv 3" in err
    assert err.endswith(": give that class another group, or leave out the rows of that class\n")


def test_several_targets(here, twolayer):
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rng.standard_normal((45, 2)), columns=["a", "b"])
    frame.assign(u=frame["a"], v=-frame["b"]).to_csv("t.csv", index=False)
    code, out, err = twolayer(
        "test", "t.csv", "--target", "u", "--target", "v", "--n", "4", "--n-hidden", "3", "--cv", "3"
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "targets 'u', 'v'" in out
    assert "R² (the mean over targets) of" in out
    assert "the columns may tell something" in out

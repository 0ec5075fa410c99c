"""`twolayer test`: what is said of a p value is no more than it bears out."""

from types import SimpleNamespace

import numpy as np
import pandas
import pytest

from twolayer.cli.test import permutation_lines


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
    permuted = SimpleNamespace(score=score, null_scores=null, p_value=p)
    (*_, last) = permutation_lines(permuted, "accuracy", 5)
    assert last.startswith(f"p = {p:.3g}. ")
    assert words in last


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

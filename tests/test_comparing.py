"""The split, and the words for what was found; the scores themselves are tested with `twolayer fit`."""

import numpy as np
import pytest

from twolayer import InputError, comparing
from twolayer.tables import Target


def compared(network, linear, constant):
    models = (comparing.NETWORK, comparing.LINEAR, comparing.CONSTANT)
    return {
        model: {"R²": r2, "RMSE": rmse}
        for model, (r2, rmse) in zip(models, (network, linear, constant), strict=True)
    }


@pytest.mark.parametrize(
    ("network", "linear", "verdict"),
    [
        ((0.9, 1.0), (0.5, 2.0), "The network is better than the linear model in R² and RMSE."),
        ((0.5, 2.0), (0.5, 2.0), "The network is exactly as good as the linear model."),
        (
            (0.4, 2.5),
            (0.5, 2.0),
            "The network is worse than the linear model in R² (0.4000 against 0.5000) and RMSE (2.5 against 2). "
            "Prefer the linear model, or try a larger --alpha.",
        ),
        (
            (0.4, 1.5),
            (0.5, 2.0),
            "The network is worse than the linear model in R² (0.4000 against 0.5000), and better in RMSE. "
            "Prefer the linear model, or try a larger --alpha.",
        ),
        (
            (-0.5, 4.0),
            (0.5, 2.0),
            "The network is worse than the linear model in R² (-0.5000 against 0.5000) and RMSE (4 against 2). "
            "It is worse than a constant guess in R² and RMSE: do not rely on it. "
            "Prefer the linear model, or try a larger --alpha.",
        ),
        (
            (-0.1, 3.1),
            (-0.2, 3.2),
            "The network is better than the linear model in R² and RMSE. "
            "It is worse than a constant guess in R² and RMSE: do not rely on it. "
            "The linear model is worse than a constant guess in R² and RMSE. "
            "These columns may say nothing about the target.",
        ),
    ],
)
def test_verdicts(network, linear, verdict):
    assert comparing.verdict(compared(network, linear, (0.0, 3.0))) == verdict


def test_a_low_log_loss_is_good():
    good = {"accuracy": 0.9, "balanced accuracy": 0.9, "log loss": 0.1}
    bad = {"accuracy": 0.9, "balanced accuracy": 0.8, "log loss": 0.3}
    models = {comparing.NETWORK: good, comparing.LINEAR: bad, comparing.CONSTANT: bad}
    said = "The network is better than the linear model in balanced accuracy and log loss."
    assert comparing.verdict(models) == said


def test_lists_of_words():
    assert comparing.together(["a"]) == "a"
    assert comparing.together(["a", "b"]) == "a and b"
    assert comparing.together(["a", "b", "c"]) == "a, b and c"


def test_every_class_has_its_share_of_both_parts():
    values = np.array(["a"] * 80 + ["b"] * 16 + ["c"] * 4)
    parts = comparing.split(Target("y", "classification", values, "text"), 0.25, seed=0)
    counts = [
        np.unique(values[part], return_counts=True)[1].tolist()
        for part in (parts.train, parts.test)
    ]
    assert counts == [[60, 12, 3], [20, 4, 1]]
    assert sorted([*parts.train, *parts.test]) == list(range(100))
    other = comparing.split(Target("y", "classification", values, "text"), 0.25, seed=1)
    assert other.test.tolist() != parts.test.tolist()


def test_a_class_that_would_be_missing_in_training():
    values = np.array(["a"] * 17 + ["b"] * 2)
    target = Target("y", "classification", values, "text")
    with pytest.raises(InputError, match="no row of class 'b' would be left"):
        comparing.split(target, 0.85, seed=0)

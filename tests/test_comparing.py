"""The split, and the words for what was found; the scores themselves are tested with `twolayer fit`."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.preprocessing import StandardScaler

from twolayer import InputError
from twolayer.evaluation import baselines
from twolayer.tables import Target


def compared(network, linear, constant):
    models = (baselines.NETWORK, baselines.LINEAR, baselines.CONSTANT)
    return {
        model: {"R²": r2, "RMSE": rmse}
        for model, (r2, rmse) in zip(models, (network, linear, constant), strict=True)
    }


@pytest.mark.parametrize(
    ("network", "linear", "verdict"),
    [
        ((0.9, 1.0), (0.5, 2.0), "The network is better than the linear model in R² and RMSE."),
        (
            (0.50004, 2.0004),
            (0.5, 2.0),
            "The network is as good as the linear model, which is easier to explain.",
        ),
        (
            (0.4, 2.5),
            (0.5, 2.0),
            "The network is worse than the linear model in R² (0.4000 against 0.5000) and RMSE (2.5 against 2). "
            "Prefer the linear model, or try a larger --alpha.",
        ),
        (
            (0.9, 1.0),
            (-0.1, 3.1),
            "The network is better than the linear model in R² and RMSE, which is no better than a constant guess.",
        ),
        (
            (-0.5, 4.0),
            (0.5, 2.0),
            "The network is no better than a constant guess: do not rely on it. "
            "It is worse than the linear model in R² (-0.5000 against 0.5000) and RMSE (4 against 2). "
            "Prefer the linear model, or try a larger --alpha.",
        ),
        (
            (-0.1, 3.1),
            (-0.2, 3.2),
            "The network is no better than a constant guess: do not rely on it. "
            "Nor can the linear model be relied on: these columns may say nothing about the target.",
        ),
        (
            (-0.05001, 3.0001),
            (-0.05, 3.0),
            "The network is no better than a constant guess: do not rely on it. "
            "Nor can the linear model be relied on: these columns may say nothing about the target.",
        ),
        (
            (-0.01, 2.9),
            (-0.02, 2.95),
            "The network explains nothing of the target (R² is not above 0): do not rely on it. "
            "Nor can the linear model be relied on: these columns may say nothing about the target.",
        ),
    ],
)
def test_verdicts_of_numbers(network, linear, verdict):
    assert baselines.fit_verdict(compared(network, linear, (-0.05, 3.0))) == verdict


def of_classes(*models):
    """Accuracy, balanced accuracy and log loss of the network, the linear model, and the constant guess."""
    names = ("accuracy", "balanced accuracy", "log loss")
    keys = (baselines.NETWORK, baselines.LINEAR, baselines.CONSTANT)
    return {key: dict(zip(names, row, strict=True)) for key, row in zip(keys, models, strict=True)}


GUESS = (0.62, 0.5, 0.66)  # where the frequent class has 62% of the rows


@pytest.mark.parametrize(
    ("network", "linear", "verdict"),
    [
        (
            (0.9, 0.9, 0.1),
            (0.9, 0.8, 0.3),
            "The network is better than the linear model in balanced accuracy and log loss.",
        ),
        (
            (1.0, 0.99999, 0.1),
            (1.0, 1.0, 0.3),  # both are printed as 1.0000
            "The network is better than the linear model in log loss.",
        ),
        (
            (0.9, 0.9, 0.2),
            (0.92, 0.9, 0.3),
            "The network is worse than the linear model in accuracy (0.9000 against 0.9200), and better in log loss: "
            "the linear model is easier to explain.",
        ),
        (  # one class always
            GUESS,
            (0.9, 0.9, 0.3),
            "The network is no better than a constant guess: do not rely on it. It is worse than the linear model in "
            "accuracy (0.6200 against 0.9000), balanced accuracy (0.5000 against 0.9000) and log loss (0.6600 against "
            "0.3000). Prefer the linear model, or try a larger --alpha.",
        ),
        (
            GUESS,
            (0.61, 0.5, 0.67),
            "The network is no better than a constant guess: do not rely on it. "
            "Nor can the linear model be relied on: these columns may say nothing about the target.",
        ),
        (  # one class always, with probabilities that say something
            (0.62, 0.5, 0.6),
            (0.62, 0.5, 0.6),
            "The network is better than a constant guess in log loss, but no better in accuracy and balanced accuracy. "
            "It is as good as the linear model, which is easier to explain.",
        ),
        (
            (0.64, 0.55, 0.7),
            (0.6, 0.5, 0.68),
            "The network is better than a constant guess in accuracy and balanced accuracy, but no better in log loss: "
            "that may be luck, as `twolayer test` would show. "
            "Nor can the linear model be relied on: these columns may say nothing about the target.",
        ),
        (
            (0.9, 0.9, 0.7),
            (0.8, 0.8, 0.4),
            "The network is better than a constant guess in accuracy and balanced accuracy, but no better in log loss: "
            "that may be luck, as `twolayer test` would show. It is worse than the linear model in log loss (0.7000 "
            "against 0.4000), and better in accuracy and balanced accuracy. Prefer the linear model, or try a larger "
            "--alpha.",
        ),
    ],
)
def test_verdicts_of_classes(network, linear, verdict):
    assert baselines.fit_verdict(of_classes(network, linear, GUESS)) == verdict


def test_few_rows_are_called_few():
    models = compared((0.9, 1.0), (0.5, 2.0), (0.0, 3.0))
    few = " 29 test rows are too few to be sure of that."
    assert baselines.fit_verdict(models, 29) == baselines.fit_verdict(models, 30) + few


def test_a_zero_has_no_sign():
    assert baselines.format_score("R²", -0.00001) == "0.0000"


def test_lists_of_words():
    assert baselines.join_words(["a"]) == "a"
    assert baselines.join_words(["a", "b"]) == "a and b"
    assert baselines.join_words(["a", "b", "c"]) == "a, b and c"


def test_every_class_has_its_share_of_both_parts():
    values = np.array(["a"] * 80 + ["b"] * 16 + ["c"] * 4)
    parts = baselines.train_test_rows(Target("y", "classification", values, "text"), 0.25, seed=0)
    counts = [
        np.unique(values[part], return_counts=True)[1].tolist()
        for part in (parts.train, parts.test)
    ]
    assert counts == [[60, 12, 3], [20, 4, 1]]
    assert sorted([*parts.train, *parts.test]) == list(range(100))
    other = baselines.train_test_rows(Target("y", "classification", values, "text"), 0.25, seed=1)
    assert other.test.tolist() != parts.test.tolist()


def test_a_class_that_would_be_missing_in_training():
    values = np.array(["a"] * 17 + ["b"] * 2)
    target = Target("y", "classification", values, "text")
    with pytest.raises(InputError, match="no row of class 'b' would be left"):
        baselines.train_test_rows(target, 0.85, seed=0)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_rivals_learn_from_the_weighted_rows_of_training_only(task):
    """Beside scikit-learn: the weights count in the linear model, and in the constant guess."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    y = x[:, 0] + 0.5 * rng.standard_normal(60)
    values = y if task == "regression" else np.where(y > 0.3, "u", "v")
    weights = rng.uniform(0, 3, 60)
    train, test = np.arange(40), np.arange(40, 60)
    parts = baselines.TrainTestSplit(train, test)
    found = baselines.fitted_baselines(x, Target("y", task, values, ""), parts, weights)
    scaled = StandardScaler().fit(x[train]).transform(x)
    if task == "regression":
        linear = RidgeCV(10.0 ** np.arange(-3, 5.5, 0.5))
        guess = np.average(values[train], weights=weights[train])
    else:
        strength = found[baselines.LINEAR][-1].C_  # how it is chosen: test_logistic.py
        linear = LogisticRegression(C=strength, max_iter=1000)
        guess = np.average(values[train] == "u", weights=weights[train])
    linear.fit(scaled[train], values[train], sample_weight=weights[train])
    answer = "predict" if task == "regression" else "predict_proba"
    ours = getattr(found[baselines.LINEAR], answer)(x[test])
    np.testing.assert_allclose(ours, getattr(linear, answer)(scaled[test]), rtol=1e-6)
    assert (
        np.abs(ours - getattr(plain_linear(found, x, values, parts), answer)(x[test])).max() > 0.02
    )
    constant = getattr(found[baselines.CONSTANT], answer)(x[test])
    assert np.ravel(constant)[0] == pytest.approx(guess, rel=1e-12)


def plain_linear(found, x, values, parts):
    """The same linear model without weights."""
    return clone(found[baselines.LINEAR]).fit(x[parts.train], values[parts.train])


def test_rows_of_a_group_stay_together_where_the_linear_model_is_tuned():
    """Rows written down five times, of targets that are chance: nothing can be learned for whole groups left out."""
    rng = np.random.default_rng(0)
    x, values = np.repeat(rng.standard_normal((60, 30)), 5, axis=0), np.repeat(["u", "v"], 150)
    groups = np.repeat(np.arange(60), 5)
    target = Target("y", "classification", values, "")
    together = baselines.train_test_rows(target, 0.25, seed=0, groups=groups)
    assert not set(groups[together.train]) & set(groups[together.test])
    apart = baselines.TrainTestSplit(together.train, together.test)
    strengths = [
        baselines.fitted_baselines(x, target, parts)[baselines.LINEAR][-1].C_
        for parts in (together, apart)
    ]
    assert strengths[0] < 0.01 * strengths[1]


def test_a_class_of_one_row_is_refused_and_of_two_is_split():
    for count in (1, 2):
        values = np.array(["a"] * 10 + ["b"] * count)
        target = Target("y", "classification", values, "text")
        if count == 1:
            with pytest.raises(InputError, match="class 'b' of 'y' has one row only"):
                baselines.train_test_rows(target, 0.5, seed=0)
        else:
            parts = baselines.train_test_rows(target, 0.5, seed=0)
            assert (values[parts.train] == "b").sum() == (values[parts.test] == "b").sum() == 1

"""What keeps a verdict from being green, how groups of rows are resampled, and when confidence misleads."""

from types import SimpleNamespace

import numpy as np
import pytest

from twolayer.evaluation import baselines
from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.predictions import Predictions
from twolayer.evaluation.score_intervals import score_intervals
from twolayer.evaluation.verdict import verdict
from twolayer.evaluation.warnings import score_warnings

CLASSES = np.array(["ALL", "AML", "healthy"])


def subject_of(truth, said, sure, **more):
    """Rows of these classes, answered so, each with this probability, beside the best constant for them."""
    truth, said = np.array(truth), np.array(said)
    p = np.repeat((1 - np.broadcast_to(sure, truth.shape))[:, None] / 2, 3, axis=1)
    p[np.arange(len(said)), said] = sure
    shares = np.bincount(truth, minlength=3) / len(truth)
    answers = {
        baselines.NETWORK: Predictions(CLASSES[said], p),
        baselines.CONSTANT: Predictions(
            np.repeat(CLASSES[shares.argmax()], len(truth)), np.tile(shares, (len(truth), 1))
        ),
    }
    model = SimpleNamespace(classes_=CLASSES, stopped_="")
    x = np.arange(float(len(truth)))[:, None]
    return Assessment(
        model, x, CLASSES[truth], None, ["a"], ["a"], ["ill"], answers, held_out=True, **more
    )


def mistaken(count, wrong):
    """So many rows of each class, and what is said of them, of which the first are wrong."""
    truth = np.tile([0, 1, 2], count)
    said = truth.copy()
    said[:wrong] = (said[:wrong] + 1) % 3
    return truth, said


@pytest.mark.parametrize(
    ("sure", "standing", "words"),
    # 30 of 90 wrong, each at a log loss of -ln((1 - p) / 2): at 0.7 the mean is 0.87, below ln 3; at 0.98, 1.55
    [
        (0.7, "good", "the network is significantly better."),
        (0.98, "careful", "But its probabilities are worse than the class frequencies (log loss 1.549 against 1.099)"),
    ],
)  # fmt: skip
def test_worse_probabilities_are_not_green(sure, standing, words):
    subject = subject_of(*mistaken(30, 30), sure)
    said = verdict(subject, score_intervals(subject))
    assert said.standing == standing
    assert words in said.sentences[0]


def test_right_more_often_yet_of_no_class_but_one_is_not_green():
    subject = subject_of(
        np.repeat([0, 1, 2], [40, 30, 30]), np.repeat([0, 1, 0], [40, 12, 48]), 0.8
    )
    sure = score_intervals(subject)
    sure.gains[baselines.CONSTANT]["balanced accuracy"] = (-0.01, 0.2)
    spoken = verdict(subject, sure)
    assert sure.against(baselines.CONSTANT, "accuracy") == 1
    assert spoken.standing == "careful"
    # recalls 1, 12/30 and 0
    expected = "balanced accuracy of 46.7% is not significantly above that of the guess, 33.3%"
    assert expected in spoken.sentences[0]


@pytest.mark.parametrize(
    ("sure", "count"), [(np.linspace(0.5, 0.99, 23), 1), (np.linspace(0.99, 0.5, 23), 0)]
)
def test_surer_and_more_often_wrong(sure, count):
    truth = np.arange(23) % 3
    said = truth.copy()
    said[-9:] = (said[-9:] + 1) % 3
    subject = subject_of(truth, said, sure)
    told = [
        one
        for one in score_warnings(subject, score_intervals(subject))
        if "wrong more often" in one
    ]
    assert len(told) == count
    for one in told:  # the median row is among the less sure: 2 of 11 are right, and 12 of 12
        assert "of the upper half 18% are right, of the others 100%" in one


def test_rows_of_a_group_are_drawn_together():
    # 12 groups of 10 rows, all right or all wrong: as sure as 12 rows are, not as 120
    truth = np.repeat(np.arange(12) % 3, 10)
    said = truth.copy()
    said[:30] = (said[:30] + 1) % 3
    groups = np.repeat([f"p{k}" for k in range(12)], 10)
    apart = score_intervals(subject_of(truth, said, 0.6))
    grouped = subject_of(truth, said, 0.6, groups=groups, grouped_by="patient")
    sure = score_intervals(grouped)
    low, high = sure.ranges[baselines.NETWORK]["accuracy"]
    # the standard error of 9 of 12: sqrt(0.75 * 0.25 / 12) = 0.125, where that of 90 of 120 is 0.04
    assert high - low == pytest.approx(2 * 1.96 * 0.125, abs=0.1)
    assert sure.more_often == {}
    assert apart.more_often != {}
    spoken = verdict(grouped, sure)
    assert "120 rows of 12 groups ('patient')" in spoken.headline
    assert "whole groups were resampled" in spoken.sentences[-1]
    perfect = score_intervals(subject_of(truth, truth, 0.9, groups=groups))
    # R: binom.test(12, 12)$conf.int is 0.7353515 to 1
    assert perfect.ranges[baselines.NETWORK]["accuracy"] == (pytest.approx(0.7353515, abs=1e-6), 1)

"""Where rows are weighted, words say so, and no score is told as a count of rows."""

from dataclasses import replace

import numpy as np
import pytest

from twolayer.evaluation.assessment import assess
from twolayer.evaluation.score_intervals import score_intervals
from twolayer.evaluation.verdict import verdict
from twolayer.evaluation.warnings import score_warnings

CLASSES = np.array(["p", "q"])


class Fixed:
    """A model that says the first column; of classes with the probability in the second."""

    stopped_ = ""

    def __init__(self, classes=None):
        if classes is not None:
            self.classes_ = classes

    def predict(self, x):
        return self.classes_[x[:, 0].astype(int)] if hasattr(self, "classes_") else x[:, 0]

    def predict_proba(self, x):
        p = x[:, 1]
        return np.where(x[:, :1] == 1, np.stack([1 - p, p], axis=1), np.stack([p, 1 - p], axis=1))


def subject_of(truth, said, weights, sure=0.9):
    """Rows of the classes p (0) and q (1), and what is said of them."""
    x = np.stack([np.array(said, float), np.full(len(said), sure)], axis=1)
    names = {"inputs": ["a", "b"], "sources": ["a", "b"], "targets": ["y"], "weighted_by": "w"}
    weights = np.array(weights, dtype=float)
    one = assess(Fixed(CLASSES), x, CLASSES[np.array(truth)], weights=weights, **names)
    return replace(one, held_out=True)


def spoken(subject):
    return verdict(subject, score_intervals(subject))


TRUTH, SAID = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 1, 0, 0]
HEAVY = [9, 1, 1, 1, 1, 1, 1, 1, 1, 1]  # right on 14 of a weight of 18; 18² / 90 = 3.6 equal rows


def test_a_weighted_share_is_no_share_of_the_rows():
    said = spoken(subject_of(TRUTH, SAID, HEAVY))
    assert said.headline == (
        "The network is right on 6 of 10 rows that it never saw: 77.8% of the weight ('w')."
    )
    assert said.sentences[0].startswith(
        "Always predicting the class of most weight in these rows is right on 72.2% of the weight: "
    )
    assert said.sentences[1].endswith("of the weight.")
    assert said.sentences[-1] == (
        "Each row counts by its weight ('w') in every score: 10 rows of these weights tell as much as 3.6 of equal weight."
    )


def test_equal_weights_are_told_as_none():
    plain = replace(subject_of(TRUTH, SAID, [1] * 10), weights=None)
    for weights in ([1] * 10, [2.5] * 10):
        subject = subject_of(TRUTH, SAID, weights)
        assert spoken(subject) == spoken(plain)
        assert score_warnings(subject, score_intervals(subject)) == score_warnings(
            plain, score_intervals(plain)
        )
    assert "weight" not in f"{spoken(plain)}"


def test_numbers_are_weighted_in_words_too():
    x = np.array([[1.0, 0], [2, 0], [3, 0], [4, 0], [5, 0]])
    subject = assess(
        Fixed(), x, x[:, 0] + 0.1, weights=np.array([2.0, 1, 1, 1, 1]),
        inputs=["a", "b"], sources=["a", "b"], targets=["y"],
    )  # fmt: skip
    assert spoken(subject).sentences[-1].startswith("Each row counts by its weight in every score")


def test_the_confusion_by_weight_agrees_with_the_accuracy():
    subject = subject_of(TRUTH, SAID, HEAVY)
    by_weight = subject.confusion(weighted=True)
    assert by_weight.tolist() == [[11, 2], [2, 3]]
    assert subject.confusion().tolist() == [[3, 2], [2, 3]]
    accuracy = score_intervals(subject).scores["two-layer network"]["accuracy"]
    assert by_weight.trace() / by_weight.sum() == pytest.approx(accuracy)


def test_few_rows_and_one_class_are_judged_by_weight():
    subject = subject_of(TRUTH * 6, SAID * 6, HEAVY[:1] * 10 + [0.1] * 50)  # 95² / 810.5
    (few,) = [w for w in score_warnings(subject, score_intervals(subject)) if "few for" in w]
    assert few.startswith(
        "60 rows, which by their weights tell as much as 11.1, are few for a score: one more right row changes the "
        "accuracy by up to 9.5%, by its weight."
    )
    subject = subject_of([0] * 30 + [1] * 30, [0] * 60, [9.0] * 30 + [1.0] * 30)
    (one,) = [w for w in score_warnings(subject, score_intervals(subject)) if "one class" in w]
    assert one.startswith("90% of the weight is in rows of one class")


def test_calibration_is_told_by_weight():
    """Right on half of the rows, which have a tenth of the weight, and 60% sure of each."""
    subject = subject_of([0] * 100, [0] * 50 + [1] * 50, [1.0] * 50 + [9.0] * 50, sure=0.6)
    (told,) = [w for w in score_warnings(subject, score_intervals(subject)) if "too high" in w]
    assert told.endswith("the predicted class has 60%, and it is right on 10% of the weight.")


def test_overfitting_is_judged_with_the_weights_of_training():
    """All wrong but for one row of nearly all weight, in training as here: by weight there is no gap."""
    truth = [0, 1] * 30
    subject = subject_of(truth, [0, *(1 - np.array(truth[1:]))], [600.0] + [1.0] * 59)
    both = replace(subject, x_train=subject.x, y_train=subject.y, weights_train=subject.weights)
    warnings = score_warnings(both, score_intervals(both))
    assert not any("overfits" in w for w in warnings)
    swapped = replace(both, x_train=subject.x, weights=np.array([1.0] * 59 + [600.0]))
    assert any("overfits" in w for w in score_warnings(swapped, score_intervals(swapped)))


def test_few_rows_of_much_weight_make_the_squared_error():
    y = np.arange(60.0)
    x = np.stack([y + np.where(np.arange(60) == 7, 3.0, 1.0), y], axis=1)
    weights = np.where(np.arange(60) == 7, 20.0, 1.0)
    subject = assess(
        Fixed(), x, y, weights=weights, inputs=["a", "b"], sources=["a", "b"], targets=["y"]
    )
    assert any(
        w.startswith("One row makes up 75% of the squared error")  # 20·9 / (20·9 + 59)
        for w in score_warnings(subject, score_intervals(subject))
    )

"""One verdict for `fit`, `evaluate` and `report`: what could be luck in the rows is not called better."""

import numpy as np
import pytest

from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.baselines import CONSTANT, LINEAR, NETWORK, best_constant
from twolayer.evaluation.predictions import Predictions
from twolayer.evaluation.score_intervals import score_intervals
from twolayer.evaluation.verdict import alpha_sentence, verdict


class Classifier:
    classes_ = np.array([0, 1])
    w2_ = np.zeros((3, 1))


def probabilities(y, rng, error):
    """Those of a model that is right on most rows, with a little noise of its own."""
    p = np.clip(np.where(y == 1, 0.93, 0.07) + error * rng.standard_normal(len(y)), 0.01, 0.99)
    return Predictions((p > 0.5).astype(int), np.stack([1 - p, p], axis=1))


def assessed(seed, n_rows=118, errors=(0.05, 0.05)):
    rng = np.random.default_rng(seed)
    y = (rng.random(n_rows) < 0.6).astype(int)
    answers = {
        NETWORK: probabilities(y, rng, errors[0]),
        LINEAR: probabilities(y, rng, errors[1]),
        CONSTANT: best_constant(y, Classifier.classes_, None),
    }
    names = ["x1"]
    return Assessment(
        Classifier(), np.zeros((n_rows, 1)), y, None, names, names, ["y"], answers, held_out=True
    )


def judged(*given, **settings):
    subject = assessed(*given, **settings)
    sure = score_intervals(subject)
    return sure, verdict(subject, sure)


def linear_sentence(spoken):
    (sentence,) = [line for line in spoken.sentences if line.startswith("A linear model")]
    return sentence


@pytest.mark.parametrize("seed", range(5))
def test_two_equal_models_are_not_told_apart(seed):
    sure, spoken = judged(seed)
    assert sure.scores[NETWORK]["log loss"] != sure.scores[LINEAR]["log loss"]
    assert "significantly better" not in linear_sentence(spoken)
    assert sure.against(LINEAR, "log loss") == 0 or abs(sure.gains[LINEAR]["log loss"][0]) < 0.02


def test_a_model_that_is_better_beyond_luck_is_called_better():
    sure, spoken = judged(0, errors=(0.02, 0.5))
    assert sure.against(LINEAR, "accuracy") == 1
    sentence, right = linear_sentence(spoken), sure.scores[NETWORK]["accuracy"]
    assert sentence.endswith(f"the network is significantly better ({right:.1%}).")  # no reason


def test_a_table_that_warns_of_leakage_is_no_good_standing():
    sure, spoken = judged(0, errors=(0.02, 0.5))
    assert spoken.standing == "good"
    subject = assessed(0, errors=(0.02, 0.5))
    warned = verdict(subject, sure, leaks=True)
    assert warned.standing == "careful"
    assert warned.sentences[:-1] == spoken.sentences
    assert "far too good" in warned.sentences[-1]


def test_advice_names_what_was_tried_and_what_it_gave():
    class Chosen:
        alpha, alpha_ = "auto", 3.0
        alphas_tried_ = np.array([[10.0, 0.7], [3.0, 0.5123], [1.0, 0.6]])

    assert alpha_sentence(Chosen()) == (
        " Of 3 weight decays from 10 to 1, alpha 3 had the least loss on rows left out (0.512): another one is not likely "
        "to help."
    )
    assert alpha_sentence(Classifier()) == ""

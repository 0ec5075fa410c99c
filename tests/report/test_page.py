"""The words of a report: the verdict follows from the scores, and a warning is there where it applies, and only there."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from twolayer.evaluation import baselines
from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.predictions import Predictions
from twolayer.evaluation.score_intervals import score_intervals
from twolayer.evaluation.verdict import verdict
from twolayer.evaluation.warnings import score_warnings
from twolayer.inspection.importances import Importances
from twolayer.report.figures import can_shuffle


class Model:
    """Something that was fitted, as far as the words need it."""

    stopped_ = "tol reached"

    def __init__(self, classes=None, answers=None):
        if classes is not None:
            self.classes_ = np.array(classes)
        self.answers = answers

    def predict(self, x):
        return self.answers.y_pred

    def predict_proba(self, x):
        return self.answers.probabilities


def called(y, wrong, classes=("no", "yes"), sure=0.9):
    """Answers that are wrong on these rows, all of them given with the same probability."""
    classes = np.array(classes)
    places = np.searchsorted(classes, y)
    places[wrong] = (places[wrong] + 1) % len(classes)
    p = np.full((len(y), len(classes)), (1 - sure) / (len(classes) - 1))
    p[np.arange(len(y)), places] = sure
    return Predictions(classes[places], p)


def of_classes(n_rows=200, wrong=20, linear=20, sure=0.9, held_out=True, **more):
    y = np.array(["no", "yes"])[np.arange(n_rows) % 2]
    rng = np.random.default_rng(0)
    order = rng.permutation(n_rows)
    answers = {
        baselines.NETWORK: called(y, order[:wrong], sure=sure),
        baselines.LINEAR: called(y, order[::-1][:linear], sure=sure),
        baselines.CONSTANT: Predictions(np.repeat("no", n_rows), np.full((n_rows, 2), 0.5)),
    }
    x = np.arange(n_rows * 2.0).reshape(-1, 2)
    return Assessment(
        Model(["no", "yes"]), x, y, None, ["a", "b"], ["a", "b"], ["ill"], answers, held_out, **more
    )


def of_numbers(noise, linear_noise, n_rows=200, same=False):
    rng = np.random.default_rng(0)
    y = rng.standard_normal(n_rows)
    answers = {
        baselines.NETWORK: Predictions(y + noise * rng.standard_normal(n_rows)),
        baselines.LINEAR: Predictions(y + linear_noise * rng.standard_normal(n_rows)),
        baselines.CONSTANT: Predictions(np.zeros(n_rows)),
    }
    if same:  # but for rounding
        answers[baselines.LINEAR] = Predictions(answers[baselines.NETWORK].y_pred + 1e-9)
    x = np.arange(n_rows * 2.0).reshape(-1, 2)
    return Assessment(Model(), x, y, None, ["a", "b"], ["a", "b"], ["height"], answers, True)


def spoken(subject):
    return verdict(subject, score_intervals(subject))


def warnings_of(subject, found=None):
    return score_warnings(subject, score_intervals(subject), found)


# ---- how sure


def test_scores_are_scikit_learns_and_ranges_those_of_the_binomial():
    subject = of_classes(400, wrong=80)
    sure = score_intervals(subject)
    answers = subject.answers[baselines.NETWORK]
    scores = sure.scores[baselines.NETWORK]
    assert scores["accuracy"] == metrics.accuracy_score(subject.y, answers.y_pred) == 0.8
    assert scores["log loss"] == pytest.approx(metrics.log_loss(subject.y, answers.probabilities))
    low, high = sure.ranges[baselines.NETWORK]["accuracy"]
    # the normal approximation: 0.8 ± 1.96·sqrt(0.8·0.2/400)
    assert low == pytest.approx(0.8 - 0.0392, abs=0.008)
    assert high == pytest.approx(0.8 + 0.0392, abs=0.008)


def test_a_difference_is_surer_than_the_scores_it_is_between():
    rng = np.random.default_rng(0)
    y = rng.standard_normal(200)
    off = rng.standard_normal(200)
    answers = {
        baselines.NETWORK: Predictions(y + off),
        baselines.LINEAR: Predictions(y + 1.05 * off),
        baselines.CONSTANT: Predictions(np.zeros(200)),
    }
    subject = Assessment(Model(), y[:, None], y, None, ["a"], ["a"], ["t"], answers, True)
    sure = score_intervals(subject)
    low, high = sure.gains[baselines.LINEAR]["RMSE"]
    assert 0 < low < high
    ours, theirs = (sure.ranges[name]["RMSE"] for name in (baselines.NETWORK, baselines.LINEAR))
    assert ours[1] > theirs[0]  # the ranges of the scores overlap widely


def test_the_range_of_a_share_is_the_exact_one():
    sure = score_intervals(of_classes(16, wrong=1))
    # R: binom.test(15, 16)$conf.int is 0.6976793 to 0.9984189; draws with replacement gave 0.81 to 1
    low, high = sure.ranges[baselines.NETWORK]["accuracy"]
    assert (low, high) == (
        pytest.approx(0.6976793, abs=1e-6),
        pytest.approx(0.9984189, abs=1e-6),
    )
    assert (
        "95% interval: on very many rows like these, the network would be right on 69.8% to 99.8%."
        in spoken(of_classes(16, wrong=1)).sentences[-1]
    )


@pytest.mark.parametrize(
    ("wins", "losses", "outcome"),
    # mid-p by hand, 2·P(X < k) + P(X = k) of a fair coin: 5:0 0.031, 6:1 0.070, 7:1 0.039, 4:0 0.063
    [(5, 0, 1), (6, 1, 0), (7, 1, 1), (4, 0, 0), (0, 5, -1), (0, 0, 0)],
)
def test_who_is_right_more_often(wins, losses, outcome):
    y = np.repeat("no", 40)
    ours, theirs = called(y, np.arange(losses)), called(y, np.arange(10, 10 + wins))
    answers = {baselines.NETWORK: ours, baselines.LINEAR: theirs, baselines.CONSTANT: theirs}
    subject = Assessment(
        Model(["no", "yes"]), y[:, None], y, None, ["a"], ["a"], ["t"], answers, True
    )
    sure = score_intervals(subject)
    assert sure.against(baselines.LINEAR, "accuracy") == outcome


def test_of_a_handful_of_rows_nothing_is_concluded():
    rng = np.random.default_rng(0)
    y = rng.standard_normal(5)
    answers = {
        baselines.NETWORK: Predictions(y + 0.01),
        baselines.LINEAR: Predictions(y + 0.5),
        baselines.CONSTANT: Predictions(np.zeros(5)),
    }
    subject = Assessment(Model(), y[:, None], y, None, ["a"], ["a"], ["t"], answers, True)
    said = spoken(subject)
    assert said.standing == "careful"
    assert "better, but not significantly" in said.sentences[0]
    assert "better, but not significantly" in said.sentences[1]
    assert "too few" in said.sentences[2]


def test_where_no_row_is_wrong_the_bound_is_the_exact_one():
    sure = score_intervals(of_classes(40, wrong=0))
    # R: binom.test(40, 40)$conf.int is 0.9119026 to 1
    assert sure.ranges[baselines.NETWORK]["accuracy"] == (pytest.approx(0.9119026, abs=1e-6), 1.0)
    assert any("as low as 91.2%" in line for line in spoken(of_classes(40, wrong=0)).sentences)


# ---- the verdict


@pytest.mark.parametrize(
    ("subject", "standing", "words"),
    [
        (of_classes(wrong=10, linear=60), "good", ["right on 95.0% of 200 rows", "is right on 70.0%: the network is significantly better"]),
        (of_classes(wrong=20, linear=18), "good", ["the network is worse, but not significantly"]),
        (of_classes(wrong=20, linear=20), "good", ["is right on 90.0%: the network is equally good"]),
        (of_classes(wrong=60, linear=10), "careful", ["it is significantly better than the network. Prefer it"]),
        (of_classes(wrong=10, linear=60, held_out=None), "careful", []),
        (of_classes(wrong=95, linear=95), "useless", ["is right on 50.0%: the network is better, but not significantly"]),
        (of_classes(wrong=150, linear=10), "useless", ["the network is significantly worse: do not rely on it"]),
        (of_numbers(0.3, 0.9), "good", ["of the variance of 'height'", "the network is significantly better"]),
        (of_numbers(3.0, 0.9), "useless", ["no better than its mean does"]),
        (of_numbers(0.5, 0.5, same=True), "good", ["the network is equally good"]),
        (of_classes(wrong=100), "useless", ["is right on 50.0%: the network is no better"]),
    ],
)  # fmt: skip
def test_what_is_said(subject, standing, words):
    said = spoken(subject)
    assert said.standing == standing
    text = " ".join([said.headline, *said.sentences])
    for word in words:
        assert word in text


def test_nobody_is_sent_to_a_linear_model_that_is_as_useless():
    useless = spoken(of_classes(wrong=100, linear=100))
    assert "equally good." in useless.sentences[1]
    assert "easier to explain" not in useless.sentences[1]
    assert "easier to explain" in spoken(of_classes(wrong=20, linear=20)).sentences[1]


def test_a_rare_class_that_is_found_is_not_called_useless():
    y = np.repeat(["no", "yes"], [180, 20])
    wrong = np.r_[np.arange(12), np.arange(180, 188)]  # 12 of 20 are found, 12 others called so
    answers = {
        baselines.NETWORK: called(y, wrong, sure=0.8),
        baselines.CONSTANT: Predictions(np.repeat("no", 200), np.full((200, 2), 0.5)),
    }
    subject = Assessment(
        Model(["no", "yes"]), np.zeros((200, 1)), y, None, ["a"], ["a"], ["t"], answers, True
    )
    said = spoken(subject)
    assert said.standing == "careful"
    # recalls: 168 of 180 and 12 of 20; always saying "no" is right on 90% too
    assert "is right on 90.0%: the network is not significantly better" in said.sentences[0]
    expected = "balanced accuracy of 76.7% is significantly above that of the guess, 50.0%"
    assert expected in said.sentences[0]


def test_rows_of_one_class_cannot_show_whether_it_tells_classes_apart():
    y = np.repeat("yes", 30)
    answers = {
        baselines.NETWORK: called(y, [3]),
        baselines.CONSTANT: Predictions(y, np.tile([0.0, 1.0], (30, 1))),
    }
    subject = Assessment(
        Model(["no", "yes"]), np.zeros((30, 1)), y, None, ["a"], ["a"], ["t"], answers, True
    )
    said = spoken(subject)
    assert said.standing == "careful"
    assert said.sentences[0].startswith("All rows are of class 'yes'")
    assert not any("of the rows are of one class" in one for one in warnings_of(subject))


def several_numbers(*noises, linear=0.5, n_rows=200):
    rng = np.random.default_rng(0)
    y = rng.standard_normal((n_rows, len(noises)))
    off = rng.standard_normal(y.shape)
    answers = {
        baselines.NETWORK: Predictions(y + off * noises),
        baselines.LINEAR: Predictions(y + linear * rng.standard_normal(y.shape)),
        baselines.CONSTANT: Predictions(np.zeros(y.shape)),
    }
    names = ["height", "weight", "age"][: len(noises)]
    return Assessment(Model(), y, y, None, names, names, names, answers, True)


def test_each_of_several_targets_is_judged_by_itself():
    subject = several_numbers(0.1, 3.0, 0.5)
    y_pred = subject.network.y_pred
    subject.answers[baselines.LINEAR].y_pred[:, 2] = y_pred[:, 2]
    sure = score_intervals(subject)
    for k, name in enumerate(subject.targets):
        scores = sure.parts[name].scores[baselines.NETWORK]
        assert scores["R²"] == pytest.approx(metrics.r2_score(subject.y[:, k], y_pred[:, k]))
    whole = sure.scores[baselines.NETWORK]
    assert whole["R²"] == pytest.approx(metrics.r2_score(subject.y, y_pred))
    assert "RMSE" not in whole  # a mean of metres and years
    said = verdict(subject, sure)
    assert said.standing == "careful"
    assert said.headline.startswith(
        "The network predicts 2 of 3 targets better than a constant guess"
    )
    text = " ".join(said.sentences)
    assert "'height' 0.99" in text
    assert "For 'weight' it is not significantly better than a constant guess" in text
    assert (
        "better for 'height', worse for 'weight' and not significantly different for 'age'" in text
    )


@pytest.mark.parametrize(
    ("noises", "standing", "words"),
    [
        ((0.1, 0.1), "good", "The network predicts both targets better"),
        ((3.0, 3.0), "useless", "The network is not shown to predict any of 2 targets better"),
        ((0.1, 0.1, 0.2), "good", "The network predicts all 3 targets better"),
    ],
)
def test_the_headline_of_several(noises, standing, words):
    said = spoken(several_numbers(*noises))
    assert said.standing == standing
    assert words in said.headline


def test_of_a_handful_of_rows_no_target_is_called_good():
    said = spoken(several_numbers(0.01, 0.01, n_rows=5))
    assert said.standing == "careful"
    assert said.headline.startswith("The network is not shown to predict any of 2 targets better")


def several_labels():
    rng = np.random.default_rng(1)
    y = (rng.random((200, 2)) < 0.5).astype(int)
    p = np.clip(0.8 * y + 0.1 + 0.1 * rng.standard_normal(y.shape), 0.02, 0.98)
    p[:40, 1] = 1 - p[:40, 1]
    answers = {
        baselines.NETWORK: Predictions((p > 0.5).astype(int), p),
        baselines.CONSTANT: Predictions(np.zeros_like(y), np.full(y.shape, 0.5)),
    }
    model = Model([0, 1])
    model.several_labels_ = True
    return Assessment(model, p, y, None, ["a", "b"], ["a", "b"], ["core", "wall"], answers, True)


def test_the_scores_of_labels_are_scikit_learns():
    subject = several_labels()
    sure = score_intervals(subject)
    y, p = subject.y, subject.network.probabilities
    said = subject.network.y_pred
    scores = sure.scores[baselines.NETWORK]
    assert scores["accuracy"] == pytest.approx(1 - metrics.hamming_loss(y, said))
    assert scores["rows all right"] == pytest.approx(metrics.accuracy_score(y, said))
    both = [metrics.balanced_accuracy_score(y[:, k], said[:, k]) for k in (0, 1)]
    assert scores["balanced accuracy"] == pytest.approx(np.mean(both))
    losses = [metrics.log_loss(y[:, k], p[:, k]) for k in (0, 1)]
    assert scores["log loss"] == pytest.approx(np.mean(losses))
    assert sure.parts["wall"].scores[baselines.NETWORK]["log loss"] == pytest.approx(losses[1])
    text = " ".join(spoken(subject).sentences)
    assert f"'wall' {np.mean(y[:, 1] == said[:, 1]):.1%}" in text


def test_the_warnings_of_one_label_name_it():
    told = warnings_of(several_labels())
    assert any(one.startswith("'wall': The probabilities are too") for one in told)
    assert not any(one.startswith("'wall': It is not known whether") for one in told)


# ---- warnings


def test_no_warnings():
    assert warnings_of(of_classes()) == []
    assert warnings_of(of_numbers(0.3, 0.3)) == []


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (of_classes(held_out=None), "not known whether the model was trained on some of these"),
        (of_classes(20, wrong=2, linear=2), "20 rows are few for a score: one more right row changes the accuracy by 5.0%"),
        (of_classes(wrong=0), "nearly perfect, which is rare with real data"),
        (of_classes(wrong=40, sure=0.95), "too high: on average the predicted class has 95%, and it is right on 80% of the rows"),
        (of_classes(wrong=10, sure=0.7), "too low: on average the predicted class has 70%"),
    ],
)  # fmt: skip
def test_a_warning(subject, words):
    assert sum(words in one for one in warnings_of(subject)) == 1


def test_rows_of_training_that_come_again():
    subject = of_classes()
    twins = replace(subject, x_train=subject.x[:20], y_train=subject.y[:20])
    twins.model.answers = called(twins.y_train, [])
    assert [one for one in warnings_of(twins) if one.startswith("20 of the 200 rows")]
    # as few as this come again by chance, where columns are coarse
    few = replace(subject, x_train=subject.x[:7], y_train=subject.y[:7])
    few.model.answers = called(few.y_train, [])
    assert warnings_of(few) == []


def test_learned_by_heart():
    subject = of_classes(wrong=50, linear=50, sure=0.75)
    other = replace(subject, x_train=subject.x + 0.5, y_train=subject.y)
    other.model.answers = called(subject.y, [])
    (one,) = warnings_of(other)
    assert "its accuracy is 100.0% on the training rows and 75.0% here" in one
    other.model.answers = called(subject.y, np.arange(40))
    assert warnings_of(other) == []


def test_a_class_that_is_missed_or_rare():
    y = np.repeat(["a", "b", "c"], [170, 27, 3])
    wrong = np.r_[np.arange(170, 190), 198]
    answers = {
        baselines.NETWORK: called(y, wrong, ("a", "b", "c")),
        baselines.CONSTANT: Predictions(np.repeat("a", 200), np.full((200, 3), 1 / 3)),
    }
    model = Model(["a", "b", "c"])
    told = warnings_of(
        Assessment(model, np.arange(200.0)[:, None], y, None, ["x"], ["x"], ["t"], answers, True)
    )
    assert any("fewer than half of the rows of these classes: 'b' (7 of 27)" in one for one in told)
    assert any(
        "These classes have fewer than 5 rows here, too few to judge: 'c'" in one for one in told
    )
    assert any("85% of the rows are of one class" in one for one in told)


def test_one_row_that_makes_up_the_error():
    subject = of_numbers(0.1, 0.1, 100)
    subject.y[3] += 50
    assert any("2 of 100 rows make up" in one for one in warnings_of(subject))


def test_steps_that_were_used_up():
    subject = of_classes()
    subject.model.stopped_ = "all steps taken; tol reached"
    assert any("used all its passes" in one for one in warnings_of(subject))


def found(mean, on_top):
    mean, on_top = np.array(mean), np.array(on_top)
    groups = [np.array([k]) for k in range(len(mean))]
    return Importances(groups, mean, mean, mean, on_top, 1, "log loss", 10, 500, len(mean))


def test_importances_that_are_not_settled():
    many = found([0.11, *[0.1] * 11], [0.6, *[0.4] * 11])
    (one,) = warnings_of(of_classes(), replace(many, groups=[np.array([1])] * 12))
    assert "'b', the most important input, is the first in 60%" in one
    assert warnings_of(of_classes(), found([0.1, 0.5], [0.0, 1.0])) == []


def test_of_two_inputs_that_both_matter_either_may_be_the_first():
    both = replace(found([0.1, 0.11], [0.4, 0.6]), low=np.array([0.05, 0.06]))
    assert warnings_of(of_classes(), both) == []
    neither = replace(found([0.1, 0.11], [0.4, 0.6]), low=np.array([-0.05, -0.06]))
    assert len(warnings_of(of_classes(), neither)) == 1


def test_a_column_that_gives_the_answer_away_is_named():
    (one,) = warnings_of(of_classes(wrong=0, sure=0.99), found([0.1, 2], [0, 1]))
    assert "most of it comes from 'b'" in one


def test_forty_rows_all_right_are_no_wonder():
    told = warnings_of(of_classes(40, wrong=0, sure=0.99))
    assert not any("nearly perfect" in one for one in told)


def test_of_more_inputs_than_rows_nothing_is_learned_by_heart():
    subject = of_classes(wrong=50, linear=50, sure=0.75)
    wide = replace(subject, x_train=np.ones((200, 300)), y_train=subject.y)
    wide.model.answers = called(subject.y, [])
    assert warnings_of(wide) == []


def test_the_same_answer_for_every_row():
    subject = of_numbers(0.3, 0.3)
    alike = replace(
        subject, answers={**subject.answers, baselines.NETWORK: Predictions(np.zeros(200))}
    )
    assert any("The prediction is 0 for every row" in one for one in warnings_of(alike))
    nearly = Predictions(1e-6 * subject.network.y_pred)  # of which no picture of inputs is drawn
    hardly = replace(subject, answers={**subject.answers, baselines.NETWORK: nearly})
    assert hardly.says_the_same
    assert not subject.says_the_same
    assert can_shuffle(subject)
    assert not can_shuffle(hardly)

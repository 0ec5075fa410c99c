"""What the estimators do by themselves with more columns than rows: a skip layer, and smoothed labels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import twolayer as tl
from twolayer import (
    TwoLayerClassifier,
    TwoLayerClassifierCV,
    TwoLayerRegressor,
    TwoLayerRegressorCV,
)
from twolayer.errors import InputError
from twolayer.estimators import fit_plan

FEW = {"n_networks": 1, "max_iter": 5, "random_state": 0}


def table(n_rows, n_inputs, n_classes=3):
    """Rows, and the class of each."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((n_rows, n_inputs)), np.arange(n_rows) % n_classes


def logits_of(model, x):
    """The network's own, with no temperature; of several classes around their mean."""
    logits = tl.forward(x, model.params_)
    return logits if logits.shape[1] == 1 else logits - logits.mean(axis=1, keepdims=True)


def chosen_by_shape(kind, x, y, **settings):
    """A fitted estimator, quick to fit."""
    how = {"alphas": [10.0], "cv": 2} if kind.__name__.endswith("CV") else {"alpha": 10.0}
    return kind(3, **how, **{**FEW, **settings}).fit(x, y)


CLASSIFIERS = [TwoLayerClassifier, TwoLayerClassifierCV]
KINDS = [TwoLayerRegressor, TwoLayerClassifier, TwoLayerRegressorCV, TwoLayerClassifierCV]


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_skip_layer_is_there_with_more_columns_than_rows(kind):
    wide, tall = table(12, 13), table(13, 12)
    assert chosen_by_shape(kind, *wide).w_skip_.shape[0] == 13
    assert chosen_by_shape(kind, *tall).w_skip_ is None
    assert chosen_by_shape(kind, *wide, skip=False).w_skip_ is None
    assert chosen_by_shape(kind, *tall, skip=True).w_skip_ is not None


@pytest.mark.parametrize("kind", [TwoLayerRegressor, TwoLayerRegressorCV])
def test_regressors_have_one_only_if_asked(kind):
    x, y = table(12, 13)
    assert chosen_by_shape(kind, x, y).w_skip_ is None
    assert chosen_by_shape(kind, x, y, skip=True).w_skip_ is not None


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_repeated_rows_do_not_make_a_table_tall(kind):
    x, y = table(12, 13)
    assert chosen_by_shape(kind, np.repeat(x, 2, axis=0), np.repeat(y, 2)).w_skip_ is not None


def test_smoothed_labels():
    """By hand: nine tenths stay, one tenth is shared out among all classes."""
    two = fit_plan.smooth_labels(np.array([0, 1]), 1, 0.1)
    assert two == pytest.approx(np.array([[0.05], [0.95]]))
    four = fit_plan.smooth_labels(np.array([2]), 4, 0.1)
    assert four == pytest.approx(np.array([[0.025, 0.025, 0.925, 0.025]]))
    labels = fit_plan.smooth_labels(np.array([[0.0, 1, 1]]), 3, 0.1)
    assert labels == pytest.approx(np.array([[0.05, 0.95, 0.95]]))
    y = np.array([0, 1])
    assert fit_plan.smooth_labels(y, 1, 0.0) is y


def test_the_smoothing_follows_the_shape():
    assert fit_plan.label_smoothing_share("auto", 12, 13) == 0.1
    assert fit_plan.label_smoothing_share("auto", 13, 13) == 0
    assert fit_plan.label_smoothing_share(0.2, 13, 13) == 0.2


@pytest.mark.parametrize("kind", [TwoLayerClassifier, TwoLayerClassifierCV])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_smoothed_linear_model_is_that_of_rows_with_every_label(kind, n_classes):
    """scikit-learn's logistic regression on rows repeated with each class, weighted with its share of the label.

    Decay this strong puts all hidden units out.
    """
    x, y = table(30, 40, n_classes)
    x[np.arange(30), y] += 2
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    how = {"alphas": [60.0], "cv": 2} if kind is TwoLayerClassifierCV else {"alpha": 60.0}
    model = kind(4, n_networks=1, tol=1e-9, random_state=0, **how).fit(x, y)
    shares = 0.9 * np.eye(n_classes)[y] + 0.1 / n_classes  # (n_rows, n_classes)
    linear = LogisticRegression(C=1 / 60, tol=1e-8, max_iter=5000)
    linear.fit(
        np.repeat(x, n_classes, axis=0),
        np.tile(np.arange(n_classes), 30),
        sample_weight=shares.ravel(),
    )
    expected = linear.decision_function(x).reshape(30, -1)
    assert logits_of(model, x) == pytest.approx(expected, abs=1e-3)
    hard = kind(4, n_networks=1, label_smoothing=0.0, random_state=0, **how).fit(x, y)
    assert not np.allclose(logits_of(hard, x), expected, atol=1e-2)


def test_the_search_scores_true_labels():
    """With all weights decayed away, the log probability of a class is that of its share among the smoothed labels."""
    x, y = table(20, 30, 2)
    search = TwoLayerClassifierCV(
        3, alphas=[1e6], cv=2, label_smoothing=0.5, n_networks=1, tol=1e-9
    )
    assert search.fit(x, y).best_score_ == pytest.approx(np.log(0.5), abs=1e-3)
    y = np.arange(20) % 10 == 0  # one in ten; half of the label is shared out: 0.3
    expected = 0.9 * np.log(0.7) + 0.1 * np.log(0.3)
    assert search.fit(x, y).best_score_ == pytest.approx(expected, abs=1e-3)


def test_training_goes_on_with_the_network_it_has():
    x, y = table(30, 20)
    model = TwoLayerClassifier(3, alpha=1.0, warm_start=True, **FEW).fit(x[:12], y[:12])
    assert model.fit(x, y).w_skip_ is not None


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_chosen_comes_back_from_a_file(kind, tmp_path):
    for x, y in (table(12, 13), table(13, 12)):
        model = chosen_by_shape(kind, x, y)
        tl.save(model, tmp_path / "model.safetensors")
        loaded = tl.load(tmp_path / "model.safetensors")
        assert loaded.skip == "auto"
        assert (loaded.predict(x) == model.predict(x)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_other_words_for_the_skip_layer_are_refused(kind):
    with pytest.raises(InputError, match="skip must be True, False or 'auto'; got 'yes'"):
        chosen_by_shape(kind, *table(12, 13), skip="yes")


@pytest.mark.parametrize("kind", [TwoLayerClassifier, TwoLayerClassifierCV])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("some", "label_smoothing must be a number from 0 to below 1, or 'auto'; got 'some'"),
        (1.0, "label_smoothing is a share of each label, from 0 to below 1"),
        (-0.1, "label_smoothing must be"),
    ],
)
def test_other_smoothings_are_refused(kind, given, words):
    with pytest.raises(InputError, match=words):
        chosen_by_shape(kind, *table(12, 13), label_smoothing=given)

"""Sets of classes: against their formula and another library, and what they hold for each class by itself."""

import copy
import pickle

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

import twolayer as tl
from twolayer.errors import InputError, TwoLayerWarning
from twolayer.estimators.uncertainty.class_sets import (
    class_set,
    few_rows_sentence,
    losses_of_probabilities,
    mean_of_known,
)
from twolayer.maths.losses import LOSSES

SETTINGS = {"n_hidden": 10, "alpha": 1.0, "n_networks": 2, "random_state": 0}
NAMES = np.array(["a", "b", "c"])


def table(n=150, seed=0, shares=(0.6, 0.3, 0.1)):
    """Three classes around the corners of a triangle that overlap; one is rare."""
    rng = np.random.default_rng(seed)
    numbers = rng.choice(3, n, p=shares)
    corners = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 2.0]])
    return corners[numbers] + rng.standard_normal((n, 2)), NAMES[numbers]


def probabilities(n=60, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([1.0, 1.0, 1.0], n)
    return p, np.array([rng.choice(3, p=one) for one in p])


def test_a_class_is_in_the_set_where_its_p_value_is_above_the_rest():
    """Vovk's p-value of a class: the share of its rows, with the new one, whose probability is not above the new one's."""
    p, numbers = probabilities()
    new, _ = probabilities(40, seed=1)
    level = 0.8
    found = class_set(new, losses_of_probabilities(p, numbers, None, NAMES), level)
    for k in range(3):
        own = p[numbers == k, k]
        p_value = ((own[:, None] <= new[:, k]).sum(axis=0) + 1) / (len(own) + 1)
        expected = p_value > 1 - level
        only = new[:, k] == new.max(axis=1)  # an empty set has the most likely class
        assert (found[:, k] == expected)[~only].all()
        assert found[expected, k].all()


def test_they_are_those_of_crepes():
    crepes = pytest.importorskip("crepes", reason="crepes is not installed")
    p, numbers = probabilities(80)
    new, _ = probabilities(50, seed=1)
    theirs = crepes.ConformalClassifier().fit(1 - p[np.arange(80), numbers], bins=numbers)
    bins = np.tile(np.arange(3), (50, 1))
    expected = np.column_stack(
        [
            theirs.predict_set((1 - new), bins=bins[:, k], confidence=0.85, smoothing=False)[:, k]
            for k in range(3)
        ]
    ).astype(bool)
    found = class_set(new, losses_of_probabilities(p, numbers, None, NAMES), 0.85)
    empty = ~expected.any(axis=1)
    assert np.array_equal(found[~empty], expected[~empty])
    assert np.array_equal(found[empty].argmax(axis=1), new[empty].argmax(axis=1))


def test_a_row_of_weight_2_is_that_row_twice():
    """But for the number of rows, of which a set needs so many: with many rows it does not matter."""
    p, numbers = probabilities(3000)
    s = np.where(np.arange(3000) % 3, 1.0, 2.0)
    twice = np.repeat(np.arange(3000), s.astype(int))
    new, _ = probabilities(300, seed=1)
    weighted = class_set(new, losses_of_probabilities(p, numbers, s, NAMES), 0.8)
    repeated = losses_of_probabilities(p[twice], numbers[twice], None, NAMES)
    assert (weighted == class_set(new, repeated, 0.8)).mean() > 0.99


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"alpha": "auto"},
        {"early_stopping": True, "validation_fraction": 0.4},
        {"class_weight": "balanced"},
    ],
    ids=str,
)
def test_they_hold_their_share_of_each_class(settings):
    x, y = table(400)
    new, truth = table(3000, seed=1)
    model = tl.TwoLayerClassifier(**{**SETTINGS, **settings}).fit(x, y)
    sets = model.predict_set(new, 0.9)
    assert sets.shape == (3000, 3)
    assert sets.dtype == bool
    assert sets.any(axis=1).all()
    for k, name in enumerate(NAMES):
        assert 0.78 < sets[truth == name, k].mean() < 0.99
    plain = model.classes_[model.predict_proba(new).argmax(axis=1)]
    rare = (plain == truth)[truth == "c"].mean()
    assert settings or rare < 0.7  # which the sets make good


def test_the_losses_are_those_of_predictions_left_out():
    x, y = table()
    model = tl.TwoLayerClassifier(**{**SETTINGS, "alpha": 3.0}).fit(x, y)
    p = model.left_out_predict(x, y, method="predict_proba")
    for k, name in enumerate(NAMES):
        expected = np.sort(-np.log(p[y == name, k]))
        # a training without a row ends elsewhere by rounding, as the others are in another order
        np.testing.assert_allclose(model.left_out_losses_[name], expected, rtol=0.1)


def test_they_are_worked_out_when_they_are_asked_for():
    x, y = table()
    model = tl.TwoLayerClassifier(**{**SETTINGS, "alpha": 3.0}).fit(x, y)
    twin, alike = copy.copy(model), clone(model)
    assert "left_out_losses_" not in vars(model)
    pickled = pickle.loads(pickle.dumps(model))
    assert "_rows_left_out" not in vars(pickled)
    assert "_rows_left_out" not in vars(model)  # the rows of training are let go
    expected = model.predict_set(x, 0.9)
    for other in (pickled, twin, alike.fit(x, y)):
        np.testing.assert_array_equal(other.predict_set(x, 0.9), expected)
    state = tl.TwoLayerClassifier(**{**SETTINGS, "alpha": 3.0}).fit(x, y).get_fitted_state()
    assert list(state["left_out_losses_"]) == NAMES.tolist()


def test_those_of_before_end_though_a_callback_asks_for_them():
    x, y = table()
    settings = {**SETTINGS, "alpha": 3.0}
    model = tl.TwoLayerClassifier(**settings).fit(x, y)
    asks = lambda progress: model.predict_set(x, 0.9) is None  # noqa: E731
    model.set_params(callback=asks).fit(x[:100], y[:100])
    expected = tl.TwoLayerClassifier(**settings).fit(x[:100], y[:100]).left_out_losses_
    assert sum(len(own) for own in model.left_out_losses_.values()) == 100
    for name, own in expected.items():
        np.testing.assert_array_equal(model.left_out_losses_[name], own)


def test_losses_that_are_given_stay():
    x, y = table()
    given = {name: np.array([0.1, 0.2]) for name in NAMES}
    model = tl.TwoLayerClassifier(**SETTINGS).fit(x, y)
    assert model.set_fitted_state({"left_out_losses_": given}).left_out_losses_ is given
    model = tl.TwoLayerClassifier(**SETTINGS).fit(x, y)
    model.left_out_losses_ = None
    assert model.left_out_losses_ is None


def test_another_training_forgets_the_rows_of_the_one_before():
    x, y = table()
    model = tl.TwoLayerClassifier(**{**SETTINGS, "alpha": 3.0}).fit(x, y)
    model.partial_fit(x, y)
    assert model.left_out_losses_ is None
    model.fit(x[:100], y[:100])
    assert sum(len(own) for own in model.left_out_losses_.values()) == 100


@pytest.mark.parametrize("classes", [2, 3])
def test_a_search_takes_its_held_out_rows(classes):
    x, y = load_wine(return_X_y=True)
    x, y = x[y < classes], y[y < classes]
    a, b, c, d = train_test_split(x, y, test_size=0.5, random_state=0, stratify=y)
    model = tl.TwoLayerClassifierCV(5, alphas=[1.0], cv=3, n_networks=1, random_state=0).fit(a, c)
    assert [len(own) for own in model.left_out_losses_.values()] == np.bincount(c).tolist()
    sets = model.predict_set(b, 0.9)
    assert sets[np.arange(len(d)), d].mean() > 0.85
    np.testing.assert_array_equal(sets.shape, (len(b), classes))


@pytest.mark.filterwarnings("ignore:training took all of max_iter")
def test_networks_without_decay_say_nothing_of_rows_left_out():
    """Their probabilities are 0 and 1, the loss has no curvature there, and one step moves logits by thousands or not at all."""
    x, y = table()
    model = tl.TwoLayerClassifier(**{**SETTINGS, "alpha": 1e-4, "n_hidden": 50}).fit(x, y)
    assert model.left_out_losses_ is None
    with pytest.warns(
        TwoLayerWarning,
        match="because training was cut short, and the probabilities are nearly 0 and 1",
    ):
        model.left_out_predict(x, y)


def test_rows_that_are_kept_tell_sets_where_none_were_left_out():
    """At a given alpha, with a solver that ends at no minimum, nothing was left out in the fit."""
    x, y = table()
    model = tl.TwoLayerClassifier(**SETTINGS, solver="adam", max_iter=100).fit(x, y)
    assert model.left_out_losses_ is None
    with pytest.raises(
        InputError, match=r"Call model.keep_rows\(X, y\) with the rows that fit had"
    ):
        model.predict_set(x)
    sets = model.keep_rows(x, y).predict_set(x)
    assert [len(own) for own in model.left_out_losses_.values()] == [
        (y == name).sum() for name in NAMES
    ]
    assert sets[np.arange(150), np.searchsorted(NAMES, y)].mean() > 0.85


def test_a_class_of_few_rows_is_in_every_set_and_a_warning_says_so():
    x, y = table(60)
    y[y == "c"] = "a"
    y[0] = "c"
    model = tl.TwoLayerClassifier(**SETTINGS).fit(x, y)
    with pytest.warns(
        TwoLayerWarning, match="the class 'c' is in every set: of it there are 1 row, too few"
    ):
        sets = model.predict_set(x, 0.9)
    assert sets[:, 2].all()
    assert not sets[:, 0].all()


def test_the_number_of_rows_that_a_level_takes():
    losses = {"a": np.zeros(9), "b": np.zeros(8), "c": np.zeros(0)}
    assert few_rows_sentence({"a": losses["a"]}, 0.9) is None
    sentence = few_rows_sentence(losses, 0.9)
    assert "the classes 'b', 'c' are in every set: of each there are 0 to 8 rows" in sentence
    assert sentence.endswith("which takes 9")


def test_what_has_no_sets_is_refused():
    x, y = table(60)
    model = tl.TwoLayerClassifier(**SETTINGS).fit(x, y)
    for level in (0, 1, 1.5, np.nan):
        with pytest.raises(InputError, match="level"):
            model.predict_set(x, level)
    labels = tl.TwoLayerClassifier(**SETTINGS).fit(
        x, np.column_stack([y == "a", y == "b"]).astype(int)
    )
    with pytest.raises(InputError, match="each row has several labels here"):
        labels.predict_set(x)
    model.partial_fit(x, y)
    with pytest.raises(InputError, match="keep_rows"):
        model.predict_set(x)


def test_groups_are_left_out_whole():
    """Four rows of a group are nearly the same, with one class by chance: only rows left out in groups say so."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 4)
    x = rng.standard_normal((30, 3))[groups] + 1e-3 * rng.standard_normal((120, 3))
    y = rng.integers(0, 2, 30)[groups]
    own = {**SETTINGS, "alpha": 3.0}
    alone = tl.TwoLayerClassifier(**own).fit(x, y).left_out_losses_
    together = tl.TwoLayerClassifier(**own).fit(x, y, groups=groups).left_out_losses_
    assert np.mean(together[0]) > 1.3 * np.mean(alone[0])


def test_networks_that_say_nothing_of_a_row_are_passed_over():
    outputs = np.array([[[0.0], [1.0], [np.nan]], [[2.0], [np.nan], [np.nan]]])
    found = mean_of_known(outputs, LOSSES["log_loss"])[:, 0]
    assert found[0] == pytest.approx(logit((0.5 + expit(2.0)) / 2))
    assert found[1] == pytest.approx(1.0)
    assert np.isnan(found[2])

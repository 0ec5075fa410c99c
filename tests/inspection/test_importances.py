"""Importances, beside scikit-learn's permutation importance, sums by hand, and data whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics
from sklearn.inspection import permutation_importance
from sklearn.utils import check_random_state

import twolayer as tl
from twolayer import InputError
from twolayer.inspection import importances, ranking, weights


def orders_of_sklearn(n_rows, repeats, seed):
    """The orders in which scikit-learn shuffles every column: each shuffle works on what the one before left."""
    rng = check_random_state(check_random_state(seed).randint(np.iinfo(np.int32).max + 1))
    shuffle, order, orders = np.arange(n_rows), np.arange(n_rows), []
    for _ in range(repeats):
        rng.shuffle(shuffle)
        order = order[shuffle]
        orders.append(order)
    return np.stack(orders)


def table(n_rows=60, n_inputs=4, seed=0):
    return np.random.default_rng(seed).standard_normal((n_rows, n_inputs))


def numbers(**settings):
    x = table()
    y = (
        np.stack([x[:, 0] * x[:, 1], x[:, 2]], axis=1)
        if settings.pop("two", False)
        else x[:, 1] ** 2
    )
    return tl.TwoLayerRegressor(6, alpha=0.5, random_state=0, **settings).fit(x, y), x, y


def classes(n_classes=3, **settings):
    x = table()
    y = np.array(["a", "b", "c"])[:n_classes][np.digitize(x[:, 0], [-0.5, 0.5]) % n_classes]
    return tl.TwoLayerClassifier(6, alpha=0.5, random_state=0, **settings).fit(x, y), x, y


def labels(**settings):
    x = table()
    y = np.stack([x[:, 0] > 0, x[:, 1] + x[:, 2] > 0.3], axis=1).astype(int)
    return tl.TwoLayerClassifier(6, alpha=0.5, random_state=0, **settings).fit(x, y), x, y


def minus_mean_log_loss(model, x, y):
    """Of several labels, which scikit-learn scores one at a time."""
    p = model.predict_proba(x)
    return -np.mean([metrics.log_loss(y[:, k], p[:, k]) for k in range(y.shape[1])])


@pytest.mark.parametrize(
    ("made", "scoring"),
    [
        (numbers(n_networks=1), "r2"),
        (numbers(n_networks=3), "r2"),
        (numbers(n_networks=2, two=True), "r2"),
        (numbers(n_networks=2, skip=True, activation="tanh"), "r2"),
        (classes(n_networks=1), "neg_log_loss"),
        (classes(n_networks=2, calibrate=True), "neg_log_loss"),
        (classes(2, n_networks=2, skip=True), "neg_log_loss"),
        (labels(n_networks=2, calibrate=True), minus_mean_log_loss),
    ],
)
def test_as_scikit_learn_finds_them(monkeypatch, made, scoring):
    model, x, y = made
    theirs = permutation_importance(model, x, y, scoring=scoring, n_repeats=4, random_state=7)
    monkeypatch.setattr(
        importances, "row_orders", lambda n, repeats, rng: orders_of_sklearn(n, repeats, 7)
    )
    monkeypatch.setattr(importances, "MAX_HELD_NUMBERS", 1500)  # some orders at a time
    ours = importances.permutation_importances(model, x, y, groups=[[0], [1], [2], [3]], repeats=4)
    assert np.abs(theirs.importances_mean).max() > 0.1
    np.testing.assert_allclose(ours.mean, theirs.importances_mean, atol=1e-10)


def test_a_group_is_shuffled_as_one():
    model, x, y = numbers(n_networks=1)
    found = importances.permutation_importances(model, x, y, groups=[[1, 3]], repeats=3)
    orders = importances.row_orders(60, 3, np.random.default_rng(0))
    lost = []
    for order in orders:
        moved = x.copy()
        moved[:, [1, 3]] = x[order][:, [1, 3]]
        lost.append(model.score(x, y) - model.score(moved, y))
    np.testing.assert_allclose(found.mean, [np.mean(lost)], atol=1e-12)


def test_row_weights_count_as_repeated_rows():
    model, x, y = numbers(n_networks=1)
    s = np.r_[np.full(30, 2.0), np.ones(30)]
    found = importances.permutation_importances(
        model, x, y, sample_weight=s, groups=[[0], [1]], repeats=2
    )
    orders = importances.row_orders(60, 2, np.random.default_rng(0))
    lost = []
    for order in orders:
        moved = x.copy()
        moved[:, 1] = x[order, 1]
        lost.append(model.score(x, y, sample_weight=s) - model.score(moved, y, sample_weight=s))
    np.testing.assert_allclose(found.mean[1], np.mean(lost), atol=1e-12)


def test_twins_alone_look_useless_and_together_they_are_what_matters():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    x[:, 1] = x[:, 0] + 1e-3 * rng.standard_normal(200)
    model = tl.TwoLayerRegressor(5, alpha=10.0, n_networks=1, random_state=0).fit(x, x[:, 0])
    alone = importances.permutation_importances(model, x, x[:, 0], groups=[[0], [1], [2]])
    together = importances.permutation_importances(model, x, x[:, 0])
    leader = {tuple(sorted(group)): k for k, group in enumerate(together.groups)}
    assert set(leader) == {(0, 1), (2,)}
    # predicting by a shuffled copy of y itself: 1 - R² is 2
    assert together.mean[leader[0, 1]] == pytest.approx(2, rel=0.15)
    assert max(alone.mean[:2]) < 0.5 * together.mean[leader[0, 1]]
    assert together.top_share.tolist() == [1.0 if k == leader[0, 1] else 0.0 for k in range(2)]
    assert (together.low <= together.mean).all()
    assert (together.mean <= together.high).all()


def test_groups_are_around_their_leaders_and_do_not_chain():
    rng = np.random.default_rng(0)
    a, b = np.linalg.qr(np.column_stack([np.ones(400), rng.standard_normal((400, 2))]))[0].T[1:]
    turned = [
        np.cos(t) * a + np.sin(t) * b for t in np.radians([0, 30, 60])
    ]  # correlations cos 30° = 0.87, cos 60° = 0.5
    x = np.stack(turned, axis=1)
    assert [group.tolist() for group in importances.correlated_groups(x)] == [[0, 1], [2]]
    led = importances.correlated_groups(x, order=[1, 0, 2])
    assert [group.tolist() for group in led] == [[1, 0, 2]]
    assert len(importances.correlated_groups(x, threshold=0.95)) == 3


def test_columns_made_from_one_are_one_group_and_constants_are_alone(monkeypatch):
    monkeypatch.setattr(importances, "CORRELATION_BLOCK", 2)
    x = table(50, 5)
    x[:, 4] = 1.0
    groups = importances.correlated_groups(x, sources=["a", "b", "a", "c", "d"])
    assert [group.tolist() for group in groups] == [[0, 2], [1], [3], [4]]


def test_of_very_many_columns_the_strongest_are_shuffled(monkeypatch):
    monkeypatch.setattr(importances, "MAX_COLUMNS", 3)
    monkeypatch.setattr(importances, "MAX_STRONGEST", 2)
    model, x, y = numbers(n_networks=1)
    found = importances.permutation_importances(model, x, y)
    assert found.n_inputs == 4
    assert sum(map(len, found.groups)) == 2
    assert 1 in np.concatenate(found.groups)  # y is made of it


def test_garson_and_olden_by_hand():
    params = tl.Params(
        np.array([[2.0, -1.0], [-2.0, 3.0]]), None, np.array([[1.0, 0.5], [-4.0, 0.0]]), None
    )
    # unit 1: shares 1/2, 1/2; unit 2: 1/4, 3/4; with |w2| 1 and 4, then 0.5 and 0
    expected = np.array([[(0.5 + 1) / 5, 0.5], [(0.5 + 3) / 5, 0.5]])
    np.testing.assert_allclose(weights.garson_shares(params), expected)
    np.testing.assert_allclose(weights.olden_products(params), [[2 + 4, 1.0], [-2 - 12, -1.0]])
    skip = tl.Params(params.w1, None, params.w2, None, w_skip=np.array([[10.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(
        weights.olden_products(skip, [2.0, 1.0]), [[32.0, 2.0], [-14.0, 0.0]]
    )
    wide = weights.garson_shares(params, [4.0, 1.0])  # unit 1: 8 : 2, unit 2: 4 : 3
    np.testing.assert_allclose(wide[:, 1], [0.8, 0.2])


def test_weights_of_nothing_are_shares_of_nothing():
    zero = tl.Params(np.zeros((3, 2)), None, np.zeros((2, 1)), None)
    assert weights.garson_shares(zero).tolist() == [[0.0]] * 3


def test_a_profile_of_a_known_function():
    x = np.array([[0.0, 1.0, 5.0], [4.0, 3.0, 7.0]])
    values, answers = importances.lek_values(
        lambda rows: np.stack([rows[:, 0] * rows[:, 1], rows[:, 2]], axis=1), x, 0, (0, 0.5), 3
    )
    assert values.tolist() == [0, 2, 4]
    assert answers[:, :, 0].tolist() == [[0, 2, 4], [0, 4, 8]]
    assert answers[:, :, 1].tolist() == [[5] * 3, [6] * 3]
    with pytest.raises(InputError, match="from 0 to 2; got 3"):
        importances.lek_values(lambda rows: rows[:, 0], x, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, x, y: (tl.init_params(4, 2, 1), x, y), "got Params"),
        (lambda m, x, y: (m, x[:1], y[:1]), "x has 1"),
        (lambda m, x, y: (m, x, np.ones(60)), "the same in all rows"),
    ],
)
def test_what_cannot_be_asked(change, message):
    with pytest.raises(InputError, match=message):
        importances.permutation_importances(*change(*numbers(n_networks=1)))


def test_importances_are_the_paths_by_hand():
    w1, w2 = np.array([[1.0, -2.0], [0.0, 3.0]]), np.array([[4.0], [-1.0]])
    params = tl.Params(w1, None, w2, None)
    spread = np.array([1.0, 2.0])
    # paths: (1·4 + 2·1)·1 = 6 and (0·4 + 3·1)·2 = 6
    assert weights.weight_shares([params], spread).tolist() == [0.5, 0.5]
    # signed: (1·4 + -2·-1)·1 = 6 and (3·-1)·2 = -6
    assert weights.olden_products(params, spread).tolist() == [[6], [-6]]


def test_units_that_move_nothing_are_counted():
    x = np.random.default_rng(0).standard_normal((50, 3))
    model = tl.TwoLayerRegressor(4, alpha=0.1, n_networks=1, max_iter=5, random_state=0).fit(
        x, x[:, 0]
    )
    model.b1_[0] = -1e3  # never above 0
    model.w2_[1] = 0  # never heard
    assert weights.idle_unit_counts(model, x) == [2]


def known_model(w1, w2, w_skip=None):
    """Two networks that differ in the sign of the second input, as an estimator shows them."""
    networks = [
        tl.Params(np.array(w1) * [[1.0], [s]], None, np.array(w2), None, w_skip) for s in (1, -1)
    ]
    return SimpleNamespace(
        networks_=networks, n_features_in_=2, input_clip_=None, w2_=networks[0].w2
    )


def test_inputs_are_ranked_by_hand():
    model = known_model([[1.0, -2.0], [0.0, 3.0]], [[4.0], [-1.0]])
    found = ranking.rank_inputs(model, [1.0, 4.0])
    # paths: (1·4 + 2·1)·1 = 6 and (0·4 + 3·1)·4 = 12
    np.testing.assert_allclose(found.share, [1 / 3, 2 / 3])
    assert found.order.tolist() == [1, 0]
    # products: (1·4 + -2·-1)·1 = 6 in both; (3·-1)·4 = -12 in one and 12 in the other
    assert found.products.ravel().tolist() == [6, 0]
    assert found.agreement.ravel().tolist() == [1, 0]
    assert [found.sign(0), found.sign(1)] == ["+", "~"]
    assert (found.inputs, found.outputs) == (["x1", "x2"], ["y1"])
    assert (found.half_count, found.skip_share, found.is_diffuse) == (1, 0, False)


def test_a_ranking_has_the_names_it_is_given():
    model, x, _ = classes(2, n_networks=1)
    found = ranking.rank_inputs(model, x.std(axis=0), ["p", "q", "r", "s"])
    assert (found.inputs[found.order[0]], found.outputs) == ("p", ["b"])
    two, x, _ = numbers(n_networks=1, two=True)
    assert ranking.rank_inputs(two, x.std(axis=0), targets=["u", "v"]).outputs == ["u", "v"]
    with pytest.raises(InputError, match="the model has 4 inputs, and spreads has 3"):
        ranking.rank_inputs(model, x.std(axis=0)[:3])
    with pytest.raises(InputError, match="the model has 4 inputs, and inputs has 1"):
        ranking.rank_inputs(model, x.std(axis=0), ["p"])


def test_values_that_are_missing_in_the_same_rows_make_no_group():
    """Two genes of noise, a copy of the first, and markers: both genes are missing in row 7 alone."""
    a, b = np.random.default_rng(0).standard_normal((2, 50))
    marker = np.arange(50) == 7
    x = np.stack([a, b, a, marker, marker], axis=1)
    names = ["a", "b", "copy", "a", "b"]
    groups = importances.correlated_groups(x, names, n_markers=2)
    assert [group.tolist() for group in groups] == [[0, 2, 3], [1, 4]]
    for order in (range(5), range(4, -1, -1)):
        groups = importances.correlated_groups(x, names, order=list(order), n_markers=2)
        assert sorted(map(sorted, groups)) == [[0, 2, 3], [1, 4]]

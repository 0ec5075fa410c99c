"""Which targets change places: single rows, rows of a group, or whole groups. Numbers of orders are counted by hand."""

import math

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, StratifiedKFold

from twolayer.estimators.selection.shuffles import fold_of_rows, target_shuffle


def orders(shuffle, y, n=60, seed=0):
    """The targets of some shuffles."""
    rng = np.random.default_rng(seed)
    return [y[shuffle.order(rng)] for _ in range(n)]


def halves(n_rows):
    """Two folds, one after the other."""
    rows = np.arange(n_rows)
    return [(rows[n_rows // 2 :], rows[: n_rows // 2]), (rows[: n_rows // 2], rows[n_rows // 2 :])]


def test_shuffles_keep_the_classes_of_each_part():
    y = np.arange(30) % 3
    splits = list(StratifiedKFold(5, shuffle=True, random_state=0).split(y, y))
    shuffle = target_shuffle(y, splits, None, classifies=True)
    found = orders(shuffle, y)
    for targets in found:
        for _, test in splits:
            assert sorted(targets[test]) == sorted(y[test])
    assert any((targets != y).any() for targets in found)
    assert shuffle.n_orders == (math.factorial(6) / 2**3) ** 5
    assert shuffle.words == "the targets of single rows, within each held-out part"


def test_shuffles_go_everywhere_where_parts_say_nothing():
    """Leave-one-out: within parts of one row nothing could change. Of numbers parts say nothing."""
    y = np.arange(6) % 2
    splits = [(np.delete(np.arange(6), k), np.array([k])) for k in range(6)]
    assert target_shuffle(y, splits, None, classifies=True).n_orders == math.comb(6, 3)
    shuffle = target_shuffle(np.arange(6.0)[:, None], splits, None, classifies=False)
    assert shuffle.n_orders == math.factorial(6)
    assert shuffle.words == "the targets of single rows"


def test_targets_that_vary_within_groups_stay_there():
    y, groups = np.array([0, 1, 1, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1, 2, 2])
    shuffle = target_shuffle(y, halves(8), groups, classifies=True)
    found = orders(shuffle, y)
    for targets in found:
        assert [targets[groups == g].sum() for g in range(3)] == [2, 1, 2]
    assert len({tuple(targets) for targets in found}) == shuffle.n_orders == 9
    assert shuffle.words.endswith(
        "within each group; 1 of 3 groups have one target each, and keep it"
    )


def test_whole_groups_change_targets():
    """Six groups of two rows that do not stand together, three of each target: 20 orders, in which groups stay whole."""
    groups = np.tile(np.array(list("abcdef")), 2)
    y = np.isin(groups, list("abc")).astype(float)
    splits = list(GroupKFold(3).split(y, groups=groups))
    shuffle = target_shuffle(y, splits, groups, classifies=False)
    found = orders(shuffle, y, 300)
    for targets in found:
        assert (targets[:6] == targets[6:]).all()
        assert targets.sum() == 6
    assert len({tuple(targets) for targets in found}) == shuffle.n_orders == math.comb(6, 3)
    assert shuffle.words == "the targets of whole groups: each of the 6 gets those of another group"


def test_shuffles_have_all_classes_where_the_true_order_has_them():
    """Four groups in two folds: of six orders four put both classes in each fold; the others are none of the null."""
    groups = np.repeat(np.arange(4), 3)
    y = np.repeat([0, 1, 0, 1], 3)
    found = {tuple(each[::3]) for each in orders(target_shuffle(y, halves(12), groups, True), y)}
    assert found == {(0, 1, 0, 1), (0, 1, 1, 0), (1, 0, 0, 1), (1, 0, 1, 0)}
    y = np.repeat([0, 0, 1, 1], 3)  # and one with a class in each fold has its like
    found = {tuple(each[::3]) for each in orders(target_shuffle(y, halves(12), groups, True), y)}
    assert found == {(0, 0, 1, 1), (1, 1, 0, 0)}


def test_many_groups_change_targets_within_held_out_parts():
    """So that folds that share the classes out evenly are compared with folds that do as well."""
    groups = np.repeat(np.arange(40), 2)
    y = np.random.default_rng(0).permutation(np.arange(40) % 2)[groups]
    splits = list(GroupKFold(4).split(y, groups=groups))
    parts = fold_of_rows(splits, 80)
    for targets in orders(target_shuffle(y, splits, groups, classifies=True), y):
        assert (np.bincount(parts, targets) == np.bincount(parts, y)).all()
        assert (targets[::2] == targets[1::2]).all()
    everywhere = target_shuffle(y, splits, groups, classifies=False)
    assert everywhere.n_orders == pytest.approx(math.comb(40, 20), rel=1e-9)


def test_groups_of_one_size_change_targets_among_them():
    """Twelve groups of one row and twelve of three: 924 orders each."""
    sizes = np.repeat([1, 3], 12)
    groups, y = np.repeat(np.arange(24), sizes), np.repeat(np.arange(24) % 2, sizes)
    shuffle = target_shuffle(y, halves(48), groups, classifies=False)
    assert all(targets.sum() == y.sum() == 24 for targets in orders(shuffle, y))
    assert shuffle.n_orders == math.comb(12, 6) ** 2
    assert "more or fewer rows" not in shuffle.words


def test_groups_of_all_sizes_change_targets():
    """Three batches, two of one target: three orders, in which each batch has one target."""
    sizes = [4, 2, 3]
    groups, y = np.repeat(np.arange(3), sizes), np.repeat([0, 1, 1], sizes)
    shuffle = target_shuffle(y, halves(9), groups, classifies=True)
    found = {tuple(targets) for targets in orders(shuffle, y)}
    expected = [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert found == {tuple(np.repeat(targets, sizes).tolist()) for targets in expected}
    assert shuffle.n_orders == 3
    assert "also of one with more or fewer rows" in shuffle.words


def test_where_few_groups_vary_whole_groups_change_all_their_targets():
    """One patient of fourteen with both targets: the pair goes around as a pair."""
    groups = np.repeat(np.arange(14), 2)
    y = np.repeat(np.arange(14) % 2, 2)
    y[:2] = [0, 1]
    shuffle = target_shuffle(y, halves(28), groups, classifies=False)
    pairs = [targets.reshape(14, 2).sum(axis=1) for targets in orders(shuffle, y)]
    assert all(sorted(each) == [0] * 6 + [1] + [2] * 7 for each in pairs)
    assert len({int(np.flatnonzero(each == 1)[0]) for each in pairs}) > 5
    assert shuffle.n_orders == math.factorial(14) / math.factorial(6) / math.factorial(7)


def test_where_half_of_the_rows_can_targets_change_places_within_groups():
    """Eight of fourteen pairs have both targets: each of the eight has two orders."""
    groups = np.repeat(np.arange(14), 2)
    y = np.repeat(np.arange(14) % 2, 2)
    y[:16] = np.tile([0, 1], 8)
    shuffle = target_shuffle(y, halves(28), groups, classifies=True)
    assert shuffle.n_orders == 2**8
    assert "within each group; 6 of 14 groups have one target each" in shuffle.words


def test_several_targets_change_places_together():
    groups = np.repeat(np.arange(4), 2)
    y = np.c_[groups, -groups].astype(float)
    shuffle = target_shuffle(y, halves(8), groups, classifies=False)
    for targets in orders(shuffle, y):
        assert (targets[:, 0] == -targets[:, 1]).all()
        assert (targets[::2] == targets[1::2]).all()
    assert shuffle.n_orders == math.factorial(4)

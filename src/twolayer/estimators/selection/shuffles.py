"""Which targets may change places, so that shuffled ones are as probable as the true ones.

Without groups any two rows may change targets. Where the targets are classes and each row is held out in one fold, only rows
of the same held-out part change them: so every shuffle has as many rows of each class in each part as the true order. Folds
with other numbers have other scores, and a comparison with them would not be fair.

Rows of one group (samples of a patient) are alike. Where all of them have the same target, shuffles of single rows would
separate them, and a model that only recognises the patient would seem to learn something. There a target belongs to the
group, and whole groups change targets; where targets vary within groups, they change places within each. That is the
whole-block and within-block exchange of Winkler, Webster, Vidaurre, Nichols & Smith, *Multi-level block permutation*,
NeuroImage 123 (2015) 253-268. Where targets vary within some groups only: within groups, if these have half of the rows or
more; else whole groups.

Whole groups change targets with groups of as many rows, and for classes of the same held-out part, as long as that leaves a
thousand orders; else with groups of another part; and at last with groups of other sizes too. If the true order has all
classes on each side of every fold, a shuffle has them too, as some scores are not defined without.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln

from twolayer.evaluation.splits import FoldRows

ENOUGH_ORDERS = 1000  # of the targets: with so many, the narrower exchange is enough
SHUFFLE_DRAWS = 200  # of a shuffle, until folds have all classes


@dataclass(frozen=True, eq=False)
class TargetShuffle:
    """Units that change targets among them.

    Attributes
    ----------
    units : list of ndarray
        The rows of each: a single one, or those of a group.
    blocks : ndarray, shape (n_units,)
        A unit gets the targets of a unit of the same block.
    n_orders : float
        The number of different orders of the targets, at most; inf for very many.
    words : str
        What is shuffled.
    fair : callable
        Whether an order may be compared with the true one.
    """

    units: list[np.ndarray]
    blocks: np.ndarray
    n_orders: float
    words: str
    fair: Callable[[np.ndarray], bool] = lambda order: True

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """Return for each row the row whose target it gets: a random fair order, or the true one if none is drawn."""
        orders = (self.random_order(rng) for _ in range(SHUFFLE_DRAWS))
        return next((order for order in orders if self.fair(order)), np.arange(self.n_rows))

    @property
    def n_rows(self) -> int:
        return sum(map(len, self.units))

    def random_order(self, rng: np.random.Generator) -> np.ndarray:
        """Return such an order, fair or not."""
        order = np.empty(self.n_rows, dtype=int)
        for rows, place in zip(self.units, shuffled_order(self.blocks, rng), strict=True):
            # a group of another size has one target, which is repeated or cut
            order[rows] = np.resize(self.units[place], len(rows))
        return order


def shuffled_order(blocks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random order in which each stays within its own block."""
    order = np.empty(len(blocks), dtype=int)
    order[np.argsort(blocks, kind="stable")] = np.lexsort((rng.random(len(blocks)), blocks))
    return order


def target_shuffle(
    y: np.ndarray, splits: list[FoldRows], groups: np.ndarray | None, classifies: bool
) -> TargetShuffle:
    """Return the shuffle for these targets, folds and groups.

    Parameters
    ----------
    y : ndarray, shape (n_rows,) or (n_rows, n_outputs)
    splits : list of (train, test)
    groups : array-like, shape (n_rows,), or None
    classifies : bool
    """
    targets = equal_row_numbers(y)
    parts = fold_of_rows(splits, len(y)) if classifies else None
    if groups is None:
        return row_shuffle(targets, parts)
    groups = equal_row_numbers(groups)
    units = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    vary = np.array([len(np.unique(targets[rows])) > 1 for rows in units])
    sizes = np.array([len(rows) for rows in units])
    within = within_group_shuffle(targets, groups, vary)
    if 2 * sizes[vary].sum() >= len(y):
        return within
    narrow = (
        [sizes]
        if parts is None
        else [equal_row_numbers(np.c_[sizes, group_fold(units, parts)]), sizes]
    )
    shuffles = [group_shuffle(targets, units, blocks, vary) for blocks in narrow]
    if not vary.any():
        shuffles.append(group_shuffle(targets, units, np.zeros_like(sizes), vary))
    enough = (each for each in shuffles if each.n_orders >= ENOUGH_ORDERS)
    shuffle = next(enough, max([*shuffles, within], key=lambda each: each.n_orders))
    return replace(shuffle, fair=class_check(targets, splits)) if classifies else shuffle


def class_check(targets: np.ndarray, splits: list[FoldRows]) -> Callable[[np.ndarray], bool]:
    """Return whether an order has all classes in the same parts of folds, train or test, as the true order."""
    n_classes = targets.max() + 1

    def complete(own: np.ndarray) -> list[bool]:
        return [
            all(len(np.unique(own[split[side]])) == n_classes for split in splits)
            for side in (0, 1)
        ]

    true = complete(targets)
    return lambda order: complete(targets[order]) == true


def row_shuffle(targets: np.ndarray, parts: np.ndarray | None) -> TargetShuffle:
    """Return the shuffle of single rows, within the held-out parts if that leaves more than one order."""
    rows = list(np.arange(len(targets))[:, None])
    if parts is not None and count_orders(targets, parts) > 1:
        words = "the targets of single rows, within each held-out part"
        return TargetShuffle(rows, parts, count_orders(targets, parts), words)
    blocks = np.zeros(len(targets), dtype=int)
    return TargetShuffle(rows, blocks, count_orders(targets, blocks), "the targets of single rows")


def within_group_shuffle(
    targets: np.ndarray, groups: np.ndarray, vary: np.ndarray
) -> TargetShuffle:
    """Return the shuffle of single rows within their groups."""
    words = "the targets of single rows, within each group"
    if not vary.all():
        words += f"; {(~vary).sum()} of {len(vary)} groups have one target each, and keep it"
    rows = list(np.arange(len(targets))[:, None])
    return TargetShuffle(rows, groups, count_orders(targets, groups), words)


def group_shuffle(
    targets: np.ndarray, units: list[np.ndarray], blocks: np.ndarray, vary: np.ndarray
) -> TargetShuffle:
    """Return the shuffle of whole groups within blocks, all rows of a group at once."""
    numbers: dict[tuple[int, ...], int] = {}
    contents = [
        numbers.setdefault(tuple(targets[rows] if varies else targets[rows[:1]]), len(numbers))
        for rows, varies in zip(units, vary, strict=True)
    ]
    words = f"the targets of whole groups: each of the {len(units)} gets those of another group"
    if len({(block, len(rows)) for block, rows in zip(blocks, units, strict=True)}) > len(
        np.unique(blocks)
    ):
        words += (
            ", also of one with more or fewer rows; if groups of one target have more rows than others, that alone can "
            "make p small: then give each group the same number of rows, such as one row of its means"
        )
    return TargetShuffle(units, blocks, count_orders(np.array(contents), blocks), words)


def group_fold(units: list[np.ndarray], parts: np.ndarray) -> np.ndarray:
    """Return the held-out part of each group: that of its first row."""
    return np.array([parts[rows[0]] for rows in units])


def fold_of_rows(splits: list[FoldRows], n_rows: int) -> np.ndarray | None:
    """Return the number of the fold that holds each row out; None unless each row is held out once."""
    held_out = np.concatenate([test for _, test in splits])
    if not np.array_equal(np.sort(held_out), np.arange(n_rows)):
        return None
    parts = np.empty(n_rows, dtype=int)
    for number, (_, test) in enumerate(splits):
        parts[test] = number
    return parts


def equal_row_numbers(values: np.ndarray) -> np.ndarray:
    """Return a number from 0 for each row, the same for equal rows."""
    return np.unique(np.asarray(values), axis=0, return_inverse=True)[1].ravel()


def count_orders(targets: np.ndarray, blocks: np.ndarray) -> float:
    """Return the number of orders of these targets if they change places within blocks: a product of multinomials."""
    sizes = np.unique(blocks, return_counts=True)[1]
    repeats = np.unique(np.c_[blocks, targets], axis=0, return_counts=True)[1]
    log = gammaln(sizes + 1.0).sum() - gammaln(repeats + 1.0).sum()
    return float(np.round(math.exp(log))) if log < 700 else math.inf

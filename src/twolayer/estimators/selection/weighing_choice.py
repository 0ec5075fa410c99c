"""Which weighing of the columns to train with: the one with which ridge regression does best on rows left out.

On a wide table the network is close to a linear model, and ridge regression of the weighed columns costs no more than the
products of the rows with each other. As the weights depend on the targets, they are computed anew on the rows outside each
fold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from twolayer.estimators.column_weights import MILD_WEIGHINGS, WEIGHINGS, column_statistic
from twolayer.estimators.standardise import apply_scaling, standardise
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths.span import column_blocks

MOST_RIDGE_ROWS = 500  # more take much more time and hardly change the choice
PENALTIES = np.logspace(3, -2, 11)  # over the mean square of a row


def choose_weighing(rows: TrainingRows, folds: Sequence[np.ndarray], names: Sequence[str]) -> str:
    """Return the weighing with the least loss on rows left out; a sharp one only if it is clearly better.

    Of sharp weighings, which leave few columns a say, one may look best by chance. They have to be better than the others
    by more than two standard errors.

    Parameters
    ----------
    rows : TrainingRows
    folds : sequence of ndarray
        The rows that are left out together.
    names : sequence of str
        The weighings to choose from, names in WEIGHINGS, of both kinds; or one alone.
    """
    if len(names) == 1:
        return names[0]
    each = left_out_losses(*first_rows(rows, folds), names)
    best = each.mean(axis=2).argmin(axis=1)
    losses = dict(zip(names, each[np.arange(len(names)), best], strict=True))
    mild, sharp = (
        min(
            (name for name in names if (name in MILD_WEIGHINGS) == is_mild),
            key=lambda name: losses[name].mean(),
        )
        for is_mild in (True, False)
    )
    gain = losses[mild] - losses[sharp]
    return sharp if gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain)) else mild


def first_rows(
    rows: TrainingRows, folds: Sequence[np.ndarray]
) -> tuple[TrainingRows, list[np.ndarray]]:
    """Return the first rows of each fold, MOST_RIDGE_ROWS at most together, and the folds of these."""
    if rows.n_rows <= MOST_RIDGE_ROWS:
        return rows, list(folds)
    parts = [test[: MOST_RIDGE_ROWS // len(folds)] for test in folds]
    some = np.concatenate(parts)
    ends = np.cumsum([len(part) for part in parts])
    return rows.subset(some), np.split(np.arange(len(some)), ends[:-1])


def left_out_losses(
    rows: TrainingRows, folds: Sequence[np.ndarray], names: Sequence[str]
) -> np.ndarray:
    """Return ridge regression's squared loss of each row left out, (n_weighings, n_penalties, n_rows), times its weight."""
    s = np.ones(rows.n_rows) if rows.s is None else rows.s
    targets = ridge_targets(rows.y, s)
    losses = np.zeros((len(names), len(PENALTIES), rows.n_rows))
    all_products = fold_products(replace(rows, s=s), folds, names)
    for test, products in zip(folds, all_products, strict=True):
        kept = np.ones(rows.n_rows, dtype=bool)
        kept[test] = False
        for k, (gram, across) in enumerate(products):
            outputs = ridge_outputs(gram, across, targets[kept], s[kept])
            losses[k][:, test] = np.square(outputs - targets[test]).sum(axis=2)
    return losses * (s / s.mean())


def fold_products(
    rows: TrainingRows, folds: Sequence[np.ndarray], names: Sequence[str]
) -> Iterable[list[tuple[np.ndarray, np.ndarray]]]:
    """Return `weighed_products` of the rows outside each fold, standardised on them, and of the fold's rows."""
    if hasattr(rows.x, "fold_products"):  # a table that is not here
        own: Iterable[list[tuple[np.ndarray, np.ndarray]]]
        own = rows.x.fold_products(rows.y, rows.s, folds, names)
        return own
    return (products_of_fold(rows, test, names) for test in folds)


def products_of_fold(
    rows: TrainingRows, test: np.ndarray, names: Sequence[str]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the same of one fold."""
    kept = np.ones(rows.n_rows, dtype=bool)
    kept[test] = False
    some = rows.subset(kept)
    z, inputs = standardise(some.x, some.s, "X")
    t = column_statistic(z, some.y, some.s, inputs.constant)
    squares = np.square([WEIGHINGS[name].weights(t) for name in names])
    return weighed_products(z, apply_scaling(inputs, rows.x[test]), squares)


def weighed_products(
    z: np.ndarray, z_test: np.ndarray, squares: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return z diag(v²) zᵀ, and the same of the test rows with the rows, for each of the squared weights v²."""
    n, n_both = len(z), len(z) + len(z_test)
    products = np.zeros((len(squares), n_both, n))
    for columns in column_blocks(z.shape[1], n_both):
        block = np.concatenate([z[:, columns], z_test[:, columns]])
        for product, each in zip(products, squares[:, columns], strict=True):
            heard = np.flatnonzero(each)
            part = block if len(heard) == len(each) else block[:, heard]
            product += part @ (part[:n] * each[heard]).T
    return [(product[:n], product[n:]) for product in products]


def ridge_targets(y: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Return a column of 0 and 1 for each class, or standardised numbers: (n_rows, n_outputs)."""
    if y.ndim == 1:
        return (y[:, None] == np.unique(y)).astype(np.float64)
    return standardise(y.astype(np.float64), s, "y")[0]


def ridge_outputs(gram: np.ndarray, across: np.ndarray, y: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Return ridge regression's outputs for the test rows at each of the penalties: (n_penalties, n_test, n_outputs)."""
    root = np.sqrt(s)
    mean = s @ y / s.sum()
    squares, u = np.linalg.eigh(gram * root * root[:, None])
    unit = max(float(np.trace(gram)) / len(gram), np.finfo(np.float64).tiny)
    decay = squares.clip(min=0) + unit * PENALTIES[:, None]  # (n_penalties, n_rows)
    along = u.T @ (root[:, None] * (y - mean))
    return mean + ((across * root) @ u / decay[:, None, :]) @ along

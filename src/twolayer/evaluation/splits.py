"""Every split of rows: into training and test, into training and validation, and into the folds of a cross-validation.

Whole groups stay together wherever groups are given, and rows in time are trained on only where the held-out rows are later.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError, warn_user
from twolayer.text import other_spelling, plural

FoldRows = tuple[np.ndarray, np.ndarray]  # numbers of the rows to train on, and of those held out
FEWEST_ALPHA_ROWS = 6
TIME_SLICES = 5  # groups of rows that follow each other in time, where alpha is chosen


@dataclass(frozen=True, eq=False)
class TrainTestSplit:
    """The rows that are trained on, and those of the test; and the group of each row, if groups stay together."""

    train: np.ndarray
    test: np.ndarray
    groups: np.ndarray | None = None


def train_test_rows(
    y: np.ndarray,
    test_size: float,
    seed: int,
    *,
    classifies: bool,
    name: str = "y",
    groups: np.ndarray | None = None,
    order: np.ndarray | None = None,
) -> TrainTestSplit:
    """Return rows for training and test: random ones, a share of every class; whole groups; or the latest rows for the test.

    Parameters
    ----------
    y : ndarray, shape (n_rows,) or (n_rows, n_outputs)
    test_size : float
        The share of the rows for the test, above 0 and below 1.
    seed : int
    classifies : bool
        Whether y holds classes.
    name : str
        The name of the target, for errors.
    groups : ndarray, shape (n_rows,), or None
        Rows of one group stay together.
    order : ndarray, shape (n_rows,), or None
        The rank of each row in time: the latest are for the test.

    Raises
    ------
    InputError
        If a part would be too small to train on, or to score.
    """
    labels = classifies and y.ndim == 2  # of which no row's combination need appear twice
    classifies = classifies and not labels
    n_test = math.ceil(test_size * len(y))
    if groups is not None:
        parts = _group_split(groups, test_size, seed)
    elif order is not None:
        latest = order >= np.sort(order)[-n_test]  # rows of the same time stay together
        parts = TrainTestSplit(np.flatnonzero(~latest), np.flatnonzero(latest))
    else:
        parts = _random_split(y, n_test, seed, classifies, name)
    _check_split(y, parts, classifies)
    if labels:
        _check_labels(y, parts, name)
    return parts


def _check_labels(y: np.ndarray, parts: TrainTestSplit, name: str) -> None:
    """Raise InputError if a label has one value only in the rows for training."""
    rows = y[parts.train]
    constant = np.flatnonzero((rows == rows[:1]).all(axis=0)).tolist()
    if constant:
        raise InputError(
            f"label {constant[0] + 1} of '{name}' is {rows[0, constant[0]]} in every row for training: change --seed or "
            "--test-size, or leave the label out"
        )


def _random_split(
    y: np.ndarray, n_test: int, seed: int, classifies: bool, name: str
) -> TrainTestSplit:
    from sklearn.model_selection import train_test_split

    n_rows, needed = len(y), 2
    if classifies:
        classes, counts = np.unique(y, return_counts=True)
        needed = len(classes)
        if counts.min() < 2:
            alone = str(classes[counts.argmin()])
            twin = other_spelling(alone, classes)
            advice = "Leave it out, or choose --task regression for numbers"
            if twin is not None:
                advice = f"Write it as {twin!r}, which is another class, if they are one; or leave it out"
            raise InputError(
                f"class {alone!r} of '{name}' has one row only: it cannot be in both the training "
                f"part and the test part. {advice}"
            )
    if n_test < needed or n_rows - n_test < needed:
        raise InputError(
            f"of {n_rows} rows, {n_test} would be for the test and {n_rows - n_test} for training; each part needs "
            f"at least {needed}{', one for each class' if classifies else ''}: change --test-size, or add rows"
        )
    train, test = train_test_split(
        np.arange(n_rows), test_size=n_test, random_state=seed, stratify=y if classifies else None
    )
    return TrainTestSplit(np.sort(train), np.sort(test))


def _group_split(groups: np.ndarray, test_size: float, seed: int) -> TrainTestSplit:
    if len(np.unique(groups)) < 2:
        raise InputError("all rows are of one group: a split by --groups needs two at least")
    return TrainTestSplit(*_share_of_groups(groups, test_size, seed), groups)


def _share_of_groups(groups: np.ndarray, share: float, seed: int) -> FoldRows:
    from sklearn.model_selection import GroupShuffleSplit

    splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
    return next(splitter.split(groups, groups=groups))


def _check_split(y: np.ndarray, parts: TrainTestSplit, classifies: bool) -> None:
    """Raise InputError if a part is too small, or lacks a class."""
    if min(len(parts.train), len(parts.test)) < 2:
        raise InputError(
            f"{len(parts.train)} rows would be for training and {len(parts.test)} for the test; each part needs at "
            "least 2: change --test-size, or add rows"
        )
    missing = set(y.tolist()) - set(y[parts.train].tolist()) if classifies else None
    if missing:
        raise InputError(
            f"no row of class {str(min(missing))!r} would be left for training: choose a smaller --test-size"
            ", another --seed, or merge classes"
        )


def validation_share(fraction: Any) -> float:
    """Return the share of rows that early stopping holds out; raise InputError if it is none."""
    fraction = checks.finite_number(fraction, "validation_fraction", above=0)
    if fraction >= 1:
        raise InputError(
            f"validation_fraction is a share of the rows, between 0 and 1, such as 0.1; got {fraction:g}"
        )
    return fraction


def validation_rows(
    y: np.ndarray,
    fraction: Any,
    rng: np.random.Generator,
    names: Any,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Return which rows early stopping holds out: a random share, of every class its own, or whole groups.

    Parameters
    ----------
    y : ndarray, shape (n_rows, n_outputs), or class numbers of shape (n_rows,)
    fraction : float
    rng : numpy.random.Generator
    names : sequence
        The classes, for an error.
    groups : ndarray, shape (n_rows,), or None

    Returns
    -------
    held_out : ndarray of bool, shape (n_rows,)

    Raises
    ------
    InputError
        If the fraction cannot be used, or there are too few rows, groups or rows of a class.
    """
    fraction = validation_share(fraction)
    n_rows = len(y)
    if n_rows < 4:
        raise InputError(
            f"early_stopping holds rows out, and there are {n_rows} different rows only: "
            "use early_stopping=False, or give X_val and y_val"
        )
    held_out = np.zeros(n_rows, dtype=bool)
    if groups is not None:
        if len(np.unique(groups)) < 2:
            raise InputError(
                "early_stopping holds whole groups out, and there is one group only: use early_stopping=False, "
                "or give X_val and y_val"
            )
        held_out[_share_of_groups(groups, fraction, int(rng.integers(2**31)))[1]] = True
        return held_out
    order = rng.permutation(n_rows)
    if y.ndim > 1:
        held_out[order[: min(max(1, round(fraction * n_rows)), n_rows - 2)]] = True
        return held_out
    for label in np.unique(y):
        rows = order[y[order] == label]
        if len(rows) < 2:
            raise InputError(
                f"class {str(names[label])!r} has one row only (repeats count once): it cannot be in both the training "
                "part and the validation part. Leave it out, use early_stopping=False, or give X_val and y_val"
            )
        held_out[rows[: min(max(1, round(fraction * len(rows))), len(rows) - 1)]] = True
    return held_out


def fold_splits(
    cv: Any, x: Any, y: np.ndarray, groups: Any, seed: int, classes: np.ndarray | None = None
) -> list[FoldRows]:
    """Return the rows to train on and the held-out rows of each fold.

    Parameters
    ----------
    cv : int, splitter, or iterable of (train, test)
        A whole number means that many folds in random order, of classes in equal parts; anything else is as in scikit-learn.
        A class with fewer rows than folds is spread over some of them, with a warning; where all classes are so small, there
        are as many folds as the largest has rows.
    x : array-like, shape (n_rows, n_inputs)
    y : ndarray, shape (n_rows,) or (n_rows, n_outputs)
        Numbers, or class numbers.
    groups : array-like, shape (n_rows,), or None
    seed : int
    classes : ndarray or None
        The classes whose numbers y holds; None for numbers, and for several labels per row.

    Raises
    ------
    InputError
        If there are too few rows, every class has one only, or `cv` gives no folds of these rows.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    classifies = classes is not None
    groups = None if groups is None else checks.row_groups(groups, len(y))
    if isinstance(cv, (int, np.integer)) and not isinstance(cv, bool):
        cv = checks.whole_number(cv, "cv", at_least=2)
        if cv > len(y):
            raise InputError(
                f"cv={cv} folds need a row each at least, and n_samples={len(y)}: choose a smaller cv"
            )
        if classes is not None and groups is None:
            cv = stratified_fold_count(classes, y, cv)
        kind = StratifiedKFold if classifies else KFold
        cv = GroupKFold(cv) if groups is not None else kind(cv, shuffle=True, random_state=seed)
    folds = [
        (row_indices(a, len(y)), row_indices(b, len(y)))
        for a, b in _pairs(cv, x, y, groups, classifies)
    ]
    if not all(len(train) for train, _ in folds):
        raise InputError("cv makes a fold that has no rows to train on: choose other folds")
    return folds


def _pairs(
    cv: Any, x: Any, y: np.ndarray, groups: np.ndarray | None, classifies: bool
) -> list[tuple[Any, Any]]:
    """Return what a splitter gives, or the pairs that were given; raise InputError if there are none."""
    from sklearn.model_selection import check_cv

    is_splitter = cv is None or hasattr(cv, "split")
    folds = None
    if not isinstance(cv, (str, bytes, type)) and (is_splitter or isinstance(cv, Iterable)):
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "The least populated class", UserWarning)
                splitter = check_cv(cv, y, classifier=classifies) if is_splitter else None
                folds = list(cv if splitter is None else splitter.split(x, y, groups))
        except ValueError as error:  # the splitter's own words, such as that it needs groups
            raise InputError(f"cv cannot split these rows: {error}") from error
    if not folds:
        raise InputError(
            "cv must be a whole number of folds, at least 2, a splitter such as scikit-learn's KFold(5), or a list of at "
            "least one pair (numbers of the rows to train on, numbers of the rows to hold out); got "
            f"{checks.short_repr(cv)}{' without a fold' * (folds is not None)}"
        )
    for fold in folds:
        if not isinstance(fold, (tuple, list, np.ndarray)) or len(fold) != 2:
            raise InputError(
                "each fold of cv must be a pair (numbers of the rows to train on, numbers of the rows to hold out); got "
                f"{checks.short_repr(fold)}"
            )
    return folds


def row_indices(rows: Any, n_rows: int) -> np.ndarray:
    """Return the numbers of a part's rows, given as numbers or as True for each row."""
    rows = np.asarray(rows)
    if rows.dtype == bool and rows.shape == (n_rows,):
        return np.flatnonzero(rows)
    if rows.size == 0:
        return np.zeros(0, dtype=int)
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n_rows:
        raise InputError(
            f"each part of a fold of cv must hold numbers of rows, from 0 to {n_rows - 1}; got {checks.short_repr(rows)}"
        )
    return rows


def stratified_fold_count(classes: np.ndarray, labels: np.ndarray, n_folds: int) -> int:
    """Return the number of folds, at most the rows of the largest class; warn where a class has fewer rows than folds.

    Raises
    ------
    InputError
        If every class has one row only.
    """
    counts = np.bincount(labels, minlength=len(classes))
    few = int(
        np.where(counts > 0, counts, counts.max()).argmin()
    )  # a class may be in none of these rows
    if counts.max() < 2:
        raise InputError(
            f"every class of y has one row only, such as {str(classes[few])!r}: folds need a class with two rows at least. "
            "Add rows, or merge classes"
        )
    count = min(n_folds, int(counts.max()))
    if counts[few] < n_folds:
        fate = "it is in some of the folds only" if counts[few] < count else "there are fewer folds"
        alone = " and is not trained on in one of them" if counts[few] == 1 else ""
        warn_user(
            f"the class {str(classes[few])!r} of y has {plural(counts[few], 'row')}, fewer than cv={n_folds}: "
            f"{plural(count, 'fold')} {'are' if count > 1 else 'is'} made, and {fate}{alone}",
        )
    return count


def weighted_splits(splits: list[FoldRows], s: np.ndarray | None) -> Iterator[FoldRows]:
    """Yield the folds without rows of weight 0."""
    for train, test in splits:
        if s is None:
            yield train, test
        else:
            yield train[s[train] > 0], test[s[test] > 0]


def alpha_folds(
    y: np.ndarray, rng: np.random.Generator, groups: np.ndarray | None = None
) -> list[np.ndarray]:
    """Return the held-out rows of each fold that chooses alpha: equal parts of each class, or whole groups.

    The list is empty if there are too few rows, or only one group. `y` holds class numbers, (n_rows,), or numbers,
    (n_rows, n_outputs).
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    n_rows = len(y)
    if n_rows < FEWEST_ALPHA_ROWS:
        return []
    count = 5 if n_rows <= 1000 else 3
    if groups is not None:
        count = min(count, len(np.unique(groups)))
        if count < 2:
            return []
        kind = StratifiedGroupKFold if y.ndim == 1 else GroupKFold
        splitter = kind(count, shuffle=True, random_state=int(rng.integers(2**31)))
        return [test for _, test in _quiet_folds(splitter, y, groups) if len(test)]
    order = rng.permutation(n_rows)
    if y.ndim == 1:
        order = order[np.argsort(y[order], kind="stable")]
    return [np.sort(order[k::count]) for k in range(count)]


def class_folds(y: np.ndarray, n_folds: int, groups: np.ndarray | None = None) -> list[FoldRows]:
    """Return folds in which every class has its share, or whole groups are held out; no folds if there are too few rows."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    counts = np.unique(y if groups is None else groups, return_counts=True)[1]
    most = min(int(counts.max() if groups is None else len(counts)), n_folds)
    if most < 2:
        return []
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    return _quiet_folds(kind(most, shuffle=True, random_state=0), y, groups)


def _quiet_folds(splitter: Any, y: np.ndarray, groups: np.ndarray | None) -> list[FoldRows]:
    """Return the folds, without scikit-learn's warning about a class with fewer rows than folds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return list(splitter.split(np.zeros(len(y)), y, groups))


def time_slices(order: np.ndarray) -> np.ndarray:
    """Return the slice of time of each row, from 0 to 4: rows of one slice are left out together."""
    ranks = np.unique(order, return_inverse=True)[1]
    return TIME_SLICES * ranks // (ranks.max() + 1)


def time_folds(order: np.ndarray, n_folds: int) -> list[FoldRows]:
    """Return folds in which the held-out rows are later than those of training.

    Raises
    ------
    InputError
        If there are not more different times than folds.
    """
    from sklearn.model_selection import TimeSeriesSplit

    ranks = np.unique(order)
    if len(ranks) <= n_folds:
        raise InputError(
            f"--cv {n_folds} needs more than {n_folds} different times in the rows of training, and there are {len(ranks)}"
        )
    return [
        (
            np.flatnonzero(np.isin(order, ranks[before])),
            np.flatnonzero(np.isin(order, ranks[after])),
        )
        for before, after in TimeSeriesSplit(n_folds).split(ranks)
    ]

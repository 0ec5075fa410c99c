"""Folds inside folds: whether the training rows of every outer fold can be split into inner folds again.

A nested score holds rows out from everything, the choice of alpha included: alpha is chosen by the inner folds of the
training rows of each outer fold. With few rows, few groups or a rare class, an inner fold would be left without rows, or
without a class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twolayer.text import other_spelling, plural

FEWEST_INNER_FOLDS = 2
MOST_GROUP_FOLDS = 10  # with so few groups, each may be a fold


@dataclass(frozen=True)
class Shortage:
    """What is too scarce for folds inside folds.

    Attributes
    ----------
    text : str
        Such as "there are 3 groups".
    advice : tuple of str
        What helps beside other numbers of folds: of a class only.
    """

    text: str
    advice: tuple[str, ...] = ()


def nested_shortage(
    y: np.ndarray,
    n_folds: int,
    *,
    groups: np.ndarray | None = None,
    classifies: bool = False,
    target: str = "y",
) -> Shortage | None:
    """Return what is too scarce for `n_folds` folds, each split into folds again; None if there is enough.

    Without groups there are as many inner folds as outer ones; of whole groups, two inner folds are enough.

    Parameters
    ----------
    y : ndarray, shape (n_rows,) or (n_rows, n_outputs)
    n_folds : int
    groups : ndarray, shape (n_rows,), or None
        Rows of one group stay together.
    classifies : bool
        Whether y holds classes, shape (n_rows,).
    target : str
        The name of y in the sentence.
    """
    whole = [np.arange(len(y))]
    outer = inner_shortage(y, whole, n_folds, groups=groups, classifies=classifies, target=target)
    if outer is not None:
        return outer
    parts = training_parts(y, n_folds, groups, classifies)
    n_inner = n_folds if groups is None else FEWEST_INNER_FOLDS
    return inner_shortage(y, parts, n_inner, groups=groups, classifies=classifies, target=target)


def inner_shortage(
    y: np.ndarray,
    parts: list[np.ndarray],
    n_inner: int,
    *,
    groups: np.ndarray | None = None,
    classifies: bool = False,
    target: str = "y",
) -> Shortage | None:
    """Return what is too scarce in the training rows of an outer fold for `n_inner` inner folds; None if there is enough.

    `parts` holds the numbers of the training rows of each outer fold; the other parameters are as for `nested_shortage`.
    """
    classes = np.unique(y) if classifies else None
    for rows in parts:
        if groups is not None and len(np.unique(groups[rows])) < n_inner:
            return Shortage(_count_text(len(np.unique(groups)), "group"))
        if len(rows) < n_inner and classes is None:
            return Shortage(_count_text(len(y), "row"))
        if classes is not None:
            counts = rows_per_class(y[rows], classes)
            if counts.min() < n_inner:
                return class_shortage(y, classes[counts.argmin()], groups, target)
    return None


def most_inner_folds(
    y: np.ndarray, parts: list[np.ndarray], groups: np.ndarray | None, classifies: bool
) -> int:
    """Return into how many folds the training rows of every outer fold can be split again, at most."""
    most = [len(rows) if groups is None else len(np.unique(groups[rows])) for rows in parts]
    if classifies:
        classes = np.unique(y)
        most += [int(rows_per_class(y[rows], classes).min()) for rows in parts]
    return min(most)


def inner_fold_count(
    y: np.ndarray, n_folds: int, *, groups: np.ndarray | None = None, classifies: bool = False
) -> int:
    """Return into how many folds, `n_folds` at most, the training rows of each fold are split again."""
    if groups is None:
        return n_folds
    parts = training_parts(y, n_folds, groups, classifies)
    return min(n_folds, most_inner_folds(y, parts, groups, classifies))


def other_fold_count(
    y: np.ndarray, n_folds: int, *, groups: np.ndarray | None = None, classifies: bool = False
) -> int | None:
    """Return the number of folds, below `n_folds` or else above, for which there is no shortage; None if there is none."""
    most = 0 if groups is None else min(len(np.unique(groups)), MOST_GROUP_FOLDS)
    candidates = [*range(n_folds - 1, 1, -1), *range(n_folds + 1, most + 1)]
    return next(
        (
            count
            for count in candidates
            if nested_shortage(y, count, groups=groups, classifies=classifies) is None
        ),
        None,
    )


def training_parts(
    y: np.ndarray, n_folds: int, groups: np.ndarray | None, classifies: bool
) -> list[np.ndarray]:
    """Return the numbers of the training rows of each fold: of classes in equal parts, or of whole groups."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    kind = GroupKFold if groups is not None else StratifiedKFold if classifies else KFold
    splits = kind(n_folds).split(np.zeros(len(y)), y if classifies else None, groups)
    return [train for train, _ in splits]


def rows_per_class(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return how many rows each of the sorted classes has, 0 included."""
    return np.bincount(np.searchsorted(classes, y), minlength=len(classes))


def class_shortage(y: np.ndarray, name: object, groups: np.ndarray | None, target: str) -> Shortage:
    """Return the shortage of a class: how many rows it has, and in how many groups."""
    own, advice = y == name, ["leave out the rows of that class"]
    twin = other_spelling(name, np.unique(y))
    if twin is not None:
        advice.insert(0, f"write it as {twin!r}, which is another class, if they are one")
    text = f"the class '{name}' of {target} has {plural(int(own.sum()), 'row')}"
    if groups is not None:
        n_groups = len(np.unique(groups[own]))
        text += f" in {plural(n_groups, 'group')}"
        if n_groups == 1:
            advice.insert(0, "give that class another group")
    return Shortage(text, tuple(advice))


def _count_text(count: int, noun: str) -> str:
    return f"there {'is' if count == 1 else 'are'} {plural(count, noun)}"

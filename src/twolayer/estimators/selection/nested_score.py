"""The nested score: how good the models of a whole search are on rows that it never saw, with an interval."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from scipy.stats import t as student
from sklearn.base import clone, is_classifier
from sklearn.metrics import get_scorer
from sklearn.utils import _safe_indexing

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.selection.search import integer_seed, split_classes
from twolayer.evaluation.nested_folds import FEWEST_INNER_FOLDS, inner_shortage, most_inner_folds
from twolayer.evaluation.score_intervals import share_interval
from twolayer.evaluation.splits import fold_splits
from twolayer.training.ctrl_c import ctrl_c_raises


@dataclass(frozen=True, eq=False)
class NestedScore:
    """The score of a whole search on rows that it never saw.

    Attributes
    ----------
    mean, standard_error : float
    interval : (float, float)
        That of an accuracy lies within 0 and 1, and is no narrower than so many rows, or groups, allow: folds of few rows
        may have equal scores by chance.
    level : float
        The interval's.
    scores : ndarray, shape (n_splits,)
    chosen : list of dict
        n_hidden and alpha of each fold.
    """

    mean: float
    standard_error: float
    interval: tuple[float, float]
    level: float
    scores: np.ndarray
    chosen: list[dict[str, float]]

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.mean:.4g}, {self.level:.0%} interval {low:.4g} to {high:.4g}"


class NestedScoreMixin:
    """A CV estimator with a nested score."""

    @ctrl_c_raises()
    def nested_score(
        self,
        X: Any,  # noqa: N803
        y: Any,
        cv: Any = 5,
        *,
        scoring: Any = None,
        groups: Any = None,
        level: float = 0.95,
        random_state: Any = None,
    ) -> NestedScore:
        """Return how good the search's models are on new rows, with an interval.

        `best_score_` is the highest of many and too optimistic. Here each fold holds rows out from everything, the search
        included. The folds' training parts overlap, so that their scores lie closer together than those of new tables
        would: the interval is that of the corrected resampled t-test (Nadeau & Bengio, *Inference for the generalization
        error*, Machine Learning 52 (2003) 239-281), whose variance is (1/k + n_test/n_train) times that of the scores.

        Parameters
        ----------
        X, y : as in `fit`
        cv : int, splitter, or iterable of (train, test)
            The outer folds, at least two; the inner ones are the estimator's own `cv`.
        scoring : str, callable or None
            None for accuracy or R².
        groups : array-like, shape (n_rows,), or None
            Rows of one group stay together, in the outer and the inner folds.
        level : float
            Of the interval, between 0 and 1.
        random_state : int, RandomState, Generator or None

        Returns
        -------
        nested : NestedScore

        Raises
        ------
        InputError
            If the training rows of an outer fold are too few for the inner folds.
        """
        level = checks.finite_number(level, "level", above=0)
        if level >= 1:
            raise InputError(f"level is a share between 0 and 1, such as 0.95; got {level:g}")
        model: Any = clone(self)  # type: ignore[type-var]
        rows = model._read(X, y, None)
        seed = integer_seed(random_state)
        classes = split_classes(model, rows.y)
        splits = fold_splits(cv, rows.x, rows.y, groups, seed, classes)
        if len(splits) < 2:
            raise InputError("an interval needs at least two folds: choose a larger cv")
        if isinstance(model.cv, Integral) and not isinstance(model.cv, bool):
            targets = rows.y if classes is None else classes[rows.y]
            check_inner_folds(targets, splits, int(model.cv), groups, classes is not None)
        scorer = get_scorer(scoring or ("accuracy" if is_classifier(model) else "r2"))
        scores, chosen = [], []
        for train, test in splits:
            one = clone(model).set_params(random_state=seed, refit=True)
            own = {} if groups is None else {"groups": _safe_indexing(groups, train)}
            one.fit(_safe_indexing(X, train), _safe_indexing(y, train), **own)
            scores.append(scorer(one, _safe_indexing(X, test), _safe_indexing(y, test)))
            chosen.append({"n_hidden": one.n_hidden_, "alpha": one.alpha_})
        share = float(np.mean([len(test) / len(train) for train, test in splits]))
        nested = corrected_interval(np.array(scores, dtype=float), share, level, chosen)
        units = rows.n_rows if groups is None else len(np.unique(np.asarray(groups)))
        return replace(
            nested, interval=possible_interval(nested, scoring, units, is_classifier(model))
        )


def check_inner_folds(
    y: np.ndarray,
    splits: list[tuple[np.ndarray, np.ndarray]],
    n_inner: int,
    groups: Any,
    classifies: bool,
) -> None:
    """Raise InputError if the training rows of an outer fold are too few for `n_inner` inner folds."""
    groups = None if groups is None else np.asarray(groups)
    parts = [train for train, _ in splits]
    shortage = inner_shortage(y, parts, n_inner, groups=groups, classifies=classifies)
    if shortage is None:
        return
    most = most_inner_folds(y, parts, groups, classifies)
    advice = [f"set cv={most} in the estimator"] * (most >= FEWEST_INNER_FOLDS)
    advice += shortage.advice or [f"add {'rows' if groups is None else 'groups'}"]
    raise InputError(
        f"{shortage.text}, too few for folds inside folds: the training rows of each of the {len(splits)} outer folds are "
        f"split into the {n_inner} inner folds of the estimator's own cv. To have enough, {', or '.join(advice)}"
    )


def possible_interval(
    nested: NestedScore, scoring: Any, n_units: int, classifies: bool
) -> tuple[float, float]:
    """Return the interval within what the score can be; of an accuracy, as wide as that of `n_units` answers at least."""
    low, high = nested.interval
    if scoring == "accuracy" or (scoring is None and classifies):
        least, most = share_interval(min(max(nested.mean, 0.0), 1.0), n_units, nested.level)
        return max(min(low, least), 0.0), min(max(high, most), 1.0)
    return low, min(high, 1.0) if scoring in (None, "r2") else high


def corrected_interval(
    scores: np.ndarray, share: float, level: float, chosen: list[dict[str, float]]
) -> NestedScore:
    """Return the mean, and the corrected interval; `share` is n_test / n_train."""
    k, mean = len(scores), float(scores.mean())
    error = float(np.sqrt((1 / k + share) * scores.var(ddof=1)))
    width = float(student.ppf(0.5 + level / 2, k - 1)) * error
    return NestedScore(mean, error, (mean - width, mean + width), level, scores, chosen)

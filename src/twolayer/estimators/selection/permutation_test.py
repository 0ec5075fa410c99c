"""Is it real? The score beside those of shuffled targets, and the score of the whole search on rows it never saw.

With 60 rows and thousands of columns a good score can be luck, and the best of many scores more so. A permutation test does
everything again on targets whose tie to the rows is cut: if the targets have nothing to do with the rows, the true order
scores as any other. The columns do not change, so each fold's pass over them is made once for all shuffles.

Which targets may change places stands in `shuffling`.

What is compared, for the true targets as for the shuffled ones, is the score of a shorter way to the same model: one
network, three of the alphas at most, and L-BFGS that stops where a step gains little. Any score gives a right p-value, as
long as all targets come to it in the same way; and on held-out rows the last digits of the training loss are not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import t as student
from sklearn.base import clone, is_classifier
from sklearn.metrics import get_scorer
from sklearn.utils import _safe_indexing

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.selection.search import (
    AlphaSearch,
    counted_shape,
    integer_seed,
    split_classes,
)
from twolayer.estimators.selection.shuffles import TargetShuffle, target_shuffle
from twolayer.evaluation.splits import FoldRows, fold_splits
from twolayer.solvers import SOLVERS, get_solver
from twolayer.training.ctrl_c import ctrl_c_raises

TEST_DECREASE_TOL = 3e-4  # share of the objective: a step that gains less is the last
MAX_TEST_ALPHAS = 3  # that are tried for each target, of a longer path


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """A score beside those of shuffled targets.

    Attributes
    ----------
    score : float
        Mean over the folds; of several alphas or numbers of hidden units, the best one.
    null_scores : ndarray, shape (n,)
        The same for shuffled targets.
    p_value : float
        (1 + how many of them are as high) / (n + 1): the chance to score as high where there is nothing to find.
    shuffled : str
        What was shuffled, such as the targets of whole groups.
    n_orders : float
        How many different orders of the targets such shuffles have: p is hardly ever below 1 / n_orders.
    """

    score: float
    null_scores: np.ndarray
    p_value: float
    shuffled: str
    n_orders: float

    def __str__(self) -> str:
        return (
            f"score {self.score:.4g}; shuffled targets: {self.null_scores.mean():.4g} on average, "
            f"{self.null_scores.max():.4g} at most, of {len(self.null_scores)}; p = {self.p_value:.3g}"
        )


class PermutationTestMixin:
    """An estimator with a permutation test."""

    @ctrl_c_raises()
    def permutation_test(
        self,
        X: Any,  # noqa: N803
        y: Any,
        n: int = 200,
        cv: Any = None,
        *,
        scoring: Any = None,
        groups: Any = None,
        random_state: Any = None,
    ) -> PermutationTest:
        """Whether the score could be luck: everything again on shuffled targets.

        For each of the n + 1 targets, the true ones first, one network is trained in every fold, by L-BFGS only until a
        step gains less than 0.0003 of the objective, and at no more than three of the alphas: so the score is near that of
        the model, not the same.

        Parameters
        ----------
        X, y : as in `fit`
        n : int
            Shuffles.
        cv : int, splitter, iterable of (train, test), or None
            None for the estimator's own, or 5.
        scoring : str, callable or None
            None for the estimator's own, or else accuracy or R².
        groups : array-like, shape (n_rows,), or None
            Rows of one group stay together in the folds. Where all rows of a group have the same target (samples of a
            patient), whole groups change targets; where targets vary within groups, they change places within each.
            Where only some groups vary: within groups, if these have half of the rows or more; else whole groups, with
            others of as many rows. `test.shuffled` says which (Winkler and others, *Multi-level block permutation*,
            NeuroImage 123 (2015) 253-268).
        random_state : int, RandomState, Generator or None
            The seed of folds, first weights and shuffles.

        Returns
        -------
        test : PermutationTest
            `test.p_value`, `test.score`, `test.null_scores`, `test.shuffled`, `test.n_orders`.
        """
        n = checks.whole_number(n, "n")
        asked: Any = clone(self)  # type: ignore[type-var]
        x, y, _, _ = asked._read(X, y, None)
        seed = integer_seed(random_state)
        settings = asked.get_params(deep=False)
        scoring = settings.get("scoring") if scoring is None else scoring
        default = "accuracy" if is_classifier(asked) else "r2"
        search = shorter_search(
            AlphaSearch.of(asked, scoring, default, seed, counted_shape(x, y, None))
        )
        cv = settings.get("cv", 5) if cv is None else cv
        splits = fold_splits(cv, x, y, groups, seed, split_classes(asked, y))
        shuffle = target_shuffle(y, splits, groups, is_classifier(asked))
        return run_permutation_test(search, x, y, splits, shuffle, n, np.random.default_rng(seed))


def shorter_search(search: AlphaSearch) -> AlphaSearch:
    """The search, as hundreds of targets can afford it."""
    fitting = replace(search.fitting, n_networks=1)
    kind = SOLVERS.get(fitting.solver)
    if kind is not None and kind.stops_itself:
        rule = get_solver(fitting.solver).with_decrease_tol(TEST_DECREASE_TOL)
        fitting = replace(fitting, solver=rule)
    return replace(search, fitting=fitting, alphas=inner_alphas(search.alphas))


def inner_alphas(path: list[float]) -> list[float]:
    """Alphas from the inside of a long path: at a quarter, a half and three quarters of it."""
    if len(path) <= MAX_TEST_ALPHAS:
        return path
    places = np.linspace(0, len(path) - 1, MAX_TEST_ALPHAS + 2)[1:-1].round().astype(int)
    return [path[place] for place in places]


def run_permutation_test(
    search: AlphaSearch,
    x: Any,
    y: np.ndarray,
    splits: list[FoldRows],
    shuffle: TargetShuffle,
    n: int,
    rng: np.random.Generator,
) -> PermutationTest:
    """The test, on folds that are prepared once."""
    folds = [
        (search.fold(x, y, None, (x[train], y[train], None), test), train, test)
        for train, test in splits
    ]

    def score(targets: np.ndarray) -> float:
        scores = [
            search.look(search.retargeted(fold, targets[train], targets[test])).scores
            for fold, train, test in folds
        ]
        return float(np.mean(scores, axis=0).max())

    true = score(y)
    null = np.array([score(y[shuffle.order(rng)]) for _ in range(n)])
    as_high = int((null >= true - 1e-12 * abs(true)).sum())
    p_value = (as_high + 1) / (n + 1)
    return PermutationTest(true, null, p_value, shuffle.words, shuffle.n_orders)


@dataclass(frozen=True, eq=False)
class NestedScore:
    """The score of a whole search on rows that it never saw.

    Attributes
    ----------
    mean, standard_error : float
    interval : (float, float)
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
        """How good the search's models are on new rows, with an interval.

        `best_score_` is the highest of many and flatters. Here each fold holds rows out from everything, the search
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
        """
        level = checks.finite_number(level, "level", above=0)
        if level >= 1:
            raise InputError(f"level is a share between 0 and 1, such as 0.95; got {level:g}")
        asked: Any = clone(self)  # type: ignore[type-var]
        x, targets, _, _ = asked._read(X, y, None)
        seed = integer_seed(random_state)
        splits = fold_splits(cv, x, targets, groups, seed, split_classes(asked, targets))
        if len(splits) < 2:
            raise InputError("an interval needs at least two folds: take a larger cv")
        scorer = get_scorer(scoring or ("accuracy" if is_classifier(asked) else "r2"))
        scores, chosen = [], []
        for train, test in splits:
            model = clone(asked).set_params(random_state=seed, refit=True)
            own = {} if groups is None else {"groups": _safe_indexing(groups, train)}
            model.fit(_safe_indexing(X, train), _safe_indexing(y, train), **own)
            scores.append(scorer(model, _safe_indexing(X, test), _safe_indexing(y, test)))
            chosen.append({"n_hidden": model.n_hidden_, "alpha": model.alpha_})
        shares = np.mean([len(test) / len(train) for train, test in splits])
        return corrected_interval(np.array(scores, dtype=float), float(shares), level, chosen)


def corrected_interval(
    scores: np.ndarray, share: float, level: float, chosen: list[dict[str, float]]
) -> NestedScore:
    """The mean, and the corrected interval; `share` is n_test / n_train."""
    k, mean = len(scores), float(scores.mean())
    error = float(np.sqrt((1 / k + share) * scores.var(ddof=1)))
    width = float(student.ppf(0.5 + level / 2, k - 1)) * error
    return NestedScore(mean, error, (mean - width, mean + width), level, scores, chosen)

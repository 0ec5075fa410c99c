"""A permutation test: the score of a model beside the scores of shuffled targets.

With 60 rows and thousands of columns a good score can be luck, and the best of many scores more so. A permutation test
does everything again on targets that are shuffled among the rows: if the targets have nothing to do with the rows, the
true order scores as any other. The columns do not change, so each fold's pass over them is made once for all shuffles.
Which targets may change places is the subject of `shuffles`.

For the true targets as for the shuffled ones, a smaller model is scored: one network, three of the alphas at most, and
L-BFGS that stops where a step gains little. Any score gives a valid p-value, as long as it is computed for all targets
in the same way; and the last digits of the training loss do not matter to held-out rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier

from twolayer import checks
from twolayer.estimators.column_quartiles import fit_clip
from twolayer.estimators.column_views import check_scaling
from twolayer.estimators.selection.search import (
    AlphaSearch,
    distinct_shape,
    integer_seed,
    split_classes,
)
from twolayer.estimators.selection.shuffles import TargetShuffle, target_shuffle
from twolayer.estimators.training_rows import TrainingRows
from twolayer.evaluation.splits import FoldRows, fold_splits
from twolayer.maths.smooth_clip import SMOOTH_CLIP
from twolayer.solvers import SOLVERS, get_solver
from twolayer.training.ctrl_c import ctrl_c_raises

TEST_DECREASE_TOL = 3e-4  # share of the objective: a step that gains less is the last
MAX_TEST_ALPHAS = 3  # of a longer path, for each target
P_CLEAR, P_PROBABLE = 0.01, 0.05  # p values
ENOUGH_SHUFFLES = 200  # with so many, p can be far below both


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
        (1 + the number of them that are as high) / (n + 1): the probability of such a score where nothing can be learned.
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

    @property
    def interpretation(self) -> str:
        """What the p-value means, in a sentence or two: is the score luck, and what would make the answer clearer."""
        if self.p_value <= P_CLEAR:
            return "The columns do tell something about the target."
        if self.n_orders * P_PROBABLE < 1:
            return (
                f"Such shuffles have only {self.n_orders:.0f} different orders, so that p cannot be much below "
                f"1/{self.n_orders:.0f}: a table with more groups or rows is needed to tell luck from a real relation."
            )
        probable = self.p_value <= P_PROBABLE
        if self.null_scores.max() < self.score:
            return (
                f"No shuffle scores as high: the columns {'probably' if probable else 'may'} tell something about the "
                f"target. More shuffles, such as {ENOUGH_SHUFFLES}, would make the answer clearer."
            )
        if probable:
            return "The columns probably tell something about the target. More rows would make the answer clearer."
        return "This score could be luck: shuffled targets reach it too often."

    def __str__(self) -> str:
        return (
            f"score {self.score:.4g}; shuffled targets: {self.null_scores.mean():.4g} on average, "
            f"{self.null_scores.max():.4g} at most, of {len(self.null_scores)}; p = {self.p_value:.3g}. "
            f"{self.interpretation}"
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
        """Test whether the score could be luck: everything again on shuffled targets.

        For each of the n + 1 targets, the true ones first, one network is trained in every fold, by L-BFGS only until a
        step gains less than 0.0003 of the objective, and at no more than three of the alphas: so the score is near that of
        the model, not the same. Columns are standardised and not weighed, as weights depend on the targets.

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
            `test.p_value`, `test.score`, `test.null_scores`, `test.shuffled`, `test.n_orders`, and `test.interpretation` in
            words.
        """
        n = checks.whole_number(n, "n")
        model: Any = clone(self)  # type: ignore[type-var]
        rows = replace(model._read(X, y, None), s=None)  # class weights follow the targets
        seed = integer_seed(random_state)
        settings = model.get_params(deep=False)
        check_scaling(settings.get("scaling", "auto"), checks.is_sparse(rows.x))
        if settings.get("scaling") == SMOOTH_CLIP:
            rows = replace(
                rows, x=fit_clip(rows.x, None)[1]
            )  # of all rows: no target has a part in it
        scoring = settings.get("scoring") if scoring is None else scoring
        classifies = is_classifier(model)
        default = "accuracy" if classifies else "r2"
        search = shorter_search(
            AlphaSearch.from_estimator(model, scoring, default, seed, distinct_shape(rows))
        )
        cv = settings.get("cv", 5) if cv is None else cv
        splits = fold_splits(cv, rows.x, rows.y, groups, seed, split_classes(model, rows.y))
        shuffle = target_shuffle(rows.y, splits, groups, classifies)
        return run_permutation_test(search, rows, splits, shuffle, n, np.random.default_rng(seed))


def shorter_search(search: AlphaSearch) -> AlphaSearch:
    """Return a search that is short enough for hundreds of targets."""
    fitting = replace(search.fitting, n_networks=1)
    kind = SOLVERS.get(fitting.solver)
    if kind is not None and kind.stops_itself:
        rule = get_solver(fitting.solver).with_decrease_tol(TEST_DECREASE_TOL)
        fitting = replace(fitting, solver=rule)
    return replace(search, fitting=fitting, alphas=inner_alphas(search.alphas))


def inner_alphas(path: list[float]) -> list[float]:
    """Return alphas from the inside of a long path: at a quarter, a half and three quarters of it."""
    if len(path) <= MAX_TEST_ALPHAS:
        return path
    places = np.linspace(0, len(path) - 1, MAX_TEST_ALPHAS + 2)[1:-1].round().astype(int)
    return [path[place] for place in places]


def run_permutation_test(
    search: AlphaSearch,
    rows: TrainingRows,
    splits: list[FoldRows],
    shuffle: TargetShuffle,
    n: int,
    rng: np.random.Generator,
) -> PermutationTest:
    """Return the test, on folds that are prepared once."""
    folds = [
        (search.fold(rows.subset(train), rows.subset(test)), train, test) for train, test in splits
    ]

    def score(targets: np.ndarray) -> float:
        scores = [
            search.fold_scores(search.with_targets(fold, targets[train], targets[test])).scores
            for fold, train, test in folds
        ]
        return float(np.mean(scores, axis=0).max())

    true = score(rows.y)
    null = np.array([score(rows.y[shuffle.order(rng)]) for _ in range(n)])
    as_high = int((null >= true - 1e-12 * abs(true)).sum())
    p_value = (as_high + 1) / (n + 1)
    return PermutationTest(true, null, p_value, shuffle.words, shuffle.n_orders)

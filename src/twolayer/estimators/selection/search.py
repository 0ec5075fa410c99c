"""The search for alpha: every fold's scores at every alpha and number of hidden units, on one pass over its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.class_weights import class_weights
from twolayer.estimators.distinct_rows import distinct_rows
from twolayer.estimators.ensemble import between_network_variance, mean_logits
from twolayer.estimators.fit_plan import alpha_or_none, label_smoothing_share, smooth_labels
from twolayer.estimators.initial_weights import penalty_unit, start_at_mean
from twolayer.estimators.selection.fold_fit import RowAxes, SearchFit, row_axes
from twolayer.estimators.selection.scoring import (
    ScoreFunction,
    score_function,
)
from twolayer.estimators.standardise import Scaling, standardise
from twolayer.evaluation.splits import FoldRows, weighted_splits
from twolayer.training import threads
from twolayer.training.train import Run

TEST_ALPHAS = [30.0, 3.0, 0.3]  # for a test of an estimator that chooses alpha by itself


@dataclass(frozen=True, eq=False)
class SearchFold:
    """Rows to train on in axes of their own, and the held-out rows along the same axes.

    Attributes
    ----------
    axes : Axes
    y, s : ndarray, and ndarray or None
        Targets (class numbers, or (n_rows, n_outputs)) and weights of the rows to train on.
    z_test : array, shape (n_test, n_axes)
    x_test, y_test, s_test
        The held-out rows as they were given.
    """

    axes: RowAxes
    y: np.ndarray
    s: np.ndarray | None
    z_test: Any
    x_test: Any
    y_test: np.ndarray
    s_test: np.ndarray | None


@dataclass(frozen=True, eq=False)
class HeldOutPrediction:
    """What some networks say of held-out rows: their mean (or its logits), and the variance between them."""

    mean: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True, eq=False)
class FoldScores:
    """A fold's held-out targets, with the scores, (len(n_hidden), len(alphas)), and the answers at each of these."""

    y: np.ndarray
    s: np.ndarray | None
    scores: np.ndarray
    answers: dict[tuple[int, int], HeldOutPrediction]


@dataclass(frozen=True, eq=False)
class SearchScores:
    """The scores of a search.

    Attributes
    ----------
    n_hidden : list of int
        From few to many.
    alphas : list of float
        From strong to weak.
    values : ndarray, shape (len(n_hidden), len(alphas), n_splits)
        Higher is better.
    """

    n_hidden: list[int]
    alphas: list[float]
    values: np.ndarray

    @classmethod
    def of(cls, results: dict[str, Any]) -> SearchScores:
        """From the table that `results` gives."""
        widths = sorted(set(results["param_n_hidden"].tolist()))
        alphas = sorted(set(results["param_alpha"].tolist()), reverse=True)
        n_splits = sum(name.startswith("split") for name in results)
        splits = [results[f"split{k}_test_score"] for k in range(n_splits)]
        return cls(
            widths, alphas, np.stack(splits, axis=-1).reshape(len(widths), len(alphas), n_splits)
        )

    def best(self) -> tuple[int, float]:
        """n_hidden and alpha of the best mean score; among equals the stronger alpha and fewer units."""
        mean = self.values.mean(axis=-1)
        j = int(mean.max(axis=0).argmax())
        return self.n_hidden[int(mean[:, j].argmax())], self.alphas[j]

    def results(self) -> dict[str, np.ndarray]:
        """As a table, with an entry for each n_hidden and alpha; names are scikit-learn's."""
        flat = self.values.reshape(-1, self.values.shape[-1])
        mean = flat.mean(axis=1)
        return {
            "param_n_hidden": np.repeat(self.n_hidden, len(self.alphas)),
            "param_alpha": np.tile(self.alphas, len(self.n_hidden)),
            "mean_test_score": mean,
            "std_test_score": flat.std(axis=1),
            "rank_test_score": 1 + (mean[:, None] < mean).sum(axis=1),
            **{f"split{k}_test_score": flat[:, k] for k in range(flat.shape[1])},
        }


@dataclass(frozen=True, eq=False)
class AlphaSearch:
    """What is searched, and how.

    Attributes
    ----------
    fitting : Fitting
    alphas : list of float
        From strong to weak.
    n_hidden : list of int
        From few to many.
    n_outputs : int
    classifies : bool
    standardises_y, several_labels : bool
    score : callable or None
        As `heldout.score_of` gives it; None for minus the loss.
    seed : int
        Of the first weights, the same in each fold.
    counts : callable or None
        `counts(labels, s)`: what a row of each class counts, for these rows of training.
    smoothing : float
        Of the labels that are trained on.
    tell : callable
        Called after each training.
    """

    fitting: SearchFit
    alphas: list[float]
    n_hidden: list[int]
    n_outputs: int
    classifies: bool
    standardises_y: bool
    several_labels: bool
    score: ScoreFunction | None
    seed: int
    counts: Callable[[np.ndarray, Any], np.ndarray] | None
    smoothing: float
    tell: Callable[[], Any] = lambda: None

    @classmethod
    def of(
        cls,
        estimator: Any,
        scoring: Any,
        default: str | None,
        seed: int,
        shape: tuple[int, int],
    ) -> AlphaSearch:
        """The search of a CV estimator, for a table of that `shape_of`; a plain one's has one alpha and one n_hidden."""
        settings = estimator.get_params(deep=False)
        if "alphas" in settings:
            alphas = alpha_grid(settings["alphas"])
        else:
            given = alpha_or_none(settings["alpha"])
            alphas = TEST_ALPHAS if given is None else [given]
        return cls(
            SearchFit.of(estimator, shape),
            alphas,
            hidden_sizes(settings["n_hidden"]),
            n_network_outputs(estimator),
            is_classifier(estimator),
            estimator._standardises_y(),
            getattr(estimator, "_several_labels", False),
            score_function(estimator, scoring, default),
            seed,
            class_weight_function(estimator),
            label_smoothing_share(settings.get("label_smoothing", 0.0), *shape),
        )

    def telling(self, callback: Any, n_splits: int, refit: bool) -> AlphaSearch:
        """The search that tells the callback, if there is one, how far it is."""
        if callback is None:
            return self
        if not callable(callback):
            raise InputError(
                f"callback must be a function or None; got {checks.short_repr(callback)}"
            )
        done = count(1)
        total = (n_splits * len(self.n_hidden) + bool(refit)) * len(self.alphas)
        return replace(self, tell=lambda: callback(next(done), total))

    def fold(self, x: Any, y: np.ndarray, s: Any, rows: Any, test: np.ndarray) -> SearchFold:
        """One fold's pass over the columns: they are standardised on the rows to train on, (x, y, s), alone."""
        axes = row_axes(rows[0], rows[2], self.fitting.turned)
        s_test = None if s is None else s[test]
        return SearchFold(axes, rows[1], rows[2], axes.new(x[test]), x[test], y[test], s_test)

    def folds(
        self, x: Any, y: np.ndarray, s: np.ndarray | None, splits: list[FoldRows]
    ) -> Iterator[SearchFold]:
        """The folds, one after another, with repeated rows merged and in an order of their own."""
        for train, test in weighted_splits(splits, s):
            check_counted_rows(train, None, "to train on")
            weights = self.weights(y, s, train)
            (train, test), *_ = weighted_splits([(train, test)], weights)
            rows = distinct_rows(x[train], y[train], None if weights is None else weights[train])
            yield self.fold(x, y, weights, rows, test)

    def weights(self, y: np.ndarray, s: Any, train: np.ndarray) -> Any:
        """Weights of all rows, with those of their classes in theirs; these rows are trained on."""
        if self.counts is None:
            return s
        counts = self.counts(y[train], None if s is None else s[train])
        return counts[y] if s is None else counts[y] * s

    def retargeted(self, fold: SearchFold, y: np.ndarray, y_test: np.ndarray) -> SearchFold:
        """The fold with other targets; its rows have no weights but those of their classes."""
        if self.counts is None:
            return replace(fold, y=y, y_test=y_test)
        counts = self.counts(y, None)
        return replace(fold, y=y, y_test=y_test, s=counts[y], s_test=counts[y_test])

    def targets(self, fold: SearchFold) -> tuple[np.ndarray, Scaling | None]:
        """The fold's targets for training: numbers without a link standardised, labels smoothed."""
        if self.standardises_y:
            return standardise(fold.y, fold.s, "y")
        return smooth_labels(fold.y, self.n_outputs, self.smoothing), None

    def walk(self, fold: SearchFold, n_hidden: int, alphas: list[float]) -> Iterator[Run]:
        """The networks of one width along these alphas."""
        fitting = self.fitting
        y, _ = self.targets(fold)
        rng = np.random.default_rng([self.seed, n_hidden])
        starts = fitting.starts(fold.axes, n_hidden, self.n_outputs, rng)
        starts = start_at_mean(starts, y, fold.s, fitting.loss)
        unit = penalty_unit(y, fold.s, fitting.loss)
        path = [alpha * unit for alpha in alphas]
        for run in fitting.walk(fold.axes.z, y, fold.s, starts, path):
            self.tell()
            yield run

    def answers(self, fold: SearchFold, run: Run) -> HeldOutPrediction:
        """What the networks say of the held-out rows together."""
        outputs = self.fitting.outputs(fold.z_test, run.params)
        if self.classifies:
            mean = mean_logits(outputs, self.several_labels)
            return HeldOutPrediction(mean, np.zeros(mean.shape))
        _, scaling = self.targets(fold)
        if scaling is not None:
            outputs = outputs * scaling.scale + scaling.mean
        outputs = self.fitting.loss.mean(outputs)
        return HeldOutPrediction(outputs.mean(axis=0), between_network_variance(outputs))

    def scored(self, fold: SearchFold, answer: HeldOutPrediction) -> float:
        """How good it is: higher is better."""
        if self.score is not None:
            return self.score(fold.x_test, fold.y_test, answer.mean, fold.s_test)
        loss = self.fitting.loss
        _, scaling = self.targets(fold)
        y, y_pred = fold.y_test, loss.link(answer.mean)
        if scaling is not None:  # in the units that it is made small in
            y, y_pred = ((each - scaling.mean) / scaling.scale for each in (y, y_pred))
        total = len(y) if fold.s_test is None else fold.s_test.sum()
        value = float(loss.value(y_pred, y, fold.s_test, total))
        return -value / total if loss.is_sum else -value

    def look(self, fold: SearchFold) -> FoldScores:
        """The fold's answers and scores at each of them."""
        check_counted_rows(fold.y_test, fold.s_test, "held out")
        scores = np.empty((len(self.n_hidden), len(self.alphas)))
        answers = {}
        with threads.limited_threads(0):
            for i, n_hidden in enumerate(self.n_hidden):
                for j, run in enumerate(self.walk(fold, n_hidden, self.alphas)):
                    answers[i, j] = answer = self.answers(fold, run)
                    scores[i, j] = self.scored(fold, answer)
        if not np.isfinite(scores).all():
            raise InputError(
                "scoring gave a score that is not a finite number in a fold of "
                f"{len(fold.y_test)} held-out rows: take another scoring, or fewer folds"
            )
        return FoldScores(fold.y_test, fold.s_test, scores, answers)

    def looks(self, x: Any, y: np.ndarray, s: Any, splits: list[FoldRows]) -> list[FoldScores]:
        """Every fold's answers and scores."""
        return [self.look(fold) for fold in self.folds(x, y, s, splits)]

    def last_of_path(self, fold: SearchFold, n_hidden: int, alpha: float) -> Run:
        """The networks at this alpha, come to along the same path as in the folds."""
        until = self.alphas[: self.alphas.index(alpha) + 1]
        with threads.limited_threads(0):
            *_, run = self.walk(fold, n_hidden, until)
        return run

    def only(self, n_hidden: int, alpha: float, score: ScoreFunction) -> AlphaSearch:
        """The same path up to one alpha, with another score."""
        until = self.alphas[: self.alphas.index(alpha) + 1]
        return replace(self, n_hidden=[n_hidden], alphas=until, score=score)


def counted_shape(x: Any, y: np.ndarray, s: np.ndarray | None) -> tuple[int, int]:
    """How many rows count, repeats once, and how many columns."""
    if s is not None:
        x, y = x[s > 0], y[s > 0]
    return distinct_rows(x, y, None)[0].shape


def check_counted_rows(rows: np.ndarray, s: np.ndarray | None, what: str) -> None:
    """Raise if no row of this part of a fold counts."""
    if not len(rows) or (s is not None and not s.any()):
        raise InputError(
            f"cv makes a fold that has no rows {what}, or rows of weight 0 only: take other folds"
        )


def class_weight_function(estimator: Any) -> Callable[[np.ndarray, Any], np.ndarray] | None:
    """What a row of each class counts, from the rows of training."""
    given = getattr(estimator, "class_weight", None)
    if given is None:
        return None
    return lambda labels, s: class_weights(given, estimator.classes_, labels, s)


def split_classes(estimator: Any, y: np.ndarray) -> np.ndarray | None:
    """Return the classes that folds keep in equal parts; None for numbers, and for several labels per row."""
    return getattr(estimator, "classes_", None) if y.ndim == 1 else None


def n_network_outputs(estimator: Any) -> int:
    """How many outputs the network has."""
    if not is_classifier(estimator):
        return estimator.n_outputs_
    n_classes = len(estimator.classes_)
    return 1 if n_classes == 2 and not estimator._several_labels else n_classes


def alpha_grid(alphas: Any) -> list[float]:
    """The alphas from strong to weak."""
    if alphas is None:
        return [float(alpha) for alpha in np.logspace(2, -2, 10)]
    if isinstance(alphas, (str, bytes)) or not np.iterable(alphas):
        alphas = [alphas]
    path = [checks.finite_number(alpha, "each of alphas", at_least=0) for alpha in alphas]
    if not path:
        raise InputError("alphas is empty: give at least one")
    return sorted(set(path), reverse=True)


def hidden_sizes(n_hidden: Any) -> list[int]:
    """The numbers of hidden units, from few to many."""
    if isinstance(n_hidden, (str, bytes)) or not np.iterable(n_hidden):
        return [checks.whole_number(n_hidden, "n_hidden")]
    widths = [checks.whole_number(each, "each of n_hidden") for each in n_hidden]
    if not widths:
        raise InputError("n_hidden is empty: give at least one number")
    return sorted(set(widths))


def integer_seed(random_state: Any) -> int:
    """A whole number to seed with."""
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))

"""The search for alpha of the CV forms: every fold's scores at every alpha and number of hidden units."""

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
from twolayer.estimators.ensemble import between_network_variance, mean_logits
from twolayer.estimators.fit_plan import (
    alpha_or_none,
    hidden_sizes,
    label_smoothing_share,
    largest_fit_product,
    smooth_labels,
)
from twolayer.estimators.initial_weights import penalty_unit, start_at_mean
from twolayer.estimators.selection.row_axes import RowAxes, row_axes
from twolayer.estimators.selection.scoring import ScoreFunction, score_function
from twolayer.estimators.selection.search_fit import SearchFit
from twolayer.estimators.standardise import Scaling, standardise
from twolayer.estimators.training_rows import TrainingRows
from twolayer.evaluation.splits import FoldRows, weighted_splits
from twolayer.training import threads
from twolayer.training.train import Run

TEST_ALPHAS = [30.0, 3.0, 0.3]  # for a permutation test of an estimator whose alpha is "auto"


@dataclass(frozen=True, eq=False)
class SearchFold:
    """Rows to train on in axes of their own, and the held-out rows along the same axes.

    Attributes
    ----------
    axes : RowAxes
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
    """Predictions of some networks for held-out rows: their mean (or its logits), and the variance between them."""

    mean: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True, eq=False)
class FoldScores:
    """A fold's held-out targets, the scores, (len(n_hidden), len(alphas)), and the predictions behind each of these."""

    y: np.ndarray
    s: np.ndarray | None
    scores: np.ndarray
    predictions: dict[tuple[int, int], HeldOutPrediction]


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
        """Return the scores in the table that `results` returns."""
        widths = sorted(set(results["param_n_hidden"].tolist()))
        alphas = sorted(set(results["param_alpha"].tolist()), reverse=True)
        n_splits = sum(name.startswith("split") for name in results)
        splits = [results[f"split{k}_test_score"] for k in range(n_splits)]
        return cls(
            widths, alphas, np.stack(splits, axis=-1).reshape(len(widths), len(alphas), n_splits)
        )

    def best(self) -> tuple[int, float]:
        """Return n_hidden and alpha of the best mean score; among equals the stronger alpha and fewer units."""
        mean = self.values.mean(axis=-1)
        j = int(mean.max(axis=0).argmax())
        return self.n_hidden[int(mean[:, j].argmax())], self.alphas[j]

    def results(self) -> dict[str, np.ndarray]:
        """Return a table with an entry for each n_hidden and alpha; its names are scikit-learn's."""
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
    """A search: its candidates, its score, and how its networks are trained.

    Attributes
    ----------
    fitting : SearchFit
    alphas : list of float
        From strong to weak.
    n_hidden : list of int
        From few to many.
    n_outputs : int
    classifies : bool
    standardises_y, several_labels : bool
    score : callable or None
        As `scoring.score_function` returns it; None for minus the loss.
    seed : int
        Of the first weights, the same in each fold.
    class_weight : callable or None
        `class_weight(labels, s)`: how much a row of each class counts, for these rows of training.
    smoothing : float
        Of the labels that are trained on.
    progress : callable
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
    class_weight: Callable[[np.ndarray, Any], np.ndarray] | None
    smoothing: float
    progress: Callable[[], Any] = lambda: None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        scoring: Any,
        default: str | None,
        seed: int,
        shape: tuple[int, int],
    ) -> AlphaSearch:
        """Return the search of an estimator, for a table of that `distinct_shape`.

        A CV form has its own candidates; a plain estimator has one n_hidden, and one alpha unless that is "auto".
        """
        settings = estimator.get_params(deep=False)
        if "alphas" in settings:
            alphas = alpha_grid(settings["alphas"])
        else:
            given = alpha_or_none(settings["alpha"])
            alphas = TEST_ALPHAS if given is None else [given]
        return cls(
            SearchFit.from_estimator(estimator, shape),
            alphas,
            hidden_sizes(settings["n_hidden"]),
            estimator._n_outputs(),
            is_classifier(estimator),
            estimator._standardises_y(),
            getattr(estimator, "_several_labels", False),
            score_function(estimator, scoring, default),
            seed,
            class_weight_function(estimator),
            label_smoothing_share(settings.get("label_smoothing", 0.0), *shape),
        )

    def with_callback(self, callback: Any, n_splits: int, refit: bool) -> AlphaSearch:
        """Return the search that calls `callback(done, total)` after each training; the same search for None."""
        if callback is None:
            return self
        if not callable(callback):
            raise InputError(
                f"callback must be a function or None; got {checks.short_repr(callback)}"
            )
        done = count(1)
        total = (n_splits * len(self.n_hidden) + bool(refit)) * len(self.alphas)
        return replace(self, progress=lambda: callback(next(done), total))

    def fold(self, train: TrainingRows, test: TrainingRows) -> SearchFold:
        """Return one fold, after its pass over the columns: they are standardised on the rows to train on, alone."""
        with threads.limited_threads(largest_fit_product(train.x.shape, max(self.n_hidden))):
            axes = row_axes(train.x, train.s, self.fitting.invariant)
            z_test = axes.new(test.x)
        return SearchFold(axes, train.y, train.s, z_test, test.x, test.y, test.s)

    def folds(self, rows: TrainingRows, splits: list[FoldRows]) -> Iterator[SearchFold]:
        """Yield the folds, one after another; rows to train on are distinct, and rows of weight 0 are left out."""
        for train, test in weighted_splits(splits, rows.s):
            check_counted_rows(train, None, "to train on")
            weighted = self.class_weighted(rows, train)
            ((train, test),) = weighted_splits([(train, test)], weighted.s)
            yield self.fold(weighted.subset(train).distinct(), weighted.subset(test))

    def class_weighted(self, rows: TrainingRows, train: np.ndarray) -> TrainingRows:
        """Return all rows with the weights of their classes in theirs; the rows `train` are trained on."""
        if self.class_weight is None:
            return rows
        part = rows.subset(train)
        weights = self.class_weight(part.y, part.s)[rows.y]
        return replace(rows, s=weights if rows.s is None else weights * rows.s)

    def with_targets(self, fold: SearchFold, y: np.ndarray, y_test: np.ndarray) -> SearchFold:
        """Return the fold with other targets; its rows have no weights but those of their classes."""
        if self.class_weight is None:
            return replace(fold, y=y, y_test=y_test)
        weights = self.class_weight(y, None)
        return replace(fold, y=y, y_test=y_test, s=weights[y], s_test=weights[y_test])

    def targets(self, fold: SearchFold) -> tuple[np.ndarray, Scaling | None]:
        """Return the fold's targets for training: numbers without a link standardised, labels smoothed."""
        if self.standardises_y:
            return standardise(fold.y, fold.s, "y")
        return smooth_labels(fold.y, self.n_outputs, self.smoothing), None

    def path(self, fold: SearchFold, n_hidden: int, alphas: list[float]) -> Iterator[Run]:
        """Yield the networks of one width at each of these alphas."""
        fitting = self.fitting
        y, _ = self.targets(fold)
        rng = np.random.default_rng([self.seed, n_hidden])
        start = fitting.start(fold.axes, n_hidden, self.n_outputs, rng)
        start = start_at_mean(start, y, fold.s, fitting.loss)
        unit = penalty_unit(y, fold.s, fitting.loss)
        scaled = [alpha * unit for alpha in alphas]
        for run in fitting.path(fold.axes.z, y, fold.s, start, scaled):
            self.progress()
            yield run

    def predict(self, fold: SearchFold, run: Run) -> HeldOutPrediction:
        """Return the networks' common prediction for the held-out rows."""
        outputs = self.fitting.outputs(fold.z_test, run.params)
        if self.classifies:
            mean = mean_logits(outputs, self.several_labels)
            return HeldOutPrediction(mean, np.zeros(mean.shape))
        _, scaling = self.targets(fold)
        if scaling is not None:
            outputs = outputs * scaling.scale + scaling.mean
        outputs = self.fitting.loss.mean(outputs)
        return HeldOutPrediction(outputs.mean(axis=0), between_network_variance(outputs))

    def prediction_score(self, fold: SearchFold, prediction: HeldOutPrediction) -> float:
        """Return how good a prediction is: higher is better."""
        if self.score is not None:
            return self.score(fold.x_test, fold.y_test, prediction.mean, fold.s_test)
        loss = self.fitting.loss
        _, scaling = self.targets(fold)
        y, y_pred = fold.y_test, loss.link(prediction.mean)
        if scaling is not None:  # in the units of training
            y, y_pred = ((each - scaling.mean) / scaling.scale for each in (y, y_pred))
        total = len(y) if fold.s_test is None else fold.s_test.sum()
        value = float(loss.value(y_pred, y, fold.s_test, total))
        return -value / total if loss.is_sum else -value

    def fold_scores(self, fold: SearchFold) -> FoldScores:
        """Return the scores and predictions of a fold, at every n_hidden and alpha."""
        check_counted_rows(fold.y_test, fold.s_test, "held out")
        scores = np.empty((len(self.n_hidden), len(self.alphas)))
        predictions = {}
        with threads.limited_threads(0):
            for i, n_hidden in enumerate(self.n_hidden):
                for j, run in enumerate(self.path(fold, n_hidden, self.alphas)):
                    predictions[i, j] = prediction = self.predict(fold, run)
                    scores[i, j] = self.prediction_score(fold, prediction)
        if not np.isfinite(scores).all():
            raise InputError(
                "scoring gave a score that is not a finite number in a fold of "
                f"{len(fold.y_test)} held-out rows: choose another scoring, or fewer folds"
            )
        return FoldScores(fold.y_test, fold.s_test, scores, predictions)

    def run_at(self, fold: SearchFold, n_hidden: int, alpha: float) -> Run:
        """Return the networks at this alpha, trained along the same path as in the folds."""
        until = self.alphas[: self.alphas.index(alpha) + 1]
        with threads.limited_threads(0):
            *_, run = self.path(fold, n_hidden, until)
        return run


def distinct_shape(rows: TrainingRows) -> tuple[int, int]:
    """Return the number of distinct rows of weight above 0, and of columns."""
    counted = rows if rows.s is None else rows.subset(rows.s > 0)
    return counted.distinct().x.shape


def check_counted_rows(rows: np.ndarray, s: np.ndarray | None, what: str) -> None:
    """Raise InputError if this part of a fold has no rows, or no weight."""
    if not len(rows) or (s is not None and not s.any()):
        raise InputError(
            f"cv makes a fold that has no rows {what}, or rows of weight 0 only: choose other folds"
        )


def class_weight_function(estimator: Any) -> Callable[[np.ndarray, Any], np.ndarray] | None:
    """Return a function of the rows of training for how much a row of each class counts; None without class weights."""
    given = getattr(estimator, "class_weight", None)
    if given is None:
        return None
    return lambda labels, s: class_weights(given, estimator.classes_, labels, s)


def split_classes(estimator: Any, y: np.ndarray) -> np.ndarray | None:
    """Return the classes that folds keep in equal parts; None for numbers, and for several labels per row."""
    return getattr(estimator, "classes_", None) if y.ndim == 1 else None


def alpha_grid(alphas: Any) -> list[float]:
    """Return the alphas from strong to weak; None stands for ten from 100 to 0.01."""
    if alphas is None:
        return [float(alpha) for alpha in np.logspace(2, -2, 10)]
    if isinstance(alphas, (str, bytes)) or not np.iterable(alphas):
        alphas = [alphas]
    path = [checks.finite_number(alpha, "each of alphas", at_least=0) for alpha in alphas]
    if not path:
        raise InputError("alphas is empty: give at least one")
    return sorted(set(path), reverse=True)


def integer_seed(random_state: Any) -> int:
    """Return a whole number to seed with."""
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))

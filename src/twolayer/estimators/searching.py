"""The search for alpha: every fold's scores at every alpha and number of hidden units, on one pass over its columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from twolayer import checks, threads
from twolayer.errors import InputError
from twolayer.estimators.averaging import disagreement, mean_logits
from twolayer.estimators.defaults import given_alpha
from twolayer.estimators.folds import Axes, Fitting, axes_of
from twolayer.estimators.heldout import Score, Split, score_of, weighted_parts
from twolayer.estimators.rows import distinct_rows
from twolayer.estimators.standardising import Scaling, standardised
from twolayer.training import Run

FEW_ALPHAS = [30.0, 3.0, 0.3]  # for a test of an estimator that chooses alpha by itself


@dataclass(frozen=True, eq=False)
class Fold:
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

    axes: Axes
    y: np.ndarray
    s: np.ndarray | None
    z_test: Any
    x_test: Any
    y_test: np.ndarray
    s_test: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Answer:
    """What some networks say of held-out rows: their mean (or its logits), and the variance between them."""

    mean: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True, eq=False)
class Look:
    """A fold's held-out targets, with the scores, (len(n_hidden), len(alphas)), and the answers at each of these."""

    y: np.ndarray
    s: np.ndarray | None
    scores: np.ndarray
    answers: dict[tuple[int, int], Answer]


@dataclass(frozen=True, eq=False)
class Scores:
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
    def of(cls, results: dict[str, Any]) -> Scores:
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
class Search:
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
    score : callable
        As `heldout.score_of` gives it.
    seed : int
        Of the first weights, the same in each fold.
    """

    fitting: Fitting
    alphas: list[float]
    n_hidden: list[int]
    n_outputs: int
    classifies: bool
    score: Score
    seed: int

    @classmethod
    def of(cls, estimator: Any, scoring: Any, default: str | None, seed: int) -> Search:
        """The search of a CV estimator; that of a plain one has one alpha and one n_hidden."""
        settings = estimator.get_params(deep=False)
        if "alphas" in settings:
            alphas = path_of(settings["alphas"])
        else:
            given = given_alpha(settings["alpha"])
            alphas = FEW_ALPHAS if given is None else [given]
        return cls(
            Fitting.of(estimator),
            alphas,
            widths_of(settings["n_hidden"]),
            outputs_of(estimator),
            is_classifier(estimator),
            score_of(estimator, scoring, default),
            seed,
        )

    def fold(self, x: Any, y: np.ndarray, s: Any, rows: Any, test: np.ndarray) -> Fold:
        """One fold's pass over the columns: they are standardised on the rows to train on, (x, y, s), alone."""
        axes = axes_of(rows[0], rows[2], self.fitting.turned)
        s_test = None if s is None else s[test]
        return Fold(axes, rows[1], rows[2], axes.new(x[test]), x[test], y[test], s_test)

    def folds(
        self, x: Any, y: np.ndarray, s: np.ndarray | None, splits: list[Split]
    ) -> Iterator[Fold]:
        """The folds, one after another, with repeated rows merged and in an order of their own."""
        for train, test in weighted_parts(splits, s):
            rows = distinct_rows(x[train], y[train], None if s is None else s[train])
            yield self.fold(x, y, s, rows, test)

    def targets(self, fold: Fold) -> tuple[np.ndarray, Scaling | None]:
        """The fold's targets for training, standardised if they are numbers."""
        return (fold.y, None) if self.classifies else standardised(fold.y, fold.s, "y")

    def walk(self, fold: Fold, n_hidden: int, alphas: list[float]) -> Iterator[Run]:
        """The networks of one width along these alphas."""
        fitting = self.fitting
        y, _ = self.targets(fold)
        rng = np.random.default_rng([self.seed, n_hidden])
        starts = fitting.starts(fold.axes, n_hidden, self.n_outputs, rng)
        return fitting.walk(fold.axes.z, y, fold.s, starts, alphas)

    def answers(self, fold: Fold, run: Run) -> Answer:
        """What the networks say of the held-out rows together."""
        outputs = self.fitting.outputs(fold.z_test, run.params)
        if self.classifies:
            return Answer(mean_logits(outputs), np.zeros(outputs.shape[1:]))
        _, scaling = self.targets(fold)
        assert scaling is not None
        mean = outputs.mean(axis=0) * scaling.scale + scaling.mean
        return Answer(mean, disagreement(outputs) * scaling.scale**2)

    def look(self, fold: Fold) -> Look:
        """The fold's answers and scores at each of them."""
        scores = np.empty((len(self.n_hidden), len(self.alphas)))
        answers = {}
        with threads.limited(0):
            for i, n_hidden in enumerate(self.n_hidden):
                for j, run in enumerate(self.walk(fold, n_hidden, self.alphas)):
                    answers[i, j] = answer = self.answers(fold, run)
                    scores[i, j] = self.score(fold.x_test, fold.y_test, answer.mean, fold.s_test)
        if not np.isfinite(scores).all():
            raise InputError(
                "scoring gave a score that is not a finite number in a fold of "
                f"{len(fold.y_test)} held-out rows: take another scoring, or fewer folds"
            )
        return Look(fold.y_test, fold.s_test, scores, answers)

    def looks(self, x: Any, y: np.ndarray, s: Any, splits: list[Split]) -> list[Look]:
        """Every fold's answers and scores."""
        return [self.look(fold) for fold in self.folds(x, y, s, splits)]

    def last_of_path(self, fold: Fold, n_hidden: int, alpha: float) -> Run:
        """The networks at this alpha, come to along the same path as in the folds."""
        until = self.alphas[: self.alphas.index(alpha) + 1]
        with threads.limited(0):
            *_, run = self.walk(fold, n_hidden, until)
        return run

    def only(self, n_hidden: int, alpha: float, score: Score) -> Search:
        """The same path up to one alpha, with another score."""
        until = self.alphas[: self.alphas.index(alpha) + 1]
        return replace(self, n_hidden=[n_hidden], alphas=until, score=score)


def outputs_of(estimator: Any) -> int:
    """How many outputs the network has."""
    if not is_classifier(estimator):
        return estimator.n_outputs_
    return 1 if len(estimator.classes_) == 2 else len(estimator.classes_)


def path_of(alphas: Any) -> list[float]:
    """The alphas from strong to weak."""
    if alphas is None:
        return [float(alpha) for alpha in np.logspace(2, -2, 10)]
    if isinstance(alphas, (str, bytes)) or not np.iterable(alphas):
        alphas = [alphas]
    path = [checks.number(alpha, "each of alphas", at_least=0) for alpha in alphas]
    if not path:
        raise InputError("alphas is empty: give at least one")
    return sorted(set(path), reverse=True)


def widths_of(n_hidden: Any) -> list[int]:
    """The numbers of hidden units, from few to many."""
    if isinstance(n_hidden, (str, bytes)) or not np.iterable(n_hidden):
        return [checks.whole(n_hidden, "n_hidden")]
    widths = [checks.whole(each, "each of n_hidden") for each in n_hidden]
    if not widths:
        raise InputError("n_hidden is empty: give at least one number")
    return sorted(set(widths))


def seed_of(random_state: Any) -> int:
    """A whole number to seed with."""
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))

"""How sure scores are: what they would have been on other rows, drawn again from these with replacement.

All models are scored on the same draws, so that the range of a difference is that of the difference, not of two scores
that each go up and down with the rows.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer import comparing
from twolayer.report.subject import Answers, Subject

DRAWS = 300
FEWER_DRAWS = 60  # of very many rows, whose scores hardly move
MANY_ROWS = 20_000
LEVEL = (2.5, 97.5)

Range = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Certainty:
    """Scores and their ranges.

    Attributes
    ----------
    scores : dict
        Model -> score -> value.
    ranges : dict
        Model -> score -> the range of 95% of the draws.
    gains : dict
        Rival -> score -> the range of how much better the network is than it; above 0 is better, whichever way the score
        goes.
    """

    scores: comparing.Scores
    ranges: dict[str, dict[str, Range]]
    gains: dict[str, dict[str, Range]]


def certainty(subject: Subject, random_state: int = 0) -> Certainty:
    """Score all models on the rows, and on rows drawn again."""
    everything = np.arange(len(subject.y))
    answers = subject.answers
    scores = {name: _scored(subject, one, everything) for name, one in answers.items()}
    names = list(scores[comparing.NETWORK])
    drawn: dict[str, list[list[float]]] = {name: [] for name in answers}
    rng = np.random.default_rng(random_state)
    for _ in range(DRAWS if len(subject.y) < MANY_ROWS else FEWER_DRAWS):
        rows = rng.integers(len(subject.y), size=len(subject.y))
        if not _can_be_scored(subject, rows):
            continue
        for name, one in answers.items():
            values = _scored(subject, one, rows)
            drawn[name].append([values[score] for score in names])
    tables = {name: np.array(values) for name, values in drawn.items() if values}
    signs = np.array([1 if comparing.HIGHER_IS_BETTER[score] else -1 for score in names])
    ours = tables.get(comparing.NETWORK)
    gains = {
        name: _ranges((ours - table) * signs, names)
        for name, table in tables.items()
        if name != comparing.NETWORK and ours is not None
    }
    ranges = {name: _ranges(table, names) for name, table in tables.items()}
    for name, ends in ranges.items():
        _widen(ends, scores[name], subject)
    return Certainty(scores, ranges, gains)


def _widen(ranges: dict[str, Range], scores: dict[str, float], subject: Subject) -> None:
    """Where no row (or every row) was wrong, all draws are alike, and tell nothing: the exact bound stands in for them.

    Clopper and Pearson's: with so few rows right alone, that many would still be seen in one table of forty.
    """
    share = scores.get("accuracy")
    if share not in (0.0, 1.0):
        return
    count = len(subject.y) if subject.weights is None else np.count_nonzero(subject.weights)
    bound = ((100 - LEVEL[1]) / 100) ** (1 / count)
    ranges["accuracy"] = (bound, 1.0) if share == 1.0 else (0.0, 1 - bound)
    ranges.pop("balanced accuracy", None)


def _can_be_scored(subject: Subject, rows: np.ndarray) -> bool:
    """Whether these rows have any weight, and more than one target."""
    if subject.weights is not None and not subject.weights[rows].any():
        return False
    return subject.classifies or bool(np.ptp(subject.y[rows], axis=0).min() > 0)


def _scored(subject: Subject, answers: Answers, rows: np.ndarray) -> dict[str, float]:
    p, s = answers.probabilities, subject.weights
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rows may lack a class
        return comparing.scores_of(
            subject.y[rows],
            answers.y_pred[rows],
            None if p is None else p[rows],
            subject.classes,
            None if s is None else s[rows],
        )


def _ranges(table: Any, names: list[str]) -> dict[str, Range]:
    low, high = np.percentile(table, LEVEL, axis=0)
    return {name: (float(low[k]), float(high[k])) for k, name in enumerate(names)}

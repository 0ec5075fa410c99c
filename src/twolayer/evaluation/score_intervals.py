"""How sure scores are: what they would have been on other rows, drawn again from these with replacement.

The share of rows that is right has the exact range of a binomial. Rows that belong together (of a patient) are drawn
together, and no exact range is claimed of them: they are fewer than they look.
All models are scored on the same draws, so that the range of a difference is that of the difference, not of two scores
that each go up and down with the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.baselines import NETWORK
from twolayer.evaluation.predictions import Predictions
from twolayer.evaluation.scores import HIGHER_IS_BETTER, ScoresByModel, prediction_scores

BOOTSTRAP_DRAWS = 300
BOOTSTRAP_DRAWS_LARGE = 60  # of very many rows, whose scores hardly move
LARGE_TABLE_ROWS = 20_000
FEWEST_BOOTSTRAP_ROWS = 8  # draws of fewer are too much alike
INTERVAL_PERCENTILES = (2.5, 97.5)
SIGNIFICANCE = 0.05  # what has a larger probability by luck alone may be luck

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class ScoreIntervals:
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
    parts : dict
        Of several targets, each one's own: name -> Certainty.
    more_often : dict
        Rival -> whether the network is right more often than it (1), less often (-1), or that is open (0).
    """

    scores: ScoresByModel
    ranges: dict[str, dict[str, Interval]]
    gains: dict[str, dict[str, Interval]]
    parts: dict[str, ScoreIntervals] = field(default_factory=dict)
    more_often: dict[str, int] = field(default_factory=dict)

    def against(self, rival: str, score: str) -> int:
        """1 if the network is better than the rival on nearly all draws of the rows, -1 if worse, 0 if that is open."""
        if score == "accuracy" and rival in self.more_often:
            return self.more_often[rival]
        low, high = self.gains.get(rival, {}).get(score, (0.0, 0.0))
        return 1 if low > 0 else -1 if high < 0 else 0


def score_intervals(subject: Assessment, random_state: int = 0) -> ScoreIntervals:
    """Score all models on the rows, and on rows drawn again."""
    everything = np.arange(len(subject.y))
    answers = subject.answers
    scores = {name: _subset_scores(subject, one, everything) for name, one in answers.items()}
    names = list(scores[NETWORK])
    drawn: dict[str, list[list[float]]] = {name: [] for name in answers}
    rng = np.random.default_rng(random_state)
    units = _resampling_units(subject)
    for _ in range(_n_draws(len(units))):
        rows = units[rng.integers(len(units), size=len(units))]
        if subject.groups is not None:
            rows = np.concatenate(rows)
        if not _is_scorable(subject, rows):
            continue
        for name, one in answers.items():
            values = _subset_scores(subject, one, rows)
            drawn[name].append([values[score] for score in names])
    tables = {name: np.array(values) for name, values in drawn.items() if values}
    signs = np.array([1 if HIGHER_IS_BETTER[score] else -1 for score in names])
    ours = tables.get(NETWORK)
    gains = {
        name: _percentile_intervals((ours - table) * signs, names)
        for name, table in tables.items()
        if name != NETWORK and ours is not None
    }
    ranges = {name: _percentile_intervals(table, names) for name, table in tables.items()}
    if subject.classifies:
        for name, values in scores.items():
            _exact_interval(ranges.setdefault(name, {}), values, subject)
    parts = subject.parts() if subject.several else []
    each = {part.target: score_intervals(part, random_state) for part in parts}
    return ScoreIntervals(scores, ranges, gains, each, _mcnemar(subject))


def _resampling_units(subject: Assessment) -> np.ndarray:
    """What is drawn: rows, or for each group an array of its rows."""
    if subject.groups is None:
        return np.arange(len(subject.y))
    units = np.empty(subject.n_units, dtype=object)
    for k, name in enumerate(np.unique(subject.groups)):
        units[k] = np.flatnonzero(subject.groups == name)
    return units


def _mcnemar(subject: Assessment) -> dict[str, int]:
    """Of the rows on which only one of two models is right, how many are the network's: McNemar's test with its mid-p.

    Draws of few rows would be too sure. Fagerland, Lydersen & Laake, *The McNemar test for binary matched-pairs data*, BMC
    Medical Research Methodology 13 (2013) 91.
    """
    from scipy.stats import binom

    apart = (
        subject.groups is None and subject.weights is None
    )  # rows that count alike, and each for itself
    if not subject.classifies or subject.several or not apart:
        return {}
    right = {name: one.y_pred == subject.y for name, one in subject.answers.items()}
    ours = right[NETWORK]
    found = {}
    for name, theirs in right.items():
        won, lost = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
        fewer, of = min(won, lost), won + lost
        p = 2 * binom.cdf(fewer, of, 0.5) - binom.pmf(fewer, of, 0.5)
        found[name] = 0 if p > SIGNIFICANCE else 1 if won > lost else -1
    return found


def _n_draws(n_rows: int) -> int:
    if n_rows < FEWEST_BOOTSTRAP_ROWS:
        return 0
    return BOOTSTRAP_DRAWS if n_rows < LARGE_TABLE_ROWS else BOOTSTRAP_DRAWS_LARGE


def _exact_interval(
    ranges: dict[str, Interval], scores: dict[str, float], subject: Assessment
) -> None:
    """The range of a share of rows that is right is known exactly, and of few rows draws would make it too narrow.

    Where no row (or every row) was wrong they are even all alike. Clopper & Pearson, *The use of confidence or fiducial
    limits illustrated in the case of the binomial*, Biometrika 26 (1934) 404-413. Weighted rows count as many as would have
    the same spread. Of groups the draws stay, unless they are all alike: then there are as many rows as groups.
    """
    from scipy.special import betaincinv

    s = np.ones(len(subject.y)) if subject.weights is None else subject.weights
    count = min(s.sum() ** 2 / np.square(s).sum(), subject.n_units)
    side = INTERVAL_PERCENTILES[0] / 100
    for name in ("rows all right",) if subject.several else ("accuracy",):
        if name not in scores:
            continue
        if subject.groups is not None and name in ranges and scores[name] not in (0.0, 1.0):
            continue
        right = scores[name] * count
        wrong = count - right
        low = betaincinv(right, wrong + 1, side) if scores[name] > 0 else 0.0
        high = betaincinv(right + 1, wrong, 1 - side) if scores[name] < 1 else 1.0
        ranges[name] = (float(low), float(high))
        if scores[name] in (0.0, 1.0):
            ranges.pop("balanced accuracy", None)


def _is_scorable(subject: Assessment, rows: np.ndarray) -> bool:
    """Whether these rows have any weight, and more than one target."""
    if subject.weights is not None and not subject.weights[rows].any():
        return False
    return subject.classifies or bool(np.ptp(subject.y[rows], axis=0).min() > 0)


def _subset_scores(subject: Assessment, answers: Predictions, rows: np.ndarray) -> dict[str, float]:
    p, s = answers.probabilities, subject.weights
    return prediction_scores(
        subject.y[rows],
        answers.y_pred[rows],
        None if p is None else p[rows],
        subject.classes,
        None if s is None else s[rows],
    )


def _percentile_intervals(table: Any, names: list[str]) -> dict[str, Interval]:
    low, high = np.percentile(table, INTERVAL_PERCENTILES, axis=0)
    return {name: (float(low[k]), float(high[k])) for k, name in enumerate(names)}

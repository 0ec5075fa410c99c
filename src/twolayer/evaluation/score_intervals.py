"""Intervals of scores: the scores on other rows, drawn from these with replacement (the bootstrap).

The interval of a share of right rows is the exact one of a binomial. Rows that belong together (of a patient) are drawn
together, and have no exact interval, as they are not independent. All models are scored on the same draws, so that the
interval of a difference is that of the difference itself, not of two scores that both go up and down with the rows.
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
BOOTSTRAP_DRAWS_LARGE = 60  # of very many rows, whose scores vary little
LARGE_TABLE_ROWS = 20_000
FEWEST_BOOTSTRAP_ROWS = 8  # draws of fewer are too similar
INTERVAL_PERCENTILES = (2.5, 97.5)
SIGNIFICANCE = 0.05  # of McNemar's test

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class ScoreIntervals:
    """Scores and their intervals.

    Attributes
    ----------
    scores : dict
        Model -> score -> value.
    ranges : dict
        Model -> score -> interval of 95% of the draws.
    gains : dict
        Baseline -> score -> interval of how much better the network is; above 0 it is better, whether the score should
        be high or low.
    parts : dict
        Of several targets: name -> ScoreIntervals of that target.
    more_often : dict
        Baseline -> 1 if the network is right more often, -1 if less often, 0 if there is no significant difference.
    """

    scores: ScoresByModel
    ranges: dict[str, dict[str, Interval]]
    gains: dict[str, dict[str, Interval]]
    parts: dict[str, ScoreIntervals] = field(default_factory=dict)
    more_often: dict[str, int] = field(default_factory=dict)

    def against(self, baseline: str, score: str) -> int:
        """Return 1 if the network is better than the baseline on nearly all draws of the rows, -1 if worse, else 0."""
        if score == "accuracy" and baseline in self.more_often:
            return self.more_often[baseline]
        low, high = self.gains.get(baseline, {}).get(score, (0.0, 0.0))
        return 1 if low > 0 else -1 if high < 0 else 0


def score_intervals(subject: Assessment, random_state: int = 0) -> ScoreIntervals:
    """Return the scores of all models on the rows of an assessment, with intervals."""
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
    """Return the units of the draws: rows, or for each group an array of its rows."""
    if subject.groups is None:
        return np.arange(len(subject.y))
    units = np.empty(subject.n_units, dtype=object)
    for k, name in enumerate(np.unique(subject.groups)):
        units[k] = np.flatnonzero(subject.groups == name)
    return units


def _mcnemar(subject: Assessment) -> dict[str, int]:
    """Return for each model 1 if the network is right more often, -1 if less often, else 0: McNemar's test with its mid-p.

    It compares the numbers of rows on which only one of the two models is right; draws of few rows would be too sure.
    Fagerland, Lydersen & Laake, *The McNemar test for binary matched-pairs data*, BMC Medical Research Methodology 13 (2013)
    91.
    """
    from scipy.stats import binom

    independent = subject.groups is None and not subject.is_weighted
    if not subject.classifies or subject.several or not independent:
        return {}
    right = {name: one.y_pred == subject.y for name, one in subject.answers.items()}
    ours = right[NETWORK]
    signs = {}
    for name, theirs in right.items():
        won, lost = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
        fewer, total = min(won, lost), won + lost
        p = 2 * binom.cdf(fewer, total, 0.5) - binom.pmf(fewer, total, 0.5)
        signs[name] = 0 if p > SIGNIFICANCE else 1 if won > lost else -1
    return signs


def _n_draws(n_rows: int) -> int:
    if n_rows < FEWEST_BOOTSTRAP_ROWS:
        return 0
    return BOOTSTRAP_DRAWS if n_rows < LARGE_TABLE_ROWS else BOOTSTRAP_DRAWS_LARGE


def _exact_interval(
    ranges: dict[str, Interval], scores: dict[str, float], subject: Assessment
) -> None:
    """Replace the interval of the share of right rows by the exact one; draws of few rows would make it too narrow.

    Where no row (or every row) is wrong, all draws are even the same. Weighted rows count as so many equal ones as have the
    same variance. Of groups the interval of the draws stays, unless all draws are the same: then groups are counted.
    """
    count = min(subject.n_equal_rows, subject.n_units)
    for name in ("rows all right",) if subject.several else ("accuracy",):
        if name not in scores:
            continue
        if subject.groups is not None and name in ranges and scores[name] not in (0.0, 1.0):
            continue
        ranges[name] = share_interval(scores[name], count)
        if scores[name] in (0.0, 1.0):
            ranges.pop("balanced accuracy", None)


def share_interval(share: float, count: float, level: float = 0.95) -> Interval:
    """Return the exact interval of a share of `count` independent rows: it lies within 0 and 1, and is never empty.

    Source: Clopper & Pearson, *The use of confidence or fiducial limits illustrated in the case of the binomial*, Biometrika
    26 (1934) 404-413.

    Examples
    --------
    >>> [round(end, 3) for end in share_interval(1.0, 20)]
    [0.832, 1.0]
    """
    from scipy.special import betaincinv

    side, right, wrong = (1 - level) / 2, share * count, (1 - share) * count
    low = betaincinv(right, wrong + 1, side) if share > 0 else 0.0
    high = betaincinv(right + 1, wrong, 1 - side) if share < 1 else 1.0
    return float(low), float(high)


def _is_scorable(subject: Assessment, rows: np.ndarray) -> bool:
    """Return whether these rows have any weight and, of numbers, more than one value."""
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

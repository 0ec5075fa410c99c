"""The spread of targets around predictions, estimated on held-out rows.

The variance of a new target around the networks' mean is noise² + factor²·(variance between the networks): where the
networks disagree, errors are larger. Both numbers are those under which the errors on the held-out rows are most likely,
if they are normally distributed.
"""

from __future__ import annotations

import numpy as np

# factor²·(mean variance between the networks) / noise²
VARIANCE_RATIOS = (0.0, *np.logspace(-2, 2, 41))


def fit_spread(
    residuals: np.ndarray, between: np.ndarray, s: np.ndarray | None, prior_rows: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return noise and factor of each output, each of shape (n_outputs,).

    Parameters
    ----------
    residuals : ndarray, shape (n_rows, n_outputs)
        y - y_pred of held-out rows.
    between : ndarray, shape (n_rows, n_outputs)
        The variance between the networks there.
    s : ndarray, shape (n_rows,), or None
        Row weights.
    prior_rows : float
        Above 0, a penalty as of so many rows keeps factor² near 1 and above 0, so that few rows do not decide it.
    """
    pairs = [
        most_likely_variances(r, v, s, prior_rows)
        for r, v in zip(np.square(residuals).T, between.T, strict=True)
    ]
    noise, factor = np.sqrt(np.array(pairs)).T
    return noise, factor


def most_likely_variances(
    squares: np.ndarray, between: np.ndarray, s: np.ndarray | None, prior_rows: float
) -> tuple[float, float]:
    """Return noise² and factor² of one output; for a given ratio of theirs the best noise² is a mean."""
    mean = float(np.average(between, weights=s))
    level = float(np.average(squares, weights=s))
    least = max(level * 1e-12, np.finfo(float).tiny)
    expected = np.clip(mean / max(level, least), VARIANCE_RATIOS[1], VARIANCE_RATIOS[-1])
    candidates = []
    for ratio in VARIANCE_RATIOS[prior_rows > 0 :] if mean > 0 else (0.0,):
        shape = 1 + ratio * between / mean if ratio else np.ones_like(between)
        noise = max(float(np.average(squares / shape, weights=s)), least)
        cost = np.log(noise) + float(np.average(np.log(shape), weights=s))
        if prior_rows and ratio:
            cost += prior_rows / len(squares) * np.log(ratio / expected) ** 2
        candidates.append((cost, noise, noise * ratio / mean if ratio else 0.0))
    _, noise, factor = min(candidates)
    return noise, factor

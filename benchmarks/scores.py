"""Scores over splits and folds: their mean, its standard error, tests of differences, and errors by bootstrap."""

from __future__ import annotations

import numpy as np


def mean_and_error(values: list[float] | np.ndarray) -> tuple[float, float]:
    """The mean and its standard error."""
    values = np.asarray(values)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


def plus_minus(pair: tuple[float, float], digits: int) -> str:
    """A mean and its standard error."""
    mean, error = pair
    return f"{mean:.{digits}f}" + ("" if np.isnan(error) else f" ± {error:.{digits}f}")


def corrected_t_test(
    differences: list[float] | np.ndarray, test_to_train: float
) -> tuple[float, float]:
    """Return the standard error of the mean difference over resampled folds, and p against 0, two-sided.

    The folds share rows of training, so that the variance of their mean is not var/J but var·(1/J + n_test/n_train):
    Nadeau & Bengio, Inference for the generalization error, Machine Learning 52 (2003).
    """
    from scipy.stats import t

    differences = np.asarray(differences)
    n = len(differences)
    if n < 2:
        return np.nan, np.nan
    error = np.sqrt((1 / n + test_to_train) * differences.var(ddof=1))
    if error == 0:
        return 0.0, float(differences.mean() == 0)
    return float(error), float(2 * t.sf(abs(differences.mean()) / error, n - 1))


def chance_of_wins(wins: int, tables: int) -> float:
    """Return how probable at least so many wins are between equal methods: the sign test, one-sided."""
    from scipy.stats import binom

    return float(binom.sf(wins - 1, tables, 0.5))


def no_information_rate(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the error that these predictions would have if the inputs said nothing about the class."""
    classes = np.unique(y)
    return float(sum((y == k).mean() * (predicted != k).mean() for k in classes))


def error_632_plus(apparent: float, left_out: float, no_information: float) -> float:
    """Return the .632+ error from those on the rows of training, on rows outside bootstrap samples, and without information.

    Efron & Tibshirani, Improvements on cross-validation: the .632+ bootstrap method, JASA 92 (1997), section 3.
    """
    left_out = min(left_out, no_information)
    overfits = apparent < left_out
    relative = (left_out - apparent) / (no_information - apparent) if overfits else 0.0
    weight = 0.632 / (1 - 0.368 * relative)
    return (1 - weight) * apparent + weight * left_out

"""Scores over splits and folds: their mean and its standard error."""

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

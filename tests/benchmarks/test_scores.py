"""Scores: against numbers worked out by hand and what their authors say of the limits."""

import numpy as np
import pytest

from benchmarks.scores import (
    chance_of_wins,
    corrected_t_test,
    error_632_plus,
    mean_and_error,
    no_information_rate,
)


def test_mean_and_standard_error():
    assert mean_and_error([1.0, 2.0, 3.0]) == pytest.approx((2, 1 / np.sqrt(3)))
    assert np.isnan(mean_and_error([1.0])[1])


def test_the_corrected_t_test_by_hand():
    """Mean 2 and variance 4 of three folds, tested on a half as many rows as trained on: error² = (1/3 + 1/2)·4 = 10/3,

    t = 2 / 1.826 = 1.095 with 2 degrees of freedom, whose p is 1 − t / √(t² + 2) = 1 − √(1.2 / 3.2).
    """
    error, p = corrected_t_test([0.0, 2.0, 4.0], 1 / 2)
    assert error == pytest.approx(np.sqrt(10 / 3))
    assert p == pytest.approx(1 - np.sqrt(1.2 / 3.2))


def test_the_corrected_t_test_without_a_difference_or_without_spread():
    assert corrected_t_test([0.0, 0.0, 0.0], 0.25) == (0, 1)
    assert corrected_t_test([1.0, 1.0, 1.0], 0.25) == (0, 0)
    assert np.isnan(corrected_t_test([1.0], 0.25)[1])


def test_the_chance_of_wins_by_counting():
    """Of three tosses: three heads in 1 of 8 cases, two or three in 4 of 8."""
    assert chance_of_wins(3, 3) == pytest.approx(1 / 8)
    assert chance_of_wins(2, 3) == pytest.approx(4 / 8)
    assert chance_of_wins(0, 3) == 1


def test_the_no_information_rate_by_hand():
    """Σ p(1 − q) with shares ¾, ¼ of the classes and ½, ½ of the predictions."""
    assert no_information_rate(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])) == pytest.approx(0.5)
    assert no_information_rate(np.array([0, 0, 0, 1]), np.zeros(4)) == pytest.approx(0.25)


def test_the_632_plus_error_without_overfitting_is_the_632_error():
    assert error_632_plus(0.2, 0.2, 0.5) == pytest.approx(0.368 * 0.2 + 0.632 * 0.2)
    # rows left out do better than those of training: R is 0
    assert error_632_plus(0.2, 0.1, 0.5) == pytest.approx(0.368 * 0.2 + 0.632 * 0.1)


def test_the_632_plus_error_of_pure_memory_is_the_no_information_rate():
    assert error_632_plus(0.0, 0.5, 0.5) == pytest.approx(0.5)
    assert error_632_plus(0.0, 0.6, 0.5) == pytest.approx(0.5)


def test_the_632_plus_error_between_them():
    """Efron and Tibshirani (1997), equation 32: the .632 error and (ε − err)·(0.368·0.632·R) / (1 − 0.368·R)."""
    apparent, left_out, rate = 0.1, 0.2, 0.5
    r = (left_out - apparent) / (rate - apparent)
    further = (left_out - apparent) * 0.368 * 0.632 * r / (1 - 0.368 * r)
    expected = 0.368 * apparent + 0.632 * left_out + further
    assert error_632_plus(apparent, left_out, rate) == pytest.approx(expected)

"""Rows unlike those of training: far ones are counted and marked, ordinary new rows are not."""

import numpy as np
import pytest
import scipy.sparse

from twolayer.evaluation.training_range import TrainingRange, outside_sentence


def rows(n_rows, n_inputs, seed=0):
    return np.random.default_rng(seed).standard_normal((n_rows, n_inputs))


@pytest.mark.parametrize("n_inputs", [1, 5, 300, 3000])
def test_new_rows_of_the_same_kind_are_inside(n_inputs):
    ranges = TrainingRange.from_rows(rows(60, n_inputs))
    assert not ranges.outside(rows(500, n_inputs, 1)).any()


@pytest.mark.parametrize("factor", [100.0, -1e6, 1e300])
@pytest.mark.parametrize("n_inputs", [1, 5, 3000])
def test_rows_in_another_unit_are_outside(factor, n_inputs):
    ranges = TrainingRange.from_rows(rows(60, n_inputs))
    new = 0.5 + np.abs(rows(3, n_inputs, 1))
    new[1] *= factor
    assert ranges.outside(new).tolist() == [False, True, False]


def test_one_far_input_of_few_is_enough_and_of_thousands_is_not():
    for n_inputs, expected in ((5, True), (3000, False)):
        new = np.zeros((1, n_inputs))
        new[0, 0] = 1e9
        new[0, 0] = 1e9 if n_inputs == 5 else 20.0
        assert TrainingRange.from_rows(rows(60, n_inputs)).outside(new).tolist() == [expected]


def test_constant_inputs_and_sparse_rows():
    assert TrainingRange.from_rows(scipy.sparse.csr_array(rows(5, 3))) is None
    constant = TrainingRange(np.ones(2), np.ones(2))
    assert constant.outside(np.array([[5.0, 1.0]])).tolist() == [False]
    ranges = TrainingRange(np.zeros(3), np.ones(3))
    assert ranges.outside(scipy.sparse.csr_array(np.array([[0, 0, 9.0]]))).tolist() == [True]


def test_the_sentence_counts_and_names_the_first():
    said = outside_sentence(np.array([False, True, True]))
    assert said.startswith("warning: 2 of 3 rows lie far outside")
    assert "row 2 is the first" in said

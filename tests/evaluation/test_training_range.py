"""Rows unlike those of training: far ones are counted and marked, ordinary new rows are not."""

import numpy as np
import pytest
import scipy.sparse

from twolayer.evaluation.training_range import OutsideRows, TrainingRange


def rows(n_rows, n_inputs, seed=0):
    return np.random.default_rng(seed).standard_normal((n_rows, n_inputs))


def outside(ranges, x):
    return ranges.far_values(x)[0].tolist()


def counts(n_rows, n_inputs, seed=0):
    """As of genes: most are small, a few are thousands of times as large."""
    return np.floor(np.random.default_rng(seed).lognormal(1, 2, (n_rows, n_inputs)))


@pytest.mark.parametrize("kind", [rows, counts])
@pytest.mark.parametrize("n_inputs", [1, 5, 300, 3000])
def test_new_rows_of_the_same_kind_are_inside(n_inputs, kind):
    ranges = TrainingRange.from_rows(kind(60, n_inputs))
    limit = 0.0 if kind is rows else 0.02
    assert np.mean(outside(ranges, kind(500, n_inputs, 1))) <= limit


def test_columns_that_only_one_row_of_training_has_prove_nothing():
    x = np.zeros((60, 400))
    x[np.arange(60), np.arange(60)] = 0.01
    assert outside(TrainingRange.from_rows(x), np.full((1, 400), 5.0)) == [False]


@pytest.mark.parametrize("factor", [100.0, -1e6, 1e300])
@pytest.mark.parametrize("n_inputs", [1, 5, 3000])
def test_rows_in_another_unit_are_outside(factor, n_inputs):
    ranges = TrainingRange.from_rows(rows(60, n_inputs))
    new = np.resize([1.5, -1.5], (3, n_inputs))
    new[1] *= factor
    assert outside(ranges, new) == [False, True, False]


@pytest.mark.parametrize("value", [-999.0, 8000.0, 1e9, -1e300])
@pytest.mark.parametrize("n_inputs", [1, 5, 3000])
def test_one_far_value_is_enough_and_is_named(n_inputs, value):
    ranges = TrainingRange.from_rows(8 + rows(60, n_inputs))
    new = 8 + rows(3, n_inputs, 1)
    new[1, 0] = value
    far, which = ranges.far_values(new)
    assert far.tolist() == [False, True, False]
    assert np.argwhere(which).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    "change", [lambda x: x * np.log(2), lambda x: x + 3, lambda x: x - 3, lambda x: x - 8]
)
def test_a_change_of_all_columns_is_seen(change):
    ranges = TrainingRange.from_rows(8 + rows(60, 3000))
    new = 8 + rows(30, 3000, 1)
    assert not any(outside(ranges, new))
    assert all(outside(ranges, change(new)))


def test_a_file_that_holds_only_the_ranges_still_tells_of_other_units():
    ranges = TrainingRange(np.zeros(300), np.ones(300))
    assert outside(ranges, np.array([[0.5] * 300, [50.0] * 300])) == [False, True]


def test_constant_inputs_and_sparse_rows():
    assert TrainingRange.from_rows(scipy.sparse.csr_array(rows(5, 3))) is None
    constant = TrainingRange.from_rows(np.ones((9, 2)))
    assert outside(constant, np.array([[5.0, 1.0]])) == [False]
    assert outside(TrainingRange.from_rows(np.ones((2, 2))), np.ones((1, 2))) == [False]
    ranges = TrainingRange(np.zeros(3), np.ones(3))
    assert outside(ranges, scipy.sparse.csr_array(np.array([[0, 0, 9.0]]))) == [True]


def test_the_sentence_counts_over_blocks_and_names_rows_and_columns():
    found = OutsideRows(TrainingRange(np.zeros(2), np.ones(2)), ["a", "b"])
    assert found.sentences() == []
    assert found.add(np.array([[0.5, 0.5], [0.5, 99.0]])).tolist() == [False, True]
    assert found.add(np.array([[99.0, 99.0], [0.5, 0.5]])).tolist() == [True, False]
    (said,) = found.sentences()
    assert said.startswith("warning: 2 of 4 rows lie far outside")
    assert "row 2 is the first" in said
    assert said.endswith("3 values far beyond the range in training, in 'b', 'a'")
    assert OutsideRows(None, []).add(np.ones((2, 1))).tolist() == [False, False]

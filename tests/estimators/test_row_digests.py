"""Digests of rows as sums over columns: the same however the columns are cut, and others for other rows."""

from itertools import pairwise

import numpy as np
import pytest

from twolayer.estimators.row_digests import digest_sums, mixed
from twolayer.estimators.training_rows import MOST_WHOLE_COLUMNS, row_fingerprints


def table(n_rows=6, n_columns=3000, seed=0):
    return np.random.default_rng(seed).standard_normal((n_rows, n_columns))


@pytest.mark.parametrize("ends", [[0, 3000], [0, 1, 3000], [0, 700, 1900, 2999, 3000]])
def test_the_digest_of_the_whole_is_the_sum_over_any_blocks(ends):
    x = table()
    parts = [digest_sums(x[:, a:b], a) for a, b in pairwise(ends)]
    assert (np.sum(parts, axis=0, dtype=np.uint64) == digest_sums(x)).all()


def test_the_mixture_is_that_of_splitmix64():
    # the first outputs of SplitMix64 from the seed 0, as Vigna's program prints them
    seeds = np.arange(1, 4, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    wanted = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert mixed(seeds).tolist() == wanted


def test_rows_that_differ_in_one_digit_or_in_the_order_of_columns_are_others():
    x = table(1)[0]
    last = x.copy()
    last[-1] = np.nextafter(last[-1], 9)
    swapped = x.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    rows = np.stack([x, last, swapped, np.zeros_like(x), np.ones_like(x), x])
    assert len(set(digest_sums(rows).tolist())) == 5
    assert digest_sums(rows)[0] == digest_sums(rows)[-1]


def test_rows_of_whole_numbers_are_told_apart():
    """All bits but a few of such numbers are 0: a digest that only multiplied them would lose most of its own."""
    rows = np.random.default_rng(0).integers(0, 2, (4000, 64)).astype(float)
    assert len(set(digest_sums(rows).tolist())) == len(np.unique(rows, axis=0))


@pytest.mark.parametrize("n_columns", [MOST_WHOLE_COLUMNS, MOST_WHOLE_COLUMNS + 1])
def test_equal_rows_have_the_fingerprint_of_each_other_and_no_others(n_columns):
    x = table(3, n_columns)
    x = np.concatenate([x, x[:1]])
    y = np.array([[0.0], [1.0], [0.0], [0.0]])
    first, second, third, again = row_fingerprints(x, y)
    assert first == again
    assert len({first, second, third}) == 3
    assert row_fingerprints(x[:1], None) != [first]


def test_the_fingerprint_of_few_columns_is_that_of_their_bytes():
    from hashlib import blake2b

    x = table(1, 1024)
    assert row_fingerprints(x, None) == [blake2b(x.tobytes(), digest_size=16).digest()]

"""The page draws NumPy's own numbers, which are computed here: the same bits, and those of the ladder's programs."""

from pathlib import Path

import numpy as np
from node_tests import run_node_test

from twolayer.tutorial.ladder import PROGRAMS, ladder_arrays

SEEDS = (0, 1, 7, 20260101, 2**32 - 1, 2**32, 2**53 - 1, 2**64 + 5, 2**200 + 3)


def test_the_page_draws_numpys_numbers(tmp_path):
    for k, seed in enumerate(SEEDS):
        count = 10**6 if k < 3 else 10**4
        np.random.default_rng(seed).standard_normal(count).tofile(tmp_path / f"normal-{seed}")
        np.random.default_rng(seed).random(1000).tofile(tmp_path / f"uniform-{seed}")
    arrays = ladder_arrays(PROGRAMS["P3"])
    weights = [arrays.params.w1, arrays.params.w2, arrays.params.b1, arrays.params.b2]
    ladder = np.concatenate([array.ravel() for array in (arrays.x, arrays.y, *weights)])
    ladder.tofile(tmp_path / "normal-0-ladder")
    said = run_node_test(Path(__file__).with_name("random.test.mjs"), tmp_path)
    assert f"# pass {2 * len(SEEDS) + 2}" in said

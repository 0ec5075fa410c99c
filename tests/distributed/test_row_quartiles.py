"""Quartiles of blocks of rows are those of all rows together."""

import numpy as np
import pytest

from twolayer.distributed import row_quartiles
from twolayer.distributed.block_sum import InProcess
from twolayer.distributed.row_quartiles import order_number, table_quartiles
from twolayer.distributed.table_rows import TableRows
from twolayer.estimators.column_quartiles import column_quartiles
from twolayer.estimators.training_rows import TrainingRows

RNG = np.random.default_rng(0)


def columns(n_rows):
    """Columns of every kind: smooth, with far values, of few values, of one value, tiny and huge, of both signs."""
    smooth = RNG.standard_normal(n_rows)
    return np.stack(
        [
            smooth,
            smooth**9 * 1e30,
            RNG.integers(0, 3, n_rows),
            np.full(n_rows, -2.5),
            smooth * 1e-300,
            np.where(smooth > 0.2, 0.0, -0.0),
            np.exp(5 * smooth),
        ],
        axis=1,
    )


def quartiles_of_blocks(x, s, n_blocks):
    parts = np.array_split(np.arange(len(x)), n_blocks)
    blocks = [TrainingRows(x[rows], x[rows, 0], None if s is None else s[rows]) for rows in parts]
    sizes = np.array([len(rows) for rows in parts])
    table = TableRows(blocks, sizes, x.shape[1], InProcess())
    return table_quartiles(table, float(len(x) if s is None else s.sum()))


@pytest.mark.parametrize("few", [5, 100, 2000])
@pytest.mark.parametrize("n_rows", [3, 401, 1500])
@pytest.mark.parametrize("weights", ["none", "counts", "shares"])
def test_they_are_those_in_memory(monkeypatch, few, n_rows, weights):
    monkeypatch.setattr(row_quartiles, "ROWS_TO_CALLER", few)
    x = columns(n_rows)
    s = {
        "none": None,
        "counts": RNG.integers(1, 5, n_rows).astype(float),
        "shares": RNG.uniform(0.01, 0.9, n_rows),
    }[weights]
    if (
        weights == "shares"
    ):  # rows of one value and of unlike weights below 1 have no order of their own
        x = x[:, [0, 1, 4, 6]]
    found = quartiles_of_blocks(x, s, 3)
    np.testing.assert_allclose(found, column_quartiles(x, s), rtol=1e-12, atol=1e-320)


def test_whole_numbers_are_in_the_order_of_floats():
    x = np.sort(np.concatenate([RNG.standard_normal(100), [0.0, -np.inf, np.inf, 5e-324, -5e-324]]))
    numbers = order_number(x)
    assert (np.diff(numbers) > 0).all()
    assert order_number(np.array(-0.0)) == order_number(np.array(0.0))

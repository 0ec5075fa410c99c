"""The sum over blocks: its order, what it adds, and the same from Dask as from one process."""

import math

import numpy as np
import pytest

from twolayer.distributed.block_sum import FAN_IN, InProcess, add_up, on_one_thread, tree_sum
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.distributed.row_blocks import RowBlock
from twolayer.maths.network import Params

WORKERS = [InProcess, DaskWorkers]


def scaled(block, factor):
    """A function of a block, as the workers take them."""
    return block * factor, None, {"length": float(len(block))}


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("n_blocks", [1, 2, FAN_IN, FAN_IN + 1, 70])
def test_the_sum_is_that_of_the_numbers(workers, n_blocks):
    blocks = [np.arange(3.0) + k for k in range(n_blocks)]
    array, nothing, named = workers().sum(scaled, blocks, 2.0)
    np.testing.assert_array_equal(array, 2 * np.sum(blocks, axis=0))
    assert nothing is None
    assert named == {"length": 3.0 * n_blocks}


@pytest.mark.parametrize("n_blocks", [2, 9, 65, 200])
def test_the_tree_is_that_of_neighbours_whatever_they_are(n_blocks):
    """Written out as text, every sum stands in brackets: neighbours in their order, FAN_IN at a time."""
    text = tree_sum([str(k) for k in range(n_blocks)], lambda parts: f"({'+'.join(parts)})")
    assert [int(k) for k in text.replace("(", "").replace(")", "").split("+")] == list(
        range(n_blocks)
    )
    depth = max(np.cumsum([(c == "(") - (c == ")") for c in text]))
    assert depth == math.ceil(math.log(n_blocks, FAN_IN) - 1e-9)


@pytest.mark.parametrize("n_blocks", [3, 20, 100])
def test_dask_adds_in_the_same_order_to_the_last_bit(n_blocks):
    rng = np.random.default_rng(n_blocks)
    blocks = [10.0 ** rng.integers(-8, 8) * rng.standard_normal(50) for _ in range(n_blocks)]
    here, there = (workers().sum(scaled, blocks, 1 / 3)[0] for workers in WORKERS)
    np.testing.assert_array_equal(here, there)
    assert not np.array_equal(here, np.sum(blocks, axis=0) / 3)  # another order would be seen


def test_params_are_added_weight_by_weight_and_the_parts_stay():
    parts = [
        Params(np.full((2, 3), k), None, np.full((3, 1), 2 * k), np.full(1, 3 * k))
        for k in (1.0, 2.0, 4.0)
    ]
    total = add_up(parts)
    assert total.b1 is None
    assert [float(w.flat[0]) for _, w in total.items()] == [7.0, 14.0, 21.0]
    assert parts[0].w1[0, 0] == 1.0


@pytest.mark.parametrize("workers", WORKERS)
def test_blocks_that_are_kept_are_blocks_again(workers):
    own = workers()
    kept = own.keep(np.add, [np.ones(2), np.zeros(2)], 1.0)
    np.testing.assert_array_equal(np.stack(own.each(np.multiply, kept, 3.0)), [[6, 6], [3, 3]])


def test_a_block_that_is_read_is_read_when_it_is_its_turn():
    asked = []

    def reader(k):
        return lambda: asked.append(k) or np.full(1, float(k))

    assert InProcess().sum(np.multiply, [reader(k) for k in range(4)], 1.0) == 6
    assert asked == [0, 1, 2, 3]


def test_arrays_at_any_address_give_the_same_bits():
    """As they come over a network: NumPy multiplies those between two addresses for such numbers in another order."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((90, 5)), rng.standard_normal((90, 1))

    def moved(array):
        room = np.empty(array.nbytes + 64, np.uint8)
        start = -room.ctypes.data % 64 + 4
        there = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        there[...] = array
        assert not there.flags.aligned
        return there

    here, there = RowBlock(x, y, None), RowBlock(moved(x), moved(y), None)
    results = [on_one_thread(lambda block: block.x.T @ block.y, block) for block in (here, there)]
    assert (results[0] == results[1]).all()
    (pair,) = InProcess().each(lambda pair: pair[0].T @ pair[1], [(moved(x), moved(y))])
    assert (pair == results[0]).all()

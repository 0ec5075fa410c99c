"""Blocks that stay with the workers: in groups or not, the sum is the same to the last bit, and each block is at hand."""

import numpy as np
import pytest
from dask import delayed
from dask_clusters import in_process_client

from twolayer.distributed import dask_workers
from twolayer.distributed.block_sum import BlockCall, InProcess
from twolayer.distributed.dask_workers import DaskWorkers, group_graph, sum_graph


@pytest.fixture(scope="module")
def client():
    with in_process_client() as one:
        yield one


def doubled(block):
    return 2 * block


def scaled(block, factor):
    return block * factor, {"length": float(len(block))}


def shifted(block, shift):
    return block - shift


def many_blocks(n_blocks):
    rng = np.random.default_rng(n_blocks)
    return [10.0 ** rng.integers(-8, 8) * rng.standard_normal(50) for _ in range(n_blocks)]


def kept_blocks(client, blocks):
    """Kept on the cluster, 4 neighbours together where that leaves enough tasks."""
    workers = DaskWorkers(client)
    return workers, workers.keep(doubled, [delayed(one) for one in blocks], n_bytes=8)


@pytest.mark.parametrize("n_blocks", [1, 3, 20, 67])
def test_sums_over_groups_are_those_of_single_blocks_to_the_last_bit(client, n_blocks, monkeypatch):
    monkeypatch.setattr(dask_workers, "TASKS_PER_THREAD", 1)
    blocks = many_blocks(n_blocks)
    workers, kept = kept_blocks(client, blocks)
    assert kept.group_size == {1: 1, 3: 1, 20: 8, 67: 32}[n_blocks]
    expected = InProcess().sum(scaled, [2 * one for one in blocks], 1 / 3)
    found = workers.sum(scaled, kept, 1 / 3)
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1] == {"length": 50.0 * n_blocks}
    singly = [kept[k] for k in range(n_blocks)]
    np.testing.assert_array_equal(workers.sum(scaled, singly, 1 / 3)[0], expected[0])


@pytest.mark.parametrize("with_client", [False, True])
def test_each_block_has_its_place(client, with_client):
    blocks = many_blocks(13)
    workers, kept = kept_blocks(client, blocks) if with_client else kept_blocks(None, blocks)
    assert len(kept) == 13
    for found, block in zip(workers.each(shifted, kept, 1.0), blocks, strict=True):
        np.testing.assert_array_equal(found, 2 * block - 1)
    for found, block in zip(workers.each(shifted, kept[-2:], 1.0), blocks[-2:], strict=True):
        np.testing.assert_array_equal(found, 2 * block - 1)


def test_arguments_of_any_size_arrive(client):
    blocks = many_blocks(9)
    workers, kept = kept_blocks(client, blocks)
    for n in (3, dask_workers.EMBEDDED_BYTES):
        shift = np.ones((n, 1))
        total = workers.sum(shifted, kept, shift)
        assert total.shape == (n, 50)
        np.testing.assert_allclose(total[-1], 2 * np.sum(blocks, axis=0) - 9, rtol=1e-9)


def test_large_blocks_are_kept_one_by_one(client):
    workers = DaskWorkers(client)
    assert workers._group_size(1000, 1000 * dask_workers.GROUP_BYTES) == 1
    assert workers._group_size(1000, 0) == 1  # of unknown size
    assert workers._group_size(16, 16) == 2  # 4 tasks for each of 2 threads
    assert workers._group_size(1024, 16 * dask_workers.GROUP_BYTES) == 64
    assert DaskWorkers(None)._group_size(16, 16) in (1, 2)


def test_tasks_have_the_functions_name_and_large_arguments_are_sent_once(client):
    _, kept = kept_blocks(client, many_blocks(9))
    graph, keys = group_graph(BlockCall.each, kept, BlockCall(shifted, (1.0,)))
    assert all(key.startswith("shifted-") for key in keys)
    assert len(graph) == 2 * len(kept.groups)
    large = np.zeros(dask_workers.EMBEDDED_BYTES)
    graph, (last,) = sum_graph(kept, BlockCall(shifted, (large,)))
    assert last.startswith("add_up-")
    assert sum(isinstance(task, BlockCall) for task in graph.values()) == 1


def test_what_is_kept_of_kept_blocks_has_their_groups(client, monkeypatch):
    """Also where its own size would make others."""
    workers, blocks = DaskWorkers(client), [np.full(3, float(k)) for k in range(67)]
    kept = workers.keep(shifted, blocks, 0.0, n_bytes=67)
    again = workers.keep(shifted, kept, -1.0, n_bytes=67 * dask_workers.GROUP_BYTES)
    assert kept.group_size == again.group_size > 1
    assert [workers.value(again[k])[0] for k in (0, 40, 66)] == [1.0, 41.0, 67.0]

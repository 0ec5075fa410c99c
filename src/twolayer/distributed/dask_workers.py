"""The protocol of `block_sum` on Dask: each call is one task graph, with a task per block and a tree of sums.

No task holds anything that another one could not compute anew: where a worker is lost, Dask reads its blocks again. All that
moves, the weights and the solver's memory, is with the caller.

A task costs Dask about a millisecond. So blocks that are kept have one task per group of small neighbours, and the graphs of
calls on them are written down directly, without Dask's layers for graphs of unknown form.
"""

from __future__ import annotations

import asyncio
import operator
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from twolayer.distributed.block_sum import BlockCall, add_up, tree_sum
from twolayer.distributed.cluster import check_workers
from twolayer.distributed.outages import check_connected, cluster_errors, waited_for
from twolayer.errors import InputError, warn_user
from twolayer.maths.network import Params

GROUP_BYTES = 32_000_000  # neighbouring blocks that are kept together have at most so many bytes
TASKS_PER_THREAD = 4  # and are no fewer than this per thread of the workers
EMBEDDED_BYTES = 50_000  # smaller arguments go with each task, larger ones are sent once

COMPARED_WORKERS: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()  # of each client


class KeptBlocks(Sequence[Any]):
    """Blocks that stay with the workers, neighbours in groups of 1, 2, 4, ...

    Attributes
    ----------
    groups : list of dask.delayed.Delayed
        Each a list of blocks.
    group_size : int
        The blocks in each, but for the last.
    """

    def __init__(self, groups: list[Any], group_size: int, n_blocks: int) -> None:
        self.groups, self.group_size, self.n_blocks = groups, group_size, n_blocks

    def __len__(self) -> int:
        return self.n_blocks

    def __getitem__(self, index: Any) -> Any:
        from dask import delayed

        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        number, place = divmod(range(len(self))[index], self.group_size)
        return delayed(operator.getitem, pure=False)(self.groups[number], place)


class DaskWorkers:
    """A Dask cluster, or without one the scheduler of this process.

    Blocks are lists of Dask's delayed values, one for each part of the block, or what `keep` returned.

    Parameters
    ----------
    client : distributed.Client or None
        None for the active client; without any, Dask's scheduler of this process.
    """

    def __init__(self, client: Any = None) -> None:
        self.client = active_client() if client is None else client
        if self.client is not None and self.client.asynchronous:
            raise InputError(
                "the Dask client is asynchronous: give one made without asynchronous=True, outside of a coroutine"
            )
        if self.client is not None:
            compare_workers(self.client)

    def keep(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any, n_bytes: int = 0
    ) -> KeptBlocks:
        import dask

        known = isinstance(blocks, KeptBlocks)  # which stay in their groups
        size = blocks.group_size if known else self._group_size(len(blocks), n_bytes)  # type: ignore[attr-defined]
        tasks = self._tasks(BlockCall.each, blocks, BlockCall(function, arguments), size)
        if self.client is None:
            return KeptBlocks(list(dask.persist(*tasks)), size, len(blocks))
        groups = self._sent(self.client.persist, tasks)
        self._wait(futures_in(groups), all_settled)
        return KeptBlocks(groups, size, len(blocks))

    def each(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any
    ) -> list[Any]:
        call = BlockCall(function, arguments)
        if isinstance(blocks, KeptBlocks) and self.client is not None:
            graph, keys = group_graph(BlockCall.each, blocks, call)
            groups = self._graph_values(graph, keys)
        else:
            groups = self._values(self._tasks(BlockCall.each, blocks, call))
        return [value for group in groups for value in group]

    def sum(self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any) -> Any:
        from dask import delayed

        call = BlockCall(function, arguments)
        if isinstance(blocks, KeptBlocks) and self.client is not None:
            return self._graph_values(*sum_graph(blocks, call))[0]
        add = delayed(add_up, pure=False)
        return self._values([tree_sum(self._tasks(BlockCall.sum, blocks, call), add)])[0]

    def value(self, collection: Any) -> Any:
        """Return what a Dask collection, or a list of delayed values, holds."""
        from dask import delayed

        whole = delayed(collection, pure=False) if isinstance(collection, list) else collection
        return self._values([whole])[0]

    def arrays(self, collections: Sequence[Any]) -> list[Any]:
        """Return what Dask arrays hold, block by block, so that no worker has them whole; all are computed together."""
        import numpy as np
        from dask.array.core import concatenate3

        parts = [
            one.to_delayed(optimize_graph=False) for one in collections
        ]  # they share their blocks
        flat = iter(self._values([block for one in parts for block in one.ravel()]))
        values = []
        for one in parts:
            nested = np.empty(one.shape, dtype=object)
            for place in np.ndindex(one.shape):
                nested[place] = next(flat)
            values.append(concatenate3(nested.tolist()))
        return values

    def _tasks(
        self, method: Callable[..., Any], blocks: Sequence[Any], call: BlockCall, size: int = 1
    ) -> list[Any]:
        """Return delayed tasks, each with the method of the call on so many neighbours."""
        from dask import delayed

        what = delayed(call, pure=False, traverse=False) if large(call) else call
        run, token = delayed(method, pure=False), uuid.uuid4().hex
        names = (f"{call.name}-{token}-{number}" for number in range(len(blocks)))
        if isinstance(blocks, KeptBlocks):
            unpacked = delayed(on_group, pure=False)
            return [
                unpacked(method, what, group, dask_key_name=name)
                for group, name in zip(blocks.groups, names, strict=False)
            ]
        groups = [blocks[k : k + size] for k in range(0, len(blocks), size)]
        return [
            run(what, *group, dask_key_name=name)
            for group, name in zip(groups, names, strict=False)
        ]

    def _group_size(self, n_blocks: int, n_bytes: int) -> int:
        """Return how many neighbours are kept together: a power of 2, so that sums are the same with any."""
        if self.client is None or not n_bytes:
            return 1
        check_connected(self.client)
        threads = waited_for(self.client, self.client.scheduler.ncores())
        least, size = TASKS_PER_THREAD * sum(threads.values()), 1
        while n_bytes * 2 * size <= GROUP_BYTES * n_blocks and n_blocks >= least * 2 * size > 0:
            size *= 2
        return size

    def _values(self, tasks: list[Any]) -> Sequence[Any]:
        """Return what delayed tasks, or collections, hold."""
        import dask

        if self.client is None:
            return dask.compute(*tasks)
        return self._wait(self._sent(self.client.compute, tasks), gathered)

    def _graph_values(self, graph: dict[str, Any], keys: list[str]) -> Sequence[Any]:
        return self._wait(self._sent(self.client.get, graph, keys, sync=False), gathered)

    def _sent(self, send: Callable[..., Any], *tasks: Any, **options: Any) -> Any:
        """Return the futures of what is sent to the cluster."""
        check_connected(self.client)
        with quiet_about_size(), cluster_errors():
            return send(*tasks, **options)

    def _wait(self, futures: list[Any], end: Callable[..., Any]) -> Any:
        """Return what `end(client, futures)` returns; on an error, or Ctrl-C, nothing of it goes on."""
        try:
            return waited_for(self.client, end(self.client, futures))
        except BaseException:
            if self.client.status == "running":
                self.client.cancel(futures)
            raise


def compare_workers(client: Any) -> None:
    """Compare workers that have not been seen yet with this process.

    Raises
    ------
    EngineError
        If one has no twolayer, or another version of it.

    Warns
    -----
    TwoLayerWarning
        If their processors or libraries may round otherwise.
    """
    check_connected(client)
    here = set(waited_for(client, client.scheduler.ncores()))
    if not here <= COMPARED_WORKERS.get(client, set()):
        check_workers(client, warn_user)
        COMPARED_WORKERS[client] = here


async def gathered(client: Any, futures: list[Any]) -> list[Any]:
    """Return the values of the futures, once they are there: Dask's gathering, broken off, leaves an error nobody reads."""
    await all_settled(client, futures)
    return await client.gather(futures, asynchronous=True)


async def all_settled(client: Any, futures: list[Any]) -> None:
    """Wait until all values are with the workers."""

    async def settled(future: Any) -> None:
        error = await future.exception()
        if error is not None:
            raise error
        if future.cancelled():
            await client.gather([future], asynchronous=True)  # raises, with the reason

    await asyncio.gather(*(settled(future) for future in futures))


def futures_in(collections: Sequence[Any]) -> list[Any]:
    """Return the future of each persisted value."""
    from distributed import futures_of

    return [futures_of(one)[0] for one in collections]


def on_group(method: Callable[..., Any], call: BlockCall, group: list[Any]) -> Any:
    """Return what the method of the call gives for the blocks of a group."""
    return method(call, *group)


def group_graph(
    method: Callable[..., Any], blocks: KeptBlocks, call: BlockCall
) -> tuple[dict[str, Any], list[str]]:
    """Return a task graph with the method of the call on every group, and the names of these tasks."""
    token, futures = uuid.uuid4().hex, futures_in(blocks.groups)
    graph: dict[str, Any] = {future.key: future for future in futures}
    what: Any = call
    if large(call):
        what = f"arguments-{token}"
        graph[what] = call
    keys = [f"{call.name}-{token}-{number}" for number in range(len(futures))]
    for key, future in zip(keys, futures, strict=True):
        graph[key] = (on_group, method, what, future.key)
    return graph, keys


def sum_graph(blocks: KeptBlocks, call: BlockCall) -> tuple[dict[str, Any], list[str]]:
    """Return the task graph of a sum over all blocks, and the name of its last task."""
    graph, keys = group_graph(BlockCall.sum, blocks, call)
    token = uuid.uuid4().hex

    def add(some: list[str]) -> str:
        key = f"add_up-{token}-{len(graph)}"
        graph[key] = (add_up, some)
        return key

    return graph, [tree_sum(keys, add)]


def large(call: BlockCall) -> bool:
    """Return whether the arguments of a call are sent once, as a task of their own."""
    return bytes_in(call.arguments) > EMBEDDED_BYTES


def bytes_in(value: Any) -> int:
    """Return the bytes of the arrays in it."""
    if isinstance(value, Params):
        return sum(array.nbytes for _, array in value.items())
    if isinstance(value, list | tuple):
        return sum(map(bytes_in, value))
    return value.nbytes if isinstance(value, np.ndarray) else 0


def active_client() -> Any:
    """Return the client that is active here, or None."""
    import sys

    if "distributed" not in sys.modules:  # nobody has made one
        return None
    from distributed import get_client

    try:
        return get_client()
    except ValueError:
        return None


@contextmanager
def quiet_about_size() -> Iterator[None]:
    """Leave out Dask's advice to send large arrays in another way: the weights have to reach the workers at every step."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        yield

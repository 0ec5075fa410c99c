"""The sum over blocks on Dask: each call is one task graph, a task per block and a tree of sums.

No task holds anything that another one could not compute anew: where a worker is lost, Dask reads its blocks again. All that
moves, the weights and the solver's memory, is with the caller.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from twolayer.distributed.block_sum import add_up, on_one_thread, tree_sum
from twolayer.errors import EngineError, TwoLayerError

NO_WORKER_LIMIT = 30.0  # seconds without any worker before a call is given up
LOOK_EVERY = 2.0  # seconds between two looks at whether there are workers
CLIENT_GONE = (
    "the connection to the Dask cluster is lost: start it again, and call again; with checkpoint=FILE and resume=True "
    "training goes on from the last file written"
)


class DaskWorkers:
    """A Dask cluster, or without one the scheduler of this process.

    Blocks are lists of Dask's delayed values, one for each part of the block.

    Parameters
    ----------
    client : distributed.Client or None
        None for the active client; without any, Dask's scheduler of this process.
    """

    def __init__(self, client: Any = None) -> None:
        self.client = active_client() if client is None else client

    def keep(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any
    ) -> list[Any]:
        import dask

        tasks = self._tasks(function, blocks, arguments)
        if self.client is None:
            return list(dask.persist(*tasks))
        with quiet_about_size():
            kept = self.client.persist(tasks)
        self._wait(kept)
        return kept

    def each(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any
    ) -> list[Any]:
        return list(self._compute(self._tasks(function, blocks, arguments)))

    def sum(self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any) -> Any:
        from dask import delayed

        add = delayed(add_up, pure=False)
        return self._compute([tree_sum(self._tasks(function, blocks, arguments), add)])[0]

    def value(self, collection: Any) -> Any:
        """Return what a Dask collection holds."""
        return self._compute([collection])[0]

    def _tasks(
        self, function: Callable[..., Any], blocks: Sequence[Any], arguments: Sequence[Any]
    ) -> list[Any]:
        from dask import delayed

        run = delayed(on_one_thread, pure=False)
        shared = [delayed(one, pure=False, traverse=False) for one in arguments]  # once per call
        return [run(function, block, *shared) for block in blocks]

    def _compute(self, tasks: list[Any]) -> Sequence[Any]:
        import dask

        if self.client is None:
            return dask.compute(*tasks)
        with quiet_about_size(), self._cluster_errors():
            futures = self.client.compute(tasks)
            try:
                self._wait(futures)
                return self.client.gather(futures)
            except BaseException:
                self.client.cancel(futures)
                raise

    def _wait(self, collections: Any) -> None:
        """Wait until all is computed; raise EngineError if there is nobody to do it, or one worker after another dies."""
        from distributed import futures_of, wait

        futures, alone_since = futures_of(collections), None
        with self._cluster_errors():
            while True:
                try:
                    wait(futures, timeout=LOOK_EVERY)
                    break
                except TimeoutError:
                    workers = self.client.scheduler_info(n_workers=-1)["workers"]
                    if self.client.status != "running":
                        raise EngineError(CLIENT_GONE) from None
                    alone_since = None if workers else alone_since or time.monotonic()
                    if alone_since and time.monotonic() - alone_since > NO_WORKER_LIMIT:
                        raise EngineError(
                            f"the Dask cluster has had no worker for {NO_WORKER_LIMIT:g} seconds: start one, such as "
                            f"`dask worker {self.client.scheduler.address}`, and call again"
                        ) from None
            for future in futures:
                if future.status == "error":
                    future.result()
                if future.status in ("cancelled", "lost"):
                    raise EngineError(CLIENT_GONE)

    @contextmanager
    def _cluster_errors(self) -> Iterator[None]:
        """Say what Dask's own errors mean; those of twolayer go through as they are."""
        from concurrent.futures import CancelledError

        from distributed.scheduler import KilledWorker

        try:
            yield
        except TwoLayerError:
            raise
        except KilledWorker as error:
            raise EngineError(
                f"{error.allowed_failures + 1} workers died one after another at the same block, the last at "
                f"{getattr(error.last_worker, 'address', 'an unknown address')}: most likely it takes more memory than a "
                "worker has: give smaller blocks (x.rechunk) or workers with more memory"
            ) from error
        except (CancelledError, OSError) as error:
            raise EngineError(CLIENT_GONE) from error


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

"""What a cluster can do to a call: noticed while it is waited for, and said in one sentence.

Dask goes on by itself where a worker is lost, and reads its blocks again. What it would wait for without end is here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import CancelledError, wait
from contextlib import contextmanager, suppress
from typing import Any

from twolayer.errors import EngineError, TwoLayerError

LOOK_EVERY = 2.0  # seconds between two looks at the cluster, while its answer is waited for
DEATHS_PER_WORKER = 4  # during one call, with others in their places, before it is given up
NO_WORKER_LIMIT = (
    30.0  # seconds without any worker, or with paused ones only, before a call is given up
)
SILENT_LIMIT = (
    45.0  # seconds without a word from the scheduler, or from a worker that has work to do
)
CALL_AGAIN = (
    "call again; with checkpoint=FILE and resume=True training goes on from the last file written"
)
CLIENT_GONE = f"the connection to the Dask cluster is lost: start it again, make a new client, and {CALL_AGAIN}"
DATA_GONE = (
    "a part of the table was only in the memory of a worker that is lost, or is kept on another cluster than this client's, "
    "and Dask cannot make it again: give a table that can be read again (from files, or dask.array.from_array) instead of "
    "data scattered to the workers, or the client of the cluster that keeps it, and call again"
)


def waited_for(client: Any, work: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine returns in the client's loop; raise EngineError where nothing can come any more."""
    leave_thread_pool()
    job, cluster = asyncio.run_coroutine_threadsafe(work, client.loop.asyncio_loop), Cluster(client)
    try:
        with cluster_errors(client):
            while not wait([job], timeout=LOOK_EVERY).done:
                cluster.check()
            return job.result()
    finally:
        job.cancel()


def leave_thread_pool() -> None:
    """Let another task have this thread's place, if this is a task on a worker: it waits for others."""
    from distributed import secede

    with suppress(ValueError, KeyError):  # it is none, or has left before
        secede()


class Cluster:
    """What is known of a cluster while one call is waited for."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.since: dict[str, float] = {}  # what is wrong, and the time when it was first seen
        self.seen: set[str] = set()  # the workers so far

    def check(self) -> None:
        """Raise EngineError if nobody will do the work."""
        check_connected(self.client)
        workers = self.ask_scheduler(self.client.scheduler.identity)["workers"]
        if self.lasts("no worker", not workers):
            raise EngineError(
                f"the Dask cluster has had no worker for {NO_WORKER_LIMIT:g} seconds: start one, such as "
                f"`dask worker {self.client.scheduler.address}`, and {CALL_AGAIN}"
            )
        paused = [one for one in workers.values() if one.get("status") == "paused"]
        if self.lasts("paused", bool(workers) and len(paused) == len(workers)):
            raise EngineError(
                f"every worker of the Dask cluster has paused for {NO_WORKER_LIMIT:g} seconds, as its memory is full: give "
                "smaller blocks (x.rechunk), more workers, or workers with more memory"
            )
        self.check_deaths(set(workers))
        self.check_silence(workers)

    def check_deaths(self, here: set[str]) -> None:
        """Raise EngineError if workers go and come all the time, as where each runs out of memory and is started again."""
        self.seen |= here
        gone = len(self.seen - here)
        if gone > DEATHS_PER_WORKER * max(len(here), 2):
            raise EngineError(
                f"{gone} workers have died during this call, with {len(here)} left or started again: most likely the table "
                "and what is computed with it take more memory than the workers have: give smaller blocks (x.rechunk), more "
                "workers, or workers with more memory"
            )

    def lasts(self, what: str, seen: bool) -> bool:
        """Return whether something has been seen at every look for NO_WORKER_LIMIT seconds."""
        if not seen:
            self.since.pop(what, None)
            return False
        return time.monotonic() - self.since.setdefault(what, time.monotonic()) > NO_WORKER_LIMIT

    def check_silence(self, workers: dict[str, Any]) -> None:
        """Raise EngineError if a worker that has work to do has long not been heard of, such as one that is stopped."""
        last = {address: one.get("last_seen", 0.0) for address, one in workers.items()}
        silent = [name for name, seen in last.items() if time.time() - seen > SILENT_LIMIT]
        heard = max(last.values(), default=0.0)
        if not silent or time.time() - heard > SILENT_LIMIT:  # all of them: the clocks differ
            return
        busy = self.ask_scheduler(self.client.scheduler.processing, workers=silent)
        for address in silent:
            if busy.get(address):
                raise EngineError(
                    f"the worker at {address} has work to do, and has not been heard of for {SILENT_LIMIT:g} seconds: end "
                    f"its process, so that others do its work, and {CALL_AGAIN}"
                )

    def ask_scheduler(self, question: Any, **details: Any) -> Any:
        """Return the scheduler's answer; raise EngineError if it is silent."""
        try:
            return self.client.sync(question, callback_timeout=SILENT_LIMIT, **details)
        except TimeoutError:
            raise EngineError(
                f"the Dask scheduler at {self.client.scheduler.address} has not answered for {SILENT_LIMIT:g} seconds: look "
                f"whether it runs, and {CALL_AGAIN}"
            ) from None


def check_connected(client: Any) -> None:
    """Raise EngineError if the client is closed, or has lost its scheduler."""
    if client.status != "running":
        raise EngineError(CLIENT_GONE)


def answers(client: Any) -> bool:
    """Return whether the scheduler answers a client now."""
    try:
        client.sync(client.scheduler.identity, callback_timeout=LOOK_EVERY)
    except Exception:  # whatever kind: it does not
        return False
    return client.status == "running"


@contextmanager
def cluster_errors(client: Any = None) -> Iterator[None]:
    """Say what Dask's own errors mean; those of twolayer, and of the user's functions, go through as they are."""
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
    except (CancelledError, asyncio.CancelledError) as error:
        lost = "lost" in str(error) and "connection" not in str(error)
        lost = lost or (client is not None and answers(client))  # Dask does not always say why
        raise EngineError(DATA_GONE if lost else CLIENT_GONE) from error
    except MemoryError as error:
        raise EngineError(
            "a worker had no memory left for a block: give smaller blocks (x.rechunk) or workers with more memory"
        ) from error
    except OSError as error:
        raise EngineError(os_error_message(error)) from error
    except RuntimeError as error:
        if "deserialization of the task graph" not in str(error):
            raise
        why = f" ({error.__cause__})" if error.__cause__ else ""
        raise EngineError(
            f"the Dask scheduler cannot read what it is sent{why}: install the same version of twolayer there as here, and "
            "all that the table's own functions import"
        ) from error
    except (ImportError, AttributeError) as error:
        if "twolayer" not in str(error):
            raise
        raise EngineError(
            f"a worker has no twolayer, or another version of it ({error}): install the same version on every worker"
        ) from error


def os_error_message(error: OSError) -> str:
    """Return the sentence for an error of the connection, or of a file that a worker reads."""
    from distributed.comm import CommClosedError

    if isinstance(error, CommClosedError | ConnectionError | TimeoutError):
        return CLIENT_GONE
    return (
        f"a worker could not read a block ({type(error).__name__}: {error}): every worker has to reach the table's files, "
        "under the same names"
    )

"""Tasks that each stand for themselves, such as the check of a block: their results in the order of the blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from twolayer.distributed.dask_workers import gathered, quiet_about_size
from twolayer.distributed.outages import check_connected, cluster_errors, waited_for


def results_in_order(
    client: Any, tasks: Sequence[Any], progress: Callable[[int, int], None]
) -> Iterator[Any]:
    """Yield the results of delayed tasks in their order; after an error, the first in that order, none goes on.

    Raises
    ------
    EngineError
        If nobody does the work any more.
    """
    check_connected(client)
    with quiet_about_size(), cluster_errors():
        futures = client.compute(list(tasks))
    try:
        for done, future in enumerate(futures, start=1):
            yield waited_for(client, gathered(client, [future]))[0]
            progress(done, len(futures))
    finally:
        if client.status == "running":
            client.cancel(futures, force=True)

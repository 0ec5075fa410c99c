"""The cluster that a command was asked to use: reached or started, with workers, and compared with this machine.

tcp://host:8786    the scheduler of a cluster that runs already
local[4]           4 processes on this machine, one thread each, which end with the command
"""

from __future__ import annotations

import asyncio
import logging
import platform
import re
import socket
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from twolayer import checks
from twolayer._version import __version__
from twolayer.distributed.outages import waited_for
from twolayer.errors import EngineError, InputError
from twolayer.text import join_words, plural

LOCAL = re.compile(r"local\[([1-9]\d{0,3})\]")
ADDRESS = re.compile(r"(tcp|tls|ws|wss)://(\[\S+\]|[^\s:/]+):\d{1,5}|inproc://\S+")
CONNECT_SECONDS, WORKERS_SECONDS, ONE_TRY_SECONDS = 10, 30, 1
# A worker that dies is started again; Dask would end it 15 s after the first death if it has died again just then.
WORKERS_RETURN = {"distributed.deploy.lost-worker-timeout": "1000 days"}
FACTS_SECONDS = 20  # for the workers to say what they are
PROCESSOR = "processor"
COMPARED_VERSIONS = ("python", "numpy", "numba")  # as the processor: other ones may round otherwise
UNREACHABLE = {
    "refused": " (connection refused)",
    "not known": " (no host has that name)",
    "unreachable": " (the host cannot be reached)",
}
Say = Callable[[str], None]


def check_cluster_name(name: str) -> None:
    """Raise InputError if that is no way to name a cluster, EngineError if Dask is not installed."""
    if not LOCAL.fullmatch(name) and not ADDRESS.fullmatch(name):
        raise InputError(
            f"--cluster must be the address of a Dask scheduler, such as tcp://host:8786, or local[4], 4 processes on "
            f"this machine; got {checks.short_repr(name)}"
        )
    checks.require("distributed", "--cluster", "dask")


@contextmanager
def open_cluster(name: str, say: Say) -> Iterator[Any]:
    """Yield a client of the named cluster, which has workers of this version of twolayer; close what was opened.

    Parameters
    ----------
    name : str
        See the head of this file.
    say : function of a line
        For what takes time, and for what the user should know of the workers.

    Raises
    ------
    InputError
        If the name is none.
    EngineError
        If Dask is not installed, no scheduler answers, there are no workers, or they cannot do the work of this version.
    """
    check_cluster_name(name)
    from distributed.utils import silence_logging_cmgr

    local = LOCAL.fullmatch(name)
    with silence_logging_cmgr(logging.CRITICAL):
        if local:
            with local_cluster(int(local[1])) as cluster, connected_client(cluster, name) as client:
                yield client
            return
        with connected_client(name, name) as client:
            wait_for_workers(client, name, say)
            check_workers(client, say)
            yield client


@contextmanager
def local_cluster(n_workers: int) -> Iterator[Any]:
    """Yield a cluster of so many processes on this machine, which share its memory evenly."""
    import dask
    from distributed import LocalCluster
    from distributed.system import MEMORY_LIMIT

    with (
        dask.config.set(WORKERS_RETURN),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",  # any free port
            silence_logs=logging.CRITICAL,
            memory_limit=MEMORY_LIMIT // n_workers,
        ) as cluster,
    ):
        yield cluster


@contextmanager
def connected_client(address: Any, name: str) -> Iterator[Any]:
    """Yield a client of the scheduler at that address, or of that cluster; raise EngineError if it does not answer."""
    from distributed import Client
    from distributed.versions import VersionMismatchWarning

    if isinstance(address, str) and address.startswith(("tcp:", "ws:")):
        check_answer(address)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VersionMismatchWarning)  # `check_workers` says what matters
        try:
            client = Client(address, timeout=CONNECT_SECONDS)
        except (OSError, ValueError, RuntimeError) as error:
            raise EngineError(unreachable_message(name, error)) from None
    try:
        yield client
    finally:
        with suppress(TimeoutError):  # a scheduler that is gone
            client.close(timeout=CONNECT_SECONDS)


def check_answer(address: str) -> None:
    """Raise EngineError if nothing there answers as Dask does; a client would wait for ever for what answers nothing."""
    from distributed.comm import connect

    async def greet() -> None:
        comm = await asyncio.wait_for(connect(address, 0.9 * CONNECT_SECONDS), CONNECT_SECONDS)
        await comm.close()

    try:
        asyncio.run(greet())
    except MemoryError:  # the first bytes of another protocol, read as a length
        raise EngineError(
            f"what answers at {address} is no Dask scheduler: look for the address in its log"
        ) from None
    except OSError as error:
        raise EngineError(unreachable_message(address, error)) from None


def unreachable_message(name: str, error: Exception) -> str:
    """Return the sentence about a scheduler that did not answer, with the system's reason if there is one."""
    cause = f"{error.__cause__} {connection_error(name)}"  # Dask keeps that of its last try, which may just have begun
    reason = next((why for sign, why in UNREACHABLE.items() if sign in cause), "")
    return (
        f"no Dask scheduler answers at {name} within {CONNECT_SECONDS} s{reason}: look whether it runs, and whether this "
        "machine may reach its port"
    )


def connection_error(name: str) -> str:
    """Return what the system says of a connection to tcp://host:port and the like; nothing if it can be made."""
    host, _, port = name.partition("://")[2].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ONE_TRY_SECONDS).close()
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def wait_for_workers(client: Any, name: str, say: Say) -> None:
    """Wait until the cluster has a worker; raise EngineError if none comes."""
    if client.scheduler_info(n_workers=-1)["workers"]:
        return
    say(f"{name} has no workers yet: waiting for the first, up to {WORKERS_SECONDS} s")
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
    except TimeoutError:
        raise EngineError(
            f"the cluster at {name} has no workers, and none came within {WORKERS_SECONDS} s: start some with "
            f"dask worker {name}"
        ) from None


def check_workers(client: Any, say: Say) -> None:
    """Compare the workers with this machine.

    Raises
    ------
    EngineError
        If a worker has no twolayer, or another version of it.
    """
    versions, processors = waited_for(client, worker_facts(client))
    packages = {name: dict(worker["packages"]) for name, worker in versions["workers"].items()}
    check_worker_versions({name: there.get("twolayer") for name, there in packages.items()})
    own = {**versions["client"]["packages"], PROCESSOR: processor_name()}
    for name, there in packages.items():
        there[PROCESSOR] = processors.get(name)
    if line := difference_line(packages, own):
        say(line)


async def worker_facts(client: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the versions of packages here and on the workers, and the workers' processors; of none if one is silent."""

    async def facts() -> tuple[dict[str, Any], dict[str, str]]:
        versions = await client.get_versions(packages=["twolayer", *COMPARED_VERSIONS])
        try:
            return versions, await client.run(processor_name, on_error="ignore")
        except ImportError:  # no twolayer there, as the versions say
            return versions, {}

    try:
        return await asyncio.wait_for(facts(), FACTS_SECONDS)
    except TimeoutError:  # each task still compares the version of twolayer
        return {"workers": {}, "client": {"packages": {}}}, {}


def check_worker_versions(versions: Mapping[str, str | None]) -> None:
    """Raise EngineError if a worker has no twolayer, or another version of it than this process."""
    others = {name: version for name, version in versions.items() if version != __version__}
    if not others:
        return
    name, version = next(iter(others.items()))
    more = (
        f" ({len(others)} of {plural(len(versions), 'worker')} differ)" if len(versions) > 1 else ""
    )
    has = f"twolayer {version}" if version else "no twolayer"
    raise EngineError(
        f"worker {name} has {has}, and this process has {__version__}{more}: install the same version on every worker "
        f"(pip install 'twolayer[dask]=={__version__}')"
    )


def difference_line(
    packages: Mapping[str, Mapping[str, str | None]], own: Mapping[str, str | None]
) -> str:
    """Return the line about workers whose Python, libraries or processor are others than here; empty if there are none."""
    others = {
        name: [what for what in (*COMPARED_VERSIONS, PROCESSOR) if there.get(what) != own.get(what)]
        for name, there in packages.items()
    }
    others = {name: differences for name, differences in others.items() if differences}
    if not others:
        return ""
    name, differences = next(iter(others.items()))
    facts = [
        f"{what} {packages[name].get(what) or 'none'} (here {own.get(what)})"
        for what in differences
    ]
    many = f"{plural(len(others), 'worker differs', 'workers differ')} from this machine"
    return (
        f"note: {many}, such as {name} with {join_words(facts)}: sums may be rounded otherwise there, so the last digits "
        "of results may differ"
    )


def processor_name() -> str:
    """Return the model of this machine's processor."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

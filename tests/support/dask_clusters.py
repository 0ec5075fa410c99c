"""Clusters for tests: in this process, and of real processes, closed at the end."""

import logging
import subprocess
import sys
from contextlib import contextmanager

import dask
from distributed import Client, LocalCluster
from distributed.utils import silence_logging_cmgr

from twolayer.distributed.cluster import WORKERS_RETURN


@contextmanager
def in_process_client(n_workers=2):
    """A client of a cluster within this process."""
    with (
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=False,
            dashboard_address=":0",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def dask_process(*arguments, **more):
    """A process of the command `dask`, ended at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **more,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def cluster_of_processes(n_workers=2, **options):
    """A cluster of processes of this machine, one thread each, and its client; its loggers are silent at the end too."""
    with (
        dask.config.set(WORKERS_RETURN),
        silence_logging_cmgr(logging.CRITICAL + 1),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL + 1,
            **options,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield cluster, client

"""The cluster of a command: reached, started, compared; what cannot be used is one sentence."""

import os
import socket
from contextlib import suppress

import pytest
from dask_clusters import dask_process, in_process_client

from twolayer._version import __version__
from twolayer.distributed import cluster
from twolayer.distributed.cluster import (
    PROCESSOR,
    check_worker_versions,
    difference_line,
    open_cluster,
    processor_name,
)
from twolayer.errors import EngineError, InputError


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 3)
    monkeypatch.setattr(cluster, "WORKERS_SECONDS", 1)


def refused(name, lines=None):
    """What is said where a cluster cannot be used."""
    opened = open_cluster(name, [].append if lines is None else lines.append)
    with pytest.raises((EngineError, InputError)) as caught:
        opened.__enter__()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "name", ["local", "local[0]", "local[x]", "host:8786", "tcp://host", "tcp://", "http://h:1", ""]
)
def test_what_names_no_cluster_is_refused(name):
    assert refused(name).endswith(f"processes on this machine; got {name!r}")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_an_address_that_does_not_answer_is_one_sentence():
    address = f"tcp://127.0.0.1:{free_port()}"
    assert refused(address).startswith(
        f"no Dask scheduler answers at {address} within 3 s (connection refused)"
    )


def test_a_server_that_never_speaks_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        assert refused(address).startswith(f"no Dask scheduler answers at {address} within 3 s:")


def test_a_cluster_without_workers_is_waited_for_then_refused():
    with in_process_client(n_workers=0) as other:
        address, lines = other.scheduler.address, []
        assert "has no workers, and none came within 1 s" in refused(address, lines)
        assert lines == [f"{address} has no workers yet: waiting for the first, up to 1 s"]


def test_a_running_cluster_is_left_running():
    lines = []
    with in_process_client() as other:
        with open_cluster(other.scheduler.address, lines.append) as client:
            assert client.submit(sum, [1, 2, 3]).result() == 6
        assert other.submit(sum, [1, 2]).result() == 3
    assert lines == []  # the same machine, the same versions


def test_a_worker_with_another_version_is_named():
    check_worker_versions({"tcp://a:1": __version__})
    with pytest.raises(EngineError) as caught:
        check_worker_versions({"tcp://a:1": __version__, "tcp://b:1": "0.0.1", "tcp://c:1": None})
    assert str(caught.value).startswith(
        f"worker tcp://b:1 has twolayer 0.0.1, and this process has {__version__} (2 of 3 workers differ)"
    )
    with pytest.raises(EngineError, match="worker tcp://c:1 has no twolayer, and this process has"):
        check_worker_versions({"tcp://c:1": None})


def test_another_processor_or_library_is_said():
    own = {"python": "3.12", "numpy": "2.0", "numba": "1", PROCESSOR: "A"}
    packages = {"tcp://a:1": dict(own), "tcp://b:1": {**own, "numpy": "2.1", PROCESSOR: "B"}}
    line = difference_line(packages, own)
    assert "1 worker differs from this machine, such as tcp://b:1" in line
    assert "numpy 2.1 (here 2.0) and processor B (here A)" in line
    assert "digits" in line
    assert difference_line({"tcp://a:1": own}, own) == ""


def test_the_processor_has_a_name():
    assert processor_name().strip()


@pytest.mark.slow
def test_local_processes_end_with_the_command_also_after_an_error():
    with suppress(ZeroDivisionError), open_cluster("local[2]", print) as client:
        processes = set(client.run(os.getpid).values())
        assert len(processes - {os.getpid()}) == 2
        assert set(client.run(lambda: __import__("os").environ["OMP_NUM_THREADS"]).values()) == {
            "1"
        }
        raise ZeroDivisionError
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


@pytest.mark.slow
def test_a_real_worker_of_another_version_is_refused(tmp_path, monkeypatch):
    """The commands that start a cluster by hand, with a worker that finds another twolayer first."""
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 20)
    monkeypatch.setattr(cluster, "WORKERS_SECONDS", 30)
    info = tmp_path / "twolayer-0.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: twolayer\nVersion: 0.0.1\n")
    (tmp_path / "twolayer.py").write_text("__version__ = '0.0.1'\n")
    there = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    address = f"tcp://127.0.0.1:{free_port()}"
    plain = ("--dashboard-address", ":0")
    scheduler = ("scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2])
    with (
        dask_process(*scheduler, *plain),
        dask_process("worker", address, "--nthreads", 1, "--no-nanny", *plain, env=there),
    ):
        said = refused(address)
    assert f"has twolayer 0.0.1, and this process has {__version__}: install the same" in said


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_the_reason_is_told_where_dask_has_none(protocol):
    address = f"{protocol}://127.0.0.1:{free_port()}"
    told = cluster.unreachable_message(address, OSError("timed out"))
    assert "within 3 s (connection refused): look" in told

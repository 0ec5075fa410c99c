"""What a cluster can do to a call ends with one sentence, and soon: on clusters within this process."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import dask.array as da
import numpy as np
import pytest
from agreement import assert_weights_agree
from dask import delayed
from dask_clusters import in_process_client
from distributed import Client, LocalCluster
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker
from training_runs import assert_same_weights

import twolayer as tl
from twolayer.distributed import block_sum, outages
from twolayer.distributed import cluster as cluster_module
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.errors import EngineError, InputError, TwoLayerWarning

X = np.random.default_rng(0).standard_normal((40, 5))
Y = X[:, :1] - X[:, 1:2]
PARAMS = tl.init_params(5, 4, 1)


@pytest.fixture(scope="module")
def client():
    with in_process_client() as one:
        yield one


@pytest.fixture
def soon(monkeypatch):
    """Limits of a second, and a look at the cluster every tenth."""
    for name, seconds in (("LOOK_EVERY", 0.1), ("NO_WORKER_LIMIT", 1.0), ("SILENT_LIMIT", 1.0)):
        monkeypatch.setattr(outages, name, seconds)


def blocks_of(reader, n_blocks=4):
    """The table, each block read by a function of its number."""
    size = len(X) // n_blocks
    parts = [
        da.from_delayed(delayed(reader, pure=False)(k), (size, 5), float) for k in range(n_blocks)
    ]
    return da.concatenate(parts)


def rows_of_block(number):
    return X[10 * number : 10 * number + 10]


def trained(x, client=None, **settings):
    return tl.train(x, Y, PARAMS, client=client, **{"solver": "lbfgs", "steps": 5, **settings})


def refused(*arguments, error=EngineError, **settings):
    with pytest.raises(error) as caught:
        trained(*arguments, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def no_merging(monkeypatch):
    monkeypatch.setattr("twolayer.distributed.collections.SMALL_BYTES", 0)


def test_a_cluster_without_workers(soon):
    with in_process_client(n_workers=0) as lonely:
        said = refused(blocks_of(rows_of_block), lonely)
        assert said.startswith(
            "the Dask cluster has had no worker for 1 seconds: start one, such as `dask worker"
        )


def test_a_cluster_whose_last_worker_goes_in_training(soon, no_merging):
    endless = {"solver": "gd", "learning_rate": 1e-9, "steps": 10**6, "callback_every": 1}
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster,
        Client(cluster) as own,
    ):
        go = {"callback": lambda progress: cluster.scale(0), **endless}
        assert "has had no worker" in refused(blocks_of(rows_of_block), own, **go)


def test_a_client_that_is_closed():
    with in_process_client() as closed:
        pass
    said = refused(blocks_of(rows_of_block), closed)
    assert said.startswith("the connection to the Dask cluster is lost: start it")


def test_a_client_of_coroutines(client):
    class Asynchronous:
        asynchronous = True

    with pytest.raises(InputError, match="the Dask client is asynchronous: give one made without"):
        DaskWorkers(Asynchronous())


def test_a_worker_with_another_version(client, monkeypatch):
    class OtherVersion(block_sum.BlockCall):
        def __init__(self, function, arguments):
            super().__init__(function, arguments)
            self.version = "0.0.1"

    monkeypatch.setattr("twolayer.distributed.dask_workers.BlockCall", OtherVersion)
    said = refused(blocks_of(rows_of_block), client)
    assert f"has twolayer {tl.__version__}, and the caller has 0.0.1: install the same" in said


def test_workers_are_compared_with_the_caller_before_any_block_is_read(monkeypatch):
    with in_process_client() as own:
        monkeypatch.setattr(cluster_module, "__version__", "0.0.1")
        said = refused(blocks_of(lambda k: 1 / 0), own)
    assert f"has twolayer {tl.__version__}, and this process has 0.0.1 (2 of 2" in said


def test_workers_that_may_round_otherwise_are_told_once(monkeypatch):
    monkeypatch.setattr(cluster_module, "processor_name", lambda: "another one")
    x = blocks_of(rows_of_block)
    with in_process_client() as own:
        monkeypatch.setattr(cluster_module, "worker_facts", facts_of_one_kind)
        with pytest.warns(TwoLayerWarning, match="sums may be rounded otherwise there"):
            trained(x, own)
        trained(x, own)  # a warning would be an error


async def facts_of_one_kind(client):
    versions = await client.get_versions(packages=["twolayer", *cluster_module.COMPARED_VERSIONS])
    return versions, dict.fromkeys(versions["workers"], "this one")


def test_a_file_that_a_worker_cannot_reach(client):
    said = refused(blocks_of(lambda k: np.load(f"/nowhere/{k}.npy")), client)
    assert said.startswith("a worker could not read a block (FileNotFoundError: ")
    assert "/nowhere/" in said


def test_no_memory_for_a_block(client):
    said = refused(blocks_of(lambda k: np.empty(1 << 50)), client)
    assert said.startswith("a worker had no memory left for a block: give smaller blocks")


def test_an_error_of_the_users_own_function_is_left_as_it_is(client):
    with pytest.raises(ZeroDivisionError):
        trained(blocks_of(lambda k: X[k // 0]), client)


def test_a_missing_value_is_named_with_its_block_and_leaves_the_cluster_as_it_was(
    client, no_merging
):
    def with_nan(number):
        rows = rows_of_block(number).copy()
        rows[3, 2] = np.nan if number == 2 else 0
        return rows

    said = refused(blocks_of(with_nan), client, error=InputError)
    assert said.startswith("in block 2 (counted from 0), whose row 0 is row 20 of the table: x has")
    assert_same_weights(
        trained(blocks_of(rows_of_block), client).params,
        trained(blocks_of(rows_of_block)).params,
    )
    assert_nothing_left(client)


def test_sizes_that_are_counted_on_the_cluster(client, soon):
    x = blocks_of(rows_of_block)
    unknown = x[x[:, 0] > -10]  # all rows; Dask does not know how many
    assert_same_weights(trained(unknown, client).params, trained(x, client).params)
    assert np.isnan(unknown.chunks[0]).all()  # the user's own stays as it was
    with in_process_client(n_workers=0) as lonely:
        assert "has had no worker for 1 seconds" in refused(unknown, lonely)


def assert_nothing_left(client):
    """The scheduler forgets what nobody wants any more."""
    deadline = time.monotonic() + 20
    while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_fits_at_once(client, no_merging):
    expected = [trained(blocks_of(rows_of_block), client, alpha=a).params for a in (0.0, 1.0)]
    found, others = [None, None], []

    def one(number, own):
        found[number] = trained(blocks_of(rows_of_block), own, alpha=float(number)).params

    with Client(client.scheduler.address) as second:
        for number, own in enumerate((client, second)):
            others.append(threading.Thread(target=one, args=(number, own)))
            others[-1].start()
        for other in others:
            other.join(60)
    for mine, right in zip(found, expected, strict=True):
        assert_same_weights(mine, right)


def test_a_worker_without_data(client):
    x = da.from_array(X, chunks=(40, 5))
    assert_weights_agree(
        trained(x, client, solver="gd").params, trained(X, solver="gd").params, 1e-8
    )


class Scheduler:
    """What `Cluster.check` asks: answers of a scheduler, without one."""

    def __init__(self, workers, busy=()):
        self.address, self.workers, self.busy = "tcp://s:1", workers, busy
        self.scheduler, self.status = self, "running"

    def identity(self):
        return {"workers": self.workers}

    def processing(self, workers):
        return {name: ("task",) if name in self.busy else () for name in workers}

    def sync(self, question, callback_timeout, **details):
        return question(**details)


def seen(seconds_ago, status="running"):
    return {"last_seen": time.time() - seconds_ago, "status": status}


def test_workers_whose_memory_is_full_are_waited_for_a_while(soon):
    cluster = outages.Cluster(Scheduler({"tcp://a:1": seen(0, "paused")}))
    cluster.check()
    time.sleep(1.1)
    with pytest.raises(EngineError, match="every worker of the Dask cluster has paused for 1 sec"):
        cluster.check()
    cluster.client.workers["tcp://b:1"] = seen(0)
    cluster.check()


def test_workers_that_die_again_and_again_are_not_waited_for():
    cluster = outages.Cluster(Scheduler({}))
    for number in range(9):  # two at a time, and each time another one instead of the first
        cluster.client.workers = {f"tcp://a:{number}": seen(0), "tcp://b:1": seen(0)}
        cluster.check()
    cluster.client.workers = {"tcp://a:9": seen(0), "tcp://b:1": seen(0)}
    with pytest.raises(
        EngineError, match="9 workers have died during this call, with 2 left or sta"
    ):
        cluster.check()


def test_a_worker_that_is_silent_counts_if_it_has_work():
    workers = {"tcp://a:1": seen(0), "tcp://b:1": seen(100)}
    outages.Cluster(Scheduler(workers)).check()
    outages.Cluster(Scheduler(workers, ["tcp://a:1"])).check()
    with pytest.raises(EngineError, match="the worker at tcp://b:1 has work to do, and has not"):
        outages.Cluster(Scheduler(workers, ["tcp://b:1"])).check()


def test_a_clock_that_goes_wrong_is_no_silence():
    outages.Cluster(Scheduler({"tcp://a:1": seen(1000)}, ["tcp://a:1"])).check()


def test_a_silent_scheduler(soon):
    class Silent(Scheduler):
        def sync(self, question, callback_timeout, **details):
            raise TimeoutError

    with pytest.raises(EngineError, match="the Dask scheduler at tcp://s:1 has not answered for 1"):
        outages.Cluster(Silent({})).check()


def test_the_limits_leave_a_call_within_a_minute():
    slowest = outages.SILENT_LIMIT + 2 * outages.LOOK_EVERY
    assert max(slowest, outages.NO_WORKER_LIMIT) < 60


def test_a_table_in_files_is_read_again(client, tmp_path):
    np.save(tmp_path / "x.npy", X)
    x = da.from_array(np.load(Path(tmp_path) / "x.npy", mmap_mode="r"), chunks=(10, 5))
    assert_same_weights(
        trained(x, client).params, trained(da.from_array(X, chunks=(10, 5)), client).params
    )


UNREADABLE = "Error during deserialization of the task graph. This frequently\noccurs"
ERRORS = [  # of Dask's -> how the sentence begins
    (
        KilledWorker("a", SimpleNamespace(address="tcp://a:1"), 3),
        "4 workers died one after another",
    ),
    (FutureCancelledError("a", "lost dependencies"), "a part of the table was only in the memory"),
    (FutureCancelledError("a", "scheduler-connection-lost"), "the connection to the Dask cluster"),
    (CommClosedError("in <TCP>"), "the connection to the Dask cluster is lost"),
    (PermissionError(13, "denied", "x.npy"), "a worker could not read a block (PermissionError: "),
    (MemoryError(), "a worker had no memory left for a block"),
    (ModuleNotFoundError("No module named 'twolayer'"), "a worker has no twolayer, or another"),
    (RuntimeError(UNREADABLE), "the Dask scheduler cannot read what it is sent: install the same"),
]


@pytest.mark.parametrize(("error", "sentence"), ERRORS)
def test_errors_of_dask_are_said_in_a_sentence(error, sentence):
    with pytest.raises(EngineError) as caught, outages.cluster_errors():
        raise error
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("mine"), AttributeError("mine"), KeyError("mine")])
def test_other_errors_are_left_as_they_are(error):
    with pytest.raises(type(error), match="mine"), outages.cluster_errors():
        raise error

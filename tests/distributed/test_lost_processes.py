"""Workers, schedulers and callers that are really killed, stopped or interrupted: the same bits, or one sentence."""

import os
import signal
import subprocess
import sys
import threading
import time

import dask
import dask.array as da
import numpy as np
import pytest
from dask import delayed
from dask_clusters import cluster_of_processes, dask_process
from distributed import Client
from training_runs import assert_same_weights

import twolayer as tl
from twolayer.distributed import outages
from twolayer.errors import EngineError

pytestmark = pytest.mark.slow
N_BLOCKS, N_ROWS = 8, 20
X = np.random.default_rng(0).standard_normal((N_BLOCKS * N_ROWS, 6))
Y = np.tanh(X[:, :1]) - X[:, 1:2]
WIDE = np.random.default_rng(1).standard_normal((30, 400))
WAYS = {  # cut into blocks -> what is trained on them
    "rows": {"solver": "lbfgs", "steps": 12},
    "columns": {"solver": "gd", "learning_rate": 1e-5, "steps": 12},
}


@pytest.fixture(scope="module")
def cluster():
    with cluster_of_processes() as (_, client):
        yield client


@pytest.fixture
def client(cluster, monkeypatch):
    """A cluster with both its workers, which a test may kill: others come."""
    monkeypatch.setattr("twolayer.distributed.collections.SMALL_BYTES", 0)
    wait_for_both(cluster)
    return cluster


def wait_for_both(client):
    """Wait until there are two workers; Dask starts no other one for a worker that dies as it starts."""
    client.wait_for_workers(2, timeout=60)
    time.sleep(1)


def read_block(way, number, flag="", action=""):
    """A block; the first time that a worker reads the third one, something happens to that worker."""
    if number == 2 and flag and (action == "always" or not os.path.exists(flag)):
        open(flag, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    rows = slice(number * N_ROWS, (number + 1) * N_ROWS)
    return X[rows] if way == "rows" else WIDE[:, number * 50 : number * 50 + 50]


def table(way, *trouble):
    """The table in blocks, each read by a function: what is lost can be read again."""
    shape, axis = ((N_ROWS, 6), 0) if way == "rows" else ((30, 50), 1)
    read = delayed(read_block, pure=False)
    parts = [da.from_delayed(read(way, k, *trouble), shape, float) for k in range(N_BLOCKS)]
    return da.concatenate(parts, axis=axis)


def trained(way, x, client, **settings):
    y = Y if way == "rows" else WIDE[:, :1]
    params = tl.init_params(x.shape[1], 4, 1)
    return tl.train(x, y, params, client=client, **{**WAYS[way], **settings})


def untroubled(way):
    return trained(way, table(way), None)


def worker_processes(client):
    return list(client.run(os.getpid).values())


def at_step(step, action):
    """A callback that does something once, at that step."""
    done = []

    def callback(progress):
        if progress.step >= step and not done:
            done.append(action())

    return {"callback": callback, "callback_every": 1}


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_killed_in_the_pass(client, way, tmp_path):
    flag = tmp_path / "killed"
    run = trained(way, table(way, str(flag)), client)
    assert flag.exists()
    assert_same_weights(run.params, untroubled(way).params)


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_killed_in_training_and_one_after_it(client, way):
    def kill():
        os.kill(worker_processes(client)[0], signal.SIGKILL)

    x = table(way)
    run = trained(way, x, client, **at_step(4, kill))
    expected = untroubled(way)
    assert_same_weights(run.params, expected.params)
    np.testing.assert_array_equal(run.losses, expected.losses)
    wait_for_both(client)
    kill()
    assert_same_weights(trained(way, x, client).params, expected.params)


def test_a_worker_killed_in_prediction(client, tmp_path):
    flag = tmp_path / "killed"
    params = untroubled("rows").params
    outputs = client.compute(tl.forward(table("rows", str(flag)), params)).result(timeout=60)
    assert flag.exists()
    np.testing.assert_array_equal(outputs, tl.forward(table("rows"), params).compute())


def test_a_block_that_kills_every_worker(tmp_path):
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        cluster_of_processes() as (_, own),
        pytest.raises(EngineError, match="2 workers died one after another at the same block, the"),
    ):
        trained("rows", table("rows", str(tmp_path / "killed"), "always"), own)


def test_data_that_only_the_lost_worker_had(client):
    where = list(client.scheduler_info()["workers"])
    parts = [
        client.scatter(X[k * N_ROWS : (k + 1) * N_ROWS], workers=[where[k % 2]], hash=False)
        for k in range(N_BLOCKS)
    ]
    x = da.concatenate([da.from_delayed(one, (N_ROWS, 6), float) for one in parts])
    trained("rows", x, client)

    def kill():
        os.kill(worker_processes(client)[0], signal.SIGKILL)

    with pytest.raises(EngineError) as caught:
        trained("rows", x, client, **at_step(4, kill))
    assert str(caught.value) == outages.DATA_GONE


def test_a_worker_that_stands_still_for_a_while(client):
    def stop():
        process = worker_processes(client)[0]
        os.kill(process, signal.SIGSTOP)
        threading.Timer(6, os.kill, (process, signal.SIGCONT)).start()

    run = trained("rows", table("rows"), client, **at_step(4, stop))
    assert_same_weights(run.params, untroubled("rows").params)


def test_a_worker_that_stands_still_for_good(client, monkeypatch):
    monkeypatch.setattr(outages, "SILENT_LIMIT", 5.0)
    monkeypatch.setattr(outages, "LOOK_EVERY", 0.5)
    stopped = worker_processes(client)[0]
    with pytest.raises(EngineError, match="has work to do, and has not been heard of for 5 sec"):
        trained(
            "rows", table("rows"), client, **at_step(4, lambda: os.kill(stopped, signal.SIGSTOP))
        )
    os.kill(stopped, signal.SIGKILL)
    run = trained("rows", table("rows"), client)
    assert_same_weights(run.params, untroubled("rows").params)


def test_a_lost_scheduler_and_the_checkpoint_on_another(tmp_path, client):
    kept = {"checkpoint": tmp_path / "run", "checkpoint_every": 0, "resume": True}
    file, long = tmp_path / "scheduler.json", {"steps": 30}
    words = "--no-dashboard", "--scheduler-file", file
    with (
        dask_process("scheduler", "--port", 0, *words, env=own_environment()) as scheduler,
        dask_process("worker", "--nthreads", 1, *words, env=own_environment()),
    ):
        while not file.exists():
            time.sleep(0.05)
        with Client(scheduler_file=str(file), timeout=5) as own:
            began = time.monotonic()
            with pytest.raises(EngineError, match="the connection to the Dask cluster is lost: st"):
                trained("rows", table("rows"), own, **long, **kept, **at_step(9, scheduler.kill))
            assert time.monotonic() - began < 60
    run = trained("rows", table("rows"), client, **long, **kept)
    expected = trained("rows", table("rows"), None, **long)
    assert_same_weights(run.params, expected.params)
    np.testing.assert_array_equal(run.losses, expected.losses)


def test_a_training_inside_a_task_does_not_wait_for_itself():
    with cluster_of_processes(1) as (_, own):
        inside = own.submit(trained, "rows", table("rows"), None)
        found = inside.result(timeout=60)
    assert_same_weights(found.params, untroubled("rows").params)


PROGRAM = """
import sys
import test_lost_processes as tests
from dask_clusters import cluster_of_processes
path, address, steps = sys.argv[1:]
from distributed import Client
def say(progress):
    if progress.step == 6:
        print("training", flush=True)
    return False
with Client(address) as client:
    try:
        run = tests.trained("rows", tests.table("rows"), client, steps=int(steps), solver="gd", learning_rate=1e-3,
            checkpoint=path, checkpoint_every=0, resume=True, callback=say, callback_every=1)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    else:
        print("ended", run.stopped, flush=True)
    assert client.submit(sum, [1, 2]).result(timeout=60) == 3
"""


def own_environment():
    """The variables of a process that finds this file, and what it imports."""
    files = __file__, sys.modules["dask_clusters"].__file__, tl.__path__[0]
    found = ":".join([*map(os.path.dirname, files), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": found}


def caller(path, client, steps):
    """A process of its own that trains on the cluster, in the midst of its steps."""
    words = [sys.executable, "-c", PROGRAM, str(path), client.scheduler.address, str(steps)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=own_environment())
    assert process.stdout.readline() == "training\n"
    return process


def assert_nothing_left(client):
    """The scheduler forgets what nobody wants any more."""
    deadline = time.monotonic() + 40
    while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_caller_that_is_killed_goes_on_from_its_checkpoint(client, tmp_path):
    own = {"solver": "gd", "learning_rate": 1e-3, "steps": 60}
    kept = {"checkpoint": tmp_path / "run", "checkpoint_every": 0, "resume": True}
    process = caller(tmp_path / "run", client, own["steps"])
    process.kill()
    process.communicate(timeout=30)
    steps = []
    run = trained(
        "rows", table("rows"), client, **own, **kept,
        callback=lambda progress: steps.append(progress.step), callback_every=1,
    )  # fmt: skip
    assert steps[0] > 1  # it did go on
    expected = trained("rows", table("rows"), None, **own)
    assert_same_weights(run.params, expected.params)
    np.testing.assert_array_equal(run.losses, expected.losses)


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_once_returns_the_run_and_twice_raises(client, tmp_path, presses):
    process = caller(tmp_path / "run", client, 10**6)
    stopped = worker_processes(client) if presses == 2 else []
    for one in stopped:  # so that the step does not end by itself
        os.kill(one, signal.SIGSTOP)
    time.sleep(1)
    for _ in range(presses):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    if presses == 2:
        assert process.stdout.readline() == "interrupted\n"
    for one in stopped:
        os.kill(one, signal.SIGCONT)
    out = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert presses == 2 or out == "ended interrupted\n"
    assert_nothing_left(client)

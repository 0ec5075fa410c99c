"""Blocks of rows on a real cluster of processes: the answer in memory, the same again, also where workers are lost."""

import gc
import os
import signal
import threading
import time

import joblib
import numpy as np
import pytest
from dask_clusters import cluster_of_processes
from row_tables import SAME, classes_table, differences, in_blocks, numbers_table
from sklearn.model_selection import GridSearchCV, cross_val_score

import twolayer as tl

pytestmark = pytest.mark.slow
SETTINGS = {**SAME, "alpha": 1.0}


@pytest.fixture(autouse=True)
def small_blocks_stay(monkeypatch):
    monkeypatch.setattr("twolayer.distributed.collections.LEAST_BLOCKS", 10**6)


@pytest.fixture(scope="module")
def client():
    with cluster_of_processes() as (_, one):
        yield one


def test_both_estimators_learn_and_predict(client):
    for kind, (x, y) in (
        (tl.TwoLayerRegressor, numbers_table()),
        (tl.TwoLayerClassifier, classes_table(n_classes=3)),
    ):
        there = kind(**SETTINGS).fit(in_blocks(x, 90), in_blocks(y, 50), client=client)
        here = kind(**SETTINGS).fit(x, y)
        assert max(differences(there, here).values()) < 1e-8
        again = kind(**SETTINGS).fit(in_blocks(x, 90), in_blocks(y, 50))
        assert (again.w1_ == there.w1_).all()
        found = client.compute(there.predict(in_blocks(x, 90))).result()
        assert (found == there.predict(x)).all()
        assert there.score(in_blocks(x, 90), y) == pytest.approx(there.score(x, y))
        assert all_released(client)


def all_released(client):
    """Whether the workers keep nothing of what is over; Dask needs a moment to say so."""
    end = time.monotonic() + 30
    while client.futures and time.monotonic() < end:
        gc.collect()
        time.sleep(0.1)
    return not client.futures


def test_the_tasks_have_names_to_know_them_by(client):
    x, y = numbers_table()
    tl.TwoLayerRegressor(**SETTINGS).fit(in_blocks(x, 90), y)

    def names(dask_scheduler):
        return list(dask_scheduler.task_prefixes)

    found = client.run_on_scheduler(names)
    assert {"block_loss_and_gradients", "read_block", "standardised_block"} <= set(found)


def test_a_worker_that_dies_in_training_changes_nothing():
    x, y = numbers_table(2000)
    here = tl.TwoLayerRegressor(**SETTINGS).fit(in_blocks(x, 200), y)
    with cluster_of_processes() as (_, own):
        pids = list(own.run(os.getpid).values())
        steps = []

        def kill(progress):
            steps.append(progress.step)
            if progress.step == 5:
                os.kill(pids[0], signal.SIGKILL)

        there = tl.TwoLayerRegressor(**SETTINGS, callback=[kill, slow_down])
        there.fit(in_blocks(x, 200), y, client=own)
    assert (there.w1_ == here.w1_).all()


def slow_down(progress):
    """So that the death of a worker is noticed within the training."""
    time.sleep(0.05)


slow_down.every = 1


def test_two_fits_at_once(client):
    x, y = numbers_table()
    fits = [tl.TwoLayerRegressor(**{**SETTINGS, "n_hidden": n}) for n in (3, 5)]
    threads = [
        threading.Thread(target=one.fit, args=(in_blocks(x, 90), y), kwargs={"client": client})
        for one in fits
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in fits:
        here = tl.TwoLayerRegressor(**{**SETTINGS, "n_hidden": one.n_hidden}).fit(x, y)
        assert max(differences(one, here).values()) < 1e-8


def test_grids_of_tables_in_memory_run_on_the_workers(client):
    x, y = classes_table(200)
    grid = {"alpha": [0.1, 10.0]}
    expected = GridSearchCV(tl.TwoLayerClassifier(**SETTINGS), grid, cv=3).fit(x, y)
    with joblib.parallel_backend("dask", client=client):
        found = GridSearchCV(tl.TwoLayerClassifier(**SETTINGS), grid, cv=3).fit(x, y)
        scores = cross_val_score(tl.TwoLayerClassifier(**SETTINGS), x, y, cv=3)
    assert found.best_params_ == expected.best_params_
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )
    assert scores.shape == (3,)


def test_a_grid_takes_dasks_tables_too():
    x, y = classes_table(200)
    grid = {"alpha": [0.1, 10.0]}
    found = GridSearchCV(tl.TwoLayerClassifier(**SETTINGS), grid, cv=3, refit=True)
    found.fit(in_blocks(x, 50), in_blocks(y, 50))
    expected = GridSearchCV(tl.TwoLayerClassifier(**SETTINGS), grid, cv=3).fit(x, y)
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )

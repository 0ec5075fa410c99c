"""What workers write to their log: a user's own failing task, but not the errors that the caller is told."""

import logging

import dask
import dask.array as da
import numpy as np
import pytest
from dask_clusters import in_process_client

import twolayer as tl


@pytest.fixture
def lines():
    """The errors that Dask's workers of this process write from here on."""
    written, log = [], logging.getLogger("distributed.worker")
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: written.append(record.getMessage())
    log.addHandler(handler)
    yield written
    log.removeHandler(handler)


def test_a_table_at_fault_is_told_to_the_caller_alone(lines):
    x = np.zeros((40, 2))
    x[25, 1] = np.nan
    table, y = da.from_array(x, chunks=(10, 2)), da.from_array(np.arange(40.0), chunks=10)
    with in_process_client():
        with pytest.raises(tl.InputError, match="in block 2 "):
            tl.TwoLayerRegressor(2, alpha=1.0).fit(table, y)
        model = tl.TwoLayerRegressor(2, alpha=1.0, max_iter=2).fit(np.eye(4, 2), np.arange(4.0))
        with pytest.raises(tl.InputError, match="in block 2 "):
            model.predict(table).compute()
    assert not lines


def test_a_failing_task_of_the_users_own_stays_in_the_log(lines):
    class InputError(Exception):
        """Of the same name."""

    def fails():
        raise InputError("the user's own")

    with in_process_client(), pytest.raises(InputError, match="the user's own"):
        dask.delayed(fails)().compute()
    assert len(lines) == 1
    assert lines[0].startswith("Compute Failed")

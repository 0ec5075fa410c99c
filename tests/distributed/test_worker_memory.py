"""Within a task, a worker's arrays lie where others were before; after it the system has the memory again."""

import os
import platform
import subprocess
import sys

import pytest

from twolayer.distributed.worker_memory import (
    DASKS_SETTING,
    USERS_SETTING,
    reused_memory,
    tuned_library,
)

PROGRAM = """
import resource
import numpy as np
from twolayer.distributed.worker_memory import reused_memory

def fresh_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(125_000)  # 1 MB: less than a large page
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

fresh_pages()
outside = fresh_pages()
with reused_memory():
    fresh_pages()
    inside = fresh_pages()
print(outside, inside, fresh_pages(), 20 * 10**6 // resource.getpagesize())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_pages_are_used_again_within_a_task_alone():
    environment = {**os.environ, DASKS_SETTING: "65536"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    outside, inside, after, pages = map(int, done.stdout.split())
    assert inside < pages / 20
    assert min(outside, after) > pages / 2


@pytest.mark.parametrize("setting", [None, "", "many", "²", str(2**32)])
def test_a_process_that_dask_has_not_tuned_is_left_alone(setting, monkeypatch):
    monkeypatch.delenv(DASKS_SETTING, raising=False)
    if setting is not None:
        monkeypatch.setenv(DASKS_SETTING, setting)
    tuned_library.cache_clear()
    assert tuned_library() is None
    with reused_memory():
        pass
    tuned_library.cache_clear()


def test_a_setting_of_the_users_own_stays(monkeypatch):
    monkeypatch.setenv(DASKS_SETTING, "65536")
    monkeypatch.setenv(USERS_SETTING, "1000000")
    tuned_library.cache_clear()
    assert tuned_library() is None
    tuned_library.cache_clear()

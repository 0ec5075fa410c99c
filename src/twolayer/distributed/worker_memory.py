"""Memory that a worker uses again within a task, instead of giving it back to the system between two lines.

Dask starts its workers with MALLOC_TRIM_THRESHOLD_=65536, so that what a task has freed goes back to the system soon. In
glibc that also ends the growth of the size from which on each array is mapped anew: every product of a few megabytes is then
made of fresh pages, which the system fills with zeros first. On columns of a block that took up to four fifths of the time.
So while such a task runs that size is as large as it can be, and memory stays; after it all that is free goes back. It is
for tasks that return little: what they return lies in that memory, and keeps it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

DASKS_SETTING, USERS_SETTING = "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # their numbers in malloc.h
DEFAULT_MMAP = 128 * 1024
LARGEST_MMAP = 32 * 1024 * 1024  # glibc takes no more
KEPT_BYTES = 256 * 1024 * 1024  # free at the end of the heap, while a task runs


@cache
def tuned_library() -> tuple[Any, int] | None:
    """Return the C library of a process whose memory Dask has tuned, and to what; None if it is not glibc, or not tuned."""
    given = os.environ.get(DASKS_SETTING, "")
    if not given.isdecimal() or int(given) >= KEPT_BYTES or USERS_SETTING in os.environ:
        return None
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # of another system
        return None
    if not (hasattr(library, "mallopt") and hasattr(library, "malloc_trim")):
        return None
    return library, int(given)


@contextmanager
def reused_memory() -> Iterator[None]:
    """Keep freed memory within it, in a worker of Dask; elsewhere the system's own rule stays."""
    tuned = tuned_library()
    if tuned is None:
        yield
        return
    library, trim_threshold = tuned
    library.mallopt(MMAP_THRESHOLD, LARGEST_MMAP)
    library.mallopt(TRIM_THRESHOLD, KEPT_BYTES)
    try:
        yield
    finally:
        library.mallopt(MMAP_THRESHOLD, DEFAULT_MMAP)
        library.mallopt(TRIM_THRESHOLD, trim_threshold)
        library.malloc_trim(0)

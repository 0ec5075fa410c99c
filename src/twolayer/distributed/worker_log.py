"""What workers write to their log: not the errors that the caller is told in one sentence.

A worker of Dask prints the traceback of every task that fails. Where the table is at fault, or a setting, that page would
stand in front of the sentence that says so, once for each block.
"""

from __future__ import annotations

import logging
import os

from twolayer import errors

WORKER_LOG = "distributed.worker"
WORKER_CODE = os.path.join("twolayer", "distributed")  # in the traceback of our tasks
OWN_ERRORS = tuple(
    f"{name}("
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.TwoLayerError)
)


def is_news(record: logging.LogRecord) -> bool:
    """Return whether a line of the log says something that the caller is not told: False for our errors of a task."""
    if not (isinstance(record.args, tuple) and str(record.msg).startswith("Compute Failed")):
        return True
    texts = [part for part in record.args if isinstance(part, str)]
    of_that_name = any(text.startswith(OWN_ERRORS) for text in texts)
    return not (of_that_name and any(WORKER_CODE in text for text in texts))


def leave_out_own_errors() -> None:
    """Let the log of this process's workers do without our errors."""
    log = logging.getLogger(WORKER_LOG)
    if is_news not in log.filters:
        log.addFilter(is_news)

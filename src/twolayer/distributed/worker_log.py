"""What workers write to their log: not the errors that the caller is told in one sentence.

A worker of Dask prints the traceback of every task that fails. Where the table is at fault, or a setting, that page would
stand in front of the sentence that says so, once for each block.
"""

from __future__ import annotations

import logging

from twolayer import errors

WORKER_LOG = "distributed.worker"
OWN_ERRORS = tuple(
    f"{name}("
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.TwoLayerError)
)


def is_news(record: logging.LogRecord) -> bool:
    """Return whether a line of the log says something that the caller is not told: False for our errors of a task."""
    failed = str(record.msg).startswith("Compute Failed")
    own = isinstance(record.args, tuple) and any(
        isinstance(part, str) and part.startswith(OWN_ERRORS) for part in record.args
    )
    return not (failed and own)


def leave_out_own_errors() -> None:
    """Let the log of this process's workers do without our errors."""
    log = logging.getLogger(WORKER_LOG)
    if is_news not in log.filters:
        log.addFilter(is_news)

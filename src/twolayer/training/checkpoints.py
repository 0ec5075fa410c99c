"""Checkpoints: a training that was killed goes on where it was, and ends with the weights it would have had.

    with checkpointed("fit.checkpoint", every=60, resume=True):
        model.fit(x, y)

A checkpoint is the record of the calls of `train` made since it was opened, in their order. Of a call that has ended it
holds the result; of the current one, everything that moves: weights, the solver's memory, the random numbers to come, the
place in the order of the rows, the losses. The rest follows from the arguments. To resume is to make the same calls again:
those that had ended are answered from the record, and the next one goes on where it was.

Every call is stored with a fingerprint of its arguments and of the versions of what computes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from twolayer import checks
from twolayer.errors import DivergedError, FileError, InputError, warn_user
from twolayer.files import leftovers, write_files
from twolayer.maths.network import Params
from twolayer.training.batches import Batches
from twolayer.training.checkpoint_file import checkpoint_bytes, damage_named, read_checkpoint
from twolayer.training.checkpoint_schema import (
    check_calls,
    check_divergence,
    check_loop_end,
    restored_params,
)
from twolayer.training.fingerprint import check_same_training
from twolayer.training.loop import LoopResult, callback_state, load_callback_state

DEFAULT_INTERVAL = 60.0  # seconds

_OPEN_CHECKPOINT: ContextVar[Checkpoint | None] = ContextVar("checkpoint", default=None)


@contextmanager
def checkpointed(
    path: str | os.PathLike[str], every: float = DEFAULT_INTERVAL, resume: bool = False
) -> Iterator[Checkpoint]:
    """Store every training within it in that checkpoint; for estimators, whose `fit` trains many times.

    Parameters
    ----------
    path : str or Path
    every : float
        Seconds from one writing to the next; 0 writes after every chunk of steps.
    resume : bool
        Go on from the file if it exists; without `resume`, a file that exists is an error, and stays as it is.

    Raises
    ------
    InputError
        If the file is the checkpoint of another training: of other data, other settings or other versions.
    FileError
        If the file is damaged, is not a checkpoint, or cannot be written.

    Examples
    --------
    >>> import tempfile, numpy as np, twolayer as tl
    >>> x = np.random.default_rng(0).standard_normal((40, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with tl.checkpointed(f"{folder}/fit.checkpoint", every=60, resume=True):
    ...         model = tl.TwoLayerRegressor(5, random_state=0).fit(x, x[:, 0])
    """
    checkpoint = Checkpoint(path, every, resume)
    token = _OPEN_CHECKPOINT.set(checkpoint)
    try:
        yield checkpoint
    finally:
        _OPEN_CHECKPOINT.reset(token)
        checkpoint.close()


def open_checkpoint(
    path: Any, every: Any, resume: Any
) -> AbstractContextManager[Checkpoint | None]:
    """Return the checkpoint of a call of `train`: its own, the one that is open around it, or none."""
    if path is not None:
        return checkpointed(path, every, resume)
    if checks.flag(resume, "resume"):
        raise InputError("resume=True needs checkpoint, the file to go on from")
    opened = _OPEN_CHECKPOINT.get()
    return nullcontext(None if opened is None or opened.busy else opened)


@contextmanager
def recorded_call(
    file: Checkpoint | None, fingerprint: Any, batches: Batches, callback: Any, params: Params
) -> Iterator[CallRecord | None]:
    """Yield the record of the call of `train`, from these weights, that runs within it; None without a checkpoint."""
    if file is None:
        yield None
        return
    with damage_named(file.path):
        call = file.begin(fingerprint, batches, callback, params)
    file.busy = True
    try:
        with damage_named(file.path):
            yield call
    except DivergedError as error:
        call.diverge(error)
        raise
    finally:
        file.busy = False


class Checkpoint:
    """The file, and the calls of `train` in it.

    Attributes
    ----------
    path : str or Path
    existed : bool
        Whether there was a checkpoint to go on from.
    """

    def __init__(self, path: Any, every: Any = DEFAULT_INTERVAL, resume: Any = False) -> None:
        self.path = check_path(path)
        self.every = checks.finite_number(every, "checkpoint_every", at_least=0)
        self.calls: list[dict[str, Any]] = []
        self.existed = self.read(checks.flag(resume, "resume"))
        self.begun = 0
        self.written = time.perf_counter()
        self.frozen = False  # Ctrl-C came where it was written last: nothing after that is stored
        self.stopping = False  # Ctrl-C was pressed: no call of `train` follows
        self.busy = False  # inside a call, from whose callback others may come
        self.changed = False  # a call or a network has ended since the last writing

    def read(self, resume: bool) -> bool:
        """Read the file if there is one, and return whether there is; raise FileError if it would be lost or not written."""
        final = Path(os.path.realpath(self.path))
        if not os.access(final.parent, os.W_OK):
            reason = "no permission to write there" if final.parent.is_dir() else "no such folder"
            raise FileError(f"checkpoint {self.path} cannot be written: {reason}")
        for path in leftovers(final):
            path.unlink(missing_ok=True)
        if not os.path.lexists(final):
            return False
        record = read_checkpoint(self.path)
        if not resume:
            raise FileError(
                f"{self.path} holds a checkpoint already: go on from it (resume), or delete it to start anew"
            )
        with damage_named(self.path):
            check_calls(record["calls"])
        self.calls = record["calls"]
        return True

    def begin(
        self, fingerprint: dict[str, Any], batches: Batches, callback: Any, params: Params
    ) -> CallRecord:
        """Return the record of the next call of `train`, which starts from `params`.

        Raises
        ------
        InputError
            If the record is that of another call.
        DivergedError
            If the call had diverged.
        KeyboardInterrupt
            If Ctrl-C was pressed in an earlier call.
        """
        if self.stopping:
            raise KeyboardInterrupt
        place, self.begun = self.begun, self.begun + 1
        if place == len(self.calls):
            self.calls.append({"fingerprint": fingerprint, "ends": [], "inside": None})
        record = self.calls[place]
        check_same_training(self.path, record["fingerprint"], fingerprint)
        if "diverged" in record:
            check_divergence(record["diverged"], params)
            batches.load_state_dict(record["diverged"]["batches"])
            raise stored_divergence(record["diverged"])
        return CallRecord(self, record, batches, callback)

    def due(self) -> bool:
        """Return whether it is time to write."""
        return not self.frozen and time.perf_counter() - self.written >= self.every

    def write(self) -> None:
        """Write the file anew; if that fails, warn, and training goes on."""
        try:
            write_files({self.path: checkpoint_bytes({"calls": self.calls})})
        except FileError as error:
            warn_user(f"no checkpoint was written: {error}")
        self.written, self.changed = time.perf_counter(), False

    def close(self) -> None:
        """Write what has ended since the last writing."""
        if self.changed and not self.frozen:
            self.write()


class CallRecord:
    """The record of one call of `train`: of each of its loops, one per network that is trained by itself."""

    def __init__(
        self, checkpoint: Checkpoint, record: dict[str, Any], batches: Batches, callback: Any
    ) -> None:
        self.checkpoint, self.record = checkpoint, record
        self.batches, self.callback = batches, callback
        self.answered = 0  # loops

    def ended(self, like: Params, steps: int) -> LoopResult | None:
        """Return the end of the next loop, of such weights and that many steps, if it had ended before."""
        if self.answered == len(self.record["ends"]):
            return None
        end = self.record["ends"][self.answered]
        check_loop_end(end, like, steps)
        self.answered += 1
        self.batches.load_state_dict(end["batches"])
        load_callback_state(self.callback, end["callback"])
        params = restored_params(end["params"]).copy()
        losses = end["losses"].copy()
        return LoopResult(params, losses, end["final_loss"], end["stopped"], end["ends_all"])

    def inside(self) -> dict[str, Any] | None:
        """Return the state of the next loop, if the checkpoint was written inside it."""
        inside, self.record["inside"] = self.record["inside"], None
        return inside

    def due(self) -> bool:
        """Return whether it is time to write."""
        return self.checkpoint.due()

    def write(self, inside: dict[str, Any]) -> None:
        """Write the state of the loop."""
        self.record["inside"] = inside
        self.checkpoint.write()
        self.record["inside"] = None

    def interrupt(self, inside: dict[str, Any]) -> None:
        """Write the state of the loop, and nothing after it."""
        if not self.checkpoint.frozen:
            self.write(inside)
        self.checkpoint.frozen = True

    def stop(self) -> None:
        """Let this be the last call, after Ctrl-C."""
        self.checkpoint.stopping = True

    def end(self, ended: LoopResult) -> None:
        """Record the end of the loop."""
        if self.checkpoint.frozen:
            return
        self.answered += 1
        end = {
            "params": dict(ended.params.copy().items()),
            "losses": ended.losses,
            "final_loss": ended.final_loss,
            "stopped": ended.stopped,
            "ends_all": ended.ends_all,
            "batches": self.batches.state_dict(),
            "callback": callback_state(self.callback),
        }
        self.store(ends=[*self.record["ends"], end])

    def diverge(self, error: DivergedError) -> None:
        """Record that the call ended in this error."""
        self.store(
            diverged={
                "message": str(error),
                "step": error.step,
                "last_finite_loss": error.last_finite_loss,
                "params": dict(error.params.items()),
                "losses": error.losses,
                "batches": self.batches.state_dict(),
            }
        )

    def store(self, **entries: Any) -> None:
        """Store the entries in the record, and write if it is time."""
        if self.checkpoint.frozen:
            return
        self.record.update(entries)
        self.checkpoint.changed = True
        if self.due():
            self.checkpoint.write()


def stored_divergence(stored: Mapping[str, Any]) -> DivergedError:
    """Return the error in which a call ended."""
    message, step, last = (stored[name] for name in ("message", "step", "last_finite_loss"))
    params = Params(**{"b1": None, "b2": None, **stored["params"]})
    return DivergedError(message, step, last, params, stored["losses"])


def check_path(path: Any) -> Any:
    """Return the path; raise InputError if it is not one."""
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise InputError(f"checkpoint must be the path of a file; got {checks.short_repr(path)}")
    return path

"""Checkpoints: a training that was killed goes on where it was, and ends with the weights it would have had.

    with checkpointed("fit.checkpoint", every=60, resume=True):
        model.fit(x, y)

A checkpoint is the record of the calls of `train` made since it was opened, in their order. Of a call that has ended it
holds how it ended; of the one at hand, everything that moves: weights, the solver's memory, the random numbers to come, the
place in the order of the rows, the losses. The rest follows from the arguments. To resume is to make the same calls again:
those that had ended are answered from the record, and the next one goes on where it was.

Every call is kept with a fingerprint of its arguments and of the versions of what computes. The file is safetensors: numbers
as tensors, the rest as JSON in its `__metadata__`, and a checksum of both.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.engines.contract import Engine
from twolayer.errors import DivergedError, FileError, InputError, TwoLayerWarning
from twolayer.files import (
    DamagedError,
    check_format,
    check_header_length,
    json_entry,
    json_object,
    leftovers,
    write_files,
)
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem
from twolayer.training.loop import Batches, LoopResult, callback_state, load_callback_state

CHECKPOINT_FORMAT = 1
CHECKPOINT_KEY = "twolayer-checkpoint"
CHECKSUM_KEY = "checksum"
DEFAULT_INTERVAL = 60.0  # seconds

_OPEN_CHECKPOINT: ContextVar[Checkpoint | None] = ContextVar("checkpoint", default=None)


@contextmanager
def checkpointed(
    path: str | os.PathLike[str], every: float = DEFAULT_INTERVAL, resume: bool = False
) -> Iterator[Checkpoint]:
    """Within it, every training keeps a checkpoint in that file; for estimators, whose `fit` trains many times.

    Parameters
    ----------
    path : str or Path
    every : float
        Seconds from one writing to the next; 0 writes after every chunk of steps.
    resume : bool
        Go on from the file if it is there; without it, a checkpoint that is there is an error, and stays.

    Raises
    ------
    InputError
        If the file is the checkpoint of another training: of other data, other settings or other versions.
    FileError
        If the file is damaged or no checkpoint, or cannot be written there.

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
    """The checkpoint that a call of `train` keeps: one of its own, that which is open around it, or none."""
    if path is not None:
        return checkpointed(path, every, resume)
    if checks.flag(resume, "resume"):
        raise InputError("resume=True needs checkpoint, the file to go on from")
    around = _OPEN_CHECKPOINT.get()
    return nullcontext(None if around is None or around.busy else around)


@contextmanager
def recorded_call(
    file: Checkpoint | None, facts: Any, batches: Batches, callback: Any
) -> Iterator[CallRecord | None]:
    """Within it one call of `train` runs, with what was kept of it; None without a checkpoint."""
    if file is None:
        yield None
        return
    call = file.begin(facts, batches, callback)
    file.busy = True
    try:
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
    found : bool
        Whether there was a checkpoint to go on from.
    """

    def __init__(self, path: Any, every: Any = DEFAULT_INTERVAL, resume: Any = False) -> None:
        self.path, self.every = (
            check_path(path),
            checks.finite_number(every, "checkpoint_every", at_least=0),
        )
        self.calls: list[dict[str, Any]] = []
        self.found = self.look(checks.flag(resume, "resume"))
        self.begun = 0
        self.written = time.perf_counter()
        self.frozen = False  # what is written is where Ctrl-C came: nothing after it is to be kept
        self.stopping = False  # Ctrl-C was pressed: no call of `train` follows
        self.busy = False  # inside a call, from whose callback others may come
        self.news = False  # a call or a network has ended since the last writing

    def look(self, resume: bool) -> bool:
        """Read the file if there is one; refuse to lose what it holds, or to have nowhere to write."""
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
        self.calls = record["calls"]
        return True

    def begin(self, fingerprint: dict[str, Any], batches: Batches, callback: Any) -> CallRecord:
        """The next call of `train`, with what was kept of it.

        Raises
        ------
        InputError
            If what was kept is that of another call.
        DivergedError
            If it had diverged.
        KeyboardInterrupt
            If Ctrl-C was pressed in a call before.
        """
        if self.stopping:
            raise KeyboardInterrupt
        place, self.begun = self.begun, self.begun + 1
        if place == len(self.calls):
            self.calls.append({"fingerprint": fingerprint, "ends": [], "inside": None})
        record = self.calls[place]
        check_same_training(self.path, record["fingerprint"], fingerprint)
        if "diverged" in record:
            batches.load_state_dict(record["diverged"]["batches"])
            raise stored_divergence(record["diverged"])
        return CallRecord(self, record, batches, callback)

    def due(self) -> bool:
        """Whether it is time to write."""
        return not self.frozen and time.perf_counter() - self.written >= self.every

    def write(self) -> None:
        """Write the file anew; where that fails, training is not lost for it."""
        try:
            write_files({self.path: checkpoint_bytes({"calls": self.calls})})
        except FileError as error:
            warnings.warn(f"no checkpoint was written: {error}", TwoLayerWarning, stacklevel=2)
        self.written, self.news = time.perf_counter(), False

    def close(self) -> None:
        """Write what has ended since."""
        if self.news and not self.frozen:
            self.write()


class CallRecord:
    """What is kept of one call of `train`: of each of its loops, one for each network that is trained by itself."""

    def __init__(
        self, checkpoint: Checkpoint, record: dict[str, Any], batches: Batches, callback: Any
    ) -> None:
        self.checkpoint, self.record = checkpoint, record
        self.batches, self.callback = batches, callback
        self.answered = 0  # loops

    def ended(self) -> LoopResult | None:
        """How the next loop ended, if it had ended when the checkpoint was written."""
        if self.answered == len(self.record["ends"]):
            return None
        kept = self.record["ends"][self.answered]
        self.answered += 1
        self.batches.load_state_dict(kept["batches"])
        load_callback_state(self.callback, kept["callback"])
        params = params_from_arrays(kept["params"]).copy()
        return LoopResult(params, kept["losses"].copy(), kept["final_loss"], kept["stopped"])

    def inside(self) -> dict[str, Any] | None:
        """Where the next loop was, if the checkpoint was written inside it."""
        inside, self.record["inside"] = self.record["inside"], None
        return inside

    def due(self) -> bool:
        """Whether it is time to write."""
        return self.checkpoint.due()

    def write(self, inside: dict[str, Any]) -> None:
        """Write where the loop is."""
        self.record["inside"] = inside
        self.checkpoint.write()
        self.record["inside"] = None

    def interrupt(self, inside: dict[str, Any]) -> None:
        """Write where the loop is, and nothing after it."""
        if not self.checkpoint.frozen:
            self.write(inside)
        self.checkpoint.frozen = True

    def stop(self) -> None:
        """Ctrl-C was pressed: this is the last call."""
        self.checkpoint.stopping = True

    def end(self, ended: LoopResult) -> None:
        """Note how the loop ended."""
        if self.checkpoint.frozen:
            return
        self.answered += 1
        self.note(
            ends=[
                *self.record["ends"],
                {
                    "params": dict(ended.params.copy().items()),
                    "losses": ended.losses,
                    "final_loss": ended.final_loss,
                    "stopped": ended.stopped,
                    "batches": self.batches.state_dict(),
                    "callback": callback_state(self.callback),
                },
            ]
        )

    def diverge(self, error: DivergedError) -> None:
        """Note that the call ended in this error."""
        told = {
            "message": str(error),
            "step": error.step,
            "last_finite_loss": error.last_finite_loss,
            "params": dict(error.params.items()),
            "losses": error.losses,
            "batches": self.batches.state_dict(),
        }
        self.note(diverged=told)

    def note(self, **facts: Any) -> None:
        """Keep what has come to an end, and write if it is time."""
        if self.checkpoint.frozen:
            return
        self.record.update(facts)
        self.checkpoint.news = True
        if self.due():
            self.checkpoint.write()


def params_from_arrays(kept: Mapping[str, np.ndarray]) -> Params:
    """Weights from their names."""
    return Params(**{"b1": None, "b2": None, **kept})


def stored_divergence(kept: Mapping[str, Any]) -> DivergedError:
    """The error in which a call ended."""
    message, step, last = (kept[name] for name in ("message", "step", "last_finite_loss"))
    return DivergedError(message, step, last, params_from_arrays(kept["params"]), kept["losses"])


def check_path(path: Any) -> Any:
    """A path as users give it."""
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise InputError(f"checkpoint must be the path of a file; got {checks.short_repr(path)}")
    return path


# ---- what the numbers follow from


def training_fingerprint(
    problem: Problem,
    params: Params,
    solver: Any,
    engine: Engine,
    rng: np.random.Generator | None,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """All that a training's last bit follows from, as JSON holds it.

    Arrays stand there as a digest of their numbers and of their order in memory, which rounding may follow.
    """
    arrays = {"x": problem.x, "y": problem.y, "sample_weight": problem.s}
    weights = {f"params.{name}": array for name, array in params.items()}
    digests = {name: array_digest(array) for name, array in {**arrays, **weights}.items()}
    if rng is not None:
        digests["random_state"] = hashlib.blake2b(
            repr(rng.bit_generator.state).encode()
        ).hexdigest()
    own = {f.name: getattr(solver, f.name) for f in fields(solver)} if is_dataclass(solver) else {}
    told = {
        **settings,
        "rows": problem.n_rows,
        "inputs": params.n_inputs,
        "hidden units": params.n_hidden,
        "objective": objective_description(problem),
        **{name: getattr(problem.objective, name) for name in ("alpha", "l1", "dropout")},
        "solver": getattr(solver, "name", type(solver).__name__),
        **{f"{solver.name}.{name}": value for name, value in own.items()},
        "engine": engine.name,
        "random_state": "given" if rng else None,
    }
    record = {"settings": told, "versions": library_versions(engine.libraries), "arrays": digests}
    return json.loads(json.dumps(record, default=str))


def objective_description(problem: Problem) -> str:
    """Loss and activation."""
    return f"{problem.objective.loss} of {problem.objective.activation.name}"


def library_versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Of this package and of what computes."""
    from twolayer._version import __version__

    return {"twolayer": __version__, **{name: version(name) for name in libraries}}


def array_digest(array: Any) -> str | None:
    """Of the numbers of an array, or sparse array, as they lie in memory; None of None."""
    if array is None:
        return None
    if not isinstance(array, np.ndarray):
        csr = array.tocsr()
        return " ".join(str(array_digest(one)) for one in (csr.data, csr.indices, csr.indptr))
    turned = array.flags.f_contiguous and not array.flags.c_contiguous
    numbers = array.T if turned else array
    found = hashlib.blake2b(f"{array.dtype} {array.shape} {turned}".encode(), digest_size=16)
    for rows in checks.array_blocks(numbers.shape):
        found.update(np.ascontiguousarray(numbers[rows]).data)
    return found.hexdigest()


def check_same_training(path: Any, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise if a call is not the one that was kept, and say in what."""
    differences = []
    for group in now:
        for name in sorted({*before.get(group, {}), *now[group]}):
            was, is_ = before.get(group, {}).get(name), now[group].get(name)
            if was == is_:
                continue
            other = (
                f"{name} has other numbers"
                if group == "arrays"
                else f"{name} was {was} and is {is_} now"
            )
            differences.append(other)
    if not differences:
        return
    more = f", and {len(differences) - 3} more" if len(differences) > 3 else ""
    raise InputError(
        f"{path} is the checkpoint of another training: {'; '.join(differences[:3])}{more}. Resume with the same table, "
        "settings, seeds and versions, or start anew with another file"
    )


# ---- the file


def checkpoint_bytes(record: dict[str, Any]) -> bytes:
    """The contents of the file."""
    from safetensors.numpy import save

    arrays: list[np.ndarray] = []
    try:
        text = json.dumps(
            {"format": CHECKPOINT_FORMAT, **pack_arrays(record, arrays)}, default=_json_default
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"this training cannot be kept in a checkpoint: {error}") from None
    tensors = {str(place): array for place, array in enumerate(arrays)}
    return save(tensors, {CHECKPOINT_KEY: text, CHECKSUM_KEY: checksum(text, tensors)})


def _json_default(value: Any) -> Any:
    """NumPy's numbers as Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(
        f"{type(value).__name__} {checks.short_repr(value)} is neither text nor a number"
    )


ARRAY_REFERENCE = "array #"


def pack_arrays(value: Any, arrays: list[np.ndarray]) -> Any:
    """The value with a number in place of each array, which is put into the list."""
    if isinstance(value, dict):
        return {name: pack_arrays(one, arrays) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [pack_arrays(one, arrays) for one in value]
    if not isinstance(value, np.ndarray):
        return value
    turned = value.flags.f_contiguous and not value.flags.c_contiguous
    arrays.append(
        np.ascontiguousarray(value.T if turned else value).reshape(
            value.T.shape if turned else value.shape
        )
    )
    return {ARRAY_REFERENCE: len(arrays) - 1, "turned": turned}


def unpack_arrays(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """What was packed."""
    if isinstance(value, list):
        return [unpack_arrays(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    if ARRAY_REFERENCE in value:
        array = np.array(arrays[str(value[ARRAY_REFERENCE])])
        return array.T if value["turned"] else array
    return {name: unpack_arrays(one, arrays) for name, one in value.items()}


def checksum(text: str, tensors: Mapping[str, np.ndarray]) -> str:
    """Of all that the file holds."""
    found = hashlib.blake2b(text.encode(), digest_size=16)
    for name in sorted(tensors):
        array = tensors[name]
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(array.data)
    return found.hexdigest()


def read_checkpoint(path: Any) -> dict[str, Any]:
    """What a checkpoint holds.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged, or is no checkpoint.
    """
    try:
        return _read_checkpoint(path)
    except DamagedError as error:
        raise FileError(f"{path} cannot be read as a checkpoint: {error}") from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from None


def _read_checkpoint(path: Any) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    check_header_length(path)
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            if CHECKPOINT_KEY not in metadata:
                raise DamagedError("it is a safetensors file, but no checkpoint of twolayer")
            record = json_object(metadata[CHECKPOINT_KEY])
            check_format(record, CHECKPOINT_FORMAT)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise DamagedError(f"it is damaged, or not a safetensors file ({error})") from None
    if checksum(metadata[CHECKPOINT_KEY], tensors) != metadata.get(CHECKSUM_KEY):
        raise DamagedError("it is damaged: its checksum is not that of its contents")
    json_entry(record, "calls", list)
    return unpack_arrays(record, tensors)

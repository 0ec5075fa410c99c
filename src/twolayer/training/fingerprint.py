"""The fingerprint of a training: everything that its last bit follows from, as JSON holds it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from twolayer import checks
from twolayer._version import __version__
from twolayer.engines.contract import Engine
from twolayer.errors import InputError
from twolayer.files import as_json_value
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem

MAX_DIFFERENCES = 3  # in a message


def training_fingerprint(
    problem: Problem,
    params: Params,
    solver: Any,
    engine: Engine,
    rng: np.random.Generator | None,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Return all that a training's last bit follows from.

    Arrays appear as a digest of their numbers and of their order in memory, which rounding may follow.
    """
    objective = problem.objective
    arrays = {"x": problem.x, "y": problem.y, "sample_weight": problem.s}
    weights = {f"params.{name}": array for name, array in params.items()}
    digests = {name: array_digest(array) for name, array in {**arrays, **weights}.items()}
    if rng is not None:
        state = repr(rng.bit_generator.state)
        digests["random_state"] = hashlib.blake2b(state.encode()).hexdigest()
    own = {f.name: getattr(solver, f.name) for f in fields(solver)} if is_dataclass(solver) else {}
    description = {
        **settings,
        "rows": problem.n_rows,
        "inputs": params.n_inputs,
        "hidden units": params.n_hidden,
        "objective": f"{objective.loss} of {objective.activation.name}",
        **{name: getattr(objective, name) for name in ("alpha", "l1", "dropout")},
        "solver": solver.name,
        **{f"{solver.name}.{name}": value for name, value in own.items()},
        "engine": engine.name,
        "random_state": "given" if rng else None,
    }
    versions = {"twolayer": __version__, **{name: version(name) for name in engine.libraries}}
    return {"settings": as_json_value(description), "versions": versions, "arrays": digests}


def array_digest(array: Any) -> str | None:
    """Return the digest of the numbers of an array, or sparse array, in their order in memory; None of None."""
    if array is None:
        return None
    if hasattr(array, "digest"):  # of a table that is not here
        return array.digest
    if not isinstance(array, np.ndarray):
        csr = array.tocsr()
        return " ".join(str(array_digest(part)) for part in (csr.data, csr.indices, csr.indptr))
    transposed = array.flags.f_contiguous and not array.flags.c_contiguous
    numbers = array.T if transposed else array
    digest = hashlib.blake2b(f"{array.dtype} {array.shape} {transposed}".encode(), digest_size=16)
    for rows in checks.array_blocks(numbers.shape):
        digest.update(np.ascontiguousarray(numbers[rows]).data)
    return digest.hexdigest()


def check_same_training(path: Any, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise InputError if a call is not the one that was stored; the message says in what they differ."""
    differences = []
    for group in now:
        for name in sorted({*before.get(group, {}), *now[group]}):
            was, is_ = before.get(group, {}).get(name), now[group].get(name)
            if was == is_:
                continue
            if isinstance(was, list | dict) or not str(was).isprintable():
                was = checks.short_repr(was)
            changed = f"was {was} and is {is_} now" if group != "arrays" else "has other numbers"
            differences.append(f"{name} {changed}")
    if not differences:
        return
    left = len(differences) - MAX_DIFFERENCES
    more = f", and {left} more" if left > 0 else ""
    raise InputError(
        f"{path} is the checkpoint of another training: {'; '.join(differences[:MAX_DIFFERENCES])}{more}. Resume with the "
        "same table, settings, seeds and versions, or start anew with another file"
    )

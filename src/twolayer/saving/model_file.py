"""The model file: one safetensors file that holds the weights, and as text all that goes with them.

The weights and losses are the file's tensors. Its `__metadata__` has one entry, `twolayer`, which is JSON:

    format      the version of this layout
    kind        "params", "run" or "estimator"
    versions    of twolayer, NumPy and Python when it was written
    facts       the other fields of a run; or class, settings, columns and classes of an estimator
    about       what the writer added: target, scores, ...

Nothing in it is ever executed, and everything is checked before it is used: the length of the header against the size of the
file, the places of the tensors by safetensors, their names, shapes and values here (with the checks that users' weights pass
too), and the text in `schema`. What could not be read back is not written.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from twolayer import checks
from twolayer._version import __version__
from twolayer.errors import FileError, InputError
from twolayer.files import (
    DamagedError,
    as_json_value,
    check_format,
    check_header_length,
    json_entry,
    json_object,
    write_files,
)
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_params
from twolayer.saving import schema
from twolayer.training.train import Run

MODEL_FORMAT = 1
DESCRIPTION_KEY = "twolayer"
WEIGHT_NAMES = tuple(field.name for field in fields(Params))
RUN_ARRAYS = ("losses", "final_loss")
# arrays of an estimator: of the clip of the columns, of what `partial_fit` goes on from, of the predictive spread, of the
# losses of each class's rows left out, of the rows of training
ESTIMATOR_PARTS = ("clip", "stream", "spread", "sets", "rows")
PART_PREFIXES = tuple(f"{part}." for part in ESTIMATOR_PARTS)
MARKS_NAME = "stream.marks"
RUN_FACTS = {field.name: field.type for field in fields(Run)[3:]}  # after params and RUN_ARRAYS
MAX_AXES = 3
# of weights, and of products of the weights of two layers: predictions and their squares are then finite
LARGEST_WEIGHT = {"float32": 1e17, "float64": 1e140}
JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "bool": bool,
    "float": (int, float),
    "dict[str, Any]": dict,
}


def save(
    model: Any,
    path: str | os.PathLike[str],
    about: Mapping[str, Any] | None = None,
    *,
    keep_rows: bool = False,
) -> None:
    """Write a model to one file; if that fails, no part of the file is written.

    Parameters
    ----------
    model : Params, Run, a fitted estimator, or a scikit-learn Pipeline of scalers and one
        StandardScaler, MinMaxScaler, MaxAbsScaler and RobustScaler are folded into the weights: `load` returns an estimator
        that predicts for the pipeline's own columns what the pipeline does, to rounding.
    path : str or Path
        By convention it ends in `.safetensors`. An existing file is replaced.
    about : mapping or None
        More to save with it: names, and values that JSON can hold. What the commands read has a form: `target` is a name
        or a list of names, `table` text, `scores` {model: {score: number}}, `rows` {"train": n, "test": n}.

    keep_rows : bool
        Whether to write the rows of training too, of an estimator that keeps them (`keep_rows`): then all that is said of
        rows left out can be told after `load` as before. They are the user's data, perhaps of patients, and are never
        written unless it is asked for.

    Raises
    ------
    InputError
        If the model is none of these, is not fitted, keeps no rows where they are asked for, has another step in its
        Pipeline, or holds what the file cannot, such as a function of your own, or weights so large (1e140; in float32
        1e17) that its predictions would not be finite.
    FileError
        If the file cannot be written; the file that was there before is unchanged.

    Examples
    --------
    >>> import tempfile, twolayer as tl
    >>> params = tl.init_params(3, 2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tl.save(params, f"{folder}/model.safetensors")
    ...     tl.load(f"{folder}/model.safetensors")
    Params(n_inputs=3, n_hidden=2, n_outputs=1, bias=True, skip=False, dtype=float64)
    """
    write_files({path: model_bytes(model, about, keep_rows)})


def load(path: str | os.PathLike[str]) -> Any:
    """Return the model that `save` wrote, equal to the last bit.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    model : Params, Run, or a fitted estimator

    Raises
    ------
    FileError
        If the file cannot be read, is damaged, or is not a model of twolayer.
    """
    return read_model(path)[0]


def model_bytes(
    model: Any, about: Mapping[str, Any] | None = None, keep_rows: bool = False
) -> bytes:
    """Return the contents of the model file."""
    from safetensors.numpy import save as safetensors_bytes

    kind, arrays, facts = _model_parts(model, checks.flag(keep_rows, "keep_rows"))
    record = {
        "format": MODEL_FORMAT,
        "kind": kind,
        "versions": _library_versions(),
        "facts": facts,
        "about": dict(about or {}),
    }
    try:
        text = json.dumps(as_json_value(record, strict=True), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"this {kind} cannot be saved: {error}") from None
    _check_readable(kind, arrays, json.loads(text))
    # safetensors writes the numbers of a Fortran array in the wrong order
    tensors = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    return safetensors_bytes(tensors, {DESCRIPTION_KEY: text})


def _check_readable(kind: str, arrays: Mapping[str, np.ndarray], record: Mapping[str, Any]) -> None:
    """Raise InputError if the file could not be read back: now, while the model still exists."""
    try:
        schema.check_description(record["facts"], record["about"], arrays["w1"].shape[-2])
        _check_sizes(arrays)
    except DamagedError as error:
        raise InputError(f"this {kind} cannot be saved: {error}") from None


def _library_versions() -> dict[str, str]:
    return {"twolayer": __version__, "numpy": np.__version__, "python": platform.python_version()}


def _model_parts(model: Any, keep_rows: bool) -> tuple[str, dict[str, np.ndarray], dict[str, Any]]:
    """Return the kind of the model, its arrays, and the facts that are text."""
    if keep_rows and isinstance(model, Params | Run):
        raise InputError("keep_rows is for a fitted estimator: weights and runs hold no rows")
    if isinstance(model, Params):
        return "params", dict(checked_params(model).items()), {}
    if isinstance(model, Run):
        facts = {name: getattr(model, name) for name in RUN_FACTS}
        return "run", _model_arrays(model.params, model.losses, model.final_loss), facts
    from twolayer.estimators.folded_pipeline import folded_pipeline
    from twolayer.saving import estimator_state

    model = folded_pipeline(model)
    facts = estimator_state.estimator_facts(model, keep_rows)
    curves = model.network_loss_curves_
    losses = curves[:, 0] if model.params_.n_networks is None else curves
    arrays = _model_arrays(model.params_, losses, model.loss_)
    for prefix, part in estimator_state.estimator_arrays(model, keep_rows).items():
        arrays |= {f"{prefix}.{name}": array for name, array in part.items()}
    return "estimator", arrays, facts


def _model_arrays(params: Params, losses: np.ndarray, final_loss: Any) -> dict[str, np.ndarray]:
    final = np.asarray(final_loss, dtype=np.float64)
    return {**dict(checked_params(params).items()), "losses": losses, "final_loss": final}


def read_model(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any]]:
    """Return the model that `save` wrote, and what it was given as `about`.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged, or is not a model of twolayer.
    """
    try:
        record, arrays = _open_model(path)
        kind = record.get("kind")
        facts, about = json_entry(record, "facts", dict), json_entry(record, "about", dict)
        if "w1" in arrays and arrays["w1"].ndim > 1:  # if not, _model_params raises
            schema.check_description(facts, about, arrays["w1"].shape[-2])
        if kind == "params":
            return _model_params(arrays), about
        if kind == "run":
            return _restored_run(arrays, facts), about
        if kind == "estimator":
            from twolayer.saving import estimator_state

            parts = {part: _popped_part(arrays, f"{part}.") for part in ESTIMATOR_PARTS}
            history = _run_history(arrays)
            return estimator_state.restored_estimator(*history, parts, facts), about
        raise DamagedError(f"it holds {checks.short_repr(kind)}, not params, a run or an estimator")
    except (DamagedError, InputError) as error:
        raise FileError(f"{path} cannot be read as a model: {error}") from None
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from None


def _popped_part(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin so, by the rest of their names, taken out of the others."""
    names = sorted(name for name in arrays if name.startswith(prefix))
    return {name.removeprefix(prefix): arrays.pop(name) for name in names}


def _open_model(path: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the record and the tensors of the file."""
    from safetensors import SafetensorError, safe_open

    check_header_length(path)
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            record = json_object((file.metadata() or {}).get(DESCRIPTION_KEY))
            check_format(record, MODEL_FORMAT)
            tensors = {}
            for name in file.keys():  # noqa: SIM118  the file is not a mapping
                dtype = file.get_slice(name).get_dtype()
                known = name in (*WEIGHT_NAMES, *RUN_ARRAYS) or name.startswith(PART_PREFIXES)
                if not known or dtype not in (("U64",) if name == MARKS_NAME else ("F32", "F64")):
                    raise DamagedError(
                        f"its array {checks.short_repr(name)} of type {dtype} is unknown"
                    )
                _check_shape(name, file.get_slice(name).get_shape())
                tensors[name] = file.get_tensor(name)
    except SafetensorError as error:
        raise DamagedError(f"it is damaged, or not a safetensors file ({error})") from None
    return record, tensors


def _check_shape(name: str, shape: list[int]) -> None:
    """Raise DamagedError if an array has too many axes, or is empty.

    Beside an axis of length 0 the others could have any length. The losses of a training of no steps may be empty; their
    number of networks is checked against the weights.
    """
    if len(shape) > MAX_AXES:
        raise DamagedError(f"its array '{name}' has {len(shape)} axes")
    if 0 in (shape[1:] if name in ("losses", MARKS_NAME) else shape):
        raise DamagedError(f"its array '{name}' is empty: its shape is {tuple(shape)}")


def _check_sizes(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise DamagedError if the weights or losses are so large that nothing can be computed with them."""
    largest = {
        name: float(np.abs(array).max(initial=0))
        for name, array in arrays.items()
        if not name.startswith(PART_PREFIXES)
    }
    for name in RUN_ARRAYS:
        if largest.pop(name, 0) > schema.LARGEST_NUMBER:
            raise DamagedError(f"its array '{name}' holds numbers above {schema.LARGEST_NUMBER:g}")
    limit = LARGEST_WEIGHT[arrays["w1"].dtype.name]
    product = max(largest["w1"], largest.get("b1", 0)) * largest["w2"]  # inf above 1e308
    if max(*largest.values(), product) > limit:
        raise DamagedError(
            f"its weights, or products of them, are above {limit:g}: its predictions would not be finite"
        )


def _model_params(arrays: Mapping[str, np.ndarray]) -> Params:
    """Return the weights, checked as the weights that users give."""
    extra = set(arrays) - set(WEIGHT_NAMES)
    if extra:
        raise DamagedError(f"its arrays {', '.join(sorted(extra))} are not those of weights")
    for name in ("w1", "w2"):
        if name not in arrays:
            raise DamagedError(f"its array '{name}' is missing")
    if len({array.dtype for array in arrays.values()}) > 1:
        raise DamagedError("its weights are of different types")
    params = checked_params(Params(**{name: arrays.get(name) for name in WEIGHT_NAMES}))
    _check_sizes(arrays)
    return params


def _run_history(arrays: Mapping[str, np.ndarray]) -> tuple[Params, np.ndarray, Any]:
    """Return weights, losses and final loss, whose shapes fit together."""
    params = _model_params(
        {name: array for name, array in arrays.items() if name not in RUN_ARRAYS}
    )
    shape = () if params.n_networks is None else (params.n_networks,)
    for name in RUN_ARRAYS:
        array = arrays.get(name)
        if array is None or array.dtype != np.float64 or not np.isfinite(array).all():
            raise DamagedError(f"its array '{name}' is missing or not of finite numbers")
        if array.ndim != len(shape) + (name == "losses") or array.shape[-1:] != (
            shape or array.shape[-1:]
        ):
            raise DamagedError(f"its array '{name}' has the shape {array.shape}")
    _check_sizes(arrays)
    final = arrays["final_loss"]
    return params, arrays["losses"], final if shape else float(final)


def _restored_run(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Run:
    """Return the run of these arrays and facts."""
    values = {
        name: json_entry(facts, name, JSON_TYPES[str(kind)]) for name, kind in RUN_FACTS.items()
    }
    return Run(*_run_history(arrays), **values)

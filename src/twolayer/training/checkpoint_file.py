"""A checkpoint's file: safetensors, with arrays as tensors, the rest as JSON in its `__metadata__`, and a checksum."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import FileError, InputError
from twolayer.files import (
    DamagedError,
    as_json_value,
    check_format,
    check_header_length,
    json_entry,
    json_object,
)

CHECKPOINT_FORMAT = 1
CHECKPOINT_KEY = "twolayer-checkpoint"
CHECKSUM_KEY = "checksum"
ARRAY_REFERENCE = "array #"
MAX_NESTING = 64  # of lists and dicts in each other; what is written here needs 10, and a callback may have its own
MAX_ARRAY_AXES = 32
ARRAY_TYPES = ("F64", "F32", "F16", "BOOL", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8")


def checkpoint_bytes(record: dict[str, Any]) -> bytes:
    """Return the contents of the file.

    Raises
    ------
    InputError
        If the record holds something that is neither an array nor JSON.
    """
    from safetensors.numpy import save

    arrays: list[np.ndarray] = []
    if json_depth(record) > MAX_NESTING:
        raise InputError(
            f"this training cannot be stored in a checkpoint: nested more than {MAX_NESTING} deep"
        )
    try:
        packed = as_json_value(pack_arrays(record, arrays), strict=True)
    except TypeError as error:
        raise InputError(f"this training cannot be stored in a checkpoint: {error}") from None
    text = json.dumps({"format": CHECKPOINT_FORMAT, **packed})
    tensors = {str(place): array for place, array in enumerate(arrays)}
    return save(tensors, {CHECKPOINT_KEY: text, CHECKSUM_KEY: checksum(text, tensors)})


def pack_arrays(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return the value with a number in place of each array, which is appended to the list."""
    if isinstance(value, dict):
        return {name: pack_arrays(one, arrays) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [pack_arrays(one, arrays) for one in value]
    if not isinstance(value, np.ndarray):
        return value
    transposed = value.flags.f_contiguous and not value.flags.c_contiguous
    numbers = value.T if transposed else value
    arrays.append(np.ascontiguousarray(numbers).reshape(numbers.shape))
    return {ARRAY_REFERENCE: len(arrays) - 1, "transposed": transposed}


def json_depth(value: Any) -> int:
    """Return how many lists and dicts of a value are inside each other, counted no further than MAX_NESTING + 1."""
    level, depth = [value], 0
    while level and depth <= MAX_NESTING:
        inside = [item for item in level if isinstance(item, dict | list | tuple)]
        level = [
            part for item in inside for part in (item.values() if isinstance(item, dict) else item)
        ]
        depth += bool(inside)
    return depth


def unpack_arrays(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return what was packed."""
    if isinstance(value, list):
        return [unpack_arrays(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    if ARRAY_REFERENCE in value:
        array = arrays.get(str(value[ARRAY_REFERENCE]))
        if set(value) != {ARRAY_REFERENCE, "transposed"} or array is None:
            raise DamagedError("its description names an array that is not there")
        return np.array(array.T if value["transposed"] is True else array, order="K")
    return {name: unpack_arrays(one, arrays) for name, one in value.items()}


def checksum(text: str, tensors: Mapping[str, np.ndarray]) -> str:
    """Return the checksum of everything in the file."""
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def read_checkpoint(path: Any) -> dict[str, Any]:
    """Return the record in a checkpoint.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged, or is not a checkpoint.
    """
    try:
        with damage_named(path):
            return _read_checkpoint(path)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from None


@contextmanager
def damage_named(path: Any) -> Iterator[None]:
    """Raise FileError, with the file's name, for what within it is found to be damaged."""
    try:
        yield
    except DamagedError as error:
        raise FileError(f"{path} cannot be read as a checkpoint: {error}") from error.__cause__


def _read_checkpoint(path: Any) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    check_header_length(path)
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            if CHECKPOINT_KEY not in metadata:
                raise DamagedError("it is a safetensors file, but not a checkpoint of twolayer")
            record = json_object(metadata[CHECKPOINT_KEY])
            check_format(record, CHECKPOINT_FORMAT)
            tensors = {}
            for name in file.keys():  # noqa: SIM118  the file is not a mapping
                kind, shape = file.get_slice(name).get_dtype(), file.get_slice(name).get_shape()
                if kind not in ARRAY_TYPES or len(shape) > MAX_ARRAY_AXES:
                    raise DamagedError(f"its array {checks.short_repr(name)} is unknown")
                tensors[name] = file.get_tensor(name)
    except SafetensorError as error:
        raise DamagedError(f"it is damaged, or not a safetensors file ({error})") from None
    if checksum(metadata[CHECKPOINT_KEY], tensors) != metadata.get(CHECKSUM_KEY):
        raise DamagedError("it is damaged: its checksum is not that of its contents")
    json_entry(record, "calls", list)
    if json_depth(record) > MAX_NESTING:
        raise DamagedError(f"its description is nested more than {MAX_NESTING} deep")
    return unpack_arrays(record, tensors)

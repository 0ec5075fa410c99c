"""A checkpoint's file: safetensors, with arrays as tensors, the rest as JSON in its `__metadata__`, and a checksum."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

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


def checkpoint_bytes(record: dict[str, Any]) -> bytes:
    """Return the contents of the file.

    Raises
    ------
    InputError
        If the record holds something that is neither an array nor JSON.
    """
    from safetensors.numpy import save

    arrays: list[np.ndarray] = []
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


def unpack_arrays(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return what was packed."""
    if isinstance(value, list):
        return [unpack_arrays(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    if ARRAY_REFERENCE in value:
        array = np.array(arrays[str(value[ARRAY_REFERENCE])])
        return array.T if value["transposed"] else array
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
                raise DamagedError("it is a safetensors file, but not a checkpoint of twolayer")
            record = json_object(metadata[CHECKPOINT_KEY])
            check_format(record, CHECKPOINT_FORMAT)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise DamagedError(f"it is damaged, or not a safetensors file ({error})") from None
    if checksum(metadata[CHECKPOINT_KEY], tensors) != metadata.get(CHECKSUM_KEY):
        raise DamagedError("it is damaged: its checksum is not that of its contents")
    json_entry(record, "calls", list)
    return unpack_arrays(record, tensors)

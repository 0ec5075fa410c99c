"""The arrays of a script: NumPy's and torch's seen as NumPy's, and all that are reachable from its variables."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

MAX_SIZE = 4_000_000  # entries of an array that is followed
_MAX_ENTRIES, _MAX_DEPTH, _MAX_ARRAYS = 60, 4, 400


def is_tensor(value: Any) -> bool:
    """Return whether the value is a tensor of torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def as_array(value: Any) -> np.ndarray | None:
    """Return a number, array or tensor as an array, which shares its memory where it can; None for all else."""
    if isinstance(value, np.ndarray):
        array = np.asarray(value)
    elif isinstance(value, (bool, int, float, np.generic)):
        try:
            array = np.asarray(value)
        except OverflowError:
            return None
    elif is_tensor(value):
        try:
            array = value.detach().numpy()
        except (RuntimeError, TypeError, ValueError):
            return None
    else:
        return None
    return array if array.dtype.kind in "fiub" and array.size <= MAX_SIZE else None


def is_float(array: np.ndarray | None) -> bool:
    """Return whether it is an array of floating point numbers."""
    return array is not None and array.dtype.kind == "f"


def reachable_arrays(names: dict[str, Any]) -> Iterator[tuple[str, Any, np.ndarray]]:
    """Yield (path, object, array) for arrays and numbers that variables hold, also in lists, dicts and own objects."""
    seen: set[int] = set()
    ahead: list[tuple[str, Any, int]] = [
        (name, value, 0) for name, value in reversed(list(names.items())) if name[:2] != "__"
    ]
    count = 0
    while ahead and count < _MAX_ARRAYS:
        path, value, depth = ahead.pop()
        array = as_array(value)
        if array is not None:
            count += 1
            yield path, value, array
            gradient = value.grad if is_tensor(value) and value.is_leaf else None
            if gradient is not None:
                yield f"{path}.grad", gradient, as_array(gradient)  # type: ignore[misc]
        elif depth < _MAX_DEPTH and id(value) not in seen:
            inner = list(members(path, value))
            if inner:
                seen.add(id(value))
            ahead += [(name, one, depth + 1) for name, one in reversed(inner)]


def members(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a list, dict, module of torch or object of the script's own classes holds."""
    torch = sys.modules.get("torch")
    if isinstance(value, dict):
        if len(value) <= _MAX_ENTRIES:
            yield from ((f"{path}[{key!r}]", one) for key, one in list(value.items()))
    elif isinstance(value, (list, tuple)):
        if len(value) <= _MAX_ENTRIES:
            yield from ((f"{path}[{k}]", one) for k, one in enumerate(value))
    elif torch is not None and isinstance(value, torch.nn.Module):
        yield from ((f"{path}.{name}", one) for name, one in value.named_parameters())
    elif getattr(type(value), "__module__", "") == "__main__" and hasattr(value, "__dict__"):
        yield from ((f"{path}.{name}", one) for name, one in list(vars(value).items()))

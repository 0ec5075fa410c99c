"""What a model file's text must be: entries of the right type, or the file is damaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twolayer import checks


class DamagedError(Exception):
    """Something in a model file is not as it was written."""


def part(record: Mapping[str, Any], name: str, kind: Any) -> Any:
    """An entry of the file's text, of the right type."""
    value = record.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise DamagedError(f"its entry '{name}' is {checks.shown(value)}")
    return value


def strings(values: Any, count: int, what: str) -> list[str]:
    """A list of that many different texts."""
    if (
        not isinstance(values, list)
        or not all(isinstance(value, str) for value in values)
        or len(set(values)) != len(values)
        or len(values) != count
    ):
        raise DamagedError(f"its {what} are not {count} different names")
    return values

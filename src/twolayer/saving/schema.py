"""The schema of a model file's JSON, checked when a file is read, and before one is written.

All of it has a small depth, finite numbers whose squares are finite, and text without control characters (which a terminal
would obey). The entries of `about` that the commands rely on, each of which may be missing or null:

    target                           a name, or a list of them
    table, task, groups, time, weights
                                     text
    rows                             {train, test}, whole numbers
    test_size, seed                  a share of the rows; a whole number below 2³²
    scores                           model -> score -> number
    training                         {spreads, clipped_spreads, ranges {low, high, and numbers of TrainingRange},
                                      idle_units, course {steps, gradient_norms, update_sizes}}

Other entries are not checked further.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twolayer import checks
from twolayer.files import DamagedError
from twolayer.text import has_control_characters

LARGEST_NUMBER = 1e150  # its square is finite
MAX_DEPTH = 16  # of lists in lists; what is written here needs 6
MAX_SEED = 2**32 - 1


class SchemaError(Exception):
    """A value does not fit the schema; the message is the end of a sentence."""


Check = Callable[[Any], None]  # raises SchemaError if a value does not fit


def check_description(facts: Mapping[str, Any], about: Mapping[str, Any], n_inputs: int) -> None:
    """Raise DamagedError if an entry of `facts` or `about` does not fit the schema; the message names the entry."""
    for name, value in (*facts.items(), *about.items()):
        _check_entry(name, _check_plain_json, {name: value})
    for name, check in ENTRY_CHECKS.items():
        if about.get(name) is not None:
            _check_entry(name, check, about[name])
    training = about.get("training") or {}
    for name in ("spreads", "clipped_spreads"):
        if training.get(name) is not None and len(training[name]) != n_inputs:
            raise DamagedError(
                f"its description of 'training' is damaged: {len(training[name])} {name} for {n_inputs} inputs"
            )
    ranges = training.get("ranges") or {"low": [], "high": []}
    if not len(ranges["low"]) == len(ranges["high"]) == (n_inputs if training.get("ranges") else 0):
        raise DamagedError(
            f"its description of 'training' is damaged: its ranges are not those of {n_inputs} inputs"
        )


def _check_entry(name: str, check: Check, value: Any) -> None:
    """Raise DamagedError, with the name of the entry, if its value does not fit."""
    try:
        check(value)
    except SchemaError as error:
        raise DamagedError(
            f"its description of {checks.short_repr(name)} is damaged: {error}"
        ) from None


def _check_plain_json(value: Any) -> None:
    """Raise SchemaError if JSON is too deep, or has a number that is not finite, or text with control characters."""
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_characters(item, "\t\r\n")
            elif isinstance(item, dict):
                deeper += [*item, *item.values()]
            elif isinstance(item, list):
                deeper += item
            elif item is not None and not isinstance(item, bool):
                _check_number(item)
        if not deeper:
            return
        level = deeper
    raise SchemaError(f"it is nested more than {MAX_DEPTH} deep")


def _check_characters(text: str, allowed: str) -> None:
    """Raise SchemaError if a text has control characters other than the allowed ones."""
    if has_control_characters(text, allowed):
        raise SchemaError(f"{checks.short_repr(text)} holds a control character")


def _require(fits: bool, value: Any, expected: str) -> None:
    """Raise SchemaError, with the value and what was expected, if it does not fit."""
    if not fits:
        raise SchemaError(f"{checks.short_repr(value)} is not {expected}")


def _check_number(value: Any) -> None:
    """Raise SchemaError if a value is not a number of at most LARGEST_NUMBER."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = is_number and abs(value) <= LARGEST_NUMBER  # false for NaN
    _require(fits, value, f"a finite number of at most {LARGEST_NUMBER:g}")


def _check_size(value: Any) -> None:
    """Raise SchemaError if a value is not a number of at least 0."""
    _check_number(value)
    _require(value >= 0, value, "at least 0")


def _check_share(value: Any) -> None:
    """Raise SchemaError if a value is not a number between 0 and 1."""
    _check_number(value)
    _require(0 < value < 1, value, "between 0 and 1")


def _check_whole(value: Any, at_most: float = LARGEST_NUMBER) -> None:
    """Raise SchemaError if a value is not a whole number from 0 to `at_most`."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    _require(is_whole and 0 <= value <= at_most, value, f"a whole number from 0 to {at_most:g}")


def _check_text(value: Any) -> None:
    """Raise SchemaError if a value is not text without control characters."""
    _require(isinstance(value, str), value, "text")
    _check_characters(value, "")


def _check_target(value: Any) -> None:
    """Raise SchemaError if a value is not a name, or a list of different names."""
    if isinstance(value, str):
        _check_text(value)
    else:
        _list_of(_check_text)(value)
        _require(0 < len(value) == len(set(value)), value, "a list of different names")


def _check_history(value: Any) -> None:
    """Raise SchemaError if a value does not have, per step, one gradient norm and one update size per network (or null)."""
    sizes = _list_of(_list_of(_nullable(_check_size)))
    _fields(steps=_list_of(_check_whole), gradient_norms=sizes, update_sizes=sizes)(value)
    for name in ("gradient_norms", "update_sizes"):
        if len(value[name]) != len(value["steps"]):
            raise SchemaError(f"{len(value[name])} {name} for {len(value['steps'])} steps")
    if len({len(row) for row in value["gradient_norms"] + value["update_sizes"]}) > 1:
        raise SchemaError("not every step of its training history has the same number of networks")


def _nullable(check: Check) -> Check:
    """Return the check of a value that may be null."""
    return lambda value: None if value is None else check(value)


def _list_of(check: Check) -> Check:
    """Return the check of a list, from the check of its items."""

    def check_list(value: Any) -> None:
        _require(isinstance(value, list), value, "a list")
        for item in value:
            check(item)

    return check_list


def _mapping(check: Check) -> Check:
    """Return the check of a mapping from names, from the check of its values."""

    def check_mapping(value: Any) -> None:
        _require(isinstance(value, dict), value, "a set of names with values")
        for name, item in value.items():
            _check_text(name)
            check(item)

    return check_mapping


def _fields(**fields: Check) -> Check:
    """Return the check of a mapping, from the checks of the fields that it must have."""

    def check_fields(value: Any) -> None:
        _mapping(lambda item: None)(value)
        for name, check in fields.items():
            check(value.get(name))

    return check_fields


ENTRY_CHECKS: dict[str, Check] = {
    "target": _check_target,
    "table": _check_text,
    "task": _check_text,
    "groups": _check_text,
    "time": _check_text,
    "weights": _check_text,
    "rows": _fields(train=_check_whole, test=_check_whole),
    "test_size": _check_share,
    "seed": lambda value: _check_whole(value, MAX_SEED),
    "scores": _mapping(_mapping(_check_number)),
    "training": _fields(
        spreads=_nullable(_list_of(_check_size)),
        clipped_spreads=_nullable(_list_of(_check_size)),
        ranges=_nullable(
            _fields(
                low=_list_of(_check_number),
                high=_list_of(_check_number),
                usual_excess=_nullable(_check_size),
                largest_distance=_nullable(_check_size),
                lowest_mean=_nullable(_check_number),
                highest_mean=_nullable(_check_number),
            )
        ),
        idle_units=_nullable(_list_of(_check_whole)),
        course=_nullable(_check_history),
    ),
}

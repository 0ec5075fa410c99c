"""What a model file says in words and numbers, checked once: where a file is read, and before one is written.

Everything is plain JSON of small depth, finite numbers of a size that can be squared, text without control characters (a
terminal would obey them). The entries of `about` that the commands rely on, each of which may be missing or null:

    target                           a name, or a list of them
    table, task, groups, time, weights
                                     text
    rows                             {train, test}, whole numbers
    test_size, seed                  a share of the rows; a whole number below 2³²
    scores                           model -> score -> number
    training                         {spreads, idle_units, course {steps, gradient_norms, update_sizes}}

What else is there is left alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from twolayer import checks
from twolayer.files import DamagedError

LARGEST_WHOLE = 1e150  # its square is still a number
MAX_DEPTH = 16  # lists in lists; what is written here needs 6
MAX_SEED = 2**32 - 1


class SchemaError(Exception):
    """What is wrong with an entry, for the end of a sentence."""


def check_description(facts: Mapping[str, Any], about: Mapping[str, Any], n_inputs: int) -> None:
    """Raise if something in the file's text cannot be, naming the entry.

    Raises
    ------
    DamagedError
    """
    for name, value in (*facts.items(), *about.items()):
        _check_named(name, _check_plain_json, {name: value})
    for name, test in ENTRY_CHECKS.items():
        if about.get(name) is not None:
            _check_named(name, test, about[name])
    training = about.get("training") or {}
    if training.get("spreads") is not None and len(training["spreads"]) != n_inputs:
        raise DamagedError(
            f"its description of 'training' is damaged: {len(training['spreads'])} spreads for {n_inputs} inputs"
        )


def _check_named(name: str, test: Callable[[Any], None], value: Any) -> None:
    try:
        test(value)
    except SchemaError as wrong:
        raise DamagedError(
            f"its description of {checks.short_repr(name)} is damaged: {wrong}"
        ) from None


def _check_plain_json(value: Any) -> None:
    """JSON that is not deep, its numbers finite, its text printable but for the ends of lines."""
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for one in level:
            if isinstance(one, str):
                _check_text(one, lines=True)
            elif isinstance(one, dict):
                deeper += [*one, *one.values()]
            elif isinstance(one, list):
                deeper += one
            elif isinstance(one, int | float):
                _check_number(one)
        if not deeper:
            return
        level = deeper
    raise SchemaError(f"it is nested more than {MAX_DEPTH} deep")


def _wrong_entry(value: Any, wanted: str) -> SchemaError:
    return SchemaError(f"{checks.short_repr(value)} is not {wanted}")


def _check_number(value: Any) -> None:
    if not isinstance(value, int | float) or not abs(value) <= LARGEST_WHOLE:  # NaN is not, either
        raise _wrong_entry(value, f"a finite number of at most {LARGEST_WHOLE:g}")


def _check_size(value: Any) -> None:
    """A number that is not negative."""
    _check_number(value)
    if value < 0:
        raise _wrong_entry(value, "at least 0")


def _check_whole(value: Any, at_most: float = LARGEST_WHOLE) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= at_most:
        raise _wrong_entry(value, f"a whole number from 0 to {at_most:g}")


def _check_text(value: Any, lines: bool = False) -> None:
    """Text without control characters."""
    if not isinstance(value, str):
        raise _wrong_entry(value, "text")
    if has_control_characters(value, "\t\r\n" if lines else ""):
        raise SchemaError(f"{checks.short_repr(value)} holds a control character")


def has_control_characters(text: str, but_for: str = "\t\r\n") -> bool:
    """Whether there are control characters in it, but for these."""
    if text.isprintable():  # quick, and says yes to nearly all
        return False
    return any(unicodedata.category(one) == "Cc" and one not in but_for for one in text)


def _check_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong_entry(value, "a list")
    return value


def _check_names(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong_entry(value, "a set of names with values")
    for name in value:
        _check_text(name)
    return value


def _check_target(value: Any) -> None:
    if isinstance(value, str):
        _check_text(value)
        return
    for name in _check_list(value):
        _check_text(name)
    if not value or len(set(value)) != len(value):
        raise _wrong_entry(value, "a list of different names")


def _check_rows(value: Any) -> None:
    rows = _check_names(value)
    for part in ("train", "test"):
        _check_whole(rows.get(part))


def _check_share(value: Any) -> None:
    _check_number(value)
    if not 0 < value < 1:
        raise _wrong_entry(value, "between 0 and 1")


def _check_seed(value: Any) -> None:
    _check_whole(value, MAX_SEED)


def _check_scores(value: Any) -> None:
    for scores in _check_names(value).values():
        for score in _check_names(scores).values():
            _check_number(score)
            if isinstance(score, bool):
                raise _wrong_entry(score, "a number")


def _check_training(value: Any) -> None:
    training = _check_names(value)
    for name, test in (("spreads", _check_size), ("idle_units", _check_whole)):
        for one in [] if training.get(name) is None else _check_list(training[name]):
            test(one)
    if training.get("course") is not None:
        _check_history(training["course"])


def _check_history(value: Any) -> None:
    """Steps, and for each the lengths of the networks' gradients and movements, null where nothing was seen."""
    course = _check_names(value)
    steps = _check_list(course.get("steps"))
    for step in steps:
        _check_whole(step)
    widths = set()
    for name in ("gradient_norms", "update_sizes"):
        rows = _check_list(course.get(name))
        if len(rows) != len(steps):
            raise SchemaError(f"{len(rows)} {name} for {len(steps)} steps")
        for row in rows:
            widths.add(len(_check_list(row)))
            for one in row:
                if one is not None:
                    _check_size(one)
    if len(widths) > 1:
        raise SchemaError("its course is not of as many networks at every step")


ENTRY_CHECKS: dict[str, Callable[[Any], None]] = {
    "target": _check_target,
    "table": _check_text,
    "task": _check_text,
    "groups": _check_text,
    "time": _check_text,
    "weights": _check_text,
    "rows": _check_rows,
    "test_size": _check_share,
    "seed": _check_seed,
    "scores": _check_scores,
    "training": _check_training,
}

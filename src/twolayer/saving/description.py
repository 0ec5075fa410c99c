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

LARGEST = 1e150  # its square is still a number
DEEPEST = 16  # lists in lists; what is written here needs 6
LARGEST_SEED = 2**32 - 1


class WrongError(Exception):
    """What is wrong with an entry, for the end of a sentence."""


def check(facts: Mapping[str, Any], about: Mapping[str, Any], n_inputs: int) -> None:
    """Raise if something in the file's text cannot be, naming the entry.

    Raises
    ------
    DamagedError
    """
    for name, value in (*facts.items(), *about.items()):
        _named(name, _plain, {name: value})
    for name, test in ENTRIES.items():
        if about.get(name) is not None:
            _named(name, test, about[name])
    training = about.get("training") or {}
    if training.get("spreads") is not None and len(training["spreads"]) != n_inputs:
        raise DamagedError(
            f"its description of 'training' is damaged: {len(training['spreads'])} spreads for {n_inputs} inputs"
        )


def _named(name: str, test: Callable[[Any], None], value: Any) -> None:
    try:
        test(value)
    except WrongError as wrong:
        raise DamagedError(f"its description of {checks.shown(name)} is damaged: {wrong}") from None


def _plain(value: Any) -> None:
    """JSON that is not deep, its numbers finite, its text printable but for the ends of lines."""
    level = [value]
    for _ in range(DEEPEST):
        deeper: list[Any] = []
        for one in level:
            if isinstance(one, str):
                _text(one, lines=True)
            elif isinstance(one, dict):
                deeper += [*one, *one.values()]
            elif isinstance(one, list):
                deeper += one
            elif isinstance(one, int | float):
                _number(one)
        if not deeper:
            return
        level = deeper
    raise WrongError(f"it is nested more than {DEEPEST} deep")


def _wrong(value: Any, wanted: str) -> WrongError:
    return WrongError(f"{checks.shown(value)} is not {wanted}")


def _number(value: Any) -> None:
    if not isinstance(value, int | float) or not abs(value) <= LARGEST:  # NaN is not, either
        raise _wrong(value, f"a finite number of at most {LARGEST:g}")


def _size(value: Any) -> None:
    """A number that is not negative."""
    _number(value)
    if value < 0:
        raise _wrong(value, "at least 0")


def _whole(value: Any, at_most: float = LARGEST) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= at_most:
        raise _wrong(value, f"a whole number from 0 to {at_most:g}")


def _text(value: Any, lines: bool = False) -> None:
    """Text without control characters."""
    if not isinstance(value, str):
        raise _wrong(value, "text")
    if steers_a_terminal(value, "\t\r\n" if lines else ""):
        raise WrongError(f"{checks.shown(value)} holds a control character")


def steers_a_terminal(text: str, but_for: str = "\t\r\n") -> bool:
    """Whether there are control characters in it, but for these."""
    if text.isprintable():  # quick, and says yes to nearly all
        return False
    return any(unicodedata.category(one) == "Cc" and one not in but_for for one in text)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(value, "a list")
    return value


def _names(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(value, "a set of names with values")
    for name in value:
        _text(name)
    return value


def _target(value: Any) -> None:
    if isinstance(value, str):
        _text(value)
        return
    for name in _list(value):
        _text(name)
    if not value or len(set(value)) != len(value):
        raise _wrong(value, "a list of different names")


def _rows(value: Any) -> None:
    rows = _names(value)
    for part in ("train", "test"):
        _whole(rows.get(part))


def _share(value: Any) -> None:
    _number(value)
    if not 0 < value < 1:
        raise _wrong(value, "between 0 and 1")


def _seed(value: Any) -> None:
    _whole(value, LARGEST_SEED)


def _scores(value: Any) -> None:
    for scores in _names(value).values():
        for score in _names(scores).values():
            _number(score)
            if isinstance(score, bool):
                raise _wrong(score, "a number")


def _training(value: Any) -> None:
    training = _names(value)
    for name, test in (("spreads", _size), ("idle_units", _whole)):
        for one in [] if training.get(name) is None else _list(training[name]):
            test(one)
    if training.get("course") is not None:
        _course(training["course"])


def _course(value: Any) -> None:
    """Steps, and for each the lengths of the networks' gradients and movements, null where nothing was seen."""
    course = _names(value)
    steps = _list(course.get("steps"))
    for step in steps:
        _whole(step)
    widths = set()
    for name in ("gradient_norms", "update_sizes"):
        rows = _list(course.get(name))
        if len(rows) != len(steps):
            raise WrongError(f"{len(rows)} {name} for {len(steps)} steps")
        for row in rows:
            widths.add(len(_list(row)))
            for one in row:
                if one is not None:
                    _size(one)
    if len(widths) > 1:
        raise WrongError("its course is not of as many networks at every step")


ENTRIES: dict[str, Callable[[Any], None]] = {
    "target": _target,
    "table": _text,
    "task": _text,
    "groups": _text,
    "time": _text,
    "weights": _text,
    "rows": _rows,
    "test_size": _share,
    "seed": _seed,
    "scores": _scores,
    "training": _training,
}

"""Tables from files: a CSV with a header becomes names and numbers, and what cannot be one is told by line and column.

Blocks of lines that hold nothing but numbers (and the columns kept as text) go through `numpy.loadtxt`; from the first block
that does not, the standard library's `csv` takes over, which knows the line of everything.

A field that is not a number is no error by itself: only a column that is asked for must hold numbers.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import FileError, InputError

MISSING = {"", "na", "n/a", "nan", "null"}  # fields, in lower case, that stand for no value
DELIMITERS = ",;\t"
TASKS = ("auto", "classification", "regression")
QUOTING: dict[str, Any] = {"skipinitialspace": True, "strict": True}
CHARACTERS_AT_ONCE = 1 << 20
MOST_CLASSES_GUESSED = 20
EXACT_WHOLE = 2.0**53  # below it every whole number is a float


@dataclass(frozen=True)
class Place:
    """A field that is not a number: the line it stands in, and what it says."""

    line: int
    text: str

    @property
    def missing(self) -> bool:
        return self.text.lower() in MISSING


@dataclass(frozen=True, eq=False)
class Table:
    """What a file holds.

    Attributes
    ----------
    path : str
    names : list of str
        The columns, from the header.
    numbers : ndarray of float64, shape (n_rows, n_columns)
        NaN where a field is not a number.
    texts : dict
        The fields, as they stand, of the columns that were to be kept as text.
    lines : ndarray of int, shape (n_rows,)
        The line of the file in which each row begins.
    places : dict
        For each column that holds more than numbers: the first missing field and the first that is text.
    """

    path: str
    names: list[str]
    numbers: np.ndarray
    texts: dict[str, list[str]]
    lines: np.ndarray
    places: dict[str, list[Place]] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        return len(self.lines)

    def inputs(self, names: Sequence[str]) -> np.ndarray:
        """These columns, in this order, all of them finite numbers.

        Raises
        ------
        InputError
            If one of them holds text, or a value that is missing or not finite; it names the column and the line.
        """
        self._refuse_text(names)
        index = {name: j for j, name in enumerate(self.names)}
        x = self.numbers[:, [index[name] for name in names]]
        self._refuse_gaps(x, names)
        return x

    def _refuse_text(self, names: Sequence[str]) -> None:
        found = {
            name: place
            for name in names
            for place in self.places.get(name, [])
            if not place.missing
        }
        if not found:
            return
        name, place = next(iter(found.items()))
        more = f" (and {listed(list(found)[1:])})" if len(found) > 1 else ""
        hint = "encode it as numbers or leave that column out"
        if place.text.count(",") == 1 and place.text.replace(",", "").lstrip("+-").isdigit():
            hint = "write decimals with a point"
        raise InputError(
            f"{self.path}: column '{name}'{more} holds text, for example {place.text!r} in line "
            f"{place.line}, where numbers are due: {hint}"
        )

    def _refuse_gaps(self, x: np.ndarray, names: Sequence[str]) -> None:
        bad = ~np.isfinite(x)
        if not bad.any():
            return
        row, column = (int(i) for i in np.argwhere(bad)[0])
        value = x[row, column]
        what = "no value" if np.isnan(value) else f"{value}, which is not a finite number,"
        count = int(bad.sum())
        others = f" ({count} such fields in all, in {listed(named(names, bad))})" * (count > 1)
        raise InputError(
            f"{self.path}: line {self.lines[row]} has {what} in column '{names[column]}'{others}: "
            "fill it in, or leave out that row or column"
        )


def named(names: Sequence[str], bad: np.ndarray) -> list[str]:
    """The names of the columns in which anything is bad."""
    return [names[j] for j in np.flatnonzero(bad.any(0)).tolist()]


def listed(names: Sequence[str], most: int = 5) -> str:
    """`'a', 'b' and 7 more`."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def read(path: str | Path, text: Iterable[str] = ()) -> Table:
    """Read a CSV file with a header line, separated by commas, semicolons or tabs.

    Parameters
    ----------
    path : str or Path
    text : names
        Columns to keep as text too. They must be there.

    Returns
    -------
    Table

    Raises
    ------
    FileError
        If the file cannot be read, or is not a table with a header and rows of one length.
    InputError
        If a column of `text` is not there.
    """
    path = str(path)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return _read(path, file, list(text))
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} is not text in UTF-8 (byte {error.start} of a block cannot be read): "
            "save it as CSV in UTF-8"
        ) from None
    except csv.Error as error:
        raise FileError(f"{path} is not a CSV file that can be read: {error}") from None
    except FileNotFoundError:
        beside = [p.name for p in Path(path).parent.glob("*") if p.is_file()]
        raise FileError(
            f"there is no file {path}{checks.nearest(Path(path).name, beside)}"
        ) from None
    except IsADirectoryError:
        raise FileError(f"{path} is a folder, not a CSV file") from None
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from None


def _read(path: str, file: Any, text: list[str]) -> Table:
    first = file.readline()
    file.seek(0)
    delimiter = max(DELIMITERS, key=first.count)  # the comma if none of them is there
    records = csv.reader(file, delimiter=delimiter, **QUOTING)
    names = _header(path, records)
    for name in text:
        if name not in names:
            raise InputError(absent(path, name, names))
    rows = Rows(path, names, text, delimiter)
    line = records.line_num + 1
    while block := file.readlines(CHARACTERS_AT_ONCE):
        if not rows.take_numbers(block, line):
            rows.take_anything(chain(block, file), line)
        line += len(block)
    if not rows.lines:
        raise FileError(f"{path} has a header but no rows")
    numbers = np.frombuffer(rows.values).reshape(len(rows.lines), len(names))
    return Table(path, names, numbers, rows.texts, np.array(rows.lines), rows.places)


def _header(path: str, records: Iterator[list[str]]) -> list[str]:
    names: list[str] = next((record for record in records if record), [])
    names = [name.strip() for name in names]
    if not names:
        raise FileError(f"{path} is empty: the first line must name the columns")
    for j, name in enumerate(names):
        if not name:
            hint = " (pandas: to_csv(..., index=False) leaves its index out)" if j == 0 else ""
            raise FileError(
                f"{path}: column {j + 1} has no name in the header: give it one, or leave it out{hint}"
            )
    seen: dict[str, int] = {}
    for j, name in enumerate(names):
        if name in seen:
            raise FileError(
                f"{path}: columns {seen[name] + 1} and {j + 1} are both named '{name}': "
                "give every column its own name"
            )
        seen[name] = j
    return names


def absent(path: str, name: str, names: Sequence[str]) -> str:
    """Say that the column is not there, with the nearest name."""
    hint = checks.nearest(name, names) or f": the columns are {listed(names)}"
    if all(number(given) is not None for given in names):
        hint = ": the first line holds numbers only, is the header missing?"
    return f"{path} has no column '{name}'{hint}"


class Rows:
    """Turns lines into rows of numbers, NaN where there is none, and remembers what was none and where."""

    def __init__(self, path: str, names: list[str], text: list[str], delimiter: str) -> None:
        self.path, self.names, self.delimiter = path, names, delimiter
        self.values, self.lines = array("d"), array("q")
        self.texts: dict[str, list[str]] = {name: [] for name in text}
        self.places: dict[str, list[Place]] = {}

    def take_numbers(self, block: list[str], line: int) -> bool:
        """Take a block of lines, which begins at this line of the file, the fast way; False if it needs the other."""
        if any('"' in text for text in block) or not any(text.strip() for text in block):
            return False
        trial = Rows(self.path, self.names, list(self.texts), self.delimiter)
        keep: dict[int | str, Callable[[str], float]] = {
            self.names.index(name): partial(trial._keep, column, name, line)
            for name, column in trial.texts.items()
        }
        try:
            numbers = np.loadtxt(
                block, delimiter=self.delimiter, comments=None, converters=keep, ndmin=2
            )
        except ValueError:
            return False
        if numbers.shape != (len(block), len(self.names)):
            return False
        self.values.frombytes(numbers.tobytes())
        self.lines.extend(range(line, line + len(block)))
        for name, column in self.texts.items():
            column.extend(trial.texts[name])
        for name, places in trial.places.items():
            for place in places:
                self._remember(place, name)
        return True

    def _keep(self, column: list[str], name: str, line: int, text: str) -> float:
        column.append(text.strip())
        return self._number(text, name, line + len(column) - 1)

    def take_anything(self, lines: Iterable[str], line: int) -> None:
        """Take lines, from this line of the file on, record by record."""
        records = csv.reader(lines, delimiter=self.delimiter, **QUOTING)
        start = line
        for record in records:
            if len(record) > 1 or "".join(record).strip():  # not a blank line
                self._take(record, start)
            start = line + records.line_num

    def _take(self, record: list[str], line: int) -> None:
        if len(record) != len(self.names):
            raise FileError(
                f"{self.path}: line {line} has {len(record)} field{'s' * (len(record) != 1)}, but the header names "
                f"{len(self.names)} columns: look there for a comma too many or too few, "
                "or a text with commas that needs quotes"
            )
        for name, column in self.texts.items():
            column.append(record[self.names.index(name)].strip())
        pairs = zip(record, self.names, strict=True)
        self.values.extend([self._number(text, name, line) for text, name in pairs])
        self.lines.append(line)

    def _number(self, text: str, name: str, line: int) -> float:
        value = number(text)
        if value is not None:
            return value
        self._remember(Place(line, text.strip()), name)
        return float("nan")

    def _remember(self, place: Place, name: str) -> None:
        known = self.places.setdefault(name, [])
        if all(place.missing != other.missing for other in known):
            known.append(place)


def number(text: str) -> float | None:
    """The number that the field says; None if it says none."""
    try:
        return None if "_" in text else float(text)  # float() would read 1_2 as 12
    except ValueError:
        return None


@dataclass(frozen=True, eq=False)
class Target:
    """The column to be learned.

    Attributes
    ----------
    name : str
    task : {"classification", "regression"}
    values : ndarray, shape (n_rows,)
        Classes (text, or whole numbers), or numbers.
    why : str
        What was seen in the column, in a few words.
    """

    name: str
    task: str
    values: np.ndarray
    why: str


def target(table: Table, name: str, task: str = "auto") -> Target:
    """The target column, which was read with `text=[name]`, and what kind of task it poses.

    Text poses a classification, and so do a few different whole numbers; anything else a regression.

    Raises
    ------
    InputError
        If a value is missing, there is nothing to learn, or the column does not fit the task that was asked for.
    """
    if task not in TASKS:
        raise InputError(
            f"there is no task {task!r}: choose one of {', '.join(TASKS)}{checks.nearest(task, TASKS)}"
        )
    words = table.texts[name]
    for line, word in zip(table.lines, words, strict=True):
        if word.lower() in MISSING:
            raise InputError(
                f"{table.path}: line {line} has no value in column '{name}', which is the target: "
                "fill it in or leave out that row"
            )
    if task == "regression":
        values = table.inputs([name])[:, 0]
        return Target(name, task, values, "numbers")
    return _classes(table, name, words, task)


def _classes(table: Table, name: str, words: list[str], task: str) -> Target:
    if name in table.places:
        values, why = np.array(words), "text"
    else:
        numbers = table.inputs([name])[:, 0]
        whole = bool((numbers == np.floor(numbers)).all() and abs(numbers).max() < EXACT_WHOLE)
        distinct = len(np.unique(numbers))
        few = distinct <= max(2, min(MOST_CLASSES_GUESSED, len(numbers) // 10))
        if task == "auto" and not (whole and few):
            why = "whole numbers of many values" if whole else "numbers"
            return Target(name, "regression", numbers, why)
        values = numbers.astype(np.int64) if whole else np.array(words)
        why = f"{distinct} different {'whole numbers' if whole else 'numbers'}"
    if len(np.unique(values)) < 2:
        raise InputError(
            f"{table.path}: column '{name}' says {words[0]!r} in every row: two classes are needed"
        )
    return Target(name, "classification", values, why)

"""A table in memory: names and numbers, the texts of the columns that hold text, and where in the file each row stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.text import first_names

MISSING_WORDS = {"", "na", "n/a", "nan", "null", "?", ".", "#n/a"}  # in lower case: no value
NUMBERS_PER_SLICE = 1 << 20  # in a block of rows of a stored array or data frame
DETECTION_LIMIT = re.compile(r"[<>≤≥]=? *[\d.,]+ *%?")  # beyond what could be measured
LARGEST_INPUT = 1e100  # of a number: squares of larger ones, summed, pass what a float can hold
LARGEST_EXACT_WHOLE = 2.0**53  # below it every whole number is a float


@dataclass(frozen=True, eq=False)
class Table:
    """What a file, or a block of its rows, holds.

    Attributes
    ----------
    path : str
    names : list of str
        The columns.
    numbers : ndarray or SciPy CSR array of float64, shape (n_rows, n_columns)
        NaN where a field is not a number.
    texts : dict
        The fields, as they stand, of the columns that hold text, and of those that were to be kept as text.
    lines : ndarray of int, shape (n_rows,), or None
        The line of the file in which each row begins; None where the file has no lines.
    id : str or None
        The column that names the rows, if it is known.
    places : ndarray of int, shape (n_rows,), or None
        Which rows of the file these are, counted from 0; None for all of them.
    note : str
        What of the file was read, if it holds more than this table; in a sentence.
    delimiter : str or None
        What separates the fields of a text file.
    """

    path: str
    names: list[str]
    numbers: Any
    texts: dict[str, list[str]] = field(default_factory=dict)
    lines: np.ndarray | None = None
    id: str | None = None
    places: np.ndarray | None = None
    note: str = ""
    delimiter: str | None = None

    @property
    def n_rows(self) -> int:
        return int(self.numbers.shape[0])

    @property
    def sparse(self) -> bool:
        return checks.is_sparse(self.numbers)

    def index(self) -> dict[str, int]:
        """The place of each column."""
        return {name: j for j, name in enumerate(self.names)}

    def where(self, row: int) -> str:
        """How to find a row, in words."""
        if self.lines is not None:
            return f"line {self.lines[row]}"
        if self.id is not None:
            return f"row '{self.words(self.id)[row]}'"
        return f"row {(row if self.places is None else self.places[row]) + 1}"

    def words(self, name: str) -> list[str]:
        """The fields of a column as text."""
        if name in self.texts:
            return self.texts[name]
        return [number_text(value) for value in self.column(name).tolist()]

    def column(self, name: str) -> np.ndarray:
        """The numbers of one column, shape (n_rows,)."""
        j = self.names.index(name)
        return self.numbers[:, [j]].toarray()[:, 0] if self.sparse else self.numbers[:, j]

    def columns(self, names: Sequence[str]) -> Any:
        """The numbers of these columns, in this order; the table's own array if these are all of them."""
        if list(names) == self.names:
            return self.numbers
        index = self.index()
        return self.numbers[:, [index[name] for name in names]]

    def rows(self, rows: np.ndarray) -> Table:
        """Some of the rows, in this order."""
        return replace(
            self,
            numbers=self.numbers[rows],
            texts={name: [words[i] for i in rows] for name, words in self.texts.items()},
            lines=None if self.lines is None else self.lines[rows],
            places=rows if self.places is None else self.places[rows],
        )

    def inputs(self, names: Sequence[str]) -> Any:
        """These columns, in this order, all of them finite numbers.

        Raises
        ------
        InputError
            If one of them holds text, or a value that is missing or not finite; it names the column and the line.
        """
        self.refuse_text(names)
        x = self.columns(names)
        self.refuse_gaps(x, names)
        return x

    def finite(self, name: str) -> np.ndarray:
        """One column, all of it finite numbers, shape (n_rows,)."""
        self.inputs([name])
        values = self.column(name)
        self.refuse_large(values[:, None], [name])
        return values

    def first_text(self, name: str) -> tuple[int, str] | None:
        """Row and content of the first field that is neither a number nor missing."""
        if name not in self.texts:
            return None
        empty = np.isnan(self.column(name))
        fields = self.texts[name]
        rows = (i for i in np.flatnonzero(empty).tolist() if not is_missing(fields[i]))
        row = next(rows, None)
        return None if row is None else (row, fields[row])

    def refuse_text(self, names: Sequence[str]) -> None:
        """Raise if one of these columns holds text."""
        asked = set(names)
        found = [
            name
            for name in self.names
            if name in asked and name in self.texts and self.first_text(name)
        ]
        if not found:
            return
        row, text = self.first_text(found[0])  # type: ignore[misc]
        more = f" (and {first_names(found[1:])})" if len(found) > 1 else ""
        raise InputError(
            f"{self.path}: column '{found[0]}'{more} holds text, for example {checks.short_repr(text)} in "
            f"{self.where(row)}, "
            f"where numbers are due: {number_advice(text)}"
        )

    def refuse_large(self, x: np.ndarray, names: Sequence[str]) -> None:
        """Raise if a number in these columns is infinite, or so large that its square would be."""
        large = np.abs(x) > LARGEST_INPUT
        if large.any():
            row, column = (int(i) for i in np.argwhere(large)[0])
            what = (
                "not a finite number" if np.isinf(x[row, column]) else "too large to compute with"
            )
            raise InputError(
                f"{self.path}: {self.where(row)} has {x[row, column]}, which is {what}, in column "
                f"'{names[column]}': leave the field empty if it means no value, or leave out that row or column"
            )

    def refuse_gaps(self, x: Any, names: Sequence[str]) -> None:
        """Raise if a value is missing or infinite in these columns of the table."""
        values = x.data if self.sparse else x
        if np.isfinite(values).all():
            return
        bad = ~np.isfinite(x.toarray() if self.sparse else x)
        row, column = (int(i) for i in np.argwhere(bad)[0])
        value = x[row, column]
        what = "no value" if np.isnan(value) else f"{value}, which is not a finite number,"
        count = int(bad.sum())
        columns = [names[j] for j in np.flatnonzero(bad.any(0)).tolist()]
        others = f" ({count} such fields in all, in {first_names(columns)})" * (count > 1)
        raise InputError(
            f"{self.path}: {self.where(row)} has {what} in column '{names[column]}'{others}: "
            "fill it in, or leave out that row or column"
        )


def number_advice(text: str) -> str:
    """What to do about a text where a number is due."""
    if text.count(",") == 1 and text.replace(",", "").lstrip("+-").isdigit():
        return "write decimals with a point"
    if DETECTION_LIMIT.fullmatch(text):
        return detection_limit_advice(text)
    return "encode it as numbers or leave that column out"


def detection_limit_advice(text: str) -> str:
    """What to do about a field such as <0.5."""
    side = "below" if text[0] in "<≤" else "above"
    return (
        f"it is a value {side} the limit of detection: put a number there (such as that limit, or half of it), or leave "
        "the field empty"
    )


def is_missing(text: str) -> bool:
    """Whether a field stands for no value."""
    return text.strip().lower() in MISSING_WORDS


def number_text(value: float) -> str:
    """A number as a field of a table; whole ones without a point."""
    if np.isnan(value):
        return ""
    return (
        str(int(value))
        if value == np.floor(value) and abs(value) < LARGEST_EXACT_WHOLE
        else repr(value)
    )


def column_name(name: str) -> str:
    """Return a name as it stands in a file in one line, without blanks at its ends."""
    return " ".join(name.split()) if len(name.splitlines()) > 1 else name.strip()


def missing_column_error(
    path: str, name: str, names: Sequence[str], named_rows: bool = False
) -> str:
    """Say that the column is not there, with the nearest name; `named_rows`: the first column holds names."""
    hint = checks.closest_name(name, names)
    if not hint:
        hint = f": the columns are {first_names(names)}"
        if named_rows:
            hint += "; if they are samples, turn it with --transpose, and name the file of the targets with --labels"
    if all(parse_number(given) is not None for given in names):
        hint = ": the first line holds numbers only, is the header missing?"
    return f"{path} has no column '{name}'{hint}"


def looks_transposed(table: Table, wanted: Sequence[str]) -> bool:
    """Whether most of the columns that are wanted are named in the table's first column."""
    words = set(table.texts.get(table.names[0], ()))
    return 2 * len(words.intersection(wanted)) > len(wanted)


def parse_number(text: str) -> float | None:
    """The number that the field says; None if it says none."""
    try:
        return None if "_" in text else float(text)  # float() would read 1_2 as 12
    except ValueError:
        return None


def check_unique(path: str, names: Sequence[str], what: str = "column") -> None:
    """Raise if two columns, or rows, have the same name."""
    seen: dict[str, int] = {}
    for j, name in enumerate(names):
        if name in seen:
            raise InputError(
                f"{path}: {what}s {seen[name] + 1} and {j + 1} are both named '{name}': "
                f"give every {what} its own name"
            )
        seen[name] = j


def concatenate_texts(blocks: Sequence[Mapping[str, list[str]]]) -> dict[str, list[str]]:
    """The texts of blocks one after another, of the columns that all of them have."""
    together: dict[str, list[str]] = {name: [] for name in blocks[0]}
    for block in blocks:
        for name, fields in together.items():
            fields.extend(block[name])
    return together

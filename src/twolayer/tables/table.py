"""A table in memory: names and numbers, the texts of the columns that hold text, and where in the file each row is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import FileError, InputError
from twolayer.text import first_names

MISSING_WORDS = {"", "na", "n/a", "nan", "null", "?", ".", "#n/a"}  # in lower case: no value
NUMBERS_PER_SLICE = 1 << 20  # in a block of rows of a stored array or data frame
DETECTION_LIMIT = re.compile(r"[<>≤≥]=? *[\d.,]+ *%?")  # beyond what could be measured
LARGEST_INPUT = 1e100  # of a number: squares of larger ones, summed, pass what a float can hold
LARGEST_EXACT_WHOLE = 2.0**53  # below it every whole number is a float
MAX_LACKING_NAMED = 20
NAME_FORMS: dict[str, Callable[[str], str]] = {
    "with another version at the end": lambda name: re.sub(r"\.\d+$", "", name),
    "in other letters": str.casefold,
}


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
        The fields, as they stand in the file, of the columns that hold text or were requested as text.
    lines : ndarray of int, shape (n_rows,), or None
        The line of the file in which each row begins; None where the file has no lines.
    id : str or None
        The column that names the rows, if there is one.
    places : ndarray of int, shape (n_rows,), or None
        Which rows of the file these are, counted from 0; None for all of them.
    note : str
        What the user should know about the reading, a sentence a line.
    delimiter : str or None
        What separates the fields of a text file.
    missing : tuple of str
        Fields that mean no value, as the user says.
    units : dict
        The columns whose numbers have a unit or a currency in the file, and which.
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
    missing: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        return int(self.numbers.shape[0])

    @property
    def sparse(self) -> bool:
        return checks.is_sparse(self.numbers)

    def index(self) -> dict[str, int]:
        """Return the position of each column."""
        return {name: j for j, name in enumerate(self.names)}

    def where(self, row: int) -> str:
        """Return the line, name or number of a row, for messages."""
        if self.lines is not None:
            return f"line {self.lines[row]}"
        if self.id is not None:
            return f"row '{self.words(self.id)[row]}'"
        return f"row {(row if self.places is None else self.places[row]) + 1}"

    def words(self, name: str) -> list[str]:
        """Return the fields of a column as text."""
        if name in self.texts:
            return self.texts[name]
        return [number_text(value) for value in self.column(name).tolist()]

    def distinct_words(self, name: str) -> list[str]:
        """Return the fields of a column as text, by which rows are told apart.

        Raises
        ------
        InputError
            If it holds whole numbers as floats that are too large to be told from their neighbours.
        """
        words = self.words(name)
        for row in np.flatnonzero(inexact_whole(self.column(name))).tolist():
            if not words[row].lstrip("+-").isdigit():
                raise InputError(
                    f"{self.path}: column '{name}' holds {words[row]} as a float, and above 2**53 neighbouring whole "
                    "numbers are the same float: save the column as whole numbers or as text"
                )
        return words

    def column(self, name: str) -> np.ndarray:
        """Return the numbers of one column, shape (n_rows,)."""
        j = self.names.index(name)
        return self.numbers[:, [j]].toarray()[:, 0] if self.sparse else self.numbers[:, j]

    def columns(self, names: Sequence[str]) -> Any:
        """Return the numbers of these columns, in this order; the table's own array if these are all of them."""
        if list(names) == self.names:
            return self.numbers
        index = self.index()
        return self.numbers[:, [index[name] for name in names]]

    def rows(self, rows: np.ndarray) -> Table:
        """Return the table of some of the rows, in this order."""
        return replace(
            self,
            numbers=self.numbers[rows],
            texts={name: [words[i] for i in rows] for name, words in self.texts.items()},
            lines=None if self.lines is None else self.lines[rows],
            places=rows if self.places is None else self.places[rows],
        )

    def inputs(self, names: Sequence[str]) -> Any:
        """Return these columns, in this order, all of them finite numbers.

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
        """Return one column, all of it finite numbers, shape (n_rows,)."""
        self.inputs([name])
        values = self.column(name)
        self.refuse_large(values[:, None], [name])
        return values

    def first_text(self, name: str) -> tuple[int, str] | None:
        """Return row and content of the first field that is neither a number nor missing; None if there is none."""
        if name not in self.texts:
            return None
        fields = self.texts[name]
        rows = np.flatnonzero(np.isnan(self.column(name))).tolist()
        return next(((row, fields[row]) for row in rows if not is_missing(fields[row])), None)

    def refuse_text(self, names: Sequence[str]) -> None:
        """Raise InputError if one of these columns holds text."""
        due = set(names)
        textual = [
            name
            for name in self.names
            if name in due and name in self.texts and self.first_text(name)
        ]
        if not textual:
            return
        row, text = self.first_text(textual[0])  # type: ignore[misc]
        others = f" (and {first_names(textual[1:])})" if len(textual) > 1 else ""
        raise InputError(
            f"{self.path}: column '{textual[0]}'{others} holds text, for example {checks.short_repr(text)} in "
            f"{self.where(row)}, and must hold numbers: {number_advice(text)}"
        )

    def refuse_large(self, x: np.ndarray, names: Sequence[str]) -> None:
        """Raise InputError if a number in these columns is infinite, or so large that its square would be."""
        large = np.abs(x) > LARGEST_INPUT
        if large.any():
            row, column = np.argwhere(large)[0].tolist()
            reason = (
                "not a finite number" if np.isinf(x[row, column]) else "too large to compute with"
            )
            raise InputError(
                f"{self.path}: {self.where(row)} has {x[row, column]}, which is {reason}, in column "
                f"'{names[column]}': leave the field empty if it means no value, or leave out that row or column"
            )

    def refuse_gaps(self, x: Any, names: Sequence[str]) -> None:
        """Raise InputError if a value is missing or infinite in these columns of the table."""
        values = x.data if self.sparse else x
        if np.isfinite(values).all():
            return
        bad = ~np.isfinite(x.toarray() if self.sparse else x)
        row, column = np.argwhere(bad)[0].tolist()
        value = x[row, column]
        content = "no value" if np.isnan(value) else f"{value}, which is not a finite number,"
        count = int(bad.sum())
        columns = [names[j] for j in np.flatnonzero(bad.any(0)).tolist()]
        others = f" ({count} such fields in all, in {first_names(columns)})" * (count > 1)
        raise InputError(
            f"{self.path}: {self.where(row)} has {content} in column '{names[column]}'{others}: "
            "fill it in, or leave out that row or column"
        )


def number_advice(text: str) -> str:
    """Return what to do about a text in a column that must hold numbers."""
    if text.count(",") == 1 and text.replace(",", "").lstrip("+-").isdigit():
        return "write decimals with a point"
    if DETECTION_LIMIT.fullmatch(text):
        return detection_limit_advice(text)
    return "encode it as numbers or leave that column out"


def detection_limit_advice(text: str) -> str:
    """Return what to do about a field such as <0.5."""
    side = "below" if text[0] in "<≤" else "above"
    return (
        f"it is a value {side} the limit of detection: put a number there (such as that limit, or half of it), or leave "
        "the field empty"
    )


def is_missing(text: str) -> bool:
    """Return whether a field stands for no value."""
    return text.strip().lower() in MISSING_WORDS


def present_words(words: Iterable[str]) -> list[str]:
    """Return the fields that hold a value."""
    return [word for word in words if not is_missing(word)]


def parse_number(text: str) -> float | None:
    """Return the number in a field; None if there is none."""
    try:
        return None if "_" in text else float(text)  # float() would read 1_2 as 12
    except ValueError:
        return None


def number_text(value: float) -> str:
    """Return a number as a field of a table, a whole one without a point."""
    if np.isnan(value):
        return ""
    whole = value == np.floor(value) and abs(value) < LARGEST_EXACT_WHOLE
    return str(int(value)) if whole else repr(value)


def inexact_whole(numbers: np.ndarray) -> np.ndarray:
    """Return which numbers are whole and so large that their neighbours may be the same float."""
    return (np.abs(numbers) >= LARGEST_EXACT_WHOLE) & np.isfinite(numbers)


def column_name(name: str) -> str:
    """Return a name from a file in one line, without blanks at its ends."""
    return " ".join(name.split()) if len(name.splitlines()) > 1 else name.strip()


def numbered_names(count: int, stem: str = "x") -> list[str]:
    """Return the names of columns that have none: x1, x2, ..."""
    return [f"{stem}{j + 1}" for j in range(count)]


def check_column_names(
    path: str,
    wanted: Sequence[str],
    names: Sequence[str],
    named_rows: bool = False,
    advice: str = "",
) -> None:
    """Raise InputError if a wanted column is not among a table's; with the nearest name.

    `named_rows`: the first column holds names; `advice`: what else to do.
    """
    name = next((name for name in wanted if name not in names), None)
    if name is None:
        return
    hint = checks.closest_name(name, names)
    if not hint:
        hint = f": the columns are {first_names(names)}"
        if named_rows:
            hint += (
                "; if these are samples, transpose the table with --transpose, and name the file of the targets with "
                "--labels"
            )
    if all(parse_number(given) is not None for given in names):
        hint = ": the first line holds numbers only, is the header missing?"
    raise InputError(f"{path} has no column '{name}'{hint}{advice}")


def check_model_columns(table: Table, wanted: Sequence[str], model: str, advice: str = "") -> None:
    """Raise InputError if the table lacks some of a model's columns; `advice`: what else to do, unless it lacks all."""
    there = set(table.names)
    lacking = [name for name in wanted if name not in there]
    if not lacking:
        return
    if looks_transposed(table, wanted):
        hint = f": they are in its first column, '{table.names[0]}': transpose it with --transpose"
    else:
        hint = other_names_hint(lacking, there) or checks.closest_name(
            lacking[0], there - set(wanted)
        )
        hint += advice if len(lacking) < len(wanted) else ""
    raise InputError(
        f"{table.path} lacks {len(lacking)} of the {len(wanted)} columns that {model} was trained on: "
        f"{first_names(lacking, MAX_LACKING_NAMED)}{hint}"
    )


def other_names_hint(lacking: Sequence[str], there: Iterable[str]) -> str:
    """Return how most of the names that a table lacks are written there: with a version, or in other letters."""
    for how, common in NAME_FORMS.items():
        here = {common(name): name for name in there}
        found = [(name, here[common(name)]) for name in lacking if common(name) in here]
        if 2 * len(found) > len(lacking):
            name, other = found[0]
            return (
                f"; {len(found)} of them are there {how}, such as {checks.short_repr(other)} for {checks.short_repr(name)}: "
                "write the names in the header as in training"
            )
    return ""


def looks_transposed(table: Table, wanted: Sequence[str]) -> bool:
    """Return whether the table's first column names most of the wanted columns."""
    words = set(table.texts.get(table.names[0], ()))
    return 2 * len(words.intersection(wanted)) > len(wanted)


def check_unique(
    path: str, names: Sequence[str], kind: str = "column", start: int = 1, renames: bool = True
) -> None:
    """Raise FileError if two columns, or rows, counted from `start`, have the same name.

    `renames`: whether --duplicates rename would number them.
    """
    seen: dict[str, int] = {}
    for j, name in enumerate(names, start=start):
        if name in seen:
            raise FileError(
                f"{path}: {kind}s {seen[name]} and {j} are both named '{name}': give every {kind} its own name"
                f"{', or number them with --duplicates rename' * renames}"
            )
        seen[name] = j


def with_gaps(table: Table, words: Sequence[str]) -> Table:
    """Return the table with no value wherever a field is one of the words, or one of them as a number."""
    if not words:
        return table
    small = {word.strip().lower() for word in words}
    numbers = [number for word in words if (number := parse_number(word)) is not None]
    texts = {
        name: ["" if word.strip().lower() in small else word for word in fields]
        for name, fields in table.texts.items()
    }
    x = table.numbers
    if not table.sparse:
        gaps = np.isin(x, numbers) if numbers else np.zeros(x.shape, dtype=bool)
        for name, fields in texts.items():
            j = table.names.index(name)
            gaps[:, j] |= [
                not now and before != now
                for now, before in zip(fields, table.texts[name], strict=True)
            ]
        x = np.where(gaps, np.nan, x)
    return replace(table, numbers=x, texts=texts, missing=tuple(words))


def renamed_duplicates(names: Sequence[str]) -> list[str]:
    """Return the names, those that stand again with a number: a, a.1, a.2."""
    taken, renamed, counts = set(names), list[str](), dict[str, int]()
    for name in names:
        new = name
        while name in counts and new in taken:
            counts[name] += 1
            new = f"{name}.{counts[name]}"
        counts.setdefault(name, 0)
        taken.add(new)
        renamed.append(new)
    return renamed


def concatenate_texts(blocks: Sequence[Mapping[str, list[str]]]) -> dict[str, list[str]]:
    """Return the texts of blocks one after another, of the columns of the first block."""
    together: dict[str, list[str]] = {name: [] for name in blocks[0]}
    for block in blocks:
        for name, fields in together.items():
            fields.extend(block[name])
    return together

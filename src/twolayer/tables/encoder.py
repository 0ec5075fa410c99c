"""Columns as a model takes them: numbers as they are, yes or no as 1 or 0, a column of 0 and 1 for each category.

A missing value becomes the training rows' median, or their most frequent word; and where the training rows had gaps, one
column more, of 0 and 1, says where they were. A category that the training rows did not have is 0 in every column, and
reported. All of it is learned from the rows given, and saved in the model's file as JSON that anyone can read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import FileError, InputError
from twolayer.tables.column_kinds import NO_WORDS, YES_WORDS, ColumnKinds, most_frequent_word
from twolayer.tables.table import (
    Table,
    check_model_columns,
    is_missing,
    looks_transposed,
    present_words,
    with_gaps,
)
from twolayer.text import MAX_NAMES, first_names, plural, single_line

MISSING_SUFFIX = " is missing"
SAME_VALUE = "the same in every row of training"
MAX_UNSEEN = 1000  # unseen categories that are counted by name: a table may be larger than memory


@dataclass(eq=False)
class EncodingReport:
    """Counts of the values that were filled in, or not known, while rows were encoded.

    Attributes
    ----------
    filled : Counter
        How many missing values each column had.
    unseen : dict
        For each column the categories that training did not have, and in how many rows; the rows of those after the
        first thousand count as "others".
    without_unit : dict
        The columns of plain numbers that had a unit in training, and which.
    mostly_missing : int
        In how many rows more than half of the values were missing.
    first_mostly_missing : list of str
        The first few of them.
    n_lacking : int
        How many columns the table lacked, and were filled in whole.
    """

    filled: Counter[str] = field(default_factory=Counter)
    unseen: dict[str, Counter[str]] = field(default_factory=dict)
    without_unit: dict[str, str] = field(default_factory=dict)
    mostly_missing: int = 0
    first_mostly_missing: list[str] = field(default_factory=list)
    n_lacking: int = 0

    def count_unseen(self, name: str, level: str, count: int = 1) -> None:
        """Count rows with a category that training did not have."""
        levels = self.unseen.setdefault(name, Counter())
        levels[level if level in levels or len(levels) < MAX_UNSEEN else "others"] += count

    def add(self, other: EncodingReport) -> None:
        """Count what was counted for rows that follow."""
        self.filled.update(other.filled)
        for name, levels in other.unseen.items():
            for level, count in levels.items():
                self.count_unseen(name, level, count)
        self.without_unit.update(other.without_unit)
        self.mostly_missing += other.mostly_missing
        self.first_mostly_missing = [*self.first_mostly_missing, *other.first_mostly_missing][
            :MAX_NAMES
        ]
        self.n_lacking = max(self.n_lacking, other.n_lacking)

    def sentences(self) -> list[str]:
        """Return the counts in words, a line per kind of value."""
        lines = []
        if self.filled:
            values = plural(sum(self.filled.values()), "missing value")
            lines.append(f"{values} filled in, in {first_names(self.filled)}")
        if self.mostly_missing:
            rows = plural(self.mostly_missing, "row has no value", "rows have no value")
            more = self.mostly_missing - len(self.first_mostly_missing)
            shown = ", ".join(self.first_mostly_missing) + (f" and {more:,} more" if more else "")
            lines.append(
                f"warning: {rows} in more than half of the columns ({shown}): what is filled in says nothing about them, "
                "and a prediction little"
            )
        for name, levels in self.unseen.items():
            rows = plural(sum(levels.values()), "row has", "rows have")
            lines.append(f"{rows} a '{name}' that training did not have: {first_names(levels)}")
        for name, unit in self.without_unit.items():
            lines.append(f"warning: '{name}' has no unit, and was in {unit} in training")
        return lines


@dataclass(frozen=True, eq=False)
class Encoder:
    """The rule by which the columns of a table become the inputs of a model.

    Attributes
    ----------
    numbers : list of str
    medians : ndarray, shape (n_numbers,)
        Of the training rows: what stands in for a missing value.
    booleans : dict
        Column -> 0 or 1, what stands in for a missing value.
    categories : dict
        Column -> its categories, the one that stands in for a missing value first.
    marked : list of str
        Columns whose missing values have a column of their own.
    ids : list of str
        Columns that name the rows: written beside the predictions.
    left_out : dict
        Columns that nothing was learned from, and the reason for each.
    missing : list of str
        Fields that mean no value, beside the usual ones.
    units : dict
        The columns of numbers that had a unit in the file, and which.
    """

    numbers: list[str]
    medians: np.ndarray
    booleans: dict[str, int] = field(default_factory=dict)
    categories: dict[str, list[str]] = field(default_factory=dict)
    marked: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)

    @classmethod
    def fit(cls, table: Table, kinds: ColumnKinds, rows: np.ndarray | None = None) -> Encoder:
        """Return the encoder with the medians, categories and constant columns of these rows (None: all)."""
        rows = np.arange(table.n_rows) if rows is None else rows
        left_out = dict(kinds.left_out)
        numbers, medians, gaps = _number_columns(table, kinds.numbers, rows, left_out)
        marked = set(gaps)
        booleans, categories = {}, {}
        for name in (*kinds.booleans, *kinds.categories):
            column = table.words(name)
            words = [column[i] for i in rows.tolist()]
            present = present_words(words)
            levels = set(present)
            if len(levels) < 2 and len(present) == len(words):
                left_out[name] = f"is {checks.short_repr(words[0])} in every row of training"
                continue
            if len(present) < len(words):
                marked.add(name)
            if name in kinds.booleans:
                digits = ["1" if word.lower() in YES_WORDS else "0" for word in present]
                booleans[name] = int(most_frequent_word(digits or ["0"]))
            else:
                first = [most_frequent_word(present)] if present else []
                categories[name] = [*first, *sorted(levels.difference(first))]
        marked_columns = [name for name in table.names if name in marked]
        return cls(
            numbers,
            medians,
            booleans,
            categories,
            marked_columns,
            list(kinds.ids),
            left_out,
            list(table.missing),
            {name: unit for name, unit in table.units.items() if name in numbers},
        )

    @property
    def columns(self) -> list[str]:
        """The table's columns that the model takes."""
        return [*self.numbers, *self.booleans, *self.categories]

    @property
    def texts(self) -> list[str]:
        """Those of the columns that are read as text."""
        return [*self.booleans, *self.categories]

    def features(self) -> list[str]:
        """Return the names of the model's inputs."""
        names = [*self.numbers, *self.booleans]
        names += [f"{name}={level}" for name, levels in self.categories.items() for level in levels]
        names += [name + MISSING_SUFFIX for name in self.marked]
        seen: set[str] = set()
        for j, name in enumerate(names):
            while name in seen:
                name += "'"
            names[j] = name
            seen.add(name)
        return names

    def sources(self) -> list[str]:
        """Return the column of the table that each of the model's inputs is made from."""
        levels = [name for name, levels in self.categories.items() for _ in levels]
        return [*self.numbers, *self.booleans, *levels, *self.marked]

    def encode(
        self, table: Table, report: EncodingReport | None = None, model: str = "the model"
    ) -> Any:
        """Return the inputs of every row, shape (n_rows, n_features); sparse if the table is. An error names the model.

        Raises
        ------
        InputError
            If a column is not there, or holds something that it cannot.
        """
        report = EncodingReport() if report is None else report
        check_model_columns(table, self.columns, model)
        if table.missing != tuple(self.missing):
            table = with_gaps(table, self.missing)
        self._check_units(table, report)
        table.refuse_text(self.numbers)
        x = table.columns(self.numbers)
        if table.sparse:
            table.refuse_gaps(x, self.numbers)
            return x
        x = x.copy() if x is table.numbers else x
        gaps = np.isnan(x)
        counts = gaps.sum(axis=0)
        table.refuse_large(x, self.numbers)
        for j in np.flatnonzero(counts).tolist():
            x[gaps[:, j], j] = self.medians[j]
            report.filled[self.numbers[j]] += int(counts[j])
        marks = {name: gaps[:, j] for j, name in enumerate(self.numbers) if counts[j]}
        parts = [
            x,
            *(self._yes_or_no(table, name, marks, report) for name in self.booleans),
            *(self._one_hot(table, name, marks, report) for name in self.categories),
        ]
        self._note_mostly_missing(table, gaps, marks, report)
        none = np.zeros(table.n_rows)
        parts += [np.asarray(marks.get(name, none), dtype=float)[:, None] for name in self.marked]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else x

    def _note_mostly_missing(
        self,
        table: Table,
        gaps: np.ndarray,
        marks: Mapping[str, np.ndarray],
        report: EncodingReport,
    ) -> None:
        """Note the rows that lack more than half of the columns; `gaps`: of the numbers, `marks`: of each column."""
        count = gaps.sum(axis=1)
        for name in self.texts:
            count = count + marks.get(name, 0)
        n_columns = len(self.columns) - report.n_lacking
        rows = np.flatnonzero(2 * count > n_columns).tolist() if n_columns > 1 else []
        report.mostly_missing += len(rows)
        room = MAX_NAMES - len(report.first_mostly_missing)
        report.first_mostly_missing += [single_line(table.where(row)) for row in rows[:room]]

    def _check_units(self, table: Table, report: EncodingReport) -> None:
        """Raise InputError if a column has another unit than in training; note those that have none."""
        numbers = set(self.numbers)
        for name in [name for name in {**table.units, **self.units} if name in numbers]:
            here, before = table.units.get(name), self.units.get(name)
            if here is None and before is not None:
                report.without_unit[name] = before
            elif here != before:
                raise InputError(
                    f"{table.path}: the numbers in column '{name}' are in {checks.short_repr(here)}, and in training they "
                    f"{'had no unit' if before is None else f'were in {checks.short_repr(before)}'}: convert them"
                )

    def lacking(self, table: Table) -> list[str]:
        """Return the columns that the table does not have."""
        there = set(table.names)
        return [name for name in self.columns if name not in there]

    def completed(
        self, table: Table, model: str = "the model", report: EncodingReport | None = None
    ) -> Table:
        """Return the table with the columns that it lacks, of what stands in for missing values; an error names the model.

        They do not count as missing: where columns were not measured at all, that a value is missing says nothing.

        Raises
        ------
        InputError
            If it has none of the columns, is sparse, or has samples in its columns.
        """
        lacking = self.lacking(table)
        if not lacking:
            return table
        if len(lacking) == len(self.columns) or looks_transposed(table, self.columns):
            check_model_columns(table, self.columns, model)
        if table.sparse:
            raise InputError(
                f"{table.path} is sparse, where what is not stored is 0, not missing: the {len(lacking)} columns that it "
                f"lacks ({first_names(lacking)}) cannot be filled in"
            )
        if report is not None:
            report.n_lacking = len(lacking)
        median = dict(zip(self.numbers, self.medians.tolist(), strict=True))
        fill = np.array([median.get(name, np.nan) for name in lacking])
        words = {name: "yes" if value else "no" for name, value in self.booleans.items()}
        words |= {name: levels[0] for name, levels in self.categories.items() if levels}
        return replace(
            table,
            names=[*table.names, *lacking],
            numbers=np.concatenate([table.numbers, np.tile(fill, (table.n_rows, 1))], axis=1),
            texts={**table.texts, **{n: [words[n]] * table.n_rows for n in lacking if n in words}},
            units={**table.units, **{n: unit for n, unit in self.units.items() if n in lacking}},
        )

    def _yes_or_no(
        self, table: Table, name: str, marks: dict[str, np.ndarray], report: EncodingReport
    ) -> np.ndarray:
        """Return a column of yes and no as 1 and 0, shape (n_rows, 1)."""
        words = table.words(name)
        gaps = _word_gaps(words, name, marks, report)
        values = np.full((len(words), 1), float(self.booleans[name]))
        for i in np.flatnonzero(~gaps).tolist():
            word = words[i].lower()
            if word not in YES_WORDS and word not in NO_WORDS:
                raise InputError(
                    f"{table.path}: column '{name}' holds {checks.short_repr(words[i])} in {table.where(i)}, where training "
                    "had yes or no"
                )
            values[i] = word in YES_WORDS
        return values

    def _one_hot(
        self, table: Table, name: str, marks: dict[str, np.ndarray], report: EncodingReport
    ) -> np.ndarray:
        """Return a column of categories as columns of 0 and 1, shape (n_rows, n_categories)."""
        place = {level: j for j, level in enumerate(self.categories[name])}
        words = table.words(name)
        gaps = _word_gaps(words, name, marks, report)
        values = np.zeros((len(words), len(place)))
        values[gaps, :1] = 1
        for i in np.flatnonzero(~gaps).tolist():
            j = place.get(words[i])
            if j is None:
                report.count_unseen(name, words[i])
            else:
                values[i, j] = 1
        return values

    def as_json(self) -> dict[str, Any]:
        """Return the encoder as JSON can hold it, for the model's file."""
        return {**asdict(self), "medians": self.medians.tolist()}

    @classmethod
    def from_json(cls, value: Any, n_features: int, path: Any) -> Encoder:
        """Return the encoder in the model's file `path`, whose model has `n_features` inputs.

        Raises
        ------
        FileError
            If the value is not what `as_json` gave.
        """
        try:
            encoder = _checked_encoder(value)
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(
                f"{path} cannot be read as a model: its columns are damaged ({error})"
            ) from None
        if len(encoder.features()) != n_features:
            raise FileError(
                f"{path} cannot be read as a model: its columns make {len(encoder.features())} inputs, and its "
                f"weights take {n_features}"
            )
        return encoder


def left_out_reasons(columns: ColumnKinds | Encoder) -> list[str]:
    """Return a line per reason for which columns were left out."""
    lines = []
    if columns.ids:
        lines.append(f"{first_names(columns.ids)} name{'s' * (len(columns.ids) == 1)} the rows")
    by_reason: dict[str, list[str]] = {}
    for name, reason in columns.left_out.items():
        same = reason.startswith("is ")
        by_reason.setdefault(SAME_VALUE if same else reason, []).append(name)
    return lines + [
        f"nothing is learned from {first_names(names)}: {reason}"
        for reason, names in by_reason.items()
    ]


def _word_gaps(
    words: list[str], name: str, marks: dict[str, np.ndarray], report: EncodingReport
) -> np.ndarray:
    """Return which rows have no value in a column of words; add them to the marks and the report."""
    missing = {word for word in set(words) if is_missing(word)}
    gaps = np.array([word in missing for word in words], dtype=bool)
    if gaps.any():
        marks[name] = gaps
        report.filled[name] += int(gaps.sum())
    return gaps


def _number_columns(
    table: Table, names: list[str], rows: np.ndarray, left_out: dict[str, str]
) -> tuple[list[str], np.ndarray, list[str]]:
    """Return the columns of numbers that vary, their medians, and which have gaps; add the others to `left_out`."""
    if not names:
        return [], np.zeros(0), []
    x = table.columns(names)[rows]
    if table.sparse:
        low, high = (np.asarray(side.todense()).ravel() for side in (x.min(axis=0), x.max(axis=0)))
        gaps = np.zeros(len(names), dtype=bool)
    else:
        low, high = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
        gaps = np.isnan(x).any(axis=0)
    empty = np.isnan(low)
    constant = (low == high) & ~gaps
    for j in np.flatnonzero(empty | constant).tolist():
        content = "holds no value" if empty[j] else f"is {low[j]:g}"
        left_out[names[j]] = f"{content} in every row of training"
    varying = np.flatnonzero(~(empty | constant))
    medians = np.zeros(len(varying))
    if not table.sparse:
        some = gaps[varying]
        medians[~some] = np.median(x[:, varying[~some]], axis=0)
        medians[some] = np.nanmedian(x[:, varying[some]], axis=0) if some.any() else 0
    return (
        [names[j] for j in varying.tolist()],
        medians,
        [names[j] for j in varying[gaps[varying]].tolist()],
    )


def _checked_encoder(value: Mapping[str, Any]) -> Encoder:
    """Return the encoder; raise KeyError, TypeError or ValueError if a part of it is not of the right type."""
    numbers, medians = _different_texts(value["numbers"]), value["medians"]
    if not isinstance(medians, list) or len(medians) != len(numbers):
        raise ValueError("medians")
    array = np.array(medians, dtype=np.float64).reshape(len(numbers))
    booleans = {str(name): int(fill) for name, fill in dict(value["booleans"]).items()}
    categories = {
        str(name): _different_texts(levels) for name, levels in dict(value["categories"]).items()
    }
    left_out = {str(name): str(reason) for name, reason in dict(value["left_out"]).items()}
    marked, ids = _different_texts(value["marked"]), _different_texts(value["ids"])
    taken = {*numbers, *booleans, *categories}
    if not np.isfinite(array).all() or set(booleans.values()) - {0, 1}:
        raise ValueError("values to fill in")
    if len(taken) != len(numbers) + len(booleans) + len(categories) or not {*marked} <= taken:
        raise ValueError("names")
    missing = _different_texts(value.get("missing", []))
    units = {str(name): str(unit) for name, unit in dict(value.get("units", {})).items()}
    return Encoder(numbers, array, booleans, categories, marked, ids, left_out, missing, units)


def _different_texts(value: Any) -> list[str]:
    """Return a list of different texts; raise ValueError if it is none."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("names")
    if len(set(value)) != len(value):
        raise ValueError("names that are there twice")
    return value

"""Columns as a model takes them: numbers as they are, yes or no as 1 or 0, a column of 0 and 1 for each category.

A missing value becomes the training rows' median, or their most frequent word; and where the training rows had gaps, one
column more, of 0 and 1, says where they were. A category that the training rows did not have is 0 in every column, and told.
All of it is learned on the rows given, and kept in the model's file as JSON that anyone can read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import FileError, InputError
from twolayer.tables.column_kinds import NO_WORDS, YES_WORDS, ColumnKinds, most_frequent_word
from twolayer.tables.table import Table, is_missing, looks_transposed
from twolayer.text import first_names

MISSING_SUFFIX = " is missing"
MAX_LACKING_NAMED = 20
MAX_UNSEEN = 1000  # categories never seen that are kept by name: a table may be larger than memory


@dataclass(eq=False)
class EncodingReport:
    """What was met while rows were encoded.

    Attributes
    ----------
    filled : Counter
        How many missing values each column had.
    unseen : dict
        For each column the categories that training did not have, and in how many rows; the rows of those after the
        first thousand count as "others".
    """

    filled: Counter[str] = field(default_factory=Counter)
    unseen: dict[str, Counter[str]] = field(default_factory=dict)

    def unknown(self, name: str, level: str) -> None:
        """A row has a category that training did not have."""
        levels = self.unseen.setdefault(name, Counter())
        levels[level if level in levels or len(levels) < MAX_UNSEEN else "others"] += 1

    def sentences(self) -> list[str]:
        """It in words, a line each."""
        lines = []
        if self.filled:
            count, names = sum(self.filled.values()), list(self.filled)
            value = "value" if count == 1 else "values"
            lines.append(f"{count} missing {value} filled in, in {first_names(names)}")
        for name, levels in self.unseen.items():
            count = sum(levels.values())
            rows = "1 row has" if count == 1 else f"{count} rows have"
            lines.append(f"{rows} a '{name}' that training did not have: {first_names(levels)}")
        return lines


@dataclass(frozen=True, eq=False)
class Encoder:
    """How the columns of a table become the inputs of a model.

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
        Columns that name the rows: kept beside the predictions.
    left_out : dict
        Columns that nothing was learned from, and why.
    """

    numbers: list[str]
    medians: np.ndarray
    booleans: dict[str, int] = field(default_factory=dict)
    categories: dict[str, list[str]] = field(default_factory=dict)
    marked: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    @classmethod
    def fit(cls, table: Table, kinds: ColumnKinds, rows: np.ndarray | None = None) -> Encoder:
        """Learn medians, categories and constant columns from these rows (None: all)."""
        rows = np.arange(table.n_rows) if rows is None else rows
        left_out = dict(kinds.left_out)
        numbers, medians, gaps = _number_columns(table, kinds.numbers, rows, left_out)
        marked = set(gaps)
        booleans, categories = {}, {}
        for name in (*kinds.booleans, *kinds.categories):
            words = [table.words(name)[i] for i in rows.tolist()]
            there = [word for word in words if not is_missing(word)]
            if len(set(there)) < 2 and len(there) == len(words):
                left_out[name] = f"is {checks.short_repr(words[0])} in every row of training"
                continue
            if len(there) < len(words):
                marked.add(name)
            if name in kinds.booleans:
                booleans[name] = int(
                    most_frequent_word([_boolean_columns(word) for word in there] or ["0"])
                )
            else:
                first = most_frequent_word(there) if there else ""
                categories[name] = [first, *sorted({*there} - {first})] if there else []
        return cls(
            numbers,
            medians,
            booleans,
            categories,
            [name for name in table.names if name in marked],
            list(kinds.ids),
            left_out,
        )

    @property
    def columns(self) -> list[str]:
        """The table's columns that are taken."""
        return [*self.numbers, *self.booleans, *self.categories]

    @property
    def texts(self) -> list[str]:
        """Those of them that are read as text."""
        return [*self.booleans, *self.categories]

    def features(self) -> list[str]:
        """The names of the model's inputs."""
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
        self, table: Table, found: EncodingReport | None = None, model: str = "the model"
    ) -> Any:
        """The inputs of every row, shape (n_rows, n_features); sparse if the table is. An error names the model.

        Raises
        ------
        InputError
            If a column is not there, or holds something that it cannot.
        """
        found = EncodingReport() if found is None else found
        self.refuse_missing_columns(table, model)
        table.refuse_text(self.numbers)
        x = table.columns(self.numbers)
        if table.sparse:
            table.refuse_gaps(x, self.numbers)
            return x
        x = x.copy() if x is table.numbers else x
        gaps = np.isnan(x)
        counts = gaps.sum(axis=0)
        table.refuse_large(x, self.numbers)
        if counts.any():
            self._fill(x, gaps, counts, found)
        marks = {name: gaps[:, j] for j, name in enumerate(self.numbers) if counts[j]}
        parts = [
            x,
            *(self._yes_or_no(table, name, marks, found) for name in self.booleans),
            *(self._one_hot(table, name, marks, found) for name in self.categories),
        ]
        none = np.zeros(table.n_rows)
        parts += [np.asarray(marks.get(name, none), dtype=float)[:, None] for name in self.marked]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else x

    def lacking(self, table: Table) -> list[str]:
        """The columns that the table does not have."""
        there = set(table.names)
        return [name for name in self.columns if name not in there]

    def completed(self, table: Table, model: str = "the model") -> Table:
        """The table with the columns that it lacks, of missing values; an error names the model.

        Raises
        ------
        InputError
            If it has none of the columns, is sparse, or has samples in its columns.
        """
        lacking = self.lacking(table)
        if not lacking:
            return table
        if len(lacking) == len(self.columns) or looks_transposed(table, self.columns):
            self.refuse_missing_columns(table, model)
        if table.sparse:
            raise InputError(
                f"{table.path} is sparse, where what is not stored is 0, not missing: the {len(lacking)} columns that it "
                f"lacks ({first_names(lacking)}) cannot be filled in"
            )
        gaps = np.full((table.n_rows, len(lacking)), np.nan)
        numbers = np.concatenate([table.numbers, gaps], axis=1)
        return replace(table, names=[*table.names, *lacking], numbers=numbers)

    def refuse_missing_columns(
        self, table: Table, model: str = "the model", way_out: str = ""
    ) -> None:
        """Raise if the table lacks some of the columns; what else can be done about it is told last."""
        there, wanted = set(table.names), set(self.columns)
        lacking = self.lacking(table)
        if lacking:
            hint = checks.closest_name(lacking[0], there - wanted)
            if looks_transposed(table, self.columns):
                hint, way_out = (
                    f": they stand in its first column, '{table.names[0]}': turn it with --transpose",
                    "",
                )
            raise InputError(
                f"{table.path} lacks {len(lacking)} of the {len(wanted)} columns that {model} was trained on: "
                f"{first_names(lacking, MAX_LACKING_NAMED)}{hint}{way_out if len(lacking) < len(wanted) else ''}"
            )

    def _fill(
        self, x: np.ndarray, gaps: np.ndarray, counts: np.ndarray, found: EncodingReport
    ) -> None:
        for j in np.flatnonzero(counts).tolist():
            x[gaps[:, j], j] = self.medians[j]
            found.filled[self.numbers[j]] += int(counts[j])

    def _yes_or_no(
        self, table: Table, name: str, marks: dict[str, np.ndarray], found: EncodingReport
    ) -> np.ndarray:
        words = table.words(name)
        values = np.empty((len(words), 1))
        gaps = np.zeros(len(words), dtype=bool)
        for i, word in enumerate(words):
            small = word.lower()
            if is_missing(word):
                gaps[i], values[i] = True, self.booleans[name]
            elif small not in YES_WORDS and small not in NO_WORDS:
                raise InputError(
                    f"{table.path}: column '{name}' holds {checks.short_repr(word)} in {table.where(i)}, where training had "
                    "yes or no"
                )
            else:
                values[i] = small in YES_WORDS
        self._mark(name, gaps, marks, found)
        return values

    def _one_hot(
        self, table: Table, name: str, marks: dict[str, np.ndarray], found: EncodingReport
    ) -> np.ndarray:
        levels = self.categories[name]
        place = {level: j for j, level in enumerate(levels)}
        words = table.words(name)
        values = np.zeros((len(words), len(levels)))
        gaps = np.zeros(len(words), dtype=bool)
        for i, word in enumerate(words):
            j = place.get(word)
            if j is None and is_missing(word):
                gaps[i], j = True, 0 if levels else None
            elif j is None:
                found.unknown(name, word)
            if j is not None:
                values[i, j] = 1
        self._mark(name, gaps, marks, found)
        return values

    @staticmethod
    def _mark(
        name: str, gaps: np.ndarray, marks: dict[str, np.ndarray], found: EncodingReport
    ) -> None:
        if gaps.any():
            marks[name] = gaps
            found.filled[name] += int(gaps.sum())

    # ---- in the model's file

    def as_json(self) -> dict[str, Any]:
        """It as what JSON can hold."""
        return {
            "numbers": self.numbers,
            "medians": self.medians.tolist(),
            "booleans": self.booleans,
            "categories": self.categories,
            "marked": self.marked,
            "ids": self.ids,
            "left_out": self.left_out,
        }

    @classmethod
    def from_json(cls, value: Any, n_features: int, path: Any) -> Encoder:
        """From the model's file `path`, whose model has so many inputs.

        Raises
        ------
        FileError
            If it is not what `as_json` gave.
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


def _number_columns(
    table: Table, names: list[str], rows: np.ndarray, left_out: dict[str, str]
) -> tuple[list[str], np.ndarray, list[str]]:
    """The columns of numbers that vary, their medians, and which of them have gaps; the others go to `left_out`."""
    if not names:
        return [], np.zeros(0), []
    x = table.columns(names)[rows]
    if table.sparse:
        low, high = (np.asarray(side.todense()).ravel() for side in (x.min(axis=0), x.max(axis=0)))
        gaps = np.zeros(len(names), dtype=bool)
    else:
        low, high = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
        gaps = np.isnan(x).any(axis=0)
    silent = np.isnan(low)
    same = (low == high) & ~gaps
    for j in np.flatnonzero(silent | same).tolist():
        says = "holds no value" if silent[j] else f"is {low[j]:g}"
        left_out[names[j]] = f"{says} in every row of training"
    kept = np.flatnonzero(~(silent | same))
    medians = np.zeros(len(kept))
    if not table.sparse and len(kept):
        medians = np.empty(len(kept))
        some = gaps[kept]
        medians[~some] = np.median(x[:, kept[~some]], axis=0)
        medians[some] = np.nanmedian(x[:, kept[some]], axis=0) if some.any() else 0
    kept_names = [names[j] for j in kept.tolist()]
    return kept_names, medians, [names[j] for j in kept[gaps[kept]].tolist()]


def _boolean_columns(word: str) -> str:
    return "1" if word.lower() in YES_WORDS else "0"


def _checked_encoder(value: Mapping[str, Any]) -> Encoder:
    """The encoder, if all of it is of the right type."""
    numbers, medians = _different_texts(value["numbers"]), value["medians"]
    if not isinstance(medians, list) or len(medians) != len(numbers):
        raise ValueError("medians")
    array = np.array(medians, dtype=np.float64).reshape(len(numbers))
    booleans = {str(name): int(fill) for name, fill in dict(value["booleans"]).items()}
    categories = {
        str(name): _different_texts(levels) for name, levels in dict(value["categories"]).items()
    }
    left_out = {str(name): str(why) for name, why in dict(value["left_out"]).items()}
    marked, ids = _different_texts(value["marked"]), _different_texts(value["ids"])
    taken = {*numbers, *booleans, *categories}
    if not np.isfinite(array).all() or set(booleans.values()) - {0, 1}:
        raise ValueError("values to fill in")
    if len(taken) != len(numbers) + len(booleans) + len(categories) or not {*marked} <= taken:
        raise ValueError("names")
    return Encoder(numbers, array, booleans, categories, marked, ids, left_out)


def _different_texts(value: Any) -> list[str]:
    """A list of different texts."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("names")
    if len(set(value)) != len(value):
        raise ValueError("names that are there twice")
    return value

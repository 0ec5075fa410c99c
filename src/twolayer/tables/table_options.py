"""What a user asks of a table: its file, its targets, the roles of its columns, and how to read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables.readers.file_format import PLAIN, TextLayout
from twolayer.tables.readers.text_files import known_encoding
from twolayer.text import first_names

TASKS = ("auto", "classification", "regression")
PARAMETERS = {"path": "table", "targets": "target", "id": "id_column", "categories": "category"}
DUPLICATES = {"refuse": False, "rename": True}
DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "space": " "}


@dataclass(frozen=True)
class TableOptions:
    """Which table to read, and how.

    Attributes
    ----------
    path : str
    targets : tuple of str
    task : {"auto", "classification", "regression"}
    labels, id : str or None
        Another file that holds the targets, and the column that names the rows.
    weights, groups, time : str or None
        Columns of row weights, of rows that belong together, of the order of the rows.
    drop, categories : tuple of str
        Columns to leave out; columns to take as categories.
    transpose : bool
    delimiter : str or None
        One character; None looks at the header.
    drop_missing_target : bool
        Leave out the rows without a value in some target.
    sheet, labels_sheet : str or None
        Which sheets of Excel files the table and the labels are.
    layout : TextLayout
        How the table stands in its file.

    Raises
    ------
    InputError
        If the options contradict each other, or one of them has no such value.
    """

    path: str
    targets: tuple[str, ...]
    task: str = "auto"
    labels: str | None = None
    id: str | None = None
    weights: str | None = None
    groups: str | None = None
    time: str | None = None
    drop: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    transpose: bool = False
    delimiter: str | None = None
    drop_missing_target: bool = False
    sheet: str | None = None
    labels_sheet: str | None = None
    layout: TextLayout = PLAIN

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> TableOptions:
        """Return the options among the parameters of a command; parameters that are none of them are ignored.

        Examples
        --------
        >>> options = TableOptions.of({"table": "x.csv", "target": "y", "drop": ["a", "b"], "seed": 0})
        >>> options.path, options.targets, options.drop
        ('x.csv', ('y',), ('a', 'b'))
        """
        names = {one.name: PARAMETERS.get(one.name, one.name) for one in fields(cls)}
        values = {field: given[name] for field, name in names.items() if name in given}
        for field in ("targets", "drop", "categories"):
            values[field] = as_tuple(values.get(field))
        for field in ("path", "labels", "sheet", "labels_sheet"):
            if values.get(field) is not None:
                values[field] = str(values[field])
        delimiter = values.get("delimiter")
        values["delimiter"] = DELIMITER_NAMES.get(delimiter or "", delimiter)
        return cls(**values | {"layout": text_layout(given)})

    def __post_init__(self) -> None:
        checks.one_of(self.task, dict.fromkeys(TASKS), "task")
        if self.groups is not None and self.time is not None:
            raise InputError(
                "--groups and --time cannot be combined: choose one way to split the rows"
            )
        if self.labels_sheet is not None and self.labels is None:
            raise InputError("--labels-sheet needs --labels, the file that holds the sheet")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise InputError(
                f"--delimiter is one character, or the word tab; got {checks.short_repr(self.delimiter)}"
            )
        roles = Counter([*self.targets, *self.parts])
        twice = sorted(name for name, count in roles.items() if count > 1)
        if twice:
            raise InputError(
                f"column {first_names(twice)} is named more than once: each column has one role (target, weights, groups "
                "or time)"
            )
        dropped = [name for name in roles if name in self.drop]
        if dropped:
            raise InputError(
                f"column '{dropped[0]}' has a role (target, weights, groups or time) and is left out too: take it out of "
                "--drop, or name another column for the role"
            )

    @property
    def parts(self) -> list[str]:
        """The columns with a role beside the targets."""
        return [name for name in (self.weights, self.groups, self.time) if name is not None]

    @property
    def text_columns(self) -> list[str]:
        """The columns to read as text: sample 001 is not sample 1, and two names of many digits differ."""
        joined = self.id if self.labels else None
        names = (*self.targets, self.groups, self.time, *self.categories, joined)
        return list(dict.fromkeys(name for name in names if name))


def text_layout(given: Mapping[str, Any]) -> TextLayout:
    """Return how a table stands in its file, from the parameters of a command; checked."""
    comment, skipped = given.get("comment"), given.get("skip_lines") or 0
    encoding, duplicates = given.get("encoding"), given.get("duplicates") or "refuse"
    if comment is not None and not comment.strip():
        raise InputError("--comment needs what the lines of remarks begin with, such as '#'")
    return TextLayout(
        comment,
        checks.whole_number(skipped, "--skip-lines", at_least=0),
        None if encoding is None else known_encoding(encoding),
        not given.get("no_header"),
        as_tuple(given.get("na")),
        checks.one_of(duplicates, DUPLICATES, "choice for --duplicates"),
    )


def as_tuple(given: Any) -> tuple[str, ...]:
    """Return an option that may be given several times as a tuple; one text is one value, None is no value."""
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)

"""Columns of two files that name the same rows, found by what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables.column_kinds import ROW_NAME_PATTERN
from twolayer.tables.table import Table, is_missing, parse_number
from twolayer.text import first_names

SHARED_PART = 0.5  # of the names of a column: so many in the other file are no accident


def shared_row_names(table: Table, labels: Table, wanted: Sequence[str]) -> tuple[str, str] | None:
    """Return the column of the table and that of the labels which hold the same names; None if no columns do.

    Raises
    ------
    InputError
        If columns seem to name the same rows, but not all names are in both, or one stands twice.
    """
    if table.sparse or labels.sparse:
        return None
    partly = None
    for own, other in candidate_pairs(table, labels, wanted):
        left, right = table.words(own), labels.words(other)
        if own == other and (
            list(map(as_value, left)) == list(map(as_value, right))
            or (counts_rows(left) and counts_rows(right))
        ):
            continue  # one to one already
        here, there = set(left), set(right)
        if here == there and len(here) == len(left) and len(there) == len(right):
            return own, other
        if partly is None and contradict(table, own, other, left, right):
            partly = own, other
    if partly is not None:
        refuse_contradiction(table, labels, *partly)
    return None


def candidate_pairs(
    table: Table, labels: Table, wanted: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield the columns of both files that may name the same rows: of one name, or of texts or numbers that name rows."""
    others = [name for name in labels.names if name not in wanted]
    for other in others:
        if other in table.names:
            yield other, other
    own = (
        [table.id] if table.id is not None else [n for n in table.names if may_name_rows(table, n)]
    )
    for name in own:
        for other in others:
            if other != name and may_name_rows(labels, other, named=name == table.id):
                yield name, other


def may_name_rows(table: Table, name: str, named: bool = False) -> bool:
    """Return whether a column holds texts, or is called an id; `named`: whatever it is called."""
    if table.texts.get(name) and table.first_text(name):
        return True
    return named or ROW_NAME_PATTERN.fullmatch(name) is not None


def as_value(word: str) -> str:
    """Return a number without the marks that change nothing, such as those in 1.0; any other word as it is."""
    number = parse_number(word)
    return word if number is None else repr(number)


def counts_rows(words: Sequence[str]) -> bool:
    """Return whether the words are numbers that go up by one."""
    numbers = [parse_number(word) for word in words]
    if any(number is None for number in numbers):
        return False
    return bool((np.diff(np.array(numbers, dtype=float)) == 1).all())


def contradict(
    table: Table, own: str, other: str, left: Sequence[str], right: Sequence[str]
) -> bool:
    """Return whether two columns seem to name the same rows, and do so differently."""
    here, there = set(left), set(right)
    unique = len(here) == len(left) == len(there) == len(right)
    if own == other and unique and may_name_rows(table, own) and table.id != own:
        return True
    if own == other and sorted(map(as_value, left)) == sorted(map(as_value, right)):
        return True  # the same values, in another order
    if not may_name_rows(table, own):
        return False
    if not here & there:
        here, there = ({normalised_name(word) for word in words} for words in (here, there))
    common = [word for word in here & there if not is_missing(word)]
    return len(common) > SHARED_PART * min(len(here), len(there)) and len(common) > 1


def refuse_contradiction(table: Table, labels: Table, own: str, other: str) -> None:
    """Raise InputError for columns that name the same rows differently."""
    left, right = table.words(own), labels.words(other)
    here, there = set(left), set(right)
    lacking = [word for word in left if word not in there]
    surplus = [word for word in right if word not in here]
    start = f"the rows of {table.path} and {labels.path} cannot be taken one to one: "
    both = f"'{own}'" if own == other else f"'{own}' and '{other}'"
    if not lacking and not surplus and len(here) < len(left):
        row = next(
            (k for k, pair in enumerate(zip(left, right, strict=False)) if len({*pair}) > 1), 0
        )
        what = (
            f"{both} differs between them, as in row {row + 1}: {checks.short_repr(left[row])} and "
            f"{checks.short_repr(right[row])}"
        )
        raise InputError(
            f"{start}{what}; put them in the same order, or name the rows in both files and give --id"
        )
    parts = [
        f"{len(words)} {'name is' if len(words) == 1 else 'names are'} only in {path} ({first_names(words)})"
        for path, words in ((table.path, lacking), (labels.path, surplus))
        if words
    ]
    if not parts:
        for one, words in ((table, left), (labels, right)):
            twice = first_repeat(words)
            if twice is not None:
                name, first, second = twice
                raise InputError(
                    f"{start}rows {first} and {second} of {one.path} are both named {checks.short_repr(name)}: give every "
                    "row its own name"
                )
        parts = ["they are in another order"]
    raise InputError(
        f"{start}{both} name{'s' * (own == other)} their rows, and {' and '.join(parts)}: --id {other} joins by name and "
        "leaves out the others; or spell them alike"
    )


def first_repeat(words: Sequence[str]) -> tuple[str, int, int] | None:
    """Return the first word that comes a second time, and the numbers of both rows, from 1; None if there is none."""
    seen: dict[str, int] = {}
    for row, word in enumerate(words, 1):
        if word in seen:
            return word, seen[word], row
        seen[word] = row
    return None


def normalised_name(name: str) -> str:
    """Return the name without case, blanks and marks; the name itself if it has nothing else."""
    return "".join(filter(str.isalnum, name.casefold())) or name

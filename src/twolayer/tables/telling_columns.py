"""Columns of few values that tell the class of most rows, or of one class, by themselves: a batch, or a good predictor.

A model may learn such a column alone. If it is a batch, what it learned says nothing of other batches: that is a warning. Of
any other column it is a fact, which only the user can judge: was it known before the class?
"""

from __future__ import annotations

import numpy as np

from twolayer.tables.column_kinds import MAX_LEVELS, ColumnKinds
from twolayer.tables.leakage import (
    GROUP_NAME,
    agrees_by_more_than_chance,
    target_codes,
    value_numbers,
)
from twolayer.tables.table import Table
from twolayer.tables.target import Target
from twolayer.text import first_names, single_line

HALVED_ERRORS = 0.5  # of the constant guess: fewer are left by a column that tells the class
MANY_ERRORS = 3.0  # standard deviations: a difference that is no chance
FEWEST_TIED_ROWS = 5


def telling_column_lines(
    table: Table, kinds: ColumnKinds, target: Target
) -> tuple[list[str], list[str]]:
    """Return a warning for each batch that tells the class of most rows, or one class; and lines about other such columns.

    A column each of whose values stands with one class only is not among them: `leakage_warnings` tells of it.
    """
    if target.task != "classification" or np.ndim(target.values) > 1:
        return [], []
    codes = target_codes(target)
    batches, facts, others = [], [], []
    numbers = [name for name in kinds.numbers if is_batch_name(name)]
    for name in (*kinds.categories, *kinds.booleans, *numbers):
        values = value_numbers(table, name, name in kinds.numbers)
        if values is None or not 1 < values.max() + 1 <= min(MAX_LEVELS, len(values) // 2):
            continue
        there = values >= 0
        if agrees_by_more_than_chance(values[there], codes[there]):
            continue
        told, guessed = left_out_shares(values, codes)
        share = f"'{single_line(name)}' alone is right on {told:.0%} of the rows, the most frequent class on {guessed:.0%}"
        if not tells_most_rows(told, guessed, len(codes)):
            row = tied_row(values, codes)
            if row is None:
                continue
            word, label = table.words(name)[row], target.values[row]
            share = f"the rows of class '{label}' are just those with '{word}' in '{name}'"
            share = single_line(share)
        if is_batch_name(name):
            batches.append(batch_warning(name, share))
        else:
            others.append(name)
            facts.append((told, share))
    if not facts:
        return batches, []
    best = max(facts)[1]
    rest = [name for name, (_, share) in zip(others, facts, strict=True) if share != best]
    more = f"; so are {first_names(rest)} nearly" if rest else ""
    return batches, [f"{best}: is it known before the class is?{more}"]


def is_batch_name(name: str) -> bool:
    """Return whether a column is called as batches, runs, sites or patients are."""
    return GROUP_NAME.search(single_line(name).lower()) is not None


def left_out_shares(values: np.ndarray, codes: np.ndarray) -> tuple[float, float]:
    """Return on what share of rows the most frequent class of the other rows of its value is right, and of all other rows.

    Where a row's value (-1: missing) stands in no other row, the most frequent class of all is guessed.
    """
    counts = np.zeros((values.max() + 2, codes.max() + 1))
    np.add.at(counts, (values, codes), 1)
    rows = np.arange(len(codes))
    own, every = counts[values], np.tile(counts.sum(axis=0), (len(codes), 1))
    own[rows, codes] -= 1
    every[rows, codes] -= 1
    guess = every.argmax(axis=1)
    told = np.where(own.max(axis=1) > 0, own.argmax(axis=1), guess)
    return float(np.mean(told == codes)), float(np.mean(guess == codes))


def tells_most_rows(told: float, guessed: float, n_rows: int) -> bool:
    """Return whether a column leaves less than half of the errors of the constant guess, by more than chance."""
    gain = (told - guessed) * n_rows
    return 1 - told <= HALVED_ERRORS * (1 - guessed) and gain > MANY_ERRORS * np.sqrt(gain + 1)


def tied_row(values: np.ndarray, codes: np.ndarray) -> int | None:
    """Return a row of a class that is one value: all of its rows have it, and no other; None if there is no such class."""
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        if len(rows) >= FEWEST_TIED_ROWS and np.array_equal(
            rows, np.flatnonzero(values == values[rows[0]])
        ):
            return int(rows[0])
    return None


def batch_warning(name: str, told: str) -> str:
    """Return the warning of a batch."""
    shown = single_line(name)
    return (
        f"warning: {told}. If it is a batch, what tells the classes apart may be the batch, in the other columns too: score "
        f"whole batches with --groups '{shown}' where the classes allow it"
    )

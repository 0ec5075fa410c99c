"""Warnings of samples that were measured repeatedly, where no column says so: by their names, and by their values.

A model that was trained on one measurement of a sample knows the other ones, and a test whose rows are these says nothing.
"""

from __future__ import annotations

import re

import numpy as np

from twolayer import checks
from twolayer.tables.column_kinds import ColumnKinds
from twolayer.tables.row_names import first_repeat
from twolayer.tables.table import Table, is_missing
from twolayer.text import plural

REPEATED_NAME = re.compile(
    r"(?P<stem>.+?)([ _.-]*(replicate|repeat|repl?|dup|tech|measurement)[ _.-]*\d{1,2}[a-z]?"
    r"|[ _.-]+(\d{1,2}|[a-z])|(?<=\d)[a-z])",
    re.IGNORECASE,
)
FEWEST_SAMPLES = 5
MAX_SAMPLE_ROWS = 10  # of one sample
MOST_REPEATED = 0.5  # share of the rows whose names have a stem in common with another
FEWEST_COLUMNS = 100  # of fewer, two rows may be alike by chance
ALIKE = 0.8  # correlation of two rows of different samples stays below it
UNRELATED = 0.15  # median correlation, in size, up to which rows have many independent values
ALIKE_SHARE = 0.05  # of the rows
MOST_NAMED = 0.9  # of the rows have a name of their own, where a column names them
MAX_COMPARED_ROWS = 1000
MAX_COMPARED_COLUMNS = 5000


def repeated_sample_warnings(
    table: Table, kinds: ColumnKinds, codes: np.ndarray, groups: np.ndarray | None = None
) -> list[str]:
    """Return a line about names that are the same or differ in a suffix only, and one about rows that are nearly the same.

    Parameters
    ----------
    table : Table
    kinds : ColumnKinds
        What its columns hold.
    codes : ndarray of int, shape (n_rows,)
        The same for the same values of the target.
    groups : ndarray of str, shape (n_rows,), or None
        Rows of one group may be alike.
    """
    lines = []
    for name in kinds.ids:
        lines += repeated_names_warning(name, table.words(name), codes, groups)
    if not lines:
        for name in (*kinds.ids, *kinds.left_out):
            lines += same_name_warning(table, name, codes, groups)
    return lines[:1] + alike_rows_warning(table, kinds, codes, groups)


def same_name_warning(
    table: Table, name: str, codes: np.ndarray, groups: np.ndarray | None
) -> list[str]:
    """Return a line if a column that names nearly every row names some of them alike."""
    words = table.texts.get(name)
    if words is None or not MOST_NAMED * len(words) < len(set(words)) < len(words):
        return []
    twice = first_repeat(words)
    if twice is None or is_missing(twice[0]):
        return []
    word, first, second = twice
    if groups is not None and groups[first - 1] == groups[second - 1]:
        return []
    differ = "" if codes[first - 1] == codes[second - 1] else ", with different targets"
    return [
        f"warning: {table.where(first - 1)} and {table.where(second - 1)} are both named {checks.short_repr(word)} in "
        f"'{name}'{differ}: a score on a row whose sample was trained on is too good; leave one out, or give --groups {name}"
    ]


def repeated_names_warning(
    name: str, words: list[str], codes: np.ndarray, groups: np.ndarray | None
) -> list[str]:
    """Return a line if most of these names have a stem in common with another, in samples of a few rows."""
    stems = [name_stem(word) for word in words]
    rows_of: dict[str, list[int]] = {}
    for row, stem in enumerate(stems):
        if stem is not None:
            rows_of.setdefault(stem, []).append(row)
    samples = [rows for rows in rows_of.values() if 1 < len(rows) <= MAX_SAMPLE_ROWS]
    if groups is not None:
        samples = [rows for rows in samples if len(set(groups[rows])) > 1]
    count = sum(map(len, samples))
    if len(samples) < FEWEST_SAMPLES or count <= MOST_REPEATED * len(words):
        return []
    classes = [set(codes[rows]) for rows in samples]
    if all(len(own) == 1 for own in classes) and len(set.union(*classes)) == len(samples):
        return []  # the stems are the classes
    first = samples[0]
    pair = " and ".join(checks.short_repr(words[row]) for row in first[:2])
    return [
        f"warning: {count} of {len(words)} names in '{name}' have a beginning in common with another, such as {pair}: are "
        f"these measurements of one sample? Then a score on rows whose sample was trained on is far too good: write the "
        f"sample ({checks.short_repr(stems[first[0]])}) into a column of its own, and name that column with --groups"
    ]


def name_stem(name: str) -> str | None:
    """Return a name without the suffix of a repeat, such as _rep2, -2, .b or the b in 12b; None if it has none.

    Examples
    --------
    >>> [name_stem(name) for name in ("P12_rep1", "P12.2", "P12b", "P12", "P_112")]
    ['P12', 'P12', 'P12', None, None]
    """
    found = REPEATED_NAME.fullmatch(name.strip())
    return None if found is None else found["stem"]


def alike_rows_warning(
    table: Table, kinds: ColumnKinds, codes: np.ndarray, groups: np.ndarray | None
) -> list[str]:
    """Return a line if rows of a wide table are nearly the same as others, and not within one group."""
    if table.sparse or len(kinds.numbers) < FEWEST_COLUMNS or table.n_rows < 2 * FEWEST_SAMPLES:
        return []
    step = -(-len(kinds.numbers) // MAX_COMPARED_COLUMNS)
    rows = np.arange(min(table.n_rows, MAX_COMPARED_ROWS))
    index = table.index()
    columns = [index[name] for name in kinds.numbers[::step]]
    like = row_correlations(table.numbers[: len(rows)][:, columns], codes[rows])
    different = ~np.eye(len(rows), dtype=bool)
    if like is None or np.median(np.abs(like[different])) > UNRELATED:
        return []
    if groups is not None:
        different &= groups[rows][:, None] != groups[rows]
    pairs = (like > ALIKE) & different
    count = int(pairs.any(axis=1).sum())
    if count < max(2, ALIKE_SHARE * len(rows)):
        return []
    row, other = np.argwhere(pairs)[0].tolist()
    return [
        f"warning: {count} of {plural(len(rows), 'row')} are nearly the same as another, such as {table.where(row)} and "
        f"{table.where(other)} (correlation {like[row, other]:.2f}): if these are measurements of one sample or patient, a "
        "score on rows whose sample was trained on is far too good: name the column of the samples with --groups"
    ]


def row_correlations(x: np.ndarray, codes: np.ndarray) -> np.ndarray | None:
    """Return the correlations of the rows, (n_rows, n_rows), each column standardised; None if few columns vary.

    What a column tells of the class is taken from it, as rows of one class (a tissue) may be alike.
    """
    x = np.where(np.isinf(x), np.nan, x).astype(np.float32)
    there = np.isfinite(x)
    x = x[:, there.any(axis=0)]
    if not x.size:
        return None
    z = np.nan_to_num(x - np.nanmean(x, axis=0))
    if 2 * len(np.unique(codes)) < len(codes):  # classes
        for code in np.unique(codes):
            z[codes == code] -= z[codes == code].mean(axis=0)
    spread = np.sqrt(np.mean(z * z, axis=0))
    z = z[:, spread > 0] / spread[spread > 0]
    if z.shape[1] < FEWEST_COLUMNS:
        return None
    z -= z.mean(axis=1, keepdims=True)
    length = np.linalg.norm(z, axis=1, keepdims=True)
    z /= np.where(length > 0, length, 1)
    return z @ z.T

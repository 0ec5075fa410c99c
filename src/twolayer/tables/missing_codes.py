"""Numbers such as -999 that stand for no value: taken as numbers, they would be the farthest values of their columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twolayer.tables.table import Table
from twolayer.text import first_names, plural

MISSING_CODES = (-9, -99, -999, -9999, -99999, 99, 999, 9999, 99999)
FEWEST_CODED_COLUMNS = 2
FEWEST_CODED_VALUES = 3  # where a single column has them


def missing_code_warnings(table: Table, names: Sequence[str]) -> list[str]:
    """Return a line for each such number that lies far outside all other values of its columns.

    Far means by more than the range of these. It must stand in several columns, or several times in one.
    """
    if table.sparse or not names:
        return []
    x, wanted, lines = table.numbers, set(names), []
    low, high = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
    for code in MISSING_CODES:
        found = {}
        for j in np.flatnonzero((low if code < 0 else high) == code).tolist():
            if table.names[j] not in wanted:
                continue
            coded = x[:, j] == code
            others = x[np.isfinite(x[:, j]) & ~coded, j]
            if len(others) > 1 and abs(code - others).min() > np.ptp(others) > 0:
                found[table.names[j]] = int(coded.sum())
        count = sum(found.values())
        if len(found) >= FEWEST_CODED_COLUMNS or count >= FEWEST_CODED_VALUES:
            lines.append(
                f"warning: {plural(count, 'value is', 'values are')} {code}, far from all others of the column, in "
                f"{first_names(found)}: does it stand for no value? Then say --na {code}"
            )
    return lines

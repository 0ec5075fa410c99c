"""What is wrong with a table, in the user's words."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.checks import is_sparse, shown
from twolayer.errors import InputError

MOST_NAMED = 5


def refuse_text(x: Any) -> None:
    """Raise if columns hold text, and name them and what to do."""
    found = text_columns(x)
    if not found:
        return
    names, seen = zip(*found, strict=True)
    several = len(found) > 1
    raise InputError(
        f"X holds text in column{'s' if several else ''} {listed(list(names))} (such as {shown(seen[0])}): turn "
        f"{'them' if several else 'it'} into numbers first, for example with sklearn.preprocessing.OneHotEncoder in "
        "sklearn.compose.make_column_transformer, or leave "
        f"{'them' if several else 'it'} out"
    )


def text_columns(x: Any) -> list[tuple[str, str]]:
    """Name (or number) of each column with text that is no number, and the first such text."""
    if is_sparse(x):
        return []
    names = getattr(x, "columns", None)
    if names is not None and hasattr(x, "dtypes"):
        columns = [(f"'{name}'", np.asarray(x[name])) for name in names]
    else:
        try:
            array = np.asarray(x)
        except (ValueError, TypeError):
            return []
        if array.ndim != 2 or array.dtype.kind not in "OUS":
            return []
        columns = [(str(j), array[:, j]) for j in range(array.shape[1])]
    found = []
    for name, column in columns:
        text = None if column.ndim > 1 or column.dtype.kind not in "OUST" else first_text(column)
        if text is not None:
            found.append((name, text))
    return found


def first_text(column: np.ndarray) -> str | None:
    """The first entry that is text but no number."""
    for entry in column:
        if isinstance(entry, (str, bytes)):
            try:
                float(entry)
            except ValueError:
                return str(entry)
    return None


def refuse_gaps(x: Any, names: Any = None) -> None:
    """Raise if a value is missing or infinite, and say how many and in which columns."""
    sparse = is_sparse(x)
    bad = ~np.isfinite(x.data if sparse else x)
    if not bad.any():
        return
    columns = np.unique(x.indices[bad] if sparse else np.flatnonzero(bad.any(axis=0)))
    words = [str(j) if names is None else f"'{names[j]}'" for j in columns]
    raise InputError(
        f"X has values that are NaN or infinite: {int(bad.sum())} of them, in "
        f"column{'s' if len(columns) > 1 else ''} {listed(words)}. "
        "Fill them in (sklearn.impute.SimpleImputer) or leave those rows or columns out"
    )


def listed(words: list[str]) -> str:
    """The first few of them."""
    more = len(words) - MOST_NAMED
    return ", ".join(words[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")

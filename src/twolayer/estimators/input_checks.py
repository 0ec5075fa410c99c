"""What is wrong with a table, in the user's words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

import numpy as np

from twolayer.checks import closest_name, is_sparse, short_repr
from twolayer.errors import InputError

MAX_NAMES = 5
TEXT_KIND, DATE_KIND, COMPLEX_KIND, OTHER_KIND = (
    "text",
    "dates or times",
    "complex numbers",
    "what is no number",
)
KIND_ADVICE = {
    TEXT_KIND: "turn {them} into numbers first, for example with sklearn.preprocessing.OneHotEncoder in "
    "sklearn.compose.make_column_transformer, or leave {them} out",
    DATE_KIND: "turn {them} into numbers that mean something first (days since the first visit, month), or leave {them} out",
    COMPLEX_KIND: "give real ones, for example the real part, or leave {them} out",
    OTHER_KIND: "turn {them} into numbers first, or leave {them} out",
}


def check_columns(x: Any) -> None:
    """Raise if columns hold what is no number, and say which, what, and what to do."""
    check_unique_names(x)
    found: dict[str, list[tuple[str, Any]]] = {}
    for name, column in frame_columns(x):
        for kind, example in column_fault(column, is_frame(x)):
            found.setdefault(kind, []).append((name, example))
    for kind, columns in found.items():
        several = len(columns) > 1
        them = "them" if several else "it"
        where = f"column{'s' if several else ''} {name_list([name for name, _ in columns])}"
        raise InputError(
            f"X holds {kind} in {where} (such as {short_repr(columns[0][1])}): {KIND_ADVICE[kind].format(them=them)}"
        )


def is_frame(x: Any) -> bool:
    """Whether it is a table of columns with names, of pandas or polars."""
    return hasattr(x, "columns") and hasattr(x, "dtypes")


def check_unique_names(x: Any) -> None:
    """Raise if two columns of a frame have one name."""
    names = list(x.columns) if is_frame(x) else []
    if len(set(names)) < len(names):
        twin = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"X has {names.count(twin)} columns named {short_repr(twin)}: give every column a name of its own"
        )


def frame_columns(x: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Name (or number) and content of the columns that may hold something else than numbers."""
    if is_sparse(x):
        return
    if is_frame(x):
        for name, dtype in zip(x.columns, x.dtypes, strict=True):
            if getattr(dtype, "kind", None) not in (*"biuf",) and not is_polars_number(dtype):
                yield f"'{name}'", np.asarray(x[name])
        return
    try:
        array = np.asarray(x)
    except (ValueError, TypeError):
        return
    if array.ndim == 2 and array.dtype.kind in "OUSTmM":
        for j in range(array.shape[1]):
            yield str(j), array[:, j]


def is_polars_number(dtype: Any) -> bool:
    """Whether it is one of polars' types of numbers."""
    return hasattr(dtype, "is_numeric") and dtype.is_numeric()


def column_fault(column: np.ndarray, of_frame: bool) -> Iterator[tuple[str, Any]]:
    """What a column holds instead of numbers, and the first such entry; nothing if it holds numbers and gaps."""
    if column.dtype.kind in "mM":
        known = column[~np.isnat(column)]
        yield DATE_KIND, str(known[0]).split("T00:00:00")[0] if len(known) else "NaT"
    elif column.dtype.kind == "c":
        yield COMPLEX_KIND, column[0].item()
    elif column.dtype.kind in "OUST" and column.ndim == 1:
        text = first_text_entry(column)
        if text is not None:
            yield TEXT_KIND, text
        elif of_frame and (other := first_other_entry(column)) is not None:
            dated = isinstance(other, (date, time, timedelta))
            yield (DATE_KIND, str(other)) if dated else (OTHER_KIND, other)


def first_text_entry(column: np.ndarray) -> str | None:
    """The first entry that is text but no number."""
    for entry in column:
        if isinstance(entry, (str, bytes)):
            try:
                float(entry)
            except ValueError:
                return str(entry)
    return None


def first_other_entry(column: np.ndarray) -> Any:
    """The first entry that is neither text nor a number nor a gap."""
    for entry in column:
        if is_missing_entry(entry) or isinstance(entry, (str, bytes)):
            continue
        try:
            float(entry)
        except (TypeError, ValueError):
            return entry
    return None


def is_missing_entry(entry: Any) -> bool:
    """Whether it stands for no value: None, NaN, or what pandas has for it."""
    if entry is None or type(entry).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(entry, (float, np.floating)) and bool(np.isnan(entry))


def missing_as_nan(x: Any) -> Any:
    """The table with NaN where a column of text has a mark of pandas' that is no number and cannot be made one."""
    if not is_frame(x) or not hasattr(x, "assign"):
        return x
    marked = {}
    for name, dtype in zip(x.columns, x.dtypes, strict=True):
        if getattr(dtype, "kind", None) == "O":
            column = np.asarray(x[name], dtype=object)
            if any(is_missing_entry(entry) for entry in column):
                marked[name] = [
                    np.nan if is_missing_entry(entry) else float(entry) for entry in column
                ]
    if not marked:
        return x
    x = x.copy()
    for name, values in marked.items():
        x[name] = values
    return x


def check_names(x: Any, known: Any) -> None:
    """Raise if a frame's columns are not those of the fit, in their order."""
    names = list(x.columns) if is_frame(x) else []
    if known is None or not names or not all(isinstance(name, str) for name in names):
        return
    known = known.tolist()
    if names == known:
        return
    there, wanted = set(names), set(known)
    lacking = [name for name in known if name not in there]
    extra = [name for name in names if name not in wanted]
    if lacking:
        raise InputError(
            f"X lacks {len(lacking)} of the {len(known)} columns of fit: "
            f"{quoted_names(lacking)}{closest_name(lacking[0], extra)}"
        )
    what = (
        f"columns that were not there at fit, {quoted_names(extra)}"
        if extra
        else "the columns of fit in another order"
    )
    raise InputError(f"X has {what}: give it as X[list(model.feature_names_in_)]")


def check_target(y: Any, numbers: bool) -> None:
    """Raise if a target that is not made of numbers has gaps, or holds text where `numbers` are learned."""
    try:
        array = np.asarray(y)
    except (ValueError, TypeError):
        return  # told of when its shape is checked
    if array.dtype.kind not in "OUST" or array.ndim != 1:
        return
    gaps = [row for row, entry in enumerate(array) if is_missing_entry(entry)]
    if gaps:
        more = f" (and in {len(gaps) - 1} more)" if len(gaps) > 1 else ""
        raise InputError(
            f"y contains NaN: there is no value in row {gaps[0]} (counted from 0){more}: leave those rows out"
        )
    text = first_text_entry(array) if numbers else None
    if text is not None:
        raise InputError(
            f"y holds text (such as {short_repr(text)}), and numbers are learned here: to learn classes, "
            "take TwoLayerClassifier "
            "(or TwoLayerClassifierCV)"
        )


def check_missing_values(x: Any, names: Any = None) -> None:
    """Raise if a value is missing or infinite, and say how many and in which columns."""
    sparse = is_sparse(x)
    bad = ~np.isfinite(x.data if sparse else x)
    if not bad.any():
        return
    columns = np.unique(x.indices[bad] if sparse else np.flatnonzero(bad.any(axis=0)))
    words = [str(j) if names is None else f"'{names[j]}'" for j in columns]
    raise InputError(
        f"X has values that are NaN or infinite: {int(bad.sum())} of them, in "
        f"column{'s' if len(columns) > 1 else ''} {name_list(words)}. "
        "Fill them in (sklearn.impute.SimpleImputer) or leave those rows or columns out"
    )


def quoted_names(names: list[str]) -> str:
    """The first few of them, in quotes."""
    return name_list([f"'{name}'" for name in names])


def name_list(words: list[str]) -> str:
    """The first few of them."""
    more = len(words) - MAX_NAMES
    return ", ".join(words[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")

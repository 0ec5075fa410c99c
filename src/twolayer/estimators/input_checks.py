"""What is wrong with a user's table: the columns that hold no numbers, the missing values, the other columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

import numpy as np

from twolayer.checks import closest_name, is_missing_entry, is_sparse, short_repr
from twolayer.errors import InputError
from twolayer.text import first_names
from twolayer.training.table_home import check_in_memory

TEXT_KIND, DATE_KIND, COMPLEX_KIND, OTHER_KIND = (
    "text",
    "dates or times",
    "complex numbers",
    "objects that are not numbers",
)
KIND_ADVICE = {
    TEXT_KIND: "turn {them} into numbers first, for example with sklearn.preprocessing.OneHotEncoder in "
    "sklearn.compose.make_column_transformer, or leave {them} out",
    DATE_KIND: "turn {them} into numbers that mean something first (days since the first visit, month), or leave {them} out",
    COMPLEX_KIND: "give real ones, for example the real part, or leave {them} out",
    OTHER_KIND: "turn {them} into numbers first, or leave {them} out",
}


def check_columns(x: Any) -> None:
    """Raise InputError if columns hold anything but numbers: which columns, what they hold, and what to do."""
    check_rows_are_there(x, "X")
    check_in_memory(x, "X", "its rows are read in memory here")
    check_unique_names(x)
    faults: dict[str, list[tuple[str, Any]]] = {}
    for name, column in frame_columns(x):
        for kind, example in column_fault(column, is_frame(x)):
            faults.setdefault(kind, []).append((name, example))
    for kind, columns in faults.items():
        several = len(columns) > 1
        them = "them" if several else "it"
        names = first_names([name for name, _ in columns], quote="")
        where = f"column{'s' if several else ''} {names}"
        raise InputError(
            f"X holds {kind} in {where} (such as {short_repr(columns[0][1])}): {KIND_ADVICE[kind].format(them=them)}"
        )


def is_frame(x: Any) -> bool:
    """Return whether it is a table of columns with names, of pandas or polars."""
    return hasattr(x, "columns") and hasattr(x, "dtypes")


def check_rows_are_there(table: Any, name: str) -> None:
    """Raise InputError for a lazy frame of polars."""
    if (
        hasattr(table, "collect")
        and hasattr(table, "collect_schema")
        and not hasattr(table, "shape")
    ):
        raise InputError(
            f"{name} is a {type(table).__name__}, whose rows are not computed yet: give {name}.collect()"
        )


def check_unique_names(x: Any) -> None:
    """Raise InputError if two columns of a frame have one name."""
    names = list(x.columns) if is_frame(x) else []
    if len(set(names)) < len(names):
        twin = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"X has {names.count(twin)} columns named {short_repr(twin)}: give every column a name of its own"
        )


def frame_columns(x: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name (or number) and content of the columns that may hold something else than numbers."""
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
    """Return whether it is one of polars' types of numbers."""
    return hasattr(dtype, "is_numeric") and dtype.is_numeric()


def column_fault(column: np.ndarray, of_frame: bool) -> Iterator[tuple[str, Any]]:
    """Yield what a column holds instead of numbers, and the first such entry; nothing for numbers and missing values."""
    if column.dtype.kind in "mM":
        dates = column[~np.isnat(column)]
        yield DATE_KIND, str(dates[0]).split("T00:00:00")[0] if len(dates) else "NaT"
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
    """Return the first entry that is text and not a number; None if there is none."""
    for entry in column:
        if isinstance(entry, (str, bytes)):
            try:
                float(entry)
            except ValueError:
                return str(entry)
    return None


def first_other_entry(column: np.ndarray) -> Any:
    """Return the first entry that is neither text nor a number nor missing; None if there is none."""
    for entry in column:
        if is_missing_entry(entry) or isinstance(entry, (str, bytes)):
            continue
        try:
            float(entry)
        except (TypeError, ValueError):
            return entry
    return None


def missing_as_nan(x: Any) -> Any:
    """Return the table with NaN for missing values that NumPy cannot convert, in columns of objects of pandas."""
    if not is_frame(x) or not hasattr(x, "assign"):
        return x
    replaced = {}
    for name, dtype in zip(x.columns, x.dtypes, strict=True):
        if getattr(dtype, "kind", None) == "O":
            column = np.asarray(x[name], dtype=object)
            if any(is_missing_entry(entry) for entry in column):
                replaced[name] = [
                    np.nan if is_missing_entry(entry) else float(entry) for entry in column
                ]
    if not replaced:
        return x
    x = x.copy()
    for name, values in replaced.items():
        x[name] = values
    return x


def check_names(x: Any, fitted: np.ndarray | None) -> None:
    """Raise InputError if a frame's columns are not those of the fit, in their order."""
    names = list(x.columns) if is_frame(x) else []
    if fitted is None or not names or not all(isinstance(name, str) for name in names):
        return
    wanted = fitted.tolist()
    if names == wanted:
        return
    given, of_fit = set(names), set(wanted)
    lacking = [name for name in wanted if name not in given]
    extra = [name for name in names if name not in of_fit]
    if lacking:
        raise InputError(
            f"X lacks {len(lacking)} of the {len(wanted)} columns of fit: "
            f"{first_names(lacking)}{closest_name(lacking[0], extra)}"
        )
    what = (
        f"columns that were not there at fit, {first_names(extra)}"
        if extra
        else "the columns of fit in another order"
    )
    raise InputError(f"X has {what}: give it as X[list(model.feature_names_in_)]")


def check_target(y: Any, numbers: bool) -> None:
    """Raise InputError if a target of text or objects has missing values, or holds text where `numbers` are learned."""
    check_rows_are_there(y, "y")
    if numbers and is_sparse(y):
        raise InputError("y is sparse, and of a regression only X may be: give y.toarray()")
    try:
        array = np.asarray(y)
    except (ValueError, TypeError):
        return  # the check of its shape raises the error
    if array.dtype.kind not in "OUST" or array.ndim != 1:
        return
    missing = [row for row, entry in enumerate(array) if is_missing_entry(entry)]
    if missing:
        more = f" (and in {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise InputError(
            f"y contains NaN: there is no value in row {missing[0]} (counted from 0){more}: leave those rows out"
        )
    text = first_text_entry(array) if numbers else None
    if text is not None:
        raise InputError(
            f"y holds text (such as {short_repr(text)}), and numbers are learned here: to learn classes, "
            "use TwoLayerClassifier (or TwoLayerClassifierCV)"
        )


def check_missing_values(x: Any, names: Any = None) -> None:
    """Raise InputError if values are missing or infinite: how many they are, and in which columns."""
    sparse = is_sparse(x)
    bad = ~np.isfinite(x.data if sparse else x)
    if not bad.any():
        return
    columns = np.unique(x.indices[bad] if sparse else np.flatnonzero(bad.any(axis=0)))
    words = [str(j) if names is None else f"'{names[j]}'" for j in columns]
    raise InputError(
        f"X has values that are NaN or infinite: {int(bad.sum())} of them, in "
        f"column{'s' if len(columns) > 1 else ''} {first_names(words, quote='')}. "
        "Fill them in (sklearn.impute.SimpleImputer) or leave those rows or columns out"
    )


def prediction_dtype(x: Any) -> type[np.floating]:
    """Return the type of predictions for rows: float32 where all is float32, as scikit-learn has it, else float64."""
    kinds = [x.dtype] if hasattr(x, "dtype") else list(getattr(x, "dtypes", ()))
    single = bool(kinds) and all(str(kind).lower() == "float32" for kind in kinds)
    return np.float32 if single else np.float64

"""Checks of what users give: once, at the door; everything behind it trusts its arguments.

Each check returns the value in the form the rest of the package expects, or raises an `InputError` that says what was
wrong, what was seen, and what to do.
"""

from __future__ import annotations

import contextlib
import math
import numbers
import reprlib
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any, TypeVar

import numpy as np

from twolayer.errors import EngineError, InputError

T = TypeVar("T")

ENTRIES_PER_BLOCK = 1 << 20  # checked together: a table mapped from disk is never in memory whole


def closest_name(name: object, names: Any) -> str:
    """Return `; did you mean 'x'?` for the nearest of the names, or an empty text."""
    by_small = {str(n).lower(): n for n in names}
    close = get_close_matches(str(name).lower(), by_small, n=1, cutoff=0.5)
    return f"; did you mean '{by_small[close[0]]}'?" if close else ""


def short_repr(value: object) -> str:
    """Return the value as text, short and in one line."""
    text = " ".join(reprlib.repr(value).split())
    return text if len(text) <= 60 else f"{text[:50]} ... {text[-5:]}"


def one_of(value: object, choices: dict[str, T], what: str, kind: type[T] | None = None) -> T:
    """Return the choice of that name; an object of the right kind, if there is one, is returned as it is."""
    if kind is not None and isinstance(value, kind):
        return value
    if isinstance(value, str) and value in choices:
        return choices[value]
    if len(choices) == 1:
        raise InputError(
            f"there is no {what} {short_repr(value)} here, only {next(iter(choices))!r}"
        )
    raise InputError(
        f"there is no {what} {short_repr(value)}: choose one of {', '.join(choices)}{closest_name(value, choices)}"
    )


def flag(value: Any, name: str, others: tuple[str, ...] = ()) -> Any:
    """Return True or False (also for NumPy's), or one of the other words."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, str) and value in others:
        return value
    words = " or ".join(["True, False" if others else "True or False", *map(repr, others)])
    raise InputError(f"{name} must be {words}; got {short_repr(value)}")


def number_between_0_and(below: float, value: Any, name: str) -> float:
    """Return the value as a float, if it is a number above 0 and below that bound."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # a whole number of more than 308 digits
            given = float(value)
            if 0 < given < below:
                return given
    bounds = "a finite number above 0" if below == math.inf else f"a number between 0 and {below:g}"
    raise InputError(f"{name} must be {bounds}; got {value!r}")


def whole_number(value: object, name: str, at_least: int = 1) -> int:
    """Return the value, if it is a whole number that is large enough."""
    if (
        isinstance(value, numbers.Integral)
        and not isinstance(value, bool)
        and int(value) >= at_least
    ):
        return int(value)
    raise InputError(f"{name} must be a whole number, at least {at_least}; got {short_repr(value)}")


def finite_number(
    value: object, name: str, above: float | None = None, at_least: float | None = None
) -> float:
    """Return the value, if it is a finite number, above or at least a bound."""
    wanted = "a finite number"
    if above is not None:
        wanted += f" above {above:g}"
    if at_least is not None:
        wanted += f", at least {at_least:g}"
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        try:
            given = float(value)
        except OverflowError:  # a whole number of more than 308 digits
            given = math.inf
        if (
            math.isfinite(given)
            and (above is None or given > above)
            and (at_least is None or given >= at_least)
        ):
            return given
    raise InputError(f"{name} must be {wanted}; got {short_repr(value)}")


def float_dtype(value: Any) -> np.dtype:
    """Return float64 or float32, from a name or NumPy's own."""
    try:
        dtype = np.dtype(value)
    except (TypeError, ValueError):
        dtype = np.dtype(object)
    if dtype in (np.float64, np.float32):
        return dtype
    raise InputError(f"dtype must be 'float64' or 'float32'; got {short_repr(value)}")


def generator(random_state: Any) -> np.random.Generator:
    """Return random numbers from a seed; a Generator is returned as it is."""
    if random_state is None or isinstance(random_state, np.random.Generator):
        return np.random.default_rng(random_state)
    if isinstance(random_state, np.random.RandomState):
        return np.random.Generator(random_state._bit_generator)
    if isinstance(random_state, numbers.Integral) and int(random_state) >= 0:
        return np.random.default_rng(int(random_state))
    raise InputError(
        "random_state must be a whole number, at least 0, a numpy.random.Generator, or None; "
        f"got {short_repr(random_state)}"
    )


def require(module: str, purpose: str, extra: str) -> None:
    """Raise EngineError with the line that installs a library, if it is not installed.

    Parameters
    ----------
    module : str
        The library's name for `import`.
    purpose : str
        What needs it, such as "a plot".
    extra : str
        Of twolayer's extras the one that brings it.
    """
    if find_spec(module) is None:
        raise EngineError(
            f"{purpose} needs {module}, which is not installed: pip install 'twolayer[{extra}]'"
        )


def is_sparse(x: object) -> bool:
    """Return whether `x` is a SciPy sparse array or matrix, without importing SciPy."""
    return hasattr(x, "tocsr") and hasattr(x, "nnz")


def plain_array(value: Any, name: str) -> np.ndarray:
    """Return the value as a plain NumPy array: no mask, no matrix, no tensor, no frame."""
    if is_sparse(value):
        raise InputError(f"{name} is sparse, and only x may be: use {name}.toarray()")
    if np.ma.is_masked(value):
        where = position_text(tuple(np.argwhere(np.ma.getmaskarray(value))[0]), value)
        raise InputError(
            f"{name} has masked entries; the first is in {where}: fill it in or drop that row"
        )
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        if "inhomogeneous" in reason:
            reason = "its rows are not all of the same length"
        raise InputError(f"{name} cannot be read as a table of numbers: {reason}") from None
    if array.ndim == 0:
        got = "one number" if array.dtype.kind in "biufc" else type(value).__name__
        raise InputError(f"{name} must be a table of numbers; got {got}")
    return array


def floats(value: Any, name: str) -> np.ndarray:
    """Return a NumPy array of floats: float32 and float64 stay as they are, whole numbers and booleans become float64."""
    array = plain_array(value, name)
    if array.dtype in (np.float32, np.float64):
        return array
    kinds = {one[0].base.kind for one in (array.dtype.fields or {}).values()} | {array.dtype.kind}
    if "c" in kinds:
        raise InputError(f"{name} holds complex numbers; give real ones, for example its real part")
    if kinds & {"m", "M"}:
        raise InputError(f"{name} holds dates or times; turn them into numbers first")
    try:
        with np.errstate(over="ignore"):  # `finite_array` raises for an infinity
            return array.astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        raise InputError(text_position(array, name, value)) from None


def position_text(position: tuple[int, ...], given: Any = None) -> str:
    """Return `row 3, column 1 (counted from 0)`, with the column's name if the table has names."""
    names = getattr(given, "columns", None)
    where = f"row {position[-2] if len(position) > 1 else position[0]}"
    if len(position) > 1:
        where += f", column {position[-1]}"
        if names is not None and isinstance(names[position[-1]], str):
            where += f" ({names[position[-1]]!r})"
    return where + " (counted from 0)"


def text_position(array: np.ndarray, name: str, given: Any) -> str:
    """Return the message that says where in the table an entry is not a number."""
    for position in np.ndindex(array.shape):
        entry = array[position]
        try:
            float(entry)
        except (ValueError, TypeError, OverflowError):
            seen = entry.item() if isinstance(entry, np.generic) else entry
            return (
                f"{name} must hold numbers, but {position_text(position, given)} is {short_repr(seen)}: "
                "encode or drop that column"
            )
    return f"{name} must hold numbers; its dtype is {array.dtype}"


def array_blocks(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Yield slices that cut an array of that shape into parts of at most ENTRIES_PER_BLOCK entries."""
    per_row = math.prod(shape[1:])
    rows = max(1, ENTRIES_PER_BLOCK // max(1, per_row))
    for start in range(0, shape[0], rows):
        here = slice(start, min(start + rows, shape[0]))
        if per_row <= ENTRIES_PER_BLOCK:
            yield (here,)
        else:
            yield from ((here, *deeper) for deeper in array_blocks(shape[1:]))


def find_not_finite(array: np.ndarray) -> tuple[tuple[int, ...] | None, int]:
    """Return the position of the first NaN or infinity (None: there is none), and how many there are."""
    transposed = array.flags.f_contiguous and not array.flags.c_contiguous
    in_order = array.T if transposed else array  # its order in memory
    first: tuple[int, ...] | None = None
    count = 0
    if not array.size:  # the other axes may be of any length
        return first, count
    for part in array_blocks(in_order.shape):
        good = np.isfinite(in_order[part])
        if good.all():
            continue
        bad = np.argwhere(~good)
        bad[:, : len(part)] += [piece.start for piece in part]
        if transposed:
            bad = bad[:, ::-1]
        count += len(bad)
        here = tuple(bad[np.lexsort(bad.T[::-1])[0]].tolist())
        first = here if first is None else min(first, here)
    return first, count


def finite_array(array: np.ndarray, name: str, dtype: Any = None, given: Any = None) -> np.ndarray:
    """Return the array in that dtype (None: its own); raise InputError if an entry is not finite, or too large."""
    first, count = find_not_finite(array)
    if first is not None:
        values = "value that is" if count == 1 else "values that are"
        raise InputError(
            f"{name} has {count} {values} not finite; the first is {array[first]} in "
            f"{position_text(first, given)}: fill it in or drop that row"
        )
    if dtype is None or array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):
        cast = array.astype(dtype)
    first, _ = find_not_finite(cast)
    if first is not None:
        raise InputError(
            overflow_message(array[first], position_text(first, given), name, cast.dtype)
        )
    return cast


def overflow_message(entry: float, where: str, name: str, dtype: Any) -> str:
    """Return the message for a number that does not fit into a smaller dtype."""
    return (
        f"{name} holds {entry:g} in {where}, too large for {dtype}: "
        "rescale it, or use float64 parameters"
    )


def check_table_shape(shape: tuple[int, ...], name: str) -> None:
    """Raise InputError if that is not the shape of a table, or of one without rows or columns."""
    if len(shape) != 2:
        hint = f": use {name}.reshape(-1, 1) for one column" if len(shape) == 1 else ""
        raise InputError(f"{name} must have two axes (rows, columns); its shape is {shape}{hint}")
    if 0 in shape:
        raise InputError(f"{name} is empty: its shape is {shape}")


def finite_table(value: Any, name: str, dtype: Any = None) -> Any:
    """Return the table, dense or sparse, if it has finite numbers and at least one row and one column."""
    array = value.tocsr() if is_sparse(value) else floats(value, name)
    check_table_shape(array.shape, name)
    return (
        finite_sparse(array, name, dtype)
        if is_sparse(value)
        else finite_array(array, name, dtype, value)
    )


def finite_sparse(csr: Any, name: str, dtype: Any) -> Any:
    """Return a CSR table in that dtype (None: its own); raise InputError if an entry is not finite, or too large."""
    entries = floats(csr.data, name)
    with np.errstate(over="ignore"):
        cast = entries.astype(dtype or entries.dtype)
    bad = np.flatnonzero(~np.isfinite(cast))
    if len(bad):
        row = int(np.searchsorted(csr.indptr, bad[0], side="right")) - 1
        where = position_text((row, int(csr.indices[bad[0]])))
        if np.isfinite(entries).all():
            raise InputError(overflow_message(entries[bad[0]], where, name, cast.dtype))
        raise InputError(
            f"{name} has values that are not finite; the first is {entries[bad[0]]} in {where}: "
            "fill it in or drop that row"
        )
    return csr if csr.dtype == cast.dtype else csr.astype(cast.dtype)


def row_weights(s: Any, n_rows: int, dtype: Any) -> np.ndarray | None:
    """Return row weights of shape (n_rows,), none negative, not all zero; or None."""
    if s is None:
        return None
    if isinstance(s, numbers.Number):
        raise InputError(
            f"sample_weight must hold a number for each of the {n_rows} rows; got {short_repr(s)}: "
            "without it all rows count alike"
        )
    s = floats(s, "sample_weight")
    if s.shape != (n_rows,):
        raise InputError(
            f"sample_weight must have the shape ({n_rows},), one weight per row; its shape is {s.shape}"
        )
    s = finite_array(s, "sample_weight", dtype)
    if (s < 0).any():
        row = int(np.argmax(s < 0))
        raise InputError(
            f"sample_weight must not be negative; row {row} (counted from 0) is {s[row]:g}"
        )
    if not s.sum() > 0:
        raise InputError(
            "sample_weight is zero in every row: give at least one row a weight above 0"
        )
    return np.ascontiguousarray(s, dtype=dtype)


def row_groups(groups: Any, n_rows: int) -> np.ndarray:
    """Return the name of each row's group, shape (n_rows,), none of them missing and all of one kind."""
    names = np.asarray(groups)
    if names.shape != (n_rows,):
        raise InputError(
            f"groups must name one group for each of {n_rows} rows; its shape is {names.shape}"
        )
    missing = np.flatnonzero(missing_entries(groups)).tolist()
    if missing:
        rows = f"row{'s' * (len(missing) > 1)} {', '.join(map(str, missing[:5]))}"
        rows += f" and {len(missing) - 5:,} more" if len(missing) > 5 else ""
        raise InputError(
            f"groups has no value in {rows} (counted from 0): rows without a group are not one group. Name the group of "
            "every row, give each of these rows a group of its own, or leave them out"
        )
    try:
        np.unique(names)
    except TypeError:
        raise InputError("groups must be numbers or text, and of one kind") from None
    return names


def missing_entries(values: Any) -> np.ndarray:
    """Return which entries of an array of one axis are missing: masked, None, NaN, NaT or pandas.NA."""
    if np.ma.is_masked(values):
        return np.ma.getmaskarray(values)
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values != values
    entries = np.asarray(values, dtype=object)  # as an array of text, NaN would be 'nan'
    return np.array([is_missing_entry(entry) for entry in entries.ravel()], dtype=bool)


def is_missing_entry(entry: Any) -> bool:
    """Return whether it is a missing value: None, NaN, NumPy's NaT, or pandas' NA or NaT."""
    if entry is None or type(entry).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(entry, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(entry))
    return isinstance(entry, (float, np.floating)) and bool(np.isnan(entry))

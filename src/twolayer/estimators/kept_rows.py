"""Rows of training that a model keeps, because its user asked for it: they may be patients' data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from twolayer.checks import is_sparse
from twolayer.errors import InputError
from twolayer.estimators.standardise import Scaling

TABLE_PARTS = ("data", "indices", "indptr")  # of a sparse table


@dataclass(frozen=True, eq=False)
class KeptRows:
    """Rows of training, as `fit` takes them.

    Attributes
    ----------
    X : ndarray or SciPy CSR array of float64, shape (n_rows, n_inputs)
    y : ndarray
        Numbers, or classes, in the shape that was given to `fit`.
    sample_weight : ndarray, shape (n_rows,), or None
    groups : ndarray, shape (n_rows,), or None
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None

    def before_scaling(self, scaling: Scaling) -> KeptRows:
        """Return the same rows, whose columns were scaled so, in the units before."""
        scaled = self.X.multiply(scaling.scale).tocsr() if is_sparse(self.X) else None
        return replace(self, X=self.X * scaling.scale + scaling.mean if scaled is None else scaled)

    def arrays(self, classes: np.ndarray | None) -> dict[str, np.ndarray]:
        """Return all as arrays of float64 by name, for a file; `classes` become their numbers, groups theirs."""
        x, y = self.X, self.y
        arrays = {}
        if is_sparse(x) and x.nnz:
            arrays = {part: getattr(x, part).astype(np.float64) for part in TABLE_PARTS}
        else:
            arrays["X"] = np.asarray(x.toarray() if is_sparse(x) else x)
        numbers = y if classes is None else np.searchsorted(classes, y)
        arrays["y"] = np.asarray(numbers, dtype=np.float64)
        if self.sample_weight is not None:
            arrays["sample_weight"] = self.sample_weight
        if self.groups is not None:
            arrays["groups"] = np.unique(self.groups, return_inverse=True)[1].astype(np.float64)
        return arrays

    @property
    def group_names(self) -> list[Any] | None:
        """The names of the groups in the order of their numbers."""
        return None if self.groups is None else np.unique(self.groups).tolist()

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, np.ndarray],
        n_inputs: int,
        y_shape: tuple[int, ...],
        classes: np.ndarray | None,
        group_names: Any,
    ) -> KeptRows:
        """Return the rows of these arrays; `y_shape` is that of a row's target. Raise InputError if they do not fit."""
        rest = dict(arrays)
        for name, array in rest.items():
            if array.dtype != np.float64 or not np.isfinite(array).all():
                raise InputError(f"the array '{name}' of its rows is not of finite numbers")
        y = rest.pop("y", np.zeros(0))
        n_rows = len(y) if y.ndim else 0
        x = stored_table(rest, (n_rows, n_inputs))
        s, groups = rest.pop("sample_weight", None), rest.pop("groups", None)
        if rest:
            raise InputError(f"the arrays {', '.join(sorted(rest))} of its rows are unknown")
        if not n_rows or y.shape != (n_rows, *y_shape) or x.shape != (n_rows, n_inputs):
            raise InputError(f"its rows are not those of {n_inputs} inputs and their targets")
        if s is not None and (s.shape != (n_rows,) or (s < 0).any()):
            raise InputError("the weights of its rows are not one for each, at least 0")
        if classes is not None:
            y = classes[row_numbers(y, len(classes), "classes")]
        if groups is not None:
            names = np.array(group_names if isinstance(group_names, list) else [])
            if groups.shape != (n_rows,) or names.ndim != 1 or names.dtype.kind not in "USiufb":
                raise InputError("the groups of its rows are not one for each")
            groups = names[row_numbers(groups, len(names), "groups")]
        return cls(x, y, s, groups)


def row_numbers(values: np.ndarray, count: int, what: str) -> np.ndarray:
    """Return numbers from 0 to below `count` as integers; raise InputError if they are not."""
    numbers = values.astype(int)
    if (numbers != values).any() or (numbers < 0).any() or (numbers >= count).any():
        raise InputError(f"the {what} of its rows are not among the {count} that it names")
    return numbers


def stored_table(arrays: dict[str, np.ndarray], shape: tuple[int, int]) -> Any:
    """Return the table of these arrays, taken out of the others; raise InputError if it is none of this shape."""
    if "X" in arrays:
        return arrays.pop("X")
    parts = [arrays.pop(name, np.zeros(0)) for name in TABLE_PARTS]
    try:
        whole = [row_numbers(part, 2**53, "columns") for part in parts[1:]]
        table = sparse.csr_array((parts[0], *whole), shape=shape)
        table.check_format()
    except (ValueError, IndexError, TypeError):
        raise InputError("its rows are not a sparse table") from None
    return table

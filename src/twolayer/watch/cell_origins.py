"""What one cell of a variable was computed from: the products that sum to it, or the rule that gave it."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.tutorial.trace import product_factors
from twolayer.watch.engine_run import EngineRun
from twolayer.watch.frames import matrix_of
from twolayer.watch.watched_lines import WatchedLine

ReadArrays = dict[str, np.ndarray]
Origin = dict[str, Any]

# The line by hand that computes what autograd gives at once, and the shapes of its factors.
BY_HAND = {
    "grad_y_pred": "grad_y_pred = 2.0 * (y_pred - y)",
    "grad_w2": "grad_w2 = h_relu.T.dot(grad_y_pred)",
    "grad_b2": "grad_b2 = grad_y_pred.sum(axis=0)",
    "grad_h_relu": "grad_h_relu = grad_y_pred.dot(w2.T)",
    "grad_h": "grad_h[h < 0] = 0",
    "grad_w1": "grad_w1 = x.T.dot(grad_h)",
    "grad_b1": "grad_b1 = grad_h.sum(axis=0)",
}


def cell_origin(run: EngineRun, variable: str, row: int, column: int) -> Origin | None:
    """Return what the line that last wrote a variable made a cell from; None where its numbers are no longer there."""
    at = run.written_at.get(variable)
    if at is None or at <= run.step * len(run.lines):
        return None
    line = run.lines[(at - 1) % len(run.lines)]
    arrays = {name: array for name in run.names if (array := readable(run, name)) is not None}
    read = {**arrays, **weights_as_read(run, line)}
    origin = origin_of(line, variable, read, row, column)
    value = float(matrix_of(arrays[variable])[row, column])
    return {
        "variable": variable,
        "row": row,
        "column": column,
        "value": value,
        "code": line.code,
        **origin,
    }


def readable(run: EngineRun, name: str) -> np.ndarray | None:
    """Return a variable of numbers as an array; None for anything else."""
    if name.startswith("__") or name in ("np", "torch", "Rectifier"):
        return None
    return run.array(name)


def weights_as_read(run: EngineRun, line: WatchedLine) -> ReadArrays:
    """Return the weights as the line read them: those of the start of the step, unless they were updated before it."""
    if line.part == "update":
        return dict(run.old)
    ids = [other.id for other in run.lines]
    at = ids.index(line.id)
    return {
        name: array
        for name, array in run.old.items()
        if f"update_{name}" not in ids or ids.index(f"update_{name}") > at
    }


def origin_of(
    line: WatchedLine, variable: str, arrays: ReadArrays, row: int, column: int
) -> Origin:
    """Return the kind of a cell's origin and its terms or cells."""

    def cell(name: str, row: int = row, column: int = column) -> dict[str, Any]:
        table = matrix_of(arrays[name])
        row, column = min(row, len(table) - 1), min(column, table.shape[1] - 1)
        return {"name": name, "row": row, "column": column, "value": float(table[row, column])}

    if line.removed:
        return {"kind": "rule", "cells": []}
    code = BY_HAND[variable] if line.id == "backward" else line.code.strip()
    name = variable if line.id == "backward" else line.id
    if ".mm(" in code or ".dot(" in code:
        return product_origin(code, arrays, row, column)
    if ".sum(axis=0)" in code or ".sum(dim=0)" in code:
        return sum_origin(code, arrays, column)
    if name in ("h_bias", "y_pred_bias"):
        bias = cell("b1" if name == "h_bias" else "b2", 0)
        before = cell(variable)
        return {
            "kind": "add",
            "cells": [{**before, "value": before["value"] - bias["value"]}, bias],
        }
    source = code.partition(" = ")[2]
    if source in arrays:
        return {"kind": "alias", "cells": [cell(source)]}
    if name == "h_relu":
        return {"kind": "maximum", "cells": [cell("h")]}
    if name in ("mask", "grad_h"):
        if name == "grad_h" and line.id != "backward":
            return {"kind": "copy", "cells": [cell("grad_h_relu")]}
        kind = "masked" if cell("h")["value"] < 0 else "kept"
        return {"kind": kind, "cells": [cell("h"), cell("grad_h_relu")]}
    if name == "loss":
        return loss_origin(line, arrays)
    if name == "grad_y_pred":
        mean = "mean_" if line.changed == "mean" else ""
        return {"kind": f"{mean}difference", "cells": [cell("y_pred"), cell("y")]}
    if name.startswith("update_") and f"grad_{variable}" in arrays:
        return {"kind": "update", "cells": [cell(variable), cell(f"grad_{variable}")]}
    return {"kind": "rule", "cells": []}


def product_origin(code: str, arrays: ReadArrays, row: int, column: int) -> Origin:
    """Return the products that sum to a cell of a matrix product."""
    left, right = product_factors_of(code)
    one, other = (factor.removesuffix(".T") for factor in (left, right))
    left_turned, right_turned = left.endswith(".T"), right.endswith(".T")
    row_values = arrays[one][:, row] if left_turned else arrays[one][row]
    column_values = arrays[other][column] if right_turned else arrays[other][:, column]
    terms = []
    for k, (a, b) in enumerate(zip(row_values.tolist(), column_values.tolist(), strict=True)):
        places = (k, row) if left_turned else (row, k), (column, k) if right_turned else (k, column)
        cells = [
            {"name": name, "row": place[0], "column": place[1], "value": value}
            for name, place, value in zip((one, other), places, (a, b), strict=True)
        ]
        terms.append({"one": cells[0], "other": cells[1], "product": a * b})
    bands = [
        {"name": one, "axis": "column" if left_turned else "row", "at": row},
        {"name": other, "axis": "row" if right_turned else "column", "at": column},
    ]
    return {"kind": "sum", "terms": terms, "bands": bands}


def product_factors_of(code: str) -> list[str]:
    """Return the factors of a matrix product as NumPy writes them."""
    import ast

    in_numpy = code.replace(".mm(", ".dot(").replace(".t()", ".T")
    return product_factors(ast.parse(in_numpy))


def sum_origin(code: str, arrays: ReadArrays, column: int) -> Origin:
    """Return the entries of a column that a row sum adds up."""
    source = code.split("=")[1].split(".sum")[0].strip(" +")
    values = arrays[source][:, column].tolist()
    terms = [
        {"one": {"name": source, "row": k, "column": column, "value": value}, "product": value}
        for k, value in enumerate(values)
    ]
    return {
        "kind": "column_sum",
        "terms": terms,
        "bands": [{"name": source, "axis": "column", "at": column}],
    }


def loss_origin(line: WatchedLine, arrays: ReadArrays) -> Origin:
    """Return the squares that sum to the loss."""
    y_pred, y = arrays["y_pred"], arrays["y"]
    if y_pred.shape != y.shape:
        return {"kind": "rule", "cells": []}
    terms = [
        {
            "one": {
                "name": "y_pred",
                "row": row,
                "column": column,
                "value": float(y_pred[row, column]),
            },
            "other": {"name": "y", "row": row, "column": column, "value": float(y[row, column])},
            "product": float((y_pred[row, column] - y[row, column]) ** 2),
        }
        for row, column in np.ndindex(y.shape)
    ]
    return {
        "kind": "mean_squares" if line.changed == "mean" else "squares",
        "terms": terms,
        "bands": [],
    }

"""One step of the program, line by line: what is shown is what ran.

Every line of source is executed unchanged, in a namespace with the user's arrays and copies of the weights. After each line
the variables that it wrote are copied, so that a reader can look at any of them later.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_objective, checked_params, checked_problem
from twolayer.tutorial.source import SourceLine
from twolayer.tutorial.source.program import program_lines


@dataclass(frozen=True, eq=False)
class ArrayWindow:
    """A small part of two arrays of the same shape, and its place in them."""

    first_row: int
    first_column: int
    before: np.ndarray
    after: np.ndarray


@dataclass(frozen=True, eq=False)
class VariableChange:
    """What a line changed: a variable before and after, or a new variable and the one it was made from.

    Attributes
    ----------
    before_name, after_name : str
        The same name, if the line changed a variable in its place.
    before, after : ndarray
        Copies, of the same shape.
    """

    before_name: str
    after_name: str
    before: np.ndarray
    after: np.ndarray

    @property
    def n_entries(self) -> int:
        """The number of entries of the array."""
        return self.after.size

    @property
    def n_changed(self) -> int:
        """How many entries differ."""
        return int((self.before != self.after).sum())

    @property
    def n_cleared(self) -> int:
        """How many entries were not 0 before and are 0 now."""
        return int(((self.before != 0) & (self.after == 0)).sum())

    @property
    def largest(self) -> float:
        """The largest difference, without its sign."""
        return float(np.abs(self.after - self.before).max())

    def window(self, rows: int = 4, columns: int = 5) -> ArrayWindow:
        """Return at most `rows` rows and `columns` columns: the first, or those around the first entry that differs."""
        before, after = np.atleast_2d(self.before), np.atleast_2d(self.after)
        different = np.argwhere(before != after)
        row, column = different[0] if len(different) else (0, 0)
        row = 0 if row < rows else min(row, max(0, len(before) - rows))
        column = 0 if column < columns else min(column, max(0, before.shape[1] - columns))
        part = slice(row, row + rows), slice(column, column + columns)
        return ArrayWindow(int(row), int(column), before[part], after[part])


@dataclass(frozen=True, eq=False)
class TracedLine:
    """One line of the program that was executed.

    Attributes
    ----------
    part : str
        "forward", "loss", "backward" or "update".
    code : str
        The line, as it was executed.
    meaning, meaning_zh : str
        What it does in one plain sentence, in English and in Chinese.
    equation : str
        For a gradient, the chain rule that it follows; else "".
    shapes : str
        For a matrix product "(64, 1000) · (1000, 100) → (64, 100)"; else what was read and what was written.
    wrote : dict of str to ndarray
        Copies of the variables that the line wrote; numbers are NumPy's own, of shape ().
    change : VariableChange or None
        What it changed, if the variable existed before.
    """

    part: str
    code: str
    meaning: str
    meaning_zh: str
    equation: str
    shapes: str
    wrote: dict[str, Any]
    change: VariableChange | None

    def __str__(self) -> str:
        return f"{self.code:<42}  # {self.shapes}"


def trace(
    x: Any,
    y: Any,
    params: Params,
    loss: Any = "sum_of_squares",
    activation: Any = "relu",
    learning_rate: float = 1e-6,
    alpha: float = 0.0,
    sample_weight: Any = None,
) -> list[TracedLine]:
    """Return one step of gradient descent as the lines of the NumPy program, each with what it wrote.

    Parameters
    ----------
    x : array-like, shape (n_rows, n_inputs)
    y : array-like, shape (n_rows, n_outputs)
        For class losses also class numbers of shape (n_rows,).
    params : Params
        The weights before the step; they are not changed.
    loss, activation, learning_rate, alpha, sample_weight
        As in `train`.

    Returns
    -------
    list of TracedLine
        In the order in which they ran. The last `loss` written is the objective, `grad_w1` and so on are its
        gradients, and the `w1` and so on of the last lines are the weights after the step.

    Raises
    ------
    InputError
        If the arrays do not fit together or are not finite, `x` is sparse, or `params` holds several networks.

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> params = tl.Params(w1=np.array([[1.0, -1.0]]), b1=None, w2=np.array([[1.0], [10.0]]), b2=None)
    >>> lines = tl.trace([[2.0], [-3.0]], [[1.0], [20.0]], params, learning_rate=0.01)
    >>> for line in lines[:4]:
    ...     print(line)
    h = x.dot(w1)                               # (2, 1) · (1, 2) → (2, 2)
    h_relu = np.maximum(h, 0)                   # h (2, 2) → h_relu (2, 2)
    y_pred = h_relu.dot(w2)                     # (2, 2) · (2, 1) → (2, 1)
    loss = np.square(y_pred - y).sum()          # y_pred (2, 1), y (2, 1) → loss ()
    >>> lines[1].meaning
    'The rectifier (ReLU): every negative entry becomes 0, every other entry stays as it is.'
    >>> lines[1].change.n_cleared, lines[1].wrote["h_relu"]
    (2, array([[2., 0.],
           [0., 3.]]))
    """
    params = checked_params(params)
    if params.n_networks is not None:
        raise InputError(
            f"trace follows one network, and params holds {params.n_networks}: "
            "give it one, for example Params(w1=params.w1[0], ...)"
        )
    rate = checks.finite_number(learning_rate, "learning_rate", above=0)
    objective = checked_objective(loss, activation, alpha)
    problem = checked_problem(x, y, params, objective, sample_weight)
    if not isinstance(problem.x, np.ndarray):
        raise InputError(
            "trace shows every number, and x is sparse: give it as a dense table, x.toarray()"
        )
    names = dict(params.copy().items())  # the updates are made in place, on copies of the weights
    names |= {"np": np, "x": problem.x, "y": problem.y, "s": problem.s, "n_rows": problem.n_rows}
    names |= {"learning_rate": rate, "alpha": objective.alpha}
    names |= {"loss_function": objective.loss, "activation": objective.activation}
    source = program_lines(
        objective.loss,
        objective.activation,
        params,
        problem.y,
        weighted=problem.s is not None,
        decays=objective.alpha > 0,
    )
    return run_lines(source, names)


def run_lines(source: Iterable[SourceLine], names: dict[str, Any]) -> list[TracedLine]:
    """Execute the lines one after another in the namespace `names`, and return what each wrote."""
    return [run_line(line, names) for line in source]


def run_line(line: SourceLine, names: dict[str, Any]) -> TracedLine:
    """Execute one line of source in the namespace `names`."""
    tree = ast.parse(line.code)
    written = variables_in(tree, ast.Store) or mutated_variable(tree)
    origin = line.origin or (written[0] if len(written) == 1 else "")
    before = np.copy(names[origin]) if origin in names else None
    factors = [shape_expression(factor, names) for factor in product_factors(tree)]
    read = [
        f"{name} {names[name].shape}"
        for name in dict.fromkeys([*variables_in(tree, ast.Load), *written])
        if isinstance(names.get(name), np.ndarray)
    ]
    # a run that diverges ends in infinite numbers, which are shown unchanged
    with np.errstate(over="ignore", invalid="ignore"):
        exec(compile(tree, "<the program>", "exec"), names)
    wrote = {name: np.copy(names[name])[()] for name in written}
    results = ", ".join(f"{name} {np.shape(value)}" for name, value in wrote.items())
    if factors:
        shapes = " · ".join(factors) + f" → {np.shape(next(iter(wrote.values())))}"
    else:
        shapes = f"{', '.join(read)} → {results}".strip() if results else ""
    change = None
    if before is not None:
        change = VariableChange(origin, written[0], before, np.copy(names[written[0]]))
    return TracedLine(line.part, line.code, line.en, line.zh, line.equation, shapes, wrote, change)


def variables_in(tree: ast.AST, kind: type[ast.expr_context]) -> list[str]:
    """Return the variables that are read (`ast.Load`) or written (`ast.Store`), each once, in source order."""
    nodes = [
        node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, kind)
    ]
    return list(dict.fromkeys(node.id for node in sorted(nodes, key=lambda node: node.col_offset)))


def mutated_variable(tree: ast.AST) -> list[str]:
    """Return the variable whose entries are written, as `grad_h` in `grad_h[h < 0] = 0`."""
    return [
        node.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
    ]


def product_factors(tree: ast.AST) -> list[str]:
    """Return the two factors of the matrix product in a line, as source; an empty list if there is none."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "dot"
        ):
            return [ast.unparse(node.func.value), ast.unparse(node.args[0])]
    return []


def shape_expression(factor: str, names: dict[str, Any]) -> str:
    """Return the shape of `x` or of `x.T`, as Python writes it."""
    array = names[factor.removesuffix(".T")]
    return str(array.T.shape if factor.endswith(".T") else array.shape)

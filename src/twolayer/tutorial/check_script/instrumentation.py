"""A script whose expressions, statements and loops report what they do: the same program with calls of a recorder."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import Any

RECORDER_NAME = "__twolayer_recorder__"
# functions that look at the frame that calls them, or whose arguments are no arrays
_PLAIN_CALLS = {
    "super", "locals", "globals", "vars", "dir", "eval", "exec", "print", "range", "len",
    "enumerate", "zip", "isinstance", "type", "str", "open", "input", "list", "tuple", "dict",
}  # fmt: skip
_DOUBLE_NAMES = {
    "float32": "float64",
    "float16": "float64",
    "half": "double",
    "bfloat16": "float64",
}
_DOUBLE_TYPES = {"FloatTensor": "DoubleTensor", "HalfTensor": "DoubleTensor"}
_SILENT_STATEMENTS = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Global, ast.Nonlocal, ast.Pass,
    ast.AsyncFunctionDef, ast.Return, ast.Raise, ast.Break, ast.Continue,
)  # fmt: skip


@dataclass(frozen=True)
class SourceNode:
    """One expression of the script.

    Attributes
    ----------
    line : int
    text : str
        Its source.
    operation : str
        "name", "attribute:T", "binary:*", "unary:-", "call:dot", "item", "other".
    children : tuple of int
        Numbers of the expressions that it is made of; -1 for others. Of a call: the method's owner, then the arguments.
    keywords : tuple of str
        Names of the last arguments of a call.
    """

    line: int
    text: str
    operation: str
    children: tuple[int, ...] = ()
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceStatement:
    """One statement of the script: `operation` is "-=" or the like, "=" or ""; `value` the number of its right side."""

    line: int
    text: str
    operation: str
    value: int
    target: str = ""


class InstrumentedScript:
    """The compiled script, twice.

    Attributes
    ----------
    full, light : code
        With every expression and statement reported, and with loops only.
    nodes : list of SourceNode
    statements : list of SourceStatement
    loops : list of int
        The line of each loop.
    """

    def __init__(self, source: str, path: str, double: bool) -> None:
        self.source, self.path = source, path
        self.nodes: list[SourceNode] = []
        self.statements: list[SourceStatement] = []
        self.loops: list[int] = []
        tree = ast.parse(source, path)
        if double:
            tree = DoublePrecision().visit(tree)
        light, full = copy.deepcopy(tree), copy.deepcopy(tree)
        self.light = self._compiled(LoopReports(self).visit(light))
        self.loops = []
        self.full = self._compiled(Reports(self).visit(full))

    def _compiled(self, tree: Any) -> Any:
        return compile(ast.fix_missing_locations(tree), self.path, "exec")

    def text(self, node: ast.AST) -> str:
        """The source of a node, in one line."""
        return " ".join((ast.get_source_segment(self.source, node) or "").split())


class DoublePrecision(ast.NodeTransformer):
    """float64 in place of float32, so that differences of losses have enough digits."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        node.attr = _DOUBLE_NAMES.get(node.attr, _DOUBLE_TYPES.get(node.attr, node.attr))
        is_torch = isinstance(node.value, ast.Name) and node.value.id == "torch"
        if node.attr == "float" and is_torch:
            node.attr = "float64"
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "float" and not node.args:
            node.func.attr = "double"
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if node.value in ("float32", "float16"):
            node.value = "float64"
        return node


def recorder_call(method: str, *arguments: ast.expr, like: ast.AST) -> ast.Call:
    """Return the call `recorder.method(arguments)` with the position of another node."""
    function = ast.Attribute(ast.Name(RECORDER_NAME, ast.Load()), method, ast.Load())
    call = ast.copy_location(ast.Call(function, list(arguments), []), like)
    for part in (function, function.value, *arguments):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, like)
    for part in (
        call,
        function,
        function.value,
    ):  # one line: a call counts as in the last line of its function
        part.end_lineno, part.end_col_offset = part.lineno, part.col_offset
    return call


class LoopReports(ast.NodeTransformer):
    """`recorder.step(loop)` at the start of each loop's body."""

    def __init__(self, script: InstrumentedScript) -> None:
        self.script = script

    def visit_For(self, node: Any) -> ast.AST:
        number = len(self.script.loops)
        self.script.loops.append(node.lineno)
        self.generic_visit(node)
        report = recorder_call("step", ast.Constant(number), like=node)
        node.body.insert(0, ast.copy_location(ast.Expr(report), node))
        return node

    visit_While = visit_For  # noqa: N815


class Reports(LoopReports):
    """Besides: the value of each expression, and a report after each statement."""

    def _add(
        self, node: ast.AST, operation: str, children: tuple[int, ...] = (), keywords: Any = ()
    ) -> ast.expr:
        self.script.nodes.append(
            SourceNode(
                getattr(node, "lineno", 0), self.script.text(node), operation, children, keywords
            )
        )
        return ast.Constant(len(self.script.nodes) - 1)

    def _number(self, node: ast.AST) -> int:
        """The number of an expression that was visited."""
        return getattr(node, "twolayer_number", -1)

    def _reported(self, call: ast.Call, number: ast.expr) -> ast.AST:
        call.twolayer_number = number.value  # type: ignore[attr-defined]
        return call

    def _value(self, node: Any, operation: str, children: tuple[int, ...] = ()) -> ast.AST:
        number = self._add(node, operation, children)
        return self._reported(recorder_call("value", number, node, like=node), number)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._value(node, "name") if isinstance(node.ctx, ast.Load) else node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return self._value(node, "constant") if type(node.value) in (int, float) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if not isinstance(node.ctx, ast.Load):
            return node
        node.value = self.visit(node.value)
        return self._value(node, f"attribute:{node.attr}", (self._number(node.value),))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        children = (self._number(node.left), self._number(node.right))
        return self._value(node, f"binary:{type(node.op).__name__}", children)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return self._value(node, f"unary:{type(node.op).__name__}", (self._number(node.operand),))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        return self._value(node, "other", (self._number(node.left),))

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return self._value(node, "other", (self._number(node.body), self._number(node.orelse)))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if not isinstance(node.ctx, ast.Load):
            return node
        node.value = self.visit(node.value)
        number = self._add(node, "item", (self._number(node.value),))
        index = as_index(self.visit(node.slice))
        return self._reported(recorder_call("item", number, node.value, index, like=node), number)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function, owner = node.func, -1
        if isinstance(function, ast.Attribute):
            function.value = self.visit(function.value)
            owner = self._number(function.value)
            name = function.attr
        elif isinstance(function, ast.Name):
            name = function.id
        else:
            node.func = self.visit(function)
            name = "()"
        node.args = [self.visit(one) for one in node.args]
        for one in node.keywords:
            one.value = self.visit(one.value)
        if name in _PLAIN_CALLS and isinstance(function, ast.Name):
            return self._value(node, f"call:{name}")
        children = [owner, *map(self._number, node.args)]
        children += [self._number(one.value) for one in node.keywords]
        keywords = tuple(one.arg or "**" for one in node.keywords)
        number = self._add(node, f"call:{name}", tuple(children), keywords)
        call = recorder_call("call", number, node.func, *node.args, like=node)
        call.keywords = node.keywords
        return self._reported(call, number)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = self._statements(node.body)
        return node

    def visit_FunctionDef(self, node: Any) -> ast.AST:
        node.body = self._statements(node.body)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_Match(self, node: Any) -> ast.AST:
        for case in node.cases:
            case.body = self._statements(case.body)
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, self._statements(block))
        for name, value in ast.iter_fields(node):
            if name in ("body", "orelse", "finalbody") and isinstance(value, list):
                continue
            if isinstance(value, list):
                value[:] = [self.visit(one) if isinstance(one, ast.AST) else one for one in value]
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        return node

    def _statements(self, block: list[Any]) -> list[Any]:
        """The statements, each followed by its report."""
        found: list[Any] = []
        for statement in block:
            text, line = self.script.text(statement), statement.lineno
            target = self._target(statement)
            found.append(self.visit(statement))
            simple = not hasattr(statement, "body") and not isinstance(
                statement, _SILENT_STATEMENTS
            )
            docstring = isinstance(statement, ast.Expr) and isinstance(
                statement.value, ast.Constant
            )
            if simple and not docstring:
                self.script.statements.append(
                    SourceStatement(
                        line, text, operation_of(statement), self._right(statement), target
                    )
                )
                number = ast.Constant(len(self.script.statements) - 1)
                report = recorder_call("statement", number, like=statement)
                found.append(ast.copy_location(ast.Expr(report), statement))
        return found

    def _right(self, statement: Any) -> int:
        value = getattr(statement, "value", None)
        return self._number(value) if value is not None else -1

    def _target(self, statement: Any) -> str:
        if isinstance(statement, ast.Assign):
            return self.script.text(statement.targets[0])
        return self.script.text(statement.target) if isinstance(statement, ast.AugAssign) else ""


def operation_of(statement: ast.stmt) -> str:
    """Return "Sub=" or the like for `-=`, "=" for an assignment to a name, "[]=" to a part of an array, else ""."""
    if isinstance(statement, ast.AugAssign):
        part = isinstance(statement.target, ast.Subscript)
        return ("[]" if part else "") + type(statement.op).__name__ + "="
    if isinstance(statement, ast.Assign):
        return "[]=" if isinstance(statement.targets[0], ast.Subscript) else "="
    return "=" if isinstance(statement, ast.AnnAssign) else ""


def as_index(node: Any) -> Any:
    """Return the index of a subscript as an expression: `slice(a, b, c)` for `a:b:c`."""
    if isinstance(node, ast.Slice):
        parts = [part or ast.Constant(None) for part in (node.lower, node.upper, node.step)]
        return ast.Call(ast.Name("slice", ast.Load()), parts, [])
    if isinstance(node, ast.Tuple):
        return ast.Tuple([as_index(one) for one in node.elts], ast.Load())
    return node

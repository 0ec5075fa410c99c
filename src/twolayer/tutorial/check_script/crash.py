"""A script that stops with an error: at which line, and whether it is one of the usual mistakes."""

from __future__ import annotations

import itertools
import traceback
from typing import Any

import numpy as np

from twolayer.tutorial.check_script.arrays import as_array
from twolayer.tutorial.check_script.forward_gradients import PRODUCTS
from twolayer.tutorial.check_script.instrumentation import InstrumentedScript
from twolayer.tutorial.check_script.judgement import repeated_difference
from twolayer.tutorial.check_script.recorder import Recorder
from twolayer.tutorial.check_script.verdict import UNCHECKED, WRONG, ScriptVerdict

# a part of torch's message: the name of ours
TORCH_ERRORS = {
    "a leaf Variable that requires grad is being used in an in-place operation": "in_place_leaf",
    "a view of a leaf Variable that requires grad is being used in an in-place": "in_place_leaf",
    "does not require grad and does not have a grad_fn": "no_graph",
    "Trying to backward through the graph a second time": "second_backward",
    "modified by an inplace operation": "in_place_saved",
    "grad can be implicitly created only for scalar outputs": "not_scalar",
}


class CrashedError(Exception):
    """The script raised an error.

    Attributes
    ----------
    error : BaseException
    line : int
        Of the script; 0 if it was raised elsewhere.
    """

    def __init__(self, error: BaseException, path: str) -> None:
        super().__init__(str(error))
        self.error = error
        lines = [
            frame.lineno or 0
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == path
        ]
        self.line = lines[-1] if lines else 0
        if isinstance(error, SyntaxError) and error.filename == path:
            self.line = error.lineno or 0


class CrashRecorder(Recorder):
    """Also keeps what the last call of all was given."""

    operands: tuple[int, list[np.ndarray]] = (-1, [])

    def call(self, number: int, function: Any, *arguments: Any, **keywords: Any) -> Any:
        node = self.script.nodes[number]
        if node.operation[5:] in PRODUCTS:
            owner = getattr(function, "__self__", None)
            found = [as_array(one) for one in (owner, *arguments)]
            self.operands = number, [one for one in found if one is not None and one.ndim]
        return super().call(number, function, *arguments, **keywords)


def crash_verdict(crash: CrashedError, script: InstrumentedScript, recorder: Any) -> ScriptVerdict:
    """Return the verdict on a script that stopped: the usual mistake that it is, else its own error."""
    line = crash.line
    text = source_text(script, line)
    message = " ".join(str(crash.error).split()) or "no message"
    values: dict[str, Any] = {"error": type(crash.error).__name__, "message": message}
    if recorder is not None and recorder.events:
        cause = torch_cause(crash, text, recorder)
        if cause:
            return ScriptVerdict(WRONG, cause, *torch_place(cause, line, text, script), values)
        repeated = repeated_difference(recorder.events[-1])
        found = (
            repeated
            or product_verdict(line, text, recorder)
            or update_verdict(line, text, recorder)
        )
        if found is not None:
            found.values |= values
            return found
    return ScriptVerdict(UNCHECKED, "crashed", line, text, values)


def source_text(script: InstrumentedScript, line: int) -> str:
    """Return the statement that contains a line."""
    for statement in script.statements:
        if statement.line == line:
            return statement.text
    lines = script.source.splitlines()
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def torch_cause(crash: CrashedError, text: str, recorder: Recorder) -> str:
    """Return the name of the mistake behind an error of torch; "" if it is none of them."""
    message = str(crash.error)
    for part, cause in TORCH_ERRORS.items():
        if part in message:
            if cause == "no_graph" and recorder.count > 0:
                return "rebound_no_grad"
            return cause
    if (
        isinstance(crash.error, (TypeError, AttributeError))
        and "NoneType" in message
        and ".grad" in text
    ):
        return "rebound" if recorder.count > 0 else "no_gradient"
    return ""


def torch_place(cause: str, line: int, text: str, script: InstrumentedScript) -> tuple[int, str]:
    """Return line and source of the mistake: of the statement that replaced a weight, not of the one that fails."""
    if cause in ("rebound", "rebound_no_grad"):
        for statement in script.statements:
            target = statement.target
            if statement.operation == "=" and target and f"{target}.grad" in statement.text:
                return statement.line, statement.text
    return line, text


def product_verdict(line: int, text: str, recorder: Any) -> ScriptVerdict | None:
    """Return the verdict on a matrix product whose shapes do not fit: what would."""
    operands = failed_operands(line, recorder)
    if operands is None:
        return None
    (first, a), (second, b) = operands
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] == b.shape[0]:
        return None
    shapes = {
        event.value.shape: event.path
        for event in reversed(recorder.events[-1])
        if event.path and event.value.ndim == 2
    }
    values = {
        "left": first,
        "right": second,
        "left_shape": str(a.shape),
        "right_shape": str(b.shape),
    }
    fits = []
    for pair in (((first, a), (second, b)), ((second, b), (first, a))):
        for turns in itertools.product((False, True), repeat=2):
            parts = [
                (turned(name) if t else name, x.T if t else x)
                for (name, x), t in zip(pair, turns, strict=True)
            ]
            (left, p), (right, q) = parts
            shape = (p.shape[0], q.shape[1])
            if p.shape[1] == q.shape[0] and shape in shapes:
                fits.append((f"{left} @ {right}", shape, shapes[shape]))
    if not fits:
        return ScriptVerdict(WRONG, "product", line, text, values)
    fits.sort(key=lambda one: not likely(text, one[2]))
    product, shape, name = fits[0]
    return ScriptVerdict(
        WRONG,
        "product_fits",
        line,
        text,
        values | {"product": product, "shape": str(shape), "name": name},
    )


def likely(text: str, name: str) -> bool:
    """Return whether a statement computes something that is named after a variable, as grad_w1 is after w1."""
    target = text.split("=")[0].strip().lower()
    return name.lower() in target and name.lower() != target


def turned(name: str) -> str:
    """Return the source of the transpose."""
    return name.removesuffix(".T") if name.endswith(".T") else name + ".T"


def failed_operands(line: int, recorder: Any) -> Any:
    """Return (source, array) of both factors of the product that failed; None if no product did."""
    number, arrays = recorder.operands
    nodes = recorder.script.nodes
    if number >= 0 and nodes[number].line == line and len(arrays) == 2:
        names = [
            nodes[child].text
            for child in nodes[number].children
            if child >= 0 and nodes[child].text not in ("np", "torch")
        ]
        return list(zip(names[:2], arrays, strict=False)) if len(names) >= 2 else None
    for node in nodes:
        if node.line == line and node.operation == "binary:MatMult":
            known = [recorder.latest.get(child, -1) for child in node.children]
            if min(known) >= 0:
                events = recorder.events[-1]
                pairs = [
                    (nodes[child].text, events[k].value)
                    for child, k in zip(node.children, known, strict=True)
                ]
                if (
                    all(v.ndim == 2 for _, v in pairs)
                    and pairs[0][1].shape[1] != pairs[1][1].shape[0]
                ):
                    return pairs
    return None


def update_verdict(line: int, text: str, recorder: Any) -> ScriptVerdict | None:
    """Return the verdict on an update whose gradient has not the shape of the weight."""
    statement = next((one for one in recorder.script.statements if one.line == line), None)
    if statement is None or not statement.operation or statement.value < 0:
        return None
    right = recorder.latest.get(statement.value, -1)
    events = recorder.events[-1]
    target = next((e for e in reversed(events) if e.path == statement.target), None)
    if right < 0 or target is None or statement.operation not in ("Sub=", "Add="):
        return None
    shape, given = target.value.shape, events[right].value.shape
    if shape == given:
        return None
    rows = len(given) == 2 and given[1:] == shape[-1:]
    values = {"weight": statement.target, "shape": str(shape), "given": str(given)}
    return ScriptVerdict(WRONG, "update_rows" if rows else "update_shape", line, text, values)

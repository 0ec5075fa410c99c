"""The lines of a program that is watched: the tutorial's own, with the mistakes that the reader asked for."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace

from twolayer.tutorial.explain.program import setup_lines
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.source import SourceLine
from twolayer.tutorial.source.reasons import line_id
from twolayer.tutorial.source.torch_program import (
    OWN_FUNCTION,
    autograd_lines,
    tensor_lines,
    torch_line,
)
from twolayer.tutorial.trace import mutated_variable, variables_in
from twolayer.watch.texts import step_lines
from twolayer.watch.watch_settings import WatchSettings

LIBRARY_NAMES = {"np", "torch", "rng", "Rectifier"}
GRADIENTS_OF_AUTOGRAD = {"y_pred", "h_relu", "h"}  # beside those of the weights
TABLE_LINES = {
    ("quadrants", "setup_x"): ("points", "x = np.array(points)"),
    ("quadrants", "setup_y"): ("classes", "y = np.eye(4)[quadrant - 1]"),
    ("own", "setup_x"): ("own_x", "x = table[:, inputs]"),
    ("own", "setup_y"): ("own_y", "y = table[:, targets]"),
}


@dataclass(frozen=True)
class WatchedLine:
    """One line, as the page has it.

    Attributes
    ----------
    id : str
        Its short name.
    part, code : str
    reads, writes : tuple of str
        Variables.
    changed : str
        The mistake that is made here.
    removed : bool
        Whether the mistake is that the line is left out: it is shown and not run.
    original : str
        The line without the mistake.
    """

    id: str
    part: str
    code: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    changed: str = ""
    removed: bool = False
    original: str = ""


def watched_line(line: SourceLine) -> WatchedLine:
    """Return a line of the tutorial with what it reads and writes."""
    code = line.code.strip()
    name = line_id(code, line.part)
    if name in ("class", "function_forward", "function_backward", "no_grad"):
        return WatchedLine(name, line.part, line.code)
    tree = ast.parse(code)
    written = tuple(variables_in(tree, ast.Store) or mutated_variable(tree))
    read = [one for one in variables_in(tree, ast.Load) if one not in LIBRARY_NAMES]
    if isinstance(tree.body[0], ast.AugAssign):
        read += [one for one in written if one not in read]
    gradient = ".grad" in code
    if gradient:  # w1.grad is shown as grad_w1
        weight = name.partition("_")[2]
        read = [*(read if name.startswith("update") else ()), f"grad_{weight}"]
        written = written or (f"grad_{weight}",)
    return WatchedLine(name, line.part, line.code, tuple(read), written)


def setup_of(settings: WatchSettings) -> list[WatchedLine]:
    """Return the lines before the loop; they are shown, and the arrays that they make are those of the run."""
    program = LadderProgram(
        n_rows=settings.rows,
        n_inputs=settings.inputs,
        n_hidden=settings.hidden,
        n_outputs=settings.outputs,
        bias=settings.bias,
        learning_rate=settings.rate,
        seed=settings.seed,
    )
    lines = []
    for line in map(watched_line, setup_lines(program)):
        if (settings.problem, line.id) in TABLE_LINES:
            name, code = TABLE_LINES[settings.problem, line.id]
            line = WatchedLine(name, "setup", code, (), line.writes)
        if line.id in ("setup_w1", "setup_w2") and "zeros" in settings.breaks:
            code = line.code.replace("rng.standard_normal", "np.zeros")
            line = replace(line, code=code, changed="zeros", original=line.code)
        lines.append(line)
        if line.writes == ("y",) and "flat_y" in settings.breaks:
            lines.append(
                WatchedLine("flat_y", "setup", "y = y[:, 0]", ("y",), ("y",), changed="flat_y")
            )
    if settings.engine == "numpy":
        return lines
    weights = weight_names(settings)
    lines += map(watched_line, tensor_lines(weights, requires_grad=settings.engine != "torch"))
    if settings.engine == "custom":
        lines += map(watched_line, OWN_FUNCTION)
    return lines


def weight_names(settings: WatchSettings) -> list[str]:
    """Return the weights of a program, in the order of its updates."""
    return ["w1", "b1", "w2", "b2"] if settings.bias else ["w1", "w2"]


def loop_of(settings: WatchSettings) -> list[WatchedLine]:
    """Return the lines of one step in an engine, with the mistakes."""
    steps = step_lines(settings.activation, settings.bias)
    if settings.engine in ("autograd", "custom"):
        lines = [
            watched_line(line)
            for line in autograd_lines(steps, own_function=settings.engine == "custom")
        ]
        known = [f"grad_{name}" for name in weight_names(settings)]
        known += [f"grad_{name}" for name in sorted(GRADIENTS_OF_AUTOGRAD)]
        lines = [
            replace(line, reads=("loss",), writes=tuple(known)) if line.id == "backward" else line
            for line in lines
        ]
    else:
        changed = [torch_line(line) for line in steps] if settings.engine == "torch" else steps
        lines = [watched_line(line) for line in changed]
    for name in settings.breaks:
        lines = BROKEN_LINES.get(name, lambda lines: lines)(lines)
    return lines


StepLines = list[WatchedLine]


def with_code(line: WatchedLine, mistake: str, code: str) -> WatchedLine:
    """Return a line that was changed by a mistake."""
    return replace(line, code=code, changed=mistake, original=line.original or line.code)


def replaced(
    lines: StepLines, mistake: str, change: Callable[[WatchedLine], str | None], *ids: str
) -> StepLines:
    """Return the lines, those of these short names with other code; with None they are left out."""
    changed = []
    for line in lines:
        if line.id in ids:
            code = change(line)
            left_out = replace(line, changed=mistake, removed=True, original=line.code)
            line = left_out if code is None else with_code(line, mistake, code)
        changed.append(line)
    return changed


def shared_gradient(lines: StepLines) -> StepLines:
    """Return the lines without the copy: the mask then writes both names."""
    if not any(line.id == "mask" for line in lines):
        return lines
    lines = replaced(lines, "copy", lambda line: "grad_h = grad_h_relu", "grad_h")
    both = ("grad_h", "grad_h_relu")
    return [replace(line, writes=both) if line.id == "mask" else line for line in lines]


def early_update(lines: StepLines) -> StepLines:
    """Return the lines with w2 updated before grad_h_relu is computed."""
    (update,) = (line for line in lines if line.id == "update_w2")
    rest = [line for line in lines if line is not update]
    at = next(k for k, line in enumerate(rest) if line.id == "grad_h_relu")
    return [*rest[:at], with_code(update, "order", update.code), *rest[at:]]


def mean_loss(lines: StepLines) -> StepLines:
    """Return the lines with the mean in the place of the sum."""
    count = "y.numel()" if any(".mm(" in line.code for line in lines) else "y.size"
    lines = replaced(lines, "mean", lambda line: line.code.replace(".sum()", ".mean()"), "loss")
    return replaced(lines, "mean", lambda line: f"{line.code} / {count}", "grad_y_pred")


def added_gradients(lines: StepLines) -> StepLines:
    """Return the lines with each gradient of a weight added to the last one."""
    ids = ("grad_w1", "grad_b1", "grad_w2", "grad_b2")
    return replaced(lines, "accumulate", lambda line: line.code.replace(" = ", " += ", 1), *ids)


UPDATE_IDS = ("update_w1", "update_b1", "update_w2", "update_b2")
CLEAR_IDS = ("clear_w1", "clear_b1", "clear_w2", "clear_b2")


def rebound(mistake: str, recorded: bool) -> Callable[[StepLines], StepLines]:
    """Return the change that makes new tensors in the update; `recorded`: outside of no_grad."""

    def change(lines: StepLines) -> StepLines:
        def code(line: WatchedLine) -> str:
            name = line.id.removeprefix("update_")
            indent = "" if recorded else "    "
            return f"{indent}{name} = {name} - learning_rate * {name}.grad"

        lines = [line for line in lines if line.id not in CLEAR_IDS]  # a new tensor has no .grad
        lines = replaced(lines, mistake, code, *UPDATE_IDS)
        return replaced(lines, mistake, lambda line: None, *["no_grad"] * recorded)

    return change


BROKEN_LINES: dict[str, Callable[[StepLines], StepLines]] = {
    "mask": lambda lines: replaced(lines, "mask", lambda line: None, "mask"),
    "copy": shared_gradient,
    "order": early_update,
    "mean": mean_loss,
    "bias_sum": lambda lines: replaced(
        lines, "bias_sum", lambda line: line.code.partition(".sum(")[0], "grad_b1", "grad_b2"
    ),
    "accumulate": added_gradients,
    "rebind": rebound("rebind", recorded=True),
    "rebind_no_grad": rebound("rebind_no_grad", recorded=False),
    "recorded": lambda lines: replaced(
        replaced(lines, "recorded", lambda line: line.code.strip(), *UPDATE_IDS, *CLEAR_IDS),
        "recorded",
        lambda line: None,
        "no_grad",
    ),
    "not_cleared": lambda lines: replaced(lines, "not_cleared", lambda line: None, *CLEAR_IDS),
}

"""`twolayer ladder`: the same program on every engine, and the table that compares them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import typer

from twolayer import checks
from twolayer.engines import ENGINE_NAMES
from twolayer.errors import InputError
from twolayer.functional import forward
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Params
from twolayer.training.ctrl_c import StoppedError
from twolayer.training.loop import INTERRUPTED
from twolayer.tutorial.ladder import (
    EARLY_STEPS,
    LADDER_DTYPES,
    LADDER_PROBLEMS,
    PROGRAMS,
    REFERENCE_ENGINE,
    LadderArrays,
    LadderProgram,
    LadderRow,
    ladder_arrays,
    least_squares_floor,
    run_ladder,
    weight_snapshots,
)

LADDER_WIDTH = 100  # nothing that is printed is wider
MAX_LOSS_LINES = 10  # of `t loss`, about, when --every is not given


def ladder(
    program: str = typer.Option("P1", help="Start from a preset: P1-P5, P7, P8, P10."),
    problem: str | None = typer.Option(None, help="random, or quadrants (which is P4)."),
    n_rows: int | None = typer.Option(None, help="Rows of x and y."),
    n_inputs: int | None = typer.Option(None, help="Columns of x."),
    n_hidden: int | None = typer.Option(None, help="Units in the hidden layer: its width."),
    n_outputs: int | None = typer.Option(None, help="Columns of y."),
    bias: bool | None = typer.Option(None, "--bias/--no-bias", help="With b1 and b2, or without."),
    activation: str | None = typer.Option(None, help="Of the hidden layer: relu, identity, ..."),
    loss: str | None = typer.Option(None, help="sum_of_squares, squared_error, ..."),
    alpha: float | None = typer.Option(None, help="Weight decay."),
    solver: str | None = typer.Option(None, help="gd or adam."),
    learning_rate: float | None = typer.Option(None, help="Above 0."),
    momentum: float | None = typer.Option(None, help="From 0 to below 1, for gd."),
    nesterov: bool | None = typer.Option(None, "--nesterov", help="Nesterov's form of momentum."),
    batch_size: int | None = typer.Option(
        None, help="Rows a step, drawn at random; all by default."
    ),
    steps: int | None = typer.Option(None, help="Updates of the weights."),
    dtype: str | None = typer.Option(None, help="float64 or float32."),
    device: str | None = typer.Option(None, help="cpu, cuda, cuda:1, or auto."),
    seed: int | None = typer.Option(None, help="Of all random numbers."),
    engines: str | None = typer.Option(
        None, help="Engines to run, with commas between; all by default."
    ),
    every: int | None = typer.Option(
        None, help="Print the loss of every so many steps; 0 for none."
    ),
    predict: str | None = typer.Option(None, help="Ask the trained network: '111,-111; 1,9'."),
    show_weights: bool | None = typer.Option(
        None,
        "--show-weights/--no-show-weights",
        help="Print the weights at the end; with --every, also before each printed step.",
    ),
) -> None:
    """Run one program on the same numbers with every engine: losses, seconds, differences.

    The program is the well-known one: 64 rows, 1000 inputs, 100 hidden units, 10 outputs, all standard normal. The losses
    that are printed are the NumPy program's, before each step.
    """
    given = dict(locals())
    for name in ("program", "problem", "engines", "every", "predict"):
        del given[name]
    chosen = choose_program(program, problem, given)
    if predict is not None:
        chosen = replace(chosen, predict=parse_points(predict, chosen.n_inputs))
    names = parse_engines(engines)
    show_ladder(chosen, names, every, on_the_way=bool(show_weights and every))


def choose_program(name: str, problem: str | None, given: dict[str, Any]) -> LadderProgram:
    """The preset, with what was given on the command line in place of its own."""
    elsewhere = {"P6": "--topic autograd", "P7B": "--topic autograd", "P9": ""}
    if name.upper() in elsewhere:
        raise InputError(
            f"program {name} is not a race between engines: run "
            f"`twolayer explain {elsewhere[name.upper()]}".rstrip()
            + "`"
        )
    preset = checks.one_of(name.upper(), PROGRAMS, "program", LadderProgram)
    if problem is not None and problem != preset.problem:
        preset = checks.one_of(problem, LADDER_PROBLEMS, "problem", LadderProgram)
    chosen = replace(preset, **{key: value for key, value in given.items() if value is not None})
    checks.whole_number(chosen.steps, "steps")
    return chosen


def parse_engines(text: str | None) -> list[str] | None:
    """The names between the commas; None for all engines."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or "auto" in names:
        raise InputError(
            f"--engines takes the names of engines: {', '.join(ENGINE_NAMES)}; got '{text}'"
        )
    return names


def parse_points(text: str, n_inputs: int) -> tuple[tuple[float, ...], ...]:
    """Points written as '111,-111; 1,9'."""
    found = []
    for part in text.strip().strip(";").split(";"):
        try:
            point = tuple(float(number) for number in part.split(","))
        except ValueError:
            point = ()
        if not point or not all(math.isfinite(number) for number in point):
            raise InputError(
                f"--predict takes points of finite numbers like '111,-111; 1,9'; got '{part.strip()}'"
            )
        if len(point) != n_inputs:
            raise InputError(
                f"--predict: '{part.strip()}' has {counted_steps(len(point), 'number')}, "
                f"but the network has {counted_steps(n_inputs, 'input')}"
            )
        found.append(point)
    return tuple(found)


def show_ladder(
    program: LadderProgram, names: list[str] | None, every: int | None, on_the_way: bool
) -> None:
    """Run the program and print everything about it."""
    stride = max(1, program.steps // MAX_LOSS_LINES) if program.prints_losses else 0
    if every is not None:
        stride = checks.whole_number(every, "--every", at_least=0)
    numbers = ladder_arrays(program)
    rungs = run_ladder(program, numbers, names)
    first = next(rungs)
    check_finished(first, program)
    for line in program_lines_of(program):
        print(line)
    print()
    print_losses(program, numbers, first, stride, on_the_way)
    print_results(program, numbers, first)
    print_table(program, first, rungs)


def program_lines_of(program: LadderProgram) -> list[str]:
    """What is trained on what, in two lines."""
    pieces = [
        counted_steps(program.n_rows, "row"),
        counted_steps(program.n_inputs, "input"),
        counted_steps(program.n_hidden, "hidden unit"),
        counted_steps(program.n_outputs, "output"),
        "bias" if program.bias else "no bias",
        program.activation,
        program.loss,
        program.dtype,
    ]
    how = [program.solver, f"learning rate {program.learning_rate:g}"]
    if program.momentum:
        how.append(("Nesterov " if program.nesterov else "") + f"momentum {program.momentum:g}")
    if program.alpha:
        how.append(f"alpha {program.alpha:g}")
    if program.batch_size:
        how.append(f"{program.batch_size} rows a step")
    how += [counted_steps(program.steps, "step"), f"seed {program.seed}"]
    return [f"{program.problem}: " + ", ".join(pieces), ", ".join(how)]


def print_losses(
    program: LadderProgram, numbers: LadderArrays, first: LadderRow, stride: int, weights: bool
) -> None:
    """Lines of `t loss` as the NumPy program has them, with the weights on the way if asked."""
    assert first.run is not None
    losses = first.run.losses.astype(
        LADDER_DTYPES[program.dtype]
    )  # prints as many digits as it has
    last = len(losses) - 1
    if not stride:
        return
    seen = weight_snapshots(program, numbers, stride) if weights else {}
    for t, value in enumerate(losses):
        if t % stride and t != last:
            continue
        if t in seen:
            print_weights(seen[t])
        print(t, value)
    print()


def check_finished(rung: LadderRow, program: LadderProgram) -> None:
    """Raise StoppedError if Ctrl-C ended the run, whose loss and seconds would look like those of a whole one."""
    if rung.run is not None and rung.run.stopped == INTERRUPTED:
        steps = f"{len(rung.run.losses)} of {counted_steps(program.steps, 'step')}"
        raise StoppedError(f"stopped in engine '{rung.engine}' after {steps}: it has no row")


def print_results(program: LadderProgram, numbers: LadderArrays, first: LadderRow) -> None:
    """What the trained NumPy program says about new points, its weights, and how far it could have come."""
    assert first.run is not None
    trained = first.run.params
    if program.problem == "quadrants" and program.loss == "sum_of_squares":
        floor = least_squares_floor(numbers)
        print(
            f"loss after {counted_steps(len(first.run.losses), 'step')}: {first.run.final_loss:.6g}"
        )
        print(f"least a linear model can reach (least squares): {floor:.6g}")
        print(unfinished_note(program, first.run.final_loss, floor))
        print()
    if program.predict:
        print_predictions(program, trained)
    if program.show_weights:
        print_weights(trained)
        print()


def unfinished_note(program: LadderProgram, loss: float, floor: float) -> str:
    """Whether more steps would help, and why."""
    if loss > floor * (1 + 1e-6):
        further = max(5_000 if program.activation == "identity" else 50_000, 10 * program.steps)
        return (
            "Not done: the nearer the floor, the flatter the way and the shorter each step. "
            f"Try --steps {further}."
        )
    if program.activation == "identity":
        return "Done: without an activation the network is a linear model, and this is its floor."
    return "Below the floor of every linear model: the activation lets the network bend."


def print_predictions(program: LadderProgram, trained: Params) -> None:
    """Each point with its outputs, and its class where there are classes."""
    new_x = np.array(program.predict)
    scores = forward(new_x, trained, program.activation)
    named = [""] * len(scores)
    if program.problem == "quadrants":
        named = [f"  quadrant {row.argmax() + 1}" for row in scores]
    elif LOSSES[program.loss].takes_labels:
        classes = scores.argmax(1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)
        named = [f"  class {number}" for number in classes]
    asked = [f"({', '.join(f'{number:g}' for number in point)})" for point in program.predict]
    wide = max(len(text) for text in asked)
    for point, row, name in zip(asked, scores, named, strict=True):
        print(f"{point:<{wide}}  y_pred {array_text(row, 9 + wide, 3)}{name}")
    print()


def print_weights(params: Params) -> None:
    """Every array by name; of large ones the corners."""
    for name, array in params.items():
        print(f"{name} = {array_text(array, len(name) + 3)}")


def array_text(array: np.ndarray, indent: int, precision: int = 4) -> str:
    """An array as text that fits the screen beside `indent` characters."""
    return np.array2string(
        array,
        max_line_width=LADDER_WIDTH - 16,
        precision=precision,
        suppress_small=True,
        threshold=200,
        prefix=" " * indent,
    )


def print_table(program: LadderProgram, first: LadderRow, others: Iterator[LadderRow]) -> None:
    """A row for each engine as soon as it has run, then how to read the columns."""
    short = program.steps <= EARLY_STEPS
    columns = f"{'engine':<15} {'device':<7} {'final loss':>14} {'seconds':>9} {'times faster':>13}"
    print(f"{columns}  largest difference of a loss")
    early = "" if short else f"{f'{EARLY_STEPS} steps':>10} "
    print(f"{'':<47} {f'than {REFERENCE_ENGINE}':>13}  {early}{'all steps':>10}")
    print(table_row(first, short))
    drift = 0.0
    for rung in others:
        check_finished(rung, program)
        print(table_row(rung, short), flush=True)
        drift = max(drift, rung.difference)
    print()
    for line in column_notes(program, first, drift):
        print(line)


def table_row(rung: LadderRow, short: bool) -> str:
    """One engine's line of the table."""
    if rung.run is None:
        reason = str(rung.reason).removeprefix(f"engine '{rung.engine}' ")
        return textwrap.fill(
            f"{rung.engine:<15} {reason}", LADDER_WIDTH, subsequent_indent=" " * 16
        )
    if rung.engine == REFERENCE_ENGINE:
        difference = f"{'-':>10}" if short else f"{'-':>10} {'-':>10}"
    else:
        difference = ("" if short else f"{rung.early:>10.1e} ") + f"{rung.difference:>10.1e}"
    return (
        f"{rung.engine:<15} {rung.device:<7} {rung.run.final_loss:>14.6e} {rung.run.seconds:>9.4f} "
        f"{rung.times_faster:>13.2f}  {difference}"
    )


def column_notes(program: LadderProgram, first: LadderRow, drift: float) -> list[str]:
    """What the table's columns mean."""
    assert first.run is not None
    lines = [
        "seconds: a whole call of train, on one thread, after two untimed steps; of short calls the",
        "         fastest of three.",
        "difference: |loss - numpy's loss| / numpy's loss, the largest of any step.",
    ]
    if program.dtype == "float32":
        lines += [
            "float32 keeps 7 digits. Engines add in different orders, so the last digit differs, and every",
            "step builds on the one before: the runs drift apart. Compare the first 100 steps.",
        ]
    elif drift > 1e-6 and first.run.final_loss < 1e-20 * first.run.losses[0]:
        start, end = first.run.losses[0], first.run.final_loss
        lines.append(
            f"At the end the loss, {end:.0e} of {start:.0e}, is what rounding leaves: its digits are noise."
        )
    return lines


def counted_steps(number: int, thing: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {thing}" + ("" if number == 1 else "s")

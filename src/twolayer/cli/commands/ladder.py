"""`twolayer ladder`: the same program on every engine, and the table that compares them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import typer

from twolayer import checks
from twolayer.cli.ladder_report import LadderReport
from twolayer.cli.lesson_options import (
    WHOLE_NUMBERS,
    check_choice,
    check_fixed_sizes,
    check_positive,
    check_whole,
    option_name,
)
from twolayer.engines import ENGINE_NAMES
from twolayer.errors import DivergedError, InputError
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.solvers import SOLVERS
from twolayer.training.ctrl_c import StoppedError
from twolayer.training.loop import INTERRUPTED
from twolayer.tutorial import ladder_text as words
from twolayer.tutorial.bilingual import LANGUAGES, default_language
from twolayer.tutorial.ladder import (
    LADDER_DTYPES,
    LADDER_PROBLEMS,
    PROGRAMS,
    LadderProgram,
    LadderRow,
    ladder_arrays,
    run_ladder,
)

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
    lang: str | None = typer.Option(None, help="en or zh; by default the locale's."),
) -> None:
    """Run one program on the same numbers with every engine: losses, seconds, differences.

    The program is the well-known one: 64 rows, 1000 inputs, 100 hidden units, 10 outputs, all standard normal. The losses
    that are printed are the NumPy program's, before each step.
    """
    given = dict(locals())
    for name in ("program", "problem", "engines", "every", "predict", "lang"):
        del given[name]
    here = default_language()
    reader = check_choice("--lang", here if lang is None else lang, LANGUAGES, here)
    if reader == "zh":
        check_in_chinese({**given, "program": program, "problem": problem, "every": every}, engines)
    chosen = choose_program(program, problem, given, reader)
    report = LadderReport(chosen, reader)
    if predict is not None:
        chosen = replace(chosen, predict=parse_points(predict, report))
        report = LadderReport(chosen, reader)
    names = parse_engines(engines, reader)
    show_ladder(report, names, every, on_the_way=bool(show_weights and every))


def choose_program(
    name: str, problem: str | None, given: dict[str, Any], lang: str = "en"
) -> LadderProgram:
    """The preset, with what was given on the command line in place of its own."""
    elsewhere = {"P6": "--topic autograd", "P7B": "--topic autograd", "P9": ""}
    if name.upper() in elsewhere:
        command = f"twolayer explain {elsewhere[name.upper()]}".rstrip()
        raise InputError(words.NOT_A_RACE.said(lang, name=name, command=command))
    preset = checks.one_of(name.upper(), PROGRAMS, "program", LadderProgram)
    if problem is not None and problem != preset.problem:
        preset = checks.one_of(problem, LADDER_PROBLEMS, "problem", LadderProgram)
    chosen = replace(preset, **{key: value for key, value in given.items() if value is not None})
    checks.whole_number(chosen.steps, "steps")
    return chosen


def check_in_chinese(given: dict[str, Any], engines: str | None) -> None:
    """Raise in Chinese for what the library, which speaks English, would refuse."""
    choices = {
        "program": (*PROGRAMS, "P6", "P7B", "P9"), "problem": LADDER_PROBLEMS, "activation": ACTIVATIONS,
        "loss": LOSSES, "solver": SOLVERS, "dtype": LADDER_DTYPES,
    }  # fmt: skip
    for name, among in choices.items():
        if given[name] is not None:
            value = given[name].upper() if name == "program" else given[name]
            check_choice(option_name(name), value, among, "zh")
    for engine in (engines or "").split(","):
        if engine.strip() not in ("", "auto"):
            check_choice("--engines", engine.strip(), ENGINE_NAMES, "zh")
    for name, least in {**WHOLE_NUMBERS, "every": 0}.items():
        if given[name] is not None:
            check_whole(option_name(name), str(given[name]), "zh", least)
    if given["learning_rate"] is not None:
        check_positive("--learning-rate", str(given["learning_rate"]), "zh")
    if given["problem"] == "quadrants" or given["program"].upper() == "P4":
        check_fixed_sizes(given, "P4", "zh")


def parse_engines(text: str | None, lang: str = "en") -> list[str] | None:
    """The names between the commas; None for all engines."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or "auto" in names:
        raise InputError(words.BAD_ENGINES.said(lang, names=", ".join(ENGINE_NAMES), given=text))
    return names


def parse_points(text: str, report: LadderReport) -> tuple[tuple[float, ...], ...]:
    """Points written as '111,-111; 1,9'."""
    found, n_inputs = [], report.program.n_inputs
    for part in text.strip().strip(";").split(";"):
        try:
            point = tuple(float(number) for number in part.split(","))
        except ValueError:
            point = ()
        if not point or not all(math.isfinite(number) for number in point):
            raise InputError(words.BAD_POINTS.said(report.lang, given=part.strip()))
        if len(point) != n_inputs:
            numbers, inputs = (
                report.counted(len(point), "number"),
                report.counted(n_inputs, "input"),
            )
            raise InputError(
                words.WRONG_LENGTH.said(
                    report.lang, given=part.strip(), numbers=numbers, inputs=inputs
                )
            )
        found.append(point)
    return tuple(found)


def show_ladder(
    report: LadderReport, names: list[str] | None, every: int | None, on_the_way: bool
) -> None:
    """Run the program and print everything about it."""
    program = report.program
    stride = max(1, program.steps // MAX_LOSS_LINES) if program.prints_losses else 0
    if every is not None:
        stride = checks.whole_number(every, "--every", at_least=0)
    numbers = ladder_arrays(program)
    rungs = finished_rows(run_ladder(program, numbers, names), report)
    try:
        first = next(rungs)
    except DivergedError as error:
        if report.lang == "zh":
            error.args = (words.LADDER_DIVERGED.zh.format(step=error.step),)
        raise
    report.settings()
    report.losses(numbers, first, stride, on_the_way)
    report.results(numbers, first)
    report.table(first, rungs)


def finished_rows(rows: Iterator[LadderRow], report: LadderReport) -> Iterator[LadderRow]:
    """Yield the rows; raise StoppedError at one that Ctrl-C ended, whose loss and seconds would look like a whole one's."""
    for row in rows:
        if row.run is not None and row.run.stopped == INTERRUPTED:
            raise StoppedError(report.interruption(row))
        yield row

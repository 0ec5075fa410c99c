"""`twolayer explain`: the program line by line, with real numbers, in English or Chinese."""

from __future__ import annotations

import math
import shutil
import sys
from typing import TYPE_CHECKING, Any

import typer

from twolayer.inspection.wording import LANGUAGES, Both, language_here

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from twolayer.inspection.layout import Page
    from twolayer.ladder import Program

NARROWEST, WIDEST = 60, 100  # columns that are used of a terminal

NOT_WHOLE = Both(
    en="{option} must be a whole number, at least {least}; got '{given}'",
    zh="{option} 必须是不小于 {least} 的整数，而给出的是 '{given}'",
)
NOT_ABOVE_0 = Both(
    en="{option} must be a finite number above 0; got '{given}'",
    zh="{option} 必须是大于 0 的有限数，而给出的是 '{given}'",
)
NO_SUCH = Both(
    en="{option}: there is no '{given}'; choose one of {choices}{nearest}",
    zh="{option}：没有 '{given}'，可选的有 {choices}{nearest}",
)
NEAREST = Both(en="; did you mean '{name}'?", zh="；是不是想写 '{name}'？")
TOO_LARGE = Both(
    en="there is not enough memory for tables of these sizes: choose smaller ones",
    zh="这些尺寸的表太大，内存放不下：请改用小一些的尺寸",
)


def explain(
    topic: str = typer.Option("program", help="program, autograd, timing, or numpy-torch."),
    lang: str | None = typer.Option(None, help="en or zh; by default the locale's."),
    n_rows: str = typer.Option("64", metavar="INTEGER", help="Rows of x and y (examples)."),
    n_inputs: str = typer.Option("1000", metavar="INTEGER", help="Columns of x."),
    n_hidden: str = typer.Option(
        "100", metavar="INTEGER", help="Units in the hidden layer: its width."
    ),
    n_outputs: str = typer.Option("10", metavar="INTEGER", help="Columns of y."),
    bias: bool = typer.Option(False, "--bias/--no-bias", help="With b1 and b2, or without."),
    activation: str = typer.Option(
        "relu", help="relu, identity, tanh, logistic, leaky_relu, softplus, or gelu."
    ),
    learning_rate: str = typer.Option("1e-6", metavar="NUMBER", help="Above 0."),
    steps: str = typer.Option("500", metavar="INTEGER", help="Of the loop."),
    seed: str = typer.Option("0", metavar="INTEGER", help="Of all random numbers."),
    show_weights: bool = typer.Option(
        False, "--show-weights", help="Show w1 and w2 after updates of the loop."
    ),
    every: str | None = typer.Option(
        None,
        metavar="INTEGER",
        help="Show every so many steps of the loop; by default a selection.",
    ),
) -> None:
    """Explain the program line by line, with the numbers of a real run.

    Topics: the program itself in NumPy; autograd (what PyTorch does for you, its traps, and a function of your own);
    timing (reading a loss, reading a clock, and whether a GPU pays); NumPy and PyTorch side by side.
    """
    from twolayer.errors import InputError
    from twolayer.ladder import Program
    from twolayer.maths.activations import ACTIVATIONS

    here = language_here()
    reader = chosen("--lang", here if lang is None else lang, LANGUAGES, here)
    pages = {
        "program": program_page,
        "autograd": autograd_page,
        "timing": timing_page,
        "numpy-torch": numpy_torch_page,
    }
    write_page = pages[chosen("--topic", topic, pages, reader)]
    program = Program(
        n_rows=whole("--n-rows", n_rows, reader),
        n_inputs=whole("--n-inputs", n_inputs, reader),
        n_hidden=whole("--n-hidden", n_hidden, reader),
        n_outputs=whole("--n-outputs", n_outputs, reader),
        bias=bias,
        activation=chosen("--activation", activation, ACTIVATIONS, reader),
        learning_rate=above_0("--learning-rate", learning_rate, reader),
        steps=whole("--steps", steps, reader),
        seed=whole("--seed", seed, reader, least=0),
    )
    stride = None if every is None else whole("--every", every, reader)
    try:
        write_page(page_for(reader), program, show_weights, stride)
    except MemoryError:
        raise InputError(TOO_LARGE.said(reader)) from None


def program_page(page: Page, program: Program, show_weights: bool, every: int | None) -> None:
    """The program itself."""
    from twolayer.inspection.explain.program import explain_program

    explain_program(page, program, show_weights, every)


def autograd_page(page: Page, program: Program, show_weights: bool, every: int | None) -> None:
    """What autograd does."""
    from twolayer.inspection.explain.autograd import explain_autograd

    explain_autograd(page, program)


def timing_page(page: Page, program: Program, show_weights: bool, every: int | None) -> None:
    """How to read a loss and a clock."""
    from twolayer.inspection.explain.timing import explain_timing

    explain_timing(page, program)


def numpy_torch_page(page: Page, program: Program, show_weights: bool, every: int | None) -> None:
    """NumPy and PyTorch side by side."""
    from twolayer.inspection.explain.numpy_torch import explain_numpy_torch

    explain_numpy_torch(page, program.seed)


def page_for(lang: str) -> Page:
    """A page on the terminal: with a little colour there, plain text when it goes to a file or another program."""
    from rich.console import Console
    from rich.text import Text

    from twolayer.inspection.layout import Page

    if hasattr(sys.stdout, "reconfigure"):
        # a terminal that lacks a letter shows ? for it
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)
    width = min(WIDEST, max(NARROWEST, shutil.get_terminal_size((80, 24)).columns))

    def write(style: str, line: str) -> None:
        console.print(Text(line, style=style), soft_wrap=True)

    return Page(lang, width, write)


def chosen(option: str, given: str, choices: Collection[str], lang: str) -> str:
    """The choice of that name."""
    from difflib import get_close_matches

    from twolayer.errors import InputError

    if given in choices:
        return given
    close = get_close_matches(given, list(choices), n=1, cutoff=0.5)
    nearest = NEAREST.said(lang, name=close[0]) if close else ""
    raise InputError(
        NO_SUCH.said(lang, option=option, given=given, choices=", ".join(choices), nearest=nearest)
    )


def whole(option: str, given: str, lang: str, least: int = 1) -> int:
    """A whole number that is large enough."""
    return number(int, lambda value: value >= least, NOT_WHOLE, option, given, lang, least=least)


def above_0(option: str, given: str, lang: str) -> float:
    """A finite number above 0."""
    return number(float, lambda value: 0 < value < math.inf, NOT_ABOVE_0, option, given, lang)


def number(
    kind: Callable[[str], Any],
    is_good: Callable[[Any], bool],
    wrong: Both,
    option: str,
    given: str,
    lang: str,
    **values: Any,
) -> Any:
    """What was given as a number, if it is a good one."""
    from twolayer.errors import InputError

    try:
        value = kind(given)
    except ValueError:
        value = None
    if value is None or not is_good(value):
        raise InputError(wrong.said(lang, option=option, given=given, **values))
    return value

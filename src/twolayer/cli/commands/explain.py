"""`twolayer explain`: the program line by line, with real numbers, in English or Chinese."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Any

import typer

from twolayer.errors import InputError
from twolayer.maths.activations import ACTIVATIONS
from twolayer.tutorial.bilingual import LANGUAGES, Bilingual, default_language
from twolayer.tutorial.explain.autograd import explain_autograd
from twolayer.tutorial.explain.numpy_torch import explain_numpy_torch
from twolayer.tutorial.explain.program import explain_program
from twolayer.tutorial.explain.timing import explain_timing
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page

TOPICS: dict[str, Callable[..., None]] = {
    "program": explain_program,
    "autograd": explain_autograd,
    "timing": explain_timing,
    "numpy-torch": lambda page, program: explain_numpy_torch(page, program.seed),
}
WHOLE_NUMBERS = {"n_rows": 1, "n_inputs": 1, "n_hidden": 1, "n_outputs": 1, "steps": 1, "seed": 0}
MIN_WIDTH, MAX_WIDTH = 60, 100  # columns that are used of a terminal

NOT_WHOLE_TEXT = Bilingual(
    en="{option} must be a whole number, at least {least}; got '{given}'",
    zh="{option} 必须是不小于 {least} 的整数，而给出的是 '{given}'",
)
NOT_POSITIVE_TEXT = Bilingual(
    en="{option} must be a finite number above 0; got '{given}'",
    zh="{option} 必须是大于 0 的有限数，而给出的是 '{given}'",
)
UNKNOWN_CHOICE_TEXT = Bilingual(
    en="{option}: there is no '{given}'; choose one of {choices}{nearest}",
    zh="{option}：没有 '{given}'，可选的有 {choices}{nearest}",
)
CLOSEST_TEXT = Bilingual(en="; did you mean '{name}'?", zh="；是不是想写 '{name}'？")
TOO_LARGE_TEXT = Bilingual(
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
    given = dict(locals())
    here = default_language()
    reader = check_choice("--lang", here if lang is None else lang, LANGUAGES, here)
    check_choice("--topic", topic, TOPICS, reader)
    program = explained_program(given, reader)
    stride = None if every is None else check_whole("--every", every, reader)
    page = terminal_page(reader)
    try:
        if topic == "program":
            explain_program(page, program, show_weights, stride)
        else:
            TOPICS[topic](page, program)
    except MemoryError:
        raise InputError(TOO_LARGE_TEXT.said(reader)) from None


def explained_program(given: dict[str, Any], reader: str) -> LadderProgram:
    """The program with the sizes and settings that were given, checked in the reader's language."""
    numbers: dict[str, Any] = {
        name: check_whole("--" + name.replace("_", "-"), given[name], reader, least)
        for name, least in WHOLE_NUMBERS.items()
    }
    return LadderProgram(
        **numbers,
        bias=given["bias"],
        activation=check_choice("--activation", given["activation"], ACTIVATIONS, reader),
        learning_rate=check_positive("--learning-rate", given["learning_rate"], reader),
    )


def terminal_page(lang: str) -> Page:
    """A page on the terminal: with a little colour there, plain text when it goes to a file or another program."""
    from rich.console import Console
    from rich.text import Text

    if hasattr(sys.stdout, "reconfigure"):
        # a terminal that lacks a letter shows ? for it
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)
    width = min(MAX_WIDTH, max(MIN_WIDTH, shutil.get_terminal_size((80, 24)).columns))

    def write(style: str, line: str) -> None:
        console.print(Text(line, style=style), soft_wrap=True)

    return Page(lang, width, write)


def check_choice(option: str, given: str, choices: Collection[str], lang: str) -> str:
    """The choice of that name."""
    if given in choices:
        return given
    close = get_close_matches(given, list(choices), n=1, cutoff=0.5)
    nearest = CLOSEST_TEXT.said(lang, name=close[0]) if close else ""
    raise InputError(
        UNKNOWN_CHOICE_TEXT.said(
            lang, option=option, given=given, choices=", ".join(choices), nearest=nearest
        )
    )


def check_whole(option: str, given: str, lang: str, least: int = 1) -> int:
    """A whole number that is large enough."""
    return parse_option_number(
        int, lambda value: value >= least, NOT_WHOLE_TEXT, option, given, lang, least=least
    )


def check_positive(option: str, given: str, lang: str) -> float:
    """A finite number above 0."""
    return parse_option_number(
        float, lambda value: 0 < value < math.inf, NOT_POSITIVE_TEXT, option, given, lang
    )


def parse_option_number(
    kind: Callable[[str], Any],
    is_good: Callable[[Any], bool],
    wrong: Bilingual,
    option: str,
    given: str,
    lang: str,
    **values: Any,
) -> Any:
    """What was given as a number, if it is a good one."""
    try:
        value = kind(given)
    except ValueError:
        value = None
    if value is None or not is_good(value):
        raise InputError(wrong.said(lang, option=option, given=given, **values))
    return value

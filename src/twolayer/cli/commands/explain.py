"""`twolayer explain`: the program line by line, with real numbers, in English or Chinese."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from twolayer.cli.lesson_options import (
    check_choice,
    check_whole,
    lesson_program,
    refuse,
)
from twolayer.cli.output_paths import check_not_input, same_file
from twolayer.errors import FileError, InputError
from twolayer.files import write_files
from twolayer.text import printable
from twolayer.tutorial.bilingual import LANGUAGES, Bilingual, default_language
from twolayer.tutorial.explain.autograd import explain_autograd
from twolayer.tutorial.explain.handout import lesson_handout
from twolayer.tutorial.explain.notebook import lesson_notebook
from twolayer.tutorial.explain.numpy_torch import explain_numpy_torch
from twolayer.tutorial.explain.program import explain_program
from twolayer.tutorial.explain.program_text import PAGE_PARTS
from twolayer.tutorial.explain.timing import explain_timing
from twolayer.tutorial.explain.why import ALL_NAMES, QUESTIONS, explain_why
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page
from twolayer.tutorial.lesson_text import NO_FOLDER, SAME_FILE, WROTE

TOPICS: dict[str, Callable[..., None]] = {
    "program": explain_program,
    "autograd": explain_autograd,
    "timing": explain_timing,
    "numpy-torch": lambda page, program: explain_numpy_torch(page, program.seed),
    "why": explain_why,
}
OF_THE_PROGRAM = ("table", "line", "part", "show_weights", "every")  # have no meaning elsewhere
SETTINGS = (
    "program", "n_rows", "n_inputs", "n_hidden", "n_outputs", "bias", "activation", "learning_rate", "steps",
)  # fmt: skip
MIN_WIDTH, MAX_WIDTH = 60, 100  # columns that are used of a terminal

TOO_LARGE_TEXT = Bilingual(
    en="there is not enough memory for tables of these sizes: choose smaller ones",
    zh="这些尺寸的表太大，内存放不下：请改用小一些的尺寸",
)


def explain(
    table: str | None = typer.Argument(
        None, help="A table of your own: text with a row of names, numbers, and a target."
    ),
    target: str | None = typer.Option(
        None, help="The table's column to predict; by default its last."
    ),
    topic: str | None = typer.Option(
        None, help="program (the default), why, autograd, timing, or numpy-torch."
    ),
    question: str | None = typer.Option(
        None, help="One question of the topic why, by its name; 'list' shows all names."
    ),
    lang: str | None = typer.Option(None, help="en or zh; by default the locale's."),
    line: str | None = typer.Option(None, metavar="INTEGER", help="Only this line of the program."),
    part: str | None = typer.Option(
        None, help="Only setup, forward, loss, backward, update, loop, or misunderstandings."
    ),
    program: str | None = typer.Option(None, help="Start from P1, P2, P3 or P4 of the ladder."),
    n_rows: str | None = typer.Option(None, metavar="INTEGER", help="Rows of x and y: 64."),
    n_inputs: str | None = typer.Option(None, metavar="INTEGER", help="Columns of x: 1000."),
    n_hidden: str | None = typer.Option(
        None, metavar="INTEGER", help="Units in the hidden layer, its width: 100."
    ),
    n_outputs: str | None = typer.Option(None, metavar="INTEGER", help="Columns of y: 10."),
    bias: bool | None = typer.Option(None, "--bias/--no-bias", help="With b1 and b2, or without."),
    activation: str | None = typer.Option(
        None, help="relu, identity, tanh, logistic, leaky_relu, softplus, or gelu."
    ),
    learning_rate: str | None = typer.Option(
        None, metavar="NUMBER", help="Above 0: 1e-6; with a table, the best of those tried."
    ),
    steps: str | None = typer.Option(None, metavar="INTEGER", help="Of the loop: 500."),
    seed: str | None = typer.Option(None, metavar="INTEGER", help="Of all random numbers: 0."),
    show_weights: bool = typer.Option(
        False, "--show-weights", help="Show w1 and w2 after updates of the loop."
    ),
    every: str | None = typer.Option(
        None,
        metavar="INTEGER",
        help="Show every so many steps of the loop; by default a selection.",
    ),
    handout: Annotated[
        Path | None,
        typer.Option(help="Write a worksheet with gaps and its key to this HTML file, for A4."),
    ] = None,
    notebook: Annotated[
        Path | None,
        typer.Option(help="Write the program and all questions as a notebook to this file."),
    ] = None,
) -> None:
    """Explain the program line by line, with the numbers of a real run.

    Topics: the program itself in NumPy; why (why these values, what goes wrong, what was learnt: 14 questions, each answered
    by runs); autograd (what PyTorch does for you, its traps, and a function of your own); timing (reading a loss, reading a
    clock, and whether a GPU pays); NumPy and PyTorch side by side.
    """
    given = dict(locals())
    here = default_language()
    reader = check_choice("--lang", here if lang is None else lang, LANGUAGES, here)
    topic = topic or ("program" if question is None else "why")
    check_choice("--topic", topic, TOPICS, reader)
    check_together(given, topic, reader)
    about: dict[str, Any] = {
        "line": None if line is None else check_whole("--line", line, reader),
        "part": None if part is None else check_choice("--part", part, PAGE_PARTS, reader),
        "every": None if every is None else check_whole("--every", every, reader),
        "show_weights": show_weights,
    }
    if question is not None:
        check_choice("--question", question, [ALL_NAMES, *QUESTIONS], reader)
    try:
        chosen, about["table"] = lesson_program(given, reader)
        if handout is not None or notebook is not None:
            write_lesson(handout, notebook, chosen, reader)
        elif topic == "why":
            explain_why(terminal_page(reader), chosen.seed, question)
        else:
            show_topic(terminal_page(reader), topic, chosen, about)
    except MemoryError:
        raise InputError(TOO_LARGE_TEXT.said(reader)) from None


def check_together(given: dict[str, Any], topic: str, reader: str) -> None:
    """Raise if options were given that have no meaning together."""
    for name in ("handout", "notebook"):
        if given[name] is not None:
            refused = [*OF_THE_PROGRAM, "topic", "question"]
            refuse(f"--{name}", given, refused + list(SETTINGS) * (name == "handout"), reader)
    if topic != "program":
        refuse(f"--topic {topic}", given, OF_THE_PROGRAM, reader)
    if topic == "why":
        refuse("--topic why", given, SETTINGS, reader)
    else:
        refuse(f"--topic {topic}", given, ["question"], reader)
    if given["line"] is not None:
        refuse("--line", given, ["part", "show_weights", "every"], reader)


def write_lesson(
    handout: Path | None, notebook: Path | None, program: LadderProgram, reader: str
) -> None:
    """Write the handout and the notebook, and say where; what cannot be written is known before any work."""
    paths = [path for path in (handout, notebook) if path is not None]
    check_not_input(paths, {})
    for path in paths:
        if not path.absolute().parent.is_dir():
            raise FileError(NO_FOLDER.said(reader, path=path, folder=path.parent))
    if len(paths) == 2 and same_file(*paths):
        raise InputError(SAME_FILE.said(reader, path=handout))
    contents = {}
    if handout is not None:
        contents[handout] = lesson_handout(program.seed, reader)
    if notebook is not None:
        contents[notebook] = lesson_notebook(program, reader)
    write_files(contents)
    for path in contents:
        print(printable(WROTE.said(reader, path=path)))


def show_topic(page: Page, topic: str, program: LadderProgram, about: dict[str, Any]) -> None:
    """Write the page on a topic; `about` is what is asked of the program's page alone."""
    if topic == "program":
        explain_program(page, program, **about)
    else:
        TOPICS[topic](page, program)


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

"""The page on the program: every line of one step with its numbers, the loop, and common misunderstandings."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.maths.network import Params
from twolayer.tutorial import explain
from twolayer.tutorial.explain import program_text as words
from twolayer.tutorial.explain.program_loop import show_loop
from twolayer.tutorial.explain.program_notes import ProgramNotes
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page
from twolayer.tutorial.learning_rates import best_rate
from twolayer.tutorial.lesson_table import LessonTable
from twolayer.tutorial.source import SourceLine
from twolayer.tutorial.source.setup import setup_source
from twolayer.tutorial.trace import TracedLine, VariableChange, run_lines, trace

Namespace = dict[str, Any]
LARGEST_RATE = 1.0  # below which rates are tried on a table of one's own


def explain_program(
    page: Page,
    program: LadderProgram,
    show_weights: bool = False,
    every: int | None = None,
    table: LessonTable | None = None,
    line: int | None = None,
    part: str | None = None,
) -> None:
    """Write the page.

    Parameters
    ----------
    page : Page
    program : Program
        Sizes, seed, bias, activation, learning rate and steps.
    show_weights, every : bool, int or None
        Of the loop: also show `w1` and `w2`; show every so many steps, None for a selection.
    table : LessonTable or None
        A table of one's own in the place of random numbers.
    line, part : int, str, or None
        Only this line, by its number, or only this part, one of `words.PAGE_PARTS`.

    Raises
    ------
    InputError
        If there is no line of that number.
    """
    names, params, setup = initial_state(program, table)
    x, y = names["x"], names["y"]
    step = trace(x, y, params, activation=program.activation, learning_rate=program.learning_rate)
    step_names = names | {name: value for line in step for name, value in line.wrote.items()}
    lines = [*setup, *step]
    if line is not None and not 1 <= line <= len(lines):
        raise InputError(page.text(words.NO_LINE, line=line, count=len(lines)))

    is_whole = line is None and part is None
    if is_whole:
        page.title(words.PROGRAM_TITLE)
        page.paragraph(words.PROGRAM_INTRODUCTION)
        show_names(page, {**names, **step_names})
    notes = ProgramNotes(page, program, x, y, params, step_names)
    show_lines(page, lines, notes, line, part)
    seconds = None
    if is_whole or part == "loop":
        seconds = show_loop(page, program, names, show_weights, every)
    if is_whole or part == "misunderstandings":
        notes.misunderstandings(seconds)
    if is_whole:
        page.line()
        page.paragraph(words.MORE)


def show_lines(
    page: Page, lines: list[TracedLine], notes: ProgramNotes, wanted: int | None, part: str | None
) -> None:
    """Show the lines below the headings of their parts: all, one of them, or those of a part."""
    shown = ""
    for number, traced in enumerate(lines, 1):
        if wanted not in (None, number) or part not in (None, traced.part):
            continue
        if traced.part != shown:
            shown = traced.part
            page.heading(words.PARTS[shown])
        show_line(page, number, traced, notes)
        notes.after(traced)


def setup_lines(program: LadderProgram, table: LessonTable | None = None) -> list[SourceLine]:
    """Return the lines that make the data and the weights of a program."""
    sizes = (program.n_rows, program.n_inputs, program.n_hidden, program.n_outputs)
    return setup_source(
        program.problem, sizes, program.seed, program.bias, program.learning_rate, table
    )


def table_rate(program: LadderProgram, table: LessonTable) -> float | None:
    """Return the learning rate that was tried on the table and ends lowest; None if none lowers the loss."""
    names, params, _ = initial_state(program, table)
    return best_rate(
        names["x"], names["y"], params, program.activation, LARGEST_RATE, program.steps
    )


def initial_state(
    program: LadderProgram, table: LessonTable | None
) -> tuple[Namespace, Params, list[TracedLine]]:
    """Return the names after the lines that make the data, the weights among them, and those lines."""
    names: Namespace = {}
    lines = run_lines(setup_lines(program, table), names)
    return names, Params(names["w1"], names.get("b1"), names["w2"], names.get("b2")), lines


def show_names(page: Page, names: Namespace) -> None:
    """Show every array of the program with its shape and meaning."""
    page.heading(words.NAMES_HEADING)
    head = [
        page.text(label) for label in (words.NAME_COLUMN, words.SHAPE_COLUMN, words.MEANING_COLUMN)
    ]
    rows = [
        [name, str(names[name].shape), page.text(meaning)]
        for name, meaning in words.WHAT_IS.items()
        if name in names
    ]
    page.table(head, rows)
    page.line()
    page.paragraph(words.SHAPE_MEANS)


def show_line(page: Page, number: int, line: TracedLine, notes: ProgramNotes) -> None:
    """Show a line with its meaning, chain rule and shapes, and a window of what it wrote or changed."""
    page.line()
    page.code(line.code, number)
    page.block(line.meaning_zh if page.lang == "zh" else line.meaning, " " * 5)
    if line.equation:
        page.entry(explain.RULE_LABEL, line.equation)
    arrays = {name: value for name, value in line.wrote.items() if np.ndim(value)}
    if line.part != "setup" or arrays:
        page.entry(explain.SHAPES_LABEL, line.shapes)
    if line.change is not None:
        page.entry(explain.CHANGED_LABEL, notes.changed(line))
        if line.change.n_changed:
            show_change(page, line.change)
        return
    for name, value in arrays.items():
        page.values(name, value)


def show_change(page: Page, change: VariableChange) -> None:
    """Show a window before and after."""
    same = change.before_name == change.after_name
    before = (
        f"{change.before_name} {page.text(explain.BEFORE_LABEL)}" if same else change.before_name
    )
    after = f"{change.after_name} {page.text(explain.AFTER_LABEL)}" if same else change.after_name
    page.change(change, before, after)

"""The page on the program: every line of one step with its numbers, the loop, and common misunderstandings."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.maths.network import Params
from twolayer.tutorial import explain
from twolayer.tutorial.explain import program_text as words
from twolayer.tutorial.explain.program_loop import show_loop
from twolayer.tutorial.explain.program_notes import ProgramNotes
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page
from twolayer.tutorial.source import SourceLine
from twolayer.tutorial.trace import TracedLine, VariableChange, run_lines, trace

Namespace = dict[str, Any]


def explain_program(
    page: Page, program: LadderProgram, show_weights: bool = False, every: int | None = None
) -> None:
    """Write the page.

    Parameters
    ----------
    page : Page
    program : Program
        Sizes, seed, bias, activation, learning rate and steps.
    show_weights : bool
        Also show `w1` and `w2` after updates of the loop.
    every : int or None
        Show every so many steps of the loop; None for a selection.
    """
    names: Namespace = {}
    setup = run_lines(setup_lines(program), names)
    params = Params(names["w1"], names.get("b1"), names["w2"], names.get("b2"))
    x, y = names["x"], names["y"]
    step = trace(x, y, params, activation=program.activation, learning_rate=program.learning_rate)
    step_names = names | {name: value for line in step for name, value in line.wrote.items()}

    page.title(words.PROGRAM_TITLE)
    page.line()
    page.paragraph(words.PROGRAM_INTRODUCTION)
    show_names(page, {**names, **step_names})
    notes = ProgramNotes(page, program, x, y, params, step_names)
    part = ""
    for number, line in enumerate([*setup, *step], 1):
        if line.part != part:
            part = line.part
            page.heading(words.PARTS[part])
        show_line(page, number, line, notes)
        notes.after(line)
    seconds = show_loop(page, program, names, show_weights, every)
    notes.misunderstandings(seconds)
    page.line()
    page.paragraph(words.MORE)


def setup_lines(program: LadderProgram) -> list[SourceLine]:
    """Return the lines that make the data and the weights: those of the ladder, in the same order."""
    sizes = f"{program.n_rows}, {program.n_inputs}, {program.n_hidden}, {program.n_outputs}"
    source = [
        ("import numpy as np", words.IMPORT),
        (f"n_rows, n_inputs, n_hidden, n_outputs = {sizes}", words.SIZES),
        (f"rng = np.random.default_rng({program.seed})", words.SEED),
        ("x = rng.standard_normal((n_rows, n_inputs))", words.DRAW_X),
        ("y = rng.standard_normal((n_rows, n_outputs))", words.DRAW_Y),
        ("w1 = rng.standard_normal((n_inputs, n_hidden))", words.DRAW_W1),
        ("w2 = rng.standard_normal((n_hidden, n_outputs))", words.DRAW_W2),
    ]
    if program.bias:
        source += [
            ("b1 = rng.standard_normal(n_hidden)", words.DRAW_B1),
            ("b2 = rng.standard_normal(n_outputs)", words.DRAW_B2),
        ]
    source.append((f"learning_rate = {program.learning_rate!r}", words.RATE))
    return [SourceLine("setup", code, *meaning) for code, meaning in source]


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

"""The lesson as a notebook (nbformat 4): the program's lines as cells, the loop, and the questions with their answers.

Every cell was run while the notebook was made, in the order in which they stand; what it printed stands below it.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import numpy as np

from twolayer.maths.network import Params
from twolayer.tutorial import lesson_text
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain import program_text as words
from twolayer.tutorial.explain.execution import run_source
from twolayer.tutorial.explain.program import setup_lines
from twolayer.tutorial.explain.program_loop import FIRST_HALF, lines_of_one_step, loop_source
from twolayer.tutorial.explain.questions import PROGRAM_AS_FUNCTIONS, AnswerSheet
from twolayer.tutorial.explain.why import QUESTIONS, WHY_FUNCTIONS
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page
from twolayer.tutorial.source import SourceLine
from twolayer.tutorial.trace import run_line

SHOWN_ROWS, SHOWN_COLUMNS = 3, 5  # of an array below its cell
LINES_OF_LOSS = 10  # about, of the loop
OF_ITS_OWN = (np.ndarray, np.random.Generator)  # what a line changes, and must not change twice
PRINTED = "np.set_printoptions(precision=4, suppress=True)"


class NotebookPage(Page):
    """A page whose paragraphs become Markdown cells, and whose code becomes cells of code with its output."""

    def __init__(self, lang: str) -> None:
        super().__init__(lang, 80, lambda style, line: None)
        self.cells: list[dict[str, Any]] = []

    def markdown(self, text: str) -> None:
        """Add a cell of text, or go on with one."""
        if self.cells and self.cells[-1]["cell_type"] == "markdown" and not text.startswith("#"):
            self.cells[-1]["source"] += "\n\n" + text
        else:
            self._add("markdown", text)

    def block(self, text: str, first: str = "", others: str | None = None) -> None:
        """Add a paragraph; what Markdown would take for marks is escaped."""
        self.markdown(text.replace("*", r"\*").replace("_", r"\_").replace("<", "&lt;"))

    def heading(self, both: Bilingual, **values: Any) -> None:
        """Add the heading of a part."""
        self.markdown("## " + self.text(both, **values))

    def code(self, source: str, number: int | None = None) -> None:
        """Add a cell of code."""
        self._add("code", source)

    def output(self, text: str) -> None:
        """Add what the last cell of code printed."""
        if text:
            lines = [line + "\n" for line in text.splitlines()]
            self.cells[-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": lines}]

    def _add(self, kind: str, source: str) -> None:
        cell: dict[str, Any] = {"id": f"cell-{len(self.cells)}", "cell_type": kind}
        cell |= {"metadata": {}, "source": source}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        self.cells.append(cell)


def lesson_notebook(program: LadderProgram, lang: str) -> bytes:
    """Return the notebook as a file's content."""
    page = NotebookPage(lang)
    page.markdown("# " + page.text(words.PROGRAM_TITLE))
    for text in (words.PROGRAM_INTRODUCTION, lesson_text.NOTEBOOK_HOW, words.SHAPE_MEANS):
        page.paragraph(text)
    with np.printoptions():  # a cell sets them
        add_program(page, program)
        page.heading(lesson_text.QUESTIONS_HEADING)
        page.paragraph(WHY_FUNCTIONS)
        page.code(PROGRAM_AS_FUNCTIONS.format(seed=program.seed))
        for question in QUESTIONS.values():
            page.markdown("### " + page.text(question.title))
            page.paragraph(lesson_text.YOUR_ANSWER)
            question.answer(AnswerSheet(page, program.seed))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "cells": page.cells,
    }
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()


def add_program(page: NotebookPage, program: LadderProgram) -> None:
    """Add the lines of one step, each with its sentence, and the loop."""
    names: dict[str, Any] = {}
    setup = setup_lines(program)
    for line in setup:
        add_line(page, line, names, guess=False)
    params = Params(names["w1"], names.get("b1"), names["w2"], names.get("b2"))
    step = lines_of_one_step(program, params, names["y"])
    for line in step:
        add_line(page, line, names, guess=True)
    page.heading(words.PAGE_PARTS["loop"])
    page.paragraph(words.LOOP_IS, steps=program.steps)
    page.paragraph(lesson_text.AGAIN)
    every = max(1, program.steps // LINES_OF_LOSS)
    first = [line.code for line in step if line.part in FIRST_HALF]
    second = [line.code for line in step if line.part not in FIRST_HALF]
    printing = [f"if t % {every} == 0 or t == {program.steps - 1}:", "    print(t, loss)"]
    loop = loop_source(program.steps, [*first, *printing, *second])
    run_cell(page, "\n".join([*(line.code for line in setup), "", loop]), {})


def add_line(page: NotebookPage, line: SourceLine, names: dict[str, Any], guess: bool) -> None:
    """Add a line of the program: its sentence, its chain rule, and a cell that prints what it wrote."""
    title = "## " + page.text(words.PARTS[line.part])
    if not any(cell["source"].startswith(title) for cell in page.cells):
        page.markdown(title)
    page.paragraph(Bilingual(line.en, line.zh))
    if line.equation:
        page.paragraph(lesson_text.CHAIN_RULE, equation=line.equation)
    tried = {
        name: deepcopy(value) if isinstance(value, OF_ITS_OWN) else value
        for name, value in names.items()
    }
    wrote = run_line(line, tried).wrote
    arrays = {name: value for name, value in wrote.items() if np.ndim(value)}
    new = [name for name in arrays if name not in names]
    if guess and new:
        page.paragraph(lesson_text.GUESS_SHAPE, name=new[0])
    printed = [line.code, *[PRINTED] * (line.code == "import numpy as np")]
    for name, value in wrote.items():
        if np.ndim(value) == 2:
            window = f"{name}[:{SHOWN_ROWS}, :{SHOWN_COLUMNS}]"
            printed.append(f"print({name}.shape, {window}, sep='\\n')")
        elif np.ndim(value) == 1:
            printed.append(f"print({name}.shape, {name}[:{SHOWN_COLUMNS}])")
        elif line.part == "loss":
            printed.append(f"print({name})")
    run_cell(page, "\n".join(printed), names)


def run_cell(page: NotebookPage, source: str, names: dict[str, Any]) -> None:
    """Add a cell of code, and what it prints."""
    from threadpoolctl import threadpool_limits

    page.code(source)
    with np.errstate(over="ignore", invalid="ignore"), threadpool_limits(1):
        page.output(run_source(source, names).text)

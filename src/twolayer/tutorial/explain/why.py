"""The page of questions: why the program's values are as they are, what goes wrong, and what was learnt."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain.program_text import NAME_COLUMN
from twolayer.tutorial.explain.questions import (
    PROGRAM_AS_FUNCTIONS,
    AnswerSheet,
    Question,
    learning_rate,
    new_rows,
    shapes,
)
from twolayer.tutorial.layout import Page

WHY_TITLE = Bilingual(
    en="Questions about the program, answered by runs", zh="关于这个程序的问题，用运行来回答"
)
WHY_INTRODUCTION = Bilingual(
    en="All code below ran just now, and the lines behind a bar are what it printed.",
    zh="以下代码都是刚刚运行的，竖线后面是它打印的内容。",
)
ONE_QUESTION = Bilingual(
    en="A single question: twolayer explain --question NAME, with one of these names.",
    zh="只看一个问题：twolayer explain --question 名字，名字从下面选。",
)
QUESTION_COLUMN = Bilingual(en="question", zh="问题")
WHY_FUNCTIONS = Bilingual(
    en="The lines of the program, put into functions, so that they can run with several rates and several numbers:",
    zh="把程序的各行放进函数里，这样就可以用不同的学习率、不同的数来运行：",
)
QUESTION_HEADING = Bilingual(en="{title} [{name}]", zh="{title} [{name}]")

QUESTIONS = {
    "rate": Question(learning_rate.RATE_TITLE, learning_rate.answer_rate),
    "limit": Question(learning_rate.LIMIT_TITLE, learning_rate.answer_limit),
    "start": Question(learning_rate.START_TITLE, learning_rate.answer_start),
    "noise": Question(new_rows.NOISE_TITLE, new_rows.answer_noise),
    "zeros": Question(learning_rate.ZEROS_TITLE, learning_rate.answer_zeros),
    "mean": Question(learning_rate.MEAN_TITLE, learning_rate.answer_mean),
    "shape": Question(shapes.SHAPE_TITLE, shapes.answer_shape),
    "product": Question(shapes.PRODUCT_TITLE, shapes.answer_product),
    "entries": Question(shapes.ENTRIES_TITLE, shapes.answer_entries),
    "twice": Question(shapes.TWICE_TITLE, shapes.answer_twice),
    "row": Question(new_rows.ROW_TITLE, new_rows.answer_row),
    "overfitting": Question(new_rows.OVERFITTING_TITLE, new_rows.answer_overfitting),
    "units": Question(new_rows.UNITS_TITLE, new_rows.answer_units),
    "columns": Question(new_rows.COLUMNS_TITLE, new_rows.answer_columns),
}
NEEDS_NO_FUNCTIONS = {"entries", "twice"}  # their code stands alone


ALL_NAMES = "list"  # in place of a question's name: all names, and no answers


def list_questions(page: Page) -> None:
    """Write the names of all questions."""
    page.paragraph(ONE_QUESTION)
    page.line()
    head = [page.text(NAME_COLUMN), page.text(QUESTION_COLUMN)]
    page.table(head, [[name, page.text(asked.title)] for name, asked in QUESTIONS.items()])


def explain_why(page: Page, seed: int = 0, question: str | None = None) -> None:
    """Write all questions with their answers, one of them, or (`question="list"`) their names alone."""
    if question in (None, ALL_NAMES):
        page.title(WHY_TITLE)
        list_questions(page)
    if question == ALL_NAMES:
        return
    if question is None:
        page.line()
        page.paragraph(WHY_INTRODUCTION)
    if question not in NEEDS_NO_FUNCTIONS:
        page.line()
        page.paragraph(WHY_FUNCTIONS)
        page.line()
        page.code(PROGRAM_AS_FUNCTIONS.format(seed=seed))
    for name, asked in QUESTIONS.items():
        if question in (None, name):
            page.heading(QUESTION_HEADING, title=page.text(asked.title), name=name)
            asked.answer(AnswerSheet(page, seed))

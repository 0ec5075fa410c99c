"""A printed handout: one step of a program small enough for a pencil, with gaps, questions, and a key on pages of its own.

One HTML file for A4, without scripts or anything from elsewhere. Each seed gives other numbers, so that each student can
have a sheet of their own.
"""

from __future__ import annotations

import re
from html import escape
from itertools import count
from typing import Any

import numpy as np

from twolayer.maths.network import Params
from twolayer.tutorial import lesson_text
from twolayer.tutorial.explain import RULE_LABEL
from twolayer.tutorial.explain.questions import AnswerSheet
from twolayer.tutorial.explain.why import QUESTIONS
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page, format_short
from twolayer.tutorial.trace import TracedLine, trace

PENCIL_SIZES = (2, 3, 2, 2)  # rows, inputs, hidden units, outputs
LARGEST = 2  # of the whole numbers that are drawn
LARGEST_ENTRY = 99  # of the tables to work out
PENCIL_RATE = 0.01
QUESTIONS_ON_PAPER = ("rate", "start", "zeros", "mean", "noise", "overfitting")
ANSWER_LINES = 4

STYLE = """
@page { size: A4; margin: 15mm 16mm }
body { font: 10.5pt/1.4 "Liberation Serif", "Noto Serif CJK SC", "Noto Sans CJK SC",
  "Songti SC", SimSun, serif; color: #000;
  max-width: 178mm; margin: 0 auto }
h1 { font-size: 17pt; margin: 0 0 2mm } h2 { font-size: 13pt; margin: 6mm 0 2mm }
.head { display: flex; justify-content: space-between; margin-bottom: 3mm }
code { font: 10pt "Liberation Mono", "DejaVu Sans Mono", monospace }
.line, .question { break-inside: avoid; margin: 0 0 3.5mm } .line p { margin: .5mm 0 }
.sheet .line { display: grid; grid-template-columns: 1fr 56mm; gap: 5mm; align-items: start }
.filled { columns: 3; column-gap: 6mm } .filled .line { margin-bottom: 4mm } .filled code { font-size: 8.5pt }
pre { font: 8.5pt/1.3 "Liberation Mono", "DejaVu Sans Mono", monospace; white-space: pre-wrap; margin: 1mm 0 1mm 4mm }
.row { display: flex; flex-wrap: wrap; gap: 7mm; align-items: flex-start }
figure { margin: 1mm 0 } figcaption { font-size: 9.5pt }
table { border-collapse: collapse; margin: 1mm 0 }
td { border: .3mm solid #000; min-width: 12mm; height: 6.5mm; text-align: center; padding: 0 1mm }
.gap { display: inline-block; min-width: 20mm; border-bottom: .3mm solid #000 }
.rule { border-bottom: .2mm solid #777; height: 8mm } .small { font-size: 9pt; color: #333 }
.key { break-before: page }
"""


class PaperPage(Page):
    """A page that keeps its paragraphs and what code printed, as HTML; the code itself is left out."""

    def __init__(self, lang: str) -> None:
        super().__init__(lang, 80, lambda style, line: None)
        self.parts: list[str] = []

    def block(self, text: str, first: str = "", others: str | None = None) -> None:
        """Keep a paragraph."""
        marked = re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
        self.parts.append(f"<p>{marked}</p>")

    def code(self, source: str, number: int | None = None) -> None:
        """Leave code out."""

    def output(self, text: str) -> None:
        """Keep what was printed."""
        self.parts.append(f"<pre>{escape(text)}</pre>")


def lesson_handout(seed: int, lang: str) -> bytes:
    """Return the handout as a file's content."""
    x, y, params = pencil_numbers(seed)
    step = trace(x, y, params, learning_rate=PENCIL_RATE)
    sheet = sheet_html(seed, lang, x, y, params, step)
    key = key_html(seed, lang, x, y, params, step)
    title = escape(lesson_text.HANDOUT_TITLE.said(lang))
    code = "zh-CN" if lang == "zh" else "en"
    page = (
        f'<!DOCTYPE html>\n<html lang="{code}">\n<head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{STYLE}</style></head>\n<body>\n{sheet}\n{key}\n</body>\n</html>\n"
    )
    return page.encode()


def pencil_numbers(seed: int) -> tuple[np.ndarray, np.ndarray, Params]:
    """Return small whole numbers with which every line does something: entries of h on both sides of 0, a gradient
    that the mask clears, no dead unit."""
    n_rows, n_inputs, n_hidden, n_outputs = PENCIL_SIZES
    for attempt in count():
        rng = np.random.default_rng([seed, attempt])
        x, y, w1, w2 = (
            rng.integers(-LARGEST, LARGEST + 1, shape).astype(float)
            for shape in (
                (n_rows, n_inputs), (n_rows, n_outputs), (n_inputs, n_hidden), (n_hidden, n_outputs),
            )
        )  # fmt: skip
        h = x.dot(w1)
        grad = 2 * (np.maximum(h, 0).dot(w2) - y)
        grad_h_relu = grad.dot(w2.T)
        grad_w1 = x.T.dot(grad_h_relu * (h > 0))
        sizes = max(np.abs(grad).max(), np.abs(grad_w1).max())
        one_cleared = h.all() and (h < 0).sum() == 1 and grad_h_relu[h < 0].all()
        if one_cleared and w2.all() and x.all() and grad.all() and sizes <= LARGEST_ENTRY:
            return x, y, Params(w1, None, w2, None)
    raise AssertionError  # pragma: no cover


def sheet_html(
    seed: int, lang: str, x: np.ndarray, y: np.ndarray, params: Params, step: list[TracedLine]
) -> str:
    """Return the sheet: what is given, each line with gaps, and questions."""
    say = lambda text, **values: escape(text.said(lang, **values))  # noqa: E731
    sizes = dict(zip(("rows", "inputs", "hidden", "outputs"), PENCIL_SIZES, strict=True))
    given = {"x": x, "y": y, "w1": params.w1, "w2": params.w2}
    parts = [
        '<section class="sheet">',
        f"<h1>{say(lesson_text.HANDOUT_TITLE)}</h1>",
        f'<div class="head"><span>{say(lesson_text.NAME_AND_DATE)}</span>'
        f"<span>{say(lesson_text.SHEET, seed=seed)}</span></div>",
        f"<p>{say(lesson_text.HANDOUT_HOW, **sizes)}</p>",
        f"<h2>{say(lesson_text.GIVEN_HEADING)}</h2>",
        '<div class="row">',
        *(table_html(name, array, lang) for name, array in given.items()),
        f"</div><p><code>learning_rate = {PENCIL_RATE}</code></p>",
        f"<h2>{say(lesson_text.STEP_TITLE)}</h2>",
        *(line_html(number, line, lang, gaps=True) for number, line in enumerate(step, 1)),
        f"<h2>{say(lesson_text.THINK_HEADING)}</h2>",
        f"<p>{say(lesson_text.THINK_ABOUT, **tutorial_figures())}</p>",
    ]
    for number, name in enumerate(QUESTIONS_ON_PAPER, 1):
        rules = '<div class="rule"></div>' * ANSWER_LINES
        title = say(QUESTIONS[name].title)
        parts.append(f'<div class="question"><p>{number}. {title}</p>{rules}</div>')
    return "\n".join([*parts, "</section>"])


def tutorial_figures() -> dict[str, Any]:
    """Return the sizes and the learning rate of the program that the questions are about."""
    program = LadderProgram()
    return {
        "rows": program.n_rows,
        "inputs": program.n_inputs,
        "hidden": program.n_hidden,
        "outputs": program.n_outputs,
        "rate": format_short(program.learning_rate),
    }


def key_html(
    seed: int, lang: str, x: np.ndarray, y: np.ndarray, params: Params, step: list[TracedLine]
) -> str:
    """Return the key: each table filled in, the loss after the step, and what the program answers to the questions."""
    title = lesson_text.KEY_TITLE.said(lang)
    sheet = lesson_text.SHEET.said(lang, seed=seed)
    wrote = {name: value for line in step for name, value in line.wrote.items()}
    moved = trace(x, y, Params(wrote["w1"], None, wrote["w2"], None))
    after = next(line.wrote["loss"] for line in moved if "loss" in line.wrote)
    losses = lesson_text.LOSS_AFTER_STEP.said(lang, before=f"{wrote['loss']:g}", after=f"{after:g}")
    parts = [
        f'<section class="key">\n<div class="head"><h1>{escape(title)}</h1><span>{escape(sheet)}</span></div>',
        '<div class="filled">',
        *(line_html(number, line, lang, gaps=False) for number, line in enumerate(step, 1)),
        f"</div><p>{escape(losses)}</p>",
        f"<h2>{escape(lesson_text.THINK_HEADING.said(lang))}</h2>",
    ]
    for number, name in enumerate(QUESTIONS_ON_PAPER, 1):
        page = PaperPage(lang)
        QUESTIONS[name].answer(AnswerSheet(page, 0))
        asked = escape(QUESTIONS[name].title.said(lang))
        parts.append(f"<p><b>{number}. {asked}</b></p>{''.join(page.parts)}")
    return "\n".join([*parts, "</section>"])


def line_html(number: int, line: TracedLine, lang: str, gaps: bool) -> str:
    """Return a line of the program: on the sheet with its sentence and gaps, in the key with its figures."""
    parts = [f"<p><b>{number}</b>&ensp;<code>{escape(line.code)}</code></p>"]
    if gaps:
        parts.append(f"<p>{escape(line.meaning_zh if lang == 'zh' else line.meaning)}</p>")
        if line.equation:
            rule = escape(RULE_LABEL.said(lang))
            parts.append(f'<p class="small">{rule}: {escape(line.equation)}</p>')
    tables = [table_html(name, value, lang, gaps) for name, value in line.wrote.items()]
    text = f"<div>{''.join(parts)}</div>"
    return f'<div class="line">{text}<div class="row">{"".join(tables)}</div></div>'


def table_html(name: str, value: Any, lang: str, gaps: bool | None = None) -> str:
    """Return an array below its name: given (None), with empty cells (True), or filled in with its shape (False)."""
    if not np.ndim(value):
        shown = '<span class="gap">&nbsp;</span>' if gaps else f"{value:g}"
        return f"<p><code>{name}</code> = {shown}</p>"
    array = np.atleast_2d(value)
    rows = "".join(
        "<tr>" + "".join(f"<td>{'' if gaps else f'{entry:g}'}</td>" for entry in row) + "</tr>"
        for row in array
    )
    shape = escape(str(value.shape))
    if gaps:
        shape = '(<span class="gap">&nbsp;</span>)'
    label = escape(lesson_text.SHAPE_IS.said(lang))
    total = escape(lesson_text.ADDS_UP.said(lang, total=f"{array.sum():g}"))
    below = "" if gaps is None else f"<figcaption>{total}</figcaption>"
    head = f"<figcaption><code>{name}</code>, {label} {shape}</figcaption>"
    return f"<figure>{head}<table>{rows}</table>{below}</figure>"

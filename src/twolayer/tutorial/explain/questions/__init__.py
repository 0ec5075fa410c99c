"""Questions about the program, each answered by code that runs as it is shown, and by what that code printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain.execution import ExecutionResult, run_source
from twolayer.tutorial.layout import Page

PROGRAM_AS_FUNCTIONS = """\
import numpy as np

def numbers(seed={seed}):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((64, 1000))
    y = rng.standard_normal((64, 10))
    w1 = rng.standard_normal((1000, 100))
    w2 = rng.standard_normal((100, 10))
    return x, y, w1, w2

def predict(x, w1, w2):
    return np.maximum(x.dot(w1), 0).dot(w2)

def gradients(x, y, w1, w2):
    h = x.dot(w1)
    h_relu = np.maximum(h, 0)
    y_pred = h_relu.dot(w2)
    loss = np.square(y_pred - y).sum()
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.T.dot(grad_y_pred)
    grad_h_relu = grad_y_pred.dot(w2.T)
    grad_h = grad_h_relu.copy()
    grad_h[h < 0] = 0
    grad_w1 = x.T.dot(grad_h)
    return loss, grad_w1, grad_w2

def train(x, y, w1, w2, rate, steps=500):
    w1, w2, losses = w1.copy(), w2.copy(), []
    for t in range(steps):
        loss, grad_w1, grad_w2 = gradients(x, y, w1, w2)
        losses.append(loss)
        if not np.isfinite(loss):
            break
        w1 -= rate * grad_w1
        w2 -= rate * grad_w2
    return losses, w1, w2"""


class AnswerSheet:
    """Where an answer is written: sentences, and code with its output, on one page and in one namespace."""

    def __init__(self, page: Page, seed: int) -> None:
        self.page, self.seed = page, seed
        self.names: dict[str, Any] = {}
        self.run_quietly(PROGRAM_AS_FUNCTIONS.format(seed=seed))

    def say(self, text: Bilingual, **values: Any) -> None:
        """Write a paragraph, after an empty line."""
        self.page.line()
        self.page.paragraph(text, **values)

    def run(self, source: str) -> ExecutionResult:
        """Show the source, run it, and show its output."""
        self.page.line()
        self.page.code(source)
        outcome = self.run_quietly(source)
        self.page.output(outcome.text)
        return outcome

    def run_quietly(self, source: str) -> ExecutionResult:
        """Run the source; runs that diverge are part of some answers, and no reason for warnings."""
        from threadpoolctl import threadpool_limits

        with np.errstate(over="ignore", invalid="ignore"), threadpool_limits(1):
            return run_source(source, self.names)


class Question(NamedTuple):
    """A question, and the function that writes its answer."""

    title: Bilingual
    answer: Callable[[AnswerSheet], None]

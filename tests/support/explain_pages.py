"""Pages of `twolayer explain` read as text, and the numbers they are about."""

from pathlib import Path

import numpy as np

import twolayer as tl
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page

SOURCE = Path(tl.__file__).parent
SMALL = LadderProgram(n_rows=6, n_inputs=5, n_hidden=7, n_outputs=2, learning_rate=1e-3, steps=12)
TINY = LadderProgram(n_rows=1, n_inputs=1, n_hidden=1, n_outputs=1, learning_rate=0.01, steps=1)
INSTALL = "pip install 'twolayer[torch]'"


def read(explain, *arguments, lang="en", width=80, **settings):
    """The lines of a page."""
    lines = []
    explain(Page(lang, width, lambda style, line: lines.append(line)), *arguments, **settings)
    return lines


def flat(lines):
    """The page as one line of text, so that a sentence can be found wherever it wraps."""
    return " ".join(" ".join(lines).split())


def arrays(program):
    """The program's numbers, drawn as the page says: one generator, in the order x, y, w1, w2, b1, b2."""
    rng = np.random.default_rng(program.seed)
    x = rng.standard_normal((program.n_rows, program.n_inputs))
    y = rng.standard_normal((program.n_rows, program.n_outputs))
    w1 = rng.standard_normal((program.n_inputs, program.n_hidden))
    w2 = rng.standard_normal((program.n_hidden, program.n_outputs))
    b1 = rng.standard_normal(program.n_hidden) if program.bias else None
    b2 = rng.standard_normal(program.n_outputs) if program.bias else None
    return x, y, tl.Params(w1, b1, w2, b2)


def numpy_run(x, y, params, learning_rate, steps):
    """Losses before each update, and the weights at the end, of the rectified program written out once more."""
    w1, w2 = params.w1.copy(), params.w2.copy()
    b1, b2 = (np.zeros(1) if b is None else b.copy() for b in (params.b1, params.b2))
    losses = []
    for _ in range(steps):
        h = x @ w1 + b1
        residual = np.maximum(h, 0) @ w2 + b2 - y
        losses.append((residual**2).sum())
        grad_h = 2 * residual @ w2.T * (h >= 0)
        w2 -= learning_rate * 2 * np.maximum(h, 0).T @ residual
        w1 -= learning_rate * x.T @ grad_h
        if params.b1 is not None:
            b1 -= learning_rate * grad_h.sum(0)
            b2 -= learning_rate * 2 * residual.sum(0)
    return np.array(losses), w1, b1, w2, b2

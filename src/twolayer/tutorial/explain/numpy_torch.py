"""The page that shows NumPy and PyTorch side by side, each line run in both."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twolayer.engines import get_engine
from twolayer.engines.torch_engines import TORCH_INSTALL
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain import numpy_torch_text as words
from twolayer.tutorial.explain.execution import run_source
from twolayer.tutorial.layout import Page, format_figure


class OperationPair(NamedTuple):
    """The same operation in both libraries."""

    what: Bilingual
    in_numpy: str
    in_torch: str


OPERATION_PAIRS = (
    OperationPair(words.PRODUCT, "x.dot(w)", "x.mm(w)"),
    OperationPair(words.AT_SIGN, "x @ w", "x @ w"),
    OperationPair(words.RECTIFIER, "np.maximum(x, 0)", "x.clamp(min=0)"),
    OperationPair(words.TRANSPOSE_LABEL, "x.T", "x.t()"),
    OperationPair(words.COPY, "x.copy()", "x.clone()"),
    OperationPair(words.SQUARE, "np.square(x)", "x.pow(2)"),
    OperationPair(words.TOTAL, "x.sum()", "x.sum().item()"),
    OperationPair(words.OVER_ROWS, "x.sum(axis=0)", "x.sum(dim=0)"),
    OperationPair(words.PICK, "x[x < 0]", "x[x < 0]"),
    OperationPair(words.SHAPE_OPERATION, "x.shape", "x.shape"),
)

NUMPY_START = """\
rng = np.random.default_rng({seed})
x = rng.standard_normal((2, 3))
w = rng.standard_normal((3, 2))"""
TORCH_START = """\
x = torch.tensor(x)
w = torch.tensor(w)"""

NUMPY_DTYPE = "print(np.random.default_rng().standard_normal((2, 3)).dtype)"
TORCH_DTYPE = "print(torch.randn(2, 3).dtype)"
NUMPY_SUM = "print(x.sum())"
TORCH_SUM = """\
print(x.sum())
print(x.sum().item())"""
CLEARING_CODE = """\
w.requires_grad_()
x.mm(w).sum().backward()
print(w.grad)
w.grad.zero_()
print(w.grad)
x.mm(w).sum().backward()
print(w.grad)
w.grad = None
print(w.grad)
x.mm(w).sum().backward()
print(w.grad)"""
NOTHING_TO_FILL = """\
w.grad = None
w.grad.zero_()"""


def explain_numpy_torch(page: Page, seed: int = 0) -> None:
    """Write the page. Without PyTorch its column is shown but not run."""
    page.title(words.NUMPY_TORCH_TITLE)
    page.paragraph(words.NUMPY_TORCH_INTRODUCTION)
    has_torch = get_engine("torch").missing() is None
    if not has_torch:
        page.paragraph(words.NUMPY_TORCH_WITHOUT_TORCH, install=TORCH_INSTALL)
    start = NUMPY_START.format(seed=seed)
    in_numpy: dict[str, Any] = {"np": np}
    exec(start, in_numpy)
    page.line()
    page.paragraph(words.IN_NUMPY_LABEL)
    page.code(start)
    page.paragraph(words.IN_TORCH_LABEL)
    page.code(TORCH_START)
    in_torch: dict[str, Any] = dict(in_numpy)
    if has_torch:
        import torch

        in_torch["torch"] = torch
        exec(TORCH_START, in_torch)
    results = [eval(pair.in_numpy, in_numpy) for pair in OPERATION_PAIRS]
    verdicts = [
        comparison_text(result, eval(pair.in_torch, in_torch)) if has_torch else words.NOT_INSTALLED
        for pair, result in zip(OPERATION_PAIRS, results, strict=True)
    ]
    show_table(page, verdicts)
    show_results(page, in_numpy, results)
    show_differences(page, in_numpy, in_torch, has_torch)


def comparison_text(in_numpy: Any, in_torch: Any) -> Bilingual:
    """Return whether both libraries gave the same numbers, to rounding."""
    one, other = np.asarray(in_numpy), np.asarray(in_torch)
    same = one.shape == other.shape and np.allclose(one, other, rtol=1e-12, atol=1e-12)
    return words.SAME_NUMBERS_LABEL if same else words.DIFFERENT_LABEL


def show_table(page: Page, verdicts: list[Bilingual]) -> None:
    """Show every operation in both libraries."""
    page.heading(words.TABLE_HEADING)
    head = [page.text(words.WHAT_LABEL), "NumPy", "PyTorch", page.text(words.SAME_LABEL)]
    rows = [
        [page.text(pair.what), pair.in_numpy, pair.in_torch, page.text(same)]
        for pair, same in zip(OPERATION_PAIRS, verdicts, strict=True)
    ]
    page.table(head, rows)


def show_results(page: Page, names: dict[str, Any], results: list[Any]) -> None:
    """Show the results of NumPy."""
    page.heading(words.RESULTS)
    for name in ("x", "w"):
        page.values(name, names[name])
    for pair, result in zip(OPERATION_PAIRS, results, strict=True):
        if isinstance(result, np.ndarray):
            page.values(pair.in_numpy, result)
        else:
            shown = result if isinstance(result, tuple) else format_figure(float(result))
            page.line(f"     {pair.in_numpy} = {shown}")


def show_differences(
    page: Page, in_numpy: dict[str, Any], in_torch: dict[str, Any], has_torch: bool
) -> None:
    """Show where the libraries differ, by running both."""
    page.heading(words.DIFFERENCES)
    for text, one, other in (
        (words.DTYPE_DIFFERENCE, NUMPY_DTYPE, TORCH_DTYPE),
        (words.SUM_DIFFERENCE, NUMPY_SUM, TORCH_SUM),
    ):
        page.paragraph(text)
        page.line()
        output_of(page, one, in_numpy, True)
        output_of(page, other, in_torch, has_torch)
        page.line()
    page.paragraph(words.CLEARING_DIFFERENCE)
    page.line()
    output_of(page, CLEARING_CODE, in_torch, has_torch)
    page.line()
    page.paragraph(words.ZERO_OR_NONE)
    page.line()
    output_of(page, NOTHING_TO_FILL, in_torch, has_torch)
    page.line()
    page.paragraph(words.OPTIMIZER)


def output_of(page: Page, source: str, names: dict[str, Any], can_run: bool) -> None:
    """Show source and its output."""
    page.code(source)
    page.output(run_source(source, names).text if can_run else page.text(words.NOT_INSTALLED))

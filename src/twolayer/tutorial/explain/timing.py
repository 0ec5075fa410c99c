"""The page on timing: reading a loss, reading a clock, and how fast this program is on this machine."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from twolayer.engines import get_engine
from twolayer.engines.torch_engines import TORCH_INSTALL
from twolayer.errors import DivergedError, InputError
from twolayer.training.train import Run
from twolayer.tutorial.explain import autograd_text
from twolayer.tutorial.explain import timing_text as words
from twolayer.tutorial.explain.execution import run_source
from twolayer.tutorial.explain.program_notes import A_GPU_MAY_PAY, step_multiplications
from twolayer.tutorial.ladder import LadderProgram, ladder_arrays, run_ladder
from twolayer.tutorial.layout import Page

ITEM_CODE = """\
y_pred = x.mm(w1).clamp(min=0).mm(w2)
loss = (y_pred - y).pow(2).sum()
print(loss)
print(loss.item())
print(y_pred[0, 0])
print(y_pred[0, 0].item())"""

N_PRODUCTS = 50
CLOCK_CODE = f"""\
start = time.perf_counter()
for _ in range({N_PRODUCTS}):
    b = a.mm(a)
queued = time.perf_counter() - start
torch.cuda.synchronize()
finished = time.perf_counter() - start"""
CLOCK_SIZE = 2048  # rows and columns of `a`: milliseconds a product

ORIGINAL_STEPS = 2000


def explain_timing(page: Page, program: LadderProgram) -> None:
    """Write the page. Without PyTorch some parts are not run, and the table has NumPy alone."""
    page.title(words.TIMING_TITLE)
    has_torch = get_engine("torch").missing() is None
    read_a_loss(page, program, has_torch)
    read_a_clock(page, has_torch)
    show_timings(page, program, has_torch)


def read_a_loss(page: Page, program: LadderProgram, has_torch: bool) -> None:
    """Show what a tensor prints, and what `.item()` returns."""
    page.heading(words.ITEM_HEADING)
    page.code(ITEM_CODE)
    if has_torch:
        import torch

        numbers = ladder_arrays(replace(program, bias=False, dtype="float32"))
        arrays = {"x": numbers.x, "y": numbers.y, "w1": numbers.params.w1, "w2": numbers.params.w2}
        names: dict[str, Any] = {name: torch.tensor(array) for name, array in arrays.items()}
        for name in ("w1", "w2"):
            names[name].requires_grad_()
        page.output(run_source(ITEM_CODE, names).text)
    else:
        page.note(words.NOT_RUN, install=TORCH_INSTALL)
    page.line()
    for text in (words.ITEM_IS, words.ITEM_KEEPS, words.ITEM_WAITS):
        page.note(text)


def read_a_clock(page: Page, has_torch: bool) -> None:
    """Show the queue of a CUDA device, measured if there is one."""
    page.heading(words.CLOCK_HEADING)
    page.paragraph(words.CLOCK_IS)
    page.line()
    page.code(CLOCK_CODE)
    page.line()
    if not has_torch:
        page.note(words.NOT_RUN, install=TORCH_INSTALL)
        return
    import torch

    if not torch.cuda.is_available():
        page.note(words.NO_CUDA)
        return
    queued, finished = times_on_cuda(torch, time)
    page.note(
        words.CLOCK_RAN,
        device=torch.cuda.get_device_name(),
        queued=1000 * queued,
        finished=1000 * finished,
        count=N_PRODUCTS,
        times=finished / queued,
    )


def times_on_cuda(torch: Any, time: Any) -> tuple[float, float]:
    """Return the seconds until the products were queued and until they were done, from the code that is shown."""
    a = torch.randn(CLOCK_SIZE, CLOCK_SIZE, device="cuda")
    a.mm(a)  # the first product also loads the library
    torch.cuda.synchronize()
    names = {"torch": torch, "time": time, "a": a}
    exec(CLOCK_CODE, names)
    return names["queued"], names["finished"]


def show_timings(page: Page, program: LadderProgram, has_torch: bool) -> None:
    """Show a table of this program on every engine and device here, NumPy first."""
    page.heading(words.COMPARISON_HEADING)
    page.paragraph(
        words.COMPARISON_NOTE,
        rows=program.n_rows,
        inputs=program.n_inputs,
        hidden=program.n_hidden,
        outputs=program.n_outputs,
        steps=program.steps,
    )
    page.line()
    try:
        rungs = timed_programs(program, has_torch)
    except DivergedError as error:
        rate = program.learning_rate
        text = page.text(
            autograd_text.AUTOGRAD_DIVERGED, step=error.step, rate=rate, smaller=rate / 10
        )
        raise InputError(text) from None
    reference = rungs[0][1].seconds
    rows = [
        [
            page.text(words.ENGINES[run.engine]),
            run.device,
            dtype,
            f"{1000 * run.seconds / program.steps:.3g}",
            f"{reference / run.seconds:.2f}",
        ]
        for dtype, run in rungs
    ]
    labels = (words.PROGRAM_COLUMN, words.DEVICE_COLUMN, words.DTYPE_COLUMN, words.MS, words.TIMES)
    page.table([page.text(label) for label in labels], rows)
    page.line()
    if not has_torch:
        page.note(words.NOT_RUN, install=TORCH_INSTALL)
    products = step_multiplications(program.n_rows, ladder_arrays(program).params)
    page.note(
        words.LARGE_STEP_NOTE if products >= A_GPU_MAY_PAY else words.SMALL_STEP_NOTE,
        products=products,
    )
    if same_sizes(program, LadderProgram()):
        page.note(words.ORIGINAL, seconds=ORIGINAL_STEPS * reference / program.steps)
    page.note(words.FLOAT32)


def timed_programs(program: LadderProgram, has_torch: bool) -> list[tuple[str, Run]]:
    """Return the dtype and the run of each row of the table, the NumPy program first.

    Raises
    ------
    DivergedError
        If the NumPy program diverges.
    """
    in_torch = list(words.ENGINES)[1:] if has_torch else []
    rows = [("float64", rung.run) for rung in run_ladder(program, ladder_arrays(program), [])]
    for device in devices(has_torch):
        chosen = replace(program, dtype="float32", device=device)
        rungs = list(run_ladder(chosen, ladder_arrays(chosen), in_torch))
        rows += [("float32", rung.run) for rung in (rungs if device == "cpu" else rungs[1:])]
    return [(dtype, run) for dtype, run in rows if run is not None]


def devices(has_torch: bool) -> list[str]:
    """Return where the program can run."""
    if not has_torch:
        return ["cpu"]
    import torch

    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def same_sizes(one: LadderProgram, other: LadderProgram) -> bool:
    """Return whether two programs have tables of the same sizes."""
    names = ("n_rows", "n_inputs", "n_hidden", "n_outputs")
    return all(getattr(one, name) == getattr(other, name) for name in names)

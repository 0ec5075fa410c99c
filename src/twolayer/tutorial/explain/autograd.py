"""The page on autograd: what it does, its traps and their cures, and a function of one's own."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from twolayer.engines import get_engine
from twolayer.engines.torch_engines import TORCH_INSTALL
from twolayer.errors import EngineError
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.network import Params
from twolayer.tutorial import explain
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain import autograd_text as words
from twolayer.tutorial.explain.execution import run_source
from twolayer.tutorial.explain.outcome import show_smaller_rate
from twolayer.tutorial.explain.program import setup_lines
from twolayer.tutorial.explain.program_loop import (
    PrintedLosses,
    loop_halves,
    loop_source,
    run_loop,
    selected_steps,
    show_losses,
)
from twolayer.tutorial.ladder import LadderProgram, largest_difference
from twolayer.tutorial.layout import Page, format_figure, format_short
from twolayer.tutorial.trace import run_lines

ONE_LINE_CODE = """\
x = torch.tensor(1.0, requires_grad=True)
w = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
y = w * x + b
y.backward()
print(x.grad, w.grad, b.grad)"""

CUSTOM_FUNCTION_CODE = """\
class Rectifier(torch.autograd.Function):
    @staticmethod
    def forward(ctx, h):
        ctx.save_for_backward(h)
        return h.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_h_relu):
        (h,) = ctx.saved_tensors
        grad_h = grad_h_relu.clone()
        grad_h[h < 0] = 0
        return grad_h"""

TORCH_PROGRAM = {
    "relu": "h.clamp(min=0)",
    "identity": "h",
    "tanh": "h.tanh()",
    "logistic": "h.sigmoid()",
    "leaky_relu": "torch.where(h < 0, 0.01 * h, h)",
    "softplus": "torch.logaddexp(h, torch.zeros(()))",
    "gelu": "torch.nn.functional.gelu(h)",
}
RECTIFIERS = (
    "h.clamp(min=0)",
    "Rectifier.apply(h)",
    "torch.maximum(h, torch.zeros(()))",
    "torch.relu(h)",
    "torch.nn.ReLU()(h)",
    "torch.nn.functional.threshold(h, 0, 0)",
)
TRAP_STEPS = 30
SAME_TOLERANCE = 1e-6  # relative difference of losses that rounding explains


def explain_autograd(page: Page, program: LadderProgram) -> None:
    """Write the page.

    Raises
    ------
    EngineError
        If PyTorch is not installed.
    """
    if get_engine("torch").missing():
        raise EngineError(page.text(explain.NO_TORCH_NOTE, install=TORCH_INSTALL))
    import torch

    page.title(words.AUTOGRAD_TITLE)
    page.line()
    page.paragraph(words.AUTOGRAD_INTRODUCTION, version=torch.__version__)
    one_line(page)
    # threads of NumPy and torch on few cores would wait for each other; this limits the libraries that are loaded
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        lesson = AutogradLesson(page, program)
        lesson.network()
        lesson.traps()
        lesson.cures()
        lesson.own_function()


def one_line(page: Page) -> None:
    """Show y = w·x + b and its three derivatives."""
    import torch

    page.heading(words.ONE_LINE_HEADING)
    page.code(ONE_LINE_CODE)
    page.output(run_source(ONE_LINE_CODE, {"torch": torch}).text)
    page.line()
    page.paragraph(words.RECORDS)
    page.paragraph(words.ONE_LINE_SAYS)


class AutogradLesson:
    """The two-layer program in torch, right and wrong, with the numbers of the NumPy program."""

    def __init__(self, page: Page, program: LadderProgram) -> None:
        self.page, self.program = page, program
        self.numbers: dict[str, Any] = {}
        run_lines(setup_lines(program), self.numbers)
        self.params = Params(*(self.numbers.get(name) for name in ("w1", "b1", "w2", "b2")))
        self.weights = ["w1", "b1", "w2", "b2"] if program.bias else ["w1", "w2"]
        self.tensors = "\n".join(
            [
                "x = torch.tensor(x)",
                "y = torch.tensor(y)",
                *self.each("{w} = torch.tensor({w}, requires_grad=True)"),
            ]
        )
        rule = TORCH_PROGRAM.get(program.activation, "activation.value(h, torch)")
        self.forward = self.forward_with(rule)
        self.numpy_run = self.run_numpy()
        self.cleared = [
            "with torch.no_grad():",
            *self.each("    {w} -= learning_rate * {w}.grad"),
            *self.each("{w}.grad = None"),
        ]

    def forward_with(self, activation: str) -> list[str]:
        """Return the first half of the loop, with this activation, and backward."""
        b1, b2 = (" + b1", " + b2") if self.program.bias else ("", "")
        return [
            f"h = x.mm(w1){b1}",
            f"h_relu = {activation}",
            f"y_pred = h_relu.mm(w2){b2}",
            "loss = (y_pred - y).pow(2).sum()",
            "print(t, loss.item())",
            "loss.backward()",
        ]

    def each(self, line: str) -> list[str]:
        """Return the line for each of the weights."""
        return [line.format(w=name) for name in self.weights]

    def names(self) -> dict[str, Any]:
        """Return a fresh namespace, in which the arrays are tensors and the weights require gradients."""
        import torch

        own = {**self.numbers, "torch": torch, "activation": ACTIVATIONS[self.program.activation]}
        exec(self.tensors, own)
        return own

    def run_loop(self, steps: int, lines: list[str], **more: Any) -> PrintedLosses:
        """Run a loop from the start, with a `print` that keeps what it is given."""
        printed = PrintedLosses(set())
        exec(loop_source(steps, lines), {**self.names(), **more, "print": printed})
        return printed

    def network(self) -> None:
        """Show the program with autograd, and its losses beside those of the program by hand."""
        page, steps = self.page, self.program.steps
        page.heading(words.NETWORK_HEADING)
        page.paragraph(words.NETWORK_IS)
        page.line()
        lines = [*self.forward, *self.cleared]
        page.code(self.tensors)
        page.line()
        page.code(loop_source(steps, lines))
        page.line()
        for text in (words.NO_GRAD, words.IN_PLACE, words.CLEAR):
            page.note(text)
        self.run_loop(1, lines)  # untimed: torch loads libraries at its first call
        started = time.perf_counter()
        by_autograd = self.run_loop(steps, lines)
        seconds = time.perf_counter() - started
        page.line()
        columns = {
            page.text(words.AUTOGRAD_LABEL): by_autograd,
            page.text(words.BY_HAND_LABEL): self.numpy_run,
        }
        show_losses(page, selected_steps(steps, None), columns)
        page.line()
        self.compared(words.COMPARED, by_autograd, self.numpy_run, seconds=seconds)

    def run_numpy(self) -> PrintedLosses:
        """Run the NumPy program with the same numbers."""
        first, second = loop_halves(self.program, self.params, self.numbers["y"])
        return run_loop(loop_source(self.program.steps, [*first, *second]), self.numbers, set())

    def compared(
        self, text: Bilingual, run: PrintedLosses, other: PrintedLosses, **values: Any
    ) -> None:
        """Show the largest difference of two runs, or that a run diverged."""
        if run.diverged is not None:
            rate = self.program.learning_rate
            self.page.paragraph(words.AUTOGRAD_DIVERGED, step=run.diverged, rate=rate)
            own = self.numbers
            show_smaller_rate(self.page, self.program, own["x"], own["y"], self.params)
            return
        difference = largest_difference(np.array(run.losses), np.array(other.losses))
        self.page.paragraph(text, steps=len(run.losses), difference=f"{difference:.2g}", **values)

    def traps(self) -> None:
        """Show four updates that look right, and run each."""
        self.page.heading(words.TRAPS)
        self.page.paragraph(words.TRAPS_ARE)
        new = "{w} = {w} - learning_rate * {w}.grad"
        self.trap(words.TRAP_NEW, self.each(new), words.TRAP_NEW_WHY)
        not_recorded = ["with torch.no_grad():", *self.each("    " + new)]
        self.trap(words.TRAP_LOST, not_recorded, words.TRAP_LOST_WHY)
        in_place = self.each("{w} -= learning_rate * {w}.grad")
        self.trap(words.TRAP_RECORDED, in_place, words.TRAP_RECORDED_WHY)
        self.trap(words.TRAP_ADDED, self.cleared[: 1 + len(self.weights)], words.TRAP_ADDED_WHY)
        self.added_up()

    def trap(self, title: Bilingual, update: list[str], why: Bilingual) -> None:
        """Show the loop with this update, run two steps of it, and show the output of torch and the reason."""
        page = self.page
        source = loop_source(2, [*self.forward, *update])
        page.line()
        page.line(page.text(title), "bold")
        page.code(source)
        outcome = run_source(source, self.names())
        page.output(outcome.text)
        if outcome.error:
            page.note(words.STOPPED, line=outcome.stopped_at)
        else:
            page.note(words.RAN_ON)
        page.note(why)

    def added_up(self) -> None:
        """Show what gradients that are not cleared do: two backward passes, and a run of some steps."""
        once, twice = self.names(), self.names()
        body = "\n".join(line for line in self.forward if not line.startswith("print"))
        exec(body, once)
        exec(body + "\n" + body, twice)
        sizes = {name: once[name].grad.abs().max().item() for name in self.weights}
        name = max(sizes, key=lambda weight: sizes[weight])
        if sizes[name]:
            ratio = twice[name].grad.abs().max().item() / sizes[name]
            self.page.note(words.TWICE, name=name, ratio=format_short(ratio))
        steps = min(TRAP_STEPS, self.program.steps)
        wrong = self.run_loop(steps, [*self.forward, *self.cleared[: 1 + len(self.weights)]])
        right = self.run_loop(steps, [*self.forward, *self.cleared])
        self.page.note(
            words.ADDED_LOSSES,
            steps=steps,
            wrong=format_figure(wrong.losses[-1]),
            right=format_figure(right.losses[-1]),
        )

    def cures(self) -> None:
        """Show three updates that are right, and run each."""
        page = self.page
        page.line()
        page.line(page.text(words.CURES), "bold")
        steps = min(TRAP_STEPS, self.program.steps)
        leaf = self.each("{w} = ({w} - learning_rate * {w}.grad).detach().requires_grad_()")
        make = f"optimizer = torch.optim.SGD([{', '.join(self.weights)}], lr=learning_rate)"
        stepped = ["optimizer.step()", "optimizer.zero_grad()"]
        for text, before, update in (
            (words.CURE_IN_PLACE, "", self.cleared),
            (words.CURE_LEAF, "", leaf),
            (words.CURE_OPTIMIZER, make, stepped),
        ):
            page.line()
            page.note(text)
            shown = [before] * bool(before) + [*self.forward[-1:], *update]
            page.code("\n".join("  " + line for line in shown))
            printed = PrintedLosses(set())
            source = loop_source(steps, [*self.forward, *update])
            exec(before + "\n" + source, {**self.names(), "print": printed})
            until = printed.diverged
            difference = largest_difference(
                np.array(printed.losses[:until]), np.array(self.numpy_run.losses[:until])
            )
            page.note(
                words.CURED,
                steps=steps,
                first=format_figure(printed.losses[0]),
                last=format_figure(printed.losses[-1]),
                same=page.text(words.SAME_AS if difference < SAME_TOLERANCE else words.NOT_SAME_AS),
            )

    def own_function(self) -> None:
        """Show the rectifier as a pair of forward and backward, and the derivative of each rectifier at 0."""
        import torch

        page = self.page
        page.heading(words.OWN_FUNCTION_HEADING)
        page.paragraph(words.OWN_IS)
        page.line()
        page.code(CUSTOM_FUNCTION_CODE)
        page.line()
        names = {"torch": torch}
        exec(CUSTOM_FUNCTION_CODE, names)
        calls = call_counter(names["Rectifier"])
        steps = min(TRAP_STEPS, self.program.steps)
        own = self.run_loop(
            steps,
            [*self.forward_with("Rectifier.apply(h)"), *self.cleared],
            Rectifier=names["Rectifier"],
        )
        n_calls = len(calls)
        clamp = self.run_loop(steps, [*self.forward_with(TORCH_PROGRAM["relu"]), *self.cleared])
        self.compared(words.OWN_COMPARED, own, clamp, calls=n_calls)
        page.line()
        page.paragraph(words.AT_ZERO)
        page.line()
        page.table([page.text(words.WRITTEN), page.text(words.AT_0)], slopes_at_zero(names))
        page.line()
        page.paragraph(words.WHICH_AT_ZERO)


def call_counter(function: Any) -> list[None]:
    """Return a list that grows by one with every call of the function's backward."""
    calls: list[None] = []
    backward = function.backward

    def counting(ctx: Any, *gradients: Any) -> Any:
        calls.append(None)
        return backward(ctx, *gradients)

    function.backward = staticmethod(counting)
    return calls


def slopes_at_zero(names: dict[str, Any]) -> list[list[str]]:
    """Return the source of each rectifier and its derivative at exactly 0."""
    import torch

    by_hand = {"h": np.zeros(1), "grad_h": np.ones(1)}
    exec("grad_h[h < 0] = 0", by_hand)
    rows = [["grad_h[h < 0] = 0  (NumPy)", format_short(by_hand["grad_h"][0])]]
    for source in RECTIFIERS:
        h = torch.zeros((), requires_grad=True)
        eval(source, names, {"h": h}).backward()
        assert h.grad is not None
        rows.append([source, format_short(h.grad.item())])
    return rows

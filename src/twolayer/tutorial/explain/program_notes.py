"""Notes beside single lines of the program, and at its end, each with the numbers of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.network import Params
from twolayer.tutorial import explain
from twolayer.tutorial.explain import program_text as words
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page, format_entry, format_figure, format_short
from twolayer.tutorial.source.activations import activation_lines
from twolayer.tutorial.trace import TracedLine, VariableChange, trace

NUDGE = 1e-6  # small enough for a straight line, large enough for the digits of a loss
A_GPU_MAY_PAY = 1_000_000_000  # multiplications per step
MAX_PLACES = 8  # cleared entries whose place is shown


class ProgramNotes:
    """Notes beside single lines of the program, with the numbers of the run."""

    def __init__(
        self,
        page: Page,
        program: LadderProgram,
        x: np.ndarray,
        y: np.ndarray,
        params: Params,
        after_step: dict[str, Any],
    ) -> None:
        self.page, self.program = page, program
        self.x, self.y, self.params, self.after_step = x, y, params, after_step
        self.beside: dict[str, Callable[[], None]] = {
            "x = rng.standard_normal((n_rows, n_inputs))": self.randn,
            "h = x.dot(w1)": self.product,
            "h_relu = h": lambda: self.page.note(
                words.IDENTITY_WITH_BIAS if program.bias else words.IDENTITY
            ),
            "loss = np.square(y_pred - y).sum()": self.loss,
            "grad_y_pred = 2.0 * (y_pred - y)": self.direction,
            "grad_w2 = h_relu.T.dot(grad_y_pred)": self.transpose,
            "grad_h = grad_h_relu.copy()": self.copy,
            "grad_h[h < 0] = 0": self.cleared,
            "grad_w1 = x.T.dot(grad_h)": self.nudge,
            "w1 -= learning_rate * grad_w1": lambda: self.page.note(words.WHY_MINUS),
        }
        self.last_line = (
            "b2 -= learning_rate * grad_b2" if program.bias else "w2 -= learning_rate * grad_w2"
        )

    def after(self, line: TracedLine) -> None:
        """Write the notes that belong to this line."""
        if line.code in self.beside:
            self.beside[line.code]()
        if line.code == self.last_line:
            self.one_step()

    def changed(self, line: TracedLine) -> str:
        """Return what the line changed, in one sentence."""
        change = line.change
        assert change is not None
        h = self.after_step["h"]
        count = int((h < 0).sum())
        if line.code == "h_relu = np.maximum(h, 0)":
            text = words.RECTIFIED if count else words.NONE_NEGATIVE
            return self.page.text(text, count=count, total=h.size, rest=h.size - count)
        if line.code == "grad_h[h < 0] = 0":
            text = words.CLEARED if count else words.NONE_CLEARED
            return self.page.text(text, count=count, total=h.size, rest=h.size - count)
        if not change.n_changed:
            return self.page.text(
                words.SAME_NUMBERS_NOTE if ".copy()" in line.code else words.NOTHING
            )
        if change.before_name != change.after_name:
            return self.page.text(
                words.ENTRIES_DIFFER,
                count=change.n_changed,
                total=change.n_entries,
                before=change.before_name,
                after=change.after_name,
                least=format_short(change.after.min()),
                most=format_short(change.after.max()),
            )
        return self.page.text(
            words.ENTRIES_CHANGED,
            count=change.n_changed,
            total=change.n_entries,
            largest=format_short(change.largest),
        )

    def randn(self) -> None:
        x = self.x
        self.page.note(words.RANDN, rows=x.shape[0], columns=x.shape[1])
        self.page.note(
            words.DRAWN,
            count=x.size,
            mean=format_short(x.mean()),
            deviation=format_short(x.std()),
            least=format_short(x.min()),
            most=format_short(x.max()),
            inside=int((np.abs(x) < 1).sum()),
        )

    def product(self) -> None:
        x, w1 = self.x, self.params.w1
        h = x.dot(w1)
        self.page.note(words.BY_HAND_NOTE)
        letters = [f"x[0,{k}]·w1[{k},0]" for k in shown_terms(len(w1))]
        terms = [f"({x[0, k]:.4f})·({w1[k, 0]:.4f})" for k in shown_terms(len(w1))]
        for left, parts in (("h[0,0] = ", letters), ("       = ", terms)):
            if len(w1) > len(parts):
                parts.insert(-1, "...")
            self.page.block(left + " + ".join(parts), " " * 7, " " * 16)
        self.page.line(" " * 7 + f"       = {h[0, 0]:.4f}")
        difference = self.difference_text(np.abs(x @ w1 - h).max())
        self.page.note(words.DOT, difference=difference, inner=len(w1))
        if not self.program.bias:
            self.page.note(words.NO_BIAS_HERE)

    def loss(self) -> None:
        y, y_pred, loss = self.y, self.after_step["y_pred"], self.after_step["loss"]
        self.page.entry(explain.VALUE_LABEL, f"loss = {format_figure(loss)}")
        self.page.note(
            words.MEAN_SQUARED,
            loss=format_figure(loss),
            rows=y.shape[0],
            columns=y.shape[1],
            mean=format_figure(loss / y.size),
            check=format_figure(np.square(y_pred - y).mean()),
        )
        if y.size > 1:
            self.page.note(words.MEAN_RATE, count=y.size)

    def direction(self) -> None:
        prediction, target = self.after_step["y_pred"][0, 0], self.y[0, 0]
        high = prediction > target
        self.page.note(
            words.DIRECTION_NOTE,
            prediction=format_short(prediction),
            target=format_short(target),
            side=self.page.text(words.HIGH if high else words.LOW),
            sign=self.page.text(words.POSITIVE if high else words.NEGATIVE),
        )

    def transpose(self) -> None:
        self.page.note(words.TRANSPOSE_NOTE, shape=self.params.w2.shape)

    def copy(self) -> None:
        names = {name: np.copy(self.after_step[name]) for name in ("h", "grad_h_relu", "x")}
        right = np.copy(names["grad_h_relu"])
        next_line = activation_lines(ACTIVATIONS[self.program.activation]).backward[1].code
        source = "grad_h = grad_h_relu\n" + next_line
        exec(source, names)
        change = VariableChange("grad_h_relu", "grad_h_relu", right, names["grad_h_relu"])
        if not change.n_changed:
            self.page.note(words.COPY_IDLE)
            return
        self.page.note(words.WITHOUT_COPY, count=change.n_changed, total=change.n_entries)
        self.page.code("\n".join("  " + line for line in source.splitlines()))
        self.page.change(
            change,
            *(
                f"grad_h_relu {self.page.text(when)}"
                for when in (explain.BEFORE_LABEL, explain.AFTER_LABEL)
            ),
        )
        if (self.x.T.dot(names["grad_h"]) == self.after_step["grad_w1"]).all():
            self.page.note(words.COPY_MATTERS)

    def cleared(self) -> None:
        self.page.note(words.MASK)
        places = np.argwhere(self.after_step["h"] < 0)
        if len(places):
            first = ", ".join(f"({row},{column})" for row, column in places[:MAX_PLACES])
            more = ", ..." if len(places) > MAX_PLACES else ""
            self.page.note(words.PLACES, places=first + more)

    def nudge(self) -> None:
        """Check the largest entry of the gradient by moving that weight a little."""
        gradient = self.after_step["grad_w1"]
        row, column = (int(k) for k in np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
        if not gradient[row, column]:
            return
        moved = self.params.copy()
        moved.w1[row, column] += NUDGE
        before, after = self.after_step["loss"], self.loss_of(moved)
        self.page.note(
            words.NUDGED,
            name="w1",
            row=row,
            column=column,
            nudge=f"{NUDGE:.6f}",
            before=f"{before:.12g}",
            after=f"{after:.12g}",
            ratio=f"{(after - before) / NUDGE:.5g}",
            gradient=f"{gradient[row, column]:.5g}",
        )

    def one_step(self) -> None:
        updated = self.params.map(np.copy)
        for name, weight in updated.items():
            weight[...] = self.after_step[name]
        before, after = self.after_step["loss"], self.loss_of(updated)
        text = words.LOSS_FELL if after <= before else words.LOSS_ROSE
        self.page.note(text, before=format_figure(before), after=format_figure(after))

    def difference_text(self, difference: float) -> str:
        """Return by how much two results differ at most."""
        text = words.DIFFER if difference else words.IDENTICAL
        return self.page.text(text, difference=format_short(difference))

    def loss_of(self, params: Params) -> float:
        """Return the loss with other weights, from the forward lines."""
        lines = trace(self.x, self.y, params, activation=self.program.activation)
        return next(float(line.wrote["loss"]) for line in lines if "loss" in line.wrote)

    def misunderstandings(self, seconds_a_step: float | None) -> None:
        """Correct common misunderstandings, with the numbers of this run."""
        page, x, params = self.page, self.x, self.params
        page.heading(words.PAGE_PARTS["misunderstandings"])
        page.item(words.WIDTH_NOT_DEPTH, hidden=params.n_hidden)
        page.item(
            words.ROWS_NOT_INPUTS,
            rows=x.shape[0],
            inputs=params.n_inputs,
            one=x[:1].dot(params.w1).shape,
        )
        of_zeros = np.zeros(params.n_inputs).dot(params.w1)
        if params.b1 is not None:
            of_zeros = of_zeros + params.b1
        zero = "[" + ", ".join(format_entry(value) for value in of_zeros[:3])
        zero += ", ...]" if len(of_zeros) > 3 else "]"
        page.item(words.WITHOUT_BIAS if params.b1 is None else words.WITH_BIAS, zero=zero)
        difference = np.abs(params.w1.T.dot(x[0]) - x[0].dot(params.w1)).max()
        page.item(
            words.WHICH_SIDE,
            turned=params.w1.T.shape,
            difference=self.difference_text(difference),
        )
        self.gpu(seconds_a_step)

    def gpu(self, seconds_a_step: float | None) -> None:
        """Write whether a GPU would pay at this size."""
        page = self.page
        products = step_multiplications(self.x.shape[0], self.params)
        page.item(
            words.GPU_MAYBE if products >= A_GPU_MAY_PAY else words.GPU_NOT_HERE, products=products
        )
        if seconds_a_step is not None:
            page.paragraph(words.NUMPY_TOOK, 4, milliseconds=1000 * seconds_a_step)
        page.paragraph(words.MEASURE, 4)


def shown_terms(count: int) -> list[int]:
    """Return which terms of a long sum are shown: the first two and the last."""
    return list(range(count)) if count <= 3 else [0, 1, count - 1]


def step_multiplications(n_rows: int, params: Params) -> int:
    """Return the multiplications in the matrix products of one step: two with w1, three with w2."""
    return n_rows * (2 * params.w1.size + 3 * params.w2.size)

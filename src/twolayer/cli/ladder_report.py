"""What `twolayer ladder` prints, in the reader's language: settings, losses, answers, weights, and the table of engines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.cells import cell_len

from twolayer.engines import ENGINE_NAMES
from twolayer.functional import forward
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Params
from twolayer.tutorial import ladder_text as words
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.ladder import (
    EARLY_STEPS,
    LADDER_DTYPES,
    REFERENCE_ENGINE,
    LadderArrays,
    LadderProgram,
    LadderRow,
    least_squares_floor,
    quadrant_of,
    weight_snapshots,
)
from twolayer.tutorial.layout import pad_text, wrap_text

LADDER_WIDTH = 80  # nothing that is printed is wider
ENGINE_WIDTH = max(map(len, ENGINE_NAMES))
WIDTHS = (ENGINE_WIDTH, 7, 13, 9, 7, 10, 10)  # of the table's columns


class LadderReport:
    """The lines that the command prints about a program, in one language."""

    def __init__(self, program: LadderProgram, lang: str) -> None:
        self.program, self.lang = program, lang

    def say(self, text: Bilingual, **values: object) -> None:
        """Print a text, wrapped."""
        for line in wrap_text(text.said(self.lang, **values), LADDER_WIDTH):
            print(line)

    def counted(self, count: int, what: str) -> str:
        """Return `1 step`, `2 steps`."""
        text = words.SINGLE[what] if count == 1 else words.COUNTS[what]
        return text.said(self.lang, count=count)

    def interruption(self, row: LadderRow) -> str:
        """Return that Ctrl-C ended a run."""
        assert row.run is not None
        return words.STOPPED_EARLY.said(
            self.lang,
            engine=row.engine,
            done=len(row.run.losses),
            steps=self.counted(self.program.steps, "step"),
        )

    def settings(self) -> None:
        """Print what is trained on what, and how."""
        program = self.program
        self.say(
            words.PROBLEM,
            problem=program.problem,
            rows=self.counted(program.n_rows, "row"),
            inputs=self.counted(program.n_inputs, "input"),
            units=self.counted(program.n_hidden, "unit"),
            outputs=self.counted(program.n_outputs, "output"),
            bias=(words.WITH_BIAS_WORD if program.bias else words.NO_BIAS_WORD).said(self.lang),
            activation=program.activation,
            loss=program.loss,
            dtype=program.dtype,
        )
        how = [program.solver, words.LEARNING_RATE.said(self.lang, rate=program.learning_rate)]
        if program.momentum:
            text = words.NESTEROV if program.nesterov else words.MOMENTUM
            how.append(text.said(self.lang, momentum=program.momentum))
        if program.alpha:
            how.append(words.ALPHA.said(self.lang, alpha=program.alpha))
        if program.batch_size:
            how.append(words.ROWS_PER_STEP.said(self.lang, rows=program.batch_size))
        how.append(self.counted(program.steps, "step"))
        how.append(words.SEED_IS.said(self.lang, seed=program.seed))
        for line in wrap_text(("，" if self.lang == "zh" else ", ").join(how), LADDER_WIDTH):
            print(line)
        print()

    def losses(self, numbers: LadderArrays, first: LadderRow, stride: int, weights: bool) -> None:
        """Print lines of `t loss` as the NumPy program has them, with the weights on the way if asked."""
        assert first.run is not None
        # prints as many digits as it has
        losses = first.run.losses.astype(LADDER_DTYPES[self.program.dtype])
        last = len(losses) - 1
        if not stride:
            return
        seen = weight_snapshots(self.program, numbers, stride) if weights else {}
        for t, value in enumerate(losses):
            if t % stride and t != last:
                continue
            if t in seen:
                print_weights(seen[t])
            print(t, value)
        print()

    def results(self, numbers: LadderArrays, first: LadderRow) -> None:
        """Print what the trained NumPy program says about new points, its weights, and how far it could have come."""
        assert first.run is not None
        program, trained = self.program, first.run.params
        if program.problem == "quadrants" and program.loss == "sum_of_squares":
            floor, loss = least_squares_floor(numbers), float(first.run.final_loss)
            steps = self.counted(len(first.run.losses), "step")
            self.say(words.LOSS_AFTER, steps=steps, loss=loss)
            self.say(words.FLOOR, floor=floor)
            answers = forward(numbers.x, trained, program.activation).argmax(1)
            right = int((answers == numbers.y.argmax(1)).sum())
            self.say(words.ROWS_RIGHT, right=right, rows=program.n_rows)
            self.progress_note(loss, floor)
            print()
        if program.predict:
            self.predictions(trained)
        if program.show_weights:
            print_weights(trained)
            print()

    def progress_note(self, loss: float, floor: float) -> None:
        """Print whether more steps would help, and why."""
        program = self.program
        if loss > floor * (1 + 1e-6):
            least = 5_000 if program.activation == "identity" else 50_000
            self.say(words.NOT_DONE, further=max(least, 10 * program.steps))
        else:
            self.say(words.DONE if program.activation == "identity" else words.BELOW_FLOOR)

    def predictions(self, trained: Params) -> None:
        """Print each point with its outputs and its class, beside the true quadrant where there is one."""
        points = np.array(self.program.predict)
        scores = forward(points, trained, self.program.activation)
        answers = scores.argmax(1)
        if scores.shape[1] == 1:
            answers = (scores[:, 0] > 0).astype(int)
        asked = [f"({', '.join(f'{number:g}' for number in point)})" for point in points]
        wide = max(len(text) for text in asked)
        right = 0
        for text, point, row, answer in zip(asked, points, scores, answers, strict=True):
            print(f"{text:<{wide}}  y_pred {array_text(row, 9 + wide, 3)}", end="")
            if self.program.problem == "quadrants":
                true = int(quadrant_of(point[None])[0])
                right += true == answer + 1
                told = words.QUADRANT_ANSWER if point.all() else words.ON_AN_AXIS
                print("  " + told.said(self.lang, answer=answer + 1, true=true), end="")
            elif LOSSES[self.program.loss].takes_labels:
                print("  " + words.CLASS_ANSWER.said(self.lang, answer=answer), end="")
            print()
        if self.program.problem == "quadrants" and points.all():
            self.say(words.POINTS_RIGHT, right=right, points=len(points))
        print()

    def table(self, first: LadderRow, others: Iterator[LadderRow]) -> None:
        """Print a row for each engine as soon as it has run, then how to read the columns."""
        short = self.program.steps <= EARLY_STEPS
        early = "" if short else words.EARLY_COLUMN.said(self.lang, steps=EARLY_STEPS)
        labels = (
            words.ENGINE_COLUMN, words.LADDER_DEVICE, words.FINAL_LOSS, words.SECONDS_COLUMN,
            words.FASTER_COLUMN, words.DIFFERENCE_COLUMN,
        )  # fmt: skip
        print(table_line([label.said(self.lang) for label in labels]))
        cells = ["", "", "", "", "", *[early] * (not short), words.ALL_COLUMN.said(self.lang)]
        print(table_line(cells))
        self.row(first, short)
        drift = 0.0
        for rung in others:
            self.row(rung, short)
            drift = max(drift, rung.difference)
        print()
        self.column_notes(first, drift)

    def row(self, rung: LadderRow, short: bool) -> None:
        """Print one engine's line of the table."""
        if rung.run is None:
            reason = str(rung.reason).removeprefix(f"engine '{rung.engine}' ")
            indent = " " * (ENGINE_WIDTH + 1)
            for number, line in enumerate(wrap_text(reason, LADDER_WIDTH - len(indent))):
                print((indent if number else f"{rung.engine:<{ENGINE_WIDTH}} ") + line)
            return
        differences = ["-", "-"] if rung.engine == REFERENCE_ENGINE else [
            f"{rung.early:.1e}", f"{rung.difference:.1e}",
        ]  # fmt: skip
        cells = [rung.engine, rung.device, f"{rung.run.final_loss:.6e}", f"{rung.run.seconds:.4f}"]
        cells += [f"{rung.times_faster:.2f}", *differences[short:]]
        print(table_line(cells), flush=True)

    def column_notes(self, first: LadderRow, drift: float) -> None:
        """Print what the table's columns mean."""
        assert first.run is not None
        for text in (words.SECONDS_NOTE, words.FASTER_NOTE, words.DIFFERENCE_NOTE):
            self.say(text)
        start, end = first.run.losses[0], float(first.run.final_loss)
        if self.program.dtype == "float32":
            self.say(words.FLOAT32_NOTE)
        elif drift > 1e-6 and end < 1e-20 * start:
            self.say(words.ROUNDING_NOTE, end=end, start=start)


def table_line(cells: list[str]) -> str:
    """Return the cells in the table's columns: engine and device to the left, figures to the right."""
    parts = [
        pad_text(cell, max(wide, cell_len(cell)), right=number > 1)
        for number, (cell, wide) in enumerate(zip(cells, WIDTHS, strict=False))
    ]
    return " ".join(parts).rstrip()


def print_weights(params: Params) -> None:
    """Print every array by name; of large ones the corners."""
    for name, array in params.items():
        print(f"{name} = {array_text(array, len(name) + 3)}")


def array_text(array: np.ndarray, indent: int, precision: int = 4) -> str:
    """Return an array as text that fits the screen beside `indent` characters."""
    return np.array2string(
        array,
        max_line_width=LADDER_WIDTH - 16,
        precision=precision,
        suppress_small=True,
        threshold=200,
        prefix=" " * indent,
    )

"""The ladder's speeds as a chart: `python -m benchmarks chart` runs P1 on every engine at hand, with the span and without.

Each bar is the median of runs in turn, as in the other rows: the same numbers, the same 500 steps, the same losses.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import machine, programs
from benchmarks.rows import Row, last_loss
from benchmarks.speed_report import Figures, row_figures, row_lines, seconds_text
from benchmarks.timing import Contender
from twolayer.engines import engines
from twolayer.tutorial.ladder import PROGRAMS, LadderArrays, ladder_arrays

LABELS = {  # the engines in the order of the ladder
    "numpy": "NumPy by hand",
    "torch": "torch by hand",
    "torch-autograd": "torch autograd",
    "torch-function": "torch autograd function",
    "torch-nn": "torch nn.Module",
    "compiled": "machine code",
}
NUMPY_SPAN = "NumPy with the span"
OURS = "machine code with the span"
TITLE = "The well-known program, 64 rows by 1000 inputs: seconds of the same 500 steps"
COLOURS = {NUMPY_SPAN: "#7fb3d5", OURS: "#1f618d"}
GREY = "#b3b6b7"


def ladder_row(numbers: LadderArrays, rounds: int) -> Row:
    """Return P1 on every engine at hand, the NumPy program with the span, and what `train` chooses."""
    program = PROGRAMS["P1"]
    x, y, params = numbers.x, numbers.y, numbers.params
    rate, steps = program.learning_rate, program.steps
    run = partial(last_loss, x, y, params, learning_rate=rate, steps=steps)
    contenders = [
        Contender(OURS, run),
        Contender(NUMPY_SPAN, partial(programs.numpy_span, x, y, params, rate, steps)),
    ]
    contenders += [
        Contender(LABELS[name], partial(run, engine=name, span=False))
        for name, missing in engines().items()
        if missing is None
    ]
    same = tuple(contender.name for contender in contenders[1:])
    return Row(f"P1, {steps} steps, float64", "run", contenders, same, rounds=rounds)


def draw_ladder(row: Figures, caption: str, path: Path) -> None:
    """Draw one bar for each: the engines in the order of the ladder, then those with the span, ours at the foot."""
    from matplotlib.figure import Figure

    order = [*LABELS.values(), NUMPY_SPAN, OURS]
    bars = sorted(row["contenders"], key=lambda each: order.index(each["name"]))
    figure = Figure(figsize=(7.6, 1.1 + 0.32 * len(bars)), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(bars))
    drawn = axes.barh(
        places,
        [each["median"] for each in bars],
        height=0.66,
        color=[COLOURS.get(each["name"], GREY) for each in bars],
    )
    axes.bar_label(drawn, [f" {seconds_text(each['median'])}" for each in bars], fontsize=9)
    axes.set_yticks(places, [each["name"] for each in bars], fontsize=9)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure.suptitle(TITLE, x=0.01, ha="left", fontsize=10, fontweight="bold")
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=8, color="0.35")
    figure.savefig(path, dpi=150)


def main(arguments: list[str] | None = None) -> None:
    """Run the ladder, print its figures, and draw them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks chart", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("docs/ladder.png"), help="default: %(default)s"
    )
    parser.add_argument("--rounds", type=int, default=9, help="runs of each; default: %(default)s")
    options = parser.parse_args(arguments)
    about: dict[str, Any] = machine.machine_description()
    caption = (
        f"{about['processor']}, {about['processors']} processors, {datetime.now(UTC):%Y-%m-%d}"
    )
    row = ladder_row(ladder_arrays(PROGRAMS["P1"]), options.rounds)
    figures = row_figures("ladder", row)
    print("\n".join([caption, "", *row_lines(figures)]))
    draw_ladder(figures, f"{caption}; python -m benchmarks chart", options.out)
    print(f"written: {options.out}")


if __name__ == "__main__":
    main()

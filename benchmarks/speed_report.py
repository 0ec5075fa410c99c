"""Run the rows and tell the figures: as a table on the terminal, as Markdown, as JSON, and as a picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from benchmarks.machine import Machine
from benchmarks.rows import ROWS, Row
from benchmarks.timing import Timed, in_turn

Figures = dict[str, Any]

SAME = 1e-9  # of the loss: as far as rounding may part programs that take the same steps


def row_figures(name: str, row: Row) -> Figures:
    """One row, timed; with every contender's seconds, ratios to ours, and what did not hold."""
    timed = in_turn(row.contenders, row.rounds)
    ours = timed[0]
    return {
        "key": name,
        "name": row.name,
        "unit": row.unit,
        "note": row.note,
        "problems": unfairness(row, timed),
        "contenders": [
            {
                "name": each.name,
                "median": each.median,
                "least": each.spread[0],
                "most": each.spread[1],
                "rounds": len(each.seconds),
                "threads": each.thread_count,
                "objective": each.objective,
                "times_ours": each.times(ours),
                "floor": contender.floor,
                "times_floor": each.median / contender.floor if contender.floor else None,
            }
            for contender, each in zip(row.contenders, timed, strict=True)
        ],
    }


def unfairness(row: Row, timed: list[Timed]) -> list[str]:
    """What makes the comparison unfair: other numbers than ours, a lower objective than ours, or one too high."""
    ours = timed[0].objective
    found = [
        f"{each.name} ended at {each.objective:.9g}, above {row.target:.9g}"
        for each in timed
        if row.target is not None and each.name not in row.above and each.objective > row.target
    ]
    for each in timed[1:]:
        if each.name in row.same and not math.isclose(each.objective, ours, rel_tol=SAME):
            found.append(f"{each.name} ended at {each.objective:.9g}, ours at {ours:.9g}")
        if each.name in row.above and ours > each.objective:
            found.append(f"ours ended at {ours:.9g}, above {each.name}'s {each.objective:.9g}")
    return found


def run_rows(
    names: list[str], machine: Machine, quick: bool, tell: Callable[[str], None]
) -> list[Figures]:
    """All rows of these names, each told as soon as it is done."""
    rows = []
    for name in names:
        figures = row_figures(name, ROWS[name](machine, quick))
        rows.append(figures)
        tell("\n".join(row_lines(figures)))
    return rows


def seconds_text(value: float) -> str:
    """Seconds in the unit that reads best."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def row_lines(row: Figures) -> list[str]:
    """One row as lines of text."""
    lines = [f"{row['name']} (per {row['unit']})"]
    width = max(len(each["name"]) for each in row["contenders"])
    for each in row["contenders"]:
        spread = f"({seconds_text(each['least'])} to {seconds_text(each['most'])}, {each['rounds']} rounds)"
        line = f"  {each['name']:<{width}}{seconds_text(each['median']):>10}  {spread:<34}"
        line += f"{each['times_ours']:5.1f} times ours"
        if each["floor"]:
            line += f"{each['times_floor']:7.1f} times its floor of {seconds_text(each['floor'])}"
        lines.append(line)
    lines += [f"  ({row['note']})"] if row["note"] else []
    return lines + [f"  NOT FAIR: {problem}" for problem in row["problems"]]


def machine_lines(result: Figures) -> list[str]:
    """The machine, what it can do at best, and the day."""
    about = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    rates = ", ".join(
        f"{rate / 1e9:.0f} Gflop/s in {dtype}" for dtype, rate in about["operations"].items()
    )
    return [
        f"Machine: {about['processor']}, {about['processors']} processors; {about['system']}; "
        f"Python {about['python']}; {versions}; BLAS: {', '.join(about['blas'])}.",
        f"Measured at best: {rates} (matrix products); {about['bandwidth'] / 1e9:.1f} GB/s (copies).",
        f"Date: {result['date']}.",
    ]


def speed_markdown(result: Figures) -> str:
    """The whole result as Markdown."""
    lines = [
        *machine_lines(result),
        "",
        "| row | contender | median | least to most | threads | times ours | its floor | times its floor |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        for place, each in enumerate(row["contenders"]):
            name = f"{row['name']} (per {row['unit']})" if place == 0 else ""
            floor = seconds_text(each["floor"]) if each["floor"] else ""
            times_floor = f"{each['times_floor']:.1f}" if each["floor"] else ""
            threads = each["threads"] or "its own"
            lines.append(
                f"| {name} | {each['name']} | {seconds_text(each['median'])} "
                f"| {seconds_text(each['least'])} to {seconds_text(each['most'])} | {threads} | {each['times_ours']:.1f} "
                f"| {floor} | {times_floor} |"
            )
        lines += [f"| | *not fair: {problem}* | | | | | | |" for problem in row["problems"]]
    return (
        "\n".join(
            [
                *lines,
                *scaling_lines(result),
                *engine_choice_lines(result),
                *cold_start_lines(result),
            ]
        )
        + "\n"
    )


def scaling_lines(result: Figures) -> list[str]:
    """The growing widths as a Markdown table."""
    if not result.get("width_scaling"):
        return []
    lines = [
        "",
        "100 rows, 100 hidden units, 1 output, gradient descent with the span, on one thread:",
        "",
        "| columns | dtype | the pass | share of the machine's best | a step | times 1,000 columns | NumPy's step |",
        "|---|---|---|---|---|---|---|",
    ]
    return lines + [
        f"| {each['columns']:,} | {each['dtype']} | {seconds_text(each['pass'])} "
        f"| {each['pass_share_of_best']:.2f} | {seconds_text(each['step'])} "
        f"| {each['times_the_least_width']:.2f} | {seconds_text(each['numpy_step'])} |"
        for each in result["width_scaling"]
    ]


def engine_choice_lines(result: Figures) -> list[str]:
    """What `engine="auto"` chose, as a Markdown table."""
    if not result.get("engine_choice"):
        return []
    return [
        "",
        "What `engine=\"auto\"` chose, and its seconds as a share of the NumPy engine's and of the fastest candidate's:",
        "",
        "| shape | chosen | seconds | of NumPy's | of the fastest's |",
        "|---|---|---|---|---|",
    ] + [
        f"| {each['shape']} | {each['chosen']} | {seconds_text(each['auto'])} "
        f"| {each['of_numpy']:.2f} | {each['of_best']:.2f} |"
        for each in result["engine_choice"]
    ]


def cold_start_lines(result: Figures) -> list[str]:
    """The fresh process as a sentence."""
    cold = result.get("cold_start")
    if not cold:
        return []
    return [
        "",
        f"P1 in a fresh process, import included: {seconds_text(cold['cached'])} with the kernels on disk, "
        f"{seconds_text(cold['nothing_cached'])} with nothing compiled yet.",
    ]


def draw_ratios(result: Figures, path: Any) -> None:
    """How many times longer the peers take, a bar each, on a logarithmic axis."""
    from matplotlib.figure import Figure

    bars = [
        (row["name"], each["name"], each["times_ours"])
        for row in result["rows"]
        for each in row["contenders"][1:]
    ]
    figure = Figure(
        figsize=(9, 1.2 + 0.32 * (len(bars) + len(result["rows"]))), layout="constrained"
    )
    axes = figure.add_subplot()
    position, ticks, labels = 0.0, [], []
    for row in result["rows"]:
        axes.text(1.02, position, row["name"], va="center", fontsize=9, fontweight="bold")
        position += 1
        for each in row["contenders"][1:]:
            axes.barh(position, each["times_ours"], color="0.35", height=0.7)
            axes.text(
                each["times_ours"] * 1.05,
                position,
                f"{each['times_ours']:.3g}",
                va="center",
                fontsize=8,
            )
            ticks.append(position)
            labels.append(each["name"])
            position += 1
    axes.set_yticks(ticks, labels, fontsize=8)
    axes.set_xscale("log")
    longest = max((bar[2] for bar in bars), default=1.0)
    axes.set_xlim(min(1.0, *(bar[2] for bar in bars), 1.0), 3 * max(longest, 10))
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_ylim(position - 0.3, -0.7)
    axes.set_xlabel("times as long as twolayer")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=150)

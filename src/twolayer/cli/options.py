"""Options that several commands share: which table, and what its columns are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

TablePath = Annotated[
    Path,
    typer.Argument(
        help="CSV or TSV (also .gz), Excel, Parquet, Arrow, .npy, .npz, svmlight, Matrix Market; - is standard input."
    ),
]
ModelPath = Annotated[Path, typer.Argument(help="A model that `twolayer fit` saved.")]
TargetNames = Annotated[
    list[str],
    typer.Option("--target", help="The column to learn; several times for several numbers."),
]
TaskOption = Annotated[
    str, typer.Option(help="classification or regression; auto looks at the target.")
]
TruthNames = Annotated[
    list[str] | None,
    typer.Option(
        "--target", help="The column with the truth; the model knows which, if `fit` saved it."
    ),
]
Labels = Annotated[
    Path | None, typer.Option(help="Another file, which holds the target for each row.")
]
Id = Annotated[
    str | None,
    typer.Option("--id", help="The column that names the rows, and joins --labels to the table."),
]
WeightsOption = Annotated[str | None, typer.Option(help="A column: how much each row counts.")]
Groups = Annotated[
    str | None,
    typer.Option(help="A column: rows of one group (a patient, a batch) are never split apart."),
]
Time = Annotated[
    str | None,
    typer.Option(help="A column with the time of each row: the test rows are the latest."),
]
Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", help="A column to leave out; several times for several."),
]
Category = Annotated[
    list[str] | None,
    typer.Option("--category", help="A column to take as categories, though it looks otherwise."),
]
DropMissingTarget = Annotated[
    bool,
    typer.Option("--drop-missing-target", help="Leave out the rows whose target has no value."),
]
FillMissingColumns = Annotated[
    bool,
    typer.Option(
        "--fill-missing-columns",
        help="Take columns that the table lacks as missing values: medians of the training rows.",
    ),
]
Transpose = Annotated[
    bool,
    typer.Option(
        "--transpose", help="The table has samples in columns (and genes in rows): turn it."
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(help="What separates the fields of a text file; found by itself if not given."),
]
Sheet = Annotated[
    str | None,
    typer.Option(help="Of an Excel file: the sheet to read, by name or number; else the first."),
]
LabelsSheet = Annotated[
    str | None, typer.Option(help="The same of the file that --labels names, if it is one.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


Force = Annotated[
    bool,
    typer.Option("--force", help="Replace the model of another table or target, if one is there."),
]


def table_stem(table: Any) -> str:
    """The table's name without its folder and endings, for the files that are written."""
    name = "stdin" if str(table) == "-" else Path(table).name.removesuffix(".gz")
    return Path(name).stem

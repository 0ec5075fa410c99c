"""Options that several commands share: which table, and what its columns are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

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
    typer.Option(
        "--target",
        help="The column to learn; repeat for several numbers, or labels (with --task classification).",
    ),
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
        help="Fill columns that the table lacks with the medians of the training rows.",
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


SafeCells = Annotated[
    bool,
    typer.Option(
        "--safe-cells", help="Put a quote before texts that a spreadsheet would run: =, +, -, @."
    ),
]
Comment = Annotated[
    str | None,
    typer.Option(
        help="Read past lines that begin with this; by itself only past # lines before the header."
    ),
]
SkipLines = Annotated[int, typer.Option(min=0, help="Read past so many lines before the header.")]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of a text file, such as cp1252 or gb18030. Default: detected."),
]
MissingText = Annotated[
    list[str] | None,
    typer.Option("--na", help="A text or number that means no value, such as -999; repeatable."),
]
NoHeader = Annotated[
    bool,
    typer.Option("--no-header", help="The first line holds data; columns are named x1, x2, ..."),
]
Duplicates = Annotated[
    str,
    typer.Option(help="rename: number columns of equal names (a, a.1). Default: refuse them."),
]


@dataclass(frozen=True)
class LayoutOptions:
    """How a table stands in its file: the options of every command that reads one."""

    comment: Comment = None
    skip_lines: SkipLines = 0
    encoding: Encoding = None
    na: MissingText = None
    no_header: NoHeader = False
    duplicates: Duplicates = "refuse"


def with_layout(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the command with the LayoutOptions too, which it takes as one argument `layout`, a dict."""
    own = inspect.signature(command, eval_str=False)
    hints = get_type_hints(command, include_extras=True)
    more = inspect.signature(LayoutOptions, eval_str=True).parameters
    rest = [
        parameter.replace(annotation=hints[name])
        for name, parameter in own.parameters.items()
        if name != "layout"
    ]
    added = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in more.values()]

    @wraps(command)
    def wrapped(*given: Any, **named: Any) -> Any:
        layout = {name: named.pop(name) for name in more if name in named}
        return command(*given, **named, layout=layout)

    wrapped.__signature__ = own.replace(parameters=[*rest, *added])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {one.name: one.annotation for one in [*rest, *added]}
    return wrapped


Force = Annotated[
    bool,
    typer.Option("--force", help="Replace the model of another table or target, if one is there."),
]


def given_options(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return all parameters of a command by name, the LayoutOptions among them; `parameters` are its locals."""
    rest = {name: value for name, value in parameters.items() if name != "layout"}
    return {**rest, **(parameters["layout"] or {})}


def table_stem(table: Any) -> str:
    """The table's name without its folder and endings, for the files that are written."""
    name = "stdin" if str(table) == "-" else Path(table).name.removesuffix(".gz")
    return Path(name).stem

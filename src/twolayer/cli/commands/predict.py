"""`twolayer predict`: a saved model's answers for the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twolayer import checks, tables
from twolayer.cli import options
from twolayer.cli.cluster_options import ClusterName, check_cluster_options
from twolayer.cli.output import Output
from twolayer.cli.output_paths import same_file
from twolayer.cli.row_writer import FormulaCells, file_ending, row_writer
from twolayer.errors import FileError, InputError
from twolayer.estimators.uncertainty.class_sets import few_rows_sentence
from twolayer.estimators.uncertainty.predictive_spread import constant_width_sentence
from twolayer.evaluation.training_range import OutsideRows
from twolayer.saving.answers import answer_names, answers_by_column
from twolayer.saving.saved_model import SavedModel, open_model
from twolayer.tables import Table, TableOptions
from twolayer.tables.column_kinds import ROW_NAME_PATTERN
from twolayer.tables.number_formats import NumberFormats, read_formatted_numbers
from twolayer.tables.transpose import transpose_table
from twolayer.text import first_names, plural

PredictionsPath = Annotated[
    Path | None,
    typer.Option(help="Write to this file, .csv, .tsv (also .gz) or .parquet, not to the screen."),
]
Proba = Annotated[bool, typer.Option("--proba", help="Tell the probability of each class too.")]
IntervalShare = Annotated[
    float | None,
    typer.Option(
        help="Tell the interval too in which this share of the values should lie: 0.9. Of classes: the set of classes that "
        "holds the right one in this share of the rows of each class."
    ),
]

MAX_FILLED_NAMED = 10
OUTSIDE_NAME = "outside_training"


@options.with_layout
def predict(
    model: options.ModelPath,
    table: options.TablePath,
    out: PredictionsPath = None,
    proba: Proba = False,
    interval: IntervalShare = None,
    safe_cells: options.SafeCells = False,
    fill_missing_columns: options.FillMissingColumns = False,
    transpose: options.Transpose = False,
    delimiter: options.Delimiter = None,
    sheet: options.Sheet = None,
    cluster: ClusterName = None,
    quiet: options.Quiet = False,
    layout: Any = None,
) -> None:
    """Predict every row of a table: a class or a number.

    Columns are found by name, in any order; columns that the model does not know, such as the target, are left alone. Those
    that name the rows stand beside the predictions. The table is read, and the predictions written, in blocks of rows: it
    may be larger than memory. With --cluster it is many files, and --out a new folder of as many parts as blocks of rows.
    """
    given = options.given_options(dict(locals()))
    if cluster is not None:
        predict_on_cluster(given)
        return
    check_output(out, model, Path(table))
    if out is not None:
        file_ending(out)
    asked, known = TableOptions.of(given), open_model(model)
    check_prediction_options(known, proba, interval)
    output, formats, found = Output(quiet), NumberFormats(), tables.EncodingReport()
    cells = FormulaCells(safe_cells)
    count, marks, names, outside = 0, False, list[str](), known.outside_rows()
    first: Table | None = None
    with row_writer(out, cells) as write, output.progress("rows predicted") as progress:
        for block in table_blocks(asked, known, formats):
            filled = known.completed(block, fill_missing_columns, found)
            x = known.inputs(filled, found)
            far = outside.add(x)
            if first is None:
                first, marks = block, bool(far.any())
                names = row_name_columns(known, block)
                header = [*names, *answer_names(known, proba, interval)]
                write([[*header, OUTSIDE_NAME] if marks else header])
            rows = answer_rows(known, [block.words(name) for name in names], x, proba, interval)
            write(marked_rows(rows, far) if marks else rows)
            count += block.n_rows
            progress.to(count)
    assert first is not None
    lines = [
        *side_notes(known, first, names),
        *formats.sentences(),
        *filled_columns_line(known, first),
        *found.sentences(),
        *cells.sentences(),
        *interval_notes(known, interval),
    ]
    for line in [*lines, *outside_notes(outside, marks)]:
        output.aside(line)
    if out is not None:
        output.aside(f"{count} predictions in {out}")


def predict_on_cluster(given: dict[str, Any]) -> None:
    """Predict every row of a table in many files, on Dask, which is loaded only then."""
    from twolayer.cli.cluster_predict import predict_files

    name, known = check_cluster_options(given), open_model(given["model"])
    check_prediction_options(known, given["proba"], given["interval"])
    output = Output(given["quiet"])
    report = predict_files(name, known, given, output)
    notes = interval_notes(known, given["interval"])
    for line in [*report.found.sentences(), *notes, *outside_notes(report.outside, False)]:
        output.aside(line)
    output.aside(
        f"{plural(report.n_rows, 'prediction')} in {given['out']}, {plural(report.n_parts, 'part')} in the order of the rows"
    )


def interval_notes(model: SavedModel, interval: float | None) -> list[str]:
    """What to say of the intervals, or sets: too few rows of training for them, or hardly different widths."""
    if interval is None:
        return []
    estimator = model.estimator
    if model.classifies:
        sentences = [few_rows_sentence(estimator.left_out_losses_, interval)]
    else:
        spread = getattr(estimator, "spread_", None)
        sentences = [spread and spread.level_sentence(interval), constant_width_sentence(spread)]
    return [f"warning: {sentence}" for sentence in sentences if sentence]


def table_blocks(asked: TableOptions, model: SavedModel, formats: NumberFormats) -> Iterator[Table]:
    """The rows of the table, some at a time; of a table that is transposed, all at once."""
    if asked.transpose:
        table = tables.read_table(asked.path, (), asked.delimiter, asked.sheet, layout=asked.layout)
        whole = read_formatted_numbers(table, formats)
        turned = transpose_table(whole, (), asked.layout.rename_duplicates)
        yield replace(turned, note=whole.note)
        return
    for block in tables.stream_table(
        asked.path, model.texts(), asked.delimiter, False, asked.sheet, asked.layout, True
    ):
        yield read_formatted_numbers(block, formats, model.texts())


def check_prediction_options(model: SavedModel, proba: bool, interval: float | None) -> None:
    """Raise if the model cannot tell what is asked for."""
    if proba and not model.classifies:
        raise InputError(
            f"--proba is for classes, and {model.path} predicts numbers: take --interval"
        )
    if interval is None:
        return
    if checks.finite_number(interval, "--interval", above=0) >= 1:
        raise InputError(
            f"--interval is a share of the values, between 0 and 1, such as 0.9; got {interval:g}"
        )
    if model.several_labels:
        raise InputError(
            f"--interval is for numbers or one class per row, and {model.path} predicts several labels: take --proba"
        )
    if model.classifies and getattr(model.estimator, "left_out_losses_", None) is None:
        raise InputError(
            f"{model.path} knows of no rows left out of its training, which sets of classes are told from: fit it again, "
            "or take --proba"
        )
    if not model.classifies and not hasattr(model.estimator, "noise_std_"):
        raise InputError(
            f"{model.path} does not know how far off it is: it was saved without its noise"
        )


def check_output(out: Path | None, *read: Path) -> None:
    """Raise if the answers would go where something is read from, or into a folder that is not there."""
    if out is not None and not out.absolute().parent.is_dir():
        raise FileError(f"--out {out}: there is no folder {out.parent}: make it first")
    for path in read:
        if out is not None and path.exists() and same_file(out, path):
            raise FileError(f"--out {out} would overwrite what is read: choose another name")


def row_name_columns(model: SavedModel, table: Table) -> list[str]:
    """The columns that name the rows: those of the table of training, or else what names them in this one."""
    there = [name for name in model.ids if name in table.names]
    if there:
        return there
    first = table.names[0] if table.id is None else table.id
    left_out = [] if model.encoder is None else model.encoder.left_out
    if first in {*model.columns(table), *model.targets, *left_out}:
        return []
    named = table.id is not None or table.first_text(first) is not None
    words = table.words(first)
    different = len(set(words)) == len(words)
    return [first] if different and (named or ROW_NAME_PATTERN.fullmatch(first)) else []


def answer_rows(
    model: SavedModel, names: list[list[str]], x: Any, proba: bool, interval: float | None
) -> list[tuple[Any, ...]]:
    """A row of answers for each row of the table; numbers in full, so that they can be read back to the last bit.

    `names`: the words of each column that names the rows.
    """
    answers = [column.tolist() for column in answers_by_column(model, x, proba, interval)]
    return list(zip(*names, *answers, strict=True))


def marked_rows(rows: list[tuple[Any, ...]], outside: np.ndarray) -> list[tuple[Any, ...]]:
    """The rows with a last column that says which are outside."""
    return [(*row, "yes" if far else "no") for row, far in zip(rows, outside, strict=True)]


def outside_notes(outside: OutsideRows, marked: bool) -> list[str]:
    """What to say of the rows that are outside."""
    how = f"; the column '{OUTSIDE_NAME}' marks them" if marked else ""
    return [sentence + how for sentence in outside.sentences()]


def filled_columns_line(model: SavedModel, table: Table) -> list[str]:
    """A line about the columns that were filled in whole."""
    names = [] if model.encoder is None else model.encoder.lacking(table)
    if not names:
        return []
    be = "is" if len(names) == 1 else "are"
    return [
        f"warning: {len(names)} of {len(model.columns(table))} columns {be} not in {table.path}, and filled in with the "
        f"medians of the training rows: {first_names(names, MAX_FILLED_NAMED)}"
    ]


def side_notes(model: SavedModel, table: Table, names: list[str]) -> list[str]:
    """What was left alone, beside the answers and not among them; `names`: the columns that name the rows."""
    lines = [table.note] if table.note else []
    if model.encoder is None and not hasattr(model.estimator, "feature_names_in_"):
        lines.append("the model knows no column names: taken in the table's order")
    left_out = [] if model.encoder is None else list(model.encoder.left_out)
    used = {*model.columns(table), *model.ids, *names, *left_out}
    extra = [name for name in table.names if name not in used]
    if extra:
        which = " (the target)" if extra == model.targets else ""
        lines.append(f"left alone: {first_names(extra)}{which}")
    return lines

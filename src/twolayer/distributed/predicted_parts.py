"""A saved model's answers for a table in files: each worker reads blocks and writes a part of the answers for each.

The parts are written into a folder beside the final one, which takes its name when all of them are there.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from twolayer.distributed.blocks import (
    BOOLEAN,
    NUMERIC,
    TEXT,
    UNKNOWN,
    Block,
    FileTable,
    Piece,
    number_columns,
    text_column,
)
from twolayer.distributed.file_list import base_name
from twolayer.distributed.ordered_results import results_in_order
from twolayer.errors import FileError, InputError
from twolayer.evaluation.training_range import OutsideRows
from twolayer.saving.answers import answer_names, answers_by_column
from twolayer.saving.saved_model import SavedModel
from twolayer.tables import EncodingReport, Table
from twolayer.text import first_names, plural


@dataclass(frozen=True, eq=False)
class PredictionPlan:
    """What is read of every block, and what is written.

    Attributes
    ----------
    table : FileTable
    model : SavedModel
    columns : dict
        Of the files, and as what each is read.
    ids : list of str
        Those that name the rows, and are written too.
    proba : bool
    interval : float or None
    fill : bool
        Whether columns that the files lack are filled in.
    folder : str
        Where the parts are written.
    ending : str
        .parquet or .csv
    """

    table: FileTable
    model: SavedModel
    columns: dict[str, str]
    ids: list[str]
    proba: bool
    interval: float | None
    fill: bool
    folder: str
    ending: str

    @property
    def header(self) -> list[str]:
        """The names of the columns that are written."""
        return [*self.ids, *answer_names(self.model, self.proba, self.interval)]


@dataclass(eq=False)
class PredictionReport:
    """What is told of the rows that were predicted.

    Attributes
    ----------
    outside : OutsideRows
    n_rows, n_parts : int
    found : EncodingReport
    """

    outside: OutsideRows
    n_rows: int = 0
    n_parts: int = 0
    found: EncodingReport = field(default_factory=EncodingReport)

    def add(self, other: PredictionReport) -> None:
        """Add what is told of the rows that follow."""
        self.n_rows += other.n_rows
        self.n_parts += other.n_parts
        self.found.add(other.found)
        self.outside.include(other.outside)


def predict_parts(
    client: Any,
    table: FileTable,
    model: SavedModel,
    out: Path,
    *,
    proba: bool = False,
    interval: float | None = None,
    fill: bool = False,
    ending: str = ".parquet",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PredictionReport:
    """Write the answers for all rows into the folder `out`, in parts in the order of the rows; all, or none.

    Raises
    ------
    FileError
        If the folder is not empty or cannot be made, or the workers write where this machine does not look.
    InputError
        If the files lack columns of the model, or hold what it cannot take.
    """
    columns, ids = prediction_columns(table, model, fill)
    with pending_folder(out) as folder:
        plan = PredictionPlan(
            table, model, columns, ids, proba, interval, fill, str(folder), ending
        )
        report = PredictionReport(model.outside_rows())
        for part in computed_parts(client, plan, progress):
            report.add(part)
        check_written_parts(folder, report.n_parts, ending)
    return report


def prediction_columns(
    table: FileTable, model: SavedModel, fill: bool
) -> tuple[dict[str, str], list[str]]:
    """Return the columns to read, and as what each, and those that name the rows.

    Raises
    ------
    InputError
        If the files lack columns of the model, or hold text where it takes numbers.
    """
    empty = Table(table.pattern, table.names, np.zeros((0, len(table.names))))
    model.completed(empty, fill, EncodingReport())
    there = set(table.names)
    textual = set(model.texts())
    wanted = [name for name in model.columns(empty) if name in there]
    bad = [
        name
        for name in wanted
        if name not in textual and table.kinds[name] not in (NUMERIC, BOOLEAN, UNKNOWN)
    ]
    if bad:
        others = f" (and {first_names(bad[1:])})" if len(bad) > 1 else ""
        raise InputError(
            f"{table.pattern}: column '{bad[0]}'{others} holds {table.kinds[bad[0]]}, and {model.path} takes numbers there: "
            "write it as numbers in the files"
        )
    ids = [name for name in model.ids if name in there]
    columns = {name: TEXT if name in textual else NUMERIC for name in [*wanted, *ids]}
    return columns, ids


def computed_parts(
    client: Any, plan: PredictionPlan, progress: Callable[[int, int], None]
) -> Iterator[PredictionReport]:
    """Yield what is told of each block, in their order, once its part is written."""
    import dask

    write, shared = dask.delayed(write_part), dask.delayed(plan, traverse=False)
    blocks = enumerate(plan.table.blocks)
    tasks = [write(dask.delayed(block, traverse=False), index, shared) for index, block in blocks]
    yield from results_in_order(client, tasks, progress)


def check_written_parts(folder: Path, n_parts: int, ending: str) -> None:
    """Raise FileError if this machine does not see the parts that the workers wrote."""
    there = len(list(folder.glob(f"part-*{ending}")))
    if there != n_parts:
        raise FileError(
            f"the workers wrote {plural(n_parts, 'part')} into {folder.parent}, and this machine sees {there}: --out must "
            "be on a disk that all of them share"
        )


def write_part(block: Block, index: int, plan: PredictionPlan) -> PredictionReport:
    """Write the answers for the rows of a block, whole or not at all, and return what is told of them."""
    report = PredictionReport(plan.model.outside_rows())
    parts = [piece_answers(piece, plan, report) for piece in block]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    write_part_file(plan.header, columns, Path(plan.folder), index, plan.ending)
    report.outside.ranges = None  # arrays that the caller has
    report.n_parts = 1
    return report


def piece_answers(piece: Piece, plan: PredictionPlan, report: PredictionReport) -> list[np.ndarray]:
    """Return the columns of answers for the rows of a piece, the names of the rows before them."""
    read = plan.table.read(piece, plan.columns)
    names = list(plan.columns)
    numbers = [name for name, kind in plan.columns.items() if kind == NUMERIC]
    values = np.full((read.num_rows, len(names)), np.nan)
    values[:, [names.index(name) for name in numbers]] = number_columns(read, numbers, "float64")
    texts = {name: text_column(read, name).tolist() for name in names if name not in set(numbers)}
    places = np.arange(piece.first_row, piece.first_row + read.num_rows)
    table = Table(piece.path, names, values, texts, places=places)
    filled = plan.model.completed(table, plan.fill, report.found)
    named = len(report.found.first_mostly_missing)
    x = plan.model.inputs(filled, report.found)
    rows = report.found.first_mostly_missing
    rows[named:] = [f"{row} of {piece_in_words(piece)}" for row in rows[named:]]
    report.outside.add(x)
    report.n_rows += read.num_rows
    ids = [np.array(texts[name], dtype=object) for name in plan.ids]
    if not read.num_rows:
        return [*ids, *(np.zeros(0) for _ in plan.header[len(ids) :])]
    return [*ids, *answers_by_column(plan.model, x, plan.proba, plan.interval)]


def piece_in_words(piece: Piece) -> str:
    """Return the file whose rows a message counts, or the part of a text file."""
    name = base_name(piece.path)
    return name if piece.n_rows is not None else f"the lines of {name} after byte {piece.start:,}"


def write_part_file(
    header: Sequence[str], columns: Sequence[np.ndarray], folder: Path, index: int, ending: str
) -> None:
    """Write the part of that number, whole or not at all; it may be written twice, by two workers."""
    name = f"part-{index:05d}"
    temporary = folder / f".{name}-{secrets.token_hex(4)}"
    try:
        write_columns(header, columns, temporary, ending)
        os.replace(temporary, folder / (name + ending))
    except OSError as error:
        reason = error.strerror or error
        raise FileError(f"a part of the answers cannot be written: {reason}") from None
    finally:
        temporary.unlink(missing_ok=True)


def write_columns(
    names: Sequence[str], columns: Sequence[np.ndarray], path: Path, ending: str
) -> None:
    """Write columns to a file, whatever its name, and down to the disk; numbers in full."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    table = pa.table([pa.array(column) for column in columns], names=numbered_twins(names))
    with open(path, "xb") as file:
        if ending == ".parquet":
            parquet.write_table(table, file)
        else:
            csv.write_csv(table, file, csv.WriteOptions(quoting_style="needed"))
        file.flush()
        os.fsync(file.fileno())


def numbered_twins(names: Sequence[str]) -> list[str]:
    """Return the names, with a number at one that is there before: a column of ids may be called 'prediction'."""
    return [f"{name}_{j + 1}" if name in names[:j] else name for j, name in enumerate(names)]


@contextmanager
def pending_folder(out: Path) -> Iterator[Path]:
    """Yield a new folder to write into, which at the end is called `out`, and after an error is gone.

    Raises
    ------
    FileError
        If `out` is not empty, or the folder cannot be made.
    """
    check_new_folder(out)
    final = Path(os.path.abspath(out))
    temporary = final.with_name(f".{final.name}-{secrets.token_hex(4)}.tmp")
    try:
        temporary.mkdir()
        yield temporary
        if final.exists():
            final.rmdir()
        temporary.rename(final)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"--out {out} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_new_folder(out: Path) -> None:
    """Raise FileError if the answers cannot go into a new folder of that name."""
    if "://" in str(out) or str(out).startswith(("s3:", "gs:", "abfs:")):
        raise FileError(
            f"--out {out}: answers are written to a disk that all workers share, not to a store"
        )
    if out.exists() and not out.is_dir():
        raise FileError(
            f"--out {out} is a file, and with --cluster answers go into a folder of parts"
        )
    if out.is_dir() and any(out.iterdir()):
        raise FileError(f"--out {out} is not empty: name a new folder for the parts of the answers")
    parent = Path(os.path.abspath(out)).parent
    if not parent.is_dir():
        raise FileError(f"--out {out}: there is no folder {parent}: make it first")
    if not os.access(parent, os.W_OK):
        raise FileError(f"--out {out}: there is no permission to write in {parent}")

"""Rows written as they come, to the screen or to a file that is there whole at the end, or as it was before."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twolayer import checks
from twolayer.cli.output import stop_if_lost
from twolayer.errors import FileError
from twolayer.files import PendingFile, pending_files
from twolayer.tables.table import parse_number
from twolayer.text import plural, printable

PARQUET_ENDINGS = (".parquet", ".pq")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
ROWS_PER_GROUP = 1 << 16  # of a Parquet file
TEXT_ENDINGS = {".csv": ",", ".tsv": "\t", ".csv.gz": ",", ".tsv.gz": "\t"}


def file_ending(out: Path) -> str:
    """The ending that says what is to be written.

    Raises
    ------
    FileError
        If nothing is written under such a name, or it is a folder.
    """
    if out.is_dir():
        raise FileError(f"{out} cannot be written: it is a folder")
    name = out.name.lower()
    known = [*sorted(TEXT_ENDINGS, key=len, reverse=True), *PARQUET_ENDINGS]
    found = next((one for one in known if name.endswith(one)), None)
    if found is None:
        raise FileError(
            f"--out {out}: its name must end in one of {', '.join([*TEXT_ENDINGS, PARQUET_ENDINGS[0]])}"
        )
    return found


class FormulaCells:
    """Texts that a spreadsheet program would take as formulas: counted, and with a quote before them if `safe`."""

    def __init__(self, safe: bool = False) -> None:
        self.safe, self.count, self.first = safe, 0, ""

    def checked(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Return the rows to be written."""
        found = [any(map(is_formula, row)) for row in rows]
        if not any(found):
            return rows
        cells = [cell for row in rows for cell in row if is_formula(cell)]
        self.count, self.first = self.count + len(cells), self.first or cells[0]
        if not self.safe:
            return rows
        return [tuple(f"'{cell}" if is_formula(cell) else cell for cell in row) for row in rows]

    def sentences(self) -> list[str]:
        """Return a line about them, if there are any."""
        if not self.count:
            return []
        cells = plural(self.count, "text begins", "texts begin")
        line = f"{cells} as a formula does, such as {checks.short_repr(self.first)}"
        if self.safe:
            return [f"{line}: written with a quote before it"]
        return [
            f"warning: {line}, and a spreadsheet program would run it: --safe-cells puts a quote before it"
        ]


def is_formula(cell: Any) -> bool:
    """Return whether a cell is text that a spreadsheet program would take as a formula."""
    return isinstance(cell, str) and cell[:1] in FORMULA_STARTS and parse_number(cell) is None


@contextmanager
def row_writer(out: Path | None, cells: FormulaCells | None = None) -> Iterator[Any]:
    """Yield `write(rows)`, to be called for some rows after others, the header first.

    Parameters
    ----------
    out : Path or None
        By its name a CSV, TSV or Parquet file, the first two also with `.gz`; None is the screen.
    cells : FormulaCells or None
        What is told of the texts written as CSV or TSV.

    Raises
    ------
    FileError
        If the file cannot be written; what was there before is still there.
    """
    checked = (cells or FormulaCells()).checked
    if out is None:
        yield lambda rows: print_rows(checked(rows))
        return
    form = file_ending(out)
    with pending_files(out) as (file,):
        if form not in PARQUET_ENDINGS:
            yield lambda rows: file.write(rows_as_bytes(checked(rows), form))
            return
        with file.errors():
            scratch = tempfile.TemporaryFile(dir=file.final.parent)  # noqa: SIM115  closed below
        try:
            blocks = CsvBlocks(file, scratch)
            yield blocks.add
            with file.errors():
                scratch.flush()
                csv_to_parquet(scratch, file.temporary, blocks)
        finally:
            with file.errors():  # closing writes what is left
                scratch.close()


def print_rows(rows: Iterable[Sequence[Any]]) -> None:
    """Print the rows, as long as they are read."""
    print(printable(rows_as_csv(rows)), end="")
    stop_if_lost()


def rows_as_bytes(rows: Iterable[Sequence[Any]], form: str) -> bytes:
    """The rows as a part of a file; parts of a gzip file may follow each other."""
    data = rows_as_csv(rows, TEXT_ENDINGS[form]).encode()
    return gzip.compress(data, mtime=0) if form.endswith(".gz") else data


def rows_as_csv(rows: Iterable[Sequence[Any]], delimiter: str = ",") -> str:
    """The rows as lines of text."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


class CsvBlocks:
    """What has been written for a Parquet file: lines of CSV, in blocks whose lengths are known."""

    def __init__(self, file: PendingFile, scratch: Any) -> None:
        self.file, self.scratch = file, scratch
        self.names: Sequence[str] = ()
        self.kinds: list[type] = []
        self.lengths: list[int] = []

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write the rows as lines; the first are the header."""
        if not self.names:
            self.names = rows[0]
        elif rows:
            self.kinds = self.kinds or [type(value) for value in rows[0]]
        with self.file.errors():
            self.lengths.append(self.scratch.write(rows_as_csv(rows).encode()))


def csv_to_parquet(scratch: Any, out: Path, blocks: CsvBlocks) -> None:
    """The lines of a CSV as a Parquet file, block by block, so that it need not fit into memory."""
    import polars
    from polars.io.plugins import register_io_source

    known: dict[type, Any] = {float: polars.Float64, int: polars.Int64}
    kinds = [known.get(kind, polars.String) for kind in blocks.kinds]
    names = list(blocks.names)
    for j, name in enumerate(names):
        if (
            name in names[:j]
        ):  # a column of ids may be called 'prediction'; in a Parquet file there is one of a name
            names[j] = f"{name}_{j + 1}"
    schema = polars.Schema(dict(zip(names, kinds, strict=True)))

    def frames(columns: Any, predicate: Any, n_rows: Any, batch_size: Any) -> Iterator[Any]:
        scratch.seek(blocks.lengths[0])
        for length in blocks.lengths[1:]:
            yield polars.read_csv(scratch.read(length), has_header=False, schema=schema)

    try:
        register_io_source(frames, schema=schema).sink_parquet(out, row_group_size=ROWS_PER_GROUP)
    except polars.exceptions.PolarsError as error:
        raise OSError(" ".join(str(error).split())) from None

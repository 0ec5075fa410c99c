"""Rows written as they come, to the screen or to a file that is there whole at the end, or as it was before."""

from __future__ import annotations

import csv
import gzip
import io
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twolayer.errors import FileError

PARQUET = (".parquet", ".pq")
TEXT = {".csv": ",", ".tsv": "\t", ".csv.gz": ",", ".tsv.gz": "\t"}


def ending(out: Path) -> str:
    """The ending that says what is to be written.

    Raises
    ------
    FileError
        If nothing is written under such a name, or it is a folder.
    """
    if out.is_dir():
        raise FileError(f"{out} cannot be written: it is a folder")
    name = out.name.lower()
    known = [*sorted(TEXT, key=len, reverse=True), *PARQUET]
    found = next((one for one in known if name.endswith(one)), None)
    if found is None:
        raise FileError(
            f"--out {out}: its name must end in one of {', '.join([*TEXT, PARQUET[0]])}"
        )
    return found


@contextmanager
def written(out: Path | None, texts: Sequence[str] = ()) -> Iterator[Any]:
    """`write(rows)` for some rows after others, the header first.

    Parameters
    ----------
    out : Path or None
        By its name a CSV, TSV or Parquet file, the first two also with `.gz`; None is the screen.
    texts : names
        Columns that are text in a Parquet file, whatever they look like.

    Raises
    ------
    FileError
        If the file cannot be written; what was there before is still there.
    """
    if out is None:
        yield lambda rows: print(as_csv(rows), end="")
        return
    form = ending(out)
    final = Path(os.path.realpath(out))
    temporary = final.with_name(f".twolayer-{secrets.token_hex(8)}.tmp")
    turned = temporary.with_suffix(".parquet")
    try:
        with told(out):
            file = open(temporary, "xb", buffering=0)  # noqa: SIM115  closed below, and nothing waits to be written
        with file:
            yield lambda rows: write_all(file, as_bytes(rows, form), out)
            with told(out):
                os.fsync(file.fileno())
        with told(out):
            if form in PARQUET:
                as_parquet(temporary, turned, texts)
                os.replace(turned, final)
            else:
                os.replace(temporary, final)
    finally:
        temporary.unlink(missing_ok=True)
        turned.unlink(missing_ok=True)


@contextmanager
def told(out: Path) -> Iterator[None]:
    """What goes wrong in writing, in the user's words."""
    try:
        yield
    except OSError as error:
        raise FileError(f"{out} cannot be written: {error.strerror or error}") from None


def write_all(file: Any, data: bytes, out: Path) -> None:
    """Write all of it; the system may take it in parts."""
    with told(out):
        while data:
            data = data[file.write(data) :]


def as_bytes(rows: Iterable[Sequence[Any]], form: str) -> bytes:
    """The rows as a part of a file; parts of a gzip file may follow each other."""
    data = as_csv(rows, TEXT.get(form, ",")).encode()
    return gzip.compress(data, mtime=0) if form.endswith(".gz") else data


def as_csv(rows: Iterable[Sequence[Any]], delimiter: str = ",") -> str:
    """The rows as lines of text."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def as_parquet(source: Path, out: Path, texts: Sequence[str]) -> None:
    """The lines of a CSV as a Parquet file, block by block."""
    import polars

    names = polars.scan_csv(source, infer_schema=False).collect_schema().names()
    kinds = dict.fromkeys([name for name in texts if name in names], polars.String)
    try:
        polars.scan_csv(source, infer_schema_length=None, schema_overrides=kinds).sink_parquet(out)
    except polars.exceptions.PolarsError as error:
        raise OSError(" ".join(str(error).split())) from None

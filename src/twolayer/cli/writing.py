"""Rows written as they come, to the screen or to a file that is there whole at the end, or as it was before."""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twolayer.errors import FileError

PARQUET = (".parquet", ".pq")


@contextmanager
def written(out: Path | None, texts: Sequence[str] = ()) -> Iterator[Any]:
    """`write(rows)` for some rows after others, the header first.

    Parameters
    ----------
    out : Path or None
        A CSV file, or by its name a Parquet file; None is the screen.
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
    if out.is_dir():
        raise FileError(f"{out} cannot be written: it is a folder")
    final = Path(os.path.realpath(out))
    temporary = final.with_name(f".twolayer-{secrets.token_hex(8)}.tmp")
    turned = temporary.with_suffix(".parquet")
    try:
        with told(out):
            file = open(temporary, "xb", buffering=0)  # noqa: SIM115  closed below, and nothing waits to be written
        with file:
            yield lambda rows: write_all(file, as_csv(rows).encode(), out)
            with told(out):
                os.fsync(file.fileno())
        with told(out):
            if final.suffix.lower() in PARQUET:
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


def as_csv(rows: Iterable[Sequence[Any]]) -> str:
    """The rows as lines of text."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
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

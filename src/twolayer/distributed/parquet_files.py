"""Many Parquet files as one table in blocks: what their footers say is read here, their row groups by the workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from twolayer.distributed.blocks import (
    BOOLEAN,
    NUMERIC,
    TEXT,
    FileTable,
    Piece,
    check_file_columns,
    check_same_columns,
    empty_file_notes,
    merged_blocks,
)
from twolayer.errors import FileError
from twolayer.tables.table import column_name
from twolayer.text import single_line

FOOTER_READERS = 8  # threads
LARGE_GROUP = 1 << 30  # bytes in memory of a row group, which a worker holds at once


@dataclass(frozen=True)
class ParquetFacts:
    """What the footer of a file says."""

    kinds: dict[str, str]
    single: bool
    pieces: list[Piece]


def open_parquet_files(pattern: str, paths: Sequence[str]) -> FileTable:
    """Return the table in these files.

    Raises
    ------
    FileError
        If a file cannot be read, they differ in their columns, or no file has rows.
    """
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(FOOTER_READERS) as pool:
        facts = dict(zip(paths, pool.map(read_footer, paths), strict=True))
    kinds = check_same_columns({path: fact.kinds for path, fact in facts.items()})
    pieces = [piece for fact in facts.values() for piece in fact.pieces]
    if not pieces:
        raise FileError(f"{pattern} has no rows")
    single = all(fact.single for fact in facts.values())
    notes = empty_file_notes([path for path, fact in facts.items() if not fact.pieces])
    largest = max(pieces, key=lambda piece: piece.n_bytes)
    if largest.n_bytes > LARGE_GROUP:
        notes.append(
            f"note: a row group of {largest.path} takes {largest.n_bytes / 1e9:.1f} GB in memory, and a worker holds it at "
            "once: write the files with smaller row groups if memory runs out"
        )
    return FileTable(
        pattern,
        kinds,
        "float32" if single else "float64",
        merged_blocks(pieces),
        read_row_groups,
        len(paths),
        ".parquet",
        notes,
    )


def read_footer(path: str) -> ParquetFacts:
    """Return what the footer of a file says: its columns, and its row groups as pieces."""
    with opened_parquet(path) as file:
        schema, footer = file.schema_arrow, file.metadata
        names = [column_name(name) for name in schema.names]
        check_file_columns(path, names)
        kinds = dict(zip(names, map(column_kind, schema.types), strict=True))
        numbers = [
            kind for kind, name in zip(schema.types, names, strict=True) if kinds[name] == NUMERIC
        ]
        single = bool(numbers) and all(str(kind) in ("float", "halffloat") for kind in numbers)
        width = len(names) * (4 if single else 8)
        pieces, row = [], 0
        for group in range(footer.num_row_groups):
            count = footer.row_group(group).num_rows
            if count:
                pieces.append(Piece(path, group, group + 1, count, count * width, row))
            row += count
    return ParquetFacts(kinds, single, pieces)


@contextmanager
def opened_parquet(path: str) -> Iterator[Any]:
    """Yield a Parquet file, open; raise FileError for what goes wrong in reading it."""
    import fsspec
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with fsspec.open(path, "rb") as stream, ParquetFile(stream) as file:
            yield file
    except FileError:
        raise
    except FileNotFoundError:
        raise FileError(missing_message(path)) from None
    except (OSError, pa.ArrowException) as error:
        reason = single_line(str(error)).strip().rstrip(".")
        raise FileError(f"{path} cannot be read as a Parquet file: {reason}") from None


def missing_message(path: str) -> str:
    """Return the sentence about a file that is not where this process looks for it, which may be a worker."""
    from socket import gethostname

    return (
        f"{path} is not there on {gethostname()}: every worker must find the files under the same path, on a shared disk or "
        "in a store such as s3://"
    )


def column_kind(kind: Any) -> str:
    """Return what a column of that Arrow type holds: numbers, yes or no, text, or the type itself."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_boolean(kind):
        return BOOLEAN
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return NUMERIC
    if types.is_null(kind):
        return NUMERIC  # of which every value is missing
    if types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view":
        return TEXT
    return str(kind)


def read_row_groups(piece: Piece, columns: Mapping[str, str]) -> Any:
    """Return these columns of some row groups as an Arrow table."""
    with opened_parquet(piece.path) as file:
        raw = {column_name(name): name for name in file.schema_arrow.names}
        table = file.read_row_groups(
            list(range(piece.start, piece.stop)),
            columns=[raw[name] for name in columns],
            use_threads=False,
        )
        return table.select([raw[name] for name in columns]).rename_columns(list(columns))

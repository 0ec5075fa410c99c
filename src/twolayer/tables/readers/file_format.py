"""What every reader declares: the files it reads, and how."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from twolayer.errors import FileError
from twolayer.tables.table import Table


@dataclass(frozen=True)
class TextLayout:
    """How a table stands in its file, as far as the user says.

    Attributes
    ----------
    comment : str or None
        What lines of remarks begin with; None reads past lines before the header that begin with #.
    skip_lines : int
        Lines before the header that are not read.
    encoding : str or None
        Of text; None looks at the file.
    has_header : bool
        Whether the first line names the columns.
    missing : tuple of str
        Fields that mean no value, beside those that always do.
    rename_duplicates : bool
        Number equal names of columns, and do not refuse them.
    """

    comment: str | None = None
    skip_lines: int = 0
    encoding: str | None = None
    has_header: bool = True
    missing: tuple[str, ...] = ()
    rename_duplicates: bool = False


PLAIN = TextLayout()
FEW_COLUMNS = 1 << 20  # rows or columns that a file of any size may name
COLUMNS_PER_BYTE = 100


def check_claimed_size(path: str, source: Any, claimed: int, what: str) -> None:
    """Raise FileError if a file names far more columns, or rows, than so few bytes can fill."""
    size = os.stat(source).st_size if isinstance(source, str) else len(source.getvalue())
    if claimed > max(FEW_COLUMNS, COLUMNS_PER_BYTE * size):
        raise FileError(
            f"{path} has {size:,} bytes and claims {claimed:,} {what}: it is damaged, or the last numbers are no {what}"
        )


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file.

    Attributes
    ----------
    text : tuple of str or None
        Columns to keep as text too; None for all.
    delimiter : str or None
        Of separated text; None looks at the header.
    sheet : str or None
        Of an Excel file.
    must_be_there : bool
        Whether a column of `text` that is not there is an error.
    layout : TextLayout
    first_as_text : bool
        Keep the first column as text too, whatever it is called: it may name the rows.
    """

    text: tuple[str, ...] | None = ()
    delimiter: str | None = None
    sheet: str | None = None
    must_be_there: bool = True
    layout: TextLayout = PLAIN
    first_as_text: bool = False

    def text_columns(self, names: Sequence[str]) -> list[str]:
        """Return those of a table's columns that are kept as text."""
        there = set(names)
        wanted = names if self.text is None else self.text
        first = names[:1] if self.first_as_text else []
        return list(dict.fromkeys(name for name in (*wanted, *first) if name in there))


@dataclass(frozen=True)
class FileFormat:
    """A kind of file that holds a table.

    Attributes
    ----------
    endings : tuple of str
        Of the names of such files, in lower case, without .gz.
    read : function of path, source and ReadOptions
        Returns the whole table. `path` is for messages; `source` is the same path, or a stream of bytes.
    blocks : the same, or None
        Yields the table of a file on disk block by block of rows. None: the file comes whole.
    start : bytes
        What such files begin with, if that identifies them on standard input.
    has_sheets, is_text : bool
    """

    endings: tuple[str, ...]
    read: Callable[[str, Any, ReadOptions], Table]
    blocks: Callable[[str, Any, ReadOptions], Iterator[Table]] | None = None
    start: bytes = b""
    has_sheets: bool = False
    is_text: bool = False

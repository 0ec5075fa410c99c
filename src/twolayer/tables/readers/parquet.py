"""What the pages of a Parquet file claim to hold, looked at before polars unpacks them.

A page whose header counts fewer than no values, as a damaged one may, makes polars ask for more memory than there is, which
ends the process. Such claims are refused here, and headers that cannot be read; whatever else is wrong, polars says.

A Parquet file ends with its footer, the footer's length in 4 bytes, and `PAR1`; the footer says where the pages of each
column begin. Footer and page headers are in Thrift's compact protocol: of a field its number and kind, then its value.
Source: the Apache Parquet format, https://github.com/apache/parquet-format (parquet.thrift, Encryption.md aside), and Apache
Thrift's doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from twolayer.errors import FileError

ReadAt = Callable[[int, int], bytes]  # so many bytes from there on
MARK = b"PAR1"
HEADER = 512  # bytes, of a page header without long texts
FEW_VALUES, VALUES_PER_BYTE = (
    1 << 26,
    1000,
)  # that a file may always hold, and for each of its bytes
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
DAMAGE = (IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError)
# fields, by their numbers in parquet.thrift
ROW_GROUPS, COLUMNS, META_DATA = 4, 1, 3
CHUNK_VALUES, CHUNK_SIZE, DATA_OFFSET, DICTIONARY_OFFSET = 5, 7, 9, 11
PAGE_SIZE, DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_2, PAGE_VALUES = 3, 5, 7, 8, 1


def refuse_wild_pages(path: str, source: Any) -> None:
    """Raise if a page claims a number of values that it cannot have; `source` is a path, or a stream in memory."""
    if not isinstance(source, str):
        whole = source.getvalue()
        check_parquet(path, lambda at, count: whole[at : at + count], len(whole))
        return
    with open(source, "rb") as file:

        def read_at(at: int, count: int) -> bytes:
            file.seek(max(at, 0))
            return file.read(count)

        check_parquet(path, read_at, os.fstat(file.fileno()).st_size)


def check_parquet(path: str, read_at: ReadAt, size: int) -> None:
    """Look at the header of every page that the footer leads to."""
    wrong = f"{path} cannot be read as a Parquet file"
    chunks = _chunks_of(read_at, size)
    claimed = sum(count for chunk in chunks if isinstance(count := chunk.get(CHUNK_VALUES), int))
    if claimed > max(FEW_VALUES, VALUES_PER_BYTE * size):
        raise FileError(f"{wrong}: it has {size:,} bytes and claims {claimed:,} values")
    for chunk in chunks:
        try:
            for count in _counts(chunk, read_at, size):
                if not 0 <= count <= chunk[CHUNK_VALUES]:
                    raise FileError(
                        f"{wrong}: a page claims {count} values, and its column has {chunk[CHUNK_VALUES]}"
                    )
        except DAMAGE:
            raise FileError(f"{wrong}: the header of a page is damaged") from None


def _chunks_of(read_at: ReadAt, size: int) -> list[dict[int, Any]]:
    """What the footer says of each stretch of pages; nothing if it is so damaged that polars will say so."""
    try:
        return list(_chunks(_footer(read_at, size)))
    except DAMAGE:
        return []


def _footer(read_at: ReadAt, size: int) -> dict[int, Any]:
    end = read_at(size - 8, 8)
    if size < 12 or end[4:] != MARK:
        return {}
    length = min(int.from_bytes(end[:4], "little"), size - 8)
    return _struct(read_at(size - 8 - length, length), 0)[0]


def _chunks(footer: dict[int, Any]) -> Iterator[dict[int, Any]]:
    """What the footer says of each stretch of pages of one column."""
    for group in footer.get(ROW_GROUPS, ()):
        for column in group[COLUMNS]:
            yield column[META_DATA]


def _counts(chunk: dict[int, Any], read_at: ReadAt, size: int) -> Iterator[int]:
    """How many values each page claims."""
    at = min(chunk[DATA_OFFSET], chunk.get(DICTIONARY_OFFSET) or chunk[DATA_OFFSET])
    end = min(at + chunk[CHUNK_SIZE], size)
    while 0 <= at < end:
        page, length = _page(read_at, at, end - at)
        for kind in (DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_2):
            if kind in page:
                yield page[kind][PAGE_VALUES]
        at += length + max(0, page[PAGE_SIZE])


def _page(read_at: ReadAt, at: int, most: int) -> tuple[dict[int, Any], int]:
    """The header of the page there, and its length in bytes."""
    for count in (HEADER, most):
        try:
            return _struct(read_at(at, min(count, most)), 0)
        except IndexError:
            if count >= most:
                break
    raise IndexError


# ---- Thrift's compact protocol; an IndexError if the bytes end too early


def _struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """Field number -> value, and where the bytes go on."""
    fields: dict[int, Any] = {}
    number = 0
    while True:
        head = data[at]
        at += 1
        kind = head & 15
        if not kind:
            return fields, at
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        if kind in (TRUE, FALSE):
            fields[number] = kind == TRUE
        else:
            fields[number], at = _value(kind, data, at)


def _value(kind: int, data: bytes, at: int) -> tuple[Any, int]:
    if BYTE < kind < DOUBLE:
        return _integer(data, at)
    if kind == BINARY:
        length, at = _unsigned(data, at)
        return _passed(data, at, length)
    if kind == STRUCT:
        return _struct(data, at)
    if kind in (LIST, SET):
        return _list(data, at)
    if kind in (TRUE, FALSE, BYTE, DOUBLE):
        return _passed(data, at, 8 if kind == DOUBLE else 1)
    raise ValueError(f"no kind of value: {kind}")


def _passed(data: bytes, at: int, length: int) -> tuple[None, int]:
    """A value that nobody asks for."""
    if at + length > len(data):
        raise IndexError
    return None, at + length


def _list(data: bytes, at: int) -> tuple[list[Any], int]:
    kind, count = data[at] & 15, data[at] >> 4
    at += 1
    if count == 15:
        count, at = _unsigned(data, at)
    values = []
    for _ in range(count):
        value, at = _value(kind, data, at)
        values.append(value)
    return values, at


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    byte = data[at]
    at += 1
    if byte < 128:
        return byte, at
    value, shift = byte & 127, 7
    while byte > 127:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if shift > 70:
            raise ValueError("a number of more than 64 bits")
    return value, at


def _integer(data: bytes, at: int) -> tuple[int, int]:
    """0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
    value, at = _unsigned(data, at)
    return (value >> 1) ^ -(value & 1), at

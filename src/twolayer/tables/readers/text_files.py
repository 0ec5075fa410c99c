"""Files of text: unpacked if they are gzip files, their encoding, and their lines, none of them without end."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from twolayer.errors import FileError, InputError

GZIP_START = b"\x1f\x8b"
BYTES_LOOKED_AT = 1 << 24
MAX_COMPRESSION = 200  # unpacked bytes per packed byte: tables are packed to a tenth or a fiftieth
LARGE_UNPACKED = 1 << 28  # bytes that a packed file may always have
LONGEST_LINE = 1 << 28  # characters
WINDOWS_MARKS = re.compile(
    rb"[\x81\x83\x86-\x90\x98-\x9f]"
)  # no letter of Western Europe in Windows' encoding
COMMON_CHINESE = re.compile(rb"[\xb0-\xd7][\xa1-\xfe]|[\xa1-\xa3][\xa1-\xfe]")
NOT_FOUND = "unknown"


class Unpacked(io.RawIOBase):
    """The bytes of a gzip file, refused where they are far more than any table is packed to."""

    def __init__(self, packed: Any, path: str, size: int) -> None:
        self.packed = gzip.open(packed)  # noqa: SIM115  closed with this stream
        self.path, self.size = path, size
        self.file = packed
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.packed.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        if self.count > max(LARGE_UNPACKED, MAX_COMPRESSION * self.size):
            raise FileError(
                f"{self.path} has {self.size:,} bytes and unpacks to more than {self.count:,}: no table is packed so small"
            )
        return len(data)

    def close(self) -> None:
        self.packed.close()
        if hasattr(self.file, "close"):
            self.file.close()
        super().close()


def open_bytes(source: Any, path: str = "the file") -> Any:
    """Return a stream of the bytes of a text file, unpacked: of a path, of bytes in memory, or of a stream."""
    if isinstance(source, bytes):
        if not source.startswith(GZIP_START):
            return io.BytesIO(source)
        return io.BufferedReader(Unpacked(io.BytesIO(source), path, len(source)))
    if not isinstance(source, str):
        return gzip.open(source) if source.peek(2)[:2] == GZIP_START else source
    file = open(source, "rb")  # noqa: SIM115  the caller closes it
    if file.peek(2)[:2] != GZIP_START:
        return file
    return io.BufferedReader(Unpacked(file, source, os.fstat(file.fileno()).st_size))


def start_of(source: Any, file: Any) -> bytes:
    """Return the first bytes of a text file, unpacked; of a stream as many as are there already."""
    if isinstance(file, io.BytesIO):
        return file.getvalue()[:BYTES_LOOKED_AT]
    if not isinstance(source, str | bytes):
        return file.peek(2)
    with open_bytes(source) as again:
        return again.read(BYTES_LOOKED_AT)


def known_encoding(name: str) -> str:
    """Return an encoding's name; raise InputError if there is none of that name."""
    try:
        info = codecs.lookup(name)
        "".encode(info.name)
    except LookupError:
        raise InputError(
            f"there is no encoding {name!r}: name one such as utf-8, cp1252, latin-1, gb18030, utf-16"
        ) from None
    return info.name


def text_encoding(start: bytes) -> str:
    """Return the encoding of a text that begins so; "unknown" if the bytes do not show it.

    UTF-16 by its mark or by its zeros; UTF-8 if all is; Chinese (GB 18030) if nearly all other bytes come in the pairs of
    frequent characters; Western European (Windows-1252) if nearly all stand alone among letters.
    """
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    half = len(start) // 2
    for name, zeros, letters in (
        ("utf-16-le", start[1::2], start[::2]),
        ("utf-16-be", start[::2], start[1::2]),
    ):
        if half and zeros.count(0) > 0.7 * half and letters.count(0) < 0.1 * half:
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
        return "utf-8-sig"
    except UnicodeDecodeError:
        pass
    if b"\0" in start:
        return NOT_FOUND
    runs = re.findall(rb"[\x80-\xff]+", start)
    n_bytes = sum(map(len, runs))
    paired = sum(2 * len(COMMON_CHINESE.findall(run)) for run in runs if len(run) % 2 == 0)
    if paired > 0.9 * n_bytes and decodes(start, "gb18030"):
        return "gb18030"
    alone = sum(len(run) for run in runs if len(run) == 1)
    if alone > 0.7 * n_bytes and not any(map(WINDOWS_MARKS.search, runs)):
        return "cp1252" if decodes(start, "cp1252") else "latin-1"
    return NOT_FOUND


def decodes(data: bytes, encoding: str) -> bool:
    """Return whether the bytes, whose last character may be cut off, are text in that encoding."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return False
    return True


class Lines:
    """The lines of a stream of text, each changed by `clean`, and none of them too long.

    Parameters
    ----------
    path : str
        For messages.
    file : stream of text
    """

    def __init__(self, path: str, file: Any) -> None:
        self.path, self.file = path, file
        self.clean: Callable[[str], str] | None = None
        self.first: list[str] = []

    def raw(self) -> Iterator[str]:
        """Yield the lines as they are."""
        while line := self.file.readline(LONGEST_LINE):
            if len(line) >= LONGEST_LINE:
                raise FileError(
                    f"{self.path} has a line of more than {LONGEST_LINE:,} characters: is it a table with rows in lines?"
                )
            yield line

    def __iter__(self) -> Iterator[str]:
        lines = chain(self._pushed(), self.raw())
        return lines if self.clean is None else map(self.clean, lines)

    def _pushed(self) -> Iterator[str]:
        while self.first:
            yield self.first.pop(0)

    def push(self, lines: list[str]) -> None:
        """Put lines back, to be read next."""
        self.first = [*lines, *self.first]

    def readlines(self, size: int) -> list[str]:
        """Return the next lines, of as many characters together, or a few more."""
        found, length = [], 0
        for line in self:
            found.append(line)
            length += len(line)
            if length >= size:
                break
        return found

    def close(self) -> None:
        """Close the stream."""
        self.file.close()

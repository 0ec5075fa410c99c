"""Files of text: unpacked if they are gzip files, and their encoding."""

from __future__ import annotations

import gzip
import io
from typing import Any

GZIP_START = b"\x1f\x8b"


def open_bytes(source: Any) -> Any:
    """Return a stream of the bytes of a text file, unpacked: of a path, of bytes in memory, or of a stream."""
    if isinstance(source, bytes):
        return (
            gzip.open(io.BytesIO(source)) if source.startswith(GZIP_START) else io.BytesIO(source)
        )
    if not isinstance(source, str):
        return gzip.open(source) if source.peek(2)[:2] == GZIP_START else source
    file = open(source, "rb")  # noqa: SIM115  the caller closes it
    if file.peek(2)[:2] != GZIP_START:
        return file
    file.close()
    return gzip.open(source)


def text_encoding(file: Any) -> str:
    """Return UTF-8, or UTF-16 if the file begins with its mark, as spreadsheets' "Unicode text" does."""
    start = file.getvalue()[:2] if isinstance(file, io.BytesIO) else file.peek(2)[:2]
    return "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"

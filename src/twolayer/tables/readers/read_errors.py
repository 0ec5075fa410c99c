"""Errors of reading a file, in one line of the user's words."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from twolayer import checks
from twolayer.errors import FileError, TwoLayerError
from twolayer.tables.readers.text_files import open_bytes


@contextmanager
def translated_error(path: str) -> Iterator[None]:
    """Raise FileError for whatever goes wrong in opening, unpacking or decoding the file."""
    try:
        yield
    except TwoLayerError:
        raise
    except UnicodeDecodeError:
        raise FileError(
            f"{path}{undecodable_position(path)} is not text in UTF-8: save it as CSV in UTF-8"
        ) from None
    except csv.Error as error:
        raise FileError(f"{path} is not a CSV file that can be read: {error}") from None
    except FileNotFoundError:
        beside = [p.name for p in Path(path).parent.glob("*") if p.is_file()]
        raise FileError(
            f"there is no file {path}{checks.closest_name(Path(path).name, beside)}"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileError(f"{path} is not a gzip file, or is damaged: {error}") from None
    except EOFError:
        raise FileError(f"{path} was cut off: its end is missing") from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error_line(error)}") from None


@contextmanager
def parsing_errors(path: str, what: str, advice: str = "") -> Iterator[None]:
    """Raise FileError for a library's errors about a file: a damaged one can break a parser in any way."""
    try:
        yield
    except (TwoLayerError, FileNotFoundError, PermissionError):
        raise
    except MemoryError:
        raise FileError(f"{path} claims to hold more than fits into memory") from None
    except BaseException as error:
        # polars' parsers are in Rust, whose failures are no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise FileError(f"{path} cannot be read as {what}: {error_line(error)}{advice}") from None


def error_line(error: BaseException) -> str:
    """Return the message of an error, or of its cause, in one line."""
    error = error.__cause__ or error
    return " ".join(str(error).split())[:200] or type(error).__name__


def undecodable_position(path: str) -> str:
    """Return the first place that is not UTF-8, such as `: line 3 (field 2, byte 0xe9)`; empty for standard input."""
    with suppress(EOFError, OSError, zlib.error), open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                before = line[: error.start].decode("utf-8")
                marks = max(before.count(mark) for mark in ",;\t|")
                return f": line {number} (field {marks + 1}, byte 0x{line[error.start]:02x})"
    return ""

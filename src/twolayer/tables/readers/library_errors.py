"""What a library says of a file that it cannot read, in a line of the user's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from twolayer.errors import FileError, InputError


@contextmanager
def parsing_errors(path: str, what: str) -> Iterator[None]:
    """A library's errors about a file that is not what it should be: a damaged one can break a parser in any way."""
    try:
        yield
    except (FileError, InputError, FileNotFoundError, PermissionError):
        raise
    except MemoryError:
        raise FileError(f"{path} claims to hold more than fits into memory") from None
    except BaseException as error:
        # polars' parsers are in Rust, whose failures are no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise FileError(f"{path} cannot be read as {what}: {error_line(error)}") from None


def error_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__

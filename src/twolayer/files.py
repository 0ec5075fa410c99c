"""Files that twolayer writes: whole or not at all, and trusted only as far as they have been checked."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twolayer import checks
from twolayer.errors import FileError


class PendingFile:
    """A file under a temporary name in its own folder, until it is whole and takes the place of what was there.

    Attributes
    ----------
    path : str or Path
    temporary : Path
    """

    def __init__(self, path: Any) -> None:
        self.path, self.final = path, Path(os.path.realpath(path))
        if self.final.is_dir():
            raise FileError(f"{path} cannot be written: it is a folder")
        self.temporary = self.final.with_name(
            f"{_temporary_prefix(self.final)}{secrets.token_hex(8)}.tmp"
        )
        with self.errors():
            self.file = open(self.temporary, "xb", buffering=0)  # noqa: SIM115  closed by `pending_files`

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise FileError for what goes wrong in writing."""
        try:
            yield
        except OSError as error:
            raise FileError(f"{self.path} cannot be written: {error.strerror or error}") from None

    def write(self, data: bytes) -> None:
        """Write all of the data; the system may take it in parts."""
        rest = memoryview(data)
        with self.errors():
            while rest:
                rest = rest[self.file.write(rest) :]

    def finish(self) -> None:
        """Bring the contents to the disk."""
        with self.errors():
            os.fsync(self.file.fileno())
            self.file.close()

    def replace(self) -> None:
        """Take the final name."""
        with self.errors():
            os.replace(self.temporary, self.final)

    def sync_folder(self) -> None:
        """Bring the renaming itself to the disk, where the system can."""
        if os.name != "posix":
            return
        with self.errors():
            descriptor = os.open(self.final.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def pending_files(*paths: Any) -> Iterator[list[PendingFile]]:
    """Yield new files to write: at the end each is there whole; after an error all are as they were before.

    Each is written under a temporary name in its own folder, and down to the disk; then all are renamed.

    Raises
    ------
    FileError
        If one of them cannot be written.
    """
    files: list[PendingFile] = []
    try:
        for path in paths:
            files.append(PendingFile(path))  # noqa: PERF401  those before it have to be removed after an error
        yield files
        for file in files:
            file.finish()
        for file in files:
            file.replace()
        for file in {file.final.parent: file for file in files}.values():
            file.sync_folder()
    finally:
        for file in files:
            file.file.close()
            file.temporary.unlink(missing_ok=True)


def write_files(contents: Mapping[Any, bytes]) -> None:
    """Write files so that each is there whole, or as it was before; and, as far as can be known before, all or none.

    Raises
    ------
    FileError
        If one of them cannot be written.
    """
    with pending_files(*contents) as files:
        for file in files:
            file.write(contents[file.path])


def _temporary_prefix(final: Path) -> str:
    """Return how the names of a file's temporary files begin."""
    return f".twolayer-{hashlib.blake2b(final.name.encode(), digest_size=4).hexdigest()}-"


def leftovers(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the temporary files of that file which a process killed while it wrote has left behind."""
    final = Path(os.path.realpath(path))
    yield from final.parent.glob(f"{_temporary_prefix(final)}*.tmp")


def as_json_value(value: Any, strict: bool = False) -> Any:
    """Return what JSON can hold: NumPy's numbers and arrays as Python's.

    Numbers that are not finite become null and other objects their text, unless `strict`: then numbers stay, and other
    objects raise TypeError.
    """
    if isinstance(value, dict):
        return {
            name if strict else str(name): as_json_value(one, strict) for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [as_json_value(one, strict) for one in value]
    if hasattr(value, "tolist"):
        return as_json_value(value.tolist(), strict)
    if isinstance(value, float) and not strict:
        return value if abs(value) < float("inf") else None
    if isinstance(value, str | int | float | bool | None):
        return value
    if strict:
        raise TypeError(
            f"{type(value).__name__} {checks.short_repr(value)} is neither text nor a number"
        )
    return str(value)


class DamagedError(Exception):
    """Something in a file of twolayer is not as it was written."""


def check_header_length(path: Any) -> None:
    """Raise DamagedError if the first 8 bytes, which give the header's length, do not fit the length of the file."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(9)
    if not start:
        raise DamagedError("it is empty")
    header = int.from_bytes(start[:8], "little")
    if len(start) < 9 or start[8:] != b"{":
        raise DamagedError("it is not a safetensors file")
    if header > size - 8:
        raise DamagedError(
            f"its header claims {header} bytes, but the file has {size}: it was cut off"
        )


def json_object(text: str | None) -> dict[str, Any]:
    """Return the JSON in a file of twolayer; raise DamagedError if it is damaged or, for None, another program's file."""
    if text is None:
        raise DamagedError("it is a safetensors file, but not one that twolayer wrote")
    try:
        record = json.loads(text)
        json.dumps(record, ensure_ascii=False).encode()  # fails on half characters
    except (ValueError, RecursionError):
        raise DamagedError("its description is not JSON") from None
    if not isinstance(record, dict):
        raise DamagedError("its description is not JSON with names")
    return record


def check_format(record: Mapping[str, Any], format_: int) -> None:
    """Raise DamagedError if the file has the layout of another version."""
    version = json_entry(record, "format", int)
    if version != format_:
        raise DamagedError(
            f"it has format {version}, and this version of twolayer reads format {format_}: "
            "pip install --upgrade twolayer"
        )


def json_entry(record: Mapping[str, Any], name: str, kind: Any) -> Any:
    """Return an entry of the file's JSON; raise DamagedError if it is not of the right type."""
    value = record.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise DamagedError(f"its entry '{name}' is {checks.short_repr(value)}")
    return value


def string_list(values: Any, count: int, what: str) -> list[str]:
    """Return the list, if it is one of that many different texts; raise DamagedError otherwise."""
    if (
        not isinstance(values, list)
        or not all(isinstance(value, str) for value in values)
        or len(set(values)) != len(values)
        or len(values) != count
    ):
        raise DamagedError(f"its {what} are not {count} different names")
    return values

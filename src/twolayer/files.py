"""Files that twolayer writes: whole or not at all, and trusted only as far as they have been checked."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from twolayer import checks
from twolayer.errors import FileError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class PendingFile:
    """A file under a temporary name in its own folder, until it is whole and takes the place of what was there.

    What it replaces is a file that may be written, also at the end of symbolic links; its mode and owner stay.

    Attributes
    ----------
    path : str or Path
    temporary : Path
    """

    def __init__(self, path: Any) -> None:
        self.path, self.final = path, Path(os.path.realpath(path))
        with self.errors():
            replaced = replaceable_file(path, self.final)
            for left in leftovers(self.final):
                left.unlink(missing_ok=True)
            self.temporary, self.file = locked_file(
                self.final, 0o666 if replaced is None else 0o600
            )
        try:
            with self.errors():
                if replaced is not None and os.name == "posix":
                    keep_mode_and_owner(self.file.fileno(), replaced)
        except FileError:
            self.file.close()
            self.temporary.unlink(missing_ok=True)
            raise

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise FileError for what goes wrong in writing."""
        try:
            yield
        except FileError:
            raise
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
            if (
                os.name != "posix"
            ):  # there an open file has to keep its name; here closing would end its lock
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
            file.temporary.unlink(missing_ok=True)
            file.file.close()


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


def replaceable_file(path: Any, final: Path) -> os.stat_result | None:
    """Return the state of the file to be replaced, None without one; raise FileError if it must stay as it is."""
    if not os.path.lexists(final):
        return None
    if final.is_symlink():  # what `realpath` could not follow
        raise FileError(f"{path} cannot be written: its symbolic links lead in a circle")
    state = os.stat(final)
    if stat.S_ISDIR(state.st_mode):
        raise FileError(f"{path} cannot be written: it is a folder")
    if not stat.S_ISREG(state.st_mode):
        raise FileError(f"{path} cannot be written: it is a device, a pipe or a socket, not a file")
    if not state.st_mode & 0o222 or not os.access(final, os.W_OK):
        raise FileError(f"{path} cannot be written: the file that is there is read-only")
    return state


def locked_file(final: Path, mode: int) -> tuple[Path, Any]:
    """Return a new temporary file, open and locked as long as it is open, so that no other run takes it for a leftover."""
    while True:
        name = f"{_temporary_prefix(final)}{secrets.token_hex(8)}.tmp"
        temporary = final.with_name(name)
        file = open(  # noqa: SIM115  closed by `pending_files`
            temporary, "xb", buffering=0, opener=lambda place, flags: os.open(place, flags, mode)
        )
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if temporary.exists():  # it was not cleared away before the lock
            return temporary, file
        file.close()


def keep_mode_and_owner(descriptor: int, replaced: os.stat_result) -> None:
    """Give a new file the owner, as far as the system allows, and the mode of the one that it replaces."""
    own = os.fstat(descriptor)
    mode = stat.S_IMODE(replaced.st_mode) & 0o777
    for user, group in ((-1, replaced.st_gid), (replaced.st_uid, -1)):
        if user not in (-1, own.st_uid) or group not in (-1, own.st_gid):
            try:
                os.chown(descriptor, user, group)
            except OSError:
                if group != -1:
                    mode &= ~0o070  # else it would be open to another group
    os.chmod(descriptor, mode)


def leftovers(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the temporary files of that file which a process killed while it wrote has left behind."""
    final = Path(os.path.realpath(path))
    for left in final.parent.glob(f"{_temporary_prefix(final)}*.tmp"):
        if not _is_locked(left):
            yield left


def _is_locked(path: Path) -> bool:
    """Return whether a process that is still there writes the file, or that cannot be known."""
    if fcntl is None:
        return False  # where there are no locks, a file that is open cannot be removed either
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


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

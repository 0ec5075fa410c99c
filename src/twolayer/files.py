"""Files of ours: written whole or not at all, and believed only as far as they have been checked."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from twolayer import checks
from twolayer.errors import FileError


def write_files(contents: Mapping[Any, bytes]) -> None:
    """Write files so that each is there whole, or as it was before; and, as far as can be known before, all or none.

    Each goes to a temporary file in its own folder first, and down to the disk; then all are renamed.

    Raises
    ------
    FileError
        If one of them cannot be written.
    """
    finals = {path: Path(os.path.realpath(path)) for path in contents}
    temporaries: dict[Any, Path] = {}
    path = None
    try:
        for path, final in finals.items():
            if final.is_dir():
                raise FileError(f"{path} cannot be written: it is a folder")
            temporary = final.with_name(f"{_temporary_prefix(final)}{secrets.token_hex(8)}.tmp")
            with open(temporary, "xb") as file:
                temporaries[path] = temporary
                file.write(contents[path])
                file.flush()
                os.fsync(file.fileno())
        for path, temporary in temporaries.items():
            os.replace(temporary, finals[path])
        for folder in {final.parent for final in finals.values()}:
            _sync_folder(folder)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Bring the renaming itself to the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_prefix(final: Path) -> str:
    """How the names of a file's temporary files begin."""
    return f".twolayer-{hashlib.blake2b(final.name.encode(), digest_size=4).hexdigest()}-"


def leftovers(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Temporary files of that file, which a process killed while it wrote has left behind."""
    final = Path(os.path.realpath(path))
    yield from final.parent.glob(f"{_temporary_prefix(final)}*.tmp")


def check_header_length(path: Any) -> None:
    """The first 8 bytes say how long the header is: more than the file is long is a lie, or a file cut off."""
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
    """The JSON in a file of ours; None where it should stand is a file of somebody else."""
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
    """Raise if the file is of another version's layout."""
    version = json_entry(record, "format", int)
    if version != format_:
        raise DamagedError(
            f"it has format {version}, and this version of twolayer reads format {format_}: "
            "pip install --upgrade twolayer"
        )


class DamagedError(Exception):
    """Something in a model file is not as it was written."""


def json_entry(record: Mapping[str, Any], name: str, kind: Any) -> Any:
    """An entry of the file's text, of the right type."""
    value = record.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise DamagedError(f"its entry '{name}' is {checks.short_repr(value)}")
    return value


def string_list(values: Any, count: int, what: str) -> list[str]:
    """A list of that many different texts."""
    if (
        not isinstance(values, list)
        or not all(isinstance(value, str) for value in values)
        or len(set(values)) != len(values)
        or len(values) != count
    ):
        raise DamagedError(f"its {what} are not {count} different names")
    return values

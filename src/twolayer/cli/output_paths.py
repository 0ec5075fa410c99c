"""Where a command writes: whether it can and may, asked before any work; folders are made when it is done."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from twolayer.errors import FileError
from twolayer.files import replaceable_file


def check_writable(out: Path) -> None:
    """Raise FileError if nothing can be written there, or it cannot be made."""
    stands = next(folder for folder in (out, *Path(out).absolute().parents) if folder.exists())
    if not stands.is_dir():
        raise FileError(f"--out {out}: {stands} is a file, not a folder")
    if not os.access(stands, os.W_OK):
        raise FileError(f"--out {out}: there is no permission to write in {stands}")


def make_folder(out: Path) -> None:
    """Make the folder if it is not there."""
    try:
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{out} cannot be made: {error.strerror}") from None


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file, be it there or not yet."""
    if os.path.exists(one) and os.path.exists(other):
        return os.path.samefile(one, other)
    return os.path.abspath(one) == os.path.abspath(other)


def check_not_input(written: Iterable[Path], read: Mapping[str, Path | None]) -> None:
    """Raise FileError if a file that would be written cannot be, or is one that is read; `read` by what it is called."""
    for path in written:
        replaceable_file(path, Path(os.path.realpath(path)))
        for what, other in read.items():
            if other is not None and same_file(path, other):
                raise FileError(
                    f"{what} {other} would be overwritten: choose another folder with --out, or another name"
                )

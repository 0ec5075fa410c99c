"""Folders that `--out` names: whether they can be written to, asked before any work, and made when it is done."""

from __future__ import annotations

import os
from pathlib import Path


def refuse_unwritable(out: Path) -> None:
    """Raise FileError if nothing can be written there, or it cannot be made."""
    from twolayer.errors import FileError

    stands = next(folder for folder in (out, *Path(out).absolute().parents) if folder.exists())
    if not stands.is_dir():
        raise FileError(f"--out {out}: {stands} is a file, not a folder")
    if not os.access(stands, os.W_OK):
        raise FileError(f"--out {out}: there is no permission to write in {stands}")


def make(out: Path) -> None:
    """Make the folder if it is not there."""
    from twolayer.errors import FileError

    try:
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{out} cannot be made: {error.strerror}") from None

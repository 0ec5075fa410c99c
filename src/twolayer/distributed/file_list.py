"""The files that a folder or a pattern stands for, on this machine or in a store such as s3://, in a fixed order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twolayer.errors import FileError
from twolayer.text import first_names

PARQUET_FILES, CSV, ZARR = "Parquet", "CSV", "Zarr"
ENDINGS = {
    ".parquet": PARQUET_FILES,
    ".pq": PARQUET_FILES,
    ".csv": CSV,
    ".tsv": CSV,
    ".csv.gz": CSV,
    ".tsv.gz": CSV,
}
ZARR_MARKS = ("zarr.json", ".zarray", ".zgroup")
HIDDEN = ("_", ".")  # what Spark and others leave beside the parts begins so


def list_files(pattern: str) -> tuple[str, list[str]]:
    """Return the kind of the files, and their paths: in natural order, absolute, with the name of a store before them.

    Parameters
    ----------
    pattern : str
        A folder, a pattern such as `data/*.parquet`, a file, or the folder of a Zarr store.

    Raises
    ------
    FileError
        If no file matches, they are of several kinds, or one is empty.
    """
    pattern = with_store(pattern)
    with store_errors(pattern):
        from fsspec.core import url_to_fs

        store, path = url_to_fs(pattern)
        if store.isdir(path):
            if any(store.exists(f"{path.rstrip('/')}/{mark}") for mark in ZARR_MARKS):
                return ZARR, [store.unstrip_protocol(path) if "://" in pattern else path]
            found = [one for one in store.ls(path, detail=True) if one["type"] == "file"]
            found = [one for one in found if not base_name(one["name"]).startswith(HIDDEN)]
        else:
            matches = store.glob(path, detail=True).values()
            found = [one for one in matches if one["type"] == "file"]
        if not found:
            raise FileError(nothing_found(pattern, store, path))
        found.sort(key=lambda one: natural_key(one["name"]))
        kind = common_kind(pattern, [one["name"] for one in found])
        for one in found:
            if not one["size"]:
                raise FileError(f"{one['name']} is empty, 0 bytes: take it out of the folder")
        names = [one["name"] for one in found]
        return kind, [store.unstrip_protocol(name) for name in names] if "://" in pattern else names


def with_store(pattern: str) -> str:
    """Return the pattern with both strokes of s3://, of which a path keeps only one."""
    return re.sub(r"^([a-z][a-z0-9]+):/(?=[^/])", r"\1://", pattern)


@contextmanager
def store_errors(pattern: str) -> Iterator[None]:
    """Raise FileError for what goes wrong in reaching the files."""
    try:
        yield
    except FileError:
        raise
    except ImportError as error:  # the library for that store
        raise FileError(f"{pattern} cannot be reached: {error}") from None
    except ValueError as error:  # no such store
        raise FileError(f"{pattern} cannot be reached: {error}") from None
    except OSError as error:
        raise FileError(f"{pattern} cannot be reached: {error.strerror or error}") from None


def nothing_found(pattern: str, store: Any, path: str) -> str:
    """Return the sentence that no file matches, with what there is instead."""
    if store.isdir(path):
        below = [base_name(one) for one in store.ls(path, detail=False)]
        more = f": it holds {first_names(below, 3)}" if below else ": it is empty"
        return f"{pattern} holds no Parquet or CSV file{more}"
    folder = re.split(r"[*?\[]", path)[0].rpartition("/")[0] or "."
    if not store.isdir(folder):
        return f"no file matches {pattern}: there is no folder {folder}"
    return f"no file matches {pattern}"


def common_kind(pattern: str, names: list[str]) -> str:
    """Return the kind of the files, by their endings; raise FileError if there are several, or an ending is not known."""
    kinds: dict[str, str] = {}
    for name in names:
        endings = [ending for ending in ENDINGS if name.lower().endswith(ending)]
        if not endings:
            raise FileError(
                f"{name} is neither a Parquet nor a CSV file by its name ({', '.join(ENDINGS)}): name the files with a "
                "pattern, such as 'folder/*.parquet'"
            )
        kinds.setdefault(ENDINGS[endings[0]], name)
    if len(kinds) > 1:
        raise FileError(
            f"{pattern} matches files of several kinds, {first_names(kinds.values(), quote='')}: name those of one kind "
            "with a pattern, such as 'folder/*.parquet'"
        )
    return next(iter(kinds))


def base_name(path: str) -> str:
    """Return the last part of a path."""
    return os.path.basename(path.rstrip("/"))


def natural_key(path: str) -> list[tuple[int, int, str]]:
    """Return the key by which part-2 stands before part-10."""
    parts = re.split(r"(\d+)", path)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]

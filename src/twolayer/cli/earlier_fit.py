"""What an earlier fit left where this one would write: replaced by a fit of the same table and target, kept otherwise."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twolayer import checks, saving
from twolayer.cli.config import FITTED, file_checksum, printable_name, read_settings
from twolayer.cli.output import Output
from twolayer.cli.output_paths import same_file
from twolayer.errors import FileError
from twolayer.text import first_names


def check_earlier_fit(
    model_path: Path,
    settings_path: Path,
    given: dict[str, Any],
    targets: Sequence[str],
    table_name: str,
) -> None:
    """Raise FileError if the model or the settings there are not those of a fit of the same table and target.

    Nothing is asked with --force; and the settings that were given as --config are looked at where they are read.
    """
    if given["force"]:
        return
    if os.path.lexists(model_path):
        check_earlier_model(model_path, table_name, targets)
    config = given["config"]
    if os.path.lexists(settings_path) and not (config and same_file(config, settings_path)):
        check_earlier_settings(settings_path, given, targets)


def check_earlier_model(path: Path, table_name: str, targets: Sequence[str]) -> None:
    """Raise FileError if the file is not a model of a table of this name and these targets."""
    try:
        _, about = saving.read_model(path)
    except FileError:
        raise kept_file(path, "no model that can be read") from None
    name, target = printable_name(table_name), about.get("target")
    before = [target] if isinstance(target, str) else target
    if before is None:
        raise kept_file(path, "a model that `twolayer fit` did not save")
    if about.get("table") != name:
        raise kept_file(
            path, f"the model of another table, {checks.short_repr(about.get('table'))}"
        )
    if before != list(targets):
        raise kept_file(path, f"the model of another target, {first_names(before)}")


def check_earlier_settings(path: Path, given: dict[str, Any], targets: Sequence[str]) -> None:
    """Raise FileError if the file does not hold the settings of a fit of this table, these labels and these targets."""
    try:
        before = read_settings(path)
    except (FileError, tomllib.TOMLDecodeError):
        raise kept_file(path, "no settings that can be read") from None
    for name in ("table", "labels"):
        was, now = before.get(name), given[name]
        same = was is now is None or (
            isinstance(was, str) and now is not None and same_path(was, str(now))
        )
        if not same:
            what = "without labels" if was is None else f"of another file, {checks.short_repr(was)}"
            raise kept_file(path, f"the settings of a fit {what} ({name})")
    if before.get("target") not in (list(targets), targets[0] if len(targets) == 1 else None):
        raise kept_file(path, "the settings of a fit of another target")


def note_data_changes(config: Path | None, given: dict[str, Any], output: Output) -> None:
    """Say which of the files that are read have changed since the fit whose settings these are."""
    before = {} if config is None else read_settings(config)
    fitted = before.get(FITTED)
    if not isinstance(fitted, dict):
        return
    for name in ("table", "labels"):
        path, checksum = given[name], fitted.get(f"{name}_sha256")
        if path is None or checksum is None or not same_path(str(before.get(name)), str(path)):
            continue
        if (now := file_checksum(path)) and now != checksum:
            output.aside(f"note: {path} has changed since the fit that wrote {config}")


def same_path(one: str, other: str) -> bool:
    """Return whether two names of tables, of which - is standard input, are of the same file."""
    return one == other if "-" in (one, other) else same_file(Path(one), Path(other))


def kept_file(path: Path, what: str) -> FileError:
    """Return the error that names what would be lost, and what to do."""
    return FileError(
        f"{path} holds {what}: choose another folder with --out, or replace it with --force"
    )

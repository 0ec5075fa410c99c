"""The settings of a fit as a file: written beside the model, read again by `twolayer fit --config`."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from twolayer import checks
from twolayer._version import __version__
from twolayer.cli.output_paths import same_file
from twolayer.errors import FileError, InputError

PATH_SETTINGS = ("table", "labels", "out")  # kept relative to the settings' own folder
# how to tell, and how to come to the end; not what to do
UNSAVED_OPTIONS = ("quiet", "as_json", "config", "checkpoint", "every", "resume", "force")
FITTED = "fitted"  # the part of the file about the fit that was made: not settings
CONFIG_HEADER = "# twolayer fit --config {name} repeats this fit; options beside it override these (with --out FOLDER).\n"


def settings_toml(settings: dict[str, Any], path: Path) -> str:
    """The settings as TOML, for a file of that name; what was not asked for is left out."""
    lines = []
    for name, value in settings.items():
        if name in UNSAVED_OPTIONS or value is None or value == [] or value == ():
            continue
        if name in PATH_SETTINGS and is_path(value):
            value = os.path.relpath(value, path.parent)
        value = [str(one) for one in value] if isinstance(value, list | tuple) else value
        value = str(value) if isinstance(value, Path) else value
        lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}\n")
    text = CONFIG_HEADER.format(name=printable_name(path.name)) + "".join(lines)
    return text + fitted_toml(settings["table"], settings.get("labels"))


def is_path(value: Any) -> bool:
    """Return whether a table is named by a path on this machine; not standard input, nor a store such as s3://."""
    return str(value) != "-" and not re.match(r"[a-z][a-z0-9]+:/", str(value))


def fitted_toml(table: Any, labels: Any) -> str:
    """The versions, and checksums of the files that were read, as the last part of the settings' file."""
    lines = [f"\n[{FITTED}]\n"]
    lines += [
        f'{name}_sha256 = "{digest}"\n'
        for name, path in (("table", table), ("labels", labels))
        if (digest := file_checksum(path))
    ]
    versions = {"python": platform.python_version(), "numpy": version("numpy")}
    for name, number in {"twolayer": __version__, **versions}.items():
        lines.append(f"{name} = {json.dumps(number)}\n")
    return "".join(lines)


def file_checksum(path: Any) -> str | None:
    """The SHA-256 of a file; None if there is none, or it can be read only once."""
    if path is None or not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None  # reading the table says why


def printable_name(name: str) -> str:
    """A file's name with question marks for what would break a line."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def config_is_current(
    config: Path | None, path: Path, given: dict[str, Any], defaults: dict[str, Any]
) -> bool:
    """Whether the settings to be written are already there: in the file that they were read from.

    Raises
    ------
    FileError
        If that file would be overwritten with others.
    """
    if config is None or not same_file(config, path):
        return False
    usual = {name: value for name, value in defaults.items() if name not in UNSAVED_OPTIONS}
    texts = (settings_toml(given, path), Path(config).read_text(encoding="utf-8"))
    parts = [{**usual, **tomllib.loads(text)} for text in texts]
    asked, there = (
        json.dumps({**part, FITTED: None}, sort_keys=True, default=str) for part in parts
    )
    if asked != there:
        raise FileError(
            f"the options beside --config would overwrite {config}, from which they differ: say --out FOLDER, for another "
            "folder"
        )
    return True


def read_settings(path: Path) -> dict[str, Any]:
    """The settings in a file that `as_toml` wrote, or someone by hand.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(f"--config {path}: there is no such file") from None
    except OSError as error:
        raise FileError(f"--config {path} cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"--config {path} is not TOML: {error}") from None
    for name in PATH_SETTINGS:
        if isinstance(values.get(name), str) and is_path(values[name]):
            values[name] = os.path.relpath(Path(path).parent / values[name])
    return values


def use_config(context: typer.Context, path: Path | None) -> Path | None:
    """Let the settings in the file stand for the options that were not given."""
    if path is None:
        return None
    values = read_settings(path)
    values.pop(FITTED, None)
    known = {str(parameter.name) for parameter in context.command.params} - {
        *UNSAVED_OPTIONS,
        "help",
    }
    for name in values:
        if name not in known:
            raise InputError(
                f"--config {path} sets '{name}', which twolayer fit does not know{checks.closest_name(name, known)}"
            )
    context.default_map = {**(context.default_map or {}), **values}
    return path


ConfigPath = Annotated[
    Path | None,
    typer.Option(
        help="Take the settings from this file, which a fit wrote.",
        is_eager=True,
        callback=use_config,
    ),
]

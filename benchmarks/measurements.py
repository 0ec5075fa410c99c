"""Measurements one by one, kept in a file, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twolayer.errors import FileError

Figures = dict[str, Any]
Key = tuple[str, str, str, str]  # table, protocol, part of its rows, model


class Measurements:
    """What was measured, by table, protocol, part and model; with a file, a line for each is added at once."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[Key, Figures] = {}
        if path is not None and path.exists():
            self._read(path)

    def of(self, key: Key, measure: Callable[[], Figures]) -> Figures:
        """Return the figures of this key, measured now if they are not known."""
        if key not in self._known:
            self._known[key] = measure()
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, **self._known[key]}) + "\n")
        return self._known[key]

    def _read(self, path: Path) -> None:
        """Read the lines of the file; a last one that a stopped run left unfinished is taken off."""
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                figures = json.loads(line)
                self._known[tuple(figures.pop("key"))] = figures
            except (ValueError, KeyError, TypeError, AttributeError):
                raise FileError(
                    f"line {number} of {path} is no measurement: mend it, or give --out another folder"
                ) from None
        if whole != text:
            path.write_text(whole, encoding="utf-8")

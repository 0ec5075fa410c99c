"""Where a script runs: without a keyboard, with its output counted, and with its files written elsewhere."""

from __future__ import annotations

import builtins
import io
import os
import random
import sys
import time
import types
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from twolayer.tutorial.check_script.instrumentation import RECORDER_NAME

MAX_PRINTED = 20_000_000  # characters
REFUSED_ACTIONS = {
    "os.remove", "os.rename", "os.rmdir", "os.truncate", "shutil.rmtree", "shutil.move", "os.system",
    "subprocess.Popen", "os.exec", "os.posix_spawn", "os.kill", "os.fork",
}  # fmt: skip
_NEAR = 4  # frames: what a library does by itself, such as to look for a compiler, lies deeper


class StopRun(BaseException):
    """The run has shown what was asked of it."""


class NotFollowedError(BaseException):
    """The script does what cannot be followed; `reason` is the name of a message, `values` what it says."""

    def __init__(self, reason: str, **values: Any) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values


class PrintedText(io.TextIOBase):
    """Output that is counted and dropped."""

    encoding = "utf-8"

    def __init__(self, path: str) -> None:
        self.path, self.count = path, 0

    def write(self, text: str) -> int:
        self.count += len(text)
        if self.count > MAX_PRINTED:
            raise NotFollowedError(
                "prints", line=script_line(self.path), megabytes=MAX_PRINTED // 1_000_000
            )
        return len(text)


def script_line(path: str, depth: int = 1000) -> int:
    """The line of the script that is running now; 0 if none of the last frames is the script's."""
    frame = sys._getframe(1)
    while frame is not None and depth:
        if frame.f_code.co_filename == path:
            return frame.f_lineno
        frame, depth = frame.f_back, depth - 1  # type: ignore[assignment]
    return 0


class Sandbox:
    """Runs one script, many times, always from the same start.

    Parameters
    ----------
    path : str
        The script.
    folder : Path
        Where the files land that it writes.

    Attributes
    ----------
    double : bool
        Whether torch makes float64 where the script does not say which.
    """

    def __init__(self, path: str, folder: Path) -> None:
        self.path, self.folder, self.double = path, folder, True
        self.active = False
        sys.addaudithook(self._refuse)

    def run(self, code: Any, recorder: Any) -> dict[str, Any]:
        """Run the script from its start; return its namespace. Whatever it raises is raised."""
        main = types.ModuleType("__main__")
        main.__dict__.update(__file__=self.path, **{RECORDER_NAME: recorder})
        self._seed()
        with self._surroundings(main), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(code, main.__dict__)
            except StopRun:
                pass
            except SystemExit:
                pass
        return main.__dict__

    @contextmanager
    def _surroundings(self, main: types.ModuleType) -> Any:
        before = (sys.stdout, sys.stderr, sys.argv, builtins.input, builtins.open, io.open)
        main_before, sleep, rng = sys.modules["__main__"], time.sleep, np.random.default_rng
        sys.stdout = sys.stderr = PrintedText(self.path)
        sys.argv, builtins.input = [self.path], self._no_keyboard
        builtins.open = io.open = self._open  # type: ignore[assignment]
        sys.modules["__main__"] = main
        time.sleep = lambda seconds: None  # type: ignore[assignment]
        np.random.default_rng = lambda seed=None: rng(0 if seed is None else seed)  # type: ignore[assignment]
        self.active = True
        try:
            with undrawn_figures():
                yield
        finally:
            self.active = False
            sys.stdout, sys.stderr, sys.argv, builtins.input, builtins.open, io.open = before
            sys.modules["__main__"], time.sleep, np.random.default_rng = main_before, sleep, rng

    def _seed(self) -> None:
        """Start all random numbers anew, so that every run draws the same."""
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 (the script may use it)
        torch: Any = sys.modules.get("torch")
        if torch is not None:
            torch.manual_seed(0)
            torch.set_default_dtype(torch.float64 if self.double else torch.float32)
            torch.set_grad_enabled(True)

    def _no_keyboard(self, *prompt: Any) -> str:
        raise NotFollowedError("input", line=script_line(self.path))

    def _open(self, file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        """The file itself to read; a file elsewhere to write, which is read from there afterwards."""
        if not self.active or isinstance(file, int):
            return _OPEN(file, mode, *rest, **named)
        elsewhere = self.folder / Path(os.fsdecode(file)).name
        if set(mode) & set("wax+") and not str(file).startswith(("/dev/", str(self.folder))):
            file = elsewhere
            mode = mode.replace("x", "w")
        elif elsewhere.exists():
            file = elsewhere
        return _OPEN(file, mode, *rest, **named)

    def _refuse(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.active and event in REFUSED_ACTIONS:
            line = script_line(self.path, _NEAR)
            if line:
                raise NotFollowedError("action", line=line, action=event)


@contextmanager
def undrawn_figures() -> Any:
    """Let matplotlib, where it is loaded, neither draw, show nor wait: the script runs many times."""
    names = {"matplotlib.figure": ["savefig"], "matplotlib.pyplot": ["show", "pause", "draw"]}
    patched = []
    for module, functions in names.items():
        owner: Any = sys.modules.get(module)
        owner = getattr(owner, "Figure", owner) if module.endswith("figure") else owner
        for function in functions if owner is not None else ():
            patched.append((owner, function, getattr(owner, function)))
            setattr(owner, function, lambda *given, **named: None)
    try:
        yield
    finally:
        for owner, function, before in patched:
            setattr(owner, function, before)


_OPEN = open

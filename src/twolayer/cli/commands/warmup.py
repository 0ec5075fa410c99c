"""`twolayer warmup`: compile every kernel of the compiled engine now, so that no later run has to wait."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Annotated

import typer

from twolayer.engines.compiled.engine import compile_all_kernels
from twolayer.errors import InputError


def warmup(
    dtype: Annotated[
        str, typer.Option(help="float64 or float32; both, at the same time, if left out.")
    ] = "both",
) -> None:
    """Compile the compiled engine's kernels, once on this machine; they are kept on disk."""
    if dtype not in ("both", "float64", "float32"):
        raise InputError(f"dtype must be float64, float32 or both; got '{dtype}'")
    start = time.perf_counter()
    other = None
    if dtype == "both":
        command = "from twolayer.cli.main import main; main(['warmup', '--dtype', 'float32'])"
        other = subprocess.Popen([sys.executable, "-c", command])
    for done, total, what in compile_all_kernels(["float64" if dtype == "both" else dtype]):
        print(f"compiling {done} of {total}: {what}", flush=True)
    if other is not None and other.wait() != 0:
        sys.exit(other.returncode)
    names = "float64 and float32" if dtype == "both" else dtype
    print(
        f"the compiled engine is ready for {names} ({time.perf_counter() - start:.1f} s)",
        flush=True,
    )

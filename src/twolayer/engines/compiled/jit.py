"""How Python functions become machine code: Numba's settings, its cache on disk, and tables as switches."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
from numba.core.caching import FunctionCache, NullCache

from twolayer.engines.compiled.silence import SILENT
from twolayer.maths import activations, losses
from twolayer.solvers import lbfgs, line_search

# Sums may be taken in any order and products fused, so that loops vectorise; NaN and infinity keep their meaning.
JIT_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "reassoc"},
}
INLINE_OPTIONS: dict[str, Any] = {
    **JIT_OPTIONS,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
jit_inner = numba.njit(**INLINE_OPTIONS)
# Part of its callers before anything is compiled: for what is called in one place. A function compiled for itself is
# optimised once more with each function that calls it, up to the kernel.
jit_part = numba.njit(inline="always", **INLINE_OPTIONS)
# Made part of its callers, as everything that sums has to be. The process that compiles would else call a copy made before
# them, whose sums may be taken in another way: the last bits of a run would depend on whether it had to compile.
jit_inline = numba.njit(forceinline=True, **INLINE_OPTIONS)


SHARED_SOURCES = (
    activations,
    losses,
    lbfgs,
    line_search,
)  # their functions become machine code too
KERNEL_SOURCES = ("jit.py", "forward_backward.py", "tiny_networks.py", "steps.py", "lbfgs.py")
COMPILED_SOURCES = [
    *(Path(str(module.__file__)) for module in SHARED_SOURCES),
    *(Path(__file__).with_name(name) for name in KERNEL_SOURCES),
]


def source_fingerprint() -> str:
    """Return a text that changes with every file that is compiled here."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in COMPILED_SOURCES)).hexdigest()[:10]


SOURCE_FINGERPRINT = source_fingerprint()


def jit(function: Callable) -> Any:
    """Return the kernel of a function, cached on disk if there is a place for it.

    Numba stores it under its name, and compares only the time and size of the function's own file to see whether it is up to
    date: a change of an activation in another file would be missed, so the fingerprint of all files is part of the name.
    """
    function.__qualname__ += f"_{SOURCE_FINGERPRINT}"
    kernel = numba.njit(**JIT_OPTIONS)(function)
    kernel._cache = kernel_cache(function)
    return kernel


def kernel_cache(function: Callable) -> Any:
    """Return the kernel's cache: in the package's folder, the user's, or else a temporary one of the user's own."""
    try:
        return KernelCache(function)
    except (
        RuntimeError,
        OSError,
    ):  # neither the package's folder nor the user's cache can be written
        config: Any = numba.config
        before = config.CACHE_DIR
    try:
        config.CACHE_DIR = temporary_cache()
        found = KernelCache(function)
    except (RuntimeError, OSError):
        return NullCache()
    finally:
        config.CACHE_DIR = before
    say_once(f"compiled kernels are kept in {temporary_cache()}, as no other folder can be written")
    return found


def temporary_cache() -> str:
    """Return a folder for temporary files that only this user can write; raise OSError if there is none.

    What is in the cache is executed: another user's folder of that name must not be taken.
    """
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir(), f"twolayer-kernels-{user}")
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode) or (hasattr(os, "getuid") and state.st_uid != os.getuid()):
        raise PermissionError(f"{folder} is not this user's")
    folder.chmod(0o700)
    return str(folder)


class KernelCache(FunctionCache):
    """Numba's cache of a kernel, which costs no run: what is damaged is compiled anew, what cannot be stored is not."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # unpickling half a file raises anything
            said = f"the compiled kernels in {self.cache_path} are damaged ({type(error).__name__})"
            say_once(f"{said}: compiling them anew")
            with suppress(OSError):
                os.unlink(self._cache_file._index_path)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:  # the index that it reads first may be damaged
            reason = getattr(error, "strerror", None) or type(error).__name__
            say_once(f"the compiled kernels cannot be stored in {self.cache_path}: {reason}")


@cache
def say_once(line: str) -> None:
    """Print a line on standard error, if it was not printed before."""
    if not SILENT.get():
        print(f"twolayer: {line}", file=sys.stderr)


def compiled(function: Callable, **calls: Any) -> Any:
    """Return a Python function as machine code, with machine code under the names of the functions that it calls."""
    names = {**function.__globals__, **calls}  # type: ignore[attr-defined]
    return jit_inline(FunctionType(function.__code__, names, function.__name__))  # type: ignore[attr-defined]


def switch(functions: list[Callable]) -> Any:
    """Return a compiled `pick(kind, *arguments)` that calls `functions[kind](*arguments)`.

    Four functions per level: each level is a function that Numba has to compile.
    """
    here = [jit_inline(function) for function in functions[:4]]
    first, second, third, fourth = (here * 4)[:4]
    if len(functions) <= 4:

        @jit_inner
        def pick(kind, *arguments):
            if kind == 0:
                return first(*arguments)
            if kind == 1:
                return second(*arguments)
            if kind == 2:
                return third(*arguments)
            return fourth(*arguments)

        return pick
    others = switch(functions[4:])

    @jit_inner
    def pick_or_pass_on(kind, *arguments):
        if kind == 0:
            return first(*arguments)
        if kind == 1:
            return second(*arguments)
        if kind == 2:
            return third(*arguments)
        if kind == 3:
            return fourth(*arguments)
        return others(kind - 4, *arguments)

    return pick_or_pass_on

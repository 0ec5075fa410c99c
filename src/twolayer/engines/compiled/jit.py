"""How Python functions become machine code: Numba's settings, its cache on disk, and tables as switches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numba

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
    try:
        return numba.njit(cache=True, **JIT_OPTIONS)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(**JIT_OPTIONS)(function)


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

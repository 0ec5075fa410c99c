"""How Python functions become machine code here: Numba's settings, its cache on disk, and tables as switches."""

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
OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "reassoc"},
}
WITHIN: dict[str, Any] = {**OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
inner = numba.njit(**WITHIN)
# Made part of its callers. The process that compiles would else call a copy made before them, whose sums may be fused in
# another way: the last bits of a run would depend on whether it had to compile.
inlined = numba.njit(forceinline=True, **WITHIN)


FOREIGN = (activations, losses, lbfgs, line_search)  # pages whose functions become machine code too
OWN = ("compiling.py", "passes.py", "tiny.py", "kernels.py", "lbfgs_kernel.py")
PAGES = [
    *(Path(str(page.__file__)) for page in FOREIGN),
    *(Path(__file__).with_name(name) for name in OWN),
]


def fingerprint() -> str:
    """Changes with every page that is compiled here."""
    return hashlib.sha256(b"".join(page.read_bytes() for page in PAGES)).hexdigest()[:10]


FINGERPRINT = fingerprint()


def jit(function: Callable) -> Any:
    """A kernel, cached on disk if there is a place for it.

    Numba keeps it under its name, and looks only at this page's time and size to see whether it still holds: an activation
    that changed on its own page would be overlooked, so its fingerprint is made part of the name.
    """
    function.__qualname__ += f"_{FINGERPRINT}"
    try:
        return numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(**OPTIONS)(function)


def compiled(function: Callable, **calls: Any) -> Any:
    """A Python function as machine code, with machine code under the names of the functions that it calls."""
    names = {**function.__globals__, **calls}  # type: ignore[attr-defined]
    return inlined(FunctionType(function.__code__, names, function.__name__))  # type: ignore[attr-defined]


def switch(functions: list[Callable]) -> Any:
    """A compiled `pick(kind, *arguments)` that calls `functions[kind](*arguments)`.

    Four functions a level: each level is a function that Numba has to compile.
    """
    here = [inner(function) for function in functions[:4]]
    first, second, third, fourth = (here * 4)[:4]
    if len(functions) <= 4:

        @inner
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

    @inner
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

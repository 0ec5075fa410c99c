"""The one protocol of a table in blocks: run a function on every block, and sum what it returns, in block order.

    workers.sum(function, blocks, *arguments)    # function(block, *arguments) of every block, added up
    workers.each(function, blocks, *arguments)   # the same, as a list
    workers.keep(function, blocks, *arguments)   # the same, kept where it was computed, as blocks for later calls

Floats depend on the order in which they are added. Here neighbours are added in pairs, then pairs of pairs, and so on: the
order follows from the number of blocks alone. So two runs are equal bit for bit, whichever worker had which block, whenever
it was done, and however many of 2, 4, 8, ... neighbours were added in one task.

Here is the version without a cluster, which says what the other one (`dask_workers`) has to give.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Protocol

import numpy as np

from twolayer._version import __version__
from twolayer.engines.numpy_engine import ignore_overflow
from twolayer.errors import EngineError
from twolayer.maths.network import Params
from twolayer.training.threads import limited_threads

FAN_IN = 8  # so many neighbours are added in one task: a power of 2


class Workers(Protocol):
    """Who computes what is asked of every block."""

    def keep(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any, n_bytes: int = 0
    ) -> Sequence[Any]:
        """Return `function(block, *arguments)` of every block, as blocks that stay where they are.

        `n_bytes` is their size all together, if it is known: small neighbours then have one task together.
        """

    def each(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any
    ) -> list[Any]:
        """Return `function(block, *arguments)` of every block."""

    def sum(self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any) -> Any:
        """Return the sum of `function(block, *arguments)` over all blocks."""


class InProcess:
    """One process, block after block; a block is the object itself, or a function without arguments that returns it."""

    def keep(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any, n_bytes: int = 0
    ) -> Sequence[Any]:
        return self.each(function, blocks, *arguments)

    def each(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any
    ) -> list[Any]:
        return [on_one_thread(function, loaded(block), *arguments) for block in blocks]

    def sum(self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any) -> Any:
        return add_up(self.each(function, blocks, *arguments))


class BlockCall:
    """A function of a block and its other arguments, which are sent together, with the version that the caller has."""

    def __init__(self, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
        self.function, self.arguments = function, tuple(arguments)
        self.version = __version__

    @property
    def name(self) -> str:
        """The function's name, by which Dask's dashboard shows the tasks."""
        return getattr(self.function, "__name__", "function")

    def each(self, *blocks: Any) -> list[Any]:
        """Return what the function gives for these blocks, one after another."""
        self.check_version()
        return [on_one_thread(self.function, block, *self.arguments) for block in blocks]

    def sum(self, *blocks: Any) -> Any:
        """Return the sum over these neighbours."""
        return add_up(self.each(*blocks))

    def check_version(self) -> None:
        """Raise EngineError if the caller has another version of twolayer than this process."""
        if self.version != __version__:
            raise EngineError(
                f"a worker on {platform.node()} has twolayer {__version__}, and the caller has {self.version}: install the "
                "same version on every worker"
            )


def loaded(block: Any) -> Any:
    """Return the block; one that is read from somewhere is read now."""
    return block() if callable(block) else block


def on_one_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the function returns with one BLAS thread: as many blocks as there are processors are at work at once."""
    with limited_threads(0):
        return function(*map(aligned, arguments))


def aligned(value: Any) -> Any:
    """Return the value with each of its arrays at an address for such numbers.

    One that came over a network may be at any, and is then multiplied in another order: the last bits would depend on where
    a block, or the weights, came from.
    """
    if isinstance(value, np.ndarray):
        return value if value.flags.aligned else value.copy(order="K")
    if type(value) in (tuple, list):
        return type(value)(map(aligned, value))
    if is_dataclass(value) and not isinstance(value, type):
        before = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
        after = {name: aligned(part) for name, part in before.items()}
        moved = {name: part for name, part in after.items() if part is not before[name]}
        arrays = {name: part for name, part in moved.items() if type(part) not in (tuple, list)}
        return replace(value, **arrays) if arrays else value
    return value


def tree_sum(parts: Sequence[Any], add: Callable[[list[Any]], Any]) -> Any:
    """Return the sum of the parts, FAN_IN neighbours at a time."""
    parts = list(parts)
    while len(parts) > 1:
        parts = [add(parts[k : k + FAN_IN]) for k in range(0, len(parts), FAN_IN)]
    return parts[0]


def add_up(parts: Sequence[Any]) -> Any:
    """Return the sum, in pairs of neighbours, of numbers, arrays, or tuples, dicts or Params of them; None stays None."""
    parts = list(parts)
    while len(parts) > 1:
        pairs = [parts[k : k + 2] for k in range(0, len(parts), 2)]
        parts = [pair[0] if len(pair) == 1 else add_two(*pair) for pair in pairs]
    return parts[0]


def add_two(one: Any, other: Any) -> Any:
    """Return the sum of two of what `add_up` takes."""
    if one is None:
        return None
    if isinstance(one, Params):
        return Params(*map(add_two, _weights(one), _weights(other)))
    if isinstance(one, tuple | list):
        return tuple(add_two(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return {name: add_two(one[name], other[name]) for name in one}
    with ignore_overflow():
        return np.add(one, other) if isinstance(one, np.ndarray) else one + other


def _weights(params: Params) -> tuple[Any, ...]:
    return params.w1, params.b1, params.w2, params.b2, params.w_skip

"""The one protocol of a table in blocks: run a function on every block, and sum what it returns, in block order.

    workers.sum(function, blocks, *arguments)    # function(block, *arguments) of every block, added up
    workers.each(function, blocks, *arguments)   # the same, as a list
    workers.keep(function, blocks, *arguments)   # the same, kept where it was computed, as blocks for later calls

Floats depend on the order in which they are added. The sum is a tree whose shape follows from the number of blocks alone, so
two runs are equal bit for bit, whichever worker had which block, and whenever it was done.

Here is the version without a cluster, which says what the other one (`dask_workers`) has to give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from twolayer.maths.network import Params
from twolayer.training.threads import limited_threads

FAN_IN = 8  # so many neighbours are added at a time


class Workers(Protocol):
    """Who computes what is asked of every block."""

    def keep(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any
    ) -> list[Any]:
        """Return `function(block, *arguments)` of every block, as blocks that stay where they are."""

    def each(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any
    ) -> list[Any]:
        """Return `function(block, *arguments)` of every block."""

    def sum(self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any) -> Any:
        """Return the sum of `function(block, *arguments)` over all blocks."""


class InProcess:
    """One process, block after block; a block is the object itself, or a function without arguments that returns it."""

    def keep(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any
    ) -> list[Any]:
        return self.each(function, blocks, *arguments)

    def each(
        self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any
    ) -> list[Any]:
        return [on_one_thread(function, loaded(block), *arguments) for block in blocks]

    def sum(self, function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any) -> Any:
        return tree_sum(self.each(function, blocks, *arguments), add_up)


def loaded(block: Any) -> Any:
    """Return the block; one that is read from somewhere is read now."""
    return block() if callable(block) else block


def on_one_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the function returns with one BLAS thread: as many blocks as there are processors are at work at once."""
    with limited_threads(0):
        return function(*arguments)


def tree_sum(parts: Sequence[Any], add: Callable[[list[Any]], Any]) -> Any:
    """Return the sum of the parts, FAN_IN neighbours at a time."""
    parts = list(parts)
    while len(parts) > 1:
        parts = [add(parts[k : k + FAN_IN]) for k in range(0, len(parts), FAN_IN)]
    return parts[0]


def add_up(parts: list[Any]) -> Any:
    """Return the sum, from left to right, of numbers or arrays, or of tuples, dicts or Params of them; None stays None."""
    first = parts[0]
    if len(parts) == 1 or first is None:
        return first
    if isinstance(first, Params):
        return Params(*(add_up(list(each)) for each in zip(*map(_weights, parts), strict=True)))
    if isinstance(first, tuple | list):
        return tuple(add_up(list(each)) for each in zip(*parts, strict=True))
    if isinstance(first, dict):
        return {name: add_up([part[name] for part in parts]) for name in first}
    total = np.array(first) if isinstance(first, np.ndarray) else first
    for part in parts[1:]:
        total += part
    return total


def _weights(params: Params) -> tuple[Any, ...]:
    return params.w1, params.b1, params.w2, params.b2, params.w_skip

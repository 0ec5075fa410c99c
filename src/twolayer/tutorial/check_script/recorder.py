"""What a script's run shows: its loops, and the value of each expression in some of their iterations."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from twolayer.tutorial.check_script.arrays import as_array, is_float, reachable_arrays
from twolayer.tutorial.check_script.instrumentation import (
    InstrumentedScript,
    SourceNode,
    SourceStatement,
)
from twolayer.tutorial.check_script.sandbox import NotFollowedError, StopRun

MAX_EVENTS = 30_000
SCOUT_ITERATIONS = 4
NUMBER_SUMS = ("Add=", "Sub=", "Mult=", "Div=")
State = dict[str, np.ndarray]  # arrays by path


@dataclass
class Event:
    """A value that appeared: of an expression, or of a variable after a statement.

    Attributes
    ----------
    index : int
        Its place in the order of the iteration.
    value : ndarray
        A copy.
    identity : int
        Of the object.
    node : SourceNode or None
        The expression; None for a variable.
    statement : SourceStatement or None
        The statement after which a variable was found to have this value.
    path : str
        The variable.
    sources : list of int
        Events whose value this is unchanged, such as what a name was bound to; at most one.
    children : list of int
        Events of the parts of the expression, as `node.children`; -1 where there is none.
    previous : int
        Of an array changed in place: the event before; else -1. `children` is then the statement's right side.
    function, arguments, keywords : the call, if it is one
    """

    index: int
    value: np.ndarray
    identity: int
    node: SourceNode | None = None
    statement: SourceStatement | None = None
    path: str = ""
    source: int = -1
    children: list[int] = field(default_factory=list)
    previous: int = -1
    function: Any = None
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)
    subscript: Any = None

    @property
    def line(self) -> int:
        """The line of the script."""
        if self.node is not None:
            return self.node.line
        return self.statement.line if self.statement is not None else 0


class LoopScout:
    """Finds the loops in which the same arrays change at every iteration.

    Attributes
    ----------
    states : dict
        For each loop the arrays at the start of its first iterations.
    trained : list of int
        Loops that look like training, in the order in which they were noticed.
    """

    def __init__(self, deadline: float, skipped: set[int]) -> None:
        self.deadline, self.skipped = deadline, skipped
        self.states: dict[int, list[State]] = {}
        self.counts: dict[int, int] = {}
        self.trained: int | None = None

    def step(self, loop: int) -> None:
        """Note the arrays at the start of an iteration."""
        count = self.counts[loop] = self.counts.get(loop, 0) + 1
        if count <= SCOUT_ITERATIONS and loop not in self.skipped:
            state = frame_state(sys._getframe(1))
            known = self.states.setdefault(loop, [])
            known.append(state)
            if count >= 3 and changing(known[-3:]):
                self.trained = loop
                raise StopRun
        if time.monotonic() > self.deadline:
            raise NotFollowedError("loops", line=sys._getframe(1).f_lineno)


def changing(states: list[State]) -> list[str]:
    """Return the paths of the arrays that differ between each two of the states that follow each other."""
    first, *others = states
    found = []
    for path, value in first.items():
        values = [value, *(one.get(path) for one in others)]
        if all(
            b is not None and a is not None and a.shape == b.shape and not same_values(a, b)
            for a, b in pairwise(values)
        ):
            found.append(path)
    return found


def same_values(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two arrays are equal; NaN equals NaN."""
    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def frame_state(frame: Any) -> State:
    """Return copies of the float arrays that a frame's variables, and the script's, hold."""
    names = dict(frame.f_globals)
    names.update(frame.f_locals)
    seen: set[int] = set()
    state = {}
    for path, value, array in reachable_arrays(names):
        if is_float(array) and not isinstance(value, (float, np.generic)) and id(value) not in seen:
            seen.add(id(value))
            state[path] = array.copy()
    return state


class Recorder:
    """Records iterations of one loop.

    Parameters
    ----------
    script : InstrumentedScript
    loop : int
    first, last : int
        The iterations that are recorded; the run ends with the last.
    changes : list of (int, str, ndarray)
        At the start of which iteration to add what to which array.
    deadline : float

    Attributes
    ----------
    events : list of list of Event
        One list per recorded iteration.
    states : list of State
        The arrays at the start of each, and at the end of the last.
    """

    def __init__(
        self,
        script: InstrumentedScript,
        loop: int,
        first: int,
        last: int,
        deadline: float,
        changes: list[tuple[int, str, np.ndarray]] | None = None,
    ) -> None:
        self.script, self.loop, self.first, self.last = script, loop, first, last
        self.changes, self.deadline = changes or [], deadline
        self.count, self.recording = -1, False
        self.events: list[list[Event]] = []
        self.states: list[State] = []
        self.current_line = 0

    def step(self, loop: int) -> None:
        """Start of an iteration of a loop."""
        if time.monotonic() > self.deadline:
            raise NotFollowedError("loops", line=sys._getframe(1).f_lineno)
        if loop != self.loop:
            return
        self.count += 1
        if self.count < self.first:
            return
        frame = sys._getframe(1)
        self.recording = False
        self._change(frame)
        self.states.append(frame_state(frame))
        if self.count > self.last:
            raise StopRun
        self._start(frame)

    def _change(self, frame: Any) -> None:
        """Add to arrays what was asked for."""
        mine = {path: delta for at, path, delta in self.changes if at == self.count}
        if not mine:
            return
        names = dict(frame.f_globals)
        names.update(frame.f_locals)
        for path, _, array in reachable_arrays(names):
            if path in mine:
                array += mine.pop(path).reshape(array.shape)
            if not mine:
                return

    def _start(self, frame: Any) -> None:
        self.recording = True
        self.kept: list[Any] = []
        self.versions: dict[int, int] = {}
        self.contents: dict[int, np.ndarray] = {}
        self.bindings: dict[tuple[int, str], int] = {}
        self.latest: dict[int, int] = {}
        self.events.append([])
        self._scan(frame, None)

    def _add(self, value: Any, array: np.ndarray, **parts: Any) -> Event:
        """Add an event; its value is a copy."""
        known = self.contents.get(id(value))
        copy = array.copy() if known is None or parts.get("previous", -1) >= 0 else known
        events = self.events[-1]
        if len(events) >= MAX_EVENTS:
            self.recording = False
        event = Event(len(events), copy, id(value), **parts)
        events.append(event)
        new = id(value) not in self.versions or parts.get("previous", -1) >= 0
        if new and not isinstance(value, (bool, int)):  # small whole numbers share their objects
            self.versions[id(value)] = event.index
            self.contents[id(value)] = copy
            self.kept.append(value)
        return event

    def _scan(self, frame: Any, statement: SourceStatement | None) -> None:
        """Note each variable that is new, or whose array has changed, after a statement."""
        spaces = [(0, frame.f_globals)]
        if frame.f_locals is not frame.f_globals:
            spaces.insert(0, (id(frame.f_code), frame.f_locals))
        for space, names in spaces:
            for path, value, array in list(reachable_arrays(dict(names))):
                if not isinstance(value, (bool, int)):
                    self._scan_variable((space, path), value, array, statement)

    def _scan_variable(
        self, key: tuple[int, str], value: Any, array: np.ndarray, statement: SourceStatement | None
    ) -> None:
        version = self.versions.get(id(value), -1)
        right = -1 if statement is None else self.latest.get(statement.value, -1)
        parts: Any = {"statement": statement, "path": key[1], "children": [right]}
        if version >= 0 and not same_values(self.contents[id(value)], array):
            self._add(value, array, previous=version, **parts)
        elif self.bindings.get(key) != id(value):
            if (
                statement is not None
                and version < 0
                and statement.operation in NUMBER_SUMS
                and statement.target == key[1]
            ):
                parts["previous"] = self.versions.get(self.bindings.get(key, -1), -1)
            self._add(value, array, source=version, **parts)
        self.bindings[key] = id(value)

    def statement(self, number: int) -> None:
        """End of a statement."""
        if self.recording:
            self._scan(sys._getframe(1), self.script.statements[number])

    def _note(self, number: int, value: Any, **parts: Any) -> Any:
        """Note the value of an expression; return it."""
        array = as_array(value)
        if array is None:
            self.latest[number] = -1
            return value
        node = self.script.nodes[number]
        children = [self.latest.get(child, -1) if child >= 0 else -1 for child in node.children]
        source = self.versions.get(id(value), -1)
        event = self._add(value, array, node=node, children=children, source=source, **parts)
        self.latest[number] = event.index
        return value

    def value(self, number: int, value: Any) -> Any:
        """An expression has this value."""
        return self._note(number, value) if self.recording else value

    def item(self, number: int, owner: Any, index: Any) -> Any:
        """A subscript."""
        value = owner[index]
        return self._note(number, value, subscript=index) if self.recording else value

    def call(self, number: int, function: Any, *arguments: Any, **keywords: Any) -> Any:
        """A call."""
        value = function(*arguments, **keywords)
        if not self.recording:
            return value
        return self._note(number, value, function=function, arguments=arguments, keywords=keywords)


def variable_name(events: list[Event], index: int) -> str:
    """Return what the script calls the value of an event: the variable bound to it, else its source."""
    event = events[index]
    if event.node is None:
        return event.path
    if event.node.operation == "name" or event.node.operation.startswith(("attribute:", "item")):
        return event.node.text
    for later in events[index + 1 :]:
        if later.identity == event.identity and later.node is None:
            return later.path
    return event.node.text

"""What is said of a script."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

RIGHT, WRONG, UNCHECKED = "right", "wrong", "unchecked"


@dataclass
class ScriptVerdict:
    """The answer.

    Attributes
    ----------
    status : str
        RIGHT, WRONG or UNCHECKED.
    cause : str
        The name of the message.
    line : int
        The first wrong line; 0 if there is none.
    text : str
        Its source.
    values : dict
        What the message says: names, numbers, shapes.
    entries : list of (str, float, float)
        An entry, the value that it has, the value that it should have.
    notes : list of str
        Names of further messages.
    """

    status: str
    cause: str
    line: int = 0
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    entries: list[tuple[str, float, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return asdict(self)

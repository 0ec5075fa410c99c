"""What `fit` refuses once it has read the table, before it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twolayer.comparing import Split
    from twolayer.tables import Data, Encoder


def weightless(data: Data, parts: Split) -> None:
    """Raise if no row of a part has any weight."""
    from twolayer.errors import InputError

    for rows, part in ((parts.train, "training"), (parts.test, "the test")):
        if data.weights is not None and not data.weights[rows].any():
            raise InputError(
                f"{data.table.path}: no row kept for {part} has a weight above 0: choose another --seed or --test-size"
            )


def nothing(encoder: Encoder, data: Data) -> None:
    """Raise if no column is left to learn from."""
    from twolayer.errors import InputError
    from twolayer.tables import reasons

    if not encoder.features():
        raise InputError(
            f"{data.table.path}: no column is left to learn from: {'; '.join(reasons(encoder))}"
        )


def control_characters(encoder: Encoder, data: Data) -> None:
    """Raise if a name or a class would steer a terminal: no model file may hold it."""
    from twolayer import checks
    from twolayer.errors import InputError
    from twolayer.saving.description import steers_a_terminal

    words = [*encoder.columns, *data.target.names]
    words += [word for kinds in encoder.categories.values() for word in kinds]
    if data.target.task == "classification":
        words += [str(one) for one in set(data.target.values.tolist())]
    for word in words:
        if steers_a_terminal(word):
            raise InputError(
                f"{data.table.path}: {checks.shown(word)} holds a control character: take it out of the file"
            )

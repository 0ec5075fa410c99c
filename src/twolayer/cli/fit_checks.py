"""What `fit` refuses once it has read the table, before it trains."""

from __future__ import annotations

from twolayer import checks
from twolayer.errors import InputError
from twolayer.evaluation.splits import TrainTestSplit
from twolayer.saving.schema import has_control_characters
from twolayer.tables import Dataset, Encoder, left_out_reasons


def check_part_weights(data: Dataset, parts: TrainTestSplit) -> None:
    """Raise if no row of a part has any weight."""

    for rows, part in ((parts.train, "training"), (parts.test, "the test")):
        if data.weights is not None and not data.weights[rows].any():
            raise InputError(
                f"{data.table.path}: no row kept for {part} has a weight above 0: choose another --seed or --test-size"
            )


def check_inputs_left(encoder: Encoder, data: Dataset) -> None:
    """Raise if no column is left to learn from."""

    if not encoder.features():
        raise InputError(
            f"{data.table.path}: no column is left to learn from: {'; '.join(left_out_reasons(encoder))}"
        )


def check_control_characters(encoder: Encoder, data: Dataset) -> None:
    """Raise if a name or a class would steer a terminal: no model file may hold it."""

    words = [*encoder.columns, *data.target.names]
    words += [word for kinds in encoder.categories.values() for word in kinds]
    if data.target.task == "classification":
        words += [str(one) for one in set(data.target.values.tolist())]
    for word in words:
        if has_control_characters(word):
            raise InputError(
                f"{data.table.path}: {checks.short_repr(word)} holds a control character: take it out of the file"
            )

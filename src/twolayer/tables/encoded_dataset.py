"""A dataset as a fit takes it: split into training and test rows, and encoded by what the training rows hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twolayer import checks
from twolayer.errors import InputError
from twolayer.evaluation.splits import TrainTestSplit, train_test_rows
from twolayer.tables.dataset import Dataset
from twolayer.tables.encoder import Encoder, EncodingReport, left_out_reasons
from twolayer.text import has_control_characters


@dataclass(frozen=True, eq=False)
class EncodedDataset:
    """A dataset with its split and its encoded inputs.

    Attributes
    ----------
    data : Dataset
    parts : TrainTestSplit
    encoder : Encoder
        Fitted to the training rows.
    x : ndarray or sparse array, shape (n_rows, n_inputs)
        All rows, encoded.
    notes : list of str
        What the user should know of the values that were filled in.
    """

    data: Dataset
    parts: TrainTestSplit
    encoder: Encoder
    x: Any
    notes: list[str]


def encode_dataset(data: Dataset, test_size: float, seed: int) -> EncodedDataset:
    """Return the dataset, split and encoded.

    Raises
    ------
    InputError
        If a part would be too small or without weight, no column is left, or a name would steer a terminal.
    """
    parts = train_test_rows(
        data.target.values,
        test_size,
        seed,
        classifies=data.target.task == "classification",
        name=data.target.name,
        groups=data.groups,
        order=data.order,
    )
    check_part_weights(data, parts)
    encoder = Encoder.fit(data.table, data.kinds, parts.train)
    found = EncodingReport()
    x = encoder.encode(data.table, found)
    if not encoder.features():
        raise InputError(
            f"{data.table.path}: no column is left to learn from: {'; '.join(left_out_reasons(encoder))}"
        )
    check_control_characters(encoder, data)
    return EncodedDataset(data, parts, encoder, x, found.sentences())


def check_part_weights(data: Dataset, parts: TrainTestSplit) -> None:
    """Raise if no row of a part has any weight."""

    for rows, part in ((parts.train, "training"), (parts.test, "the test")):
        if data.weights is not None and not data.weights[rows].any():
            raise InputError(
                f"{data.table.path}: no row kept for {part} has a weight above 0: choose another --seed or --test-size"
            )


def check_control_characters(encoder: Encoder, data: Dataset) -> None:
    """Raise if a name or a class would steer a terminal: no model file may hold it."""

    words = [*data.table.names, *data.target.names]
    words += [word for kinds in encoder.categories.values() for word in kinds]
    if data.target.task == "classification" and data.target.values.ndim == 1:
        words += [str(one) for one in set(data.target.values.tolist())]
    for word in words:
        if has_control_characters(word):
            raise InputError(
                f"{data.table.path}: {checks.short_repr(word)} holds a control character: take it out of the file"
            )

"""A saved model beside the table it is asked about: its columns found by name, its inputs made."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twolayer import tables
from twolayer.errors import InputError
from twolayer.evaluation.training_range import OutsideRows, TrainingRange
from twolayer.saving.model_file import read_model
from twolayer.tables import Encoder, EncodingReport, Table, check_model_columns

RANGE_NUMBERS = ("usual_excess", "largest_distance", "lowest_mean", "highest_mean")


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A fitted estimator from a file.

    Attributes
    ----------
    path : Path
    estimator : fitted estimator
    encoder : Encoder or None
        None for a model saved from Python, which takes its columns as they are.
    about : dict
        What `twolayer fit` wrote beside it.
    """

    path: Path
    estimator: Any
    encoder: Encoder | None
    about: dict[str, Any]

    @property
    def classifies(self) -> bool:
        return hasattr(self.estimator, "classes_")

    @property
    def several_labels(self) -> bool:
        """Whether it tells of each of several labels whether a row has it, rather than one class a row."""
        return getattr(self.estimator, "several_labels_", False)

    @property
    def targets(self) -> list[str]:
        """The columns it learned, as far as the file says."""
        target = self.about.get("target")
        if isinstance(target, str):
            return [target]
        return [str(name) for name in target] if isinstance(target, list) else []

    @property
    def ids(self) -> list[str]:
        """The columns that name the rows."""
        return [] if self.encoder is None else self.encoder.ids

    def texts(self) -> list[str]:
        """The columns to be read as text, if they are there."""
        return [] if self.encoder is None else [*self.encoder.texts, *self.encoder.ids]

    def inputs(self, table: Table, found: EncodingReport) -> Any:
        """The model's inputs for the rows of a table."""
        if self.encoder is not None:
            return self.encoder.encode(table, found, str(self.path))
        return table.inputs(self.columns(table))

    def completed(self, table: Table, fill: bool, found: EncodingReport) -> Table:
        """The table with the columns that it lacks, of what stands in for missing values, if they are to be filled in.

        Raises
        ------
        InputError
            If it lacks columns, and they are not or cannot be filled in.
        """
        if self.encoder is None:
            if fill:
                raise InputError(
                    f"--fill-missing-columns needs a model that `twolayer fit` saved: {self.path} was saved without the "
                    "medians of its columns"
                )
            return table
        if fill:
            return self.encoder.completed(table, str(self.path), found)
        check_model_columns(
            table,
            self.encoder.columns,
            str(self.path),
            "; `twolayer predict --fill-missing-columns` puts the medians of the training rows there",
        )
        return table

    def columns(self, table: Table) -> list[str]:
        """The table's columns that are taken, in the model's order."""
        if self.encoder is not None:
            return self.encoder.columns
        known = getattr(self.estimator, "feature_names_in_", None)
        if known is None:
            if len(table.names) != self.estimator.n_features_in_:
                raise InputError(
                    f"{self.path} takes {self.estimator.n_features_in_} columns, whose names it was not told, and "
                    f"{table.path} has {len(table.names)}: give it exactly those"
                )
            return table.names
        check_model_columns(table, list(known), str(self.path))
        return list(known)

    def input_names(self) -> list[str]:
        """The name of every input."""
        if self.encoder is not None:
            return self.encoder.features()
        names = getattr(self.estimator, "feature_names_in_", None)
        if names is None:
            return [f"x{j + 1}" for j in range(self.estimator.n_features_in_)]
        return [str(name) for name in names]

    def outside_rows(self) -> OutsideRows:
        """A count of rows that lie far outside those of training; it stays 0 if the file does not say where these lay."""
        kept = (self.about.get("training") or {}).get("ranges")
        ranges = None
        if kept:
            more = {name: kept[name] for name in RANGE_NUMBERS if kept.get(name) is not None}
            ranges = TrainingRange(np.array(kept["low"]), np.array(kept["high"]), **more)
        return OutsideRows(ranges, self.input_names())

    def asked(self, method: str, x: np.ndarray, **more: Any) -> Any:
        """What the estimator answers."""
        from twolayer.estimators.uncertainty.class_sets import FEW_ROWS
        from twolayer.estimators.uncertainty.predictive_spread import (
            CONSTANT_WIDTH,
            FEW_RESIDUALS,
        )

        with warnings.catch_warnings():
            # the names have been checked, and only an array is handed on
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            for sentence in (FEW_RESIDUALS, CONSTANT_WIDTH, FEW_ROWS):  # a command says it once
                warnings.filterwarnings("ignore", f".*{sentence}")
            return getattr(self.estimator, method)(x, **more)


def open_model(path: Path) -> SavedModel:
    """The model in a file.

    Raises
    ------
    FileError, InputError
        If the file cannot be read, or holds no fitted estimator.
    """
    estimator, about = read_model(path)
    if not hasattr(estimator, "predict"):
        raise InputError(
            f"{path} holds {type(estimator).__name__}, which are weights only: "
            "what is wanted is a model that `twolayer fit`, or an estimator, saved"
        )
    encoder = None
    if "encoder" in about:
        encoder = tables.Encoder.from_json(about["encoder"], estimator.n_features_in_, path)
    return SavedModel(path, estimator, encoder, about)

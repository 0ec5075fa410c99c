"""What a report is about: a fitted model, rows with known targets, and what was answered for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer import comparing


@dataclass(frozen=True, eq=False)
class Answers:
    """What one model says of the rows.

    Attributes
    ----------
    y_pred : ndarray, shape (n_rows,) or (n_rows, n_outputs)
    probabilities : ndarray, shape (n_rows, n_classes), or None for numbers
    """

    y_pred: np.ndarray
    probabilities: np.ndarray | None = None

    @classmethod
    def of(cls, model: Any, x: Any, classifies: bool) -> Answers:
        """Ask a model."""
        return cls(np.asarray(model.predict(x)), model.predict_proba(x) if classifies else None)


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    Attributes
    ----------
    model : fitted estimator
    x : ndarray, shape (n_rows, n_inputs)
        The rows that are scored.
    y : ndarray, shape (n_rows,) or (n_rows, n_outputs)
    weights : ndarray, shape (n_rows,), or None
    inputs : list of str
        The names of the columns of x.
    sources : list of str
        The column of the table that each was made from.
    targets : list of str
    answers : dict
        Of the network, and of its rivals as far as they could be asked: name -> Answers.
    held_out : bool or None
        Whether the model was trained without these rows; None if that is not known.
    x_train, y_train : ndarray or None
        The rows of training, if they are known.
    course : dict or None
        What was seen of the training now and then, if that is known; see `twolayer.inspection.course`.
    """

    model: Any
    x: Any
    y: np.ndarray
    weights: np.ndarray | None
    inputs: list[str]
    sources: list[str]
    targets: list[str]
    answers: dict[str, Answers]
    held_out: bool | None = None
    x_train: Any = None
    y_train: np.ndarray | None = None
    course: dict[str, np.ndarray] | None = None

    @property
    def classes(self) -> Any:
        """The classes, or None for numbers."""
        return getattr(self.model, "classes_", None)

    @property
    def classifies(self) -> bool:
        return self.classes is not None

    @property
    def network(self) -> Answers:
        return self.answers[comparing.NETWORK]

    @property
    def target(self) -> str:
        """The name of what is predicted."""
        return ", ".join(self.targets) or "target"

    @property
    def rows_in_words(self) -> str:
        """Which rows these are."""
        count = f"{len(self.y):,} row{'s' * (len(self.y) != 1)}"
        return f"{count} that it never saw" if self.held_out else f"{count} of the table"

    def confusion(self) -> np.ndarray:
        """Rows of each class (axis 0) by what was predicted (axis 1)."""
        places = (np.searchsorted(self.classes, part) for part in (self.y, self.network.y_pred))
        counts = np.zeros((len(self.classes),) * 2, dtype=int)
        np.add.at(counts, tuple(places), 1)
        return counts

    def column(self, output: int) -> tuple[np.ndarray, np.ndarray]:
        """The truth and the prediction of one output, (n_rows,) each."""
        y, y_pred = (part.reshape(len(self.y), -1) for part in (self.y, self.network.y_pred))
        return y[:, output], y_pred[:, output]

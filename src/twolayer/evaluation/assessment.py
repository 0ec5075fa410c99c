"""A fitted model and rows with known targets: its predictions for them, and those of the baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.evaluation.baselines import (
    CONSTANT,
    LINEAR,
    NETWORK,
    best_constant,
    fit_linear_model,
)
from twolayer.evaluation.predictions import NO_LABEL, YES_LABEL, Predictions, label_words
from twolayer.evaluation.splits import TrainTestSplit
from twolayer.text import plural

SAME_PREDICTION_SHARE = 1e-3  # of a probability, or of the range of the targets


@dataclass(frozen=True, eq=False)
class Assessment:
    """The subject of a report: a model, the rows it is scored on, and the predictions for them.

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
        Model -> Predictions: of the network, and of the baselines that there are.
    held_out : bool or None
        Whether the model was trained without these rows; None if that is not known.
    x_train, y_train : ndarray or None
        The rows of training, if they are known.
    train_rows : ndarray of int, or None
        Their numbers in the table.
    course : dict or None
        The training history, if it is known; see `twolayer.inspection.training_history`.
    output : int or None
        Which of several targets this is about; None for all, or the only one.
    groups : ndarray, shape (n_rows,), or None
        Rows that belong together, such as those of a patient.
    grouped_by : str
        The column of the groups.
    n_markers : int
        So many of the last columns of x say where values were missing.
    weighted_by : str
        The column of the weights.
    weights_train : ndarray or None
        The weights of the rows of training.
    """

    model: Any
    x: Any
    y: np.ndarray
    weights: np.ndarray | None
    inputs: list[str]
    sources: list[str]
    targets: list[str]
    answers: dict[str, Predictions]
    held_out: bool | None = None
    x_train: Any = None
    y_train: np.ndarray | None = None
    train_rows: np.ndarray | None = None
    course: dict[str, np.ndarray] | None = None
    output: int | None = None
    groups: np.ndarray | None = None
    grouped_by: str = ""
    n_markers: int = 0
    weighted_by: str = ""
    weights_train: np.ndarray | None = None

    @property
    def classes(self) -> Any:
        """The classes, or None for numbers; of one of several labels, no and yes."""
        classes = getattr(self.model, "classes_", None)
        return (
            np.array([NO_LABEL, YES_LABEL])
            if classes is not None and self.output is not None
            else classes
        )

    @property
    def classifies(self) -> bool:
        return self.classes is not None

    @property
    def network(self) -> Predictions:
        return self.answers[NETWORK]

    @property
    def target(self) -> str:
        """The name of the target, or of all targets."""
        return ", ".join(self.targets) or "target"

    @property
    def rows_in_words(self) -> str:
        """The number of rows, and where they are from."""
        count = plural(len(self.y), "row")
        if self.groups is not None:
            count += f" of {self.groups_in_words}"
        return f"{count} that it never saw" if self.held_out else f"{count} of the table"

    @property
    def row_weights(self) -> np.ndarray:
        """The weight of each row, 1 where none are given."""
        return np.ones(len(self.y)) if self.weights is None else self.weights

    @property
    def is_weighted(self) -> bool:
        """Whether some rows count more than others."""
        return bool(np.ptp(self.row_weights) > 0)

    @property
    def n_equal_rows(self) -> float:
        """The number of rows of equal weight whose mean varies as much as the weighted mean of these does."""
        s = self.row_weights / self.row_weights.max()
        return float(s.sum() ** 2 / np.square(s).sum())

    @property
    def weight_in_words(self) -> str:
        """What a share is a share of where rows are weighted: the weight, and its column."""
        return f"the weight ('{self.weighted_by}')" if self.weighted_by else "the weight"

    def weight_sentences(self) -> list[str]:
        """Return a sentence that rows are weighted, and how many equal ones they are worth, if they are."""
        if not self.is_weighted:
            return []
        column = f" ('{self.weighted_by}')" if self.weighted_by else ""
        return [
            f"Each row counts by its weight{column} in every score: {plural(len(self.y), 'row')} of these weights tell as "
            f"much as {self.n_equal_rows:,.1f} of equal weight."
        ]

    @property
    def n_units(self) -> int:
        """The number of independent units: of rows, or of groups."""
        return len(self.y) if self.groups is None else len(np.unique(self.groups))

    @property
    def groups_in_words(self) -> str:
        """The number of groups of these rows, and their column."""
        return f"{plural(self.n_units, 'group')} ('{self.grouped_by}')"

    def confusion(self, weighted: bool = False) -> np.ndarray:
        """Return the number of rows, or their weight, of each class (axis 0) by the predicted class (axis 1)."""
        places = (np.searchsorted(self.classes, part) for part in (self.y, self.network.y_pred))
        amounts = self.row_weights if weighted else np.ones(len(self.y), dtype=int)
        counts = np.zeros((len(self.classes),) * 2, dtype=amounts.dtype)
        np.add.at(counts, tuple(places), amounts)
        return counts

    @property
    def several(self) -> bool:
        """Whether there are several targets per row."""
        return self.y.ndim == 2

    def parts(self) -> list[Assessment]:
        """Return an assessment of each target by itself; of a single target, this one."""
        return [self._part(k) for k in range(self.y.shape[1])] if self.several else [self]

    def _part(self, output: int) -> Assessment:
        own = label_words if self.classifies else np.asarray
        return replace(
            self,
            y=own(self.y[:, output]),
            targets=[self.names[output]],
            answers={name: one.output(output) for name, one in self.answers.items()},
            y_train=None if self.y_train is None else own(self.y_train[:, output]),
            output=output,
        )

    @property
    def names(self) -> list[str]:
        """The name of each of several targets."""
        count = self.y.shape[1]
        return self.targets if len(self.targets) == count else [f"y{k + 1}" for k in range(count)]

    @property
    def only_class(self) -> Any:
        """The class of all rows, if they have one class only; else None."""
        if not self.classifies or self.several or len(np.unique(self.y)) > 1:
            return None
        return self.y[0]

    @property
    def says_the_same(self) -> bool:
        """Whether the predictions hardly differ from row to row, so that no input can matter."""
        p = self.network.probabilities
        if p is not None:
            return bool(np.ptp(p, axis=0).max() <= SAME_PREDICTION_SHARE)
        y, y_pred = (part.reshape(len(self.y), -1) for part in (self.y, self.network.y_pred))
        return bool((np.ptp(y_pred, axis=0) <= SAME_PREDICTION_SHARE * np.ptp(y, axis=0)).all())

    @property
    def output_names(self) -> list[str]:
        """The name of each output of the network."""
        if self.several:
            return self.names
        if not self.classifies:
            return [self.target]
        names = [str(name) for name in self.classes]
        return names[1:] if self.model.w2_.shape[-1] == 1 else names

    def ask(self, x: Any) -> Predictions:
        """Return the network's predictions for other rows, of the same target."""
        answers = Predictions.of(self.model, x, self.classifies)
        return answers if self.output is None else answers.output(self.output)


def assess(
    model: Any,
    x: Any,
    y: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    **names: Any,
) -> Assessment:
    """Return an assessment of the model on all of these rows, with the constant that is best for them as the baseline.

    Parameters
    ----------
    model : fitted estimator
    x : array or SciPy sparse array, shape (n_rows, n_inputs)
    y : ndarray, shape (n_rows,) or (n_rows, n_outputs)
    weights, groups : ndarray, shape (n_rows,), or None
    **names
        What `Assessment` takes: inputs, sources, targets, grouped_by, weighted_by, n_markers.
    """
    classes = getattr(model, "classes_", None)
    answers = {
        NETWORK: Predictions.of(model, x, classes is not None),
        CONSTANT: best_constant(y, classes, weights),
    }
    return Assessment(model, x, y, weights, answers=answers, groups=groups, **names)


def assess_test_rows(
    model: Any,
    x: Any,
    y: np.ndarray,
    parts: TrainTestSplit,
    *,
    weights: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    **names: Any,
) -> Assessment:
    """Return an assessment of the model on the test rows, with both baselines, of which the linear model is fitted here.

    The parameters are those of `assess`; `parts` holds the numbers of the test rows.
    """
    test = parts.test
    linear = fit_linear_model(x, y, parts, classifies=hasattr(model, "classes_"), weights=weights)
    assessment = assess(
        model,
        x[test],
        y[test],
        weights=None if weights is None else weights[test],
        groups=None if groups is None else groups[test],
        **names,
    )
    network, constant = assessment.answers[NETWORK], assessment.answers[CONSTANT]
    baseline = Predictions.of(linear, x[test], assessment.classifies)
    return replace(
        assessment,
        answers={NETWORK: network, LINEAR: baseline, CONSTANT: constant},
        held_out=True,
        x_train=x[parts.train],
        y_train=y[parts.train],
        train_rows=parts.train,
        weights_train=None if weights is None else weights[parts.train],
    )

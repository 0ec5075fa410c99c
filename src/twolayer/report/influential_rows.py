"""The table of the training rows, or groups of them, that the model rests on most."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from twolayer.errors import InputError, TwoLayerWarning
from twolayer.estimators.uncertainty.influence import Influence
from twolayer.evaluation.assessment import Assessment
from twolayer.saving.labelled_rows import LabelledRows
from twolayer.saving.saved_model import SavedModel
from twolayer.text import plural, single_line

MAX_INFLUENCE_ROWS = 3000  # of training: they take five seconds
TOP_PARTS = 5
ROUGH_LEVERAGE = 0.5  # mean of an output; above it, one step of Newton's method is rough


@dataclass(frozen=True, eq=False)
class ReportTable:
    """A section of the page: a table below a title, and what to say of it. The cells are text."""

    title: str
    head: list[str]
    rows: list[list[str]]
    notes: list[str]


def influence_table(
    known: SavedModel, rows: LabelledRows, subject: Assessment
) -> ReportTable | None:
    """Return the most influential rows of training; None if these are not known, or nothing follows in closed form."""
    train = subject.train_rows
    if train is None or len(train) > MAX_INFLUENCE_ROWS or subject.model.loss_function_.has_link:
        return None
    groups, weights = (None if one is None else one[train] for one in (rows.groups, rows.weights))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", TwoLayerWarning)
        try:
            found = subject.model.influence(
                subject.x_train, subject.y_train, groups=groups, sample_weight=weights
            )
        except InputError:
            return None
    grouped = groups is not None
    names = [str(one) for one in found.labels] if grouped else row_names_of(known, rows, train)
    columns, note = own_columns(subject, found)
    all_rows = change_of_all(subject, found)
    top = [k for k in found.order[:TOP_PARTS].tolist() if np.isfinite(all_rows[k])]
    lines = []
    for k in top:
        own = found.parts == k
        cells = [single_line(names[k]), *([str(own.sum())] * grouped)]
        cells += [form(values[own].mean()) for _, values, form in columns]
        lines.append([*cells, number(all_rows[k])])
    what = f"groups ('{subject.grouped_by}')" if grouped else "rows"
    head = [subject.grouped_by or "group", "rows"] if grouped else ["row"]
    head += [name for name, _, _ in columns] + [unit_of_change(subject)]
    notes = notes_of(grouped, train, note)
    if said or found.leverage.mean() > ROUGH_LEVERAGE * subject.model.params_.n_outputs:
        notes.append(
            "The network follows its rows of training closely, and so these numbers are rough: another training may give "
            "others."
        )
    return ReportTable(f"The most influential {what}", head, lines, notes)


def row_names_of(known: SavedModel, rows: LabelledRows, train: np.ndarray) -> list[str]:
    """Return the name of each row of training: by the column that names the rows, or else its line or number."""
    for name in known.ids:
        if name in rows.table.names and len(set(words := rows.table.words(name))) == len(words):
            return [words[row] for row in train.tolist()]
    return [rows.table.where(row) for row in train.tolist()]


def own_columns(subject: Assessment, found: Influence) -> tuple[list, str]:
    """Return what a row's own prediction is with and without it, as (heading, values, format), and a note on it."""
    if subject.several:
        loss = "log loss" if subject.classifies else "squared error"
        unit = "" if subject.classifies else " The error is in squared standard deviations."
        pair = found.fitted_loss, found.left_out_loss
        if not subject.classifies:
            pair = 2 * pair[0], 2 * pair[1]  # the loss is half the squared error
        return [
            (f"its {loss}", pair[0], number),
            ("left out", pair[1], number),
        ], f"The {loss} is the sum over the targets.{unit}"
    if subject.classifies:
        return [
            ("probability of its class", np.exp(-found.fitted_loss), percent),
            ("left out", np.exp(-found.left_out_loss), percent),
        ], "A change of a logit by 0.1 moves a probability of 50% to 52.5%."
    y, y_pred = subject.y_train, subject.model.predict(subject.x_train)
    assert y is not None
    return [
        ("true value", y, number),
        ("prediction", y_pred, number),
        ("left out", y_pred + found.change_of_own, number),
    ], ""


def change_of_all(subject: Assessment, found: Influence) -> np.ndarray:
    """Return the change of the predictions for all rows in one number for each part, (n_parts,)."""
    changes = found.change_of_predictions
    if changes.ndim == 1:
        return changes
    if not subject.classifies:
        assert subject.y_train is not None
        spread = subject.y_train.std(axis=0)
        changes = changes / np.where(spread > 0, spread, 1)
    return np.sqrt(np.square(changes).mean(axis=1))


def unit_of_change(subject: Assessment) -> str:
    """Return the heading of the last column."""
    if subject.classifies:
        return "change of all logits"
    return (
        "change of all predictions, in standard deviations"
        if subject.several
        else ("change of all predictions")
    )


def notes_of(grouped: bool, train: np.ndarray, note: str) -> list[str]:
    """Return how to read the table."""
    what = "group" if grouped else "row"
    mean = "Of a group the means of its rows are shown. " * grouped
    count = plural(len(train), "row")
    return [
        f"Of the {count} of training, these change the model most. “Left out” is what the model would say of the {what} if "
        f"it had been trained without it. {mean}The last column is how much the predictions for all rows of training would "
        f"change (root mean square). {note}".strip(),
        f"A {what} that changes the model much need not be wrong. Check first whether its values are right.",
    ]


def number(value: float) -> str:
    """Return a number with four digits."""
    return f"{value:.4g}"


def percent(value: float) -> str:
    """Return a probability in percent."""
    return f"{value:.1%}"

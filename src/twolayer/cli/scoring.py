"""A saved model beside rows whose target is known, so that it can be scored: what `evaluate` and `report` begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from twolayer.cli.models import Model
    from twolayer.report import Answers, Subject
    from twolayer.tables import Asked, Table


@dataclass(frozen=True, eq=False)
class Known:
    """Rows with their truth, as the model takes them.

    Attributes
    ----------
    table : Table
    x : ndarray or sparse array, shape (n_rows, n_inputs)
    y : ndarray, shape (n_rows,), or (n_rows, n_outputs) for several targets
    weights : ndarray, shape (n_rows,), or None
    targets : tuple of str
    said : list of str
        What there is to say about the table and its columns.
    """

    table: Table
    x: Any
    y: np.ndarray
    weights: np.ndarray | None
    targets: tuple[str, ...]
    said: list[str]


def targets_of(model: Model, given: Any) -> tuple[str, ...]:
    """The columns with the truth: those that were named, or that the model's file names."""
    from twolayer.cli import options
    from twolayer.errors import InputError

    targets = options.several(given) or tuple(model.targets)
    if not targets:
        raise InputError(
            f"{model.path} was not told what it predicts: name the column with --target"
        )
    return targets


def known_rows(model: Model, asked: Asked) -> Known:
    """Read the table, and find the model's inputs and the truth in it."""
    from twolayer import tables

    rows, said = tables.table_of(asked)
    found = tables.Found()
    x = model.inputs(rows, found)
    y = truth(model, tables.with_targets(rows, asked.labels), asked.targets)
    weights = tables.weights_of(rows, asked.weights)
    return Known(rows, x, y, weights, asked.targets, [*said, *found.sentences()])


def named(model: Model, n_inputs: int) -> tuple[list[str], list[str]]:
    """The name of every input, and the column of the table that it was made from."""
    encoder = model.encoder
    if encoder is None:
        names = getattr(model.estimator, "feature_names_in_", None)
        names = [f"x{j + 1}" for j in range(n_inputs)] if names is None else [str(n) for n in names]
        return names, names
    sources = [*encoder.numbers, *encoder.booleans]
    sources += [name for name, levels in encoder.categories.items() for _ in levels]
    return encoder.features(), [*sources, *encoder.marked]


def bare(estimator: Any) -> Any:
    """The estimator without the names of its columns, which are checked before, as arrays are handed on.

    A single number is said as one, also if it was learned from a table with one column.
    """
    import copy

    estimator = copy.copy(estimator)
    estimator.__dict__.pop("feature_names_in_", None)
    if not hasattr(estimator, "classes_"):
        estimator._one_target = estimator.n_outputs_ == 1
    return estimator


def beside_a_constant(model: Model, known: Known) -> Subject:
    """All rows, with the answers of the model, and of the constant that is best for these very rows."""
    from twolayer import comparing
    from twolayer.report import Answers, Subject

    estimator = bare(model.estimator)
    inputs, sources = named(model, known.x.shape[1])
    answers = {
        comparing.NETWORK: Answers.of(estimator, known.x, model.classifies),
        comparing.CONSTANT: constant(known.y, getattr(estimator, "classes_", None), known.weights),
    }
    return Subject(
        estimator, known.x, known.y, known.weights, inputs, sources, list(known.targets), answers
    )


def constant(y: np.ndarray, classes: Any, s: Any) -> Answers:
    """What the best answer without inputs says of these rows, and its probabilities of classes."""
    import numpy as np

    from twolayer.report import Answers

    if classes is None:
        return Answers(np.zeros(y.shape) + np.average(y, axis=0, weights=s))
    if y.ndim == 2:
        shares = np.average(y, axis=0, weights=s)
        return Answers(
            np.tile((shares > 0.5).astype(int), (len(y), 1)), np.tile(shares, (len(y), 1))
        )
    shares = np.array([np.average(y == one, weights=s) for one in classes])
    return Answers(np.repeat(classes[shares.argmax()], len(y)), np.tile(shares, (len(y), 1)))


def truth(model: Model, table: Table, targets: tuple[str, ...]) -> np.ndarray:
    """The targets as the model would say them."""
    from twolayer.errors import InputError
    from twolayer.tables import listed
    from twolayer.tables.target import refuse_gaps

    for name in targets:
        refuse_gaps(table, name)
    if model.classifies and not model.several_labels:
        if len(targets) > 1:
            raise InputError(f"{model.path} predicts one class a row: name one --target")
        return classes_in(model, table, targets[0])
    n_outputs = int(model.estimator.w2_.shape[-1])
    if len(targets) != n_outputs:
        what = "labels" if model.several_labels else "numbers"
        raise InputError(
            f"{model.path} predicts {n_outputs} {what} a row, and {len(targets)} columns were named: {listed(targets)}"
        )
    if model.several_labels:
        return labels_in(model, table, targets)
    y = table.inputs(targets)
    return y[:, 0] if n_outputs == 1 else y


def classes_in(model: Model, table: Table, name: str) -> np.ndarray:
    """The class of each row, of those that the model knows."""
    import numpy as np

    from twolayer.errors import InputError
    from twolayer.tables import listed
    from twolayer.tables.table import number

    classes = model.estimator.classes_
    place = {str(one): k for k, one in enumerate(classes.tolist())}
    by_number = {number(word): k for word, k in place.items() if number(word) is not None}
    found = []
    for row, word in enumerate(table.words(name)):
        k = place.get(word, by_number.get(number(word)))
        if k is None:
            raise InputError(
                f"{table.path}: {table.where(row)} has {word!r} in column '{name}', which is no class of "
                f"{model.path}: {listed(list(place))}"
            )
        found.append(k)
    return classes[np.array(found, dtype=int)]


def labels_in(model: Model, table: Table, names: tuple[str, ...]) -> np.ndarray:
    """0 and 1, a column for each label."""
    import numpy as np

    from twolayer.errors import InputError
    from twolayer.tables.columns import NO, YES
    from twolayer.tables.table import number

    columns = []
    for name in names:
        words = table.words(name)
        for row, word in enumerate(words):
            if number(word) not in (0, 1) and word.strip().lower() not in YES | NO:
                raise InputError(
                    f"{table.path}: {table.where(row)} has {word!r} in column '{name}', where {model.path}, which predicts "
                    "several labels a row, needs 0 or 1, or no or yes"
                )
        columns.append([number(word) == 1 or word.strip().lower() in YES for word in words])
    return np.array(columns, dtype=int).T

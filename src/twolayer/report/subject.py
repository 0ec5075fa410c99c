"""What a report is about: a saved model on the rows that are scored, and what its predictions lose without each input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.errors import InputError
from twolayer.evaluation.assessment import Assessment, assess, assess_test_rows
from twolayer.inspection import importances
from twolayer.inspection.linear_share import linear_share
from twolayer.inspection.model_facts import training_spreads
from twolayer.inspection.weights import network_spreads
from twolayer.report.figures import can_shuffle
from twolayer.saving.labelled_rows import (
    LabelledRows,
    assessment_names,
    has_fit_row_count,
    recovered_split,
)
from twolayer.saving.saved_model import SavedModel

MAX_SHUFFLED_ROWS = 1000  # more rows say little more about which inputs matter
MAX_DENSE_CELLS = 50_000_000  # of a sparse table that is made an array, 400 MB


def assess_model(model: SavedModel, rows: LabelledRows) -> tuple[Assessment, str]:
    """Return the model beside the rows to score, with its baselines' answers; and in words which rows these are."""
    if len(rows.y) < 2:
        raise InputError(
            f"{rows.table.path} has one row only: a report needs two at least, better 50"
        )
    rows = replace(rows, x=dense_table(rows.x))
    estimator = model.estimator.without_feature_names()
    more: dict[str, Any] = {
        "weights": rows.weights,
        "groups": rows.groups,
        "course": stored_history(model),
        **assessment_names(model, rows),
    }
    parts = recovered_split(model, rows)
    count = f"{len(rows.y):,}"
    if parts is None:
        note = possible_options_note(model, rows)
        found = assess(estimator, rows.x, rows.y, **more)
        return found, f"all {count} rows, of which the model may know some{note}"
    found = assess_test_rows(estimator, rows.x, rows.y, parts, **more)
    return found, f"the {len(parts.test):,} rows that the fit kept for the test, of {count}"


def possible_options_note(model: SavedModel, rows: LabelledRows) -> str:
    """What may be missing where the rows could be those of the fit."""
    if not has_fit_row_count(model, rows):
        return ""
    return (
        " (they are as many as the fit had: if this is its table, give it as the fit was given it, with its --groups, "
        "--time or --weights)"
    )


def stored_history(known: SavedModel) -> Any:
    """What the fit saw of its training, as arrays by name; None if the file does not say."""
    kept = known.about.get("training")
    course = kept.get("course") if isinstance(kept, dict) else None
    if not isinstance(course, dict):
        return None
    names = ("steps", "gradient_norms", "update_sizes")
    try:
        arrays = {name: np.array(course[name], dtype=np.float64) for name in names}
    except (KeyError, TypeError, ValueError):
        return None
    steps, norms, sizes = arrays.values()
    fits = norms.ndim == 2 and norms.shape == sizes.shape and steps.shape == norms.shape[:1]
    return arrays if fits and np.isfinite(steps).all() and np.isfinite(norms).any() else None


def dense_table(x: Any) -> Any:
    """A sparse table as an array, if that is not too large."""
    if not is_sparse(x):
        return x
    if x.shape[0] * x.shape[1] > MAX_DENSE_CELLS:
        raise InputError(
            f"the table has {x.shape[0]:,} rows and {x.shape[1]:,} columns, too many for a report, which needs them as an "
            "array: give it some of the rows"
        )
    return x.toarray()


def input_spreads(known: SavedModel, subject: Assessment) -> np.ndarray:
    """The standard deviation of every input as each network sees it: in training if the file says, else on these rows."""
    spreads = training_spreads(known)
    return network_spreads(subject.model, subject.x) if spreads is None else spreads


def linear_sentences(subject: Assessment) -> list[str]:
    """How linear the model is, on all rows that are known."""
    x = subject.x if subject.x_train is None else np.concatenate([subject.x_train, subject.x])
    names = subject.names if subject.several else subject.targets
    return linear_share(subject.model, x).sentences(names, subject.classifies)


def shuffled_importances(
    subject: Assessment, repeats: int, seed: int, progress: Callable[[int, int], None]
) -> importances.Importances | None:
    """What predictions lose without each input, on these rows or some of them; None if it cannot be asked."""
    if not can_shuffle(subject):
        return None
    chosen = np.arange(len(subject.y))
    if len(chosen) > MAX_SHUFFLED_ROWS:
        chosen = np.random.default_rng(seed).choice(chosen, MAX_SHUFFLED_ROWS, replace=False)
    known = subject.x if subject.x_train is None else subject.x_train  # of more rows, if there are
    groups = importances.input_groups(
        subject.model, known[:MAX_SHUFFLED_ROWS], subject.sources, subject.n_markers
    )
    return importances.permutation_importances(
        subject.model,
        subject.x[chosen],
        subject.y[chosen],
        sample_weight=None if subject.weights is None else subject.weights[chosen],
        groups=groups,
        repeats=repeats,
        random_state=seed,
        progress=progress,
    )

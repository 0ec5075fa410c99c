"""`twolayer report`: a page about a saved model: how good it is, what to be careful about, and how it works."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twolayer import checks, saving
from twolayer._version import __version__
from twolayer.checks import is_sparse
from twolayer.cli import options, output_paths
from twolayer.cli.commands import inspect
from twolayer.cli.output import Output
from twolayer.errors import InputError
from twolayer.evaluation.assessment import Assessment, assess, assess_test_rows
from twolayer.evaluation.score_intervals import ScoreIntervals, score_intervals
from twolayer.evaluation.verdict import verdict
from twolayer.evaluation.warnings import score_warnings
from twolayer.inspection.weights import column_spreads
from twolayer.saving.labelled_rows import (
    LabelledRows,
    assessment_names,
    has_fit_row_count,
    labelled_rows,
    recovered_split,
    target_names,
)
from twolayer.saving.saved_model import SavedModel, open_model
from twolayer.tables import TableOptions
from twolayer.text import first_names

PAGE_NAME = "report.html"
MAX_SHUFFLED_ROWS = 1000  # more rows say little more about which inputs matter
MAX_DENSE_CELLS = 50_000_000  # of a sparse table that is made an array, 400 MB


def report(
    model: options.ModelPath,
    table: options.TablePath,
    out: Annotated[Path, typer.Option(help="Folder for the page and its pictures.")] = Path(
        "report"
    ),
    target: options.TruthNames = None,
    repeats: Annotated[int, typer.Option(help="Shuffles of each input, for importances.")] = 10,
    seed: Annotated[int, typer.Option(help="Of shuffles and resamples.")] = 0,
    labels: options.Labels = None,
    id_column: options.Id = None,
    weights: options.WeightsOption = None,
    groups: options.Groups = None,
    time: options.Time = None,
    drop_missing_target: options.DropMissingTarget = False,
    transpose: options.Transpose = False,
    delimiter: options.Delimiter = None,
    sheet: options.Sheet = None,
    labels_sheet: options.LabelsSheet = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> dict[str, Any]:
    """Write a page about a model: a verdict in plain words, warnings, and figures with captions.

    Give it the table the model was fitted on, with the same --groups or --time if there were any: the rows that `fit` kept
    for the test are found again, and scores are of those. Or give it a table with other rows, all of which are scored.
    Written are DIR/report.html, one file that needs no network, and its pictures as PNG files.
    """
    given = dict(locals())
    from twolayer import report as reports

    checks.whole_number(repeats, "--repeats")
    checks.whole_number(seed, "--seed", at_least=0)
    output_paths.check_writable(out)
    known = open_model(model)
    voice = Output(quiet, as_json)
    rows = labelled_rows(known, TableOptions.of({**given, "target": target_names(known, target)}))
    subject, how = assess_model(known, rows)
    voice.say(f"{rows.table.path}: {how}")
    sure = score_intervals(subject, seed)
    important = model_importances(subject, repeats, seed, voice)
    spoken = verdict(subject, sure)
    warnings = score_warnings(subject, sure, important)
    pictures = reports.report_figures(subject, important, input_spreads(known, subject))
    text = reports.html_page(
        f"{Path(model).name}",
        page_subject(subject, Path(str(rows.table.path)).name, how),
        spoken,
        warnings,
        subject,
        sure,
        settings_table(known),
        rows.notes,
        important,
        pictures,
        __version__,
    )
    contents = {Path(out) / PAGE_NAME: text.encode()}
    contents.update({Path(out) / f"{one.name}.png": one.png for one in pictures})
    output_paths.make_folder(out)
    saving.write_files(contents)
    for line in [
        "",
        spoken.headline,
        *spoken.sentences,
        *(f"  warning: {one}" for one in warnings),
        "",
        f"page      {Path(out) / PAGE_NAME}",
        f"pictures  {len(pictures)} beside it",
    ]:
        voice.say(line)
    results = {
        "model": model,
        "table": rows.table.path,
        "rows": len(subject.y),
        "held_out": subject.held_out,
        "standing": spoken.standing,
        "verdict": [spoken.headline, *spoken.sentences],
        "warnings": warnings,
        "scores": sure.scores,
        "ranges": sure.ranges,
        "gains": sure.gains,
        **scores_per_target(sure),
        "importances": importances_as_json(subject, important),
        "files": {
            "page": Path(out) / PAGE_NAME,
            "pictures": [f"{one.name}.png" for one in pictures],
        },
    }
    voice.result(results)
    return results


def page_subject(subject: Assessment, table: str, how: str) -> str:
    """What the page is about, in a line."""
    return f"A network that predicts {first_names(subject.targets)}, on {table}: {how}."


# ---- what it is about


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
    """The standard deviation of every input: in training if the file says, else on these rows."""

    kept = known.about.get("training")
    values = kept.get("spreads") if isinstance(kept, dict) else None
    if isinstance(values, list) and len(values) == len(subject.inputs):
        return np.array(values, dtype=np.float64)
    return column_spreads(subject.x)


def settings_table(known: SavedModel) -> list[tuple[str, str]]:
    """The data and settings, as `inspect` tells them."""

    facts = inspect.model_facts(known)
    rivals = ("linear model", "constant guess", "two-layer network")
    told = [*inspect.architecture_lines(known, facts), *inspect.column_lines(known)]
    told += [row for row in inspect.training_lines(known, facts) if row[0] not in rivals]
    settings = [("seed", str(known.about["seed"]))] if "seed" in known.about else []
    return [*told, *settings]


def scores_per_target(sure: ScoreIntervals) -> dict[str, Any]:
    """For programs: of several targets each one's scores."""
    if not sure.parts:
        return {}
    names = ("scores", "ranges", "gains")
    return {
        "targets": {
            target: {name: getattr(part, name) for name in names}
            for target, part in sure.parts.items()
        }
    }


# ---- importances


def model_importances(subject: Assessment, repeats: int, seed: int, voice: Output) -> Any:
    """What predictions lose without each input, on these rows or some of them; None if it cannot be asked."""

    from twolayer.inspection import importances
    from twolayer.report.figures import can_shuffle

    if not can_shuffle(subject):
        return None
    chosen = np.arange(len(subject.y))
    if len(chosen) > MAX_SHUFFLED_ROWS:
        chosen = np.random.default_rng(seed).choice(chosen, MAX_SHUFFLED_ROWS, replace=False)
    known = subject.x if subject.x_train is None else subject.x_train  # of more rows, if there are
    groups = importances.input_groups(subject.model, known[:MAX_SHUFFLED_ROWS], subject.sources)
    with voice.progress("importances") as progress:
        return importances.permutation_importances(
            subject.model,
            subject.x[chosen],
            subject.y[chosen],
            sample_weight=None if subject.weights is None else subject.weights[chosen],
            groups=groups,
            repeats=repeats,
            random_state=seed,
            progress=progress.to,
        )


def importances_as_json(subject: Assessment, found: Any) -> list[dict[str, Any]] | None:
    """For programs: the groups, the most important first."""

    if found is None:
        return None
    return [
        {
            "inputs": [subject.inputs[j] for j in found.groups[k]],
            "lost": found.mean[k],
            "range": [found.low[k], found.high[k]],
            "on_top": found.top_share[k],
            "unit": found.unit,
        }
        for k in np.argsort(-found.mean, kind="stable")
    ]

"""`twolayer report`: a page about a saved model: is it any good, what is there to worry about, and how does it work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twolayer.cli import options
from twolayer.cli.saying import Voice

if TYPE_CHECKING:
    import numpy as np

    from twolayer.cli.models import Model
    from twolayer.cli.scoring import Known
    from twolayer.report import Certainty, Subject

PAGE = "report.html"
MOST_ROWS_SHUFFLED = 1000  # more rows say little more about which inputs matter
MOST_CELLS = 50_000_000  # of a sparse table that is made an array, 400 MB


def report(
    model: options.ModelPath,
    table: options.TablePath,
    out: Annotated[Path, typer.Option(help="Folder for the page and its pictures.")] = Path(
        "report"
    ),
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target", help="The column with the truth; the model knows which, if `fit` saved it."
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Shuffles of each input, for importances.")] = 10,
    seed: Annotated[int, typer.Option(help="Of shuffles and resamples.")] = 0,
    labels: options.Labels = None,
    id_column: options.Id = None,
    weights: options.Weights = None,
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
    """Write a page about a model: a verdict in plain words, what to worry about, and pictures with how to read them.

    Give it the table the model was fitted on, with the same --groups or --time if there were any: the rows that `fit` kept
    for the test are found again, and scores are of those. Or give it a table with other rows, all of which are scored.
    Written are DIR/report.html, one file that needs no network, and its pictures as PNG files.
    """
    from twolayer import __version__, checks, saving
    from twolayer import report as reports
    from twolayer.cli import folders, scoring
    from twolayer.cli.models import opened

    checks.whole(repeats, "--repeats")
    checks.whole(seed, "--seed", at_least=0)
    folders.refuse_unwritable(out)
    known = opened(model)
    voice = Voice(quiet, as_json)
    asked = options.asked_of(
        table,
        scoring.targets_of(known, target),
        labels=labels,
        id_column=id_column,
        weights=weights,
        groups=groups,
        time=time,
        transpose=transpose,
        delimiter=delimiter,
        drop_missing_target=drop_missing_target,
        sheet=sheet,
        labels_sheet=labels_sheet,
    )
    rows = scoring.known_rows(known, asked)
    subject, how = subject_of(known, rows)
    voice.say(f"{rows.table.path}: {how}")
    sure = reports.certainty(subject, seed)
    important = importances_of(subject, repeats, seed, voice)
    spoken = reports.verdict(subject, sure)
    worried = reports.worries(subject, sure, important)
    pictures = reports.figures(subject, important, spread_of(known, subject))
    text = reports.page(
        f"{Path(model).name}",
        about(subject, Path(str(rows.table.path)).name, how),
        spoken,
        worried,
        subject,
        sure,
        settings_of(known),
        rows.said,
        important,
        pictures,
        __version__,
    )
    contents = {Path(out) / PAGE: text.encode()}
    contents.update({Path(out) / f"{one.name}.png": one.png for one in pictures})
    folders.make(out)
    saving.write_whole(contents)
    for line in [
        "",
        spoken.headline,
        *spoken.sentences,
        *(f"  worry: {one}" for one in worried),
        "",
        f"page      {Path(out) / PAGE}",
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
        "worries": worried,
        "scores": sure.scores,
        "ranges": sure.ranges,
        "gains": sure.gains,
        **of_each_target(sure),
        "importances": listed_importances(subject, important),
        "files": {"page": Path(out) / PAGE, "pictures": [f"{one.name}.png" for one in pictures]},
    }
    voice.result(results)
    return results


def about(subject: Subject, table: str, how: str) -> str:
    """What the page is about, in a line."""
    from twolayer.tables import listed

    return f"A network that predicts {listed(subject.targets)}, on {table}: {how}."


# ---- what it is about


def subject_of(model: Model, rows: Known) -> tuple[Subject, str]:
    """The model beside the rows to score, with its rivals' answers; and in words which rows these are."""
    from dataclasses import replace

    from twolayer import comparing, tables
    from twolayer.cli import scoring
    from twolayer.errors import InputError
    from twolayer.report import Answers

    if len(rows.y) < 2:
        raise InputError(
            f"{rows.table.path} has one row only: a report needs two at least, better 50"
        )
    rows = replace(rows, x=dense(rows.x))
    whole = replace(scoring.beside_a_constant(model, rows), course=course_of(model))
    x, y, s = whole.x, whole.y, whole.weights
    task = "classification" if model.classifies else "regression"
    target = tables.Target(whole.target, task, y, "")
    parts = scoring.split_again(model, rows)
    if parts is None:
        return whole, f"all {len(y):,} rows, of which the model may know some{perhaps(model, rows)}"
    models = {comparing.NETWORK: whole.model, **comparing.rivals(x, target, parts, s)}
    test = parts.test
    s_test = None if s is None else s[test]
    groups = None if rows.groups is None else rows.groups[test]
    answers = {name: Answers.of(one, x[test], model.classifies) for name, one in models.items()}
    # not that of the rows of training, which is easily beaten where the classes have other shares here
    answers[comparing.CONSTANT] = scoring.constant(
        y[test], getattr(model.estimator, "classes_", None), s_test
    )
    return replace(
        whole, x=x[test], y=y[test], weights=s_test, groups=groups, answers=answers, held_out=True,
        x_train=x[parts.train], y_train=y[parts.train],
    ), f"the {len(test):,} rows that the fit kept for the test, of {len(y):,}"  # fmt: skip


def perhaps(model: Model, rows: Known) -> str:
    """What may be missing where the rows could be those of the fit."""
    from twolayer.cli import scoring

    if not scoring.as_many(model, rows):
        return ""
    return (
        " (they are as many as the fit had: if this is its table, give it as the fit was given it, with its --groups, "
        "--time or --weights)"
    )


def course_of(known: Model) -> Any:
    """What the fit saw of its training, as arrays by name; None if the file does not say."""
    import numpy as np

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


def dense(x: Any) -> Any:
    """A sparse table as an array, if that is not too large."""
    from twolayer.checks import is_sparse
    from twolayer.errors import InputError

    if not is_sparse(x):
        return x
    if x.shape[0] * x.shape[1] > MOST_CELLS:
        raise InputError(
            f"the table has {x.shape[0]:,} rows and {x.shape[1]:,} columns, too many for a report, which needs them as an "
            "array: give it some of the rows"
        )
    return x.toarray()


def spread_of(known: Model, subject: Subject) -> np.ndarray:
    """The standard deviation of every input: in training if the file says, else on these rows."""
    import numpy as np

    from twolayer.inspection.weights import spreads

    kept = known.about.get("training")
    values = kept.get("spreads") if isinstance(kept, dict) else None
    if isinstance(values, list) and len(values) == len(subject.inputs):
        return np.array(values, dtype=np.float64)
    return spreads(subject.x)


def settings_of(known: Model) -> list[tuple[str, str]]:
    """The data and settings, as `inspect` tells them."""
    from twolayer.cli import inspect

    facts = inspect.facts_of(known)
    rivals = ("linear model", "constant guess", "two-layer network")
    told = [*inspect.architecture(known, facts), *inspect.columns(known)]
    told += [row for row in inspect.training(known, facts) if row[0] not in rivals]
    settings = [("seed", str(known.about["seed"]))] if "seed" in known.about else []
    return [*told, *settings]


def of_each_target(sure: Certainty) -> dict[str, Any]:
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


def importances_of(subject: Subject, repeats: int, seed: int, voice: Voice) -> Any:
    """What predictions lose without each input, on these rows or some of them; None if it cannot be asked."""
    import numpy as np

    from twolayer.inspection import importances
    from twolayer.report.figures import can_be_shuffled

    if not can_be_shuffled(subject):
        return None
    chosen = np.arange(len(subject.y))
    if len(chosen) > MOST_ROWS_SHUFFLED:
        chosen = np.random.default_rng(seed).choice(chosen, MOST_ROWS_SHUFFLED, replace=False)
    known = subject.x if subject.x_train is None else subject.x_train  # of more rows, if there are
    groups = importances.groups_of(subject.model, known[:MOST_ROWS_SHUFFLED], subject.sources)
    with voice.progress("importances") as progress:
        return importances.permutation(
            subject.model,
            subject.x[chosen],
            subject.y[chosen],
            sample_weight=None if subject.weights is None else subject.weights[chosen],
            groups=groups,
            repeats=repeats,
            random_state=seed,
            progress=progress.to,
        )


def listed_importances(subject: Subject, found: Any) -> list[dict[str, Any]] | None:
    """For programs: the groups, the most important first."""
    import numpy as np

    if found is None:
        return None
    return [
        {
            "inputs": [subject.inputs[j] for j in found.groups[k]],
            "lost": found.mean[k],
            "range": [found.low[k], found.high[k]],
            "on_top": found.on_top[k],
            "unit": found.unit,
        }
        for k in np.argsort(-found.mean, kind="stable")
    ]

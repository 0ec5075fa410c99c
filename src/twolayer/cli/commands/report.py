"""`twolayer report`: a page about a saved model: how good it is, what to be careful about, and how it works."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twolayer import checks, saving
from twolayer._version import __version__
from twolayer.cli import options, output_paths
from twolayer.cli.commands import inspect
from twolayer.cli.output import Output
from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.score_intervals import ScoreIntervals, score_intervals
from twolayer.evaluation.verdict import Verdict, verdict
from twolayer.evaluation.warnings import score_warnings
from twolayer.inspection.model_facts import model_facts
from twolayer.saving.labelled_rows import (
    LabelledRows,
    labelled_rows,
    target_names,
)
from twolayer.saving.saved_model import SavedModel, open_model
from twolayer.tables import TableOptions
from twolayer.text import first_names

PAGE_NAME = "report.html"
MANY_VALUES = 100_000  # of the table, from which each part of the work is announced


@options.with_layout
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
    layout: Any = None,
) -> dict[str, Any]:
    """Write a page about a model: a verdict in plain words, warnings, and figures with captions.

    Give it the table the model was fitted on, with the same --groups or --time if there were any: the rows that `fit` kept
    for the test are found again, and scores are of those. Or give it a table with other rows, all of which are scored.
    Written are DIR/report.html, one file that needs no network, and its pictures as PNG files.
    """
    given = options.given_options(dict(locals()))
    checks.whole_number(repeats, "--repeats")
    checks.whole_number(seed, "--seed", at_least=0)
    output_paths.check_writable(out)
    read = {"the model": Path(model), "the table": Path(table), "--labels": labels}
    output_paths.check_not_input([Path(out) / PAGE_NAME], read)
    known = open_model(model)
    output = Output(quiet, as_json)
    rows = labelled_rows(known, TableOptions.of({**given, "target": target_names(known, target)}))
    results = write_report(known, rows, Path(out), repeats, seed, output, read)
    output.result(results)
    return results


def write_report(
    known: SavedModel,
    rows: LabelledRows,
    out: Path,
    repeats: int,
    seed: int,
    output: Output,
    read: dict[str, Path | None],
) -> dict[str, Any]:
    """Write the page and its pictures over no file that was `read`, say the verdict; return the results for programs."""
    from twolayer import report as reports  # loads scikit-learn, which the help does not need

    is_large = rows.x.shape[0] * rows.x.shape[1] >= MANY_VALUES
    announced = Output(output.quiet or not is_large)
    announced.aside("predictions, and those of a linear model to compare with ...")
    subject, how = reports.assess_model(known, rows)
    output.say(f"{rows.table.path}: {how}")
    sure = score_intervals(subject, seed)
    announced.aside("importances of the inputs ...")
    with output.progress("importances") as progress:
        important = reports.shuffled_importances(subject, repeats, seed, progress.to)
    spoken = verdict(subject, sure)
    far = [line.removeprefix("warning: ") for line in rows.far_targets]
    warnings = [*far, *score_warnings(subject, sure, important)]
    announced.aside("pictures ...")
    pictures = reports.report_figures(subject, important, reports.input_spreads(known, subject))
    text = reports.html_page(
        Path(known.path).name,
        page_subject(subject, Path(str(rows.table.path)).name, how),
        spoken,
        warnings,
        subject,
        sure,
        settings_table(known),
        [note for note in rows.notes if note not in rows.far_targets],
        important,
        reports.linear_sentences(subject),
        reports.influence_table(known, rows, subject),
        pictures,
        __version__,
    )
    page = write_page(text, pictures, out, read)
    for line in ["", spoken.headline, *spoken.sentences]:
        output.say(line)
    for line in [*(f"  warning: {one}" for one in warnings), "", f"page      {page}"]:
        output.say(line)
    output.say(f"pictures  {len(pictures)} beside it")
    return {
        "model": known.path,
        "table": rows.table.path,
        **report_results(subject, sure, spoken, warnings),
        "importances": importances_as_json(subject, important),
        "files": {"page": page, "pictures": [f"{one.name}.png" for one in pictures]},
    }


def write_page(text: str, pictures: list[Any], out: Path, read: dict[str, Path | None]) -> Path:
    """Write the page and its pictures over no file that was `read`; return where the page is."""
    page = out / PAGE_NAME
    contents = {page: text.encode(), **{out / f"{one.name}.png": one.png for one in pictures}}
    output_paths.check_not_input(contents, read)
    output_paths.make_folder(out)
    saving.write_files(contents)
    return page


def report_results(
    subject: Assessment, sure: ScoreIntervals, spoken: Verdict, warnings: list[str]
) -> dict[str, Any]:
    """For programs: the verdict, the warnings and the scores."""
    return {
        "rows": len(subject.y),
        "held_out": subject.held_out,
        "standing": spoken.standing,
        "verdict": [spoken.headline, *spoken.sentences],
        "warnings": warnings,
        "scores": sure.scores,
        "ranges": sure.ranges,
        "gains": sure.gains,
        **scores_per_target(sure),
    }


def page_subject(subject: Assessment, table: str, how: str) -> str:
    """What the page is about, in a line."""
    return f"A network that predicts {first_names(subject.targets)}, on {table}: {how}."


def settings_table(known: SavedModel) -> list[tuple[str, str]]:
    """The data and settings, as `inspect` tells them."""
    facts = model_facts(known)
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

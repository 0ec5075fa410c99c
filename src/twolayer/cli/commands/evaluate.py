"""`twolayer evaluate`: how good a saved model is on rows whose target is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twolayer.cli import options
from twolayer.cli.output import Output
from twolayer.evaluation.assessment import Assessment, assess
from twolayer.evaluation.baselines import CONSTANT, NETWORK
from twolayer.evaluation.score_intervals import ScoreIntervals, score_intervals
from twolayer.evaluation.scores import format_score
from twolayer.saving.labelled_rows import (
    LabelledRows,
    assessment_names,
    labelled_rows,
    recovered_split,
    target_names,
)
from twolayer.saving.saved_model import SavedModel, open_model
from twolayer.tables import TableOptions

MAX_CONFUSION_CLASSES = 12
MODEL_COLUMN, GUESS_COLUMN = "the model", "best constant"


@options.with_layout
def evaluate(
    model: options.ModelPath,
    table: options.TablePath,
    target: options.TruthNames = None,
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
    """Score a saved model on rows with known targets, which it should not have been trained on.

    The range beside each score is where 95% of the scores of resampled rows lie (drawn with replacement, 300 times); that of
    the accuracy is the exact one of a binomial. The best constant is the most frequent class, or the mean, of these very
    rows: no guess without inputs can do better. Of several targets, each is scored by itself too.
    """
    given = options.given_options(dict(locals()))
    known = open_model(model)
    output = Output(quiet, as_json)
    rows = labelled_rows(known, TableOptions.of({**given, "target": target_names(known, target)}))
    trained_on = recovered_split(known, rows)
    if trained_on is not None:
        rows.notes.append(training_rows_warning(len(trained_on.train), len(trained_on.test)))
    subject = assess(
        known.estimator.without_feature_names(),
        rows.x,
        rows.y,
        weights=rows.weights,
        groups=rows.groups,
        **assessment_names(known, rows),
    )
    sure = score_intervals(subject)
    for line in [
        f"{rows.table.path}: {rows.table.n_rows} rows",
        *(f"  {line}" for line in rows.notes),
        *(f"  {line}" for line in subject.weight_sentences()),
        *evaluation_lines(sure, "mean over targets" * subject.several, scores_of_fit(known)),
        *confusion_counts(subject),
        *target_lines(subject, sure),
    ]:
        output.say(line)
    results = evaluation_results(known, rows, subject, sure)
    output.result(results)
    return results


def evaluation_results(
    model: SavedModel, rows: LabelledRows, subject: Assessment, sure: ScoreIntervals
) -> dict[str, Any]:
    """For programs: the scores with their ranges, and the confusion of classes; of several targets each one's."""
    results = {
        "model": model.path,
        "table": rows.table.path,
        "rows": rows.table.n_rows,
        **scores_as_json(sure),
        "classes": None if model.several_labels else subject.classes,
        "confusion": subject.confusion() if subject.classifies and not subject.several else None,
        **weighted_confusion(subject),
        "notes": rows.notes,
    }
    if subject.several:
        results["targets"] = {name: scores_as_json(part) for name, part in sure.parts.items()}
    return results


def weighted_confusion(subject: Assessment) -> dict[str, Any]:
    """For programs: the weight of the rows of a class by the predicted class, where rows are weighted."""
    if not subject.is_weighted or not subject.classifies or subject.several:
        return {}
    return {"confusion_weights": subject.confusion(weighted=True)}


def training_rows_warning(train: int, test: int) -> str:
    """What is said of the table that the fit was given."""
    return (
        f"the model was trained on {train:,} of these rows, and every score here flatters it: `twolayer report` scores the "
        f"{test:,} that the fit kept for the test"
    )


def scores_as_json(sure: ScoreIntervals) -> dict[str, Any]:
    """For programs: the scores of both, and the range of the model's."""
    return {
        "scores": {MODEL_COLUMN: sure.scores[NETWORK], GUESS_COLUMN: sure.scores[CONSTANT]},
        "ranges": sure.ranges.get(NETWORK, {}),
    }


def evaluation_lines(sure: ScoreIntervals, heading: str, before: Mapping[str, float]) -> list[str]:
    """The scores, a line each, beside those of the best constant and, if they are known, of the test of the fit."""
    ranges = sure.ranges.get(NETWORK, {})
    width = max(19, len(heading) + 1)
    head = f"\n{heading:{width}}{MODEL_COLUMN:>9}  {'95% range':>17}  {GUESS_COLUMN:>13}"
    told = [head + (f"  {'test of the fit':>15}" if before else "")]
    for name, value in sure.scores[NETWORK].items():
        low_high = " to ".join(format_score(name, end) for end in ranges.get(name, []))
        guess = format_score(name, sure.scores[CONSTANT][name])
        line = f"{name:{width}}{format_score(name, value):>9}  {low_high:>17}  {guess:>13}"
        told.append(line + (f"  {format_score(name, before[name]):>15}" if name in before else ""))
    return told


def scores_of_fit(model: SavedModel) -> Mapping[str, float]:
    """The scores of the rows that the fit kept for the test, if it wrote them down."""
    kept = model.about.get("scores", {})
    before = kept.get(NETWORK, {}) if isinstance(kept, dict) else {}
    return before if isinstance(before, dict) else {}


def target_lines(subject: Assessment, sure: ScoreIntervals) -> list[str]:
    """Of several targets each by itself."""
    told = []
    for part in subject.parts() if subject.several else []:
        told += [
            *evaluation_lines(sure.parts[part.target], part.target, {}),
            *confusion_counts(part),
        ]
    return told


def confusion_counts(subject: Assessment) -> list[str]:
    """How many rows of a class were taken for which, if there are few classes."""
    if subject.several or not subject.classifies or len(subject.classes) > MAX_CONFUSION_CLASSES:
        return []
    once = ", each row once" if subject.is_weighted else ""
    counts = [
        f"\nhow many rows of a class (line) were taken for which (column){once}\n"
        f"{confusion_lines(subject.confusion(), subject.classes)}"
    ]
    if not subject.is_weighted:
        return counts
    total = subject.row_weights.sum()
    shares = [[f"{share:.2%}" for share in row] for row in subject.confusion(True) / total]
    return [
        f"\nhow much of {subject.weight_in_words} is in rows of a class (line) that were taken for which (column)\n"
        f"{confusion_lines(shares, subject.classes)}",
        *counts,
    ]


def confusion_lines(cells: Any, classes: Any) -> str:
    """The counts, or shares as text, as a table."""
    names = [str(one) for one in classes]
    widths = [max(len(name), 7 if isinstance(cells, list) else 5) for name in names]
    first = max(map(len, names))
    table = [
        " " * first
        + "".join(f"  {name:>{width}}" for name, width in zip(names, widths, strict=True))
    ]
    for name, row in zip(names, cells, strict=True):
        table.append(
            f"{name:{first}}"
            + "".join(f"  {count:>{width}}" for count, width in zip(row, widths, strict=True))
        )
    return "\n".join(table)

"""`twolayer test`: is the score real? A permutation test, and the score of the whole procedure with an interval."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twolayer import checks, tables
from twolayer.cli import options
from twolayer.cli.output import Output
from twolayer.errors import InputError
from twolayer.evaluation.nested_folds import inner_fold_count, nested_shortage, other_fold_count
from twolayer.tables import Dataset, TableOptions
from twolayer.text import first_names

if TYPE_CHECKING:
    from twolayer.estimators.selection.permutation_test import PermutationTest

TESTED_ALPHAS = (30.0, 3.0, 0.3)  # to choose from in every fold of every shuffle


@options.with_layout
def test(
    table: options.TablePath,
    target: options.TargetNames,
    task: options.TaskOption = "auto",
    n: Annotated[int, typer.Option("--n", help="Shuffles of the target.")] = 200,
    cv: Annotated[int, typer.Option(help="Folds of the cross-validation.")] = 5,
    n_hidden: Annotated[int, typer.Option(help="Units in the hidden layer.")] = 50,
    level: Annotated[float, typer.Option(help="Of the interval.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Of folds, shuffles and first weights.")] = 0,
    labels: options.Labels = None,
    id_column: options.Id = None,
    groups: options.Groups = None,
    drop: options.Drop = None,
    category: options.Category = None,
    drop_missing_target: options.DropMissingTarget = False,
    transpose: options.Transpose = False,
    delimiter: options.Delimiter = None,
    sheet: options.Sheet = None,
    labels_sheet: options.LabelsSheet = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    layout: Any = None,
) -> dict[str, Any]:
    """Ask whether a score could be luck, and how good models like this are on new rows.

    First everything is done again on targets whose order was shuffled, so that nothing can be learned: p is the share of
    shuffles that score as high as the true order. With --groups, whole groups change targets where all rows of a group have
    the same one (samples of a patient); where targets vary within groups, they change places there. Then the whole
    procedure, the choice of alpha included, is scored on folds that it never saw, with an interval. A single network is
    trained each time, alpha chosen from 30, 3 and 0.3.
    """
    given = options.given_options(dict(locals()))
    checks.whole_number(n, "--n")
    checks.whole_number(n_hidden, "--n-hidden")
    checks.whole_number(cv, "--cv", at_least=2)
    checks.whole_number(seed, "--seed", at_least=0)
    check_level(level)
    output = Output(quiet, as_json)
    data = tables.read_dataset(TableOptions.of(given))
    check_enough_rows(data, cv)
    results = run_tests(data, output, n=n, cv=cv, n_hidden=n_hidden, level=level, seed=seed)
    output.result(results)
    return results


def run_tests(
    data: Dataset, output: Output, *, n: int, cv: int, n_hidden: int, level: float, seed: int
) -> dict[str, Any]:
    """Run the permutation test and the nested score, and say what came out; return the results for programs."""
    inner = inner_fold_count(data.target.values, cv, **fold_kind(data))
    score = "accuracy" if data.target.task == "classification" else "R²"
    x, notes = encoded_inputs(data)
    named = f"target{'s' * (len(data.target.names) > 1)} {first_names(data.target.names)}"
    output.say(f"{data.table.path}: {data.table.n_rows} rows, {x.shape[1]} inputs, {named}")
    for line in notes:
        output.say(f"  {line}")
    model = test_estimator(data, n_hidden, inner, seed)
    subject: Any = {"X": x, "y": data.target.values, "cv": cv, "groups": data.groups}
    subject["random_state"] = seed
    with output.progress("permutation test", (n + 1) * cv * len(TESTED_ALPHAS)) as progress:
        scorer = counted_scorer(score, progress)
        permuted = model.permutation_test(**subject, n=n, scoring=scorer)
    for line in permutation_lines(permuted, score, cv):
        output.say(line)
    with output.progress("nested score", cv * (inner + 1) * len(TESTED_ALPHAS)) as progress:
        trainings = itertools.count(1)
        model.callback = lambda done, total: progress.to(next(trainings))
        nested = model.nested_score(**subject, level=level)
    for line in nested_lines(nested, data, score, level, cv, inner):
        output.say(line)
    return test_results(data, score, permuted, nested, level, notes)


def encoded_inputs(data: Dataset) -> tuple[Any, list[str]]:
    """The inputs of all rows, and what there is to say about the columns."""
    encoder = tables.Encoder.fit(data.table, data.kinds)
    found = tables.EncodingReport()
    x = encoder.encode(data.table, found)
    return x, [*data.notes, *tables.left_out_reasons(encoder), *found.sentences()]


def nested_lines(
    nested: Any,
    data: Dataset,
    score: str,
    level: float,
    cv: int,
    inner: int,
) -> list[str]:
    """The score on new rows, with its interval, and why it is another one than that of the permutation test."""
    mean = " (the mean over targets)" * (len(data.target.names) > 1)
    return [
        f"\nOn new rows like these, models fitted this way have an {score}{mean} of {nested.mean:.3f}; "
        f"{level:.0%} interval {nested.interval[0]:.3f} to {nested.interval[1]:.3f}."
        + f" Alpha was chosen in {inner} folds of what is beside each of the {cv}."
        * (inner < cv),
        f"It may differ from the {score} above, which is the best of {len(TESTED_ALPHAS)} alphas, trained in fewer steps, "
        "and serves to compare with shuffles. Here alpha was chosen without the rows that are scored: report this one.",
    ]


def test_results(
    data: Dataset,
    score: str,
    permuted: Any,
    nested: Any,
    level: float,
    notes: list[str],
) -> dict[str, Any]:
    """For programs: both tests."""
    return {
        "table": data.table.path,
        "target": data.target.name,
        "task": data.target.task,
        "score": score,
        "permutation": {
            "score": permuted.score,
            "p_value": permuted.p_value,
            "null_scores": permuted.null_scores,
            "shuffled": permuted.shuffled,
        },
        "nested": {
            "mean": nested.mean,
            "interval": nested.interval,
            "level": level,
            "scores": nested.scores,
        },
        "notes": notes,
    }


def check_level(level: float) -> None:
    """Raise if it is no share."""
    if checks.finite_number(level, "--level", above=0) >= 1:
        raise InputError(f"--level is a share between 0 and 1, such as 0.95; got {level:g}")


def check_enough_rows(data: Dataset, cv: int) -> None:
    """Raise InputError if the folds inside the folds of the nested score would be too small."""
    y, kind = data.target.values, fold_kind(data)
    shortage = nested_shortage(y, cv, target=f"column '{data.target.name}'", **kind)
    if shortage is None:
        return
    other = other_fold_count(y, cv, **kind)
    advice = [f"take --cv {other}"] if other else []
    advice += shortage.advice
    if not advice:
        advice = [f"at least {'4 rows' if data.groups is None else '3 groups'} are needed"]
    raise InputError(
        f"{data.table.path}: {shortage.text}, too few for --cv {cv}, which splits the rows into {cv} folds, and the "
        f"training rows of each fold into folds again: {', or '.join(advice)}"
    )


def fold_kind(data: Dataset) -> dict[str, Any]:
    """Return the groups that stay together in folds, and whether these have the classes in equal parts."""
    return {"groups": data.groups, "classifies": data.target.task == "classification"}


def test_estimator(data: Dataset, n_hidden: int, cv: int, seed: int) -> Any:
    """The procedure that is tested."""
    from twolayer import estimators

    kind = "Classifier" if data.target.task == "classification" else "Regressor"
    make = getattr(estimators, f"TwoLayer{kind}CV")
    return make(n_hidden, alphas=list(TESTED_ALPHAS), cv=cv, n_networks=1, random_state=seed)


def counted_scorer(score: str, progress: Any) -> Any:
    """The scorer, which tells the progress how often it was asked."""
    from sklearn.metrics import get_scorer

    scorer = get_scorer("r2" if score == "R²" else score)
    calls = 0

    def scoring(model: Any, x: Any, y: Any) -> float:
        nonlocal calls
        calls += 1
        progress.to(calls)
        return float(scorer(model, x, y))

    return scoring


def permutation_lines(permuted: PermutationTest, score: str, cv: int) -> list[str]:
    """Return the test in words."""
    null = permuted.null_scores
    return [
        f"\n{score} in {cv}-fold cross-validation: {permuted.score:.3f}",
        f"with shuffled targets: {null.mean():.3f} on average, {null.max():.3f} at most, of {len(null)} shuffles",
        f"shuffled: {permuted.shuffled}",
        f"p = {permuted.p_value:.3g}. {permuted.interpretation}",
    ]

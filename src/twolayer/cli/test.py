"""`twolayer test`: is the score real? A permutation test, and the score of the whole procedure with an interval."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twolayer.cli import options
from twolayer.cli.saying import Voice

if TYPE_CHECKING:
    from twolayer.tables import Data

SURE, LIKELY = 0.01, 0.05  # p values
ENOUGH = 200  # shuffles, of which p can be far below both
ALPHAS = (30.0, 3.0, 0.3)  # to choose from in every fold of every shuffle


def real(
    table: options.TablePath,
    target: options.Targets,
    task: options.Task = "auto",
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
) -> dict[str, Any]:
    """Ask whether a score could be luck, and how good models like this are on new rows.

    First everything is done again on targets whose order was shuffled, so that nothing can be learned: p is the share of
    shuffles that score as high as the true order. Then the whole procedure, the choice of alpha included, is scored on folds
    that it never saw, with an interval. A single network is trained each time, alpha chosen from 30, 3 and 0.3.
    """
    from twolayer import checks, tables

    checks.whole(n, "--n")
    checks.whole(n_hidden, "--n-hidden")
    checks.whole(cv, "--cv", at_least=2)
    checks.whole(seed, "--seed", at_least=0)
    check_level(level)
    voice = Voice(quiet, as_json)
    asked = options.asked_of(
        table,
        target,
        task=task,
        labels=labels,
        id_column=id_column,
        groups=groups,
        drop=drop,
        category=category,
        transpose=transpose,
        delimiter=delimiter,
        drop_missing_target=drop_missing_target,
        sheet=sheet,
        labels_sheet=labels_sheet,
    )
    data = tables.data_of(asked)
    refuse_few_rows(data, cv)
    encoder = tables.Encoder.fit(data.table, data.kinds)
    found = tables.Found()
    x = encoder.encode(data.table, found)
    said = [*data.said, *tables.reasons(encoder), *found.sentences()]
    score = "accuracy" if data.target.task == "classification" else "R²"
    named = f"target{'s' * (len(data.target.names) > 1)} {tables.listed(data.target.names)}"
    voice.say(f"{data.table.path}: {data.table.n_rows} rows, {x.shape[1]} inputs, {named}")
    for line in said:
        voice.say(f"  {line}")
    model = searcher(data, n_hidden, cv, seed)
    y = data.target.values
    with voice.progress("permutation test", (n + 1) * cv * len(ALPHAS)) as progress:
        permuted = model.permutation_test(
            x, y, n, scoring=counted(score, progress), groups=data.groups, random_state=seed
        )
    for line in permutation_lines(permuted, score, cv):
        voice.say(line)
    with voice.progress("nested score", cv * (cv + 1) * len(ALPHAS)) as progress:
        trainings = itertools.count(1)
        model.callback = lambda done, total: progress.to(next(trainings))
        nested = model.nested_score(x, y, cv, groups=data.groups, level=level, random_state=seed)
    low, high = nested.interval
    mean = " (the mean over targets)" * (len(data.target.names) > 1)
    voice.say(
        f"\nOn new rows like these, models fitted this way have an {score}{mean} of {nested.mean:.3f}; "
        f"{level:.0%} interval {low:.3f} to {min(high, 1):.3f}."
    )
    results = {
        "table": data.table.path,
        "target": data.target.name,
        "task": data.target.task,
        "score": score,
        "permutation": {
            "score": permuted.score,
            "p_value": permuted.p_value,
            "null_scores": permuted.null_scores,
        },
        "nested": {
            "mean": nested.mean,
            "interval": nested.interval,
            "level": level,
            "scores": nested.scores,
        },
        "said": said,
    }
    voice.result(results)
    return results


def check_level(level: float) -> None:
    """Raise if it is no share."""
    from twolayer import checks
    from twolayer.errors import InputError

    if checks.number(level, "--level", above=0) >= 1:
        raise InputError(f"--level is a share between 0 and 1, such as 0.95; got {level:g}")


def refuse_few_rows(data: Data, cv: int) -> None:
    """Raise if the folds inside the folds of the nested score would be left with too little."""
    from twolayer.errors import InputError

    few = too_few(data, cv)
    if few is None:
        return
    fewer = next((n for n in range(cv - 1, 1, -1) if too_few(data, n) is None), None)
    advice = [f"take --cv {fewer}"] if fewer else []
    advice += ["leave out the rows of that class"] if few.startswith("the class") else []
    raise InputError(
        f"{data.table.path}: {few}, too few for --cv {cv}, which splits the rows into {cv} folds, and what is left beside "
        f"each fold into {cv} again: {', or '.join(advice) or 'more are needed'}"
    )


def too_few(data: Data, cv: int) -> str | None:
    """What there is too little of to be in each of `cv` folds of what `cv` folds leave."""
    import numpy as np

    if data.groups is not None:
        return too_few_beside_groups(data, cv)
    if data.target.task != "classification":
        n_rows = data.table.n_rows
        return f"there are {n_rows} rows" if left(n_rows, cv) < cv else None
    names, counts = np.unique(data.target.values, return_counts=True)
    least = int(counts.argmin())
    return (
        class_in_words(data, names[least], counts[least]) if left(counts[least], cv) < cv else None
    )


def left(count: int, cv: int) -> int:
    """How many of so many stay beside the fold that takes most of them."""
    return count + -count // cv


def too_few_beside_groups(data: Data, cv: int) -> str | None:
    """The same where whole groups go into one fold."""
    import numpy as np
    from sklearn.model_selection import GroupKFold

    groups, y = data.groups, data.target.values
    assert groups is not None
    n_groups = len(np.unique(groups))
    few_groups = f"there are {n_groups} groups"
    if n_groups < cv:
        return few_groups
    for rows, _ in GroupKFold(cv).split(y, groups=groups):
        if len(np.unique(groups[rows])) < cv:
            return few_groups
        if data.target.task == "classification":
            for name in np.unique(y):
                if (y[rows] == name).sum() < cv:
                    return class_in_words(data, name, (y == name).sum())
    return None


def class_in_words(data: Data, name: Any, count: int) -> str:
    """How many rows it has."""
    return f"the class '{name}' of column '{data.target.name}' has {count} row{'' if count == 1 else 's'}"


def searcher(data: Data, n_hidden: int, cv: int, seed: int) -> Any:
    """The procedure that is tested."""
    from twolayer import estimators

    kind = "Classifier" if data.target.task == "classification" else "Regressor"
    make = getattr(estimators, f"TwoLayer{kind}CV")
    return make(n_hidden, alphas=list(ALPHAS), cv=cv, n_networks=1, random_state=seed)


def counted(score: str, progress: Any) -> Any:
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


def permutation_lines(permuted: Any, score: str, cv: int) -> list[str]:
    """The test in words."""
    null = permuted.null_scores
    if permuted.p_value <= SURE:
        verdict = "The columns do tell something about the target."
    elif null.max() < permuted.score:
        perhaps = "probably" if permuted.p_value <= LIKELY else "may"
        verdict = (
            f"No shuffle scores as high: the columns {perhaps} tell something about the target; more shuffles, such "
            f"as --n {ENOUGH}, would make it surer."
        )
    elif permuted.p_value <= LIKELY:
        verdict = (
            "The columns probably tell something about the target; more rows would make it sure."
        )
    else:
        verdict = "This score could be luck: shuffled targets reach it too often."
    return [
        f"\n{score} in {cv}-fold cross-validation: {permuted.score:.3f}",
        f"with shuffled targets: {null.mean():.3f} on average, {null.max():.3f} at most, of {len(null)} shuffles",
        f"p = {permuted.p_value:.3g}. {verdict}",
    ]

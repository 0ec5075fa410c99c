"""`twolayer test`: is the score real? A permutation test, and the score of the whole procedure with an interval."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twolayer.cli import options
from twolayer.cli.output import Output

if TYPE_CHECKING:
    from twolayer.tables import Dataset

P_SURE, P_PROBABLE = 0.01, 0.05  # p values
MAX_GROUP_FOLDS = 10  # groups or fewer: each may be a fold
ENOUGH_SHUFFLES = 200  # shuffles, of which p can be far below both
TESTED_ALPHAS = (30.0, 3.0, 0.3)  # to choose from in every fold of every shuffle


def significance_test(
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
) -> dict[str, Any]:
    """Ask whether a score could be luck, and how good models like this are on new rows.

    First everything is done again on targets whose order was shuffled, so that nothing can be learned: p is the share of
    shuffles that score as high as the true order. With --groups, whole groups change targets where all rows of a group have
    the same one (samples of a patient); where targets vary within groups, they change places there. Then the whole
    procedure, the choice of alpha included, is scored on folds that it never saw, with an interval. A single network is
    trained each time, alpha chosen from 30, 3 and 0.3.
    """
    from twolayer import checks, tables

    checks.whole_number(n, "--n")
    checks.whole_number(n_hidden, "--n-hidden")
    checks.whole_number(cv, "--cv", at_least=2)
    checks.whole_number(seed, "--seed", at_least=0)
    check_level(level)
    voice = Output(quiet, as_json)
    asked = options.table_options(
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
    data = tables.read_dataset(asked)
    check_enough_rows(data, cv)
    inner = cv if data.groups is None else inner_fold_count(data, cv)
    encoder = tables.Encoder.fit(data.table, data.kinds)
    found = tables.EncodingReport()
    x = encoder.encode(data.table, found)
    said = [*data.said, *tables.left_out_reasons(encoder), *found.sentences()]
    score = "accuracy" if data.target.task == "classification" else "R²"
    named = f"target{'s' * (len(data.target.names) > 1)} {tables.listed_names(data.target.names)}"
    voice.say(f"{data.table.path}: {data.table.n_rows} rows, {x.shape[1]} inputs, {named}")
    for line in said:
        voice.say(f"  {line}")
    model = test_estimator(data, n_hidden, inner, seed)
    y = data.target.values
    with voice.progress("permutation test", (n + 1) * cv * len(TESTED_ALPHAS)) as progress:
        permuted = model.permutation_test(
            x,
            y,
            n,
            cv,
            scoring=counted_scorer(score, progress),
            groups=data.groups,
            random_state=seed,
        )
    for line in permutation_lines(permuted, score, cv):
        voice.say(line)
    with voice.progress("nested score", cv * (inner + 1) * len(TESTED_ALPHAS)) as progress:
        trainings = itertools.count(1)
        model.callback = lambda done, total: progress.to(next(trainings))
        nested = model.nested_score(x, y, cv, groups=data.groups, level=level, random_state=seed)
    low, high = nested.interval
    mean = " (the mean over targets)" * (len(data.target.names) > 1)
    voice.say(
        f"\nOn new rows like these, models fitted this way have an {score}{mean} of {nested.mean:.3f}; "
        f"{level:.0%} interval {low:.3f} to {min(high, 1):.3f}."
        + f" Alpha was chosen in {inner} folds of what is beside each of the {cv}."
        * (inner < cv)
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
            "shuffled": permuted.shuffled,
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

    if checks.finite_number(level, "--level", above=0) >= 1:
        raise InputError(f"--level is a share between 0 and 1, such as 0.95; got {level:g}")


def check_enough_rows(data: Dataset, cv: int) -> None:
    """Raise if the folds inside the folds of the nested score would be left with too little."""
    from twolayer.errors import InputError

    few = scarce_rows(data, cv)
    if few is None:
        return
    others = [*range(cv - 1, 1, -1), *range(cv + 1, largest_fold_count(data) + 1)]
    other = next((n for n in others if scarce_rows(data, n) is None), None)
    advice = [f"take --cv {other}"] if other else []
    if few.startswith("the class"):
        advice += ["give that class another group"] * few.endswith(" in 1 group")
        advice += ["leave out the rows of that class"]
    elif not advice:
        advice = [least_rows_text(data)]
    raise InputError(
        f"{data.table.path}: {few}, too few for --cv {cv}, which splits the rows into {cv} folds, and what is left beside "
        f"each fold into folds again: {', or '.join(advice)}"
    )


def largest_fold_count(data: Dataset) -> int:
    """How many folds are worth a look: of few groups, one for each."""
    import numpy as np

    return 0 if data.groups is None else min(len(np.unique(data.groups)), MAX_GROUP_FOLDS)


def least_rows_text(data: Dataset) -> str:
    """How many there must be at least, for two folds inside the folds."""
    return f"at least {'4 rows' if data.groups is None else '3 groups'} are needed"


def scarce_rows(data: Dataset, cv: int) -> str | None:
    """What there is too little of to be in each of `cv` folds of what `cv` folds leave."""
    import numpy as np

    if data.groups is not None:
        return scarce_groups(data, cv)
    if data.target.task != "classification":
        n_rows = data.table.n_rows
        return f"there are {n_rows} rows" if rows_left(n_rows, cv) < cv else None
    names, counts = np.unique(data.target.values, return_counts=True)
    least = int(counts.argmin())
    return (
        class_row_text(data, names[least], counts[least])
        if rows_left(counts[least], cv) < cv
        else None
    )


def rows_left(count: int, cv: int) -> int:
    """How many of so many stay beside the fold that takes most of them."""
    return count + -count // cv


def scarce_groups(data: Dataset, cv: int) -> str | None:
    """The same where whole groups go into one fold, and two folds inside the folds are enough."""
    import numpy as np

    groups, y = data.groups, data.target.values
    assert groups is not None
    n_groups = len(np.unique(groups))
    few_groups = f"there {'is' if n_groups == 1 else 'are'} {n_groups} group{'s' * (n_groups != 1)}"
    if n_groups < cv:
        return few_groups
    if data.target.task == "classification":
        names, counts = np.unique(y, return_counts=True)
        least = int(counts.argmin())
        if counts[least] < cv:
            return class_row_text(data, names[least], counts[least])
    for rows in training_parts(data, cv):
        if len(np.unique(groups[rows])) < 2:
            return few_groups
        if data.target.task == "classification":
            for name, count in zip(names, counts, strict=True):
                if (y[rows] == name).sum() < 2:
                    return class_row_text(data, name, count)
    return None


def training_parts(data: Dataset, cv: int) -> list[Any]:
    """The rows beside each of the folds of whole groups."""
    from sklearn.model_selection import GroupKFold

    return [rows for rows, _ in GroupKFold(cv).split(data.target.values, groups=data.groups)]


def inner_fold_count(data: Dataset, cv: int) -> int:
    """Into how many folds, `cv` at most, what is beside each fold can be split by groups again: at least two."""
    import numpy as np

    groups, y = data.groups, data.target.values
    assert groups is not None
    rest = training_parts(data, cv)
    most = [cv, *(len(np.unique(groups[rows])) for rows in rest)]
    if data.target.task == "classification":
        most += [int(np.unique(y[rows], return_counts=True)[1].min()) for rows in rest]
    return min(most)


def class_row_text(data: Dataset, name: Any, count: int) -> str:
    """How many rows it has, and in how many groups."""
    import numpy as np

    rows = f"the class '{name}' of column '{data.target.name}' has {count} row{'' if count == 1 else 's'}"
    if data.groups is None:
        return rows
    n_groups = len(np.unique(data.groups[data.target.values == name]))
    return f"{rows} in {n_groups} group{'' if n_groups == 1 else 's'}"


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


def permutation_lines(permuted: Any, score: str, cv: int) -> list[str]:
    """The test in words."""
    null, n_orders = permuted.null_scores, permuted.n_orders
    if permuted.p_value <= P_SURE:
        verdict = "The columns do tell something about the target."
    elif n_orders * P_PROBABLE < 1:
        verdict = (
            f"Such shuffles have only {n_orders:.0f} different orders, so that p cannot be much below 1/{n_orders:.0f}: a "
            "table with more groups or rows is needed to tell luck from something real."
        )
    elif null.max() < permuted.score:
        perhaps = "probably" if permuted.p_value <= P_PROBABLE else "may"
        verdict = (
            f"No shuffle scores as high: the columns {perhaps} tell something about the target; more shuffles, such "
            f"as --n {ENOUGH_SHUFFLES}, would make it surer."
        )
    elif permuted.p_value <= P_PROBABLE:
        verdict = (
            "The columns probably tell something about the target; more rows would make it sure."
        )
    else:
        verdict = "This score could be luck: shuffled targets reach it too often."
    return [
        f"\n{score} in {cv}-fold cross-validation: {permuted.score:.3f}",
        f"with shuffled targets: {null.mean():.3f} on average, {null.max():.3f} at most, of {len(null)} shuffles",
        f"shuffled: {permuted.shuffled}",
        f"p = {permuted.p_value:.3g}. {verdict}",
    ]

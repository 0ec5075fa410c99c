"""`twolayer evaluate`: how good a saved model is on rows whose target is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from twolayer.cli import options
from twolayer.cli.saying import Voice

if TYPE_CHECKING:
    import numpy as np

    from twolayer.cli.models import Model
    from twolayer.tables import Table

RESAMPLES = 300
MOST_CLASSES_SHOWN = 12
MODEL, GUESS = "the model", "best constant"


def evaluate(
    model: options.ModelPath,
    table: options.TablePath,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target", help="The column with the truth; the model knows which, if `fit` saved it."
        ),
    ] = None,
    labels: options.Labels = None,
    id_column: options.Id = None,
    weights: options.Weights = None,
    drop_missing_target: options.DropMissingTarget = False,
    transpose: options.Transpose = False,
    delimiter: options.Delimiter = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> dict[str, Any]:
    """Score a saved model on rows with known targets, which it should not have been trained on.

    The range beside each score is where 95% of the scores of resampled rows lie (drawn with replacement, 300 times). The
    best constant is the most frequent class, or the mean, of these very rows: no guess without inputs can do better.
    """
    from twolayer import comparing, tables
    from twolayer.cli.models import opened

    known = opened(model)
    voice = Voice(quiet, as_json)
    targets = options.several(target) or tuple(known.targets)
    refuse_no_target(known, targets)
    asked = options.asked_of(
        table,
        targets,
        labels=labels,
        id_column=id_column,
        weights=weights,
        transpose=transpose,
        delimiter=delimiter,
        drop_missing_target=drop_missing_target,
    )
    rows, said = tables.table_of(asked)
    found = tables.Found()
    x = known.inputs(rows, found)
    y = truth(known, tables.with_targets(rows, asked.labels), targets)
    s = tables.weights_of(rows, weights)
    y_pred = known.asked("predict", x)
    probabilities = known.asked("predict_proba", x) if known.classifies else None
    classes = getattr(known.estimator, "classes_", None)
    scores = {
        MODEL: comparing.scores_of(y, y_pred, probabilities, classes, s),
        GUESS: comparing.scores_of(y, *constant(y, classes, s), classes, s),
    }
    ranges = resampled(y, y_pred, probabilities, classes, s)
    for line in [
        f"{rows.path}: {rows.n_rows} rows",
        *(f"  {line}" for line in [*said, *found.sentences()]),
    ]:
        voice.say(line)
    for line in lines(scores, ranges, known):
        voice.say(line)
    confused = None if classes is None else confusion(y, y_pred, classes)
    if confused is not None and len(classes) <= MOST_CLASSES_SHOWN:  # type: ignore[arg-type]
        voice.say(
            f"\nhow many rows of a class (line) were taken for which (column)\n{confusion_lines(confused, classes)}"
        )
    results = {
        "model": model,
        "table": rows.path,
        "rows": rows.n_rows,
        "scores": scores,
        "ranges": ranges,
        "classes": classes,
        "confusion": confused,
        "said": [*said, *found.sentences()],
    }
    voice.result(results)
    return results


def refuse_no_target(model: Model, targets: tuple[str, ...]) -> None:
    """Raise if it is not known which column holds the truth."""
    from twolayer.errors import InputError

    if not targets:
        raise InputError(
            f"{model.path} was not told what it predicts: name the column with --target"
        )
    if getattr(model.estimator, "_several_labels", False):
        raise InputError(
            f"{model.path} predicts several labels a row, which evaluate cannot score yet"
        )


def truth(model: Model, table: Table, targets: tuple[str, ...]) -> np.ndarray:
    """The targets as the model would say them."""
    import numpy as np

    from twolayer.errors import InputError
    from twolayer.tables import listed
    from twolayer.tables.table import number
    from twolayer.tables.target import refuse_gaps

    for name in targets:
        refuse_gaps(table, name)
    if not model.classifies:
        y = table.inputs(targets)
        n_outputs = getattr(model.estimator, "n_outputs_", 1)
        if y.shape[1] != n_outputs:
            raise InputError(
                f"{model.path} predicts {n_outputs} numbers a row, and {len(targets)} columns were named: {listed(targets)}"
            )
        return y[:, 0] if n_outputs == 1 else y
    if len(targets) > 1:
        raise InputError(f"{model.path} predicts one class a row: name one --target")
    classes = model.estimator.classes_
    place = {str(one): k for k, one in enumerate(classes.tolist())}
    by_number = {number(name): k for name, k in place.items() if number(name) is not None}
    found = []
    for row, word in enumerate(table.words(targets[0])):
        k = place.get(word, by_number.get(number(word)))
        if k is None:
            raise InputError(
                f"{table.path}: {table.where(row)} has {word!r} in column '{targets[0]}', which is no class of "
                f"{model.path}: {listed(list(place))}"
            )
        found.append(k)
    return classes[np.array(found, dtype=int)]


def constant(y: np.ndarray, classes: Any, s: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """What the best answer without inputs says of these rows, and its probabilities of classes."""
    import numpy as np

    if classes is None:
        return np.zeros_like(y) + np.average(y, axis=0, weights=s), None
    shares = np.array([np.average(y == one, weights=s) for one in classes])
    return np.repeat(classes[shares.argmax()], len(y)), np.tile(shares, (len(y), 1))


def resampled(
    y: Any, y_pred: Any, probabilities: Any, classes: Any, s: Any
) -> dict[str, list[float]]:
    """The range of each score in 95% of resampled tables."""
    import warnings

    import numpy as np

    from twolayer import comparing

    rng = np.random.default_rng(0)
    seen: dict[str, list[float]] = {}
    if len(y) < 2:
        return {}
    for _ in range(RESAMPLES):
        rows = rng.integers(len(y), size=len(y))
        if classes is None and np.ptp(y[rows], axis=0).min() == 0:
            continue
        if s is not None and not s[rows].any():
            continue
        shares, weights = (None if part is None else part[rows] for part in (probabilities, s))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a resample may lack a class
            scores = comparing.scores_of(y[rows], y_pred[rows], shares, classes, weights)
        for name, value in scores.items():
            seen.setdefault(name, []).append(value)
    return {name: np.percentile(values, [2.5, 97.5]).tolist() for name, values in seen.items()}


def lines(scores: Any, ranges: dict[str, list[float]], model: Model) -> list[str]:
    """The scores, a line each, beside those of the best constant and of the rows kept for the test of the fit."""
    from twolayer import comparing

    kept = model.about.get("scores", {})
    before = kept.get(comparing.NETWORK, {}) if isinstance(kept, dict) else {}
    head = f"\n{'':19}{MODEL:>9}  {'95% range':>17}  {GUESS:>13}"
    told = [head + (f"  {'test of the fit':>15}" if before else "")]
    for name, value in scores[MODEL].items():
        low_high = " to ".join(comparing.rounded(name, end) for end in ranges.get(name, []))
        guess = comparing.rounded(name, scores[GUESS][name])
        line = f"{name:19}{comparing.rounded(name, value):>9}  {low_high:>17}  {guess:>13}"
        if before:
            line += f"  {comparing.rounded(name, before[name]):>15}" if name in before else ""
        told.append(line)
    return told


def confusion(y: np.ndarray, y_pred: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Rows of each class (axis 0) by what was predicted (axis 1)."""
    import numpy as np

    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (np.searchsorted(classes, y), np.searchsorted(classes, y_pred)), 1)
    return counts


def confusion_lines(counts: np.ndarray, classes: Any) -> str:
    """The counts as a table."""
    names = [str(one) for one in classes]
    widths = [max(len(name), 5) for name in names]
    first = max(map(len, names))
    table = [
        " " * first
        + "".join(f"  {name:>{width}}" for name, width in zip(names, widths, strict=True))
    ]
    for name, row in zip(names, counts.tolist(), strict=True):
        table.append(
            f"{name:{first}}"
            + "".join(f"  {count:>{width}}" for count, width in zip(row, widths, strict=True))
        )
    return "\n".join(table)

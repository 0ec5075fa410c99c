"""`twolayer fit`: from a table to a saved model, with its score beside a linear model's and a constant guess's."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from twolayer.comparing import Scores, Split
    from twolayer.tables import Table, Target

MOST_CLASSES_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit left behind.

    Attributes
    ----------
    model : fitted estimator
    scores : dict
        Of the test rows: model -> score -> value.
    model_path, picture_path : Path
    """

    model: Any
    scores: Scores
    model_path: Path
    picture_path: Path


def fit(
    table: Annotated[Path, typer.Argument(help="A CSV file with a header.")],
    target: Annotated[str, typer.Option(help="The column to learn.")],
    task: Annotated[
        str, typer.Option(help="classification or regression; auto looks at the target.")
    ] = "auto",
    n_hidden: Annotated[int, typer.Option(help="Units in the hidden layer.")] = 50,
    alpha: Annotated[
        str, typer.Option(help="Weight decay: larger is smoother; auto chooses it.")
    ] = "auto",
    activation: Annotated[
        str, typer.Option(help="relu, identity, tanh, logistic, leaky_relu, softplus, or gelu.")
    ] = "relu",
    max_iter: Annotated[int, typer.Option(help="Steps of training at most.")] = 1000,
    test_size: Annotated[float, typer.Option(help="Share of the rows kept for the test.")] = 0.25,
    seed: Annotated[int, typer.Option(help="Of the split and of the first weights.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the model and the picture.")] = Path("."),
    engine: Annotated[str, typer.Option(help="Who computes the gradients, or auto.")] = "auto",
) -> Fitted:
    """Learn a column of a table from the others, test what was learned, and save it.

    A part of the rows is kept for the test. The network is trained on the others, whose mean and spread standardise the
    columns. Its score on the test rows stands beside a linear model's and a constant guess's. The model and a picture of
    the loss are written to TABLE.twolayer.safetensors and TABLE.loss.png.
    """
    import numpy as np

    from twolayer import comparing, tables

    check_options(task, n_hidden, alpha, activation, max_iter, test_size, seed, engine)
    model_path, picture_path = places(Path(table), Path(out))
    columns = tables.read(table, text=[target])
    wanted = tables.target(columns, target, task)
    names = [name for name in columns.names if name != target]
    if not names:
        raise no_inputs(columns)
    x = columns.inputs(names)
    parts = comparing.split(wanted, test_size, seed)
    describe(columns, wanted, parts, seed)

    model = estimator(wanted.task)(
        n_hidden,
        alpha=decay(alpha),
        activation=activation,
        max_iter=max_iter,
        engine=engine,
        random_state=seed,
    )
    train(model, x[parts.train], wanted.values[parts.train])
    scores = comparing.compare(model, x, wanted, parts)
    show(scores)
    model.feature_names_in_ = np.array(names, dtype=object)
    about = {
        "table": Path(table).name,
        "target": target,
        "task": wanted.task,
        "rows": {"train": len(parts.train), "test": len(parts.test)},
        "test_size": test_size,
        "seed": seed,
        "scores": scores,
    }
    write(model, about, model_path, picture_path)
    return Fitted(model, scores, model_path, picture_path)


def check_options(
    task: str,
    n_hidden: int,
    alpha: Any,
    activation: str,
    max_iter: int,
    test_size: float,
    seed: int,
    engine: str,
) -> None:
    """Refuse what cannot be used before anything is read."""
    from twolayer import checks, tables
    from twolayer.engines import get_ready
    from twolayer.errors import InputError
    from twolayer.maths.activations import ACTIVATIONS

    checks.one_of(task, {name: name for name in tables.TASKS}, "task")
    checks.one_of(activation, ACTIVATIONS, "activation")
    checks.whole(n_hidden, "--n-hidden")
    checks.whole(max_iter, "--max-iter")
    decay(alpha)
    if checks.number(test_size, "--test-size", above=0) >= 1:
        raise InputError(
            f"--test-size is a share of the rows, between 0 and 1, such as 0.25; got {test_size:g}"
        )
    if checks.whole(seed, "--seed", at_least=0) >= 2**32:
        raise InputError(f"--seed must be below {2**32}; got {seed}")
    if engine != "auto":
        get_ready(engine)


def decay(alpha: Any) -> Any:
    """The number in the text, checked; or "auto"."""
    from twolayer import checks

    if alpha == "auto":
        return alpha
    try:
        number = float(alpha)
    except (TypeError, ValueError):
        number = alpha
    return checks.number(number, "--alpha", at_least=0)


def places(table: Path, out: Path) -> tuple[Path, Path]:
    """Where the model and the picture go; raise FileError if that is no place to write."""
    from twolayer.errors import FileError

    stands = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not stands.is_dir():
        raise FileError(f"--out {out}: {stands} is a file, not a folder")
    if not os.access(stands, os.W_OK):
        raise FileError(f"--out {out}: there is no permission to write in {stands}")
    return out / f"{table.stem}.twolayer.safetensors", out / f"{table.stem}.loss.png"


def no_inputs(table: Table) -> Exception:
    """The error of a table whose only column is the target."""
    from twolayer.errors import InputError

    return InputError(
        f"{table.path} has no column but the target '{table.names[0]}': there is nothing to learn from"
    )


def estimator(task: str) -> Any:
    """The class of the model for that task."""
    from twolayer.estimators import TwoLayerClassifier, TwoLayerRegressor

    return TwoLayerClassifier if task == "classification" else TwoLayerRegressor


def describe(table: Table, target: Target, parts: Split, seed: int) -> None:
    """Say what was read, what is to be learned, and how the rows are split."""
    print(f"{table.path}: {table.n_rows} rows, {len(table.names) - 1} input columns")
    other = "regression" if target.task == "classification" else "classification"
    hint = "" if target.why == "text" else f" (if not, --task {other})"
    print(f"target '{target.name}' holds {target.why}: {target.task}{hint}{classes(target)}")
    print(f"{len(parts.train)} rows to train on, {len(parts.test)} kept for the test, seed {seed}")


def classes(target: Target) -> str:
    """How many rows each class has, for a line of their own."""
    import numpy as np

    if target.task != "classification":
        return ""
    names, counts = np.unique(target.values, return_counts=True)
    pairs = [f"{name} ({count})" for name, count in zip(names, counts, strict=True)]
    more = len(pairs) - MOST_CLASSES_SHOWN
    shown = ", ".join(pairs[:MOST_CLASSES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"\nclasses (rows): {shown}"


def train(model: Any, x: Any, y: Any) -> None:
    """Fit the model, and say how it went."""
    import numpy as np

    before = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - before
    print(
        f"trained {model.n_networks_} networks of {model.n_hidden} hidden units, alpha {model.alpha_:g}: "
        f"{model.n_iter_} steps, loss {np.mean(model.loss_):.4g}, {seconds:.2f} s ({model.stopped_})"
    )


def show(scores: Scores) -> None:
    """Print the scores as a table, and the verdict."""
    from twolayer import comparing

    columns = list(scores[comparing.NETWORK])
    widths = [max(len(column), 9) for column in columns]
    header = "  ".join(f"{column:>{width}}" for column, width in zip(columns, widths, strict=True))
    print(f"\n{'on the test rows':20}{header}")
    for name, row in scores.items():
        values = "  ".join(
            f"{comparing.rounded(column, row[column]):>{width}}"
            for column, width in zip(columns, widths, strict=True)
        )
        print(f"{name:20}{values}")
    print(comparing.verdict(scores))


def write(model: Any, about: dict[str, Any], model_path: Path, picture_path: Path) -> None:
    """Write the model and the picture of its loss, both or neither, and say where they are."""
    from twolayer import plots, saving
    from twolayer.errors import FileError

    ax = plots.loss_curve(model.loss_curve_, title=f"{about['table']}: loss on the training rows")
    contents = {
        model_path: saving.as_bytes(model, about),
        picture_path: plots.png(ax.figure),
    }
    try:
        model_path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{model_path.parent} cannot be made: {error.strerror}") from None
    saving.write_whole(contents)
    print(f"\nmodel    {model_path}\npicture  {picture_path}")

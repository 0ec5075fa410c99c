"""`twolayer predict`: a saved model's answers for the rows of a table."""

from __future__ import annotations

import csv
import io
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import numpy as np

    from twolayer.tables import Table


def predict(
    model: Annotated[Path, typer.Argument(help="A model that `twolayer fit` saved.")],
    table: Annotated[Path, typer.Argument(help="A CSV file with the same columns.")],
    out: Annotated[
        Path | None, typer.Option(help="Write to this CSV file, not to the screen.")
    ] = None,
) -> None:
    """Predict every row of a table: a value, or a class with the probability of each class.

    Columns are found by name, in any order; columns that the model does not know, such as the target, are left alone.
    """
    from twolayer import saving, tables

    estimator, about = saving.read(model)
    check(estimator, model)
    check_place(out, model, table)
    columns = tables.read(table)
    names = inputs(estimator, columns, str(model))
    text = as_csv(estimator, columns.inputs(names))
    if out is None:
        print(text, end="")
    else:
        saving.write_whole({out: text.encode()})
    tell(estimator, columns, names, about.get("target"))
    if out is not None:
        print(f"{columns.n_rows} predictions in {out}", file=sys.stderr)


def check(estimator: Any, path: Path) -> None:
    """Raise if the file holds no fitted estimator."""
    from twolayer.errors import InputError

    if not hasattr(estimator, "predict"):
        raise InputError(
            f"{path} holds {type(estimator).__name__}, which are weights only: "
            "predict takes a model that `twolayer fit`, or an estimator, saved"
        )


def check_place(out: Path | None, *read: Path) -> None:
    """Raise if the answers would go where something is read from."""
    from twolayer.errors import FileError

    for path in read:
        if out is not None and path.exists() and Path(out).resolve() == Path(path).resolve():
            raise FileError(f"--out {out} would overwrite what is read: choose another name")


def inputs(estimator: Any, table: Table, model: str) -> list[str]:
    """The table's columns in the model's order."""
    from twolayer import checks
    from twolayer.errors import InputError
    from twolayer.tables import listed

    known = getattr(estimator, "feature_names_in_", None)
    if known is None:
        if len(table.names) != estimator.n_features_in_:
            raise InputError(
                f"{model} takes {estimator.n_features_in_} columns, whose names it was not told, and "
                f"{table.path} has {len(table.names)}: give it exactly those"
            )
        return table.names
    there, wanted = set(table.names), set(known)
    missing = [name for name in known if name not in there]
    if missing:
        hint = checks.nearest(missing[0], there - wanted)
        raise InputError(
            f"{table.path} lacks {len(missing)} of the {len(known)} columns that {model} was trained on: "
            f"{listed(missing)}{hint}"
        )
    return list(known)


def tell(estimator: Any, table: Table, names: list[str], target: Any) -> None:
    """Say what was left alone, beside the answers and not among them."""
    from twolayer.tables import listed

    if not hasattr(estimator, "feature_names_in_"):
        print("the model knows no column names: taken in the table's order", file=sys.stderr)
    used = set(names)
    extra = [name for name in table.names if name not in used]
    if extra:
        which = " (the target)" if extra == [target] else ""
        print(f"left alone: {listed(extra)}{which}", file=sys.stderr)


def as_csv(estimator: Any, x: np.ndarray) -> str:
    """The answers as lines of text; numbers in full, so that they can be read back to the last bit."""
    with warnings.catch_warnings():
        # the names have been checked, and only an array is handed on
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        answers = estimator.predict(x)
        shares = estimator.predict_proba(x) if hasattr(estimator, "classes_") else None
    answers = answers.reshape(len(x), -1)
    header = ["prediction"]
    if answers.shape[1] > 1:
        header = [f"prediction_{j + 1}" for j in range(answers.shape[1])]
    rows = answers.tolist()
    if shares is not None:
        header += [f"probability_{name}" for name in estimator.classes_]
        rows = [row + share for row, share in zip(rows, shares.tolist(), strict=True)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()

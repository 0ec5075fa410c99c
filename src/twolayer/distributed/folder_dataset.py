"""A table in blocks that is ready to learn from: its target, its rows of training as Dask arrays, a sample of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.distributed.blocks import BOOLEAN, NUMERIC, TEXT, FileTable
from twolayer.distributed.csv_files import open_csv_files
from twolayer.distributed.file_list import CSV, PARQUET_FILES, list_files
from twolayer.distributed.parquet_files import open_parquet_files
from twolayer.distributed.survey import (
    MAX_DISTINCT,
    BlockPlan,
    BlockRows,
    BlockSurvey,
    read_rows,
    reads_as_text,
    split_mask,
    survey_blocks,
)
from twolayer.errors import FileError, InputError
from twolayer.tables.target import MAX_GUESSED_CLASSES
from twolayer.text import first_names, plural

SAMPLE_ROWS, SAMPLE_BYTES = (
    20_000,
    1 << 26,
)  # brought to the caller, of training and of the test each
FEWEST_SAMPLED = 100


@dataclass(frozen=True, eq=False)
class FolderDataset:
    """A table in blocks with its target.

    Attributes
    ----------
    plan : BlockPlan
    task : {"classification", "regression"}
    reason : str
        What the target holds, from which the task follows.
    classes : list or None
        Of one target with classes: texts, or whole numbers.
    n_train, n_test : tuple of int
        Of each block.
    train, test : BlockRows
        A sample of each, whose targets are classes or numbers; all of them if the table is small.
    """

    plan: BlockPlan
    task: str
    reason: str
    classes: list[Any] | None
    n_train: tuple[int, ...]
    n_test: tuple[int, ...]
    train: BlockRows
    test: BlockRows

    @property
    def inputs(self) -> list[str]:
        """The columns that are learned from."""
        return self.plan.inputs

    @property
    def targets(self) -> list[str]:
        """The columns to learn."""
        return self.plan.targets

    @property
    def booleans(self) -> list[str]:
        """Those of True and False, which are the last of them."""
        return [name for name in self.inputs if self.plan.table.kinds[name] == BOOLEAN]

    @property
    def counts(self) -> tuple[int, int]:
        """The number of rows of training, and of the test."""
        return sum(self.n_train), sum(self.n_test)

    @property
    def notes(self) -> list[str]:
        """What the user should know of the files."""
        return self.plan.table.notes

    def shape_line(self) -> str:
        """Return what was read, in a line."""
        table = self.plan.table
        return (
            f"{table.pattern}: {plural(sum(self.counts), 'row')} in {plural(table.n_files, 'file')}, "
            f"{plural(len(self.inputs), 'input column')} of {table.dtype}, read in {plural(len(table.blocks), 'block')}"
        )

    def training_arrays(self) -> tuple[Any, Any, Any]:
        """Return the rows of training as Dask arrays: inputs (n_rows, n_inputs), target, and weights or None.

        Their chunks are the blocks, of known size; the target's shape is (n_rows,), or (n_rows, n_targets) of several.
        """
        import dask
        import dask.array as da

        read = dask.delayed(read_part, nout=3)
        plan = dask.delayed(self.plan, traverse=False)
        inputs, targets, weights = [], [], []
        n_inputs, n_targets = len(self.plan.inputs), len(self.plan.targets)
        tail = (n_targets,) if n_targets > 1 else ()
        for index, n_rows in enumerate(self.n_train):
            if not n_rows:
                continue
            x, y, s = read(plan, index, self.target_dtype)
            inputs.append(da.from_delayed(x, (n_rows, n_inputs), dtype=self.plan.table.dtype))
            targets.append(da.from_delayed(y, (n_rows, *tail), dtype=self.target_dtype))
            weights.append(da.from_delayed(s, (n_rows,), dtype="float64"))
        joined = da.concatenate(weights) if self.plan.weights is not None else None
        return da.concatenate(inputs), da.concatenate(targets), joined

    @property
    def target_dtype(self) -> np.dtype:
        """The dtype of the target: of classes that of all of them."""
        if self.task == "regression":
            return np.dtype(np.float64)
        return np.dtype(np.int64) if self.classes is None else np.array(self.classes).dtype


def target_values(y: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the target of some rows as it is learned, from what was read, shape (n_rows,) or (n_rows, n_targets)."""
    return (y[:, 0] if y.shape[1] == 1 else y).astype(dtype)


def read_part(
    plan: BlockPlan, index: int, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return inputs, target and weights of the rows of training of a block."""
    rows = read_rows(plan.table.blocks[index], plan)
    rows = rows.take(np.flatnonzero(~split_mask(len(rows.x), index, plan)))
    return rows.x, target_values(rows.y, dtype), rows.weights


def open_blocks(pattern: str, delimiter: str | None = None) -> FileTable:
    """Return the table in the files of a folder or pattern, in blocks.

    Raises
    ------
    FileError, InputError
        If there are no such files, or they are not one table.
    """
    kind, paths = list_files(pattern)
    if delimiter is not None and kind != CSV:
        raise InputError(f"--delimiter is for text files, and {pattern} is none: leave it out")
    if kind == PARQUET_FILES:
        return open_parquet_files(pattern, paths)
    if kind == CSV:
        return open_csv_files(pattern, paths, delimiter)
    raise FileError(f"{pattern} is a Zarr store, which has arrays and no columns with names")


def read_folder_dataset(
    client: Any,
    table: FileTable,
    targets: Sequence[str],
    *,
    task: str = "auto",
    weights: str | None = None,
    drop: Sequence[str] = (),
    test_size: float = 0.25,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FolderDataset:
    """Return the dataset, after one pass over all blocks that checks every value.

    Raises
    ------
    InputError, FileError
        If a column is not there, a value is missing or no number, or the target does not fit the task.
    """
    parts = [weights] if weights is not None else []
    inputs = table.input_names([*targets, *parts], drop)
    textual = reads_as_text(table, targets)
    plan = BlockPlan(table, inputs, list(targets), weights, textual, test_size, seed)
    wanted = max(FEWEST_SAMPLED, min(SAMPLE_ROWS, SAMPLE_BYTES // (8 * len(inputs))))
    n_blocks = len(table.blocks)
    room = wanted if n_blocks == 1 else -(-2 * wanted // n_blocks)
    surveys = list(survey_blocks(client, plan, room, progress))
    if textual and all(one.all_numbers for one in surveys) and may_be_numbers(table, targets):
        plan, surveys = replace(plan, textual=False), list(map(with_numbers, surveys))
    task, reason, classes = find_task(plan, surveys, task)
    n_train = tuple(one.n_train for one in surveys)
    n_test = tuple(one.n_test for one in surveys)
    check_split(plan, sum(n_train), sum(n_test))
    train = joined_sample([one.train for one in surveys], n_train, wanted)
    test = joined_sample([one.test for one in surveys], n_test, wanted)
    dataset = FolderDataset(plan, task, reason, classes, n_train, n_test, train, test)
    return replace(
        dataset,
        train=replace(train, y=target_values(train.y, dataset.target_dtype)),
        test=replace(test, y=target_values(test.y, dataset.target_dtype)),
    )


def may_be_numbers(table: FileTable, targets: Sequence[str]) -> bool:
    """Return whether the kind of the targets was not known before they were read."""
    return all(table.kinds[name] not in (NUMERIC, TEXT) for name in targets)


def with_numbers(survey: BlockSurvey) -> BlockSurvey:
    """Return what a block holds with its target as numbers."""
    return replace(
        survey,
        train=replace(survey.train, y=survey.train.y.astype(float)),
        test=replace(survey.test, y=survey.test.y.astype(float)),
        distinct=frozenset(map(float, survey.distinct)),
    )


def check_split(plan: BlockPlan, n_train: int, n_test: int) -> None:
    """Raise InputError if a part of the rows is too small."""
    for count, part in ((n_train, "training"), (n_test, "the test")):
        if count < 2:
            raise InputError(
                f"{plan.table.pattern}: {count} rows are left for {part}, too few: choose another --test-size"
            )


def joined_sample(parts: Sequence[BlockRows], counts: Sequence[int], wanted: int) -> BlockRows:
    """Return a sample of about `wanted` rows: of each block as large a share as it has of all rows."""
    total = sum(counts)
    taken = []
    for part, count in zip(parts, counts, strict=True):
        quota = count if total <= wanted else -(-wanted * count // total)
        taken.append(part.take(np.arange(min(quota, len(part.x)))))
    weights = None
    if taken[0].weights is not None:
        weights = np.concatenate([one.weights for one in taken])  # type: ignore[misc]
    return BlockRows(
        np.concatenate([one.x for one in taken]), np.concatenate([one.y for one in taken]), weights
    )


def find_task(
    plan: BlockPlan, surveys: Sequence[BlockSurvey], task: str
) -> tuple[str, str, list[Any] | None]:
    """Return the task that the target poses, what it holds, and its classes if it is one column of classes.

    Raises
    ------
    InputError
        If the target does not fit the task.
    """
    pattern, name = plan.table.pattern, first_names(plan.targets)
    values = sorted(frozenset().union(*(one.distinct for one in surveys)))
    n_rows = sum(one.n_train + one.n_test for one in surveys)
    if plan.textual:
        if task == "regression" or len(plan.targets) > 1:
            text = next((one for one in values if not is_number_text(one)), values[0])
            raise InputError(
                f"{pattern}: column {name}, the target, holds text, for example {checks.short_repr(text)}, and must hold "
                "numbers"
            )
        check_classes(plan, values)
        return "classification", "text", values
    if len(plan.targets) > 1:
        if task != "classification":
            return "regression", "numbers", None
        if set(values) - {0.0, 1.0}:
            raise InputError(
                f"{pattern}: with several targets and --task classification each is a label that a row has or has not, "
                f"written as 0 and 1, and {name} hold {first_names(values, 3, quote='')}"
            )
        return "classification", "labels", None
    whole = all(float(one).is_integer() for one in values)
    few = len(values) <= max(2, min(MAX_GUESSED_CLASSES, n_rows // 10))
    if task == "regression" or (task == "auto" and not (whole and few)):
        return "regression", "numbers", None
    if not whole:
        raise InputError(
            f"{pattern}: column {name}, the target, holds numbers with a fraction, such as {values[0]:g}, which name no "
            "classes here: take --task regression, or write the classes as text"
        )
    check_classes(plan, values)
    return "classification", f"{len(values)} different whole numbers", [int(one) for one in values]


def check_classes(plan: BlockPlan, values: Sequence[Any]) -> None:
    """Raise InputError if there are not between 2 and MAX_DISTINCT classes."""
    pattern, name = plan.table.pattern, plan.targets[0]
    if len(values) < 2:
        raise InputError(
            f"{pattern}: column '{name}' is {checks.short_repr(values[0])} in every row: the target needs two classes"
        )
    if len(values) > MAX_DISTINCT:
        raise InputError(
            f"{pattern}: column '{name}', which is the target, has more than {MAX_DISTINCT:,} different values: they name "
            "no classes; name the column to learn with --target"
        )


def is_number_text(value: Any) -> bool:
    """Return whether it is a number, or the text of one."""
    try:
        float(value)
    except ValueError:
        return False
    return True

"""A Zarr store that is ready to learn from: its inputs stay where they are, its target and the split are here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.distributed.folder_dataset import FEWEST_SAMPLED, SAMPLE_BYTES, SAMPLE_ROWS
from twolayer.distributed.survey import BlockRows
from twolayer.distributed.zarr_store import check_chunks, open_zarr
from twolayer.errors import InputError
from twolayer.evaluation.splits import train_test_rows
from twolayer.tables.table import Table
from twolayer.tables.target import read_target
from twolayer.text import plural


@dataclass(frozen=True, eq=False)
class ZarrDataset:
    """The arrays of a store with their split.

    Attributes
    ----------
    path : str
    targets : list of str
        The arrays, or columns, to learn.
    inputs : list of str
        The columns, by their places: x1, x2, ...
    x : dask.array.Array, shape (n_rows, n_inputs)
    y : ndarray, shape (n_rows,) or (n_rows, n_targets)
    task, reason : str
    classes : list or None
    train_rows, test_rows : ndarray of int
    train, test : BlockRows or None
        A sample of each; None of a table whose rows are too long to be sampled.
    """

    path: str
    targets: list[str]
    inputs: list[str]
    x: Any
    y: np.ndarray
    task: str
    reason: str
    classes: list[Any] | None
    train_rows: np.ndarray
    test_rows: np.ndarray
    train: BlockRows | None
    test: BlockRows | None

    @property
    def counts(self) -> tuple[int, int]:
        """The number of rows of training, and of the test."""
        return len(self.train_rows), len(self.test_rows)

    @property
    def booleans(self) -> list[str]:
        """The columns of True and False that are inputs as such: none."""
        return []

    @property
    def notes(self) -> list[str]:
        """What the user should know of the store."""
        return []

    def shape_line(self) -> str:
        """Return what was read, in a line."""
        columns = f"{plural(len(self.inputs), 'input column')} of {self.x.dtype}"
        chunks = plural(int(np.prod(self.x.numblocks)), "chunk")
        return f"{self.path}: {plural(len(self.y), 'row')}, {columns}, in {chunks}"

    def training_arrays(self) -> tuple[Any, Any, Any]:
        """Return the rows of training: inputs as a Dask array, the target, and None."""
        return self.x[self.train_rows], self.y[self.train_rows], None

    def test_arrays(self) -> tuple[Any, np.ndarray]:
        """Return the rows of the test: inputs as a Dask array, and the target."""
        return self.x[self.test_rows], self.y[self.test_rows]


def read_zarr_dataset(
    client: Any,
    path: str,
    targets: Sequence[str],
    *,
    task: str = "auto",
    test_size: float = 0.25,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ZarrDataset:
    """Return the dataset, after one pass over all chunks that checks every value.

    Raises
    ------
    InputError, FileError, EngineError
        If the store cannot be read, holds no such target, or a value is missing.
    """
    x, lazy, places = open_zarr(path, targets)
    y = np.asarray(lazy.compute(), dtype=np.float64)
    found = read_target(target_table(path, y, targets), list(targets), task)
    check_chunks(client, path, x, progress)
    parts = train_test_rows(
        found.values, test_size, seed, classifies=found.task == "classification", name=found.name
    )
    classes = None
    if found.task == "classification" and found.values.ndim == 1:
        classes = np.unique(found.values).tolist()
    names = [f"x{place + 1}" for place in places]
    samples = [sample_rows(x, found.values, rows, seed) for rows in (parts.train, parts.test)]
    return ZarrDataset(
        path, list(targets), names, x, found.values, found.task, found.reason, classes, parts.train, parts.test,
        *samples,
    )  # fmt: skip


def target_table(path: str, y: np.ndarray, targets: Sequence[str]) -> Table:
    """Return the targets as a table of columns with their names."""
    values = y.reshape(len(y), -1)
    names = list(targets)
    if values.shape[1] != len(names):
        raise InputError(
            f"{path}: the array {targets[0]!r} has {values.shape[1]} columns: name one array for each target"
        )
    return Table(path, names, values)


def sample_rows(x: Any, y: np.ndarray, rows: np.ndarray, seed: int) -> BlockRows | None:
    """Return a sample of these rows, in their order; None if the few that would fit here are too few."""
    wanted = min(SAMPLE_ROWS, SAMPLE_BYTES // (8 * x.shape[1]))
    if wanted < min(FEWEST_SAMPLED, len(rows)):
        return None
    if len(rows) > wanted:
        random = np.random.default_rng([seed, 1])
        rows = np.sort(random.choice(rows, wanted, replace=False))
    return BlockRows(x[rows].compute(), y[rows], None)

"""The tables that the benchmarks read: UCI's regression tables with their published splits, and wide tables of classes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from twolayer.errors import FileError


def data_folder() -> Path:
    """Return where the data is: TWOLAYER_DATA, by default `../shared/data` beside the checkout."""
    return Path(os.environ.get("TWOLAYER_DATA", "../shared/data"))


def uci_folder(name: str) -> Path:
    """Return the folder of a UCI table and its splits."""
    return data_folder() / "uci" / name


def wide_file(name: str) -> Path:
    """Return the file of a wide table."""
    return data_folder() / "wide" / f"{name}.mat"


def read_uci_split(path: Path, split: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y to train on, and x, y to predict, of one published split."""
    try:
        data = np.loadtxt(path / "data.txt")
        columns = np.loadtxt(path / "index_features.txt").astype(int)
        target = int(np.loadtxt(path / "index_target.txt"))
        train, test = (
            np.loadtxt(path / f"index_{part}_{split}.txt").astype(int) for part in ("train", "test")
        )
    except (OSError, ValueError) as error:
        raise FileError(f"the table in {path} cannot be read: {error}") from None
    x, y = data[:, columns], data[:, target]
    return x[train], y[train], x[test], y[test]


def read_wide_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns and the class numbers."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        raw = loadmat(path)
        return raw["X"].astype(np.float64), np.unique(raw["Y"].ravel(), return_inverse=True)[1]
    except (OSError, ValueError, KeyError, MatReadError) as error:
        raise FileError(f"the table {path} cannot be read: {error}") from None

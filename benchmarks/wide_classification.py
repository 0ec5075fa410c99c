"""Wide tables of classes: ours and other models on the same rows, by folds, leave-one-out or bootstrap samples."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.datasets import read_wide_table, wide_file
from benchmarks.measurements import Measurements
from benchmarks.scores import error_632_plus, mean_and_error, no_information_rate

FOLDS = 5
OURS = "TwoLayerClassifier"
FOLD_PROTOCOL, LEAVE_ONE_OUT, BOOTSTRAP = "folds", "leave-one-out", "bootstrap"
ALL_ROWS = "all rows"  # trained on and predicted: for the apparent error
Part = tuple[
    np.ndarray, np.ndarray
]  # rows of training, of which a bootstrap sample repeats some, and test rows


def classifiers(
    seed: int, splits: list[Part] | None = None, copies: bool = False
) -> dict[str, Any]:
    """Ours first, as it comes; then others, on standardised columns but for shrunken centroids, glmnet and the forest.

    `splits` are the inner folds for what a model does not choose by itself; with `copies` of rows the ridge models use
    them too, else leave-one-out in closed form.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler
    from sklearn.random_projection import GaussianRandomProjection
    from sklearn.svm import SVC

    from benchmarks.pls_classifier import PLSClassifier
    from benchmarks.shrunken_centroids import ShrunkenCentroids
    from twolayer.estimators import TwoLayerClassifier, TwoLayerClassifierCV

    # of equal scores the first counts: the fewest columns, the fewest components
    shrinkages = {"shrinkage": np.linspace(1, 0, 31)[1:]}
    components = {"n_components": np.arange(1, 11)}
    ridge = RidgeClassifierCV(np.logspace(-2, 4, 13), cv=splits if copies else None)
    hidden = GaussianRandomProjection(2000, random_state=seed)
    relu = FunctionTransformer(partial(np.maximum, 0))
    return {
        OURS: TwoLayerClassifier(random_state=seed),
        "TwoLayerClassifierCV": TwoLayerClassifierCV(random_state=seed),
        "PAM": GridSearchCV(ShrunkenCentroids(), shrinkages, cv=splits),
        # the columns of the largest F
        "DLDA (200 columns)": make_pipeline(SelectKBest(k=200), ShrunkenCentroids(offset=False)),
        "PLS-DA": make_pipeline(
            StandardScaler(), GridSearchCV(PLSClassifier(), components, cv=splits)
        ),
        "RidgeClassifierCV": make_pipeline(StandardScaler(), ridge),
        "LogisticRegression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        "linear SVC": make_pipeline(StandardScaler(), SVC(kernel="linear")),
        "random features, ridge": make_pipeline(StandardScaler(), hidden, relu, ridge),
        "MLPClassifier(100)": make_pipeline(
            StandardScaler(), MLPClassifier((100,), max_iter=300, random_state=seed)
        ),
        "random forest": RandomForestClassifier(500, random_state=seed),
        **elastic_net(seed),
    }


def elastic_net(seed: int) -> dict[str, Any]:
    """Logistic regression with half of an L1 and half of an L2 penalty, if python-glmnet is installed."""
    if find_spec("glmnet") is None:
        return {}
    from glmnet import LogitNet

    return {"elastic net": LogitNet(alpha=0.5, n_splits=FOLDS, cut_point=0, random_state=seed)}


def matching_models(names: list[str], known: list[str], ours: str) -> list[str]:
    """The models whose names begin like one of these, ours with them; all if there is none."""
    begins = tuple(name.lower() for name in names)
    return [each for each in known if each == ours or not names or each.lower().startswith(begins)]


def protocol_parts(protocol: str, y: np.ndarray, repeats: int) -> dict[str, tuple[int, Part]]:
    """Return by name the parts of a protocol, each with the seed of its models.

    `repeats` is how often the folds are drawn, or the number of bootstrap samples. A sample is drawn again until it
    has at least two different rows of every class.
    """
    from sklearn.model_selection import StratifiedKFold

    rows = np.arange(len(y))
    if protocol == LEAVE_ONE_OUT:
        return {f"row {i}": (0, (np.delete(rows, i), rows[i : i + 1])) for i in rows}
    if protocol == BOOTSTRAP:
        parts = {ALL_ROWS: (0, (rows, rows))}
        for seed in range(repeats):
            rng = np.random.default_rng(seed)
            while True:
                sample = rng.choice(rows, len(rows))
                if (np.bincount(y[np.unique(sample)], minlength=y.max() + 1) >= 2).all():
                    break
            parts[f"sample {seed}"] = seed, (sample, np.setdiff1d(rows, sample))
        return parts
    return {
        f"{seed}.{number}": (seed, part)
        for seed in range(repeats)
        for number, part in enumerate(
            StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, y), 1
        )
    }


def wide_predictions(
    x: np.ndarray, y: np.ndarray, part: Part, seed: int, name: str
) -> dict[str, Any]:
    """The classes of the test rows as this model predicts them, and seconds.

    Copies of a row, as in a bootstrap sample, stay together in the inner folds of every model that has some.
    """
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.utils.validation import has_fit_parameter

    train, test = part
    copies = len(np.unique(train)) < len(train)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        splits = list(folds.split(train, y[train], train))
        model = classifiers(seed, splits, copies)[name]
        grouped = copies and has_fit_parameter(model, "groups")
        began = time.perf_counter()
        model.fit(x[train], y[train], **({"groups": train} if grouped else {}))
        predicted = model.predict(x[test])
    return {"predicted": predicted.tolist(), "seconds": time.perf_counter() - began}


def protocol_scores(
    protocol: str, y: np.ndarray, parts: dict[str, Part], predicted: dict[str, list[int]]
) -> list[float]:
    """Balanced accuracy of each fold, or whether each row was right (both in %), or the one .632+ error."""
    from sklearn.metrics import balanced_accuracy_score

    if protocol == BOOTSTRAP:
        return [bootstrap_error(y, parts, predicted)]
    if protocol == LEAVE_ONE_OUT:
        return [100.0 * (y[parts[part][1]] == each).mean() for part, each in predicted.items()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is predicted and not there
        return [
            100 * balanced_accuracy_score(y[parts[part][1]], each)
            for part, each in predicted.items()
        ]


def standardised_rows(x: np.ndarray) -> np.ndarray:
    """Return logs where all values are positive, and each row with mean 0 and variance 1.

    So Dettling and Bühlmann prepared the tables that the published .632+ errors are of. No row tells of another.
    """
    x = np.log(x) if (x > 0).all() else x
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def bootstrap_error(
    y: np.ndarray, parts: dict[str, Part], predicted: dict[str, list[int]]
) -> float:
    """Return the .632+ error; that of rows outside the samples is the mean over rows of each row's mean."""
    everywhere = np.array(predicted[ALL_ROWS])
    wrong, left_out = np.zeros(len(y)), np.zeros(len(y))
    for part, each in predicted.items():
        if part != ALL_ROWS:
            test = parts[part][1]
            wrong[test] += y[test] != each
            left_out[test] += 1
    seen = left_out > 0
    return error_632_plus(
        apparent=float((everywhere != y).mean()),
        left_out=float((wrong[seen] / left_out[seen]).mean()),
        no_information=no_information_rate(y, everywhere),
    )


def wide_table(
    name: str,
    protocol: str,
    repeats: int,
    tell: Callable[[str], None],
    names: list[str],
    measurements: Measurements,
) -> dict[str, Any]:
    """One table by one protocol, for these models: mean, standard error, and how far ours is above, part by part."""
    x, y = read_wide_table(wide_file(name))
    if protocol == BOOTSTRAP:
        x = standardised_rows(x)
    seeds_and_parts = protocol_parts(protocol, y, repeats)
    parts = {part: rows for part, (_, rows) in seeds_and_parts.items()}
    found: dict[str, dict[str, dict[str, Any]]] = {each: {} for each in names}
    for part, (seed, rows) in seeds_and_parts.items():
        for each in names:
            found[each][part] = measurements.of(
                (name, protocol, part, each), partial(wide_predictions, x, y, rows, seed, each)
            )
        tell(f"{name}, {protocol}, {part}: ours in {found[OURS][part]['seconds']:.1f} s")
    scores = {
        each: np.array(
            protocol_scores(
                protocol, y, parts, {part: one["predicted"] for part, one in found[each].items()}
            )
        )
        for each in names
    }
    return {
        "table": name,
        "protocol": protocol,
        "shape": x.shape,
        "parts": len(parts),
        "models": [
            {
                "name": each,
                "score": mean_and_error(scores[each]),
                "ours_above": mean_and_error(scores[OURS] - scores[each]),
                "seconds": float(np.mean([one["seconds"] for one in found[each].values()])),
            }
            for each in names
        ],
    }

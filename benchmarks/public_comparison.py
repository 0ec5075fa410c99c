"""The public tables: the default fit beside other models, on the same folds."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measurements import Measurements
from benchmarks.public_tables import PUBLIC, read_public_table

FOLDS = 5
OURS_PUBLIC, LINEAR = "TwoLayer", "linear"
LEAST_PROBABILITY = 1e-3  # half a tree of the forest, which would else be infinitely wrong


def public_models(classes: bool, seed: int) -> dict[str, Any]:
    """Ours as it comes; the linear model with its penalty chosen by the same loss; the others with their usual settings."""
    from sklearn import ensemble, linear_model, neural_network
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import twolayer as tl

    if classes:
        logistic = linear_model.LogisticRegressionCV(
            Cs=np.logspace(-4, 4, 17),
            cv=StratifiedKFold(FOLDS, shuffle=True, random_state=seed),
            scoring="neg_log_loss",
            max_iter=5000,
        )
        mlp = neural_network.MLPClassifier(max_iter=1000, random_state=seed)
        return {
            OURS_PUBLIC: tl.TwoLayerClassifier(random_state=seed),
            LINEAR: make_pipeline(StandardScaler(), logistic),
            "random forest": ensemble.RandomForestClassifier(500, random_state=seed),
            "MLP": make_pipeline(StandardScaler(), mlp),
            "gradient boosting": ensemble.GradientBoostingClassifier(random_state=seed),
        }
    network = neural_network.MLPRegressor(max_iter=1000, random_state=seed)
    ridge = linear_model.RidgeCV(np.logspace(-4, 5, 37))
    return {
        OURS_PUBLIC: tl.TwoLayerRegressor(random_state=seed),
        LINEAR: make_pipeline(StandardScaler(), ridge),
        "random forest": ensemble.RandomForestRegressor(500, random_state=seed),
        "MLP": make_pipeline(
            StandardScaler(), TransformedTargetRegressor(network, transformer=StandardScaler())
        ),
        "gradient boosting": ensemble.GradientBoostingRegressor(random_state=seed),
    }


def public_folds(
    y: np.ndarray, classes: bool, repeats: int
) -> Iterator[tuple[int, str, np.ndarray, np.ndarray]]:
    """Yield the seed, the name of the fold, its rows of training and its test rows."""
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = StratifiedKFold if classes else KFold
    for seed in range(repeats):
        folds = kind(FOLDS, shuffle=True, random_state=seed).split(y, y)
        for number, (train, test) in enumerate(folds, 1):
            yield seed, f"{seed}.{number}", train, test


def public_fold(
    model: Any, x: np.ndarray, y: np.ndarray, train: Any, test: Any, classes: bool
) -> dict[str, Any]:
    """Log loss and accuracy, or RMSE, of one model on one fold, and seconds."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x[train], y[train])
        predicted = model.predict_proba(x[test]) if classes else model.predict(x[test])
    seconds = time.perf_counter() - began
    if not classes:
        return {"loss": float(np.sqrt(np.mean((predicted - y[test]) ** 2))), "seconds": seconds}
    predicted = np.clip(predicted, LEAST_PROBABILITY, 1)
    predicted /= predicted.sum(axis=1, keepdims=True)
    loss = -np.log(predicted[np.arange(len(test)), y[test]]).mean()
    accuracy = (predicted.argmax(axis=1) == y[test]).mean()
    return {"loss": float(loss), "accuracy": 100 * float(accuracy), "seconds": seconds}


def public_table(
    name: str,
    repeats: int,
    tell: Callable[[str], None],
    names: list[str],
    measurements: Measurements,
) -> dict[str, Any]:
    """All folds of one table: loss, accuracy and seconds of each of these models."""
    x, y = read_public_table(name)
    classes = PUBLIC[name].classes > 0
    folds = []
    for seed, part, train, test in public_folds(y, classes, repeats):
        models = public_models(classes, seed)
        folds.append(
            {
                each: measurements.of(
                    (name, "folds", part, each),
                    partial(public_fold, models[each], x, y, train, test, classes),
                )
                for each in names
            }
        )
        ours = folds[-1][OURS_PUBLIC]
        tell(f"{name}, fold {part}: {ours['loss']:.4g} ({ours['seconds']:.1f} s)")
    return {
        "table": name,
        "rows": len(y),
        "columns": x.shape[1],
        "models": {
            each: {figure: [fold[each][figure] for fold in folds] for figure in folds[0][each]}
            for each in names
        },
    }

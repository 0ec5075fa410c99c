"""Wide tables of classes: ours and scikit-learn's models on the same folds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.datasets import read_wide_table, wide_file
from benchmarks.scores import mean_and_error

WIDE = ("colon", "GLIOMA", "TOX-171")
FOLDS = 5
OURS = "TwoLayerClassifierCV"


def classifiers(seed: int) -> dict[str, Any]:
    """Ours first, then scikit-learn's with their defaults, on columns standardised in the fold."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
    from sklearn.neighbors import NearestCentroid
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import LinearSVC

    from benchmarks.pls_classifier import PLSClassifier
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


def matching_classifiers(names: list[str]) -> list[str]:
    """The contenders whose names begin like one of these, ours with them; all if there is none.

    Raises
    ------
    ValueError
        If a name is the beginning of none.
    """
    known = list(classifiers(0))
    for name in names:
        if not any(each.lower().startswith(name.lower()) for each in known):
            raise ValueError(
                f"there is no model '{name}' to compare with: choose from {', '.join(known[1:])}"
            )
    begins = tuple(name.lower() for name in names)
    return [each for each in known if each == OURS or not names or each.lower().startswith(begins)]


def wide_fold(
    x: np.ndarray, y: np.ndarray, train: Any, test: Any, seed: int, names: list[str]
) -> dict[str, Any]:
    """These contenders on one fold: balanced accuracy and seconds."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x[train])
    x_train, x_test = scaler.transform(x[train]), scaler.transform(x[test])
    found = {}
    models = classifiers(seed)
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


def wide_table(
    name: str, seeds: int, tell: Callable[[str], None], names: list[str]
) -> dict[str, Any]:
    """All folds of one table, for these contenders: mean, standard error, and how far ours is above, fold by fold."""
    from sklearn.model_selection import StratifiedKFold

    x, y = read_wide_table(wide_file(name))
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

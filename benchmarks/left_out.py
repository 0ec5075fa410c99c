"""Left-out predictions in closed form beside fits without the rows: `python -m benchmarks leftout` prints and draws them.

Six tables, two each small, wide and with a rare class; at alpha 1 and at the alpha that the default chooses; 30 single rows
of each table, and blocks of 5 and 10 folds. The truth is another fit without the rows, at the same alpha, from random ones.
Where the closed form is refused, `left_out_predict` makes such fits itself: these lines are marked.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import KFold

from benchmarks.datasets import read_wide_table, wide_file
from benchmarks.interval_coverage import print_coverage
from twolayer import TwoLayerClassifier, TwoLayerRegressor

SINGLE_ROWS = 30
TRAINED = ", trained"  # what is marked so is no closed form
HEADER = "| table | alpha | left out | correlation with refits | of the changes | score | of refits | ms |"


def rare_cancer() -> tuple[np.ndarray, np.ndarray]:
    """Return rows of the breast cancer table, of which one in ten is malignant."""
    x, y = load_breast_cancer(return_X_y=True)
    rows = np.r_[np.flatnonzero(y == 0)[:12], np.flatnonzero(y == 1)[:108]]
    return x[rows], y[rows]


def rare_ring() -> tuple[np.ndarray, np.ndarray]:
    """Return 200 rows that were made up: of one in nine, two columns of five are far from the middle."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 5))
    return x, (x[:, 0] + x[:, 1] ** 2 + rng.standard_normal(200) > 2.7).astype(int)


def first_diabetes() -> tuple[np.ndarray, np.ndarray]:
    """Return the first 200 rows of the diabetes table."""
    x, y = load_diabetes(return_X_y=True)
    return x[:200], y[:200]


TABLES: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "diabetes, 200 rows": first_diabetes,
    "wine": lambda: load_wine(return_X_y=True),
    "GLIOMA": lambda: read_wide_table(wide_file("GLIOMA")),
    "alon": lambda: read_wide_table(wide_file("alon")),
    "cancer, 12 of 120": rare_cancer,
    "ring, one in nine": rare_ring,
}


@dataclass(frozen=True)
class Comparison:
    """Outputs of rows left out, in closed form or, where that was refused, `trained`; and of fits without them."""

    alpha: float
    what: str
    fitted: np.ndarray
    found: np.ndarray
    truth: np.ndarray
    score: tuple[float, float]  # R² or log loss
    seconds: float
    trained: bool

    @property
    def correlation(self) -> float:
        return float(np.corrcoef(self.found.ravel(), self.truth.ravel())[0, 1])

    @property
    def change_correlation(self) -> float:
        moved = self.found - self.fitted, self.truth - self.fitted
        return float(np.corrcoef(moved[0].ravel(), moved[1].ravel())[0, 1])


def comparisons(x: np.ndarray, y: np.ndarray, alpha: Any) -> Iterator[Comparison]:
    """Yield a table's comparisons at one alpha."""
    kind = TwoLayerRegressor if y.dtype.kind == "f" else TwoLayerClassifier
    # on wide tables the default weighs the columns by the targets, and then trains without each part
    scaling = "standard" if len(x) < x.shape[1] else "auto"
    model = kind(alpha=alpha, scaling=scaling, random_state=0).fit(x, y)
    method = "decision_function" if is_classifier(model) else "predict"
    fitted = getattr(model, method)(x)
    singles = np.random.default_rng(0).permutation(len(y))[:SINGLE_ROWS]
    parts = {
        "rows": [np.array([i]) for i in singles],
        "5 folds": [test for _, test in KFold(5, shuffle=True, random_state=0).split(x)],
        "10 folds": [test for _, test in KFold(10, shuffle=True, random_state=0).split(x)],
    }
    for what, blocks in parts.items():
        splits = [(np.setdiff1d(np.arange(len(y)), block), block) for block in blocks]
        start = time.perf_counter()
        cv = None if what == "rows" else splits
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = model.left_out_predict(x, y, cv=cv, method=method)
        trained = any("networks are trained without some rows" in str(one.message) for one in said)
        seconds = time.perf_counter() - start
        rows = np.concatenate(blocks)
        truth = np.concatenate([refitted(kind, model, x, y, block, method) for block in blocks])
        scores = [score(model, y, rows, one) for one in (found[rows], truth)]
        outputs = fitted[rows], found[rows], truth
        yield Comparison(model.alpha_, what, *outputs, (scores[0], scores[1]), seconds, trained)


def refitted(
    kind: Any, model: Any, x: np.ndarray, y: np.ndarray, block: np.ndarray, method: str
) -> np.ndarray:
    """Return what a fit without these rows says of them; with the same views of the columns."""
    kept = np.setdiff1d(np.arange(len(y)), block)
    clip = model.input_clip_
    views = "standard" if clip is None else "smooth_clip" if clip.networks.all() else "auto"
    settings = {"alpha": model.alpha_, "n_networks": model.n_networks_, "scaling": views}
    own = kind(random_state=0, calibrate=False, **settings) if is_classifier(model) else None
    own = kind(random_state=0, **settings) if own is None else own
    return getattr(own.fit(x[kept], y[kept]), method)(x[block])


def score(model: Any, y: np.ndarray, rows: np.ndarray, outputs: np.ndarray) -> float:
    """Return R² of numbers, or the log loss of logits without temperature."""
    if not is_classifier(model):
        return float(r2_score(y[rows], outputs))
    if outputs.ndim == 1:
        outputs = np.c_[np.zeros(len(outputs)), outputs]
    p = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return float(log_loss(y[rows], p / p.sum(axis=1, keepdims=True), labels=model.classes_))


def table_row(name: str, one: Comparison) -> str:
    """Return a row of the printed table."""
    what = one.what + TRAINED * one.trained
    return (
        f"| {name} | {one.alpha:g} | {what} | {one.correlation:.4f} | {one.change_correlation:.3f} | "
        f"{one.score[0]:.3f} | {one.score[1]:.3f} | {1000 * one.seconds:.0f} |"
    )


def draw(panels: dict[str, Comparison], path: Path) -> None:
    """Draw each table's changes: in closed form over those of fits without the rows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    for axes, (name, one) in zip(figure.subplots(2, 3).flat, panels.items(), strict=True):
        scale = one.fitted.std()
        across = (one.truth - one.fitted).ravel() / scale
        up = (one.found - one.fitted).ravel() / scale
        ends = [min(across.min(), up.min()), max(across.max(), up.max())]
        axes.plot(ends, ends, color="0.7", linewidth=1, zorder=0)
        axes.scatter(across, up, s=9, color="#1f618d", alpha=0.6, linewidths=0)
        title = f"{name}, alpha {one.alpha:g}{TRAINED * one.trained}"
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelsize=7)
    figure.suptitle("How predictions change when a fifth of the rows is left out", fontsize=11)
    figure.supxlabel("in a fit without the rows (spreads of the predictions)", fontsize=9)
    figure.supylabel("in closed form, from one training; or trained", fontsize=9)
    figure.savefig(path, dpi=130)


def main(arguments: list[str] | None = None) -> None:
    """Print the comparisons and draw those of 5 folds at the alpha chosen."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks leftout", description=__doc__)
    parser.add_argument("tables", nargs="*", help=f"of {', '.join(TABLES)}; default: all")
    parser.add_argument(
        "--intervals", type=int, metavar="DRAWS", help="coverage of intervals and sets instead: 200"
    )
    parser.add_argument("--out", type=Path, help="a picture, such as docs/left_out.png")
    options = parser.parse_args(arguments)
    if options.intervals is not None:
        print_coverage(options.intervals)
        return
    names = options.tables or list(TABLES)
    if unknown := [name for name in names if name not in TABLES]:
        parser.error(f"there is no table {unknown[0]!r}: choose from {', '.join(TABLES)}")
    print(HEADER + "\n" + "|---" * HEADER.count(" | ") + "|---|")
    panels: dict[str, Comparison] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # trainings at alpha 1 take all of their steps
        for name in names:
            x, y = TABLES[name]()
            for alpha in (1.0, "auto"):
                for one in comparisons(x, y, alpha):
                    print(table_row(name, one), flush=True)
                    if one.what == "5 folds":
                        panels[name] = one
    if options.out is not None and len(panels) == len(TABLES):
        draw(panels, options.out)
        print(f"written: {options.out}")


if __name__ == "__main__":
    main()

"""What a model's file says of its network, its training and its scores, and its inputs ranked by their weights."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import numpy as np

from twolayer.inspection.ranking import InputRanking, rank_inputs
from twolayer.saving.labelled_rows import fit_columns, input_names
from twolayer.saving.saved_model import SavedModel


def model_facts(model: SavedModel) -> dict[str, Any]:
    """Return the network, its size, its training and its scores by name, as far as the file says."""
    estimator = model.estimator
    params = estimator.params_
    n_networks = estimator.n_networks_
    size = sum(w.size for _, w in params.items())
    kept = model.about.get("training")
    kept = kept if isinstance(kept, dict) else {}
    return {
        "model": str(model.path),
        "kind": type(estimator).__name__,
        "targets": model.targets,
        "n_inputs": estimator.n_features_in_,
        "n_hidden": int(estimator.w1_.shape[-1]),
        "n_outputs": int(estimator.w2_.shape[-1]),
        "n_networks": n_networks,
        "n_clipped_networks": clipped_count(estimator),
        "column_weighing": getattr(estimator, "column_weighing_", "none"),
        "activation": str(getattr(estimator.activation, "name", estimator.activation)),
        "skip": params.w_skip is not None,
        "n_weights": size,
        "file_bytes": os.path.getsize(model.path),
        "kept_rows": 0 if estimator.rows_ is None else len(estimator.rows_.y),
        "written": written_time(model),
        "alpha": float(estimator.alpha_),
        "alphas_tried": alphas_tried(estimator),
        "label_smoothing": smoothing_share(model),
        "temperature": getattr(estimator, "temperature_", None),
        "solver": getattr(estimator, "solver_", estimator.solver),
        "passes": int(estimator.n_iter_),
        "loss": float(np.mean(estimator.loss_)),
        "stopped": estimator.stopped_,
        "idle_units": kept.get("idle_units"),
        "classes": getattr(estimator, "classes_", None),
        "noise_std": getattr(estimator, "noise_std_", None),
        "spread_by_row": spread_depends_on_row(estimator),
        "scores": model.about.get("scores"),
        "rows": model.about.get("rows"),
        "table": model.about.get("table"),
        "columns_with_a_part": fit_columns(model),
    }


def spread_depends_on_row(estimator: Any) -> bool:
    """Return whether networks of their own say how far targets scatter."""
    spread = getattr(estimator, "spread_", None)
    return spread is not None and spread.networks is not None


def clipped_count(estimator: Any) -> int:
    """Return how many networks see clipped columns."""
    return 0 if estimator.input_clip_ is None else int(estimator.input_clip_.networks.sum())


def alphas_tried(estimator: Any) -> list[tuple[float, float]] | None:
    """Return each alpha with the loss of the rows left out; None if it was given."""
    tried = getattr(estimator, "alphas_tried_", None)
    if tried is None:
        return searched_alphas(estimator)
    return [(float(alpha), float(loss)) for alpha, loss in np.reshape(tried, (-1, 2))]


def searched_alphas(estimator: Any) -> list[tuple[float, float]] | None:
    """Return the same of an estimator that searched by cross-validation, at the best number of units."""
    found = getattr(estimator, "cv_results_", None)
    if not isinstance(found, dict):
        return None
    same = np.array(found["param_n_hidden"]) == estimator.n_hidden_
    alphas, scores = (np.array(found[name])[same] for name in ("param_alpha", "mean_test_score"))
    return [(float(alpha), -float(score)) for alpha, score in zip(alphas, scores, strict=True)]


def smoothing_share(model: SavedModel) -> float | None:
    """Return the share of each label that went to all classes; None if it is not known, or there are none."""
    from twolayer.estimators.fit_plan import label_smoothing_share

    given = getattr(model.estimator, "label_smoothing", None)
    parts = model.about.get("rows")
    n_rows = parts.get("train") if isinstance(parts, dict) else None
    if given is None or (given == "auto" and not isinstance(n_rows, int)):
        return None
    return label_smoothing_share(given, n_rows or 0, model.estimator.n_features_in_)


def written_time(model: SavedModel) -> str:
    """Return when the file was written, in local time."""
    return f"{datetime.fromtimestamp(os.path.getmtime(model.path)):%Y-%m-%d %H:%M}"


def training_spreads(model: SavedModel) -> np.ndarray | None:
    """Return the spread of each column in training as each network sees it, (n_networks, n_inputs); None if not known."""
    kept = model.about.get("training")
    kept = kept if isinstance(kept, dict) else {}
    unclipped, clip = kept.get("spreads"), model.estimator.input_clip_
    clipped = unclipped if clip is None else kept.get("clipped_spreads")
    if unclipped is None or clipped is None or len(unclipped) != model.estimator.n_features_in_:
        return None
    sees = np.zeros(model.estimator.n_networks_, dtype=bool) if clip is None else clip.networks
    return np.where(sees[:, None], np.array(clipped, dtype=float), np.array(unclipped, dtype=float))


def model_ranking(model: SavedModel) -> InputRanking | None:
    """Return the ranking of the inputs; None if the file does not have their spreads."""
    spreads = training_spreads(model)
    if spreads is None:
        return None
    names, _ = input_names(model)
    return rank_inputs(model.estimator, spreads, names, model.targets)

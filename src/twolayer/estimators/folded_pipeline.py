"""A scikit-learn Pipeline of scalers and one estimator, as one estimator: the scalers are folded into the first weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from twolayer.errors import InputError
from twolayer.estimators.base import TwoLayerEstimator
from twolayer.estimators.standardise import Scaling, unscale_params
from twolayer.maths.network import Params

# What each fitted scaler subtracts from a column, and what it then divides by; None is 0, or 1
SCALERS: dict[type, Callable[[Any], tuple[Any, Any]]] = {
    StandardScaler: lambda step: (step.mean_ if step.with_mean else None, step.scale_),
    RobustScaler: lambda step: (step.center_, step.scale_),
    MaxAbsScaler: lambda step: (None, step.scale_),
    MinMaxScaler: lambda step: (-step.min_ / step.scale_, 1 / step.scale_),
}


def folded_pipeline(model: Any) -> Any:
    """Return the estimator that predicts for the pipeline's own columns what the pipeline does; any other model as it is.

    Raises
    ------
    InputError
        If a step before the estimator is not a scaler, or clips values.
    """
    if not isinstance(model, Pipeline):
        return model
    steps = list(pipeline_steps(model))
    _, last = steps.pop()
    if not isinstance(last, TwoLayerEstimator) or not hasattr(last, "w1_"):
        return last  # of which the caller says what it is
    each, clip, spread = last.networks_, last.input_clip_, getattr(last, "spread_", None)
    rows, losses = last.rows_, getattr(last, "left_out_losses_", None)
    clipped = np.zeros(len(each), dtype=bool) if clip is None else clip.networks
    for name, step in reversed(steps):
        scaling = step_scaling(name, step, last.n_features_in_)
        pairs = zip(each, clipped, strict=True)
        each = [one if sees else unscale_params(one, scaling, None) for one, sees in pairs]
        if clip is not None:  # which takes up the scaler, as the weights do elsewhere
            center = scaling.mean + scaling.scale * clip.center
            clip = replace(clip, center=center, scale=scaling.scale * clip.scale)
        spread = None if spread is None else spread.before_scaling(scaling)
        rows = None if rows is None else rows.before_scaling(scaling)
    same = copy.copy(last)
    same.__dict__.pop("stream_", None)  # its means and spreads are those of the scaled columns
    params = each[0] if last.params_.n_networks is None else Params.stack(each)
    same._set_networks_and_clip(params, clip)
    own = {"spread_": spread, "rows_": rows, "left_out_losses_": losses}
    same.set_fitted_state({name: part for name, part in own.items() if part is not None})
    names = [step.feature_names_in_ for _, step in steps if hasattr(step, "feature_names_in_")]
    if names:
        same.feature_names_in_ = names[0]
    return same


def pipeline_steps(pipeline: Pipeline) -> Iterator[tuple[str, Any]]:
    """Yield the steps that do something, those of a pipeline inside the pipeline too."""
    for name, step in pipeline.steps:
        if isinstance(step, Pipeline):
            yield from pipeline_steps(step)
        elif step is not None and not (isinstance(step, str) and step == "passthrough"):
            yield name, step


def step_scaling(name: str, step: Any, n_columns: int) -> Scaling:
    """Return the scaling of a fitted step."""
    kind = type(step).__name__
    if type(step) not in SCALERS:
        *most, last = (scaler.__name__ for scaler in SCALERS)
        raise InputError(
            f"step '{name}' of the Pipeline, {kind}, is no {', '.join(most)} or {last}: only these can be folded into the "
            "weights. Transform the rows before, and give the estimator alone"
        )
    if getattr(step, "clip", False):
        raise InputError(
            f"step '{name}' of the Pipeline, {kind}, clips values, which weights cannot: fit it with clip=False"
        )
    mean, scale = SCALERS[type(step)](step)
    return Scaling(
        np.zeros(n_columns) if mean is None else np.asarray(mean, dtype=np.float64),
        np.ones(n_columns) if scale is None else np.asarray(scale, dtype=np.float64),
        np.zeros(n_columns, dtype=bool),
    )

"""The largest curvature of the loss: what limits the learning rate."""

from __future__ import annotations

import math

import numpy as np

from twolayer.functional import loss_and_gradients
from twolayer.maths.network import Params
from twolayer.watch.engine_run import EngineRun

ROUNDS = 60  # of the power iteration
RELATIVE_NUDGE = 1e-6  # of the weights' length, for the difference of two gradients


def run_curvature(run: EngineRun) -> float:
    """Return the largest eigenvalue, by size, of the matrix of second derivatives; NaN where it cannot be computed.

    By the power iteration; the matrix times a direction is the difference of two gradients.
    """
    weights = {name: array.astype(float) for name, array in run.weights_now().items()}
    x, y = run.array("x"), run.array("y")
    if x is None or y is None or y.ndim != 2:
        return math.nan
    sizes = {name: array.size for name, array in weights.items()}
    flat = np.concatenate([array.ravel() for array in weights.values()])
    if not np.isfinite(flat).all():
        return math.nan

    def gradient(point: np.ndarray) -> np.ndarray:
        parts = np.split(point, np.cumsum(list(sizes.values()))[:-1])
        named = {
            name: part.reshape(weights[name].shape)
            for name, part in zip(weights, parts, strict=True)
        }
        params = Params(named["w1"], named.get("b1"), named["w2"], named.get("b2"))
        found = loss_and_gradients(
            x.astype(float), y.astype(float), params, activation=run.settings.activation
        )[1]
        return np.concatenate([getattr(found, name).ravel() for name in weights])

    direction = np.random.default_rng(0).standard_normal(flat.size)
    length = RELATIVE_NUDGE * (np.linalg.norm(flat) or 1.0)
    curvature = math.nan
    for _ in range(ROUNDS):
        norm = np.linalg.norm(direction)
        if not np.isfinite(norm) or not norm:
            return curvature
        direction /= norm
        change = gradient(flat + length * direction) - gradient(flat - length * direction)
        product = change / (2 * length)
        before, curvature = curvature, float(direction @ product)
        if abs(curvature - before) < 1e-6 * abs(curvature):
            break
        direction = product
    return curvature

"""Hidden units that strong weight decay has removed, and their restart for a weaker one.

Strong decay shrinks both layers of a unit to 0, where no gradient ever moves them again. A weaker alpha may have a use
for the unit, so that it starts anew. There are two forms, as the two searches for alpha were measured with one each: the
path of "auto" restarts a unit without output, so that the network stays the same function until the unit learns, and
compares with the strongest unit; the search of the CV forms restores both layers, and compares with the unit's own
start.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from twolayer.maths.network import Params

DEAD_SHARE = 1e-3  # of its strength at the start, below which a unit of a search is dead
SILENT_SHARE = 1e-3  # of ‖w1‖·‖w2‖ of the strongest unit, below which a unit of a path is dead
LEAST_STRENGTH = 1e-2  # ‖w1‖·‖w2‖ that the strongest unit counts with at least


def restart_dead_units(params: Params, start: Params) -> Params:
    """Return the networks with dead units as in `start`."""
    dead = unit_strength(params) <= DEAD_SHARE * unit_strength(start)
    return with_restarted(params, start, dead, start.w2)


def restart_without_output(params: Params, start: Params) -> Params:
    """Return the network with dead units as in `start`, but for their output weights, which are 0."""
    strength = np.sqrt(unit_strength(params))
    dead = strength <= SILENT_SHARE * max(strength.max(), LEAST_STRENGTH)
    return start if dead.all() else with_restarted(params, start, dead, np.zeros(()))


def with_restarted(params: Params, start: Params, dead: np.ndarray, w2: np.ndarray) -> Params:
    """Return the weights with those of dead units, (..., n_hidden), from `start` and `w2`."""
    return replace(
        params,
        w1=np.where(dead[..., None, :], start.w1, params.w1),
        b1=np.where(dead, start.b1, params.b1),
        w2=np.where(dead[..., :, None], w2, params.w2),
    )


def unit_strength(params: Params) -> np.ndarray:
    """Return ‖w1‖²·‖w2‖² of each unit, shape (..., n_hidden)."""
    return np.square(params.w1).sum(axis=-2) * np.square(params.w2).sum(axis=-1)

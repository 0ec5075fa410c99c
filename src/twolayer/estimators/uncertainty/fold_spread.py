"""The spread of a fit: in closed form where that holds, or of the rows that were left out while alpha was chosen."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.errors import warn_user
from twolayer.estimators.column_views import networks_by_view
from twolayer.estimators.fit_warnings import CONSTANT_SPREAD
from twolayer.estimators.uncertainty.predictive_spread import PredictiveSpread
from twolayer.estimators.uncertainty.spread_networks import SpreadNetworksFit, spread_refusal


def set_spread(fit: Any, spread: PredictiveSpread | None) -> None:
    """Set the noise and the spread of the model.

    Parameters
    ----------
    fit : NetworkFit
        After its training.
    spread : PredictiveSpread or None
        Of rows left out in closed form.
    """
    model = fit.model
    model.noise_std_ = fit.noise_std() if spread is None else np.sqrt(spread.level)
    if spread is None:
        spread = spread_of_folds(fit, model.noise_std_)
    if spread is not None:
        model.spread_ = spread
    if model.spread is True and (spread is None or spread.networks is None):
        warn_user(CONSTANT_SPREAD)


def spread_networks_fit(fit: Any) -> SpreadNetworksFit | None:
    """Return what fits networks for the spread beside this fit; None if there are to be none."""
    if not fit.model.spread or spread_refusal(fit.task.loss):
        return None
    views = [view for view, _ in networks_by_view(fit.params, fit.views)]
    return SpreadNetworksFit(views, fit.rows.groups, fit.model.spread is True)


def spread_of_folds(fit: Any, noise: np.ndarray) -> PredictiveSpread | None:
    """Return the spread of the rows left out while alpha was chosen; None where it is that noise for each row."""
    networks = spread_networks_fit(fit)
    if fit.was_cut or networks is None:
        return None
    choice = fit.held_out or (fit.left_out() if networks.always else None)
    networks = spread_networks_fit(fit)  # on the rows of that choice
    if choice is None or choice.residuals is None or networks is None:
        return None
    none = np.zeros_like(choice.residuals)
    known = noise, np.ones_like(noise), choice.residuals, none, choice.rows, choice.weights
    return PredictiveSpread.of_constant(*known, networks)

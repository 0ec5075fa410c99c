"""Plots: each function draws on a matplotlib `Axes`, or makes one if it is given none, and returns it.

They do not use the global state of pyplot, so they work on a machine without a screen, in a notebook and in a server.
None of them trains, and none reads or writes a file: `png` returns the contents of one.
"""

from twolayer.plots.axes import new_axes, png
from twolayer.plots.classification import (
    calibration_curve,
    confusion_matrix,
    per_class_scores,
    per_label_scores,
    roc_curve,
)
from twolayer.plots.decision_regions import decision_regions
from twolayer.plots.hidden_units import unit_activity
from twolayer.plots.importances import importance_bars, lek_profile
from twolayer.plots.regression import predicted_against_actual, residuals
from twolayer.plots.training import MAX_POINTS, PASS_LABEL, loss_curve, step_sizes
from twolayer.plots.weights import network_drawing, weight_map

__all__ = [
    "MAX_POINTS",
    "PASS_LABEL",
    "calibration_curve",
    "confusion_matrix",
    "decision_regions",
    "importance_bars",
    "lek_profile",
    "loss_curve",
    "network_drawing",
    "new_axes",
    "per_class_scores",
    "per_label_scores",
    "png",
    "predicted_against_actual",
    "residuals",
    "roc_curve",
    "step_sizes",
    "unit_activity",
    "weight_map",
]

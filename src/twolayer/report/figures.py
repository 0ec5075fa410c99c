"""All figures of a report, each with its caption."""

from __future__ import annotations

import numpy as np

from twolayer import checks
from twolayer.evaluation.assessment import Assessment
from twolayer.inspection.importances import Importances
from twolayer.report.figure import ReportFigure
from twolayer.report.input_figures import (
    importance_figure,
    profile_figures,
    region_figures,
    weight_share_figure,
)
from twolayer.report.network_figures import (
    network_figure,
    training_figures,
    unit_figure,
    weight_map_figures,
)
from twolayer.report.prediction_figures import prediction_figures


def report_figures(
    assessment: Assessment, importances: Importances | None, spread: np.ndarray
) -> list[ReportFigure]:
    """Return every figure that can be drawn of this model.

    Parameters
    ----------
    assessment : Assessment
    importances : Importances or None
    spread : ndarray, shape (n_networks, n_inputs)
        The standard deviation of each input in training, as each network sees it, which multiplies the weights.
    """
    figures = [*prediction_figures(assessment)]
    if importances is not None:
        figures.append(importance_figure(assessment, importances, spread))
        figures += profile_figures(assessment, importances)
        figures += region_figures(assessment, importances)
    return [
        *figures,
        weight_share_figure(assessment, spread),
        *training_figures(assessment),
        unit_figure(assessment),
        *weight_map_figures(assessment, spread[0]),
        network_figure(assessment, spread[0]),
    ]


def can_shuffle(assessment: Assessment) -> bool:
    """Return whether importances can be computed: the table is dense, and both targets and predictions vary."""
    if checks.is_sparse(assessment.x) or len(assessment.y) < 2 or assessment.says_the_same:
        return False
    return assessment.classifies or bool(np.ptp(assessment.y, axis=0).min() > 0)

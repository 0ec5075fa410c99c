"""The figures of the network: its training, its hidden units and its weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twolayer import plots
from twolayer.evaluation.assessment import Assessment
from twolayer.inspection.weights import hidden_layer
from twolayer.report.figure import ReportFigure, report_figure

FEWEST_RECORDS = 3  # of the training history, for a figure
COLOURS = "Red is above 0, blue below 0, white 0."


def training_figures(assessment: Assessment) -> Iterator[ReportFigure]:
    """Yield the loss of training and, if it was recorded, the lengths of gradient and update."""
    model = assessment.model
    losses = np.asarray(model.network_loss_curves_)
    if not losses.size or not np.isfinite(losses).any():
        return
    scores = getattr(model, "validation_scores_", None)
    if getattr(model, "scoring", None) is not None:
        scores = None  # of which a loss cannot be made
    held_out = scores is not None and np.size(scores) > 0
    yield report_figure(
        "loss",
        "Training loss",
        "The objective in each pass over the rows, with weight decay: it should fall and level off. "
        + ("Red is the loss on held-out rows: where it rises while blue falls, the network overfits. The dotted line is the "
           "pass after which the weights were kept." if held_out else "It does not show how good predictions are for other "
           "rows."),
        plots.loss_curve(
            losses,
            validation=-np.asarray(scores) if held_out else None,
            best_step=model.best_iter_ if held_out else None,
            xlabel=plots.PASS_LABEL,
        ),
    )  # fmt: skip
    history = assessment.course
    if history is None or len(history["steps"]) < FEWEST_RECORDS:
        return
    norms = history["gradient_norms"]
    of_first = " of the first network" * (model.n_networks_ > 1 and norms.shape[1] == 1)
    yield report_figure(
        "steps",
        "Length of gradient and update",
        f"The length of the gradient of all weights{of_first} at some steps, and how far the weights moved in a step. Both "
        "should shrink: if the gradient is still long at the end, more steps (--max-iter) may help.",
        plots.step_sizes(norms, history["update_sizes"], at=history["steps"]),
    )


def _which_network(assessment: Assessment) -> str:
    """Return sentences that the figure shows the first of several networks, or clipped columns, where that is so."""
    count, clip = assessment.model.n_networks_, assessment.model.input_clip_
    first = (
        f" This is the first of {count} networks, whose predictions are averaged."
        if count > 1
        else ""
    )
    clipped = " It sees clipped columns." if clip is not None and clip.networks[0] else ""
    return first + clipped


def unit_figure(assessment: Assessment) -> ReportFigure:
    """Return how active the hidden units of the first network are."""
    model = assessment.model
    inputs = model.without_feature_names().network_inputs(assessment.x)
    return report_figure(
        "units",
        "Activity of the hidden units",
        "The share of the rows on which each hidden unit is above 0. A unit near 0 or 1 hardly bends the prediction; a dead "
        "unit, with a red cross, has the same value on every row and could be removed."
        + _which_network(assessment),
        plots.unit_activity(hidden_layer(model.networks_[0], model.activation_, inputs[0])),
    )


def weight_map_figures(assessment: Assessment, spread: np.ndarray) -> Iterator[ReportFigure]:
    """Yield a heat map of each weight matrix of the first network."""
    params, outputs = assessment.model.networks_[0], assessment.output_names
    yield report_figure(
        "w1",
        "Weights of the first layer (w1)",
        "The weight of each input (row) for each hidden unit (column), per standard deviation of the input. "
        + COLOURS + _which_network(assessment),
        plots.weight_map(params.w1 * spread[:, None], rows=assessment.inputs),
    )  # fmt: skip
    yield report_figure(
        "w2",
        "Weights of the second layer (w2)",
        f"The weight of each hidden unit (column) for each output (row). {COLOURS}",
        plots.weight_map(params.w2.T, rows=outputs, ylabel="output"),
    )
    if params.w_skip is not None:
        w_skip = params.w_skip * spread[:, None]
        yield report_figure(
            "w_skip",
            "Weights of the skip layer (w_skip)",
            "The weight of each input for each output, as in a linear model, per standard deviation of the input. "
            + COLOURS,
            plots.weight_map(w_skip, rows=assessment.inputs, columns=outputs, xlabel="output"),
        )  # fmt: skip


def network_figure(assessment: Assessment, spread: np.ndarray) -> ReportFigure:
    """Return the first network as nodes and lines."""
    params = assessment.model.networks_[0]
    skip = "" if params.w_skip is None else " Dashed lines are the skip layer."
    return report_figure(
        "network",
        "The network",
        "Black lines are positive weights, grey lines negative ones; wider lines are larger weights, up to a limit. The "
        "smallest weights are not drawn, and of many nodes only those with most weight."
        + skip + _which_network(assessment),
        plots.network_drawing(
            params, inputs=assessment.inputs, outputs=assessment.output_names, spread=spread
        ),
    )  # fmt: skip

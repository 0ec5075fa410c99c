"""The figures of the inputs: which matter, and how the prediction changes with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twolayer import plots
from twolayer.evaluation.assessment import Assessment
from twolayer.inspection import weights
from twolayer.inspection.importances import Importances, lek_values
from twolayer.plots.axes import short_label
from twolayer.plots.weights import largest_places
from twolayer.report.figure import MAX_DRAWN_OUTPUTS, ReportFigure, axes_grid, report_figure
from twolayer.text import among_the_first

MAX_REGION_INPUTS = 10  # of more inputs, two show little
MAX_PROFILES = 4
MAX_TICKS = 500  # rows whose values are drawn below a profile
MAX_WEIGHT_BARS = 15
LEAST_SHOWN_SHARE = 0.01
PROFILE_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)  # quantiles at which the other inputs are held


def _group_name(assessment: Assessment, group: np.ndarray) -> str:
    """Return the leader of a group, and how many other inputs are in it."""
    leader = assessment.sources[group[0]]
    others = {assessment.sources[j] for j in group} - {leader}
    return f"{leader} +{len(others)}" if others else leader


def _diffuse_text(assessment: Assessment, spread: np.ndarray) -> str:
    """Return a sentence that many inputs share the weight evenly, if that is so."""
    share = weights.weight_shares(assessment.model.networks_, spread)
    if not weights.is_diffuse(share):
        return ""
    return (
        f" Half of all weight is in {weights.fewest_inputs(share):,} of {len(share):,} inputs: as evenly as random weights, "
        "so no short list of inputs represents the model."
    )


def importance_figure(
    assessment: Assessment, importances: Importances, spread: np.ndarray
) -> ReportFigure:
    """Return the importances of the inputs as bars."""
    groups = importances.groups
    loss = "decrease of R²" if importances.unit == "R²" else "increase of the log loss"
    mean = ", as a mean over the targets" if assessment.several else ""
    together = ""
    if any(len({assessment.sources[j] for j in group}) > 1 for group in groups):
        together = "Strongly correlated inputs are shuffled together: “+2” means two more inputs. "
    place = "first" if importances.top == 1 else f"top {importances.top}"
    return report_figure(
        "importances",
        "Importances: what predictions lose without an input",
        f"The values of an input are shuffled among the rows, {importances.repeats} times, and the bar is the {loss}{mean}. "
        f"{together}Lines hold 95% of {importances.resamples} resamples of the rows; the note at the right says how often "
        f"an input is {among_the_first(importances.top)}. A bar whose line crosses 0 may be chance."
        f"{_diffuse_text(assessment, spread)}",
        plots.importance_bars(
            importances.mean,
            [_group_name(assessment, group) for group in groups],
            low=importances.low,
            high=importances.high,
            xlabel=loss,
            notes=[
                f"{place} in {share:.0%}" if share >= LEAST_SHOWN_SHARE else ""
                for share in importances.top_share
            ],
        ),
    )


def _numeric_leaders(assessment: Assessment, importances: Importances, count: int) -> list[int]:
    """Return the leaders of the most important groups that have more than two values."""
    order = largest_places(importances.mean, len(importances.mean))
    leaders = [int(importances.groups[k][0]) for k in order]
    return [j for j in leaders if len(np.unique(assessment.x[:, j])) > 2][:count]


def profile_figures(assessment: Assessment, importances: Importances) -> Iterator[ReportFigure]:
    """Yield Lek's profiles of the most important inputs, one figure per number."""
    columns = _numeric_leaders(assessment, importances, MAX_PROFILES)
    if not columns:
        return
    title = "Profiles: how the prediction changes with one input (Lek's method)"
    caption = (
        f"One input goes over its range. {_profile_caption(assessment)} Ticks at the bottom are rows: where there are none, "
        "the line is an extrapolation."
    )
    if assessment.classifies:
        ylabel = "probability"
        if not _has_many_classes(assessment):
            ylabel = f"probability of '{assessment.classes[1]}'"
        yield report_figure("profiles", title, caption, _profiles(assessment, columns, ylabel, 1))
        return
    for k, name in enumerate(assessment.output_names[:MAX_DRAWN_OUTPUTS]):
        number, of = (f"_{k + 1}", f": {name}") if assessment.several else ("", "")
        drawing = _profiles(assessment, columns, f"predicted {name}", k)
        yield report_figure(f"profiles{number}", f"{title}{of}", caption, drawing)


def _has_many_classes(assessment: Assessment) -> bool:
    """Return whether a row has more probabilities than one number holds."""
    return assessment.classifies and (assessment.several or len(assessment.classes) > 2)


def _profile_caption(assessment: Assessment) -> str:
    """Return how the other inputs are held, and what the lines mean."""
    if _has_many_classes(assessment):
        what = "label" if assessment.several else "class"
        return (
            f"The other inputs are held at their medians, and each {what} has a line. A flat line: this input alone has no "
            f"effect on that {what}."
        )
    return (
        "Each line holds the other inputs at another level (10%: all of them low, 90%: all high). Parallel lines: the input "
        "acts independently. Lines that cross or spread: it interacts with others."
    )


def _profiles(assessment: Assessment, columns: list[int], ylabel: str, output: int) -> Any:
    """Return a figure with the profile of each of these inputs."""
    figure, axes = axes_grid(len(columns), 4.6, 3.1)
    for ax, column in zip(axes, columns, strict=True):
        values, predictions, labels = _profile_lines(assessment, column, output)
        plots.lek_profile(
            values,
            predictions,
            labels,
            ax,
            observed=assessment.x[:MAX_TICKS, column],
            ordered=not _has_many_classes(assessment),
            xlabel=assessment.inputs[column],
            ylabel=ylabel,
        )
        if ax is not axes[min(1, len(axes) - 1)] and ax.get_legend() is not None:
            ax.get_legend().remove()
    if assessment.classifies:  # probabilities have one scale in all plots
        ends = np.array([ax.get_ylim() for ax in axes])
        for ax in axes:
            ax.set_ylim(ends[:, 0].min(), ends[:, 1].max())
    return figure


def _profile_lines(
    assessment: Assessment, column: int, output: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return the values of an input, a line of predictions per class or level, and the names of the lines."""
    model, x = assessment.model, assessment.x
    predict: Callable[[Any], Any] = model.predict_proba if assessment.classifies else model.predict
    if _has_many_classes(assessment):
        values, predictions = lek_values(predict, x, column, (0.5,))
        return values, predictions[0].T, assessment.output_names
    values, predictions = lek_values(predict, x, column, PROFILE_LEVELS)
    if predictions.ndim == 3:
        predictions = predictions[:, :, output]
    return values, predictions, [f"others at {level:.0%}" for level in PROFILE_LEVELS]


def region_figures(assessment: Assessment, importances: Importances) -> Iterator[ReportFigure]:
    """Yield the predictions over two inputs, for a single target and a table with few inputs."""
    n_inputs = assessment.x.shape[1]
    if assessment.several or not 2 <= n_inputs <= MAX_REGION_INPUTS:
        return
    only_two = n_inputs == 2
    columns = [0, 1] if only_two else _numeric_leaders(assessment, importances, 2)
    if len(columns) < 2:
        return
    plane = "the predicted number, dots are rows in the colour of the true one"
    if assessment.classifies:
        plane = "the predicted class, paler where its probability is lower; dots are rows in the colour of their true class"
    others = " The other inputs are held at their medians; those of the rows differ."
    yield report_figure(
        "regions",
        f"Predictions over {'both' if only_two else 'two'} inputs",
        f"The plane has the colour of {plane}.{'' if only_two else others}",
        plots.decision_regions(
            assessment.model,
            assessment.x,
            assessment.y,
            inputs=(columns[0], columns[1]),
            names=assessment.inputs,
        ),
    )


def weight_share_figure(assessment: Assessment, spread: np.ndarray) -> ReportFigure:
    """Return Garson's shares and Olden's products of the inputs, side by side."""
    from matplotlib.figure import Figure

    model, names = assessment.model, assessment.output_names
    products = weights.network_mean(weights.olden_products, model, spread)
    garson = weights.network_mean(weights.garson_shares, model, spread).mean(axis=1)
    single = len(names) == 1
    olden = products[:, 0] if single else np.linalg.norm(products, axis=1)
    bars = min(MAX_WEIGHT_BARS, len(garson))
    figure = Figure(figsize=(10.2, 0.27 * bars + 1.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    label = "Garson: share of the hidden layer"
    plots.importance_bars(garson, assessment.inputs, left, xlabel=label, max_bars=bars)
    label = "Olden: length of the sums of w1·w2"
    if single:
        label = f"Olden: sum of w1·w2 for '{short_label(names[0])}'"
    plots.importance_bars(
        olden, assessment.inputs, right, xlabel=label, max_bars=bars, signed=single
    )
    sign = " Red bars are above 0, blue bars below." if single else ""
    skip = ""
    if model.params_.w_skip is not None:
        skip = (
            " Olden's sums include the skip layer from inputs to outputs, Garson's shares do not."
        )
    return report_figure(
        "by_weights",
        "What the weights show (not what predictions lose)",
        f"Computed from the weights, per standard deviation of each input, as a mean over the networks.{sign} Correlated "
        "inputs share their weight, and weights can cancel: where this figure and the importances differ, trust the "
        f"importances.{skip}{_diffuse_text(assessment, spread)}",
        figure,
    )

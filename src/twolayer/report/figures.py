"""The pictures of a report, each with a sentence of how to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twolayer import checks, plots
from twolayer.evaluation.assessment import Assessment
from twolayer.inspection import importances, weights
from twolayer.plots.axes import short_label
from twolayer.plots.weights import largest_places
from twolayer.report.figure import (
    MAX_DRAWN_OUTPUTS,
    ReportFigure,
    axes_grid,
    figure_with_text,
)
from twolayer.report.prediction_figures import prediction_figures
from twolayer.text import among_the_first

MAX_REGION_INPUTS = 10  # with more, the plane of two says little about the others
MAX_PROFILES = 4


def report_figures(
    subject: Assessment, found: importances.Importances | None, spread: np.ndarray
) -> list[ReportFigure]:
    """Draw all that can be drawn of this model.

    Parameters
    ----------
    subject : Subject
    found : Importances or None
    spread : ndarray, shape (n_inputs,)
        The standard deviation of each input in training, in units of which weights are shown.
    """
    drawn: list[ReportFigure] = []
    parts: list[Callable[[], Iterator[ReportFigure]]] = [
        lambda: prediction_figures(subject),
        lambda: _importances(subject, found, spread),
        lambda: _profiles(subject, found),
        lambda: _regions(subject, found),
        lambda: _by_weights(subject, spread),
        lambda: _training_figures(subject),
        lambda: _units(subject),
        lambda: _weights(subject, spread),
    ]
    for part in parts:
        drawn += part()
    return drawn


# ---- inputs


def _group_name(subject: Assessment, group: np.ndarray) -> str:
    """The leader of a group, and how many others are with it."""
    source = subject.sources[group[0]]
    others = {subject.sources[j] for j in group} - {source}
    return f"{source} +{len(others)}" if others else source


def _as_by_chance(subject: Assessment, spread: np.ndarray) -> str:
    """What is said beside bars of a few inputs, where so many share the weight that no few stand for the model."""
    share = weights.weight_shares(subject.model.networks_, spread)
    if not weights.is_diffuse(share):
        return ""
    return (
        f" Half of all weight is in {weights.fewest_inputs(share):,} of {len(share):,} inputs: spread as "
        "if by chance, so no short "
        "list of inputs stands for the model."
    )


def _importances(
    subject: Assessment, found: importances.Importances | None, spread: np.ndarray
) -> Iterator[ReportFigure]:
    if found is None:
        return
    names = [_group_name(subject, group) for group in found.groups]
    what = "loss of R²" if found.unit == "R²" else "growth of the log loss"
    place = "first" if found.top == 1 else f"top {found.top}"
    notes = [f"{place} in {share:.0%}" if share >= 0.01 else "" for share in found.top_share]
    means = ", as a mean over the targets" if subject.several else ""
    several = any(len({subject.sources[j] for j in group}) > 1 for group in found.groups)
    yield figure_with_text(
        "importances",
        "What predictions lose without an input",
        f"The values of an input are shuffled among the rows, {found.repeats} times, and the bar is the {what}{means}. "
        + ("Inputs that say nearly the same are shuffled together: “+2” is two more with the one named. " if several else "")
        + f"Lines hold 95% of {found.resamples} resamples of the rows; at the right, how often an input is "
        f"{among_the_first(found.top)}. A bar whose line crosses 0 may mean nothing."
        + _as_by_chance(subject, spread),
        plots.importance_bars(
            found.mean, names, low=found.low, high=found.high, xlabel=what, notes=notes
        ),
    )  # fmt: skip


def _plain_inputs(subject: Assessment, found: importances.Importances, most: int) -> list[int]:
    """The leaders of the most important groups, as far as they are numbers of more than two values."""
    leaders = [int(found.groups[k][0]) for k in largest_places(found.mean, len(found.mean))]
    plain = [j for j in leaders if len(np.unique(subject.x[:, j])) > 2]
    return plain[:most]


def _profiles(subject: Assessment, found: importances.Importances | None) -> Iterator[ReportFigure]:
    columns = [] if found is None else _plain_inputs(subject, found, MAX_PROFILES)
    if not columns:
        return
    reading = (
        f"One input goes over its range, {_others_in_words(subject)}. Ticks below are rows; where there are none, the line "
        "is a guess."
    )
    title = "How the answer moves with one input (Lek's profiles)"
    if not subject.several or subject.classifies:
        lines = _profile_lines(subject)
        answer = _answer_name(subject)
        yield figure_with_text(
            "profiles", title, reading, _profile_grid(subject, columns, lines, answer)
        )
        return
    for k, name in enumerate(subject.names[:MAX_DRAWN_OUTPUTS]):
        drawing = _profile_grid(subject, columns, _profile_lines(subject, k), f"predicted {name}")
        yield figure_with_text(f"profiles_{k + 1}", f"{title}: {name}", reading, drawing)


def _profile_grid(subject: Assessment, columns: list[int], lines: Any, answer: str) -> Any:
    """The profiles of some inputs beside each other."""
    canvas, axes = axes_grid(len(columns), 4.6, 3.1)
    for ax, column in zip(axes, columns, strict=True):
        values, answers, labels = lines(column)
        plots.lek_profile(
            values, answers, labels, ax, observed=subject.x[:500, column], xlabel=subject.inputs[column],
            ylabel=answer, ordered=not _many(subject),
        )  # fmt: skip
        if ax is not axes[min(1, len(axes) - 1)] and ax.get_legend() is not None:
            ax.get_legend().remove()
    if subject.classifies:  # probabilities are compared from one drawing to the next
        ends = np.array([ax.get_ylim() for ax in axes])
        for ax in axes:
            ax.set_ylim(ends[:, 0].min(), ends[:, 1].max())
    return canvas


def _others_in_words(subject: Assessment) -> str:
    """How the other inputs are held, and what the lines are."""
    if _many(subject):
        what = "label" if subject.several else "class"
        return (
            f"the other inputs held at their medians: a line for each {what}. A flat line: this input alone says nothing of "
            f"that {what}"
        )
    return (
        "a line for each level of the others (10% is low for all of them at once, 90% high). Parallel lines: it acts by "
        "itself. Lines that cross or fan out: it acts together with others"
    )


def _many(subject: Assessment) -> bool:
    """Whether there are more probabilities than one tells apart."""
    return subject.classifies and (subject.several or len(subject.classes) > 2)


def _answer_name(subject: Assessment) -> str:
    if not subject.classifies:
        return f"predicted {subject.target}"
    return "probability" if _many(subject) else f"probability of '{subject.classes[1]}'"


def _profile_lines(
    subject: Assessment, output: int = 0
) -> Callable[[int], tuple[Any, Any, list[str]]]:
    """From a column to the values, the lines and their names."""
    levels = (0.1, 0.3, 0.5, 0.7, 0.9)
    model, x = subject.model, subject.x
    if _many(subject):
        names = subject.output_names

        def of_classes(column: int) -> tuple[Any, Any, list[str]]:
            values, answers = importances.lek_values(model.predict_proba, x, column, (0.5,))
            return values, answers[0].T, names

        return of_classes

    def of_levels(column: int) -> tuple[Any, Any, list[str]]:
        answer = model.predict_proba if subject.classifies else model.predict
        values, answers = importances.lek_values(answer, x, column, levels)
        if answers.ndim == 3:
            answers = answers[:, :, 1 if subject.classifies else output]
        return values, answers, [f"others at {level:.0%}" for level in levels]

    return of_levels


def _regions(subject: Assessment, found: importances.Importances | None) -> Iterator[ReportFigure]:
    n_inputs = subject.x.shape[1]
    if found is None or subject.several or not 2 <= n_inputs <= MAX_REGION_INPUTS:
        return
    columns = [0, 1] if n_inputs == 2 else _plain_inputs(subject, found, 2)
    if len(columns) < 2:
        return
    held = (
        ""
        if n_inputs == 2
        else " The other inputs are held at their medians, where the rows are not."
    )
    kind = "number it would say"
    if subject.classifies:
        kind = "colour of the class it would say, paler where it is less sure"
    yield figure_with_text(
        "regions",
        "What it would say anywhere" + ("" if n_inputs == 2 else ", by two inputs"),
        f"The plane has the {kind}; dots are rows in their true one.{held}",
        plots.decision_regions(
            subject.model, subject.x, subject.y, inputs=(columns[0], columns[1]), names=subject.inputs
        ),
    )  # fmt: skip


def _by_weights(subject: Assessment, spread: np.ndarray) -> Iterator[ReportFigure]:
    from matplotlib.figure import Figure as Canvas

    shares = weights.network_mean(weights.garson_shares, subject.model, spread)
    products = weights.network_mean(weights.olden_products, subject.model, spread)
    names = subject.output_names
    single = len(names) == 1
    garson = shares.mean(axis=1)
    olden = products[:, 0] if single else np.linalg.norm(products, axis=1)
    most = min(15, len(garson))
    canvas = Canvas(figsize=(10.2, 0.27 * most + 1.2), layout="constrained")
    left, right = canvas.subplots(1, 2)
    plots.importance_bars(
        garson, subject.inputs, left, xlabel="Garson: share of the hidden layer", max_bars=most
    )
    label = "Olden: size of the sums of w1·w2"
    if single:
        label = f"Olden: sum of w1·w2, towards '{short_label(names[0])}'"
    plots.importance_bars(olden, subject.inputs, right, xlabel=label, max_bars=most, signed=single)
    sign = " Red pulls down, blue up." if single else ""
    skip = (
        " This network has a direct path from inputs to outputs too: Olden's sum holds it, Garson's shares do not."
        if subject.model.params_.w_skip is not None
        else ""
    )
    yield figure_with_text(
        "by_weights",
        "What the weights alone say (not what predictions lose)",
        f"Computed from the weights, per standard deviation of each input, mean over the networks.{sign} Inputs that repeat "
        f"each other share their weight, and weights can cancel: where this differs from the picture of shuffled inputs, "
        f"believe that one.{skip}{_as_by_chance(subject, spread)}",
        canvas,
    )


# ---- the network


def _training_figures(subject: Assessment) -> Iterator[ReportFigure]:
    model = subject.model
    losses = np.asarray(model.loss_curve_)
    if not losses.size or not np.isfinite(losses).any():
        return
    looks = getattr(model, "validation_scores_", None)
    own_scoring = getattr(model, "scoring", None) is not None
    held = None if looks is None or own_scoring or not np.size(looks) else -np.asarray(looks)
    yield figure_with_text(
        "loss",
        "How training went",
        "The objective before each step, weight decay included: it should fall and level off. "
        + ("Red is the loss on rows held out: where it rises while blue falls, the network learns by heart; the dotted line "
           "is the step that was kept." if held is not None else "Whether it is good on other rows, this does not say."),
        plots.loss_curve(
            losses, validation=held, best_step=None if held is None else model.best_step_
        ),
    )  # fmt: skip
    course = subject.course
    if course is None or len(course["steps"]) < 3:
        return
    alone = model.n_networks_ > 1 and course["gradient_norms"].shape[1] == 1
    yield figure_with_text(
        "steps",
        "How long the steps were",
        f"At some steps{' of the first network' * alone}, the length of the gradient by all weights together, and how far "
        "the weights moved in a step. "
        "Both should shrink: where the gradient is still long at the end, more steps (--max-iter) may help.",
        plots.step_sizes(course["gradient_norms"], course["update_sizes"], at=course["steps"]),
    )


def _first_network(subject: Assessment) -> tuple[Any, str]:
    """A network to look at, and a word that it is one of several."""
    params = subject.model.networks_[0]
    count = subject.model.n_networks_
    return (
        params,
        f" This is the first of {count} networks, whose answers are averaged." if count > 1 else "",
    )


def _units(subject: Assessment) -> Iterator[ReportFigure]:
    params, first = _first_network(subject)
    h = weights.hidden_layer(params, subject.model.activation_, subject.x)
    yield figure_with_text(
        "units",
        "The hidden units at work",
        "For each hidden unit the share of the rows on which it is above 0. A unit near 0 or 1 bends nothing; a dead one, "
        f"with a red cross, says the same on every row and could be left out.{first}",
        plots.unit_activity(h),
    )


def _weights(subject: Assessment, spread: np.ndarray) -> Iterator[ReportFigure]:
    params, first = _first_network(subject)
    outputs = subject.output_names
    colours = "Red is above 0, blue below, white 0."
    yield figure_with_text(
        "w1",
        "Weights of the first layer (w1)",
        f"What each hidden unit (column) takes from each input (line), per standard deviation of the input. "
        f"{colours}{first}",
        plots.weight_map(params.w1 * spread[:, None], rows=subject.inputs),
    )
    yield figure_with_text(
        "w2",
        "Weights of the second layer (w2)",
        f"What each output (line) takes from each hidden unit (column). {colours}",
        plots.weight_map(params.w2.T, rows=outputs, ylabel="output"),
    )
    if params.w_skip is not None:
        yield figure_with_text(
            "w_skip",
            "Weights of the direct path (w_skip)",
            f"What each output takes from the inputs directly, as in a linear model, per standard deviation. {colours}",
            plots.weight_map(
                params.w_skip * spread[:, None], rows=subject.inputs, columns=outputs, xlabel="output"
            ),
        )  # fmt: skip
    dashed = " Dashed: the direct path." if params.w_skip is not None else ""
    yield figure_with_text(
        "network",
        "The network",
        "Black lines are positive weights, grey ones negative; wider is larger, up to a cap; the faintest are left out, and "
        f"of many nodes only the strongest are drawn.{dashed}{first}",
        plots.network_drawing(params, inputs=subject.inputs, outputs=outputs, spread=spread),
    )


def can_shuffle(subject: Assessment) -> bool:
    """Whether importances can be found: the columns are an array, and neither truth nor answers are the same in all rows."""
    if checks.is_sparse(subject.x) or len(subject.y) < 2 or subject.says_the_same:
        return False
    return subject.classifies or bool(np.ptp(subject.y, axis=0).min() > 0)

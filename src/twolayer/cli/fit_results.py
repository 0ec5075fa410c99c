"""What a fit is told to make, and what is said of it when it is done: on one machine or many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.cli.output import Output
from twolayer.cli.training_options import TrainingOptions
from twolayer.errors import InputError
from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.score_intervals import score_intervals
from twolayer.evaluation.scores import ScoresByModel, score_table
from twolayer.evaluation.training_range import TrainingRange
from twolayer.evaluation.verdict import verdict
from twolayer.evaluation.warnings import unfinished_training
from twolayer.files import as_json_value
from twolayer.inspection.training_history import TrainingHistory
from twolayer.inspection.weights import column_spreads, idle_unit_counts
from twolayer.text import plural


def build_estimator(task: str, training: TrainingOptions) -> Any:
    """The model for that task."""
    from twolayer import estimators

    shared = {
        "activation": training.activation,
        "max_iter": training.max_iter,
        "engine": training.engine,
        "device": training.device,
        "skip": "auto" if training.skip is None else training.skip,
        "random_state": training.seed,
    }
    kind = "Classifier" if task == "classification" else "Regressor"
    if training.class_weight is not None:
        if task != "classification":
            raise InputError(
                "--class-weight is for classes, and the target is numbers: leave it out"
            )
        shared["class_weight"] = training.class_weight
    n_hidden = training.n_hidden if len(training.n_hidden) > 1 else training.n_hidden[0]
    if training.cv is None:
        make = getattr(estimators, f"TwoLayer{kind}")
        return make(
            n_hidden,
            alpha=training.alpha,
            n_networks=training.n_networks,
            scaling=training.scaling,
            **shared,
        )
    alphas = None if training.alpha == "auto" else training.alpha
    return getattr(estimators, f"TwoLayer{kind}CV")(
        n_hidden,
        alphas=[alphas] if isinstance(alphas, float) else alphas,
        cv=training.cv,
        n_networks=5 if training.n_networks == "auto" else training.n_networks,
        **shared,
    )


@dataclass(frozen=True)
class FitVerdict:
    """How good the model is on the test rows.

    Attributes
    ----------
    scores : dict
        Model -> score -> value.
    standing : str
    words : list of str
        The verdict in sentences.
    """

    scores: ScoresByModel
    standing: str
    words: list[str]


def say_results(assessed: Assessment, seconds: float, leaks: bool, output: Output) -> FitVerdict:
    """Say how the training went, and how good the model is on the test rows; return the latter."""
    intervals = score_intervals(assessed)
    judged = verdict(assessed, intervals, leaks)
    words = [judged.headline, *judged.sentences]
    heading = "test rows, weighted" if assessed.is_weighted else "on the test rows"
    table = score_table(intervals.scores, heading)
    model = assessed.model
    unfinished = [f"warning: {line}" for line in unfinished_training(model)]
    for line in [training_line(model, seconds), *unfinished, "", *table, "", *words]:
        output.say(line)
    return FitVerdict(intervals.scores, judged.standing, words)


def training_line(model: Any, seconds: float) -> str:
    """How the training went."""
    many = f"{model.n_networks_} network{'s' * (model.n_networks_ != 1)}"
    place = "" if model.device_ == "cpu" else f" on {model.device_}"
    return (
        f"trained {many} of {n_hidden_units(model)} hidden units, alpha {model.alpha_:g}: "
        f"{plural(model.n_iter_, 'pass', 'passes')}, loss {np.mean(model.loss_):.4g}, {seconds:.2f} s{place} "
        f"({model.stopped_})"
    )


def training_results(model: Any, seconds: float) -> dict[str, Any]:
    """For programs: the network, and how its training went."""
    return {
        "n_inputs": model.n_features_in_,
        "n_hidden": n_hidden_units(model),
        "n_networks": model.n_networks_,
        "alpha": model.alpha_,
        "passes": model.n_iter_,
        "stopped": model.stopped_,
        "seconds": seconds,
    }


def n_hidden_units(model: Any) -> int:
    """The number of units of a fitted model."""
    return int(model.w1_.shape[-1])


def training_summary(model: Any, x: Any, course: TrainingHistory) -> dict[str, Any]:
    """What `inspect` and `report` tell of the training, and the spread of each input, in which its weight is to be seen."""
    ranges = TrainingRange.from_rows(x)
    clip = model.input_clip_
    return {
        "spreads": as_json_value(column_spreads(x)),
        "clipped_spreads": None if clip is None else as_json_value(column_spreads(clip.columns(x))),
        "ranges": None if ranges is None else as_json_value(vars(ranges)),
        "idle_units": idle_unit_counts(model, x),
        "course": as_json_value(course.table(model.n_networks_)),
    }

"""The verdict in plain words: the scores against a constant guess and a linear model, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.baselines import CONSTANT, LINEAR, NETWORK
from twolayer.evaluation.score_intervals import ScoreIntervals
from twolayer.evaluation.scores import HIGHER_IS_BETTER, format_score
from twolayer.text import first_names, join_words

MAX_TARGETS_NAMED = 6
MAIN_SCORE = {True: "accuracy", False: "R²"}  # of classes, of numbers
NO_INTERVAL_TEXT = "These rows are too few or too similar for an interval."
GOOD, CAREFUL, USELESS = "good", "careful", "useless"


@dataclass(frozen=True)
class Verdict:
    """The verdict on a model.

    Attributes
    ----------
    standing : {"good", "careful", "useless"}
        Better than the constant guess and not worse than the linear model; in doubt; not better than the constant guess.
    headline : str
    sentences : list of str
    """

    standing: str
    headline: str
    sentences: list[str]


LEAK_TEXT = "These scores may be far too good: see the warnings about the table."


def verdict(assessment: Assessment, intervals: ScoreIntervals, leaks: bool = False) -> Verdict:
    """Return how good the network is on the assessed rows; `leaks` says whether the table warns of leakage."""
    judged = plain_verdict(assessment, intervals)
    if not leaks:
        return judged
    standing = CAREFUL if judged.standing == GOOD else judged.standing
    return Verdict(standing, judged.headline, [*judged.sentences, LEAK_TEXT])


def plain_verdict(assessment: Assessment, intervals: ScoreIntervals) -> Verdict:
    """Return the verdict that follows from the scores alone."""
    if assessment.several:
        return per_target_verdict(assessment, intervals)
    sentences = [_against_constant(assessment, intervals)]
    if LINEAR in intervals.scores:
        sentences.append(_against_linear(assessment, intervals))
    sentences += [_interval_sentence(assessment, intervals), *assessment.weight_sentences()]
    standing = verdict_standing(assessment, intervals)
    return Verdict(standing, _headline(assessment, intervals), sentences)


def verdict_standing(assessment: Assessment, intervals: ScoreIntervals) -> str:
    """Return GOOD, CAREFUL or USELESS."""
    if CONSTANT not in intervals.gains or assessment.only_class is not None:
        return CAREFUL  # too few rows, or rows too similar, show nothing
    if not beats_constant(assessment, intervals):
        return USELESS
    main = MAIN_SCORE[assessment.classifies]
    in_doubt = bool(unproven_scores(intervals)) or intervals.against(LINEAR, main) < 0
    return CAREFUL if in_doubt or not assessment.held_out else GOOD


def unproven_scores(intervals: ScoreIntervals) -> list[str]:
    """Return the scores in which the network is not significantly better than the constant guess."""
    return [score for score in intervals.scores[NETWORK] if intervals.against(CONSTANT, score) <= 0]


def beats_constant(assessment: Assessment, intervals: ScoreIntervals) -> bool:
    """Return whether the network is significantly better than a constant guess."""
    main = MAIN_SCORE[assessment.classifies]
    return intervals.against(CONSTANT, main) > 0 or separates_classes(intervals)


def separates_classes(intervals: ScoreIntervals) -> bool:
    """Return whether balanced accuracy or log loss is significantly better than that of a constant guess.

    Where one class is rare, the other is right nearly always: by accuracy alone a useful model would be called useless.
    """
    scores = ("balanced accuracy", "log loss")
    return any(intervals.against(CONSTANT, score) > 0 for score in scores)


def _headline(assessment: Assessment, intervals: ScoreIntervals) -> str:
    value = intervals.scores[NETWORK][MAIN_SCORE[assessment.classifies]]
    rows, target = assessment.rows_in_words, assessment.target
    if assessment.classifies and assessment.is_weighted:
        right = int((assessment.network.y_pred == assessment.y).sum())
        return f"The network is right on {right} of {rows}: {value:.1%} of {assessment.weight_in_words}."
    if assessment.classifies:
        return f"The network is right on {value:.1%} of {rows}."
    if value <= 0:
        return f"The network predicts '{target}' no better than its mean does, on {rows}."
    return f"The network explains {value:.0%} of the variance of '{target}' on {rows}."


def _against_constant(assessment: Assessment, intervals: ScoreIntervals) -> str:
    ours, theirs = intervals.scores[NETWORK], intervals.scores[CONSTANT]
    outcome = intervals.against(CONSTANT, MAIN_SCORE[assessment.classifies])
    if assessment.only_class is not None:
        return (
            f"All rows are of class '{assessment.only_class}': they cannot show whether the network separates that class "
            "from others."
        )
    if assessment.classifies:
        name = "accuracy"
        most = "class of most weight in" if assessment.is_weighted else "most frequent class of"
        guess = f"Always predicting the {most} these rows is right on {theirs[name]:.1%}{_of_weight(assessment)}"
    else:
        name = "RMSE"
        guess = f"Always predicting the mean of these rows has an RMSE of {format_score(name, theirs[name])}, the network "
        guess += f"one of {format_score(name, ours[name])}"
    if outcome <= 0 and separates_classes(intervals):
        return (
            f"{guess}: the network is not significantly better. {_merits(intervals)}"
            f"{_reservations(intervals)}"
        )
    if outcome == 0 and _printed_order(name, ours[name], theirs[name]) <= 0:
        return f"{guess}: the network is no better."
    end = {
        1: f"the network is significantly better.{_reservations(intervals)}",
        0: "the network is better, but not significantly.",
        -1: "the network is significantly worse: do not rely on it.",
    }
    return f"{guess}: {end[outcome]}"


def _reservations(intervals: ScoreIntervals) -> str:
    """Return which scores are not significantly better than those of the constant guess, as sentences."""
    ours, theirs = intervals.scores[NETWORK], intervals.scores[CONSTANT]
    unproven = unproven_scores(intervals)
    text = ""
    if "balanced accuracy" in unproven:
        text += (
            f" But its balanced accuracy of {ours['balanced accuracy']:.1%} is not significantly above that of the guess, "
            f"{theirs['balanced accuracy']:.1%}: it may not separate the classes."
        )
    if "log loss" in unproven:
        worse = ours["log loss"] > theirs["log loss"]
        text += (
            f" But its probabilities are {'worse' if worse else 'not significantly better'} than the class frequencies "
            f"(log loss {ours['log loss']:.3f} against {theirs['log loss']:.3f}): do not rely on them."
        )
    return text


def _merits(intervals: ScoreIntervals) -> str:
    """Return in which score the network is significantly better, as a sentence."""
    ours, theirs = intervals.scores[NETWORK], intervals.scores[CONSTANT]
    if intervals.against(CONSTANT, "balanced accuracy") > 0:
        return (
            f"But it separates the classes: its balanced accuracy of {ours['balanced accuracy']:.1%} is significantly above "
            f"that of the guess, {theirs['balanced accuracy']:.1%}."
        )
    return (
        "But its probabilities are significantly better than the class frequencies (log loss "
        f"{ours['log loss']:.3f} against {theirs['log loss']:.3f}): use them rather than the predicted class."
    )


def _against_linear(assessment: Assessment, intervals: ScoreIntervals) -> str:
    name = "accuracy" if assessment.classifies else "RMSE"
    ours, theirs = intervals.scores[NETWORK][name], intervals.scores[LINEAR][name]
    said = [
        f"{value:.1%}" if assessment.classifies else format_score(name, value)
        for value in (ours, theirs)
    ]
    score = f"{'is right on' if assessment.classifies else 'has an RMSE of'} {said[1]}"
    score += _of_weight(assessment) if assessment.classifies else ""
    outcome = intervals.against(LINEAR, MAIN_SCORE[assessment.classifies])
    if outcome > 0:
        end = f"the network is significantly better ({said[0]})."
    elif outcome < 0:
        end = f"it is significantly better than the network. Prefer it.{alpha_sentence(assessment.model)}"
    else:
        order = _printed_order(name, ours, theirs)
        side = "better" if order > 0 else "worse"
        end = (
            f"the network is {side}, but not significantly."
            if order
            else "the network is equally good."
        )
        if beats_constant(assessment, intervals):
            end += " Of two equally good models the linear one is easier to explain."
    return f"A linear model of the same columns {score}: {end}"


def _of_weight(assessment: Assessment) -> str:
    """Return what a share of right rows is a share of, where rows are weighted."""
    return " of the weight" if assessment.is_weighted else ""


def alpha_sentence(model: Any) -> str:
    """Return what was tried of the weight decay and what it gave, as a sentence after another; empty if nothing is known."""
    tried, alpha = getattr(model, "alphas_tried_", None), getattr(model, "alpha_", None)
    if tried is not None and len(tried) > 1:
        best = tried[np.argmin(tried[:, 1])]
        return (
            f" Of {len(tried)} weight decays from {tried[0, 0]:g} to {tried[-1, 0]:g}, alpha {best[0]:g} had the least loss "
            f"on rows left out ({best[1]:.3g}): another one is not likely to help."
        )
    given = alpha is not None and getattr(model, "alpha", "auto") != "auto"
    return (
        f" alpha was given as {alpha:g}; left to itself it is chosen on rows left out."
        if given
        else ""
    )


def _printed_order(name: str, ours: float, theirs: float) -> int:
    """Return 1 if our score is better than theirs as they are printed, -1 if worse, 0 if they are printed alike."""
    if format_score(name, ours) == format_score(name, theirs):
        return 0
    return 1 if (ours > theirs) == HIGHER_IS_BETTER[name] else -1


def _interval_sentence(assessment: Assessment, intervals: ScoreIntervals) -> str:
    main = MAIN_SCORE[assessment.classifies]
    if main not in intervals.ranges.get(NETWORK, {}):
        return NO_INTERVAL_TEXT
    low, high = intervals.ranges[NETWORK][main]
    score = f"the network would be right on {low:.1%} to {high:.1%}{_of_weight(assessment)}"
    if not assessment.classifies:
        score = f"R² (the share of variance explained) would be between {low:z.2f} and {high:z.2f}"
    if assessment.groups is not None:
        return (
            f"95% interval: on as many groups like these {assessment.groups_in_words}, {score}. Rows of the same group are "
            "not independent, so whole groups were resampled."
        )
    if not assessment.classifies:
        return f"95% interval: on as many rows like these, {score}."
    if intervals.scores[NETWORK][main] < 1.0:
        return f"95% interval: on very many rows like these, {score}."
    few = "could still be as low as" if len(assessment.y) < 1000 else "is at least"
    return f"95% interval: no row was wrong, and on very many rows the accuracy {few} {low:.1%}."


# Several targets: each is judged by itself, as a mean over them would hide which are good.


def per_target_verdict(assessment: Assessment, intervals: ScoreIntervals) -> Verdict:
    """Return for how many targets the network is good, and for which."""
    parts = {part.target: part for part in assessment.parts()}
    standings = {verdict_standing(part, intervals.parts[name]) for name, part in parts.items()}
    useless = [
        name for name, part in parts.items() if not beats_constant(part, intervals.parts[name])
    ]
    sentences = [_per_target_scores(assessment, intervals)]
    if 0 < len(useless) < len(parts):
        sentences.append(
            f"For {_quoted(useless)} it is not significantly better than a constant guess: do not rely on it there."
        )
    if LINEAR in intervals.scores:
        sentences.append(_per_target_against_linear(assessment, intervals))
    sentences += [_per_target_intervals(assessment, intervals), *assessment.weight_sentences()]
    headline = _per_target_headline(assessment, len(parts) - len(useless))
    return Verdict(standings.pop() if len(standings) == 1 else CAREFUL, headline, sentences)


def _per_target_headline(assessment: Assessment, good: int) -> str:
    count = len(assessment.names)
    kind = "labels" if assessment.classifies else "targets"
    if not good:
        result = f"is not shown to predict any of {count}"
    elif good == count:
        result = "predicts both" if count == 2 else f"predicts all {count}"
    else:
        result = f"predicts {good} of {count}"
    return (
        f"The network {result} {kind} better than a constant guess, on {assessment.rows_in_words}."
    )


def _per_target_scores(assessment: Assessment, intervals: ScoreIntervals) -> str:
    if not assessment.classifies:
        values = [
            f"'{name}' {part.scores[NETWORK]['R²']:z.2f}" for name, part in intervals.parts.items()
        ]
        return f"R² (the share of variance explained; 0 is no better than the mean): {_listed(values)}."
    values = [
        f"'{name}' {part.scores[NETWORK]['accuracy']:.1%} ({part.scores[CONSTANT]['accuracy']:.1%})"
        for name, part in intervals.parts.items()
    ]
    return f"Accuracy (in brackets that of the more frequent answer): {_listed(values)}."


def _per_target_against_linear(assessment: Assessment, intervals: ScoreIntervals) -> str:
    main = MAIN_SCORE[assessment.classifies]
    outcomes = {name: part.against(LINEAR, main) for name, part in intervals.parts.items()}
    groups = []
    for outcome, words in ((1, "better"), (-1, "worse"), (0, "not significantly different")):
        names = [name for name, one in outcomes.items() if one == outcome]
        if names:
            groups.append(f"{words} for {_quoted(names)}")
    return f"Compared with a linear model of the same columns the network is {join_words(groups)}."


def _per_target_intervals(assessment: Assessment, intervals: ScoreIntervals) -> str:
    main = MAIN_SCORE[assessment.classifies]
    form = ".1%" if assessment.classifies else "z.2f"
    ranges = {name: part.ranges.get(NETWORK, {}) for name, part in intervals.parts.items()}
    values = [
        f"'{name}' {scores[main][0]:{form}} to {scores[main][1]:{form}}"
        for name, scores in ranges.items()
        if main in scores
    ]
    return f"95% intervals of {main}: {_listed(values)}." if values else NO_INTERVAL_TEXT


def _quoted(names: Sequence[str]) -> str:
    return first_names(names, MAX_TARGETS_NAMED)


def _listed(values: Sequence[str]) -> str:
    return first_names(values, MAX_TARGETS_NAMED, quote="")

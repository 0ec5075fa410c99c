"""Reasons to doubt a model or its scores: each is a sentence where it applies, and absent elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import TwoLayerWarning
from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.baselines import NETWORK
from twolayer.evaluation.score_intervals import ScoreIntervals
from twolayer.evaluation.scores import prediction_scores
from twolayer.evaluation.verdict import MAIN_SCORE, alpha_sentence
from twolayer.text import among_the_first, first_names

FEW_SCORED_ROWS = 50
FEW_PER_CLASS = 5
FEWEST_PER_SIDE = 3  # rows that are right, and wrong, whose confidence can be compared
P_POSSIBLE, P_LIKELY = 0.1, 0.05  # p values
OVERFIT_GAP = {True: 0.1, False: 0.2}  # of accuracy, of R²: between training rows and others
NEARLY_PERFECT = 0.999
HALF = 0.5
REPEAT_SHARE = 0.05  # of the rows: fewer repeated rows may be chance
SURELY_PERFECT = 0.97
DOMINANT_CLASS_SHARE = 0.8
FEW_INPUT_GROUPS = 10
STABLE_SHARE = 0.9  # of resamples in which the first input should be near the top
COVERAGE_LEVEL = 0.9  # of the intervals whose coverage is counted
NO_WARNING_TEXT = (
    "No warnings. "
    "The scores hold for rows like these only, not for other places, instruments or years."
)


def score_warnings(
    assessment: Assessment, intervals: ScoreIntervals, importances: Any = None
) -> list[str]:
    """Return what to be careful about, the most serious first.

    Parameters
    ----------
    assessment : Assessment
    intervals : ScoreIntervals
    importances : twolayer.inspection.importances.Importances or None
    """
    warnings = [*_row_count_warnings(assessment), *_repeated_rows(assessment)]
    for part in assessment.parts():
        if assessment.several:
            own = _target_warnings(part, intervals.parts.get(part.target, intervals), None)
            warnings += [f"'{part.target}': {warning}" for warning in own]
        else:
            warnings += _target_warnings(part, intervals, importances)
    return [
        *warnings,
        *_unstable_importances(assessment, importances),
        *unfinished_training(assessment.model),
    ]


def _target_warnings(
    assessment: Assessment, intervals: ScoreIntervals, importances: Any
) -> list[str]:
    """Return the warnings about one target."""
    return [
        *_nearly_perfect(assessment, intervals, importances),
        *_overfit(assessment, intervals),
        *_unbalanced_classes(assessment, intervals),
        *_miscalibrated(assessment),
        *_inverted_confidence(assessment),
        *_interval_coverage(assessment),
        *_outlying_errors(assessment),
        *_constant_prediction(assessment),
    ]


def _row_count_warnings(assessment: Assessment) -> Iterator[str]:
    count, s = len(assessment.y), assessment.row_weights
    if assessment.held_out is None:
        yield (
            "It is not known whether the model was trained on some of these rows. If it was, every score here is too good."
        )
    if assessment.n_equal_rows < FEW_SCORED_ROWS:
        rows, most = f"{count} rows are", f"{s.max() / s.sum():.1%}"
        if assessment.is_weighted:
            rows = f"{count} rows, which by their weights tell as much as {assessment.n_equal_rows:.1f}, are"
            most = f"up to {most}, by its weight"
        effect = f": one more right row changes the accuracy by {most}"
        yield (
            f"{rows} few for a score{effect if assessment.classifies else ''}. `twolayer test` makes better use of few rows."
        )


def _repeated_rows(assessment: Assessment) -> Iterator[str]:
    """Rows whose inputs are also in the training data."""
    if assessment.x_train is None or checks.is_sparse(assessment.x):
        return
    known = {row.tobytes() for row in np.ascontiguousarray(assessment.x_train)}
    count = sum(row.tobytes() in known for row in np.ascontiguousarray(assessment.x))
    if count >= max(2, REPEAT_SHARE * len(assessment.y)):
        yield (
            f"{count} of the {len(assessment.y)} rows have the same inputs as a training row, so they are not new to the "
            "model. If samples were measured repeatedly, name the column that says which rows belong together (a patient, "
            "a plate) with --groups."
        )


def _nearly_perfect(
    assessment: Assessment, intervals: ScoreIntervals, importances: Any
) -> Iterator[str]:
    """A score that is nearly perfect, and either comes from one input or is hardly possible by chance."""
    name = MAIN_SCORE[assessment.classifies]
    if intervals.scores[NETWORK][name] < NEARLY_PERFECT:
        return
    if importances is not None and importances.mean.max() > HALF * importances.mean.clip(0).sum():
        first = assessment.inputs[importances.groups[int(importances.mean.argmax())][0]]
        yield (
            f"Its {name} is nearly perfect, and most of it comes from '{first}'. That is fine if '{first}' is known before "
            "the target. If it was measured, computed or written down later, leave it out with --drop."
        )
    elif intervals.ranges.get(NETWORK, {}).get(name, (0.0,))[0] >= SURELY_PERFECT:
        yield (
            f"Its {name} is nearly perfect, which is rare with real data: check that no column reveals the target."
        )


def _overfit(assessment: Assessment, intervals: ScoreIntervals) -> Iterator[str]:
    x_train, y_train = assessment.x_train, assessment.y_train
    if x_train is None or y_train is None:
        return
    if x_train.shape[1] >= len(x_train):
        return  # with more inputs than rows a good model fits its training rows perfectly too
    train = assessment.ask(x_train)
    scores = prediction_scores(
        y_train, train.y_pred, train.probabilities, assessment.classes, assessment.weights_train
    )
    name = MAIN_SCORE[assessment.classifies]
    before, now = scores[name], intervals.scores[NETWORK][name]
    if before - now > OVERFIT_GAP[assessment.classifies]:
        form = ".1%" if assessment.classifies else ".2f"
        yield (
            f"The network overfits: its {name} is {before:{form}} on the training rows and {now:{form}} here. "
            f"More rows would help.{alpha_sentence(assessment.model)}"
        )


def _unbalanced_classes(assessment: Assessment, intervals: ScoreIntervals) -> Iterator[str]:
    if not assessment.classifies:
        return
    counts = assessment.confusion()
    rows, right = counts.sum(axis=1), counts.diagonal()
    classes = [
        (str(name), int(n), int(k))
        for name, n, k in zip(assessment.classes, rows, right, strict=True)
    ]
    missed = [
        f"'{name}' ({k} of {n})" for name, n, k in classes if n >= FEW_PER_CLASS and k < HALF * n
    ]
    rare = [name for name, n, _ in classes if 0 < n < FEW_PER_CLASS]
    absent = [name for name, n, _ in classes if n == 0]
    if missed:
        yield f"The network finds fewer than half of the rows of these classes: {first_names(missed, quote='')}."
    if rare:
        yield f"These classes have fewer than {FEW_PER_CLASS} rows here, too few to judge: {first_names(rare)}."
    if absent:
        yield f"These classes have no rows here, so nothing is known about them: {first_names(absent)}."
    amounts = assessment.confusion(weighted=True).sum(axis=1)
    if DOMINANT_CLASS_SHARE * amounts.sum() < amounts.max() < amounts.sum():
        balanced = intervals.scores[NETWORK]["balanced accuracy"]
        what = "the weight is in rows" if assessment.is_weighted else "the rows are"
        yield (
            f"{amounts.max() / amounts.sum():.0%} of {what} of one class, which makes the accuracy look high. The balanced "
            f"accuracy, in which all classes count equally, is {balanced:.1%}."
        )


def _confidence(assessment: Assessment) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the probability of the predicted class of each row, and whether it is right; None for numbers."""
    p = assessment.network.probabilities
    return None if p is None else (p.max(axis=1), assessment.network.y_pred == assessment.y)


def _miscalibrated(assessment: Assessment) -> Iterator[str]:
    pair = _confidence(assessment)
    if pair is None or len(assessment.y) < FEW_SCORED_ROWS:
        return
    s, (confidence, right) = assessment.row_weights, pair
    gap = confidence - right
    mean = np.average(gap, weights=s)
    error = np.sqrt(np.average(np.square(gap - mean), weights=s) / assessment.n_equal_rows)
    if abs(mean) > max(0.03, 2 * error):
        what = "the weight" if assessment.is_weighted else "the rows"
        yield (
            f"The probabilities are too {'high' if mean > 0 else 'low'}: on average the predicted class has "
            f"{np.average(confidence, weights=s):.0%}, and it is right on {np.average(right, weights=s):.0%} of {what}."
        )


def _inverted_confidence(assessment: Assessment) -> Iterator[str]:
    """Rows with a higher probability are right less often, by Mann and Whitney's one-sided test."""
    from scipy.stats import mannwhitneyu

    pair = _confidence(assessment)
    if pair is None:
        return
    confidence, right = pair
    if min(right.sum(), (~right).sum()) < FEWEST_PER_SIDE or np.ptp(confidence) == 0:
        return
    sides = confidence[right], confidence[~right]
    p_value = mannwhitneyu(*sides, alternative="less", method="asymptotic").pvalue
    if p_value > P_POSSIBLE:
        return
    upper = confidence > np.median(confidence)
    chance = " With so few rows this may be chance." if p_value > P_LIKELY else ""
    yield (
        "Rows with a higher probability are wrong more often: "
        f"of the upper half {right[upper].mean():.0%} are right, of the others {right[~upper].mean():.0%}. "
        f"Do not rely on the probabilities.{chance}"
    )


def _interval_coverage(assessment: Assessment) -> Iterator[str]:
    """Prediction intervals that hold too few or too many of the targets."""
    y, model = assessment.y, assessment.model
    if assessment.classifies or len(y) < FEW_SCORED_ROWS or not hasattr(model, "noise_std_"):
        return
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", TwoLayerWarning
        )  # of a constant width: the report says whether they hold
        low, high = model.predict_interval(assessment.x, level=COVERAGE_LEVEL)
    if assessment.output is not None:
        low, high = low[:, assessment.output], high[:, assessment.output]
    share = float(((low <= y) & (y <= high)).mean())
    error = 2 * np.sqrt(COVERAGE_LEVEL * (1 - COVERAGE_LEVEL) / len(y))
    if abs(share - COVERAGE_LEVEL) > max(0.05, error):
        yield (
            f"The {COVERAGE_LEVEL:.0%} prediction intervals hold {share:.0%} of the true values: they are too "
            f"{'narrow' if share < COVERAGE_LEVEL else 'wide'}."
        )


def _outlying_errors(assessment: Assessment) -> Iterator[str]:
    """A few rows that make up most of the squared error."""
    if assessment.classifies or len(assessment.y) < FEW_SCORED_ROWS:
        return
    squares = np.sort(assessment.row_weights * np.square(assessment.y - assessment.network.y_pred))
    few = max(1, len(squares) // 50)
    share = squares[-few:].sum() / max(squares.sum(), 1e-300)
    if share > HALF:
        rows = "One row makes" if few == 1 else f"{few} of {len(squares)} rows make"
        yield (
            f"{rows} up {share:.0%} of the squared error. Check the table for mistakes there; if there are none, consider "
            "loss=Huber in Python."
        )


def _constant_prediction(assessment: Assessment) -> Iterator[str]:
    """The same prediction for every row, though the targets differ."""
    y_pred = assessment.network.y_pred
    constant = len(np.unique(y_pred)) == 1 if assessment.classifies else assessment.says_the_same
    if len(y_pred) > 1 and constant and len(np.unique(assessment.y)) > 1:
        value = f"'{y_pred[0]}'" if assessment.classifies else f"{y_pred[0]:.4g}"
        yield f"The prediction is {value} for every row, whatever the inputs are."


def _unstable_importances(assessment: Assessment, importances: Any) -> Iterator[str]:
    """No input is reliably among the first."""
    if importances is None or len(importances.groups) < 2:
        return
    k = int(importances.mean.argmax())
    if len(importances.groups) < FEW_INPUT_GROUPS and importances.low[k] > 0:
        return  # of a few inputs that all matter, which is the first may change
    if importances.top_share[k] < STABLE_SHARE:
        name = assessment.inputs[importances.groups[k][0]]
        yield (
            f"The order of importances is not stable: '{name}', the most important input, is "
            f"{among_the_first(importances.top)} in {importances.top_share[k]:.0%} of resamples of these rows. Do not draw "
            "conclusions about single inputs."
        )


def unfinished_training(model: Any) -> Iterator[str]:
    """Yield a sentence if the steps of a fitted model ran out."""
    if "all steps taken" in str(getattr(model, "stopped_", "")):
        yield "Training used all its passes over the rows before it converged: try a larger --max-iter."

"""What to worry about before relying on a model: each worry is a sentence, or is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.baselines import CONSTANT, NETWORK
from twolayer.evaluation.score_intervals import ScoreIntervals
from twolayer.evaluation.scores import prediction_scores
from twolayer.text import among_the_first, first_names

FEW_SCORED_ROWS = 50
FEW_PER_CLASS = 5
FEWEST_PER_SIDE = 3  # rows that are right, and wrong, to ask which of them it is surer of
P_POSSIBLE, P_LIKELY = 0.1, 0.05  # p values
OVERFIT_GAP = {True: 0.1, False: 0.2}  # between rows of training and others: of accuracy, of R²
NEARLY_PERFECT = 0.999
HALF = 0.5
REPEAT_SHARE = 0.05  # share of the rows up to which rows may be alike by chance
SURELY_PERFECT = 0.97
FEW_INPUT_GROUPS = 10
STABLE_SHARE = 0.9  # share of resamples in which the first input should be near the top
COVERAGE_LEVEL = 0.9  # of the intervals whose coverage is counted


def score_warnings(subject: Assessment, sure: ScoreIntervals, found: Any = None) -> list[str]:
    """What to worry about, the gravest first.

    Parameters
    ----------
    subject : Subject
    sure : Certainty
    found : Importances or None
    """
    told = [*_row_count_warnings(subject), *_repeated_rows(subject)]
    for part in subject.parts():
        own = _target_warnings(
            part, sure.parts.get(part.target, sure), None if subject.several else found
        )
        told += [f"'{part.target}': {one}" for one in own] if subject.several else own
    return [*told, *_unstable_importances(subject, found), *_unfinished_training(subject)]


def _target_warnings(subject: Assessment, sure: ScoreIntervals, found: Any) -> list[str]:
    """The worries of one target."""
    looks: list[Callable[[], Iterator[str]]] = [
        lambda: _nearly_perfect(subject, sure, found),
        lambda: _overfit(subject, sure),
        lambda: _unbalanced_classes(subject, sure),
        lambda: _miscalibrated(subject),
        lambda: _inverted_confidence(subject),
        lambda: _interval_coverage(subject),
        lambda: _outlying_errors(subject),
        lambda: _constant_answer(subject),
    ]
    return [sentence for look in looks for sentence in look()]


def _row_count_warnings(subject: Assessment) -> Iterator[str]:
    count = len(subject.y)
    if subject.held_out is None:
        yield (
            "It is not known whether the model was trained on some of these rows. If it was, every score here flatters it."
        )
    if count < FEW_SCORED_ROWS:
        yield (
            f"{count} rows are few to score on: one row more or less right moves the result by {1 / count:.1%}. "
            "`twolayer test` makes more of few rows."
            if subject.classifies
            else f"{count} rows are few to score on. `twolayer test` makes more of few rows."
        )


def _repeated_rows(subject: Assessment) -> Iterator[str]:
    """Rows whose inputs stand among those of training."""
    if subject.x_train is None or checks.is_sparse(subject.x):
        return
    known = {row.tobytes() for row in np.ascontiguousarray(subject.x_train)}
    count = sum(row.tobytes() in known for row in np.ascontiguousarray(subject.x))
    if count >= max(2, REPEAT_SHARE * len(subject.y)):
        yield (
            f"{count} of the {len(subject.y)} rows have the very inputs of a row of training: they are not new to the "
            "model. If they are samples measured twice, name the column that tells (a patient, a plate) with --groups."
        )


def _nearly_perfect(subject: Assessment, sure: ScoreIntervals, found: Any) -> Iterator[str]:
    """A score that is nearly perfect: is it carried by one input, or beyond what few rows could give by luck?"""
    name = "accuracy" if subject.classifies else "R²"
    if sure.scores[NETWORK][name] < NEARLY_PERFECT:
        return
    if found is not None and found.mean.max() > HALF * found.mean.clip(0).sum():
        first = subject.inputs[found.groups[int(found.mean.argmax())][0]]
        yield (
            f"It is nearly perfect, and most of that comes from '{first}': fine if that is known before the answer is; "
            "if it was measured, computed or written down after it, leave it out with --drop."
        )
    elif sure.ranges.get(NETWORK, {}).get(name, (0.0,))[0] >= SURELY_PERFECT:
        yield "It is nearly perfect, which real data seldom are: check that no column gives the answer away."


def _overfit(subject: Assessment, sure: ScoreIntervals) -> Iterator[str]:
    if subject.x_train is None or subject.y_train is None:
        return
    if subject.x_train.shape[1] >= len(subject.x_train):
        return  # with more inputs than rows a good model fits its own rows perfectly too
    answers = subject.ask(subject.x_train)
    then = prediction_scores(
        subject.y_train, answers.y_pred, answers.probabilities, subject.classes
    )
    name = "accuracy" if subject.classifies else "R²"
    now = sure.scores[NETWORK][name]
    if then[name] - now > OVERFIT_GAP[subject.classifies]:
        shown = (f"{one:.1%}" if subject.classifies else f"{one:.2f}" for one in (then[name], now))
        yield (
            "On the rows of training its {name} is {then}, and {now} here: it learned much of them by heart. More rows "
            "would help, or a larger --alpha."
        ).format(name=name, **dict(zip(("then", "now"), shown, strict=True)))


def _unbalanced_classes(subject: Assessment, sure: ScoreIntervals) -> Iterator[str]:
    if not subject.classifies:
        return
    counts = subject.confusion()
    rows, right = counts.sum(axis=1), counts.diagonal()
    names = [str(name) for name in subject.classes]
    missed = [
        k for k in range(len(names)) if rows[k] >= FEW_PER_CLASS and right[k] < HALF * rows[k]
    ]
    if missed:
        shown = ", ".join(f"'{names[k]}' ({right[k]} of {rows[k]})" for k in missed[:5])
        more = f" and {len(missed) - 5} more" if len(missed) > 5 else ""
        yield f"Of these classes it finds fewer than half the rows: {shown}{more}."
    rare = [names[k] for k in range(len(names)) if 0 < rows[k] < FEW_PER_CLASS]
    absent = [names[k] for k in range(len(names)) if rows[k] == 0]
    if rare:
        yield f"Fewer than {FEW_PER_CLASS} rows to judge by: of {first_names(rare)}."
    if absent:
        yield f"No row at all here, so nothing is known: of {first_names(absent)}."
    if 0.8 * rows.sum() < rows.max() < rows.sum():
        balanced = sure.scores[NETWORK]["balanced accuracy"]
        yield (
            f"{rows.max() / rows.sum():.0%} of the rows are of one class, which makes accuracy look high: the balanced "
            f"accuracy, in which all classes count alike, is {balanced:.1%}."
        )


def _miscalibrated(subject: Assessment) -> Iterator[str]:
    p = subject.network.probabilities
    if p is None or len(p) < FEW_SCORED_ROWS:
        return
    said, true = p.max(axis=1), subject.network.y_pred == subject.y
    gap = said - true
    error = gap.std() / np.sqrt(len(gap))
    if abs(gap.mean()) > max(0.03, 2 * error):
        too = "more sure than it should be" if gap.mean() > 0 else "less sure than it could be"
        yield f"It is {too}: its probabilities say right on {said.mean():.0%}, and it is on {true.mean():.0%}."


def _inverted_confidence(subject: Assessment) -> Iterator[str]:
    """Whether the rows that it is surer of are right less often: Mann and Whitney's test, one-sided."""
    from scipy.stats import mannwhitneyu

    p = subject.network.probabilities
    if p is None:
        return
    said, right = p.max(axis=1), subject.network.y_pred == subject.y
    if min(right.sum(), (~right).sum()) < FEWEST_PER_SIDE or np.ptp(said) == 0:
        return
    luck = mannwhitneyu(said[right], said[~right], alternative="less", method="asymptotic").pvalue
    if luck > P_POSSIBLE:
        return
    surer = said > np.median(said)
    perhaps = " With so few rows that may be luck." if luck > P_LIKELY else ""
    yield (
        f"The surer it is, the more often it is wrong: it is right on {right[surer].mean():.0%} of the rows it is surer of, "
        f"and on {right[~surer].mean():.0%} of the others. Do not go by its probabilities.{perhaps}"
    )


def _interval_coverage(subject: Assessment) -> Iterator[str]:
    """Whether the intervals of a regressor hold as many targets as they say."""
    if (
        subject.classifies
        or len(subject.y) < FEW_SCORED_ROWS
        or not hasattr(subject.model, "noise_std_")
    ):
        return
    low, high = subject.model.predict_interval(subject.x, level=COVERAGE_LEVEL)
    if subject.output is not None:
        low, high = low[:, subject.output], high[:, subject.output]
    share = float(((low <= subject.y) & (subject.y <= high)).mean())
    error = 2 * np.sqrt(COVERAGE_LEVEL * (1 - COVERAGE_LEVEL) / len(subject.y))
    if abs(share - COVERAGE_LEVEL) > max(0.05, error):
        too = "narrow" if share < COVERAGE_LEVEL else "wide"
        yield f"Its {COVERAGE_LEVEL:.0%} intervals hold {share:.0%} of the true values: they are too {too} here."


def _outlying_errors(subject: Assessment) -> Iterator[str]:
    """Whether a few rows make up most of the squared error."""
    if subject.classifies or len(subject.y) < FEW_SCORED_ROWS:
        return
    squares = np.sort(np.square(subject.y - subject.network.y_pred))
    few = max(1, len(squares) // 50)
    share = squares[-few:].sum() / max(squares.sum(), 1e-300)
    if share > HALF:
        rows = "One row makes" if few == 1 else f"{few} of {len(squares)} rows make"
        yield (
            f"{rows} up {share:.0%} of the squared error: look at {'it' if few == 1 else 'them'}, and if "
            "that is no mistake in the table, consider loss=Huber in Python."
        )


def _constant_answer(subject: Assessment) -> Iterator[str]:
    """Whether it answers alike whatever the inputs are, though the truth is not."""
    said = subject.network.y_pred
    same = len(np.unique(said)) == 1 if subject.classifies else subject.says_the_same
    if len(said) > 1 and same and len(np.unique(subject.y)) > 1:
        answer = f"'{said[0]}'" if subject.classifies else f"{said[0]:.4g}"
        yield f"It says {answer} of every row, whatever the inputs are."


def _unstable_importances(subject: Assessment, found: Any) -> Iterator[str]:
    """Whether no input is reliably among the first."""
    if found is None or len(found.groups) < 2:
        return
    k = int(found.mean.argmax())
    if len(found.groups) < FEW_INPUT_GROUPS and found.low[k] > 0:
        return  # of a few inputs that all matter, which is the first may change
    if found.top_share[k] < STABLE_SHARE:
        name = subject.inputs[found.groups[k][0]]
        yield (
            f"Which inputs matter is not settled: the first, '{name}', is {among_the_first(found.top)} in "
            f"{found.top_share[k]:.0%} of resamples of these rows. Do not build on single inputs."
        )


def _unfinished_training(subject: Assessment) -> Iterator[str]:
    if "all steps taken" in str(getattr(subject.model, "stopped_", "")):
        yield "Training ended because its steps were used up, not because it was done: try a larger --max-iter."


def no_warning_text(sure: ScoreIntervals) -> str:
    """What is said where there is no worry."""
    guess = " A score tells of rows like these only" if CONSTANT in sure.scores else ""
    return f"Nothing stands out.{guess}: of other places, instruments or years it says nothing."

"""What to worry about before relying on a model: each worry is a sentence, or is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.comparing import CONSTANT, NETWORK, scores_of
from twolayer.report.certainty import Certainty
from twolayer.report.figure import among_the_first
from twolayer.report.subject import Subject
from twolayer.tables import listed

FEW_ROWS = 50
FEW_OF_A_CLASS = 5
FEWEST_OF_A_SIDE = 3  # rows that are right, and wrong, to ask which of them it is surer of
PERHAPS, LIKELY = 0.1, 0.05  # p values
GAP = {True: 0.1, False: 0.2}  # between rows of training and others: of accuracy, of R²
TOO_GOOD = 0.999
HALF = 0.5
FEW_TWINS = 0.05  # share of the rows up to which rows may be alike by chance
SURELY_GOOD = 0.97
FEW_GROUPS = 10
SETTLED = 0.9  # share of resamples in which the first input should be near the top
LEVEL = 0.9  # of the intervals whose coverage is counted


def worries(subject: Subject, sure: Certainty, found: Any = None) -> list[str]:
    """What to worry about, the gravest first.

    Parameters
    ----------
    subject : Subject
    sure : Certainty
    found : Importances or None
    """
    told = [*_rows(subject), *_twins(subject)]
    for part in subject.parts():
        own = _of_one(part, sure.parts.get(part.target, sure), None if subject.several else found)
        told += [f"'{part.target}': {one}" for one in own] if subject.several else own
    return [*told, *_unsettled(subject, found), *_training(subject)]


def _of_one(subject: Subject, sure: Certainty, found: Any) -> list[str]:
    """The worries of one target."""
    looks: list[Callable[[], Iterator[str]]] = [
        lambda: _too_good(subject, sure, found),
        lambda: _learned_by_heart(subject, sure),
        lambda: _unequal_classes(subject, sure),
        lambda: _confidence(subject),
        lambda: _surer_and_more_often_wrong(subject),
        lambda: _intervals(subject),
        lambda: _few_rows_carry_it(subject),
        lambda: _says_the_same(subject),
    ]
    return [sentence for look in looks for sentence in look()]


def _rows(subject: Subject) -> Iterator[str]:
    count = len(subject.y)
    if subject.held_out is None:
        yield (
            "It is not known whether the model was trained on some of these rows. If it was, every score here flatters it."
        )
    if count < FEW_ROWS:
        yield (
            f"{count} rows are few to score on: one row more or less right moves the result by {1 / count:.1%}. "
            "`twolayer test` makes more of few rows."
            if subject.classifies
            else f"{count} rows are few to score on. `twolayer test` makes more of few rows."
        )


def _twins(subject: Subject) -> Iterator[str]:
    """Rows whose inputs stand among those of training."""
    if subject.x_train is None or checks.is_sparse(subject.x):
        return
    known = {row.tobytes() for row in np.ascontiguousarray(subject.x_train)}
    count = sum(row.tobytes() in known for row in np.ascontiguousarray(subject.x))
    if count >= max(2, FEW_TWINS * len(subject.y)):
        yield (
            f"{count} of the {len(subject.y)} rows have the very inputs of a row of training: they are not new to the "
            "model. If they are samples measured twice, name the column that tells (a patient, a plate) with --groups."
        )


def _too_good(subject: Subject, sure: Certainty, found: Any) -> Iterator[str]:
    """A score that is nearly perfect: is it carried by one input, or beyond what few rows could give by luck?"""
    name = "accuracy" if subject.classifies else "R²"
    if sure.scores[NETWORK][name] < TOO_GOOD:
        return
    if found is not None and found.mean.max() > HALF * found.mean.clip(0).sum():
        first = subject.inputs[found.groups[int(found.mean.argmax())][0]]
        yield (
            f"It is nearly perfect, and most of that comes from '{first}': fine if that is known before the answer is; "
            "if it was measured, computed or written down after it, leave it out with --drop."
        )
    elif sure.ranges.get(NETWORK, {}).get(name, (0.0,))[0] >= SURELY_GOOD:
        yield "It is nearly perfect, which real data seldom are: check that no column gives the answer away."


def _learned_by_heart(subject: Subject, sure: Certainty) -> Iterator[str]:
    if subject.x_train is None or subject.y_train is None:
        return
    if subject.x_train.shape[1] >= len(subject.x_train):
        return  # with more inputs than rows a good model fits its own rows perfectly too
    answers = subject.ask(subject.x_train)
    then = scores_of(subject.y_train, answers.y_pred, answers.probabilities, subject.classes)
    name = "accuracy" if subject.classifies else "R²"
    now = sure.scores[NETWORK][name]
    if then[name] - now > GAP[subject.classifies]:
        shown = (f"{one:.1%}" if subject.classifies else f"{one:.2f}" for one in (then[name], now))
        yield (
            "On the rows of training its {name} is {then}, and {now} here: it learned much of them by heart. More rows "
            "would help, or a larger --alpha."
        ).format(name=name, **dict(zip(("then", "now"), shown, strict=True)))


def _unequal_classes(subject: Subject, sure: Certainty) -> Iterator[str]:
    if not subject.classifies:
        return
    counts = subject.confusion()
    rows, right = counts.sum(axis=1), counts.diagonal()
    names = [str(name) for name in subject.classes]
    missed = [
        k for k in range(len(names)) if rows[k] >= FEW_OF_A_CLASS and right[k] < HALF * rows[k]
    ]
    if missed:
        shown = ", ".join(f"'{names[k]}' ({right[k]} of {rows[k]})" for k in missed[:5])
        more = f" and {len(missed) - 5} more" if len(missed) > 5 else ""
        yield f"Of these classes it finds fewer than half the rows: {shown}{more}."
    rare = [names[k] for k in range(len(names)) if 0 < rows[k] < FEW_OF_A_CLASS]
    absent = [names[k] for k in range(len(names)) if rows[k] == 0]
    if rare:
        yield f"Fewer than {FEW_OF_A_CLASS} rows to judge by: of {listed(rare)}."
    if absent:
        yield f"No row at all here, so nothing is known: of {listed(absent)}."
    if 0.8 * rows.sum() < rows.max() < rows.sum():
        balanced = sure.scores[NETWORK]["balanced accuracy"]
        yield (
            f"{rows.max() / rows.sum():.0%} of the rows are of one class, which makes accuracy look high: the balanced "
            f"accuracy, in which all classes count alike, is {balanced:.1%}."
        )


def _confidence(subject: Subject) -> Iterator[str]:
    p = subject.network.probabilities
    if p is None or len(p) < FEW_ROWS:
        return
    said, true = p.max(axis=1), subject.network.y_pred == subject.y
    gap = said - true
    error = gap.std() / np.sqrt(len(gap))
    if abs(gap.mean()) > max(0.03, 2 * error):
        too = "more sure than it should be" if gap.mean() > 0 else "less sure than it could be"
        yield f"It is {too}: its probabilities say right on {said.mean():.0%}, and it is on {true.mean():.0%}."


def _surer_and_more_often_wrong(subject: Subject) -> Iterator[str]:
    """Whether the rows that it is surer of are right less often: Mann and Whitney's test, one-sided."""
    from scipy.stats import mannwhitneyu

    p = subject.network.probabilities
    if p is None:
        return
    said, right = p.max(axis=1), subject.network.y_pred == subject.y
    if min(right.sum(), (~right).sum()) < FEWEST_OF_A_SIDE or np.ptp(said) == 0:
        return
    luck = mannwhitneyu(said[right], said[~right], alternative="less", method="asymptotic").pvalue
    if luck > PERHAPS:
        return
    surer = said > np.median(said)
    perhaps = " With so few rows that may be luck." if luck > LIKELY else ""
    yield (
        f"The surer it is, the more often it is wrong: it is right on {right[surer].mean():.0%} of the rows it is surer of, "
        f"and on {right[~surer].mean():.0%} of the others. Do not go by its probabilities.{perhaps}"
    )


def _intervals(subject: Subject) -> Iterator[str]:
    """Whether the intervals of a regressor hold as many targets as they say."""
    if subject.classifies or len(subject.y) < FEW_ROWS or not hasattr(subject.model, "noise_std_"):
        return
    low, high = subject.model.predict_interval(subject.x, level=LEVEL)
    if subject.output is not None:
        low, high = low[:, subject.output], high[:, subject.output]
    share = float(((low <= subject.y) & (subject.y <= high)).mean())
    error = 2 * np.sqrt(LEVEL * (1 - LEVEL) / len(subject.y))
    if abs(share - LEVEL) > max(0.05, error):
        too = "narrow" if share < LEVEL else "wide"
        yield f"Its {LEVEL:.0%} intervals hold {share:.0%} of the true values: they are too {too} here."


def _few_rows_carry_it(subject: Subject) -> Iterator[str]:
    """Whether a few rows make up most of the squared error."""
    if subject.classifies or len(subject.y) < FEW_ROWS:
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


def _says_the_same(subject: Subject) -> Iterator[str]:
    """Whether it answers alike whatever the inputs are, though the truth is not."""
    said = subject.network.y_pred
    same = len(np.unique(said)) == 1 if subject.classifies else subject.says_the_same
    if len(said) > 1 and same and len(np.unique(subject.y)) > 1:
        answer = f"'{said[0]}'" if subject.classifies else f"{said[0]:.4g}"
        yield f"It says {answer} of every row, whatever the inputs are."


def _unsettled(subject: Subject, found: Any) -> Iterator[str]:
    """Whether no input is reliably among the first."""
    if found is None or len(found.groups) < 2:
        return
    k = int(found.mean.argmax())
    if len(found.groups) < FEW_GROUPS and found.low[k] > 0:
        return  # of a few inputs that all matter, which is the first may change
    if found.on_top[k] < SETTLED:
        name = subject.inputs[found.groups[k][0]]
        yield (
            f"Which inputs matter is not settled: the first, '{name}', is {among_the_first(found.top)} in "
            f"{found.on_top[k]:.0%} of resamples of these rows. Do not build on single inputs."
        )


def _training(subject: Subject) -> Iterator[str]:
    if "all steps taken" in str(getattr(subject.model, "stopped_", "")):
        yield "Training ended because its steps were used up, not because it was done: try a larger --max-iter."


def nothing(sure: Certainty) -> str:
    """What is said where there is no worry."""
    guess = " A score tells of rows like these only" if CONSTANT in sure.scores else ""
    return f"Nothing stands out.{guess}: of other places, instruments or years it says nothing."

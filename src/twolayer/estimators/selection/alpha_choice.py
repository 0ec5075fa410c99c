"""The weight decay of "auto": the alpha whose networks do best on rows left out of training.

One network of the same kind is trained along a path of alphas (`alpha_path`), and its loss on rows left out is noted at each
(`left_out_rows`). The path ends when weaker decay has made the loss clearly worse, not where the loss stays the same: near
its beginning every network is the constant, whatever alpha.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.ensemble import mean_outputs
from twolayer.estimators.fit_plan import LearningTask
from twolayer.estimators.selection.left_out_rows import (
    ClosedForm,
    FoldNetworks,
    LeftOutRows,
    closed_form_refusal,
)
from twolayer.estimators.selection.weighing_choice import choose_weighing
from twolayer.estimators.training_rows import TrainingRows
from twolayer.evaluation.splits import alpha_folds
from twolayer.maths.smooth_clip import InputClip
from twolayer.training.ctrl_c import ctrl_c_raises

FALLBACK_ALPHA = 1.0  # where there are too few rows to leave any out
MOST_SEARCH_ROWS = 2000  # more rows take more time and hardly improve the choice
FEWEST_ALPHAS, MOST_ALPHAS = 6, 14  # three and seven powers of ten below alpha_0
TYPICAL_ALPHAS = 9
WORSE_LIMIT = 2  # so many values in succession that are worse end the search
WORSE_SHARE = 0.1  # of the best: one value that is so much worse ends it
GAIN_SHARE = (
    0.2  # of the constant's loss: so far below it, a loss that stays the same is no constant's
)
LEAST_GAIN = 1e-3  # share of the constant's loss: who gains less is no better than the constant
EQUAL_SHARE = 1e-9  # losses that differ by this share of themselves are equal
AS_GOOD_SHARE = 0.003  # of the least loss: who loses no more than this above it is as good


@dataclass(frozen=True, eq=False)
class AlphaChoice:
    """The alpha chosen, with all that were tried, and the predictions for the rows left out.

    Attributes
    ----------
    alpha : float
    alphas, losses : ndarray, shape (n_alphas,)
        The mean loss of the rows left out, for each alpha tried; empty where there were too few rows to leave any out.
    constant_loss : float
        The same of the best constant for the rows of training.
    residuals : ndarray, shape (n_rows_left_out, n_outputs), or None
        y − y_pred of the rows left out at that alpha, in the units of y; only of a regression.
    outputs, targets : ndarray, shape (n_rows_left_out, n_outputs), or None
        Outputs of the networks for the rows left out at that alpha, and their targets, as in training.
    weights : ndarray, shape (n_rows_left_out,), or None
        Of those rows.
    rows : ndarray, shape (n_rows_left_out,), or None
        Their numbers.
    way : str
        How rows were left out.
    views : tuple of int
        Which of the views of the columns the networks are to have.
    weighing : str
        How the columns are to be weighed: a name in WEIGHINGS.
    """

    alpha: float
    alphas: np.ndarray
    losses: np.ndarray
    constant_loss: float = np.nan
    residuals: np.ndarray | None = None
    outputs: np.ndarray | None = None
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None
    rows: np.ndarray | None = None
    way: str = "none: too few rows"
    views: tuple[int, ...] = (0,)
    weighing: str = NO_WEIGHING

    @property
    def beats_constant(self) -> bool:
        """Whether the networks were better than a constant on the rows left out, or could not be; True if none were."""
        if not len(self.losses) or not self.constant_loss:
            return True
        return bool(self.losses.min() < self.constant_loss * (1 - LEAST_GAIN))


@ctrl_c_raises()
def choose_alpha(
    rows: TrainingRows,
    task: LearningTask,
    rng: np.random.Generator,
    candidates: Sequence[float] | None = None,
    clips: Sequence[InputClip | None] = (None,),
    weighings: Sequence[str] = (NO_WEIGHING,),
    closed_form: bool = True,
    n_networks: int = 1,
) -> AlphaChoice:
    """Return the alpha whose network has the least loss on rows left out; of those as good the strongest.

    The weighing of the columns is chosen first, by ridge regression on the same folds (`weighing_choice`).

    With two views of the columns it is the alpha of the average of a network of each, unless one view alone is clearly
    better.

    Parameters
    ----------
    rows : TrainingRows
        Rows of one group are left out together.
    task : LearningTask
    rng : numpy.random.Generator
    candidates : sequence of float, or None
        The alphas to try, from strong to weak; None for 1 and 3 times powers of ten from alpha_0 down, as many as it takes.
    clips : sequence of InputClip or None
        The views of the columns: None for the columns as they are.
    weighings : sequence of str
        The weighings of the columns to choose from.
    closed_form : bool
        Whether rows may be left out in closed form; else networks are trained without each fold.
    n_networks : int
        How many of each view are trained without each fold, and averaged.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    numbers = np.arange(rows.n_rows)
    if rows.n_rows > MOST_SEARCH_ROWS:
        numbers = np.sort(rng.permutation(rows.n_rows)[:MOST_SEARCH_ROWS])
        rows = rows.subset(numbers)
    folds = alpha_folds(rows.y, rng, rows.groups)
    if not folds:
        alpha = FALLBACK_ALPHA if candidates is None else candidates[0]
        return AlphaChoice(alpha, np.zeros(0), np.zeros(0), views=tuple(range(len(clips))))
    seen = [rows if clip is None else replace(rows, x=clip.columns(rows.x)) for clip in clips]
    outside = [np.setdiff1d(np.arange(rows.n_rows), test) for test in folds]
    if len(weighings) > 1 and hasattr(rows.x, "expect_statistics"):  # a table that is not here
        everything = np.arange(rows.n_rows)
        rows.x.expect_statistics(
            [own.subset(part) for own in seen for part in (*outside, everything)]
        )
    weighing = choose_weighing(rows, folds, weighings)
    closed_form = closed_form and weighing == NO_WEIGHING
    found = None
    if closed_form and not closed_form_refusal(task, *rows.x.shape):
        expect_axes(seen, [np.arange(rows.n_rows)], weighing)
        found = path_choice([ClosedForm(own, folds, task, rng) for own in seen], candidates)
    if found is None:
        expect_axes(seen, outside, weighing)
        left_out = [FoldNetworks(own, folds, task, rng, weighing, n_networks) for own in seen]
        found = path_choice(left_out, candidates)
    assert found is not None
    assert found.rows is not None
    return replace(found, weighing=weighing, rows=numbers[found.rows])


def expect_axes(views: Sequence[TrainingRows], parts: Sequence[np.ndarray], weighing: str) -> None:
    """Let a table that is not here know of which rows the axes will be needed, so that it reads its blocks once for all."""
    if hasattr(views[0].x, "expect_axes"):
        views[0].x.expect_axes([own.subset(part) for own in views for part in parts], weighing)


def path_choice(
    left_out: Sequence[LeftOutRows], candidates: Sequence[float] | None
) -> AlphaChoice | None:
    """Return the choice along one path; None if what is said of rows left out does not hold before it has turned."""
    everything = LeftOutAverage(left_out, tuple(range(len(left_out))))
    singles = [LeftOutAverage(left_out, (k,)) for k in everything.views[len(left_out) == 1 :]]
    for alpha in candidates or decreasing_alphas(max(one.first_alpha() for one in left_out)):
        for one in left_out:
            one.train(alpha)
        outputs = [one.outputs() for one in left_out]
        if not all(one.holds for one in left_out):
            return None
        for average in (everything, *singles):
            average.note(alpha, outputs)
        if candidates is None and all(one.has_turned() for one in (everything, *singles)):
            break
    return everything.unless_better(singles).choice()


class LeftOutAverage:
    """What the average of one network for each of these views says of the rows left out, along the alphas."""

    def __init__(self, left_out: Sequence[LeftOutRows], views: tuple[int, ...]) -> None:
        self.rows = left_out[views[0]]  # the targets are those of every view
        self.views = views
        self.alphas: list[float] = []
        self.losses: list[float] = []
        self.averaged: list[np.ndarray] = []

    def note(self, alpha: float, outputs: Sequence[np.ndarray]) -> None:
        """Keep what was said at the next alpha."""
        own = np.stack([outputs[k] for k in self.views])
        self.averaged.append(own[0] if len(own) == 1 else mean_outputs(own, self.rows.task.loss))
        self.alphas.append(alpha)
        self.losses.append(self.rows.mean_loss(self.averaged[-1]))

    @property
    def best(self) -> int:
        """The place of the strongest alpha of those that are as good as the best."""
        best = min(self.losses)
        as_good = np.array(self.losses) <= best + AS_GOOD_SHARE * abs(best)
        return int(as_good.argmax())

    @property
    def outputs(self) -> np.ndarray:
        """The outputs at the best alpha."""
        return self.averaged[self.best]

    def has_turned(self) -> bool:
        """Return whether weaker alphas are clearly worse, or no better any more."""
        constant = self.rows.mean_loss(self.rows.constants)
        return len(self.losses) >= FEWEST_ALPHAS and has_turned(self.losses, constant)

    def unless_better(self, others: Sequence[LeftOutAverage]) -> LeftOutAverage:
        """Return the one of the others that is clearly better, by more than two standard errors; else this one."""
        best, own = self, self.rows.row_losses(self.outputs)
        for other in others:
            gain = own - self.rows.row_losses(other.outputs)
            error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
            if gain.mean() > 2 * error and min(other.losses) < min(best.losses):
                best = other
        return best

    def choice(self) -> AlphaChoice:
        """Return the best alpha and what was said there."""
        rows, outputs = self.rows, self.outputs
        known = np.isfinite(outputs).all(axis=1)
        residuals = (rows.y - outputs) * rows.scale
        return AlphaChoice(
            float(self.alphas[self.best]),
            np.array(self.alphas),
            np.array(self.losses),
            rows.mean_loss(rows.constants),
            residuals[known] if rows.task.standardise_y else None,
            outputs[known],
            rows.y[known],
            None if rows.s is None else rows.s[known],
            rows.order[known],
            rows.way,
            self.views,
        )


def decreasing_alphas(first: float) -> Iterator[float]:
    """Yield 1 and 3 times powers of ten, from the least that is not below `first`; one value if nothing can be learned."""
    if not np.isfinite(first) or first <= 0:
        yield FALLBACK_ALPHA
        return
    k = int(np.ceil(2 * np.log10(first) - 1e-9))
    k += float(f"{10 ** (k / 2):.1g}") < first
    yield from (float(f"{10 ** ((k - i) / 2):.1g}") for i in range(MOST_ALPHAS))


def has_turned(losses: list[float], constant: float) -> bool:
    """Return whether the last losses say that the best one has been passed: the same loss is no worse.

    Where the best one is far below the constant's, two last ones that gain next to nothing say so too: a table that networks
    tell without any error has such a path. Nearer to the constant they would, while every network still is one.
    """
    best, before = min(losses), min(losses[:-WORSE_LIMIT])
    size = abs(best)  # a loss of counts may be below 0
    is_flat = best > before - AS_GOOD_SHARE * size and constant - best > GAIN_SHARE * abs(constant)
    worse = min(losses[-WORSE_LIMIT:]) > best + EQUAL_SHARE * size
    return worse or is_flat or losses[-1] > best + WORSE_SHARE * size


def path_table(choice: AlphaChoice) -> Iterator[str]:
    """Yield a line for each alpha tried: its loss, and which one was chosen."""
    if len(choice.losses):
        yield f"a constant: loss {choice.constant_loss:.4g} on rows left out"
    for alpha, loss in zip(choice.alphas, choice.losses, strict=True):
        mark = "  <- chosen" if alpha == choice.alpha else ""
        yield f"alpha {alpha:g}: loss {loss:.4g} on rows left out{mark}"

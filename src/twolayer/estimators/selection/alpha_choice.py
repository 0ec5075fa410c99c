"""The weight decay of "auto": the alpha whose networks do best on rows left out of training.

One network of the same kind is trained along a path of alphas (`alpha_path`), and its loss on rows left out is noted at each
(`left_out_rows`). The path ends when weaker decay has made the loss clearly worse, not where the loss stays the same: near
its beginning every network is the constant, whatever alpha.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from twolayer.estimators.fit_plan import LearningTask
from twolayer.estimators.selection.left_out_rows import (
    ClosedForm,
    FoldNetworks,
    LeftOutRows,
    closed_form_refusal,
)
from twolayer.estimators.training_rows import TrainingRows
from twolayer.evaluation.splits import alpha_folds
from twolayer.training.ctrl_c import ctrl_c_raises

FALLBACK_ALPHA = 1.0  # where there are too few rows to leave any out
MOST_SEARCH_ROWS = 2000  # more rows take more time and hardly improve the choice
FEWEST_ALPHAS, MOST_ALPHAS = 6, 14  # three and seven powers of ten below alpha_0
TYPICAL_ALPHAS = 9
WORSE_LIMIT = 2  # so many values in succession that are worse end the search
LEAST_GAIN = 1e-3  # share of the constant's loss: who gains less is no better than the constant
EQUAL_SHARE = 1e-9  # losses that differ by this share of themselves are equal


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
    way : str
        How rows were left out.
    """

    alpha: float
    alphas: np.ndarray
    losses: np.ndarray
    constant_loss: float = np.nan
    residuals: np.ndarray | None = None
    outputs: np.ndarray | None = None
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None
    way: str = "none: too few rows"

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
) -> AlphaChoice:
    """Return the alpha whose network has the least loss on rows left out; of equal ones the strongest.

    Parameters
    ----------
    rows : TrainingRows
        Rows of one group are left out together.
    task : LearningTask
    rng : numpy.random.Generator
    candidates : sequence of float, or None
        The alphas to try, from strong to weak; None for 1 and 3 times powers of ten from alpha_0 down, as many as it takes.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    if rows.n_rows > MOST_SEARCH_ROWS:
        rows = rows.subset(np.sort(rng.permutation(rows.n_rows)[:MOST_SEARCH_ROWS]))
    left_out = left_out_rows(rows, task, rng)
    if left_out is None:
        alpha = FALLBACK_ALPHA if candidates is None else candidates[0]
        return AlphaChoice(alpha, np.zeros(0), np.zeros(0))
    alphas: list[float] = []
    losses: list[float] = []
    for alpha in candidates or decreasing_alphas(left_out.first_alpha()):
        left_out.train(alpha)
        outputs = left_out.outputs()
        loss = left_out.mean_loss(outputs)
        if not losses or loss < min(losses) * (1 - EQUAL_SHARE):
            best, best_outputs = alpha, outputs
        alphas.append(alpha)
        losses.append(loss)
        if candidates is None and len(losses) >= FEWEST_ALPHAS and has_turned(losses):
            break
    known = np.isfinite(best_outputs).all(axis=1)
    residuals = ((left_out.y - best_outputs) * left_out.scale)[known]
    return AlphaChoice(
        float(best),
        np.array(alphas),
        np.array(losses),
        left_out.mean_loss(left_out.constants),
        residuals if task.standardise_y else None,
        best_outputs[known],
        left_out.y[known],
        None if left_out.s is None else left_out.s[known],
        left_out.way,
    )


def left_out_rows(
    rows: TrainingRows, task: LearningTask, rng: np.random.Generator
) -> LeftOutRows | None:
    """Return who leaves rows out: in closed form where that holds, else in folds; None for too few rows."""
    folds = alpha_folds(rows.y, rng, rows.groups)
    if not folds:
        return None
    refusal = closed_form_refusal(task, *rows.x.shape)
    kind = ClosedForm if refusal is None else FoldNetworks
    return kind(rows, folds, task, rng)


def decreasing_alphas(first: float) -> Iterator[float]:
    """Yield 1 and 3 times powers of ten, from the least that is not below `first`; one value if nothing can be learned."""
    if not np.isfinite(first) or first <= 0:
        yield FALLBACK_ALPHA
        return
    k = int(np.ceil(2 * np.log10(first) - 1e-9))
    k += float(f"{10 ** (k / 2):.1g}") < first
    yield from (float(f"{10 ** ((k - i) / 2):.1g}") for i in range(MOST_ALPHAS))


def has_turned(losses: list[float]) -> bool:
    """Return whether the last losses are all worse than the best one: the same loss is no worse."""
    return min(losses[-WORSE_LIMIT:]) > min(losses) * (1 + EQUAL_SHARE)


def path_table(choice: AlphaChoice) -> Iterator[str]:
    """Yield a line for each alpha tried: its loss, and which one was chosen."""
    if len(choice.losses):
        yield f"a constant: loss {choice.constant_loss:.4g} on rows left out"
    for alpha, loss in zip(choice.alphas, choice.losses, strict=True):
        mark = "  <- chosen" if alpha == choice.alpha else ""
        yield f"alpha {alpha:g}: loss {loss:.4g} on rows left out{mark}"

"""The weight decay of "auto": the alpha whose networks do best on rows left out of training, along one path per fold.

The rows are dealt into folds. On each fold a network of the same kind is trained with one `alpha` after another, from the
strongest, where little is learned, to the weakest, and its loss on the rows left out is noted. Each training starts from the
weights of the stronger alpha before, so that it takes few steps; units that the stronger decay had removed start anew. The
search ends when weaker decay has made the loss worse twice. Columns are standardised on the training part.

On a wide table each fold is first turned into axes of its own rows (as in `twolayer.maths.span`), so that only one pass per
fold costs anything per column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.estimators.fit_plan import LearningTask
from twolayer.estimators.initial_weights import initial_params, penalty_unit, start_at_mean
from twolayer.estimators.selection.dead_units import restart_without_output
from twolayer.estimators.selection.row_axes import row_axes
from twolayer.estimators.standardise import standardise
from twolayer.estimators.training_rows import TrainingRows
from twolayer.evaluation.splits import alpha_folds
from twolayer.maths import network
from twolayer.maths.problem import checked_targets
from twolayer.training.ctrl_c import ctrl_c_raises
from twolayer.training.train import train

ALPHA_PATH = tuple(float(f"{10 ** (k / 2):.1g}") for k in range(5, -4, -1))  # 300, 100, ..., 0.03
FALLBACK_ALPHA = 1.0  # where there are too few rows to leave any out
MOST_SEARCH_ROWS = 2000  # more rows take more time and hardly improve the choice
STEPS_PER_ALPHA = 100
WORSE_LIMIT = 2  # so many values in succession that are not better end the search


@dataclass(frozen=True, eq=False)
class AlphaChoice:
    """The alpha chosen, with all that were tried, and the predictions for the rows left out.

    Attributes
    ----------
    alpha : float
    alphas, losses : ndarray, shape (n_alphas,)
        The mean loss of the rows left out, for each alpha tried.
    residuals : ndarray, shape (n_rows_left_out, n_outputs), or None
        y − y_pred of the rows left out at that alpha, in the units of y; only of a regression.
    outputs, targets : ndarray, shape (n_rows_left_out, n_outputs), or None
        Outputs of the networks for the rows left out at that alpha, and their targets, as in training.
    weights : ndarray, shape (n_rows_left_out,), or None
        Of those rows.
    """

    alpha: float
    alphas: np.ndarray
    losses: np.ndarray
    residuals: np.ndarray | None = None
    outputs: np.ndarray | None = None
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None


@ctrl_c_raises()
def choose_alpha(
    rows: TrainingRows,
    task: LearningTask,
    rng: np.random.Generator,
    candidates: Sequence[float] = ALPHA_PATH,
) -> AlphaChoice:
    """Return the alpha whose network has the least loss on rows left out.

    Parameters
    ----------
    rows : TrainingRows
        Rows of one group are left out together.
    task : LearningTask
    rng : numpy.random.Generator
    candidates : sequence of float
        The alphas to try, from strong to weak.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    if rows.n_rows > MOST_SEARCH_ROWS:
        rows = rows.subset(np.sort(rng.permutation(rows.n_rows)[:MOST_SEARCH_ROWS]))
    folds = alpha_folds(rows.y, rng, rows.groups)
    if not folds:
        alpha = FALLBACK_ALPHA if candidates is ALPHA_PATH else candidates[0]
        return AlphaChoice(alpha, np.array([alpha]), np.array([np.nan]))
    paths = [AlphaPath(rows, test, task, rng) for test in folds]
    total = sum(path.total for path in paths)
    losses: list[float] = []
    best, outputs = np.inf, [path.predict() for path in paths]
    worse = 0
    for alpha in candidates:
        for path in paths:
            path.train(alpha)
        losses.append(sum(path.loss() * path.total for path in paths) / total)
        if losses[-1] < best:
            best, worse = losses[-1], 0
            outputs = [path.predict() for path in paths]
        else:
            worse += 1
        if worse == WORSE_LIMIT:
            break
    return alpha_choice(paths, outputs, np.array(candidates[: len(losses)]), np.array(losses))


def alpha_choice(
    paths: list[AlphaPath], outputs: list[np.ndarray], alphas: np.ndarray, losses: np.ndarray
) -> AlphaChoice:
    """Return the choice from the losses of each alpha, and the outputs of each path at the best one."""
    residuals = [path.residuals(y_pred) for path, y_pred in zip(paths, outputs, strict=True)]
    return AlphaChoice(
        float(alphas[np.argmin(losses)]),
        alphas,
        losses,
        np.concatenate(residuals) if paths[0].task.standardise_y else None,
        np.concatenate(outputs),
        np.concatenate([path.y_test for path in paths]),
        None if paths[0].s is None else np.concatenate([path.s_test for path in paths]),
    )


class AlphaPath:
    """One fold's network, trained from strong to weak alphas."""

    def __init__(
        self, rows: TrainingRows, test: np.ndarray, task: LearningTask, rng: np.random.Generator
    ) -> None:
        self.task = task
        kept = np.ones(rows.n_rows, dtype=bool)
        kept[test] = False
        own, held_out = rows.subset(kept), rows.subset(test)
        self.s, self.s_test = own.s, held_out.s
        axes = row_axes(own.x, self.s, invariant=True)
        self.x, self.x_test = axes.z, axes.new(held_out.x)
        self.y, y_test = own.y, held_out.y
        self.scale: Any = 1.0
        if task.standardise_y:
            self.y, targets = standardise(self.y, self.s, "y")
            y_test, self.scale = (y_test - targets.mean) / targets.scale, targets.scale
        self.y_test = checked_targets(y_test, len(test), task.n_outputs, task.loss, np.float64)
        self.y = task.smoothed(self.y)
        self.total = float(len(test) if self.s_test is None else self.s_test.sum())
        start = initial_params(
            axes.z,
            axes.constant,
            task.n_hidden,
            task.n_outputs,
            rng,
            skip=task.skip,
            n_columns=len(axes.inputs.scale),
        )
        self.start = start_at_mean(start, self.y, self.s, task.loss)
        self.unit = penalty_unit(self.y, self.s, task.loss)
        self.params = self.start

    def train(self, alpha: float) -> None:
        """Go on training, with a weaker alpha."""
        run = train(
            self.x,
            self.y,
            restart_without_output(self.params, self.start),
            loss=self.task.loss,
            activation=self.task.activation,
            solver="lbfgs",
            alpha=alpha * self.unit,
            steps=STEPS_PER_ALPHA,
            tol=1e-3,
            sample_weight=self.s,
        )
        self.params = run.params

    def predict(self) -> np.ndarray:
        """Return the outputs for the rows left out."""
        return network.forward(self.x_test, self.params, self.task.activation)

    def loss(self) -> float:
        """Return the mean loss of the rows left out."""
        return float(self.task.loss.value(self.predict(), self.y_test, self.s_test, self.total)) / (
            self.total if self.task.loss.is_sum else 1
        )

    def residuals(self, y_pred: np.ndarray) -> np.ndarray:
        """Return y − y_pred of the rows left out, in the units of y."""
        return (self.y_test - y_pred) * self.scale


def path_table(choice: AlphaChoice) -> Iterator[str]:
    """Yield a line for each alpha tried: its loss, and which one was chosen."""
    for alpha, loss in zip(choice.alphas, choice.losses, strict=True):
        mark = "  <- chosen" if alpha == choice.alpha else ""
        yield f"alpha {alpha:g}: loss {loss:.4g} on rows left out{mark}"

"""The weight decay of "auto": the alpha whose networks do best on rows left out of training, along one path per fold.

The rows are dealt into folds. On each fold a network of the same kind is trained with one `alpha` after another, from the
strongest to the weakest, and its loss on the rows left out is noted. Each training starts from the weights of the stronger
alpha before, so that it takes few steps; units that the stronger decay had removed start anew. Columns are standardised on
the training part.

The path begins where the network leaves the constant. At the best constant c, all weights 0, a unit with small weights
gains by leaving 0 only if alpha is below

    alpha_0 = |act'(0)| · σ_max(x.T @ (s · r)),    r = −∂loss/∂y_pred at y_pred = c,

the largest singular value over the standardised columns x. It ends when weaker decay has made the loss clearly worse, not
where the loss stays the same: near alpha_0 every network is the constant, whatever alpha.

No row counts for more than a large multiple of what the constant loses on its rows, as otherwise one row far from all
others, for which a network says anything, would choose alpha alone.

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
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_targets
from twolayer.training.ctrl_c import ctrl_c_raises
from twolayer.training.train import train

FALLBACK_ALPHA = 1.0  # where there are too few rows to leave any out
MOST_SEARCH_ROWS = 2000  # more rows take more time and hardly improve the choice
STEPS_PER_ALPHA = 100
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
    """

    alpha: float
    alphas: np.ndarray
    losses: np.ndarray
    constant_loss: float = np.nan
    residuals: np.ndarray | None = None
    outputs: np.ndarray | None = None
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None

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
    folds = alpha_folds(rows.y, rng, rows.groups)
    if not folds:
        alpha = FALLBACK_ALPHA if candidates is None else candidates[0]
        return AlphaChoice(alpha, np.zeros(0), np.zeros(0))
    paths = [AlphaPath(rows, test, task, rng) for test in folds]
    total = sum(path.total for path in paths)
    alphas: list[float] = []
    losses: list[float] = []
    outputs: list[np.ndarray] = []
    for alpha in candidates or decreasing_alphas(max(path.first_alpha() for path in paths)):
        for path in paths:
            path.train(alpha)
        loss = sum(path.loss() * path.total for path in paths) / total
        if not losses or loss < min(losses) * (1 - EQUAL_SHARE):
            best, outputs = alpha, [path.predict() for path in paths]
        alphas.append(alpha)
        losses.append(loss)
        if candidates is None and len(losses) >= FEWEST_ALPHAS and has_turned(losses):
            break
    y_test = np.concatenate([path.y_test for path in paths])
    residuals = [path.residuals(y_pred) for path, y_pred in zip(paths, outputs, strict=True)]
    return AlphaChoice(
        float(best),
        np.array(alphas),
        np.array(losses),
        sum(path.constant_loss() * path.total for path in paths) / total,
        np.concatenate(residuals) if task.standardise_y else None,
        np.concatenate(outputs),
        y_test,
        None if rows.s is None else np.concatenate([path.s_test for path in paths]),
    )


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


def best_constant_output(y: np.ndarray, s: np.ndarray | None, task: LearningTask) -> np.ndarray:
    """Return the output, (n_outputs,), that has the least loss where every row has the same."""
    shape = (1, 1), (1,), (1, task.n_outputs), (task.n_outputs,)
    start = start_at_mean(Params(*(np.zeros(size) for size in shape)), y, s, task.loss)
    nothing = np.zeros((len(y), 1))
    run = train(
        nothing,
        y,
        start,
        loss=task.loss,
        activation="identity",
        solver="lbfgs",
        steps=STEPS_PER_ALPHA,
        tol=1e-6,
        sample_weight=s,
    )
    assert run.params.b2 is not None
    return run.params.b2


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
        self.constant = best_constant_output(self.y, self.s, task)
        by_row = self.row_losses(np.zeros((len(test), task.n_outputs)) + self.constant)
        self.limit = max(10 * by_row.mean(), 2 * by_row.max())  # of what one row may lose

    def first_alpha(self) -> float:
        """Return alpha_0, below which the network leaves the constant."""
        loss, n_outputs = self.task.loss, self.task.n_outputs
        y = checked_targets(self.y, len(self.y), n_outputs, loss, np.float64)
        r = -loss.gradient(np.zeros(y.shape) + self.constant, y)
        gradient = self.x.T @ (r if self.s is None else self.s[:, None] * r)
        largest = np.sqrt(np.linalg.eigvalsh(gradient.T @ gradient)[-1].clip(0))
        at_0 = np.zeros((1, 1))
        activation = self.task.activation
        slope = float(np.abs(activation.derivative(at_0, activation.value(at_0))).item())
        if self.task.skip or not slope:
            slope = max(slope, 1.0)
        return slope * float(largest) / self.unit

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

    def row_losses(self, y_pred: np.ndarray) -> np.ndarray:
        """Return the loss of each row left out, shape (n_test,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.task.loss.elements(y_pred, self.y_test).sum(axis=1)

    def mean_loss(self, y_pred: np.ndarray) -> float:
        """Return the mean loss of the rows left out; none loses more than the limit, nor what is no number."""
        return float(np.average(np.fmin(self.row_losses(y_pred), self.limit), weights=self.s_test))

    def loss(self) -> float:
        """Return the mean loss of the network on the rows left out."""
        return self.mean_loss(self.predict())

    def constant_loss(self) -> float:
        """Return the mean loss of the constant on the rows left out."""
        return self.mean_loss(np.zeros((len(self.y_test), self.task.n_outputs)) + self.constant)

    def residuals(self, y_pred: np.ndarray) -> np.ndarray:
        """Return y − y_pred of the rows left out, in the units of y."""
        return (self.y_test - y_pred) * self.scale


def path_table(choice: AlphaChoice) -> Iterator[str]:
    """Yield a line for each alpha tried: its loss, and which one was chosen."""
    if len(choice.losses):
        yield f"a constant: loss {choice.constant_loss:.4g} on rows left out"
    for alpha, loss in zip(choice.alphas, choice.losses, strict=True):
        mark = "  <- chosen" if alpha == choice.alpha else ""
        yield f"alpha {alpha:g}: loss {loss:.4g} on rows left out{mark}"

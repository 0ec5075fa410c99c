"""How strong the weight decay should be, found on the training rows alone.

The rows are dealt into folds. On each fold a network of the same kind is trained with one `alpha` after another, from the
strongest, where little is learned, to the weakest, and its loss on the rows left out is noted. Each starts from where the
stronger one ended, so that a step down the path costs few steps of training; units that the stronger decay had put out
begin anew. The walk ends when weaker decay has made things worse twice. Columns are standardised on the training part.

On a wide table each fold is first turned into axes of its own rows (as in `twolayer.maths.span`), so that only one
pass a fold costs anything per column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.estimators.fit_plan import smooth_labels
from twolayer.estimators.initial_weights import initial_params, penalty_unit, start_at_mean
from twolayer.estimators.standardise import apply_scaling, standardise
from twolayer.evaluation.splits import alpha_folds
from twolayer.maths import network
from twolayer.maths.activations import Activation
from twolayer.maths.losses import Loss
from twolayer.maths.network import Objective, Params
from twolayer.maths.problem import checked_targets
from twolayer.training.ctrl_c import ctrl_c_raises
from twolayer.training.train import train

ALPHA_PATH = tuple(
    float(f"{10 ** (k / 2):.1g}") for k in range(5, -4, -1)
)  # 300, 100, 30, ..., 0.03
FALLBACK_ALPHA = 1.0  # where there are too few rows to hold any out
MOST_SEARCH_ROWS = 2000  # more than so many add time and hardly any knowledge of alpha
STEPS_PER_ALPHA = 100  # for each alpha
WORSE_LIMIT = 2  # so many values in succession end the walk


@dataclass(frozen=True, eq=False)
class LearningTask:
    """What is learned, and by what network."""

    loss: Loss
    activation: Activation
    n_hidden: int
    n_outputs: int
    skip: bool
    standardise_y: bool
    l1: float = 0.0
    dropout: float = 0.0
    smoothing: float = 0.0  # of labels

    @property
    def objective(self) -> Objective:
        """What training makes small, but for the weight decay."""
        return Objective(self.loss, self.activation, 0.0, self.l1, self.dropout)

    def smoothed(self, y: np.ndarray) -> np.ndarray:
        """Targets as they are trained on: labels smoothed."""
        return smooth_labels(y, self.n_outputs, self.smoothing)


@dataclass(frozen=True, eq=False)
class AlphaChoice:
    """The decay chosen, and what was seen on the way.

    Attributes
    ----------
    alpha : float
    alphas, losses : ndarray, shape (n_alphas,)
        The mean loss of the rows left out, for each alpha tried.
    residuals : ndarray, shape (n_rows_left_out, n_outputs), or None
        y − y_pred of the rows left out at that alpha, in the units of y; only of a regression.
    outputs, targets : ndarray, shape (n_rows_left_out, n_outputs), or None
        What the networks gave for the rows left out at that alpha, and what it should have been, as in training.
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
    x: Any,
    y: np.ndarray,
    s: np.ndarray | None,
    task: LearningTask,
    rng: np.random.Generator,
    path: Sequence[float] = ALPHA_PATH,
    groups: np.ndarray | None = None,
) -> AlphaChoice:
    """The decay whose network does best on rows left out.

    Parameters
    ----------
    x : array or SciPy sparse array, shape (n_rows, n_inputs)
    y : array, shape (n_rows, n_outputs), or class numbers of shape (n_rows,)
    s : array, shape (n_rows,), or None
        Row weights.
    path : sequence of float
        The decays to try, from strong to weak.
    groups : array, shape (n_rows,), or None
        Rows of one group are left out together.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    if x.shape[0] > MOST_SEARCH_ROWS:
        some = np.sort(rng.permutation(x.shape[0])[:MOST_SEARCH_ROWS])
        x, y, s = x[some], y[some], None if s is None else s[some]
        groups = None if groups is None else groups[some]
    parts = alpha_folds(y, rng, groups)
    if not parts:
        alpha = FALLBACK_ALPHA if path is ALPHA_PATH else path[0]
        return AlphaChoice(alpha, np.array([alpha]), np.array([np.nan]))
    walks = [AlphaPath(x, y, s, test, task, rng) for test in parts]
    seen: list[tuple[float, float]] = []  # (alpha, mean loss)
    best, outputs = np.inf, [walk.predict() for walk in walks]
    worse = 0
    for alpha in path:
        for walk in walks:
            walk.train(alpha)
        total = sum(walk.loss() * walk.total for walk in walks) / sum(walk.total for walk in walks)
        seen.append((alpha, total))
        if total < best:
            best, worse = total, 0
            outputs = [walk.predict() for walk in walks]
        else:
            worse += 1
        if worse == WORSE_LIMIT:
            break
    return alpha_choice(walks, outputs, np.array(seen))


def alpha_choice(
    walks: list[AlphaPath], outputs: list[np.ndarray], seen: np.ndarray
) -> AlphaChoice:
    """What the walks have seen, (alpha, mean loss) by row, and the outputs of each at the best."""
    alphas, losses = seen.T
    residuals = [walk.residuals(z) for walk, z in zip(walks, outputs, strict=True)]
    return AlphaChoice(
        float(alphas[np.argmin(losses)]),
        alphas,
        losses,
        np.concatenate(residuals) if walks[0].task.standardise_y else None,
        np.concatenate(outputs),
        np.concatenate([walk.y_test for walk in walks]),
        None if walks[0].s is None else np.concatenate([walk.s_test for walk in walks]),
    )


class AlphaPath:
    """One fold's way down the path."""

    def __init__(
        self,
        x: Any,
        y: np.ndarray,
        s: np.ndarray | None,
        test: np.ndarray,
        task: LearningTask,
        rng: np.random.Generator,
    ) -> None:
        self.task = task
        kept = np.ones(x.shape[0], dtype=bool)
        kept[test] = False
        self.s = None if s is None else s[kept]
        self.s_test = None if s is None else s[test]
        z, inputs = standardise(x[kept], self.s, "X")
        z_test = apply_scaling(inputs, x[test])
        self.y, self.y_test = y[kept], y[test]
        self.scale: Any = 1.0
        if task.standardise_y:
            self.y, targets = standardise(self.y, self.s, "y")
            self.y_test, self.scale = (self.y_test - targets.mean) / targets.scale, targets.scale
        self.y_test = checked_targets(self.y_test, len(test), task.n_outputs, task.loss, np.float64)
        self.y = task.smoothed(self.y)
        self.total = float(len(test) if s is None else s[test].sum())
        size, constant = z.shape[1], inputs.constant
        if z.shape[0] < size:
            z, z_test = in_row_axes(z, z_test)
            constant = np.zeros(z.shape[1], dtype=bool)
        self.x, self.x_test = z, z_test
        sizes = (task.n_hidden, task.n_outputs)
        self.fresh = initial_params(z, constant, *sizes, rng, skip=task.skip, n_columns=size)
        self.fresh = start_at_mean(self.fresh, self.y, self.s, task.loss)
        self.unit = penalty_unit(self.y, self.s, task.loss)
        self.params = self.fresh

    def train(self, alpha: float) -> None:
        """Go on with weaker decay."""
        run = train(
            self.x,
            self.y,
            restart_dead_units_of_fold(self.params, self.fresh),
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
        return network.forward(self.x_test, self.params, self.task.activation)

    def loss(self) -> float:
        """The mean loss of the rows left out."""
        return float(self.task.loss.value(self.predict(), self.y_test, self.s_test, self.total)) / (
            self.total if self.task.loss.is_sum else 1
        )

    def residuals(self, y_pred: np.ndarray) -> np.ndarray:
        """y − y_pred of the rows left out, in the units of y."""
        return (self.y_test - y_pred) * self.scale


def in_row_axes(z: Any, z_test: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both tables in orthonormal axes that span the rows of `z`: of `z_test`, what no network could have learned is lost."""
    k, k_test = z @ z.T, z_test @ z.T
    if is_sparse(k):
        k, k_test = k.toarray(), k_test.toarray()
    squares, u = np.linalg.eigh(k)  # k = u @ diag(squares) @ u.T
    there = squares > len(k) * np.finfo(np.float64).eps * max(
        squares[-1], np.finfo(np.float64).tiny
    )
    if not there.any():
        return np.zeros((len(k), 1)), np.zeros((len(k_test), 1))
    u, lengths = u[:, there], np.sqrt(squares[there])
    return u * lengths, (k_test @ u) / lengths


def restart_dead_units_of_fold(params: Params, fresh: Params) -> Params:
    """The network with its dead units begun anew: fresh weights in, none out, so that its output is the same."""
    w1, b1, w2 = params.w1, params.b1, params.w2
    assert b1 is not None
    assert fresh.b1 is not None
    strength = np.linalg.norm(w1, axis=0) * np.linalg.norm(w2, axis=1)
    dead = strength <= 1e-3 * max(strength.max(), 1e-2)
    if dead.all():
        return fresh
    return replace(
        params,
        w1=np.where(dead, fresh.w1, w1),
        b1=np.where(dead, fresh.b1, b1),
        w2=np.where(dead[:, None], 0, w2),
    )


def path_table(strength: AlphaChoice) -> Iterator[str]:
    """The path in words, a line for each alpha."""
    for alpha, loss in zip(strength.alphas, strength.losses, strict=True):
        mark = "  <- chosen" if alpha == strength.alpha else ""
        yield f"alpha {alpha:g}: loss {loss:.4g} on rows left out{mark}"

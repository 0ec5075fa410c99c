"""What networks along a path of alphas say of rows that were left out of their training.

The rows are dealt into folds, and there are two ways to leave one out. In closed form, one network learns from all rows, and
what it would have said of a fold without it follows from its tangent kernel (`twolayer.maths.tangent`). Else a network of
its own learns from the rows outside each fold. The closed form needs a loss with a second derivative, a matrix that is not
too large, and columns that are not weighed, as it would take the weights, which depend on the targets of the rows left out
too, for given. On 31 tables the alphas chosen in both ways did equally well; single rows left out in closed form did a
little worse, and so did the closed form at weights that are taken for a minimum, which those of a short training are not.

No row counts for more than a large multiple of what the constant loses on its rows, as otherwise one row far from all
others, for which a network says anything, would choose alpha alone.
"""

from __future__ import annotations

import numpy as np

from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.ensemble import mean_outputs
from twolayer.estimators.fit_plan import LearningTask
from twolayer.estimators.selection.alpha_path import AlphaPath
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths.tangent import left_out_constant

LARGEST_MATRIX = 700  # rows·outputs or weights, whichever are fewer: up to here the closed form costs less than folds

IN_CLOSED_FORM = "left out in closed form"
UNSETTLED_SHARE = 0.5  # of what leaving rows out does to the outputs; further from a minimum, the closed form says nothing


class LeftOutRows:
    """The rows left out, and how the networks did on them. Subclasses say who predicts them.

    Attributes
    ----------
    order : ndarray, shape (n_rows,)
        The numbers of the rows left out.
    y : ndarray, shape (n_rows, n_outputs)
        Targets of the rows left out, on the scale of training.
    s : ndarray, shape (n_rows,), or None
        Their weights.
    constants : ndarray, shape (n_rows, n_outputs)
        The best constant of the rows of training, for each row left out.
    scale : ndarray or float
        Of a residual, for the units of y.
    """

    way: str
    task: LearningTask
    paths: list[AlphaPath]
    order: np.ndarray
    y: np.ndarray
    s: np.ndarray | None
    constants: np.ndarray
    scale: np.ndarray | float
    holds = True  # whether what was last said of the rows left out can be relied on

    def first_alpha(self) -> float:
        """Return the alpha at which the first of the networks leaves the constant."""
        return max(path.first_alpha() for path in self.paths)

    def train(self, alpha: float) -> None:
        """Go on training, with a weaker alpha."""
        for path in self.paths:
            path.train(alpha)

    def outputs(self) -> np.ndarray:
        """Return the networks' outputs for the rows left out, shape (n_rows, n_outputs)."""
        raise NotImplementedError

    def row_losses(self, outputs: np.ndarray) -> np.ndarray:
        """Return the loss of each row left out, shape (n_rows,); none is above the limit, nor what is no number."""
        return np.fmin(self._elements(outputs), self.limit)

    def mean_loss(self, outputs: np.ndarray) -> float:
        """Return the mean of `row_losses`."""
        return float(np.average(self.row_losses(outputs), weights=self.s))

    def _elements(self, outputs: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return self.task.loss.elements(outputs, self.y).sum(axis=1)

    @property
    def limit(self) -> float:
        """What one row may lose."""
        constant = self._elements(self.constants)
        return max(10 * constant.mean(), 2 * constant.max())


class ClosedForm(LeftOutRows):
    """Each fold left out of one network's training without another training."""

    def __init__(
        self,
        rows: TrainingRows,
        folds: list[np.ndarray],
        task: LearningTask,
        rng: np.random.Generator,
    ) -> None:
        self.task, self.folds, self.s = task, folds, rows.s
        self.way = f"{len(folds)} folds {IN_CLOSED_FORM}"
        path = AlphaPath(rows, task, rng)
        self.paths, self.order = [path], np.arange(rows.n_rows)
        self.y = path.scaled(rows.y)
        self.constants = left_out_constant(path.constant, path.y, self.s, task.loss, folds)
        self.scale = 1.0 if path.targets is None else path.targets.scale

    def outputs(self) -> np.ndarray:
        tangent = self.paths[0].tangent()
        outputs = tangent.left_out(self.folds, settled=True)
        rest = np.square(tangent.unsettled).mean()
        moved = np.square(outputs - tangent.outputs).mean()
        self.holds = bool(rest <= UNSETTLED_SHARE**2 * moved) and not tangent.is_flat
        return outputs


class FoldNetworks(LeftOutRows):
    """Networks for each fold's rows, averaged if several; columns are weighed by the targets of these rows alone."""

    def __init__(
        self,
        rows: TrainingRows,
        folds: list[np.ndarray],
        task: LearningTask,
        rng: np.random.Generator,
        weighing: str = NO_WEIGHING,
        n_networks: int = 1,
    ) -> None:
        self.task, self.way = task, f"{len(folds)} folds, each trained without"
        self.order, self.n_networks = np.concatenate(folds), n_networks
        self.paths, self.z_tests = [], []
        for test in folds:
            kept = np.ones(rows.n_rows, dtype=bool)
            kept[test] = False
            own = [AlphaPath(rows.subset(kept), task, rng, weighing) for _ in range(n_networks)]
            self.paths += own
            self.z_tests += [path.test_rows(rows.x[test]) for path in own]
        pairs = list(zip(self.paths[::n_networks], folds, strict=True))
        self.y = np.concatenate([path.scaled(rows.y[test]) for path, test in pairs])
        self.constants = np.concatenate(
            [np.broadcast_to(path.constant, (len(test), task.n_outputs)) for path, test in pairs]
        )
        self.s, self.scale = None, 1.0
        if rows.s is not None:
            self.s = rows.s[self.order]
        scales = [path.targets.scale for path, _ in pairs if path.targets is not None]
        if scales:
            counts = [len(test) for test in folds]
            self.scale = np.repeat(np.stack(scales), counts, axis=0)

    def outputs(self) -> np.ndarray:
        each = [path.predict(z) for path, z in zip(self.paths, self.z_tests, strict=True)]
        count = self.n_networks
        folds = [np.stack(each[k : k + count]) for k in range(0, len(each), count)]
        return np.concatenate([mean_outputs(own, self.task.loss) for own in folds])


def closed_form_refusal(task: LearningTask, n_rows: int, n_inputs: int) -> str | None:
    """Return why the closed form does not hold or costs too much for such a table; None if it can be used."""
    if not task.loss.smooth:
        return f"loss {task.loss} has no second derivative"
    axes = min(n_rows, n_inputs)
    weights = task.n_hidden * (axes + task.n_outputs) + task.skip * axes * task.n_outputs
    if min(n_rows * task.n_outputs, weights) > LARGEST_MATRIX:
        return f"neither rows times outputs nor weights are at most {LARGEST_MATRIX}"
    return None

"""What leaving out each row, or each group of rows, does to the predictions for all rows and to the loss.

It follows in closed form (`twolayer.maths.tangent`): no network is trained again. The measure is Cook's (*Detection of
influential observation in linear regression*, Technometrics 19, 1977): how far all predictions move without the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from twolayer.errors import InputError, warn_user
from twolayer.estimators.ensemble import mean_outputs
from twolayer.estimators.standardise import standardise
from twolayer.estimators.training_rows import TrainingRows
from twolayer.estimators.uncertainty.closed_form_check import checked_outputs
from twolayer.estimators.uncertainty.fitted_tangents import fitted_tangents
from twolayer.estimators.uncertainty.leave_out import (
    given_or_kept,
    leave_out_refusal,
    left_out_parts,
    rows_of_training,
)
from twolayer.maths.losses import Loss
from twolayer.maths.problem import checked_targets
from twolayer.maths.tangent import Tangent
from twolayer.training.loop import was_cut_short

LARGEST_CHANGES = 100_000_000  # outputs times parts: 10,000 rows one by one take about a minute
CHUNK_CHANGES = 4_000_000  # of all networks, that are in memory at a time


@dataclass(frozen=True, eq=False)
class Influence:
    """What leaving out each part of the rows of training does. A part is a row, or a group.

    Predictions are the outputs of the average of the networks: of a regressor numbers in the units of y (with loss
    "poisson", logarithms of the mean count), of a classifier logits, as `decision_function` returns them. Below,
    (n_outputs,) is missing where predictions have the shape (n_rows,).

    Attributes
    ----------
    labels : ndarray, shape (n_parts,)
        The number of each row, counted from 0; or the name of each group, in sorted order.
    parts : ndarray of int, shape (n_rows,)
        The place of each row's part in `labels`.
    change_of_predictions : ndarray, shape (n_parts,) or (n_parts, n_outputs)
        The root mean square, over all rows of training with their weights, of the change of the predictions when the part
        is left out.
    change_of_own : ndarray, shape (n_rows,) or (n_rows, n_outputs)
        Of each row, the prediction when its part is left out minus the prediction of the model.
    fitted_loss, left_out_loss : ndarray, shape (n_rows,)
        The loss of each row as the model is, and when the row's part is left out. Of a classifier that of `predict_proba`;
        of a regressor the loss it was fitted with, with targets in standard deviations as in `loss_`.
    leverage : ndarray, shape (n_rows,)
        How much of a row's prediction is due to its own target: from 0 to the number of outputs, the mean of the networks.
        The nearer to that number, the rougher is what is said of the row left out.
    order : ndarray of int, shape (n_parts,)
        The places of the parts in `labels`, the most influential first: by `change_of_predictions`, of several targets with
        each in units of its standard deviation.

    Where nothing follows from the other rows, changes and the loss are not a number, and the part is last in `order`.
    """

    labels: np.ndarray
    parts: np.ndarray
    change_of_predictions: np.ndarray
    change_of_own: np.ndarray
    fitted_loss: np.ndarray
    left_out_loss: np.ndarray
    leverage: np.ndarray
    order: np.ndarray


class InfluenceMixin:
    """The method of the estimators that says how much each row of training matters."""

    def influence(
        self,
        X: Any = None,  # noqa: N803
        y: Any = None,
        *,
        groups: Any = None,
        sample_weight: Any = None,
    ) -> Influence:
        """Return what leaving out each row of training, or each group, would do to the predictions and to the loss.

        No network is trained again: it follows in closed form from the networks as they are, at the same alpha, and the same
        means and spreads of columns. It is the change of these networks; a fit from other initial weights may end in another
        minimum, by which predictions differ too.

        Parameters
        ----------
        X, y, sample_weight : as they were given to `fit`
            None for the rows, weights and groups that `keep_rows` keeps.
        groups : array-like, shape (n_rows,), or None
            Such as the patient a row is from: what is left out together. None for each row alone.

        Returns
        -------
        influence : Influence
            For each row or group the change of all predictions, and for each row the change of its own, its loss and its
            leverage.

        Raises
        ------
        InputError, ValueError
            If these are not the rows of training, or the closed form does not hold for this fit: with a loss without second
            derivative, l1, dropout, early stopping, a solver other than "lbfgs", a `tol` above 0.01, a training cut short
            before ten steps, or a table too large.

        Examples
        --------
        >>> import numpy as np
        >>> import twolayer as tl
        >>> X = np.linspace(-1, 1, 40)[:, None]
        >>> y = np.abs(X[:, 0])
        >>> y[10] = 3  # a mistake
        >>> model = tl.TwoLayerRegressor(10, alpha=1.0, random_state=0).fit(X, y)
        >>> influence = model.influence(X, y)
        >>> print(influence.labels[influence.order[0]], influence.change_of_own[10] < 0)
        10 True
        """
        check_is_fitted(self)
        own, X, y, sample_weight, groups = given_or_kept(self, X, y, sample_weight, groups)  # noqa: N806
        rows = rows_of_training(own, X, y, sample_weight, groups)
        splits = left_out_parts(self, rows, None, groups)
        refusal = leave_out_refusal(self, rows, splits)
        blocks = list(np.arange(rows.n_rows)[:, None]) if splits is None else [b for _, b in splits]
        size = len(blocks) * rows.n_rows * self.params_.n_outputs  # type: ignore[attr-defined]
        if refusal is None and size > LARGEST_CHANGES:
            refusal = (
                f"{len(blocks):,} parts times {rows.n_rows:,} rows are too many: give fewer groups"
            )
        if refusal is not None:
            raise InputError(
                f"the influence of rows cannot be told, because {refusal}; left_out_predict trains networks "
                "without the rows instead"
            )
        labels = np.arange(rows.n_rows) if splits is None else np.unique(np.asarray(groups))
        return closed_form_influence(self, rows, labels, blocks)


def closed_form_influence(
    model: Any, rows: TrainingRows, labels: np.ndarray, blocks: Sequence[np.ndarray]
) -> Influence:
    """Return the influence of each block of rows."""
    tangents, loss = fitted_tangents(model, rows), model.loss_function_
    settled = was_cut_short(model.stopped_)
    warn_if_off(tangents, None if len(blocks) == rows.n_rows else blocks, settled)
    fitted = averaged(np.stack([one.outputs for one in tangents]), loss)
    own = np.empty_like(fitted)
    square = np.empty((len(blocks), fitted.shape[1]))
    parts = np.empty(rows.n_rows, dtype=int)
    size = max(1, CHUNK_CHANGES // (len(tangents) * fitted.size))
    for first in range(0, len(blocks), size):
        chunk = blocks[first : first + size]
        changes = mean_changes(tangents, chunk, settled, loss)
        for k, block in enumerate(chunk):
            own[block], parts[block] = changes[k, block], first + k
            square[first + k] = np.average(np.square(changes[k]), axis=0, weights=rows.s)
    y, scale = targets_of_training(model, rows)
    hot = getattr(model, "temperature_", 1.0)
    before, after = (loss.elements(one / hot, y).sum(axis=1) for one in (fitted, fitted + own))
    two_classes = is_classifier(model) and fitted.shape[1] == 1 and not model.several_labels_
    pick: Any = (slice(None), 0) if two_classes or model.one_target_ else ...
    return Influence(
        labels,
        parts,
        (np.sqrt(square) * scale)[pick],
        (own * scale)[pick],
        before,
        after,
        np.mean([one.leverage for one in tangents], axis=0),
        np.argsort(-square.sum(axis=1), kind="stable"),
    )


def warn_if_off(
    tangents: Sequence[Tangent], blocks: Sequence[np.ndarray] | None, settled: bool
) -> None:
    """Warn where trainings without some of the rows say something else than the closed form."""
    outputs = np.stack([tangent.left_out(blocks, settled) for tangent in tangents])
    refusal = checked_outputs(tangents, outputs, blocks, settled).refusal
    if refusal is not None:
        text = f"{refusal}: read it as an order of the rows, and see left_out_predict, which trains without them"
        warn_user(text)


def mean_changes(
    tangents: Sequence[Tangent], blocks: Sequence[np.ndarray], settled: bool, loss: Loss
) -> np.ndarray:
    """Return the changes of the average of the networks' outputs, shape (n_blocks, n_rows, n_outputs)."""
    before = np.stack([one.outputs for one in tangents])
    without = np.stack([one.outputs + one.changes(blocks, settled) for one in tangents])
    return averaged(without, loss) - averaged(before, loss)


def averaged(outputs: np.ndarray, loss: Loss) -> np.ndarray:
    """Return the outputs of the average of networks, which are on the first axis; of one network its own."""
    return outputs[0] if len(outputs) == 1 else mean_outputs(outputs, loss)


def targets_of_training(model: Any, rows: TrainingRows) -> tuple[np.ndarray, Any]:
    """Return the targets as in training, (n_rows, n_outputs), and how much one unit of training is in the user's."""
    y: Any = rows.y
    scale: Any = 1.0
    if model._standardises_y():
        y, targets = standardise(rows.y, rows.s, "y")
        scale = targets.scale
    loss, n_outputs = model.loss_function_, model.params_.n_outputs
    return checked_targets(y, rows.n_rows, n_outputs, loss, np.float64), scale

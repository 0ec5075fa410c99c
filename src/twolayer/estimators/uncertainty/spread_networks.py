"""Networks for the spread: how much wider or narrower than elsewhere targets scatter around the prediction of a row.

They are trained after the networks of the mean, and leave these as they are. With u the residual of a row that was left out
of the networks of the mean, in the standard deviations that their own spread says of it (`predictive_spread`), a small
network z for each view of the columns learns the logarithm of a further factor from the normal likelihood,

    Σ s·( z(x) + ½·u²·exp(−2·z(x)) ) + ½·alpha·‖w‖²,

and the variance is multiplied by

    scale²·( (1 − 1/10)·exp(2·z(x)) + 1/10 ),

z the mean over the views, kept within its range on the rows of training, and scale² such that u² is 1 in the mean on rows
left out of the networks of the spread too. Nix & Weigend (ICNN 1994) train mean and variance together, and the mean is then
neglected where it is bad, as its errors count for little where the variance is large (Seitzer et al., ICLR 2022, weigh them
by β for that); here the mean is finished before, and fitted rows, whose residuals are too small, tell nothing.

alpha is that of the least loss of rows left out of z in closed form, among those at which z has one free number for twenty
rows at most. The bound is needed because the residuals of neighbours, each of which was predicted with the other's help, are
alike in size, so that rows left out of z alone praise a z that learns these pairs: on three of five UCI tables (concrete,
energy, wine) with a bound at one for ten rows, or none, new rows were less likely than without z. The tenth is for the few
far residuals that every table has, of which a normal likelihood at a narrow spread makes everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.estimators.column_views import ColumnView
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.fit_plan import LearningTask
from twolayer.estimators.selection.alpha_choice import decreasing_alphas, expect_axes
from twolayer.estimators.selection.alpha_path import AlphaPath
from twolayer.estimators.selection.row_axes import RowAxes
from twolayer.estimators.standardise import Scaling, unscale_params
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES, Loss, Quantile
from twolayer.maths.network import Params, forward
from twolayer.maths.smooth_clip import SMOOTH_CLIP, STANDARD
from twolayer.maths.tangent import Tangent

ACTIVATION = ACTIVATIONS["tanh"]  # does not grow away from the rows of training
LOSS = LOSSES["gaussian_nll"]
N_HIDDEN = 10
ROWS_PER_FREEDOM = 20
LEAST_SHARE = 0.1
LEAST_SQUARE = 1e-6  # of u: a residual of 0 would pull z without end
MOST_ROWS = 5000  # more take more time and hardly improve it
FEWEST_BLOCKS, LARGEST_BLOCK = 5, 100
START, FEWEST_TRIED, TOL = 0.3, 3, 3e-3
CLEAR_GAIN = 2.0  # standard errors


@dataclass(frozen=True, eq=False)
class SpreadNetworks:
    """A factor of the variance of new targets, row by row.

    Attributes
    ----------
    networks : mapping of str to Params
        By the view of the columns: z, for the user's own columns, or the clipped ones.
    low, high : ndarray, shape (n_outputs,)
        The range of z.
    scale : ndarray, shape (n_outputs,)
    """

    networks: Mapping[str, Params]
    low: np.ndarray
    high: np.ndarray
    scale: np.ndarray

    def variance_factor(self, columns: Mapping[str, Any]) -> np.ndarray:
        """Return the factor for rows, shape (n_rows, n_outputs), from their columns by the name of the view."""
        z = mean_output([(columns[name], one) for name, one in self.networks.items()])
        return self.scale**2 * floored_square(np.clip(z, self.low, self.high))

    def before_scaling(self, scaling: Scaling) -> SpreadNetworks:
        """Return the same for columns that were scaled so before the networks, or their clip, saw them."""
        networks = dict(self.networks)
        if STANDARD in networks:
            networks[STANDARD] = unscale_params(networks[STANDARD], scaling, None)
        return replace(self, networks=networks)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all as arrays by name, for a file."""
        arrays = {f"networks.{name}": getattr(self, name) for name in ("low", "high", "scale")}
        for view, params in self.networks.items():
            arrays |= {f"networks.{view}.{name}": array for name, array in params.items()}
        return arrays


def check_spread(setting: bool | str, loss: Loss) -> None:
    """Raise InputError if the user asks for networks for the spread, and with this loss there are none."""
    refusal = spread_refusal(loss)
    if setting is True and refusal:
        raise InputError(f"spread=True is not for loss '{loss}': {refusal}. Set spread='auto'")


def spread_refusal(loss: Loss) -> str | None:
    """Return why networks trained with this loss have no networks for the spread; None if they can have them."""
    if loss.has_link:
        return "the variance of a count is its mean, and there is no other spread to learn"
    if isinstance(loss, Quantile):
        return "a quantile is not in the middle of the targets, whose spread around it says nothing"
    return None


def floored_square(z: np.ndarray) -> np.ndarray:
    """Return exp(2 z), nine parts of it with one part of 1."""
    return (1 - LEAST_SHARE) * np.exp(2 * z) + LEAST_SHARE


def mean_output(pairs: Sequence[tuple[Any, Params]]) -> np.ndarray:
    """Return the mean of the networks' outputs, each for its own columns."""
    return np.mean([forward(x, params, ACTIVATION) for x, params in pairs], axis=0)


@dataclass(frozen=True, eq=False)
class SpreadCandidate:
    """What networks of one alpha say: of their rows (z), and of these left out (left_out), each (n_rows, n_outputs)."""

    networks: list[tuple[RowAxes, Params]]
    z: np.ndarray
    left_out: np.ndarray
    scale: np.ndarray
    losses: np.ndarray  # of the rows left out


@dataclass(frozen=True, eq=False)
class SpreadNetworksFit:
    """The fit of networks for the spread.

    Attributes
    ----------
    views : sequence of ColumnView
        Of the networks of the mean.
    groups : ndarray of int, shape (n_rows,), or None
        Rows of one group are left out together.
    always : bool
        Whether the networks are taken though they are not clearly better than none.
    """

    views: Sequence[ColumnView]
    groups: np.ndarray | None
    always: bool

    def networks(
        self, rows: np.ndarray, u: np.ndarray, s: np.ndarray | None
    ) -> tuple[SpreadNetworks, np.ndarray] | None:
        """Return the networks, and their factors of the variance of rows left out; None if they are not better than none.

        Parameters
        ----------
        rows : ndarray of int, shape (n,)
            The numbers of the rows left out of the networks of the mean.
        u : ndarray, shape (n, n_outputs)
            Their residuals, in standard deviations.
        s : ndarray, shape (n,), or None
            Their weights.
        """
        rng = np.random.default_rng(0)
        some = np.sort(rng.permutation(len(rows))[:MOST_ROWS])
        weights = None if s is None else s[some]
        groups = None if self.groups is None else self.groups[rows[some]]
        squares = np.maximum(np.square(u[some]), LEAST_SQUARE)
        best = self._candidate(
            rows[some], squares, weights, row_blocks(len(some), groups, rng), rng
        )
        if best is None:
            return None
        constant = normal_losses(squares, np.average(squares, axis=0, weights=weights))
        if not self.always and not is_clear(constant - best.losses, weights, groups):
            return None
        names = [STANDARD if view.clip is None else SMOOTH_CLIP for view in self.views]
        own = [view.own_network(*one) for view, one in zip(self.views, best.networks, strict=True)]
        low, high = best.z.min(axis=0), best.z.max(axis=0)
        left_out = best.left_out
        if len(some) < len(rows):  # the others were left out anyway
            pairs = [
                (axes.new(view.rows(rows)), params)
                for view, (axes, params) in zip(self.views, best.networks, strict=True)
            ]
            left_out = np.clip(mean_output(pairs), low, high)
            left_out[some] = best.left_out
        networks = SpreadNetworks(dict(zip(names, own, strict=True)), low, high, best.scale)
        return networks, best.scale**2 * floored_square(left_out)

    def _candidate(
        self,
        rows: np.ndarray,
        squares: np.ndarray,
        s: np.ndarray | None,
        blocks: list[np.ndarray],
        rng: np.random.Generator,
    ) -> SpreadCandidate | None:
        """Return the best candidate along the alphas, from strong to weak; None if none has so few free numbers."""
        task = LearningTask(LOSS, ACTIVATION, N_HIDDEN, squares.shape[1], False, False)
        each = [TrainingRows(view.rows(rows), squares, s) for view in self.views]
        expect_axes(each, [np.arange(len(rows))], NO_WEIGHING)
        # NumPy needs no minute to compile, and the networks are small
        paths = [AlphaPath(own, task, rng, engine="numpy", tol=TOL) for own in each]
        best: SpreadCandidate | None = None
        losses: list[float] = []
        first = max(path.first_alpha() for path in paths)  # where z is no more than a constant
        for alpha in decreasing_alphas(first * START):
            for path in paths:
                path.train(alpha)
            tangents = [path.tangent() for path in paths]
            freedom = np.mean([tangent.degrees_of_freedom for tangent in tangents])
            if freedom * ROWS_PER_FREEDOM > squares.size and not (self.always and best is None):
                break
            candidate = spread_candidate(paths, tangents, squares, s, blocks)
            losses.append(float(np.average(candidate.losses, weights=s)))
            if not np.isfinite(losses[-1]):
                break
            if losses[-1] == min(losses):
                best = candidate
            if len(losses) >= FEWEST_TRIED and losses[-1] > min(losses):
                break
        return best


def spread_candidate(
    paths: list[AlphaPath],
    tangents: list[Tangent],
    squares: np.ndarray,
    s: np.ndarray | None,
    blocks: list[np.ndarray],
) -> SpreadCandidate:
    """Return what the networks say at the end of these paths."""
    networks, z = [], []
    for path in paths:
        assert path.axes is not None
        networks.append((path.axes, path.params))
        z.append(path.predict(path.x))
    left_out = np.mean([tangent.left_out(blocks, settled=True) for tangent in tangents], axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        factor = floored_square(left_out)
        scale = np.sqrt(np.average(squares / factor, axis=0, weights=s))
        losses = normal_losses(squares, scale**2 * factor)
    return SpreadCandidate(networks, np.mean(z, axis=0), left_out, scale, losses)


def normal_losses(squares: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return minus the log likelihood of residuals, from their squares, (n_rows,), but for a constant."""
    return 0.5 * (np.log(variance) + squares / variance).sum(axis=1)


def is_clear(gain: np.ndarray, s: np.ndarray | None, groups: np.ndarray | None) -> bool:
    """Return whether the mean of these gains is more than two standard errors above 0; rows of a group count as one."""
    s = np.ones(len(gain)) if s is None else s
    mean = np.average(gain, weights=s)
    parts = s * (gain - mean)
    if groups is not None:
        parts = np.bincount(groups, weights=parts)[np.unique(groups)]
    error = np.sqrt(np.square(parts).sum() * len(parts) / max(len(parts) - 1, 1)) / s.sum()
    return bool(len(parts) > 1 and mean > CLEAR_GAIN * error)


def row_blocks(
    n_rows: int, groups: np.ndarray | None, rng: np.random.Generator
) -> list[np.ndarray]:
    """Return the rows that are left out together: those of a group, or five parts or more of all."""
    if groups is not None:
        return [np.flatnonzero(groups == k) for k in np.unique(groups)]
    count = max(FEWEST_BLOCKS, -(-n_rows // LARGEST_BLOCK))
    return [rows for rows in np.array_split(rng.permutation(n_rows), count) if len(rows)]

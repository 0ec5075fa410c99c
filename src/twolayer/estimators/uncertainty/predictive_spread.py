"""The predictive spread: how far targets of new rows scatter around the prediction, wider far from the rows of training.

The variance of a new target is

    noise² + factor²·( level·v(x) + variance between the networks ),

where v(x) is what the rows of training leave open of the prediction (`twolayer.maths.low_rank_tangent`; the mean over the
views of the columns, of the first network of each) and level the mean squared residual. Noise and factor are those under
which the residuals of rows left out of the training, in closed form, are most likely (`spread`). Where the targets of some
rows scatter more than those of others, networks of their own multiply this variance (`spread_networks`). An interval that
is to hold a share of the targets is as many standard deviations wide as held that share of these rows (split conformal
intervals in units of the standard deviation: Lei et al., JASA 113, 2018; with left-out rows of one training in the place of
the split it is no longer a guarantee).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.estimators.standardise import Scaling, apply_scaling, rescale_params
from twolayer.estimators.uncertainty.left_out_fit import LeftOutFit, Parts
from twolayer.estimators.uncertainty.spread import fit_spread
from twolayer.estimators.uncertainty.spread_networks import SpreadNetworks, SpreadNetworksFit
from twolayer.maths.activations import Activation
from twolayer.maths.low_rank_tangent import LARGEST_STANDARDISED, LowRankTangent
from twolayer.maths.network import Params
from twolayer.maths.smooth_clip import SMOOTH_CLIP, STANDARD, InputClip

MOST_NUMBERS = 300_000  # of all bases together: the model file holds them
MOST_RESIDUALS = 2000
FEW_RESIDUALS = "rows of training tell intervals up to a level of"
CONSTANT_WIDTH = "the width of the intervals hardly differs from row to row"
FEWEST_ROWS = 5
FACTOR_PRIOR_ROWS = 2.0  # that speak for a factor of 1
LARGEST_LOG = 100.0  # of a factor in a file


@dataclass(frozen=True, eq=False)
class ViewSpread:
    """What is open of the predictions of a network, from columns that it sees in one of the views.

    Attributes
    ----------
    inputs : Scaling
        Of the columns in training.
    target_scale : ndarray, shape (n_outputs,)
        Of the targets in training.
    tangent : LowRankTangent
    """

    inputs: Scaling
    target_scale: np.ndarray
    tangent: LowRankTangent

    def variance(self, x: Any, params: Params, activation: Activation) -> np.ndarray:
        """Return v(x), shape (n_rows, n_outputs), for the columns and weights of the network in the user's own units."""
        z = apply_scaling(self.inputs, x)
        if isinstance(z, np.ndarray):
            z = np.clip(z, -LARGEST_STANDARDISED, LARGEST_STANDARDISED)
        none = np.zeros_like(self.target_scale)
        targets = Scaling(none, self.target_scale, none > 0)
        return self.tangent.variance(z, rescale_params(params, self.inputs, targets), activation)


@dataclass(frozen=True, eq=False)
class PredictiveSpread:
    """The variance of new targets, and how many standard deviations hold a share of them.

    Attributes
    ----------
    noise, factor, level : ndarray, shape (n_outputs,)
        In units of the targets; the level in their square.
    residuals : ndarray, shape (n, n_outputs)
        Absolute residuals of rows left out, in standard deviations, from small to large; at most 2000.
    views : mapping of str to ViewSpread
        By the name of the view; empty where the width follows the variance between the networks only.
    networks : SpreadNetworks or None
        What multiplies the variance, row by row; None if nothing does.
    """

    noise: np.ndarray
    factor: np.ndarray
    level: np.ndarray
    residuals: np.ndarray
    views: Mapping[str, ViewSpread]
    networks: SpreadNetworks | None = None

    def variance(
        self,
        inputs: Sequence[Any],
        networks: Sequence[Params],
        clip: InputClip | None,
        activation: Activation,
        between: np.ndarray,
    ) -> np.ndarray:
        """Return the variance of the targets of rows, shape (n_rows, n_outputs).

        Parameters
        ----------
        inputs : sequence of arrays
            The columns that each network sees.
        networks : sequence of Params
        clip : InputClip or None
        activation : Activation
        between : ndarray, shape (n_rows, n_outputs)
            The variance between the networks.
        """
        clipped = np.zeros(len(networks), dtype=bool) if clip is None else clip.networks
        first = {
            SMOOTH_CLIP if sees else STANDARD: k for k, sees in reversed([*enumerate(clipped)])
        }
        open_ = np.zeros(between.shape)
        for name, view in self.views.items():
            k = first[name]
            open_ += view.variance(inputs[k], networks[k], activation) / len(self.views)
        variance = self.noise**2 + self.factor**2 * (self.level * open_ + between)
        if self.networks is None:
            return variance
        columns = {name: inputs[k] for name, k in first.items()}
        return variance * self.networks.variance_factor(columns)

    @classmethod
    def of_constant(
        cls,
        noise: np.ndarray,
        factor: np.ndarray,
        residuals: np.ndarray,
        between: np.ndarray,
        rows: np.ndarray,
        s: np.ndarray | None,
        fit: SpreadNetworksFit,
    ) -> PredictiveSpread | None:
        """Return the spread noise² + factor²·between, times what networks say; None if they say nothing.

        Parameters
        ----------
        noise, factor : ndarray, shape (n_outputs,)
        residuals, between : ndarray, shape (n, n_outputs)
            Of rows left out; the variance between the networks there.
        rows : ndarray of int, shape (n,)
            The numbers of these rows.
        s : ndarray, shape (n,), or None
            Their weights.
        fit : SpreadNetworksFit
        """
        if not (noise > 0).all():
            return None
        u = residuals / np.sqrt(noise**2 + factor**2 * between)
        found = fit.networks(rows, u, s)
        if found is None:
            return None
        scaled = sorted_residuals(np.abs(u) / np.sqrt(found[1]), s)
        return cls(noise, factor, np.zeros_like(noise), scaled, {}, found[0])

    @property
    def highest_level(self) -> float:
        """The share of targets up to which the residuals tell the width of an interval."""
        return len(self.residuals) / (len(self.residuals) + 1)

    def level_sentence(self, level: float) -> str | None:
        """Return what to say where the residuals do not tell the width of an interval of this level; None if they do."""
        if level <= self.highest_level:
            return None
        return (
            f"{len(self.residuals)} {FEW_RESIDUALS} {self.highest_level:.3g}: for {level:g} their width is that of a normal "
            "distribution, or that of the largest residual if it is larger"
        )

    def quantile(self, level: float) -> np.ndarray:
        """Return how many standard deviations to each side hold this share of targets, shape (n_outputs,)."""
        n = len(self.residuals)
        k = int(np.ceil((n + 1) * level * (1 - 1e-12)))
        return self.residuals[min(k, n) - 1]

    def before_scaling(self, scaling: Scaling) -> PredictiveSpread:
        """Return the same spread for columns that were scaled so before the networks, or their clip, saw them."""
        views = dict(self.views)
        if STANDARD in views:
            own = views[STANDARD].inputs
            mean = scaling.mean + scaling.scale * own.mean
            inputs = Scaling(mean, scaling.scale * own.scale, own.constant)
            views[STANDARD] = replace(views[STANDARD], inputs=inputs)
        networks = None if self.networks is None else self.networks.before_scaling(scaling)
        return replace(self, views=views, networks=networks)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all as arrays by name, for a file."""
        names = ("noise", "factor", "level", "residuals")
        arrays = {name: getattr(self, name) for name in names}
        for name, view in self.views.items():
            tangent = view.tangent
            parts = {
                "mean": view.inputs.mean,
                "scale": np.where(view.inputs.constant, 0.0, view.inputs.scale),
                "target_scale": view.target_scale,
                "alpha": np.array(tangent.alpha),
                **{part: getattr(tangent, part) for part in TANGENT_ARRAYS},
            }
            arrays |= {f"{name}.{part}": array for part, array in parts.items()}
        if self.networks is not None:
            arrays |= self.networks.arrays()
        return arrays

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], params: Params, clip: InputClip | None
    ) -> PredictiveSpread:
        """Return the spread of these arrays, which belongs to these weights; raise InputError if it does not."""
        rest, shape = dict(arrays), (params.n_outputs,)
        noise, factor, level = (
            spread_array(rest, name, shape, at_least=0) for name in ("noise", "factor", "level")
        )
        n = len(np.atleast_1d(rest.get("residuals", 0)))
        residuals = spread_array(rest, "residuals", (n, *shape), at_least=0)
        if n > MOST_RESIDUALS or (np.diff(residuals, axis=0) < 0).any():
            raise InputError("the residuals of its spread are not numbers in order")
        clipped = np.zeros(1, dtype=bool) if clip is None else clip.networks
        there = {STANDARD: not clipped.all(), SMOOTH_CLIP: clipped.any()}
        views = {
            name: stored_view(name, rest, params)
            for name, one in there.items()
            if one and f"{name}.mean" in rest
        }
        own = stored_networks([name for name, one in there.items() if one], rest, params)
        if rest:
            raise InputError(f"the arrays {', '.join(sorted(rest))} of its spread are unknown")
        return cls(noise, factor, level, residuals, views, own)


def constant_width_sentence(spread: PredictiveSpread | None) -> str | None:
    """Return what to say where nothing tells how far rows are from those of training; None where the width follows it."""
    if spread is not None and (spread.views or spread.networks is not None):
        return None
    return (
        f"{CONSTANT_WIDTH}, also far from the rows of training: on a table with more columns than rows, a large one, or "
        "where rows are not left out in closed form, it follows the disagreement of the networks alone"
    )


TANGENT_ARRAYS = ("basis", "precision", "pull", "inverse")


def stored_view(name: str, arrays: dict[str, np.ndarray], params: Params) -> ViewSpread:
    """Return the view of these arrays, taken out of the others; raise InputError if they are not of such networks."""
    skip = params.w_skip is not None
    n_inputs, n_hidden, n_outputs = params.n_inputs, params.n_hidden, params.n_outputs
    n_weights = n_hidden * (n_inputs + n_outputs) + skip * n_inputs * n_outputs
    rank = len(np.atleast_1d(arrays.get(f"{name}.precision", 0)))
    least = np.finfo(np.float64).tiny

    def stored(part: str, shape: tuple[int, ...], **settings: Any) -> np.ndarray:
        return spread_array(arrays, f"{name}.{part}", shape, **settings)

    mean, scale = stored("mean", (n_inputs,)), stored("scale", (n_inputs,), at_least=0)
    constant = scale == 0
    inputs = Scaling(mean, np.where(constant, 1, scale), constant)
    tangent = LowRankTangent(
        stored("basis", (n_weights, rank), dtype=np.float32),
        stored("precision", (rank,), at_least=least),
        float(stored("alpha", (), at_least=least)),
        stored("pull", (rank, n_outputs)),
        stored("inverse", (n_outputs, n_outputs)),
    )
    return ViewSpread(inputs, stored("target_scale", (n_outputs,), at_least=least), tangent)


def stored_networks(
    names: list[str], arrays: dict[str, np.ndarray], params: Params
) -> SpreadNetworks | None:
    """Return the networks of these views, taken out of the arrays; None if there are none, InputError if they do not fit."""
    if "networks.scale" not in arrays:
        return None
    n_hidden = len(np.atleast_1d(arrays.get(f"networks.{names[0]}.b1", 0)))
    n_inputs, n_outputs = params.n_inputs, params.n_outputs
    shapes = {
        "w1": (n_inputs, n_hidden),
        "b1": (n_hidden,),
        "w2": (n_hidden, n_outputs),
        "b2": (n_outputs,),
    }
    networks = {}
    for view in names:
        own = {
            name: spread_array(arrays, f"networks.{view}.{name}", shape)
            for name, shape in shapes.items()
        }
        networks[view] = Params(**own)
    low, high, scale = (
        spread_array(arrays, f"networks.{name}", (n_outputs,)) for name in ("low", "high", "scale")
    )
    if (low > high).any() or (high > LARGEST_LOG).any() or (scale <= 0).any():
        raise InputError("the range or the scale of its networks for the spread cannot be")
    return SpreadNetworks(networks, low, high, scale)


def spread_array(
    arrays: dict[str, np.ndarray],
    name: str,
    shape: tuple[int, ...],
    at_least: float = -np.inf,
    dtype: Any = np.float64,
) -> np.ndarray:
    """Return an array, taken out of the others, or raise InputError if it is not of that shape, finite and large enough."""
    array = arrays.pop(name, None)
    if array is None or array.dtype != dtype or array.shape != shape:
        raise InputError(f"its array 'spread.{name}' is missing, or not of the shape {shape}")
    if not np.isfinite(array).all() or (array < at_least).any():
        raise InputError(f"its array 'spread.{name}' holds numbers that cannot be")
    return array


@dataclass(eq=False)
class SpreadFit(LeftOutFit):
    """The fit of a spread to the rows left out of networks that have been trained.

    Parameters
    ----------
    targets : Scaling
        What standardised the targets.
    networks : SpreadNetworksFit or None
        What fits networks for the spread; None to have none.
    """

    targets: Scaling
    networks: SpreadNetworksFit | None = None

    def spread(self, parts: Parts) -> PredictiveSpread | None:
        """Return the spread of these networks; None where the linear view says too little of rows left out."""
        outputs, tangents, variances, views = [], [], [], {}
        for view, k, tangent in self.tangents(parts):
            left_out = self.left_out(tangent)
            if left_out is None:
                return None
            outputs.append(left_out)
            tangents.append(tangent)
            narrow = view.shape[0] >= view.shape[1]
            low = None
            if k == 0 and narrow:
                low = LowRankTangent.of(tangent, MOST_NUMBERS // len(parts))
            if low is not None:
                name = STANDARD if view.clip is None else SMOOTH_CLIP
                views[name] = ViewSpread(view.inputs, self.targets.scale, low)
                variances.append(tangent.left_out_variance(self.blocks))
                variances[-1][np.isnan(left_out)] = np.nan
        checked = self.checked(tangents, outputs) if outputs else None
        if checked is None:
            return None
        if len(views) < len(parts):  # the width is then constant but for the networks
            views, variances = {}, [np.zeros(self.y.shape)]
        return self.most_likely(checked, np.stack(variances), views)

    def most_likely(
        self, outputs: np.ndarray, variances: np.ndarray, views: Mapping[str, ViewSpread]
    ) -> PredictiveSpread | None:
        """Return the spread under which the residuals of the rows left out are most likely.

        Parameters
        ----------
        outputs : ndarray, shape (n_networks, n_rows, n_outputs)
            Of each network for the rows left out; not a number where nothing can be said.
        variances : ndarray, shape (n_views, n_rows, n_outputs)
            v of the rows, left out, likewise.
        views : mapping of str to ViewSpread
        """
        scale = self.targets.scale
        mean, between = moments_of_known(outputs)
        open_, _ = moments_of_known(variances)
        known = np.isfinite(mean + open_).all(axis=1)
        if known.sum() < max(FEWEST_ROWS, 0.5 * len(known)):
            return None
        s = None if self.s is None else self.s[known]
        residuals = (self.y - mean)[known] * scale
        level = np.average(np.square(residuals), axis=0, weights=s)
        shape = level * open_[known] + between[known] * scale**2
        noise, factor = fit_spread(residuals, shape, s, FACTOR_PRIOR_ROWS)
        std = np.sqrt(noise**2 + factor**2 * shape)
        u, found = residuals / std, None
        if self.networks is not None:
            found = self.networks.networks(np.flatnonzero(known), u, s)
        if found is not None:
            u = u / np.sqrt(found[1])
        scaled = sorted_residuals(np.abs(u), s)
        own = None if found is None else found[0]
        return PredictiveSpread(noise, factor, level, scaled, views, own)


def moments_of_known(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance along the first axis of the values that are numbers; the mean is none if none is."""
    there = np.isfinite(values)
    count = there.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = np.where(there, values, 0).sum(axis=0) / count
    squares = np.where(there, np.square(values - mean), 0)
    return mean, squares.sum(axis=0) / np.maximum(count - 1, 1)


def sorted_residuals(residuals: np.ndarray, s: np.ndarray | None) -> np.ndarray:
    """Return residuals from small to large, of each output; of more than 2000, or weighted ones, their quantiles."""
    s = np.ones(len(residuals)) if s is None else s
    n = min(len(residuals), MOST_RESIDUALS)
    levels = np.arange(1, n + 1) / n * (1 - 1e-9)
    columns = []
    for one in residuals.T:
        order = np.argsort(one, kind="stable")
        shares = np.cumsum(s[order]) / s.sum()
        columns.append(one[order][np.searchsorted(shares[:-1], levels)])
    return np.column_stack(columns)

"""An estimator's predictions for a table in blocks of columns, or with weights in such blocks.

All that the networks take of the columns are their products with the weights of the inputs, and these are sums over blocks.
A model whose inputs are these products, and whose first weights pick them, predicts the same: it is small, and what follows
on one machine (averages, spreads, intervals, sets of classes) follows from it.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from twolayer.distributed.block_sum import add_up, on_one_thread, tree_sum
from twolayer.distributed.collections import BlockedTable, is_dask
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.distributed.input_weights import InputWeights, block_products, clip_block
from twolayer.distributed.row_predictions import ROW_AXES
from twolayer.errors import InputError
from twolayer.estimators.input_checks import prediction_dtype
from twolayer.maths.smooth_clip import SMOOTH_CLIP, InputClip


class PickedClip(InputClip):
    """The clip of columns that have been clipped before: only which networks see them so."""

    def columns(self, x: Any) -> Any:
        return x


def predict_columns(model: Any, x: Any, method: str, settings: Mapping[str, Any]) -> Any:
    """Return what the method returns for these rows: of Dask's as Dask arrays that are not computed yet, else as arrays.

    Parameters
    ----------
    model : fitted estimator
    x : BlockedTable; or any table, if the model's `w1_` is a Dask array
    method : str
    settings : mapping
    """
    import dask.array as da
    from dask import delayed

    here = not isinstance(x, BlockedTable)
    if here:
        dtype, array = prediction_dtype(x), da.from_array(model._checked_columns(x), chunks=-1)
    else:
        dtype, array = prediction_dtype(x.array), x.array
        check_inputs(model, x)
    if settings.get("kind") in ("jackknife+", "cv+"):
        raise InputError(
            f"kind={settings['kind']!r} needs the rows of training in memory, and the columns are in blocks: leave kind out"
        )
    small, weights = small_model(model)
    chunks = model.w1_.chunks[-2] if is_dask(model.w1_) else array.chunks[1]
    products = row_products(array.rechunk({0: -1, 1: chunks}), model.input_clip_, weights)
    sample = run_method(small, method, settings, np.zeros((1, int(weights.ends[-1]))), dtype)
    run = delayed(on_one_thread, pure=False)
    result = run(quiet_method, products, small, method, dict(settings), dtype)
    if here:
        return DaskWorkers().value(result)
    axis, n_rows = ROW_AXES.get(method, 0), array.shape[0]

    def lazy(part: Any, like: np.ndarray) -> Any:
        shape = (*like.shape[:axis], n_rows, *like.shape[axis + 1 :])
        return da.from_delayed(part, shape, like.dtype)

    if isinstance(sample, tuple):
        return tuple(lazy(result[k], like) for k, like in enumerate(sample))
    return lazy(result, sample)


def check_inputs(model: Any, table: BlockedTable) -> None:
    """Raise InputError if the table has not the columns of the fit."""
    if table.shape[1] != model.n_features_in_:
        raise InputError(
            f"X has {table.shape[1]} columns, and the model was fitted to {model.n_features_in_}"
        )
    names = getattr(model, "feature_names_in_", None)
    if names is not None and table.names is not None and list(names) != list(table.names):
        raise InputError(
            "X has other columns than those of fit, or in another order: give it as X[list(model.feature_names_in_)]"
        )


def small_model(model: Any) -> tuple[Any, InputWeights]:
    """Return the model of the products, and the weights of the inputs that these are the products with."""
    clip = model.input_clip_
    networks = model.networks_
    clipped = np.zeros(len(networks), dtype=bool) if clip is None else clip.networks
    weights = InputWeights([], [])
    for one, sees in zip(networks, clipped, strict=True):
        for w in (one.w1, one.w_skip):
            if w is not None:
                weights.arrays.append(w)
                weights.clipped.append(bool(sees))
    spread = getattr(model, "spread_", None)
    factors = None if spread is None else spread.networks
    views = {} if factors is None else factors.networks
    for name, one in views.items():
        weights.arrays.append(one.w1)
        weights.clipped.append(name == SMOOTH_CLIP)
    n_own = len(weights.arrays) - len(views)
    picked = [weights.picks(number) for number in range(len(weights.arrays))]
    step = 1 if networks[0].w_skip is None else 2
    first, skip = picked[:n_own:step], picked[1:n_own:step] if step == 2 else None
    small = copy.copy(model)
    small.__dict__.pop("feature_names_in_", None)
    several = model.params_.n_networks is not None
    small.n_features_in_ = len(picked[0])
    small.w1_ = np.stack(first) if several else first[0]
    if skip is not None:
        small.w_skip_ = np.stack(skip) if several else skip[0]
    if clip is not None:
        small.input_clip_ = PickedClip(np.zeros(0), np.ones(0), clip.networks)
    if factors is not None:
        own = {
            name: replace(one, w1=pick)
            for (name, one), pick in zip(views.items(), picked[n_own:], strict=True)
        }
        small.spread_ = replace(model.spread_, networks=replace(factors, networks=own))
    return small, weights


def row_products(array: Any, clip: InputClip | None, weights: InputWeights) -> Any:
    """Return the products of the rows with all weights, (n_rows, n_products), as a delayed array."""
    from dask import delayed

    run, add = delayed(on_one_thread, pure=False), delayed(add_up, pure=False)
    ends = np.cumsum((0, *array.chunks[1])).tolist()
    parts = []
    for k, block in enumerate(array.to_delayed(optimize_graph=False).ravel()):
        columns = slice(ends[k], ends[k + 1])
        own = None if clip is None else clip_block(clip, columns)
        known = (block, columns.start, own, weights.blocks(columns))
        parts.append(run(block_products, known, weights.clipped))
    return tree_sum(parts, add)


def run_method(
    model: Any, method: str, settings: Mapping[str, Any], products: np.ndarray, dtype: Any
) -> Any:
    """Return what the method returns for rows of products, in the dtype of predictions."""
    found = getattr(model, method)(products, **settings)
    if isinstance(found, tuple):
        return tuple(one.astype(dtype, copy=False) for one in found)
    is_float = found.dtype.kind == "f" and method not in ROW_AXES
    return found.astype(dtype, copy=False) if is_float else found


def quiet_method(
    products: np.ndarray, model: Any, method: str, settings: Mapping[str, Any], dtype: Any
) -> Any:
    """Return the same; what there is to warn of was said when it was asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return run_method(model, method, settings, products, dtype)

"""The network's outputs for a table in blocks, as a Dask array of which nothing is computed yet."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.distributed.block_sum import add_up, on_one_thread, tree_sum
from twolayer.distributed.collections import BlockedTable
from twolayer.distributed.column_blocks import checked_columns, weight_block
from twolayer.maths.activations import Activation
from twolayer.maths.network import Params, forward
from twolayer.maths.problem import check_input_count, checked_inputs


def blocked_outputs(table: BlockedTable, params: Params, activation: Activation) -> Any:
    """Return the outputs, shape (n_rows, n_outputs), or (n_networks, n_rows, n_outputs).

    Raises
    ------
    InputError
        If `w1` has not a row for each column.
    """
    check_input_count(table.shape[1], params)
    outputs = row_outputs if table.by_rows else column_outputs
    return outputs(table, params, activation)


def row_outputs(table: BlockedTable, params: Params, activation: Activation) -> Any:
    """Return the outputs in the blocks of the table's rows."""
    import dask.array as da
    from dask import delayed

    front = params.w1.shape[:-2]
    run, shared = delayed(outputs_of_rows, pure=False), delayed(params, traverse=False)
    parts = [
        da.from_delayed(
            run(block, shared, activation), (*front, rows, params.n_outputs), params.dtype
        )
        for block, rows in zip(table.blocks(), table.sizes, strict=True)
    ]
    return da.concatenate(parts, axis=len(front))


def outputs_of_rows(block: Any, params: Params, activation: Activation) -> np.ndarray:
    """Return the outputs of a block of rows."""
    x = checked_inputs(np.asarray(block), params)
    return on_one_thread(forward, x, params, activation)


def column_outputs(table: BlockedTable, params: Params, activation: Activation) -> Any:
    """Return the outputs, in one block: the first layer's products are summed over blocks of columns."""
    import dask.array as da
    from dask import delayed

    run, add = delayed(products_of_columns, pure=False), delayed(add_up, pure=False)
    weights = [params.w1] if params.w_skip is None else [params.w1, params.w_skip]
    products = [
        run(block, columns.start, [weight_block(w, columns) for w in weights], params.dtype)
        for block, columns in zip(table.blocks(), table.slices, strict=True)
    ]
    rest = Params(
        np.zeros((*params.w1.shape[:-2], 1, params.n_hidden)), params.b1, params.w2, params.b2
    )
    finished = delayed(outputs_from_products, pure=False)(tree_sum(products, add), rest, activation)
    shape = (*params.w1.shape[:-2], table.shape[0], params.n_outputs)
    return da.from_delayed(finished, shape, params.dtype)


def products_of_columns(
    block: Any, first: int, weights: list[Any], dtype: Any
) -> tuple[np.ndarray, ...]:
    """Return `x @ w` of a block of columns, for each of the weights."""
    x = checked_columns(block, first, dtype)
    return tuple(on_one_thread(np.matmul, x, np.asarray(w)) for w in weights)


def outputs_from_products(
    products: tuple[np.ndarray, ...], params: Params, activation: Activation
) -> np.ndarray:
    """Return the outputs from `x @ w1`, and `x @ w_skip` if there is such a layer, by the other weights of `params`."""
    h, skip = products[0], products[1] if len(products) > 1 else None
    if params.b1 is not None:
        h = h + params.b1[..., None, :]
    y_pred = activation.value(h) @ params.w2
    if params.b2 is not None:
        y_pred = y_pred + params.b2[..., None, :]
    return y_pred if skip is None else y_pred + skip

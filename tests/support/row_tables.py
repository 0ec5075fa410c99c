"""Small tables, in memory and cut into Dask's blocks of rows, with the settings under which both fits are the same."""

import dask.array as da
import numpy as np

SAME = {
    "n_hidden": 4,
    "solver": "lbfgs",
    "n_networks": 1,
    "scaling": "standard",
    "random_state": 0,
    "max_iter": 25,
    "engine": "numpy",
}


def numbers_table(n_rows=400, seed=0, n_outputs=None):
    """Columns of unlike means and spreads, one of them constant, and targets that depend on them."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_rows, 5)) * [1, 2, 30, 0.4, 0] + [0, 10, -5, 3, 7]
    y = np.sin(x[:, 0]) + 0.3 * x[:, 1] + 0.1 * rng.standard_normal(n_rows)
    return x, y if n_outputs is None else np.stack([y * (k + 1) + k for k in range(n_outputs)], 1)


def classes_table(n_rows=400, n_classes=2, seed=0):
    """Columns, and classes by name that depend on them."""
    x, y = numbers_table(n_rows, seed)
    edges = np.quantile(y, np.arange(1, n_classes) / n_classes)
    return x, np.array(["low", "middle", "top"])[np.searchsorted(edges, y)]


def in_blocks(x, *sizes):
    """The array in blocks of these numbers of rows, or of so many each."""
    rows = sizes[0] if len(sizes) == 1 else sizes
    return da.from_array(x, chunks=(rows, *x.shape[1:]))


def differences(one, other):
    """The largest difference of each fitted array, relative to its largest number."""
    names = ("w1_", "b1_", "w2_", "b2_", "loss_", "loss_curve_", "noise_std_", "alpha_")
    found = {}
    for name in names:
        if hasattr(other, name):
            a, b = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
            found[name] = np.abs(a - b).max() / max(np.abs(b).max(), 1e-300)
    return found

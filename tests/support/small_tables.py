"""Small tables for the tests of what chooses alpha, and settings that make a search quick."""

import numpy as np

FAST = {"alphas": [0.1, 1.0], "cv": 2, "n_networks": 2, "max_iter": 50}


def wide(n_rows=24, n_inputs=60, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_rows, n_inputs)) * rng.uniform(0.1, 10, n_inputs) + 3
    return x, x[:, 0] + 0.1 * rng.standard_normal(n_rows)


def classes(n_rows=30, n_inputs=60, seed=0, n_classes=3):
    rng = np.random.default_rng(seed)
    y = np.arange(n_rows) % n_classes
    x = (
        rng.standard_normal((n_rows, n_inputs))
        + 1.0 * rng.standard_normal((n_classes, n_inputs))[y]
    )
    return x, np.array(["a", "b", "c"])[y]


def noise(n_rows=40, n_inputs=80, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_rows, n_inputs)), np.arange(n_rows) % 2

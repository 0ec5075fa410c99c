"""The tables and settings of the ladder's programs P1 to P5."""

import numpy as np

import twolayer as tl

SIGNS = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
FOUR = {
    name: {"learning_rate": 1e-5, "steps": 500, "activation": name} for name in ("identity", "relu")
}
SETTINGS = {
    "P1 no bias": {"learning_rate": 1e-6, "steps": 500},
    "P2 slow": {"learning_rate": 1e-7, "steps": 200},
    "P3 bias": {"learning_rate": 1e-6, "steps": 500},
    "P4 quadrants": FOUR["identity"],
    "P4 quadrants, rectified": FOUR["relu"],
}
SINGLE = {"P5 float32": SETTINGS["P1 no bias"]}


def random_table(seed, bias, dtype="float64"):
    """x, y and params as the programs draw them: everything standard normal."""
    rng = np.random.default_rng(seed)
    x, y = (
        rng.standard_normal((64, 1000)).astype(dtype),
        rng.standard_normal((64, 10)).astype(dtype),
    )
    return x, y, tl.init_params(1000, 100, 10, bias=bias, random_state=rng, dtype=dtype)


def quadrants(seed):
    """Twelve points of whole numbers; the class is the quadrant, one-hot."""
    points = [(a * u, b * v) for u, v in SIGNS for a, b in ((1, 1), (10, 1), (1, 10))]
    y = np.repeat(np.eye(4, dtype=int), 3, axis=0)
    return np.array(points), y, tl.init_params(2, 10, 4, random_state=seed)


def program(name, seed=0):
    """x, y, params, and the keywords of `tl.train`."""
    if name in SINGLE:
        return *random_table(seed, bias=False, dtype="float32"), SINGLE[name]
    table = (
        quadrants(seed)
        if "quadrants" in name
        else random_table(seed, bias="bias" in name and "no" not in name)
    )
    return *table, SETTINGS[name]

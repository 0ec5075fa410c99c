"""Small problems of every kind the package takes, and which combinations there are to try."""

import itertools

import numpy as np

import twolayer as tl
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES

# a class loss means one thing with one output and another with several: both are tried
LOSSES_AND_OUTPUTS = [
    (name, outputs)
    for name, loss in LOSSES.items()
    for outputs in ((1, 3) if loss.takes_labels else (2,))
]
# those with a minimum at which the gradient vanishes
SMOOTH_LOSSES_AND_OUTPUTS = [
    (name, outputs)
    for name, outputs in LOSSES_AND_OUTPUTS
    if name not in ("absolute_error", "quantile")
]
# every activation and every loss at least once
EACH_ONCE = sorted(
    {(name, "log_loss", 3) for name in ACTIVATIONS}
    | {("tanh", loss, n_outputs) for loss, n_outputs in LOSSES_AND_OUTPUTS}
)
COMBINATIONS = [
    dict(
        zip(
            ("activation", "loss", "n_outputs", "bias", "skip", "weights", "alpha"),
            (a, *lo, *rest),
            strict=True,
        )
    )
    for a, lo, *rest in itertools.product(
        ACTIVATIONS, LOSSES_AND_OUTPUTS, (False, True), (False, True), (False, True), (0.0, 0.7)
    )
    # the tutorial's own with all the rest in every combination, the others with every three of the rest in every one
    if a == "relu" or lo[0] == "sum_of_squares" or sum(map(bool, rest)) % 2 == 0
]


def name_of(combination):
    """A readable test name."""
    flags = [word for word in ("bias", "skip", "weights", "alpha") if combination[word]]
    return "-".join(
        [combination["activation"], combination["loss"], str(combination["n_outputs"]), *flags]
    )


def small_problem(
    loss="sum_of_squares", n_outputs=2, bias=True, skip=False, weights=False, dtype="float64",
    n_rows=7, n_inputs=3, n_hidden=4, n_networks=None, seed=1, **_,
):  # fmt: skip
    """x, y, params and row weights (or None) for one combination."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_rows, n_inputs)).astype(dtype)
    y = targets(loss, n_outputs, n_rows, rng)
    params = tl.init_params(
        n_inputs,
        n_hidden,
        n_outputs,
        bias=bias,
        skip=skip,
        random_state=rng,
        dtype=dtype,
        n_networks=n_networks,
    )
    s = rng.uniform(0.5, 2.0, n_rows).astype(dtype) if weights else None
    return x, y.astype(dtype), params, s


def targets(loss, n_outputs, n_rows, rng):
    """Targets of the kind that the loss takes, of shape (n_rows, n_outputs)."""
    if LOSSES[loss].takes_labels:
        labels = rng.integers(0, max(2, n_outputs), n_rows)
        return labels[:, None] * 1.0 if n_outputs == 1 else np.eye(n_outputs)[labels]
    if loss == "poisson":
        return rng.integers(0, 3, (n_rows, n_outputs)) * 1.0  # from 3 on the loss can be near 0
    if loss == "gaussian_nll":
        return np.square(rng.standard_normal((n_rows, n_outputs)))  # of residuals
    if loss == "binary_log_loss":
        return rng.integers(0, 2, (n_rows, n_outputs)) * 1.0
    return rng.standard_normal((n_rows, n_outputs))


def nearest_kink(x, params):
    """How far the nearest entry of h is from 0, where derivatives may jump."""
    h = x @ params.w1
    if params.b1 is not None:
        h = h + params.b1[..., None, :]
    return np.abs(h).min()

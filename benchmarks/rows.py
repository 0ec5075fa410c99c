"""The rows of the benchmark: what is fitted, who takes part, and the least the machine could take.

Each row is a function that makes the arrays and returns a `Row`. The first contender is ours. A floor counts the operations
of the matrix products that an algorithm cannot avoid, or the bytes it cannot avoid moving. Seconds over the floor of the
contender's own algorithm tell how good the implementation is; one floor over another tells what the algorithm is worth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks import peers, programs
from benchmarks.datasets import read_wide_table, wide_file
from benchmarks.machine import Machine
from benchmarks.timing import Contender
from twolayer.maths.network import Params, init_params
from twolayer.training.train import train


@dataclass
class Row:
    """One comparison.

    Attributes
    ----------
    name, unit : str
        What is fitted; "run" or "step".
    contenders : list of Contender
        Ours first.
    same : tuple of str
        Contenders that must end at our objective, as they take the same steps from the same numbers.
    above : tuple of str
        Contenders whose objective ours must not be above.
    target : float or None
        Objective that all contenders must reach, but for those in `above`.
    note : str
    """

    name: str
    unit: str
    contenders: list[Contender]
    same: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    target: float | None = None
    note: str = ""
    rounds: int = 9
    extra: dict[str, Any] = field(default_factory=dict)


def is_installed(package: str) -> bool:
    """Whether a peer is installed."""
    return find_spec(package) is not None


def tutorial_row(machine: Machine, quick: bool, dtype: str) -> Row:
    """P1: 64 rows, 1000 inputs, 100 hidden units, 10 outputs, no bias, 500 steps of gradient descent."""
    n, d, h, o, steps, rate = 64, 1000, 100, 10, 500, 1e-6
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n, d)).astype(dtype), rng.standard_normal((n, o)).astype(dtype)
    params = init_params(d, h, o, bias=False, dtype=dtype, random_state=1)
    arguments = (x, y, params, rate, steps)
    plain = machine.floor(steps * (4 * n * d * h + 6 * n * h * o), dtype)
    once = 2 * n * n * d + 4 * n * d * h
    span = machine.floor(once + steps * (2 * n * n * h + 6 * n * h * o), dtype)

    def ours(**settings: Any) -> float:
        return last_loss(x, y, params, learning_rate=rate, steps=steps, **settings)

    contenders = [
        Contender("twolayer", ours, floor=span),
        Contender("twolayer, span=False", partial(ours, span=False), floor=plain),
        Contender("NumPy with the span", partial(programs.numpy_span, *arguments), floor=span),
        Contender("NumPy program", partial(programs.numpy_program, *arguments), floor=plain),
    ]
    if is_installed("torch"):
        contenders += [
            Contender("torch by hand", partial(programs.torch_by_hand, *arguments), floor=plain),
            Contender("torch autograd", partial(programs.torch_autograd, *arguments), floor=plain),
        ]
    if is_installed("jax"):
        jax_programs = {
            "JAX with the span": (programs.jax_span, span),
            "JAX (jit, scan)": (programs.jax_program, plain),
        }
        contenders += [
            Contender(name, program(*arguments), threads=False, floor=floor)
            for name, (program, floor) in jax_programs.items()
        ]
    return Row(
        f"P1, 500 steps, {dtype}",
        "run",
        contenders,
        same=tuple(c.name for c in contenders[1:]) if dtype == "float64" else (),
        rounds=5 if quick else 15,
    )


def last_loss(x: Any, y: Any, params: Params, **settings: Any) -> float:
    """`train`, and the objective before the last update: what the tutorial's programs print last."""
    return float(train(x, y, params, **settings).losses[-1])


def quadrants_row(machine: Machine, quick: bool) -> Row:
    """P4: 12 points in the plane, 10 hidden units, the identity, 4 outputs, per step."""
    from twolayer.tutorial.ladder import quadrants

    problem = quadrants()
    x, y = (np.asarray(a, dtype=np.float64) for a in problem[:2])
    params = init_params(2, 10, 4, random_state=1)
    rate, steps = 1e-5, 50_000
    few, fewer = (2000, 500) if quick else (10_000, 2000)
    settings: dict[str, Any] = {"activation": "identity", "learning_rate": rate}
    floor = machine.floor(4 * 12 * 2 * 10 + 6 * 12 * 10 * 4, "float64")
    contenders = [
        Contender(
            "twolayer",
            lambda: last_loss(x, y, params, steps=steps, **settings),
            steps,
            floor=floor,
        ),
        Contender(
            "NumPy program",
            partial(programs.numpy_program, x, y, params, rate, few, relu=False),
            few,
            floor=floor,
        ),
    ]
    if is_installed("torch"):
        contenders.append(
            Contender(
                "torch autograd",
                partial(programs.torch_autograd, x, y, params, rate, fewer, relu=False),
                fewer,
                floor=floor,
            )
        )
    return Row(
        "quadrants 12×2, 10 hidden, 4 outputs",
        "step",
        contenders,
        rounds=5 if quick else 9,
        note="the floor is that of large products; products this small cannot come near it",
    )


def adam_row(machine: Machine, quick: bool, d: int, h: int, o: int, dtype: str = "float64") -> Row:
    """Adam on batches of 200 of 2000 rows, per step."""
    n, batch = 2000, 200
    passes = 10 if quick else 50
    steps = passes * n // batch
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, d)).astype(dtype)
    signal = x @ rng.standard_normal((d, o)).astype(dtype)
    classes = o > 1
    y = signal.argmax(1) if classes else np.tanh(signal)
    params = init_params(d, h, o, scheme="glorot", dtype=dtype, random_state=1)
    settings: dict[str, Any] = {
        "loss": "log_loss" if classes else "squared_error",
        "solver": "adam",
        "learning_rate": 1e-3,
        "batch_size": batch,
        "steps": steps,
        "random_state": 0,
    }
    sklearn_y = y if classes else y[:, 0]
    floor = machine.floor(4 * batch * d * h + 6 * batch * h * o, dtype)
    contenders = [
        Contender(
            "twolayer", lambda: train(x, y, params, **settings).final_loss, steps, floor=floor
        ),
        Contender(
            "scikit-learn",
            partial(peers.sklearn_adam, x, sklearn_y, h, batch, passes, classes),
            steps,
            floor=floor,
        ),
    ]
    if is_installed("torch"):
        contenders.append(
            Contender(
                "torch fused Adam",
                partial(peers.torch_adam, x, y, params, batch, passes, classes),
                steps,
                floor=floor,
            )
        )
    return Row(
        f"Adam, batch {batch}×{d}, {h} hidden, {o} output{'s' if o > 1 else ''}, {dtype}",
        "step",
        contenders,
        rounds=3 if quick else 9,
    )


def standardised_wide_table() -> tuple[str, np.ndarray, np.ndarray]:
    """TOX-171 with standardised columns, or a made-up table of its shape where the data is absent."""
    path = wide_file("TOX-171")
    if path.exists():
        x, labels = read_wide_table(path)
        name = "TOX-171 (171×5748)"
    else:
        rng = np.random.default_rng(0)
        labels = rng.integers(0, 4, 171)
        x = rng.standard_normal((171, 40)) @ rng.standard_normal((40, 5748))
        x += 0.3 * rng.standard_normal((4, 5748))[labels] + rng.standard_normal(x.shape)
        name = "a made-up table of 171×5748"
    spread = x.std(0)
    return name, (x - x.mean(0)) / np.where(spread > 0, spread, 1), labels


def wide_row(machine: Machine, quick: bool, alpha: float) -> Row:
    """L-BFGS on a wide table, to scikit-learn's objective where scikit-learn stops."""
    name, x, labels = standardised_wide_table()
    n, d = x.shape
    h, o = 100, int(labels.max()) + 1
    params = init_params(d, h, o, scheme="glorot", random_state=1)
    settings: dict[str, Any] = {"loss": "log_loss", "solver": "lbfgs", "alpha": alpha}
    until = peers.sklearn_lbfgs(x, labels, h, alpha)
    steps = steps_until(x, labels, params, settings, until)
    long_steps = steps_until(x, labels, params, settings, until, steps=3 * steps, span=False)

    def ours(steps: int = steps, **more: Any) -> float:
        return train(x, labels, params, steps=steps, **settings, **more).final_loss

    once = n * n * d + 4 * n * d * h  # x @ x.T is symmetric: half of its products
    span = machine.floor(once + steps * (4 * n * n * h + 6 * n * h * o), "float64")
    plain = machine.floor(steps * (4 * n * d * h + 6 * n * h * o), "float64")
    arguments = (x, labels, params, alpha, until)
    lbfgs = {"SciPy L-BFGS": peers.scipy_lbfgs}
    if is_installed("torch"):
        lbfgs["torch LBFGS"] = peers.torch_lbfgs
    contenders = [
        Contender("twolayer", ours, floor=span),
        Contender(
            "twolayer, span=False", partial(ours, long_steps, span=False), rounds=3, floor=plain
        ),
        Contender(
            "scikit-learn", partial(peers.sklearn_lbfgs, x, labels, h, alpha), rounds=3, floor=plain
        ),
    ]
    for peer, minimise in lbfgs.items():
        rotated = partial(peers.lbfgs_rotated, minimise, *arguments)
        contenders.append(Contender(f"{peer}, rotated", rotated, rounds=5, floor=span))
        if not quick:
            contenders.append(Contender(peer, partial(minimise, *arguments), rounds=2, floor=plain))
    return Row(
        f"{name}, {h} hidden, alpha {alpha:g}, L-BFGS",
        "run",
        contenders,
        above=("scikit-learn",),
        target=until,
        rounds=3 if quick else 9,
        note=f"{steps} steps to scikit-learn's objective, which the floors count; without the span {long_steps}",
    )


def steps_until(
    x: Any,
    y: Any,
    params: Params,
    settings: dict[str, Any],
    until: float,
    steps: int = 3000,
    **more: Any,
) -> int:
    """The steps after which the objective is at most `until`, or all of these if it never is."""
    run = train(x, y, params, steps=steps, **settings, **more)
    objectives = np.append(run.losses, run.final_loss)
    return int(np.argmax(objectives <= until)) if (objectives <= until).any() else len(run.losses)


def sparse_row(machine: Machine, quick: bool) -> Row:
    """A sparse table, 2000 × 100,000 with a share of 1e-3 filled, 50 hidden units, alpha 1, L-BFGS."""
    import scipy.sparse

    n, d, h = (500, 20_000, 50) if quick else (2000, 100_000, 50)
    rng = np.random.default_rng(0)
    x = scipy.sparse.random_array((n, d), density=1e-3, rng=rng, format="csr")
    labels = (x @ rng.standard_normal(d) > 0).astype(np.int64)
    params = init_params(d, h, 1, scheme="glorot", random_state=1)
    settings: dict[str, Any] = {"loss": "log_loss", "solver": "lbfgs", "alpha": 1.0}
    reached: list[float] = []

    def sklearn() -> float:
        reached.append(peers.sklearn_lbfgs(x, labels, h, 1.0))
        return reached[-1]

    until = sklearn()
    steps = steps_until(x, labels, params, settings, until)
    contenders = [
        Contender(
            "twolayer",
            lambda: train(x, labels, params, steps=steps, **settings).final_loss,
            floor=machine.floor(steps * 4 * n * n * h, "float64", 3 * 8 * d * h),
        ),
        Contender("scikit-learn", sklearn, threads=quick, rounds=1),
    ]
    return Row(
        f"sparse {n}×{d:,}, density 1e-3, {h} hidden, alpha 1, L-BFGS",
        "run",
        contenders,
        above=("scikit-learn",),
        rounds=3,
        note=f"{steps} steps to scikit-learn's objective",
    )


ROWS: dict[str, Callable[[Machine, bool], Row]] = {
    "p1": partial(tutorial_row, dtype="float64"),
    "p1-float32": partial(tutorial_row, dtype="float32"),
    "quadrants": quadrants_row,
    "adam-8": partial(adam_row, d=8, h=50, o=1),
    "adam-30": partial(adam_row, d=30, h=100, o=1),
    "adam-784": partial(adam_row, d=784, h=100, o=10, dtype="float32"),
    "wide": partial(wide_row, alpha=1.0),
    "wide-weak": partial(wide_row, alpha=1e-4),
    "sparse": sparse_row,
}

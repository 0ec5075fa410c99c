"""L-BFGS: Newton's direction, guessed from the last few moves and the changes of gradient along them.

The method is Nocedal's: *Updating quasi-Newton matrices with limited storage*, Mathematics of Computation 35 (1980) 773-782.
The direction is taken in its compact form, which reads the remembered moves twice a step and not four times: Byrd,
Nocedal & Schnabel, *Representations of quasi-Newton matrices*, Mathematical Programming 63 (1994) 129-156.

Two things are added for rectified networks, whose gradient jumps where a unit switches: a search that finds no lower point
forgets the past moves and tries once more straight down the gradient, and a pair that shows no curvature is left out.

The arithmetic works on flat vectors of any array library.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.maths.network import Params
from twolayer.solvers.contract import Evaluate, Solver, SolverMemory, all_finite
from twolayer.solvers.line_search import wolfe_step

NOT_FINITE, TOO_LARGE, SMALL_GRADIENT, NO_LOWER, SMALL_GAIN = range(1, 6)  # why it is finished
DECREASE_SHARE = (
    1e-4  # of `tol`: it stops where a step's share of decrease is below this times `tol`
)

SMALL_GRADIENT_TEXT = "the gradient's length is at most {:g}"
SMALL_GAIN_TEXT = "converged: the last step lowered the objective by at most {:g} of it"


def tol_of_end(stopped: str) -> float:
    """Return the largest `tol` that ended networks, of the reason why they ended; 0 where none did."""
    ends = ((SMALL_GRADIENT_TEXT, 1.0), (SMALL_GAIN_TEXT, DECREASE_SHARE))
    found = [
        float(number) / share
        for text, share in ends
        for number in re.findall(re.escape(text).replace(re.escape("{:g}"), r"([^\s;]+)"), stopped)
    ]
    return max(found, default=0.0)


@dataclass(frozen=True)
class LBFGS(Solver):
    """All rows at once; each step costs one gradient, seldom two.

    Parameters
    ----------
    memory_size : int
        The number of past moves that it remembers.
    gradient_tol : float
        Finished when the gradient's length (which does not depend on the axes, as its largest entry would) is at most this.
    decrease_tol : float
        Finished when a step lowers the objective by at most this share of it.
    """

    memory_size: int = 10
    gradient_tol: float = 0.0
    decrease_tol: float = 0.0

    name = "lbfgs"
    settings = ("tol",)
    not_in_span = None
    full_batch = True
    stops_itself = True
    one_network = True

    @property
    def vectors_kept(self) -> int:
        return 2 * self.memory_size + 2  # moves, changes of gradient, the gradient, the weights

    @property
    def passes_per_step(self) -> int:
        return 4 * self.memory_size + 8

    @classmethod
    def create(cls, **settings: Any) -> LBFGS:
        tol = settings["tol"]
        return cls(gradient_tol=tol, decrease_tol=DECREASE_SHARE * tol)

    def with_decrease_tol(self, decrease_tol: float) -> LBFGS:
        return replace(self, decrease_tol=decrease_tol)

    def start(self, params: Params) -> SolverMemory:
        n, m = sum(math.prod(w.shape) for _, w in params.items()), self.memory_size
        zero = params.w1.reshape(-1)[:1] * 0  # NumPy's and torch's `repeat` both make a longer one
        return {
            "theta": zero.repeat(n),
            # Places 0 to m - 1 hold moves, m to 2m - 1 the changes of gradient along them, and the last the gradient.
            "basis": zero.repeat((2 * m + 1) * n).reshape(2 * m + 1, n),
            "along": np.zeros(2 * m + 1),  # basis @ gradient
            "pairs": [],  # places of the remembered pairs, oldest first; in that order:
            "moves_changes": np.zeros((m, m)),  # move i · change j, for i no later than j
            "changes_changes": np.zeros((m, m)),
            "gradients": None,  # at the last point evaluated, in the engine's own arrays
            "loss": None,
            "zero": None,  # a loss of 0, as the engine gives it
            "finished": None,
        }

    def memory_fits(self, memory: SolverMemory, steps: int) -> bool:
        loss, zero, pairs = memory["loss"], memory["zero"], memory["pairs"]
        started = isinstance(loss, float) and math.isfinite(loss)
        zero_fits = isinstance(zero, float | np.ndarray) and np.ndim(zero) == 0 and zero == 0
        unset = memory["gradients"] is None and memory["finished"] is None
        return started and zero_fits and unset and self.pairs_fit(pairs, memory)

    def pairs_fit(self, pairs: Any, memory: SolverMemory) -> bool:
        """Return whether these are places of remembered pairs, and the numbers of the memory finite, with curvature."""
        k = len(pairs) if isinstance(pairs, list) else self.memory_size + 1
        if k > self.memory_size or not all(type(place) is int for place in pairs):
            return False
        products = (memory["moves_changes"], memory["changes_changes"])
        curved = all((np.diagonal(product)[:k] > 0).all() for product in products)
        return sorted(pairs) == list(range(k)) and curved and all_finite(memory)

    def finished(self, memory: SolverMemory) -> str | None:
        return memory["finished"]

    def step(self, evaluate: Evaluate, params: Params, memory: SolverMemory) -> Any:
        if memory["loss"] is None:
            copy_out(params, memory["theta"])
            memory["loss"] = self.evaluated(evaluate, params, memory)
            self.store_gradient(memory)
        before = memory["loss"]
        reason = self.stop_reason(before, memory["along"][-1])
        if not reason:
            remembered = bool(memory["pairs"])
            lower = self.search(evaluate, params, memory) and memory["loss"] < before
            if not lower and remembered:  # a kink: past moves do not predict what lies behind it
                memory["pairs"] = []
                lower = self.search(evaluate, params, memory) and memory["loss"] < before
            if not lower:
                copy_in(memory["theta"], params)
                reason = NO_LOWER
            elif before - memory["loss"] <= self.decrease_tol * abs(before):
                reason = SMALL_GAIN
        memory["finished"], memory["gradients"] = self.stop_text(reason), None
        return memory["zero"] + before

    def stop_reason(self, loss: float, squared_length: float) -> int:
        """Return the number of the reason why no step can be taken, or 0."""
        if not math.isfinite(loss):
            return NOT_FINITE
        length = math.sqrt(max(squared_length, 0.0))
        if not math.isfinite(length):
            return TOO_LARGE
        return SMALL_GRADIENT if length <= self.gradient_tol else 0

    def stop_text(self, reason: int) -> str | None:
        """Return the reason in words; None for 0."""
        return (
            None,
            "the objective is not finite",
            "the gradient is too large: rescale x and y",
            SMALL_GRADIENT_TEXT.format(self.gradient_tol),
            "no lower point found along the gradient",
            SMALL_GAIN_TEXT.format(self.decrease_tol),
        )[reason]

    def evaluated(self, evaluate: Evaluate, params: Params, memory: SolverMemory) -> float:
        """Return the loss at `params`; its gradients stay in the memory until the next evaluation."""
        memory["gradients"] = None  # so that its room is free
        loss, memory["gradients"] = evaluate(params)
        memory["zero"] = loss * 0
        return float(loss)

    @staticmethod
    def store_gradient(memory: SolverMemory) -> None:
        """Store the gradients of the last point evaluated, with their products with all that is remembered."""
        gradient = memory["basis"][-1]
        copy_out(memory["gradients"], gradient)
        memory["along"] = np.array((memory["basis"] @ gradient).tolist())

    def direction(self, memory: SolverMemory) -> tuple[Any, float]:
        """Return minus the estimated inverse Hessian times the gradient, and the slope along it."""
        along, basis = memory["along"], memory["basis"]
        places = np.array(memory["pairs"], dtype=np.int64)
        shares = direction_coefficients(
            along, places, memory["moves_changes"], memory["changes_changes"]
        )
        return as_array_like(shares, basis) @ basis, float(shares @ along)

    def search(self, evaluate: Evaluate, params: Params, memory: SolverMemory) -> bool:
        """Move to a point of the strong Wolfe conditions and remember the pair; return False if there is none."""
        theta = memory["theta"]
        d, slope = self.direction(memory)
        if not slope < 0:
            return False
        length = 1.0 if memory["pairs"] else min(1.0, 1.0 / math.sqrt(memory["along"][-1]))

        def at(t: float) -> tuple[float, float]:
            write_moved(params, theta, t, d)
            value = self.evaluated(evaluate, params, memory)
            return value, flat_inner_product(memory["gradients"], d)

        step = wolfe_step(at, memory["loss"], slope, length)
        if step is None:
            return False
        t, memory["loss"] = step
        d *= t
        theta += d
        change = memory["basis"][-1]
        change *= -1
        add_to(change, memory["gradients"])
        before = memory["along"]
        place = self.store_pair(memory, d, change)
        self.store_gradient(memory)
        if place is not None:
            self.update_products(memory, before)
        return True

    def store_pair(self, memory: SolverMemory, move: Any, change: Any) -> int | None:
        """Store the pair, over the oldest if there is no room; return its place, or None for a pair without curvature."""
        curvature, square = float(move @ change), float(change @ change)
        lengths = math.sqrt(float(move @ move) * square)
        if not curvature > 1e-10 * lengths or not self.memory_size:
            return None
        pairs, products = memory["pairs"], (memory["moves_changes"], memory["changes_changes"])
        place = len(pairs)
        if place == self.memory_size:
            place = pairs.pop(0)
            for product in products:
                product[:-1, :-1] = product[1:, 1:].copy()
        for product, own in zip(products, (curvature, square), strict=True):
            product[len(pairs), len(pairs)] = own
        memory["basis"][place], memory["basis"][self.memory_size + place] = move, change
        pairs.append(place)
        return place

    def update_products(self, memory: SolverMemory, before: np.ndarray) -> None:
        """Fill in the newest pair's products with the older ones.

        Its change is the difference of two gradients, whose products with everything remembered are known.
        """
        older = memory["pairs"][:-1]
        k, changed = len(older), memory["along"] - before
        memory["moves_changes"][:k, k] = changed[older]
        across = changed[[self.memory_size + place for place in older]]
        memory["changes_changes"][:k, k] = memory["changes_changes"][k, :k] = across


def direction_coefficients(
    along: np.ndarray, places: np.ndarray, moves_changes: np.ndarray, changes_changes: np.ndarray
) -> np.ndarray:
    """Return the shares of moves, changes and gradient in the direction; in Python and as machine code alike.

    Byrd, Nocedal & Schnabel, equation 3.13: with the moves S, the changes Y, R the products SᵀY on and above the
    diagonal, and p = R⁻¹Sᵀg, the direction is −γg + γYp − SR⁻ᵀ(Dp + γYᵀYp − γYᵀg).
    """
    m, k = len(along) // 2, len(places)
    shares = np.zeros_like(along)
    shares[-1] = -1.0
    if k == 0:
        return shares
    r, products = moves_changes, changes_changes
    scale = r[k - 1, k - 1] / products[k - 1, k - 1]
    p, q = np.zeros(k), np.zeros(k)
    for i in range(k - 1, -1, -1):  # r @ p = moves @ gradient, from below
        total = along[places[i]]
        for j in range(i + 1, k):
            total -= r[i, j] * p[j]
        p[i] = total / r[i, i]
    for i in range(k):  # r.T @ q = the rest, from above
        total = r[i, i] * p[i] - scale * along[m + places[i]]
        for j in range(k):
            total += scale * products[i, j] * p[j]
        for j in range(i):
            total -= r[j, i] * q[j]
        q[i] = total / r[i, i]
    for i in range(k):
        shares[places[i]] = -q[i]
        shares[m + places[i]] = scale * p[i]
    shares[-1] = -scale
    return shares


def as_array_like(values: np.ndarray, array: Any) -> Any:
    """Return the values in the other array's library, dtype and device."""
    if isinstance(array, np.ndarray):
        return values.astype(array.dtype, copy=False)
    return array.new_tensor(values)


def flat_places(params: Params) -> Iterator[tuple[Any, slice]]:
    """Yield each array as a flat view, with its place in the flat vector of all."""
    start = 0
    for _, w in params.items():  # noqa: PERF102
        flat = w.reshape(-1)
        yield flat, slice(start, start + len(flat))
        start += len(flat)


def copy_in(theta: Any, params: Params) -> None:
    """Write the flat vector into the arrays."""
    for flat, place in flat_places(params):
        flat[:] = theta[place]


def copy_out(params: Params, theta: Any) -> None:
    """Write the arrays into the flat vector."""
    for flat, place in flat_places(params):
        theta[place] = flat


def add_to(theta: Any, params: Params) -> None:
    """Add the arrays to the flat vector."""
    for flat, place in flat_places(params):
        theta[place] += flat


def write_moved(params: Params, theta: Any, t: float, d: Any) -> None:
    """Write theta + t·d into the arrays, without any temporary array."""
    for flat, place in flat_places(params):
        flat[:] = d[place]
        flat *= t
        flat += theta[place]


def flat_inner_product(params: Params, d: Any) -> float:
    """Return the inner product of the arrays with a flat vector."""
    return float(sum(flat @ d[place] for flat, place in flat_places(params)))

"""L-BFGS: Newton's direction, guessed from the last few moves and the changes of gradient along them.

The method is Nocedal's: *Updating quasi-Newton matrices with limited storage*, Mathematics of Computation 35 (1980) 773-782;
the line search is Nocedal & Wright's, *Numerical Optimization*, 2nd edition, algorithms 3.5 and 3.6 (strong Wolfe, here with
cubic interpolation). The direction is taken in its compact form, which reads the remembered moves twice a step and not
four times: Byrd, Nocedal & Schnabel, *Representations of quasi-Newton matrices*, Mathematical Programming 63 (1994) 129-156.

Two things are added for rectified networks, whose gradient jumps where a unit switches: a search that finds no lower point
forgets the past moves and tries once more straight down the gradient, and a pair of moves that shows no curvature is left
out.

The arithmetic works on flat vectors of any array library.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.maths.network import Params
from twolayer.solvers import Evaluate, Memory, Solver

ARMIJO = 1e-4  # a step must gain at least this share of what the slope promises
CURVATURE = 0.9  # and leave at most this share of the slope (strong Wolfe)
TRIALS = 25  # points a search may look at


@dataclass(frozen=True)
class LBFGS(Solver):
    """All rows at once; each step costs one gradient, seldom two.

    Parameters
    ----------
    memory_size : int
        How many past moves are remembered.
    gradient_tol : float
        Done when the gradient's length (which does not depend on the axes, as its largest entry would) is no larger.
    decrease_tol : float
        Done when a step lowers the objective by no more than this share of it.
    """

    memory_size: int = 10
    gradient_tol: float = 0.0
    decrease_tol: float = 0.0

    name = "lbfgs"
    not_in_span = None
    full_batch_only = True
    stops_itself = True
    one_network = True

    def start(self, params: Params) -> Memory:
        sizes = [math.prod(w.shape) for _, w in params.items()]
        zero = (
            params.w1.reshape(-1)[:1] * 0
        )  # in NumPy and in torch, `repeat` makes a longer one of it
        n, m = sum(sizes), self.memory_size
        return {
            "theta": zero.repeat(n),
            # Places 0 to m - 1 hold moves, m to 2m - 1 the changes of gradient along them, and the last the gradient.
            "basis": zero.repeat((2 * m + 1) * n).reshape(2 * m + 1, n),
            "along": np.zeros(2 * m + 1),  # basis @ gradient
            "pairs": [],  # places of the remembered pairs, oldest first; in that order:
            "moves_changes": np.zeros((m, m)),  # move i · change j, for i no later than j
            "changes_changes": np.zeros((m, m)),
            "gradients": None,  # at the last point looked at, as the engine gave them
            "loss": None,
            "finished": None,
        }

    def finished(self, memory: Memory) -> str | None:
        return memory["finished"]

    def step(self, evaluate: Evaluate, params: Params, memory: Memory) -> Any:
        if memory["loss"] is None:
            copy_out(params, memory["theta"])
            memory["loss"] = self.look(evaluate, params, memory)
            take_gradient(memory)
        before = memory["loss"]
        if not math.isfinite(before):
            memory["finished"] = "the objective is not finite"
            return memory["kind"](before)
        length = math.sqrt(max(memory["along"][-1], 0.0))
        if not math.isfinite(length):
            memory["finished"] = "the gradient is too large: rescale x and y"
            return memory["kind"](before)
        if length <= self.gradient_tol:
            memory["finished"] = f"the gradient's length is at most {self.gradient_tol:g}"
            return memory["kind"](before)
        remembered = bool(memory["pairs"])
        lower = self.search(evaluate, params, memory) and memory["loss"] < before
        if not lower and remembered:  # a kink: the past tells nothing of what lies behind it
            memory["pairs"] = []
            lower = self.search(evaluate, params, memory) and memory["loss"] < before
        if not lower:
            copy_in(memory["theta"], params)
            memory["finished"] = "no lower point found along the gradient"
        elif before - memory["loss"] <= self.decrease_tol * abs(before):
            memory["finished"] = f"a step gained at most {self.decrease_tol:g} of the objective"
        return memory["kind"](before)

    def look(self, evaluate: Evaluate, params: Params, memory: Memory) -> float:
        """The loss at `params`; its gradients stay in the memory until the next look."""
        memory["gradients"] = None  # its room may be needed
        loss, memory["gradients"] = evaluate(params)
        memory["kind"] = lambda value: loss * 0 + value  # a loss as the engine gives it
        return float(loss)

    def direction(self, memory: Memory) -> tuple[Any, float]:
        """Minus the guessed inverse Hessian times the gradient, and the slope along it."""
        pairs, along, m = memory["pairs"], memory["along"], self.memory_size
        shares = np.zeros_like(along)
        shares[-1] = -1.0
        if pairs:
            k, changes = len(pairs), [m + place for place in pairs]
            moves_changes = memory["moves_changes"][:k, :k]  # R on and above its diagonal
            changes_changes = memory["changes_changes"][:k, :k]
            curvatures = moves_changes.diagonal()
            scale = curvatures[-1] / changes_changes[-1, -1]
            p = solve_upper(moves_changes, along[pairs])
            rest = curvatures * p + scale * (changes_changes @ p - along[changes])
            shares[pairs] = -solve_upper(moves_changes, rest, transposed=True)
            shares[changes] = scale * p
            shares[-1] = -scale
        basis = memory["basis"]
        return like(shares, basis) @ basis, float(shares @ along)

    def search(self, evaluate: Evaluate, params: Params, memory: Memory) -> bool:
        """Move on to a point of the strong Wolfe conditions and remember the pair; False if there is none."""
        theta = memory["theta"]
        d, slope = self.direction(memory)
        if not slope < 0:
            return False
        length = 1.0 if memory["pairs"] else min(1.0, 1.0 / math.sqrt(memory["along"][-1]))

        def at(t: float) -> tuple[float, float]:
            move_to(params, theta, t, d)
            return self.look(evaluate, params, memory), inner(memory["gradients"], d)

        step = wolfe(at, memory["loss"], slope, length)
        if step is None:
            return False
        t, memory["loss"] = step
        d *= t
        theta += d
        change = memory["basis"][-1]
        change *= -1
        add_to(change, memory["gradients"])
        before = memory["along"]
        place = self.remember(memory, d, change)
        take_gradient(memory)
        if place is not None:
            self.relate(memory, before)
        return True

    def remember(self, memory: Memory, move: Any, change: Any) -> int | None:
        """Keep the pair, in the place of the oldest if there is no room; not one without curvature, for which None."""
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

    def relate(self, memory: Memory, before: np.ndarray) -> None:
        """Fill in the newest pair's products with the older ones: its change is the difference of two gradients, whose
        products with everything remembered are known."""
        older = memory["pairs"][:-1]
        k, changed = len(older), memory["along"] - before
        memory["moves_changes"][:k, k] = changed[older]
        across = changed[[self.memory_size + place for place in older]]
        memory["changes_changes"][:k, k] = memory["changes_changes"][k, :k] = across


def take_gradient(memory: Memory) -> None:
    """The gradients of the last point looked at become the gradient, with its products with all that is remembered."""
    gradient = memory["basis"][-1]
    copy_out(memory["gradients"], gradient)
    memory["along"] = np.array((memory["basis"] @ gradient).tolist())


def solve_upper(r: np.ndarray, right: np.ndarray, transposed: bool = False) -> np.ndarray:
    """The solution of `r @ p = right` (or with r.T), of r only what stands on and above the diagonal."""
    from scipy.linalg.lapack import dtrtrs

    solved, _ = dtrtrs(np.asfortranarray(r), right, trans=int(transposed))
    return solved


def like(values: np.ndarray, array: Any) -> Any:
    """The values in the other array's library, dtype and device."""
    if isinstance(array, np.ndarray):
        return values.astype(array.dtype, copy=False)
    return array.new_tensor(values)


def places(params: Params) -> Iterator[tuple[Any, slice]]:
    """Each array as a flat view, with its place in the flat vector of all."""
    start = 0
    for _, w in params.items():  # noqa: PERF102
        flat = w.reshape(-1)
        yield flat, slice(start, start + len(flat))
        start += len(flat)


def copy_in(theta: Any, params: Params) -> None:
    """Write the flat vector into the arrays."""
    for flat, place in places(params):
        flat[:] = theta[place]


def copy_out(params: Params, theta: Any) -> None:
    """Write the arrays into the flat vector."""
    for flat, place in places(params):
        theta[place] = flat


def add_to(theta: Any, params: Params) -> None:
    """Add the arrays to the flat vector."""
    for flat, place in places(params):
        theta[place] += flat


def move_to(params: Params, theta: Any, t: float, d: Any) -> None:
    """Write theta + t·d into the arrays, with no room taken."""
    for flat, place in places(params):
        flat[:] = d[place]
        flat *= t
        flat += theta[place]


def inner(params: Params, d: Any) -> float:
    """The inner product of the arrays with a flat vector."""
    return float(sum(flat @ d[place] for flat, place in places(params)))


def wolfe(at: Any, loss: float, slope: float, length: float) -> tuple[float, float] | None:
    """A step length of the strong Wolfe conditions, and the loss there; the last point looked at is that point.

    `at(t)` gives loss and slope at step length t; `loss` and `slope` are those at 0; `length` is tried first.
    """
    low = (0.0, loss, slope)  # the best point so far
    high: tuple[float, float, float] | None = None  # beyond it lies no better one
    t = length
    for _ in range(TRIALS):
        value, rise = at(t)
        if not math.isfinite(value) or not math.isfinite(rise):
            high = (t, math.inf, 0.0)
            t = low[0] + 0.1 * (t - low[0])
            continue
        if value > loss + ARMIJO * t * slope or (low[0] > 0 and value >= low[1]):
            high = (t, value, rise)
        elif abs(rise) <= -CURVATURE * slope:
            return t, value
        else:
            if rise * ((high[0] if high else math.inf) - low[0]) >= 0:
                high = low
            low = (t, value, rise)
        t = (
            between(low, high)
            if high
            else min(10 * t, max(2 * t, minimum_of_cubic(low, (0.0, loss, slope), 4 * t)))
        )
        if high and abs(high[0] - low[0]) <= 1e-12 * max(abs(low[0]), 1e-300):
            break
    if low[0] > 0:  # enough decrease, if not enough curvature: better than nothing
        value, _ = at(low[0])
        return low[0], value
    return None


def between(low: tuple[float, float, float], high: tuple[float, float, float]) -> float:
    """A step length inside the bracket: the cubic's minimum, kept away from both ends."""
    width = high[0] - low[0]
    t = (
        minimum_of_cubic(low, high, low[0] + 0.5 * width)
        if math.isfinite(high[1])
        else low[0] + 0.1 * width
    )
    nearest, farthest = low[0] + 0.1 * width, low[0] + 0.9 * width
    return min(max(t, min(nearest, farthest)), max(nearest, farthest))


def minimum_of_cubic(
    a: tuple[float, float, float], b: tuple[float, float, float], otherwise: float
) -> float:
    """Where the cubic through two points with their slopes has its minimum (Nocedal & Wright, equation 3.59)."""
    if a[0] == b[0]:
        return otherwise
    d1 = a[2] + b[2] - 3 * (a[1] - b[1]) / (a[0] - b[0])
    under = d1 * d1 - a[2] * b[2]
    if under < 0:
        return otherwise
    d2 = math.copysign(math.sqrt(under), b[0] - a[0])
    bottom = b[2] - a[2] + 2 * d2
    if bottom == 0:
        return otherwise
    t = b[0] - (b[0] - a[0]) * (b[2] + d2 - d1) / bottom
    return t if math.isfinite(t) else otherwise

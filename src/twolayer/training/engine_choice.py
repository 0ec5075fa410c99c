"""Which engine, and whether the span: decided from shapes and settings alone, so the same call gives the same numbers.

The cost model counts the operations and the bytes of a run the long way and in the span, and divides by what one ordinary
core does. Only the ratio of two such figures decides, so the constants need not fit the machine at hand; the
benchmark `engine-choice` compares the model's choices with measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twolayer.checks import flag, short_repr
from twolayer.engines import ENGINE_NAMES, get_available_engine, get_engine
from twolayer.engines.contract import Engine
from twolayer.errors import EngineError, InputError
from twolayer.maths import span as spans
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver
from twolayer.solvers.gd import GradientDescent
from twolayer.solvers.lbfgs import LBFGS

OPERATIONS_PER_SECOND = {
    4: 80e9,
    8: 40e9,
}  # a second, by bytes a number: matrix products on one core
BYTES_PER_SECOND = 10e9  # a second: passes over arrays too large for the cache
WEIGHT_COPIES = 8  # of the weights: into the engine, into one vector, before each chunk, and back
LARGE_SPAN = 200_000_000  # numbers: a span that takes more must not take more than the long way
GPU_THRESHOLD = 30.0  # seconds on the processor, from which `device="auto"` looks for one


class FullTable:
    """No span: the table as it is."""

    def __init__(self, problem: Problem, params: Params) -> None:
        self.problem, self.params = problem, params

    def network(self, k: int) -> FullTable:
        """The way back of one network, which is none."""
        return self

    @staticmethod
    def recover(params: Params) -> Params:
        """The parameters of the table itself, which these are."""
        return params


@dataclass(frozen=True)
class EngineChoice:
    """Who trains, where, in which form, and why."""

    engine: Engine
    device: str
    span: type[spans.GramSpan] | type[spans.RotatedSpan] | None
    why: str

    def enter(self, problem: Problem, params: Params) -> Any:
        """The problem and parameters in the chosen form, with the way back."""
        return (self.span or FullTable)(problem, params)


@dataclass(frozen=True)
class TrainingCost:
    """Seconds expected on one ordinary core: once, and for each step."""

    once: float
    step: float

    def of(self, steps: int) -> float:
        return self.once + steps * self.step


def full_table_cost(
    problem: Problem, params: Params, solver: Solver, batch_size: int | None
) -> TrainingCost:
    """Two products of the batch with `w1`'s shape a step, and passes over `w1` for its update.

    Once, the objective at the end takes two such products of all rows, and `w1` is copied some times.
    """
    rows = batch_size or problem.n_rows
    all_entries = problem.n_rows * params.n_inputs
    if not hasattr(problem.x, "flags"):  # sparse: only what is there, but out of order
        all_entries = 10 * problem.x.nnz
    entries = all_entries * rows // problem.n_rows
    networks = params.n_networks or 1
    numbers = params.n_inputs * params.n_hidden
    passes = 4 * solver.memory_size + 8 if isinstance(solver, LBFGS) else 4
    itemsize = params.dtype.itemsize
    step = (
        4 * entries * params.n_hidden / OPERATIONS_PER_SECOND[itemsize]
        + passes * numbers * itemsize / BYTES_PER_SECOND
    )
    once = 4 * all_entries * params.n_hidden / OPERATIONS_PER_SECOND[itemsize]
    once += WEIGHT_COPIES * numbers * itemsize / BYTES_PER_SECOND
    return TrainingCost(networks * once, networks * step)


def span_cost(
    problem: Problem, params: Params, solver: Solver, batch_size: int | None
) -> TrainingCost:
    """One pass over the table, one product to recover `w1`, and small products a step."""
    n = problem.n_rows
    networks = params.n_networks or 1
    width = min(n, params.n_inputs)
    itemsize = params.dtype.itemsize
    entries = n * params.n_inputs
    if not hasattr(problem.x, "flags"):
        entries = 10 * problem.x.nnz
    passes = 4 * solver.memory_size + 8 if isinstance(solver, LBFGS) else 4
    once = (
        2 * entries * n + 4 * entries * params.n_hidden * networks + n**3 / 3
    ) / OPERATIONS_PER_SECOND[itemsize]
    once += 3 * params.n_inputs * params.n_hidden * networks * itemsize / BYTES_PER_SECOND
    step = entries_per_step(solver, params, n, width, batch_size) * params.n_hidden
    step = (
        2 * step / OPERATIONS_PER_SECOND[itemsize]
        + passes * n * params.n_hidden * itemsize / BYTES_PER_SECOND
    )
    return TrainingCost(once, networks * step)


def entries_per_step(
    solver: Solver, params: Params, n: int, width: int, batch_size: int | None
) -> int:
    """Entries of small tables that a step in the span multiplies with.

    Gradient descent on all rows needs `k` once; what else is on all rows and nothing but that, the triangular factor twice,
    without its zeros; the rest the factor's rows, twice.
    """
    if solver.full_batch_only:
        return 2 * n * width - width * width
    if isinstance(solver, GradientDescent) and params.w_skip is None and not batch_size:
        return n * n
    return 2 * (batch_size or n) * width


def full_table_size(problem: Problem, params: Params, solver: Solver) -> int:
    """Numbers that the table and the solver's memory take."""
    stored = problem.x.size if hasattr(problem.x, "flags") else problem.x.nnz
    vectors = 2 * solver.memory_size + 8 if isinstance(solver, LBFGS) else 4
    return stored + vectors * params.n_inputs * params.n_hidden * (params.n_networks or 1)


def choose_engine(
    problem: Problem,
    params: Params,
    solver: Solver,
    *,
    engine: str,
    device: str,
    span: Any,
    steps: int = 1,
    batch_size: int | None = None,
) -> EngineChoice:
    """The engine asked for, checked; or the one that is expected to be fastest.

    Raises
    ------
    EngineError
        If the engine or device is unknown, missing, or cannot do this.
    InputError
        If `span=True` was asked for and is not exact here.
    """
    check_device(engine, device)
    span = flag(span, "span", ("auto",))
    long_way = full_table_cost(problem, params, solver, batch_size)
    spanned, why_span = choose_span(
        problem, params, solver, engine, span, long_way, steps, batch_size
    )
    name, why = engine, f"engine '{engine}' was asked for"
    if engine == "auto":
        seconds = long_way.of(steps)
        name, why = choose_engine_name(problem, params, solver, device, spanned, seconds)
        closed = get_available_engine(name).cannot(problem, params, solver, spanned)
        if closed and span == "auto" and not solver.not_in_span:
            spanned, why_span = True, f"the span, as otherwise {closed}"
            name, why = choose_engine_name(problem, params, solver, device, spanned, seconds)
    worker = get_available_engine(name)
    reason = worker.cannot(problem, params, solver, spanned)
    if reason:
        raise EngineError(reason)
    form: Any = None
    if spanned:
        gram = worker.takes_gram(problem, params, solver, batch_size is not None)
        form = spans.GramSpan if gram else spans.RotatedSpan
    return EngineChoice(worker, worker.check_device(device), form, f"{why}; {why_span}")


def check_device(engine: Any, device: Any) -> None:
    """Raise EngineError if this engine cannot be had on this device, whatever is to be trained."""
    if not isinstance(engine, str):
        raise EngineError(
            f"there is no engine {short_repr(engine)}: choose one of {', '.join(ENGINE_NAMES)} or auto"
        )
    if not isinstance(device, str):
        raise EngineError(
            f"there is no device {short_repr(device)}: use cpu, cuda, cuda:1, or auto"
        )
    if engine != "auto" or device not in ("cpu", "auto"):
        get_available_engine("torch" if engine == "auto" else engine).check_device(device)


def choose_span(
    problem: Problem,
    params: Params,
    solver: Solver,
    engine: str,
    span: Any,
    long_way: TrainingCost,
    steps: int,
    batch_size: int | None,
) -> tuple[bool, str]:
    """Whether the span is used, and why."""
    shape = f"{problem.n_rows} rows and {params.n_inputs} columns"
    if span is True and solver.not_in_span:
        raise InputError(
            f"span=True cannot be exact with solver '{solver.name}': {solver.not_in_span}; "
            "use solver='gd' or 'lbfgs', or leave span out"
        )
    if span is True and problem.objective.l1:
        raise InputError(
            "span=True cannot be exact with l1, which weighs every column by itself and so leaves the span of the rows: "
            "leave span out, or use alpha in the place of l1"
        )
    if span is True:
        return True, "the span was asked for"
    if span is False:
        return False, "the span was not wanted"
    if engine != "auto":
        return False, "a named engine runs the program as written"
    if solver.not_in_span:
        return False, f"the long way, as solver '{solver.name}' leaves the span of the rows"
    if problem.objective.l1:
        return False, "the long way, as l1 leaves the span of the rows"
    room = 3 * problem.n_rows**2
    if room > max(LARGE_SPAN, full_table_size(problem, params, solver)):
        gigabytes = room * params.dtype.itemsize / 1e9
        return False, f"the long way, as the span of {shape} takes {gigabytes:.2g} GB"
    short = span_cost(problem, params, solver, batch_size)
    if steps and short.step < long_way.step and short.of(steps) < long_way.of(steps):
        times = long_way.step / short.step
        return True, f"the span, as {shape} make its steps about {times:.2g} times shorter"
    return False, f"the long way, as {shape} and {steps} steps leave nothing to gain by the span"


def choose_engine_name(
    problem: Problem, params: Params, solver: Solver, device: str, spanned: bool, seconds: float
) -> tuple[str, str]:
    """The engine for `engine="auto"`, and why."""
    if device not in ("cpu", "auto"):
        return "torch", f"engine 'torch' for device '{device}'"
    if device == "auto" and seconds > GPU_THRESHOLD and not spanned and cuda_available():
        return "torch", "engine 'torch', as the job is worth a GPU"
    compiled = get_engine("compiled")
    reason = compiled.missing() or compiled.cannot(problem, params, solver, spanned)
    if reason:
        its = reason.split(":")[0].removeprefix("engine 'compiled' ")
        return "numpy", f"engine 'numpy', as the compiled one cannot take this: it {its}"
    return "compiled", "engine 'compiled', machine code"


def cuda_available() -> bool:
    """Whether PyTorch is installed and sees a CUDA device."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()

"""Which engine, and whether the span: decided from shapes and settings alone, so the same call gives the same numbers.

The cost model counts the operations and the bytes of a run on the full table and in the span, and divides by what one
ordinary core does. Only the ratio of two such figures decides, so the constants need not fit the machine. A benchmark
compares the model's choices with measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from twolayer.checks import flag, short_repr
from twolayer.engines import get_available_engine, get_engine
from twolayer.engines.contract import Engine
from twolayer.errors import EngineError, InputError
from twolayer.maths import span as spans
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver, solvers_that

OPERATIONS_PER_SECOND = {4: 80e9, 8: 40e9}  # by bytes per number: matrix products on one core
BYTES_PER_SECOND = 10e9  # passes over arrays too large for the cache
WEIGHT_COPIES = 8  # of the weights: into the engine, into one vector, before each chunk, and back
WORKING_VECTORS = (
    4  # as long as the weights, beside the solver's: weights, gradients, a copy of both
)
LARGE_SPAN = 200_000_000  # numbers: a span that takes more must not take more than the full table
GPU_THRESHOLD = 30.0  # seconds on the processor, from which `device="auto"` looks for a GPU


class FullTable:
    """No span: the table itself."""

    def __init__(self, problem: Problem, params: Params) -> None:
        self.problem, self.params = problem, params

    def network(self, k: int) -> FullTable:
        """Return the form of one network: the same."""
        return self

    @staticmethod
    def recover(params: Params) -> Params:
        """Return the parameters of the table itself: the same."""
        return params


@dataclass(frozen=True)
class EngineChoice:
    """The engine, the device, the form of the problem, and why these."""

    engine: Engine
    device: str
    span: type[spans.GramSpan] | type[spans.RotatedSpan] | None
    why: str

    def enter(self, problem: Problem, params: Params) -> Any:
        """Return the problem and parameters in the chosen form, which recovers the parameters of the table."""
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
    """Return the cost of the full table: per step two products of the batch with `w1`'s shape, and passes over `w1`.

    Once, the objective at the end takes two such products of all rows, and `w1` is copied some times.
    """
    rows = batch_size or problem.n_rows
    all_entries = table_entries(problem, params)
    entries = all_entries * rows // problem.n_rows
    networks = params.n_networks or 1
    numbers = params.n_inputs * params.n_hidden
    itemsize = params.dtype.itemsize
    step = (
        4 * entries * params.n_hidden / OPERATIONS_PER_SECOND[itemsize]
        + solver.passes_per_step * numbers * itemsize / BYTES_PER_SECOND
    )
    once = 4 * all_entries * params.n_hidden / OPERATIONS_PER_SECOND[itemsize]
    once += WEIGHT_COPIES * numbers * itemsize / BYTES_PER_SECOND
    return TrainingCost(networks * once, networks * step)


def span_cost(
    problem: Problem, params: Params, solver: Solver, batch_size: int | None
) -> TrainingCost:
    """Return the cost of the span: one pass over the table, one product to recover `w1`, and small products per step."""
    n = problem.n_rows
    networks = params.n_networks or 1
    itemsize = params.dtype.itemsize
    entries = table_entries(problem, params)
    once = (
        2 * entries * n + 4 * entries * params.n_hidden * networks + n**3 / 3
    ) / OPERATIONS_PER_SECOND[itemsize]
    once += 3 * params.n_inputs * params.n_hidden * networks * itemsize / BYTES_PER_SECOND
    step = entries_per_step(problem, params, solver, batch_size) * params.n_hidden
    step = (
        2 * step / OPERATIONS_PER_SECOND[itemsize]
        + solver.passes_per_step * n * params.n_hidden * itemsize / BYTES_PER_SECOND
    )
    return TrainingCost(once, networks * step)


def table_entries(problem: Problem, params: Params) -> int:
    """Return the entries of the table that a product reads; of a sparse one ten times as many, as they are out of order."""
    dense = hasattr(problem.x, "flags")
    return problem.n_rows * params.n_inputs if dense else 10 * problem.x.nnz


def entries_per_step(
    problem: Problem, params: Params, solver: Solver, batch_size: int | None
) -> int:
    """Return the entries of small tables that a step in the span multiplies with.

    A solver with the form `GramSpan` needs `k` once; one that always takes all rows, the triangular factor twice, without
    its zeros; the others the factor's rows, twice.
    """
    n = problem.n_rows
    width = min(n, params.n_inputs)
    if get_engine("compiled").takes_gram(problem, params, solver, batch_size is not None):
        return n * n
    if solver.full_batch:
        return 2 * n * width - width * width
    return 2 * (batch_size or n) * width


def training_vectors(solver: Solver) -> int:
    """Return how many vectors as long as the weights one network's training holds in memory."""
    return solver.vectors_kept + WORKING_VECTORS


def full_table_size(problem: Problem, params: Params, solver: Solver) -> int:
    """Return how many numbers the table and the training's vectors are."""
    stored = problem.x.size if hasattr(problem.x, "flags") else problem.x.nnz
    networks = params.n_networks or 1
    return stored + training_vectors(solver) * params.n_inputs * params.n_hidden * networks


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
    """Return the named engine, checked; for "auto", the one that is expected to be fastest.

    Raises
    ------
    EngineError
        If the engine or device is unknown, missing, or cannot do this.
    InputError
        If `span` is True and would not be exact here.
    """
    check_device(engine, device)
    span = flag(span, "span", ("auto",))
    full = full_table_cost(problem, params, solver, batch_size)
    spanned, why_span = choose_span(problem, params, solver, engine, span, full, steps, batch_size)
    name, why = engine, f"engine '{engine}' was chosen by name"
    if engine == "auto":
        seconds = full.of(steps)
        name, why = choose_engine_name(problem, params, solver, device, spanned, seconds)
        refusal = get_available_engine(name).refusal(problem, params, solver, spanned)
        if refusal and span == "auto" and not solver.not_in_span:
            spanned, why_span = True, f"the span, because {refusal.subject} {refusal.reason}"
            name, why = choose_engine_name(problem, params, solver, device, spanned, seconds)
    worker = get_available_engine(name)
    if refusal := worker.refusal(problem, params, solver, spanned):
        raise EngineError(str(refusal))
    form: Any = None
    if spanned:
        gram = worker.takes_gram(problem, params, solver, batch_size is not None)
        form = spans.GramSpan if gram else spans.RotatedSpan
    return EngineChoice(worker, worker.check_device(device), form, f"{why}; {why_span}")


def check_device(engine: Any, device: Any) -> None:
    """Raise EngineError if this engine cannot run on this device, whatever is to be trained."""
    if not isinstance(engine, str) or engine != "auto":
        get_engine(engine)
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
    full: TrainingCost,
    steps: int,
    batch_size: int | None,
) -> tuple[bool, str]:
    """Return whether the span is used, and why."""
    l1 = problem.objective.l1
    if span is True and solver.not_in_span:
        others = solvers_that(lambda other: not other.not_in_span)
        raise InputError(
            f"span=True cannot be exact with {solver.label}: {solver.not_in_span}; use solver={others}, or leave span out"
        )
    if span is True and l1:
        raise InputError(
            "span=True cannot be exact with l1, which weighs every column by itself and so leaves the span of the rows: "
            "leave span out, or use alpha instead of l1"
        )
    if span is True:
        return True, "the span was chosen by span=True"
    if span is False:
        return False, "the full table was chosen by span=False"
    if engine != "auto":
        return False, "a named engine runs the program as written"
    if solver.not_in_span or l1:
        return (
            False,
            f"the full table, as {'l1' if l1 else solver.label} leaves the span of the rows",
        )
    shape = f"{problem.n_rows} rows and {params.n_inputs} columns"
    room = 3 * problem.n_rows**2
    if room > max(LARGE_SPAN, full_table_size(problem, params, solver)):
        gigabytes = room * params.dtype.itemsize / 1e9
        return False, f"the full table, as the span of {shape} takes {gigabytes:.2g} GB"
    short = span_cost(problem, params, solver, batch_size)
    if steps and short.step < full.step and short.of(steps) < full.of(steps):
        times = full.step / short.step
        return True, f"the span, as {shape} make its steps about {times:.2g} times shorter"
    return False, f"the full table, as the span of {shape} saves no time in {steps} steps"


def choose_engine_name(
    problem: Problem, params: Params, solver: Solver, device: str, spanned: bool, seconds: float
) -> tuple[str, str]:
    """Return the name of the engine for `engine="auto"`, and why."""
    if device not in ("cpu", "auto"):
        return "torch", f"engine 'torch' for device '{device}'"
    if device == "auto" and seconds > GPU_THRESHOLD and not spanned and cuda_available():
        return "torch", "engine 'torch', as the training is long enough for a GPU"
    compiled = get_engine("compiled")
    refusal = compiled.missing() or compiled.refusal(problem, params, solver, spanned)
    if refusal:
        return "numpy", f"engine 'numpy', as {refusal.subject} {refusal.reason}"
    return "compiled", "engine 'compiled', machine code"


def cuda_available() -> bool:
    """Return whether PyTorch is installed and sees a CUDA device."""
    if find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()

"""The same program on PyTorch tensors: by hand, with autograd, and with a custom autograd function.

The three differ in one method, `loss_and_gradients`: who computes the gradient.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.engines.contract import Batch, Engine, Library, TrainingState
from twolayer.errors import EngineError
from twolayer.maths.activations import Activation, Relu
from twolayer.maths.network import (
    Objective,
    Params,
    absolute_sum,
    loss_and_gradients,
    objective_value,
)
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver
from twolayer.text import plural

if TYPE_CHECKING:
    import torch

TORCH_INSTALL = "pip install 'twolayer[torch]'"


class TorchEngine(Engine):
    """Tensors on any device torch names, gradients by hand: NumPy's lines, with torch's functions under them."""

    name = "torch"
    summary = "torch tensors, gradients by hand"
    library = Library("torch", "PyTorch", TORCH_INSTALL)
    libraries = ("numpy", "torch")

    def check_device(self, device: str) -> str:
        import torch

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            place = torch.device(device)
        except (RuntimeError, TypeError):
            raise EngineError(
                f"'{device}' is not a device: use cpu, cuda, cuda:1, or auto"
            ) from None
        if place.type == "cuda":
            count = torch.cuda.device_count() if torch.cuda.is_available() else 0
            if count == 0:
                raise EngineError(
                    f"device '{device}' needs a CUDA device, and PyTorch sees none here: use device='cpu'"
                )
            if place.index is not None and place.index >= count:
                raise EngineError(
                    f"device '{device}' does not exist: PyTorch sees {plural(count, 'CUDA device')} here, so use cuda:0"
                    + (f" to cuda:{count - 1}" if count > 1 else "")
                )
        try:
            (torch.empty(1, device=place) + 1).cpu()
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            reason = str(error).strip().splitlines()[0]
            raise EngineError(f"device '{device}' cannot be used here: {reason}") from None
        return str(place)

    def prepare(
        self, problem: Problem, params: Params, solver: Solver, device: str
    ) -> TrainingState:
        own = params.map(lambda array: copied_tensor(array, device))
        return TrainingState(problem_tensors(problem, device), solver, own, solver.start(own))

    def loss_and_gradients(
        self, state: TrainingState, params: Any, batch: Batch
    ) -> tuple[Any, Params]:
        import torch

        x, y, s = batch_tensors(state.problem, batch)
        return loss_and_gradients(
            x,
            y,
            params,
            state.problem.objective,
            s,
            batch.total,
            batch.penalty,
            torch,
            batch.l1,
            batch_mask(state.problem, batch),
        )

    def to_numpy(self, losses: list[Any]) -> np.ndarray:
        import torch

        # One copy to the host for the whole chunk: `.item()` at every step would make the device wait at every step.
        return torch.stack(losses).double().cpu().numpy() if losses else np.zeros(0)

    def host(self, array: Any) -> np.ndarray:
        return array.detach().cpu().numpy()

    def own(self, array: np.ndarray, like: Any) -> Any:
        return like.new_tensor(array)

    def params(self, state: TrainingState) -> Params:
        return state.params.map(self.host).copy()


class TorchAutogradEngine(TorchEngine):
    """Only the forward pass is written; `backward()` computes the gradients."""

    name = "torch-autograd"
    summary = "torch tensors, gradients by autograd"

    def recorded(self, objective: Objective) -> Objective:
        """Return the objective whose forward pass autograd records."""
        return objective

    def loss_and_gradients(
        self, state: TrainingState, params: Any, batch: Batch
    ) -> tuple[Any, Params]:
        import torch

        x, y, s = batch_tensors(state.problem, batch)
        leaves = params.map(lambda w: w.detach().requires_grad_())
        loss = objective_value(
            x,
            y,
            leaves,
            self.recorded(state.problem.objective),
            s,
            batch.total,
            batch.penalty,
            torch,
            batch_mask(state.problem, batch),
        )
        loss.sum().backward()
        value = loss.detach()
        if batch.l1:
            value = value + batch.l1 * absolute_sum(params)
        return value, leaves.map(lambda w: w.grad)


class FunctionRelu(Activation):
    """The rectifier as a `torch.autograd.Function`: forward keeps its input, backward masks the incoming gradient."""

    name = "relu"

    def value(self, h: Any, xp: Any = None) -> Any:
        return _rectifier().apply(h)


AUTOGRAD_FUNCTIONS: dict[type[Activation], Activation] = {Relu: FunctionRelu()}


class TorchFunctionEngine(TorchAutogradEngine):
    """Autograd, but the rectifier is a custom function: a forward and a backward, as a pair."""

    name = "torch-function"
    summary = "autograd with our own rectifier"

    def recorded(self, objective: Objective) -> Objective:
        activation = AUTOGRAD_FUNCTIONS.get(type(objective.activation), objective.activation)
        return replace(objective, activation=activation)


_RECTIFIER: Any = None


def _rectifier() -> Any:
    """Return the autograd function, made when torch is first used."""
    global _RECTIFIER
    if _RECTIFIER is None:
        import torch

        class Rectifier(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, h: torch.Tensor) -> torch.Tensor:
                ctx.save_for_backward(h)
                return h.clamp(min=0)

            @staticmethod
            def backward(ctx: Any, grad_h_relu: torch.Tensor) -> torch.Tensor:
                (h,) = ctx.saved_tensors
                return grad_h_relu * (h >= 0)

        _RECTIFIER = Rectifier
    return _RECTIFIER


def copied_tensor(array: np.ndarray, device: str) -> torch.Tensor:
    """Return a tensor with memory of its own, on that device."""
    import torch

    array = np.ascontiguousarray(array)
    # an axis of length 1 may keep a negative stride and count as contiguous, but not for torch
    if min(array.strides) < 0:
        array = array.copy()
    return torch.tensor(array, device=device)


def problem_tensors(problem: Problem, device: str) -> Problem:
    """Return the problem with its table as tensors on that device."""
    s = None if problem.s is None else copied_tensor(problem.s, device)
    return Problem(
        copied_tensor(problem.x, device),
        copied_tensor(problem.y, device),
        s,
        problem.objective,
        problem.total,
    )


def batch_tensors(problem: Problem, batch: Batch) -> tuple[Any, Any, Any]:
    """Return the rows of x, y and the row weights that a batch takes."""
    x, y, s = problem.x, problem.y, problem.s
    if batch.rows is None:
        return x, y, s
    import torch

    rows = batch.rows
    if not isinstance(rows, slice):
        rows = torch.as_tensor(rows, device=x.device)
    return x[rows], y[rows], None if s is None else s[rows]


def batch_mask(problem: Problem, batch: Batch) -> torch.Tensor | None:
    """Return dropout's mask on the table's device, or None."""
    if batch.mask is None:
        return None
    import torch

    return torch.as_tensor(batch.mask, device=problem.x.device)

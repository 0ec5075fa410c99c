"""The last rung: `nn.Sequential` for the network, a loss module, and `torch.optim` for the update.

Two things differ from the usual way to write it, and both are needed to get the ladder's numbers. `nn.ReLU` has slope 0
at exactly 0 and the tutorial 1, so the rectifier is a module of one line around `clip`. And `nn.Linear` keeps weights as
(outputs, inputs), the transpose of `w1` and `w2`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.engines.contract import Batch, BatchPlan, TrainingState, same_form
from twolayer.engines.torch_engines import (
    TorchEngine,
    batch_mask,
    batch_tensors,
    copied_tensor,
    problem_tensors,
)
from twolayer.maths.losses import Loss, SumOfSquares
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver
from twolayer.solvers.adam import Adam
from twolayer.solvers.contract import all_finite
from twolayer.solvers.gd import GradientDescent

if TYPE_CHECKING:
    import torch


def sgd_optimiser(groups: list[dict[str, Any]], solver: Any) -> torch.optim.Optimizer:
    """Return torch's gradient descent with the solver's settings."""
    import torch

    return torch.optim.SGD(
        groups, lr=solver.learning_rate, momentum=solver.momentum, nesterov=solver.nesterov
    )


def adam_optimiser(groups: list[dict[str, Any]], solver: Any) -> torch.optim.Optimizer:
    """Return torch's Adam with the solver's settings."""
    import torch

    betas = (solver.beta1, solver.beta2)
    return torch.optim.Adam(groups, lr=solver.learning_rate, betas=betas, eps=solver.epsilon)


def summed_mse() -> torch.nn.Module:
    """Return torch's module for the sum of squares."""
    import torch

    return torch.nn.MSELoss(reduction="sum")


OPTIMISERS: dict[type[Solver], Callable[..., Any]] = {
    GradientDescent: sgd_optimiser,
    Adam: adam_optimiser,
}
OPTIMISER_ENTRIES: dict[type[Solver], tuple[str, ...]] = {  # of torch's memory of a weight
    GradientDescent: ("momentum_buffer",),
    Adam: ("step", "exp_avg", "exp_avg_sq"),
}
LOSS_MODULES: dict[type[Loss], Callable[[], Any]] = {SumOfSquares: summed_mse}  # unweighted rows


class TorchNnEngine(TorchEngine):
    """The network as torch's own modules, moved by torch's own optimisers."""

    name = "torch-nn"
    summary = "nn.Sequential and torch.optim"
    solvers = tuple(OPTIMISERS)
    takes_many = False
    takes_l1 = False
    substitute = "torch"

    def prepare(
        self, problem: Problem, params: Params, solver: Solver, device: str
    ) -> TrainingState:
        network = build_network(params, problem, device)
        return TrainingState(
            problem_tensors(problem, device), solver, network, build_optimizer(solver, network)
        )

    def advance(self, state: TrainingState, plan: BatchPlan) -> np.ndarray:
        network, optimizer = state.params, state.memory
        losses = []
        for batch in plan:
            # torch's weight decay adds decay·w to the gradient: our ½·penalty·‖w‖²
            optimizer.param_groups[0]["weight_decay"] = batch.penalty
            loss, decay = self._objective(state, network, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach() + decay)
        return self.to_numpy(losses)

    def loss_and_gradients(
        self, state: TrainingState, params: Any, batch: Batch
    ) -> tuple[Any, Params]:
        network = params
        network.zero_grad()
        loss, decay = self._objective(state, network, batch)
        loss.backward()
        gradients = network_params(network, lambda tensor: tensor.grad.detach().clone())
        if batch.penalty:
            weights = network_params(network, lambda tensor: tensor.detach())
            for (name, gradient), (_, w) in zip(gradients.items(), weights.items(), strict=True):
                if name.startswith("w"):
                    gradient += batch.penalty * w
        return loss.detach() + decay, gradients

    def _objective(self, state: TrainingState, network: Any, batch: Batch) -> tuple[Any, Any]:
        """Return the loss that autograd differentiates, and the objective's penalty, which the optimiser adds itself."""
        import torch

        x, y, s = batch_tensors(state.problem, batch)
        rule = state.problem.objective.loss
        network.hidden.mask = batch_mask(state.problem, batch)
        y_pred = network(x)
        module = LOSS_MODULES.get(type(rule)) if s is None else None
        loss = module()(y_pred, y) if module else rule.value(y_pred, y, s, batch.total, torch)
        decay = 0.0
        if batch.penalty:
            with torch.no_grad():
                weights = network.weights()
                decay = 0.5 * batch.penalty * sum(w.square().sum() for w in weights)
        return loss, decay

    def params(self, state: TrainingState) -> Params:
        return network_params(state.params, self.host).copy()

    def state_dict(self, state: TrainingState) -> dict[str, Any]:
        memory = state.memory.state_dict()["state"]
        return {
            "params": self._plain(dict(state.params.state_dict())),
            "memory": {str(place): self._plain(one) for place, one in memory.items()},
        }

    def state_fits(self, state: TrainingState, stored: Any, steps: int) -> bool:
        # torch makes the memory of a weight at the first step; without momentum it has none, or an empty entry
        weights = [w for group in state.memory.param_groups for w in group["params"]]
        names, counter = OPTIMISER_ENTRIES[type(state.solver)], np.array(steps, np.float32)
        memory: dict[str, Any] = {
            str(place): {name: counter if name == "step" else self.host(w) for name in names}
            for place, w in enumerate(weights)
        }
        unmoved = "momentum_buffer" in names and not state.solver.vectors_kept
        if unmoved and isinstance(stored, dict) and isinstance(stored.get("memory"), dict):
            empty = [one in ({}, {"momentum_buffer": None}) for one in stored["memory"].values()]
            memory = (
                stored["memory"] if all(empty) and set(stored["memory"]) <= set(memory) else memory
            )
        like = {"params": self._plain(dict(state.params.state_dict())), "memory": memory}
        if not same_form(stored, like) or not all_finite(stored):
            return False
        return all(one["step"] == steps for one in stored["memory"].values() if "step" in one)

    def load_state_dict(self, state: TrainingState, stored: dict[str, Any]) -> None:
        import torch

        def tensors(arrays: dict[str, Any]) -> dict[str, Any]:
            return {
                name: None if array is None else torch.tensor(array)
                for name, array in arrays.items()
            }

        state.params.load_state_dict(tensors(stored["params"]))
        memory = {int(place): tensors(one) for place, one in stored["memory"].items()}
        groups = state.memory.state_dict()["param_groups"]
        state.memory.load_state_dict({"state": memory, "param_groups": groups})


def build_network(params: Params, problem: Problem, device: str) -> Any:
    """Return `nn.Sequential` with these weights; with a skip layer, a second `nn.Linear` beside it."""
    import torch
    from torch import nn

    rule = problem.objective.activation

    class Activation(nn.Module):
        mask: torch.Tensor | None = (
            None  # nn.Dropout would draw its own, and not the other engines'
        )

        def forward(self, h: torch.Tensor) -> torch.Tensor:
            h_relu = rule.value(h, torch)
            return h_relu if self.mask is None else h_relu * self.mask

    def linear(w: np.ndarray, b: np.ndarray | None) -> nn.Linear:
        layer = nn.Linear(w.shape[0], w.shape[1], bias=b is not None)
        layer.weight = nn.Parameter(copied_tensor(np.ascontiguousarray(w.T), device))
        if b is not None:
            layer.bias = nn.Parameter(copied_tensor(b, device))
        return layer

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = Activation()
            self.path = nn.Sequential(
                linear(params.w1, params.b1), self.hidden, linear(params.w2, params.b2)
            )
            self.skip = None if params.w_skip is None else linear(params.w_skip, None)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y_pred = self.path(x)
            return y_pred if self.skip is None else y_pred + self.skip(x)

        def weights(self) -> list[torch.Tensor]:
            return [tensor for name, tensor in self.named_parameters() if name.endswith("weight")]

        def biases(self) -> list[torch.Tensor]:
            return [tensor for name, tensor in self.named_parameters() if name.endswith("bias")]

    return Network()


def network_params(network: Any, take: Any) -> Params:
    """Return `take(tensor)` of each of the network's tensors, as the `w1`, `b1`, ... of Params."""
    first, _, second = network.path

    def weight(layer: Any) -> Any:
        return None if layer is None else take(layer.weight).T

    def bias(layer: Any) -> Any:
        return None if layer.bias is None else take(layer.bias)

    return Params(weight(first), bias(first), weight(second), bias(second), weight(network.skip))


def build_optimizer(solver: Solver, network: Any) -> torch.optim.Optimizer:
    """Return torch's optimiser of the same rule; its second group is the biases, which do not decay."""
    groups = [{"params": network.weights()}, {"params": network.biases()}]
    groups = [group for group in groups if group["params"]]
    return OPTIMISERS[type(solver)](groups, solver)

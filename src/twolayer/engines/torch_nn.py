"""The last rung: `nn.Sequential` for the network, a loss module, and `torch.optim` for the update.

Two things differ from what most people would type, and both are needed to get the ladder's numbers. `nn.ReLU` has slope 0
at exactly 0 and the tutorial 1, so the rectifier is a module of one line around `clip`. And `nn.Linear` keeps weights as
(outputs, inputs), the transpose of `w1` and `w2`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twolayer.engines.contract import Batch, Plan, State
from twolayer.engines.torch_engines import (
    TorchEngine,
    batch_mask,
    batch_tensors,
    copied_tensor,
    problem_tensors,
)
from twolayer.maths.losses import SumOfSquares
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver
from twolayer.solvers.adam import Adam
from twolayer.solvers.gd import GradientDescent

if TYPE_CHECKING:
    import torch


class TorchNnEngine(TorchEngine):
    """The network as torch's own modules, moved by torch's own optimisers."""

    name = "torch-nn"
    summary = "nn.Sequential and torch.optim"

    def cannot(
        self, problem: Problem, params: Params, solver: Solver, spanned: bool = False
    ) -> str | None:
        if params.n_networks is not None:
            return "engine 'torch-nn' trains one network at a time: use engine='torch'"
        if not isinstance(solver, (GradientDescent, Adam)):
            return f"engine 'torch-nn' has no solver '{solver.name}': use engine='torch-autograd'"
        if problem.objective.l1:
            return "engine 'torch-nn' has no l1, as torch.optim has none: use engine='torch'"
        return super().cannot(problem, params, solver, spanned)

    def prepare(self, problem: Problem, params: Params, solver: Solver, device: str) -> State:
        network = build_network(params, problem, device)
        return State(
            problem_tensors(problem, device), solver, network, build_optimizer(solver, network)
        )

    def advance(self, state: State, plan: Plan) -> np.ndarray:
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

    def loss_and_gradients(self, state: State, params: Any, batch: Batch) -> tuple[Any, Params]:
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

    def _objective(self, state: State, network: Any, batch: Batch) -> tuple[Any, Any]:
        """The loss that autograd differentiates, and the decay's part of the objective, which the optimiser adds itself."""
        import torch

        x, y, s = batch_tensors(state.problem, batch)
        loss_rule = state.problem.objective.loss
        network.hidden.mask = batch_mask(state.problem, batch)
        y_pred = network(x)
        if isinstance(loss_rule, SumOfSquares) and s is None:
            loss = torch.nn.MSELoss(reduction="sum")(y_pred, y)
        else:
            loss = loss_rule.value(y_pred, y, s, batch.total, torch)
        decay = 0.0
        if batch.penalty:
            with torch.no_grad():
                weights = network.weights()
                decay = 0.5 * batch.penalty * sum(w.square().sum() for w in weights)
        return loss, decay

    def params(self, state: State) -> Params:
        return network_params(state.params, self.host).copy()

    def state_dict(self, state: State) -> dict[str, Any]:
        memory = state.memory.state_dict()["state"]
        return {
            "params": self._told(dict(state.params.state_dict())),
            "memory": {str(place): self._told(one) for place, one in memory.items()},
        }

    def load_state_dict(self, state: State, kept: dict[str, Any]) -> None:
        import torch

        def tensors(arrays: dict[str, Any]) -> dict[str, Any]:
            return {
                name: None if array is None else torch.tensor(array)
                for name, array in arrays.items()
            }

        state.params.load_state_dict(tensors(kept["params"]))
        memory = {int(place): tensors(one) for place, one in kept["memory"].items()}
        groups = state.memory.state_dict()["param_groups"]
        state.memory.load_state_dict({"state": memory, "param_groups": groups})


def build_network(params: Params, problem: Problem, device: str) -> Any:
    """`nn.Sequential` with these weights; with a skip layer, a second `nn.Linear` beside it."""
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
    """`take(tensor)` of each of the network's tensors, in the places of our `w1`, `b1`, ..."""
    first, _, second = network.path

    def weight(layer: Any) -> Any:
        return None if layer is None else take(layer.weight).T

    def bias(layer: Any) -> Any:
        return None if layer.bias is None else take(layer.bias)

    return Params(weight(first), bias(first), weight(second), bias(second), weight(network.skip))


def build_optimizer(solver: Solver, network: Any) -> torch.optim.Optimizer:
    """Torch's optimiser of the same rule; the weights in its first group, the biases, free of decay, in its second."""
    import torch

    groups = [{"params": network.weights()}, {"params": network.biases()}]
    groups = [group for group in groups if group["params"]]
    if isinstance(solver, Adam):
        return torch.optim.Adam(
            groups, lr=solver.learning_rate, betas=(solver.beta1, solver.beta2), eps=solver.epsilon
        )
    assert isinstance(solver, GradientDescent)
    return torch.optim.SGD(
        groups, lr=solver.learning_rate, momentum=solver.momentum, nesterov=solver.nesterov
    )

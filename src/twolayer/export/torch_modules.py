"""Modules for the networks that `nn.Sequential` cannot hold, made of torch's own layers."""

from __future__ import annotations

import math

import torch
from torch import nn

from twolayer.maths.smooth_clip import CLIP_BOUND, LARGEST_UNCLIPPED


class WithSkip(nn.Module):
    """A path through the hidden layer, and a direct one from input to output."""

    def __init__(self, path: nn.Sequential, skip: nn.Linear) -> None:
        super().__init__()
        self.path, self.skip = path, skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.path(x) + self.skip(x)


class SmoothClip(nn.Module):
    """Columns around their medians, in interquartile ranges, clipped smoothly."""

    center: torch.Tensor
    scale: torch.Tensor

    def __init__(self, center: torch.Tensor, scale: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        u = ((x - self.center) / self.scale).clamp(-LARGEST_UNCLIPPED, LARGEST_UNCLIPPED)
        return u / torch.sqrt(1 + (u / CLIP_BOUND) ** 2)


class WithClip(nn.Module):
    """A network behind the clip of its columns."""

    def __init__(self, clip: SmoothClip, network: nn.Module) -> None:
        super().__init__()
        self.clip, self.network = clip, network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(self.clip(x))


class MeanOutput(nn.Module):
    """The mean output of several networks."""

    def __init__(self, networks: list[nn.Module], temperature: float = 1.0) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.temperature = temperature

    def outputs(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([network(x) for network in self.networks])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outputs(x).mean(0)


class LogMeanCount(MeanOutput):
    """The logarithm of the mean count of several networks, whose outputs are logarithms of counts."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.logsumexp(self.outputs(x), 0) - math.log(len(self.networks))


class SoftmaxMeanLogits(MeanOutput):
    """The logits of the mean probability of several networks, softmax over classes; divided by the temperature."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        log_probabilities = torch.log_softmax(self.outputs(x), -1)
        logits = torch.logsumexp(log_probabilities, 0) - math.log(len(self.networks))
        return logits / self.temperature


class SigmoidMeanLogits(MeanOutput):
    """The logits of the mean probability of several networks, one logit per output; divided by the temperature."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = self.outputs(x)
        yes = torch.logsumexp(nn.functional.logsigmoid(outputs), 0)
        no = torch.logsumexp(nn.functional.logsigmoid(-outputs), 0)
        return (yes - no) / self.temperature

"""twolayer: neural networks with one hidden layer, explained line by line, exact and fast on wide tables."""

from twolayer.engines import engines
from twolayer.errors import (
    DivergedError,
    EngineError,
    FileError,
    InputError,
    TwoLayerError,
    TwoLayerWarning,
)
from twolayer.inspection.trace import trace
from twolayer.maths.network import Params
from twolayer.program import forward, init_params, loss_and_gradients
from twolayer.training import Progress, Run, train

__version__ = "0.1.0"

__all__ = [
    "DivergedError",
    "EngineError",
    "FileError",
    "InputError",
    "Params",
    "Progress",
    "Run",
    "TwoLayerError",
    "TwoLayerWarning",
    "engines",
    "forward",
    "init_params",
    "loss_and_gradients",
    "trace",
    "train",
]

"""twolayer: neural networks with one hidden layer, explained line by line, exact and fast on wide tables."""

from typing import TYPE_CHECKING, Any

from twolayer._version import __version__
from twolayer.engines import engines
from twolayer.errors import (
    ConcurrentFitError,
    DivergedError,
    EngineError,
    FileError,
    InputError,
    TwoLayerError,
    TwoLayerWarning,
)
from twolayer.export import from_sklearn, from_torch, to_numpy_code, to_onnx, to_sklearn, to_torch
from twolayer.functional import forward, init_params, loss_and_gradients
from twolayer.maths.custom import OwnActivation, OwnLoss
from twolayer.maths.losses import Huber, Quantile
from twolayer.maths.network import Params
from twolayer.saving import load, save
from twolayer.training.checkpoints import checkpointed
from twolayer.training.loop import Progress
from twolayer.training.train import Run, train
from twolayer.tutorial.trace import trace

if TYPE_CHECKING:
    from twolayer.estimators import (
        TwoLayerClassifier,
        TwoLayerClassifierCV,
        TwoLayerRegressor,
        TwoLayerRegressorCV,
    )

__all__ = [
    "ConcurrentFitError",
    "DivergedError",
    "EngineError",
    "FileError",
    "Huber",
    "InputError",
    "OwnActivation",
    "OwnLoss",
    "Params",
    "Progress",
    "Quantile",
    "Run",
    "TwoLayerClassifier",
    "TwoLayerClassifierCV",
    "TwoLayerError",
    "TwoLayerRegressor",
    "TwoLayerRegressorCV",
    "TwoLayerWarning",
    "__version__",
    "checkpointed",
    "engines",
    "forward",
    "from_sklearn",
    "from_torch",
    "init_params",
    "load",
    "loss_and_gradients",
    "save",
    "to_numpy_code",
    "to_onnx",
    "to_sklearn",
    "to_torch",
    "trace",
    "train",
]

ESTIMATORS = (
    "TwoLayerClassifier",
    "TwoLayerClassifierCV",
    "TwoLayerRegressor",
    "TwoLayerRegressorCV",
)


def __getattr__(name: str) -> Any:
    """The estimators, loaded when they are first asked for: scikit-learn takes a second to import."""
    if name in ESTIMATORS:
        from twolayer import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'twolayer' has no attribute '{name}'")

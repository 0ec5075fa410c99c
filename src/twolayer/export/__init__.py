"""A trained network in the forms that other programs read, and back: ONNX, PyTorch, scikit-learn, plain NumPy code."""

from twolayer.export.numpy_code import to_numpy_code
from twolayer.export.onnx_file import to_onnx
from twolayer.export.sklearn_mlp import from_sklearn, to_sklearn
from twolayer.export.torch_layers import from_torch, to_torch

__all__ = ["from_sklearn", "from_torch", "to_numpy_code", "to_onnx", "to_sklearn", "to_torch"]

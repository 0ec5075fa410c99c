"""A network as PyTorch's own layers, and back."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from twolayer import saving
from twolayer.errors import FileError, InputError
from twolayer.export import content as contents
from twolayer.export.content import ExportContent, export_content
from twolayer.maths.activations import LEAKY_SLOPE
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_params

# From here on torch's softplus is h itself: by then the difference is below 1e-17, and exp(h) still a number in float32.
# Its own default is 20, where the difference is 2e-9.
SOFTPLUS_THRESHOLD = 40
LEAST_THRESHOLD = 20
TORCH_SUFFIXES = (".pt", ".pt2")


def to_torch(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    activation: Any = None,
    dtype: Any = None,
) -> Any:
    """Turn a network into torch's own layers.

    The module gives what `twolayer.forward` gives. Of a classifier these are logits, as torch's losses take them, whose
    softmax (of two classes or of labels, logistic function) are the probabilities; of counts, logarithms. It is
    `nn.Sequential(nn.Linear, activation, nn.Linear)`; with a skip layer, or for an average of several networks, a small
    module around such ones.

    Parameters
    ----------
    model : Params, Run, or fitted estimator
        Several networks of an estimator are averaged, as it does.
    path : str, Path or None
        Where to write it. Ending in `.pt2`: the whole program, for `torch.export.load(path).module()`, which needs neither
        twolayer nor any code, and whose `extra_files` name activation, columns and classes. Ending in `.pt`: the weights
        alone, for `load_state_dict(torch.load(path))`. None writes no file.
    activation : str or None
        For Params, which do not know theirs; None is "relu".
    dtype : {"float64", "float32"} or None
        What the weights are turned into; None leaves them as they are: of an estimator float64.

    Returns
    -------
    module : torch.nn.Module
        On the CPU; its weights are copies.

    Raises
    ------
    InputError
        If the model cannot be exported: not fitted, or with an activation of one's own.
    EngineError
        If torch is not installed.
    FileError
        If the file cannot be written; what was there before is still there.

    Examples
    --------
    >>> import twolayer as tl
    >>> tl.to_torch(tl.init_params(3, 2, 1), activation="tanh")
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=True)
      (1): Tanh()
      (2): Linear(in_features=2, out_features=1, bias=True)
    )
    """
    contents.import_or_raise("torch", "PyTorch", "torch")
    content = export_content(model, activation, dtype)
    contents.check_activation_form(content, activation_modules(), "torch")
    if path is not None and Path(path).suffix not in TORCH_SUFFIXES:
        raise FileError(
            f"{path} must end in .pt2 (the whole program) or .pt (the weights): these are torch's files"
        )
    module = torch_module(content)
    if path is not None:
        saving.write_files({path: torch_file_bytes(module, content, Path(path).suffix)})
    return module


def torch_module(content: ExportContent) -> Any:
    """The module with these weights."""
    if content.params.n_networks is None:
        return network_module(contents.fold_in_temperature(content), content.activation)
    networks = [network_module(params, content.activation) for params in content.networks()]
    return average_module(content)(networks, content.temperature)


def average_module(content: ExportContent) -> Any:
    """The kind of average that several networks make."""
    from twolayer.export import torch_modules

    if content.answer == contents.CLASS_KIND:
        return torch_modules.SoftmaxMeanLogits
    if content.classes is not None:
        return torch_modules.SigmoidMeanLogits
    return torch_modules.LogMeanCount if content.logged else torch_modules.MeanOutput


def network_module(params: Params, activation: str) -> Any:
    """One network."""
    from torch import nn

    from twolayer.export.torch_modules import WithSkip

    path = nn.Sequential(
        linear_module(params.w1, params.b1),
        activation_modules()[activation],
        linear_module(params.w2, params.b2),
    )
    return path if params.w_skip is None else WithSkip(path, linear_module(params.w_skip, None))


def activation_modules() -> dict[str, Any]:
    """Each activation as torch's own module."""
    from torch import nn

    return {
        "relu": nn.ReLU(),
        "identity": nn.Identity(),
        "tanh": nn.Tanh(),
        "logistic": nn.Sigmoid(),
        "leaky_relu": nn.LeakyReLU(LEAKY_SLOPE),
        "softplus": nn.Softplus(threshold=SOFTPLUS_THRESHOLD),
        "gelu": nn.GELU(),
    }


def linear_module(w: np.ndarray, b: np.ndarray | None) -> Any:
    """`nn.Linear` of these weights: it keeps them as (outputs, inputs)."""
    import torch
    from torch import nn

    layer = nn.Linear(w.shape[0], w.shape[1], bias=b is not None, device="meta")
    layer.weight = nn.Parameter(torch.from_numpy(w.T.copy(order="C")))
    if b is not None:
        layer.bias = nn.Parameter(torch.from_numpy(b.copy()))
    return layer


def torch_file_bytes(module: Any, content: ExportContent, suffix: str) -> bytes:
    """The contents of the file."""
    import torch

    buffer = io.BytesIO()
    if suffix == ".pt":
        torch.save(module.state_dict(), buffer)
        return buffer.getvalue()
    rows = torch.zeros((2, content.params.n_inputs), dtype=next(module.parameters()).dtype)
    any_number = {0: torch.export.Dim("n_rows")}
    program = torch.export.export(module, (rows,), dynamic_shapes=(any_number,))
    torch.export.save(program, buffer, extra_files=content.facts())
    return buffer.getvalue()


def loading_code(content: ExportContent, path: Any) -> str:
    """The lines of Python that bring the module back."""
    if Path(path).suffix == ".pt2":
        return f'torch.export.load("{path}").module()'
    params = content.params
    if params.w_skip is not None or params.n_networks is not None:
        return f'twolayer.to_torch(model).load_state_dict(torch.load("{path}")); without twolayer: write a .pt2'
    n_inputs, n_hidden, n_outputs = params.n_inputs, params.n_hidden, params.n_outputs
    no_b1 = "" if params.b1 is not None else ", bias=False"
    no_b2 = "" if params.b2 is not None else ", bias=False"
    dtype = "" if params.dtype == np.float32 else ".double()"
    return (
        f"module = nn.Sequential(nn.Linear({n_inputs}, {n_hidden}{no_b1}), nn.{activation_modules()[content.activation]}, "
        f"nn.Linear({n_hidden}, {n_outputs}{no_b2})){dtype}\n"
        f'module.load_state_dict(torch.load("{path}"))'
    )


def from_torch(module: Any) -> tuple[Params, str]:
    """Read a network with one hidden layer from torch's layers.

    Parameters
    ----------
    module : torch.nn.Module
        `nn.Sequential(nn.Linear, activation, nn.Linear)`, or what `to_torch` makes of a network with a skip layer or of
        several networks. The activation is ReLU, Tanh, Sigmoid, LeakyReLU(0.01), Softplus, GELU or Identity; dropout, which
        does nothing in prediction, may stand anywhere.

    Returns
    -------
    params : Params
        Copies of the weights, to the last bit; for several networks with one more axis in front.
    activation : str
        For `twolayer.forward` and `twolayer.train`.

    Raises
    ------
    InputError
        If it is anything else; the message says which layer.

    Examples
    --------
    >>> import twolayer as tl
    >>> from torch import nn
    >>> tl.from_torch(nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1)))
    (Params(n_inputs=3, n_hidden=2, n_outputs=1, bias=True, skip=False, dtype=float32), 'tanh')
    """
    contents.import_or_raise("torch", "PyTorch", "torch")
    from twolayer.export import torch_modules

    if not isinstance(module, torch_modules.MeanOutput):
        return network_from_module(module)
    read = [network_from_module(network) for network in module.networks]
    return Params.stack([params for params, _ in read]), read[0][1]


def network_from_module(module: Any) -> tuple[Params, str]:
    """One network, and its activation."""
    from torch import nn

    from twolayer.export.torch_modules import WithSkip

    w_skip = None
    if isinstance(module, WithSkip):
        w_skip, module = weight_array(module.skip), module.path
    if not isinstance(module, nn.Sequential):
        raise InputError(
            f"only nn.Sequential says by itself what it computes; got {type(module).__name__}: "
            "put its layers in one, nn.Sequential(model.linear1, nn.ReLU(), model.linear2)"
        )
    layers = [layer for layer in module if not isinstance(layer, nn.Dropout)]
    kinds = [type(layer).__name__ for layer in layers]
    linears = [k for k, layer in enumerate(layers) if isinstance(layer, nn.Linear)]
    if linears == [0, 1] and len(layers) == 2:
        layers.insert(1, nn.Identity())
    elif linears != [0, 2] or len(layers) != 3:
        raise InputError(
            "a network with one hidden layer is nn.Sequential(nn.Linear, activation, nn.Linear); "
            f"this one is {', '.join(kinds) or 'empty'}"
        )
    first, middle, last = layers
    params = Params(
        weight_array(first), bias_array(first), weight_array(last), bias_array(last), w_skip
    )
    return checked_params(params), activation_name_of(middle)


def activation_name_of(layer: Any) -> str:
    """Our name of one of torch's activations."""
    from torch import nn

    modules = activation_modules()
    if isinstance(layer, nn.Softplus) and layer.beta == 1 and layer.threshold >= LEAST_THRESHOLD:
        return "softplus"
    for name, ours in modules.items():
        if type(layer) is type(ours) and repr(layer) == repr(ours):  # with the same numbers
            return name
    raise InputError(
        f"the activation nn.{layer} is none of twolayer's: those are "
        f"{', '.join(f'nn.{ours}' for ours in modules.values())}"
    )


def weight_array(layer: Any) -> np.ndarray:
    """(inputs, outputs), as ours are."""
    return tensor_array(layer.weight).T.copy()


def bias_array(layer: Any) -> np.ndarray | None:
    """(outputs,), if there is one."""
    return None if layer.bias is None else tensor_array(layer.bias).copy()


def tensor_array(tensor: Any) -> np.ndarray:
    """A tensor's numbers, if they are of a type that ours can be."""
    import torch

    if tensor.dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"its weights are {tensor.dtype}; twolayer has float32 and float64: module.float() turns them"
        )
    return tensor.detach().cpu().numpy()

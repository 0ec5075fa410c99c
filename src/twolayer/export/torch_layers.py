"""A network as PyTorch's own layers, and back."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from twolayer.errors import FileError, InputError
from twolayer.export.activation_forms import ACTIVATION_FORMS
from twolayer.export.content import (
    ExportContent,
    PredictionKind,
    check_library,
    export_content,
    fold_in_temperature,
)
from twolayer.files import write_files
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_params

TORCH_SUFFIXES = (".pt", ".pt2")


def to_torch(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    activation: Any = None,
    dtype: Any = None,
) -> Any:
    """Return a network as torch's own layers, and write it to a file.

    The module gives what `twolayer.forward` gives: for a classifier logits, as torch's losses take them, whose softmax (for
    two classes or several labels, logistic function) are the probabilities; for counts, logarithms. It is
    `nn.Sequential(nn.Linear, activation, nn.Linear)`; with a skip layer, clipped columns, or for an average of several
    networks, a small module that holds such ones.

    Parameters
    ----------
    model : Params, Run, or fitted estimator
        The networks of an estimator are averaged, as it averages them.
    path : str, Path or None
        Where to write it. Ending in `.pt2`: the whole program, for `torch.export.load(path).module()`, which needs neither
        twolayer nor any code, and whose `extra_files` name activation, columns and classes. Ending in `.pt`: the weights
        alone, for `load_state_dict(torch.load(path))`. None writes no file.
    activation : str or None
        For Params, which hold no activation; None is "relu".
    dtype : {"float64", "float32"} or None
        Of the exported weights; None leaves them as they are, float64 for an estimator.

    Returns
    -------
    module : torch.nn.Module
        On the CPU; its weights are copies.

    Raises
    ------
    InputError
        If the model cannot be exported: it is not fitted, or its activation is a function of the user's own.
    EngineError
        If torch is not installed.
    FileError
        If the file cannot be written; the file that was there before is unchanged.

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
    check_library("torch", "PyTorch", "torch")
    content = export_content(model, activation, dtype)
    if path is not None and Path(path).suffix not in TORCH_SUFFIXES:
        raise FileError(
            f"{path} must end in .pt2 (the whole program) or .pt (the weights): these are torch's files"
        )
    module = torch_module(content)
    if path is not None:
        write_files({path: torch_file_bytes(module, content, Path(path).suffix)})
    return module


def torch_module(content: ExportContent) -> Any:
    """Return the module with these weights."""
    if content.params.n_networks is None:
        return clipped_module(
            network_module(fold_in_temperature(content), content.activation), content
        )
    networks = [network_module(params, content.activation) for params in content.networks()]
    first = content.n_unclipped
    networks[first:] = [clipped_module(one, content) for one in networks[first:]]
    return average_module(content)(networks, content.temperature)


def clipped_module(network: Any, content: ExportContent) -> Any:
    """Return the network behind the clip of its columns, if there is one."""
    import torch

    from twolayer.export.torch_modules import SmoothClip, WithClip

    if content.clip is None:
        return network
    center, scale = (
        torch.from_numpy(one.copy()) for one in (content.clip.center, content.clip.scale)
    )
    return WithClip(SmoothClip(center, scale), network)


def average_module(content: ExportContent) -> Any:
    """Return the class of module that averages several networks."""
    from twolayer.export import torch_modules

    if content.kind == PredictionKind.CLASSES:
        return torch_modules.SoftmaxMeanLogits
    if content.classes is not None:
        return torch_modules.SigmoidMeanLogits
    return torch_modules.LogMeanCount if content.log_link else torch_modules.MeanOutput


def network_module(params: Params, activation: str) -> Any:
    """Return the module of one network."""
    from torch import nn

    from twolayer.export.torch_modules import WithSkip

    path = nn.Sequential(
        linear_module(params.w1, params.b1),
        ACTIVATION_FORMS[activation].torch_module(nn),
        linear_module(params.w2, params.b2),
    )
    return path if params.w_skip is None else WithSkip(path, linear_module(params.w_skip, None))


def linear_module(w: np.ndarray, b: np.ndarray | None) -> Any:
    """Return `nn.Linear` with copies of these weights, which it holds as (outputs, inputs)."""
    import torch
    from torch import nn

    layer = nn.Linear(w.shape[0], w.shape[1], bias=b is not None, device="meta")
    layer.weight = nn.Parameter(torch.from_numpy(w.T.copy(order="C")))
    if b is not None:
        layer.bias = nn.Parameter(torch.from_numpy(b.copy()))
    return layer


def torch_file_bytes(module: Any, content: ExportContent, suffix: str) -> bytes:
    """Return the contents of the file."""
    import torch

    buffer = io.BytesIO()
    if suffix == ".pt":
        torch.save(module.state_dict(), buffer)
        return buffer.getvalue()
    rows = torch.zeros((2, content.params.n_inputs), dtype=next(module.parameters()).dtype)
    any_rows = {0: torch.export.Dim("n_rows")}
    program = torch.export.export(module, (rows,), dynamic_shapes=(any_rows,))
    torch.export.save(program, buffer, extra_files=content.metadata())
    return buffer.getvalue()


def loading_code(content: ExportContent, path: Any) -> str:
    """Return the lines of Python that load the module."""
    from torch import nn

    if Path(path).suffix == ".pt2":
        return f'torch.export.load("{path}").module()'
    params = content.params
    if params.w_skip is not None or params.n_networks is not None or content.clip is not None:
        return (
            "module = twolayer.to_torch(model)  # or, to load it without twolayer, export to a .pt2 file\n"
            f'module.load_state_dict(torch.load("{path}"))'
        )
    n_inputs, n_hidden, n_outputs = params.n_inputs, params.n_hidden, params.n_outputs
    no_b1 = "" if params.b1 is not None else ", bias=False"
    no_b2 = "" if params.b2 is not None else ", bias=False"
    activation = ACTIVATION_FORMS[content.activation].torch_module(nn)
    dtype = "" if params.dtype == np.float32 else ".double()"
    return (
        f"module = nn.Sequential(nn.Linear({n_inputs}, {n_hidden}{no_b1}), nn.{activation}, "
        f"nn.Linear({n_hidden}, {n_outputs}{no_b2})){dtype}\n"
        f'module.load_state_dict(torch.load("{path}"))'
    )


def from_torch(module: Any) -> tuple[Params, str]:
    """Return the weights and the activation of a network with one hidden layer, made of torch's layers.

    Parameters
    ----------
    module : torch.nn.Module
        `nn.Sequential(nn.Linear, activation, nn.Linear)`, or what `to_torch` makes of a network with a skip layer or of
        several networks. The activation is torch's module of one of twolayer's activations, with the same settings (such as
        LeakyReLU with slope 0.01). Dropout, which does nothing in prediction, may be anywhere.

    Returns
    -------
    params : Params
        Copies of the weights, to the last bit; for several networks with one more axis in front.
    activation : str
        For `twolayer.forward` and `twolayer.train`.

    Raises
    ------
    InputError
        If it is anything else; the message names the layer.

    Examples
    --------
    >>> import twolayer as tl
    >>> from torch import nn
    >>> tl.from_torch(nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1)))
    (Params(n_inputs=3, n_hidden=2, n_outputs=1, bias=True, skip=False, dtype=float32), 'tanh')
    """
    check_library("torch", "PyTorch", "torch")
    from twolayer.export import torch_modules

    if not isinstance(module, torch_modules.MeanOutput):
        return network_from_module(module)
    networks, names = zip(*map(network_from_module, module.networks), strict=True)
    return Params.stack(list(networks)), names[0]


def network_from_module(module: Any) -> tuple[Params, str]:
    """Return the weights of one network, and the name of its activation."""
    from torch import nn

    from twolayer.export.torch_modules import WithClip, WithSkip

    w_skip = None
    if isinstance(module, WithClip):
        raise InputError(
            "this module clips its columns, and Params are weights only: read its network alone, module.network, which "
            "takes the columns that module.clip returns"
        )
    if isinstance(module, WithSkip):
        (w_skip, _), module = linear_arrays(module.skip), module.path
    if not isinstance(module, nn.Sequential):
        raise InputError(
            f"from_torch reads nn.Sequential, as other modules do not show what they compute; got {type(module).__name__}: "
            "put its layers in one, nn.Sequential(model.linear1, nn.ReLU(), model.linear2)"
        )
    layers = [layer for layer in module if not isinstance(layer, nn.Dropout)]
    linear = [isinstance(layer, nn.Linear) for layer in layers]
    if linear == [True, True]:
        layers.insert(1, nn.Identity())
    elif linear != [True, False, True]:
        names = ", ".join(type(layer).__name__ for layer in layers)
        raise InputError(
            "a network with one hidden layer is nn.Sequential(nn.Linear, activation, nn.Linear); "
            f"this one is {names or 'empty'}"
        )
    first, middle, last = layers
    params = Params(*linear_arrays(first), *linear_arrays(last), w_skip)
    return checked_params(params), torch_activation_name(middle)


def torch_activation_name(module: Any) -> str:
    """Return our name of one of torch's activations, or raise InputError."""
    from torch import nn

    modules = {name: form.torch_module(nn) for name, form in ACTIVATION_FORMS.items()}
    for name, ours in modules.items():
        if ACTIVATION_FORMS[name].is_torch_module(module, ours):
            return name
    raise InputError(
        f"the activation nn.{module} is not one of twolayer's: those are "
        f"{', '.join(f'nn.{ours}' for ours in modules.values())}"
    )


def linear_arrays(layer: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Return copies of a layer's weights, turned to (inputs, outputs), and of its bias, (outputs,) or None."""
    import torch

    if layer.weight.dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"its weights are {layer.weight.dtype}; twolayer has float32 and float64: module.float() converts them"
        )
    bias = None if layer.bias is None else layer.bias.detach().cpu().numpy().copy()
    return layer.weight.detach().cpu().numpy().T.copy(), bias

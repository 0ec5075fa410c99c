"""Engines by name. Each is loaded on first use, and then imports only its own library."""

from __future__ import annotations

from importlib import import_module

from twolayer.checks import short_repr
from twolayer.engines.contract import Engine
from twolayer.errors import EngineError

# name -> (module, class), in the order of the ladder
_ENGINE_CLASSES = {
    "numpy": ("numpy_engine", "NumpyEngine"),
    "compiled": ("compiled.engine", "CompiledEngine"),
    "torch": ("torch_engines", "TorchEngine"),
    "torch-autograd": ("torch_engines", "TorchAutogradEngine"),
    "torch-function": ("torch_engines", "TorchFunctionEngine"),
    "torch-nn": ("torch_nn", "TorchNnEngine"),
}
ENGINE_NAMES = tuple(_ENGINE_CLASSES)


def get_engine(name: str) -> Engine:
    """Return the engine of that name, whether or not its library is installed.

    Raises
    ------
    EngineError
        If there is no engine of that name.
    """
    if not isinstance(name, str) or name not in _ENGINE_CLASSES:
        raise EngineError(
            f"there is no engine {short_repr(name)}: choose one of {', '.join(ENGINE_NAMES)} or auto"
        )
    module, class_name = _ENGINE_CLASSES[name]
    return getattr(import_module(f"twolayer.engines.{module}"), class_name)()


def get_available_engine(name: str) -> Engine:
    """Return the engine of that name, which can run here.

    Raises
    ------
    EngineError
        If there is no engine of that name, or it cannot run here; the message says what to install.
    """
    engine = get_engine(name)
    refusal = engine.missing()
    if refusal:
        raise EngineError(str(refusal))
    return engine


def engines() -> dict[str, str | None]:
    """Return every engine by name: None if it can run here, else one sentence saying why not.

    Examples
    --------
    >>> import twolayer as tl
    >>> print(tl.engines()["numpy"])
    None
    """
    refusals = {name: get_engine(name).missing() for name in ENGINE_NAMES}
    return {name: str(refusal) if refusal else None for name, refusal in refusals.items()}

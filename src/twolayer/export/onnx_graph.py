"""A graph of ONNX operations, built one operation after another."""

from __future__ import annotations

from typing import Any

import numpy as np


class OnnxGraph:
    """Operations in the order of their computation, each with a name for its result.

    Attributes
    ----------
    dtype : dtype
        Of every float constant.
    nodes : list of onnx.NodeProto
    constants : list of onnx.TensorProto
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(
        self, operation: str, *inputs: Any, result: str | None = None, **settings: Any
    ) -> str:
        """Add an operation and return the name of its result; numbers and arrays among the inputs become constants."""
        from onnx import helper

        name = result or f"{operation.lower()}_{len(self.nodes)}"
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(helper.make_node(operation, names, [name], name=name, **settings))
        return name

    def constant(self, value: Any, name: str | None = None) -> str:
        """Add a number or array and return its name; floats get the graph's dtype, except those of class labels."""
        from onnx import numpy_helper

        array = np.asarray(value)
        if array.dtype.kind == "f" and name != "classes":
            array = array.astype(self.dtype)
        if array.dtype.kind == "U":
            array = array.astype(object)
        name = name or f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

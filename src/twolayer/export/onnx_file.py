"""A network as an ONNX file, made of operations that runtimes have in float32 and in float64 alike.

ONNX has Softplus, Gelu and Erf, but onnxruntime computes them in float32 only; and LeakyRelu keeps its slope in float32
whatever the numbers are. So these are written with Max, Exp, Log and products.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

import numpy as np

from twolayer import saving
from twolayer.errors import EngineError, InputError
from twolayer.export import content as contents
from twolayer.export.content import ExportContent, export_content
from twolayer.export.normal_cdf import cdf_coefficients
from twolayer.maths.activations import ACTIVATIONS, LEAKY_SLOPE
from twolayer.maths.network import Params, forward

OPSET = 17  # read by every onnxruntime since 1.12
IR_VERSION = 8
MAX_BYTES = 2**31 - 2**20  # a file of this format is shorter than 2 GiB
CHECKED_ROWS = 32
TOLERANCES = {"float32": 1e-6, "float64": 1e-12}  # in terms of what is added up


def to_onnx(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    activation: Any = None,
    dtype: Any = None,
) -> Any:
    """Turn a network into an ONNX model, and check that it predicts the same.

    Its input `x` has the shape (n_rows, n_inputs). Of a classifier its outputs are `label` and `probabilities`, as `predict`
    and `predict_proba` give them; of everything else `y_pred`, as `predict` or `twolayer.forward` gives it. Where
    onnxruntime is installed, it runs the model on made-up rows, and predictions that differ from the model's own are an
    error.

    Parameters
    ----------
    model : Params, Run, or fitted estimator
        Several networks of an estimator are averaged, as it does.
    path : str, Path or None
        Where to write the model, by custom ending in `.onnx`; None writes no file.
    activation : str or None
        For Params, which do not know theirs; None is "relu".
    dtype : {"float64", "float32"} or None
        Of weights, input and output; None leaves them as the weights are: of an estimator float64.

    Returns
    -------
    onnx_model : onnx.ModelProto
        Its metadata names the columns, the classes and the activation.

    Raises
    ------
    InputError
        If the model cannot be exported: not fitted, too large for the format, or with an activation of one's own.
    EngineError
        If onnx is not installed, or onnxruntime predicts something else.
    FileError
        If the file cannot be written; what was there before is still there.

    Examples
    --------
    >>> import twolayer as tl
    >>> model = tl.to_onnx(tl.init_params(3, 2, 1), dtype="float32")  # doctest: +SKIP
    >>> [output.name for output in model.graph.output]  # doctest: +SKIP
    ['y_pred']
    """
    contents.import_or_raise("onnx", "onnx", "onnx")
    content = export_content(model, activation, dtype)
    contents.check_activation_form(content, ACTIVATION_NODES, "the ONNX file")
    size = sum(array.nbytes for _, array in content.params.items())
    if size > MAX_BYTES:
        raise InputError(
            f"the weights take {size / 2**30:.1f} GiB, and an ONNX file holds less than 2: export to numpy or torch"
        )
    onnx_model = build_onnx_model(content)
    if find_spec("onnxruntime") is not None:
        check_predictions(content, onnx_model)
    if path is not None:
        saving.write_files({path: onnx_model.SerializeToString()})
    return onnx_model


class OnnxGraph:
    """Operations one after another, each with a name for its result."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(
        self, operation: str, *inputs: Any, result: str | None = None, **settings: Any
    ) -> str:
        """Add an operation; a number or array among its inputs becomes a constant."""
        from onnx import helper

        name = result or f"{operation.lower()}_{len(self.nodes)}"
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        self.nodes.append(helper.make_node(operation, names, [name], name=name, **settings))
        return name

    def constant(self, value: Any, name: str | None = None) -> str:
        """A name for a number or array: floats in the graph's dtype, everything else as it is."""
        from onnx import numpy_helper

        array = np.asarray(value)
        if array.dtype.kind == "f" and name != "classes":
            array = array.astype(self.dtype)
        if array.dtype.kind == "U":
            array = array.astype(object)
        name = name or f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def leaky_relu_nodes(graph: OnnxGraph, h: str) -> str:
    """max(h, 0.01·h), as the slope is below 1."""
    return graph("Max", h, graph("Mul", h, LEAKY_SLOPE))


def softplus_nodes(graph: OnnxGraph, h: str) -> str:
    """max(h, 0) + log(1 + exp(−|h|)): nothing overflows."""
    small = graph("Exp", graph("Neg", graph("Abs", h)))
    return graph("Add", graph("Relu", h), graph("Log", graph("Add", small, 1.0)))


def gelu_nodes(graph: OnnxGraph, h: str) -> str:
    """h·Φ(h), with Φ from erfc as `twolayer.export.normal_cdf` has it."""
    a = graph("Mul", graph("Abs", h), np.sqrt(0.5))
    t = graph("Div", graph.constant(2.0), graph("Add", a, 2.0))
    u = graph("Sub", graph("Mul", t, 2.0), 1.0)
    first, *rest = cdf_coefficients()[::-1]
    exponent = graph("Add", graph("Mul", u, first), rest[0])
    for coefficient in rest[1:]:
        exponent = graph("Add", graph("Mul", exponent, u), coefficient)
    bell = graph("Exp", graph("Sub", exponent, graph("Mul", a, a)))
    half = graph("Mul", graph("Mul", t, bell), 0.5)
    above = graph("Greater", h, 0.0)
    return graph("Mul", h, graph("Where", above, graph("Sub", graph.constant(1.0), half), half))


ACTIVATION_NODES: dict[str, Any] = {
    "relu": lambda graph, h: graph("Relu", h),
    "identity": lambda graph, h: h,
    "tanh": lambda graph, h: graph("Tanh", h),
    "logistic": lambda graph, h: graph("Sigmoid", h),
    "leaky_relu": leaky_relu_nodes,
    "softplus": softplus_nodes,
    "gelu": gelu_nodes,
}


def build_onnx_model(content: ExportContent) -> Any:
    """The ONNX model."""
    import onnx
    from onnx import TensorProto, helper

    from twolayer._version import __version__

    params = content.params
    graph = OnnxGraph(params.dtype)
    outputs = answer_nodes(graph, content, output_node(graph, content))
    floats = TensorProto.FLOAT if params.dtype == np.float32 else TensorProto.DOUBLE
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "twolayer",
            [helper.make_tensor_value_info("x", floats, ["n_rows", params.n_inputs])],
            [
                helper.make_tensor_value_info(name, kind or floats, shape)
                for name, kind, shape in outputs
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="twolayer",
        producer_version=__version__,
        doc_string=f"A network with one hidden layer: {content.said()}.",
    )
    helper.set_model_props(model, content.facts())
    onnx.checker.check_model(model, full_check=True)
    return model


def output_node(graph: OnnxGraph, content: ExportContent) -> str:
    """The output, shape (n_rows, n_outputs); of several networks (n_networks, n_rows, n_outputs)."""
    names = {}
    for name, array in content.params.items():
        # a bias of several networks needs an axis for the rows
        row = array[:, None, :] if name.startswith("b") and array.ndim == 2 else array
        names[name] = graph.constant(row, name)
    h = graph("MatMul", "x", names["w1"])
    if "b1" in names:
        h = graph("Add", h, names["b1"])
    y_pred = graph("MatMul", ACTIVATION_NODES[content.activation](graph, h), names["w2"])
    if "b2" in names:
        y_pred = graph("Add", y_pred, names["b2"])
    if "w_skip" in names:
        y_pred = graph("Add", y_pred, graph("MatMul", "x", names["w_skip"]))
    return y_pred


def answer_nodes(
    graph: OnnxGraph, content: ExportContent, y_pred: str
) -> list[tuple[str, Any, list[Any]]]:
    """What becomes of the output; the results' names, types (None: the weights') and shapes."""
    from onnx import TensorProto

    if content.classes is None:
        return number_nodes(graph, content, y_pred)
    logits = mean_logits_nodes(graph, content, y_pred)
    if content.answer == contents.TWO_CLASS_KIND:
        logits = graph("Concat", graph("Neg", logits), logits, axis=1)
    to_shares = {"axis": -1} if content.answer == contents.CLASS_KIND else {}
    divided = logits if content.temperature == 1 else graph("Div", logits, content.temperature)
    graph("Softmax" if to_shares else "Sigmoid", divided, result="probabilities", **to_shares)
    shape = ["n_rows", len(content.classes)]
    if content.answer == contents.LABEL_KIND:
        graph("Cast", graph("Greater", logits, 0.0), result="label", to=TensorProto.INT64)
        return [("label", TensorProto.INT64, shape), ("probabilities", None, shape)]
    listed = graph.constant(content.classes, "classes")
    graph("Gather", listed, graph("ArgMax", logits, axis=1, keepdims=0), result="label")
    kind = graph.constants[-1].data_type
    return [("label", kind, shape[:1]), ("probabilities", None, shape)]


def number_nodes(
    graph: OnnxGraph, content: ExportContent, y_pred: str
) -> list[tuple[str, Any, list[Any]]]:
    """The prediction of a regression."""
    if content.logged:
        y_pred = graph("Exp", y_pred)
    if content.params.n_networks is not None:
        y_pred = graph("ReduceMean", y_pred, axes=[0], keepdims=0)
    if content.answer == contents.NUMBER_KIND:
        graph("Squeeze", y_pred, np.array([1]), result="y_pred")
        return [("y_pred", None, ["n_rows"])]
    graph("Identity", y_pred, result="y_pred")
    return [("y_pred", None, ["n_rows", content.params.n_outputs])]


def mean_logits_nodes(graph: OnnxGraph, content: ExportContent, y_pred: str) -> str:
    """The logits of the mean probability of several networks (of several classes, up to one number for each row)."""
    if content.params.n_networks is None:
        return y_pred

    def log_of_sum(logarithms: str) -> str:
        return graph("ReduceLogSumExp", logarithms, axes=[0], keepdims=0)

    if content.answer == contents.CLASS_KIND:
        return log_of_sum(graph("LogSoftmax", y_pred, axis=-1))
    # the logarithm of the logistic function of z is −softplus(−z)
    yes = log_of_sum(graph("Neg", softplus_nodes(graph, graph("Neg", y_pred))))
    no = log_of_sum(graph("Neg", softplus_nodes(graph, y_pred)))
    return graph("Sub", yes, no)


def check_predictions(content: ExportContent, onnx_model: Any) -> None:
    """Raise if onnxruntime's predictions for made-up rows are not the model's."""
    x = test_rows(content.params)
    if content.logged:
        x = (x * min(1, 20 / largest_sum(content, x))).astype(x.dtype)  # exp stays a number
    found, wanted = run_onnx(onnx_model, x), content.predictions(x)
    tolerance = TOLERANCES[content.params.dtype.name] * largest_sum(content, x)
    scale = np.log if content.logged else np.asarray  # where the sums are
    difference = max(
        np.abs(scale(found[name]) - scale(array)).max()
        for name, array in wanted.items()
        if name != "label"
    )
    if not difference <= tolerance:
        raise EngineError(
            f"onnxruntime's predictions differ from the model's by {difference:.3g}, and by no more than "
            f"{tolerance:.3g} was expected: nothing is written"
        )
    if "label" in wanted:
        check_labels(found["label"], wanted["label"], wanted["probabilities"], tolerance)


def check_labels(found: Any, wanted: Any, probabilities: np.ndarray, tolerance: float) -> None:
    """Raise if a label is another one, where the probabilities are not as good as equal."""
    if wanted.ndim == 2:  # of each label by itself
        lead = 2 * np.abs(probabilities - 0.5)
    else:
        ranked = np.sort(probabilities, axis=1)
        lead = ranked[:, -1] - ranked[:, -2]
    clear = lead > 2 * tolerance
    if (np.asarray(found)[clear] != wanted[clear]).any():
        raise EngineError("onnxruntime predicts other classes than the model: nothing is written")


def run_onnx(onnx_model: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    """What onnxruntime says of rows, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        onnx_model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"x": x}), strict=True))


def test_rows(params: Params) -> np.ndarray:
    """Rows in whose scale the columns matter alike, with hidden units on both sides of 0; (CHECKED_ROWS, n_inputs)."""
    rng = np.random.default_rng(0)
    w1 = params.w1.astype(np.float64).reshape(-1, params.n_inputs, params.n_hidden)
    weight = np.sqrt(np.mean(w1**2, axis=(0, 2)))  # (n_inputs,)
    scale = 1 / np.where(weight > 0, weight, 1)
    bias = 0.0 if params.b1 is None else float(np.sqrt(np.mean(params.b1.astype(float) ** 2)))
    x = rng.standard_normal((CHECKED_ROWS, params.n_inputs)) * scale
    x *= (1 + bias) / np.sqrt(params.n_inputs)
    largest = np.finfo(params.dtype).max / 1e10
    return x.clip(-largest, largest).astype(params.dtype)


def largest_sum(content: ExportContent, x: np.ndarray) -> float:
    """The largest output, at least 1, if no two terms of a sum cancelled: what rounding is measured by."""
    sums = [
        forward(np.abs(x).astype(np.float64), one.map(np.abs), ACTIVATIONS["softplus"]).max()
        for one in content.networks()
    ]
    return max(1.0, *sums)

"""A network as an ONNX file, made of operations that runtimes have in float32 and in float64 alike."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

import numpy as np

from twolayer._version import __version__
from twolayer.errors import EngineError, InputError
from twolayer.export.activation_forms import ACTIVATION_FORMS, softplus_nodes
from twolayer.export.content import ExportContent, PredictionKind, check_library, export_content
from twolayer.export.onnx_graph import OnnxGraph
from twolayer.files import write_files
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.network import Params, forward
from twolayer.maths.smooth_clip import CLIP_BOUND, LARGEST_UNCLIPPED, InputClip

INPUT_WEIGHTS = ("w1", "w_skip")  # which act on the columns
MISSING_VALUES_NOTE = (
    "x must have no missing values (NaN): what is predicted of a row with one means nothing, also its label. Fill them in "
    "before."
)
OPSET = 17  # read by every onnxruntime since 1.12
IR_VERSION = 8
MAX_BYTES = 2**31 - 2**20  # a file of this format is shorter than 2 GiB
CHECKED_ROWS = 32
TOLERANCES = {"float32": 1e-6, "float64": 1e-12}  # as a share of `output_bound`


def to_onnx(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    activation: Any = None,
    dtype: Any = None,
) -> Any:
    """Return a network as an ONNX model, checked to predict the same, and write it to a file.

    Its input `x` has the shape (n_rows, n_inputs). The outputs of a classifier are `label` and `probabilities`, as `predict`
    and `predict_proba` give them; any other model has the output `y_pred`, as `predict` or `twolayer.forward` gives it.
    Where onnxruntime is installed, it predicts random rows, and predictions that differ from the model's own are an error.

    Parameters
    ----------
    model : Params, Run, fitted estimator, or a scikit-learn Pipeline of scalers and one, as in `twolayer.save`
        The networks of an estimator are averaged, as it averages them.
    path : str, Path or None
        Where to write the model, by convention ending in `.onnx`; None writes no file.
    activation : str or None
        For Params, which hold no activation; None is "relu".
    dtype : {"float64", "float32"} or None
        Of weights, input and output; None is the dtype of the model's weights, float64 for an estimator.

    Returns
    -------
    onnx_model : onnx.ModelProto
        Its metadata names the columns, the classes and the activation; its doc_string says that missing values must be
        filled in.

    Raises
    ------
    InputError
        If the model cannot be exported: it is not fitted, its activation is a function of the user's own, or it is too large
        for the format.
    EngineError
        If onnx is not installed, or onnxruntime predicts something else.
    FileError
        If the file cannot be written; the file that was there before is unchanged.

    Examples
    --------
    >>> import twolayer as tl
    >>> model = tl.to_onnx(tl.init_params(3, 2, 1), dtype="float32")  # doctest: +SKIP
    >>> [output.name for output in model.graph.output]  # doctest: +SKIP
    ['y_pred']
    """
    check_library("onnx", "onnx", "onnx")
    content = export_content(model, activation, dtype)
    size = sum(array.nbytes for array in content.arrays().values())
    if size > MAX_BYTES:
        raise InputError(
            f"the weights take {size / 2**30:.1f} GiB, and an ONNX file holds less than 2: export to numpy or torch"
        )
    onnx_model = build_onnx_model(content)
    if find_spec("onnxruntime") is not None:
        check_predictions(content, onnx_model)
    if path is not None:
        write_files({path: onnx_model.SerializeToString()})
    return onnx_model


def build_onnx_model(content: ExportContent) -> Any:
    """Return the ONNX model, checked by the format's own rules."""
    import onnx
    from onnx import TensorProto, helper

    params = content.params
    graph = OnnxGraph(params.dtype)
    outputs = prediction_nodes(graph, content, output_nodes(graph, content))
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
        doc_string=f"A network with one hidden layer: {content.said()}. {MISSING_VALUES_NOTE}",
    )
    helper.set_model_props(model, content.metadata())
    onnx.checker.check_model(model, full_check=True)
    return model


def output_nodes(graph: OnnxGraph, content: ExportContent) -> str:
    """Add the network; its output is (n_rows, n_outputs), of several networks (n_networks, n_rows, n_outputs)."""
    names = {}
    for name, array in content.params.items():
        if name in INPUT_WEIGHTS:
            continue
        # a bias of several networks needs an axis for the rows
        row = array[:, None, :] if name.startswith("b") and array.ndim == 2 else array
        names[name] = graph.constant(row, name)
    clipped = None if content.clip is None else clip_nodes(graph, content.clip)
    h = input_product_nodes(graph, content, clipped, "w1")
    if "b1" in names:
        h = graph("Add", h, names["b1"])
    h_relu = ACTIVATION_FORMS[content.activation].onnx_nodes(graph, h)
    y_pred = graph("MatMul", h_relu, names["w2"])
    if "b2" in names:
        y_pred = graph("Add", y_pred, names["b2"])
    if content.params.w_skip is not None:
        y_pred = graph("Add", y_pred, input_product_nodes(graph, content, clipped, "w_skip"))
    return y_pred


def clip_nodes(graph: OnnxGraph, clip: InputClip) -> str:
    """Add the clip of the columns."""
    centered = graph("Sub", "x", graph.constant(clip.center, "center"))
    u = graph("Div", centered, graph.constant(clip.scale, "scale"))
    u = graph("Clip", u, -LARGEST_UNCLIPPED, LARGEST_UNCLIPPED)
    shares = graph("Div", u, CLIP_BOUND)
    return graph("Div", u, graph("Sqrt", graph("Add", graph("Mul", shares, shares), 1.0)))


def input_product_nodes(
    graph: OnnxGraph, content: ExportContent, clipped: str | None, name: str
) -> str:
    """Add the product of each network's columns, the clipped ones for the last networks, with its weights of that name."""
    weights, first = getattr(content.params, name), content.n_unclipped
    if clipped is None:
        return graph("MatMul", "x", graph.constant(weights, name))
    if not first:
        return graph("MatMul", clipped, graph.constant(weights, name))
    unclipped = graph("MatMul", "x", graph.constant(weights[:first], name))
    other = graph("MatMul", clipped, graph.constant(weights[first:], f"{name}_clipped"))
    return graph("Concat", unclipped, other, axis=0)


def prediction_nodes(
    graph: OnnxGraph, content: ExportContent, y_pred: str
) -> list[tuple[str, Any, list[Any]]]:
    """Add the predictions, and return the name, type (None: that of the weights) and shape of each."""
    from onnx import TensorProto

    if content.classes is None:
        return number_nodes(graph, content, y_pred)
    logits = mean_logits_nodes(graph, content, y_pred)
    if content.kind == PredictionKind.TWO_CLASSES:
        logits = graph("Concat", graph("Neg", logits), logits, axis=1)
    divided = logits if content.temperature == 1 else graph("Div", logits, content.temperature)
    if content.kind == PredictionKind.CLASSES:
        graph("Softmax", divided, result="probabilities", axis=-1)
    else:
        graph("Sigmoid", divided, result="probabilities")
    shape = ["n_rows", len(content.classes)]
    if content.kind == PredictionKind.LABELS:
        graph("Cast", graph("Greater", logits, 0.0), result="label", to=TensorProto.INT64)
        return [("label", TensorProto.INT64, shape), ("probabilities", None, shape)]
    classes = graph.constant(content.classes, "classes")
    class_type = graph.constants[-1].data_type
    graph("Gather", classes, graph("ArgMax", logits, axis=1, keepdims=0), result="label")
    return [("label", class_type, shape[:1]), ("probabilities", None, shape)]


def number_nodes(
    graph: OnnxGraph, content: ExportContent, y_pred: str
) -> list[tuple[str, Any, list[Any]]]:
    """Add the prediction of numbers, as `prediction_nodes`."""
    if content.log_link:
        y_pred = graph("Exp", y_pred)
    if content.params.n_networks is not None:
        y_pred = graph("ReduceMean", y_pred, axes=[0], keepdims=0)
    if content.kind == PredictionKind.NUMBER:
        graph("Squeeze", y_pred, np.array([1]), result="y_pred")
        return [("y_pred", None, ["n_rows"])]
    graph("Identity", y_pred, result="y_pred")
    return [("y_pred", None, ["n_rows", content.params.n_outputs])]


def mean_logits_nodes(graph: OnnxGraph, content: ExportContent, y_pred: str) -> str:
    """Add the logits of the networks' mean probability; with softmax, up to one constant per row."""
    if content.params.n_networks is None:
        return y_pred

    def log_of_sum(logarithms: str) -> str:
        return graph("ReduceLogSumExp", logarithms, axes=[0], keepdims=0)

    if content.kind == PredictionKind.CLASSES:
        return log_of_sum(graph("LogSoftmax", y_pred, axis=-1))
    # the logarithm of the logistic function of z is −softplus(−z)
    yes = log_of_sum(graph("Neg", softplus_nodes(graph, graph("Neg", y_pred))))
    no = log_of_sum(graph("Neg", softplus_nodes(graph, y_pred)))
    return graph("Sub", yes, no)


def check_predictions(content: ExportContent, onnx_model: Any) -> None:
    """Raise EngineError if onnxruntime's predictions for random rows are not the model's own."""
    x = random_rows(content.params, content.clip)
    if content.log_link and content.clip is None:
        x = (x * min(1, 20 / output_bound(content, x))).astype(x.dtype)  # exp does not overflow
    actual, expected = run_onnx(onnx_model, x), content.predictions(x)
    tolerance = TOLERANCES[content.params.dtype.name] * output_bound(content, x)
    scale = np.log if content.log_link else np.asarray  # that of the output
    difference = max(
        np.abs(scale(actual[name]) - scale(array)).max()
        for name, array in expected.items()
        if name != "label"
    )
    if not difference <= tolerance:
        raise EngineError(
            f"onnxruntime's predictions differ from the model's by {difference:.3g}, more than the {tolerance:.3g} "
            "that rounding explains: nothing is written"
        )
    if "label" in expected:
        check_labels(actual["label"], expected["label"], expected["probabilities"], tolerance)


def check_labels(actual: Any, expected: Any, probabilities: np.ndarray, tolerance: float) -> None:
    """Raise EngineError if a label is another one, unless the two probabilities are equal up to rounding."""
    if expected.ndim == 2:  # several labels
        lead = 2 * np.abs(probabilities - 0.5)
    else:
        ranked = np.sort(probabilities, axis=1)
        lead = ranked[:, -1] - ranked[:, -2]
    clear = lead > 2 * tolerance
    if (np.asarray(actual)[clear] != expected[clear]).any():
        raise EngineError("onnxruntime predicts other classes than the model: nothing is written")


def run_onnx(onnx_model: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return onnxruntime's predictions for rows, computed on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        onnx_model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"x": x}), strict=True))


def random_rows(params: Params, clip: InputClip | None = None) -> np.ndarray:
    """Return rows scaled so that all columns matter and hidden units are on both sides of 0; (CHECKED_ROWS, n_inputs).

    Where columns are clipped, the clip says where they lie.
    """
    rng = np.random.default_rng(0)
    if clip is not None:
        x = rng.standard_normal((CHECKED_ROWS, params.n_inputs))
        return (clip.center + clip.scale * x).astype(params.dtype)
    w1 = params.w1.astype(np.float64).reshape(-1, params.n_inputs, params.n_hidden)
    weight = np.sqrt(np.mean(w1**2, axis=(0, 2)))  # (n_inputs,)
    scale = 1 / np.where(weight > 0, weight, 1)
    bias = 0.0 if params.b1 is None else float(np.sqrt(np.mean(params.b1.astype(float) ** 2)))
    x = rng.standard_normal((CHECKED_ROWS, params.n_inputs)) * scale
    x *= (1 + bias) / np.sqrt(params.n_inputs)
    largest = np.finfo(params.dtype).max / 1e10
    return x.clip(-largest, largest).astype(params.dtype)


def output_bound(content: ExportContent, x: np.ndarray) -> float:
    """Return the largest output, at least 1, if all terms of the sums had one sign: the scale of rounding errors."""
    largest, clip, networks = np.abs(x).astype(np.float64), content.clip, content.networks()
    inputs = [largest] * content.n_unclipped
    if clip is not None:
        terms = (largest + np.abs(clip.center)) / clip.scale  # of a difference that is then clipped
        inputs += [terms] * (len(networks) - len(inputs))
    bounds = [
        forward(terms, params.map(np.abs), ACTIVATIONS["softplus"]).max()
        for terms, params in zip(inputs, networks, strict=True)
    ]
    return max(1.0, *bounds)

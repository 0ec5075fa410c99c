"""A network as Python code that needs nothing but NumPy, for a person to read and for any program to run."""

from __future__ import annotations

import io
import os
import pprint
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import indent
from typing import Any

import numpy as np

from twolayer._version import __version__
from twolayer.errors import FileError
from twolayer.export.activation_forms import ACTIVATION_FORMS
from twolayer.export.content import ExportContent, PredictionKind, export_content
from twolayer.files import write_files
from twolayer.maths.smooth_clip import CLIP_BOUND, LARGEST_UNCLIPPED

MAX_INLINE_WEIGHTS = 10_000  # in the code itself; more weights go to a file beside it
CODE_WIDTH = 100
MISSING_VALUES_TEXT = (
    "x has values that are missing or infinite: fill them in before, as for training"
)

# `predict`, and the functions that it needs.
CLIP_CODE = f'''\
def clipped(x):
    """Columns around their medians in interquartile ranges, clipped smoothly at -{CLIP_BOUND:g} and {CLIP_BOUND:g}."""
    u = np.clip((x - center) / scale, -{LARGEST_UNCLIPPED:g}, {LARGEST_UNCLIPPED:g})
    return u / np.sqrt(1 + (u / {CLIP_BOUND:g}) ** 2)
'''
LOGISTIC_CODE = """\
def log_logistic(z):
    return -np.logaddexp(0, -z)
"""
SOFTMAX_CODE = """\
def log_softmax(z):
    return z - np.logaddexp.reduce(z, axis=-1, keepdims=True)
"""
LOGITS_CODE = '''\
def logits(x):
    """The logits of the mean probability of all networks, of shape (n_rows, {n_outputs})."""
    z = np.array([forward(x, k) for k in range(len(w1))])
    return {mean}
'''
OUTPUT_CODE = '''\
def predict(x):
    """The outputs, of shape (n_rows, {n_outputs})."""
    return {mean}
'''
NUMBER_CODE = '''\
def predict(x):
    """The target of each row, of shape (n_rows,)."""
    return {mean}[:, 0]
'''
PROBABILITIES_CODE = '''\
def predict_proba(x):
    """The probability of each {what}, of shape (n_rows, {count})."""
    z = {logits}
    return {probabilities}
'''
CLASS_CODE = '''\
def predict(x):
    """The class of each row, of shape (n_rows,)."""
    return CLASSES[{best}]
'''
LABEL_CODE = '''\
def predict(x):
    """Each label of each row, 0 or 1, of shape (n_rows, {n_outputs})."""
    return ({logits} > 0).astype(int)
'''


def to_numpy_code(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    activation: Any = None,
    dtype: Any = None,
) -> str:
    """Return a network as Python code whose only import is NumPy, and write it to a file.

    The code defines `forward(x)`, the network's output, `predict(x)`, and for classes `predict_proba(x)`. They give what the
    model gives.

    Parameters
    ----------
    model : Params, Run, or fitted estimator
        The networks of an estimator are averaged, as it averages them.
    path : str, Path or None
        Where to write the code, ending in `.py`. More than 10,000 weights go to a file beside it, ending in
        `.weights.npz`. None writes no file, and all weights are in the text.
    activation : str or None
        For Params, which hold no activation; None is "relu".
    dtype : {"float64", "float32"} or None
        Of the exported weights; None leaves them as they are.

    Returns
    -------
    code : str
        The contents of the file, if one was written.

    Raises
    ------
    InputError
        If the model cannot be exported: it is not fitted, or its activation is a function of the user's own.
    FileError
        If a file cannot be written; the file that was there before is unchanged.

    Examples
    --------
    >>> import twolayer as tl
    >>> params = tl.Params(w1=[[1.0, -1.0]], b1=None, w2=[[1.0], [10.0]], b2=None)
    >>> code = tl.to_numpy_code(params)
    >>> exec(code)
    >>> predict([[2.0], [-3.0]])
    array([[ 2.],
           [30.]])
    """
    content = export_content(model, activation, dtype)
    arrays = content.arrays()
    if path is None:
        return module_source(content, inline_weights_code(arrays))
    return write_numpy_code(path, arrays, lambda weights: module_source(content, weights))


def write_numpy_code(
    path: str | os.PathLike[str], weights: Mapping[str, np.ndarray], code: Callable[[str], str]
) -> str:
    """Write Python code with these weights in it, or in a file beside it if they are many, and return the code.

    Parameters
    ----------
    path : str or Path
    weights : mapping
        Arrays by name.
    code : callable
        `code(weights)` returns the whole file, given the lines that define the weights.
    """
    target = Path(path)
    if target.suffix != ".py":
        raise FileError(f"{path} must end in .py: it is Python code")
    if fits_inline(weights):
        text = code(inline_weights_code(weights))
        write_files({target: text.encode()})
        return text
    beside = io.BytesIO()
    np.savez(beside, **weights)  # type: ignore[arg-type]
    text = code(load_weights_code(list(weights)))
    write_files({target.with_suffix(".weights.npz"): beside.getvalue(), target: text.encode()})
    return text


def fits_inline(weights: Mapping[str, np.ndarray]) -> bool:
    """Return whether the weights are few enough to be in the code itself."""
    sizes = [array.size for name, array in weights.items() if name.startswith("w")]
    return sum(sizes) <= MAX_INLINE_WEIGHTS


def load_weights_code(names: list[str]) -> str:
    """Return the lines that read the weights from the file beside the code."""
    entries = ", ".join(f'weights["{name}"]' for name in names)
    return (
        "# The weights are in the file beside this one.\n"
        'with np.load(__file__.removesuffix(".py") + ".weights.npz") as weights:\n'
        f"    {', '.join(names)} = {entries}\n"
    )


def inline_weights_code(weights: Mapping[str, np.ndarray]) -> str:
    """Return the lines that define the weights, exact to the last bit, with the shape of each."""
    return "".join(
        f"{name} = {array_code(array)}  # {array.shape}\n" for name, array in weights.items()
    )


def array_code(array: np.ndarray) -> str:
    """Return `np.array(...)` of these numbers."""
    dtype = "" if array.dtype != np.float32 else ", dtype=np.float32"
    return f"np.array(\n{list_code(array.tolist())}{dtype}\n)"


def module_source(content: ExportContent, weights_code: str) -> str:
    """Return the whole file."""
    head = f'"""{module_docstring(content)}\n\n{usage_code(content)}"""\n\nimport numpy as np\n\n'
    parts = [
        head + constants_code(content) + weights_code,
        activation_code(content),
        *([] if content.clip is None else [CLIP_CODE]),
        forward_code(content),
        *predict_code(content),
    ]
    return "\n\n".join(parts)


def module_docstring(content: ExportContent) -> str:
    """Return what the file holds, and who wrote it."""
    return (
        f"A network with one hidden layer, written by twolayer {__version__}.\n\n{content.said()}."
    )


def usage_code(content: ExportContent) -> str:
    """Return the sentence that says how to call it."""
    names = "" if content.columns is None else ", the columns in the order of COLUMNS"
    numbers = content.classes is None
    functions = "`predict(x)` takes" if numbers else "`predict(x)` and `predict_proba(x)` take"
    return f"{functions} an array of shape (n_rows, {content.params.n_inputs}){names}.\n"


def constants_code(content: ExportContent) -> str:
    """Return the lines that define the names of columns and classes, and the constants of the activation."""
    constants = {}
    if content.columns is not None:
        constants["COLUMNS"] = list_code(content.columns)
    if content.classes is not None and content.kind != PredictionKind.LABELS:
        constants["CLASSES"] = names_code(content.classes)
    for name, numbers in ACTIVATION_FORMS[content.activation].numpy_constants().items():
        constants[name] = list_code(numbers)
    return "".join(f"{name} = {code}\n" for name, code in constants.items())


def list_code(values: list[Any]) -> str:
    """Return a list as Python writes it, in lines of the code's width."""
    return pprint.pformat(values, width=CODE_WIDTH, compact=True)


def names_code(array: np.ndarray) -> str:
    """Return `np.array(...)` of a few texts or numbers, with the dtype where NumPy would choose another."""
    dtype = "" if array.dtype.kind in "Ub" else f", dtype={array.dtype.name!r}"
    return f"np.array({list_code(array.tolist())}{dtype})"


def activation_code(content: ExportContent) -> str:
    """Return the function `activation(h)`."""
    return (
        f"def activation(h):\n{indent(ACTIVATION_FORMS[content.activation].numpy_code, '    ')}\n"
    )


def forward_code(content: ExportContent) -> str:
    """Return the function `forward(x)`; of several networks `forward(x, k)`, for the k-th."""
    params, several = content.params, content.params.n_networks is not None
    at = "[k]" if several else ""
    b1 = f" + b1{at}" if params.b1 is not None else ""
    b2 = f" + b2{at}" if params.b2 is not None else ""
    skip = f" + x @ w_skip{at}" if params.w_skip is not None else ""
    what = "The output of the k-th network" if several else "The network's output"
    clip = ""
    if content.clip is not None:
        some = f" if k >= {content.n_unclipped} else x" if content.n_unclipped else ""
        clip = f"    x = clipped(x){some}\n"
    return (
        f"def forward(x{', k' if several else ''}):\n"
        f'    """{what}, of shape (n_rows, {params.n_outputs})."""\n'
        "    x = np.asarray(x, dtype=w1.dtype)\n"
        "    if not np.isfinite(x).all():\n"
        f'        raise ValueError("{MISSING_VALUES_TEXT}")\n'
        f"{clip}"
        f"    h = x @ w1{at}{b1}\n"
        f"    return activation(h) @ w2{at}{b2}{skip}\n"
    )


def predict_code(content: ExportContent) -> list[str]:
    """Return the function `predict`, and the functions that it needs."""
    if content.classes is None:
        code = NUMBER_CODE if content.kind == PredictionKind.NUMBER else OUTPUT_CODE
        return [code.format(mean=mean_code(content), n_outputs=content.params.n_outputs)]
    several, n_outputs = content.params.n_networks is not None, content.params.n_outputs
    logits = "logits(x)" if several else "forward(x)"
    divided = logits if content.temperature == 1 else f"{logits} / {float(content.temperature)!r}"
    parts = [SOFTMAX_CODE if content.kind == PredictionKind.CLASSES else LOGISTIC_CODE]
    if several:
        parts.append(LOGITS_CODE.format(n_outputs=n_outputs, mean=mean_logits_code(content)))
    probabilities, what, predict = {
        PredictionKind.CLASSES: (
            "np.exp(log_softmax(z))",
            "class",
            CLASS_CODE.format(best=f"{logits}.argmax(axis=1)"),
        ),
        PredictionKind.TWO_CLASSES: (
            "np.exp(log_logistic(np.column_stack([-z, z])))",
            "class",
            CLASS_CODE.format(best=f"({logits}[:, 0] > 0).astype(int)"),
        ),
        PredictionKind.LABELS: (
            "np.exp(log_logistic(z))",
            "label",
            LABEL_CODE.format(logits=logits, n_outputs=n_outputs),
        ),
    }[content.kind]
    predict_proba = PROBABILITIES_CODE.format(
        what=what, count=len(content.classes), logits=divided, probabilities=probabilities
    )
    return [*parts, predict_proba, predict]


def mean_code(content: ExportContent) -> str:
    """Return the expression of the mean prediction of the networks, for numbers."""
    prediction = "np.exp({})" if content.log_link else "{}"
    if content.params.n_networks is None:
        return prediction.format("forward(x)")
    return f"np.mean([{prediction.format('forward(x, k)')} for k in range(len(w1))], axis=0)"


def mean_logits_code(content: ExportContent) -> str:
    """Return the expression of the logits of the mean probability, given `z`, the logits of each network."""
    add = "np.logaddexp.reduce({}, axis=0)".format
    if content.kind == PredictionKind.CLASSES:
        return f"{add('log_softmax(z)')} - np.log(len(w1))"
    return f"{add('log_logistic(z)')} - {add('log_logistic(-z)')}"

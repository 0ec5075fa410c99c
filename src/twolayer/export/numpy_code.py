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

from twolayer import saving
from twolayer.errors import FileError
from twolayer.export import content as contents
from twolayer.export.content import ExportContent, export_content
from twolayer.export.normal_cdf import cdf_coefficients
from twolayer.maths.activations import LEAKY_SLOPE
from twolayer.maths.network import Params

MAX_INLINE_WEIGHTS = 10_000  # weights that stand in the code itself; more go to a file beside it
CODE_WIDTH = 100

# The body of `activation(h)`.
ACTIVATION_CODE: dict[str, str] = {
    "relu": "return np.maximum(h, 0)",
    "identity": "return h",
    "tanh": "return np.tanh(h)",
    "logistic": "return 0.5 * (1 + np.tanh(0.5 * h))",
    "leaky_relu": f"return np.where(h < 0, {LEAKY_SLOPE} * h, h)",
    "softplus": "return np.logaddexp(0, h)",
    "gelu": '''\
"""h times the normal distribution function: ½·erfc(a) below 0, 1 − ½·erfc(a) above.

With a = |h|/√2 and t = 2/(2 + a), erfc(a) is t·exp(p(2t − 1) − a²); ERFC holds the coefficients of p.
"""
a = np.abs(h) / np.sqrt(2).astype(h.dtype)
t = 2 / (2 + a)
u, exponent = 2 * t - 1, np.zeros_like(t)
for coefficient in reversed(ERFC):
    exponent = exponent * u + coefficient
half = 0.5 * t * np.exp(exponent - a * a)
return h * np.where(h > 0, 1 - half, half)''',
}

# What stands before `predict`, and `predict` itself.
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
    return {shares}
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
    """Write a network as Python code whose only import is NumPy.

    The code has `forward(x)`, the network's output; `predict(x)`; and for classes `predict_proba(x)`; each as the model has
    it.

    Parameters
    ----------
    model : Params, Run, or fitted estimator
        Several networks of an estimator are averaged, as it does.
    path : str, Path or None
        Where to write the code, ending in `.py`. More than 10,000 weights go to a file beside it, ending in
        `.weights.npz`.
        None writes no file, and all weights are in the text.
    activation : str or None
        For Params, which do not know theirs; None is "relu".
    dtype : {"float64", "float32"} or None
        What the weights are turned into; None leaves them.

    Returns
    -------
    code : str
        As it is in the file, if one was written.

    Raises
    ------
    InputError
        If the model cannot be exported: not fitted, or with an activation of one's own.
    FileError
        If a file cannot be written; what was there before is still there.

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
    contents.check_activation_form(content, ACTIVATION_CODE, "NumPy code")

    def code(weights: str) -> str:
        return module_source(content, weights)

    if path is None:
        return code(inline_weights_code(dict(content.params.items())))
    return write_numpy_code(path, content.params, code)


def write_numpy_code(
    path: str | os.PathLike[str], params: Params, code: Callable[[str], str]
) -> str:
    """Write Python code with these weights inside, or in a file beside it if they are many; the code as it was written.

    Parameters
    ----------
    path : str or Path
    params : Params
    code : callable
        `code(weights)`: the whole file, from the lines that define the weights.
    """
    target = Path(path)
    if target.suffix != ".py":
        raise FileError(f"{path} must end in .py: it is Python code")
    weights = dict(params.items())
    if fits_inline(params):
        text = code(inline_weights_code(weights))
        saving.write_files({target: text.encode()})
        return text
    beside = io.BytesIO()
    np.savez(beside, **weights)  # type: ignore[arg-type]
    text = code(load_weights_code(list(weights)))
    saving.write_files(
        {target.with_suffix(".weights.npz"): beside.getvalue(), target: text.encode()}
    )
    return text


def fits_inline(params: Params) -> bool:
    """Whether the weights are few enough to stand in the code."""
    return (
        sum(array.size for name, array in params.items() if name.startswith("w"))
        <= MAX_INLINE_WEIGHTS
    )


def load_weights_code(names: list[str]) -> str:
    """The lines that read the weights."""
    entries = ", ".join(f'weights["{name}"]' for name in names)
    return (
        "# The weights are in the file beside this one.\n"
        'with np.load(__file__.removesuffix(".py") + ".weights.npz") as weights:\n'
        f"    {', '.join(names)} = {entries}\n"
    )


def inline_weights_code(weights: Mapping[str, np.ndarray]) -> str:
    """The weights as text, to the last bit; a shape beside each."""
    return "".join(
        f"{name} = {array_code(array)}  # {array.shape}\n" for name, array in weights.items()
    )


def array_code(array: np.ndarray) -> str:
    """`np.array(...)` of these numbers."""
    rows = pprint.pformat(array.tolist(), width=CODE_WIDTH, compact=True)
    dtype = "" if array.dtype != np.float32 else ", dtype=np.float32"
    return f"np.array(\n{rows}{dtype}\n)"


def module_source(content: ExportContent, weights_code: str) -> str:
    """The whole file."""
    head = f'"""{module_docstring(content)}\n\n{usage_code(content)}"""\n\nimport numpy as np\n\n'
    parts = [
        head + constants_code(content) + weights_code,
        activation_code(content),
        forward_code(content),
        *predict_code(content),
    ]
    return "\n\n".join(parts)


def module_docstring(content: ExportContent) -> str:
    """What the file holds, and who wrote it."""
    from twolayer._version import __version__

    return (
        f"A network with one hidden layer, written by twolayer {__version__}.\n\n{content.said()}."
    )


def usage_code(content: ExportContent) -> str:
    """How to call it."""
    names = "" if content.columns is None else ", the columns in the order of COLUMNS"
    alone = content.classes is None
    who = "`predict(x)` takes" if alone else "`predict(x)` and `predict_proba(x)` take"
    return f"{who} an array of shape (n_rows, {content.params.n_inputs}){names}.\n"


def constants_code(content: ExportContent) -> str:
    """Names of columns and classes, and the numbers that an activation needs."""
    text = ""
    if content.columns is not None:
        text += f"COLUMNS = {pprint.pformat(content.columns, width=CODE_WIDTH, compact=True)}\n"
    if content.classes is not None and content.answer != contents.LABEL_KIND:
        text += f"CLASSES = {names_code(content.classes)}\n"
    if content.activation == "gelu":
        text += (
            f"ERFC = {pprint.pformat(cdf_coefficients().tolist(), width=CODE_WIDTH, compact=True)}"
            "  # of a polynomial\n"
        )
    return text


def names_code(array: np.ndarray) -> str:
    """`np.array(...)` of a few texts or numbers, with their type where it does not show."""
    dtype = "" if array.dtype.kind in "Ub" else f", dtype={array.dtype.name!r}"
    return f"np.array({pprint.pformat(array.tolist(), width=CODE_WIDTH, compact=True)}{dtype})"


def activation_code(content: ExportContent) -> str:
    """`activation(h)`."""
    return f"def activation(h):\n{indent(ACTIVATION_CODE[content.activation], '    ')}\n"


def forward_code(content: ExportContent) -> str:
    """`forward(x)`: one network's output; of several, the outputs of the k-th."""
    params, several = content.params, content.params.n_networks is not None
    at = "[k]" if several else ""
    b1 = f" + b1{at}" if params.b1 is not None else ""
    b2 = f" + b2{at}" if params.b2 is not None else ""
    skip = f" + x @ w_skip{at}" if params.w_skip is not None else ""
    what = "The output of the k-th network" if several else "The network's output"
    return (
        f"def forward(x{', k' if several else ''}):\n"
        f'    """{what}, of shape (n_rows, {params.n_outputs})."""\n'
        "    x = np.asarray(x, dtype=w1.dtype)\n"
        f"    h = x @ w1{at}{b1}\n"
        f"    return activation(h) @ w2{at}{b2}{skip}\n"
    )


def predict_code(content: ExportContent) -> list[str]:
    """`predict`, and what it needs."""
    if content.classes is None:
        code = NUMBER_CODE if content.answer == contents.NUMBER_KIND else OUTPUT_CODE
        return [code.format(mean=mean_code(content), n_outputs=content.params.n_outputs)]
    several, n_outputs = content.params.n_networks is not None, content.params.n_outputs
    logits = "logits(x)" if several else "forward(x)"
    divided = logits if content.temperature == 1 else f"{logits} / {float(content.temperature)!r}"
    parts = [SOFTMAX_CODE if content.answer == contents.CLASS_KIND else LOGISTIC_CODE]
    if several:
        parts.append(LOGITS_CODE.format(n_outputs=n_outputs, mean=mean_logits_code(content)))
    shares = {
        contents.CLASS_KIND: "np.exp(log_softmax(z))",
        contents.LABEL_KIND: "np.exp(log_logistic(z))",
        contents.TWO_CLASS_KIND: "np.exp(log_logistic(np.column_stack([-z, z])))",
    }[content.answer]
    what = "label" if content.answer == contents.LABEL_KIND else "class"
    count = len(content.classes)
    parts.append(PROBABILITIES_CODE.format(what=what, count=count, logits=divided, shares=shares))
    if content.answer == contents.LABEL_KIND:
        return [*parts, LABEL_CODE.format(logits=logits, n_outputs=n_outputs)]
    two = content.answer == contents.TWO_CLASS_KIND
    best = f"({logits}[:, 0] > 0).astype(int)" if two else f"{logits}.argmax(axis=1)"
    return [*parts, CLASS_CODE.format(best=best)]


def mean_code(content: ExportContent) -> str:
    """The mean prediction of the networks, of numbers."""
    shape = "np.exp({})" if content.logged else "{}"
    if content.params.n_networks is None:
        return shape.format("forward(x)")
    return f"np.mean([{shape.format('forward(x, k)')} for k in range(len(w1))], axis=0)"


def mean_logits_code(content: ExportContent) -> str:
    """The logits of the mean probability, from `z`, those of each network."""
    add = "np.logaddexp.reduce({}, axis=0)".format
    if content.answer == contents.CLASS_KIND:
        return f"{add('log_softmax(z)')} - np.log(len(w1))"
    return f"{add('log_logistic(z)')} - {add('log_logistic(-z)')}"

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
from twolayer.export.content import Content, content_of
from twolayer.export.normal import coefficients
from twolayer.maths.activations import LEAK
from twolayer.maths.network import Params

MOST_INSIDE = 10_000  # weights that stand in the code itself; more go to a file beside it
WIDTH = 100

# The body of `activation(h)`.
ACTIVATION_CODE: dict[str, str] = {
    "relu": "return np.maximum(h, 0)",
    "identity": "return h",
    "tanh": "return np.tanh(h)",
    "logistic": "return 0.5 * (1 + np.tanh(0.5 * h))",
    "leaky_relu": f"return np.where(h < 0, {LEAK} * h, h)",
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
    content = content_of(model, activation, dtype)
    contents.only(content, ACTIVATION_CODE, "NumPy code")

    def code(weights: str) -> str:
        return source(content, weights)

    if path is None:
        return code(written_out(dict(content.params.items())))
    return write_code(path, content.params, code)


def write_code(path: str | os.PathLike[str], params: Params, code: Callable[[str], str]) -> str:
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
    if inside(params):
        text = code(written_out(weights))
        saving.write_whole({target: text.encode()})
        return text
    beside = io.BytesIO()
    np.savez(beside, **weights)  # type: ignore[arg-type]
    text = code(read_from_beside(list(weights)))
    saving.write_whole(
        {target.with_suffix(".weights.npz"): beside.getvalue(), target: text.encode()}
    )
    return text


def inside(params: Params) -> bool:
    """Whether the weights are few enough to stand in the code."""
    return sum(array.size for name, array in params.items() if name.startswith("w")) <= MOST_INSIDE


def read_from_beside(names: list[str]) -> str:
    """The lines that read the weights."""
    entries = ", ".join(f'weights["{name}"]' for name in names)
    return (
        "# The weights are in the file beside this one.\n"
        'with np.load(__file__.removesuffix(".py") + ".weights.npz") as weights:\n'
        f"    {', '.join(names)} = {entries}\n"
    )


def written_out(weights: Mapping[str, np.ndarray]) -> str:
    """The weights as text, to the last bit; a shape beside each."""
    return "".join(
        f"{name} = {array_code(array)}  # {array.shape}\n" for name, array in weights.items()
    )


def array_code(array: np.ndarray) -> str:
    """`np.array(...)` of these numbers."""
    rows = pprint.pformat(array.tolist(), width=WIDTH, compact=True)
    dtype = "" if array.dtype != np.float32 else ", dtype=np.float32"
    return f"np.array(\n{rows}{dtype}\n)"


def source(content: Content, weights_code: str) -> str:
    """The whole file."""
    head = f'"""{title(content)}\n\n{usage(content)}"""\n\nimport numpy as np\n\n'
    parts = [
        head + constants(content) + weights_code,
        activation_code(content),
        forward_code(content),
        *answers(content),
    ]
    return "\n\n".join(parts)


def title(content: Content) -> str:
    """What the file holds, and who wrote it."""
    from twolayer import __version__

    return (
        f"A network with one hidden layer, written by twolayer {__version__}.\n\n{content.said()}."
    )


def usage(content: Content) -> str:
    """How to call it."""
    names = "" if content.columns is None else ", the columns in the order of COLUMNS"
    alone = content.classes is None
    who = "`predict(x)` takes" if alone else "`predict(x)` and `predict_proba(x)` take"
    return f"{who} an array of shape (n_rows, {content.params.n_inputs}){names}.\n"


def constants(content: Content) -> str:
    """Names of columns and classes, and the numbers that an activation needs."""
    text = ""
    if content.columns is not None:
        text += f"COLUMNS = {pprint.pformat(content.columns, width=WIDTH, compact=True)}\n"
    if content.classes is not None and content.answer != contents.LABELS:
        text += f"CLASSES = {names_code(content.classes)}\n"
    if content.activation == "gelu":
        text += (
            f"ERFC = {pprint.pformat(coefficients().tolist(), width=WIDTH, compact=True)}"
            "  # of a polynomial\n"
        )
    return text


def names_code(array: np.ndarray) -> str:
    """`np.array(...)` of a few texts or numbers, with their type where it does not show."""
    dtype = "" if array.dtype.kind in "Ub" else f", dtype={array.dtype.name!r}"
    return f"np.array({pprint.pformat(array.tolist(), width=WIDTH, compact=True)}{dtype})"


def activation_code(content: Content) -> str:
    """`activation(h)`."""
    return f"def activation(h):\n{indent(ACTIVATION_CODE[content.activation], '    ')}\n"


def forward_code(content: Content) -> str:
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


def answers(content: Content) -> list[str]:
    """`predict`, and what it needs."""
    if content.classes is None:
        code = NUMBER_CODE if content.answer == contents.NUMBER else OUTPUT_CODE
        return [code.format(mean=mean_code(content), n_outputs=content.params.n_outputs)]
    several, n_outputs = content.params.n_networks is not None, content.params.n_outputs
    logits = "logits(x)" if several else "forward(x)"
    divided = logits if content.temperature == 1 else f"{logits} / {float(content.temperature)!r}"
    parts = [SOFTMAX_CODE if content.answer == contents.CLASSES else LOGISTIC_CODE]
    if several:
        parts.append(LOGITS_CODE.format(n_outputs=n_outputs, mean=mean_logits_code(content)))
    shares = {
        contents.CLASSES: "np.exp(log_softmax(z))",
        contents.LABELS: "np.exp(log_logistic(z))",
        contents.TWO_CLASSES: "np.exp(log_logistic(np.column_stack([-z, z])))",
    }[content.answer]
    what = "label" if content.answer == contents.LABELS else "class"
    count = len(content.classes)
    parts.append(PROBABILITIES_CODE.format(what=what, count=count, logits=divided, shares=shares))
    if content.answer == contents.LABELS:
        return [*parts, LABEL_CODE.format(logits=logits, n_outputs=n_outputs)]
    two = content.answer == contents.TWO_CLASSES
    best = f"({logits}[:, 0] > 0).astype(int)" if two else f"{logits}.argmax(axis=1)"
    return [*parts, CLASS_CODE.format(best=best)]


def mean_code(content: Content) -> str:
    """The mean prediction of the networks, of numbers."""
    shape = "np.exp({})" if content.logged else "{}"
    if content.params.n_networks is None:
        return shape.format("forward(x)")
    return f"np.mean([{shape.format('forward(x, k)')} for k in range(len(w1))], axis=0)"


def mean_logits_code(content: Content) -> str:
    """The logits of the mean probability, from `z`, those of each network."""
    add = "np.logaddexp.reduce({}, axis=0)".format
    if content.answer == contents.CLASSES:
        return f"{add('log_softmax(z)')} - np.log(len(w1))"
    return f"{add('log_logistic(z)')} - {add('log_logistic(-z)')}"

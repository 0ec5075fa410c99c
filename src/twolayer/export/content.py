"""What is exported: weights, activation, and what becomes of the network's output, whatever held them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import EngineError, InputError, TwoLayerWarning
from twolayer.maths import network, own
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.network import Params
from twolayer.training import Run

MOST_ROUNDING = 1e-5  # of a hidden unit, whose size is about 1; more is told

# what becomes of the output y_pred
OUTPUT = "output"  # nothing
NUMBER = "number"  # one target: the only column
TWO_CLASSES = "two classes"  # one logit: the logistic function
CLASSES = "classes"  # a logit for each class: softmax
LABELS = "labels"  # a logit for each label: the logistic function of each


@dataclass(frozen=True, eq=False)
class Content:
    """A trained model, told apart from the class that held it.

    Attributes
    ----------
    model : Params or fitted estimator
        Whose predictions are to be met.
    params : Params
        In the dtype of the export; with one more axis in front for several networks, whose predictions are averaged.
    activation : str
    answer : str
        What becomes of the output: one of the names above.
    logged : bool
        Whether the output is the logarithm of what is predicted, as for counts.
    temperature : float
        What logits are divided by before they become probabilities.
    classes : ndarray or None
    columns : list of str or None
        The names of the inputs.
    """

    model: Any
    params: Params
    activation: str
    answer: str
    logged: bool = False
    temperature: float = 1.0
    classes: np.ndarray | None = None
    columns: list[str] | None = None

    def networks(self) -> Iterator[Params]:
        """One network after another."""
        count = self.params.n_networks
        if count is None:
            yield self.params
        else:
            yield from (self.params.network(k) for k in range(count))

    def predictions(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """What the model itself says of rows: `y_pred`, or `label` and `probabilities`."""
        if isinstance(self.model, Params):
            return {"y_pred": network.forward(x, self.params, ACTIVATIONS[self.activation])}
        with warnings.catch_warnings():
            # the columns are in the model's order, and only an array is handed on
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            if self.classes is None:
                return {"y_pred": self.model.predict(x)}
            return {"label": self.model.predict(x), "probabilities": self.model.predict_proba(x)}

    def said(self) -> str:
        """`4 inputs, 50 hidden units (relu), 3 outputs`."""
        params, count = self.params, self.params.n_networks
        several = f", the average of {count} networks" if count else ""
        skip = ", and a direct path from input to output" if params.w_skip is not None else ""
        return (
            f"{counted(params.n_inputs, 'input')}, {counted(params.n_hidden, 'hidden unit')} ({self.activation}), "
            f"{counted(params.n_outputs, 'output')}{skip}{several}"
        )

    def facts(self) -> dict[str, str]:
        """What weights do not say, for a file's metadata: texts, and lists as JSON."""
        facts = {"activation": self.activation}
        if self.columns is not None:
            facts["columns"] = json.dumps(self.columns, ensure_ascii=False)
        if self.classes is not None:
            facts["classes"] = json.dumps(self.classes.tolist(), ensure_ascii=False)
        return facts


def counted(count: int, word: str) -> str:
    """`1 input`, `2 inputs`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def content_of(model: Any, activation: Any = None, dtype: Any = None) -> Content:
    """Read a model for export.

    Parameters
    ----------
    model : Params, Run, or fitted estimator
    activation : str, Activation or None
        For Params only, which do not know it; None is "relu".
    dtype : {"float64", "float32"} or None
        What the weights are turned into; None leaves them.

    Raises
    ------
    InputError
        If the model is none of these, is not fitted, or has an activation that no other program knows.
    """
    if isinstance(model, Params):
        content = _of_params(model, "relu" if activation is None else activation)
    else:
        if activation is not None:
            raise InputError(
                f"activation is for Params, which do not know theirs; this {type(model).__name__} does"
            )
        known = isinstance(model, Run)
        content = _of_params(model.params, known_by(model)) if known else _of_estimator(model)
    return in_dtype(content, dtype)


def known_by(run: Run) -> str:
    """The activation that a run was made with."""
    name = run.settings.get("activation")
    if name not in ACTIVATIONS:
        raise InputError(
            f"this run had the activation {checks.shown(name)}, which is not of the menu "
            f"({', '.join(ACTIVATIONS)}): no other program knows it"
        )
    return str(name)


def _of_params(params: Params, activation: Any) -> Content:
    params = checks.parameters(params)
    if params.n_networks is not None:
        raise InputError(
            f"these are {params.n_networks} networks side by side: export one of them, params.network(k); "
            "or an estimator, which averages its networks"
        )
    return Content(params, params, menu_name(activation), OUTPUT)


def _of_estimator(model: Any) -> Content:
    from twolayer.estimators.network import TwoLayerEstimator

    name = type(model).__name__
    if not isinstance(model, TwoLayerEstimator):
        raise InputError(
            f"twolayer exports Params, a Run, or one of its fitted estimators; got {name}"
        )
    if not hasattr(model, "w1_"):
        raise InputError(f"this {name} is not fitted yet: call fit first")
    params = checks.parameters(model.params_)
    columns = getattr(model, "feature_names_in_", None)
    return Content(
        model,
        params,
        menu_name(model.activation),
        _answer(model, params.n_outputs),
        not hasattr(model, "classes_") and model._task_loss().has_link,
        getattr(model, "temperature_", 1.0),
        getattr(model, "classes_", None),
        None if columns is None else [str(name) for name in columns],
    )


def _answer(model: Any, n_outputs: int) -> str:
    if not hasattr(model, "classes_"):
        return NUMBER if model._one_target else OUTPUT
    if model._several_labels:
        return LABELS
    return TWO_CLASSES if n_outputs == 1 else CLASSES


def menu_name(activation: Any) -> str:
    """The activation's name, if it is one of the menu."""
    rule = checks.activation_rule(activation)
    if own.is_own(rule, ACTIVATIONS):
        raise InputError(
            f"activation '{rule.name}' is a function of your own, which no other program knows: "
            f"what can be exported is {', '.join(ACTIVATIONS)}"
        )
    return rule.name


def in_dtype(content: Content, dtype: Any) -> Content:
    """The same with weights of that dtype."""
    if dtype is None:
        return content
    wanted = checks.float_dtype(dtype)
    if wanted == np.float32 and content.params.dtype == np.float64:
        warn_of_offsets(content)
    arrays = {name: checks.finite(array, name, wanted) for name, array in content.params.items()}
    return replace(content, params=Params(**{"b1": None, "b2": None, **arrays}))


def warn_of_offsets(content: Content) -> None:
    """Tell if float32 has too few digits for the biases of an estimator.

    It was trained on columns of mean 0 and spread 1, which gave hidden units of about 1. On the columns as they are, `b1`
    takes off what their means add; where that is large, two large numbers are to cancel, and their rounding stays.
    """
    b1 = content.params.b1
    if isinstance(content.model, Params) or b1 is None:
        return
    left = float(np.abs(b1).max() * np.finfo(np.float32).eps)
    if left > MOST_ROUNDING:
        warnings.warn(
            f"in float32 hidden units are right to about {left:.0e} only, as some columns have a mean far above their "
            "spread: take it off before the fit, or export float64",
            TwoLayerWarning,
            stacklevel=4,
        )


def with_temperature(content: Content) -> Params:
    """Weights of one network whose logits need no dividing."""
    if content.temperature == 1:
        return content.params
    dtype, factor = content.params.dtype, 1 / content.temperature
    scaled = {
        name: (array * factor).astype(dtype) if name in ("w2", "b2", "w_skip") else array
        for name, array in content.params.items()
    }
    return Params(**{"b1": None, "b2": None, **scaled})


def only(content: Content, activations: Iterable[str], form: str) -> None:
    """Raise if the form has no such activation."""
    names = list(activations)
    if content.activation not in names:
        raise InputError(
            f"{form} has no activation '{content.activation}', only {', '.join(names)}: "
            "fit with one of these, or export to another form"
        )


def need(module: str, library: str, extra: str) -> None:
    """Raise if a library is not installed, and say how to get it."""
    if find_spec(module) is None:
        raise EngineError(
            f"this export needs {library}, which is not installed: pip install 'twolayer[{extra}]'"
        )

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
from twolayer.maths import custom, network
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.network import Params
from twolayer.maths.problem import activation_object, checked_params
from twolayer.training.train import Run

LARGEST_ROUNDING = 1e-5  # of a hidden unit, whose size is about 1; more is told

# what becomes of the output y_pred
OUTPUT_KIND = "output"  # nothing
NUMBER_KIND = "number"  # one target: the only column
TWO_CLASS_KIND = "two classes"  # one logit: the logistic function
CLASS_KIND = "classes"  # a logit for each class: softmax
LABEL_KIND = "labels"  # a logit for each label: the logistic function of each


@dataclass(frozen=True, eq=False)
class ExportContent:
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
            f"{counted_noun(params.n_inputs, 'input')}, {counted_noun(params.n_hidden, 'hidden unit')} ({self.activation}), "
            f"{counted_noun(params.n_outputs, 'output')}{skip}{several}"
        )

    def facts(self) -> dict[str, str]:
        """What weights do not say, for a file's metadata: texts, and lists as JSON."""
        facts = {"activation": self.activation}
        if self.columns is not None:
            facts["columns"] = json.dumps(self.columns, ensure_ascii=False)
        if self.classes is not None:
            facts["classes"] = json.dumps(self.classes.tolist(), ensure_ascii=False)
        return facts


def counted_noun(count: int, word: str) -> str:
    """`1 input`, `2 inputs`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def export_content(model: Any, activation: Any = None, dtype: Any = None) -> ExportContent:
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
        content = _content_of_params(model, "relu" if activation is None else activation)
    else:
        if activation is not None:
            raise InputError(
                f"activation is for Params, which do not know theirs; this {type(model).__name__} does"
            )
        known = isinstance(model, Run)
        content = (
            _content_of_params(model.params, run_activation(model))
            if known
            else _content_of_estimator(model)
        )
    return content_in_dtype(content, dtype)


def run_activation(run: Run) -> str:
    """The activation that a run was made with."""
    name = run.settings.get("activation")
    if name not in ACTIVATIONS:
        raise InputError(
            f"this run had the activation {checks.short_repr(name)}, which is not of the menu "
            f"({', '.join(ACTIVATIONS)}): no other program knows it"
        )
    return str(name)


def _content_of_params(params: Params, activation: Any) -> ExportContent:
    params = checked_params(params)
    if params.n_networks is not None:
        raise InputError(
            f"these are {params.n_networks} networks side by side: export one of them, params.network(k); "
            "or an estimator, which averages its networks"
        )
    return ExportContent(params, params, activation_name(activation), OUTPUT_KIND)


def _content_of_estimator(model: Any) -> ExportContent:
    from twolayer.estimators.base import TwoLayerEstimator

    name = type(model).__name__
    if not isinstance(model, TwoLayerEstimator):
        raise InputError(
            f"twolayer exports Params, a Run, or one of its fitted estimators; got {name}"
        )
    if not hasattr(model, "w1_"):
        raise InputError(f"this {name} is not fitted yet: call fit first")
    params = checked_params(model.params_)
    columns = getattr(model, "feature_names_in_", None)
    return ExportContent(
        model,
        params,
        activation_name(model.activation),
        _answer_kind(model, params.n_outputs),
        not hasattr(model, "classes_") and model._task_loss().has_link,
        getattr(model, "temperature_", 1.0),
        getattr(model, "classes_", None),
        None if columns is None else [str(name) for name in columns],
    )


def _answer_kind(model: Any, n_outputs: int) -> str:
    if not hasattr(model, "classes_"):
        return NUMBER_KIND if model._one_target else OUTPUT_KIND
    if model._several_labels:
        return LABEL_KIND
    return TWO_CLASS_KIND if n_outputs == 1 else CLASS_KIND


def activation_name(activation: Any) -> str:
    """The activation's name, if it is one of the menu."""
    rule = activation_object(activation)
    if custom.is_custom(rule, ACTIVATIONS):
        raise InputError(
            f"activation '{rule.name}' is a function of your own, which no other program knows: "
            f"what can be exported is {', '.join(ACTIVATIONS)}"
        )
    return rule.name


def content_in_dtype(content: ExportContent, dtype: Any) -> ExportContent:
    """The same with weights of that dtype."""
    if dtype is None:
        return content
    wanted = checks.float_dtype(dtype)
    if wanted == np.float32 and content.params.dtype == np.float64:
        warn_large_offsets(content)
    arrays = {
        name: checks.finite_array(array, name, wanted) for name, array in content.params.items()
    }
    return replace(content, params=Params(**{"b1": None, "b2": None, **arrays}))


def warn_large_offsets(content: ExportContent) -> None:
    """Tell if float32 has too few digits for the biases of an estimator.

    It was trained on columns of mean 0 and spread 1, which gave hidden units of about 1. On the columns as they are, `b1`
    takes off what their means add; where that is large, two large numbers are to cancel, and their rounding stays.
    """
    b1 = content.params.b1
    if isinstance(content.model, Params) or b1 is None:
        return
    left = float(np.abs(b1).max() * np.finfo(np.float32).eps)
    if left > LARGEST_ROUNDING:
        warnings.warn(
            f"in float32 hidden units are right to about {left:.0e} only, as some columns have a mean far above their "
            "spread: take it off before the fit, or export float64",
            TwoLayerWarning,
            stacklevel=4,
        )


def fold_in_temperature(content: ExportContent) -> Params:
    """Weights of one network whose logits need no dividing."""
    if content.temperature == 1:
        return content.params
    dtype, factor = content.params.dtype, 1 / content.temperature
    scaled = {
        name: (array * factor).astype(dtype) if name in ("w2", "b2", "w_skip") else array
        for name, array in content.params.items()
    }
    return Params(**{"b1": None, "b2": None, **scaled})


def check_activation_form(content: ExportContent, activations: Iterable[str], form: str) -> None:
    """Raise if the form has no such activation."""
    names = list(activations)
    if content.activation not in names:
        raise InputError(
            f"{form} has no activation '{content.activation}', only {', '.join(names)}: "
            "fit with one of these, or export to another form"
        )


def import_or_raise(module: str, library: str, extra: str) -> None:
    """Raise if a library is not installed, and say how to get it."""
    if find_spec(module) is None:
        raise EngineError(
            f"this export needs {library}, which is not installed: pip install 'twolayer[{extra}]'"
        )

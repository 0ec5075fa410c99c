"""The content of an export: the weights, the activation, and how the network's output becomes a prediction."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, replace
from enum import Enum
from importlib.util import find_spec
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import EngineError, InputError, warn_user
from twolayer.export.activation_forms import ACTIVATION_FORMS
from twolayer.maths import custom, network
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.network import Params
from twolayer.maths.problem import activation_object, checked_params
from twolayer.maths.smooth_clip import InputClip
from twolayer.text import plural
from twolayer.training.train import Run

LARGEST_ROUNDING = 1e-5  # of a hidden unit, whose size is about 1; a larger one gives a warning


class PredictionKind(Enum):
    """What the predictions are, given the network's output."""

    OUTPUTS = "the output itself, (n_rows, n_outputs)"
    NUMBER = "the only column of the output, (n_rows,)"
    TWO_CLASSES = "the logistic function of one logit"
    CLASSES = "softmax of one logit per class"
    LABELS = "the logistic function of one logit per label"


@dataclass(frozen=True, eq=False)
class ExportContent:
    """A trained model, independent of the class that held it.

    Attributes
    ----------
    model : Params or fitted estimator
        The export must predict what it predicts.
    params : Params
        In the dtype of the export. Several networks, whose predictions are averaged, have one more axis in front.
    activation : str
    kind : PredictionKind
    log_link : bool
        Whether the output is the logarithm of the prediction, as for counts.
    temperature : float
        Logits are divided by it before they become probabilities.
    classes : ndarray or None
    columns : list of str or None
        The names of the inputs.
    clip : InputClip or None
        Of an estimator some of whose networks see clipped columns, in the dtype of the export.
    """

    model: Any
    params: Params
    activation: str
    kind: PredictionKind
    log_link: bool = False
    temperature: float = 1.0
    classes: np.ndarray | None = None
    columns: list[str] | None = None
    clip: InputClip | None = None

    @property
    def n_unclipped(self) -> int:
        """How many networks, the first ones, see the columns as they are."""
        count = self.params.n_networks or 1
        return count if self.clip is None else count - int(self.clip.networks.sum())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights by name, and the center and scale of clipped columns."""
        clip = {} if self.clip is None else {"center": self.clip.center, "scale": self.clip.scale}
        return {**dict(self.params.items()), **clip}

    def networks(self) -> list[Params]:
        """Return the networks, one Params each."""
        count = self.params.n_networks
        return [self.params] if count is None else [self.params.network(k) for k in range(count)]

    def predictions(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return the model's own predictions for rows: `y_pred`, or `label` and `probabilities`."""
        if isinstance(self.model, Params):
            return {"y_pred": network.forward(x, self.params, ACTIVATIONS[self.activation])}
        with warnings.catch_warnings():
            # the columns are in the model's order, and `x` is an array without names
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            if self.classes is None:
                return {"y_pred": self.model.predict(x)}
            return {"label": self.model.predict(x), "probabilities": self.model.predict_proba(x)}

    def said(self) -> str:
        """Return `4 inputs, 50 hidden units (relu), 3 outputs`."""
        params, count = self.params, self.params.n_networks
        several = f", the average of {count} networks" if count else ""
        skip = ", and a direct path from input to output" if params.w_skip is not None else ""
        clipped = (count or 1) - self.n_unclipped
        clip = f", {clipped} of which see clipped columns" if clipped else ""
        if clipped and not self.n_unclipped:
            clip = ", on clipped columns"
        return (
            f"{plural(params.n_inputs, 'input')}, {plural(params.n_hidden, 'hidden unit')} ({self.activation}), "
            f"{plural(params.n_outputs, 'output')}{skip}{several}{clip}"
        )

    def metadata(self) -> dict[str, str]:
        """Return what the weights do not say, for a file's metadata: texts, and lists as JSON."""
        metadata = {"activation": self.activation}
        if self.columns is not None:
            metadata["columns"] = json.dumps(self.columns, ensure_ascii=False)
        if self.classes is not None:
            metadata["classes"] = json.dumps(self.classes.tolist(), ensure_ascii=False)
        return metadata


def export_content(model: Any, activation: Any = None, dtype: Any = None) -> ExportContent:
    """Return the content of a model for export.

    Parameters
    ----------
    model : Params, Run, fitted estimator, or a scikit-learn Pipeline of scalers and one
    activation : str, Activation or None
        For Params only, which hold no activation; None is "relu".
    dtype : {"float64", "float32"} or None
        Of the exported weights; None leaves them as they are.

    Raises
    ------
    InputError
        If the model is none of these, is not fitted, or has an activation that no other program has.
    """
    if isinstance(model, Params):
        content = _params_content(model, "relu" if activation is None else activation)
    elif activation is not None:
        raise InputError(
            f"activation is for Params, which hold none; this {type(model).__name__} has its own"
        )
    elif isinstance(model, Run):
        content = _params_content(model.params, model.settings.get("activation"))
    else:
        content = _estimator_content(model)
    return content_in_dtype(content, dtype)


def _params_content(params: Params, activation: Any) -> ExportContent:
    params = checked_params(params)
    if params.n_networks is not None:
        raise InputError(
            f"these are {params.n_networks} networks side by side: export one of them, params.network(k); "
            "or an estimator, which averages its networks"
        )
    return ExportContent(params, params, activation_name(activation), PredictionKind.OUTPUTS)


def _estimator_content(model: Any) -> ExportContent:
    from twolayer.estimators.base import TwoLayerEstimator
    from twolayer.estimators.folded_pipeline import folded_pipeline

    model = folded_pipeline(model)
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
        activation_name(model.activation_),
        _prediction_kind(model, params.n_outputs),
        not hasattr(model, "classes_") and model.loss_function_.has_link,
        getattr(model, "temperature_", 1.0),
        getattr(model, "classes_", None),
        None if columns is None else [str(name) for name in columns],
        model.input_clip_,
    )


def _prediction_kind(model: Any, n_outputs: int) -> PredictionKind:
    if not hasattr(model, "classes_"):
        return PredictionKind.NUMBER if model.one_target_ else PredictionKind.OUTPUTS
    if model.several_labels_:
        return PredictionKind.LABELS
    return PredictionKind.TWO_CLASSES if n_outputs == 1 else PredictionKind.CLASSES


def activation_name(activation: Any) -> str:
    """Return the name of an activation, or raise InputError if it has no row in ACTIVATION_FORMS."""
    rule = activation_object(activation)
    if custom.is_custom(rule, ACTIVATIONS) or rule.name not in ACTIVATION_FORMS:
        raise InputError(
            f"activation '{rule.name}' cannot be exported, because other programs do not have it: "
            f"fit with one of {', '.join(ACTIVATION_FORMS)}"
        )
    return rule.name


def content_in_dtype(content: ExportContent, dtype: Any) -> ExportContent:
    """Return the same content with weights of that dtype."""
    if dtype is None:
        return content
    wanted, params = checks.float_dtype(dtype), content.params
    if wanted == np.float32 and params.dtype == np.float64:
        warn_large_offsets(content)
    arrays = {name: checks.finite_array(array, name, wanted) for name, array in params.items()}
    return replace(
        content, params=replace(params, **arrays), clip=clip_in_dtype(content.clip, wanted)
    )


def clip_in_dtype(clip: InputClip | None, dtype: Any) -> InputClip | None:
    """Return the clip with numbers of that dtype; raise InputError if a scale is too small for it."""
    if clip is None:
        return None
    center = checks.finite_array(clip.center, "the center of the clip", dtype)
    scale = checks.finite_array(clip.scale, "the scale of the clip", dtype)
    if not (scale > 0).all():
        raise InputError(
            f"column {int(np.argmin(scale))} (counted from 0) varies too little for float32: export float64, or fit with "
            "it in a smaller unit"
        )
    return replace(clip, center=center, scale=scale)


def warn_large_offsets(content: ExportContent) -> None:
    """Warn if float32 has too few digits for the biases of an estimator.

    It was trained on columns of mean 0 and spread 1, where hidden units are about 1. On the user's own columns, `b1`
    subtracts what their means add; where that is large, two large numbers must cancel, and their rounding remains.
    """
    b1 = content.params.b1
    if isinstance(content.model, Params) or b1 is None:
        return
    largest = np.abs(b1).max()
    if content.clip is not None:
        seen = content.params.w1.any(axis=(0, 2) if content.params.w1.ndim == 3 else 1)
        largest = max(
            largest, np.abs(content.clip.center / content.clip.scale)[seen].max(initial=0)
        )
    rounding = float(largest * np.finfo(np.float32).eps)
    if rounding > LARGEST_ROUNDING:
        warn_user(
            f"in float32 hidden units are right to about {rounding:.0e} only, because some columns have a mean far above "
            "their spread: subtract the mean before the fit, or export float64",
        )


def fold_in_temperature(content: ExportContent) -> Params:
    """Return weights of one network whose logits are already divided by the temperature."""
    if content.temperature == 1:
        return content.params
    dtype, factor = content.params.dtype, 1 / content.temperature
    scaled = {
        name: (array * factor).astype(dtype)
        for name, array in content.params.items()
        if name in ("w2", "b2", "w_skip")
    }
    return replace(content.params, **scaled)


def check_library(module: str, library: str, extra: str) -> None:
    """Raise EngineError if a library is not installed; the message says how to install it."""
    if find_spec(module) is None:
        raise EngineError(
            f"this export needs {library}, which is not installed: pip install 'twolayer[{extra}]'"
        )

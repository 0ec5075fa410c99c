"""An estimator's parameters as JSON, and back.

Names, numbers and lists are saved as they are. A loss with a parameter becomes {"loss": name, "parameter": number}; class
weights become a list of pairs, because names in JSON are text only. A callback, a scorer or a splitter of folds is left out:
predictions do not need it. A function of the user's own is code, and no file holds code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.fit_plan import label_smoothing_share
from twolayer.files import DamagedError
from twolayer.maths import custom
from twolayer.maths.activations import ACTIVATIONS, Activation
from twolayer.maths.losses import LOSSES, Loss
from twolayer.maths.smooth_clip import SCALINGS, STANDARD
from twolayer.solvers import Solver

UNSAVED_SETTINGS = ("callback", "scoring")


def settings_as_json(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as JSON can hold them; `cv` only if it is a number of folds."""
    return {
        name: setting_as_json(name, value)
        for name, value in given.items()
        if name != "cv" or isinstance(value, int | np.integer)
    }


def setting_as_json(name: str, value: Any) -> Any:
    """Return one setting as JSON can hold it; None if JSON cannot."""
    if name == "random_state" and not isinstance(value, int | np.integer):
        return None  # a generator has drawn numbers since: its seed is unknown
    if name in UNSAVED_SETTINGS and not isinstance(value, str):
        return None
    if name == "class_weight" and isinstance(value, Mapping):
        return [list(pair) for pair in value.items()]
    if isinstance(value, Loss):
        return loss_as_json(value)
    if isinstance(value, Activation):
        if custom.is_custom(value, ACTIVATIONS):
            raise InputError(
                f"activation '{value.name}' is a function of your own, and a model file holds no code; the weights cannot "
                "predict without it: fit with an activation of twolayer to save the model"
            )
        return value.name
    if isinstance(value, Solver):
        return value.name
    return list(value) if isinstance(value, range) else value


def loss_as_json(loss: Loss) -> Any:
    """Return the name of a loss, with its parameter if it has one."""
    if custom.is_custom(loss, LOSSES):
        raise InputError(
            f"loss '{loss.name}' is a function of your own, and a model file holds no code. Predictions do not need it: "
            "set_params(loss='squared_error') before saving keeps the weights as they are"
        )
    return {"loss": loss.name, "parameter": loss.parameter} if loss.parameter else loss.name


def restored_settings(make: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an estimator of the class `make`, or raise DamagedError or InputError."""
    known = set(make().get_params())
    if not set(settings) <= known:
        unknown = ", ".join(sorted(set(settings) - known))
        raise DamagedError(f"its settings {unknown} are unknown to {make.__name__}")
    values = dict(settings)
    if "scaling" in known:
        values.setdefault("scaling", STANDARD)  # files of earlier versions do not have it
        checks.one_of(values["scaling"], dict.fromkeys(SCALINGS), "scaling")
    checks.one_of(values.get("activation", "relu"), ACTIVATIONS, "activation")
    if "loss" in values:
        values["loss"] = restored_loss(values["loss"])
    if isinstance(values.get("class_weight"), list):
        values["class_weight"] = restored_class_weight(values["class_weight"])
    if not isinstance(values.get("solver", "auto"), str):
        raise DamagedError(f"its setting 'solver' is {checks.short_repr(values['solver'])}")
    label_smoothing_share(values.get("label_smoothing", "auto"), 1, 1)
    if values.get("skip") != "auto" and not isinstance(values.get("skip", False), bool):
        raise DamagedError(f"its setting 'skip' is {checks.short_repr(values['skip'])}")
    return values


def restored_loss(value: Any) -> Any:
    """Return the name of a loss, or a loss with a parameter."""
    if not isinstance(value, dict):
        checks.one_of(value, LOSSES, "loss")
        return value
    name, parameter = value.get("loss"), value.get("parameter")
    kind: Any = type(checks.one_of(name, LOSSES, "loss"))
    if set(value) != {"loss", "parameter"} or not LOSSES[str(name)].parameter:
        raise DamagedError(f"its loss is {checks.short_repr(value)}")
    return kind(parameter)


def restored_class_weight(pairs: list[Any]) -> dict[Any, float]:
    """Return class -> weight."""
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs) or not all(
        isinstance(label, str | int | float) for label, _ in pairs
    ):
        raise DamagedError("its class_weight is not a list of pairs")
    return {
        label: checks.finite_number(weight, "each of class_weight", at_least=0)
        for label, weight in pairs
    }

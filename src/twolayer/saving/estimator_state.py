"""A fitted estimator as text for the model file, and back; its weights and losses are tensors beside it.

    class, settings     what it is, and how it was made
    columns, classes    the names of the inputs; the classes with their type
    found               what it learned beside its weights: numbers, or a text
    search              of an estimator that chose alpha: what it tried, and every fold's score
    stopped             why training ended

Text is believed as far as the weights bear it out: as many columns, classes, hidden units as they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from twolayer import checks, estimators
from twolayer.errors import InputError
from twolayer.estimators.cv import AlphaSearchCV
from twolayer.estimators.selection.search import SearchScores
from twolayer.files import DamagedError, json_entry, string_list
from twolayer.maths.network import Params
from twolayer.saving import settings

ESTIMATOR_CLASSES = {name: getattr(estimators, name) for name in estimators.__all__}
# a number, a text, or numbers; None where there was nothing to learn
FITTED_NUMBERS = (
    "alpha_",
    "solver_",
    "device_",
    "noise_std_",
    "spread_factor_",
    "alphas_tried_",
    "validation_scores_",
    "best_step_",
    "temperature_",
)
FITTED_NAMES = ("solver_", "device_")
OPTIONAL_ATTRIBUTES = ("alphas_tried_", "validation_scores_", "best_step_")
SPREAD_ATTRIBUTES = ("noise_std_", "spread_factor_")  # of each output
NUMBER_TYPES = {np.dtype(code).name for code in "?bhilqBHILQefd"}


def estimator_facts(model: Any) -> dict[str, Any]:
    """All but the weights and losses."""
    name = type(model).__name__
    if type(model) not in ESTIMATOR_CLASSES.values():
        raise InputError(
            f"twolayer saves Params, a Run, or one of its fitted estimators; got {name}"
        )
    chooses = isinstance(model, AlphaSearchCV)
    if not hasattr(model, "w1_"):
        if chooses and hasattr(model, "cv_results_"):
            raise InputError(
                f"this {name} holds scores and no network: call fit with refit=True first"
            )
        raise InputError(f"this {name} is not fitted yet: call fit first")
    found = {name: getattr(model, name) for name in FITTED_NUMBERS if hasattr(model, name)}
    facts: dict[str, Any] = {
        "class": name,
        "settings": settings.settings_as_json(model.get_params(deep=False)),
        "stopped": model.stopped_,
        "found": {name: np.asarray(value).tolist() for name, value in found.items()},
    }
    if chooses:
        del facts["found"]["alpha_"]  # it follows from the scores
        scores = SearchScores.of(model.cv_results_)
        facts["search"] = {
            "n_hidden": scores.n_hidden,
            "alphas": scores.alphas,
            "scores": scores.values.tolist(),
        }
    if hasattr(model, "feature_names_in_"):
        facts["columns"] = [str(name) for name in model.feature_names_in_]
    if hasattr(model, "classes_"):
        facts["classes"] = classes_as_json(model.classes_)
        facts["several_labels"] = model._several_labels
    else:
        facts["one_target"] = model._one_target
    return facts


def classes_as_json(classes: np.ndarray) -> dict[str, Any]:
    """Classes as a type and a list."""
    kind = "text" if classes.dtype.kind == "U" else classes.dtype.name
    values = classes.tolist()
    if kind == "object" and not all(isinstance(value, str) for value in values):
        raise InputError(f"classes that are neither text nor numbers cannot be saved: {values}")
    return {"type": kind, "values": values}


def restored_estimator(
    params: Params, losses: np.ndarray, final_loss: Any, facts: Mapping[str, Any]
) -> Any:
    """The fitted estimator of these weights, losses and facts."""
    make = checks.one_of(json_entry(facts, "class", str), ESTIMATOR_CLASSES, "estimator")
    model = make(**settings.restored_settings(make, json_entry(facts, "settings", dict)))
    other_skip = model.skip != "auto" and model.skip != (params.w_skip is not None)
    if params.b1 is None or params.b2 is None or other_skip:
        raise DamagedError("its weights are not those of an estimator")
    model._set_params_of_networks(params)
    model.loss_curve_, model.loss_, model.n_iter_ = losses, final_loss, len(losses)
    model.stopped_ = json_entry(facts, "stopped", str)
    model.n_features_in_ = params.n_inputs
    if "columns" in facts:
        names = string_list(facts["columns"], params.n_inputs, "columns")
        model.feature_names_in_ = np.array(names, dtype=object)
    if "classes" in facts:
        several = json_entry(facts, "several_labels", bool)
        model.classes_ = restored_classes(
            json_entry(facts, "classes", dict), params.n_outputs, several
        )
        model._several_labels = several
    else:
        model._one_target = json_entry(facts, "one_target", bool)
        model.n_outputs_ = params.n_outputs
    if hasattr(model, "classes_") != hasattr(model, "predict_proba"):
        raise DamagedError("it has classes without a classifier, or a classifier without classes")
    restore_fitted(model, json_entry(facts, "found", dict), params.n_outputs)
    if isinstance(model, AlphaSearchCV):
        restore_search(model, json_entry(facts, "search", dict), params.n_hidden)
    return model


def restore_fitted(model: Any, found: Mapping[str, Any], n_outputs: int) -> None:
    """Weight decay, solver, device, noise and scores, as far as they are there."""
    if not set(found) <= set(FITTED_NUMBERS):
        raise DamagedError(
            f"what it found is unknown: {', '.join(sorted(set(found) - set(FITTED_NUMBERS)))}"
        )
    for name, value in found.items():
        if (
            value is None
            if name in OPTIONAL_ATTRIBUTES
            else name in FITTED_NAMES and isinstance(value, str)
        ):
            setattr(model, name, value)
        elif name in FITTED_NAMES or value is None:
            raise DamagedError(f"its entry '{name}' is {checks.short_repr(value)}")
        elif name == "best_step_":
            steps = value if isinstance(value, list) else [value]
            counts = [checks.whole_number(step, name, at_least=0) for step in steps]
            setattr(model, name, np.array(counts) if isinstance(value, list) else counts[0])
        elif isinstance(value, list) and name not in ("alpha_", "temperature_"):
            setattr(model, name, checks.finite_array(checks.floats(value, name), name))
        else:
            setattr(model, name, checks.finite_number(value, name, at_least=0))
    check_histories(model)
    heat = getattr(model, "temperature_", 1.0)
    if not isinstance(heat, float) or not 1e-3 <= heat <= 1e3:  # logits are divided by it
        raise DamagedError(f"its temperature is {checks.short_repr(heat)}")
    for name in SPREAD_ATTRIBUTES:
        spread = getattr(model, name, None)
        if spread is not None and (np.shape(spread) != (n_outputs,) or (spread < 0).any()):
            raise DamagedError("its noise is not one number for each output")


def check_histories(model: Any) -> None:
    """Raise if what was tried, or seen on rows held out, is not of this model's networks."""
    if not isinstance(model, AlphaSearchCV) and not hasattr(model, "alpha_"):
        raise DamagedError("its alpha is missing")
    tried = getattr(model, "alphas_tried_", None)
    if tried is not None and (np.ndim(tried) != 2 or np.shape(tried)[1] != 2 or not len(tried)):
        raise DamagedError("its alphas tried are not pairs of alpha and loss")
    seen = getattr(model, "validation_scores_", None)
    best = getattr(model, "best_step_", None)
    networks = np.shape(model.loss_curve_)[1:]
    if (seen is None) != (best is None) or (
        seen is not None and (np.shape(seen)[1:] != networks or np.ndim(seen) != 1 + len(networks))
    ):
        raise DamagedError("its scores on rows held out are not of its networks")
    if best is not None and np.shape(best) != networks:
        raise DamagedError("its best step is not one for each network")


def restore_search(model: AlphaSearchCV, search: Mapping[str, Any], n_hidden: int) -> None:
    """What was tried, every score, and the best."""
    widths = [
        checks.whole_number(width, "n_hidden") for width in json_entry(search, "n_hidden", list)
    ]
    alphas = [
        checks.finite_number(alpha, "alphas", at_least=0)
        for alpha in json_entry(search, "alphas", list)
    ]
    values = checks.finite_array(
        checks.floats(json_entry(search, "scores", list), "scores"), "scores"
    )
    if values.ndim != 3 or values.shape[:2] != (len(widths), len(alphas)) or not values.size:
        raise DamagedError("its scores are not one for each n_hidden, alpha and fold")
    if widths != sorted(set(widths)) or alphas != sorted(set(alphas), reverse=True):
        raise DamagedError("its n_hidden and alphas are not in order")
    model._keep(SearchScores(widths, alphas, values))
    model.n_iter_ = max(model.n_iter_, 1)  # as after a fit that found nothing to do
    if model.n_hidden_ != n_hidden:
        raise DamagedError(f"its weights have {n_hidden} hidden units, and {model.n_hidden_} won")
    if model._standardises_y() and not all(hasattr(model, name) for name in SPREAD_ATTRIBUTES):
        raise DamagedError("its noise is missing")


def restored_classes(
    described: Mapping[str, Any], n_outputs: int, several_labels: bool
) -> np.ndarray:
    """The classes, as many as the outputs tell apart."""
    count = 2 if n_outputs == 1 and not several_labels else n_outputs
    kind, values = json_entry(described, "type", str), json_entry(described, "values", list)
    if kind in ("text", "object"):
        names = string_list(values, count, "classes")
        return np.array(names, dtype=object if kind == "object" else None)
    if kind not in NUMBER_TYPES:
        raise DamagedError(f"its classes are of type {checks.short_repr(kind)}")
    try:
        classes = np.array(values, dtype=kind)
    except (TypeError, ValueError, OverflowError):
        classes = np.zeros(0)
    if classes.shape != (count,) or not np.isfinite(classes).all() or len(set(values)) != count:
        raise DamagedError(f"its classes are not {count} different numbers")
    return classes

"""A fitted estimator as text for the model file, and back; its weights and losses are tensors in the same file.

    class, settings              what it is, and its parameters
    columns, classes             the names of the inputs; the classes with their type
    clipped_networks             which networks see clipped columns, if any do; the clip's arrays are tensors
    several_labels, one_target   of a classifier, of a regressor: the shape of the targets
    found                        the other fitted attributes: numbers, or a text
    search                       of an estimator that chose alpha: what it tried, and the score of every fold
    stopped                      why training ended
    row_groups                   the names of the groups of the rows of training, where these are in the file

What is read is checked against the weights: there are as many columns, classes and hidden units as the weights have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor

from twolayer import checks, estimators
from twolayer.errors import InputError
from twolayer.estimators.column_weights import WEIGHINGS
from twolayer.estimators.cv import AlphaSearchCV
from twolayer.estimators.kept_rows import KeptRows
from twolayer.estimators.selection.search import SearchScores
from twolayer.estimators.stream_state import StreamState
from twolayer.estimators.uncertainty.class_sets import losses_as_arrays, losses_from_arrays
from twolayer.estimators.uncertainty.leave_out import kept_rows
from twolayer.estimators.uncertainty.predictive_spread import PredictiveSpread
from twolayer.files import DamagedError, json_entry, string_list
from twolayer.maths.network import Params
from twolayer.maths.smooth_clip import InputClip
from twolayer.saving import settings
from twolayer.training.table_home import is_elsewhere

ESTIMATOR_CLASSES = {name: getattr(estimators, name) for name in estimators.__all__}
NUMBER_TYPES = {np.dtype(code).name for code in "?bhilqBHILQefd"}
TEMPERATURES = (1e-3, 1e3)  # logits are divided by one in this range
SPREAD_ATTRIBUTES = ("noise_std_", "spread_factor_")  # one number per output


def estimator_facts(model: Any, keep_rows: bool = False) -> dict[str, Any]:
    """Return all that the file says of an estimator besides weights and losses."""
    name = type(model).__name__
    if type(model) not in ESTIMATOR_CLASSES.values():
        raise InputError(
            f"twolayer saves Params, a Run, or one of its fitted estimators; got {name}"
            f"{' (give its best_estimator_)' if hasattr(model, 'best_estimator_') else ''}"
        )
    is_search = isinstance(model, AlphaSearchCV)
    if not hasattr(model, "w1_"):
        if is_search and hasattr(model, "cv_results_"):
            raise InputError(
                f"this {name} holds scores and no network: call fit with refit=True first"
            )
        raise InputError(f"this {name} is not fitted yet: call fit first")
    if is_elsewhere(model.w1_):
        raise InputError(
            f"w1_ of this {name} is a Dask array of {model.w1_.size:,} numbers, and a model file holds weights that fit on "
            "this machine: write it out with model.w1_.to_zarr(FOLDER), or fit with a smaller n_hidden or n_networks"
        )
    learned = {name: getattr(model, name) for name in LEARNED_ATTRIBUTES if hasattr(model, name)}
    facts: dict[str, Any] = {
        "class": name,
        "settings": settings.settings_as_json(model.get_params(deep=False)),
        "stopped": model.stopped_,
        "found": {name: np.asarray(value).tolist() for name, value in learned.items()},
    }
    if is_search:
        del facts["found"]["alpha_"]  # it follows from the scores
        scores = SearchScores.of(model.cv_results_)
        facts["search"] = {
            "n_hidden": scores.n_hidden,
            "alphas": scores.alphas,
            "scores": scores.values.tolist(),
        }
    if model.input_clip_ is not None:
        facts["clipped_networks"] = model.input_clip_.networks.tolist()
    if keep_rows and kept_rows(model).groups is not None:
        facts["row_groups"] = model.rows_.group_names
    if hasattr(model, "feature_names_in_"):
        facts["columns"] = [str(name) for name in model.feature_names_in_]
    if hasattr(model, "classes_"):
        facts["classes"] = classes_as_json(model.classes_)
        facts["several_labels"] = model.several_labels_
    else:
        facts["one_target"] = model.one_target_
    return facts


def estimator_arrays(model: Any, keep_rows: bool) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays of each part of an estimator beside its weights, by the part's name and theirs."""
    arrays = {}
    if model.input_clip_ is not None:
        arrays["clip"] = {"center": model.input_clip_.center, "scale": model.input_clip_.scale}
    if hasattr(model, "stream_"):
        arrays["stream"] = model.stream_.arrays()
    if getattr(model, "spread_", None) is not None:
        arrays["spread"] = model.spread_.arrays()
    if getattr(model, "left_out_losses_", None) is not None:
        arrays["sets"] = losses_as_arrays(model.left_out_losses_)
    if keep_rows:
        labels = is_classifier(model) and not model.several_labels_
        arrays["rows"] = kept_rows(model).arrays(model.classes_ if labels else None)
    return arrays


def classes_as_json(classes: np.ndarray) -> dict[str, Any]:
    """Return classes as a type and a list."""
    kind = "text" if classes.dtype.kind == "U" else classes.dtype.name
    values = classes.tolist()
    if kind == "object" and not all(isinstance(value, str) for value in values):
        raise InputError(f"classes that are neither text nor numbers cannot be saved: {values}")
    return {"type": kind, "values": values}


def restored_estimator(
    params: Params,
    losses: np.ndarray,
    final_loss: Any,
    parts: Mapping[str, dict[str, np.ndarray]],
    facts: Mapping[str, Any],
) -> Any:
    """Return the fitted estimator of these weights, losses, arrays of its parts (see `estimator_arrays`), and facts.

    Raises
    ------
    DamagedError, InputError
        If they do not fit each other.
    """
    make = checks.one_of(json_entry(facts, "class", str), ESTIMATOR_CLASSES, "estimator")
    model = make(**settings.restored_settings(make, json_entry(facts, "settings", dict)))
    other_skip = model.skip != "auto" and model.skip != (params.w_skip is not None)
    if params.b1 is None or params.b2 is None or other_skip:
        raise DamagedError("its weights are not those of an estimator")
    state = {
        "params_": params,
        "input_clip_": restored_clip(parts["clip"], facts.get("clipped_networks"), params),
        "network_loss_curves_": losses[:, None] if losses.ndim == 1 else losses,
        "loss_": final_loss,
        "n_iter_": len(losses),
        "stopped_": json_entry(facts, "stopped", str),
        **restored_targets(facts, params.n_outputs),
        **restored_attributes(json_entry(facts, "found", dict)),
    }
    if "columns" in facts:
        names = string_list(facts["columns"], params.n_inputs, "columns")
        state["feature_names_in_"] = np.array(names, dtype=object)
    if ("classes_" in state) != is_classifier(model):
        raise DamagedError("it has classes without a classifier, or a classifier without classes")
    if isinstance(model, AlphaSearchCV):
        scores = restored_scores(json_entry(facts, "search", dict), params.n_hidden)
        state["cv_results_"] = scores.results()
        state["n_iter_"] = max(len(losses), 1)  # as after a fit that converged at once
    elif "alpha_" not in state:
        raise DamagedError("its alpha is missing")
    check_attributes(state)
    model.set_fitted_state(state | restored_parts(model, parts, state, facts))
    if isinstance(model, AlphaSearchCV) and is_regressor(model):
        needs_noise = not model.loss_function_.has_link
        if needs_noise and not all(name in state for name in SPREAD_ATTRIBUTES):
            raise DamagedError("its noise is missing")
    return model


def restored_parts(
    model: Any,
    parts: Mapping[str, dict[str, np.ndarray]],
    state: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the fitted attributes that are made of arrays, but for the clip; raise DamagedError or InputError."""
    params = state["params_"]
    own: dict[str, Any] = {}
    if parts["stream"]:
        own["stream_"] = StreamState.from_arrays(parts["stream"], params)
    if parts["spread"]:
        if not is_regressor(model) or "noise_std_" not in state:
            raise DamagedError("it has a spread without a regressor, or without its noise")
        clip = state["input_clip_"]
        own["spread_"] = PredictiveSpread.from_arrays(parts["spread"], params, clip)
    labels = state.get("classes_") if not state.get("several_labels_") else None
    if parts["sets"]:
        if labels is None:
            raise DamagedError("it has losses of rows left out, and not one class per row")
        own["left_out_losses_"] = losses_from_arrays(parts["sets"], labels)
    if parts["rows"]:
        one = labels is not None or state.get("one_target_", False)
        shape = () if one else (params.n_outputs,)
        groups = facts.get("row_groups")
        rows = KeptRows.from_arrays(parts["rows"], params.n_inputs, shape, labels, groups)
        several = state.get("several_labels_", False)
        own["rows_"] = replace(rows, y=rows.y.astype(int)) if several else rows
    return own


def restored_clip(
    arrays: Mapping[str, np.ndarray], networks: Any, params: Params
) -> InputClip | None:
    """Return the clip of the columns, which these networks see, or None if there is none; else raise DamagedError."""
    if not arrays and networks is None:
        return None
    shape = (params.n_inputs,)
    fits = set(arrays) == {"center", "scale"} and all(
        one.dtype == np.float64 and one.shape == shape and np.isfinite(one).all()
        for one in arrays.values()
    )
    if not fits or (arrays["scale"] <= 0).any():
        raise DamagedError(f"its clip is not a center and a scale above 0 for {shape[0]} inputs")
    count = params.n_networks or 1
    if (
        not isinstance(networks, list)
        or len(networks) != count
        or not all(isinstance(one, bool) for one in networks)
        or networks != sorted(networks)
        or not networks[-1]
    ):
        raise DamagedError(f"its clipped networks are not the last of {count}")
    return InputClip(arrays["center"], arrays["scale"], np.array(networks))


def restored_targets(facts: Mapping[str, Any], n_outputs: int) -> dict[str, Any]:
    """Return the fitted attributes that describe the targets: classes, or how many numbers."""
    if "classes" not in facts:
        return {"one_target_": json_entry(facts, "one_target", bool), "n_outputs_": n_outputs}
    several = json_entry(facts, "several_labels", bool)
    classes = restored_classes(json_entry(facts, "classes", dict), n_outputs, several)
    return {"classes_": classes, "several_labels_": several}


def restored_classes(
    described: Mapping[str, Any], n_outputs: int, several_labels: bool
) -> np.ndarray:
    """Return the classes, as many as the outputs distinguish."""
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


def restored_attributes(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fitted attributes of the entry `found`, checked one by one."""
    found = {EARLIER_NAMES.get(name, name): value for name, value in found.items()}
    unknown = sorted(set(found) - set(LEARNED_ATTRIBUTES))
    if unknown:
        raise DamagedError(f"its fitted attributes {', '.join(unknown)} are unknown")
    return {name: LEARNED_ATTRIBUTES[name](name, value) for name, value in found.items()}


def _number(name: str, value: Any) -> float:
    return checks.finite_number(value, name, at_least=0)


def _text(name: str, value: Any) -> str:
    return json_entry({name: value}, name, str)


def _weighing(name: str, value: Any) -> str:
    checks.one_of(value, WEIGHINGS, name)
    return str(value)


def _numbers(name: str, value: Any) -> np.ndarray:
    return checks.finite_array(checks.floats(json_entry({name: value}, name, list), name), name)


def _steps(name: str, value: Any) -> int | np.ndarray:
    if isinstance(value, list):
        return np.array([checks.whole_number(step, name, at_least=0) for step in value])
    return checks.whole_number(value, name, at_least=0)


def _optional(reader: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    return lambda name, value: None if value is None else reader(name, value)


EARLIER_NAMES = {"best_step_": "best_iter_"}  # in files of earlier versions
LEARNED_ATTRIBUTES: dict[str, Callable[[str, Any], Any]] = {
    "alpha_": _number,
    "solver_": _text,
    "device_": _text,
    "noise_std_": _numbers,
    "spread_factor_": _numbers,
    "alphas_tried_": _optional(_numbers),
    "alpha_search_": _optional(_text),
    "column_weighing_": _weighing,
    "validation_scores_": _optional(_numbers),
    "best_iter_": _optional(_steps),
    "temperature_": _number,
}


def check_attributes(state: Mapping[str, Any]) -> None:
    """Raise DamagedError if fitted attributes do not fit each other, or the networks."""
    low, high = TEMPERATURES
    temperature = state.get("temperature_", 1.0)
    if not low <= temperature <= high:
        raise DamagedError(f"its temperature is {checks.short_repr(temperature)}")
    for name in SPREAD_ATTRIBUTES:
        spread = state.get(name)
        if spread is not None and (
            spread.shape != (state["params_"].n_outputs,) or (spread < 0).any()
        ):
            raise DamagedError("its noise is not one number per output, at least 0")
    tried = state.get("alphas_tried_")
    if tried is not None and (tried.ndim != 2 or tried.shape[1] != 2):
        raise DamagedError("its alphas tried are not pairs of alpha and loss")
    scores, best_iter = state.get("validation_scores_"), state.get("best_iter_")
    networks = () if state["params_"].n_networks is None else (state["params_"].n_networks,)
    if (scores is None) != (best_iter is None) or (
        scores is not None and (scores.ndim != 1 + len(networks) or scores.shape[1:] != networks)
    ):
        raise DamagedError("its validation scores are not those of its networks")
    if best_iter is not None and np.shape(best_iter) != networks:
        raise DamagedError("its best pass is not one number per network")


def restored_scores(search: Mapping[str, Any], n_hidden: int) -> SearchScores:
    """Return the scores of a search whose best network has this many hidden units, or raise DamagedError."""
    sizes = [checks.whole_number(size, "n_hidden") for size in json_entry(search, "n_hidden", list)]
    alphas = [
        checks.finite_number(alpha, "alphas", at_least=0)
        for alpha in json_entry(search, "alphas", list)
    ]
    values = _numbers("scores", json_entry(search, "scores", list))
    if values.ndim != 3 or values.shape[:2] != (len(sizes), len(alphas)) or not values.size:
        raise DamagedError("its scores are not one number per n_hidden, alpha and fold")
    if sizes != sorted(set(sizes)) or alphas != sorted(set(alphas), reverse=True):
        raise DamagedError("its n_hidden and alphas are not in order")
    scores = SearchScores(sizes, alphas, values)
    best = scores.best()[0]
    if best != n_hidden:
        raise DamagedError(
            f"its weights have {n_hidden} hidden units, and the best of the search has {best}"
        )
    return scores

"""Every form predicts what the model does: every kind of prediction, activation and dtype; expected values are the model's own.

Also where functions saturate or cancel, against Python's `math`, number by number.
"""

import copy
import importlib.util
import math

import numpy as np
import pytest
from export_models import (
    CLASSIFIERS,
    FORMS,
    KINDS,
    TOLERANCES,
    exported_predictions,
    fitted,
    is_held_by_sklearn,
    own_predictions,
    rows,
)

import twolayer as tl
from twolayer.maths.activations import ACTIVATIONS

LIBRARIES = {"onnx": ["onnx", "onnxruntime"], "torch": ["torch"]}

# every kind of prediction with every shape of network, and every activation
MODELS = [
    (kind, "relu", skip, n_networks)
    for kind in KINDS
    for skip in (False, True)
    for n_networks in (1, 3)
] + [("classes", activation, False, 1) for activation in ACTIVATIONS if activation != "relu"]


@pytest.fixture(params=FORMS)
def form(request):
    for library in LIBRARIES.get(request.param, ()):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    return request.param


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("which", MODELS, ids=lambda which: "-".join(map(str, which)))
def test_the_export_predicts_what_the_model_does(form, which, dtype):
    model = fitted(*which)
    if form == "sklearn" and not is_held_by_sklearn(model):
        return  # refused: see test_sklearn_mlp.py
    x = rows(dtype)
    actual, expected = exported_predictions(form, model, x, dtype=dtype), own_predictions(model, x)
    for name, array in actual.items():
        assert array.shape == expected[name].shape
        if name == "label":
            assert (array == expected[name]).all()
        else:
            scale = max(1, np.abs(expected[name]).max())
            assert np.abs(array - expected[name]).max() <= TOLERANCES[dtype] * scale
    assert (
        set(actual) >= {"label", "probabilities"} or which[0] not in CLASSIFIERS or form == "torch"
    )


@pytest.mark.parametrize("n_networks", [1, 3])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_temperature_is_taken_along(form, kind, n_networks):
    model = copy.copy(fitted(kind, "tanh", False, n_networks))
    if form == "sklearn" and n_networks > 1:
        return
    model.temperature_ = 30.0  # so that probabilities which are nothing become something
    x = 3 * rows()
    actual, expected = exported_predictions(form, model, x), own_predictions(model, x)
    assert (
        np.abs(
            expected["probabilities"] - fitted(kind, "tanh", False, n_networks).predict_proba(x)
        ).max()
        > 0.1
    )
    for name, array in actual.items():
        assert (
            (array == expected[name]).all()
            if name == "label"
            else np.abs(array - expected[name]).max() < 1e-12
        )


# far out, near 0, exactly 0, and where torch's own softplus would leave the curve
PLACES = [-1000.0, -90.0, -38.5, -20.5, -9.0, -3.0, -1e-3, 0.0, 1e-3, 0.7, 5.0, 20.5, 90.0, 1000.0]

EXACT = {
    "relu": lambda h: max(h, 0.0),
    "identity": lambda h: h,
    "tanh": math.tanh,
    "logistic": lambda h: 1 / (1 + math.exp(-h)) if h > -700 else 0.0,
    "leaky_relu": lambda h: h if h > 0 else 0.01 * h,
    "softplus": lambda h: max(h, 0.0) + math.log1p(math.exp(-abs(h))),
    "gelu": lambda h: h * 0.5 * math.erfc(-h / math.sqrt(2)),
}


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_right_far_out_and_near_0(form, activation, dtype):
    if form == "sklearn" and activation not in ("identity", "logistic", "tanh", "relu"):
        return
    one = np.ones((1, 1), dtype)
    x = np.array(PLACES, dtype)[:, None]
    settings = {"activation": activation}
    actual = exported_predictions(form, tl.Params(w1=one, b1=None, w2=one, b2=None), x, **settings)
    (y_pred,) = actual.values()
    assert y_pred.dtype == dtype
    expected = np.array([EXACT[activation](float(h)) for h in x[:, 0]])
    scale = np.maximum(1, np.abs(expected))
    assert (np.abs(y_pred.reshape(-1) - expected) <= TOLERANCES[dtype] * scale).all()


@pytest.mark.parametrize("n_rows", [1, 7])
def test_any_number_of_rows_will_do(form, n_rows):
    model = fitted("classes")
    actual, expected = (
        exported_predictions(form, model, rows()[:n_rows]),
        own_predictions(model, rows()[:n_rows]),
    )
    for name, array in actual.items():
        assert array.shape == expected[name].shape
